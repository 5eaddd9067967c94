//! Moving about: the selection in the table, the place in the log, the help.
//!
//! Invariant: the selection is a process, never a row; it exists, or there is no process.

use super::command::Command;
use super::geometry::{Geometry, help_top_max};
use super::{App, Pane};

fn geometry(app: &App) -> Option<Geometry> {
    Geometry::new(app.size, app.fleet.len(), app.focus)
}

/// Whether the table, and so the selected row, is on the screen.
pub(super) fn is_table_visible(app: &App) -> bool {
    geometry(app).is_some_and(|geometry| geometry.table > 0)
}

/// The row of the selection.
pub(super) fn selected_row(app: &App) -> Option<usize> {
    let selected = app.selected?;
    app.fleet.iter().position(|(key, _)| key == selected)
}

/// Selects what now stands at `row`, or the last, where the selected process is gone; the first
/// one where nothing was selected.
pub(super) fn select_near(app: &mut App, row: Option<usize>) {
    let exists = app.selected.is_some_and(|key| app.fleet.get(key).is_some());
    if !exists {
        let row = row.unwrap_or(0).min(app.fleet.len().saturating_sub(1));
        app.selected = app.fleet.iter().nth(row).map(|(key, _)| key);
    }
    keep_selection_visible(app);
}

/// Scrolls the table so that the selected row is on the screen.
pub(super) fn keep_selection_visible(app: &mut App) {
    let rows = geometry(app).map_or(1, |geometry| usize::from(geometry.table_rows).max(1));
    let selected = selected_row(app).unwrap_or(0);
    let last_top = app.fleet.len().saturating_sub(rows);
    let lowest = (selected + 1).saturating_sub(rows);
    app.table_top = app.table_top.clamp(lowest, selected.max(lowest)).min(last_top);
}

/// Moves in the pane with the focus.
pub(super) fn go(app: &mut App, command: Command) {
    match app.focus {
        Pane::Processes => go_in_table(app, command),
        Pane::Log => go_in_log(app, command),
    }
}

fn go_in_table(app: &mut App, command: Command) {
    let Some(row) = selected_row(app) else { return };
    let page = geometry(app).map_or(1, |geometry| usize::from(geometry.table_rows).max(1));
    let last = app.fleet.len().saturating_sub(1);
    let row = match command {
        Command::Up => row.saturating_sub(1),
        Command::Down => row + 1,
        Command::PageUp => row.saturating_sub(page),
        Command::PageDown => row + page,
        Command::First => 0,
        Command::Last => last,
        _ => row,
    };
    app.selected = app.fleet.iter().nth(row.min(last)).map(|(key, _)| key);
    keep_selection_visible(app);
}

fn go_in_log(app: &mut App, command: Command) {
    let page = geometry(app).map_or(1, |geometry| u64::from(geometry.log_rows).max(1));
    let numbers = app.log.numbers();
    // Where the pane stands while following: its last page.
    let following = numbers.end.saturating_sub(page).max(numbers.start);
    let Some(mark) = marked(app) else { return };
    let top = app.log_top.map_or(following, |top| top.clamp(numbers.start, following));
    let (top, mark) = match command {
        Command::Up => (top, mark.saturating_sub(1)),
        Command::Down => (top, mark + 1),
        Command::PageUp => (top.saturating_sub(page), mark.saturating_sub(page)),
        Command::PageDown => (top + page, mark + page),
        Command::First => (numbers.start, numbers.start),
        Command::Last => (following, u64::MAX),
        _ => return,
    };
    let last = numbers.end.saturating_sub(1);
    let has_left_page = command == Command::PageDown && top >= following;
    // Whoever goes down to the end follows again.
    if mark >= last || has_left_page {
        (app.log_top, app.log_mark) = (None, None);
        return;
    }
    let mark = mark.max(numbers.start);
    // The pane follows the mark over its edges, and not further.
    let top = top.max((mark + 1).saturating_sub(page)).min(mark);
    app.log_top = Some(top.clamp(numbers.start, following));
    app.log_mark = Some(mark);
}

/// The number of the marked line of the log: what `Enter` opens. It is always one in sight.
#[must_use]
pub fn marked(app: &App) -> Option<u64> {
    let page = geometry(app).map_or(1, |geometry| u64::from(geometry.log_rows).max(1));
    let numbers = app.log.numbers();
    let last = numbers.end.checked_sub(1).filter(|_| !app.log.is_empty())?;
    let following = numbers.end.saturating_sub(page).max(numbers.start);
    let top = app.log_top.map_or(following, |top| top.clamp(numbers.start, following));
    let bottom = top.saturating_add(page - 1).min(last);
    Some(app.log_mark.map_or(bottom, |mark| mark.clamp(top, bottom)))
}

/// The first line of the help after a movement.
pub(super) fn help_top(app: &App, top: u16, command: Command) -> u16 {
    let page = app.size.1.saturating_sub(4).max(1);
    let last = help_top_max(app.size);
    match command {
        Command::Up => top.saturating_sub(1),
        Command::Down => top.saturating_add(1).min(last),
        Command::PageUp => top.saturating_sub(page),
        Command::PageDown => top.saturating_add(page).min(last),
        Command::First => 0,
        Command::Last => last,
        _ => top,
    }
}
