//! Lines of history that stay in their files until they are printed: memory that is touched for the first
//! time costs more than to read them once more.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;

use crate::daemon::history::Line;
use crate::daemon::seam::read_whole;
use crate::logs::parse::{Level, Place};

/// How much of a file is read at once, bytes.
const BUFFER_BYTES: usize = 64 << 10;
/// How much of a long line is copied at once, bytes.
const COPY_BYTES: u64 = 1 << 20;
/// Of a longer line only the beginning is held and printed, unless its bytes are asked for, bytes.
pub(super) const LINE_BYTES_MAX: usize = 2 << 20;
/// So much of it, bytes.
const BEGINNING_BYTES: usize = 64 << 10;

/// A line without its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    at_ms: i64,
    offset: u64,
    /// How long it is, bytes: of a long one more than is read again.
    len: u64,
    stamp_bytes: u16,
    level: Option<Level>,
    is_estimated: bool,
    is_ended: bool,
    place: Place,
}

impl Kept {
    /// How many bytes it has, whether it is of the entry of the line before it, and whether a newline ends
    /// it.
    pub(super) fn extent(self) -> (u64, bool, bool) {
        (self.len, self.place == Place::GoesOn, self.is_ended)
    }

    /// Whether more than its beginning is not held.
    pub(super) fn is_long(self) -> bool {
        self.len > LINE_BYTES_MAX as u64
    }

    /// Of a line; `None` where it is not known where that is in its file.
    pub(super) fn of(line: &Line) -> Option<Self> {
        Some(Self {
            at_ms: line.at_ms,
            offset: line.offset?,
            len: line.bytes.len() as u64 + line.more,
            stamp_bytes: u16::try_from(line.stamp_bytes).ok()?,
            level: line.level,
            is_estimated: line.is_estimated,
            is_ended: line.is_ended,
            place: line.place,
        })
    }
}

/// Reads the lines of a file again, best from the first on.
#[derive(Debug)]
pub(super) struct Again {
    file: Arc<File>,
    buffer: Bytes,
    /// Where in the file the buffer begins.
    held: u64,
    /// The last line.
    line: Line,
}

impl Again {
    pub(super) fn of(file: Arc<File>) -> Self {
        let line = Line {
            at_ms: 0,
            is_estimated: false,
            level: None,
            bytes: Bytes::new(),
            more: 0,
            offset: None,
            is_ended: false,
            stamp_bytes: 0,
            place: Place::Begins,
            bounds_ms: None,
        };
        Self { file, buffer: Bytes::new(), held: 0, line }
    }

    /// Writes all bytes of a line, and a newline where one ends it; false where the file does not hold them any
    /// more.
    ///
    /// # Errors
    /// Those of writing.
    pub(super) fn copy(&mut self, kept: Kept, out: &mut impl Write) -> io::Result<bool> {
        let end = kept.offset.saturating_add(kept.len);
        let mut at = kept.offset;
        let mut part = Vec::new();
        while at < end {
            let wanted = (end - at).min(COPY_BYTES);
            part.resize(usize::try_from(wanted).unwrap_or_default(), 0);
            let Ok(read) = read_whole(&self.file, &mut part, at) else { return Ok(false) };
            out.write_all(part.get(..read).unwrap_or_default())?;
            at += read as u64;
            if (read as u64) < wanted {
                return Ok(false);
            }
        }
        if kept.is_ended {
            out.write_all(b"\n")?;
        }
        Ok(true)
    }

    /// The line with its bytes; `None` where the file does not hold it any more.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn line(&mut self, kept: Kept) -> io::Result<Option<&Line>> {
        let whole = usize::try_from(kept.len).ok().filter(|len| *len <= LINE_BYTES_MAX);
        let len = whole.unwrap_or(BEGINNING_BYTES);
        if self.range(kept.offset, len).is_none() {
            // The same memory again, once the last line is no more.
            self.line.bytes = Bytes::new();
            let mut buffer = Vec::from(std::mem::take(&mut self.buffer));
            buffer.resize(len.max(BUFFER_BYTES), 0);
            let read = read_whole(&self.file, &mut buffer, kept.offset)?;
            buffer.truncate(read);
            (self.buffer, self.held) = (buffer.into(), kept.offset);
        }
        let Some(range) = self.range(kept.offset, len) else { return Ok(None) };
        self.line.bytes = self.buffer.slice(range);
        let line = &mut self.line;
        (line.at_ms, line.is_estimated, line.level) = (kept.at_ms, kept.is_estimated, kept.level);
        (line.offset, line.is_ended) = (Some(kept.offset), kept.is_ended);
        line.stamp_bytes = usize::from(kept.stamp_bytes);
        (line.place, line.more) = (kept.place, kept.len - len as u64);
        Ok(Some(line))
    }

    /// Where in the buffer a part of the file is, if all of it is there.
    fn range(&self, offset: u64, len: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(offset.checked_sub(self.held)?).ok()?;
        let end = start.checked_add(len)?;
        (end <= self.buffer.len()).then_some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::history::{Backwards, Format};

    #[test]
    fn lines_are_read_again_as_they_were_and_what_is_cut_off_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let long = "x".repeat(BUFFER_BYTES + 10);
        let text = (0..5_000).fold(String::new(), |text, n| text + &format!("line {n}\n"));
        // Of this one a part is read.
        let longest = "y".repeat(LINE_BYTES_MAX + 7);
        std::fs::write(&path, format!("{text}{longest}\n{long}\n\nlast")).unwrap();
        let format = Format { declared: None, zone: jiff::tz::TimeZone::UTC, is_err: false };
        let mut file = Backwards::open(&path, None, format).unwrap();
        file = file.leaving_lines_over(LINE_BYTES_MAX);
        let mut lines = Vec::new();
        while let Some(line) = file.next().unwrap() {
            lines.push(line);
        }
        lines.reverse();
        let more = LINE_BYTES_MAX as u64 + 7 - BEGINNING_BYTES as u64;
        assert_eq!((lines[5_000].bytes.len(), lines[5_000].more), (BEGINNING_BYTES, more));
        let kept: Vec<Kept> = lines.iter().map(|line| Kept::of(line).unwrap()).collect();
        let mut again = Again::of(file.file());
        for (line, kept) in lines.iter().zip(&kept) {
            // Which lines are wanted was decided before.
            let wanted = Line { bounds_ms: None, ..line.clone() };
            assert_eq!(again.line(*kept).unwrap(), Some(&wanted));
        }
        let mut all = Vec::new();
        assert!(kept.iter().all(|kept| again.copy(*kept, &mut all).unwrap()));
        assert!(all == std::fs::read(&path).unwrap(), "{} bytes", all.len());
        let cut = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        cut.set_len(20).unwrap();
        let mut again = Again::of(file.file());
        assert_eq!(&*again.line(kept[0]).unwrap().unwrap().bytes, b"line 0");
        assert_eq!(again.line(kept[100]).unwrap(), None);
        assert!(!again.copy(kept[5_000], &mut Vec::new()).unwrap());
    }
}
