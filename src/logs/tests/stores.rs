use super::super::*;
use super::{Memory, key, line};

fn texts(store: &Store) -> Vec<String> {
    let text = |line: LineRef<'_>| match line.body {
        Body::Held(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Body::Filed(place) => format!("{place:?}"),
    };
    store.iter().map(text).collect()
}

#[test]
fn lines_of_all_sources_stand_in_the_order_of_time() {
    let mut store = Store::default();
    let api = store.source(&key(0, "api", Stream::Out)).unwrap();
    let web = store.source(&key(1, "web", Stream::Out)).unwrap();
    for (source, at_ms, text) in
        [(api, 10, "a"), (api, 30, "c"), (web, 20, "b"), (web, 30, "d"), (api, 25, "late")]
    {
        store.append(source, &line(at_ms, text.as_bytes())).unwrap();
    }
    assert_eq!(texts(&store), ["a", "b", "c", "d", "late"]);
    let late = store.iter().last().unwrap();
    assert!(late.is_skewed());
    assert_eq!((late.time.at_ms, late.id.order_ms), (25, 30));
}

#[test]
fn history_stands_before_what_came_and_is_merged_with_the_rest() {
    let mut store = Store::default();
    let api = store.source(&key(0, "api", Stream::Out)).unwrap();
    let web = store.source(&key(1, "web", Stream::Out)).unwrap();
    let id = store.append(api, &line(100, b"live")).unwrap();
    let history = [line(50, b"h1"), line(40, b"h2"), line(200, b"h3")];
    let outcome =
        store.prepend_histories(&[(api, &history), (web, &[line(45, b"w1"), line(150, b"w2")])]);
    assert_eq!(outcome, Prepended { taken: 5, refused: 0 });
    assert_eq!(texts(&store), ["w1", "h1", "h2", "h3", "live", "w2"]);
    assert_eq!(store.line(id).unwrap().body, Body::Held(b"live"));
    store.prepend_history(api, &[line(1, b"h0")]);
    assert_eq!(texts(&store)[0], "h0");
}

/// Of the same time, as where both stand at the end of a second: the files are read after the daemon's log.
#[test]
fn what_happened_stands_before_what_was_said_then() {
    let mut store = Store::default();
    let out = store.source(&key(0, "api", Stream::Out)).unwrap();
    let events = store.source(&key(0, "api", Stream::Events)).unwrap();
    store.prepend_history(events, &[line(999, b"exit"), line(999, b"online")]);
    store.prepend_history(out, &[line(990, b"ends"), line(999, b"starts")]);
    store.prepend_history(events, &[line(999, b"start")]);
    assert_eq!(texts(&store), ["ends", "start", "exit", "online", "starts"]);
}

#[test]
fn history_that_does_not_fit_is_refused_and_pushes_nothing_out() {
    let mut store = Store::new(Bounds { lines: 64, bytes: 1 << 20 });
    let api = store.source(&key(0, "api", Stream::Out)).unwrap();
    for at_ms in 1000..1060 {
        store.append(api, &line(at_ms, b"live")).unwrap();
    }
    let history: Vec<Line<'_>> = (0..10).map(|at_ms| line(at_ms, b"old")).collect();
    assert_eq!(store.prepend_history(api, &history), Prepended { taken: 4, refused: 6 });
    assert_eq!(store.iter().next().unwrap().time.at_ms, 6);
    assert_eq!(store.tally(api).unwrap().gone, 0);
    assert_eq!(store.len(), 64);
}

#[test]
fn the_oldest_fall_out_and_are_counted() {
    let mut store = Store::new(Bounds { lines: 160, bytes: 1 << 20 });
    let api = store.source(&key(0, "api", Stream::Out)).unwrap();
    for at_ms in 0..1000 {
        store.append(api, &line(at_ms, b"1234")).unwrap();
    }
    let tally = *store.tally(api).unwrap();
    assert_eq!(tally.taken, 1000);
    assert_eq!(tally.held(), store.len() as u64);
    assert_eq!(tally.gone_bytes, tally.gone * 4);
    assert!(store.len() <= 160 && store.len() >= 140, "{}", store.len());
    assert_eq!(store.iter().next().unwrap().time.at_ms, 1000 - store.len() as i64);
}

