//! `logs -f --events` over the end of the daemon: what it says before the bus is there again is told, too.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::followed::Listening;
use super::program::program;
use crate::harness::apps::script;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::wait_until;

pub(crate) fn what_starts_with_another_daemon_is_told_once() {
    let says = |name: &str| {
        script(name, "js", format!("setInterval(() => console.log('{name} is here'), 50);"))
    };
    let home = Pm2Home::with(Release::Seven, &[says("one"), says("two")]);
    let arguments = ["logs", "all", "-f", "-n", "0", "--events", "--time", "off"];
    let listening = Listening::of(program(home.path(), &arguments));
    wait_until("it follows", || listening.count() > 5);
    assert!(home.cli(&["save"]).status.success());
    let started = |name: &str| {
        let lines = listening.lines.lock().unwrap();
        let is_it = |line: &&String| line.starts_with(name) && line.ends_with("◆   started");
        lines.iter().filter(is_it).count()
    };
    for round in 1..=3 {
        assert!(home.cli(&["kill"]).status.success());
        assert!(home.cli(&["resurrect"]).status.success());
        wait_until("both are told to have started", || {
            started("one") >= round && started("two") >= round
        });
        // What would be told once more comes with them.
        let before = listening.count();
        wait_until("they go on", || listening.count() > before + 40);
        assert_eq!((started("one"), started("two")), (round, round));
    }
    let (lines, told) = listening.end();
    assert!(lines.iter().any(|line| line.contains("the daemon was started")), "{told}");
}

/// What a life says first is in its file alone, and its end comes on the bus: each life is told once, in its
/// order, from the first one of the next daemon on.
pub(crate) fn lives_that_begin_with_another_daemon_are_told_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let may_end = folder.path().join("may-end");
    std::fs::write(&may_end, "").unwrap();
    let text = format!(
        "console.log('late starts', process.pid);\n\
         setInterval(() => {{\n\
           if (!require('fs').existsSync('{}')) return;\n\
           console.error('late dies', process.pid);\n\
           setTimeout(() => process.exit(7), 50);\n\
         }}, 700);",
        may_end.display()
    );
    let app = script("late", "js", text).with(json!({"max_restarts": 1_000}));
    let home = Pm2Home::with(Release::Seven, &[app]);
    assert!(home.cli(&["save"]).status.success());
    let arguments = ["logs", "all", "-f", "-n", "0", "--events", "--json"];
    let listening = Listening::of(program(home.path(), &arguments));
    let kind = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap();
        match (line["event"].as_str(), line["text"].as_str()) {
            (Some("exit"), _) => Some('X'),
            (Some("online"), _) => Some('O'),
            (Some("pm2"), Some("the daemon was started")) => Some('N'),
            (_, Some(text)) if text.starts_with("late dies") => Some('d'),
            (_, Some(text)) if text.starts_with("late starts") => Some('s'),
            _ => None,
        }
    };
    let kinds = || -> String { listening.lines.lock().unwrap().iter().filter_map(kind).collect() };
    wait_until("it follows", || kinds().contains("dXOs"));
    let log = home.path().join("logs/late-out.log");
    let starts = || std::fs::read_to_string(&log).unwrap().lines().count();
    for round in 1..=2 {
        let god = home.living_god();
        std::fs::remove_file(&may_end).unwrap();
        god.signal(Signal::KILL);
        wait_until("the daemon is gone", || !god.is_alive());
        // The bus is away until the next life has begun to speak.
        listening.signal(Signal::STOP);
        let before = starts();
        assert!(home.cli(&["resurrect"]).status.success());
        wait_until("it speaks", || starts() > before);
        listening.signal(Signal::CONT);
        let since = || kinds().split('N').nth(round).unwrap_or_default().to_owned();
        wait_until("its start is told", || since().contains('O'));
        std::fs::write(&may_end, "").unwrap();
        wait_until("lives have ended", || since().matches('X').count() >= 3);
        let since = since();
        assert!("OsdX".repeat(9).starts_with(&since), "{round}: {since}: {:?}", listening.lines);
    }
    // The lives that went with their daemon, of which nobody said an end.
    let why = program(home.path(), &["why", "late", "--lives", "20"]).output().unwrap();
    let why = String::from_utf8(why.stdout).unwrap();
    assert_eq!(why.matches("PM2's daemon had died").count(), 2, "{why}");
}
