mod folders;

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value as Json, json};

use super::accounts::Accounts;
use super::prepare;
use super::schema::split_words;
use super::{
    AppConfig, Context, check_environment, create_log_folders, parse_value, prepare_all, restart,
};

fn app(value: &Json) -> Result<AppConfig, String> {
    AppConfig::from_json(value, "f.json", 3).map_err(|error| error.to_string())
}

#[test]
fn what_is_not_understood_is_named() {
    for (value, reason) in [
        (json!({"name": "x"}), "app x: script: is missing"),
        (json!({"script": ""}), "app 3: script: is missing"),
        (json!({"script": "a", "nmae": "x"}), "app 3: nmae (name?): PM2 has no such key"),
        (
            json!({"script": "a", "max_size": "3M", "max_memory": 7, "instnaces": 2}),
            "app 3: instnaces (instances?), max_memory (max_memory_restart?), max_size: PM2 has no such keys",
        ),
        (
            json!({"script": "a", "env production": {}}),
            "app 3: env production: PM2 has no such key",
        ),
        (json!({"script": 5}), "app 3: script: must be text, and is a number"),
        (json!({"script": "a", "name": 5}), "app 3: name: must be text, and is a number"),
        (
            json!({"script": "a", "args": {}}),
            "app 3: args: must be a list or text, and is an object",
        ),
        (json!({"script": "a", "args": [["b"]]}), "app 3: args: a list cannot stand in this list"),
        (
            json!({"script": "a", "watch": [{}]}),
            "app 3: watch: an object cannot stand in this list",
        ),
        (
            json!({"script": "a", "interpreter": true}),
            "app 3: interpreter: must be text, and is true or false",
        ),
        (
            json!({"script": "a", "instances": "many"}),
            "app 3: instances: must be a whole number or \"max\", and is text",
        ),
        (
            json!({"script": "a", "instances": 1.5}),
            "app 3: instances: must be a whole number or \"max\", and is 1.5",
        ),
        (
            json!({"script": "a", "instances": "inf"}),
            "app 3: instances: must be a whole number or \"max\", and is text",
        ),
        (
            json!({"script": "a", "autorestart": "no"}),
            "app 3: autorestart: must be true or false, and is text",
        ),
    ] {
        assert_eq!(app(&value), Err(format!("f.json: {reason}")), "{value}");
    }
}

#[test]
fn a_value_that_means_nothing_is_named() {
    for (value, reason) in [
        (
            json!({"script": "a", "exec_mode": "both"}),
            "app 3: exec_mode: must be fork or cluster, and is \"both\"",
        ),
        (
            json!({"script": "a", "max_memory_restart": "300MB"}),
            "app 3: max_memory_restart: must be a size as 300M, 1G, 512K or bytes, and is \"300MB\"",
        ),
        (
            json!({"script": "a", "min_uptime": "10 s"}),
            "app 3: min_uptime: must be a time as 10s, 5m, 1h or ms, and is \"10 s\"",
        ),
        (
            json!({"script": "a", "min_uptime": 10}),
            "app 3: min_uptime: must be 100 or more, and is 10",
        ),
        (
            json!({"script": "a", "max_restarts": -1}),
            "app 3: max_restarts: must be 0 or more, and is -1",
        ),
        (
            json!({"script": "a", "cron": "* * *"}),
            "app 3: cron_restart: a cron pattern has 5 or 6 fields, and \"* * *\" has 3",
        ),
        (
            json!({"script": "a", "cron": 7}),
            "app 3: cron_restart: must be a cron pattern, and is 7",
        ),
        (json!({"script": "a", "env": "production"}), "app 3: env: must be an object, and is text"),
        (json!({"script": "a", "env": {"A=B": 1}}), "app 3: env: \"A=B\" is not a variable name"),
        (json!({"script": "a", "env_x": 1}), "app 3: env_x: must be an object, and is a number"),
        (json!({"script": "a", "env": {"A": "b\u{0}"}}), "app 3: env: has a NUL character in it"),
        (
            json!({"script": "a", "trace": true}),
            "app 3: trace: needs packages that only the pm2 command installs; start it with pm2",
        ),
        (
            json!({"script": "a", "name": "\u{1b}[31mred\n", "x": 1}),
            "app red : x: PM2 has no such key",
        ),
    ] {
        assert_eq!(app(&value), Err(format!("f.json: {reason}")), "{value}");
    }
}

