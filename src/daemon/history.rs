//! The lines of a log file from its end backwards, each with a time.
//!
//! Invariant: at most one piece and the lines that were asked for are held; the order within a file is
//! never changed; a line without a time of its own has one between those around it (`settle`), and says
//! so; the lines of an entry have the time of its head.

mod again;
pub(crate) mod counted;
mod estimate;
pub(crate) mod events;
mod first_look;
pub(crate) mod gap;
pub(crate) mod growth;
pub(super) mod heard;
mod join;
mod last_words;
mod listed;
mod long;
pub(crate) mod mend;
mod newcomers;
mod older;
mod openings;
mod outliers;
mod past_file;
pub(super) mod screen;
mod seconds;
mod settle;
pub(crate) mod shared;
mod sought;
pub(crate) mod sources;
mod span;
pub(crate) mod turns;
mod unread;
mod unsettled;
pub(super) mod unwritten;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;

use self::estimate::Upper;
pub(crate) use self::sought::{InFile, Sought};
use self::span::Span;
use self::unsettled::Unsettled;
use super::files;
use super::lives::Lives;
use super::seam::read_whole;
use crate::logs::parse::{
    self, Clock, Context, Facts, Judge, Judged, Level, Pattern, Place, Plain, Reading,
};

/// How much is read at once, bytes: its lines are looked at while they are in the cache of the processor.
pub(crate) const PIECE_BYTES: u64 = 64 << 10;
/// A longer line is cut into pieces of this length, or stays in the file, bytes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// So much of a line is looked at for its time and level, bytes.
const READ_BYTES_MAX: usize = 64 << 10;

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Milliseconds since 1970: its own time, else that of a neighbour or of the file.
    pub(crate) at_ms: i64,
    /// Whether that is not its own time.
    pub(crate) is_estimated: bool,
    /// What it says of how much it matters, or the line that it continues.
    pub(crate) level: Option<Level>,
    /// Its bytes, as they are in the file, without the newline. Of what was read at once all that is held as
    /// long as this is: see [`Line::apart`].
    pub(crate) bytes: Bytes,
    /// How much of it is behind these bytes and was left in the file, bytes.
    pub(crate) more: u64,
    /// Where it begins in the file, bytes; `None` where that is not known.
    pub(crate) offset: Option<u64>,
    /// Whether a newline ends it.
    pub(crate) is_ended: bool,
    /// How many of the first bytes are the stamp that PM2 put before it.
    pub(crate) stamp_bytes: usize,
    /// Where it stands to the line before it.
    pub(crate) place: Place,
    /// Of an estimate: when it was written at the earliest and at the latest, likewise.
    pub(crate) bounds_ms: Option<(i64, i64)>,
}

impl Line {
    /// Whether it is of the entry of the line before it.
    pub(crate) fn goes_on(&self) -> bool {
        self.place == Place::GoesOn
    }

    /// What it takes in the file with its newline, bytes.
    pub(crate) fn extent(&self) -> u64 {
        self.bytes.len() as u64 + self.more + u64::from(self.is_ended)
    }

    /// Itself alone: to be kept where those around it may not be.
    #[must_use]
    pub(crate) fn apart(mut self) -> Self {
        self.bytes = Bytes::copy_from_slice(&self.bytes);
        self
    }
}

/// What is known of a file before it is read.
#[derive(Debug)]
pub(crate) struct Format {
    /// The `log_date_format` of its process.
    pub(crate) declared: Option<Pattern>,
    /// Of times without a zone.
    pub(crate) zone: TimeZone,
    /// Whether it holds standard error.
    pub(crate) is_err: bool,
}

impl Format {
    /// Reads a line by itself. `reference_ms` completes a time that does not say all.
    pub(crate) fn read(&self, bytes: &[u8], reference_ms: i64) -> (Option<i64>, Line) {
        let unsettled = self.unsettled(Bytes::copy_from_slice(bytes), reference_ms);
        (unsettled.own_ms, unsettled.line)
    }

    /// Reads a line that came behind those that the judge had. Without a time of its own it has that of
    /// the reference.
    pub(crate) fn judge(
        &self,
        bytes: &[u8],
        reference_ms: i64,
        judge: &mut Judge,
    ) -> (Line, Judged) {
        let unsettled = self.unsettled(Bytes::copy_from_slice(bytes), reference_ms);
        let judged = unsettled.judge(judge);
        (Line { level: judged.level, place: judged.place, ..unsettled.line }, judged)
    }

