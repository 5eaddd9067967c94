//! Moving about: the selection in the table, the help.
//!
//! Invariant: the selection is a process, never a row; it exists, or there is no process.

use super::command::Command;
use super::geometry::{Geometry, Pane};
use super::log_sight;
use super::state::App;
use super::tree;
use crate::model::ProcessKey;

/// How the screen is divided now.
pub(super) fn geometry(app: &App) -> Option<Geometry> {
    app.geometry(app.size)
}

/// The processes whose rows are on the screen, and those of the groups there.
pub(super) fn rows_in_sight(app: &App) -> Vec<ProcessKey> {
    in_sight(app, true)
}

/// The processes that have a row of their own on the screen.
pub(super) fn own_rows_in_sight(app: &App) -> Vec<ProcessKey> {
    in_sight(app, false)
}

fn in_sight(app: &App, with_groups: bool) -> Vec<ProcessKey> {
    let rows = geometry(app).map_or(0, |geometry| usize::from(geometry.table_rows));
    if let Some(lines) = app.tree_lines() {
        let first = app.table_top.min(lines.len().saturating_sub(rows));
        return tree::in_sight(&lines, first..first + rows, with_groups);
    }
    let keys = app.rows();
    let first = app.table_top.min(keys.len().saturating_sub(rows));
    keys.iter().skip(first).take(rows).copied().collect()
}

/// The row of the selection.
pub(super) fn selected_row(app: &App) -> Option<usize> {
    app.cursor_line()
}

/// Selects what now stands where the selected process stood, or the last, where that is gone; the
/// first one where nothing was selected.
pub(super) fn select_near(app: &mut App) {
    let fleet = &app.watched.fleet;
    // Before the first poll, events name some processes and not the others.
    let is_polled = app.watched.daemons.iter().any(|daemon| daemon.snapshot_at_ms.is_some());
    if app.selected.is_none() && !is_polled {
        return;
    }
    let exists = app.selected.is_some_and(|key| fleet.get(key).is_some());
    if !exists {
        let before = |key: &ProcessKey| app.selected.is_some_and(|gone| *key < gone);
        let row = fleet.iter().take_while(|(key, _)| before(key)).count();
        let row = row.min(fleet.len().saturating_sub(1));
        app.selected = fleet.iter().nth(row).map(|(key, _)| key);
    }
    keep_selection_visible(app);
}

/// Scrolls the table so that the selected row is on the screen.
pub(super) fn keep_selection_visible(app: &mut App) {
    tree::settle(app);
    let rows = geometry(app).map_or(1, |geometry| usize::from(geometry.table_rows).max(1));
    let selected = selected_row(app).unwrap_or(0);
    let last_top = app.table_lines().saturating_sub(rows);
    let lowest = (selected + 1).saturating_sub(rows);
    app.table_top = app.table_top.clamp(lowest, selected.max(lowest)).min(last_top);
}

/// Moves in the pane with the focus.
pub(super) fn go(app: &mut App, command: Command) {
    match app.focus {
        Pane::Processes => go_in_table(app, command),
        Pane::Log => log_sight::go_in_log(app, command),
    }
}

/// Moves in the table.
pub(super) fn go_in_table(app: &mut App, command: Command) {
    let Some(row) = selected_row(app) else { return };
    let page = geometry(app).map_or(1, |geometry| usize::from(geometry.table_rows).max(1));
    let last = app.table_lines().saturating_sub(1);
    let row = match command {
        Command::Up => row.saturating_sub(1),
        Command::Down => row + 1,
        Command::PageUp => row.saturating_sub(page),
        Command::PageDown => row + page,
        Command::First => 0,
        Command::Last => last,
        _ => row,
    };
    match app.tree_lines() {
        Some(lines) => tree::go_to(app, &lines, row.min(last)),
        None => app.selected = app.rows().get(row.min(last)).copied(),
    }
    keep_selection_visible(app);
}
