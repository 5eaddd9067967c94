//! Files as people write them, each beside `pm2 start` of the same file on a real PM2 7.0.4: what it
//! starts is the same, what it refuses or does not notice is told.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::again::{ended, pm2, pm2_tui};
use super::{assert_listed_the_same, listed};
use crate::harness::PATIENCE;
use crate::harness::apps::sleeper;
use crate::harness::home::{Pm2Home, run};
use crate::harness::install::{Locked, Release};
use crate::harness::trials::{Test, with_pm2};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        with_pm2(what_pm2_starts_is_started_the_same).lasting(),
        with_pm2(what_pm2_cannot_read_is_told_and_nothing_is_started).lasting(),
        with_pm2(what_only_we_read_is_started).lasting(),
        with_pm2(a_name_that_a_variable_gives_is_found_again),
        with_pm2(a_cron_pattern_is_judged_by_the_release).needing(Locked::Old),
    ]
}

/// A case of its own folder, copied, with an app beside it.
fn case(name: &str) -> tempfile::TempDir {
    let folder = empty();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ecosystem/cases").join(name);
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

pub(super) fn empty() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    fs::write(folder.path().join("app.js"), "setInterval(() => {}, 1e9);").unwrap();
    folder
}

/// The only config in a folder.
fn config_in(folder: &Path) -> String {
    let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name());
    let mut names = names.filter_map(|name| name.into_string().ok());
    names.find(|name| name.starts_with("ecosystem")).unwrap()
}

/// The apps of a list, not started.
pub(super) fn apps(name: &str) -> String {
    format!("[{{name: '{name}', script: './app.js', autostart: false}}]")
}

pub(super) fn names(home: &Pm2Home) -> Vec<String> {
    home.jlist().into_iter().map(|process| process.name).collect()
}

pub(super) fn clear(home: &Pm2Home) {
    if !home.jlist().is_empty() {
        home.cli(&["delete", "all"]);
    }
}

/// Own inputs that PM2 starts: file, text.
#[expect(clippy::too_many_lines, reason = "a table")]
fn started() -> Vec<(&'static str, String)> {
    let app = r#""script": "./app.js", "autostart": false"#;
    vec![
        // Relaxed JSON.
        ("a1.json", format!("{{\"apps\": [{{\"name\": \"trailing\", {app},}},],}}")),
        (
            "a2.json",
            "{'apps': [{'name': 'single', 'script': './app.js', 'autostart': false}]}".into(),
        ),
        ("a3.json", format!("/* a */ {{\"apps\": [ // b\n {{\"name\": \"comments\", {app}}}]}}")),
        ("a4.json", format!("{{apps: {}}}", apps("unquoted"))),
        (
            "a5.json",
            format!("{{\"apps\": [{{\"name\": \"hex\", {app}, \"kill_timeout\": 0x10}}]}}"),
        ),
        ("a6.json", format!("\u{feff}{{\"apps\": [{{\"name\": \"mark\", {app}}}]}}")),
        (
            "a7.json5",
            format!("{{apps: [{{name: `tpl${{1 + 1}}`, {app}, env: {{A: +1, B: .5}}}}]}}"),
        ),
        ("a8.json", format!("{{\"version\": \"1\", \"pm2\": [{{\"name\": \"npm\", {app}}}]}}")),
        // Modules.
        ("b1.config.mjs", format!("export const apps = {};", apps("named"))),
        ("b2.config.cjs", format!("exports.apps = {};", apps("common"))),
        (
            "b3.config.js",
            format!("module.exports = {{ apps: {}, x: 1, f() {{}} }};", apps("stray")),
        ),
        // What is found in the process.
        (
            "c1.config.js",
            format!(
                "const env = {{ L: process.argv.slice(2).join(' '), X: process.execArgv.join(), E: \
                 process.env.PM2_USAGE, M: String(require.main === module), F: __filename }};
module.exports = {{ apps: [{{name: 'world', {app}, env}}] }};"
            ),
        ),
        (
            "c2.config.js",
            format!("module.exports = {{ apps: [{{name: 'exit', {app}, stop_exit_codes: 3}}] }};"),
        ),
        (
            "c3.config.js",
            format!(
                "module.exports = {{ apps: [{{name: 'text', {app}, stop_exit_codes: '7'}}] }};"
            ),
        ),
        (
            "c4.config.js",
            format!("process.exitCode = 5; module.exports = {{ apps: {} }};", apps("code")),
        ),
        (
            "c5.config.js",
            format!(
                "setInterval(() => {{}}, 1000); module.exports = {{ apps: {} }};",
                apps("hangs")
            ),
        ),
        (
            "c6.config.js",
            format!(
                "module.exports = {{ apps: [{{name: 'last', {app}, cron_restart: '0 0 L * 7'}}] }};"
            ),
        ),
        (
            "c7.config.js",
            format!(
                "module.exports = {{ apps: [{{name: 'more', {app}, cron: '5/15 * ? 1-12 fri-7'}}] }};"
            ),
        ),
        (
            "d1.yml",
            "apps:\n  - {name: yaml, script: ./app.js, autostart: false, watch: 'true'}\n".into(),
        ),
    ]
}

