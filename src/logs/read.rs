//! What a search sees of lines: the text of a block as it is, or another that is made of it where
//! lines are in files or hold control sequences.
//!
//! Invariant: a search sees what is shown. A line with an escape sequence or a carriage return is
//! searched as [`crate::protocol::text`] cleans it; one of JSON as it is and as its row shows it ([`super::rows`]).

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use memchr::memchr2;

use super::block::Block;
use super::bytes::{ESCAPE, is_special};
use super::line::{Body, FileId, FilePlace, LineRef, Record};
use crate::model::past::Again;
use crate::protocol::text::{TextStyle, clean_line};

/// Lines that follow in a file within so many bytes are read in one go.
const GAP_BYTES_MAX: u64 = 512;
/// The most that is read in one go.
const RUN_BYTES_MAX: u64 = 1024 * 1024;
/// The most that is read before it is searched.
const GATHER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Memory that is kept for the next search.
const RELEASED_BYTES: usize = 256 * 1024;

/// Reads files again for the store, which does not know what they are.
pub trait Files {
    /// Reads bytes from `offset` on into `buffer`, and says how many there were; fewer than asked
    /// mean the end.
    ///
    /// # Errors
    ///
    /// What the system says.
    /// [`io::ErrorKind::WouldBlock`] where they have to be waited for: then the same is asked again.
    fn read_at(&self, file: FileId, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Will be asked for soon; nothing to those that never have to be waited for.
    fn want_soon(&self, _file: FileId, _offset: u64, _len: usize) {}

    /// Whether it is worth while to ask for more, of those that have to be waited for.
    fn has_room(&self) -> bool {
        true
    }
}

/// For stores whose lines are all held.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read_at(&self, _: FileId, _: u64, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Reads the files again themselves: blocks. By their numbers.
#[derive(Debug, Clone, Default)]
pub struct Rereads(pub Vec<Again>);

impl Files for Rereads {
    fn read_at(&self, file: FileId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.0.get(usize::from(file.0)).ok_or(io::ErrorKind::NotFound)?;
        file.0.read_at(buffer, offset)
    }
}

impl<'a> LineRef<'a> {
    /// Its bytes from `from` on, at most `most` of them; read again where they are in a file.
    /// Fewer come where the line is cut or its file is.
    ///
    /// # Errors
    ///
    /// What the system says of the file.
    pub fn read(&self, files: &dyn Files, from: u64, most: usize) -> io::Result<Cow<'a, [u8]>> {
        let end = from.saturating_add(most as u64);
        match self.body {
            Body::Held(bytes) => {
                let end = end.min(bytes.len() as u64);
                let start = from.min(end) as usize;
                Ok(Cow::Borrowed(bytes.get(start..end as usize).unwrap_or_default()))
            }
            Body::Filed(place) => {
                let wanted = end.min(place.len).saturating_sub(from);
                let mut bytes = vec![0; wanted as usize];
                let count = read_all(files, place.file, place.offset + from, &mut bytes)?;
                bytes.truncate(count);
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// Reads until the buffer is full or the file at its end.
pub(super) fn read_all(
    files: &dyn Files,
    file: FileId,
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let mut count = 0;
    while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match files.read_at(file, offset + count as u64, rest) {
            Ok(0) => break,
            Ok(more) => count += more.min(rest.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// What a search sees of the bytes of a line.
#[must_use]
pub fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !is_special(bytes) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    push_plain(bytes, &mut out);
    Cow::Owned(out)
}

fn push_plain(bytes: &[u8], out: &mut Vec<u8>) {
    for (index, part) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        push_part(part.strip_suffix(b"\r").unwrap_or(part), out);
    }
}

fn push_part(part: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    if push_without_colours(part, out).is_none() {
        out.truncate(start);
        let text = String::from_utf8_lossy(part);
        let cleaned = clean_line(&text, &mut TextStyle::default());
        out.extend_from_slice(cleaned.text.as_bytes());
    }
}

/// A piece of a very long line without its escape sequences. What a carriage return goes back over is
/// searched too: it is not known where the line ends.
pub(super) fn push_parts(piece: &[u8], out: &mut Vec<u8>) {
    if !is_special(piece) {
        out.extend_from_slice(piece);
        return;
    }
    for (index, part) in piece.split(|byte| *byte == b'\r').enumerate() {
        if index > 0 {
            out.push(b'\r');
        }
        push_part(part, out);
    }
}

/// A line without its SGR sequences. `None` where it holds another sequence or control: then it
/// takes the long way.
fn push_without_colours(part: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = part;
    while let Some(at) = memchr2(ESCAPE, b'\r', rest) {
        out.extend_from_slice(rest.get(..at)?);
        let sequence = rest.get(at..)?.strip_prefix(b"\x1b[")?;
        let is_parameter = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b';' | b':');
        let length = sequence.iter().take_while(|byte| is_parameter(byte)).count();
        rest = sequence.get(length..)?.strip_prefix(b"m")?;
    }
    out.extend_from_slice(rest);
    Some(())
}

/// Lines of a block as a search sees them, each with a newline behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) text: &'a [u8],
    /// The index in the block of the first line.
    pub(super) first: usize,
    starts: Starts<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Starts<'a> {
    /// The block's own text: all lines are held.
    Records(&'a [Record]),
    /// Another text: its first bytes.
    Offsets(&'a [u32]),
}

impl Lines<'_> {
    pub(super) fn len(&self) -> usize {
        match self.starts {
            Starts::Records(records) => records.len(),
            Starts::Offsets(offsets) => offsets.len(),
        }
    }

    fn start(&self, index: usize) -> Option<usize> {
        match self.starts {
            Starts::Records(records) => {
                let base = records.first()?.start();
                Some(records.get(index)?.start() - base)
            }
            Starts::Offsets(offsets) => offsets.get(index).map(|offset| *offset as usize),
        }
    }

    /// A line without its newline, by its index here.
    pub(super) fn line(&self, index: usize) -> &[u8] {
        let Some(start) = self.start(index) else { return &[] };
        let end = self.next_start(index) - 1;
        self.text.get(start..end).unwrap_or_default()
    }

    /// Where the line behind this one begins, or would.
    pub(super) fn next_start(&self, index: usize) -> usize {
        self.start(index + 1).unwrap_or(self.text.len())
    }

    /// The line, at `from` or behind it, that the byte at this offset is in.
    pub(super) fn index_at(&self, from: usize, offset: usize) -> usize {
        // Mostly near: doubled steps, then halves.
        let mut step = 1;
        let mut low = from;
        while self.start(low + step).is_some_and(|start| start <= offset) {
            low += step;
            step *= 2;
        }
        while step > 0 {
            if self.start(low + step).is_some_and(|start| start <= offset) {
                low += step;
            }
            step /= 2;
        }
        low
    }
}

/// Memory for texts that are made, used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    text: Vec<u8>,
    offsets: Vec<u32>,
    raw: Vec<u8>,
    /// Where each line is in `raw`, for those in files.
    parts: Vec<Option<Range<usize>>>,
    /// Lines whose file could not be read, or was too short.
    pub(super) unreadable: u64,
    /// Whether something has to be waited for.
    pub(super) is_waiting: bool,
    /// Whether a very long line needs more steps.
    pub(super) is_unfinished: bool,
}

impl Scratch {
    /// Gives back its memory where that is much.
    pub(super) fn release(&mut self) {
        if self.text.capacity() + self.raw.capacity() > RELEASED_BYTES {
            *self = Self { unreadable: self.unreadable, ..Self::default() };
        }
    }

    /// The lines of a block from `from` on, or the first of them where they are too many to be read
    /// at once. Very long ones in files are left empty: see [`super::long`].
    pub(super) fn lines<'a>(
        &'a mut self,
        block: &'a Block,
        from: usize,
        files: &dyn Files,
    ) -> Lines<'a> {
        let records = block.records().get(from..).unwrap_or_default();
        let summary = block.summary();
        if summary.filed == 0 && summary.special == 0 {
            let start = records.first().map_or(0, Record::start);
            let text = block.text().get(start..).unwrap_or_default();
            return Lines { text, first: from, starts: Starts::Records(records) };
        }
        let mut sum = 0;
        let fits = records.iter().take_while(|record| {
            sum += if record.is_filed() && !record.is_long() { u64::from(record.len) } else { 0 };
            sum <= GATHER_BYTES_MAX
        });
        let count = fits.count();
        let records = records.get(..count).unwrap_or_default();
        self.read_files(records, files);
        self.text.clear();
        self.offsets.clear();
        for (record, part) in records.iter().zip(&self.parts) {
            self.offsets.push(self.text.len() as u32);
            let read = part.clone().and_then(|part| self.raw.get(part)).unwrap_or_default();
            let bytes = if record.is_filed() { read } else { block.held(record) };
            if record.is_special() || (record.is_filed() && is_special(bytes)) {
                push_plain(bytes, &mut self.text);
            } else {
                self.text.extend_from_slice(bytes);
            }
            self.text.push(b'\n');
        }
        Lines { text: &self.text, first: from, starts: Starts::Offsets(&self.offsets) }
    }

