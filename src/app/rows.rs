//! What is asked of the table, and the rows that came of it; `table` changes them.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::editor::Editor;
use crate::model::ProcessKey;
use crate::model::fleet::{Fleet, Revision};
use crate::model::rows::columns::{DEFAULT, KEPT};
use crate::model::rows::tree::{self, Group, Line};
use crate::model::rows::{Field, Query, Wrong};

/// For how long after a key the rows stay where they are, milliseconds.
const REST_MS: i64 = 2_000;

/// What is asked of the fleet, and the rows that came of it.
#[derive(Debug, Default)]
pub struct Table {
    pub(super) query: Query,
    /// The columns that were chosen, from left to right; `None` for those that stand by themselves.
    columns: Option<Vec<Field>>,
    /// The rows as they stand; `None` while every process stands by its id.
    pub(super) rows: Option<Vec<ProcessKey>>,
    /// Until when they stay as they are, by the steady clock.
    rests_until_ms: i64,
    /// How they stand as a tree; `None` while they do not.
    pub(super) tree: Option<Tree>,
    /// Whether they would stand otherwise, were they not at rest.
    pub(super) is_late: bool,
}

/// The rows as a tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    /// What is folded.
    pub(super) folded: HashSet<Group>,
    /// The group that the cursor was put on, and its first process, which is then the selected one.
    pub(super) cursor: Option<(Group, ProcessKey)>,
    /// Its lines as they were last asked for: a key and its frame ask a dozen times.
    lines: RefCell<Option<Lines>>,
}

/// The lines of a tree, and what they were made of.
#[derive(Debug, Clone)]
struct Lines {
    fleet: Revision,
    rows: Vec<ProcessKey>,
    folded: HashSet<Group>,
    made: Rc<[Line]>,
}

impl Tree {
    /// The lines of these rows.
    pub(super) fn lines(&self, fleet: &Fleet, rows: &[ProcessKey]) -> Rc<[Line]> {
        let is_so = |kept: &&Lines| {
            kept.fleet.is(fleet.revision()) && kept.rows == rows && kept.folded == self.folded
        };
        let mut kept = self.lines.borrow_mut();
        if let Some(kept) = kept.as_ref().filter(is_so) {
            return Rc::clone(&kept.made);
        }
        let lines: Rc<[Line]> = tree::lines(fleet, rows, &self.folded).into();
        *kept = Some(Lines {
            fleet: fleet.revision(),
            rows: rows.to_vec(),
            folded: self.folded.clone(),
            made: Rc::clone(&lines),
        });
        lines
    }
}

/// A filter being typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Typing {
    /// The line.
    pub input: Editor,
    /// What is wrong with it; the last one that could be read is then in force.
    pub wrong: Option<Wrong>,
    /// The process that was selected then; it is again, where it is among the rows.
    pub(super) selected: Option<ProcessKey>,
}

impl Table {
    /// What is asked of the fleet.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The columns that were chosen, from left to right; `None` for those that stand by themselves.
    #[must_use]
    pub fn columns(&self) -> Option<&[Field]> {
        self.columns.as_deref()
    }

    /// The columns that are wanted, from left to right.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        self.columns.as_deref().unwrap_or(&DEFAULT)
    }

    /// Chooses other columns; without the ones that are always there, these come first.
    pub(super) fn choose(&mut self, columns: Option<Vec<Field>>) {
        self.columns = columns.map(|mut columns| {
            for (place, field) in KEPT.into_iter().enumerate() {
                if !columns.contains(&field) {
                    columns.insert(place.min(columns.len()), field);
                }
            }
            columns
        });
    }

    /// Whether they stand as a tree.
    #[must_use]
    pub fn is_tree(&self) -> bool {
        self.tree.is_some()
    }

    /// Whether the rows are at rest now.
    pub(super) fn rests(&self, steady_ms: i64) -> bool {
        steady_ms < self.rests_until_ms
    }

    /// When they move, if they are to and rest until then, by the steady clock.
    pub(super) fn moves_at_ms(&self) -> Option<i64> {
        self.is_late.then_some(self.rests_until_ms)
    }

    /// A key was pressed.
    pub(super) fn rest(&mut self, steady_ms: i64) {
        self.rests_until_ms = steady_ms.saturating_add(REST_MS);
    }
}
