//! One timeline: what happened stands in the log, each thing once, in words.

use pm2_tui::app::App;
use pm2_tui::logs::Kind;
use pm2_tui::model::daemon::BusState;
use rustix::process::Signal;
use serde_json::json;

use super::history::Cockpit;
use crate::harness::apps::{self, App as Script, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::Proc;

/// Sends messages of each kind, again and again.
fn talker() -> Script {
    script(
        "talker",
        "js",
        "setInterval(function () {\n\
         process.send({ type: 'my:topic', data: { rps: 41 } });\n\
         process.send({ type: 'human:event', data: { who: 'it' } });\n\
         }, 300);",
    )
}

/// What happened to a process as the log has it, its messages by their topics.
fn told(app: &App, name: &str) -> Vec<String> {
    let lines = app.lines().rows(0, usize::MAX);
    let ours = lines.into_iter().filter(|line| &*line.source.name == name);
    let ours = ours.filter(|line| !matches!(line.kind, Kind::Output | Kind::More));
    ours.map(|line| format!("{}{}", line.lead, line.text.text)).collect()
}

fn count(app: &App, name: &str, words: &str) -> usize {
    told(app, name).iter().filter(|line| line.contains(words)).count()
}

pub(crate) fn what_happened_stands_in_the_log_once() {
    let crash = script("crash", "js", "setTimeout(function () { process.exit(3); }, 300);");
    // On a busy machine a start takes longer than PM2's own min_uptime of a second.
    let crash = crash.with(json!({ "max_restarts": 2, "min_uptime": 30_000 }));
    let cluster = json!({ "exec_mode": "cluster", "instances": 1 });
    let home = Pm2Home::with(
        Release::Seven,
        &[talker(), apps::idle("calm"), apps::idle("web").with(cluster)],
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::new(&home);
        cockpit
            .until("messages", |app| {
                let lines = told(app, "talker");
                let is_there = |words: &str| lines.iter().any(|line| line.starts_with(words));
                is_there("my:topic {\"rps\":41}") && is_there("human:event {\"who\":\"it\"}")
            })
            .await;
        home.start(&[crash]);
        cockpit
            .until("an end, a restart, the last", |app| {
                count(app, "crash", "gave up at max_restarts 2") == 1
            })
            .await;
        assert_eq!(
            count(&cockpit.app, "crash", "online: started"),
            2,
            "{:?}",
            told(&cockpit.app, "crash")
        );
        assert!(count(&cockpit.app, "crash", "exit code 3 after") >= 1);
        let killed = home.one("calm").pid;
        Proc::find(killed).unwrap().signal(Signal::KILL);
        cockpit.until("the signal", |app| count(app, "calm", "killed by SIGKILL") == 1).await;
        cockpit.until("again", |app| count(app, "calm", "restart 1") >= 1).await;
        for (verb, words) in [
            ("restart", "restarted by another client"),
            ("stop", "stop"),
            ("start", "started"),
            ("delete", "deleted from PM2"),
        ] {
            home.cli(&[verb, "calm"]);
            cockpit.until(verb, |app| count(app, "calm", words) >= 1).await;
        }
        home.cli(&["reload", "web"]);
        cockpit
            .until("the old worker", |app| count(app, "web", "old worker of a reload") >= 1)
            .await;
        home.cli(&["kill"]);
        cockpit.until("the end of the daemon", |app| count(app, "PM2", "lost") >= 1).await;
        home.start(&[apps::idle("calm")]);
        cockpit.until("another", |app| count(app, "PM2", "connected") >= 2).await;
        cockpit.handle.shut_down().await;
    });
}

/// A cluster worker writes its own file, and ends before all of it is there: the lines that are not are marked,
/// those of earlier lives too.
pub(crate) fn what_only_the_bus_had_is_marked() {
    let text = "console.log('up ' + process.pid);\n\
                setTimeout(function () {\n\
                for (var i = 0; i < 20; i++) console.log('last word ' + process.pid + ' ' + i);\n\
                process.exit(3);\n\
                }, 400);";
    let entry = json!({ "exec_mode": "cluster", "instances": 2,
        "max_restarts": 2, "min_uptime": 30_000 });
    // The screen hears all of it.
    let home = Pm2Home::with(Release::Seven, &[apps::idle("calm")]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::new(&home);
        let is_live = |app: &App| {
            app.watched.daemons.first().is_some_and(|daemon| daemon.bus == BusState::Live)
        };
        cockpit.until("the bus", is_live).await;
        home.start(&[script("last", "js", text).with(entry)]);
        let path = |id: u32| home.path().join(format!("logs/last-out-{id}.log"));
        let is_told = |app: &App| {
            // Of two instances two lives each.
            let lines = said(app, "last");
            let read = |id| std::fs::read_to_string(path(id)).unwrap_or_default();
            let file = [1, 2].map(read).concat();
            let is_missing = |text: &str| !file.lines().any(|line| line == text);
            lines.len() == 2 * 2 * 21
                && lines.iter().all(|(text, is_marked)| is_missing(text) == *is_marked)
        };
        cockpit.until("each line that the file lacks, marked", is_told).await;
        assert!(said(&cockpit.app, "last").iter().any(|(_, is_marked)| *is_marked));
        cockpit.handle.shut_down().await;
    });
}

/// What a process said as the log has it, and whether that is marked as being in no file.
fn said(app: &App, name: &str) -> Vec<(String, bool)> {
    let lines = app.lines().rows(0, usize::MAX);
    let ours = lines.into_iter().filter(|line| &*line.source.name == name);
    let ours = ours.filter(|line| matches!(line.kind, Kind::Output | Kind::More));
    ours.map(|line| (line.text.text.to_string(), line.is_bus_only)).collect()
}

/// Memory limit, cron and watch restarts: why stands before the end.
pub(crate) fn what_pm2_does_by_itself_stands_in_the_log() {
    let home = Pm2Home::empty(Release::Seven);
    // Its worker looks at memory every 30 s otherwise.
    let mut ping = home.command(&["ping"]);
    ping.env("PM2_WORKER_INTERVAL", "1500");
    assert!(ping.output().unwrap().status.success());
    let seen = home.apps().join("seen");
    std::fs::create_dir(&seen).unwrap();
    let hungry = "var kept = Buffer.alloc(120e6, 1);\n\
                  setInterval(function () { return kept; }, 1e3);";
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::new(&home);
        cockpit.until("the daemon", |app| count(app, "PM2", "connected") >= 1).await;
        home.start(&[
            script("memory", "js", hungry).with(json!({ "max_memory_restart": "60M" })),
            apps::idle("cron").with(json!({ "cron_restart": "*/3 * * * * *" })),
            apps::idle("watching").with(json!({ "watch": [seen.to_str().unwrap()] })),
        ]);
        let mut touched = 0;
        cockpit
            .until("what PM2 did by itself", |app| {
                touched += 1;
                std::fs::write(seen.join("a.txt"), touched.to_string()).unwrap();
                count(app, "memory", "of 60.0 MiB: PM2 restarts it") >= 1
                    && count(app, "cron", "its cron_restart is due: PM2 restarts it") >= 1
                    && count(app, "watching", "a.txt changed: PM2 restarts it") >= 1
            })
            .await;
        for name in ["memory", "cron", "watching"] {
            cockpit.until("it is up again", |app| count(app, name, "restart 1") >= 1).await;
        }
        cockpit.handle.shut_down().await;
    });
}
