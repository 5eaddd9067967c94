//! What `pm2 start FILE` leaves in a daemon, and what `pm2-tui start FILE` leaves there: the same.
//!
//! Two homes with a real PM2 7.0.4 each: one is given a file by the pm2 CLI, the other by pm2-tui.
//! With `PM2_TUI_TEST_PM2=off` these tests are reported as ignored.

mod again;
mod cases;
mod cron;
mod kinds;
mod odd;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::harness::home::{Pm2Home, run};
use crate::harness::install::{Locked, Release};
use crate::harness::trials::{Test, Weight, with_pm2};
use crate::harness::{PATIENCE, wait_until};
use serde_json::{Map, Value, json};

/// What may differ of a process, and why. Everything else must be the same.
const LEFT_OUT: &[(&str, &str)] = &[
    ("pid", "another process"),
    ("_tree_pids", "the processes that its last stop ended"),
    ("monit", "what it uses at the moment"),
    ("pm_id", "the CLI starts two apps at once: which is first is chance"),
    ("unique_id", "God draws it by lot"),
    ("pm_uptime", "a time"),
    ("created_at", "a time"),
    ("axm_monitor", "measured by the app itself"),
    ("axm_dynamic", "measured by the app itself"),
];

pub(crate) fn trials() -> Vec<Test> {
    let mut all = vec![
        with_pm2(three_apps_of_an_ecosystem_file),
        with_pm2(every_key_of_many_stopped_apps).lasting(),
        with_pm2(apps_in_yaml),
        with_pm2(again::a_changed_file_restarts_what_runs),
        with_pm2(again::one_that_fails_does_not_hide_the_others),
        with_pm2(again::what_cannot_be_restarted_is_told_before_anything_is_sent),
        with_pm2(cron::every_pattern_that_we_take_is_read_by_the_release)
            .needing(Locked::Old)
            .weighing(Weight::Busy)
            .lasting(),
        with_pm2(cron::what_we_refuse_the_release_does_not_read).needing(Locked::Old).lasting(),
    ];
    all.extend(cases::trials());
    all.extend(kinds::trials());
    all.extend(odd::trials());
    all
}

/// Acceptance 4 of issue 3: a cluster of two, a fork app with args and env, a shell script.
fn three_apps_of_an_ecosystem_file() {
    let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("web.js", "require('http').createServer((q, a) => a.end()).listen(0, '127.0.0.1');");
    write("worker.js", "setInterval(() => {}, 1e9);");
    write("loop.sh", "while :; do sleep 1; done\n");
    write(
        "ecosystem.config.js",
        "console.log('said while loading');
module.exports = {
  apps: [
    { name: 'web', script: './web.js', instances: 2, exec_mode: 'cluster' },
    {
      name: 'worker one', script: 'worker.js', args: '--level 3 \"two words\"', port: 8080,
      node_args: ['--max-old-space-size=100'], max_memory_restart: '300M', time: true,
      env: { MODE: 'test', DEEP: { a: 1 } }, env_production: { MODE: 'production' },
    },
    { script: `${__dirname}/loop.sh`, log: 'loop.log', kill_timeout: 500 },
  ],
};
",
    );
    assert_same(folder.path(), "ecosystem.config.js", Some("production"), 4);
}

/// Many keys at once: the apps are not started (`autostart: false`), only listed.
fn every_key_of_many_stopped_apps() {
    let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    for script in ["app.js", "sub/in.js", "one.py", "two.sh", "three", "four.mjs"] {
        write(script, "text\n");
    }
    let apps = json!([
        {"script": "app.js"},
        {"name": "a b/ü𝄞", "script": "app.js", "instances": "max", "exec_mode": "fork"},
        {"name": "inst", "script": "app.js", "instances": 1, "wait_ready": true},
        {"name": "less", "script": "app.js", "instances": -1, "combine_logs": true},
        {"name": "cmd", "cmd": "four.mjs", "interpreterArgs": "--a='b c' \"d e\" f"},
        {"name": "py", "script": "one.py", "cron": "0 0 * * mon-fri", "env": {"A": 1, "N": null}},
        {"name": "shell", "script": "two.sh", "watch": ["a", "b"], "ignore_watch": "x y"},
        {"name": "plain", "script": "three", "min_uptime": "10s", "max_restarts": "5"},
        {"name": "binary", "script": "sleep", "args": [86400], "vizion": false},
        {"name": "line", "script": "sleep 5", "treekill": false, "automation": false},
        {
            "name": "null", "script": "app.js", "output": "/dev/null", "error": "NULL",
            "disable_logs": true, "merge_logs": false, "stop_exit_codes": [0, 3], "uid": 0,
            "append_env_to_name": true, "env_test": {"B": {"c": 1}}, "namespace": "other",
            "max_memory_restart": 1024, "increment_var": "INC", "instances": 2,
        },
        {
            "name": "as", "script": "app.js", "user": "nobody", "restart_delay": "100",
            "listen_timeout": 100, "exp_backoff_restart_delay": 0, "pmx": "x", "shutdown_with_message": true,
        },
        // The last, since its cwd is the PWD of all apps after it: a fault of the CLI.
        {
            "name": "there", "script": "in.js", "cwd": "sub", "out": "o.log", "err_file": "new/e",
            "log": true, "pid": "~/p.pid", "filter_env": ["LANG", "PM2_"], "io": {"a": [1]},
        },
    ]);
    let apps: Vec<Value> = apps
        .as_array()
        .unwrap()
        .iter()
        .map(|app| {
            let mut app = app.clone();
            app["autostart"] = json!(false);
            app
        })
        .collect();
    let file = json!({"apps": apps, "deploy": {"test": {"user": "x", "env": {"D": "e"}}}});
    write("apps.json", &format!("// a comment\n{file}"));
    // `instances: max` and -1 depend on the machine.
    let cpus = std::thread::available_parallelism().unwrap().get();
    assert_same(folder.path(), "apps.json", Some("test"), 11 + cpus + (cpus - 1).max(1) + 1);
}

