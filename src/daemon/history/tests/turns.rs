//! Ends and starts of one second, between the lines of that second.

use jiff::tz::TimeZone;

use super::super::events::{Known, Teller};
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

const LOG: &str = "\
2026-11-28T03:12:00: PM2 log: App [api:3] online
2026-11-28T03:12:04: PM2 log: App [api:3] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:04: PM2 log: App [api:3] online
2026-11-28T03:12:09: PM2 log: App [api:3] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:09: PM2 log: App [api:3] online
2026-11-28T03:12:19: PM2 log: App [api:3] online
";

/// Lines with their seconds: `4.250 INFO bye`.
fn text(lines: &[&str]) -> String {
    let line = |line: &&str| {
        let (second, said) = line.split_once(' ').unwrap();
        let second: f64 = second.parse().unwrap();
        format!("2026-11-28T03:12:{second:06.3}Z {said}\n")
    };
    lines.iter().map(line).collect()
}

/// Events and lines in the order in which they are shown, those of a second: by their last words.
fn shown(out: &[&str], err: &[&str], second: i64) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("out"), text(out)).unwrap();
    std::fs::write(path("err"), text(err)).unwrap();
    let mut info = ProcessInfo::new(PmId(3), "api", ProcessStatus::Online);
    info.logs.out = path("out").to_str().map(Into::into);
    info.logs.err = path("err").to_str().map(Into::into);
    let known = Known::of(std::slice::from_ref(&info), std::slice::from_ref(&info));
    let from_ms = "2026-11-28T03:12:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let events = Teller::of(known, Vec::new()).read_all(LOG, &TimeZone::UTC);
    let events = events.iter().map(|(at_ms, _, told)| (at_ms - from_ms, 0, told.word.to_owned()));
    let lines = out.iter().chain(err).map(|line| {
        let (second, said) = line.split_once(' ').unwrap();
        let at_ms = (second.parse::<f64>().unwrap() * 1e3).round() as i64;
        (at_ms, 1, said.rsplit(' ').next().unwrap().to_owned())
    });
    // Of one time what happened stands before the lines.
    let mut all: Vec<(i64, i32, String)> = events.chain(lines).collect();
    all.sort_by_key(|(at_ms, is_line, _)| (*at_ms, *is_line));
    let of_second = all.into_iter().filter(|(at_ms, ..)| at_ms / 1_000 == second);
    of_second.map(|(.., word)| word).collect()
}

/// What is told, by which lines of the two outputs, and how all is shown then.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a [&'a str]);

#[test]
fn an_end_and_a_start_of_one_second_stand_between_the_lives() {
    let table: &[Case<'_>] = &[
        (
            "what the log begins with",
            &["0.300 INFO up", "4.020 INFO a", "4.700 INFO b", "4.900 INFO up", "4.950 INFO c"],
            &[],
            &["a", "b", "exit", "online", "up", "c"],
        ),
        (
            "the first words come a second later",
            &["0.300 INFO up", "4.020 INFO a", "4.700 INFO b", "5.100 INFO up"],
            &[],
            &["a", "b", "exit", "online"],
        ),
        (
            "the longest pause",
            &["0.1 INFO x 1", "4.1 INFO a", "4.2 INFO b", "4.6 INFO c", "4.8 INFO d"],
            &[],
            &["a", "b", "exit", "online", "c", "d"],
        ),
        (
            "all of the next life",
            &["0.1 INFO x 1", "4.5 INFO a", "4.7 INFO b", "4.9 INFO c"],
            &[],
            &["exit", "online", "a", "b", "c"],
        ),
        (
            "nothing of the next life",
            &["0.1 INFO x 1", "4.1 INFO a", "4.2 INFO b"],
            &[],
            &["a", "b", "exit", "online"],
        ),
        (
            "an error is a last word",
            &["0.1 INFO x 1", "4.65 INFO a"],
            &["4.7 ERROR boom"],
            &["a", "boom", "exit", "online"],
        ),
        (
            "what is first on standard error begins nothing",
            &["0.1 INFO up", "4.1 INFO a", "4.5 INFO up"],
            &["4.2 ERROR boom"],
            &["a", "boom", "exit", "online", "up"],
        ),
        (
            "what is said again and again begins nothing",
            &[
                "0.1 INFO tick 1",
                "1.1 INFO tick 2",
                "2.1 INFO tick 3",
                "3.1 INFO tick 4",
                "4.1 INFO tick 5",
                "4.7 INFO tick 1",
                "5.7 INFO tick 2",
                "6.7 INFO tick 3",
            ],
            &[],
            &["5", "exit", "online", "1"],
        ),
        (
            "whole seconds tell nothing",
            &["0.000 INFO up", "4.000 INFO a", "4.000 INFO up"],
            &[],
            &["a", "up", "exit", "online"],
        ),
        ("no line", &["0.1 INFO up"], &[], &["exit", "online"]),
    ];
    for (name, out, err, wanted) in table {
        assert_eq!(shown(out, err, 4), *wanted, "{name}");
    }
}

/// Each second by itself, and of a start alone nothing changes.
#[test]
fn each_second_is_told_by_its_own_lines() {
    let out = ["0.3 INFO up", "4.2 INFO up", "9.1 INFO a", "9.6 INFO up", "19.4 INFO up"];
    assert_eq!(shown(&out, &[], 4), ["exit", "online", "up"]);
    assert_eq!(shown(&out, &[], 9), ["a", "exit", "online", "up"]);
    assert_eq!(shown(&out, &[], 19), ["online", "up"]);
}
