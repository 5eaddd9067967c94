//! Sizes, growth, and disks that fill.

use super::*;
use crate::protocol::process::ProcessStatus;

const MIB: u64 = 1 << 20;

fn look(sizes: &[(&str, u64)], free: u64) -> DiskLook {
    let file = |(path, size): &(&str, u64)| FileLook {
        path: (*path).into(),
        device: 1,
        inode: 7,
        size: *size,
    };
    let volume = VolumeLook { device: 1, place: "/srv".into(), free, total: 100_000 * MIB };
    DiskLook { files: sizes.iter().map(file).collect(), volumes: vec![volume], left_out: 0 }
}

#[test]
fn growth_is_that_of_a_while_and_begins_anew_after_a_flush() {
    let mut disk = Disk::default();
    disk.take(look(&[("/a.log", MIB)], 50_000 * MIB), 0);
    let file = |disk: &Disk| disk.file("/a.log").map(LogFile::words);
    assert_eq!(file(&disk).as_deref(), Some("1.0 MiB"));
    disk.take(look(&[("/a.log", 3 * MIB)], 50_000 * MIB), 30_000);
    assert_eq!(file(&disk).as_deref(), Some("3.0 MiB, +4.0 MiB/min"));
    disk.take(look(&[("/a.log", 0)], 50_000 * MIB), 60_000);
    assert_eq!(file(&disk).as_deref(), Some("0 B"), "flushed");
    let mut other = look(&[("/a.log", 9 * MIB)], 50_000 * MIB);
    other.files[0].inode = 8;
    disk.take(other, 90_000);
    assert_eq!(file(&disk).as_deref(), Some("9.0 MiB"), "another file");
    disk.take(look(&[], 50_000 * MIB), 120_000);
    assert_eq!((file(&disk), disk.filling()), (None, None), "gone");
}

#[test]
fn a_look_at_some_files_leaves_the_others_and_keeps_growth_over_its_time() {
    let mut disk = Disk::default();
    disk.take(look(&[("/a.log", MIB), ("/b.log", 5)], 50_000 * MIB), 0);
    let sizes = |sizes: &[(&str, u64)]| SizesLook {
        asked: vec!["/a.log".into(), "/c.log".into()],
        files: look(sizes, 0).files,
    };
    let words = |disk: &Disk, path: &str| disk.file(path).map(LogFile::words);
    assert!(!disk.take_sizes(sizes(&[("/a.log", MIB)]), 2_000), "as before");
    assert!(disk.take_sizes(sizes(&[("/a.log", 2 * MIB), ("/c.log", 3)]), 4_000));
    let told = ["/a.log", "/b.log", "/c.log"].map(|path| words(&disk, path).unwrap());
    assert_eq!(told, ["2.0 MiB", "5 B", "3 B"]);
    assert!(disk.take_sizes(sizes(&[("/a.log", 2 * MIB)]), 6_000));
    assert_eq!(words(&disk, "/c.log"), None, "gone");
    // A MiB in each half minute, for ten minutes and more.
    for second in 4..400_u64 {
        let size = 2 * MIB + second * 2 * MIB / 30;
        disk.take_sizes(sizes(&[("/a.log", size)]), second as i64 * 2_000);
    }
    let samples = &disk.file("/a.log").unwrap().size.0;
    let (from_ms, to_ms) = (samples.front().unwrap().0, samples.back().unwrap().0);
    assert!(to_ms - from_ms > 580_000, "of ten minutes: {from_ms} {to_ms}");
    assert!(words(&disk, "/a.log").unwrap().ends_with("+2.0 MiB/min"));
}

