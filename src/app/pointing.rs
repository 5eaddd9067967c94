//! What the mouse does: a click selects, on a head it sorts; the wheel scrolls what is under it; a drag
//! copies the text that it went over.
//!
//! Invariant: no report of the mouse acts on a process, answers a question or opens one: the only
//! effects are a copy, and older lines of the log.

use super::command::Command;
use super::effect::{Effect, Effects};
use super::geometry::{Area, Geometry, Pane, TITLE};
use super::mode::Mode;
use super::pointer::{Held, Pointer, PointerKind, Under};
use super::state::App;
use super::{log_copy, log_older, log_sight, navigate, table, tree};
use crate::model::rows::Field;

/// Lines that one step of the wheel scrolls.
const WHEEL_LINES: usize = 3;

/// Takes a report; and the movement that it means for what covers the panes, so many times.
pub(super) fn take(
    app: &mut App,
    pointer: Pointer,
    under: Under,
) -> (Effects, Option<(Command, usize)>) {
    let none = (Effects::none(), None);
    let Some(parts) = app.geometry(app.size).filter(|_| app.mouse) else {
        app.held = None;
        return none;
    };
    let at = (pointer.x, pointer.y);
    let is_on_screen = at.0 < app.size.0 && at.1 < app.size.1;
    match pointer.kind {
        PointerKind::Press if is_on_screen => press(app, parts, at, under.head),
        PointerKind::Drag => drag(app, at),
        PointerKind::Release => return (release(app, under.text), None),
        PointerKind::WheelUp | PointerKind::WheelDown if is_on_screen => {
            return wheel(app, parts, at, pointer.kind == PointerKind::WheelUp);
        }
        _ => {}
    }
    none
}

/// Turns the mouse on or off.
pub(super) fn toggle(app: &mut App) -> Effects {
    app.mouse = !app.mouse;
    app.held = None;
    let text = if app.mouse {
        "mouse on: click selects, wheel scrolls, drag copies"
    } else {
        "mouse off: the terminal selects and copies by itself"
    };
    app.notify(text, false);
    Effects::one(Effect::Mouse(app.mouse))
}

fn has(area: Area, (x, y): (u16, u16)) -> bool {
    let column = x.checked_sub(area.x).is_some_and(|column| column < area.columns);
    column && y.checked_sub(area.y).is_some_and(|row| row < area.rows)
}

fn press(app: &mut App, parts: Geometry, at: (u16, u16), field: Option<Field>) {
    let is_open = app.mode == Mode::Normal;
    let area = if !has(parts.body, at) {
        Area { y: at.1, ..parts.header }
    } else if is_open && has(parts.table, at) {
        parts.table
    } else if is_open && has(parts.log, at) {
        parts.log
    } else {
        parts.body
    };
    let mut held = Held::new(at, area);
    if is_open && has(parts.table, at) {
        press_in_table(app, parts, at.1, field);
    } else if is_open && has(parts.log, at) {
        held.followed = press_in_log(app, parts, at.1);
    } else {
        // Only text can be taken there.
    }
    app.held = Some(held);
}

/// Selects the row, or sorts by the head.
fn press_in_table(app: &mut App, parts: Geometry, y: u16, field: Option<Field>) {
    app.is_dirty = true;
    app.focus = Pane::Processes;
    app.table.rest(app.now.steady_ms);
    let heads = parts.table.y + TITLE;
    if y == heads {
        if let Some(field) = field.filter(|field| field.orders()) {
            table::sort_by(app, field);
        }
        return;
    }
    let Some(row) = y.checked_sub(heads + 1) else { return };
    let lines = app.table_lines();
    let top = app.table_top.min(lines.saturating_sub(usize::from(parts.table_rows)));
    let row = top + usize::from(row);
    if row >= lines {
        return;
    }
    app.unchosen = None;
    match app.tree_lines() {
        Some(lines) => tree::go_to(app, &lines, row),
        None => app.selected = app.rows().get(row).copied(),
    }
    navigate::keep_selection_visible(app);
}

/// Marks the line; whether the log followed.
fn press_in_log(app: &mut App, parts: Geometry, y: u16) -> bool {
    app.is_dirty = true;
    app.focus = Pane::Log;
    let Some(row) = y.checked_sub(parts.log.y + TITLE) else { return false };
    let followed = app.log_top.is_none();
    log_sight::mark_at(app, usize::from(row));
    followed
}

fn drag(app: &mut App, at: (u16, u16)) {
    let Some(before) = app.held else { return };
    let held = before.to(at);
    if held == before {
        return;
    }
    app.held = Some(held);
    app.table.rest(app.now.steady_ms);
    app.is_dirty = true;
}

/// Copies what was selected.
fn release(app: &mut App, text: Option<String>) -> Effects {
    let Some(held) = app.held.take() else { return Effects::none() };
    if !held.is_drag() {
        return Effects::none();
    }
    app.is_dirty = true;
    if held.followed {
        (app.log_top, app.log_mark) = (None, None);
    }
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => log_copy::copy(app, "what was selected", text.as_bytes()),
        None => Effects::none(),
    }
}

/// Scrolls what is under the mouse.
fn wheel(
    app: &mut App,
    parts: Geometry,
    at: (u16, u16),
    is_up: bool,
) -> (Effects, Option<(Command, usize)>) {
    let command = if is_up { Command::Up } else { Command::Down };
    let none = (Effects::none(), None);
    if app.mode.is_question() {
        return none;
    }
    if app.mode != Mode::Normal {
        return (Effects::none(), Some((command, WHEEL_LINES)));
    }
    app.is_dirty = true;
    if has(parts.log, at) {
        let is_at_first = log_sight::scroll(app, is_up, WHEEL_LINES);
        return if is_at_first { (log_older::from_first(app, false), None) } else { none };
    }
    if has(parts.table, at) {
        app.table.rest(app.now.steady_ms);
        app.unchosen = None;
        (0..WHEEL_LINES).for_each(|_| navigate::go_in_table(app, command));
    }
    none
}
