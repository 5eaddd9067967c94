//! Where in its second one life of a process ended and the next one began. The daemon's log has whole
//! seconds; the lines of the process often say more.
//!
//! Rule: the next life begins right before what its log begins with, where each life says that once; else in
//! the longest pause of that second, behind the last error that was said in it. Where that is behind all
//! lines of the second, nothing is told.
//!
//! Invariant: of files only the ends are read, within a bound for all together; only of processes of which a
//! life ended and the next one began in a second, and only files that they alone write.

use std::collections::HashMap;
use std::io;

use super::Format;
use super::openings::{OPENING_BYTES, folded, reads_as};
use super::sources::LogFile;
use crate::daemon::files;
use crate::daemon::lives::SECOND_MS;
use crate::daemon::seam::{ReadAt, read_part};
use crate::logs::parse::Level;
use crate::protocol::bus::LogStream;

/// How much is read of the end of a file, and of all files together, bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
const ALL_BYTES_MAX: u64 = 8 << 20;

/// Of a process, by its place, and a second: when its next life began, milliseconds since 1970.
pub(crate) type Turns = HashMap<(usize, i64), i64>;

/// The ends and starts of a process in their order, whole seconds: milliseconds since 1970, and whether that is
/// a start.
pub(crate) type Ends = Vec<(i64, bool)>;

/// What the lines of the files of processes, by their places, say of all seconds in which a life ended and the
/// next one began. Blocks.
pub(crate) fn told<'a>(
    ends: HashMap<usize, Ends>,
    files: impl Fn(usize) -> &'a [LogFile],
) -> Turns {
    let shared = |ends: &[(i64, bool)]| -> Vec<i64> {
        let seconds = ends.chunk_by(|(one, _), (other, _)| one == other);
        let is_shared = |second: &&[(i64, bool)]| matches!(second, [(_, false), (_, true)]);
        seconds.filter(is_shared).filter_map(|second| Some(second.first()?.0)).collect()
    };
    let asked = ends.into_iter().map(|(place, ends)| (place, shared(&ends), ends));
    let asked: Vec<_> = asked.filter(|(_, shared, _)| !shared.is_empty()).collect();
    let count: usize = asked.iter().map(|(place, ..)| files(*place).len()).sum();
    let bytes_max = (ALL_BYTES_MAX / count.max(1) as u64).min(FILE_BYTES_MAX);
    let mut turns = Turns::new();
    for (place, seconds, ends) in asked {
        let starts = ends.iter().filter(|(_, is_start)| *is_start).map(|(at_ms, _)| *at_ms);
        let starts: Vec<i64> = starts.collect();
        let mut words = Words::default();
        for file in files(place) {
            // What cannot be read tells nothing; those who read its lines say so.
            let _ = words.read(file, &seconds, &starts, bytes_max);
        }
        words.lines.sort_by_key(|line| line.at_ms);
        words.firsts.sort_unstable();
        let told = |second: i64| Some(((place, second), words.turn(second, &starts)?));
        turns.extend(seconds.into_iter().filter_map(told));
    }
    turns
}

/// A line in one of the seconds.
#[derive(Debug)]
struct Said {
    at_ms: i64,
    /// Whether it is an error: then it is rather the last word of a life than the first of one.
    is_bad: bool,
}

/// What a process said.
#[derive(Debug, Default)]
struct Words {
    /// In the seconds that are asked for, in the order of time.
    lines: Vec<Said>,
    /// When lives said their first words, in order.
    firsts: Vec<i64>,
}

