use super::*;

fn decode(body: &str) -> Snapshot {
    decode_monitor_data(body.as_bytes()).unwrap()
}

/// A snapshot of processes given as JSON.
fn processes(list: &str) -> Snapshot {
    decode(&format!(r#"{{"args":[[{list}]]}}"#))
}

fn one(process: &str) -> ProcessInfo {
    let snapshot = processes(process);
    assert_eq!(snapshot.warnings, Vec::<String>::new());
    let [info] = <[ProcessInfo; 1]>::try_from(snapshot.processes).unwrap();
    info
}

#[test]
fn an_instance_is_known_where_its_number_has_the_usual_name() {
    let of = |more: &str| {
        let env = format!(r#""name":"a","status":"online"{more}"#);
        one(&format!(r#"{{"pid":1,"name":"a","pm_id":0,"pm2_env":{{{env}}}}}"#)).instance
    };
    assert_eq!(of(""), Instance::Unsaid);
    assert_eq!(of(r#","NODE_APP_INSTANCE":0"#), Instance::Number(0));
    let named = r#","instance_var":"NODE_APP_INSTANCE","NODE_APP_INSTANCE":"3""#;
    assert_eq!(of(named), Instance::Number(3));
    let other = r#","instance_var":"WORKER","WORKER":1,"NODE_APP_INSTANCE":0"#;
    assert_eq!(of(other), Instance::Elsewhere);
}

#[test]
fn every_field_is_read() {
    let info = one(r#"{"pid":41,"name":"api","pm_id":3,"monit":{"memory":1024,"cpu":12.5},
        "pm2_env":{"name":"inner","namespace":"jobs","version":"1.2.3","exec_mode":"cluster_mode",
        "NODE_APP_INSTANCE":2,"status":"waiting restart","restart_time":4,"unstable_restarts":2,"max_restarts":9,
        "pm_uptime":1700000000001,"created_at":1700000000000,"unique_id":"u-1","exit_code":1,
        "kill_timeout":5000,"listen_timeout":8000,"max_memory_restart":2048,"restart_delay":100,
        "prev_restart_delay":225,"autorestart":false,"pmx_module":true,"pm_cwd":"/l","pm_exec_path":"/l/a.js","pm_out_log_path":"/l/o.log",
        "pm_err_log_path":"/dev/null","pm_log_path":"","log_date_format":"HH:mm","username":"deploy",
        "watch":["src"],"versioning":{"type":"git","branch":"main","revision":"0a1b"},
        "cron_restart":"0 3 * * *","node_version":"22.1.0","exec_interpreter":"node",
        "axm_actions":[{"action_name":"gc"},{"arity":1},7,{"action_name":"heap dump"}],
        "axm_monitor":{"Heap Size":{"value":"6.23","unit":"MiB"},"n":{"value":3},"old":7,"x":{"value":null}},
        "env":{"status":"env","restart_time":"99"}}}"#);
    let reported = |name: &str, value: &str, unit: &str| Reported {
        name: name.into(),
        value: value.into(),
        unit: unit.into(),
    };
    let expected = ProcessInfo {
        pm_id: PmId(3),
        name: "api".into(),
        namespace: Some("jobs".into()),
        version: Some("1.2.3".into()),
        exec_mode: ExecMode::Cluster,
        instance: Instance::Number(2),
        status: ProcessStatus::WaitingRestart,
        pid: Some(41),
        restarts: 4,
        unstable_restarts: 2,
        max_restarts: Some(9),
        online_since_ms: Some(1_700_000_000_001),
        created_at_ms: Some(1_700_000_000_000),
        unique_id: Some("u-1".into()),
        exit_code: Some("1".into()),
        kill_timeout_ms: Some(5000),
        listen_timeout_ms: Some(8000),
        memory_limit_bytes: Some(2048),
        restart_delay_ms: Some(100),
        backoff_first_ms: None,
        backoff_last_ms: Some(225),
        autorestart: false,
        min_uptime_ms: None,
        wait_ready: false,
        stop_exit_codes: Box::default(),
        logs: LogFiles {
            out: Some("/l/o.log".into()),
            err: Some("/dev/null".into()),
            both: None,
            date_format: Some("HH:mm".into()),
        },
        cwd: Some("/l".into()),
        script: Some("/l/a.js".into()),
        was_put_in_stopped: false,
        is_module: true,
        metrics: [reported("Heap Size", "6.23", "MiB"), reported("n", "3", "")].into(),
        setup: Setup {
            user: Some("deploy".into()),
            is_watching: true,
            git_branch: Some("main".into()),
            git_revision: Some("0a1b".into()),
            cron: Some("0 3 * * *".into()),
            node: Some("22.1.0".into()),
            interpreter: Some("node".into()),
            runs_shell: false,
            actions: ["gc".into(), "heap dump".into()].into(),
        },
        cpu_percent: Some(12.5),
        memory_bytes: Some(1024),
    };
    assert_eq!(info, expected);
}

#[test]
fn text_from_the_environment_reads_as_what_it_stands_for() {
    let info = one(r#"{"pid":"41","name":"a","pm_id":"3","monit":{"memory":"10","cpu":"0.5"},
        "pm2_env":{"status":"online","restart_time":"4","pm_uptime":"17","autorestart":"false",
        "max_memory_restart":"150M","kill_timeout":"1600"}}"#);
    assert_eq!(info.pm_id, PmId(3));
    assert_eq!(info.pid, Some(41));
    assert_eq!(info.restarts, 4);
    assert_eq!(info.online_since_ms, Some(17));
    assert!(!info.autorestart);
    assert_eq!(info.memory_limit_bytes, None);
    assert_eq!(info.kill_timeout_ms, Some(1600));
    assert_eq!((info.memory_bytes, info.cpu_percent), (Some(10), Some(0.5)));
}

#[test]
fn a_field_of_another_type_costs_that_field() {
    let info = one(r#"{"pid":{},"name":["a"],"pm_id":3,"monit":[1,2],
        "pm2_env":{"status":7,"restart_time":{"a":[1]},"exec_mode":null,"autorestart":[],
        "namespace":false,"created_at":null,"exit_code":"SIGTERM","unstable_restarts":-1}}"#);
    assert_eq!(info.pid, None);
    assert_eq!(&*info.name, "");
    assert_eq!(info.status, ProcessStatus::Other("7".into()));
    assert_eq!((info.restarts, info.unstable_restarts), (0, 0));
    assert_eq!(info.exec_mode, ExecMode::Fork);
    assert!(info.autorestart);
    assert_eq!(info.namespace, None);
    assert_eq!(info.created_at_ms, None);
    assert_eq!(info.exit_code.as_deref(), Some("SIGTERM"));
    assert_eq!((info.memory_bytes, info.cpu_percent), (None, None));
}

#[test]
fn what_is_watched_is_told_in_many_shapes() {
    for (watch, wanted) in [
        ("true", true),
        ("false", false),
        ("\"false\"", false),
        ("\"src\"", true),
        ("[\"a\",\"b\"]", true),
        ("{\"a\":[1]}", true),
        ("null", false),
        ("0", false),
    ] {
        let info = one(&format!(
            r#"{{"pm_id":0,"pm2_env":{{"watch":{watch},"versioning":[],"axm_actions":{{}},"cron_restart":0}}}}"#
        ));
        assert_eq!(info.setup, Setup { is_watching: wanted, ..Setup::default() }, "{watch}");
    }
}

#[test]
fn pids_names_and_versions_of_all_kinds() {
    for pid in ["0", "null", "{}", "-1"] {
        let info = one(&format!(r#"{{"pid":{pid},"pm_id":0,"pm2_env":{{}}}}"#));
        assert_eq!(info.pid, None, "{pid}");
    }
    assert_eq!(one(r#"{"pm_id":0,"pm2_env":{}}"#).pid, None);
    assert_eq!(&*one(r#"{"name":42,"pm_id":0,"pm2_env":{}}"#).name, "42");
    assert_eq!(&*one(r#"{"pm_id":0,"pm2_env":{"name":"inner"}}"#).name, "inner");
    for version in [r#""N/A""#, r#""""#, "null"] {
        let info = one(&format!(r#"{{"pm_id":0,"pm2_env":{{"version":{version}}}}}"#));
        assert_eq!(info.version, None, "{version}");
    }
}

#[test]
fn foreign_text_is_cleaned() {
    let info =
        one(r#"{"pm_id":0,"name":"a\u001b[31mb\nc\u202e","pm2_env":{"status":"on\u0007line"}}"#);
    assert_eq!(&*info.name, "ab c");
    // Not PM2's word as it came, and so shown as it is.
    assert_eq!(info.status, ProcessStatus::Other("online".into()));
}

#[test]
fn a_process_that_cannot_be_read_costs_that_process() {
    let snapshot = processes(
        r#"{"name":"one","pm_id":1,"pm2_env":{}},
        {"name":"bare","pm_id":2},
        {"name":"nul\u001b[2Jl","pm_id":3,"pm2_env":null},
        {"name":"old","pm_id":"_old_1","pm2_env":{}},
        {"name":"none","pm2_env":{}},
        {"name":"half","pm_id":1.5,"pm2_env":{}},
        null, 7, [[]], "text",
        {"name":"last","pm_id":9,"pm2_env":{}}"#,
    );
    let names: Vec<&str> = snapshot.processes.iter().map(|p| &*p.name).collect();
    assert_eq!(names, ["one", "last"]);
    assert_eq!(
        snapshot.warnings,
        [
            "process bare[2] left out: PM2 sent no pm2_env",
            "process null[3] left out: PM2 sent no pm2_env",
            "process old[_old_1] left out: its id _old_1 is not a number",
            "process none[?] left out: PM2 sent no id",
            "process half[1.5] left out: its id 1.5 is not a number",
            "process [?] left out: PM2 sent no pm2_env",
            "process [?] left out: PM2 sent no pm2_env",
            "process [?] left out: PM2 sent no pm2_env",
            "process [?] left out: PM2 sent no pm2_env",
        ]
    );
}

#[test]
fn warnings_are_bounded_and_the_rest_is_counted() {
    let snapshot = processes(&vec!["0"; WARNINGS_MAX + 5].join(","));
    assert_eq!(snapshot.warnings.len(), WARNINGS_MAX + 1);
    assert_eq!(snapshot.warnings.last().unwrap(), "5 more processes were left out");
}

#[test]
fn an_error_of_pm2_is_told_from_broken_json() {
    let refused = |body: &str| match decode_monitor_data(body.as_bytes()) {
        Err(DecodeError::Refused { message }) => message,
        other => panic!("{body} read as {other:?}"),
    };
    assert_eq!(refused(r#"{"error":"no \u001b[1mway","stack":"Error"}"#), "no way");
    assert_eq!(refused(r#"{"error":{"code":1}}"#), r#"{"code":1}"#);
    assert_eq!(refused(r#"{"args":[{"error":true,"message":"m"}]}"#), "m");
    for body in ["{}", "[]", "1", r#"{"args":[]}"#, r#"{"args":[null]}"#, r#"{"args":{}}"#] {
        assert_eq!(decode_monitor_data(body.as_bytes()), Err(DecodeError::NoList), "{body}");
    }
    for body in ["", "{", r#"{"args":[[{"pm_id":1"#, r#"{"args":[[]]}x"#] {
        let error = decode_monitor_data(body.as_bytes()).unwrap_err();
        assert!(matches!(error, DecodeError::Json { .. }), "{body}");
    }
}

#[test]
fn an_empty_list_is_one() {
    assert_eq!(decode(r#"{"args":[[]]}"#), Snapshot::default());
    assert_eq!(decode(r#"{"args":[[],{"more":1}]}"#), Snapshot::default());
}

#[test]
fn half_a_surrogate_pair_in_the_environment_costs_nothing() {
    let info = one(r#"{"pm_id":0,"name":"n\ud83d","pm2_env":{"env":{"X":"\ud83d"},"X":"\udc00"}}"#);
    assert_eq!(&*info.name, "n\u{fffd}");
}
