//! `start FILE` of a file whose apps run already: the same as `pm2 start` of it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use pm2_tui::client::{Client, ClientError, ClientOptions};
use pm2_tui::daemon::Endpoint;
use pm2_tui::model::Action;
use serde_json::{Value, json};

use super::{assert_listed_the_same, has_settled};
use crate::harness::apps::{App, script, sleeper};
use crate::harness::home::{Pm2Home, run};
use crate::harness::install::Release;
use crate::harness::screen::COCKPIT;
use crate::harness::{PATIENCE, poll_for};

/// The program on a home, with the environment of its pm2.
pub(crate) fn pm2_tui(home: &Pm2Home, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(COCKPIT);
    command.args(arguments).current_dir(folder).env_clear().envs(home.environment());
    command
}

pub(crate) fn pm2(home: &Pm2Home, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = home.command(arguments);
    command.current_dir(folder);
    command
}

/// What it printed, and on standard error, sorted by line; it must end with this code.
#[track_caller]
pub(crate) fn ended(command: Command, code: i32) -> (Vec<String>, String) {
    let output: Output = run(command, PATIENCE * 2).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
    lines.sort();
    (lines, err)
}

/// How often each line of this kind comes, whatever the id is.
fn count(lines: &[String], said: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(&format!("{said}["))).count()
}

fn bystander() -> App {
    script("bystander", "js", "setInterval(() => {}, 1e9);").with(json!({"env": {"KEPT": "1"}}))
}

/// Waits until the module of PM2 in every app has said what it is, and all that run are up.
#[track_caller]
fn settle(home: &Pm2Home) {
    let settled = poll_for(PATIENCE, || {
        let list = home.call("getMonitorData", &json!({}));
        let list = list.as_array().unwrap();
        list.iter().all(has_settled).then_some(())
    });
    assert!(settled.is_some(), "{:?}", home.jlist());
}

const FIRST: &str = "module.exports = {
  apps: [
    { name: 'web', script: './web.js', instances: 2, exec_mode: 'cluster', env: { A: 1, OLD: 'x' } },
    {
      name: 'worker one', script: 'worker.js', args: '--level 3', port: 8080, time: true,
      node_args: ['--max-old-space-size=100'], max_memory_restart: '300M',
      env: { MODE: 'test' }, env_production: { MODE: 'production' },
    },
    { script: `${__dirname}/loop.sh`, log: 'loop.log', kill_timeout: 500 },
    { name: 'plain', script: 'worker.js', max_memory_restart: '200M', cron_restart: '0 0 1 1 *' },
    { name: 'off', script: 'worker.js', autostart: false },
    { name: 'line', script: 'sleep 86400', increment_var: 'N', env: { N: 3 } },
    { name: 'many', script: 'worker.js', instances: 3, exec_mode: 'fork' },
  ],
};
";

/// Everything changes that may: also what PM2 does not take on a restart.
const SECOND: &str = "module.exports = {
  apps: [
    {
      name: 'web', script: './other.js', instances: 3, exec_mode: 'cluster', namespace: 'shop',
      args: ['--more'], env: { A: 2, B: { c: [1] }, N: null }, kill_timeout: 3000,
    },
    {
      name: 'worker one', script: 'worker.js', args: '--level 4 \"two words\"', port: 8081,
      max_memory_restart: '400M', cwd: 'sub', out: 'o.log', uid: 0, io: { x: 1 },
      env: { MODE: 'test', MORE: '1' }, env_production: { MODE: 'production 2' },
    },
    { script: `${__dirname}/loop.sh`, max_restarts: 3, restart_delay: 100, watch: false },
    { name: 'plain', script: 'worker.js', args: 'a b', node_args: '--no-warnings', exec_mode: 'cluster' },
    { name: 'off', script: 'worker.js', autostart: true, log_date_format: 'null', env_production: { P: 1 } },
    { name: 'line', script: 'sleep 86401', autorestart: false, env: { N: 3 } },
    { name: 'many', script: 'worker.js', instances: 'max', exec_mode: 'fork', env: { X: 'y' } },
    { name: 'fresh', script: 'worker.js', instances: 2, exec_mode: 'cluster', env: { NEW: 1 } },
    { name: 'late', script: 'sub/in.js', cwd: '.', autostart: false },
  ],
  deploy: { production: { user: 'x', env: { D: 'e' } } },
};
";

