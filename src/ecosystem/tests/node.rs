use std::ffi::OsString;
use std::fs;

use serde_json::json;

use super::*;

/// With the tests' own PATH. These tests need node, as those with a real PM2 do.
fn finder() -> NodeFinder {
    NodeFinder::in_path(std::env::var_os("PATH"))
}

fn is_off() -> bool {
    std::env::var_os("PM2_TUI_TEST_PM2").is_some_and(|value| value == "off")
}

async fn evaluated(name: &str, content: &str, finder: &NodeFinder) -> Result<Json, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().canonicalize().unwrap().join(name);
    fs::write(&file, content).unwrap();
    let shown = |error: EcosystemError| {
        error.to_string().replace(file.parent().unwrap().to_str().unwrap(), "")
    };
    evaluate(Source::Module(&file), finder).await.map(|evaluated| evaluated.value).map_err(shown)
}

#[tokio::test]
async fn every_kind_of_module_is_evaluated() {
    if is_off() {
        return;
    }
    let app = json!({"script": "a.js"});
    for (name, content) in [
        ("a.config.js", "module.exports = {script: 'a.js'}"),
        ("a.cjs", "console.log('\\nnoise {}'); exports.script = 'a.js'"),
        ("a.mjs", "export default {script: 'a.js'}"),
        ("b.mjs", "export const script = 'a.js'"),
        ("c.mjs", "await 1; export default {script: 'a.js'}"),
        ("d.js", "setInterval(() => {}, 1000); module.exports = {script: 'a.js'}"),
        (
            "e.js",
            "module.exports = {script: require('path').basename('/x/a.js'), f() {}, u: undefined}",
        ),
    ] {
        assert_eq!(evaluated(name, content, &finder()).await, Ok(app.clone()), "{name}");
    }
}

#[tokio::test]
async fn a_file_is_in_pm2s_own_world() {
    if is_off() {
        return;
    }
    let words = ["start", "a.js", "--env", "production"].map(OsString::from).to_vec();
    let production = NodeFinder { words, ..finder() };
    let argv = "const at = process.argv.indexOf('--env');
module.exports = {script: at > 0 ? process.argv[at + 1] : 'none', args: process.argv[2]};";
    let seen = evaluated("a.js", argv, &production).await.unwrap();
    assert_eq!(seen, json!({"script": "production", "args": "start"}));
    assert_eq!(evaluated("a.js", argv, &finder()).await.unwrap()["script"], "none");
    let typescript = "Object.defineProperty(exports, '__esModule', {value: true});
exports.default = {script: 'a.js'};";
    assert_eq!(evaluated("a.js", typescript, &finder()).await, Ok(json!({"script": "a.js"})));
    for (name, content, reason) in [
        (
            "a.mjs",
            "export const apps = [{script: 'a', cwd: __dirname}]",
            "__dirname is not defined",
        ),
        ("b.mjs", "module.exports = {script: 'a'}", "module is not defined"),
        (
            "c.js",
            "require('fs').stat('/nonexistent', () => { console.error('change BASE first'); \
             process.exit(1); }); module.exports = {script: 'a'}",
            "change BASE first",
        ),
        ("d.js", "setTimeout(() => { throw new Error('late') }, 50); exports.script = 'a'", "late"),
        ("e.js", "Promise.reject(new Error('nobody')); exports.script = 'a'", "nobody"),
        ("f.js", "setTimeout(() => process.exit(4), 20); exports.script = 'a'", "exit code 4"),
        ("g.js", "setTimeout(() => process.exit(0), 20); exports.script = 'a'", "process.exit(0)"),
        (
            "k.js",
            "setTimeout(() => process.kill(process.pid, 'SIGTERM'), 9); exports.script = 'a'",
            "signal 15 ended node",
        ),
        // Each of node's own modules is a global under `node -e`, and nowhere else.
        ("l.js", "exports.script = path.join('a', 'b')", "path is not defined"),
        ("m.js", "require('not-there-x')", "/m.js: Cannot find module 'not-there-x'"),
        ("h.js", "exports.script = 'a';\n\n  Promise.reject('no')", "/h.js: no"),
        (
            "i.js",
            "setTimeout(() => {\n  null.x }, 9); exports.script = 'a'",
            "/i.js: Cannot read properties of null (reading 'x') (line 2, column 8)",
        ),
    ] {
        let said = evaluated(name, content, &finder()).await.unwrap_err();
        assert!(said.contains(reason), "{name}: {said}");
    }
}