#[test]
fn a_disk_that_is_full_within_a_day_is_told() {
    let grown = |per_minute: u64, free: u64| {
        let mut disk = Disk::default();
        let files = |minutes: u64| look(&[("/logs/a.log", minutes * per_minute), ("/b", 5)], free);
        disk.take(files(1), 0);
        disk.take(files(2), 60_000);
        disk.filling().map(|filling| (filling.words(), filling.short_words()))
    };
    let (long, short) = grown(MIB, 310 * MIB).unwrap();
    assert_eq!(long, "disk of /srv full in about 5h 10m (a.log)");
    assert_eq!(short, "disk full in about 5h 10m");
    assert!(grown(MIB, 1_441 * MIB).is_none(), "a day and a minute");
    assert!(grown(0, 2 * MIB).is_none(), "nothing grows");
    assert_eq!(grown(0, 1_000).unwrap().0, "disk of /srv full");
    let soon = grown(MIB, MIB).unwrap().0;
    assert_eq!(soon, "disk of /srv full in about 1m (a.log)");
}

#[test]
fn what_others_write_counts_where_it_goes_on() {
    let mut disk = Disk::default();
    // 100 MiB a minute, for six minutes.
    for half in 0..13_i64 {
        let free = (50_000 - 50 * half as u64) * MIB;
        disk.take(look(&[], free), half * 30_000);
    }
    assert_eq!(disk.filling().unwrap().words(), "disk of /srv full in about 8h 14m");
    let mut disk = Disk::default();
    for half in 0..13_i64 {
        // One large file, once.
        let free = if half < 10 { 50_000 * MIB } else { 40_000 * MIB };
        disk.take(look(&[], free), half * 30_000);
    }
    assert_eq!(disk.filling(), None);
}

#[test]
fn the_files_of_a_process_are_each_there_once() {
    let mut disk = Disk::default();
    disk.take(look(&[("/o", 1), ("/e", 2)], MIB), 0);
    let mut info = ProcessInfo::new(PmId(0), "api", ProcessStatus::Online);
    let told = |disk: &Disk, info: &ProcessInfo| -> Vec<String> {
        let files = disk.files_of(info);
        files.iter().map(|(holds, path, _)| format!("{} {path}", holds.word())).collect()
    };
    (info.logs.out, info.logs.err) = (Some("/o".into()), Some("/e".into()));
    info.logs.both = Some("/none".into());
    assert_eq!(told(&disk, &info), ["out /o", "err /e"]);
    let mut other = ProcessInfo::new(PmId(1), "api", ProcessStatus::Online);
    (other.logs.out, other.logs.err) = (Some("/p".into()), Some("/e".into()));
    disk.take(look(&[("/o", 11), ("/e", 2), ("/p", 4)], MIB), 30_000);
    assert_eq!(disk.words_of([&info, &other]).unwrap(), "out 15 B, +20 B/min; err 2 B");
    assert_eq!(disk.bytes_of([&info, &other]), Some(17));
    assert_eq!((disk.words_of([]), disk.bytes_of([])), (None, None));
    info.logs.err = Some("/o".into());
    assert_eq!(told(&disk, &info), ["both /o"]);
}

#[test]
fn who_writes_the_same_files_is_named() {
    let info = |id: u32, out: &str, err: &str| {
        let mut info = ProcessInfo::new(PmId(id), "api", ProcessStatus::Online);
        (info.logs.out, info.logs.err) = (Some(out.into()), Some(err.into()));
        info
    };
    let all = [
        info(0, "/o", "/dev/null"),
        info(1, "/x", "/o"),
        info(2, "/y", "/dev/null"),
        info(3, "/o", "/z"),
    ];
    let all: Vec<&ProcessInfo> = all.iter().collect();
    let beside = |meant: &[u32]| {
        let meant: Vec<PmId> = meant.iter().copied().map(PmId).collect();
        sharing(&all, &meant).iter().map(|info| info.pm_id.0).collect::<Vec<_>>()
    };
    assert_eq!(beside(&[0]), [1, 3]);
    assert!(beside(&[0, 1, 3]).is_empty(), "all who write it are meant");
    assert!(beside(&[2]).is_empty(), "it shares no file");
}