#[test]
fn keys_are_read_as_pm2_reads_them() {
    for (key, value, name, wanted) in [
        ("args", json!("--a 'b c'"), "args", json!(["--a", "b c"])),
        ("interpreterArgs", json!("-a -b"), "node_args", json!(["-a", "-b"])),
        ("nodeArgs", json!(["-a"]), "node_args", json!(["-a"])),
        ("interpreter", json!("bash"), "exec_interpreter", json!("bash")),
        ("execMode", json!("cluster"), "exec_mode", json!("cluster")),
        ("instances", json!("max"), "instances", json!(0)),
        ("instances", json!("-1"), "instances", json!(-1)),
        ("instances", json!(" 2 "), "instances", json!(2)),
        ("instances", json!(2.0), "instances", json!(2)),
        ("max_memory_restart", json!("300M"), "max_memory_restart", json!(314_572_800)),
        ("max_memory_restart", json!("1G"), "max_memory_restart", json!(1_073_741_824)),
        ("max_memory_restart", json!("77"), "max_memory_restart", json!(77)),
        ("min_uptime", json!("10s"), "min_uptime", json!(10_000)),
        ("time", json!(true), "log_date_format", json!("YYYY-MM-DDTHH:mm:ss")),
        ("automation", json!(false), "pmx", json!(false)),
        ("error", json!("e"), "error_file", json!("e")),
        ("out_log", json!("o"), "out_file", json!("o")),
        ("log", json!(true), "log_file", json!(true)),
        ("cron", json!("* * * * *"), "cron_restart", json!("* * * * *")),
        ("cron_restart", json!("0"), "cron_restart", json!(0)),
        ("user", json!("web"), "uid", json!("web")),
        ("autorestart", json!(false), "autorestart", json!(false)),
        ("autorestart", Json::Null, "autorestart", json!(true)),
        ("stop_exit_codes", json!([0, "1"]), "stop_exit_codes", json!([0, 1])),
        ("stop_exit_codes", json!("0,1"), "stop_exit_codes", json!([0, 1])),
        ("stop_exit_codes", json!("0 1, 137"), "stop_exit_codes", json!([0, 1, 137])),
        ("stop_exit_codes", json!("3"), "stop_exit_codes", json!(3)),
        ("args", json!(["a", 5, true]), "args", json!(["a", 5, "true"])),
        ("execute_command", json!(true), "exec_mode", json!("fork")),
    ] {
        let mut entry = json!({"script": "a.js"});
        entry[key] = value;
        assert_eq!(app(&entry).unwrap().keys.get(name), Some(&wanted), "{entry}");
    }
    for (value, name) in [
        (json!({"script": "./dir/app.test.js"}), "app.test"),
        (json!({"cmd": "run.sh"}), "run"),
        (json!({"exec": ".hidden"}), ".hidden"),
        (json!({"script": "a.js", "name": "given"}), "given"),
    ] {
        assert_eq!(app(&value).unwrap().name(), name, "{value}");
    }
    // An own name that is false, 0 or empty gives way to another name of the key, and is lost.
    let lost = app(&json!({"script": "a", "merge_logs": false})).unwrap();
    assert_eq!(lost.keys.get("merge_logs"), None);
    for (value, merged) in [
        (json!({"script": "a"}), Some(&json!(true))),
        (json!({"script": "a", "instances": 1}), None),
        (json!({"script": "a", "exec_mode": "cluster"}), None),
    ] {
        assert_eq!(app(&value).unwrap().keys.get("merge_logs"), merged, "{value}");
    }
}

#[test]
fn words_are_split_as_the_cli_splits_them() {
    for (text, words) in [
        ("", &[][..]),
        ("  a  b ", &["a", "b"]),
        ("--a='b c' --d=\"e f\" g", &["--a='b c'", "--d=\"e f\"", "g"]),
        ("'one two' \"three four\"", &["one two", "three four"]),
        ("it's", &["it's"]),
        ("a\"b c\"", &["a\"b", "c\""]),
        ("\"\" x", &["x"]),
        ("\"", &[]),
        ("=a", &["=a"]),
        ("a='b", &["a='b"]),
        ("'ü ü'ü", &["ü ü", "ü"]),
    ] {
        assert_eq!(split_words(text), words, "{text}");
    }
}

