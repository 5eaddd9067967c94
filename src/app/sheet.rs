//! What opens over the table about its rows: the question before several are acted on, and what came
//! of it, the columns.
//!
//! Invariant: nothing here changes the app but what is open; as in [`super::overlay`], what else is
//! wanted is said.

use super::batch::Ended;
use super::command::Command;
use super::editor::Editor;
use super::geometry::{COLUMNS_MIN, overlay};
use super::overlay::{Around, Taken};
use super::picker::Picker;
use super::several::{Several, scroll};
use crate::model::{DaemonId, Target};

/// What is open.
#[derive(Debug, Clone, PartialEq)]
pub enum Sheet {
    /// Whether several are to be acted on.
    Several(Several),
    /// What came of an action on several, scrolled down by so many lines.
    Ended(Ended, usize),
    /// The columns of the table.
    Columns(Picker),
}

impl Sheet {
    /// Whether letters are text rather than commands.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        matches!(self, Self::Several(several) if several.word.is_some())
    }

    /// Whether it asks a question that `y` answers.
    #[must_use]
    pub fn is_question(&self) -> bool {
        matches!(self, Self::Several(several) if several.word.is_none())
    }

    /// The processes that it would act on.
    #[must_use]
    pub fn about(&self) -> &[(DaemonId, Target)] {
        match self {
            Self::Several(several) => &several.marked.targets,
            Self::Ended(..) | Self::Columns(_) => &[],
        }
    }

    /// What it is called in a notice.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Several(several) => {
                format!("{} {}", several.action.verb(), several.marked.targets.len())
            }
            Self::Ended(..) | Self::Columns(_) => String::new(),
        }
    }

    /// The line that is typed into, if there is one.
    pub(super) fn input(&mut self) -> Option<&mut Editor> {
        match self {
            Self::Several(several) if several.word.is_some() => Some(&mut several.input),
            Self::Several(_) | Self::Ended(..) | Self::Columns(_) => None,
        }
    }
}

/// The widest text.
const COLUMNS_MAX: u16 = 84;

/// Columns and rows for the text of a sheet, at most, on a terminal of this size.
#[must_use]
pub fn room(size: (u16, u16)) -> (u16, u16) {
    let columns = size.0.saturating_sub(2).clamp(1, COLUMNS_MAX.max(COLUMNS_MIN));
    let text = overlay(size, columns, size.1).text;
    (text.columns.max(1), text.rows.max(1))
}

/// A command while it is open.
pub(super) fn take(sheet: &mut Sheet, around: &Around<'_>, command: Command) -> Taken {
    let (columns, rows) = room(around.size);
    let rows = usize::from(rows);
    match (sheet, command) {
        (_, Command::Back | Command::No) => Taken::Close,
        (Sheet::Several(several), Command::Yes) if several.word.is_none() => several.taken(),
        (Sheet::Several(several), Command::Open) if several.word.is_some() => {
            // What is not the word says so, and stays open.
            if several.is_typed() { several.taken() } else { Taken::Done }
        }
        (Sheet::Several(several), command) => {
            let lines = several.lines(around.watched, columns).len();
            scroll(&mut several.top, lines, rows.saturating_sub(1), command);
            Taken::Done
        }
        (Sheet::Columns(picker), command) => picker.take(command),
        (Sheet::Ended(..), Command::Open) => Taken::Close,
        (Sheet::Ended(ended, top), command) => {
            scroll(top, ended.lines(around.watched, columns).len(), rows, command);
            Taken::Done
        }
    }
}

impl Several {
    fn taken(&self) -> Taken {
        Taken::Several(self.action, self.marked.clone())
    }
}
