//! The log files that lines stay in, and what was read of them again.
//!
//! Invariant: nothing is read here, and what is held has a bound.

use std::collections::BTreeSet;

use super::command::Command;
use crate::logs::{Body, Bounds, FileId, LineRef, Part, Pieces, Rereads};
use crate::model::DaemonId;
use crate::model::past::{Again, PartRead};

/// What came from files is held up to this part of the store; what comes on top of it stays in the files.
const HELD_PART: usize = 128;
/// And up to so much, however large the store is, bytes.
const HELD_BYTES_MAX: usize = 4 << 20;
/// What is held of files for what is in sight, bytes.
const SEEN_BYTES_MAX: usize = 2 << 20;

/// The files that lines are in, and what was read of them again.
#[derive(Debug, Default)]
pub(super) struct Filed {
    /// By their numbers.
    pub(super) files: Vec<(DaemonId, Again)>,
    /// What came from files and is held all the same, bytes.
    held_bytes: usize,
    /// What was read for what is in sight.
    pub(super) seen: Pieces,
    /// What was read for search and filters.
    pub(super) searched: Pieces,
    /// What was to be done with a line that had to be read first.
    pub(super) then: Option<Command>,
    /// The files that do not hold their lines any more.
    gone: BTreeSet<u16>,
}

impl Filed {
    /// The number of a file that lines of this size stay in; `None` where they are held.
    pub(super) fn number(
        &mut self,
        daemon: DaemonId,
        again: &Again,
        bytes: usize,
        bounds: Bounds,
    ) -> Option<FileId> {
        if self.held_bytes + bytes <= (bounds.bytes / HELD_PART).min(HELD_BYTES_MAX) {
            self.held_bytes += bytes;
            return None;
        }
        self.file(daemon, again)
    }

    /// The number of a file; `None` where there are too many.
    pub(super) fn file(&mut self, daemon: DaemonId, again: &Again) -> Option<FileId> {
        let known = self.files.iter().position(|(_, file)| file == again);
        let index = known.unwrap_or(self.files.len());
        let number = u16::try_from(index).ok()?;
        if known.is_none() {
            self.files.push((daemon, again.clone()));
        }
        Some(FileId(number))
    }

    /// For whoever may wait.
    pub(super) fn rereads(&self) -> Rereads {
        Rereads(self.files.iter().map(|(_, file)| file.clone()).collect())
    }

    /// Whether what is shown of a line is there.
    pub(super) fn has(&self, line: &LineRef<'_>, bytes_max: usize) -> bool {
        let Body::Filed(place) = line.body else { return true };
        let len = u32::try_from(place.len.min(bytes_max as u64)).unwrap_or(u32::MAX);
        len == 0 || self.seen.want(Part { file: place.file, offset: place.offset, len })
    }
    /// Parts of files came; whether the first of a file are gone.
    pub(super) fn take(&mut self, parts: Vec<PartRead>) -> bool {
        let mut is_news = false;
        for PartRead { file, offset, len, bytes } in parts {
            is_news |= bytes.is_none() && self.gone.insert(file);
            let part = Part { file: FileId(file), offset, len };
            if self.seen.is_asked(part) {
                self.seen.put(part, bytes.clone());
            }
            if self.searched.is_asked(part) {
                self.searched.put(part, bytes);
            }
        }
        self.seen.shrink_to(SEEN_BYTES_MAX);
        is_news
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::past::Reread;

    #[derive(Debug)]
    struct Nothing;

    impl Reread for Nothing {
        fn read_at(&self, _: &mut [u8], _: u64) -> std::io::Result<usize> {
            Ok(0)
        }
    }

    #[test]
    fn few_lines_of_files_are_held_however_large_the_store_is() {
        let again = Again(Arc::new(Nothing));
        let bounds = Bounds { lines: 5_000_000, bytes: 4 << 30 };
        let mut filed = Filed::default();
        let mut number = |bytes| filed.number(DaemonId(0), &again, bytes, bounds);
        assert_eq!(number(HELD_BYTES_MAX), None);
        assert_eq!(number(1), Some(FileId(0)));
    }
}
