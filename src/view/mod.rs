//! Draws the app: a frame is a pure function of `App` and `Theme`.
//!
//! Invariant: reads only.

pub mod theme;

use ratatui::Frame;

use crate::app::App;
use theme::Theme;

/// Draws the whole screen.
pub fn view(_app: &App, _theme: &Theme, _frame: &mut Frame<'_>) {}
