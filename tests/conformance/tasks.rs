//! Saving, restoring and scaling beside the pm2 CLI, on the same daemon and the same apps.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use super::stage::Stage;
use crate::harness::apps::{App, script};
use crate::harness::home::{Pm2Home, run};
use crate::harness::install::Release;
use crate::harness::procfs::Proc;
use crate::harness::screen::COCKPIT;
use crate::harness::{PATIENCE, now, poll_for, wait_until};

/// Runs the program, and gives what it printed on both outputs.
#[track_caller]
fn pm2_tui(home: &Pm2Home, arguments: &[&str], code: i32) -> String {
    let mut command = Command::new(COCKPIT);
    command.args(arguments).env_clear().envs(home.environment());
    let output = run(command, PATIENCE * 3).expect("it ends");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

/// A fork that does nothing and reports nothing by itself.
fn quiet(name: &str, entry: &Json) -> App {
    let mut whole = json!({ "vizion": false, "pmx": false });
    let fields = entry.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(fields);
    script(name, "js", "setInterval(function () {}, 1e9);").with(whole)
}

/// Apps of many settings, none of which changes by itself.
fn apps() -> Vec<App> {
    vec![
        quiet("web", &json!({ "exec_mode": "cluster", "instances": 2 })),
        quiet(
            "steady",
            &json!({
                "args": ["--name", "two words", "é"],
                "env": { "SECRET": "hunter2 \u{2028} \u{1} \"quoted\"", "DEEP": "{\"a\":1}" },
                "max_memory_restart": "300M", "kill_timeout": 1234, "min_uptime": 2000,
            }),
        ),
        quiet("sleeping", &json!({ "autorestart": false })),
        script("shell", "sh", "while :; do sleep 1; done\n")
            .with(json!({ "vizion": false, "merge_logs": true })),
    ]
}

fn stage(release: Release) -> Stage {
    let stage = Stage::new(release, &apps());
    // As `pm2 stop`, but for what it does to the list of the others.
    stage.home.cli(&["stop", "sleeping"]);
    stage.home.wait_status("sleeping", "stopped");
    stage
}

fn dump(home: &Pm2Home) -> PathBuf {
    home.path().join("dump.pm2")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// `save` here and `pm2 save` write the same file, byte for byte.
pub(crate) fn saved_lists_are_equal(release: Release) {
    let stage = stage(release);
    let home = &stage.home;
    let (path, backup) = (dump(home), home.path().join("dump.pm2.bak"));
    let said = pm2_tui(home, &["save"], 0);
    assert_eq!(said, format!("saved 5 processes to {}\n", path.display()));
    assert_eq!((mode(&path), backup.exists()), (0o600, false), "a new one is private");
    fs::remove_file(&path).unwrap();
    let saved = |save: &dyn Fn()| {
        save();
        fs::read_to_string(&path).unwrap()
    };
    // What a daemon fills in late (the version of node) comes in between two of the CLI's.
    let theirs = saved(&|| drop(home.cli(&["save"])));
    let ours = saved(&|| drop(pm2_tui(home, &["save"], 0)));
    let again = saved(&|| drop(home.cli(&["save"])));
    assert_eq!(theirs, again, "nothing of it changes by itself");
    assert!(ours == theirs, "ours\n{ours}\nand the CLI's\n{theirs}");
    assert_eq!(fs::read_to_string(&backup).unwrap(), theirs, "the one before is kept");
    // The CLI's is kept as it is, and said to be read by all; a private one stays private.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(pm2_tui(home, &["save"], 0).contains("others can read it (mode 0644"));
    assert_eq!(mode(&path), 0o644);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!pm2_tui(home, &["save"], 0).contains("others"));
    assert_eq!(mode(&path), 0o600);
    // An empty list only if that is asked for.
    home.cli(&["delete", "all"]);
    assert!(pm2_tui(home, &["save"], 1).contains("there are no processes"));
    assert_eq!(fs::read_to_string(&path).unwrap(), ours);
    pm2_tui(home, &["save", "--force"], 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "[]");
}

/// What is given anew, or measured, or changes with its id.
const ANEW: &[&str] = &[
    "pm_id",
    "pm_uptime",
    "unique_id",
    "instances",
    "restart_time",
    "unstable_restarts",
    "prev_restart_delay",
    "pm_pid_path",
    "pm_out_log_path",
    "pm_err_log_path",
    "created_at",
    "_tree_pids",
    "exit_code",
    "node_version",
    "version",
    "versioning",
    "axm_monitor",
    "axm_options",
    "axm_actions",
    "axm_dynamic",
    "_km_monitored",
    "command",
    "started_inside",
];

/// All that has to come back, by name and instance.
fn facts(home: &Pm2Home) -> BTreeMap<String, Json> {
    let list = home.call("getMonitorData", &json!({}));
    let facts = list.as_array().unwrap().iter().map(|process| {
        let mut env = process["pm2_env"].as_object().unwrap().clone();
        for key in ANEW {
            env.remove(*key);
        }
        if let Some(variables) = env.get_mut("env").and_then(Json::as_object_mut) {
            variables.remove("unique_id");
        }
        let instance = env.get("NODE_APP_INSTANCE").cloned().unwrap_or_default();
        (format!("{} {instance}", process["name"]), Json::Object(env))
    });
    facts.collect()
}

#[track_caller]
fn expect_back(home: &Pm2Home, before: &BTreeMap<String, Json>) {
    let is_back = || {
        let listed = home.jlist();
        let up = listed.iter().filter(|one| one.status == "online" && one.pid > 0).count();
        // 3.5.2 starts what was stopped.
        let all_up = if home.release() == Release::Three { 5 } else { 4 };
        ((listed.len(), up) == (5, all_up)).then_some(())
    };
    let back = poll_for(PATIENCE, is_back);
    assert!(back.is_some(), "not all is back: {:?}", home.jlist());
    let now = facts(home);
    for (name, fact) in before {
        let other = now.get(name).unwrap_or_else(|| panic!("{name} is not back: {now:?}"));
        for (key, value) in fact.as_object().unwrap() {
            if home.release() == Release::Three && key == "status" {
                continue;
            }
            assert_eq!(&other[key], value, "{key} of {name}");
        }
    }
}

/// `pm2 resurrect` brings back what was saved here, and `resurrect` here what the CLI saved.
pub(crate) fn what_was_saved_comes_back(release: Release) {
    let stage = stage(release);
    let home = &stage.home;
    let before = facts(home);
    let god = home.living_god();

    pm2_tui(home, &["save"], 0);
    home.cli(&["delete", "all"]);
    home.cli(&["resurrect"]);
    expect_back(home, &before);

    if release == Release::Three {
        home.cli(&["stop", "sleeping"]);
    }
    home.cli(&["save"]);
    home.cli(&["delete", "all"]);
    let said = pm2_tui(home, &["resurrect"], 0);
    assert_eq!(said.matches("restored ").count(), 6, "{said}");
    let stopped = match release {
        Release::Three => ": it was stopped, and this PM2 starts it",
        _ => "]: stopped, as it was",
    };
    assert!(said.contains(stopped) && said.contains(": 5 of 5 processes; "), "{said}");
    let runs = if release == Release::Three { "5 run now" } else { "4 run now" };
    assert!(said.contains(runs), "{said}");
    expect_back(home, &before);

    // Of what runs nothing is started again.
    let pids = |list: Vec<crate::harness::home::Listed>| -> Vec<i32> {
        list.into_iter().map(|one| one.pid).collect()
    };
    let running = pids(home.jlist());
    let said = pm2_tui(home, &["resurrect"], 0);
    assert!(said.contains("web is there already") && !said.contains("restored"), "{said}");
    assert_eq!(pids(home.jlist()), running);
    // With one of two instances left the CLI restores nothing of it either, and says nothing.
    let web = stage.ids("web");
    home.call("deleteProcessId", &json!(web[1]));
    let said = pm2_tui(home, &["resurrect"], 0);
    assert!(said.contains("web is there already: 1 of the 2 saved"), "{said}");

    // A broken list costs nothing: the one before is there, and nothing is deleted.
    home.cli(&["delete", "all"]);
    let path = dump(home);
    fs::copy(&path, home.path().join("dump.pm2.bak")).unwrap();
    fs::write(&path, "[{ half a file").unwrap();
    let said = pm2_tui(home, &["resurrect"], 1);
    assert!(said.contains("dump.pm2.bak: 5 of 5 processes; ") && said.contains("cannot be read"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "[{ half a file");
    expect_back(home, &before);
    fs::remove_file(home.path().join("dump.pm2.bak")).unwrap();
    assert!(pm2_tui(home, &["resurrect"], 1).contains("cannot restore"));

    // What would end a daemon is not sent.
    let mut bad: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap_or_default())
        .unwrap_or_else(|_| json!([{ "name": "bad", "pm_exec_path": "/bin/true" }]));
    bad[0]["env"] = Json::Null;
    fs::write(&path, bad.to_string()).unwrap();
    let said = pm2_tui(home, &["resurrect"], 1);
    assert!(said.contains("cannot restore bad") && said.contains("not sent"), "{said}");
    assert_eq!(home.god(), Some(god), "the daemon is the same all the time");
}

/// Name, instance and port of all, by instance.
fn scaled(home: &Pm2Home) -> Vec<(String, Json, Json, String)> {
    let list = home.call("getMonitorData", &json!({}));
    let mut all: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|process| {
            let env = &process["pm2_env"];
            let name = process["name"].as_str().unwrap().to_owned();
            let status = env["status"].as_str().unwrap().to_owned();
            (name, env["NODE_APP_INSTANCE"].clone(), env["PORT"].clone(), status)
        })
        .collect();
    all.sort_by_key(|(name, instance, ..)| (name.clone(), instance.as_u64()));
    all
}

