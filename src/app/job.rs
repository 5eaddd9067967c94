//! A task of the engine that is under way, or several that are one to the user.
//!
//! Invariant: it ends with its last task.

use super::ended::Ended;
use crate::model::errand::TaskId;
use crate::model::kept::Kept;
use crate::model::{DaemonId, Target};

/// Something that is being done.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What: `flush the logs of 3 processes`.
    pub title: String,
    /// How many outcomes are expected, where that is known.
    pub expected: Option<usize>,
    /// The tasks that have not ended.
    pub(super) tasks: Vec<TaskId>,
    /// What came of its parts so far.
    pub(super) lines: Vec<(bool, String)>,
    /// What came of each task as a whole.
    pub(super) whole: Vec<(bool, String)>,
    pub(super) commands: Vec<String>,
    /// Whether what has not begun is to be left undone.
    pub(super) is_halted: bool,
    /// Whether it has parts, though it is not known how many.
    pub(super) has_parts: bool,
    /// What it starts again and of which nothing is known yet.
    pub(super) kept: Vec<(DaemonId, Kept)>,
    /// What it may delete, and what can be brought back then.
    pub(super) deletes: Vec<(DaemonId, Target)>,
}

impl Job {
    /// How many outcomes there are so far.
    #[must_use]
    pub fn done(&self) -> usize {
        self.lines.len()
    }

    /// Whether some of it may not have begun, and is not to be left undone yet.
    #[must_use]
    pub fn can_halt(&self) -> bool {
        let goes_on = self.expected.map_or(self.has_parts, |all| all > self.done() + 1);
        goes_on && !self.is_halted
    }

    /// What has not begun is to be left undone; false where nothing is left, or it is so already.
    pub(super) fn halt(&mut self) -> bool {
        let is_new = self.can_halt();
        self.is_halted |= is_new;
        is_new
    }

    /// What it was asked to start again by this name, the first of those of which nothing is known yet.
    pub(super) fn take_kept(&mut self, daemon: DaemonId, name: &str) -> Option<Kept> {
        let is_it = |(of, kept): &(DaemonId, Kept)| *of == daemon && *kept.target.name == *name;
        let place = self.kept.iter().position(is_it)?;
        Some(self.kept.remove(place).1)
    }

    /// What came of it.
    pub(super) fn into_ended(self) -> Ended {
        Ended::new(self.title, self.lines, self.commands).with_whole(self.whole)
    }
}
