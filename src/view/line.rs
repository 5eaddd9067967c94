//! A line of the log shown whole.
//!
//! ```text
//! ━ api[0] ━ my:answer ━ 12:03:01.123 ━ 12 more lines below ━━━━
//!  {
//!    "heap": 4711
//! ```
//!
//! Invariant: its rows are those of [`crate::app::geometry`], which `update` scrolls by.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::parts::Part;
use super::roles::Role;
use super::text::{self, Clock};
use crate::app::App;
use crate::app::geometry::{line_inside, line_rows};
use crate::app::log_line::Shown;

/// Draws the line over the whole screen but the footer, scrolled down by `top` rows.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, screen: Rect, line: &Shown, top: usize) {
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
    let time = text::clock(line.time.at_ms, app.utc_offset_s, Clock::Milliseconds);
    let mut title = vec![
        Part::new(name, Role::Strong, 1),
        Part::new(line.word(), Role::Event, 0),
        Part::new(time, Role::Quiet, 2),
    ];
    if last > top {
        title.push(Part::new(format!("{} more lines below", last - top), Role::Quiet, 0));
    }
    let inner = canvas.pane(area, true, &title);
    let plain = canvas.role(Role::Text);
    for (y, row) in (inner.top()..inner.bottom()).zip(lines.iter().skip(top)) {
        canvas.text(inner.x, y, inner.width, row, plain);
    }
}