impl Words {
    /// Reads the end of a file.
    fn read(
        &mut self,
        file: &LogFile,
        seconds: &[i64],
        starts: &[i64],
        bytes_max: u64,
    ) -> io::Result<()> {
        let Some(path) = &file.path else { return Ok(()) };
        let opened = files::open(path)?;
        let written_ms = files::written_ms(&opened)?;
        if seconds.first().is_none_or(|first| written_ms < *first) {
            return Ok(());
        }
        let size = opened.size()?;
        let from = size.saturating_sub(bytes_max);
        let opening = read_part(&opened, 0, OPENING_BYTES.min(size))?;
        let opening = folded(opening.split(|byte| *byte == b'\n').next().unwrap_or_default());
        let bytes = read_part(&opened, from, size)?;
        let lines = bytes.split(|byte| *byte == b'\n').skip(usize::from(from > 0));
        let lines = timed(&file.format(), lines, written_ms);
        // Whole seconds tell no more than the daemon's log.
        if lines.iter().all(|(at_ms, ..)| at_ms % 1_000 == 0) {
            return Ok(());
        }
        let is_first = |line: &[u8]| !opening.is_empty() && reads_as(line, &opening);
        let firsts = lines.iter().filter(|(.., line)| is_first(line)).map(|(at_ms, ..)| *at_ms);
        let firsts: Vec<i64> = firsts.collect();
        let begun_ms = lines.first().map_or(i64::MAX, |(at_ms, ..)| *at_ms);
        let begun = starts.iter().filter(|start| **start + SECOND_MS >= begun_ms).count();
        // What is said again and again begins no life; what is first on standard error may end each.
        if file.stream == LogStream::Out && firsts.len() <= begun + 1 {
            self.firsts.extend(firsts);
        }
        let is_asked =
            |at_ms: i64| seconds.binary_search(&(at_ms - at_ms.rem_euclid(1_000))).is_ok();
        let asked = lines.iter().filter(|(at_ms, ..)| is_asked(*at_ms));
        self.lines.extend(asked.map(|(at_ms, level, _)| Said {
            at_ms: *at_ms,
            is_bad: file.stream == LogStream::Err && *level >= Some(Level::Error),
        }));
        Ok(())
    }

    /// When the life began that did in this second, as far as that is told.
    fn turn(&self, second: i64, starts: &[i64]) -> Option<i64> {
        let last_ms = second + SECOND_MS;
        let from = self.lines.partition_point(|line| line.at_ms < second);
        let until = self.lines.partition_point(|line| line.at_ms <= last_ms);
        let lines = self.lines.get(from..until)?;
        let next = starts.get(starts.partition_point(|start| *start <= second));
        let is_its = |at_ms: &&i64| **at_ms >= second && next.is_none_or(|next| *at_ms < next);
        let begun = match self.firsts.iter().find(is_its) {
            Some(first_ms) => lines.iter().position(|line| line.at_ms >= *first_ms)?,
            None => longest_pause(lines, (second, last_ms))?,
        };
        let before = begun.checked_sub(1).and_then(|before| lines.get(before));
        let before_ms = before.map_or(second, |line| line.at_ms);
        Some((lines.get(begun)?.at_ms - 1).max(before_ms))
    }
}

/// Lines that say their time: that, their level, and themselves.
fn timed<'a>(
    format: &Format,
    lines: impl Iterator<Item = &'a [u8]>,
    written_ms: i64,
) -> Vec<(i64, Option<Level>, &'a [u8])> {
    let read = |line: &'a [u8]| {
        let (_, reading) = format.reading(line, written_ms);
        Some((reading.time?.at_ms, reading.level.map(|(level, _)| level), line))
    };
    lines.filter_map(read).collect()
}

/// Before which of the lines of a second the longest pause is that may be between two lives: `None` where it
/// is behind all of them.
fn longest_pause(lines: &[Said], (second, last_ms): (i64, i64)) -> Option<usize> {
    let first = lines.iter().rposition(|line| line.is_bad).map_or(0, |bad| bad + 1);
    let at_ms = |index: usize| lines.get(index).map_or(last_ms, |line| line.at_ms);
    let pause = |index: &usize| {
        let before = index.checked_sub(1).map_or(second, at_ms);
        at_ms(*index) - before
    };
    (first..=lines.len()).max_by_key(pause).filter(|index| *index < lines.len())
}
