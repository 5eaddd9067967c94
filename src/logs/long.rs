//! Very long lines, which stay in files: searched piece by piece, over as many steps as that takes.
//!
//! Invariant: one such line is under way at a time, and little more than a piece of it is held; what
//! came of one is known until something else is searched for, so that no file is read twice for it.

use std::collections::HashMap;
use std::io;

use memchr::memrchr;

use super::bytes::ESCAPE;
use super::line::{FileId, FilePlace, LINE_BYTES_MAX};
use super::pattern::Pattern;
use super::read::{Files, push_parts, read_all};

/// How much of such a line is read at a time, bytes.
const PIECE_BYTES: usize = LINE_BYTES_MAX;
/// How much is looked at in a step, bytes.
const STEP_BYTES: usize = 2 * PIECE_BYTES;
/// How many pieces are asked for ahead.
const AHEAD: u64 = 1;
/// What a piece repeats of the one before: a match of more bytes than this can be missed.
const OVERLAP_BYTES: usize = 64 * 1024;
/// An escape sequence that begins so near the end of a piece is left to the next one, bytes.
const SEQUENCE_BYTES_MAX: usize = 4 * 1024;
/// Of so many lines at most it is known whether they match.
const KNOWN_MAX: usize = 64 * 1024;

/// What came of a look at a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// Whether it matches.
    Known(bool),
    /// That is not known yet: the step has looked at enough.
    Unfinished,
}

/// Which lines match, by where each is.
type Known = HashMap<(FileId, u64), bool>;

/// The very long lines that a view searches.
#[derive(Debug, Clone, Default)]
pub(super) struct LongLines {
    known: Vec<(Pattern, Known)>,
    under_way: Option<(Pattern, Course)>,
    /// Whether that one was looked at in this step: it is not given up for another.
    is_taken: bool,
    /// How much this step may look at, bytes.
    left: usize,
}

impl LongLines {
    /// A step begins.
    pub(super) fn begin_step(&mut self) {
        (self.is_taken, self.left) = (false, STEP_BYTES);
        if self.known.iter().map(|(_, lines)| lines.len()).sum::<usize>() > KNOWN_MAX {
            self.known.clear();
        }
    }

    /// Looks at a line, as far as this step may; `cost` grows by the bytes looked at.
    ///
    /// # Errors
    /// What the system says of the file, [`io::ErrorKind::WouldBlock`] where it has to be waited for.
    pub(super) fn look(
        &mut self,
        pattern: &Pattern,
        place: FilePlace,
        files: &dyn Files,
        cost: &mut usize,
    ) -> io::Result<Looked> {
        let key = (place.file, place.offset);
        let known = self.known.iter().find(|(other, _)| other == pattern);
        if let Some(is_match) = known.and_then(|(_, lines)| lines.get(&key)) {
            return Ok(Looked::Known(*is_match));
        }
        let mut course = match self.under_way.take() {
            Some((of, course)) if course.place == place && of == *pattern => course,
            Some(other) if self.is_taken => {
                self.under_way = Some(other);
                return Ok(Looked::Unfinished);
            }
            _ => Course::new(place),
        };
        let before = self.left;
        let ends = |text: &[u8], from| pattern.end_of_first(text, from);
        let looked = course.go_on(&ends, files, &mut self.left);
        *cost += before - self.left;
        let is_over = match &looked {
            Ok(Looked::Known(is_match)) => {
                self.know(pattern, key, *is_match);
                true
            }
            Ok(Looked::Unfinished) => false,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        };
        if !is_over {
            (self.under_way, self.is_taken) = (Some((pattern.clone(), course)), true);
        }
        looked
    }

    fn know(&mut self, pattern: &Pattern, key: (FileId, u64), is_match: bool) {
        match self.known.iter_mut().find(|(other, _)| other == pattern) {
            Some((_, lines)) => _ = lines.insert(key, is_match),
            None => self.known.push((pattern.clone(), Known::from([(key, is_match)]))),
        }
    }
}

/// Whether a pattern is in a very long line, which is searched to its end at once; `end_of_first` says by which
/// byte of a text its first match from a place on has ended.
///
/// # Errors
/// What the system says of the file.
pub fn is_in_long_line(
    end_of_first: EndOfFirst<'_>,
    place: FilePlace,
    files: &dyn Files,
) -> io::Result<bool> {
    let mut course = Course::new(place);
    loop {
        let mut left = STEP_BYTES;
        if let Looked::Known(is_match) = course.go_on(end_of_first, files, &mut left)? {
            return Ok(is_match);
        }
    }
}

/// By which byte of a text the first match of a pattern from a place on has ended.
type EndOfFirst<'a> = &'a dyn Fn(&[u8], usize) -> Option<usize>;

/// A line under way.
#[derive(Debug, Clone)]
struct Course {
    place: FilePlace,
    /// How much of it was read, bytes.
    read: u64,
    /// The end of what was read that may go on: it is searched with what follows.
    raw: Vec<u8>,
    /// The end of what was searched, as it is shown.
    text: Vec<u8>,
    /// Whether the line has more before that.
    has_before: bool,
}

