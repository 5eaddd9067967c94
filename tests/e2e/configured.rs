//! The screen with the user's configuration, and with broken ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{COCKPIT, Screen};
use crate::harness::trials::{Test, simulated, with_pm2};
use crate::harness::{poll_for, wait_until};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        simulated(a_broken_configuration_is_told_and_the_screen_starts),
        with_pm2(keys_act_as_they_are_bound_and_no_longer_as_they_were),
        with_pm2(own_commands_have_the_terminal_and_whole_arguments),
        with_pm2(letters_act_on_nothing_but_in_table_and_details).lasting(),
    ]
}

/// The screen on this home, with this configuration.
pub(crate) fn configured(home: &Pm2Home, text: &str, arguments: &[&str]) -> Screen {
    let path = home.apps().join("config.toml");
    fs::write(&path, text).unwrap();
    let mut environment = home.environment();
    environment.push(("PM2_TUI_CONFIG".to_owned(), path.to_str().unwrap().to_owned()));
    // A pager that ends at once.
    environment.push(("PAGER".to_owned(), "true".to_owned()));
    Screen::program((120, 40), COCKPIT, arguments, &environment)
}

fn keys_act_as_they_are_bound_and_no_longer_as_they_were() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one"), apps::idle("two")]);
    home.mark();
    let text = "[keys]\nrestart = \"ctrl-t\"\nstop = \"F6\"\n[keys.table]\nfilter = \"d\"\n";
    let mut screen = configured(&home, text, &[]);
    // `d` stays what deletes: the later one of two does not get a key.
    screen.wait_for("the clash, by name", |text| {
        text.contains("filter = d: d means delete already") && text.contains("two")
    });
    screen.select("two");
    screen.wait_for("the keys in the footer", |text| {
        text.contains("Ctrl-T restart") && text.contains("F6 stop")
    });
    let before = home.one("two");
    screen.press_each(&["r", "s", "?"]);
    screen.wait_for("the keys in the help", |text| {
        text.contains("Help") && text.contains("Ctrl-T") && text.contains("F6")
    });
    home.assert_unharmed_but(&[]);
    screen.press("\u{1b}");
    screen.wait_for("no help", |text| !text.contains(" Help "));
    screen.press("\u{14}");
    wait_until("a restart", || {
        let after = home.one("two");
        after.restarts == before.restarts + 1 && after.pid != before.pid && after.pid != 0
    });
    home.assert_unharmed_but(&["two"]);
}

fn own_commands_have_the_terminal_and_whole_arguments() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one"), apps::idle("two")]);
    home.mark();
    let told = home.apps().join("told");
    let script = home.apps().join("own");
    let words = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" \"$PM2_HOME\" > {0}.part && mv {0}.part {0}\necho OWN\nexit 3\n",
        told.display()
    );
    fs::write(&script, words).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!(
        "[[command]]\nname = \"own\"\nkey = \"ctrl-o\"\nrun = [{:?}, \"{{name}}\", \"{{pm_id}}\", \"{{pid}}\", \"a  b\"]\n",
        script.to_str().unwrap()
    );
    let mut screen = configured(&home, &text, &[]);
    screen.wait_for("rows", |text| text.contains("● live") && text.contains("one"));
    screen.select("one");
    screen.press("\u{f}");
    screen.wait_for("the question, with its words", |text| {
        text.contains("Are you sure?") && text.contains("own") && text.contains("run ")
    });
    assert!(!told.exists(), "not before the answer");
    std::thread::sleep(std::time::Duration::from_millis(400));
    screen.press("y");
    screen.wait_for("its output, and that it ended", |text| {
        text.contains("OWN") && text.contains("exit status: 3. Enter goes back.")
    });
    let one = home.one("one");
    let wanted = format!("4\none\n{}\n{}\na  b\n{}\n", one.pm_id, one.pid, home.path().display());
    assert_eq!(fs::read_to_string(&told).unwrap(), wanted);
    screen.press("\r");
    screen.wait_for("the screen again", |text| {
        text.contains("● live") && text.contains("own ended: exit status: 3")
    });
    screen.press("q");
    screen.wait_exit();
    fs::remove_file(&told).unwrap();
    let mut screen = configured(&home, &text, &["--read-only"]);
    screen.wait_for("rows", |text| text.contains("● live") && text.contains("one"));
    screen.press("\u{f}");
    screen
        .wait_for("that it is refused", |text| text.contains("own: refused, this is --read-only"));
    assert!(!told.exists());
    home.assert_unharmed_but(&[]);
}

