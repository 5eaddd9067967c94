//! Files that are read back.

use std::fs::File;

use super::super::again::again;
use super::super::sources::log_files;
use super::*;
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// A reader at the end of a file of numbered lines, one a second, of so many bytes.
fn reader(folder: &std::path::Path, id: u32, count: u32) -> Reader {
    let path = folder.join(format!("{id}.log"));
    let line = |n: u32| {
        let (minute, second) = (n / 60 % 60, n % 60);
        let (day, hour) = (n / 86_400 + 1, n / 3_600 % 24);
        format!(
            "2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}Z {id} number {n} {}\n",
            "x".repeat(60)
        )
    };
    std::fs::write(&path, (0..count).map(line).collect::<String>()).unwrap();
    let mut info = ProcessInfo::new(PmId(id), "api", ProcessStatus::Online);
    info.logs.out = Some(path.to_str().unwrap().into());
    let file = log_files(&[info], |_| true).remove(0);
    let opened = Arc::new(File::open(&path).unwrap());
    let lines = Backwards::of(Arc::clone(&opened), None, file.format()).unwrap();
    let end = lines.at;
    Reader::new(file, lines, again(opened, end))
}

/// All that a wish brings, and what was jumped over, of each.
fn get(readers: &mut [Reader], reach: Reach, room: usize) -> (Vec<Vec<String>>, bool) {
    let mut course = Course::new(Wish { of: Vec::new(), reach, room }, readers);
    let mut all: Vec<Vec<String>> = readers.iter().map(|_| Vec::new()).collect();
    loop {
        let slice = course.step(readers, &Arc::default());
        assert!(slice.failures.is_empty());
        for (lines, all) in slice.lines.into_iter().zip(&mut all) {
            let lines = lines.into_iter().map(|line| String::from_utf8(line.bytes.into()).unwrap());
            all.splice(0..0, lines);
        }
        if slice.is_done {
            return (all, slice.has_nothing);
        }
    }
}

#[test]
fn what_there_is_room_for_is_read_to_the_beginning_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let mut readers = [reader(folder.path(), 0, 30_000), reader(folder.path(), 1, 500)];
    for reader in &mut readers {
        reader.next().unwrap();
    }
    let (all, _) = get(&mut readers, Reach::Begin, 100_000);
    assert_eq!((all[0].len(), all[1].len()), (29_999, 499));
    assert!(all[0].iter().enumerate().all(|(n, line)| line.contains(&format!(" {n} x"))));
    assert!(readers.iter().all(|reader| reader.gap == 0));
}

#[test]
fn what_there_is_no_room_for_is_passed_over_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut readers = [reader(folder.path(), 0, 100_000), reader(folder.path(), 1, 100_000)];
    let (all, _) = get(&mut readers, Reach::Time(1_793_491_200_000 + 5_000_000), 10_000);
    for (lines, reader) in all.iter().zip(&readers) {
        assert!(lines.len() < 2_000 && lines.len() > 200, "{}", lines.len());
        assert!(lines.iter().any(|line| line.contains(" number 5000 ")), "{}", lines[0]);
        assert!(reader.gap > 5 << 20);
    }
    // And from there to the beginning.
    let (all, _) = get(&mut readers, Reach::Begin, 1_000);
    assert!(all[0][0].contains(" number 0 ") && all[1][0].contains(" number 0 "));
}

#[test]
fn the_newest_match_of_all_files_is_gone_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut readers = [reader(folder.path(), 0, 60_000), reader(folder.path(), 1, 60_000)];
    let pattern = Pattern::regex("0 number 700 |1 number (699|701) ").unwrap();
    let (all, has_nothing) = get(&mut readers, Reach::Match(pattern), 1_000);
    assert!(!has_nothing && all[1].iter().any(|line| line.contains("1 number 701 ")));
    // The other file is read at the same time.
    assert!(all[0].iter().any(|line| line.contains("0 number 700 ")));
    assert!(readers.iter().all(|reader| reader.gap > 1 << 20));
    let pattern = Pattern::regex("number 59000 ").unwrap();
    assert!(get(&mut readers, Reach::Match(pattern), 1_000).1, "that is behind");
}

