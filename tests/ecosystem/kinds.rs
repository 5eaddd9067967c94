//! More inputs of the kinds that users reported, each beside `pm2 start` of the same on a real PM2
//! 7.0.4: what a file sees and does, how it is written, what its errors say.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use super::again::{ended, pm2, pm2_tui};
use super::assert_listed_the_same;
use super::cases::{apps, clear, empty, names};
use crate::harness::PATIENCE;
use crate::harness::apps::sleeper;
use crate::harness::home::{Pm2Home, run};
use crate::harness::install::Release;
use crate::harness::trials::{Test, with_pm2};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        with_pm2(more_that_pm2_starts_is_started_the_same).lasting(),
        with_pm2(more_that_pm2_refuses_is_told),
        with_pm2(standard_input_is_read_as_pm2_reads_it),
    ]
}

/// A module that exports one app, with these lines before it.
fn module(before: &str, name: &str, more: &str) -> String {
    let app = "script: './app.js', autostart: false";
    format!("{before}\nmodule.exports = {{ apps: [{{ name: {name}, {app}, {more} }}] }};")
}

/// File, text, and the words behind it.
#[expect(clippy::too_many_lines, reason = "a table")]
fn started() -> Vec<(&'static str, String, &'static [&'static str])> {
    let word = "const word = process.argv[process.argv.length - 1].replace(/[^a-z]/g, '');";
    let all = "env: { SEEN: process.argv.slice(2).join(' ') }";
    vec![
        // What the file sees of the command line.
        ("a1.config.js", module("", "'argv'", all), &["--env", "staging"]),
        ("a2.config.js", module(word, "'spelled-' + word", ""), &["--env=production"]),
        ("a3.config.js", module("", "'only'", all), &["--only", "only"]),
        ("a4.config.js", module("", "'both'", all), &["--only=both", "--env", "x"]),
        // What it does to the environment.
        ("b1.config.js", module("process.env.FROM_FILE = 'yes';", "'sets'", ""), &[]),
        (
            "b2.config.js",
            module(
                "process.env.NODE_ENV = 'production';",
                "'mode'",
                "env: { COPY: process.env.NODE_ENV }",
            ),
            &[],
        ),
        ("b3.config.js", module("delete process.env.LANG;", "'removes'", ""), &[]),
        (
            "b4.config.js",
            module(
                "for (const line of 'DB=x\\nURL=a=b'.split('\\n')) { const [k, ...v] = \
                 line.split('='); process.env[k] = v.join('='); }",
                "'dotenv'",
                "env: { DB_COPY: process.env.DB }",
            ),
            &[],
        ),
        // What is there in PM2's own process.
        (
            "c1.config.js",
            module(
                "",
                "'globals'",
                "env: { G: ['fs', 'path', 'os', 'module', 'require', 'crypto', 'process', 'util'].map((k) \
                 => typeof globalThis[k]).join() }",
            ),
            &[],
        ),
        (
            "c2.config.js",
            module(
                "",
                "'main'",
                "env: { M: typeof require.main, S: String(require.main === module) }",
            ),
            &[],
        ),
        (
            "c3.config.mjs",
            format!(
                "const seen = [typeof module, typeof require, typeof __dirname, typeof exports];
const apps = {}; apps[0].env = {{ T: seen.join() }}; export {{ apps }};",
                apps("module")
            ),
            &[],
        ),
        // How JSON is written.
        ("d1.jsonc", format!("// with comments\n{{ apps: {} , }}", apps("jsonc")), &[]),
        ("d2.json.bak", format!("{{ apps: {} }}", apps("kept")), &[]),
        ("d3.config.js.old", format!("exports.apps = {};", apps("old")), &[]),
        (
            "d4.json",
            "{ apps: ['x', 'y'].map((n) => ({ name: n, script: './app.js', autostart: !1 })) }"
                .to_owned(),
            &[],
        ),
        ("d5.json", format!("{{ get apps() {{ return {} }} }}", apps("getter")), &[]),
        ("d6.json", format!("{{\r\n// one\r\napps: {},\r\n}}\r\n", apps("crlf")), &[]),
        ("d7.json", format!("{{ \\u0061pps: {} }}", apps("a\\x62")), &[]),
        // Keys and values.
        ("e1.config.js", module("", "'no-env'", "env: false"), &[]),
        ("e2.config.js", module("", "'cron'", "cron_restart: '  0 3 * * 5-7  '"), &[]),
        ("e3.config.js", module("", "'none'", "cron_restart: '0'"), &[]),
        (
            "e4.config.js",
            module("", "'camel'", "maxMemoryRestart: '100M', ignoreWatch: ['x'], killTimeout: 900"),
            &[],
        ),
    ]
}

fn more_that_pm2_starts_is_started_the_same() {
    let (theirs, ours) = (Pm2Home::with(Release::Seven, &[]), Pm2Home::with(Release::Seven, &[]));
    let folder = empty();
    for (file, text, words) in started() {
        fs::write(folder.path().join(file), &text).unwrap();
        let arguments = [&["start", file][..], words].concat();
        let output = run(pm2(&theirs, folder.path(), &arguments), PATIENCE).unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stdout));
        let (lines, _) = ended(pm2_tui(&ours, folder.path(), &arguments), 0);
        assert!(!lines.is_empty() && lines.iter().all(|it| it.starts_with("added ")), "{lines:?}");
    }
    let processes = theirs.jlist().len();
    assert!(processes > started().len(), "{processes}");
    assert_listed_the_same(&theirs, &ours, processes);
    // A restart brings the file's environment, too.
    clear(&theirs);
    clear(&ours);
    let file = "f1.config.js";
    for value in ["first", "second"] {
        let text = module(&format!("process.env.FROM_FILE = '{value}';"), "'again'", "");
        fs::write(folder.path().join(file), text).unwrap();
        run(pm2(&theirs, folder.path(), &["restart", file]), PATIENCE).unwrap();
        ended(pm2_tui(&ours, folder.path(), &["restart", file]), 0);
        assert_listed_the_same(&theirs, &ours, 1);
        let seen = &super::listed(&ours)[&("again".to_owned(), 0)]["pm2_env"]["FROM_FILE"];
        assert_eq!(seen, value);
    }
}

