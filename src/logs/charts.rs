//! Where things are in a view: the ruler beside the lines, and lines by level over time.
//!
//! Invariant: a block that is in one part counts by its sums, so that only those at the borders of
//! parts are looked into.

use super::line::LEVELS;
use super::parse::Level;
use super::slot::Counts;
use super::store::Store;
use super::view::View;

/// What is in one part of the lines shown, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// Lines.
    pub lines: u64,
    /// Lines of warnings.
    pub warnings: u64,
    /// Lines of errors and worse ones.
    pub errors: u64,
    /// Ends and restarts of processes.
    pub turns: u64,
    /// Matches of the search.
    pub hits: u64,
}

/// What was written in one part of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Its first millisecond since 1970.
    pub from_ms: i64,
    /// Lines by level: see [`super::column`].
    pub levels: [u64; LEVELS],
    /// Ends and restarts of processes.
    pub turns: u64,
    /// Matches of the search.
    pub hits: u64,
}

/// Numbers from `from` on, so many, in parts of the same size.
struct Parts {
    from: i128,
    span: i128,
    count: i128,
}

impl Parts {
    fn of(&self, number: i128) -> i128 {
        ((number - self.from) * self.count / self.span).clamp(0, self.count - 1)
    }

    /// The first number of a part.
    fn start(&self, part: i128) -> i128 {
        self.from + (part * self.span + self.count - 1) / self.count
    }
}

impl View {
    /// The lines shown in so many parts of the same number of lines, for a ruler of so many cells.
    #[must_use]
    pub fn overview(&self, store: &Store, cells: usize) -> Vec<Cell> {
        let parts = Parts { from: 0, span: self.len().max(1).into(), count: cells.max(1) as i128 };
        let sums = self.sums(store, cells, &parts, |position, _| position.into(), true);
        let cell = |sum: Counts| Cell {
            lines: sum.lines,
            warnings: sum.at_least(Level::Warn) - sum.at_least(Level::Error),
            errors: sum.at_least(Level::Error),
            turns: sum.turns,
            hits: sum.hits,
        };
        sums.into_iter().map(cell).collect()
    }

    /// The lines shown by level, over the time from the first to the last of them, in so many
    /// parts. Empty where nothing is shown.
    #[must_use]
    pub fn histogram(&self, store: &Store, buckets: usize) -> Vec<Bucket> {
        let end = self.len().checked_sub(1);
        let ends = self.line_at(store, 0).zip(end.and_then(|end| self.line_at(store, end)));
        let Some((first, last)) = ends else { return Vec::new() };
        let from = i128::from(first.order_ms);
        let span = i128::from(last.order_ms) - from + 1;
        let parts = Parts { from, span, count: buckets.max(1) as i128 };
        let sums = self.sums(store, buckets, &parts, |_, at_ms| at_ms.into(), false);
        let bucket = |(sum, part): (Counts, i128)| {
            let from_ms = parts.start(part) as i64;
            Bucket { from_ms, levels: sum.levels, turns: sum.turns, hits: sum.hits }
        };
        sums.into_iter().zip(0..).map(bucket).collect()
    }

    /// Counts of the lines shown in parts by a number that their position and time give, and that
    /// never goes down; `by_position` where it is the position.
    fn sums(
        &self,
        store: &Store,
        count: usize,
        parts: &Parts,
        number: impl Fn(u64, i64) -> i128,
        by_position: bool,
    ) -> Vec<Counts> {
        let mut sums = vec![Counts::default(); count];
        for (index, before) in self.before.iter().enumerate() {
            let Some((slot, block)) = self.pair(store, index) else { continue };
            let ends = block.first().zip(block.last());
            let Some((first, last)) = ends.filter(|_| slot.counts.lines > 0) else { continue };
            let (low, high) = (before.lines, before.lines + slot.counts.lines - 1);
            let mut part = parts.of(number(low, first.order_ms));
            if part == parts.of(number(high, last.order_ms)) {
                if let Some(sum) = sums.get_mut(part as usize) {
                    sum.add(&slot.counts);
                }
                continue;
            }
            if let Some(level) = slot.counts.only_level().filter(|_| by_position) {
                let mut from = i128::from(low);
                while from <= high.into() {
                    let end = parts.start(part + 1).min(i128::from(high) + 1);
                    if let Some(sum) = sums.get_mut(part as usize) {
                        sum.add_lines(level, (end - from) as u64);
                    }
                    (from, part) = (end, part + 1);
                }
                continue;
            }
            let mut end = parts.start(part + 1);
            let records = block.records();
            let shown = slot.shown.iter_from(0);
            let lines = shown.filter_map(|line| Some((line, records.get(line)?)));
            for ((line, record), position) in lines.zip(low..) {
                let number = number(position, block.id_of(record).order_ms);
                if number >= end {
                    part = parts.of(number);
                    end = parts.start(part + 1);
                }
                if let Some(sum) = sums.get_mut(part as usize) {
                    sum.add_line(record);
                    sum.hits += u64::from(slot.hits.get(line));
                }
            }
        }
        sums
    }
}
