//! Very long lines, which stay in files.

use std::io;
use std::sync::Arc;

use super::super::*;
use super::{Memory, key, line};
use crate::model::past::{Again, Reread};

const MIB: usize = 1024 * 1024;

fn store(files: &mut Memory, lines: &[&[u8]]) -> Store {
    let mut store = Store::default();
    let source = store.source(&key(0, "api", Stream::Out)).unwrap();
    for bytes in lines {
        let body = Body::Filed(files.write(0, bytes));
        store.append(source, &Line { body, ..line(0, b"") }).unwrap();
    }
    store
}

fn hits(store: &Store, files: &dyn Files, pattern: &str) -> u64 {
    let mut view = View::default();
    view.set_search(Some(Pattern::regex(pattern).unwrap()));
    while !view.step(store, files, STEP_BYTES).is_done {}
    assert_eq!(view.progress(store).unreadable, 0);
    view.progress(store).hits
}

/// A line with something in it at a place.
fn with(filler: u8, length: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut long = vec![filler; length];
    for (at, part) in parts {
        long[*at..*at + part.len()].copy_from_slice(part);
    }
    long
}

#[test]
fn what_lies_across_two_pieces_is_found_once() {
    for before in 0..=6 {
        let at = 2 * MIB - before;
        let long = with(b'x', 5 * MIB, &[(at, b"needle"), (at + 2 * MIB, b"needle")]);
        let mut files = Memory::default();
        let store = store(&mut files, &[b"one", &long, b"two"]);
        assert_eq!(hits(&store, &files, "needle"), 1, "{before}");
    }
}

/// As it is shown: without escape sequences, whatever bytes are cut in two where a piece ends.
#[test]
fn escape_sequences_and_characters_that_a_piece_cuts_are_whole() {
    let cases: [(&[u8], &str); 5] = [
        (b"nee\x1b[1;31mdle", "needle"),
        (b"nee\x1b]0;a title\x1b\\dle", "needle"),
        ("\x1b[31mneed\u{20ac}l\u{1f600}".as_bytes(), "need\u{20ac}l\u{1f600}"),
        (b"over\rneedle\x1b[0m\r", "over.?needle"),
        (b"\xff\xfeneedle\xff", r"(?-u)\xff\xfeneedle"),
    ];
    for (part, pattern) in cases {
        for before in 0..=part.len() {
            let long = with(b'x', 3 * MIB, &[(MIB - before, part)]);
            let mut files = Memory::default();
            let store = store(&mut files, &[b"one", &long, b"two"]);
            assert_eq!(hits(&store, &files, pattern), 1, "{pattern} {before}");
        }
    }
    // A title is not shown.
    let long = with(b'x', 3 * MIB, &[(MIB - 5, b"\x1b]0;a title\x1b\\")]);
    let mut files = Memory::default();
    assert_eq!(hits(&store(&mut files, &[&long]), &files, "title"), 0);
}

#[test]
fn anchors_mean_the_line_and_not_a_piece_of_it() {
    let long = with(b'x', 3 * MIB, &[(0, b"first"), (MIB, b"second"), (3 * MIB - 5, b"last\r")]);
    let mut files = Memory::default();
    let store = store(&mut files, &[&long]);
    for (pattern, wanted) in [
        ("^first", 1),
        ("^second", 0),
        ("^x", 0),
        ("last$", 1),
        ("x$", 0),
        ("^$", 0),
        (r"\Afirst", 1),
    ] {
        assert_eq!(hits(&store, &files, pattern), wanted, "{pattern}");
    }
}

#[test]
fn a_filter_sees_the_whole_line_too() {
    let long = with(b'x', 4 * MIB, &[(3 * MIB - 3, b"needle")]);
    let mut files = Memory::default();
    let store = store(&mut files, &[b"one", &long, b"needle in it"]);
    for (is_inverted, wanted) in [(false, 2), (true, 1)] {
        let pattern = Pattern::regex("needle").unwrap();
        let filter = Filter { pattern, is_inverted, is_on: true };
        let mut view = View::new(Query { filters: vec![filter], ..Query::default() });
        view.set_search(Some(Pattern::regex("x{9}").unwrap()));
        while !view.step(&store, &files, STEP_BYTES).is_done {}
        let progress = view.progress(&store);
        assert_eq!((progress.shown, progress.hits), (wanted, u64::from(!is_inverted)));
    }
}

