//! What opens over the log: the muted processes.

use super::canvas::Canvas;
use super::log_entry;
use super::parts::{Part, key};
use super::roles::Role;
use super::text;
use crate::app::App;
use crate::app::geometry::overlay;
use crate::app::log_sheet::LogSheet;
use crate::app::log_toggles::name;

/// Draws what is open.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), sheet: &LogSheet) {
    match sheet {
        LogSheet::Entry(entry) => log_entry::draw(app, canvas, size, entry),
        LogSheet::Muted { chosen } => muted(app, canvas, size, *chosen),
    }
}

/// What its keys do.
pub(super) fn keys(sheet: &LogSheet, choose: Part) -> Vec<Part> {
    match sheet {
        LogSheet::Entry(entry) => log_entry::keys(entry),
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
