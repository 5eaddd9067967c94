//! What is sent, and what is refused, by name.

use serde_json::{Value as Json, json};

use crate::protocol::rpc::Methods;

/// What PM2 7.0.4 lists, and one method that nobody knows.
fn seven() -> Methods {
    let mut list = vec![("bound", vec![]), ("killMe", vec![]), ("notifyKillPM2", vec![])];
    list.extend([("profileCPU", vec![]), ("novel", vec!["a", "b", "cb"])]);
    for id in ["startProcessId", "stopProcessId", "deleteProcessId", "duplicateProcessId"] {
        list.push((id, vec!["id", "cb"]));
    }
    for opts in [
        "ping",
        "getMonitorData",
        "restartProcessId",
        "reloadProcessId",
        "notifyByProcessId",
        "msgProcess",
        "sendDataToProcessId",
        "sendLineToStdin",
        "sendSignalToProcessId",
        "sendSignalToProcessName",
        "prepare",
        "reloadLogs",
    ] {
        list.push((opts, vec!["opts", "cb"]));
    }
    list.push(("stopWatch", vec!["method", "value", "fn"]));
    list.push(("startWatch", vec!["method", "value", "fn"]));
    methods(&list)
}

fn methods(list: &[(&str, Vec<&str>)]) -> Methods {
    Methods::from_params(list.iter().map(|(name, params)| {
        (Box::from(*name), params.iter().map(|param| Box::from(*param)).collect())
    }))
}

/// What would be sent.
fn sent(method: &str, args: Json) -> Result<Json, String> {
    let Json::Array(args) = args else { panic!("an array") };
    let checked = seven().check_named(method, args).map_err(|refused| refused.to_string())?;
    Ok(json!(checked.args()))
}

#[test]
fn arguments_are_put_into_the_shape_that_the_daemon_takes() {
    for (method, args, expected) in [
        ("stopProcessId", json!([0]), json!([0])),
        ("stopProcessId", json!(["12"]), json!([12])),
        ("stopProcessId", json!([{"id": 3}]), json!([3])),
        ("restartProcessId", json!([0]), json!([{"id": 0}])),
        ("restartProcessId", json!(["0"]), json!([{"id": 0}])),
        ("restartProcessId", json!([{"id": "1", "env": {}}]), json!([{"id": 1, "env": {}}])),
        ("reloadProcessId", json!([2]), json!([{"id": 2}])),
        ("getMonitorData", json!([null]), json!([{}])),
        ("ping", json!([{"any": 1}]), json!([{"any": 1}])),
        ("stopWatch", json!(["stopProcessId", "1"]), json!(["stopProcessId", 1])),
        ("startWatch", json!(["restartProcessId", 1]), json!(["restartProcessId", {"id": 1}])),
        ("novel", json!([1, "x"]), json!([1, "x"])),
    ] {
        assert_eq!(sent(method, args.clone()), Ok(expected), "{method} {args}");
    }
    let old = methods(&[("reloadProcessId", vec!["id", "cb"])]);
    let checked = old.check_named("reloadProcessId", vec![json!({"id": 4})]).unwrap();
    assert_eq!(checked.args(), [json!(4)]);
}

/// It is not sent, and one line says what the method takes.
fn refuse(method: &str, args: &Json) {
    let reason = sent(method, args.clone()).expect_err(&format!("{method} {args}"));
    assert!(reason.contains(method), "{reason}");
    assert!(!reason.contains('\n'), "{reason}");
}

