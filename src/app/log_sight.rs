//! Which lines of the log are in sight: each takes as many rows as it needs.
//!
//! Invariant: what is measured is what a pane shows, a few lines more at most: no walk over all lines.

use super::command::Command;
use super::geometry::{Pane, SIDES};
use super::log_columns::Columns;
use super::log_dress::Laid;
use super::state::App;
use crate::logs::LineId;

/// What of the lines that are shown is in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// The place of the first.
    pub top: usize,
    /// How many; the last one perhaps in part.
    pub count: usize,
    /// How many of these are there whole.
    pub whole: usize,
}

/// How lines are measured.
struct Measure<'a> {
    app: &'a App,
    /// `None` where each takes one row.
    columns: Option<Columns>,
    rows: usize,
}

impl<'a> Measure<'a> {
    /// For a pane of so many rows.
    fn new(app: &'a App, rows: usize) -> Self {
        let is_even = !app.log_view.shape.wraps && !app.log_view.has_folds();
        let columns = || Columns::of(app, app.size.0.saturating_sub(SIDES));
        Self { app, columns: (!is_even).then(columns), rows }
    }

    /// How many rows the line at a place takes, of those that a pane has.
    fn rows_of(&self, place: usize) -> usize {
        let Some(columns) = &self.columns else { return 1 };
        let view = &self.app.log_view;
        let line = view.lines().at(place);
        line.map_or(1, |line| view.height(line, columns, self.rows)).min(self.rows.max(1))
    }

    /// The place of the first of the lines up to `last` that fit whole: at least `last` itself.
    fn back_from(&self, last: usize) -> usize {
        if self.columns.is_none() {
            return (last + 1).saturating_sub(self.rows.max(1));
        }
        let mut left = self.rows.saturating_sub(self.rows_of(last));
        let mut first = last;
        while first > 0 {
            let needed = self.rows_of(first - 1);
            if needed > left {
                break;
            }
            left -= needed;
            first -= 1;
        }
        first
    }

    /// What is in sight from a place on, of so many lines in all.
    fn from(&self, top: usize, len: usize) -> Sight {
        if self.columns.is_none() {
            let count = self.rows.min(len.saturating_sub(top));
            return Sight { top, count, whole: count };
        }
        let (mut count, mut whole, mut used) = (0, 0, 0);
        while used < self.rows && top + count < len {
            used += self.rows_of(top + count);
            count += 1;
            whole += usize::from(used <= self.rows);
        }
        Sight { top, count, whole }
    }
}

/// What is in sight in a pane of so many rows.
#[must_use]
pub fn sight(app: &App, rows: usize) -> Sight {
    let log = app.lines();
    let measure = Measure::new(app, rows);
    let Some(last) = log.len().checked_sub(1) else {
        return Sight { top: 0, count: 0, whole: 0 };
    };
    // Where the pane stands while following: its last page.
    let following = if rows == 0 { log.len() } else { measure.back_from(last) };
    let first = app.log_top.or(app.log_kept);
    let top = first.map_or(following, |line| log.place_of(line).min(following));
    if top == following {
        // All of them fit, but for a single one that is longer than the pane.
        let count = log.len() - following;
        return Sight { top, count, whole: count };
    }
    measure.from(top, log.len())
}

/// The place of the first line of the log that is shown in a pane of so many rows.
#[must_use]
pub fn log_top(app: &App, rows: usize) -> usize {
    sight(app, rows).top
}

/// The lines in sight in a pane of so many rows, as they are drawn.
#[must_use]
pub fn laid(app: &App, columns: &Columns, rows: usize) -> Vec<Laid> {
    let Sight { top, count, .. } = sight(app, rows);
    let lines = app.log_view.lines();
    let ids = (top..top + count).filter_map(|place| lines.at(place));
    ids.filter_map(|line| app.log_view.laid(line, columns, rows)).collect()
}

/// Rows of the log pane.
pub(super) fn log_page(app: &App) -> usize {
    app.geometry(app.size).map_or(1, |geometry| usize::from(geometry.log_rows).max(1))
}