/// A folder with some scripts, a PATH with some programs, and the context of a caller in it.
struct Place {
    folder: tempfile::TempDir,
    context: Context,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for file in ["app.js", "run.sh", "tool.py", "plain", "types.ts", "with.coffee"] {
        fs::write(root.join(file), "text\n").unwrap();
    }
    fs::create_dir(root.join("bin")).unwrap();
    fs::create_dir(root.join("home")).unwrap();
    for program in ["node", "bash", "python3"] {
        // A program that is there on every machine.
        std::os::unix::fs::symlink("/bin/sh", root.join("bin").join(program)).unwrap();
    }
    let path = root.join("bin").to_str().unwrap().to_owned();
    let context = Context {
        pm2_home: root.join("home"),
        cwd: root,
        environment: BTreeMap::from([
            ("PATH".to_owned(), path),
            ("CALLER".to_owned(), "x".to_owned()),
        ]),
        env_name: None,
        pm2_version: None,
    };
    Place { folder, context }
}

impl Place {
    fn prepared(&self, entry: &Json) -> Result<Json, String> {
        let accounts = Accounts {
            users: "root:x:0:0::/root:\nweb:x:33:34::/srv:\n".to_owned(),
            groups: "web:x:34:\n".to_owned(),
        };
        let app = app(entry)?;
        prepare::payload(&app, &self.context, &accounts)
            .map_err(|(key, reason)| format!("{key}: {}", self.bare(&reason)))
            .map(|payload| serde_json::from_str(&self.bare(&payload.to_string())).unwrap())
    }

    fn bare(&self, text: &str) -> String {
        text.replace(self.folder.path().canonicalize().unwrap().to_str().unwrap(), "")
    }
}

#[test]
fn a_payload_has_all_that_the_cli_sends() {
    let wanted = json!({
        "args": ["-x"],
        "automation": true,
        "autorestart": true,
        "autostart": true,
        "env": {
            "A": "{\"b\":1}",
            "CALLER": "x",
            "PATH": "/bin",
            "PM2_HOME": "/home",
            "PM2_JSON_PROCESSING": "true",
            "PM2_USAGE": "CLI",
            "a b": "{}",
        },
        "exec_interpreter": "node",
        "exec_mode": "fork_mode",
        "instance_var": "NODE_APP_INSTANCE",
        "instances": 1,
        "kill_retry_time": 100,
        "km_link": false,
        "merge_logs": true,
        "name": "a b",
        "namespace": "default",
        "node_args": [],
        "pm_cwd": "",
        "pm_err_log_path": "/home/logs/a-b-error.log",
        "pm_exec_path": "/app.js",
        "pm_out_log_path": "/home/logs/a-b-out.log",
        "pm_pid_path": "/home/pids/a-b.pid",
        "pmx": true,
        "treekill": true,
        "vizion": true,
        "windowsHide": true,
    });
    let entry = json!({"name": "a b", "script": "app.js", "args": "-x", "env": {"A": {"b": 1}}});
    let mut payload = place().prepared(&entry).unwrap();
    let username = payload.as_object_mut().unwrap().remove("username");
    assert!(username.is_some_and(|name| name.is_string()));
    assert_eq!(payload, wanted);
}

#[test]
fn interpreter_and_mode_follow_the_script() {
    let place = place();
    for (entry, interpreter, mode) in [
        (json!({"script": "app.js"}), "node", "fork_mode"),
        (json!({"script": "app.js", "instances": 1}), "node", "cluster_mode"),
        (json!({"script": "app.js", "instances": "max"}), "node", "cluster_mode"),
        (json!({"script": "app.js", "instances": -2}), "node", "fork_mode"),
        (json!({"script": "app.js", "exec_mode": "cluster"}), "node", "cluster_mode"),
        (json!({"script": "app.js", "instances": 2, "exec_mode": "fork"}), "node", "fork_mode"),
        (json!({"script": "run.sh", "instances": 2}), "bash", "fork_mode"),
        (json!({"script": "tool.py"}), "python3", "fork_mode"),
        (json!({"script": "bash"}), "none", "fork_mode"),
        (json!({"script": "app.js", "interpreter": "none"}), "none", "fork_mode"),
        (json!({"script": "bash -x 'a b'"}), "none", "fork_mode"),
    ] {
        let payload = place.prepared(&entry).unwrap();
        assert_eq!(payload["exec_interpreter"], interpreter, "{entry}");
        assert_eq!(payload["exec_mode"], mode, "{entry}");
    }
    let line = place.prepared(&json!({"script": "bash -x 'a b'", "args": "lost"})).unwrap();
    assert_eq!(line["args"], json!(["-c", "bash -x 'a b'"]));
    assert_eq!(line["pm_exec_path"], "/bin/bash");
    assert_eq!(
        place.prepared(&json!({"script": "tool.py"})).unwrap()["env"]["PYTHONUNBUFFERED"],
        "1"
    );
}

