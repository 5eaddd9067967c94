//! Older lines of log files on a wish: the next ones, or from much further back.
//!
//! Invariant: read in slices of bounded time and size, so that whoever waits sees how far it is and can
//! stop it. A file is only read backwards; what is passed over, since there is no room for it, is said.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::estimate::Upper;
use super::sources::LogFile;
use super::{Backwards, Line};
use crate::daemon::seam::read_part;
use crate::logs::{Pattern, Reach};
use crate::model::past::Again;
use crate::protocol::process::PmId;

/// How much is searched at a time, bytes.
const PIECE_BYTES: u64 = 1 << 20;
/// Where a line is longer than that, pieces of it overlap by so much, bytes.
const OVERLAP_BYTES: u64 = 64 << 10;
/// How much is read to see what time it is at a place, bytes.
const PROBE_BYTES: u64 = 64 << 10;
/// Lines of one slice, and bytes of them: memory that is used for many at a time is not given back.
const SLICE_LINES: usize = 1_000;
const SLICE_BYTES: usize = 4 << 20;
/// The next older lines on one wish, of all files together, and how long they take.
const NEXT_LINES: usize = 2_000;
const NEXT_MAX: Duration = Duration::from_secs(1);
/// How long a slice takes.
const SLICE_MAX: Duration = Duration::from_millis(200);
/// What is read behind a place that is jumped to, bytes, and lines before it, of each file.
const BEHIND_BYTES: (u64, u64) = (4 << 10, 64 << 10);
const BEFORE_LINES: (usize, usize) = (10, 200);
/// A jump over less is none, bytes.
const JUMP_BYTES_MIN: u64 = 128 << 10;
/// How long lines are until some were read, bytes.
const LINE_BYTES: u64 = 100;

/// What is wanted.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// Of which processes; of all where it is empty.
    pub(super) of: Vec<PmId>,
    pub(super) reach: Reach,
    /// How many lines there is room for.
    pub(super) room: usize,
}

/// A file that is read backwards.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) file: LogFile,
    pub(super) lines: Backwards,
    /// The next older line.
    pub(super) head: Option<Line>,
    pub(super) is_over: bool,
    pub(super) again: Again,
    /// Lines and bytes that were read of it.
    read: (u64, u64),
    /// What is behind this offset was searched.
    searched: u64,
    /// Whether that is within a line.
    is_within: bool,
    /// About the time there, milliseconds since 1970.
    searched_ms: i64,
    /// The newest match, and its time.
    found: Option<(u64, i64)>,
    /// Down to which offset it is to be read, and so many lines on.
    goal: Option<(u64, usize)>,
    /// What was jumped over, bytes: to be said behind the next lines.
    pub(super) gap: u64,
}

impl Reader {
    pub(super) fn new(file: LogFile, lines: Backwards, again: Again) -> Self {
        Self {
            file,
            lines,
            head: None,
            is_over: false,
            again,
            read: (0, 0),
            searched: 0,
            is_within: false,
            searched_ms: i64::MAX,
            found: None,
            goal: None,
            gap: 0,
        }
    }