fn what_pm2_starts_is_started_the_same() {
    let (theirs, ours) = (Pm2Home::with(Release::Seven, &[]), Pm2Home::with(Release::Seven, &[]));
    let both = |folder: &Path, arguments: &[&str], processes: usize| {
        let output = run(pm2(&theirs, folder, arguments), PATIENCE).unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        let (lines, said) = ended(pm2_tui(&ours, folder, arguments), 0);
        assert_eq!(lines.len(), processes, "{arguments:?}: {lines:?} {said}");
        said
    };
    for (name, env, processes, warning) in [
        ("eco-argv-env", None, 1, ""),
        ("eco-argv-env", Some("production"), 1, ""),
        ("eco-cron-7-and-question-mark", None, 2, ""),
        ("eco-env-not-defined", None, 1, ""),
        ("eco-env-not-defined", Some("production"), 1, "no app has env_production"),
        ("eco-relaxed-json", None, 1, ""),
    ] {
        let folder = case(name);
        let file = config_in(folder.path());
        let mut arguments = vec!["start", file.as_str()];
        arguments.extend(env.iter().flat_map(|env| ["--env", env]));
        let said = both(folder.path(), &arguments, processes);
        assert!(said.contains(warning) && said.is_empty() == warning.is_empty(), "{name}: {said}");
        assert_listed_the_same(&theirs, &ours, processes);
        clear(&theirs);
        clear(&ours);
    }
    let folder = empty();
    let inputs = started();
    for (file, text) in &inputs {
        fs::write(folder.path().join(file), text).unwrap();
        assert_eq!(both(folder.path(), &["start", file], 1), "", "{file}");
    }
    assert_listed_the_same(&theirs, &ours, inputs.len());
    // Strict, nothing is started of what has no such environment.
    let folder = case("eco-env-not-defined");
    let file = config_in(folder.path());
    let strict = ["start", &file, "--env", "production", "--strict"];
    let (lines, said) = ended(pm2_tui(&ours, folder.path(), &strict), 2);
    assert!(lines.is_empty() && said.contains("no app has env_production"), "{lines:?} {said}");
}

/// Own inputs that PM2 refuses, or starts without noticing: file, text, what is said.
#[expect(clippy::too_many_lines, reason = "a table")]
fn refused() -> Vec<(&'static str, String, &'static str)> {
    let exports = |name: &str| format!("module.exports = {{ apps: {} }};", apps(name));
    let app = |more: &str| {
        format!("module.exports = {{ apps: [{{name: 'a', script: './app.js', {more}}}] }};")
    };
    vec![
        // What fails late.
        (
            "a1.config.js",
            format!("setTimeout(() => {{ throw new Error('late') }}, 20); {}", exports("a")),
            "late (line 1, column 26)",
        ),
        (
            "a2.config.js",
            format!("Promise.reject(new Error('nobody')); {}", exports("a")),
            "nobody",
        ),
        ("a3.config.js", format!("Promise.reject('only text'); {}", exports("a")), "only text"),
        (
            "a4.config.js",
            format!("require('fs').stat('/none', () => process.exit(0)); {}", exports("a")),
            "process.exit(0)",
        ),
        (
            "a5.config.js",
            format!("require('fs').stat('/none', () => process.exit(3)); {}", exports("a")),
            "exit code 3",
        ),
        ("a6.config.js", "console.error('no base'); process.exit(3)".into(), "no base"),
        (
            "a7.config.mjs",
            "await new Promise(() => {}); export const apps = [];".into(),
            "before the file exported",
        ),
        (
            "a8.config.mjs",
            "await new Promise(() => setInterval(() => {}, 9)); export const apps = [];".into(),
            "longer than 10 s",
        ),
        // Modules.
        (
            "b1.config.mjs",
            format!("export default function () {{ return {} }}", apps("a")),
            "exports a function",
        ),
        ("b2.config.js", format!("module.exports = () => ({})", apps("a")), "exports a function"),
        (
            "b3.config.mjs",
            format!("const x = require('fs'); export const apps = {}", apps("a")),
            "require is not defined",
        ),
        ("b4.config.mjs", format!("exports.apps = {}", apps("a")), "exports is not defined"),
        (
            "b5.config.mjs",
            format!("export const apps = {}; apps[0].cwd = __filename", apps("a")),
            "__filename is not defined",
        ),
        // Keys.
        ("c1.config.js", app("nmae: 'x', instnaces: 2"), "instnaces (instances?), nmae (name?)"),
        (
            "c2.config.js",
            app("max_memory: '1G', autorestrat: true"),
            "autorestrat (autorestart?), max_memory (max_memory_restart?)",
        ),
        (
            "c3.yml",
            "apps:\n  - script: ./app.js\n    exec_mod: fork\n    retries: 3\n".into(),
            "exec_mod (exec_mode?), retries",
        ),
        // Values.
        ("d1.config.js", app("ignore_watch: [/node_modules/]"), "\"node_modules\""),
        ("d2.config.js", app("watch: [/\\.js$/]"), "watch: the regular expression /\\.js$/"),
        (
            "d3.config.js",
            app("watch_options: {ignored: /x/}"),
            "watch_options: the regular expression",
        ),
        ("d4.config.js", app("ignore_watch: /x/"), "ignore_watch: the regular expression"),
        ("d5.config.js", app("env_x: 5"), "env_x: must be an object, and is a number"),
        ("d6.config.js", app("stop_exit_codes: 'one'"), "\"one\" is not an exit code"),
        ("d7.config.js", app("cron_restart: '0 0 * * 8'"), "0 to 7"),
        ("d8.config.js", app("cron_restart: '*5 * * * *'"), "minutes"),
        ("d9.json", "{apps: [{script: './app.js'}]".into(), "d9.json:1:30: it ends too early"),
    ]
}