/// `dotenv` and the like: PM2 has the file in its own process.
#[tokio::test]
async fn what_a_file_does_to_its_environment_is_known() {
    if is_off() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.config.js");
    let content = "process.env.ADDED = '1'; process.env.PATH += ':/x'; delete process.env.HOME;
process.env.TWICE = 'a'; delete process.env.TWICE; exports.script = 'a.js'";
    fs::write(&file, content).unwrap();
    let changes = evaluate(Source::Module(&file), &finder()).await.unwrap().changes;
    let path = changes.get("PATH").cloned().flatten().unwrap();
    assert!(path.ends_with(":/x"), "{path}");
    assert_eq!(changes.get("ADDED"), Some(&Some("1".to_owned())));
    assert_eq!(changes.get("HOME"), Some(&None));
    assert_eq!(changes.len(), 3, "{changes:?}");
}

/// What is read from a pipe, longer than a pipe holds.
#[tokio::test]
async fn a_text_is_evaluated_as_a_json_file_is() {
    if is_off() {
        return;
    }
    let text = |text: String| async move {
        let text = evaluate(Source::Text(&text, "standard input"), &finder()).await;
        text.map(|evaluated| evaluated.value).map_err(|error| error.to_string())
    };
    let long = format!("{{script: 'a.js', args: '{}'}}", "x".repeat(300_000));
    assert_eq!(text(long).await.unwrap()["script"], "a.js");
    let said = text("{script: require('os')}".to_owned()).await.unwrap_err();
    assert_eq!(said, "standard input: require is not defined");
    let said = text("{script: }".to_owned()).await.unwrap_err();
    assert_eq!(said, "standard input:1:11: Unexpected token '}'");
}

/// PM2 starts these: what comes later is no failure.
#[tokio::test]
async fn a_file_may_go_on_after_it_exported_its_value() {
    if is_off() {
        return;
    }
    for (name, later) in [
        ("a.js", "process.exitCode = 5"),
        ("b.js", "setTimeout(() => console.log('x'.repeat(100000)), 50)"),
        ("c.js", "process.on('uncaughtException', () => {}); setTimeout(() => { throw 1 }, 9)"),
        ("d.js", "setInterval(() => {}, 1000)"),
        (
            "e.js",
            "require('child_process').spawn('sleep', ['3'], {stdio: 'inherit', detached: true})",
        ),
        ("f.js", "process.execArgv.length && process.exit(1)"),
        ("g.js", "process.env.PM2_USAGE !== 'CLI' && process.exit(1)"),
        ("h.js", "require.main === module && process.exit(1); require.main.filename.length"),
        ("i.js", "crypto.subtle.digest.name || process.exit(1)"),
    ] {
        let content = format!("exports.script = 'a.js'; {later}");
        let evaluated = evaluated(name, &content, &finder()).await;
        assert_eq!(evaluated, Ok(json!({"script": "a.js"})), "{later}");
    }
}

/// What compilers and ES modules make of it.
#[tokio::test]
async fn a_config_is_found_within_default() {
    if is_off() {
        return;
    }
    let apps = json!({"apps": [{"script": "a.js"}]});
    for (name, content) in [
        ("a.js", "exports.__esModule = true; exports.default = {apps: [{script: 'a.js'}]}"),
        ("b.js", "exports.default = {default: {apps: [{script: 'a.js'}]}}"),
        ("d.mjs", "export default await Promise.resolve({apps: [{script: 'a.js'}]})"),
        // As PM2 reads it.
        ("e.mjs", "export const apps = [{script: 'a.js'}]; export default {x: 1}"),
    ] {
        let evaluated = evaluated(name, content, &finder()).await.unwrap();
        assert_eq!(evaluated["apps"], apps["apps"], "{name}");
    }
}