#[test]
fn bytes_are_bounded_and_a_long_line_is_cut_with_its_true_length() {
    let mut store = Store::new(Bounds { lines: 1000, bytes: 64 * 1024 });
    let api = store.source(&key(0, "api", Stream::Out)).unwrap();
    let long = vec![b'x'; 100_000];
    for at_ms in 0..100 {
        let id = store.append(api, &line(at_ms, &long)).unwrap();
        let kept = store.line(id).unwrap();
        assert!(kept.is_cut());
        assert_eq!(kept.len, 100_000);
        assert_eq!(kept.read(&NoFiles, 0, usize::MAX).unwrap().len(), 8 * 1024);
        assert!(store.bytes() <= 64 * 1024);
    }
    assert!(store.len() >= 6);
    assert_eq!(store.tally(api).unwrap().held(), store.len() as u64);
}

#[test]
fn output_never_pushes_out_what_happened() {
    let mut store = Store::new(Bounds { lines: 640, bytes: 1 << 20 });
    let api = store.source(&key(0, "api", Stream::Out)).unwrap();
    let events = store.source(&key(0, "api", Stream::Events)).unwrap();
    for at_ms in 0..10_000 {
        store.append(api, &line(at_ms, b"chatter")).unwrap();
        if at_ms % 200 == 0 {
            let exit = Line { kind: Kind::Exit, ..line(at_ms, b"exit") };
            store.append(events, &exit).unwrap();
        }
    }
    assert_eq!(store.tally(events).unwrap().held(), 50);
    assert!(store.len() <= 640 && store.len() > 500, "{}", store.len());
    // Of themselves there are not too many either.
    for at_ms in 0..10_000 {
        store.append(events, &Line { kind: Kind::Exit, ..line(20_000 + at_ms, b"exit") }).unwrap();
    }
    assert!(store.len() <= 640);
    assert_eq!(store.tally(events).unwrap().held(), store.len() as u64);
}

#[test]
fn lines_in_files_cost_no_bytes_and_are_read_again() {
    let mut files = Memory::default();
    let mut store = Store::default();
    let api = store.source(&key(0, "api", Stream::Out)).unwrap();
    let places: Vec<FilePlace> =
        (0..100).map(|n| files.write(3, format!("line {n}").as_bytes())).collect();
    let body = |place: &FilePlace| Line { body: Body::Filed(*place), ..line(1, b"") };
    let lines: Vec<Line<'_>> = places.iter().map(body).collect();
    store.prepend_history(api, &lines);
    assert_eq!((store.len(), store.bytes()), (100, 0));
    let read = |line: LineRef<'_>| {
        String::from_utf8(line.read(&files, 0, 1024).unwrap().into_owned()).unwrap()
    };
    assert_eq!(store.iter().map(read).nth(42).unwrap(), "line 42");
    assert_eq!(&*store.iter().nth(7).unwrap().read(&files, 2, 3).unwrap(), b"ne ");
    let gone = FilePlace { file: FileId(3), offset: 1 << 40, len: 5 << 32 };
    let id = store.append(api, &Line { body: Body::Filed(gone), ..line(2, b"") }).unwrap();
    let kept = store.line(id).unwrap();
    assert_eq!((kept.body, kept.len), (Body::Filed(gone), 5 << 32));
}

#[test]
fn bytes_stay_as_they_came() {
    let mut store = Store::default();
    let api = store.source(&key(0, "api", Stream::Out)).unwrap();
    for bytes in [&b""[..], b"\xff\xfe\0", b"a\nb", b"\x1b[31mred\r"] {
        let id = store.append(api, &line(0, bytes)).unwrap();
        assert_eq!(store.line(id).unwrap().body, Body::Held(bytes));
    }
}

