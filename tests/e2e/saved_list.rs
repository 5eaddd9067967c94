//! Where the saved list differs from what runs, as the screen says it, beside the pm2 CLI.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{Screen, row};
use crate::harness::{PATIENCE, poll_for};

/// Whether the header says nothing of the saved list.
fn is_quiet(text: &str) -> bool {
    let header = text.lines().next().unwrap_or_default();
    header.contains("live") && !header.contains("saved")
}

/// Opens the sheet of the daemon, reads it and closes it.
#[track_caller]
fn sheet(screen: &mut Screen, what: &str, is_there: impl Fn(&str) -> bool) -> String {
    screen.press("i");
    let text = screen.wait_for(what, |text| text.contains("At the next boot") && is_there(text));
    screen.press("\x1b");
    screen.wait_for("the table", |text| !text.contains("At the next boot"));
    text
}

/// Chooses a line of the menu of actions by its label, and says yes where that is asked.
#[track_caller]
pub(super) fn choose(screen: &mut Screen, label: &str) {
    // Two letters that come in one read, as from `say_yes` on a busy machine, are refused, and so is
    // what follows them within a second.
    let is_open = |text: &str| text.contains("━ Actions ━");
    let opened = (0..8).any(|_| {
        screen.press("x");
        screen.wait_within(std::time::Duration::from_secs(2), is_open).is_ok()
    });
    assert!(opened, "no menu:\n{}", screen.text());
    // What stands beside the menu may change meanwhile.
    let chosen = |text: &str| -> Option<String> {
        let line = text.lines().find_map(|line| line.split_once('▌'));
        line.map(|(_, line)| line.chars().skip(3).take(21).collect())
    };
    for _ in 0..30 {
        let before = chosen(&screen.text());
        if before.as_ref().is_some_and(|it| it.starts_with(label)) {
            screen.press("\r");
            screen.wait_for("the menu to close", |text| !text.contains("━ Actions ━"));
            return;
        }
        screen.press("j");
        screen.wait_for("the next line", |text| chosen(text).is_some_and(|it| Some(it) != before));
    }
    panic!("no {label} in the menu:\n{}", screen.text());
}

/// Presses `y` until something is so: too early, it does not count.
#[track_caller]
pub(super) fn say_yes(screen: &mut Screen, what: &str, mut is_so: impl FnMut() -> bool) {
    let said = poll_for(PATIENCE, || {
        screen.press("y");
        std::thread::sleep(std::time::Duration::from_millis(100));
        is_so().then_some(())
    });
    let text = screen.text();
    assert!(
        said.is_some(),
        "waited {PATIENCE:?} in vain: {what}; the screen:\n{}",
        text.trim_end()
    );
}

fn plain(name: &str, entry: serde_json::Value) -> App {
    apps::idle(name).with(entry)
}

/// Nothing differs after a save, a restart, a reload, a kill and a resurrect; and each difference that
/// there can be is said.
pub(crate) fn the_header_says_where_it_differs(release: Release) {
    let home = Pm2Home::with(
        release,
        &[
            plain("one", json!({ "args": ["--port", "80"], "env": { "TOKEN": "hunter2" } })),
            plain("two", json!({})),
            plain("web", json!({ "exec_mode": "cluster", "instances": 2 })),
        ],
    );
    let mut screen = home.cockpit((160, 40));
    sheet(&mut screen, "nothing saved", |text| text.contains("no saved list: nothing comes back"));

    home.cli(&["save"]);
    fs::set_permissions(home.path().join("dump.pm2"), fs::Permissions::from_mode(0o644)).unwrap();
    let text = sheet(&mut screen, "all saved", |text| {
        text.contains("it is what runs now") && text.contains("others can read it")
    });
    assert!(text.contains("4 processes, written") && text.contains("mode 0644"), "{text}");
    assert!(text.contains(&format!("{}, as installed", release.version())), "{text}");
    assert!(text.contains("starts PM2  nobody"), "{text}");
    screen.wait_for("a quiet header, and a line of the log", |text| {
        is_quiet(text) && text.contains("others can read it, as the pm2 CLI makes it")
    });
    home.cli(&["restart", "all"]);
    home.cli(&["reload", "web"]);
    let text = sheet(&mut screen, "still so", |text| text.contains("it is what runs now"));
    assert!(is_quiet(&text), "{text}");

    home.cli(&["stop", "two"]);
    screen.wait_for("what is stopped", |text| text.contains("1 saved as running is stopped"));
    screen.press("!");
    screen.wait_for("it alone", |text| row(text, "two").is_some() && row(text, "web").is_none());
    screen.press("!");
    screen.wait_for("all", |text| row(text, "web").is_some());
    home.start(&[plain("new", json!({}))]);
    screen.wait_for("what is new", |text| text.contains("saved list: 1 would be lost at reboot"));
    home.cli(&["delete", "two"]);
    home.cli(&["delete", "one"]);
    home.start(&[plain("one", json!({ "args": ["--port", "81"], "env": { "TOKEN": "other" } }))]);
    let text = sheet(&mut screen, "all that differs", |text| {
        text.contains("only in it  two") && text.contains("saved --port 80")
    });
    assert!(text.contains("not in it   new["), "{text}");
    assert!(text.contains("environment: TOKEN saved with another value"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");

    // The process that the cursor was on is gone.
    screen.select("new");
    choose(&mut screen, "save ");
    say_yes(&mut screen, "it is saved", || {
        let saved = fs::read_to_string(home.path().join("dump.pm2")).unwrap();
        saved.contains("\"81\"")
    });
    screen.wait_for("a quiet header", is_quiet);
}
