//! What opens over the log: an entry whole, the muted processes.
//!
//! Invariant: plain data; nothing here acts on a process.

use super::editor::Editor;
use super::log_entry::Entry;

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
        false
    }

    /// The line that is typed into, if there is one.
    pub(super) fn input(&mut self) -> Option<&mut Editor> {
        match self {
            Self::Entry(entry) => entry.typing.as_mut(),
            Self::Muted { .. } => None,
        }
    }
}
