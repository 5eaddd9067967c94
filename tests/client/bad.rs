//! Calls that would kill a God daemon, or do what nobody meant.

use pm2_tui::Client;
use pm2_tui::client::{Action, ClientError, ClientOptions, Target};
use pm2_tui::daemon::Endpoint;
use serde_json::{Value, json};

use super::{block_on, connect};
use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::wait_until;

/// These act on everything when they are called with an object.
const ON_ALL: [&str; 4] = ["stopAll", "deleteAll", "killMe", "reload"];

/// Arguments that fit no method as a call that changes something.
fn bad_arguments() -> Vec<Value> {
    vec![
        json!([]),
        json!([null]),
        json!(["abc"]),
        json!([""]),
        json!([9999]),
        json!([-1]),
        json!([1.5]),
        json!([true]),
        json!([[]]),
        json!([{}]),
        json!([{"id": 9999}]),
        json!([{"id": null}]),
        json!([{"id": 9999, "msg": "x", "name": "nobody"}]),
        json!([9999, {}]),
        json!([null, null]),
        json!(["stopProcessId", null]),
        json!([{}, {}]),
        json!([{}, {}, {}]),
        json!([{}, {}, {}, {}]),
    ]
}

/// Calls of one method that its own source would choke on, or that name nobody.
fn bad_calls() -> Vec<(&'static str, Value)> {
    let path = "/nonexistent/app.js";
    vec![
        ("restartProcessId", json!([{"id": 0, "env": null}])),
        ("restartProcessId", json!([{"id": 0, "env": {"cron_restart": "never"}}])),
        ("prepare", json!([{"pm_exec_path": path, "env": {}}])),
        ("prepare", json!([{"pm_exec_path": path, "pm_pid_path": "/tmp/x.pid"}])),
        (
            "prepare",
            json!([{"pm_exec_path": path, "pm_pid_path": "/tmp/x", "env": {}, "instances": "max"}]),
        ),
        (
            "prepare",
            json!([{"pm_exec_path": path, "pm_pid_path": "/tmp/x", "env": {}, "cron_restart": "x"}]),
        ),
        ("prepareJson", json!([{"name": "a"}, "/tmp"])),
        ("prepareJson", json!([{"script": "missing.js"}, "/tmp"])),
        ("prepareJson", json!([{"script": "missing.js"}, "relative"])),
        ("sendSignalToProcessName", json!([{"process_name": 5, "signal": "SIGUSR2"}])),
        ("sendSignalToProcessName", json!([{"process_name": "nobody", "signal": "SIGUSR2"}])),
        // Without a pid, God would signal its own process group.
        ("sendSignalToProcessId", json!([{"process_id": 1, "signal": "SIGTERM"}])),
        ("sendSignalToProcessId", json!([{"process_id": 9999, "signal": "SIGTERM"}])),
        ("msgProcess", json!([{"id": 9999, "msg": {}}])),
        ("msgProcess", json!([{"name": "nobody", "msg": {}}])),
        ("sendDataToProcessId", json!([{"id": 0, "data": {}, "topic": ""}])),
        ("sendLineToStdin", json!([{"pm_id": 9999, "line": "x\n"}])),
        ("restartProcessName", json!(["nobody"])),
        ("deleteProcess", json!(["nobody"])),
        ("deleteProcess", json!([9999])),
        ("killMe", json!([])),
        ("notifyKillPM2", json!([{}])),
        ("toString", json!([{}])),
        ("nosuch", json!([{}])),
    ]
}

async fn call(client: &Client, method: &str, args: &Value) -> Result<Value, ClientError> {
    let result = client.call(method, args.as_array().unwrap().clone()).await;
    let shown = format!("{method} {args}: {result:?}");
    assert!(!matches!(result, Err(ClientError::Closed | ClientError::Timeout { .. })), "{shown}");
    result
}

