//! Daemons that go, come back, and are several.

use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{Screen, row, row_says};
use crate::harness::wait_until;

pub(crate) fn kill_and_a_new_daemon_show_by_themselves() {
    let home = Pm2Home::with(Release::Seven, &[apps::ticker("first")]);
    let mut screen = home.cockpit((120, 40));
    screen.wait_for("a live row", |text| {
        text.contains("● live") && row_says(text, "first", "online")
    });
    let god = home.living_god();
    home.cli(&["kill"]);
    assert!(home.god().is_none(), "pm2 kill ends the daemon");
    screen.wait_for("disconnected", |text| {
        text.contains("✗ disconnected") && !text.contains("● live")
    });
    // Looking never starts a daemon.
    assert!(!home.path().join("rpc.sock").exists());
    assert!(home.god().is_none());

    home.start(&[apps::ticker("second"), apps::idle("third")]);
    assert_ne!(home.living_god(), god);
    home.mark();
    let text = screen.wait_for("the new daemon's rows, without a key", |text| {
        text.contains("● live")
            && row_says(text, "second", "online")
            && row_says(text, "third", "online")
    });
    assert!(row(&text, "first").is_none(), "{text}");
    screen.wait_for("the new daemon's log", |text| text.contains("second tick"));
    home.assert_unharmed_but(&[]);
}

pub(crate) fn two_releases_in_one_table() {
    let seven = Pm2Home::with(Release::Seven, &[apps::idle("seven-app")]);
    let five = Pm2Home::with(Release::Five, &[apps::idle("five-app")]);
    seven.mark();
    five.mark();
    let homes = [&seven, &five].map(|home| home.path().to_str().unwrap());
    let mut screen = Screen::cockpit((120, 40), &homes);
    screen.wait_for("both daemons' rows", |text| {
        row_says(text, "seven-app", "online") && row_says(text, "five-app", "online")
    });

    // Both have pm_id 0: only the daemon tells them apart.
    for (name, home, other) in [("five-app", &five, &seven), ("seven-app", &seven, &five)] {
        let before = home.one(name);
        screen.select(name);
        screen.press("r");
        wait_until("the restart in the right daemon", || {
            let after = home.one(name);
            after.restarts == before.restarts + 1 && after.pid != before.pid
        });
        home.assert_unharmed_but(&[name]);
        home.wait_status(name, "online");
        home.mark();
        other.assert_unharmed_but(&[]);
    }

    five.cli(&["kill"]);
    screen.wait_for("one down, one live", |text| {
        text.contains('✗') && row_says(text, "seven-app", "online")
    });
    let before = seven.one("seven-app");
    screen.select("seven-app");
    screen.press("s");
    screen.wait_for("the other still obeys", |text| row_says(text, "seven-app", "stopped"));
    assert_ne!(before.pid, seven.one("seven-app").pid);
    seven.assert_unharmed_but(&["seven-app"]);
}
