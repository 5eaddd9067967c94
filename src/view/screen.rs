//! The whole screen but what the mouse selects.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::roles::Role;
use super::theme::Theme;
use super::{
    chart, confirm, details, empty, exceptions, footer, header, help, log_sheet, logs, prompt,
    sheet, table, why,
};
use crate::app::geometry::{COLUMNS_MIN, ROWS_MIN};
use crate::app::{App, Mode};

/// Draws all but what is selected with the mouse; returns the place of what lies over the rest, where
/// that does not cover all.
pub(super) fn draw(app: &App, theme: Theme, area: Rect, buffer: &mut Buffer) -> Option<Rect> {
    let is_dear = app.watched.daemons.iter().any(|daemon| daemon.is_production);
    let mut canvas = Canvas::new(buffer, theme).alarmed(is_dear);
    let size = (area.width, area.height);
    let Some(parts) = app.geometry(size) else {
        let text = format!("needs {COLUMNS_MIN}x{ROWS_MIN}, is {}x{}: pm2-tui", size.0, size.1);
        canvas.text(area.x, area.y, area.width, &text, theme.role(Role::Text));
        return None;
    };
    header::draw(app, &mut canvas, parts.header.into());
    logs::draw(app, &mut canvas, parts.log.into());
    if app.watched.fleet.is_empty() {
        empty::draw(app, &mut canvas, parts.table.into(), parts.body.into());
    } else {
        table::draw(app, &mut canvas, parts.table.into());
        chart::draw(app, &mut canvas, parts.charts);
    }
    footer::draw(app, &mut canvas, parts.footer.into());
    if let Some(sheet) = app.sheet() {
        details::draw(app, &mut canvas, (size, parts.body), sheet);
    }
    if app.mode.covers() && !matches!(app.mode, Mode::Details(_)) {
        canvas.style(parts.body.into(), theme.behind());
    }
    match &app.mode {
        // What is typed for a pane stands in its title; details are drawn already.
        Mode::Normal | Mode::Filter(_) | Mode::LogInput(_) | Mode::Details(_) => {}
        Mode::Help(open) => help::draw(app, &mut canvas, size, open),
        Mode::Confirm { .. }
        | Mode::ConfirmReload { .. }
        | Mode::ConfirmCall { .. }
        | Mode::Own(_) => {
            confirm::draw(app, &mut canvas, size);
        }
        Mode::Why { key, life, top } => {
            why::draw(app, &mut canvas, area, (*key, *life, *top));
        }
        Mode::LogSheet(sheet) => log_sheet::draw(app, &mut canvas, size, sheet),
        Mode::Sheet(sheet) => sheet::draw(app, &mut canvas, size, sheet),
        Mode::Exceptions { chosen } => exceptions::draw(app, &mut canvas, area, *chosen),
        Mode::Exception { number, top } => {
            exceptions::draw_whole(app, &mut canvas, area, (*number, *top));
        }
        Mode::Palette(palette) => prompt::palette(app, &mut canvas, size, palette),
        Mode::Arguments(arguments) => prompt::arguments(app, &mut canvas, size, arguments),
        Mode::Compose(compose) => prompt::compose(app, &mut canvas, size, compose),
    }
    canvas.over()
}
