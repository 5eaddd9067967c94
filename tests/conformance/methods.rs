//! The methods of pm2-interface, by their old names, whether the daemon has them or not.

use std::collections::BTreeSet;

use pm2_tui::client::ClientError;
use pm2_tui::ecosystem::Context;
use pm2_tui::model::Action;
use serde_json::{Value as Json, json};

use super::stage::{Stage, plain, talker, web};
use crate::harness::home::Listed;
use crate::harness::install::Release;
use crate::harness::wait_until;

/// What a reply says of its processes: `pm_id`, name, status. A reply is a list of processes as
/// `getMonitorData` has them, or of their `pm2_env`, or one such, or a dump of a `ChildProcess`.
pub(crate) fn processes(reply: &Json) -> Vec<(u64, String, String)> {
    let one = |process: &Json| {
        let env = process.get("pm2_env").unwrap_or(process);
        let id = [&process["pm_id"], &env["pm_id"]].into_iter().find_map(Json::as_u64)?;
        let text = |value: &Json| value.as_str().map(str::to_owned);
        Some((id, text(&env["name"])?, text(&env["status"])?))
    };
    let mut found: Vec<_> = match reply {
        Json::Array(all) => all.iter().filter_map(one).collect(),
        single => one(single).into_iter().collect(),
    };
    found.sort();
    found
}

fn facts(listed: &[Listed]) -> Vec<(u64, String, String)> {
    let mut facts: Vec<_> =
        listed.iter().map(|one| (one.pm_id, one.name.clone(), one.status.clone())).collect();
    facts.sort();
    facts
}

pub(crate) fn connect_and_methods(release: Release) {
    let stage = Stage::new(release, &[plain()]);
    stage.home.mark();
    let client = stage.client();
    let listed = stage.home.methods();
    let missing: Vec<_> = listed.iter().filter(|name| !client.methods().has(name)).collect();
    assert!(missing.is_empty(), "the client does not know {missing:?}");
    assert!(!client.methods().has("noSuchMethod"));
    assert_eq!(stage.good(&client, "getVersion", &json!([{}])), json!(release.version()));
    assert_eq!(stage.good(&client, "ping", &json!([{}])), json!({"msg": "pong"}));
    let error = stage.call(&client, "noSuchMethod", &json!([{}])).unwrap_err();
    assert!(error.to_string().contains("noSuchMethod"), "{error}");
    let typed: BTreeSet<String> = stage
        .run(client.snapshot())
        .unwrap()
        .processes
        .iter()
        .map(|process| process.name.to_string())
        .collect();
    assert_eq!(typed, BTreeSet::from(["plain".to_owned()]));
    let clone = client.clone();
    stage.run(client.disconnect());
    assert!(stage.call(&clone, "ping", &json!([{}])).is_err(), "a call after disconnect()");
    stage.home.assert_unharmed_but(&[]);
}

pub(crate) fn the_asking_methods(release: Release) {
    let stage = Stage::new(release, &[web(), plain()]);
    stage.home.mark();
    let client = stage.client();
    let all = facts(&stage.home.jlist());
    assert_eq!(processes(&stage.good(&client, "getMonitorData", &json!([{}]))), all);

    let system = stage.good(&client, "getSystemData", &json!([{}]));
    if release == Release::Seven {
        // That release has a method of this name with another reply: a map of metrics.
        assert!(system.is_object(), "{system}");
    } else {
        assert_eq!(processes(&system["processes"]), all, "{system}");
        assert!(system["system"]["memory"]["total"].as_u64() > Some(0), "{}", system["system"]);
        let cpus = system["system"]["cpus"].as_array();
        assert!(cpus.is_some_and(|cpus| !cpus.is_empty()), "{}", system["system"]);
    }

    let found = stage.good(&client, "findByScript", &json!(["plain.js"]));
    // The shape of the daemons that have it.
    assert!(found[0]["pm_exec_path"].is_string(), "{found}");
    assert_eq!(processes(&found), [(stage.ids("plain")[0], "plain".into(), "online".into())]);
    let none = stage.good(&client, "findByScript", &json!(["none.js"]));
    assert_eq!(none, json!(null));
    stage.home.assert_unharmed_but(&[]);
}

