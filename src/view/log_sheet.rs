//! What opens over the log: the muted processes.

use super::canvas::Canvas;
use super::parts::Part;
use super::roles::Role;
use super::text;
use crate::app::App;
use crate::app::geometry::overlay;
use crate::app::log_sheet::LogSheet;
use crate::app::log_toggles::name;

/// Draws what is open.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), sheet: &LogSheet) {
    match sheet {
        LogSheet::Muted { chosen } => muted(app, canvas, size, *chosen),
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
