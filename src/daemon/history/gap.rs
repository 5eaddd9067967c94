//! What log files hold between the end of what came of an output and the beginning of what comes
//! again, after the bus was lost.
//!
//! Pure but for reading files at offsets. Both ends are found by content, since files are renamed and
//! truncated meanwhile: the last bytes that came, then the first that come again ([`Seam`]).

use std::io;

use memchr::memmem;

use crate::daemon::seam::{ReadAt, Seam, read_part, read_whole};

/// How much is remembered of the end of an output that has a file of its own, bytes.
pub(crate) const OWN_BYTES: usize = 1024;
/// The end of a file in which that is looked for where it is not where it was, bytes.
const BACK_BYTES: u64 = 4 << 20;
/// Last words may never reach the file: so many lines before them are tried.
const ENDS_MAX: usize = 64;
/// The most that is taken from files for one output, bytes; of more, the newest.
pub(crate) const MISSED_BYTES_MAX: u64 = 16 << 20;
/// An output is quiet when nothing came for so long, milliseconds.
const QUIET_MS: i64 = 1_000;
/// Last words that are not in the file this long after will not be, milliseconds.
const UNWRITTEN_MS: i64 = 2_000;
/// What said nothing for so long says little, milliseconds.
const IDLE_MS: i64 = 5_000;
/// What came is in the file this long after, if nothing is blocked, milliseconds.
pub(crate) const WRITTEN_MS: i64 = 500;

/// The end of what came of an output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
    bytes_max: usize,
    /// Where in its file the next byte would be, had it not been rotated.
    at: Option<u64>,
    /// When a piece of it came last, by the caller's clock, milliseconds.
    last_ms: Option<i64>,
}

impl Tail {
    /// Of an output of which nothing came yet, that keeps so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, at: None, last_ms: None }
    }

    /// Of an output whose file is not there yet: all of it will be in there.
    pub(crate) fn of_none(bytes_max: usize) -> Self {
        Self { at: Some(0), ..Self::new(bytes_max) }
    }

    /// Of an output that ended with this, and keeps so many bytes.
    pub(crate) fn ending(bytes: Vec<u8>, bytes_max: usize) -> Self {
        Self { bytes, bytes_max, at: None, last_ms: None }
    }

    /// Of what a file holds up to this place.
    pub(crate) fn of_file(file: &impl ReadAt, at: u64, bytes_max: usize) -> Self {
        let from = at.saturating_sub(bytes_max as u64);
        let bytes = read_part(file, from, at).unwrap_or_default();
        Self { bytes, bytes_max, at: Some(at), last_ms: None }
    }

    /// The same that keeps so many bytes.
    #[must_use]
    pub(crate) fn keeping(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// The same that keeps at least as much as another one, if there is one.
    #[must_use]
    pub(crate) fn keeping_as(self, other: Option<&Self>) -> Self {
        let bytes_max = other.map_or(0, |other| other.bytes_max).max(self.bytes_max);
        self.keeping(bytes_max)
    }

    /// Takes a piece of output in that came at this time.
    pub(crate) fn take_at(&mut self, data: &[u8], now_ms: i64) {
        self.last_ms = Some(now_ms);
        self.take(data);
    }

    /// Takes a piece of output in.
    pub(crate) fn take(&mut self, data: &[u8]) {
        self.at = self.at.map(|at| at + data.len() as u64);
        if data.len() >= self.bytes_max {
            self.bytes.clear();
        }
        let from = data.len().saturating_sub(self.bytes_max);
        self.bytes.extend_from_slice(data.get(from..).unwrap_or_default());
        if self.bytes.len() > 2 * self.bytes_max {
            let excess = self.bytes.len() - self.bytes_max;
            self.bytes.drain(..excess);
        }
    }

    /// So much came of which only the end is taken in.
    pub(crate) fn pass(&mut self, bytes: u64) {
        self.at = self.at.map(|at| at + bytes);
    }

    /// Where in its file the next byte would be, as far as that is known.
    pub(crate) fn at(&self) -> Option<u64> {
        self.at
    }

    /// The last bytes that came.
    pub(crate) fn bytes(&self) -> &[u8] {
        let from = self.bytes.len().saturating_sub(self.bytes_max);
        self.bytes.get(from..).unwrap_or_default()
    }

    /// Places in [`Self::bytes`] behind which the file may go on: their end, then the ends of lines
    /// before it.
    fn ends(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes();
        let before = bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default();
        let newlines = memchr::memrchr_iter(b'\n', before).map(|at| at + 1);
        let ends = std::iter::once(bytes.len()).chain(newlines).take(ENDS_MAX);
        ends.filter_map(|end| bytes.get(..end)).filter(|bytes| !bytes.is_empty())
    }
}

