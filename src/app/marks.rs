//! The processes that the user marked, to act on them together.
//!
//! Invariant: a mark is on a process, never on a row: it stays where a filter hides the process, and
//! leaves when the process is gone or another one has its id.

use std::collections::BTreeMap;

use super::navigate;
use super::state::App;
use crate::model::fleet::Fleet;
use crate::model::{DaemonId, ProcessKey, Target};

/// The marked processes, each as it was when it was marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<ProcessKey, Target>);

/// Marked processes, as what is to be acted on: those that are not shown now first, which nobody sees
/// otherwise, then the others in the order of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marked {
    /// All of them.
    pub targets: Vec<(DaemonId, Target)>,
    /// How many of them, from the first, are not among the rows.
    pub hidden: usize,
}

impl Marks {
    /// Whether a process is marked.
    #[must_use]
    pub fn has(&self, key: ProcessKey) -> bool {
        self.0.contains_key(&key)
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes all away; false where there was none.
    pub(super) fn clear(&mut self) -> bool {
        let had_some = !self.0.is_empty();
        self.0.clear();
        had_some
    }

    /// Keeps those of processes that are there still; whether one left.
    pub(super) fn keep_to(&mut self, fleet: &Fleet) -> bool {
        let before = self.0.len();
        self.0
            .retain(|key, target| fleet.get(*key).is_some_and(|process| target.is(&process.info)));
        self.0.len() != before
    }
}

impl App {
    /// The marked processes; empty where none is.
    #[must_use]
    pub fn marked(&self) -> Marked {
        let rows = self.rows();
        let shown: Vec<_> = rows.iter().filter_map(|key| self.marked_target(*key)).collect();
        let is_hidden = |key: &&ProcessKey| !self.has_row(**key);
        let hidden = self.marks.0.keys().filter(is_hidden);
        let mut targets: Vec<_> = hidden.filter_map(|key| self.marked_target(*key)).collect();
        let hidden = targets.len();
        targets.extend(shown);
        Marked { targets, hidden }
    }

    /// How many marked processes are not among the rows.
    #[must_use]
    pub fn hidden_marks(&self) -> usize {
        self.marks.0.keys().filter(|key| !self.has_row(**key)).count()
    }

    fn marked_target(&self, key: ProcessKey) -> Option<(DaemonId, Target)> {
        Some((key.daemon, self.marks.0.get(&key)?.clone()))
    }
}

/// Marks the selected process, or takes its mark away, and goes to the next row.
pub(super) fn toggle(app: &mut App) {
    let Some((daemon, target)) = app.selected_target() else { return };
    let key = target.key(daemon);
    if app.marks.0.remove(&key).is_none() {
        app.marks.0.insert(key, target);
    }
    navigate::go(app, super::command::Command::Down);
}

/// Marks all rows, or takes the marks of all of them away where all are marked.
pub(super) fn toggle_all(app: &mut App) {
    let rows = app.rows().into_owned();
    if rows.iter().all(|key| app.marks.has(*key)) {
        app.marks.0.retain(|key, _| !rows.contains(key));
        return;
    }
    for key in rows {
        if let Some(target) = app.target(key) {
            app.marks.0.entry(key).or_insert(target);
        }
    }
}
