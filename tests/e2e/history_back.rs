//! History of what was written while a daemon was gone and came back: no line missing, none twice, none dated
//! before the life that wrote it.

use std::collections::BTreeMap;
use std::fs;

use pm2_tui::app::App;
use serde_json::json;

use super::history::{Cockpit, assert_each_once, numbers};
use crate::harness::apps::script;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::relay::Relay;

/// A daemon that ends and comes back, and its bus later: what its processes logged in between is told too, also
/// of an app that was deleted and started again before, and none of it is dated before the life that logged it.
pub(crate) fn a_daemon_that_comes_back_leaves_no_gap() {
    let text = |name: &str| {
        format!(
            "var n = 0; function line() {{ console.log('{name}-' + process.pid + ' ' + n++ + '.'); }}\n\
             for (var i = 0; i < 100; i++) line();\nsetInterval(line, 5);"
        )
    };
    let cluster = json!({"exec_mode": "cluster", "instances": 1});
    let apps = [
        script("forked", "js", text("forked")),
        script("worker", "js", text("worker")).with(cluster),
        script("again", "js", text("again")),
    ];
    let home = Pm2Home::with(Release::Seven, &apps);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let relay = Relay::before(home.path());
        let mut cockpit = Cockpit::behind(&home, &relay);
        let of_all = |app: &App, generations: [(&str, usize); 3]| {
            let all = numbers(app);
            generations.iter().all(|(name, generations)| {
                let of = |(known, numbers): (&String, &Vec<u32>)| {
                    known.starts_with(name) && numbers.len() > 200
                };
                all.iter().filter(|told| of(*told)).count() >= *generations
            })
        };
        let so_many = |others, again| [("forked-", others), ("worker-", others), ("again-", again)];
        cockpit.until("what they log", |app| of_all(app, so_many(1, 1))).await;
        let again = home.apps().join("again.js");
        assert!(home.cli(&["delete", "again"]).status.success());
        assert!(home.cli(&["start", again.to_str().unwrap()]).status.success());
        cockpit.until("what the second logs", |app| of_all(app, so_many(1, 2))).await;
        assert!(home.cli(&["save"]).status.success());
        relay.cut();
        assert!(home.cli(&["kill"]).status.success());
        // A worker that has another id now has another file.
        let written = |name: &str| -> u64 {
            let files = fs::read_dir(home.path().join("logs")).unwrap().map(Result::unwrap);
            let of = files.filter(|file| file.file_name().to_str().unwrap().starts_with(name));
            of.map(|file| file.metadata().unwrap().len()).sum()
        };
        let names = ["forked-", "worker-", "again-"];
        let before = names.map(written);
        assert!(home.cli(&["resurrect"]).status.success());
        let have_grown =
            || names.iter().zip(before).all(|(name, before)| written(name) > before + 2_000);
        cockpit.until("what they log meanwhile", |_| have_grown()).await;
        relay.reopen();
        // A file that has another name now is read from its first line, once the others are mended.
        let are_whole = |app: &App| numbers(app).values().all(|numbers| numbers.contains(&0));
        let are_told = |app: &App| of_all(app, so_many(2, 3)) && are_whole(app);
        cockpit.until("what the new ones log", are_told).await;
        for (name, numbers) in numbers(&cockpit.app) {
            assert_each_once(&name, &numbers);
        }
        assert_dated_within_lives(&home, &cockpit.app);
        cockpit.handle.shut_down().await;
    });
}

/// No line of the lives that are on is dated before they began: lines are named after the app and its pid, and of
/// each app one life is on.
fn assert_dated_within_lives(home: &Pm2Home, app: &App) {
    let listed = home.call("getMonitorData", &json!({}));
    let began = |life: &serde_json::Value| {
        let began_ms = life["pm2_env"]["pm_uptime"].as_i64().unwrap();
        (format!("{}-{}", life["name"].as_str().unwrap(), life["pid"]), began_ms)
    };
    let began: BTreeMap<_, _> = listed.as_array().unwrap().iter().map(began).collect();
    for line in app.lines().rows(0, usize::MAX) {
        let life = line.text.text.split_once(' ').and_then(|(life, _)| began.get(life));
        let early_ms = life.map_or(0, |began_ms| began_ms - line.time.at_ms);
        assert!(early_ms <= 0, "{}: {early_ms} ms before its life", line.text.text);
    }
}
