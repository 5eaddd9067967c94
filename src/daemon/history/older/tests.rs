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