/// A place in one of the files that an output went into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Which of the files, the oldest first.
    pub(crate) file: usize,
    /// The offset in it, bytes.
    pub(crate) at: u64,
}

/// Since when the files end where they do: the daemon writes a line and sends it at the same moment, so that
/// what was written just now may still come on the bus.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Still(Option<(Place, i64)>);

impl Still {
    /// For how long they end there, milliseconds.
    pub(crate) fn for_ms(&mut self, end: Place, now_ms: i64) -> i64 {
        let known = self.0.filter(|(place, _)| *place == end);
        let (_, since_ms) = *self.0.insert(known.unwrap_or((end, now_ms)));
        now_ms - since_ms
    }
}

/// Where in the files what came ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) place: Place,
    /// Whether that is the only such place.
    pub(crate) is_sure: bool,
    /// Whether all that came stands before it: the rest was not written, or not yet.
    pub(crate) is_whole: bool,
}

/// Where what came ends in the files, the oldest first.
pub(crate) fn end_of(files: &[impl ReadAt], tail: &Tail) -> io::Result<End> {
    let size = files.first().map_or(Ok(0), ReadAt::size)?;
    if let (Some(at), Some(file)) = (tail.at, files.first())
        && at <= size
    {
        let wanted = tail.bytes();
        let mut there = vec![0; wanted.len()];
        let from = at.saturating_sub(wanted.len() as u64);
        let read = read_whole(file, &mut there, from)?;
        if there.get(..read).is_some_and(|there| wanted.ends_with(there))
            && read as u64 == at - from
        {
            return Ok(End { place: Place { file: 0, at }, is_sure: true, is_whole: true });
        }
    }
    for (index, file) in files.iter().enumerate().rev() {
        let size = file.size()?;
        let from = size.saturating_sub(BACK_BYTES);
        let region = read_part(file, from, size)?;
        if let Some((at, is_sure, is_whole)) = find_end(&region, tail) {
            return Ok(End {
                place: Place { file: index, at: from + at as u64 },
                is_sure,
                is_whole,
            });
        }
    }
    // Truncated or gone: all that is in the newest file is new, and something may be missing.
    let newest = files.len().saturating_sub(1);
    let is_shorter = tail.at.is_some_and(|at| size < at);
    let at = if newest > 0 || is_shorter { 0 } else { tail.at.unwrap_or(size) };
    let is_sure = tail.bytes.is_empty() && at == 0;
    Ok(End { place: Place { file: newest, at }, is_sure, is_whole: tail.bytes.is_empty() })
}

/// Where in a region the end of a tail is, whether it is there once only, and whether that is its very
/// end: the whole tail, else only its last line, which a byte that only the bus had does not hide.
fn find_end(region: &[u8], tail: &Tail) -> Option<(usize, bool, bool)> {
    let last_line = |bytes: &[u8]| {
        let before = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        memchr::memrchr(b'\n', before).map_or(0, |at| at + 1)
    };
    for is_whole in [true, false] {
        for bytes in tail.ends() {
            let from = if is_whole { 0 } else { last_line(bytes) };
            let needle = bytes.get(from..).unwrap_or_default();
            if let Some((at, is_only)) = last_of(region, needle) {
                let is_end = bytes.len() == tail.bytes().len();
                return Some((at + needle.len(), is_only, is_end));
            }
        }
    }
    None
}

/// Where a needle, which is not empty, stands last in a region, and whether it stands there once only.
/// Searched forwards: memchr searches that way many times as fast as backwards, and up to
/// 2 * [`ENDS_MAX`] needles are searched for.
fn last_of(region: &[u8], needle: &[u8]) -> Option<(usize, bool)> {
    let mut places = memmem::find_iter(region, needle);
    let first = places.next()?;
    let last = places.last().unwrap_or(first);
    // One more may stand across it, as with "aa" in "aaa"; none stands behind that.
    let across = region.get(last + 1..(last + 2 * needle.len() - 1).min(region.len()));
    let across = across.and_then(|bytes| memmem::rfind(bytes, needle)).map(|at| last + 1 + at);
    let last = across.unwrap_or(last);
    Some((last, first == last))
}