#[test]
fn settings_that_kill_are_refused() {
    let good = json!({"pm_exec_path": "/a.js", "pm_pid_path": "/a.pid", "env": {},
        "pm_out_log_path": "/a.log", "pm_err_log_path": "/a.log"});
    let but = |key: &str, value: Json| {
        let mut app = good.clone();
        app[key] = value;
        json!([app])
    };
    assert!(sent("prepare", json!([good])).is_ok());
    assert!(sent("prepare", but("cron_restart", json!("0 4 * * *"))).is_ok());
    let conf = json!({"name": "b", "max_memory_restart": 5, "args": ["x"], "env": {"A": "1"}});
    let env = json!({"A": "1", "updateEnv": true, "current_conf": conf});
    assert!(sent("restartProcessId", json!([{"id": 0, "env": env}])).is_ok());
    for (method, args) in [
        ("restartProcessId", json!([{"id": 0, "env": null}])),
        ("restartProcessId", json!([{"id": 0, "env": {"current_conf": {"cron_restart": "x"}}}])),
        ("restartProcessId", json!([{"id": 0, "env": {"cron_restart": 7}}])),
        (
            "reloadProcessId",
            json!([{"id": 0, "env": {"current_conf": {"env": {"cron_restart": "x"}}}}]),
        ),
        ("reloadProcessId", json!([{"id": 0, "env": {"current_conf": {"pm_exec_path": 5}}}])),
        ("reloadProcessId", json!([{"id": 0, "env": {"pm_exec_path": 5}}])),
        ("restartProcessId", json!([{"id": 0, "env": {"pm_out_log_path": 5}}])),
        ("restartProcessId", json!([{"id": 0, "env": {"pm_id": 1}}])),
        ("restartProcessId", json!([{"id": 0, "env": {"current_conf": {"pm_id": null}}}])),
        ("restartProcessId", json!([{"id": 0, "env": {"current_conf": {"env": null}}}])),
        ("restartProcessId", json!([{"id": 0, "env": {"current_conf": null}}])),
        ("prepare", json!([{}])),
        ("prepare", but("env", json!(null))),
        ("prepare", but("pm_exec_path", json!("a.js"))),
        ("prepare", but("pm_pid_path", json!(null))),
        ("prepare", but("instances", json!("max"))),
        ("prepare", but("cron_restart", json!("every day"))),
        ("prepare", but("env", json!({"cron_restart": "every day"}))),
        ("prepare", but("env", json!({"pm_id": 0}))),
        ("prepare", but("watch", json!(5))),
        ("prepare", but("status", json!("stopped"))),
        ("prepare", json!([{"pm_exec_path": "/a.js", "pm_pid_path": "/a.pid", "env": {}}])),
    ] {
        refuse(method, &args);
    }
}

#[test]
fn what_kills_is_refused_with_what_the_method_takes() {
    for (method, args) in [
        ("ping", json!([])),
        ("ping", json!([{}, {}])),
        ("stopProcessId", json!([])),
        ("stopProcessId", json!([null])),
        ("stopProcessId", json!(["abc"])),
        ("stopProcessId", json!([-1])),
        ("stopProcessId", json!([1.5])),
        ("stopProcessId", json!([[]])),
        ("stopProcessId", json!([""])),
        ("restartProcessId", json!([null])),
        ("restartProcessId", json!([{}])),
        ("stopWatch", json!(["stopProcessId"])),
        ("stopWatch", json!(["xProcessIdy", "toString"])),
        ("stopWatch", json!([0, 0])),
        ("stopWatch", json!(["stopProcessId", null])),
        ("startWatch", json!(["stopProcessId", 1])),
        ("startWatch", json!(["restartProcessId", null])),
        ("msgProcess", json!([0])),
        ("msgProcess", json!([{"id": 0}])),
        ("msgProcess", json!([{"msg": "x"}])),
        ("sendDataToProcessId", json!([{"id": 0, "data": {}, "topic": ""}])),
        ("sendLineToStdin", json!([{"pm_id": 0, "line": 1}])),
        ("sendSignalToProcessName", json!([{"process_name": 1, "signal": "SIGUSR2"}])),
        ("sendSignalToProcessName", json!([{"process_name": "a"}])),
        ("notifyByProcessId", json!([null])),
        ("profileCPU", json!([{"pwd": "relative"}])),
        ("novel", json!([1])),
        ("novel", json!([1, null])),
        ("bound", json!([])),
        ("bound", json!([{}])),
        ("killMe", json!([{}])),
        ("notifyKillPM2", json!([{}])),
        ("nosuch", json!([{}])),
    ] {
        refuse(method, &args);
    }
}

#[test]
fn a_bad_cron_pattern_is_told_with_its_reason() {
    for args in [
        json!([{"id": 0, "env": {"current_conf": {"cron_restart": "* 24 * * *"}}}]),
        json!([{"id": 0, "env": {"cron_restart": "* 24 * * *"}}]),
    ] {
        let reason = sent("restartProcessId", args).unwrap_err();
        assert!(reason.contains("\"24\" is not understood for the hours"), "{reason}");
    }
    let conf = json!({"name": "x", "args": ["a"], "env": {"A": 1}, "max_memory_restart": 1});
    assert!(sent("restartProcessId", json!([{"id": 0, "env": {"current_conf": conf}}])).is_ok());
    for none in [json!(0), json!("")] {
        let args = json!([{"id": 0, "env": {"current_conf": {"cron_restart": none}}}]);
        assert!(sent("restartProcessId", args).is_ok());
    }
}

#[test]
fn the_release_that_dies_of_reloading_logs_is_spared() {
    let ten = methods(&[("reloadLogs", vec!["opts", "cb"])]);
    let refused = ten.check_named("reloadLogs", vec![json!({})]).unwrap_err().to_string();
    assert!(refused.contains("dies"), "{refused}");
    assert!(sent("reloadLogs", json!([{}])).is_ok());
}

#[test]
fn every_known_method_has_its_risk() {
    for known in super::KNOWN {
        assert!(crate::protocol::risk::known(known.name).is_some(), "{}", known.name);
    }
}
