//! The lines of a log file from its end backwards, each with a time.
//!
//! Invariant: at most one piece and the lines that were asked for are held; the order within a file is
//! never changed; a line without a time of its own has one between those around it, or that of the line
//! that it continues, and says so.

mod again;
pub(crate) mod gap;
pub(super) mod heard;
mod join;
pub(crate) mod mend;
mod older;
pub(super) mod screen;
pub(crate) mod shared;
pub(crate) mod sources;

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use jiff::tz::TimeZone;

use super::files;
use super::seam::read_whole;
use crate::logs::parse::{self, Clock, Context, Level, Pattern, Plain};

/// How much is read at once, bytes: its lines are looked at while they are in the cache of the processor.
const PIECE_BYTES: u64 = 64 << 10;
/// A file in whose last so many lines none has a time has no times.
const TIMELESS_AFTER: usize = 200;
/// So many lines wait for a time before them; then they have that of the line behind them.
const WAITING_MAX: usize = 2_000;
/// A longer line is cut into pieces of this length, bytes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// As much of them waits at most, bytes.
const WAITING_BYTES_MAX: usize = 4 << 20;
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
    /// Its bytes, as they are in the file, without the newline.
    pub(crate) bytes: Vec<u8>,
    /// Where it begins in the file, bytes; `None` where that is not known.
    pub(crate) offset: Option<u64>,
    /// Whether a newline ends it.
    pub(crate) is_ended: bool,
    /// How many of the first bytes are the stamp that PM2 put before it.
    pub(crate) stamp_bytes: usize,
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
    /// Reads a line. `reference_ms` completes a time that does not say all.
    pub(crate) fn read(&self, bytes: &[u8], reference_ms: i64) -> (Option<i64>, Line) {
        self.read_owned(bytes.to_vec(), reference_ms)
    }

    /// What a line says, without what leads it: PM2's stamp, a time, a level.
    pub(crate) fn said<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let plain = Plain::of(bytes.get(..READ_BYTES_MAX).unwrap_or(bytes));
        let clock = Clock { zone: &self.zone, reference_ms: 0 };
        let context = Context { declared: self.declared.as_ref(), clock, is_stderr: self.is_err };
        let message = parse::read(&plain.text, &context).message;
        match plain.text {
            Cow::Borrowed(text) => Cow::Borrowed(message.of(text)),
            Cow::Owned(text) => Cow::Owned(message.of(&text).to_vec()),
        }
    }

    /// [`Self::read`], of bytes that are there for it.
    fn read_owned(&self, bytes: Vec<u8>, reference_ms: i64) -> (Option<i64>, Line) {
        let plain = Plain::of(bytes.get(..READ_BYTES_MAX).unwrap_or(&bytes));
        let clock = Clock { zone: &self.zone, reference_ms };
        let context = Context { declared: self.declared.as_ref(), clock, is_stderr: self.is_err };
        let reading = parse::read(&plain.text, &context);
        let time = reading.time.map(|stamp| stamp.at_ms);
        let level = reading.level.map(|(level, _)| level);
        let line = Line {
            at_ms: time.unwrap_or(reference_ms),
            is_estimated: time.is_none(),
            level,
            offset: None,
            is_ended: true,
            stamp_bytes: reading.prefix.map_or(0, |prefix| plain.raw(prefix).end),
            bytes,
        };
        (time, line)
    }
}

/// What is looked for.
pub(crate) struct Sought<'a> {
    /// Whether a line is it, as it is in the file.
    pub(crate) is_it: &'a dyn Fn(&[u8]) -> bool,
    /// Whether it may be among several lines.
    pub(crate) may_be_in: &'a dyn Fn(&[u8]) -> bool,
}

/// Reads a file backwards.
#[derive(Debug)]
pub(crate) struct Backwards {
    file: Arc<File>,
    format: Format,
    /// What is before this offset is not read yet.
    at: u64,
    /// The beginning of a line whose rest is in [`Self::lines`], or of none.
    rest: Vec<u8>,
    /// Memory for the next piece.
    buffer: Vec<u8>,
    /// Whole lines that are read, oldest first: bytes, and whether a newline ends them.
    lines: Vec<(Vec<u8>, bool)>,
    /// Lines with their times, newest last, ready to be taken.
    ready: Vec<Line>,
    /// Lines whose time is that of a line before them that is not read yet, newest first.
    waiting: Vec<Line>,
    waiting_bytes: usize,
    /// The time of the file, then of the last line with one: milliseconds since 1970.
    reference_ms: i64,
    has_times: bool,
    is_timeless: bool,
    span: Span,
    /// What is behind this offset was given, or waits.
    given: u64,
    /// What is behind this offset was given.
    returned: u64,
}

/// When a file was written.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// When it was made, and written last, milliseconds since 1970.
    from_ms: i64,
    to_ms: i64,
    /// How large it was then, bytes.
    size: u64,
}