/// What is between two places of the files, the newest so many bytes of it; and how many were left.
pub(crate) fn between(
    files: &[impl ReadAt],
    from: Place,
    to: Place,
    bytes_max: u64,
) -> io::Result<(Vec<u8>, u64)> {
    let mut parts = Vec::new();
    for (index, file) in files.iter().enumerate() {
        if index < from.file || index > to.file {
            continue;
        }
        let start = if index == from.file { from.at } else { 0 };
        let end = if index == to.file { to.at } else { file.size()? };
        parts.push((file, start, end.max(start)));
    }
    let all: u64 = parts.iter().map(|(_, start, end)| end - start).sum();
    let left = all.saturating_sub(bytes_max);
    let mut skip = left;
    let mut bytes = Vec::new();
    for (file, start, end) in parts {
        let skipped = skip.min(end - start);
        skip -= skipped;
        bytes.extend(read_part(file, start + skipped, end)?);
    }
    Ok((bytes, left))
}

/// An output that came to an end, until it is known what is missing behind that.
#[derive(Debug, Clone)]
pub(crate) struct Gap {
    tail: Tail,
    since_ms: i64,
    from: Option<End>,
    /// Up to where the files were told already, where that is behind the end of what came.
    told: Option<Place>,
    still: Still,
}

/// What came again of an output.
#[derive(Debug, Clone)]
pub(crate) struct Again {
    /// Finds its place in the files.
    pub(crate) seam: Seam,
    /// When the last of it came, by a clock that is never set back, milliseconds.
    pub(crate) last_ms: i64,
    /// When the first of it came.
    pub(crate) first_ms: i64,
}

/// What came of no bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missed {
    /// It, to be followed by what comes again.
    pub(crate) bytes: Vec<u8>,
    /// Bytes before it for which there is no room.
    pub(crate) left: u64,
    /// Whether that is certainly all of it, and nothing of it comes again.
    pub(crate) is_exact: bool,
    /// Where it ends: what comes again begins there.
    pub(crate) to: Place,
    /// How much of what comes again was told already, bytes.
    pub(crate) repeated: u64,
}

impl Again {
    /// Nothing yet, at this time.
    pub(crate) fn at(now_ms: i64) -> Self {
        Self { seam: Seam::new(u64::MAX, true), last_ms: now_ms, first_ms: now_ms }
    }

    /// Takes a piece in.
    pub(crate) fn take(&mut self, data: &[u8], now_ms: i64) {
        self.seam.take(data, now_ms);
        self.last_ms = now_ms;
    }
}

impl Gap {
    /// Of an output that ended so and is looked for since `now_ms`, a clock that is never set back.
    pub(crate) fn new(tail: Tail, now_ms: i64) -> Self {
        Self { tail, since_ms: now_ms, from: None, told: None, still: Still::default() }
    }

    /// The same of one that was told up to this offset of its file, from there on or further.
    pub(crate) fn told_to(mut self, at: u64) -> Self {
        self.told = Some(Place { file: 0, at });
        self
    }

    /// Looks anew since `now_ms`: what came again was lost, too.
    pub(crate) fn begin_again(&mut self, now_ms: i64) {
        self.since_ms = now_ms;
    }

