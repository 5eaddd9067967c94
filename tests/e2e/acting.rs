//! What the keys do to a real PM2.

use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{is_selected, row, row_says};
use crate::harness::wait_until;

pub(crate) fn r_restarts_it_alone() {
    let home = Pm2Home::with(
        Release::Seven,
        &[apps::idle("first"), apps::idle("second"), apps::delayed("later")],
    );
    home.wait_status("later", "waiting restart");
    home.mark();
    let mut screen = home.cockpit((120, 40));

    let before = home.one("second");
    screen.select("second");
    screen.press("r");
    wait_until("a new pid and one restart more", || {
        let after = home.one("second");
        after.pid != before.pid
            && after.pid != 0
            && after.restarts == before.restarts + 1
            && after.status == "online"
    });
    screen.wait_for("the count in the row", |text| {
        row(text, "second").is_some_and(|line| {
            line.contains("online") && line.split_whitespace().any(|w| w == "1")
        })
    });
    home.assert_unharmed_but(&["second", "later"]);

    // PM2 refuses a restart of what waits for its restart; it is stopped first.
    let before = home.one("later");
    screen.select("later");
    screen.press("r");
    wait_until("the waiting process starts again", || home.one("later").pid != before.pid);
    home.assert_unharmed_but(&["second", "later"]);
}

pub(crate) fn s_stops_and_a_starts() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one"), apps::cluster("web")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    let before = home.one("one");
    screen.select("one");
    screen.press("s");
    screen.wait_for("stopped", |text| row_says(text, "one", "stopped"));
    let stopped = home.wait_status("one", "stopped");
    assert_eq!(stopped.pid, 0);
    home.assert_unharmed_but(&["one"]);

    screen.press("a");
    screen.wait_for("online again", |text| row_says(text, "one", "online"));
    let started = home.wait_status("one", "online");
    assert!(started.pid != 0 && started.pid != before.pid, "{started:?}");
    home.assert_unharmed_but(&["one"]);
}

pub(crate) fn the_neighbour_of_what_went_is_not_acted_on() {
    let names = ["first", "seen", "open", "last"];
    let home = Pm2Home::with(Release::Seven, &names.map(apps::idle));
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.select("seen");
    home.cli(&["delete", "seen"]);
    screen.wait_for("the row to go", |text| row(text, "seen").is_none());
    screen.press("r");
    screen.wait_for("that nothing was done", |text| {
        text.contains("nothing was done: seen[1] is gone, and the cursor is on open[2] now")
    });
    home.assert_unharmed_but(&["seen"]);

    screen.press_each(&["k", "j"]);
    screen.wait_for("the choice", |text| row(text, "open").is_some_and(is_selected));
    screen.press("\r");
    screen.wait_for("its details", |text| text.contains("Environment"));
    home.cli(&["delete", "open"]);
    screen.wait_for("them to close", |text| text.contains("closed the details of open[2]"));
    screen.press("s");
    screen.wait_for("that nothing was done", |text| {
        text.contains("nothing was done: open[2] is gone, and the cursor is on last[3] now")
    });
    home.assert_unharmed_but(&["seen", "open"]);
}

pub(crate) fn d_deletes_only_after_y() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("kept"), apps::idle("gone")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.select("gone");
    let plain = |text: &str| !text.contains("y/n") && !text.contains("(y");
    let asks = |text: &str| text.to_lowercase().contains("delete gone");

    screen.press("d");
    screen.wait_for("the question", asks);
    screen.press("n");
    screen.wait_for("the question to go", |text| !asks(text) && plain(text));
    // A key after it is answered: whatever `n` did is done.
    screen.press("k");
    screen
        .wait_for("the selection on the other", |text| row(text, "kept").is_some_and(is_selected));
    home.assert_unharmed_but(&[]);

    screen.select("gone");
    screen.press("d");
    screen.wait_for("the question again", asks);
    // Too early, it does not count.
    wait_until("PM2 has it no more", || {
        screen.press("y");
        std::thread::sleep(std::time::Duration::from_millis(100));
        home.jlist().iter().all(|process| process.name != "gone")
    });
    screen.wait_for("the row to go", |text| {
        row(text, "gone").is_none_or(|line| line.contains("delete"))
            && row(text, "kept").is_some_and(is_selected)
    });
    home.assert_unharmed_but(&["gone"]);
}
