//! What opens over the log: the muted processes.

use super::canvas::Canvas;
use super::parts::{Part, key};
use super::roles::Role;
use super::text;
use super::{log_charts, log_entry};
use crate::app::App;
use crate::app::geometry::{overlay, wrap};
use crate::app::log_sheet::LogSheet;
use crate::app::log_toggles::name;

/// The widest text of a question.
const QUESTION_COLUMNS: u16 = 62;

/// Draws what is open.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), sheet: &LogSheet) {
    match sheet {
        LogSheet::Entry(entry) => log_entry::draw(app, canvas, size, entry),
        LogSheet::Muted { chosen } => muted(app, canvas, size, *chosen),
        LogSheet::Histogram(moments) => log_charts::draw(app, canvas, size, *moments),
        LogSheet::Replace { path } => replace(canvas, size, path),
    }
}

/// What its keys do.
pub(super) fn keys(sheet: &LogSheet, choose: Part, is_ascii: bool) -> Vec<Part> {
    match sheet {
        LogSheet::Entry(entry) => log_entry::keys(entry),
        LogSheet::Histogram(_) => log_charts::keys(is_ascii),
        LogSheet::Replace { .. } => vec![key("y", "replace it", 0), key("n", "no", 0)],
        LogSheet::Muted { .. } => {
            vec![
                key("Enter", "show again", 0),
                key("Esc", "close", 0),
                key("#", "mute the marked line's too", 2),
                choose,
            ]
        }
    }
}

fn replace(canvas: &mut Canvas<'_>, size: (u16, u16), path: &str) {
    let columns = size.0.saturating_sub(2).min(QUESTION_COLUMNS);
    let text = format!("{path} is there already: replace it?");
    let mut lines = wrap(&text, columns);
    lines.truncate(usize::from(size.1.saturating_sub(3)).max(1));
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let title = [Part::new("Are you sure?", Role::Strong, 0)];
    let inner = canvas.overlay(overlay(size, columns, rows), &title);
    for (y, line) in (inner.top()..inner.bottom()).zip(&lines) {
        canvas.text(inner.x, y, inner.width, line, canvas.role(Role::Strong));
    }
}

fn muted(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), chosen: usize) {
    let names: Vec<String> = app.log_view.muted().map(name).collect();
    let columns = names.iter().map(|name| text::width(name)).max().unwrap_or(0).clamp(24, 60);
    let rows = u16::try_from(names.len()).unwrap_or(u16::MAX);
    let title = [Part::new("Muted", Role::Strong, 0)];
    let place = overlay(size, columns + 1, rows);
    let inner = canvas.overlay(place, &title);
    let chosen = chosen.min(names.len().saturating_sub(1));
    let first = (chosen + 1).saturating_sub(usize::from(inner.height));
    let plain = canvas.role(Role::Text);
    for (y, (index, name)) in
        (inner.top()..inner.bottom()).zip(names.iter().enumerate().skip(first))
    {
        let used = canvas.text(inner.x, y, inner.width, name, plain);
        if index == chosen {
            let row = ratatui::layout::Rect::new(place.area.x, y, place.area.columns, 1);
            canvas.select(row, ratatui::layout::Rect::new(inner.x, y, used, 1), true);
        }
    }
}
