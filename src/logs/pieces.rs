//! Parts of log files that were read again, for lines that stay in files.
//!
//! Invariant: no file is read here. What is not there is noted, to be read by the caller elsewhere: so
//! nobody waits for a disk. What is held and what is asked for has a bound.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::{Mutex, PoisonError};

use super::line::FileId;
use super::read::Files;

/// The most bytes that are held; the oldest parts fall out.
const HELD_BYTES_MAX: usize = 6 << 20;
/// The most bytes that are asked for at a time; more than a block of the store has.
const ASKED_BYTES_MAX: u64 = 4 << 20;
/// The most parts that are held or asked for.
const PARTS_MAX: usize = 16 << 10;
/// So many parts that begin before a place are looked at for one that holds it.
const LOOK_MAX: usize = 8;

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Of which file.
    pub file: FileId,
    /// Its first byte.
    pub offset: u64,
    /// Its length, bytes.
    pub len: u32,
}

impl Part {
    fn end(self) -> u64 {
        self.offset + u64::from(self.len)
    }

    fn holds(self, other: Self) -> bool {
        self.file == other.file && self.offset <= other.offset && self.end() >= other.end()
    }
}

/// What came of reading a part.
#[derive(Debug)]
struct Piece {
    /// How much was asked for, bytes; what is missing of it is behind the end of the file.
    len: u32,
    /// `None` where the file does not hold it any more or does not answer.
    bytes: Option<Box<[u8]>>,
}

/// Parts of files that were read again.
#[derive(Debug, Default)]
pub struct Pieces {
    held: BTreeMap<(FileId, u64), Piece>,
    /// Their keys, the oldest first.
    order: VecDeque<(FileId, u64)>,
    bytes: usize,
    asked: BTreeSet<Part>,
    asked_bytes: u64,
    /// What was looked for in vain since the last [`Self::take_missed`].
    missed: Mutex<Missed>,
}

#[derive(Debug, Default)]
struct Missed {
    parts: Vec<Part>,
    bytes: u64,
}

impl Pieces {
    /// What was missed and is not asked for yet: it is asked for now.
    pub fn take_missed(&mut self) -> Vec<Part> {
        let missed = self.missed.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut parts = std::mem::take(missed).parts;
        parts.retain(|part| self.asked.insert(*part));
        self.asked_bytes += parts.iter().map(|part| u64::from(part.len)).sum::<u64>();
        parts
    }

    /// Whether something was missed since that was taken last.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        let missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        !missed.parts.is_empty()
    }

    /// A part that was asked for was read, or cannot be.
    pub fn put(&mut self, part: Part, bytes: Option<Box<[u8]>>) {
        if self.asked.remove(&part) {
            self.asked_bytes = self.asked_bytes.saturating_sub(u64::from(part.len));
        }
        let key = (part.file, part.offset);
        if self.held.get(&key).is_some_and(|held| held.len >= part.len && held.bytes.is_some()) {
            return;
        }
        self.bytes += bytes.as_ref().map_or(0, |bytes| bytes.len());
        match self.held.insert(key, Piece { len: part.len, bytes }) {
            Some(old) => self.bytes -= old.bytes.map_or(0, |bytes| bytes.len()),
            None => self.order.push_back(key),
        }
        self.shrink_to(HELD_BYTES_MAX);
    }

    /// Lets all but so many bytes go.
    pub fn shrink_to(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max || self.held.len() > PARTS_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            let gone = self.held.remove(&oldest).and_then(|piece| piece.bytes);
            self.bytes -= gone.map_or(0, |bytes| bytes.len());
        }
    }

    /// Whether a part was asked for and did not come yet.
    #[must_use]
    pub fn is_asked(&self, part: Part) -> bool {
        self.asked.contains(&part)
    }

    /// Whether something that was asked for did not come yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether a part is there, or cannot be read; it is noted as missed where not.
    #[must_use]
    pub fn want(&self, part: Part) -> bool {
        let is_known = self.find(part).is_some();
        if !is_known {
            self.miss(part);
        }
        is_known
    }

    fn miss(&self, part: Part) {
        if self.asked.iter().any(|asked| asked.holds(part)) {
            return;
        }
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_noted = missed.parts.iter().rev().any(|noted| noted.holds(part));
        if !is_noted && missed.parts.len() < PARTS_MAX {
            missed.bytes += u64::from(part.len);
            missed.parts.push(part);
        }
    }

    fn find(&self, part: Part) -> Option<((FileId, u64), &Piece)> {
        let before = self.held.range(..=(part.file, part.offset)).rev().take(LOOK_MAX);
        let mut before = before.map(|(key, piece)| (*key, piece));
        before.find(|((file, offset), piece)| {
            Part { file: *file, offset: *offset, len: piece.len }.holds(part)
        })
    }
}