impl Course {
    fn new(place: FilePlace) -> Self {
        Self { place, read: 0, raw: Vec::new(), text: Vec::new(), has_before: false }
    }

    /// Reads and searches the next pieces while something is left.
    fn go_on(
        &mut self,
        end_of_first: EndOfFirst<'_>,
        files: &dyn Files,
        left: &mut usize,
    ) -> io::Result<Looked> {
        while *left > 0 {
            let wanted = self.next_len(self.read);
            self.read_piece(wanted, files)?;
            *left = left.saturating_sub(wanted);
            self.read += wanted as u64;
            let is_last = self.read >= self.place.len;
            let whole = if is_last { self.raw.len() } else { whole_end(&self.raw) };
            push_parts(self.raw.get(..whole).unwrap_or_default(), &mut self.text);
            self.raw.drain(..whole);
            while is_last && self.text.last() == Some(&b'\r') {
                self.text.pop();
            }
            // Anchors see the byte before: a later piece is not the beginning, an earlier not the end.
            let end = end_of_first(&self.text, usize::from(self.has_before));
            if end.is_some_and(|end| is_last || end < self.text.len()) {
                return Ok(Looked::Known(true));
            }
            if is_last {
                return Ok(Looked::Known(false));
            }
            let over = self.text.len().saturating_sub(OVERLAP_BYTES);
            self.text.drain(..over);
            self.has_before |= over > 0;
        }
        Ok(Looked::Unfinished)
    }

    /// The length of the piece at a place of the line, bytes.
    fn next_len(&self, at: u64) -> usize {
        let rest = usize::try_from(self.place.len.saturating_sub(at)).unwrap_or(usize::MAX);
        rest.min(PIECE_BYTES)
    }

    /// Reads a piece behind what there is; where that fails, nothing has changed.
    fn read_piece(&mut self, wanted: usize, files: &dyn Files) -> io::Result<()> {
        let (before, at) = (self.raw.len(), self.place.offset + self.read);
        self.raw.resize(before + wanted, 0);
        let buffer = self.raw.get_mut(before..).unwrap_or_default();
        let error = match read_all(files, self.place.file, at, buffer) {
            Ok(count) if count == wanted => return Ok(()),
            Ok(_) => io::ErrorKind::UnexpectedEof.into(),
            Err(error) => error,
        };
        self.raw.truncate(before);
        for piece in 1..=AHEAD {
            let ahead = self.read + piece * PIECE_BYTES as u64;
            let len = self.next_len(ahead);
            if error.kind() == io::ErrorKind::WouldBlock && len > 0 {
                files.want_soon(self.place.file, self.place.offset + ahead, len);
            }
        }
        Err(error)
    }
}

/// Up to where a piece of a line is whole: no escape sequence, carriage return or character may go on
/// behind that.
fn whole_end(piece: &[u8]) -> usize {
    let from = piece.len().saturating_sub(SEQUENCE_BYTES_MAX);
    let last = |end: usize| Some(from + memrchr(ESCAPE, piece.get(from..end)?)?);
    let mut end = piece.len();
    if let Some(escape) = last(end) {
        // It may be the end of a sequence that began before: ESC and a backslash.
        let is_end = matches!(piece.get(escape + 1), None | Some(b'\\'));
        end = last(escape).filter(|_| is_end).unwrap_or(escape);
    }
    let bytes = piece.get(..end).unwrap_or_default();
    let begun = bytes.iter().rev().take(3).position(|byte| *byte >= 0xc0).map_or(0, |at| at + 1);
    let is_begun = match bytes.len().checked_sub(begun).and_then(|at| bytes.get(at)) {
        Some(0xc0..=0xdf) => begun < 2,
        Some(0xe0..=0xef) => begun < 3,
        Some(0xf0..=0xf7) => begun < 4,
        _ => false,
    };
    end - if is_begun { begun } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_ends_before_what_may_go_on() {
        let whole = |piece: &[u8]| whole_end(piece);
        assert_eq!(whole(b"plain"), 5);
        assert_eq!(whole(b"a\x1b[3"), 1);
        assert_eq!(whole(b"\x1b[31mred"), 0, "it may be whole: the next piece has it");
        assert_eq!(whole(b"a\x1b]0;title\x1b\\b"), 1);
        assert_eq!(whole(b"a\x1b]0;title\x1b"), 1);
        assert_eq!(whole("aé".as_bytes()), 3);
        assert_eq!(whole(&"aé".as_bytes()[..2]), 1);
        assert_eq!(whole(&"a\u{1f600}".as_bytes()[..4]), 1);
        assert_eq!(whole("a\u{1f600}".as_bytes()), 5);
        assert_eq!(whole(b"a\xff\xfe"), 3, "no character begins there, or it is no character");
        let far = [b"\x1b[31m".as_slice(), &[b'x'; SEQUENCE_BYTES_MAX]].concat();
        assert_eq!(whole(&far), far.len());
    }
}
