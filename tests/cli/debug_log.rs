//! `--debug-log`: what is in it, and what never is.

use std::os::unix::fs::PermissionsExt;

use pm2_tui::demo::{Fault, Script, When, World, epoch_ms};

use super::program::{Simulated, ended, pm2_tui, program};

pub(crate) fn it_tells_what_was_sent_and_refused_and_no_data() {
    let daemon = Simulated::quiet(2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("debug.log");
    let path = file.to_str().unwrap();
    let run = |arguments: &[&str]| daemon.run(&[&["--debug-log", path], arguments].concat());
    // A value that is sent, and one that the daemon's own processes have in their environment.
    let secret = "hunter2-s3cr3t";
    run(&["ls", "--json", "--env"]).with(0);
    run(&["send", "app-0", secret]);
    run(&["call", "restartProcessId", &format!(r#"{{"id": 0, "env": {{"KEY": "{secret}"}}}}"#)]);
    run(&["call", "ping", "{}", "{}"]).with(2);
    run(&["--read-only", "call", "stopProcessId", "0"]).with(2);
    run(&["call", "prepare", &format!(r#"{{"name": "{secret}"}}"#)]).with(2);
    let log = std::fs::read_to_string(&file).unwrap();
    for wanted in [
        r#"answered method="getMonitorData""#,
        r#"answered method="restartProcessId""#,
        r#"refused method="ping""#,
        r#"refused method="prepare""#,
        "read-only",
        "connecting socket=",
    ] {
        assert!(log.contains(wanted), "no {wanted} in {log}");
    }
    assert!(!log.contains(secret), "{log}");
    // Of the environments that the listing showed, no value of some length.
    let listed = daemon.run(&["ls", "--json", "--env"]).with(0).json();
    let environments = listed.as_array().unwrap().iter().filter_map(|one| one["env"].as_object());
    let values: Vec<&str> =
        environments.flat_map(|env| env.values()).filter_map(|value| value.as_str()).collect();
    for value in values.iter().filter(|value| value.len() > 8) {
        let is_home = daemon.home().to_str().unwrap().contains(value);
        assert!(is_home || !log.contains(value), "{value} in {log}");
    }
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

pub(crate) fn it_tells_why_a_connection_was_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("debug.log");
    let script = Script::default().with("getMonitorData", When::Next, Fault::Garbage);
    let daemon = Simulated::with(World::quiet(1, epoch_ms()), script);
    let path = file.to_str().unwrap();
    let ended_by = ["--debug-log", path, "wait", "all", "--status", "online", "--timeout", "10s"];
    daemon.run(&ended_by).with(0);
    let log = std::fs::read_to_string(&file).unwrap();
    assert!(log.contains("what came is not AMP"), "{log}");
    assert!(
        log.contains(r#"not connected daemon=0 why="what answers does not speak PM2's protocol""#),
        "{log}"
    );
    assert!(log.contains("the bus is connected"), "{log}");

    let nowhere = folder.path().join("nowhere");
    pm2_tui(&nowhere, &["--debug-log", path, "ls"]).with(3);
    let log = std::fs::read_to_string(&file).unwrap();
    assert!(log.contains("no connection why=\"PM2_HOME"), "{log}");
}

pub(crate) fn one_that_cannot_be_written_is_said() {
    let daemon = Simulated::quiet(0);
    let ended = ended(program(daemon.home(), &["--debug-log", "/nonexistent/x/log", "ls"]));
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    assert!(ended.err.starts_with("pm2-tui: --debug-log /nonexistent/x/log: "), "{ended:?}");
}