pub(crate) fn restart_stop_and_start(release: Release) {
    let stage = Stage::new(release, &[talker(), plain()]);
    stage.home.mark();
    let client = stage.client();
    let id = stage.ids("plain")[0];
    let mut pid = stage.home.one("plain").pid;
    // The bare integer of the old interface, which no daemon takes, and what they take.
    for args in [json!([id]), json!([{"id": id}])] {
        let reply = stage.good(&client, "restartProcessId", &args);
        assert_eq!(processes(&reply).first().map(|one| one.0), Some(id), "{reply}");
        let now = stage.home.wait_status("plain", "online");
        assert_ne!(now.pid, pid, "restartProcessId {args}");
        pid = now.pid;
    }
    let reply = stage.good(&client, "restartProcessName", &json!(["plain"]));
    assert!(!reply.is_null(), "restartProcessName says something");
    let now = stage.home.wait_status("plain", "online");
    assert_ne!(now.pid, pid, "restartProcessName");
    pid = now.pid;

    let reply = stage.good(&client, "stopProcessId", &json!([id]));
    assert!(processes(&reply).contains(&(id, "plain".into(), "stopped".into())), "{reply}");
    assert_eq!(stage.home.one("plain").status, "stopped");
    stage.good(&client, "startProcessId", &json!([id]));
    let now = stage.home.wait_status("plain", "online");
    assert_ne!(now.pid, pid, "startProcessId");
    stage.home.assert_unharmed_but(&["plain"]);
}

pub(crate) fn reload_of_a_cluster(release: Release) {
    let stage = Stage::new(release, &[web(), plain()]);
    stage.home.mark();
    let client = stage.client();
    let pids = || -> BTreeSet<i32> {
        let listed = stage.home.jlist();
        let web = listed.iter().filter(|one| one.name == "web" && one.status == "online");
        web.map(|one| one.pid).collect()
    };
    let before = pids();
    assert_eq!(before.len(), 2);
    let ids = stage.ids("web");
    stage.good(&client, "reload", &json!([{}]));
    wait_until("two new workers", || {
        let now = pids();
        now.len() == 2 && now.is_disjoint(&before)
    });
    assert_eq!(stage.ids("web"), ids);
    // A fork app cannot be reloaded without downtime: only networked apps are.
    stage.home.assert_unharmed_but(&["web"]);
}

