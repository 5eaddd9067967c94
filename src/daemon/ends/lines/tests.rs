//! The lines of all lives of a process, from a log that it wrote and that of its daemon.

use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use super::super::{Ground, of};
use super::*;
use crate::protocol::process::{PmId, ProcessStatus};

/// 2026-11-28T03:12:00Z, milliseconds since 1970.
const FROM_MS: i64 = 1_795_835_520_000;

fn time(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(FROM_MS + at_ms).unwrap();
    format!("{at:.3}")
}

/// A life: when it began and ended, and whether somebody ended it.
type Span = (i64, i64, bool);

fn console(lives: &[Span], since_ms: i64) -> String {
    let mut log = String::new();
    let mut tell = |at_ms: i64, said: &str| {
        let at = time(at_ms - at_ms % 1_000);
        let at = at.strip_suffix(".000Z").unwrap();
        log.extend([at, ": PM2 log: ", said, "\n"]);
    };
    for (from_ms, to_ms, is_asked) in lives {
        tell(*from_ms, "App [a:0] starting in -fork mode-");
        tell(*from_ms, "App [a:0] online");
        if *is_asked {
            tell(*to_ms, "Stopping app:a id:0");
        }
        let code = i32::from(!is_asked);
        tell(*to_ms, &format!("App [a:0] exited with code [{code}] via signal [SIGINT]"));
    }
    tell(since_ms, "App [a:0] starting in -fork mode-");
    log
}

/// Its deaths, where it wrote that on standard error, last then.
fn deaths(lives: &[Span], since_ms: i64, (errors, written_ms): (&str, i64)) -> Vec<Death> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a-error.log");
    std::fs::write(&path, errors).unwrap();
    let written = Duration::from_millis((FROM_MS + written_ms) as u64);
    File::options().append(true).open(&path).unwrap().set_modified(UNIX_EPOCH + written).unwrap();
    let mut info = ProcessInfo::new(PmId(0), "a", ProcessStatus::Online);
    info.online_since_ms = Some(FROM_MS + since_ms);
    info.restarts = lives.len() as u32;
    info.logs.err = path.to_str().map(Into::into);
    let ground = Ground::of(console(lives, since_ms), 0, Vec::new());
    of(&info, &ground).lives().iter().cloned().collect()
}

fn words(death: &Death) -> Vec<&str> {
    death.words.iter().map(|line| &**line).collect()
}

/// Lives that begin at once when the one before has ended, each with its own lines, which have times of their own:
/// those of all that are kept are told, of more bytes than the end of the log that tells of the last ones, too.
#[test]
fn own_times_tell_the_lines_of_every_life() {
    for count in [5, 60] {
        let lives: Vec<Span> = (0..20).map(|n| (n * 9_300, (n + 1) * 9_300 - 40, false)).collect();
        let life = |(n, (from_ms, to_ms, _)): (usize, &Span)| -> Vec<String> {
            let boot = format!("{} WARN old config {n}", time(from_ms + 60));
            let line = |at: i64| format!("{} {}", time(from_ms + 100 * at), "x".repeat(120));
            let last = format!("{} FATAL no database {n}", time(to_ms - 5));
            [boot].into_iter().chain((1..count).map(line)).chain([last]).collect()
        };
        let said: Vec<Vec<String>> = lives.iter().enumerate().map(life).collect();
        let log = said.concat().join("\n") + "\n";
        let since_ms = 20 * 9_300;
        let told = deaths(&lives, since_ms, (&log, since_ms - 45));
        assert_eq!(told.len(), 20);
        for (death, said) in told.iter().zip(&said) {
            let skip = said.len().saturating_sub(20);
            assert_eq!(words(death), said.iter().skip(skip).collect::<Vec<_>>(), "{death:?}");
            assert!(!death.is_unclear && !death.is_mixed, "{death:?}");
        }
    }
}

/// A log without any time: the last words are of the lives that failed, and said to be so by an estimate.
#[test]
fn without_times_older_lives_have_theirs_by_an_estimate() {
    let (failed, brief) = ((0, 20_000, false), (20_200, 20_900, true));
    let lives = [failed, brief, (21_200, 60_000, true), (60_200, 90_000, true)];
    let log = "WARN slow\nFATAL no database\nWARN old\nWARN none\n";
    let told = deaths(&lives, 90_200, (log, 80_000));
    assert_eq!(words(&told[0]).last(), Some(&"FATAL no database"), "{told:?}");
    assert!(told.iter().all(|death| death.is_unclear), "{told:?}");
    for asked in told.iter().skip(1) {
        assert!(!words(asked).contains(&"FATAL no database"), "{told:?}");
    }
    assert!(words(&told[1]).is_empty(), "{told:?}");
    assert_eq!(words(&told[3]).last(), Some(&"WARN none"), "{told:?}");
}

/// Of what was written before all that is read it is said that nothing is told.
#[test]
fn what_is_not_read_is_said() {
    let lives = [(0, 20_000, false), (20_200, 40_000, false)];
    let line = |at_ms: i64| format!("{} {}\n", time(at_ms), "x".repeat(1_000));
    let log: String = (1..1_000).map(|n| line(n * 39)).collect();
    let told = deaths(&lives, 40_100, (&log, 38_990));
    assert!(told[0].words.is_empty() && told[0].is_unclear, "{told:?}");
    assert!(!told[1].words.is_empty() && !told[1].is_unclear, "{told:?}");
    let told = deaths(&lives, 40_100, ("", 0));
    assert!(!told[0].is_unclear && !told[1].is_unclear, "nothing was written");
    assert!(told.iter().all(|death| death.is_log_empty), "{told:?}");
}
