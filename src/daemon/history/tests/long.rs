//! Lines that are too long to be held: they stay in the file.

use super::super::*;

fn format() -> Format {
    Format { declared: None, zone: TimeZone::UTC, is_err: false }
}

/// All lines of a file, oldest first; what was not given is let go after each where that is asked for.
fn all(text: &[u8], is_released: bool) -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    std::fs::write(&path, text).unwrap();
    let mut file = Backwards::open(&path, None, format()).unwrap().leaving_long_lines();
    let mut lines = Vec::new();
    while let Some(line) = file.next().unwrap() {
        lines.push(line);
        if is_released {
            file.release();
        }
    }
    lines.reverse();
    lines
}

/// Where each line is by what was read, and by the text itself.
fn places(text: &[u8], lines: &[Line]) -> [Vec<(u64, u64)>; 2] {
    let read = lines.iter().map(|line| {
        let offset = line.offset.unwrap();
        let begins = &text[offset as usize..];
        assert_eq!(line.bytes, begins[..line.bytes.len()]);
        assert_eq!(line.is_ended, begins.get(line.extent() as usize - 1) == Some(&b'\n'));
        (offset, line.extent())
    });
    let mut at = 0;
    let split = text.split_inclusive(|byte| *byte == b'\n').map(|line| {
        at += line.len() as u64;
        (at - line.len() as u64, line.len() as u64)
    });
    [read.collect(), split.collect()]
}

/// A log that was emptied under a writer who goes on where he was begins with bytes that were never written.
#[test]
fn what_was_never_written_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let size = 600 << 20;
    std::fs::write(&path, "first\n").unwrap();
    let written = std::fs::File::options().append(true).open(&path).unwrap();
    written.set_len(size).unwrap();
    let last = "1970-01-01T00:00:01Z one\n1970-01-01T00:00:02Z two\n";
    std::io::Write::write_all(&mut &written, last.as_bytes()).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    assert!(long::is_hole(&file, 1 << 20, size));
    assert!(!long::is_hole(&file, 0, size) && !long::is_hole(&file, 1 << 20, size + 1));
    let end = size + last.len() as u64;
    assert!(!long::is_hole(&file, size, end));
    let mut file = Backwards::open(&path, None, format()).unwrap().leaving_long_lines();
    let lines: Vec<Line> = std::iter::from_fn(|| file.next().unwrap()).collect();
    assert_eq!(lines.iter().map(Line::extent).sum::<u64>(), end);
    let [two, parts @ .., first] = &*lines else { panic!("{}", lines.len()) };
    assert_eq!((&*two.bytes, two.at_ms), (&b"1970-01-01T00:00:02Z two"[..], 2_000));
    assert_eq!((&*first.bytes, parts.len()), (&b"first"[..], 3));
}

#[test]
fn a_line_of_any_length_is_one() {
    let mib = 1_usize << 20;
    for length in [mib - 1, mib, mib + 1, mib + (64 << 10) + 1, 2 * mib + 77, 5 * mib] {
        for (end, is_released) in [("\nafter\nand\n", false), ("\n", true), ("", true)] {
            let long = format!("1970-01-01T00:00:09Z {}", "x".repeat(length));
            let text = format!("1970-01-01T00:00:01Z one\n{long}{end}").into_bytes();
            let lines = all(&text, is_released);
            let [read, split] = places(&text, &lines);
            assert_eq!(read, split, "{length} {end:?}");
            assert_eq!((lines[1].at_ms, lines[1].is_estimated), (9_000, false));
            let is_left = length > mib + (64 << 10);
            assert_eq!(lines[1].bytes.len() == READ_BYTES_MAX, is_left, "{length}");
        }
    }
}

#[test]
fn several_that_follow_are_one_each_and_none_of_them_goes_on_another() {
    let lengths = [3 << 20, 10, 2 << 20, 2 << 20, 0, 5 << 20];
    let text: Vec<u8> = lengths
        .iter()
        .flat_map(|length| format!("{}\n", "y".repeat(*length)).into_bytes())
        .collect();
    for is_released in [false, true] {
        let lines = all(&text, is_released);
        let [read, split] = places(&text, &lines);
        assert_eq!(read, split);
        assert!(!lines.iter().any(Line::goes_on), "no newline is missing between them");
    }
}

#[test]
fn of_a_line_only_its_beginning_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    std::fs::write(&path, format!("before\n{}\nafter\n", "x".repeat(40 << 20))).unwrap();
    let mut file = Backwards::open(&path, None, format()).unwrap().leaving_long_lines();
    let mut lines = Vec::new();
    let cost = allocation_counter::measure(|| {
        lines = std::iter::from_fn(|| file.next().unwrap()).collect();
    });
    assert_eq!(lines.len(), 3);
    assert!(cost.bytes_max < 3 << 20, "{} bytes at a time", cost.bytes_max);
}

/// A line is not looked through for gigabytes at a time: it comes in parts, which are of one entry.
#[test]
fn a_line_of_hundreds_of_mib_comes_in_parts() {
    use std::io::{Seek, SeekFrom, Write};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let mut text = File::create(&path).unwrap();
    // A hole takes no place on the disk.
    text.write_all(b"before\nlong ").unwrap();
    text.seek(SeekFrom::Current(300 << 20)).unwrap();
    text.write_all(b"\nafter\n").unwrap();
    let mut file = Backwards::open(&path, None, format()).unwrap().leaving_long_lines();
    let mut lines: Vec<(u64, u64, bool)> = std::iter::from_fn(|| file.next().unwrap())
        .map(|line| (line.offset.unwrap(), line.extent(), line.goes_on()))
        .collect();
    lines.reverse();
    let (begins, ends) = (7, 7 + 5 + (300 << 20) + 1);
    let border = ends - (256 << 20);
    let wanted = [
        (0, 7, false),
        (begins, border - begins, false),
        (border, 256 << 20, true),
        (ends, 6, false),
    ];
    assert_eq!(lines, wanted);
}