#[test]
fn a_clone_stays_as_it_was() {
    let mut store = Store::default();
    let api = store.source(&key(0, "api", Stream::Out)).unwrap();
    store.append(api, &line(5, b"one")).unwrap();
    let before = store.clone();
    store.append(api, &line(6, b"two")).unwrap();
    store.prepend_history(api, &[line(1, b"zero")]);
    assert_eq!(texts(&before), ["one"]);
    assert_eq!(texts(&store), ["zero", "one", "two"]);
}

#[test]
fn the_slot_of_a_source_without_lines_is_used_again() {
    let mut store = Store::new(Bounds { lines: 64, bytes: 1 << 20 });
    let first = store.source(&key(0, "a", Stream::Out)).unwrap();
    for pm_id in 1..70_000 {
        let source = store.source(&key(pm_id, "a", Stream::Out)).unwrap();
        store.append(source, &line(i64::from(pm_id), b"x")).unwrap();
    }
    assert_eq!(store.append(first, &line(0, b"stale")), None);
    assert_eq!(store.source_key(first), None);
    let last = store.iter().last().unwrap();
    assert_eq!(store.source_key(last.source), Some(&key(69_999, "a", Stream::Out)));
    assert_eq!(store.sources().count(), 65_535);
}

#[test]
fn prose_that_came_together_is_as_if_it_had_come_line_by_line() {
    let bounds = Bounds { lines: 100, bytes: 4096 };
    let (mut one_by_one, mut together) = (Store::new(bounds), Store::new(bounds));
    // Runs that push their own beginning out, an empty one, a long line, a clock that goes back.
    for (at_ms, count, bytes) in [(5, 3, 10), (6, 250, 20), (7, 0, 0), (3, 4, 900), (8, 1, 5)] {
        let text = vec![b'x'; bytes];
        let time = LineTime { at_ms, from: TimeFrom::Bus };
        let mut last = None;
        let source = one_by_one.source(&key(1, "api", Stream::Out)).unwrap();
        for _ in 0..count {
            let body = Body::Held(&text);
            let line = Line { time, level: None, kind: Kind::Output, body };
            last = one_by_one.append(source, &line);
        }
        let source = together.source(&key(1, "api", Stream::Out)).unwrap();
        let texts = std::iter::repeat_n(&text[..], count);
        assert_eq!(together.append_prose(source, (time, None), texts), last);
        assert_eq!(together.tally(source), one_by_one.tally(source));
        assert!(together.iter().eq(one_by_one.iter()), "at {at_ms}");
        assert_eq!((together.len(), together.bytes()), (one_by_one.len(), one_by_one.bytes()));
    }
}

/// Older lines that come in many slices leave no memory unused behind them, and blocks that are full as they
/// are.
#[test]
fn history_in_slices_takes_no_more_than_its_lines() {
    for count in [1_000, 4_000] {
        let mut store = Store::new(Bounds { lines: 1_000_000, bytes: 64 << 20 });
        let source = store.source(&key(0, "api", Stream::Out)).unwrap();
        let mut last = None;
        for slice in (0..200_000 / count).rev() {
            let line = |n: i64| Line {
                time: LineTime { at_ms: slice * count + n, from: TimeFrom::Line },
                level: None,
                kind: Kind::Output,
                body: Body::Filed(FilePlace { file: FileId(0), offset: 0, len: 100 }),
            };
            let lines: Vec<Line<'_>> = (0..count).map(line).collect();
            store.prepend_history(source, &lines);
            let stamp = store.blocks.last().filter(|_| store.len() >= 4_000).map(|last| last.stamp);
            last = last.or(stamp);
            assert_eq!(stamp, last, "the last block is as it was");
        }
        assert_eq!((store.len(), store.blocks.len()), (200_000, 50));
        let room: usize = store.blocks.iter().map(|block| block.room()).sum();
        assert!(room <= 220_000, "{room}");
    }
}
