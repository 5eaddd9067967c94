//! The details of a process.

use serde_json::{Value as Json, json};

use super::fleet::*;
use super::{ALL, check};
use crate::app::command::Command;
use crate::app::details::keys::Ask;
use crate::app::effect::Effects;
use crate::app::message::Message;
use crate::app::{App, update};
use crate::model::DaemonId;
use crate::model::exam::{Exam, Sealed};
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::model::system::{Family, Listener, Listens, Member};
use crate::model::trigger::Reply;
use crate::protocol::text::clean;

const SECRET: &str = "hunter2-and-a-half";

fn raw() -> Json {
    json!({
        "pid": 1000, "pm_id": 0, "name": "api", "monit": { "memory": 157_286_400, "cpu": 14 },
        "pm2_env": {
            "pm_exec_path": "/srv/apps/api/dist/server.js", "args": ["--port", "3000"],
            "pm_cwd": "/srv/apps/api", "exec_interpreter": "node", "exec_mode": "cluster_mode",
            "node_args": ["--max-old-space-size=512"], "node_version": "22.11.0",
            "username": "deploy", "NODE_APP_INSTANCE": 0, "watch": false, "cron_restart": "0 4 * * *",
            "max_memory_restart": 314_572_800, "kill_timeout": 1_600, "autorestart": true,
            "pm_out_log_path": "/home/web-01/.pm2/logs/api-out-0.log",
            "pm_err_log_path": "/home/web-01/.pm2/logs/api-error-0.log",
            "DATABASE_URL": SECRET, "status": "online",
            "env": { "NODE_ENV": "production", "PORT": "3000", "DATABASE_URL": SECRET,
                "LONG": format!("{SECRET}:{}", "/a/very/long/path".repeat(12)) },
            "versioning": { "type": "git", "branch": "main", "revision": "4f2c1e9d", "comment":
                "fix cart totals\n", "unstaged": true, "url": "https://u:p@git.example.org/api.git" },
            "axm_actions": [
                { "action_name": "km:heapdump", "action_type": "internal", "arity": 2 },
                { "action_name": "drop cache", "action_type": "custom", "arity": 1,
                  "opts": { "comment": "forgets all that is cached" } },
                { "action_name": "set level", "action_type": "custom", "arity": 2 },
            ],
            "axm_monitor": {
                "Used Heap Size": { "value": "18.52", "unit": "MiB", "type": "internal/v8/heap/used",
                    "historic": true },
                "Event Loop Latency p95": { "value": "3.10", "unit": "ms", "historic": true },
                "Users": { "value": 181, "historic": true },
                "Global logs size": { "value": "1.42 MB" },
            },
        },
    })
}

/// A process with two children, which listens on two ports.
fn family() -> Family {
    let member = |depth, pid, command: &str, mib: u64| Member {
        depth,
        pid,
        command: command.into(),
        memory_bytes: mib * MIB,
    };
    let listens = |address: &str, by| Listens { address: address.into(), by };
    Family {
        members: vec![
            member(0, 1000, "node /srv/apps/api/dist/server.js --port 3000", 150),
            member(1, 1001, "node worker.js", 41),
            member(2, 1002, "chromium", 88),
        ],
        more: 0,
        listens: vec![
            listens("0.0.0.0:3000", Listener::Daemon),
            listens("127.0.0.1:9229", Listener::Own(1000)),
        ],
        is_partial: false,
    }
}

fn report(app: &mut App, at_ms: i64, report: Report) {
    let effects = update(app, Moment::at(at_ms), Message::Report(DaemonId(0), report));
    assert_eq!(effects, Effects::none());
}

fn ask(app: &mut App, command: Command) {
    let _ = update(app, Moment::at(NOW_MS), Message::Command(command));
}

/// The typical app with the details of its first process, read three times.
fn open() -> App {
    let mut app = typical();
    ask(&mut app, Command::Open);
    for back in (0..3).rev() {
        let info = app.watched.fleet.get(key(0, 0)).unwrap().info.clone();
        let mut raw = raw();
        raw["pm2_env"]["axm_monitor"]["Users"]["value"] = json!(181 - 20 * back);
        let sizes = vec![("/home/web-01/.pm2/logs/api-out-0.log".into(), 1_288_490_188)];
        let exam = Exam { info, raw: Sealed(raw), sizes, family: Some(family()), zone: None };
        report(&mut app, NOW_MS - back * 20_000, Report::Examined(Box::new(exam)));
    }
    app
}