    /// The next older line.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        if self.is_over {
            return Ok(None);
        }
        let line = self.lines.next();
        if let Ok(Some(line)) = &line {
            self.read = (self.read.0 + 1, self.read.1 + line.bytes.len() as u64 + 1);
        }
        self.is_over = !matches!(line, Ok(Some(_)));
        if self.is_over {
            // What was used to read it is not used any more.
            self.lines.release();
        }
        line
    }

    /// What is behind this offset was read.
    fn at(&self) -> u64 {
        self.lines.returned + self.head.as_ref().map_or(0, Line::extent)
    }

    /// The time of a line, milliseconds since 1970.
    fn time(&self, line: &[u8], reference_ms: i64) -> Option<i64> {
        self.lines.format.read(line, reference_ms).0
    }

    /// Searches the piece before what was searched.
    fn search(&mut self, pattern: &Pattern) -> io::Result<()> {
        let from = self.searched.saturating_sub(PIECE_BYTES);
        let piece = read_part(&self.lines.file, from, self.searched)?;
        // What stands before the first newline began before.
        let first = memchr::memchr(b'\n', &piece).map(|end| end + 1).filter(|_| from > 0);
        let first = first.filter(|first| *first < piece.len());
        let lines = piece.get(first.unwrap_or(0)..).unwrap_or_default();
        let begins = from + first.unwrap_or(0) as u64;
        let begins_line = from == 0 || first.is_some();
        if let Some(line) = last_match(pattern, lines, (begins_line, !self.is_within)) {
            let at = begins + line.start as u64;
            let bytes = lines.get(line).unwrap_or_default();
            let own_ms = self.time(bytes, self.lines.span.at(at));
            self.found = Some((at, own_ms.unwrap_or_else(|| self.lines.span.at(at))));
        }
        let mut stamped = lines.split(|byte| *byte == b'\n').take(8);
        let time_ms = stamped.find_map(|line| self.time(line, self.lines.span.at(begins)));
        self.searched_ms = time_ms.unwrap_or_else(|| self.lines.span.at(begins));
        self.is_within = !begins_line;
        self.searched = match first {
            Some(_) => begins,
            None if from == 0 => 0,
            None => (from + OVERLAP_BYTES).min(self.searched.saturating_sub(1)),
        };
        Ok(())
    }

    /// Where what was written at this time begins, before what was read.
    fn place_of(&self, at_ms: i64) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.at());
        while high - low > PROBE_BYTES {
            let middle = low + (high - low) / 2;
            let piece = read_part(&self.lines.file, middle, (middle + PROBE_BYTES).min(high))?;
            let guess_ms = self.lines.span.at(middle);
            let mut lines = piece.split(|byte| *byte == b'\n').skip(1);
            let time_ms = lines.find_map(|line| self.time(line, guess_ms));
            if time_ms.unwrap_or(guess_ms) < at_ms {
                low = middle;
            } else {
                high = middle;
            }
        }
        let piece = read_part(&self.lines.file, low, high)?;
        let mut at = low;
        for line in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.time(line, at_ms).is_some_and(|time_ms| time_ms >= at_ms) {
                return Ok(at);
            }
            at += line.len() as u64;
        }
        Ok(high)
    }

    /// Goes on before this offset: what is between is passed over.
    fn jump(&mut self, behind: u64) -> io::Result<()> {
        let mut to = behind;
        let mut is_begin = false;
        // A very long line is jumped over whole, or not at all.
        while !is_begin && to + JUMP_BYTES_MIN <= self.at() {
            let piece = read_part(&self.lines.file, to, to + PROBE_BYTES)?;
            let end = memchr::memchr(b'\n', &piece);
            is_begin = end.is_some();
            to = if piece.is_empty() {
                u64::MAX / 2
            } else {
                to + end.map_or(piece.len(), |end| end + 1) as u64
            };
        }
        if to + JUMP_BYTES_MIN > self.at() {
            return Ok(());
        }
        self.gap += self.at() - to;
        self.head = None;
        self.lines.move_to(to);
        Ok(())
    }

    /// Whether it is to be read on.
    fn is_wanted(&self) -> bool {
        let is_before = |(goal, lines)| self.at() > goal || lines > 0;
        (self.head.is_some() || !self.is_over) && self.goal.is_some_and(is_before)
    }

    /// The next line that is wanted.
    fn wanted(&mut self) -> io::Result<Option<Line>> {
        if !self.is_wanted() {
            return Ok(None);
        }
        let is_there = self.goal.is_some_and(|(goal, _)| self.at() <= goal);
        let line = self.next()?;
        if let Some((_, lines)) = self.goal.as_mut().filter(|_| is_there) {
            *lines = lines.saturating_sub(1);
        }
        Ok(line)
    }
}

/// The last of these lines that a pattern is in. Whether the first of them begins here, and the last of
/// them ends here, is given: else it is a part of one.
fn last_match(
    pattern: &Pattern,
    lines: &[u8],
    (begins, ends): (bool, bool),
) -> Option<Range<usize>> {
    // Behind a newline at the end there is no line.
    let end = if ends { lines.strip_suffix(b"\n").unwrap_or(lines).len() } else { lines.len() };
    let lines = lines.get(..end)?;
    let last = memchr::memrchr(b'\n', lines).map_or(0, |at| at + 1);
    let last_begins = begins || last > 0;
    if last_begins && ends {
        return pattern.last_line(lines);
    }
    if pattern.is_in_part(lines.get(last..)?, (last_begins, ends)) {
        return Some(last..end);
    }
    pattern.last_line(lines.get(..last.checked_sub(1)?)?)
}

