//! The bus: pm2-interface's topics and the daemon's own, topics that apps make up, and both ways.

use serde_json::{Value as Json, json};

use super::stage::{Stage, cluster_thrower, plain, talker, thrower};
use crate::harness::apps::{App, script};
use crate::harness::example::example;
use crate::harness::home::run;
use crate::harness::install::Release;
use crate::harness::screen::COCKPIT;
use crate::harness::{PATIENCE, wait_until};

/// Daemons that run a fork app without anything of theirs in it, so that its exceptions are in its
/// error log only; those of cluster apps are on the bus.
const SILENT_FORKS: &[Release] = &[Release::Zero12, Release::Zero10];

pub(crate) fn events_under_both_names(release: Release) {
    let stage = Stage::new(release, &[plain(), talker(), thrower(), cluster_thrower()]);
    let client = stage.client();
    let id = stage.ids("plain")[0];
    let mut renamed =
        stage.bus(&["process:online", "process:exit", "process:exception", "my:message"]);
    let mut own = stage.bus(&["process:*"]);

    stage.good(&client, "restartProcessId", &json!([id]));
    let of = |event: &pm2_tui::client::Event, topic: &str, name: &str| {
        event.topic == topic && event.process.as_ref().is_some_and(|process| &*process.name == name)
    };
    let seen = stage.events_until(&mut renamed, "process:online of plain", |event| {
        of(event, "process:online", "plain")
    });
    assert!(seen.iter().any(|event| of(event, "process:exit", "plain")), "{seen:#?}");
    // Daemons from 0.12 on say process:event; the wildcard gives the view that they have.
    let own_topic = if release == Release::Zero10 { "process:online" } else { "process:event" };
    stage.events_until(&mut own, own_topic, |event| of(event, own_topic, "plain"));

    for n in 1..=3 {
        stage.signal("talker");
        let seen =
            stage.events_until(&mut renamed, "my:message", |event| event.topic == "my:message");
        let message = seen.last().unwrap();
        let data = message.data.get("data").unwrap_or(&message.data);
        // 0.10 wraps the whole of what the app sent.
        let data = data.get("data").unwrap_or(data);
        assert_eq!(data["n"], json!(n), "{message:#?}");
        assert!(message.at_ms > 1_600_000_000_000, "{message:#?}");
    }

    for name in ["thrower", "clustered"] {
        stage.signal(name);
        let seen = stage.events_until(&mut renamed, "process:online", |event| {
            of(event, "process:online", name)
        });
        assert!(seen.iter().any(|event| of(event, "process:exit", name)), "{seen:#?}");
        let exception = seen.iter().find(|event| event.topic == "process:exception");
        if name == "thrower" && SILENT_FORKS.contains(&release) {
            // When this fails, the table in the README is to be changed.
            assert_eq!(exception, None);
            continue;
        }
        let exception = exception.unwrap_or_else(|| panic!("no process:exception: {seen:#?}"));
        assert!(of(exception, "process:exception", name), "{exception:#?}");
        assert!(exception.data.to_string().contains("boom 4711"), "{exception:#?}");
    }
}

/// The worker of pm2-interface's README, with its first line as it was meant.
fn worker() -> App {
    let text = include_str!("worker.js");
    script("worker", "js", text)
        .with(json!({"exec_mode": "cluster_mode", "instances": 2, "vizion": false}))
}

/// The heap that a message carries, if it is one of the worker's: under its own topic, or, as
/// daemons from 1.1 on forward what has no `data`, as `raw` of `process:msg`.
fn heap(event: &pm2_tui::client::Event) -> Option<u64> {
    let candidates = [&event.data, &event.data["raw"], &event.data["msg"], &event.data["data"]];
    let message = candidates.into_iter().find(|one| one["heap"].is_u64())?;
    let is_it = event.topic == "process:heap" || message["type"] == "process:heap";
    message["heap"].as_u64().filter(|_| is_it)
}

pub(crate) fn two_way(release: Release) {
    let stage = Stage::new(release, &[worker()]);
    let client = stage.client();
    let mut bus = stage.bus(&["*"]);
    let ask = json!([{"name": "worker", "msg": {"type": "god:heap"}}]);
    let mut heaps = Vec::new();
    // A worker may be online before it listens; the monitor of the README asks every 5 s, too.
    for _ in 0..10 {
        let reply = stage.good(&client, "msgProcess", &ask);
        assert!(says(&reply, 2), "the reply says how many were reached: {reply}");
        stage.listen(&mut bus, |event| heaps.extend(heap(event)));
        if heaps.len() >= 2 {
            break;
        }
    }
    assert!(heaps.len() >= 2, "{heaps:?}");
    assert!(heaps.iter().all(|heap| *heap > 1_000_000), "bytes of heap: {heaps:?}");
    let nobody = json!([{"name": "nobody", "msg": {"type": "god:heap"}}]);
    let reply = stage.call(&client, "msgProcess", &nobody);
    assert!(reply.as_ref().map_or(true, |reply| says(reply, 0)), "{reply:?}");
}

