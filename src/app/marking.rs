//! Marking processes, and which of the marked are shown.
//!
//! Invariant: what is shown is marked, and nothing else.

use super::command::Command;
use super::marks::Marked;
use super::navigate;
use super::state::App;
use crate::model::{DaemonId, ProcessKey, Target};

impl App {
    /// The marked processes; empty where none is.
    #[must_use]
    pub fn marked(&self) -> Marked {
        let rows = self.rows();
        let shown: Vec<_> = rows.iter().filter_map(|key| self.marked_target(*key)).collect();
        let is_hidden = |key: &ProcessKey| !self.has_row(*key);
        let hidden = self.marks.keys().filter(is_hidden);
        let mut targets: Vec<_> = hidden.filter_map(|key| self.marked_target(key)).collect();
        let hidden = targets.len();
        targets.extend(shown);
        Marked { targets, hidden }
    }

    /// How many marked processes are not among the rows.
    #[must_use]
    pub fn hidden_marks(&self) -> usize {
        self.marks.keys().filter(|key| !self.has_row(*key)).count()
    }

    fn marked_target(&self, key: ProcessKey) -> Option<(DaemonId, Target)> {
        Some((key.daemon, self.marks.get(key)?.clone()))
    }
}

/// Marks the selected process, or takes its mark away, and goes to the next row.
pub(super) fn toggle(app: &mut App) {
    let Some((daemon, target)) = app.selected_target() else { return };
    let key = target.key(daemon);
    if !app.marks.unmark(key) {
        app.marks.mark(key, target);
    }
    navigate::go(app, Command::Down);
}

/// Marks all rows, or takes the marks of all of them away where all are marked.
pub(super) fn toggle_all(app: &mut App) {
    let rows = app.rows().into_owned();
    if rows.iter().all(|key| app.marks.has(*key)) {
        for key in rows {
            app.marks.unmark(key);
        }
        return;
    }
    for key in rows {
        if let Some(target) = app.target(key) {
            app.marks.mark(key, target);
        }
    }
}
