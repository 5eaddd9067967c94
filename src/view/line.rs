//! A line of the log shown whole.
//!
//! ```text
//! ╔ api[0] ══ my:answer ══ 12:03:01.123 ═════════════════════════╗
//! ║ {                                                            ║
//! ║   "heap": 4711                                               ║
//! ╚ 12 more lines below ═════════════════════════════════════════╝
//! ```
//!
//! Invariant: its rows are those of [`crate::app::geometry`], which `update` scrolls by.

use ratatui::layout::Rect;

use super::canvas::{Canvas, FrameKind};
use super::parts::Part;
use super::text::{self, Clock};
use super::theme::Tone;
use crate::app::App;
use crate::app::geometry::{line_inside, line_rows};
use crate::model::log::LogLine;

/// Draws the line over the whole screen but the footer, scrolled down by `top` rows.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, screen: Rect, line: &LogLine, top: usize) {
    let (columns, rows) = line_inside((screen.width, screen.height));
    let lines = line_rows(line, columns);
    let last = lines.len().saturating_sub(usize::from(rows));
    let top = top.min(last);
    let area = Rect { height: screen.height.saturating_sub(1), ..screen };
    canvas.clear(area);
    let name = match line.source.pm_id {
        Some(pm_id) => format!("{}[{pm_id}]", line.source.name),
        None if line.source.name.is_empty() => "PM2".to_owned(),
        None => line.source.name.to_string(),
    };
    let time = text::clock(line.at_ms, app.utc_offset_s, Clock::Milliseconds);
    let title = [
        Part::new(name, Tone::Strong, 1),
        Part::new(line.kind.word(), Tone::Accent, 0),
        Part::new(time, Tone::Plain, 2),
    ];
    let below = match last - top {
        0 => Vec::new(),
        more => vec![Part::new(format!("{more} more lines below"), Tone::Plain, 0)],
    };
    let inner = canvas.frame(area, FrameKind::Dialog, &title, &below);
    let plain = canvas.tone(Tone::Plain);
    for (y, row) in (inner.top()..inner.bottom()).zip(lines.iter().skip(top)) {
        canvas.text(inner.x + 1, y, inner.width.saturating_sub(2), row, plain);
    }
}
