//! What is deleted on the screen and undone is there again as it was, field by field.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value as Json, json};

use super::saved_list::say_yes;
use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::row;
use crate::harness::wait_until;

/// What cannot come back (docs/pm2-ops.md section 5): the id and what is named by it, the life and its
/// counts, what PM2 looks at or measures anew.
const ANEW: [&str; 17] = [
    "pm_id",
    "pm_pid_path",
    "pm_uptime",
    "created_at",
    "unique_id",
    "instances",
    "restart_time",
    "unstable_restarts",
    "prev_restart_delay",
    "exit_code",
    "_tree_pids",
    "axm_monitor",
    "axm_dynamic",
    "axm_options",
    "axm_actions",
    "node_version",
    "versioning",
];

/// `npm start` beside the others: npm runs a shell that runs node.
pub(super) fn npm(home: &Pm2Home) {
    let folder = home.apps().join("npm");
    fs::create_dir(&folder).unwrap();
    let package =
        json!({ "name": "npm-app", "version": "1.2.3", "scripts": { "start": "node app.js" } });
    fs::write(folder.join("package.json"), package.to_string()).unwrap();
    fs::write(folder.join("app.js"), "setInterval(() => {}, 1e9);").unwrap();
    let folder = folder.to_str().unwrap();
    home.cli(&["start", "npm", "--name", "npm-app", "--cwd", folder, "--", "start"]);
}

fn apps() -> Vec<App> {
    vec![
        apps::idle("fork").with(json!({
            "args": ["--name", "two words", "é"], "env": { "TOKEN": "hunter2", "DEEP": "{\"a\":1}" },
            "max_memory_restart": "300M", "kill_timeout": 1234, "min_uptime": 2000,
            "cron_restart": "0 3 * * *", "namespace": "shop", "log_date_format": "YYYY-MM-DD",
            "stop_exit_codes": [3, 4], "watch": ["src"], "ignore_watch": ["tmp"],
        })),
        apps::idle("trio").with(json!({ "exec_mode": "cluster", "instances": 3 })),
        apps::script("shell", "sh", "while :; do sleep 1; done\n"),
        apps::script("snake", "py", "import time\nwhile True:\n    time.sleep(1)\n")
            .with(json!({ "interpreter": "python3" })),
    ]
}

/// All that has to come back, by name and instance; log paths without the id.
fn facts(home: &Pm2Home) -> BTreeMap<String, Json> {
    let list = home.call("getMonitorData", &json!({}));
    let fact = |process: &Json| {
        let mut env = process["pm2_env"].as_object().unwrap().clone();
        let id = process["pm_id"].as_u64().unwrap();
        for key in ANEW {
            env.remove(key);
        }
        for key in ["pm_out_log_path", "pm_err_log_path"] {
            let path = env[key].as_str().unwrap().replace(&format!("-{id}.log"), ".log");
            env.insert(key.to_owned(), json!(path));
        }
        if let Some(variables) = env.get_mut("env").and_then(Json::as_object_mut) {
            variables.remove("unique_id");
        }
        let instance = env.get("NODE_APP_INSTANCE").cloned().unwrap_or_default();
        (format!("{} {instance}", process["name"]), Json::Object(env))
    };
    list.as_array().unwrap().iter().map(fact).collect()
}

pub(crate) fn each_kind_comes_back_field_by_field(release: Release) {
    let home = Pm2Home::empty(release);
    fs::create_dir(home.apps().join("src")).unwrap();
    home.start(&apps());
    npm(&home);
    let count = 7;
    let is_up = || {
        let listed = home.jlist();
        listed.len() == count && listed.iter().all(|it| it.status == "online" && it.pid > 0)
    };
    wait_until("all are up", is_up);
    // What PM2 finds out after the start.
    wait_until("PM2 has looked at them", || {
        let list = home.call("getMonitorData", &json!({}));
        list.as_array().unwrap().iter().all(|it| it["pm2_env"]["vizion_running"] != true)
    });
    let before = facts(&home);
    let pids: Vec<i32> = home.jlist().iter().map(|it| it.pid).collect();
    let god = home.living_god();
    let mut screen = home.cockpit((120, 40));
    screen.wait_for("the rows", |text| row(text, "npm-app").is_some());
    screen.press("*");
    screen.wait_for("the marks", |text| text.contains("7 marked"));
    screen.press("d");
    screen.wait_for("the question", |text| text.contains("type delete"));
    screen.press("delete");
    screen.wait_for("the word", |text| text.contains("> delete"));
    screen.press("\r");
    wait_until("all are gone", || home.jlist().is_empty());
    screen.wait_for("each verdict", |text| text.contains("7 of 7 succeeded"));
    screen.press("\x1b");
    screen.wait_for("the table", |text| !text.contains(" succeeded"));
    screen.press("u");
    screen.wait_for("the question", |text| {
        text.contains("start 7 deleted processes again?") && text.contains("starts trio[")
    });
    say_yes(&mut screen, "all are back", is_up);
    screen.wait_for("each outcome", |text| text.contains("7 of 7 succeeded"));
    let after = facts(&home);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, fact) in &before {
        let other = after[name].as_object().unwrap();
        for (key, value) in fact.as_object().unwrap() {
            assert_eq!(other.get(key), Some(value), "{key} of {name}");
        }
        let new = other.keys().filter(|key| fact.get(key.as_str()).is_none());
        assert_eq!(new.collect::<Vec<_>>(), Vec::<&String>::new(), "fields more of {name}");
    }
    assert!(home.jlist().iter().all(|it| !pids.contains(&it.pid)), "other processes");
    assert_eq!(home.god(), Some(god));
}
