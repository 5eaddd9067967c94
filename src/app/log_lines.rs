//! The lines of the log that are shown, by their places.

use super::log_line::{ROW_BYTES, Shown};
use crate::logs::{LineId, Pieces, Store, View};

/// The lines that are shown. A line's place is its index among them, from 0.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a> {
    pub(super) store: &'a Store,
    pub(super) view: &'a View,
    pub(super) files: &'a Pieces,
}

impl Lines<'_> {
    /// How many.
    #[must_use]
    pub fn len(self) -> usize {
        usize::try_from(self.view.len()).unwrap_or(usize::MAX)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.view.is_empty()
    }

    /// The place of a line; where it is not shown, that of the one after it.
    #[must_use]
    pub fn place_of(self, line: LineId) -> usize {
        usize::try_from(self.view.position(self.store, line)).unwrap_or(usize::MAX)
    }

    /// The line at a place.
    #[must_use]
    pub fn at(self, place: usize) -> Option<LineId> {
        self.view.line_at(self.store, place as u64)
    }

    /// So many lines from a place on, as rows show them.
    #[must_use]
    pub fn rows(self, place: usize, count: usize) -> Vec<Shown> {
        let lines = self.view.lines_from(self.store, place as u64, count);
        let shown = |id| Shown::of(self.store, self.files, &self.store.line(id)?, ROW_BYTES);
        lines.into_iter().filter_map(shown).collect()
    }
}
