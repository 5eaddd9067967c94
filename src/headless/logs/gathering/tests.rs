//! What is held, in which order it is told, and until when.

use std::io::Write as _;

use super::super::happening::tests::context;
use super::super::live::Following;
use super::super::mending::tests::{asked, pass, printed_as, processes};
use super::super::said::Said;
use super::*;

/// Takes things that happened: of which processes, when, and a word for each; the words as they are told.
fn told(all: &[(&[u32], i64, &'static str)]) -> Vec<&'static str> {
    let mut gathering = Gathering::default();
    for (ids, at_ms, word) in all {
        let ids: Vec<PmId> = ids.iter().copied().map(PmId).collect();
        gathering.take(&ids, *at_ms, Ready::Event(Event::for_test(0, word)));
    }
    let word = |ready| match ready {
        Ready::Event(event) => event.word,
        Ready::Line(..) => unreachable!(),
    };
    gathering.end().map(word).collect()
}

#[test]
fn all_is_told_by_time_and_one_process_in_its_order() {
    let by_time: [(&[u32], i64, _); 5] =
        [(&[1], 10, "a"), (&[1], 30, "c"), (&[2], 20, "b"), (&[2], 30, "d"), (&[], 5, "pm2")];
    assert_eq!(told(&by_time), ["pm2", "a", "b", "c", "d"]);
    // What is of an earlier moment, and came later, of the same process.
    let back: [(&[u32], i64, _); 5] =
        [(&[1], 50, "a"), (&[1], 30, "b"), (&[2], 40, "c"), (&[1], 60, "d"), (&[2], 55, "e")];
    assert_eq!(told(&back), ["c", "a", "b", "e", "d"]);
    // Lines of a file of several stand before all that these say behind them.
    let shared: [(&[u32], i64, _); 5] =
        [(&[1, 2], 50, "file"), (&[3], 45, "c"), (&[2], 20, "b"), (&[1], 50, "a"), (&[3], 60, "d")];
    assert_eq!(told(&shared), ["c", "file", "b", "a", "d"]);
}

/// The daemon's log is read at once, and what the process said meanwhile behind that: time alone tells how they stand to
/// each other. What the bus brings is behind both.
#[test]
fn what_was_read_is_told_by_time_and_what_the_bus_brings_behind_it() {
    let mut gathering = Gathering::default();
    gathering.was_away(Some(100));
    let event = |word, is_read| {
        let mut event = Event::for_test(1, word);
        event.line.is_estimated = is_read;
        Ready::Event(event)
    };
    let all = [
        (30, "exit", true),
        (150, "online", true),
        (20, "old", false),
        (60, "of the next", false),
        (140, "bus", false),
    ];
    for (at_ms, word, is_read) in all {
        gathering.take(&[PmId(1)], at_ms, event(word, is_read));
    }
    let word = |ready| match ready {
        Ready::Event(event) => event.word,
        Ready::Line(..) => unreachable!(),
    };
    let told: Vec<_> = gathering.end().map(word).collect();
    assert_eq!(told, ["old", "exit", "of the next", "online", "bus"]);
}

#[test]
fn it_is_held_no_longer_and_no_more_than_that() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut gathering = Gathering::default();
        gathering.begin();
        tokio::time::advance(Duration::from_millis(2_400)).await;
        assert!(!gathering.is_over());
        gathering.begin();
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(gathering.is_over(), "since it began first");
        assert_eq!(gathering.end().count(), 0);
        assert!(!gathering.is_over());
        gathering.begin();
        tokio::time::advance(Duration::from_millis(2_400)).await;
        gathering.was_away(None);
        tokio::time::advance(Duration::from_millis(2_400)).await;
        assert!(!gathering.is_over(), "nothing waited before");
        let event = || Ready::Event(Event::for_test(1, ""));
        (0..HELD_MAX / ITEM_BYTES).for_each(|_| gathering.take(&[], 0, event()));
        assert!(!gathering.is_over());
        gathering.take(&[], 0, event());
        assert!(gathering.is_over());
    });
}

/// Two processes go on after a loss: what both say is told in the order of time, and once all is known at once.
#[test]
fn what_several_say_after_a_loss_is_told_by_time() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (infos, context) = (processes(home), context(home));
    let mut wanted = Vec::new();
    let lines = printed_as(&asked(), (&infos, &context), |all| {
        let mut say = |all: &mut Following<'_, '_, &mut Vec<u8>>, (id, name): (u32, &str), ms| {
            let text = format!("{name} {ms}\n");
            let file = std::fs::File::options().append(true).open(home.join(name));
            file.unwrap().write_all(text.as_bytes()).unwrap();
            wanted.push(format!("{name} {ms}"));
            let (at_ms, stream) = (all.started_ms + ms, LogStream::Out);
            all.take_of(&Said { id, name: name.into(), stream, at_ms, text }).unwrap();
        };
        let (api, web) = ((3, "api"), (4, "web"));
        say(all, api, 1);
        say(all, web, 2);
        pass(all, 1_000);
        all.lost(1).unwrap();
        for ms in 1_000..1_040 {
            say(all, if ms % 2 == 0 { api } else { web }, ms);
        }
        pass(all, 1_000);
        // It goes straight on.
        for ms in 2_000..2_004 {
            say(all, if ms % 2 == 0 { web } else { api }, ms);
        }
    });
    let said = |line: &String| line.split_once("| ").unwrap().1.trim().to_owned();
    assert_eq!(lines.iter().map(said).collect::<Vec<_>>(), wanted);
}

/// Whole seconds say less than what stands around a line.
#[test]
fn a_line_with_whole_seconds_is_of_a_moment_within_its_second() {
    let mut line = Event::for_test(0, "").line;
    let mut moment = |at_ms, is_estimated, near_ms| {
        (line.at_ms, line.is_estimated) = (at_ms, is_estimated);
        moment_ms(&line, near_ms)
    };
    assert_eq!(moment(5_000, true, 7_300), 7_300);
    assert_eq!(moment(5_123, false, 7_300), 5_123);
    assert_eq!([moment(5_000, false, 5_300), moment(5_000, false, 7_300)], [5_300, 5_999]);
    assert_eq!(moment(5_000, false, 4_000), 5_000);
}