fn tab(app: &mut App, number: u8) {
    ask(app, Command::Details(Ask::Tab(number)));
}

#[test]
fn overview() {
    check!(&open(), COLOR, "details_overview", ALL);
    check!(&open(), PLAIN, "details_overview_ascii", [(80, 24)]);
    let mut app = typical();
    ask(&mut app, Command::Open);
    // With charts below it, where there is room.
    check!(&app, COLOR, "details_asking", [(80, 24), (120, 40)]);
    let lines = screen(&app, PLAIN, (120, 40));
    assert!(
        !lines.contains("cpu 13.1% - max"),
        "a screen reader is told figures, not bars: {lines}"
    );
}

#[test]
fn cpu_and_memory_are_those_of_the_row() {
    let mut app = typical();
    let process = app.watched.fleet.get_mut(key(0, 0)).unwrap();
    // Measured since, and too little to show in the row.
    process.info.cpu_percent = process.info.cpu_percent.map(|percent| percent + 0.4);
    process.info.memory_bytes = process.info.memory_bytes.map(|bytes| bytes + 200 * 1024);
    let row = screen(&app, COLOR, (120, 40));
    assert!(row.contains("13.1%") && row.contains("150.4 MiB"), "{row}");
    ask(&mut app, Command::Open);
    let overview = screen(&app, COLOR, (120, 40));
    assert!(overview.contains("CPU  13.1%") && overview.contains("150.4 MiB, 50%"), "{overview}");
}

#[test]
fn charts() {
    let mut app = open();
    tab(&mut app, 2);
    check!(&app, COLOR, "details_charts", ALL);
    check!(&app, PLAIN, "details_charts_ascii", [(80, 24)]);
    ask(&mut app, Command::Details(Ask::Shorter));
    check!(&app, COLOR, "details_charts_minute", [(120, 40)]);
}

#[test]
fn metrics() {
    let mut app = open();
    tab(&mut app, 3);
    check!(&app, COLOR, "details_metrics", ALL);
    for _ in 0..2 {
        ask(&mut app, Command::Down);
    }
    ask(&mut app, Command::Open);
    check!(&app, COLOR, "details_metric", [(80, 24)]);
}

#[test]
fn actions() {
    let mut app = open();
    tab(&mut app, 4);
    ask(&mut app, Command::Down);
    check!(&app, COLOR, "details_actions", ALL);
    ask(&mut app, Command::Open);
    ask(&mut app, Command::Details(Ask::Next));
    check!(&app, COLOR, "details_trigger", [(80, 24), (40, 10)]);
    ask(&mut app, Command::Open);
    let target = app.sheet().unwrap().asked[0].target.clone();
    let reply = Reply::Returned("{\"dropped\":7}".into());
    report(&mut app, NOW_MS, Report::Replied { action: "drop cache".into(), target, reply });
    let target = app.sheet().unwrap().asked[1].target.clone();
    let reply = Reply::Silent { waited_ms: 10_000, is_deaf: false };
    report(&mut app, NOW_MS, Report::Replied { action: "drop cache".into(), target, reply });
    check!(&app, COLOR, "details_replies", [(80, 24), (40, 10)]);
}

#[test]
fn values_of_the_environment_are_masked_until_one_is_revealed() {
    let mut app = open();
    for number in 1..=6 {
        tab(&mut app, number);
        for size in ALL {
            let screen = screen(&app, COLOR, size);
            assert!(!screen.contains(SECRET), "{screen}");
            assert!(!screen.contains("u:p@"), "{screen}");
        }
    }
    tab(&mut app, 5);
    check!(&app, COLOR, "details_environment", ALL);
    ask(&mut app, Command::Open);
    let revealed = screen(&app, COLOR, (80, 24));
    assert_eq!(revealed.matches(SECRET).count(), 1, "{revealed}");
    ask(&mut app, Command::Down);
    ask(&mut app, Command::Open);
    let revealed = screen(&app, COLOR, (80, 24));
    assert_eq!(revealed.matches("hunter2-and-a-half:/a").count(), 2, "whole below: {revealed}");
    tab(&mut app, 6);
    assert!(!screen(&app, COLOR, (120, 40)).contains(SECRET), "nor in the raw JSON");
}

