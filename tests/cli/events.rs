//! `events`, on the simulated daemon's bus.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use pm2_tui::demo::{Script, World, epoch_ms};

use super::program::{Simulated, program};
use crate::harness::{now, wait_until};

/// A daemon whose processes say something every few seconds, and throw.
fn lively() -> Simulated {
    Simulated::with(World::lively(epoch_ms()), Script::default())
}

pub(crate) fn count_and_time_end_it() {
    let daemon = lively();
    let ended = daemon.run(&["events", "log:*", "--json", "--count", "3"]).with(0);
    let lines: Vec<serde_json::Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{ended:?}");
    for line in &lines {
        assert!(line["topic"].as_str().unwrap().starts_with("log:"), "{line}");
        assert!(line["at"].is_i64() && line["data"]["data"].is_string(), "{line}");
        assert_eq!(line["daemon"].as_str().unwrap(), daemon.home().to_str().unwrap());
        assert_eq!(line.as_object().unwrap().len(), 4, "{line}");
    }
    let chunks = daemon.run(&["events", "log:out", "--json", "--chunks", "--count", "1"]).with(0);
    assert!(chunks.json()["data"]["data"].as_str().unwrap().ends_with('\n'), "{chunks:?}");
    let human = daemon.run(&["events", "log:out", "--count", "2"]).with(0);
    for line in human.out.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[0].len(), "12:03:01.123".len(), "{line}");
        assert!(words[1].contains('[') && words[2].starts_with("log:"), "{line}");
    }
    let started = now();
    daemon.run(&["events", "no:such", "--for", "300ms"]).with(0);
    assert!(started.elapsed().as_millis() >= 300);
    let few = daemon.run(&["events", "no:such", "--for", "200ms", "--count", "1"]).with(4);
    assert!(few.err.contains("0 of 1"), "{few:?}");
}

pub(crate) fn a_closed_pipe_ends_it_quietly() {
    let daemon = lively();
    for arguments in [&["events"][..], &["events", "--json"], &["events", "no:such"]] {
        let mut child = program(daemon.home(), arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        if arguments.last() == Some(&"no:such") {
            wait_until("it listens", || daemon.script().counters().bus_connections() > 0);
        } else {
            let mut line = String::new();
            assert!(out.read_line(&mut line).unwrap() > 0);
        }
        drop(out);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let daemon = Simulated::quiet(0);
    let mut listing = program(daemon.home(), &["ls"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    listing.stdout(writer);
    let output = listing.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

pub(crate) fn exec_runs_a_command_for_each() {
    let daemon = lively();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("note.sh");
    // The shell is one that the user names.
    std::fs::write(&script, "echo \"$PM2_TUI_TOPIC $PM2_TUI_PROCESS $PM2_TUI_PM_ID\"; cat\n")
        .unwrap();
    let command = format!("sh '{}'", script.display());
    let ended = daemon.run(&["events", "log:out", "--count", "2", "--exec", &command]).with(0);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines.len(), 4, "{ended:?}");
    let (json, names): (Vec<&str>, Vec<&str>) =
        lines.iter().partition(|line| line.starts_with('{'));
    for line in json {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let process = &event["data"]["process"];
        let wanted = format!("log:out {} {}", process["name"].as_str().unwrap(), process["pm_id"]);
        assert!(names.contains(&wanted.as_str()), "{wanted}: {names:?}");
    }
    let missing = ["events", "log:out", "--count", "1", "--exec", "/nonexistent/mail -s x"];
    assert!(daemon.run(&missing).with(2).err.contains("/nonexistent/mail"));
    let failing = daemon.run(&["events", "log:out", "--count", "1", "--exec", "false"]).with(1);
    assert!(failing.err.contains("false ended with"), "{failing:?}");
    assert!(failing.err.contains("1 command failed"), "{failing:?}");
    // No shell: what would be a redirection is an argument.
    let words = "echo one > two '$HOME'";
    let plain = daemon.run(&["events", "log:out", "--count", "1", "--exec", words]).with(0);
    assert_eq!(plain.out, "one > two $HOME\n");
}

pub(crate) fn times_are_local_by_tz() {
    let daemon = lively();
    let mut command = program(daemon.home(), &["events", "log:out", "--count", "1"]);
    command.env("TZ", "Asia/Tokyo");
    let line = super::program::ended(command).with(0).out;
    let clock: Vec<i64> = line.split(':').take(2).map(|part| part.parse().unwrap()).collect();
    let said = clock[0] * 60 + clock[1];
    let in_tokyo = epoch_ms() / 60_000 + 9 * 60;
    // A minute may have begun meanwhile.
    assert!((in_tokyo - said).rem_euclid(24 * 60) <= 1, "{line}");
}
