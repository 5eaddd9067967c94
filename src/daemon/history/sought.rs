//! What is looked for in a log file by what its lines say: quicker than to read them all.
//!
//! Invariant: the lines of a piece that may have nothing of it are not looked at one by one.

use std::fs::File;
use std::io;

use super::{Backwards, LINE_BYTES_MAX, Line, Raw, ended};

/// What is looked for.
pub(crate) struct Sought<'a> {
    /// Whether a line is it: its bytes as they are in the file, of one that stays there the first, and where
    /// all of it is.
    pub(crate) is_it: IsIt<'a>,
    /// Whether it may be among several lines.
    pub(crate) may_be_in: &'a dyn Fn(&[u8]) -> bool,
}

/// Whether a line is looked for.
type IsIt<'a> = &'a dyn Fn(&[u8], Option<InFile<'_>>) -> io::Result<bool>;

/// A line that is too long to be held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InFile<'a> {
    /// Its file.
    pub(crate) file: &'a File,
    /// Its first byte there.
    pub(crate) offset: u64,
    /// Its length without the newline, bytes.
    pub(crate) len: u64,
}

impl Line {
    /// Where all of it is, of one that is not held whole.
    pub(crate) fn in_file<'a>(&self, file: &'a File) -> Option<InFile<'a>> {
        let offset = self.offset.filter(|_| self.more > 0)?;
        Some(InFile { file, offset, len: self.bytes.len() as u64 + self.more })
    }
}

impl Backwards {
    /// The line before the last one given that is looked for; quicker than to ask for all. One without a
    /// time has one by its place in the file.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn next_sought(&mut self, sought: &Sought<'_>) -> io::Result<Option<Line>> {
        loop {
            while let Some(raw) = self.lines.pop() {
                if let Some(line) = self.found(&raw, sought)? {
                    return Ok(Some(line));
                }
            }
            if self.at == 0 {
                let raw = ended(self.rest.take().into());
                return if raw.extent() > 0 { self.found(&raw, sought) } else { Ok(None) };
            }
            let Some(piece) = self.piece()? else { continue };
            let whole = memchr::memchr(b'\n', &piece).map(|end| piece.split_at(end + 1));
            match whole {
                // A line that is longer than that is cut, not read on and on.
                Some((rest, whole))
                    if rest.len() <= LINE_BYTES_MAX && !(sought.may_be_in)(whole) =>
                {
                    self.given = self.given.saturating_sub(whole.len() as u64);
                    self.rest.push(rest.to_vec());
                    self.buffer = piece;
                }
                _ => self.split(&piece.into()),
            }
        }
    }

    /// A line that was read, if it is looked for.
    fn found(&mut self, raw: &Raw, sought: &Sought<'_>) -> io::Result<Option<Line>> {
        let ends_at = self.given;
        self.given = ends_at.saturating_sub(raw.extent());
        let len = raw.bytes.len() as u64 + raw.more;
        let in_file = InFile { file: &self.file, offset: self.given, len };
        if !(sought.is_it)(&raw.bytes, (raw.more > 0).then_some(in_file))? {
            return Ok(None);
        }
        let (time, mut line) = self.format.read(&raw.bytes, self.reference_ms);
        (line.is_ended, line.more, line.offset) = (raw.is_ended, raw.more, Some(self.given));
        if let Some(at_ms) = time {
            self.reference_ms = at_ms;
        } else {
            // What is asked for by what it says is given its time by its neighbours, elsewhere.
            line.at_ms = self.span.at(ends_at);
        }
        Ok(Some(line))
    }
}