#[test]
fn what_is_not_there_is_named() {
    let place = place();
    for (entry, reason) in [
        (json!({"script": "gone.js"}), "script: there is no /gone.js"),
        (json!({"script": "app.js", "cwd": "gone"}), "cwd: there is no folder /gone"),
        (json!({"script": "app.js", "cwd": "app.js"}), "cwd: there is no folder /app.js"),
        (
            json!({"script": "app.js", "interpreter": "perl"}),
            "interpreter: there is no perl in PATH to run it with",
        ),
        (
            json!({"script": "with.coffee"}),
            "interpreter: there is no coffee in PATH to run it with",
        ),
        (
            json!({"script": "app.js", "interpreter": "node@18"}),
            "interpreter: node@18 needs nvm, and NVM_DIR is not set",
        ),
        (
            json!({"script": "serve"}),
            "script: serve is a part of the pm2 command itself; start it with pm2",
        ),
        (json!({"script": "app.js", "gid": "web"}), "gid: needs a uid as well"),
    ] {
        assert_eq!(place.prepared(&entry), Err(reason.to_owned()), "{entry}");
    }
    let types = place.prepared(&json!({"script": "types.ts"})).unwrap_err();
    assert!(types.starts_with("interpreter: TypeScript runs with bun, which is not in PATH"));
}

#[test]
fn files_are_put_where_the_cli_puts_them() {
    let mut place = place();
    place.context.environment.insert("HOME".to_owned(), "/users/me".to_owned());
    let entry = json!({
        "name": "x/y𝄞", "script": "app.js", "out": "logs/o.log", "error": "/var/e.log", "log": true,
        "pid": "~/x.pid",
    });
    let payload = place.prepared(&entry).unwrap();
    for (key, path) in [
        ("pm_out_log_path", "/logs/o.log"),
        ("pm_err_log_path", "/var/e.log"),
        ("pm_log_path", "/home/logs/x-y--.log"),
        ("pm_pid_path", "/users/me/x.pid"),
    ] {
        assert_eq!(payload[key], path, "{key}");
    }
    let null = place.prepared(&json!({"script": "app.js", "out": "NULL", "log": "l"})).unwrap();
    assert_eq!(null["pm_out_log_path"], "/dev/null");
    assert_eq!(null["pm_log_path"], "/l");
    assert_eq!(null.get("out_file"), None);
}

