//! What the program does to its terminal, and what a terminal can do to it.

use std::fs;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::apps::{self, LAST_LINE};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::{Proc, connections_to};
use crate::harness::screen::{COCKPIT, Ending, Screen, row_says};
use crate::harness::{PATIENCE, poll_for, wait_until};

/// The terminal is as it was: modes, screen and cursor.
fn assert_given_back(ending: &Ending, how: &str) {
    let (before, after) = &ending.modes;
    assert_eq!(before, after, "{how}: the terminal's modes");
    let last = |bytes: &[u8]| ending.tail.windows(bytes.len()).rposition(|window| window == bytes);
    for (undone, done, what) in [
        ("\x1b[?1049l", "\x1b[?1049h", "the alternate screen"),
        ("\x1b[?25h", "\x1b[?25l", "the cursor"),
        ("\x1b[?1002l", "\x1b[?1002h", "the mouse"),
    ] {
        assert!(
            last(undone.as_bytes()) > last(done.as_bytes()),
            "{how}: {what} was not undone last: {:?}",
            String::from_utf8_lossy(&ending.tail)
        );
    }
}

pub(crate) fn quit_and_signals_give_the_terminal_back() {
    let home = Pm2Home::with(Release::Seven, &[apps::ticker("tick")]);
    home.mark();
    let ways: [(&str, Option<Signal>, i32); 5] = [
        ("q", None, 0),
        ("\x03", None, 0),
        ("SIGTERM", Some(Signal::TERM), 128 + 15),
        ("SIGINT", Some(Signal::INT), 128 + 2),
        ("SIGHUP", Some(Signal::HUP), 128 + 1),
    ];
    for (name, signal, code) in ways {
        let mut screen = home.cockpit((100, 30));
        screen.wait_for("a live row", |text| {
            text.contains("● live") && row_says(text, "tick", "online")
        });
        match signal {
            Some(signal) => screen.signal(signal),
            None => screen.press(name),
        }
        let ending = screen.wait_exit();
        assert_eq!(ending.code, code, "exit code after {name:?}");
        assert_given_back(&ending, name);
        wait_until("the bus is let go", || connections_to(&home.bus()).is_empty());
    }
    home.assert_unharmed_but(&[]);
}

pub(crate) fn a_panic_gives_the_terminal_back_and_reports() {
    let asked = [("PM2_TUI_TEST_PANIC".to_owned(), "1".to_owned())];
    let screen = Screen::program((100, 30), COCKPIT, &["demo"], &asked);
    let ending = screen.wait_exit();
    assert_eq!(ending.code, 101);
    assert_given_back(&ending, "a panic");
    let tail = String::from_utf8_lossy(&ending.tail);
    let (_, after) = tail.rsplit_once("\x1b[?1049l").unwrap();
    assert!(after.contains("PM2_TUI_TEST_PANIC is set"), "the report comes after: {after:?}");
}

pub(crate) fn a_panic_ends_it_though_the_terminal_does_not_read() {
    let asked = [("PM2_TUI_TEST_PANIC".to_owned(), "SIGUSR2".to_owned())];
    let mut screen = Screen::program((100, 30), COCKPIT, &["demo"], &asked);
    screen.wait_for("a live row", |text| text.contains("● live") && text.contains("worker"));
    let process = screen.process();
    screen.block();
    screen.signal(Signal::USR2);
    wait_until("it ended", || matches!(process.state(), None | Some('Z')));
    // What still came out is of no account; the modes are the terminal's own again.
    screen.resume_reading();
    let ending = screen.wait_exit();
    assert_eq!(ending.code, 101);
    assert_eq!(ending.modes.0, ending.modes.1, "the terminal's modes");
}

pub(crate) fn hang_up_ends_it_within_a_second() {
    let home = Pm2Home::with(Release::Seven, &[apps::ticker("tick")]);
    home.mark();
    let mut screen = home.cockpit((100, 30));
    screen
        .wait_for("a live row", |text| text.contains("● live") && row_says(text, "tick", "online"));
    let process = screen.process();
    let cpu_before = process.cpu_seconds();
    let hung_up = screen.hang_up();
    assert!(
        hung_up.ends_within(Duration::from_secs(1)),
        "it ran on without a terminal, state {:?}, {:.2} s of CPU since",
        process.state(),
        process.cpu_seconds() - cpu_before
    );
    wait_until("the bus is let go", || connections_to(&home.bus()).is_empty());
    home.assert_unharmed_but(&[]);
}