    /// What a line says, without what leads it: PM2's stamp, a time, a level.
    pub(crate) fn said<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let (plain, reading) = self.reading(bytes, 0);
        match plain.text {
            Cow::Borrowed(text) => Cow::Borrowed(reading.message.of(text)),
            Cow::Owned(text) => Cow::Owned(reading.message.of(&text).to_vec()),
        }
    }

    fn reading<'a>(&self, bytes: &'a [u8], reference_ms: i64) -> (Plain<'a>, Reading) {
        let plain = Plain::of(bytes.get(..READ_BYTES_MAX).unwrap_or(bytes));
        let clock = Clock { zone: &self.zone, reference_ms };
        let context = Context { declared: self.declared.as_ref(), clock, is_stderr: self.is_err };
        let reading = parse::read(&plain.text, &context);
        (plain, reading)
    }

    /// A line by itself.
    fn unsettled(&self, bytes: Bytes, reference_ms: i64) -> Unsettled {
        let (plain, reading) = self.reading(&bytes, reference_ms);
        let own_ms = reading.time.map(|stamp| stamp.at_ms);
        let stamp_bytes = reading.prefix.map_or(0, |prefix| plain.raw(prefix).end);
        let line = Line {
            at_ms: own_ms.unwrap_or(reference_ms),
            is_estimated: own_ms.is_none(),
            level: reading.level.map(|(level, _)| level),
            more: 0,
            offset: None,
            is_ended: true,
            stamp_bytes,
            place: Place::Begins,
            bounds_ms: None,
            bytes: Bytes::new(),
        };
        let facts = Facts::of(&reading);
        drop(plain);
        Unsettled { line: Line { bytes, ..line }, own_ms, facts, ends_at: 0 }
    }
}

/// Reads a file backwards.
#[derive(Debug)]
pub(crate) struct Backwards {
    file: Arc<File>,
    format: Format,
    /// What is before this offset is not read yet.
    at: u64,
    /// The beginning of a line whose rest is in [`Self::lines`], or of none.
    rest: Rest,
    /// Memory for the next piece.
    buffer: Vec<u8>,
    /// Whole lines that are read, oldest first.
    lines: Vec<Raw>,
    /// Lines with their times, newest last, ready to be taken.
    ready: Vec<Line>,
    /// Lines whose time is not known yet, oldest first.
    waiting: VecDeque<Unsettled>,
    waiting_bytes: usize,
    /// The time of the file, then of the last line with one: milliseconds since 1970.
    reference_ms: i64,
    /// What was given its time last is not before that.
    upper: Upper,
    /// That is certainly not behind this, whatever was estimated: milliseconds since 1970.
    latest_ms: i64,
    /// As [`Self::upper`] without the first time of what was settled last: that may stand out.
    behind_ms: i64,
    /// When it was written last, milliseconds since 1970.
    written_ms: i64,
    has_times: bool,
    /// Whether a life begins with what was given its time last.
    begins_life: bool,
    span: Span,
    /// A line that is too long to be held stays in the file; one of so many bytes is held. Where there is none,
    /// all are read in pieces.
    leaves_long: Option<usize>,
    /// When the process that writes it lived.
    lives: Lives,
    /// When it was emptied, as it seems, milliseconds since 1970.
    emptied_ms: Option<i64>,
    /// What it begins with, once that was asked for.
    openings: Option<openings::Openings>,
    /// What is behind this offset was given, or waits.
    given: u64,
    /// What is behind this offset was given.
    returned: u64,
    /// The time of the last line that was given, milliseconds since 1970.
    returned_ms: i64,
}

impl Backwards {
    /// From an offset, or the end, of the file at a path.
    ///
    /// # Errors
    /// As [`files::open`].
    pub(crate) fn open(path: &Path, from: Option<u64>, format: Format) -> io::Result<Self> {
        Self::of(Arc::new(files::open(path)?), from, format)
    }