pub(super) fn go_in_log(app: &mut App, command: Command) {
    let page = log_page(app);
    let log = app.lines();
    let Some(mark) = marked(app).map(|line| log.place_of(line)) else { return };
    let measure = Measure::new(app, page);
    let last = log.len().saturating_sub(1);
    let following = measure.back_from(last);
    let Sight { top, whole, .. } = sight(app, page);
    let (top, mark) = match command {
        Command::Up => (top, mark.saturating_sub(1)),
        Command::Down => (top, mark + 1),
        Command::PageUp => {
            let to = top.checked_sub(1).map_or(0, |last| measure.back_from(last));
            // At the top, a page more is the first line.
            (to, if top == 0 { 0 } else { mark.saturating_sub(top - to) })
        }
        Command::PageDown => (top + whole.max(1), mark + whole.max(1)),
        Command::First => (0, 0),
        Command::Last => (following, usize::MAX),
        _ => return,
    };
    let has_left_page = command == Command::PageDown && top > following;
    // Whoever goes down to the end follows again.
    if mark >= last || has_left_page {
        (app.log_top, app.log_mark) = (None, None);
        return;
    }
    // The pane follows the mark over its edges, and not further.
    let lowest = measure.back_from(mark);
    let top = top.max(lowest).min(mark).min(following);
    let place = (log.at(top), log.at(mark));
    (app.log_top, app.log_mark) = place;
}

/// Marks the line that is in this row of the pane; the pane stands still from then on.
pub(super) fn mark_at(app: &mut App, row: usize) {
    let page = log_page(app);
    let measure = Measure::new(app, page);
    let Sight { top, count, .. } = sight(app, page);
    let mut left = row;
    let found = (top..top + count).find(|place| {
        let rows = measure.rows_of(*place);
        let is_it = left < rows;
        left = left.saturating_sub(rows);
        is_it
    });
    let lines = app.lines();
    let (top, mark) = (lines.at(top), found.and_then(|place| lines.at(place)));
    if mark.is_some() {
        (app.log_top, app.log_mark) = (top, mark);
    }
}

/// Scrolls the pane by so many lines; from its end on it follows. True where the first line is there
/// already.
pub(super) fn scroll(app: &mut App, is_up: bool, by: usize) -> bool {
    let page = log_page(app);
    let log = app.lines();
    let Some(last) = log.len().checked_sub(1) else { return false };
    let following = Measure::new(app, page).back_from(last);
    let Sight { top, .. } = sight(app, page);
    if is_up && top == 0 && following > 0 {
        return true;
    }
    let to = if is_up { top.saturating_sub(by) } else { top + by };
    // The mark stays within what is in sight by itself.
    app.log_top = (to < following).then(|| log.at(to)).flatten();
    if app.log_top.is_none() {
        app.log_mark = None;
    }
    false
}

/// Whether the log has the focus and the first of its lines is marked, or it shows none: a filter may
/// leave all out that are held.
pub(super) fn is_at_first(app: &App) -> bool {
    app.focus == Pane::Log
        && (app.log_mark.is_some() || app.lines().is_empty())
        && marked(app).is_none_or(|line| app.lines().place_of(line) == 0)
}

/// The marked line of the log: what `Enter` opens. It is always one in sight.
#[must_use]
pub fn marked(app: &App) -> Option<LineId> {
    let log = app.lines();
    if log.is_empty() {
        return None;
    }
    let Sight { top, count, whole } = sight(app, log_page(app));
    let bottom = top + whole.max(1).min(count.max(1)) - 1;
    let mark = app.log_mark.map_or(bottom, |line| log.place_of(line).clamp(top, bottom));
    log.at(mark)
}

/// Marks a line; one that is not in sight comes to the middle.
pub(super) fn jump(app: &mut App, line: LineId) {
    let page = log_page(app);
    let Sight { top, whole, .. } = sight(app, page);
    let lines = app.lines();
    let place = lines.place_of(line);
    let is_in_sight = (top..top + whole).contains(&place);
    let middle = Measure::new(app, page / 2 + 1).back_from(place);
    let top = lines.at(if is_in_sight { top } else { middle });
    (app.log_top, app.log_mark) = (top, Some(line));
}
