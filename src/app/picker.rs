//! Choosing the columns of the table.
//!
//! Invariant: every column stands in the list once; those that are always there cannot be taken away.

use super::command::{Command, RowsCommand};
use super::overlay::{Taken, scrolled};
use super::table::Table;
use crate::model::rows::Field;
use crate::model::rows::columns::{COLUMNS, KEPT};

/// The open list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picker {
    /// Each column, and whether it is shown: those that are, in their order, before the others.
    entries: Vec<(Field, bool)>,
    /// Which one is chosen, from 0.
    at: usize,
}

impl Picker {
    /// With the columns of the table as they are.
    pub(super) fn new(table: &Table) -> Self {
        let shown = table.fields();
        // That of the daemon comes and goes by itself.
        let others = COLUMNS.iter().map(|column| column.field);
        let others = others.filter(|field| !shown.contains(field) && *field != Field::Daemon);
        let entries = shown.iter().map(|field| (*field, true));
        Self { entries: entries.chain(others.map(|field| (field, false))).collect(), at: 0 }
    }

    /// Each column, and whether it is shown.
    #[must_use]
    pub fn entries(&self) -> &[(Field, bool)] {
        &self.entries
    }

    /// Which one is chosen, from 0.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at.min(self.entries.len().saturating_sub(1))
    }

    fn chosen(&self) -> Vec<Field> {
        self.entries.iter().filter(|(_, is_shown)| *is_shown).map(|(field, _)| *field).collect()
    }

    /// Moves the chosen column to the left or right.
    fn shift(&mut self, is_left: bool) {
        let at = self.at();
        let to = if is_left { at.saturating_sub(1) } else { at + 1 };
        if to < self.entries.len() {
            self.entries.swap(at, to);
            self.at = to;
        }
    }

    /// Shows the chosen column, or takes it away.
    fn toggle(&mut self) {
        let at = self.at();
        if let Some((field, is_shown)) = self.entries.get_mut(at) {
            *is_shown = !*is_shown || KEPT.contains(field);
        }
    }

    /// A command while it is open.
    pub(super) fn take(&mut self, command: Command) -> Taken {
        match command {
            Command::Open | Command::Rows(RowsCommand::Columns) => return Taken::Close,
            Command::Rows(RowsCommand::Mark) => self.toggle(),
            Command::SortLeft => self.shift(true),
            Command::SortRight => self.shift(false),
            Command::Rows(RowsCommand::MarkAll) => {
                *self = Self::new(&Table::default());
                return Taken::Columns(None);
            }
            command => {
                let last = self.entries.len().saturating_sub(1);
                self.at = scrolled(self.at(), last, 10, command);
                return Taken::Done;
            }
        }
        Taken::Columns(Some(self.chosen()))
    }
}