/// File, text, and what is said; PM2 starts nothing of most of them either.
#[expect(clippy::too_many_lines, reason = "a table")]
fn refused() -> Vec<(&'static str, String, &'static str)> {
    let json = |value: &str| format!("{{ apps: [{{ script: './app.js', name: {value} }}] }}");
    let two = "module.exports = { apps: [{ script: './app.js', name: 'a', foo: 1, Cwd: '/' },
  { script: './app.js', name: 'b', envProduction: {}, 'max-restarts': 2 }] };";
    vec![
        // JSON that is JavaScript, and fails as such.
        ("a1.json", json("require('os').hostname()"), "require is not defined"),
        ("a2.json", json("__dirname"), "__dirname is not defined"),
        ("a3.json", json("(() => { throw new Error('no base') })()"), "no base"),
        ("a4.json", format!("{};", json("'a'")), "Unexpected token ';'"),
        ("a5.json", format!("# note\n{}", json("'a'")), "Invalid or unexpected token"),
        ("a6.json", "{ apps: [{ script: './app.js' }]".into(), "a6.json:1:33: it ends too early"),
        ("a7.json", "\n".into(), "it is empty"),
        ("a8.json", format!("module.exports = {}", json("'a'")), "a8.json: module is not defined"),
        // All keys of all apps.
        (
            "b1.config.js",
            two.into(),
            "app a: Cwd (cwd?), foo; app b: envProduction (env_production?), max-restarts (max_restarts?): PM2 has no such keys",
        ),
        (
            "b2.config.js",
            format!("module.exports = {{ app: {} }}", apps("a")),
            "neither apps nor a script: its keys are app",
        ),
        (
            "b3.config.js",
            module("", "'a'", "'//': 'note', _comment: 'x'"),
            "//, _comment: PM2 has no such keys",
        ),
        // Modules.
        (
            "c1.config.js",
            module("require('not-there-x').config();", "'a'", ""),
            "Cannot find module 'not-there-x'\n",
        ),
        (
            "c2.config.js",
            module("const at = path.join('a', 'b');", "at", ""),
            "path is not defined",
        ),
        (
            "c3.config.mjs",
            format!("import x from './gone.js'; export const apps = {};", apps("a")),
            "Cannot find module",
        ),
        // What fails late.
        (
            "d1.config.js",
            module("process.nextTick(() => { throw new Error('tick') });", "'a'", ""),
            "tick",
        ),
        (
            "d2.config.js",
            module(
                "setImmediate(() => { console.error('no licence'); process.exit(4) });",
                "'a'",
                "",
            ),
            "no licence",
        ),
        (
            "d3.config.js",
            module("require('net').connect(1, '127.0.0.1');", "'a'", ""),
            "ECONNREFUSED",
        ),
        (
            "d4.config.js",
            module("setTimeout(() => process.abort(), 20);", "'a'", ""),
            "signal 6 ended node",
        ),
        (
            "d5.config.js",
            module("require('child_process').execSync('exit 3', {stdio: 'ignore'});", "'a'", ""),
            "Command failed: exit 3",
        ),
        // Cron patterns that this release does not read.
        ("e1.config.js", module("", "'a'", "cron_restart: '@daily'"), "5 or 6 fields"),
        ("e2.config.js", module("", "'a'", "cron_restart: '0 0 * * 5#2'"), "days of the week"),
        ("e3.config.js", module("", "'a'", "cron_restart: '0 22-2 * * *'"), "hours"),
        ("e4.config.js", module("", "'a'", "cron_restart: '0 0 0 1 1 ? 2030'"), "has 7"),
    ]
}

