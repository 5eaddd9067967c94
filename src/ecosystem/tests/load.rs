use std::fs;

use serde_json::json;

use super::*;

fn node() -> NodeFinder {
    NodeFinder::in_path(None)
}

async fn said(name: &str, content: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, content).unwrap();
    let error = load(&file, &node()).await.unwrap_err().to_string();
    error.replace(folder.path().to_str().unwrap(), "")
}

#[tokio::test]
async fn a_broken_file_is_named_with_line_and_column() {
    for (name, content, reason) in [
        ("a.json", "{\n  \"script\": a\n}", "/a.json:2:13: expected value"),
        ("a.json", "/* é */ {\n // x\n 'a': 1}", "/a.json:3:2: key must be a string"),
        ("a.json", "", "/a.json: it is empty"),
        ("a.json", " \n\t", "/a.json: it is empty"),
        (
            "a.json",
            "{\"app\": [{\"script\": \"a\"}]}",
            "/a.json: it has neither apps nor a script: its keys are app",
        ),
        ("a.json", "{}", "/a.json: it has neither apps nor a script"),
        ("a.jsonc", "{\"apps\": [}", "/a.jsonc:1:11: expected value"),
        ("a.json.bak", "[7]", "/a.json.bak: app 1 must be an object, and is a number"),
        (
            "a.config.js.old",
            "",
            "/a.config.js.old: a JavaScript file needs node to be read, and there is no node in PATH",
        ),
        ("a.yml", "apps:\n  - name: a\n    name: b\n", "/a.yml:3:5: duplicate mapping key: name"),
        (
            "a.json",
            "[{\"script\": \"a\", \"foo\": 1}, {\"script\": \"b\", \"name\": \"b\", \"nmae\": 1}]",
            "/a.json: app 1: foo; app b: nmae (name?): PM2 has no such keys",
        ),
        ("a.json", "7", "/a.json: an app must be an object, and this is a number"),
        ("a.json", "[7]", "/a.json: app 1 must be an object, and is a number"),
        ("a.json", "{\"apps\": 7}", "/a.json: an app must be an object, and this is a number"),
        (
            "a.json",
            r#"{"apps": [{"script": "a"}], "static": [{"port": 1}]}"#,
            "/a.json: static: is served by the pm2 command itself; start it with pm2",
        ),
        (
            "a.json",
            r#"{"apps": [{"script": "a"}], "deploy": 1}"#,
            "/a.json: deploy: must be an object, and is a number",
        ),
        (
            "a.toml",
            "",
            "/a.toml: not a config file: its name should end in .json, .json5, .jsonc, .yaml, .yml, .js, .cjs, .mjs or .ts",
        ),
        (
            "a.config.js",
            "",
            "/a.config.js: a JavaScript file needs node to be read, and there is no node in PATH",
        ),
    ] {
        assert_eq!(said(name, content).await, reason, "{content}");
    }
    let yaml = said("a.yml", "apps:\n  - script: a\n   name: b\n").await;
    assert!(yaml.starts_with("/a.yml:3:"), "{yaml}");
    assert!(!yaml.contains('\n'), "{yaml}");
    let gone = load(Path::new("/nonexistent/a.json"), &node()).await.unwrap_err().to_string();
    assert!(gone.starts_with("/nonexistent/a.json: cannot be read: No such file"), "{gone}");
    let folder = load(Path::new("/tmp/.json"), &node()).await.unwrap_err();
    assert!(matches!(folder, EcosystemError::Extension { .. }));
}

#[tokio::test]
async fn json_and_yaml_give_the_same_apps() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let file = folder.path().join(name);
        fs::write(&file, content).unwrap();
        file
    };
    let json =
        write("a.json", "\u{feff}{\"apps\": [{\"script\": \"a.js\", \"env\": {\"A\": 1}},]} // x");
    let yaml = write("a.yaml", "apps:\n- script: a.js\n  env: {A: 1}\n");
    let package =
        write("package.json", r#"{"version": "1", "pm2": {"script": "a.js", "env": {"A": 1}}}"#);
    for file in [json, yaml, package] {
        let apps = load(&file, &node()).await.unwrap();
        assert_eq!(apps.len(), 1);
        assert_eq!(apps[0].name(), "a");
        assert_eq!(apps[0].keys["env"], json!({"A": 1}));
    }
}

#[test]
fn one_app_a_list_and_a_whole_config_are_taken() {
    let app = json!({"script": "a.js"});
    for (value, count) in [
        (app.clone(), 1),
        (json!([app, app]), 2),
        (json!({"apps": [app, app]}), 2),
        (json!({"apps": app}), 1),
        (json!({"apps": [app], "deploy": {"production": {"env": {}}}}), 1),
    ] {
        assert_eq!(parse_value(&value, "f").unwrap().len(), count, "{value}");
    }
}

#[test]
fn yaml_words_are_read_as_js_yaml_reads_them() {
    let value = parse_yaml("a: yes\nb: on\nc: true\nd: ~\ne: 0x1f\nf: 1.5\ng: '1'", "f").unwrap();
    let wanted = json!({
        "a": "yes", "b": "on", "c": true, "d": null, "e": 31, "f": 1.5, "g": "1",
    });
    assert_eq!(value, wanted);
}

#[tokio::test]
async fn a_script_is_not_evaluated() {
    const SERVER: &str = "// This script serves apps.\nconst app = require('express')();\n\
        const page = '<script>let apps;</script>';\napp.listen(80); module.exports = app";
    for (name, content) in [
        ("app.js", ""),
        ("app.js", SERVER),
        ("pm2-worker.js", "require('http').createServer().listen(80)"),
        ("reconfig.mjs", "export default function serve() {}"),
        ("apps.cjs", "const apps = 3, script = 4"),
        ("apps.cjs", "module.exports = myscript = 1, appss = 2"),
    ] {
        let reason = said(name, content).await;
        let wanted = format!(
            "/{name}: a script, not an ecosystem file (one exports apps, or is named \
             NAME.config.js), so nothing was run; put it into one: \
             {{\"apps\": [{{\"script\": \"/{name}\"}}]}}"
        );
        assert_eq!(reason, wanted, "{content}");
    }
    for (name, content) in [
        ("x.config.js", ""),
        ("x.config.cjs", ""),
        (".config.mjs", ""),
        ("ecosystem.js", ""),
        ("ecosystem.prod.mjs", ""),
        ("prod-ecosystem.cjs", ""),
        ("pm2.js", ""),
        ("pm2.prod.js", ""),
        ("a.js", "module.exports = { apps: [] }"),
        ("a.js", "exports.apps = []"),
        ("a.js", "module.exports = [{ 'script' : './a.js' }]"),
        ("a.mjs", "export const script = 'a.js'"),
        ("a.mjs", "import apps from './apps.mjs'; export default { apps };"),
        ("a.cjs", "exports['apps'] = []"),
    ] {
        let reason = said(name, content).await;
        assert!(reason.contains("there is no node in PATH"), "{name} {content}: {reason}");
    }
}
