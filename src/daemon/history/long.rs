//! Lines of a file that are too long to be held, read backwards: where each begins.
//!
//! Invariant: of such a line only its beginning is held; the rest stays in the file.

use std::fs::File;
use std::io;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::{Backwards, READ_BYTES_MAX, Raw, Rest};
use crate::daemon::seam::read_whole;

/// A line that is longer still comes in parts of this length, so that none is looked through for long, bytes.
const PART_BYTES_MAX: u64 = 256 << 20;
/// How much is looked through at once for the beginning of such a line, bytes.
const LOOK_BYTES: u64 = 256 << 10;

impl Backwards {
    /// Leaves lines that are too long to be held in the file, instead of giving them in pieces.
    #[must_use]
    pub(crate) fn leaving_long_lines(self) -> Self {
        self.leaving_lines_over(READ_BYTES_MAX)
    }

    /// The same; one of so many bytes is held all the same.
    #[must_use]
    pub(crate) fn leaving_lines_over(mut self, whole_max: usize) -> Self {
        self.leaves_long = Some(whole_max);
        self
    }

    /// The same as another reader.
    #[must_use]
    pub(crate) fn leaving_as(mut self, other: &Self) -> Self {
        self.leaves_long = other.leaves_long;
        self
    }

    /// The line whose end was read stays in the file: it is one of the lines, with its beginning.
    pub(super) fn leave_line(&mut self, whole_max: usize) -> io::Result<()> {
        let ends_at = self.at + self.rest.bytes as u64;
        let is_ended = self.rest.ends_with_newline();
        self.rest = Rest::default();
        let lowest = ends_at.saturating_sub(PART_BYTES_MAX).min(self.at);
        self.at = beginning(&self.file, lowest, self.at, &mut self.buffer)?;
        let len = (ends_at - self.at).saturating_sub(u64::from(is_ended));
        let whole = usize::try_from(len).ok().filter(|len| *len <= whole_max);
        let mut bytes = vec![0; whole.unwrap_or(READ_BYTES_MAX)];
        let read = read_whole(&self.file, &mut bytes, self.at)?;
        bytes.truncate(read);
        let more = len - bytes.len() as u64;
        self.lines.push(Raw { bytes: bytes.into(), more, is_ended });
        Ok(())
    }
}

/// Where the line begins that an offset is in, but not before `lowest`.
fn beginning(file: &File, lowest: u64, within: u64, buffer: &mut Vec<u8>) -> io::Result<u64> {
    let mut at = within;
    if is_hole(file, lowest, at) {
        return Ok(lowest);
    }
    while at > lowest {
        let from = at.saturating_sub(LOOK_BYTES).max(lowest);
        if is_hole(file, from, at) {
            at = from;
            continue;
        }
        buffer.resize(usize::try_from(at - from).unwrap_or_default(), 0);
        let read = read_whole(file, buffer, from)?;
        if let Some(end) = memchr::memrchr(b'\n', buffer.get(..read).unwrap_or_default()) {
            return Ok(from + end as u64 + 1);
        }
        at = from;
    }
    Ok(lowest)
}

/// Whether a part of a file was never written, as far as its file system tells: it reads as bytes of zero. A file
/// that was emptied under a writer who goes on where he was has many of them before its first line.
pub(super) fn is_hole(file: &File, from: u64, to: u64) -> bool {
    // Nothing else reads by the place of the file that this moves.
    match rustix::fs::seek(file, SeekFrom::Data(from)) {
        Ok(data) => data >= to,
        Err(error) => error == Errno::NXIO,
    }
}

impl Rest {
    fn ends_with_newline(&self) -> bool {
        let last = self.parts.iter().find(|part| !part.is_empty());
        last.is_some_and(|part| part.last() == Some(&b'\n'))
    }
}