#[test]
fn raw_json() {
    let mut app = open();
    ask(&mut app, Command::Details(Ask::Search));
    for c in "axm".chars() {
        let _ = update(&mut app, Moment::at(NOW_MS), Message::Text(c));
    }
    check!(&app, COLOR, "details_raw_search", [(80, 24)]);
    ask(&mut app, Command::Open);
    check!(&app, COLOR, "details_raw", [(80, 24), (40, 10)]);
}

/// What is too long for its row stands below, whole, as a long value of the environment does.
#[test]
fn a_long_line_of_the_raw_json_is_shown_whole() {
    let mut app = open();
    tab(&mut app, 6);
    let long = |app: &App| {
        let raw = &app.sheet().unwrap().examined.as_ref().unwrap().raw;
        raw.iter().position(|line| line.len() > 40 && line.contains("\": \"")).unwrap()
    };
    let place = long(&app);
    let line = app.sheet().unwrap().examined.as_ref().unwrap().raw[place].trim().to_owned();
    let end = line.get(line.len() - 12..).unwrap().to_owned();
    let shown = |app: &App| screen(app, COLOR, (40, 24));
    assert!(!shown(&app).contains(&end), "{end}: {}", shown(&app));
    for _ in 0..place {
        ask(&mut app, Command::Down);
    }
    let whole = shown(&app).lines().map(str::trim).collect::<Vec<_>>().join(" ");
    assert!(whole.contains(&end), "{end}: {}", shown(&app));
}

#[test]
fn one_that_says_nothing() {
    let mut app = typical();
    app.selected = Some(key(0, 3));
    ask(&mut app, Command::Open);
    let info = app.watched.fleet.get(key(0, 3)).unwrap().info.clone();
    let raw = Sealed(json!({ "pm_id": 3, "pm2_env": { "env": "odd", "axm_monitor": [1] } }));
    let exam = Exam { info, raw, sizes: Vec::new(), family: None, zone: None };
    report(&mut app, NOW_MS, Report::Examined(Box::new(exam)));
    for number in 1..=6 {
        tab(&mut app, number);
        let screen = screen(&app, COLOR, (60, 20));
        assert!(screen.contains("worker[3]"), "{screen}");
    }
    tab(&mut app, 4);
    assert!(screen(&app, COLOR, (60, 20)).contains("declares no actions"), "it says so");
}

/// Whatever the daemon sends and however small the screen is.
#[test]
fn foul_values_are_cleaned() {
    let foul = "\u{1b}[2J\u{9b}31m\u{202e}\u{0}foul";
    let mut app = typical();
    ask(&mut app, Command::Open);
    let info = app.watched.fleet.get(key(0, 0)).unwrap().info.clone();
    let raw = json!({ foul: foul, "pm2_env": {
        foul: [foul], "pm_exec_path": foul, "env": { foul: foul },
        "axm_actions": [{ "action_name": foul, "opts": { "comment": foul } }],
        "axm_monitor": { foul: { "value": foul, "unit": foul } },
    }});
    let exam = Exam { info, raw: Sealed(raw), sizes: Vec::new(), family: None, zone: None };
    report(&mut app, NOW_MS, Report::Examined(Box::new(exam)));
    for number in 1..=6 {
        tab(&mut app, number);
        ask(&mut app, Command::Open);
        for size in [(120, 40), (80, 24), (40, 10), (30, 6), (31, 7)] {
            let screen = screen(&app, COLOR, size);
            assert!(screen.lines().all(|line| clean(line) == line), "{screen:?}");
        }
        ask(&mut app, Command::Back);
        if app.sheet().is_none() {
            ask(&mut app, Command::Open);
        }
    }
}