/// Presses Esc until the table is in front and nothing covers it. An Esc that changes nothing is not
/// pressed: nothing would tell when it was read, and the next key must not come together with it.
fn back_to_table(screen: &mut Screen) {
    let is_table = |screen: &mut Screen| {
        let text = screen.text();
        text.contains("━ Processes") && text.contains("r restart") && !text.contains("Tab, then")
    };
    for _ in 0..12 {
        if is_table(screen) {
            // Keys that a busy machine read together were taken for text, and so is what follows within a
            // second.
            if screen.text().contains("ignored") {
                std::thread::sleep(std::time::Duration::from_millis(1_100));
            }
            return;
        }
        let footer = |screen: &mut Screen| screen.text().lines().last().map(str::to_owned);
        let before = footer(screen);
        screen.escape();
        // On a busy machine that takes a while.
        let soon = std::time::Duration::from_secs(3);
        let is_seen = |screen: &mut Screen| is_table(screen) || footer(screen) != before;
        let _ = poll_for(soon, || is_seen(screen).then_some(()));
    }
    panic!("no way back to the table:\n{}", screen.text());
}

/// Acceptance: every letter in every pane but table and details leaves the processes as they were.
fn letters_act_on_nothing_but_in_table_and_details() {
    let home = Pm2Home::with(Release::Seven, &[apps::ticker("one"), apps::sleeper("two")]);
    home.mark();
    let mut screen = configured(&home, "", &[]);
    screen.select("two");
    let panes: [(&str, &str); 4] =
        [("\t", "Tab, then"), ("W", "older, newer"), ("X", "show whole"), ("?", "In the table")];
    for (opens, shows) in panes {
        for letter in ('a'..='z').chain('A'..='Z').filter(|letter| *letter != 'q') {
            back_to_table(&mut screen);
            screen.press(opens);
            screen.wait_for(shows, |text| text.contains(shows));
            screen.press_each(&[&letter.to_string()]);
            // What it does, if anything, is on the screen before the next look at it.
            std::thread::sleep(std::time::Duration::from_millis(50));
            screen.wait_read();
        }
        back_to_table(&mut screen);
        home.assert_unharmed_but(&[]);
    }
    screen.press("q");
    assert_eq!(screen.wait_exit().code, 0);
    home.assert_unharmed_but(&[]);
}

/// The demo with this file as the configuration.
fn demo(config: &Path) -> Screen {
    let environment = [("PM2_TUI_CONFIG".to_owned(), config.to_str().unwrap().to_owned())];
    Screen::program((120, 40), COCKPIT, &["demo"], &environment)
}

fn a_broken_configuration_is_told_and_the_screen_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let cases: [(&[u8], &str); 4] = [
        (b"slow = true\ntheem = \"dark\"\n", "config.toml:2: unknown key `theem`"),
        (b"confirm = \"alw", "config.toml:1: "),
        (
            b"theme = \"dark\"\nred = 1\nread_only = true\n",
            "config.toml:3: unknown key `read_only`",
        ),
        (b"\xff\xfe", "config.toml: it is not UTF-8"),
    ];
    for (text, wanted) in cases {
        fs::write(&path, text).unwrap();
        let mut screen = demo(&path);
        screen.wait_for("rows and what is wrong", |text| {
            text.contains("● live") && text.contains("online") && text.contains(wanted)
        });
        // It stays in the log, whatever is said after it.
        screen.wait_for("it in the log", |text| {
            text.lines().any(|line| line.contains("◆   here: ") && line.contains(wanted))
        });
        screen.press("q");
        assert_eq!(screen.wait_exit().code, 0);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let mut screen = demo(&path);
    screen.wait_for("rows and what is wrong", |text| {
        text.contains("online") && text.contains("config.toml: it is a folder, not a file")
    });
    screen.press("q");
    assert_eq!(screen.wait_exit().code, 0);
}