impl Files for Pieces {
    fn read_at(&self, file: FileId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let len = u32::try_from(buffer.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let part = Part { file, offset, len };
        let Some(((_, start), piece)) = self.find(part) else {
            self.miss(part);
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let Some(bytes) = &piece.bytes else { return Err(io::ErrorKind::NotFound.into()) };
        let from = usize::try_from(offset - start).unwrap_or(usize::MAX);
        let rest = bytes.get(from..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn want_soon(&self, file: FileId, offset: u64, len: usize) {
        if let (Ok(len), true) = (u32::try_from(len), self.has_room()) {
            let _ = self.want(Part { file, offset, len });
        }
    }

    fn has_room(&self) -> bool {
        let missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.bytes + self.asked_bytes < ASKED_BYTES_MAX && missed.parts.len() < PARTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileId = FileId(3);

    fn part(offset: u64, len: u32) -> Part {
        Part { file: FILE, offset, len }
    }

    #[test]
    fn what_is_missing_is_asked_for_once_and_then_read() {
        let mut pieces = Pieces::default();
        let mut buffer = [0; 4];
        let error = pieces.read_at(FILE, 10, &mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(!pieces.want(part(10, 4)) && !pieces.want(part(11, 2)));
        assert_eq!(pieces.take_missed(), [part(10, 4)]);
        assert!(pieces.read_at(FILE, 10, &mut buffer).is_err() && pieces.is_waiting());
        assert_eq!(pieces.take_missed(), [], "it is asked for already");
        pieces.put(part(10, 4), Some(b"abcd".as_slice().into()));
        assert_eq!(pieces.read_at(FILE, 11, &mut buffer[..3]).unwrap(), 3);
        assert_eq!((&buffer[..3], pieces.is_waiting()), (b"bcd".as_slice(), false));
        // What is behind the end of the file is not there, which is no error.
        pieces.put(part(20, 9), Some(b"end".as_slice().into()));
        assert_eq!(pieces.read_at(FILE, 20, &mut buffer).unwrap(), 3);
        assert_eq!(pieces.read_at(FILE, 23, &mut buffer).unwrap(), 0);
        // What cannot be read is not asked for again.
        pieces.put(part(40, 4), None);
        let error = pieces.read_at(FILE, 40, &mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(pieces.take_missed(), []);
    }

    #[test]
    fn what_is_held_and_asked_for_has_a_bound() {
        let mut pieces = Pieces::default();
        for number in 0..20 {
            let bytes = vec![b'x'; 1 << 20].into_boxed_slice();
            pieces.put(part(number << 20, 1 << 20), Some(bytes));
        }
        assert!(pieces.bytes <= HELD_BYTES_MAX && pieces.held.len() <= 6);
        assert!(!pieces.want(part(0, 1)) && pieces.want(part(19 << 20, 1)));
        assert!(pieces.has_room());
        let _ = pieces.want(part(1 << 40, u32::try_from(ASKED_BYTES_MAX).unwrap()));
        assert!(!pieces.has_room());
        pieces.shrink_to(0);
        assert_eq!((pieces.bytes, pieces.held.len()), (0, 0));
    }
}