/// As the screen searches: nothing is there until it was asked for, and little is held.
#[test]
fn each_piece_is_asked_for_once_and_few_at_a_time() {
    let length = 30 * MIB + 7;
    let long = with(b'x', length, &[(20 * MIB - 3, b"needle")]);
    let other = with(b'y', 3 * MIB, &[(2 * MIB - 3, b"needle")]);
    let mut files = Memory::default();
    let store = store(&mut files, &[b"one", &long, b"two", &other, b"needle"]);
    let mut pieces = Pieces::default();
    let mut view = View::default();
    for (pattern, wanted) in [("needle", 3), ("nowhere", 0)] {
        view.set_search(Some(Pattern::regex(pattern).unwrap()));
        let mut read = 0;
        let mut steps = 0;
        loop {
            let progress = view.step(&store, &pieces, STEP_BYTES);
            if progress.is_done {
                assert_eq!(progress.hits, wanted, "{pattern}");
                break;
            }
            steps += 1;
            assert!(steps < 1_000, "it never ends");
            let missed = pieces.take_missed();
            assert!(
                !progress.is_waiting || !missed.is_empty() || pieces.is_waiting(),
                "for nothing"
            );
            assert!(missed.iter().map(|part| part.len as usize).sum::<usize>() <= 4 * MIB);
            for part in missed {
                let mut bytes = vec![0; part.len as usize];
                let count = files.read_at(part.file, part.offset, &mut bytes).unwrap();
                bytes.truncate(count);
                read += count;
                pieces.put(part, Some(bytes.into()));
            }
        }
        let all = if wanted > 0 { 20 + 3 } else { 33 } * MIB;
        assert!(read < all + 6 * MIB, "{pattern}: {} MiB were read", read / MIB);
    }
}

#[test]
fn a_line_that_its_file_does_not_hold_any_more_is_no_match() {
    let long = with(b'x', 4 * MIB, &[(MIB, b"needle")]);
    let mut files = Memory::default();
    let store = store(&mut files, &[&long]);
    files.files[0].truncate(2 * MIB);
    let mut view = View::default();
    // Also what it was taken for while nothing of it was there.
    for pattern in ["^$", "nowhere"] {
        view.set_search(Some(Pattern::regex(pattern).unwrap()));
        while !view.step(&store, &files, STEP_BYTES).is_done {}
        let progress = view.progress(&store);
        assert_eq!((progress.hits, progress.unreadable), (0, 1), "{pattern}");
    }
}

#[derive(Debug)]
struct Held(Vec<u8>);

impl Reread for Held {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// One that is so long that it came in parts too: no newline is put between these.
#[test]
fn a_line_is_saved_as_one_byte_for_byte() {
    let mut long = with(b'x', 5 * MIB, &[(2 * MIB - 3, b"\x1b[31mred\xff\xfe\r"), (9, b"\r\x07")]);
    long.push(b'\r');
    let mut file = Memory::default();
    let (one, all, two) = (file.write(0, b"one"), file.write(0, &long), file.write(0, b"two"));
    let part = |from: usize, to: usize| FilePlace {
        offset: all.offset + from as u64,
        len: (to - from) as u64,
        ..all
    };
    let ways: [(&str, Vec<FilePlace>); 2] =
        [("whole", vec![all]), ("in parts", vec![part(0, 2 * MIB), part(2 * MIB, long.len())])];
    for (way, places) in ways {
        let mut store = Store::default();
        let source = store.source(&key(0, "api", Stream::Out)).unwrap();
        let mut kind = Kind::Output;
        for place in std::iter::once(one).chain(places).chain([two]) {
            kind = if kind == Kind::Output && place.offset > all.offset && place != two {
                Kind::More
            } else {
                Kind::Output
            };
            let time = LineTime { from: TimeFrom::Line, ..line(0, b"").time };
            let body = Body::Filed(place);
            store.append(source, &Line { time, kind, body, ..line(0, b"") }).unwrap();
        }
        let again = Again(Arc::new(Held(file.files[0].clone())));
        for view in [None, Some(&View::default())] {
            let mut saving = Saving::new(&store, view, "x", Rereads(vec![again.clone()]));
            let mut out = Vec::new();
            assert_eq!(saving.write(&mut out).unwrap(), 3, "{way}");
            assert!(out == file.files[0], "{way}: {} bytes", out.len());
        }
    }
}