fn more_that_pm2_refuses_is_told() {
    let home = Pm2Home::with(Release::Seven, &[sleeper("bystander")]);
    home.mark();
    let folder = empty();
    for (file, text, why) in refused() {
        fs::write(folder.path().join(file), text).unwrap();
        let (lines, said) = ended(pm2_tui(&home, folder.path(), &["start", file]), 2);
        assert!(lines.is_empty() && said.contains(why), "{file}: {lines:?} {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert_eq!(names(&home), ["bystander"]);
    // Text in place of variables: as PM2, and it is said.
    let note = "warning: g.config.js: app a: env_file is text, and PM2 reads no file of variables";
    fs::write(folder.path().join("g.config.js"), module("", "'a'", "env_file: '.env'")).unwrap();
    let (lines, said) = ended(pm2_tui(&home, folder.path(), &["start", "g.config.js"]), 0);
    assert!(lines.len() == 1 && said.contains(note), "{lines:?} {said}");
    home.assert_unharmed_but(&["a"]);
}

/// Runs one of both with this on its standard input; whether it was a success.
fn fed(mut command: std::process::Command, input: &str) -> bool {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = piped.spawn().unwrap();
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait().unwrap().success()
}

fn standard_input_is_read_as_pm2_reads_it() {
    let (theirs, ours) = (Pm2Home::with(Release::Seven, &[]), Pm2Home::with(Release::Seven, &[]));
    let folder = empty();
    for (input, is_taken) in [
        (format!("{{apps: {}}}", apps("relaxed")), true),
        (apps("list"), true),
        ("\u{feff}{'name': 'mark', 'script': './app.js', 'autostart': false}".to_owned(), true),
        ("{name: `one` + 1, script: './app.js', autostart: !1} // end\n".to_owned(), true),
        (format!("module.exports = {{apps: {}}}", apps("module")), false),
        ("apps:\n  - name: yaml\n    script: ./app.js\n".to_owned(), false),
        ("{\"name\": \"nothing\"}".to_owned(), false),
        ("{\"name\": \"a\", \"script\": \"./app.js\"}\n{\"name\": \"b\"}".to_owned(), false),
    ] {
        let here = |command| fed(command, &input);
        let start = |home: &Pm2Home| pm2(home, Path::new(folder.path()), &["start", "-"]);
        assert_eq!(here(start(&theirs)), is_taken, "pm2: {input}");
        let start = pm2_tui(&ours, folder.path(), &["start", "-"]);
        assert_eq!(here(start), is_taken, "{input}");
    }
    assert_listed_the_same(&theirs, &ours, 4);
}