fn what_pm2_cannot_read_is_told_and_nothing_is_started() {
    let home = Pm2Home::with(Release::Seven, &[sleeper("bystander")]);
    home.mark();
    let refuse = |folder: &Path, file: &str, why: &str| {
        let (lines, said) = ended(pm2_tui(&home, folder, &["start", file]), 2);
        assert!(lines.is_empty() && said.contains(why), "{file}: {lines:?} {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    };
    for (name, why) in [
        ("eco-dirname-in-esm", "__dirname is not defined"),
        ("eco-fails-later", "change BASE in this file first"),
        ("eco-module-exports-in-esm", "rename it to use the '.cjs' file extension"),
        (
            "eco-unknown-keys",
            "compress, description, health_check, max_size, no_daemon, retain: PM2",
        ),
    ] {
        let folder = case(name);
        refuse(folder.path(), &config_in(folder.path()), why);
        // From elsewhere too.
        let file = folder.path().join(config_in(folder.path()));
        refuse(Path::new("/"), file.to_str().unwrap(), why);
    }
    let folder = empty();
    for (file, text, why) in refused() {
        fs::write(folder.path().join(file), text).unwrap();
        refuse(folder.path(), file, why);
    }
    assert_eq!(names(&home), ["bystander"]);
    home.assert_unharmed_but(&[]);
}

fn what_only_we_read_is_started() {
    let home = Pm2Home::with(Release::Seven, &[]);
    for (name, process) in
        [("eco-default-interop", "web"), ("eco-env-file", "web"), ("eco-config-ts", "web")]
    {
        let folder = case(name);
        let file = config_in(folder.path());
        let (lines, said) = ended(pm2_tui(&home, folder.path(), &["start", &file]), 0);
        assert!(lines[0].starts_with(&format!("started {process}[")), "{name}: {lines:?} {said}");
        clear(&home);
    }
    let folder = empty();
    let inputs = [
        ("a1.config.js", format!("exports.__esModule = true; exports.default = {};", apps("list"))),
        ("a2.config.js", format!("exports.default = {{ default: {{ apps: {} }} }};", apps("nested"))),
        ("a4.config.mjs", format!("export default {{ apps: {} }};", apps("default"))),
        ("a5.config.mjs", format!("const it = await {}; export default {{ apps: it }};", apps("awaited"))),
        ("b1.config.ts", format!("export default {{ apps: {} }};", apps("ts"))),
        ("b2.config.mts", format!("export default {{ apps: {} }};", apps("mts"))),
        ("b3.config.cts", format!("exports.apps = {};", apps("cts"))),
        ("c1.config.js", "exports.apps = [{script: './app.js', autostart: false, name: 'codes', stop_exit_codes: '0,1'}]".into()),
        ("c2.config.js", "exports.apps = [{script: './app.js', autostart: false, name: 'more', stop_exit_codes: '0 1'}]".into()),
        ("c3.config.js", "exports.apps = [{script: './app.js', autostart: false, name: 'texts', stop_exit_codes: ['0', 1]}]".into()),
        ("c4.config.js", "exports.apps = [{script: './app.js', autostart: false, name: 'words', env_file: '.env', env_x: ''}]".into()),
        ("c5.json", format!("{{apps: {}}} // the end", apps("end"))),
    ];
    for (file, text) in &inputs {
        fs::write(folder.path().join(file), text).unwrap();
        let (lines, said) = ended(pm2_tui(&home, folder.path(), &["start", file]), 0);
        let is_quiet = said.is_empty() != text.contains("env_file");
        assert!(lines[0].starts_with("added ") && is_quiet, "{file}: {lines:?} {said}");
    }
    let listed = listed(&home);
    assert_eq!(listed.len(), inputs.len(), "{:?}", listed.keys());
    for name in ["codes", "more", "texts"] {
        let codes = &listed[&(name.to_owned(), 0)]["pm2_env"]["stop_exit_codes"];
        assert_eq!(*codes, json!([0, 1]), "{name}");
    }
    // What has types needs a newer node; the way out is named where this one is old.
    let typed = format!("const all: unknown[] = {}; export const apps = all;", apps("typed"));
    for extension in ["ts", "mts"] {
        let file = format!("typed.config.{extension}");
        fs::write(folder.path().join(&file), &typed).unwrap();
        let output = run(pm2_tui(&home, folder.path(), &["start", &file]), PATIENCE).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_told = said.contains("node 22.18 or newer reads TypeScript");
        assert!(output.status.success() != is_told, "{file}: {said}");
    }
}

fn a_name_that_a_variable_gives_is_found_again() {
    let home = Pm2Home::with(Release::Seven, &[sleeper("bystander")]);
    home.mark();
    let folder = empty();
    let path: PathBuf = folder.path().to_owned();
    fs::write(
        path.join("ecosystem.config.js"),
        "module.exports = { apps: [
  { name: 'web', script: './app.js', env_production: { name: 'web-live', A: 1 } },
  { name: 'job', script: './app.js', env: { name: 'job-own' } },
  { name: 'api', script: './app.js', append_env_to_name: true, env_production: {} },
] };",
    )
    .unwrap();
    let live = ["start", "ecosystem.config.js", "--env", "production"];
    let all = ["api-production", "bystander", "job-own", "web-live"];
    let sorted = || {
        let mut names = names(&home);
        names.sort();
        names
    };
    for word in ["started", "restarted", "restarted"] {
        let (lines, said) = ended(pm2_tui(&home, &path, &live), 0);
        assert_eq!((lines.len(), said.as_str()), (3, ""), "{lines:?}");
        for (line, name) in lines.iter().zip(["api-production", "job-own", "web-live"]) {
            assert!(line.starts_with(&format!("{word} {name}[")), "{lines:?}");
        }
        assert_eq!(sorted(), all);
    }
    // One of them, by either name.
    for only in ["web", "web-live"] {
        let (lines, _) = ended(pm2_tui(&home, &path, &[&live[..], &["--only", only]].concat()), 0);
        assert!(lines.len() == 1 && lines[0].starts_with("restarted web-live["), "{lines:?}");
    }
    // The file means them for the other commands, too.
    let (lines, _) = ended(pm2_tui(&home, &path, &["stop", "./ecosystem.config.js"]), 0);
    assert_eq!(lines.len(), 3, "{lines:?}");
    let delete = ["delete", "./ecosystem.config.js", "--yes"];
    let (lines, _) = ended(pm2_tui(&home, &path, &delete), 0);
    assert_eq!((lines.len(), names(&home)), (3, vec!["bystander".to_owned()]), "{lines:?}");
    home.assert_unharmed_but(&[]);
}

