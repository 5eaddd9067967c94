//! Draws the app: a frame is a pure function of `App` and `Theme`.
//!
//! Invariant: reads only, reads no clock, and no cell holds a control character. What is drawn
//! from numbers is rounded coarsely enough that an idle fleet changes few cells.

mod canvas;
mod chart;
mod confirm;
mod empty;
mod figures;
mod footer;
mod header;
mod help;
mod line;
mod logs;
mod lookup;
mod parts;
mod prompt;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod text;
pub mod theme;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::geometry::{COLUMNS_MIN, Geometry, ROWS_MIN};
use crate::app::{App, Mode};
use canvas::Canvas;
use theme::{Theme, Tone};

/// Draws the whole screen: header, table, charts, log and footer from top to bottom, and what
/// covers them.
pub fn view(app: &App, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), *theme);
    let size = (area.width, area.height);
    let Some(parts) = Geometry::new(size, app.watched.fleet.len(), app.focus) else {
        let text = format!("needs {COLUMNS_MIN}x{ROWS_MIN}, is {}x{}: pm2-tui", size.0, size.1);
        canvas.text(area.x, area.y, area.width, &text, theme.tone(Tone::Plain));
        return;
    };
    let mut top = area.y;
    let mut rows = |height: u16| {
        let rect = Rect::new(area.x, top, area.width, height);
        top += height;
        rect
    };
    header::draw(app, &mut canvas, rows(parts.header));
    let table = rows(parts.table);
    let charts = rows(parts.charts);
    let log = rows(parts.log);
    if app.watched.fleet.is_empty() {
        logs::draw(app, &mut canvas, log);
        let body = Rect::new(area.x, table.y, area.width, parts.table + parts.charts + parts.log);
        empty::draw(app, &mut canvas, table, body);
    } else {
        table::draw(app, &mut canvas, table);
        chart::draw(app, &mut canvas, charts);
        logs::draw(app, &mut canvas, log);
    }
    footer::draw(app, &mut canvas, rows(parts.footer));
    match &app.mode {
        Mode::Normal => {}
        Mode::Help { top } => help::draw(&mut canvas, area, *top),
        Mode::Confirm { .. } | Mode::ConfirmReload { .. } | Mode::ConfirmCall { .. } => {
            confirm::draw(app, &mut canvas, area);
        }
        Mode::Line { line, top } => line::draw(app, &mut canvas, area, line, *top),
        Mode::Palette(palette) => prompt::palette(app, &mut canvas, area, palette),
        Mode::Arguments(arguments) => prompt::arguments(app, &mut canvas, area, arguments),
        Mode::Compose(compose) => prompt::compose(app, &mut canvas, area, compose),
    }
}