pub(crate) fn a_changed_file_restarts_what_runs() {
    let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    for script in ["worker.js", "other.js", "sub/worker.js", "sub/in.js"] {
        write(script, "setInterval(() => {}, 1e9);");
    }
    write("web.js", "require('http').createServer((q, a) => a.end()).listen(0, '127.0.0.1');");
    write("loop.sh", "while :; do sleep 1; done\n");
    let homes = [(); 2].map(|()| Pm2Home::with(Release::Seven, &[bystander()]));
    let start = ["start", "ecosystem.config.js", "--env", "production"];
    let [theirs, ours] = &homes;

    write("ecosystem.config.js", FIRST);
    ended(pm2(theirs, folder.path(), &start), 0);
    let (lines, _) = ended(pm2_tui(ours, folder.path(), &start), 0);
    assert_eq!(lines.len(), 10, "{lines:?}");
    let is_new = |line: &String| line.starts_with("started ") || line.starts_with("added off");
    assert!(lines.iter().all(is_new), "{lines:?}");
    for home in &homes {
        settle(home);
        home.cli(&["stop", "plain"]);
        home.mark();
    }
    let names = ["web", "worker one", "loop", "plain", "off", "line", "many", "fresh", "late"];
    write("ecosystem.config.js", SECOND);
    // Without --env, some apps have no environment of their own: the caller's is merged then.
    for (start, word) in [(&start[..], "started"), (&start[..2], "restarted")] {
        ended(pm2(theirs, folder.path(), start), 0);
        let (lines, said) = ended(pm2_tui(ours, folder.path(), start), 0);
        assert_eq!(said, "");
        for (name, processes) in
            [("web", 2), ("worker one", 1), ("loop", 1), ("plain", 1), ("off", 1), ("many", 3)]
        {
            assert_eq!(count(&lines, &format!("restarted {name}")), processes, "{name}: {lines:?}");
        }
        assert_eq!(count(&lines, &format!("{word} fresh")), 2, "{lines:?}");
        assert_eq!(lines.len(), 13, "{lines:?}");
        homes.iter().for_each(settle);
        assert_listed_the_same(theirs, ours, 14);
        for home in &homes {
            home.assert_unharmed_but(&names);
        }
    }
}

pub(crate) fn one_that_fails_does_not_hide_the_others() {
    let home = Pm2Home::with(Release::Seven, &[sleeper("one"), sleeper("two"), sleeper("three")]);
    home.mark();
    let pid = |name: &str| home.one(name).pid;
    let (one, two) = (pid("one"), pid("two"));
    let apps = home.apps();
    let folder = apps.as_path();
    // A log that is a folder: God says no to a new app, and to the old one on its restart.
    fs::remove_file(home.path().join("logs/two-out.log")).unwrap();
    fs::create_dir(home.path().join("logs/two-out.log")).unwrap();
    let app = |name: &str| json!({"name": name, "script": "/bin/sleep", "args": "86400"});
    let mut bad = app("bad");
    bad["out_file"] = json!("/tmp");
    let file = json!([app("two"), app("one"), bad, app("good")]);
    fs::write(folder.join("apps.json"), file.to_string()).unwrap();
    let (lines, said) = ended(pm2_tui(&home, folder, &["start", "apps.json"]), 1);
    let id = home.one("good").pm_id;
    assert!(lines[0].starts_with("restarted one[0], up "), "{lines:?}");
    assert!(lines[1].starts_with(&format!("started good[{id}], up ")), "{lines:?}");
    assert_eq!(lines.len(), 2);
    let said: Vec<&str> = said.lines().collect();
    assert!(said[0].starts_with("pm2-tui: cannot restart two[1]: EISDIR"), "{said:?}");
    assert!(said[1].starts_with("pm2-tui: cannot start bad: EISDIR"), "{said:?}");
    assert_eq!(said.len(), 2);
    assert_ne!(pid("one"), one);
    assert_ne!(pid("two"), two);
    home.assert_unharmed_but(&["one", "two", "good"]);

    // The library says the same.
    let endpoint = Endpoint::in_home(home.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(async {
        let client = Client::connect(&endpoint, ClientOptions::default()).await.unwrap();
        client.prepare_json(&file, folder.to_str().unwrap()).await.unwrap_err()
    });
    let ClientError::Partly { launched } = &error else { panic!("{error}") };
    let mut told: Vec<(Action, &str, bool)> =
        launched.iter().map(|it| (it.action, it.name.as_str(), it.result.is_ok())).collect();
    told.sort_by_key(|(_, name, _)| *name);
    let (start, restart) = (Action::Start, Action::Restart);
    let wanted = [
        (start, "bad", false),
        (restart, "good", true),
        (restart, "one", true),
        (restart, "two", false),
    ];
    assert_eq!(told, wanted);
    let said = error.to_string();
    assert!(said.contains("cannot restart two[1]: EISDIR"), "{said}");
    assert!(said.ends_with(&format!("; restarted one[0], restarted good[{id}]")), "{said}");
}

/// Nothing is sent where anything is not understood, or would not do what was meant.
pub(crate) fn what_cannot_be_restarted_is_told_before_anything_is_sent() {
    let home = Pm2Home::with(Release::Seven, &[sleeper("one"), sleeper("two")]);
    home.mark();
    let app = |name: &str| json!({"name": name, "script": "/bin/sleep", "args": "86400"});
    let with = |key: &str, value: Value| {
        let mut app = app("one");
        app[key] = value;
        app
    };
    for (apps, why, code) in [
        (json!([app("new"), with("cron", json!("* 24 * * *"))]), "hours", 2),
        (
            json!([app("two"), with("env", json!({"cron_restart": "x"}))]),
            "one: env.cron_restart",
            2,
        ),
        (json!([app("new"), with("env_x", json!({"pm_id": 1}))]), "one: env.pm_id", 2),
        (json!([app("two"), with("script", json!("./gone"))]), "gone", 2),
        (json!([app("new"), app("one"), with("args", json!("5"))]), "more than one app", 1),
    ] {
        fs::write(home.apps().join("apps.json"), apps.to_string()).unwrap();
        let named: &[&str] = if why == "one: env.pm_id" { &["--env", "x"] } else { &[] };
        let command = pm2_tui(&home, &home.apps(), &[&["start", "apps.json"], named].concat());
        let (lines, said) = ended(command, code);
        assert!(lines.is_empty() && said.contains(why), "{apps}: {lines:?} {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        home.assert_unharmed_but(&[]);
    }
}
