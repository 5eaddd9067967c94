//! Draws the app: a frame is a pure function of `App` and `Theme`.
//!
//! Invariant: reads only, reads no clock, and no cell holds a control character. What is drawn
//! from numbers is rounded coarsely enough that an idle fleet changes few cells.

mod canvas;
mod chart;
mod colors;
mod columns;
mod confirm;
mod daemon_sheet;
mod details;
mod empty;
mod exceptions;
mod figures;
mod footer;
mod glyphs;
mod header;
mod help;
mod log_charts;
mod log_entry;
mod log_sheet;
mod logs;
mod lookup;
mod parts;
mod prompt;
mod roles;
mod rows_title;
pub mod sets;
mod sheet;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod text;
pub mod theme;
mod tree;
mod why;

use ratatui::Frame;

use crate::app::geometry::{COLUMNS_MIN, ROWS_MIN};
use crate::app::{App, Mode};
use canvas::Canvas;
use roles::Role;
use theme::Theme;

/// Draws the whole screen: header, table, charts, log and footer from top to bottom, and what
/// covers them.
pub fn view(app: &App, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), *theme);
    let size = (area.width, area.height);
    let Some(parts) = app.geometry(size) else {
        let text = format!("needs {COLUMNS_MIN}x{ROWS_MIN}, is {}x{}: pm2-tui", size.0, size.1);
        canvas.text(area.x, area.y, area.width, &text, theme.role(Role::Text));
        return;
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
}
