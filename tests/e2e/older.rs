//! Older lines of log files in the log of the screen: with a filter, and with PM2's stamps.

use std::fs;

use pm2_tui::app::App;
use pm2_tui::app::command::{Command, LogCommand};
use pm2_tui::app::message::Message;
use pm2_tui::model::daemon::BusState;
use serde_json::json;

use super::history::{Cockpit, is_in_sight};
use crate::harness::apps::{counter, script, sleeper};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::relay::Relay;
use crate::harness::wait_until;

/// Lines of a large file, one each 100 ms, the newest now.
fn large(count: u32) -> String {
    let now_ms = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    let filler = "x".repeat(100);
    let line = |n: u32| {
        let at_ms = now_ms - i64::from(count - n) * 100;
        let at = jiff::Timestamp::from_millisecond(at_ms).unwrap();
        let word = if n == 5_000 { "Needle" } else { "hay" };
        format!("{at:.3} {word} {n} {filler}\n")
    };
    (0..count).map(line).collect()
}

/// A home with an app whose log file has so many lines.
pub(super) fn with_large_log(count: u32) -> Pm2Home {
    let home = Pm2Home::empty(Release::Seven);
    let path = home.path().join("large.log");
    fs::write(&path, large(count)).unwrap();
    let app = script("app", "js", "setInterval(function () {}, 1e9);")
        .with(json!({"out_file": path.to_str().unwrap()}));
    home.start(&[app]);
    home
}

/// At the top, a filter is followed through all of the files, though none of the lines that are held
/// pass it.
pub(crate) fn a_filter_is_followed_to_the_beginning_of_the_files() {
    let home = with_large_log(200_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::in_large_log(&home, 200_000).await;
        cockpit.ask(LogCommand::Filter, "Needle");
        assert!(cockpit.app.lines().is_empty(), "none that is held passes");
        cockpit.take(Message::Command(Command::First));
        cockpit.until("the line that does", |app| is_in_sight(app, "Needle 5000 ")).await;
        assert_eq!(cockpit.app.lines().len(), 1);
        cockpit.handle.shut_down().await;
    });
}

/// A line with this across the border of two MiB.
fn long(second: u32, mib: usize, needle: &str) -> String {
    let mut line = format!("2026-11-28T03:00:{second:02}Z {}", "x".repeat(mib << 20));
    let at = ((mib / 2) << 20) - 3;
    line.replace_range(at..at + needle.len(), needle);
    line
}

/// Lines of many MiB, one among those that are there at once, one further back: each is one row, is found
/// by what lies across two pieces of it, and saved whole.
pub(crate) fn a_very_long_line_is_one() {
    let home = Pm2Home::empty(Release::Seven);
    let path = home.path().join("long.log");
    let (far, near) = (long(1, 24, "needle"), long(3, 4, "pin-of-it"));
    let hay = |n: u32| format!("2026-11-28T03:00:02Z hay {n}\n");
    let hay: String = (0..2_000).map(hay).collect();
    fs::write(&path, format!("{far}\n{hay}{near}\n2026-11-28T03:00:04Z the last\n")).unwrap();
    let app = script("app", "js", "setInterval(function () {}, 1e9);")
        .with(json!({"out_file": path.to_str().unwrap()}));
    home.start(&[app]);
    home.mark();
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.log");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::new(&home);
        cockpit.until("the end of it", |app| is_in_sight(app, "the last")).await;
        cockpit.app.focus = pm2_tui::app::Pane::Log;
        let rows = |app: &App| {
            let rows = app.lines().rows(0, usize::MAX);
            rows.iter().filter(|line| line.text.text.contains("xxx")).count()
        };
        cockpit.until("its beginning", |app| rows(app) == 1).await;
        cockpit.ask(LogCommand::Search, "pin-of-it");
        cockpit.until("the near one", |app| app.log_view.is_done()).await;
        assert_eq!(cockpit.app.log_view.found(), 1);
        cockpit.ask(LogCommand::Search, "needle");
        cockpit.until("the far one", |app| app.log_view.found() == 1 && rows(app) == 2).await;
        cockpit.ask(LogCommand::Save, saved.to_str().unwrap());
        let says = |app: &App, words: &str| {
            app.notice.as_ref().is_some_and(|notice| notice.text.contains(words))
        };
        cockpit.until("it is saved", |app| says(app, "saved ")).await;
        let saved = fs::read_to_string(&saved).unwrap();
        for long in [&far, &near] {
            assert_eq!(
                saved.lines().filter(|line| line.ends_with(long.as_str())).count(),
                1,
                "whole, and once"
            );
        }
        assert_eq!(saved.lines().filter(|line| line.contains("xxx")).count(), 2);
        // It is emptied behind our back.
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
        cockpit.ask(LogCommand::Search, "nowhere");
        cockpit
            .until("that it is gone", |app| {
                app.log_view.is_done() && app.log_view.unreadable() == 2
            })
            .await;
        cockpit.handle.shut_down().await;
    });
    home.assert_unharmed_but(&[]);
}