impl Backwards {
    /// Goes on before this offset.
    fn move_to(&mut self, to: u64) {
        self.release();
        (self.at, self.given, self.returned) = (to, to, to);
        self.reference_ms = self.span.at(to);
        self.upper = Upper { at_ms: self.reference_ms, is_end: false, is_error: false };
        self.behind_ms = self.reference_ms;
    }
}

/// A wish under way.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) wish: Wish,
    is_looking: bool,
    /// How many bytes there are before what was read.
    all: u64,
}

/// What came of a slice.
#[derive(Debug, Default)]
pub(super) struct Slice {
    /// The lines of each reader, the oldest first.
    pub(super) lines: Vec<Vec<Line>>,
    /// What could not be read: whose log, and why.
    pub(super) failures: Vec<(Box<str>, io::Error)>,
    /// Whether that is all.
    pub(super) is_done: bool,
    /// Whether what was looked for is in no file.
    pub(super) has_nothing: bool,
    /// Bytes that were looked at, and all.
    pub(super) progress: (u64, u64),
}

impl Course {
    /// Begins with a wish.
    pub(super) fn new(wish: Wish, readers: &mut [Reader]) -> Self {
        for reader in &mut *readers {
            (reader.searched, reader.searched_ms) = (reader.at(), i64::MAX);
            (reader.found, reader.goal, reader.is_within) = (None, None, false);
        }
        let all = readers.iter().map(Reader::at).sum();
        Self { wish, is_looking: true, all }
    }

    /// Goes on for a while. Blocks.
    pub(super) fn step(&mut self, readers: &mut [Reader], is_halted: &Arc<AtomicBool>) -> Slice {
        let until = Instant::now() + SLICE_MAX;
        let is_over = || is_halted.load(Ordering::Relaxed) || Instant::now() > until;
        let mut slice = Slice::default();
        if self.is_looking {
            let is_found = self.look(readers, &is_over, &mut slice);
            if !is_found || slice.has_nothing {
                slice.is_done |= slice.has_nothing || is_halted.load(Ordering::Relaxed);
                slice.lines = readers.iter().map(|_| Vec::new()).collect();
                return slice;
            }
            self.is_looking = false;
        }
        self.read(readers, &is_over, &mut slice);
        slice.is_done |= is_halted.load(Ordering::Relaxed);
        slice
    }

    /// Looks for the place that is wanted; whether it is known by now.
    fn look(&self, readers: &mut [Reader], is_over: &impl Fn() -> bool, slice: &mut Slice) -> bool {
        let mut at_ms = i64::MIN;
        match &self.wish.reach {
            Reach::More => {}
            Reach::Begin => readers.iter_mut().for_each(|reader| reader.goal = Some((0, 0))),
            Reach::Time(time_ms) => at_ms = *time_ms,
            Reach::Match(pattern) => {
                if !search(readers, pattern, is_over, slice) {
                    let left: u64 = readers.iter().map(|reader| reader.searched).sum();
                    slice.progress = (self.all.saturating_sub(left), self.all);
                    return false;
                }
                let found = readers.iter_mut().filter(|reader| reader.found.is_some());
                let newest = found.max_by_key(|reader| reader.found.map(|(_, at_ms)| at_ms));
                let Some(newest) = newest else {
                    slice.has_nothing = true;
                    return true;
                };
                if let Some((at, found_ms)) = newest.found {
                    at_ms = found_ms;
                    newest.goal = Some((at, 0));
                }
            }
        }
        for reader in readers.iter_mut().filter(|reader| reader.goal.is_none()) {
            match reader.place_of(at_ms) {
                Ok(at) => reader.goal = Some((at, 0)),
                Err(error) => slice.failures.push((reader.file.name.clone(), error)),
            }
        }
        self.plan(readers, slice);
        true
    }