    /// From an offset, or the end, of an open file.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn of(file: Arc<File>, from: Option<u64>, format: Format) -> io::Result<Self> {
        let span = Span::of(&file)?;
        let at = from.unwrap_or(u64::MAX).min(span.size);
        Ok(Self {
            file,
            format,
            at,
            rest: Rest::default(),
            buffer: Vec::new(),
            lines: Vec::new(),
            ready: Vec::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            reference_ms: span.to_ms,
            upper: Upper { at_ms: span.to_ms, is_end: true, is_error: false },
            latest_ms: span.to_ms,
            behind_ms: span.to_ms,
            written_ms: span.to_ms,
            has_times: false,
            begins_life: false,
            span,
            leaves_long: None,
            lives: Lives::default(),
            emptied_ms: None,
            openings: None,
            given: at,
            returned: at,
            returned_ms: span.to_ms,
        })
    }

    /// Tells when the process that writes it lived. Blocks.
    #[must_use]
    pub(crate) fn of_lives(mut self, lives: Lives) -> Self {
        // What was written last before that was not emptied then.
        let emptied_ms = lives.emptied_ms().filter(|ms| *ms < self.span.to_ms);
        self.emptied_ms = emptied_ms.filter(|ms| Some(*ms) > self.span.made_ms);
        self.span.from_ms = self.emptied_ms.unwrap_or(i64::MIN).max(self.span.from_ms);
        self.lives = lives;
        self
    }

    /// When the process that writes it lived.
    pub(crate) fn lives(&self) -> &Lives {
        &self.lives
    }

    /// What is known of it.
    pub(crate) fn format(&self) -> &Format {
        &self.format
    }

    /// The file.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// The line before the last one given; `None` at the beginning of the file.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(mut line) = self.ready.pop() {
                self.returned = self.returned.saturating_sub(line.extent());
                line.offset = Some(self.returned);
                self.returned_ms = line.at_ms;
                return Ok(Some(line));
            }
            if !self.settle_more()? {
                return Ok(None);
            }
        }
    }

    /// Lets go what was read and not given: it is read again when it is asked for.
    pub(crate) fn release(&mut self) {
        if self.at < self.returned {
            self.reference_ms = self.returned_ms;
            let (at_ms, is_end) = (self.returned_ms, self.upper.is_end);
            self.upper = Upper { at_ms, is_end, is_error: false };
        }
        (self.at, self.given) = (self.returned, self.returned);
        (self.rest, self.lines, self.buffer) = (Rest::default(), Vec::new(), Vec::new());
        (self.ready, self.waiting, self.waiting_bytes) = (Vec::new(), VecDeque::new(), 0);
    }

    /// The piece before what was read, with the beginning of the line behind it; `None` where it is all of that
    /// line, too, which is then among the lines if it stays in the file.
    fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let from = self.at.saturating_sub(PIECE_BYTES);
        // The same memory again and again: what is new has to be cleared by the system first.
        let len = usize::try_from(self.at - from).unwrap_or_default();
        let mut piece = match std::mem::take(&mut self.buffer) {
            none if none.is_empty() => vec![0; len],
            mut kept => {
                kept.resize(len, 0);
                kept
            }
        };
        let read = read_whole(&self.file, &mut piece, from)?;
        piece.truncate(read);
        self.at = from;
        let is_within = memchr::memchr(b'\n', &piece).is_none();
        let is_over = self.rest.bytes + piece.len() > LINE_BYTES_MAX;
        if let Some(whole_max) = self.leaves_long.filter(|_| is_within)
            && (is_over || long::is_hole(&self.file, from, from + piece.len() as u64))
        {
            self.rest.push(piece);
            self.leave_line(whole_max)?;
            return Ok(None);
        }
        if is_within && !is_over {
            self.rest.push(piece);
            return Ok(None);
        }
        self.rest.append_to(&mut piece);
        Ok(Some(piece))
    }

    /// Splits a piece into lines; what stands before the first newline may go on before.
    fn split(&mut self, piece: &Bytes) {
        let mut ends = memchr::memchr_iter(b'\n', piece).map(|end| end + 1);
        let first = ends.next().unwrap_or(piece.len());
        let rest = piece.slice(..first);
        let mut from = first;
        for end in ends.chain(std::iter::once(piece.len())).filter(|end| *end > first) {
            if end > from {
                self.lines.push(ended(piece.slice(from..end)));
            }
            from = end;
        }
        if rest.len() > LINE_BYTES_MAX {
            self.lines.insert(0, ended(rest));
        } else {
            self.rest.push(rest.to_vec());
        }
    }
}

/// The beginning of a line that is read backwards: its parts, the last one first. They are put together once.
#[derive(Debug, Default)]
struct Rest {
    parts: Vec<Vec<u8>>,
    bytes: usize,
}

impl Rest {
    fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// What stands before it.
    fn push(&mut self, part: Vec<u8>) {
        self.bytes += part.len();
        self.parts.push(part);
    }

    /// Puts all of it behind this; it is empty then.
    fn append_to(&mut self, before: &mut Vec<u8>) {
        before.reserve_exact(self.bytes);
        self.parts.drain(..).rev().for_each(|part| before.extend_from_slice(&part));
        self.bytes = 0;
    }

    fn take(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        self.append_to(&mut all);
        all
    }
}

/// A line as it was read, without its newline.
#[derive(Debug)]
struct Raw {
    bytes: Bytes,
    /// How much of it was left in the file, bytes.
    more: u64,
    /// Whether it had a newline.
    is_ended: bool,
}

impl Raw {
    /// What it takes in the file with its newline, bytes.
    fn extent(&self) -> u64 {
        self.bytes.len() as u64 + self.more + u64::from(self.is_ended)
    }
}

#[inline]
fn ended(mut bytes: Bytes) -> Raw {
    let is_ended = bytes.last() == Some(&b'\n');
    if is_ended {
        bytes.truncate(bytes.len() - 1);
    }
    Raw { bytes, more: 0, is_ended }
}

#[cfg(test)]
mod tests;