/// Where the bus comes later than the list of the processes, what the daemon's own log tells of them is there
/// all the same, and once.
pub(crate) fn what_happened_is_there_without_the_bus() {
    let text = "setTimeout(function () { process.exit(9); }, 50);";
    let dead = script("dead", "js", text).with(json!({"max_restarts": 2, "min_uptime": 20_000}));
    let home = Pm2Home::with(Release::Seven, &[dead]);
    home.wait_status("dead", "errored");
    let relay = Relay::before(home.path());
    let away = relay.folder().join("away");
    fs::rename(relay.bus(), &away).unwrap();
    let texts = |app: &App| -> Vec<String> {
        let rows = app.lines().rows(0, usize::MAX);
        rows.into_iter().map(|line| line.text.text.to_string()).collect()
    };
    let ends = |app: &App| texts(app).iter().filter(|text| text.contains("exit code 9")).count();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::behind(&home, &relay);
        cockpit.until("the ends", |app| ends(app) > 0).await;
        let before = ends(&cockpit.app);
        fs::rename(&away, relay.bus()).unwrap();
        cockpit
            .until("the bus", |app| {
                app.watched.daemons.iter().all(|daemon| daemon.bus == BusState::Live)
            })
            .await;
        home.start(&[sleeper("other")]);
        cockpit
            .until("what happens now", |app| {
                app.lines()
                    .rows(0, usize::MAX)
                    .iter()
                    .any(|line| line.source.name.as_ref() == "other")
            })
            .await;
        assert_eq!(ends(&cockpit.app), before, "{:?}", texts(&cockpit.app));
        cockpit.handle.shut_down().await;
    });
}

/// A fork app with `--time`, of which PM2 itself drops lines (docs/pm2-ops.md section 1.2): all that is
/// in its file is there once, in its order.
pub(crate) fn what_pm2_stamps_is_there_once() {
    let app = counter("stamped", 20_000, 10, "").with(json!({"time": true}));
    let home = Pm2Home::with(Release::Seven, &[app]);
    let path = home.path().join("logs/stamped-out.log");
    let in_file = || fs::read_to_string(&path).unwrap_or_default();
    wait_until("it has logged a lot", || in_file().len() > 500_000);
    let stamped = |app: &App| -> Vec<String> {
        let rows = app.lines().rows(0, usize::MAX);
        let texts = rows.into_iter().map(|line| line.text.text.to_string());
        texts.filter(|text| text.contains(": stamped ")).collect()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::new(&home);
        cockpit.until("history and what follows", |app| stamped(app).len() > 2_500).await;
        cockpit.read_all_older().await;
        let before = stamped(&cockpit.app).len();
        cockpit.until("more", |app| stamped(app).len() > before + 1_000).await;
        assert!(home.cli(&["stop", "stamped"]).status.success());
        let all: Vec<String> = in_file().lines().map(ToOwned::to_owned).collect();
        cockpit.until("all of it", |app| stamped(app).len() >= all.len()).await;
        let shown = stamped(&cockpit.app);
        let wrong = shown.iter().zip(&all).position(|(shown, line)| shown != line);
        assert_eq!((wrong, shown.len()), (None, all.len()));
        cockpit.handle.shut_down().await;
    });
}
