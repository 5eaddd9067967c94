//! What changes something, on the simulated daemon.

use pm2_tui::demo::{Fault, Script, When, World, epoch_ms};
use serde_json::{Value, json};

use super::program::{Ended, Simulated};
use crate::harness::screen::Screen;

fn status(daemon: &Simulated) -> Vec<String> {
    let list = daemon.run(&["ls", "--json"]).with(0).json();
    let list = list.as_array().unwrap().iter();
    list.map(|process| process["status"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn a_line_for_each_process() {
    let daemon = Simulated::quiet(3);
    let ended = daemon.run(&["stop", "app-2", "0"]).with(0);
    assert_eq!(
        (ended.out.as_str(), ended.err.as_str()),
        ("stopped app-2[2]\nstopped app-0[0]\n", "")
    );
    assert_eq!(status(&daemon), ["stopped", "online", "stopped"]);
    let ended = daemon.run(&["restart", "all"]).with(0);
    let mut lines: Vec<&str> = ended.out.lines().collect();
    lines.sort_unstable();
    // PM2 starts what does not run.
    for (line, begins) in lines.iter().zip([
        "restarted app-1[1], up 1.",
        "started app-0[0] (it was stopped), up 1.",
        "started app-2[2] (it was stopped), up 1.",
    ]) {
        assert!(line.starts_with(begins), "{line}");
    }
    assert_eq!(lines.len(), 3);
    daemon.run(&["wait", "all", "--status", "online"]).with(0);
    let unwatched = daemon.run(&["restart", "app-1", "--settle", "0"]).with(0);
    assert_eq!(unwatched.out, "restarted app-1[1]\n", "the daemon's word alone");
    assert_eq!(daemon.run(&["delete", "default"]).with(0).out.lines().count(), 3);
    assert_eq!(status(&daemon), [] as [&str; 0]);
    assert!(daemon.run(&["restart", "all"]).with(0).out.contains("nothing to restart"));
    assert!(!daemon.script().counters().had_bad_call);
}

pub(crate) fn each_outcome_is_json_where_that_is_asked_for() {
    let refuse = Fault::Refuse("it is busy".to_owned());
    let script = Script::default().with("restartProcessId", When::Nth(1), refuse);
    let daemon = Simulated::with(World::quiet(2, epoch_ms()), script);
    let lines = |ended: &Ended| -> Vec<Value> {
        let lines = ended.out.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut lines: Vec<Value> = lines.collect();
        lines.sort_by_key(|line| line["pm_id"].as_u64());
        lines
    };
    let line = |asked: &str, is_ok: bool, outcome: &str, words: &str| {
        json!({
            "asked": asked, "name": "app-0", "pm_id": 0, "ok": is_ok, "outcome": outcome,
            "words": words,
        })
    };
    let refused = daemon.run(&["restart", "0", "--json"]).with(1);
    assert_eq!(refused.err, "");
    assert_eq!(lines(&refused), [line("restart", false, "refused", "refused: it is busy")]);
    let stop = daemon.run(&["stop", "0", "--json"]).with(0);
    assert_eq!(lines(&stop), [line("stop", true, "done", "stopped")]);
    let again = daemon.run(&["stop", "0", "--json"]).with(0);
    assert_eq!(lines(&again), [line("stop", true, "already", "stopped already")]);
    assert_eq!(daemon.run(&["stop", "0"]).with(0).out, "app-0[0] is stopped already\n");
    let start = lines(&daemon.run(&["start", "all", "--json"]).with(0));
    let told = |at: usize, key: &str| start[at][key].as_str().unwrap().to_owned();
    assert_eq!([told(0, "outcome"), told(1, "outcome")], ["up", "already"]);
    assert!(told(0, "words").starts_with("up 1.") && told(1, "words") == "online already");
    let delete = daemon.run(&["delete", "default", "--json"]).with(0);
    assert_eq!(lines(&delete).len(), 2);
    let none = daemon.run(&["stop", "all", "--yes", "--json"]).with(0);
    assert_eq!(none.out, "", "there is no process");
    assert!(!daemon.script().counters().had_bad_call);
}

pub(crate) fn one_that_fails_makes_it_1() {
    let refuse = Fault::Refuse("it is busy".to_owned());
    let script = Script::default().with("restartProcessId", When::Nth(2), refuse);
    let daemon = Simulated::with(World::quiet(3, epoch_ms()), script);
    let ended = daemon.run(&["restart", "0", "1", "2"]).with(1);
    assert_eq!(ended.out.lines().count(), 2, "the others are restarted: {ended:?}");
    assert!(ended.err.starts_with("pm2-tui: cannot restart app-"), "{ended:?}");
    assert!(ended.err.contains("refused: it is busy"), "{ended:?}");
    let ended = daemon.run(&["start", "app-0"]).with(0);
    assert_eq!(ended.out, "app-0[0] is online already\n");
}

pub(crate) fn sweeping_needs_a_yes() {
    let daemon = Simulated::quiet(2);
    for arguments in [
        &["stop", "all"][..],
        &["delete", "app-0", "all"],
        &["kill"],
        &["call", "killMe"],
        &["call", "stopAll", "{}"],
        &["call", "deleteAll"],
    ] {
        let ended = daemon.run(arguments).with(2);
        assert!(ended.err.contains("--yes"), "{ended:?}");
    }
    assert_eq!(daemon.called(), [] as [&str; 0]);
    daemon.run(&["stop", "all", "--yes"]).with(0);
    assert_eq!(status(&daemon), ["stopped", "stopped"]);
    daemon.run(&["-y", "delete", "all"]).with(0);
    assert_eq!(status(&daemon), [] as [&str; 0]);
}

/// Runs the program in a terminal, types this at its question, and gives its exit code.
pub(crate) fn answered(daemon: &Simulated, arguments: &[&str], question: &str, typed: &str) -> i32 {
    let home = daemon.home().to_str().unwrap();
    let mut screen = Screen::cockpit((80, 24), &[&["--home", home], arguments].concat());
    // A long path may break anywhere.
    let whole = |text: &str| text.replace('\n', "");
    let text = whole(&screen.wait_for("the question", |text| whole(text).contains("[y/N]")));
    assert!(text.contains(question), "{text}");
    screen.press(typed);
    screen.wait_exit().code
}

pub(crate) fn a_terminal_is_asked_first() {
    let daemon = Simulated::quiet(2);
    let two = |verb: &str| format!("{verb} all 2 processes of ");
    let named = "(app-0[0], app-1[1])?";
    for no in ["n\r", "\r", "nope\r", "\u{4}"] {
        assert_eq!(answered(&daemon, &["stop", "all"], &two("stop"), no), 1, "{no:?}");
    }
    assert_eq!(answered(&daemon, &["delete", "all"], &two("delete"), "n\r"), 1);
    assert_eq!(answered(&daemon, &["kill"], "end the daemon of ", "n\r"), 1);
    assert_eq!(answered(&daemon, &["delete", "all"], named, "n\r"), 1, "whom it is about");
    let called = daemon.called();
    assert!(called.iter().all(|method| method == "getMonitorData"), "{called:?}");

    assert_eq!(answered(&daemon, &["stop", "all"], &two("stop"), "y\r"), 0);
    assert_eq!(status(&daemon), ["stopped", "stopped"]);
    assert_eq!(
        answered(&daemon, &["kill"], "and its 2 processes (app-0[0], app-1[1])?", "YES\r"),
        0
    );
    daemon.run(&["ls"]).with(3);
}

/// A daemon that another one took the place of while the question stood: nothing is sent to that.
pub(crate) fn another_daemon_than_the_one_asked_about_is_sent_nothing() {
    for arguments in [
        &["delete", "all"][..],
        &["stop", "all"],
        &["kill"],
        &["call", "deleteAll"],
        &["signal", "USR2", "app-0"],
        &["scale", "app-0", "+1"],
        &["flush"],
    ] {
        let daemon = Simulated::quiet(2);
        let home = daemon.home().to_str().unwrap();
        let mut screen = Screen::cockpit((200, 24), &[&["--home", home], arguments].concat());
        screen.wait_for("the question", |text| text.contains("[y/N]"));
        let script = daemon.script();
        daemon.block_on(async {
            script.vanish().await.unwrap();
            script.come_back(World::quiet(2, epoch_ms())).await.unwrap();
        });
        screen.press("y\r");
        screen.wait_for("that it is another one", |text| {
            text.contains(
                "another daemon answers than the one that was asked about: nothing was sent",
            )
        });
        assert_eq!(screen.wait_exit().code, 1, "{arguments:?}");
        assert_eq!(status(&daemon), ["online", "online"]);
        let called = daemon.called();
        assert!(called.iter().all(|method| method == "getMonitorData"), "{called:?}");
    }
    // One that is gone is the case of a daemon that is not there.
    let daemon = Simulated::quiet(2);
    let home = daemon.home().to_str().unwrap();
    let mut screen = Screen::cockpit((200, 24), &["--home", home, "delete", "all"]);
    screen.wait_for("the question", |text| text.contains("[y/N]"));
    let script = daemon.script();
    daemon.block_on(script.vanish()).unwrap();
    screen.press("y\r");
    screen.wait_for("that none is there", |text| text.contains("no PM2 daemon is running"));
    assert_eq!(screen.wait_exit().code, 3);
}

/// The same table asks in the palette and in `call`; a script is held up by the worst only.
pub(crate) fn a_call_that_stops_or_starts_something_is_asked_first() {
    let daemon = Simulated::quiet(2);
    for (arguments, question) in [
        (
            &["call", "duplicateProcessId", "0"][..],
            "call duplicateProcessId [0] (app-0[0]) on the daemon of ",
        ),
        (&["call", "stopProcessId", "1"], "call stopProcessId [1] (app-1[1]) on"),
        (&["call", "reload"], "call reload [{}] (app-0[0], app-1[1]) on"),
        (&["call", "deleteAll"], "call deleteAll [{}] (app-0[0], app-1[1]) on"),
    ] {
        assert_eq!(answered(&daemon, arguments, question, "n\r"), 1, "{arguments:?}");
    }
    // It is looked who is meant, and no more.
    let called = daemon.called();
    assert!(called.iter().all(|method| method == "getMonitorData"), "{called:?}");
    assert_eq!(answered(&daemon, &["call", "stopProcessId", "1"], "(app-1[1]) on", "y\r"), 0);
    assert_eq!(status(&daemon), ["online", "stopped"]);
    // Nobody can be asked here.
    daemon.run(&["call", "startProcessId", "1"]).with(0);
    daemon.run(&["call", "restartProcessId", "1"]).with(0);
    daemon.run(&["call", "duplicateProcessId", "0"]).with(0);
    assert_eq!(status(&daemon).len(), 3);
    // A restart of one process is not asked about on a terminal either.
    let home = daemon.home().to_str().unwrap();
    let restart = ["--home", home, "call", "restartProcessId", "1"];
    assert_eq!(Screen::cockpit((80, 24), &restart).wait_exit().code, 0);
}

pub(crate) fn kill_ends_the_daemon() {
    let daemon = Simulated::quiet(2);
    let ended = daemon.run(&["kill", "--yes"]).with(0);
    assert!(
        ended.out.contains("killed the daemon of") && ended.out.contains("2 processes"),
        "{ended:?}"
    );
    let called = daemon.called();
    assert_eq!(
        called.iter().filter(|method| *method == "deleteProcessId").count(),
        2,
        "{called:?}"
    );
    assert_eq!(called.last().map(String::as_str), Some("killMe"));
    daemon.run(&["ls"]).with(3);
}
