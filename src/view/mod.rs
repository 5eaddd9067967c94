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
mod log_title;
mod logs;
mod lookup;
mod parts;
pub mod plain;
mod pointer;
mod prompt;
mod roles;
mod rows_title;
mod screen;
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

use self::canvas::Canvas;
pub use self::pointer::under;
use self::theme::Theme;
use crate::app::App;

/// Draws the whole screen: header, table, charts, log and footer from top to bottom, and what
/// covers them.
pub fn view(app: &App, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let _ = screen::draw(app, *theme, area, frame.buffer_mut());
    pointer::draw(app, &mut Canvas::new(frame.buffer_mut(), *theme));
}