/// 3.5.2 dies of some of the patterns that 7.0.4 takes, and takes some that 7.0.4 dies of.
fn a_cron_pattern_is_judged_by_the_release() {
    let folder = empty();
    let file = |pattern: &str| {
        let app = json!({
            "name": "cron", "script": "./app.js", "autostart": false, "cron_restart": pattern,
        });
        fs::write(folder.path().join("apps.json"), json!({"apps": [app]}).to_string()).unwrap();
    };
    for (release, patterns) in [
        (
            Release::Seven,
            [("0 0 * * 7", ""), ("0 0 * * 1,3-5", "days of the week"), ("0 0 * 0 *", "1 to 12")],
        ),
        (
            Release::Three,
            [("0 0 * 0 *", ""), ("0 0 * * 7", "PM2 before 5.2"), ("0 0 ? * *", "days")],
        ),
    ] {
        let home = Pm2Home::with(release, &[sleeper("bystander")]);
        home.mark();
        for (pattern, why) in patterns {
            file(pattern);
            let code = if why.is_empty() { 0 } else { 2 };
            let command = pm2_tui(&home, folder.path(), &["start", "apps.json"]);
            let (lines, said) = ended(command, code);
            assert!(said.contains(why) && lines.is_empty() != why.is_empty(), "{pattern}: {said}");
        }
        home.assert_unharmed_but(&["cron"]);
        assert!(names(&home).contains(&"cron".to_owned()));
    }
}