pub(crate) fn the_two_way_example(release: Release) {
    let stage = Stage::new(release, &[plain()]);
    let home = &stage.home;
    let worker = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/worker.js");
    home.cli(&["start", worker, "-i", "2", "--name", "worker"]);
    stage.wait_online();
    let mut command = example(home, "two_way", &["2", "1"]);
    if let Some((rpc, publish)) = home.ports() {
        command.env("PM2_DAEMON_RPC_PORT", rpc.to_string());
        command.env("PM2_DAEMON_PUB_PORT", publish.to_string());
    }
    let output = run(command, PATIENCE * 2).unwrap_or_else(|| panic!("no end"));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(r#"sent: {"process_count":2,"success":true}"#), "{said}");
    // The first round may come before the workers listen. 0.12 does not say which process it was.
    let heaps = said.lines().filter(|line| line.starts_with("process heap: "));
    assert!(heaps.filter(|line| line.contains(r#""heap":"#)).count() >= 2, "{said}");
}

/// Declares the action `what` and replies to it, with PM2's own messages.
fn acting() -> App {
    let text = "var declared = { action_name: 'what', action_type: 'custom' };
process.send({ type: 'axm:action', data: declared });
process.on('message', function (got) {
  if ((got.msg || got) !== 'what') return;
  process.send({ type: 'axm:reply', data: { action_name: 'what', return: { opts: got.opts } } });
});
setInterval(function () {}, 1e9);";
    script("acting", "js", text).with(json!({"exec_mode": "fork_mode", "vizion": false}))
}

pub(crate) fn an_action_is_triggered(release: Release) {
    let stage = Stage::new(release, &[acting(), plain()]);
    let client = stage.client();
    let home = &stage.home;
    wait_until("it declared its action", || {
        let all = stage.good(&client, "getMonitorData", &json!([{}]));
        let mut all = all.as_array().unwrap().iter();
        let acting = all.find(|one| one["name"] == "acting").unwrap();
        let actions = acting["pm2_env"]["axm_actions"].as_array();
        actions.is_some_and(|all| all.iter().any(|action| action["action_name"] == "what"))
    });
    let trigger = |arguments: &[&str]| {
        let mut command = std::process::Command::new(COCKPIT);
        command.arg("trigger").args(arguments).env("PM2_HOME", home.path());
        if let Some((rpc, publish)) = home.ports() {
            command.env("PM2_DAEMON_RPC_PORT", rpc.to_string());
            command.env("PM2_DAEMON_PUB_PORT", publish.to_string());
        }
        let output = run(command, PATIENCE).unwrap_or_else(|| panic!("no end"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let label = format!("acting[{}]", stage.ids("acting")[0]);
    assert_eq!(trigger(&["acting", "what"]), (Some(0), format!("{label}: {{}}\n"), String::new()));
    let with = trigger(&["acting", "what", "a b"]);
    if release == Release::Zero10 {
        let why = "pm2-tui: this release of PM2 passes no parameters to actions\n".to_owned();
        assert_eq!(with, (Some(1), String::new(), why));
    } else {
        let said = format!("{label}: {{\"opts\":\"a b\"}}\n");
        assert_eq!(with, (Some(0), said, String::new()));
    }
    for target in ["plain", "acting", "all"] {
        let (code, out, err) = trigger(&[target, "nothing"]);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        // Newer daemons put actions of their own into every app.
        let known = err.split_once("`nothing`; ").unwrap().1;
        assert_eq!(known.trim_end().ends_with("what"), target != "plain", "{err}");
    }
    // A text is the name of an action, in a call by name too.
    let undeclared = json!([{"name": "acting", "msg": "nothing"}]);
    let error = stage.call(&client, "msgProcess", &undeclared).unwrap_err().to_string();
    assert!(error.ends_with("what; not sent"), "{error}");
}

/// `sent N messages` to 1.1, `{process_count: N}` after it.
fn says(reply: &Json, count: u64) -> bool {
    reply["process_count"] == json!(count) || *reply == json!(format!("sent {count} messages"))
}
