//! Options, exit codes, and screens that need no PM2.

use std::fs;
use std::process::{Command, Output};

use crate::harness::PATIENCE;
use crate::harness::home::run;
use crate::harness::screen::{COCKPIT, Screen};

/// The program with its output in a pipe.
fn piped(arguments: &[&str]) -> Output {
    let mut command = Command::new(COCKPIT);
    command.args(arguments).env_clear().env("HOME", "/nonexistent").env("TERM", "xterm-256color");
    run(command, PATIENCE).unwrap_or_else(|| panic!("{arguments:?}: no end"))
}

pub(crate) fn an_output_that_is_no_terminal_is_refused() {
    let output = piped(&[]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("terminal"), "{message}");
    assert!(message.contains("pm2-tui ls") && message.contains("pm2-tui events"), "{message}");
    assert!(output.stdout.is_empty(), "nothing is drawn into a pipe");
}

pub(crate) fn bad_options_are_refused_by_name() {
    for (arguments, named) in [
        (["--interval", "0"], "interval"),
        (["--interval", "-1"], "interval"),
        (["--interval", "abc"], "interval"),
        (["--interval", "NaN"], "interval"),
        (["--interval", "1e9"], "interval"),
        (["--nonsense", "x"], "--nonsense"),
    ] {
        let output = piped(&arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(named), "{arguments:?}: {message}");
        if named == "interval" && arguments[1] != "-1" {
            assert!(
                message.contains("0.2") && message.contains("3600"),
                "{arguments:?} names the range: {message}"
            );
        }
    }
}

pub(crate) fn without_a_socket_the_screen_waits_and_names_it() {
    let empty = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    let missing = empty.path().join("no-such-home");
    for home in [empty.path(), &missing] {
        let path = home.to_str().unwrap();
        let mut screen = Screen::cockpit((120, 40), &["--home", path]);
        screen.wait_for("the path that was tried", |text| text.contains(path));
        screen.press("q");
        assert_eq!(screen.wait_exit().code, 0);
        assert!(!missing.exists(), "looking makes no home");
        assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
    }
}

pub(crate) fn demo_needs_no_pm2_and_leaves_nothing() {
    let temp = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    let environment = [("TMPDIR".to_owned(), temp.path().to_str().unwrap().to_owned())];
    let mut screen = Screen::program((120, 40), COCKPIT, &["demo"], &environment);
    screen.wait_for("a demo with rows", |text| {
        let header = text.lines().next().unwrap_or_default();
        header.contains("demo") && text.contains("● online") && text.contains("cluster")
    });
    screen.press("q");
    assert_eq!(screen.wait_exit().code, 0);
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0, "the sockets' folder is gone");
}