/// The ids of the instances, from instance 0 on.
fn by_instance(home: &Pm2Home) -> Vec<u64> {
    let list = home.call("getMonitorData", &json!({}));
    let web = list.as_array().unwrap().iter().filter(|process| process["name"] == "web");
    let mut all: Vec<(u64, u64)> = web
        .map(|process| {
            let instance = process["pm2_env"]["NODE_APP_INSTANCE"].as_u64().unwrap();
            (instance, process["pm_id"].as_u64().unwrap())
        })
        .collect();
    all.sort_unstable();
    all.into_iter().map(|(_, id)| id).collect()
}

/// Up as the pm2 CLI does it, down from the highest instance.
pub(crate) fn scaled_beside_the_cli(release: Release) {
    // PM2 leaves out what begins with a dot.
    let folder = tempfile::Builder::new().prefix("watched").tempdir().unwrap();
    let watched = folder.path();
    let apps = [
        quiet(
            "web",
            &json!({
                "exec_mode": "cluster", "instances": 2, "increment_var": "PORT",
                "env": { "PORT": 3000 }, "watch": [watched], "watch_options": { "interval": 50 },
            }),
        ),
        quiet("other", &json!({})),
    ];
    let (ours, theirs) = (Stage::new(release, &apps), Stage::new(release, &apps));
    let up = |stage: &Stage, count: usize| {
        wait_until("all are up", || {
            let list = stage.home.jlist();
            list.len() == count && list.iter().all(|one| one.status == "online" && one.pid > 0)
        });
    };
    let said = pm2_tui(&ours.home, &["scale", "web", "+2"], 0);
    assert_eq!(said.matches("], up ").count(), 2, "{said}");
    assert!(said.ends_with("scaled web: 2 to 4 processes\n"), "{said}");
    theirs.home.cli(&["scale", "web", "+2"]);
    up(&ours, 5);
    up(&theirs, 5);
    assert_eq!(scaled(&ours.home), scaled(&theirs.home), "up, as the CLI");
    ours.home.mark();

    // Down as many as the CLI, but the lowest instances stay.
    let before = ours.home.jlist();
    let ids = by_instance(&ours.home);
    let [first, second, third, fourth] = ids[..] else { panic!("{ids:?}") };
    let said = pm2_tui(&ours.home, &["scale", "web", "-1"], 0);
    assert_eq!(said, format!("deleted web[{fourth}]\nscaled web: 4 to 3 processes\n"));
    let said = pm2_tui(&ours.home, &["scale", "web", "1"], 0);
    let lines = format!("deleted web[{third}]\ndeleted web[{second}]\n");
    assert_eq!(said, format!("{lines}scaled web: 3 to 1 process\n"));
    theirs.home.cli(&["scale", "web", "1"]);
    up(&ours, 2);
    up(&theirs, 2);
    let left = scaled(&ours.home);
    assert_eq!(left.len(), scaled(&theirs.home).len());
    assert_eq!((&left[1].1, &left[1].2), (&json!(0), &json!(3000)), "instance 0 stays: {left:?}");
    let gone = before.iter().filter(|one| one.name == "web" && one.pm_id != first);
    for one in gone {
        assert!(Proc::find(one.pid).is_none_or(|process| !process.is_alive()), "{one:?}");
    }
    ours.home.assert_unharmed_but(&["web"]);
    // Nobody watches for those that are gone: a change restarts the one that is left, and no other.
    let restarts = |home: &Pm2Home| home.one("web").restarts;
    let seen = restarts(&ours.home);
    wait_until("a change is noticed", || {
        fs::write(watched.join("file"), format!("{:?}", now())).unwrap();
        restarts(&ours.home) > seen
    });
    up(&ours, 2);
    let log = fs::read_to_string(ours.home.path().join("pm2.log")).unwrap();
    assert!(!log.contains("Unknown process"), "a watcher of a deleted process is left: {log}");

    assert!(pm2_tui(&ours.home, &["scale", "web", "1"], 0).contains("web is at this size already"));
    for (to, code) in [("0", 1), ("-1", 1), ("nonsense", 2)] {
        pm2_tui(&ours.home, &["scale", "web", to], code);
    }
    assert_eq!(ours.home.jlist().len(), 2);
}
