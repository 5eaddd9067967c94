//! Every method, called as it is meant.

use std::path::Path;

use pm2_tui::client::ClientError;
use serde_json::{Value, json};

use super::{block_on, connect};
use crate::harness::apps;
use crate::harness::home::{Listed, Pm2Home};
use crate::harness::install::Release;
use crate::harness::procfs::Proc;

/// The pids of the processes of this name.
fn pids(home: &Pm2Home, name: &str) -> Vec<i32> {
    let is_it = |process: &Listed| process.name == name;
    home.jlist().into_iter().filter(is_it).map(|process| process.pid).collect()
}

/// The names in a list of processes.
fn names(processes: &Value) -> Vec<&str> {
    let list = processes.as_array().expect("a list of processes");
    list.iter().map(|process| process["name"].as_str().unwrap()).collect()
}

/// All different, and none there before.
#[track_caller]
fn assert_all_new(before: &[i32], after: &[i32]) {
    assert_eq!(before.len(), after.len());
    assert!(after.iter().all(|pid| *pid != 0 && !before.contains(pid)), "{before:?} {after:?}");
}

fn every_method(release: Release) {
    let home =
        Pm2Home::with(release, &[apps::idle("one"), apps::idle("two"), apps::cluster("web")]);
    let id = |name: &str| u32::try_from(home.one(name).pm_id).unwrap();
    block_on(async {
        let client = connect(&home).await;
        assert_eq!(client.version().await.unwrap().as_deref(), Some(release.version()));
        assert_eq!(names(&client.get_monitor_data().await.unwrap()), ["one", "two", "web", "web"]);
        assert_eq!(client.snapshot().await.unwrap().processes.len(), 4);
        let system = client.get_system_data().await.unwrap();
        if release == Release::Five {
            assert_eq!(names(&system["processes"]).len(), 4);
            assert!(system["system"]["memory"]["total"].as_u64() > Some(1 << 20), "{system}");
        }
        assert!(system.is_object());
        assert_eq!(names(&client.find_by_script("two.js").await.unwrap()), ["two"]);
        assert_eq!(client.find_by_script("none.js").await.unwrap(), json!(null));

        let before = pids(&home, "one");
        client.restart_process_id(id("one")).await.unwrap();
        assert_all_new(&before, &pids(&home, "one"));
        client.stop_process_id(id("one")).await.unwrap();
        assert_eq!(home.one("one").status, "stopped");
        client.start_process_id(id("one")).await.unwrap();
        assert_eq!(home.one("one").status, "online");

        let (web, two) = (pids(&home, "web"), pids(&home, "two"));
        client.restart_process_name("web").await.unwrap();
        let restarted = pids(&home, "web");
        assert_all_new(&web, &restarted);
        assert_eq!(names(&client.reload().await.unwrap()).len(), 4);
        assert_all_new(&restarted, &pids(&home, "web"));
        assert_eq!(pids(&home, "two"), two);

        assert_eq!(names(&client.delete_process("one").await.unwrap()), ["two", "web", "web"]);
        let by_id = client.call("deleteProcess", vec![json!(id("two"))]).await.unwrap();
        assert_eq!(names(&by_id), ["web", "web"]);
        let stopped = client.stop_all().await.unwrap();
        assert!(stopped.as_array().unwrap().iter().all(|it| it["pm2_env"]["status"] == "stopped"));
        // Reloading starts nothing that the user stopped.
        client.reload().await.unwrap();
        assert!(home.jlist().iter().all(|process| process.status == "stopped"));
        assert_eq!(client.delete_all().await.unwrap(), json!([]));
        assert!(home.god().is_some());
        let clone = client.clone();
        client.disconnect().await;
        assert_eq!(clone.get_monitor_data().await, Err(ClientError::Closed));
    });
}

pub(crate) fn every_method_on_seven() {
    every_method(Release::Seven);
}

pub(crate) fn every_method_on_five() {
    every_method(Release::Five);
}

pub(crate) fn apps_start_from_a_configuration() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("there")]);
    home.mark();
    let folder = home.apps();
    std::fs::write(folder.join("new.js"), "setInterval(() => {}, 1e9);").unwrap();
    let cwd = folder.to_str().unwrap();
    block_on(async {
        let client = connect(&home).await;
        let app = |name: &str| json!({ "name": name, "script": "new.js" });
        for (apps, expected) in [
            (app("single"), vec!["single"]),
            (json!([app("first"), app("second")]), vec!["first", "second"]),
            (
                json!({ "apps": [{ "name": "many", "script": "new.js", "instances": 2 }] }),
                vec!["many"; 2],
            ),
        ] {
            let started = client.prepare_json(&apps, cwd).await.unwrap();
            let mut found = names(&started);
            found.sort_unstable();
            assert_eq!(found, expected);
            for process in started.as_array().unwrap() {
                assert_eq!(process["pm2_env"]["pm_cwd"], json!(cwd));
                let log = process["pm2_env"]["pm_out_log_path"].as_str().unwrap();
                assert!(Path::new(log).starts_with(home.path().join("logs")), "{log}");
            }
        }
        // Again, one changed and one new: what runs is restarted.
        let before = pids(&home, "many");
        let mut many = app("many");
        many["max_memory_restart"] = json!("1G");
        let reply = client.prepare_json(&json!([many, app("third")]), cwd).await.unwrap();
        assert_eq!(names(&reply), ["many", "many", "third"]);
        let actions: Vec<&Value> =
            reply.as_array().unwrap().iter().map(|process| &process["action"]).collect();
        assert_eq!(actions, ["restarted", "restarted", "started"]);
        assert_eq!(reply[0]["pm2_env"]["max_memory_restart"], 1_u64 << 30);
        assert_all_new(&before, &pids(&home, "many"));
        let listed = home.jlist();
        let bad = json!([app("fresh"), app("many"), { "name": "x" }]);
        let error = client.prepare_json(&bad, cwd).await.unwrap_err();
        assert!(matches!(error, ClientError::Config(_)), "{error:?}");
        assert_eq!(home.jlist(), listed, "{error}");
        home.assert_unharmed_but(&["single", "first", "second", "many", "third"]);
    });
}

pub(crate) fn killing_leaves_no_app_behind() {
    for release in [Release::Seven, Release::Five] {
        let home = Pm2Home::with(release, &[apps::idle("fork"), apps::cluster("web")]);
        let god = home.living_god();
        let apps: Vec<Proc> =
            home.jlist().iter().map(|process| Proc::find(process.pid).unwrap()).collect();
        block_on(async {
            let client = connect(&home).await;
            client.call("killMe", vec![json!({})]).await.unwrap();
            assert_eq!(client.get_monitor_data().await, Err(ClientError::Closed));
        });
        assert!(apps.iter().all(|app| !app.is_alive()), "{apps:?}");
        assert!(god.ends_within(crate::harness::PATIENCE));
    }
}