impl Span {
    fn of(file: &File) -> io::Result<Self> {
        let about = file.metadata()?;
        let to_ms = files::written_ms(file)?;
        let made = about.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        let made_ms = made.and_then(|made| i64::try_from(made.as_millis()).ok());
        Ok(Self { from_ms: made_ms.unwrap_or(to_ms).min(to_ms), to_ms, size: about.len() })
    }

    /// About when what ends at this offset was written.
    fn at(self, offset: u64) -> i64 {
        let part = offset.min(self.size) as f64 / self.size.max(1) as f64;
        self.from_ms + ((self.to_ms - self.from_ms) as f64 * part) as i64
    }
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
            rest: Vec::new(),
            buffer: Vec::new(),
            lines: Vec::new(),
            ready: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            reference_ms: span.to_ms,
            has_times: false,
            is_timeless: false,
            span,
            given: at,
            returned: at,
        })
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
                let bytes = line.bytes.len() as u64 + u64::from(line.is_ended);
                self.returned = self.returned.saturating_sub(bytes);
                line.offset = Some(self.returned);
                return Ok(Some(line));
            }
            match self.raw()? {
                Some((bytes, is_ended)) => self.place(bytes, is_ended),
                None if self.waiting.is_empty() => return Ok(None),
                // Nothing before them: the time of the line behind them, or of the file.
                None if self.has_times => self.settle(self.reference_ms, None),
                None => self.settle_by_place(),
            }
        }
    }

    /// Lets go what was read and not given: it is read again when it is asked for.
    pub(crate) fn release(&mut self) {
        (self.at, self.given) = (self.returned, self.returned);
        (self.rest, self.lines, self.buffer) = (Vec::new(), Vec::new(), Vec::new());
        (self.ready, self.waiting, self.waiting_bytes) = (Vec::new(), Vec::new(), 0);
    }

    /// The line before the last one given that is looked for; quicker than to ask for all. One without a
    /// time has that of a line before it which is near.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn next_sought(&mut self, sought: &Sought<'_>) -> io::Result<Option<Line>> {
        loop {
            while let Some((bytes, is_ended)) = self.lines.pop() {
                if let Some(line) = self.found(&bytes, is_ended, sought) {
                    return Ok(Some(line));
                }
            }
            if self.at == 0 {
                let (bytes, is_ended) = ended(std::mem::take(&mut self.rest));
                let is_line = is_ended || !bytes.is_empty();
                return Ok(if is_line { self.found(&bytes, is_ended, sought) } else { None });
            }
            let piece = self.piece()?;
            let whole = memchr::memchr(b'\n', &piece).map(|end| piece.split_at(end + 1));
            match whole {
                // A line that is longer than that is cut, not read on and on.
                Some((rest, whole))
                    if rest.len() <= LINE_BYTES_MAX && !(sought.may_be_in)(whole) =>
                {
                    self.given = self.given.saturating_sub(whole.len() as u64);
                    self.rest = rest.to_vec();
                }
                _ => self.split(&piece),
            }
            self.buffer = piece;
        }
    }

    /// A line that was read, if it is looked for.
    fn found(&mut self, bytes: &[u8], is_ended: bool, sought: &Sought<'_>) -> Option<Line> {
        let ends_at = self.given;
        self.given = ends_at.saturating_sub((bytes.len() + usize::from(is_ended)) as u64);
        if !(sought.is_it)(bytes) {
            return None;
        }
        let (time, mut line) = self.format.read(bytes, self.reference_ms);
        (line.is_ended, line.offset) = (is_ended, Some(self.given));
        if let Some(at_ms) = time {
            self.reference_ms = at_ms;
        } else {
            let mut before = self.lines.iter().rev().take(TIMELESS_AFTER);
            let near = before.find_map(|(line, _)| self.format.read(line, self.reference_ms).0);
            line.at_ms = near.unwrap_or_else(|| self.span.at(ends_at));
        }
        Some(line)
    }

    /// Gives a line its time, or lets it wait for one.
    fn place(&mut self, bytes: Vec<u8>, is_ended: bool) {
        let len = bytes.len();
        let (time, mut line) = self.format.read_owned(bytes, self.reference_ms);
        line.is_ended = is_ended;
        let level = line.level;
        if let (Some(at_ms), true) = (time, self.waiting.is_empty()) {
            // Nothing waits for its time.
            line.at_ms = at_ms;
            self.ready.push(line);
            (self.has_times, self.reference_ms) = (true, at_ms);
            self.given = self.given.saturating_sub((len + usize::from(is_ended)) as u64);
            return;
        }
        self.waiting_bytes += len;
        if time.is_none() {
            line.at_ms = self.span.at(self.given);
        }
        self.given = self.given.saturating_sub((len + usize::from(is_ended)) as u64);
        self.waiting.push(line);
        match time {
            Some(at_ms) => {
                self.settle(at_ms, level);
                self.has_times = true;
                self.reference_ms = at_ms;
            }
            None if self.is_timeless => self.settle_by_place(),
            None if self.has_times && self.is_much() => self.settle(self.reference_ms, None),
            None if self.is_much() => self.settle_by_place(),
            None if !self.has_times && self.waiting.len() >= TIMELESS_AFTER => {
                self.is_timeless = true;
                self.settle_by_place();
            }
            None => {}
        }
    }

    /// Whether more waits than is worth it.
    fn is_much(&self) -> bool {
        self.waiting.len() >= WAITING_MAX || self.waiting_bytes >= WAITING_BYTES_MAX
    }

    /// All that wait are between this time and that of the line behind them, or of the file; and have
    /// the level of the line that they continue.
    fn settle(&mut self, at_ms: i64, level: Option<Level>) {
        self.waiting_bytes = 0;
        let (ends_ms, count) = (self.reference_ms.max(at_ms), self.waiting.len() as i64);
        // What is behind the last time may be of a file that was made later.
        let begins_ms =
            if self.has_times { at_ms } else { at_ms.max(self.span.from_ms).min(ends_ms) };
        // The last of a file was written when the file was; the first has the time itself.
        let parts = if self.has_times { count } else { count - 1 };
        let (mut index, mut last_ms) = (0, at_ms);
        // The newest was read first and is taken first, from the end.
        let mut oldest_first = Vec::with_capacity(self.waiting.len());
        for mut line in self.waiting.drain(..).rev() {
            if line.is_estimated {
                if !is_continued(&line.bytes) {
                    last_ms = begins_ms + (ends_ms - begins_ms) * index / parts.max(1);
                }
                line.at_ms = last_ms;
            } else {
                line.at_ms = at_ms;
            }
            index += 1;
            if line.is_estimated
                && line.level.is_none_or(|own| level.is_some_and(|head| head > own))
            {
                line.level = level;
            }
            oldest_first.push(line);
        }
        self.ready.append(&mut oldest_first);
    }

    /// All that wait have a time by their place in the file alone.
    fn settle_by_place(&mut self) {
        self.waiting_bytes = 0;
        self.ready.extend(self.waiting.drain(..).rev());
    }

    /// The bytes of the line before, and whether a newline ends it.
    fn raw(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        loop {
            if let Some(line) = self.lines.pop() {
                return Ok(Some(line));
            }
            if self.at == 0 {
                let rest = std::mem::take(&mut self.rest);
                return Ok((!rest.is_empty()).then(|| ended(rest)));
            }
            let piece = self.piece()?;
            self.split(&piece);
            self.buffer = piece;
        }
    }

    /// The piece before what was read, with the beginning of the line behind it.
    fn piece(&mut self) -> io::Result<Vec<u8>> {
        let from = self.at.saturating_sub(PIECE_BYTES);
        // The same memory again and again: what is new has to be cleared by the system first.
        let mut piece = std::mem::take(&mut self.buffer);
        piece.resize(usize::try_from(self.at - from).unwrap_or_default(), 0);
        let read = read_whole(&self.file, &mut piece, from)?;
        piece.truncate(read);
        self.at = from;
        piece.append(&mut self.rest);
        Ok(piece)
    }

    /// Splits a piece into lines; what stands before the first newline may go on before.
    fn split(&mut self, piece: &[u8]) {
        let mut ends = memchr::memchr_iter(b'\n', piece).map(|end| end + 1);
        let first = ends.next().unwrap_or(piece.len());
        self.rest = piece.get(..first).unwrap_or_default().to_vec();
        let mut from = first;
        for end in ends.chain(std::iter::once(piece.len())).filter(|end| *end > first) {
            if let Some(line) = piece.get(from..end).filter(|line| !line.is_empty()) {
                let (line, is_ended) =
                    line.strip_suffix(b"\n").map_or((line, false), |line| (line, true));
                self.lines.push((line.to_vec(), is_ended));
            }
            from = end;
        }
        if self.rest.len() > LINE_BYTES_MAX {
            let rest = std::mem::take(&mut self.rest);
            self.lines.insert(0, ended(rest));
        }
    }
}

/// Whether a line goes on with what the one before it says: a stack, or a value over several lines.
fn is_continued(line: &[u8]) -> bool {
    line.first().is_none_or(|first| matches!(first, b' ' | b'\t' | b'}' | b']' | b')' | b'\r'))
        || line.starts_with(b"Caused by")
}

/// A line without its newline, and whether it had one.
fn ended(mut bytes: Vec<u8>) -> (Vec<u8>, bool) {
    let is_ended = bytes.last() == Some(&b'\n');
    if is_ended {
        bytes.pop();
    }
    (bytes, is_ended)
}

#[cfg(test)]
mod tests;