    /// Decides whether all between here and there is read, or passed over.
    fn plan(&self, readers: &mut [Reader], slice: &mut Slice) {
        let sum = |sum: (u64, u64), reader: &Reader| (sum.0 + reader.read.0, sum.1 + reader.read.1);
        let (lines, bytes) = readers.iter().fold((0, 0), sum);
        let mean = bytes.checked_div(lines).unwrap_or(LINE_BYTES).max(1);
        let part =
            |reader: &Reader| reader.goal.map_or(0, |(goal, _)| reader.at().saturating_sub(goal));
        let between: u64 = readers.iter().map(part).sum();
        let room = self.wish.room as u64;
        let each = room / (readers.len().max(1) as u64 * 4);
        let before = usize::try_from(each).unwrap_or(0).clamp(BEFORE_LINES.0, BEFORE_LINES.1);
        let behind = (each * mean).clamp(BEHIND_BYTES.0, BEHIND_BYTES.1);
        for reader in &mut *readers {
            let Some((goal, lines)) = &mut reader.goal else { continue };
            *lines = before;
            let to = *goal + behind;
            if between / mean <= room {
                continue;
            }
            if let Err(error) = reader.jump(to) {
                slice.failures.push((reader.file.name.clone(), error));
            }
        }
    }

    /// Reads on towards the place.
    fn read(&self, readers: &mut [Reader], is_over: &impl Fn() -> bool, slice: &mut Slice) {
        let (mut count, mut bytes) = (0, 0);
        let mut all: Vec<Vec<Line>> = readers.iter().map(|_| Vec::new()).collect();
        'slice: for (reader, lines) in readers.iter_mut().zip(&mut all) {
            loop {
                if count >= SLICE_LINES || bytes >= SLICE_BYTES || (count % 64 == 63 && is_over()) {
                    break 'slice;
                }
                match reader.wanted() {
                    Ok(Some(line)) => {
                        (count, bytes) = (count + 1, bytes + line.bytes.len());
                        lines.push(line);
                    }
                    Ok(None) => break,
                    Err(error) => {
                        slice.failures.push((reader.file.name.clone(), error));
                        break;
                    }
                }
            }
        }
        for lines in &mut all {
            lines.reverse();
        }
        slice.lines = all;
        slice.is_done = !readers.iter().any(Reader::is_wanted);
        let left: u64 = readers.iter().map(Reader::at).sum();
        slice.progress = (self.all.saturating_sub(left), self.all);
    }
}

/// Takes the newest of the next older lines of all files again and again.
pub(super) fn next_older(readers: &mut [Reader]) -> Slice {
    let until = Instant::now() + NEXT_MAX;
    let (mut count, mut bytes) = (0, 0);
    let mut slice = Slice { is_done: true, ..Slice::default() };
    slice.lines = readers.iter().map(|_| Vec::new()).collect();
    while count < NEXT_LINES && bytes < SLICE_BYTES && Instant::now() < until {
        for reader in &mut *readers {
            match reader.next() {
                Ok(head) => reader.head = head,
                Err(error) => slice.failures.push((reader.file.name.clone(), error)),
            }
        }
        let heads = readers.iter_mut().zip(&mut slice.lines);
        let newest = heads.filter(|(reader, _)| reader.head.is_some());
        let newest = newest.max_by_key(|(reader, _)| reader.head.as_ref().map(|head| head.at_ms));
        let Some((reader, lines)) = newest else { break };
        if let Some(line) = reader.head.take() {
            count += 1;
            bytes += line.bytes.len();
            lines.push(line);
        }
    }
    for lines in &mut slice.lines {
        lines.reverse();
    }
    slice
}

/// Searches backwards until the newest match is known; whether it is.
fn search(
    readers: &mut [Reader],
    pattern: &Pattern,
    is_over: &impl Fn() -> bool,
    slice: &mut Slice,
) -> bool {
    loop {
        let newest = readers.iter().filter_map(|reader| reader.found.map(|(_, at_ms)| at_ms)).max();
        let mut is_known = true;
        for reader in &mut *readers {
            let is_older = newest.is_some_and(|newest| reader.searched_ms < newest);
            if reader.found.is_some() || reader.searched == 0 || is_older {
                continue;
            }
            is_known = false;
            if let Err(error) = reader.search(pattern) {
                slice.failures.push((reader.file.name.clone(), error));
                reader.searched = 0;
            }
            if is_over() {
                return false;
            }
        }
        if is_known {
            return true;
        }
    }
}

#[cfg(test)]
mod tests;
