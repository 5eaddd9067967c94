//! What was written before the daemon knew that somebody listens.

use std::io::Write as _;
use std::path::Path;

use super::super::happening::tests::context;
use super::super::mending::tests::{asked, pass, printed_as, processes};
use super::super::said::Said;
use super::*;
use crate::cli::Logs;
use crate::protocol::bus::LogStream;

fn append(home: &Path, name: &str, text: &str) {
    let file = std::fs::File::options().append(true).open(home.join(name));
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// A process says something, some milliseconds after the start: in its file and on the bus.
fn say(all: &mut Following<'_, '_, &mut Vec<u8>>, home: &Path, (id, name, ms): (u32, &str, i64)) {
    let text = format!("{name} {ms}\n");
    append(home, name, &text);
    let (at_ms, stream) = (all.started_ms + ms, LogStream::Out);
    all.take_of(&Said { id, name: name.into(), stream, at_ms, text }).unwrap();
}

/// What is printed: its text, its moment since the start, and whether that is an estimate.
fn told(
    home: &Path,
    becomes: impl FnOnce(&mut Following<'_, '_, &mut Vec<u8>>),
) -> Vec<(String, i64, bool)> {
    let (infos, context) = (processes(home), context(home));
    let asked = Logs { json: true, ..asked() };
    let mut started_ms = 0;
    let lines = printed_as(&asked, (&infos, &context), |all| {
        started_ms = all.started_ms;
        becomes(all);
    });
    let part = |line: &String| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let at_ms = line["at"].as_i64().unwrap() - started_ms;
        (line["text"].as_str().unwrap().to_owned(), at_ms, line["is_estimated"].as_bool().unwrap())
    };
    lines.iter().map(part).collect()
}

/// Its output says nothing more: half a second later it is told, with a time that is marked, before what others said.
#[test]
fn what_came_on_no_bus_is_told_soon_and_marked() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let lines = told(home, |all| {
        append(home, "api", "unheard\n");
        say(all, home, (4, "web", 1_000));
        pass(all, 600);
    });
    let [(first, at_ms, true), (second, 1_000, false)] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!([first.as_str(), second], ["unheard", "web 1000"]);
    assert!((-1..=1_000).contains(at_ms), "{at_ms}");
}

/// It is told once, and each line of the bus with the time that the bus tells, whenever the output goes on.
#[test]
fn the_bus_goes_on_behind_what_came_on_none() {
    for ms in [0_i64, 100, 300, 450, 600, 2_500] {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let lines = told(home, |all| {
            append(home, "api", "unheard\n");
            pass(all, ms.unsigned_abs());
            say(all, home, (3, "api", 5_000 + ms));
            say(all, home, (3, "api", 6_000 + ms));
            pass(all, 1_000);
        });
        let words: Vec<_> = lines.iter().map(|(text, _, is)| (text.clone(), *is)).collect();
        let of_bus = [5_000, 6_000].map(|at_ms| (format!("api {}", at_ms + ms), false));
        assert_eq!(words[0], ("unheard".to_owned(), true), "{ms}: {lines:?}");
        assert_eq!(words[1..], of_bus, "{ms}: {lines:?}");
        assert_eq!([lines[1].1, lines[2].1], [5_000 + ms, 6_000 + ms], "{ms}: {lines:?}");
    }
}

/// Where nothing is missing, nothing waits for long.
#[test]
fn a_quiet_start_is_over_soon() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let lines = told(home, |all| {
        say(all, home, (4, "web", 10));
        pass(all, 300);
    });
    assert_eq!(lines, [("web 10".to_owned(), 10, false)]);
}