#[tokio::test]
async fn a_regular_expression_is_told() {
    if is_off() {
        return;
    }
    let content = "module.exports = {script: 'a.js', watch: [/x\\.js$/i], env: {R: /y/}}";
    let wanted = json!({
        "script": "a.js", "watch": [{"RegExp": "/x\\.js$/i"}], "env": {"R": {"RegExp": "/y/"}},
    });
    assert_eq!(evaluated("a.js", content, &finder()).await, Ok(wanted));
}

const FUNCTION: &str = "/a.js: it exports a function, and PM2 wants an object: {\"apps\": []}";

const PROMISE: &str =
    "/a.js: it exports a promise, and PM2 does not wait for one: export the object itself";

#[tokio::test]
async fn what_goes_wrong_in_it_is_said_with_its_place() {
    if is_off() {
        return;
    }
    for (name, content, reason) in [
        ("a.js", "module.exports = {\n  apps: [}\n", "/a.js:2:10: Unexpected token '}'"),
        ("a.mjs", "export default {\n  apps: [}\n", "/a.mjs:2:10: Unexpected token '}'"),
        // At the end of the file.
        ("a.js", "module.exports = {\n  apps: [\n", "/a.js:3:1: Unexpected end of input"),
        ("a.js", "module.exports = {\n\ta: 1", "/a.js:2:6: Unexpected end of input"),
        ("a.mjs", "export default {\n  apps: [\n", "/a.mjs:3:1: Unexpected end of input"),
        ("a.js", "module.exports = {\n\tapps: [}\n", "/a.js:2:9: Unexpected token '}'"),
        (
            "a.js",
            "let a;\n\n  a.b.c();\n",
            "/a.js:3:5: Cannot read properties of undefined (reading 'b')",
        ),
        ("a.js", "throw 'a\\n\\x1b[31mstring'", "/a.js: a; string"),
        ("a.js", "process.exit(0)", "/a.js: node ended before the file exported anything"),
        (
            "a.js",
            "console.error('no BASE:\\n  set it first'); process.exit(3)",
            "/a.js: it ended the program with exit code 3: no BASE: set it first",
        ),
        ("a.js", "process.kill(process.pid, 9); for (;;);", "/a.js: signal 9 ended node"),
        (
            "a.js",
            "console.error('reading .env\\nBASE is not set'); throw new Error('bad env')",
            "/a.js:1:55: bad env; it wrote: reading .env; BASE is not set",
        ),
        ("a.mjs", "console.warn('no BASE'); throw 'stop'", "/a.mjs: stop; it wrote: no BASE"),
        ("a.js", "module.exports = undefined", "/a.js: it exports nothing"),
        ("a.js", "module.exports = () => {}", FUNCTION),
        ("a.js", "module.exports = class {}", FUNCTION),
        // As PM2 7.0.4: it takes them for an app, which has no script.
        ("a.js", "module.exports = Promise.resolve({apps: [{script: 'a.js'}]})", PROMISE),
        ("a.js", "exports.default = {default: Promise.reject(new Error('x'))}", PROMISE),
        ("a.mjs", "export default Promise.resolve({script: 'a'})", &PROMISE.replace(".js", ".mjs")),
        ("a.mjs", "export default function apps() {}", &FUNCTION.replace(".js", ".mjs")),
    ] {
        assert_eq!(evaluated(name, content, &finder()).await, Err(reason.to_owned()), "{content}");
    }
}

#[tokio::test]
async fn a_file_that_takes_or_writes_too_much_is_ended() {
    if is_off() {
        return;
    }
    let short = NodeFinder { time_limit: Duration::from_millis(300), ..finder() };
    let endless = evaluated("a.js", "for (;;);", &short).await;
    assert_eq!(endless, Err("/a.js: it took longer than 0.3 s".to_owned()));
    let small = NodeFinder { output_bytes_max: 10_000, ..finder() };
    let flood = "for (;;) require('fs').writeSync(1, 'x'.repeat(1000));";
    let flood = evaluated("a.js", flood, &small).await;
    assert_eq!(flood, Err("/a.js: it wrote more than 10000 bytes".to_owned()));
}
