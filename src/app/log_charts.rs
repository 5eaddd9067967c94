//! Where things are in the log: the ruler beside its lines, and lines by level over time.
//!
//! Invariant: only what is shown counts.

use super::log_view::LogView;
use super::state::App;
use crate::logs::{Bucket, Cell, LEVELS, LineId, column};
use crate::model::log::Level;

/// Rows for the exits, the chosen column, the times and what is in the chosen one.
const ROWS_BELOW: u16 = 4;

impl LogView {
    /// The lines shown in so many parts.
    #[must_use]
    pub fn overview(&self, cells: usize) -> Vec<Cell> {
        self.view.overview(&self.store, cells)
    }

    /// The lines shown by level over time.
    #[must_use]
    pub fn histogram(&self, buckets: usize) -> Vec<Bucket> {
        self.view.histogram(&self.store, buckets)
    }

    /// From when on all is held of what is shown, milliseconds since 1970; `None` where all of it is.
    #[must_use]
    pub fn whole_since(&self) -> Option<i64> {
        let query = self.view.query();
        let sources = self.store.sources().filter(|(source, key, tally)| {
            let has_older = tally.gone > 0 || self.in_files.contains(source);
            has_older && query.scope.has(&key.owner) && query.streams.has(key.stream)
        });
        sources.filter_map(|(source, ..)| Some(self.store.first_of(source)?.id.order_ms)).max()
    }

    /// The first line shown that was written at a moment or later.
    pub(super) fn first_from(&self, at_ms: i64) -> Option<LineId> {
        let lines = self.lines();
        lines.at(lines.place_of(LineId::at_time(at_ms)))
    }
}

/// The parts of the time on a screen of this size, and how many rows of bars there are.
#[must_use]
pub fn parts(app: &App, size: (u16, u16)) -> (Vec<Bucket>, u16) {
    let columns = usize::from(size.0.saturating_sub(2)).max(1);
    let rows = size.1.saturating_sub(3 + ROWS_BELOW).max(1);
    (app.log_view.histogram(columns), rows)
}

/// What is in a part: errors, warnings, others.
#[must_use]
pub fn counts(bucket: &Bucket) -> [u64; 3] {
    let from =
        |least: Level| -> u64 { bucket.levels.iter().skip(column(Some(least))).take(LEVELS).sum() };
    let all: u64 = bucket.levels.iter().sum();
    let (errors, warnings) = (from(Level::Error), from(Level::Warn));
    [errors, warnings - errors, all - warnings]
}