    /// Looks where what came ends in the files, unless that is known.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn locate(&mut self, files: &[impl ReadAt], now_ms: i64) -> io::Result<()> {
        if self.from.is_none() {
            let end = end_of(files, &self.tail)?;
            // A file that is behind the bus holds the rest later.
            let is_settled = end.is_whole || self.age_ms(now_ms) >= UNWRITTEN_MS;
            self.from = Some(end).filter(|_| is_settled);
        }
        Ok(())
    }

    /// Whether that is known, and not for certain.
    pub(crate) fn is_unsure(&self) -> bool {
        self.from.is_some_and(|from| !from.is_sure)
    }

    /// What the files hold behind all that was told, at most so much: it is told, whether it comes on the
    /// bus or not. Nothing as long as it is not certain where that is.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn read_on(&mut self, files: &[impl ReadAt], bytes_max: u64) -> io::Result<Vec<u8>> {
        let Some(from) = self.from.filter(|from| from.is_sure) else { return Ok(Vec::new()) };
        let mut told = self.told.unwrap_or(from.place).max(from.place);
        let mut bytes = Vec::new();
        for (index, file) in files.iter().enumerate().skip(told.file) {
            let at = if index == told.file { told.at } else { 0 };
            let room = bytes_max.saturating_sub(bytes.len() as u64);
            let part = read_part(file, at, file.size()?.min(at.saturating_add(room)))?;
            told = Place { file: index, at: at + part.len() as u64 };
            bytes.extend(part);
        }
        self.told = Some(told);
        Ok(bytes)
    }

    /// Up to where the files were told before anything came again, if they were.
    pub(crate) fn told(&self) -> Option<Place> {
        self.told
    }

    /// How the output ended.
    pub(crate) fn into_tail(self) -> Tail {
        self.tail
    }

    /// How long it is looked for, milliseconds.
    pub(crate) fn age_ms(&self, now_ms: i64) -> i64 {
        now_ms - self.since_ms
    }

    /// Looks into the files, the oldest first, for what is missing before what came again, or up to
    /// their end where nothing did. With `is_late` there is an answer, if not a certain one.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn look(
        &mut self,
        files: &[impl ReadAt],
        again: Option<&mut Again>,
        now_ms: i64,
        is_late: bool,
    ) -> io::Result<Option<Missed>> {
        let End { place: from, is_sure, is_whole } = match self.from {
            Some(end) => end,
            None => end_of(files, &self.tail)?,
        };
        // A file that is behind the bus holds the rest later: it is missing from nothing.
        if is_whole {
            self.from = Some(End { place: from, is_sure, is_whole });
        }
        let quiet_ms = if is_whole { QUIET_MS } else { UNWRITTEN_MS };
        let (to, is_found) = match again {
            None if is_late => (Some(end(files)?), true),
            None => {
                let end = end(files)?;
                let is_still = self.still.for_ms(end, now_ms) >= QUIET_MS;
                if !is_still || self.age_ms(now_ms) < quiet_ms {
                    return Ok(None);
                }
                (Some(end), true)
            }
            Some(again) => {
                let is_quiet = now_ms - again.last_ms >= QUIET_MS;
                let is_written = now_ms - again.first_ms >= WRITTEN_MS;
                let found = begin_of(&mut again.seam, files, from, now_ms, (is_written, is_quiet))?;
                (found, found.is_some())
            }
        };
        let told = self.told.unwrap_or(from).max(from);
        let Some(to) = to.or_else(|| is_late.then_some(told)) else { return Ok(None) };
        let to = to.max(from);
        if to < told {
            let (_, repeated) = between(files, to, told, 0)?;
            let is_exact = is_sure && is_found;
            return Ok(Some(Missed { bytes: Vec::new(), left: 0, is_exact, to, repeated }));
        }
        // One that said nothing for long before it and nothing since: its file was emptied before.
        let is_idle =
            to == from && self.tail.last_ms.is_none_or(|last| self.since_ms - last > IDLE_MS);
        let is_sure = is_sure || is_idle;
        let (bytes, left) = between(files, told, to, MISSED_BYTES_MAX)?;
        let is_exact = is_sure && is_found && left == 0;
        Ok(Some(Missed { bytes, left, is_exact, to, repeated: 0 }))
    }
}

/// The end of the newest file.
pub(super) fn end(files: &[impl ReadAt]) -> io::Result<Place> {
    let at = files.last().map_or(Ok(0), ReadAt::size)?;
    Ok(Place { file: files.len().saturating_sub(1), at })
}

/// Where what comes again begins, behind `from`, once that is certain.
fn begin_of(
    seam: &mut Seam,
    files: &[impl ReadAt],
    from: Place,
    now_ms: i64,
    (is_written, is_quiet): (bool, bool),
) -> io::Result<Option<Place>> {
    let mut is_absent = true;
    for (index, file) in files.iter().enumerate().skip(from.file).rev() {
        let start = if index == from.file { from.at } else { 0 };
        seam.start_at(start);
        if let Some(at) = seam.place(file, start, now_ms, (is_written, is_quiet))? {
            return Ok(Some(Place { file: index, at }));
        }
        is_absent &= is_quiet && seam.is_absent(file)?;
    }
    // Of what never reaches a file nothing is in it.
    if is_absent { end(files).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests;
