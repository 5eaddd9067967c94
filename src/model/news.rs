//! Lines that were told and not taken yet by whoever keeps them.
//!
//! Invariant: bounded; what is dropped is counted as lost.

use std::collections::VecDeque;

use super::log::LogLine;

/// The most lines that wait: more than one turn of the loop brings.
const LINES_MAX: usize = 100_000;

/// Lines that wait to be taken.
#[derive(Debug, Clone, Default)]
pub struct News {
    lines: VecDeque<LogLine>,
    /// How many these are, where each that came together counts.
    count: usize,
    lost: u64,
}

impl News {
    /// Adds a line.
    pub(super) fn push(&mut self, line: LogLine) {
        self.count += line.count();
        self.lines.push_back(line);
        while self.count > LINES_MAX
            && let Some(oldest) = self.lines.pop_front()
        {
            self.count -= oldest.count();
            self.lost += oldest.count() as u64;
        }
    }

    /// Counts lines that were lost on the way here.
    pub(super) fn count_lost(&mut self, lines: u64) {
        self.lost += lines;
    }

    /// The lines that wait, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &LogLine> {
        self.lines.iter()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Takes all, and how many were lost since.
    pub fn take(&mut self) -> (impl Iterator<Item = LogLine> + use<>, u64) {
        self.count = 0;
        (std::mem::take(&mut self.lines).into_iter(), std::mem::take(&mut self.lost))
    }
}
