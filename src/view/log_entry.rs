//! An entry of the log shown whole.
//!
//! ```text
//! ━ api[0] ━ my:answer ━ 12:03:01.123 ━ / heap 1 of 2 ━ 12 more lines below ━━━━
//!  {
//!    "heap": 4711
//! ```
//!
//! Invariant: its rows are those of [`crate::app::log_entry`], which `update` scrolls by.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::log_title::typed_max;
use super::logs::{found_in, marking};
use super::parts::{self, Part, key};
use super::prompt;
use super::roles::Role;
use super::text::{self, Clock};
use crate::app::App;
use crate::app::geometry::line_inside;
use crate::app::log_dress::is_estimated;
use crate::app::log_entry::Entry;

/// Draws the entry over the whole screen but the footer.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), entry: &Entry) {
    let screen = Rect::new(0, 0, size.0, size.1);
    let (columns, rows) = line_inside(size);
    let lines = entry.rows(columns);
    let last = lines.len().saturating_sub(usize::from(rows));
    let top = entry.top.min(last);
    let area = Rect { height: screen.height.saturating_sub(1), ..screen };
    canvas.clear(area);
    let line = &entry.line;
    let name = match line.source.pm_id {
        Some(pm_id) => format!("{}[{pm_id}]", line.source.name),
        None if line.source.name.is_empty() => "PM2".to_owned(),
        None => line.source.name.to_string(),
    };
    let sign = if is_estimated(line) { "~" } else { "" };
    let time = text::clock(line.time.at_ms, app.utc_offset_s, Clock::Milliseconds);
    let time = format!("{time}{sign}");
    let mut title = vec![
        Part::new(name, Role::Strong, 1),
        Part::new(line.word(), Role::Event, 0),
        Part::new(time, Role::Quiet, 2),
    ];
    if line.is_bus_only {
        title.push(Part::new("only on the bus, not in its log file", Role::Warn, 1));
    }
    let (room, ellipsis) = (typed_max(size.0), canvas.theme().glyphs().ellipsis);
    if let Some(typing) = &entry.typing {
        title.push(prompt::in_title("/", typing, (room, ellipsis), usize::MAX));
    }
    if let (Some(search), None) = (&entry.search, &entry.typing) {
        let text = text::shortened(search.pattern.text(), room, ellipsis);
        title.push(Part::new(format!("/ {text}"), Role::Match, 0));
    }
    if entry.search.is_some() {
        let words = match entry.found(&lines) {
            // The search of the log goes through all of it.
            (0, _) if entry.is_cut => "no match in the part shown".to_owned(),
            (0, _) => "no match".to_owned(),
            (found, before) if before < found => format!("{} of {found}", before + 1),
            (found, _) => format!("{found} above"),
        };
        title.push(Part::new(words, Role::Text, 0));
    }
    if last > top {
        title.push(parts::below(last - top));
    }
    let inner = canvas.pane(area, true, &title);
    let (plain, mark) = (canvas.role(Role::Text), canvas.role(Role::Match));
    for (y, row) in (inner.top()..inner.bottom()).zip(lines.iter().skip(top)) {
        let found = found_in(entry.search.as_ref(), row);
        let style = marking(&found, mark, |_| plain);
        canvas.styled(inner.x, y, inner.width, row, style);
    }
}

/// What its keys do.
pub(super) fn keys(entry: &Entry) -> Vec<Part> {
    if entry.typing.is_some() {
        return vec![key("Enter", "keep", 0), key("Esc", "drop", 0)];
    }
    let mut keys = vec![key("Esc", "close", 0), key("j k", "scroll", 1), key("/", "search", 2)];
    if entry.search.is_some() {
        keys.push(key("n N", "next, previous", 2));
    }
    let wrap = if entry.shift.is_none() { "cut lines" } else { "wrap lines" };
    keys.extend([key("y", "copy", 3), key("w", wrap, 4)]);
    keys
}
