//! What opens over the log: an entry whole, the muted processes, a question before a file is replaced.
//!
//! Invariant: plain data; what is chosen over time is a moment, never a column: columns change as lines
//! come.

use super::editor::Editor;
use super::log_entry::Entry;
use crate::logs::Bucket;

/// Which part of the time is chosen; `None` for the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moments {
    /// A moment in it, milliseconds since 1970.
    pub at_ms: Option<i64>,
    /// Whether it was chosen for its errors: these are gone to, not its first line.
    pub is_for_errors: bool,
}

impl Moments {
    /// The place of the chosen part.
    #[must_use]
    pub fn chosen(self, buckets: &[Bucket]) -> usize {
        let last = buckets.len().saturating_sub(1);
        let Some(at_ms) = self.at_ms else { return last };
        buckets.partition_point(|bucket| bucket.from_ms <= at_ms).saturating_sub(1)
    }
}

/// What is open over the log.
#[derive(Debug, Clone, PartialEq)]
pub enum LogSheet {
    /// An entry whole.
    Entry(Box<Entry>),
    /// The muted processes.
    Muted {
        /// Which of them is chosen, from 0.
        chosen: usize,
    },
    /// Lines by level over time.
    Histogram(Moments),
    /// Whether a file that is there is replaced by what is saved.
    Replace {
        /// Its path, cleaned.
        path: Box<str>,
    },
}

impl LogSheet {
    /// Whether letters are text rather than commands.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        matches!(self, Self::Entry(entry) if entry.typing.is_some())
    }

    /// Whether it asks a question that `y` answers.
    #[must_use]
    pub fn is_question(&self) -> bool {
        matches!(self, Self::Replace { .. })
    }

    /// The line that is typed into, if there is one.
    pub(super) fn input(&mut self) -> Option<&mut Editor> {
        match self {
            Self::Entry(entry) => entry.typing.as_mut(),
            Self::Muted { .. } | Self::Histogram(_) | Self::Replace { .. } => None,
        }
    }
}
