//! Older lines of log files in the log of the screen: with a filter, and with PM2's stamps.

use std::fs;

use pm2_tui::app::App;
use pm2_tui::app::command::{Command, LogCommand};
use pm2_tui::app::message::Message;
use serde_json::json;

use super::history::{Cockpit, is_in_sight, with_large_log};
use crate::harness::apps::counter;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::wait_until;

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