/// An app whose name runs: what `start FILE` does with it.
pub(crate) fn starting_again(release: Release) {
    let stage = Stage::new(release, &[web(), plain(), talker()]);
    stage.home.mark();
    let client = stage.client();
    let before = stage.home.jlist();
    let app = |name: &str| {
        json!({"name": name, "script": format!("{name}.js"), "vizion": false,
        "args": ["--again"], "env": {"COLOUR": "green"}})
    };
    std::fs::write(stage.home.apps().join("fresh.js"), "setInterval(function () {}, 1e9);")
        .unwrap();
    let context = Context {
        pm2_home: stage.home.path().to_owned(),
        cwd: stage.home.apps(),
        environment: stage.home.environment().into_iter().collect(),
        env_name: None,
        pm2_version: None,
    };
    let apps = json!([app("fresh"), app("plain"), app("web")]);
    let apps = pm2_tui::ecosystem::parse_value(&apps, "test").unwrap();
    let launched = stage.run(client.start_apps(&apps, &context));
    if matches!(release, Release::Zero10 | Release::Zero12) {
        // Their own command would start another process of each name.
        let error = launched.unwrap_err();
        assert!(matches!(error, ClientError::Unsafe { .. }), "{error:?}");
        assert!(error.to_string().contains("named plain"), "{error}");
        assert_eq!(stage.home.jlist(), before);
        stage.home.assert_unharmed_but(&[]);
        return;
    }
    let mut told: Vec<(Action, String, bool)> = launched
        .unwrap()
        .into_iter()
        .map(|one| (one.action, one.name, one.result.is_ok()))
        .collect();
    told.sort_by(|a, b| a.1.cmp(&b.1));
    let of = |action, name: &str| (action, name.to_owned(), true);
    let (start, restart) = (Action::Start, Action::Restart);
    let wanted = [of(start, "fresh"), of(restart, "plain"), of(restart, "web"), of(restart, "web")];
    assert_eq!(told, wanted);
    stage.wait_online();
    let all = stage.home.call("getMonitorData", &json!([{}]));
    for process in all.as_array().unwrap().iter().filter(|one| one["name"] != "talker") {
        let env = &process["pm2_env"];
        assert_eq!(env["COLOUR"], "green", "the environment: {process}");
        // 1.1.3 takes nothing else, from its own command either.
        if release != Release::One || process["name"] == "fresh" {
            assert_eq!(env["args"], json!(["--again"]), "the configuration: {process}");
        }
        let old = before.iter().find(|one| Some(one.pm_id) == process["pm_id"].as_u64());
        let old = old.map(|one| (one.pid, one.restarts));
        let now = |key: &Json| key.as_u64().unwrap_or_default();
        assert!(
            old.is_none_or(|(pid, restarts)| now(&process["pid"]) != pid as u64
                && now(&env["restart_time"]) == restarts + 1),
            "{process}"
        );
    }
    stage.home.assert_unharmed_but(&["fresh", "plain", "web"]);
}

pub(crate) fn prepare_delete_and_kill(release: Release) {
    let stage = Stage::new(release, &[web(), plain()]);
    let client = stage.client();
    let god = stage.home.living_god();
    let status = |name: &str| stage.home.one(name).status;

    let reply = stage.good(&client, "stopAll", &json!([{}]));
    assert!(reply.is_array(), "stopAll gives a list: {reply}");
    let statuses: Vec<_> = stage.home.jlist().into_iter().map(|one| one.status).collect();
    assert_eq!(statuses, ["stopped"; 3]);

    let apps = stage.home.apps();
    std::fs::write(apps.join("fresh.js"), "setInterval(function () {}, 1e9);").unwrap();
    let app = json!({"name": "fresh", "script": "fresh.js", "exec_mode": "fork_mode",
        "env": {"COLOUR": "green"}});
    let reply = stage.good(&client, "prepareJson", &json!([app, apps]));
    stage.home.wait_status("fresh", "online");
    let started = processes(&reply);
    assert!(
        started.iter().any(|one| one.1 == "fresh"),
        "prepareJson says what it started: {reply}"
    );

    // By name, and by id.
    stage.good(&client, "deleteProcess", &json!(["fresh"]));
    assert!(stage.ids("fresh").is_empty());
    let id = stage.ids("plain")[0];
    stage.good(&client, "deleteProcess", &json!([id]));
    assert!(stage.ids("plain").is_empty());
    assert_eq!(stage.home.jlist().len(), 2, "only what was named is deleted");

    let reply = stage.good(&client, "deleteAll", &json!([{}]));
    assert!(reply.is_array(), "deleteAll gives a list: {reply}");
    assert!(stage.home.jlist().is_empty());
    stage.good(&client, "prepareJson", &json!([app, apps]));
    wait_until("fresh is online again", || status("fresh") == "online");
    let survivor = crate::harness::procfs::Proc::find(stage.home.one("fresh").pid).unwrap();

    stage.good(&client, "killMe", &json!([{}]));
    assert!(god.ends_within(crate::harness::PATIENCE), "killMe ends the daemon");
    assert!(survivor.ends_within(crate::harness::PATIENCE), "killMe leaves no app running");
}