#[test]
fn environments_are_laid_over_each_other() {
    let mut place = place();
    let entry = json!({
        "name": "x", "script": "app.js", "port": 80, "cwd": ".", "io": {"a": 1},
        "env": {"A": 1, "B": 1}, "env_test": {"B": 2},
    });
    fs::write(place.context.pm2_home.join("module_conf.json"), r#"{"x": {"A": "set"}}"#).unwrap();
    let env = place.prepared(&entry).unwrap()["env"].clone();
    for (name, value) in [
        ("A", json!("set")),
        ("B", json!(1)),
        ("PORT", json!(80)),
        ("PWD", json!(".")),
        ("io", json!("{\"a\":1}")),
        ("x", json!("{\"A\":\"set\"}")),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
    place.context.env_name = Some("test".to_owned());
    let mut app = app(&entry).unwrap();
    assert!(app.has_env("test") && !app.has_env("production"));
    app.deploy = json!({"test": {"env": {"B": 3, "C": 3}}}).as_object().unwrap().clone();
    let payload = prepare_all(&[app], &place.context).unwrap().remove(0);
    assert_eq!((&payload["env"]["B"], &payload["env"]["C"]), (&json!(2), &json!(3)));
    let named = json!({"name": "x", "script": "app.js", "append_env_to_name": true});
    assert_eq!(place.prepared(&named).unwrap()["name"], "x-test");
    fs::write(place.context.pm2_home.join("module_conf.json"), "{").unwrap();
    let broken = place.prepared(&json!({"script": "app.js"})).unwrap_err();
    assert!(broken.starts_with("env: /home/module_conf.json is not JSON"), "{broken}");
}

#[test]
fn a_restart_brings_the_file_as_it_was_written() {
    let mut place = place();
    place.context.env_name = Some("test".to_owned());
    let entry = json!({
        "name": "x y", "script": "app.js --all", "exec_mode": "cluster", "instances": "max", "cwd": "sub",
        "port": 80, "out": "o.log", "env": {"A": 1, "B": {"c": 1}}, "env_test": {"A": {"raw": 2}},
        "filter_env": ["CALL"], "append_env_to_name": true, "cron": "0 4 * * *",
    });
    let env = restart::env(&app(&entry).unwrap(), &place.context, &Accounts::default());
    let mut env: Json = serde_json::from_str(&place.bare(&env.unwrap().to_string())).unwrap();
    let mut conf = env.as_object_mut().unwrap().remove("current_conf").unwrap();
    assert!(conf.as_object_mut().unwrap().remove("username").is_some());
    let own = json!({"A": {"raw": 2}, "B": "{\"c\":1}"});
    let wanted = json!({
        "A": own["A"], "B": own["B"], "PATH": "/bin", "PM2_HOME": "/home", "PM2_USAGE": "CLI",
        "PM2_JSON_PROCESSING": "true", "updateEnv": true, "x y-test": {},
    });
    assert_eq!(env, wanted);
    let wanted = json!({
        "name": "x y-test", "namespace": "default", "script": "bash", "args": ["-c", "app.js --all"],
        "instances": 0, "cwd": "sub", "port": 80, "out_file": "o.log", "env": own,
        "env_test": {"A": {"raw": 2}}, "filter_env": ["CALL"], "append_env_to_name": true,
        "cron_restart": "0 4 * * *", "vizion": true, "autostart": true, "autorestart": true,
        "pmx": true, "automation": true, "treekill": true, "windowsHide": true,
        "instance_var": "NODE_APP_INSTANCE", "kill_retry_time": 100,
    });
    assert_eq!(conf, wanted);
}

#[test]
fn an_environment_that_no_app_has_is_refused() {
    let checked = |apps: &Json, name: &str| {
        let apps = parse_value(apps, "f.json").unwrap();
        check_environment(&apps, name).map_err(|error| error.to_string())
    };
    let two = json!({
        "apps": [
            {"script": "a", "env_production": {}, "env_dev": {}},
            {"script": "b", "env": {"A": 1}, "env_production": {"A": 2}},
        ],
        "deploy": {"staging": {"env": {}}, "bare": {}},
    });
    for known in ["production", "dev", "staging"] {
        assert_eq!(checked(&two, known), Ok(()), "{known}");
    }
    let there = "there are: env_dev, env_production, env_staging";
    assert_eq!(
        checked(&two, "prodution"),
        Err(format!("f.json: no app has env_prodution; {there}"))
    );
    assert!(checked(&two, "bare").is_err());
    let none = Err("f.json: no app has env_x; there is none in it".to_owned());
    assert_eq!(checked(&json!({"script": "a", "env": {}}), "x"), none);
}

#[test]
fn the_callers_variables_are_filtered() {
    let mut place = place();
    let context = &mut place.context;
    context.environment.insert("pmx".to_owned(), "true".to_owned());
    let env = |place: &Place, filter: &Json| {
        let entry = json!({"script": "app.js", "filter_env": filter, "env": {"CALLER_2": "y"}});
        place.prepared(&entry).unwrap()["env"].clone()
    };
    let all = env(&place, &json!(true));
    assert_eq!((&all["CALLER"], &all["pmx"]), (&json!("x"), &json!("true")));
    let one = env(&place, &json!("CALLER"));
    assert_eq!((one.get("CALLER"), &one["CALLER_2"]), (None, &json!("y")));
    let some = env(&place, &json!(["CALL", "PM2_U"]));
    assert_eq!((some.get("CALLER"), some.get("PM2_USAGE")), (None, None));
    assert_eq!(some["CALLER_2"], "y");
    // Started by an app that runs under PM2 itself.
    place.context.environment.insert("pm_id".to_owned(), "4".to_owned());
    let nested = env(&place, &Json::Null);
    assert_eq!((nested.get("pm_id"), nested.get("pmx")), (None, None));
    assert_eq!(nested["CALLER"], "x");
}
