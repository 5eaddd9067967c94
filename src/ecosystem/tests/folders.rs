use std::path::Path;

use serde_json::json;

use super::*;

#[test]
fn folders_of_logs_are_made_only_when_asked() {
    let place = place();
    let app = app(&json!({"script": "app.js", "out": "deep/er/o.log"})).unwrap();
    let payloads = prepare_all(&[app], &place.context).unwrap();
    let folder = place.context.cwd.join("deep/er");
    assert!(!folder.exists() && !place.context.pm2_home.join("logs").exists());
    create_log_folders(&payloads).unwrap();
    assert!(folder.is_dir() && place.context.pm2_home.join("logs").is_dir());
    let blocked = json!({"pm_out_log_path": place.context.cwd.join("plain/x/o.log")});
    let error = create_log_folders(&[blocked]).unwrap_err().to_string();
    assert!(place.bare(&error).starts_with("/plain/x: cannot be made"), "{error}");
}

#[test]
fn nothing_is_prepared_when_one_app_is_wrong() {
    let place = place();
    let good = app(&json!({"script": "app.js"})).unwrap();
    let bad = app(&json!({"name": "bad", "script": "gone.js"})).unwrap();
    let error = prepare_all(&[good, bad], &place.context).unwrap_err().to_string();
    assert_eq!(place.bare(&error), "f.json: app bad: script: there is no /gone.js");
    assert!(!Path::new(&place.context.pm2_home.join("pids")).exists());
}
