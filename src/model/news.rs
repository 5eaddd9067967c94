//! Lines that were told and not taken yet by whoever keeps them.
//!
//! Invariant: bounded; what is dropped is told before what is left.

use std::collections::VecDeque;

use super::gaps::Gaps;
use super::log::LogLine;

/// The most lines that wait: more than one turn of the loop brings.
const LINES_MAX: usize = 100_000;

/// Lines that wait to be taken.
#[derive(Debug, Clone, Default)]
pub struct News {
    lines: VecDeque<LogLine>,
    /// How many these are, where each that came together counts.
    count: usize,
    gaps: Gaps,
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
            self.gaps.add(&oldest);
        }
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

    /// Takes all, and before them what says how many were dropped since.
    pub fn take(&mut self) -> impl Iterator<Item = LogLine> + use<> {
        self.count = 0;
        self.gaps.take().into_iter().chain(std::mem::take(&mut self.lines))
    }
}
