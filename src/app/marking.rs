//! Marking processes, and which of the marked are shown.
//!
//! Invariant: what is shown is marked, and nothing else.

use std::collections::HashSet;

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
        let rows: HashSet<ProcessKey> = rows.iter().copied().collect();
        let is_hidden = |key: &ProcessKey| !rows.contains(key);
        let hidden = self.marks.keys().filter(is_hidden);
        let mut targets: Vec<_> = hidden.filter_map(|key| self.marked_target(key)).collect();
        let hidden = targets.len();
        targets.extend(shown);
        Marked { targets, hidden, part: None }
    }

    /// How many marked processes are not among the rows.
    #[must_use]
    pub fn hidden_marks(&self) -> usize {
        let rows: HashSet<ProcessKey> = self.rows().iter().copied().collect();
        self.marks.keys().filter(|key| !rows.contains(key)).count()
    }

    fn marked_target(&self, key: ProcessKey) -> Option<(DaemonId, Target)> {
        Some((key.daemon, self.marks.get(key)?.clone()))
    }
}

/// Marks the selected process, or takes its mark away, and goes to the next row.
pub(super) fn toggle(app: &mut App) {
    if let Some(group) = app.group_members() {
        let keys: Vec<_> = group.targets.iter().map(|(daemon, it)| it.key(*daemon)).collect();
        let all_marked = keys.iter().all(|key| app.marks.has(*key));
        for (daemon, target) in group.targets {
            let key = target.key(daemon);
            if all_marked {
                app.marks.unmark(key);
            } else {
                app.marks.mark(key, target);
            }
        }
        return;
    }
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