#[test]
fn it_can_be_halted() {
    let folder = tempfile::tempdir().unwrap();
    let mut readers = [reader(folder.path(), 0, 60_000)];
    let reach = Reach::Match(Pattern::regex("nowhere").unwrap());
    let mut course = Course::new(Wish { of: Vec::new(), reach, room: 10 }, &mut readers);
    let slice = course.step(&mut readers, &Arc::new(AtomicBool::new(true)));
    assert!(slice.is_done && !slice.has_nothing);
    assert!(slice.progress.0 > 0 && slice.progress.0 < slice.progress.1);
}

/// A reader, as the screen has it, of this text.
fn reader_of(folder: &std::path::Path, text: &str) -> Reader {
    let made = reader(folder, 0, 0);
    let path = folder.join("0.log");
    std::fs::write(&path, text).unwrap();
    let opened = Arc::new(File::open(&path).unwrap());
    let lines = Backwards::of(Arc::clone(&opened), None, made.file.format()).unwrap();
    let end = lines.at;
    Reader::new(made.file, lines.leaving_long_lines(), again(opened, end))
}

/// Of each line so far its beginning and its length in the file.
fn lines_to(reader: &mut Reader, reach: Reach, room: usize) -> (Vec<(String, u64)>, bool) {
    let readers = std::slice::from_mut(reader);
    let mut course = Course::new(Wish { of: Vec::new(), reach, room }, readers);
    let mut all = Vec::new();
    loop {
        let slice = course.step(readers, &Arc::default());
        assert!(slice.failures.is_empty());
        let lines = slice.lines.into_iter().flatten().map(|line| {
            let text = String::from_utf8_lossy(&line.bytes);
            (text.chars().take(12).collect::<String>(), line.bytes.len() as u64 + line.more)
        });
        all.splice(0..0, lines);
        if slice.is_done {
            return (all, slice.has_nothing);
        }
    }
}

#[test]
fn a_match_anywhere_in_a_very_long_line_leads_to_that_line() {
    let folder = tempfile::tempdir().unwrap();
    let after = |n: u32| format!("after {n} {}\n", "z".repeat(60));
    let after: String = (0..40_000).map(after).collect();
    let text = |at: usize| {
        let mut long = "x".repeat(5 << 20);
        long.replace_range(at..at + 6, "needle");
        format!("before\nlong {long}\n{after}")
    };
    // The pieces that are searched end at steps of 1 MiB, less what they share, from the end of the line.
    for at in [0, 1 << 20, (5 << 20) - 6].into_iter().chain((2_000_000..2_100_000).step_by(9_973)) {
        let mut reader = reader_of(folder.path(), &text(at));
        let pattern = Pattern::regex("needle").unwrap();
        let (lines, has_nothing) = lines_to(&mut reader, Reach::Match(pattern), 1_000);
        assert!(!has_nothing, "{at}");
        let long = lines.iter().find(|(text, _)| text.starts_with("long ")).unwrap();
        assert_eq!(long.1, (5 << 20) + 5, "whole, though lines behind it were passed over");
        assert!(reader.gap > 0);
    }
    for pattern in ["^x", "x$ nowhere|^needle", "z needle"] {
        let mut reader = reader_of(folder.path(), &text(3 << 20));
        let pattern = Pattern::regex(pattern).unwrap();
        assert!(lines_to(&mut reader, Reach::Match(pattern), 1_000).1, "a piece is no line");
    }
}

/// What is passed over ends where a line ends.
#[test]
fn a_very_long_line_is_never_jumped_into() {
    let folder = tempfile::tempdir().unwrap();
    let numbered =
        |n: usize| format!("2026-11-01T00:{:02}:{:02}Z {n} {}\n", n / 60, n % 60, "y".repeat(500));
    let before: String = (0..1_800).map(numbered).collect();
    let behind: String = (1_801..3_500).map(numbered).collect();
    let long = format!("2026-11-01T00:30:00Z {}", "x".repeat(4 << 20));
    let mut reader = reader_of(folder.path(), &format!("{before}{long}\n{behind}"));
    let at_ms = 1_793_491_200_000 + (29 * 60 + 55) * 1_000;
    let (lines, _) = lines_to(&mut reader, Reach::Time(at_ms), 100);
    let lengths: Vec<u64> = lines.iter().map(|(_, len)| *len).filter(|len| *len > 1_000).collect();
    assert!(lengths.is_empty() || lengths == [long.len() as u64], "{lengths:?}");
    assert!(lines.iter().any(|(_, len)| *len < 1_000), "{lines:?}");
}
