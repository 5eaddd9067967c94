//! A task of the engine that is under way, or several that are one to the user.
//!
//! Invariant: it ends with its last task.

use super::ended::Ended;
use crate::model::errand::TaskId;

/// Something that is being done.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What: `flush the logs of 3 processes`.
    pub title: String,
    /// How many outcomes are expected, where that is known.
    pub expected: Option<usize>,
    /// The tasks that have not ended.
    pub(super) tasks: Vec<TaskId>,
    /// What came of it so far.
    pub(super) lines: Vec<(bool, String)>,
    pub(super) commands: Vec<String>,
    /// Whether what has not begun is to be left undone.
    pub(super) is_halted: bool,
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
        !self.is_halted && self.expected.is_some_and(|expected| expected > self.done() + 1)
    }

    /// What has not begun is to be left undone; false where nothing is left, or it is so already.
    pub(super) fn halt(&mut self) -> bool {
        let is_new = self.can_halt();
        self.is_halted |= is_new;
        is_new
    }

    /// What came of it.
    pub(super) fn into_ended(self) -> Ended {
        Ended::new(self.title, self.lines, self.commands)
    }
}
