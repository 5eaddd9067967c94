//! What was missed of lives, by how files grew while the bus was away.

use std::path::Path;

use std::io::Write as _;

use super::super::events::{Begins, Console, Event, Wanted};
use super::super::happening::tests::context;
use super::super::mending::tests::{asked, pass, printed_as, processes};
use super::super::said::Key;
use super::*;
use crate::cli::Logs;

fn append(path: &Path, text: &str) {
    let file = std::fs::File::options().append(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// What the daemon's log told of a process.
fn told(at_ms: i64, word: &'static str) -> Event {
    let mut event = Event::for_test(3, word);
    (event.line.at_ms, event.line.is_estimated) = (at_ms, true);
    event.line.bytes = word.as_bytes().to_vec().into();
    event
}

/// The texts of what is printed.
fn texts(
    home: &Path,
    becomes: impl FnOnce(&mut Following<'_, '_, &mut Vec<u8>>),
) -> Vec<(String, i64)> {
    let (infos, context) = (processes(home), context(home));
    let asked = Logs { json: true, ..asked() };
    let lines = printed_as(&asked, (&infos, &context), |all| {
        let wanted = Wanted::of((&infos, &infos), false, &context);
        std::fs::write(home.join("pm2.log"), "begun\n").unwrap();
        all.events = Some(Console::open(home, Begins::of(home), wanted).live());
        becomes(all);
    });
    let part = |line: &String| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (line["text"].as_str().unwrap().to_owned(), line["at"].as_i64().unwrap())
    };
    lines.iter().map(part).collect()
}

/// Lives that began or ended while the bus was away: what each said stands between its start and its end, whether its
/// lines say their time or not. The log of the daemon is read before the files are.
#[test]
fn what_each_life_said_that_was_missed_stands_within_it() {
    for stamp in ["", "1970-01-01T00:00:00.001Z "] {
        let home = tempfile::tempdir().unwrap();
        let (home, now_ms) = (home.path(), clock::now_ms());
        let lines = texts(home, |all| {
            all.sources.iter_mut().for_each(|it| it.measured_ms = Some(now_ms - 20_000));
            all.goes_away().unwrap();
            (all.away_ms, all.growing) = (Some(now_ms - 10_000), Growing::default());
            all.growing.begin();
            let mut says = |text: &str, ago_ms: i64| {
                let at = jiff::Timestamp::from_millisecond(now_ms - ago_ms - 5).unwrap();
                let stamp = if stamp.is_empty() { String::new() } else { format!("{at:.3} ") };
                if !text.is_empty() {
                    append(&home.join("api"), &format!("{stamp}{text}\n"));
                }
                if let Some((_, last)) = &mut all.growing.since {
                    *last = None;
                }
                all.measure_at(now_ms - ago_ms);
            };
            // Sizes are looked at when something happens, too.
            let all_said = [
                ("old", 9_975),
                ("", 9_000),
                ("", 8_000),
                ("whole", 6_000),
                ("", 5_000),
                ("", 4_000),
                ("next", 500),
            ];
            for (text, ago_ms) in all_said {
                says(text, ago_ms);
            }
            all.missed().unwrap();
            let happens = [(9_000, "exit"), (8_000, "online"), (5_000, "exit"), (4_000, "online")];
            all.tell(happens.map(|(ago_ms, word)| told(now_ms - ago_ms, word)).to_vec()).unwrap();
            pass(all, 1_000);
        });
        let words: Vec<_> =
            lines.iter().filter_map(|(text, _)| text.split_whitespace().last()).collect();
        let wanted = ["old", "exit", "online", "whole", "exit", "online", "next"];
        assert_eq!(words, wanted, "{stamp}: {lines:?}");
    }
}

/// Last words are told soon, though the daemon does not come back; once its log says more they wait for that.
#[test]
fn what_old_lives_still_say_is_told_while_the_bus_is_away() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let lines = texts(home, |all| {
        all.goes_away().unwrap();
        append(&home.join("api"), "last word\n");
        all.measure();
        pass(all, 900);
        // It is printed: nothing is gathered any more.
        let tail = all.channels.get(&Key::own(0)).map(|channel| channel.tail.at());
        assert_eq!((all.gathering.is_on(), tail), (false, Some(Some(14))));
        append(&home.join("pm2.log"), "2026-11-28T03:12:00: PM2 log: App [api:3] online\n");
        all.measure();
        append(&home.join("api"), "of the next\n");
        pass(all, 5_000);
        assert!(all.growing.is_waited_for());
        all.missed().unwrap();
        assert!(!all.growing.is_waited_for());
        pass(all, 1_000);
    });
    let words: Vec<_> = lines.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(words, ["last word", "of the next"]);
}

#[test]
fn moments_between_two_end_with_the_later_one() {
    assert_eq!(spread(100, 200, 4).collect::<Vec<_>>(), [125, 150, 175, 200]);
    assert_eq!(spread(100, 100, 2).collect::<Vec<_>>(), [100, 100]);
}