    fn read_files(&mut self, records: &[Record], files: &dyn Files) {
        self.raw.clear();
        self.parts.clear();
        self.parts.resize(records.len(), None);
        let short = |record: &Record| record.is_filed() && !record.is_long();
        let places = records.iter().enumerate().filter(|(_, record)| short(record));
        let mut places: Vec<(usize, FilePlace)> =
            places.map(|(index, record)| (index, record.file_place())).collect();
        places.sort_by_key(|(_, place)| (place.file, place.offset));
        let mut rest = places.as_slice();
        while let Some((_, first)) = rest.first() {
            let mut end = first.offset + first.len;
            let follows = |(_, place): &&(usize, FilePlace)| {
                let is_near = place.file == first.file && place.offset <= end + GAP_BYTES_MAX;
                let all = end.max(place.offset + place.len);
                let joins = is_near && all - first.offset <= RUN_BYTES_MAX;
                end = if joins { all } else { end };
                joins
            };
            // The first joins itself unless it is too long for a run.
            let count = rest.iter().take_while(follows).count().max(1);
            let (run, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            self.read_run(run, end, files);
            rest = later;
        }
    }

    /// Reads lines that are near each other in one file; `end` is where the last of them ends.
    fn read_run(&mut self, run: &[(usize, FilePlace)], end: u64, files: &dyn Files) {
        let Some((_, first)) = run.first() else { return };
        let start = self.raw.len();
        self.raw.resize(start + (end - first.offset) as usize, 0);
        let buffer = self.raw.get_mut(start..).unwrap_or_default();
        let count = match read_all(files, first.file, first.offset, buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_waiting = true;
                return;
            }
            Err(_) => 0,
        };
        for (index, place) in run {
            let offset = (place.offset - first.offset) as usize;
            let line = offset..offset + place.len as usize;
            if line.end > count {
                self.unreadable += 1;
                continue;
            }
            if let Some(part) = self.parts.get_mut(*index) {
                *part = Some(start + line.start..start + line.end);
            }
        }
    }
}