fn apps_in_yaml() {
    let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    fs::write(folder.path().join("app.js"), "").unwrap();
    let yaml = "# two\napps:\n  - script: app.js\n    name: one\n    autostart: false\n    env: &env\n      A: yes\n      B: 1.5\n      C: 010\n      D: ~\n      E: \"t\\u00e9xt\"\n      G: 0x1f\n      H: on\n  - {script: ./app.js, name: two, autostart: no, autorestart: false, args: [a, b], instances: 1}\n  - script: app.js\n    name: three\n    autostart: false\n    env:\n      <<: *env\n      Z: |\n        two\n        lines\n";
    fs::write(folder.path().join("apps.yaml"), yaml.replace("autostart: no,", "autostart: false,"))
        .unwrap();
    assert_same(folder.path(), "apps.yaml", None, 3);
}

#[track_caller]
fn assert_same(folder: &Path, file: &str, env: Option<&str>, processes: usize) {
    let (theirs, ours) = (Pm2Home::with(Release::Seven, &[]), Pm2Home::with(Release::Seven, &[]));

    let mut arguments = vec!["start", file];
    arguments.extend(env.iter().flat_map(|name| ["--env", name]));
    let mut command = theirs.command(&arguments);
    command.current_dir(folder);
    let output = run(command, PATIENCE).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let (lines, said) = again::ended(again::pm2_tui(&ours, folder, &arguments), 0);
    assert_eq!((lines.len(), said.as_str()), (processes, ""), "{lines:?}");
    assert_listed_the_same(&theirs, &ours, processes);
}

/// Every field of every process, but for those that are left out.
#[track_caller]
fn assert_listed_the_same(theirs: &Pm2Home, ours: &Pm2Home, processes: usize) {
    let (theirs_listed, ours_listed) = (listed(theirs), listed(ours));
    assert_eq!(theirs_listed.len(), processes, "{:?}", theirs_listed.keys());
    assert_eq!(theirs_listed.keys().collect::<Vec<_>>(), ours_listed.keys().collect::<Vec<_>>());
    let mut differences = Vec::new();
    for (process, theirs) in &theirs_listed {
        compare(&format!("{process:?}"), theirs, &ours_listed[process], &mut differences);
    }
    assert!(differences.is_empty(), "CLI / ours:\n{}", differences.join("\n"));
}

/// The processes by name and instance, with the home's path and the id replaced.
fn listed(home: &Pm2Home) -> BTreeMap<(String, u64), Value> {
    let mut list = Value::Null;
    wait_until("PM2's module in every app has said what it is", || {
        list = home.call("getMonitorData", &json!({}));
        list.as_array().unwrap().iter().all(has_settled)
    });
    let processes = list.as_array().unwrap().iter().map(|process| {
        let env = &process["pm2_env"];
        let instance = env["NODE_APP_INSTANCE"].as_u64().unwrap();
        let id = format!("-{}.", process["pm_id"]);
        let path = home.path().to_str().unwrap();
        let mut process = process.clone();
        rewrite(&mut process, &|text| text.replace(path, "HOME").replace(&id, "-ID."));
        ((process["name"].as_str().unwrap().to_owned(), instance), process)
    });
    processes.collect()
}

/// Whether nothing is on its way any more from the module that PM2 loads into running node apps.
fn has_settled(process: &Value) -> bool {
    let env = &process["pm2_env"];
    let is_told = env["exec_interpreter"] != "node" || env["autostart"] == false;
    let actions = env["axm_actions"].as_array().map_or(0, Vec::len);
    is_told
        || (actions >= 5
            && env["axm_options"]["apm"].is_object()
            && env["node_version"].is_string())
}

fn rewrite(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, change)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| rewrite(entry, change)),
        _ => {}
    }
}

fn compare(place: &str, theirs: &Value, ours: &Value, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            let none = Value::Null;
            let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            let mut all = [keys(theirs), keys(ours)].concat();
            all.sort();
            all.dedup();
            for key in all {
                if LEFT_OUT.iter().any(|(left_out, _)| *left_out == key) {
                    continue;
                }
                let (a, b) = (theirs.get(&key), ours.get(&key));
                if a.is_some() == b.is_some() {
                    let (a, b) = (a.unwrap_or(&none), b.unwrap_or(&none));
                    compare(&format!("{place}.{key}"), a, b, differences);
                } else {
                    differences.push(format!("{place}.{key}: {a:?} / {b:?}"));
                }
            }
        }
        _ if theirs == ours => {}
        _ => differences.push(format!("{place}: {theirs} / {ours}")),
    }
}