fn no_bad_call_harms(release: Release) {
    let home =
        Pm2Home::with(release, &[apps::idle("one"), apps::idle("two"), apps::cluster("web")]);
    home.cli(&["stop", "two"]);
    home.wait_status("two", "stopped");
    home.mark();
    block_on(async {
        let client = connect(&home).await;
        let methods = client.callable();
        assert!(methods.len() > 30, "{methods:?}");
        for method in &methods {
            for args in bad_arguments() {
                let is_one_object =
                    args.as_array().is_some_and(|args| args.len() == 1 && args[0].is_object());
                // It looks at nothing and takes a second each time: one of them is enough.
                let is_again = method == "reloadLogs" && args != json!([null]);
                let acts_on_all = is_one_object && ON_ALL.contains(&method.as_str());
                if !(is_again || acts_on_all) {
                    // Some of these are good calls of methods that look at nothing.
                    let _ = call(&client, method, &args).await;
                }
            }
            home.assert_unharmed_but(&[]);
        }
        for (method, args) in bad_calls() {
            let error = call(&client, method, &args).await.unwrap_err().to_string();
            assert!(!error.contains('\n'), "{error}");
            home.assert_unharmed_but(&[]);
        }
        let alive = client.call("ping", vec![json!({})]).await.unwrap();
        assert_eq!(alive, json!({ "msg": "pong" }));
    });
}

pub(crate) fn no_bad_call_harms_seven() {
    no_bad_call_harms(Release::Seven);
}

pub(crate) fn no_bad_call_harms_five() {
    no_bad_call_harms(Release::Five);
}

/// Calls of a good shape that end God as things are: it reads its processes without a guard.
pub(crate) fn what_harms_as_things_are_is_not_sent() {
    let deaf = apps::script("deaf", "sh", "exec 0<&-; while :; do sleep 1; done");
    let text = "process.disconnect(); console.log('apart'); setInterval(() => {}, 1e9);";
    // With pmx, PM2's own code in it would miss the channel and throw.
    let apart = apps::script("apart", "js", text).with(json!({"pmx": false, "automation": false}));
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one"), deaf, apart]);
    home.add_ghost("ghost");
    let log = home.path().join("logs/apart-out.log");
    wait_until("it has no channel any more", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("apart"))
    });
    home.mark();
    let id = |name: &str| home.one(name).pm_id;
    let data = |name: &str| json!([{"id": id(name), "topic": "my:topic", "data": {}}]);
    let line = |name: &str| json!([{"pm_id": id(name), "line": "text\n"}]);
    block_on(async {
        let client = connect(&home).await;
        for (method, args, why) in [
            ("sendDataToProcessId", data("ghost"), "without having started"),
            ("sendDataToProcessId", data("apart"), "closed its channel"),
            ("sendLineToStdin", line("ghost"), "without having started"),
            ("sendLineToStdin", line("deaf"), "closed its standard input"),
            ("stopWatch", json!(["stopProcessId", 9999]), "no process 9999"),
            ("startWatch", json!(["restartProcessName", "nobody"]), "no process nobody"),
        ] {
            let error = call(&client, method, &args).await.unwrap_err().to_string();
            assert!(error.contains(why), "{method} {args}: {error}");
            home.assert_unharmed_but(&[]);
        }
        for name in ["ghost", "apart"] {
            let opts = json!([{"id": id(name), "msg": {"type": "x"}}]);
            let reached = call(&client, "msgProcess", &opts).await.unwrap();
            assert_eq!(reached["process_count"], 0, "{name}");
            home.assert_unharmed_but(&[]);
        }
        // The same calls reach those who listen.
        call(&client, "sendDataToProcessId", &data("one")).await.unwrap();
        call(&client, "sendLineToStdin", &line("one")).await.unwrap();
        home.assert_unharmed_but(&[]);
    });
}

pub(crate) fn a_read_only_client_changes_nothing() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one")]);
    home.mark();
    block_on(async {
        let options = ClientOptions { read_only: true, ..ClientOptions::default() };
        let client = Client::connect(&Endpoint::in_home(home.path()), options).await.unwrap();
        let snapshot = client.snapshot().await.unwrap();
        for method in client.callable() {
            let result = client.call(&method, vec![json!({})]).await;
            let is_refused = matches!(result, Err(ClientError::ReadOnly { .. }));
            let reads = method.starts_with("get") || method == "ping" || method == "findByScript";
            assert_eq!(is_refused, !reads, "{method}: {result:?}");
        }
        let act = client.act(Action::Restart, &Target::of(&snapshot.processes[0])).await;
        assert!(matches!(act, Err(ClientError::ReadOnly { .. })), "{act:?}");
        for result in [client.reload().await, client.kill_me().await] {
            assert!(matches!(result, Err(ClientError::ReadOnly { .. })), "{result:?}");
        }
        home.assert_unharmed_but(&[]);
    });
}