pub(crate) fn ctrl_z_closes_the_bus_first() {
    let home = Pm2Home::with(Release::Seven, &[apps::ticker("tick")]);
    home.mark();
    // Only a shell with job control can stop and continue: a process whose parent is in no other
    // group of its session ignores SIGTSTP.
    let prompt = [("PS1".to_owned(), "ready> ".to_owned())];
    let mut screen = Screen::program((100, 30), "/bin/sh", &["-i"], &prompt);
    screen.wait_for("the prompt", |text| text.contains("ready>"));
    let modes = screen.modes();
    let path = home.path().to_str().unwrap();
    screen.press(&format!("{COCKPIT} --home {path} --interval 0.5\r"));
    screen
        .wait_for("a live row", |text| text.contains("● live") && row_says(text, "tick", "online"));
    screen.wait_for("the log", |text| text.contains("tick tick"));
    assert_ne!(screen.modes(), modes, "the program has raw mode");
    let shell = screen.process();
    let process = *shell.descendants().first().unwrap();
    assert_eq!(connections_to(&home.bus()).len(), 1, "it reads the bus");

    screen.press("\x1a");
    wait_until("it is stopped", || process.state() == Some('T'));
    wait_until("the bus is let go", || connections_to(&home.bus()).is_empty());
    let text = screen.wait_for("the shell's prompt on its own screen", |text| {
        text.trim_end().ends_with("ready>") && !text.contains("● live")
    });
    assert_eq!(screen.modes(), modes, "{text}");
    // God does not queue for it: nothing of it is connected while time passes.
    assert_eq!(process.state(), Some('T'));

    let restarts_before = home.one("tick").restarts;
    home.cli(&["restart", "tick"]);
    screen.press("fg\r");
    screen.wait_for("a live screen with what happened meanwhile", |text| {
        let count = (restarts_before + 1).to_string();
        text.contains("● live")
            && row_says(text, "tick", "online")
            && row_says(text, "tick", &format!(" {count} "))
    });
    wait_until("it reads the bus again", || connections_to(&home.bus()).len() == 1);
    screen.wait_for("new log lines", |text| text.contains("tick tick"));
    screen.press("q");
    screen.wait_for("the shell again", |text| {
        text.trim_end().ends_with("ready>") && !text.contains("● live")
    });
    screen.press("echo code $?\r");
    screen.wait_for("exit code 0", |text| text.lines().any(|line| line == "code 0"));
    home.assert_unharmed_but(&["tick"]);
}

/// How many lines the burst has: a subscriber that does not read costs God some 50 MB then.
const BURST_LINES: u64 = 250_000;
/// What keeps the burst to about 100,000 lines a second, so that an unoptimised build on a busy
/// machine can read as fast as God sends. The bench has the burst at full speed.
const BURST_PAUSE_MS: u64 = 15;

pub(crate) fn a_blocked_terminal_harms_neither_god_nor_screen() {
    let draining = {
        let home =
            Pm2Home::with(Release::Seven, &[apps::flood("flood", BURST_LINES, BURST_PAUSE_MS)]);
        let mut bus = UnixStream::connect(home.bus()).unwrap();
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 256 * 1024];
            while bus.read(&mut buffer).is_ok_and(|count| count > 0) {}
        });
        let peak = burst(&home);
        drop(home);
        reader.join().unwrap();
        peak
    };

    let home = Pm2Home::with(Release::Seven, &[apps::flood("flood", BURST_LINES, BURST_PAUSE_MS)]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.wait_for("a live row", |text| {
        text.contains("● live") && row_says(text, "flood", "online")
    });
    screen.block();
    let blocked = burst(&home);
    let limit = draining * 115 / 100 + 8 * 1024 * 1024;
    assert!(
        blocked <= limit,
        "God's peak: {blocked} bytes with a blocked terminal, {draining} with a draining reader"
    );
    assert_eq!(connections_to(&home.bus()).len(), 1, "the bus is still read");

    screen.resume_reading();
    screen.wait_for("the end of the burst, on a whole screen", |text| {
        text.contains(LAST_LINE) && row_says(text, "flood", "online")
    });
    screen.press("q");
    assert_eq!(screen.wait_exit().code, 0);
    home.assert_unharmed_but(&[]);
}

/// Has the home's flood app write its burst; God's peak resident memory until a second after its
/// end, bytes.
fn burst(home: &Pm2Home) -> u64 {
    let god: Proc = home.living_god();
    god.reset_peak();
    fs::write(home.apps().join("go"), "").unwrap();
    let done = home.apps().join("done");
    let ended = poll_for(3 * PATIENCE, || done.exists().then_some(()));
    assert!(ended.is_some(), "the burst took longer than a minute");
    // The answer comes after all that God had read before the question.
    home.jlist();
    assert!(god.is_alive(), "God survives the burst");
    god.memory_bytes("VmHWM")
}
