//! What is done to several processes of a real PM2, and undone.

use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{Screen, is_selected, row};
use crate::harness::wait_until;

/// Marks a process, and waits until its row says so.
fn mark(screen: &mut Screen, name: &str) {
    screen.select(name);
    screen.press(" ");
    screen.wait_for("the mark", |text| row(text, name).is_some_and(|line| line.starts_with('◆')));
}

pub(crate) fn marked_ones_are_restarted_together_and_no_other() {
    let home = Pm2Home::with(
        Release::Seven,
        &[apps::idle("first"), apps::idle("second"), apps::idle("third")],
    );
    home.mark();
    let mut screen = home.cockpit((120, 40));
    mark(&mut screen, "first");
    mark(&mut screen, "third");
    let before = ["first", "third"].map(|name| home.one(name).pid);
    screen.press("r");
    screen.wait_for("the question, by name", |text| {
        text.contains("restart 2 processes?")
            && text.contains("restarts first[0], third[2]: each is down meanwhile")
    });
    // Too early, it does not count.
    wait_until("two new pids", || {
        screen.press("y");
        std::thread::sleep(std::time::Duration::from_millis(100));
        let now = ["first", "third"].map(|name| home.one(name).pid);
        now.iter().zip(before).all(|(now, before)| *now != before && *now != 0)
    });
    screen.wait_for("each verdict", |text| {
        text.contains("2 of 2 succeeded") && text.contains("pm2 restart 0 2")
    });
    home.assert_unharmed_but(&["first", "third"]);
}

pub(crate) fn escape_leaves_undone_what_has_not_begun() {
    let names = ["a1", "b1", "c1", "d1", "e1", "f1", "g1", "h1"];
    let home = Pm2Home::with(Release::Seven, &names.map(apps::idle));
    let mut screen = home.cockpit((120, 40));
    screen.select("a1");
    screen.press("*");
    screen.wait_for("the marks", |text| row(text, "h1").is_some_and(|line| line.starts_with('◆')));
    // All of them would take a word.
    screen.press(" ");
    screen.wait_for("one without", |text| row(text, "a1").is_some_and(|it| !it.contains('◆')));
    screen.press("r");
    screen.wait_for("the question", |text| {
        text.contains("restart 7 processes?") && text.contains("Two at a time")
    });
    // Too early, it does not count.
    wait_until("the first to be restarted", || {
        screen.press("y");
        std::thread::sleep(std::time::Duration::from_millis(100));
        home.jlist().iter().any(|process| process.restarts == 1)
    });
    screen.press("\x1b");
    let text = screen.wait_for("each verdict", |text| text.contains("of 7 succeeded"));
    let undone = home.jlist().iter().filter(|process| process.restarts == 0).count() - 1;
    assert!(undone >= 1, "all were restarted:\n{text}");
    assert!(text.contains(&format!("{} of 7 succeeded", 7 - undone)), "{undone}\n{text}");
}

pub(crate) fn a_delete_is_undone() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("kept"), apps::idle("gone")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    let before = home.one("gone");
    screen.select("gone");
    screen.press("d");
    screen.wait_for("the question", |text| text.contains("delete gone["));
    wait_until("PM2 has it no more", || {
        screen.press("y");
        std::thread::sleep(std::time::Duration::from_millis(100));
        home.jlist().iter().all(|process| process.name != "gone")
    });
    screen.wait_for("the row to go", |text| {
        row(text, "gone").is_none() && row(text, "kept").is_some_and(is_selected)
    });
    // A poll may show that before PM2's answer comes, and only then it can be undone.
    screen.wait_for("the answer", |text| {
        text.lines().any(|line| line.contains("gone[") && line.contains("deleted (asked here"))
    });
    screen.press("u");
    screen.wait_for("the question", |text| text.contains("starts gone["));
    wait_until("PM2 has it again", || {
        screen.press("y");
        std::thread::sleep(std::time::Duration::from_millis(100));
        home.jlist().iter().any(|process| process.name == "gone" && process.status == "online")
    });
    let after = home.one("gone");
    assert!(after.pid != before.pid && after.restarts == 0, "{after:?}");
    screen.wait_for("what came of it", |text| text.contains("restored gone"));
    home.assert_unharmed_but(&["gone"]);
}
