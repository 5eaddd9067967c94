//! The help overlay, made from the command table.
//!
//! Invariant: its lines and its size are those of [`crate::app::geometry`], which `update` scrolls by.

use ratatui::layout::Rect;

use super::canvas::{Canvas, FrameKind};
use super::parts::Part;
use super::theme::Tone;
use crate::app::geometry::{HELP_KEYS, help_inside, help_lines, help_top_max};

/// Draws the overlay, scrolled down by `top` lines.
pub(super) fn draw(canvas: &mut Canvas<'_>, screen: Rect, top: u16) {
    let size = (screen.width, screen.height);
    let (columns, rows) = help_inside(size);
    let top_max = help_top_max(size);
    let top = top.min(top_max);
    let (width, height) = (columns + 4, rows + 2);
    let area = Rect::new(
        screen.x + screen.width.saturating_sub(width) / 2,
        screen.y + screen.height.saturating_sub(height + 1) / 2,
        width,
        height,
    )
    .intersection(screen);
    canvas.clear(area);
    let title = [Part::new("Help", Tone::Strong, 0)];
    let more = if top < top_max {
        vec![Part::new(format!("{} more lines below", top_max - top), Tone::Plain, 0)]
    } else {
        Vec::new()
    };
    let inner = canvas.frame(area, FrameKind::Dialog, &title, &more);
    let lines = help_lines(columns);
    let (key, plain) = (canvas.tone(Tone::Accent), canvas.tone(Tone::Plain));
    for (y, line) in (inner.top()..inner.bottom()).zip(lines.iter().skip(usize::from(top))) {
        let x = inner.x + 1;
        let keys = spelled(line.keys, canvas.theme().ascii);
        canvas.text(x, y, HELP_KEYS - 1, &keys, key);
        canvas.text(x + HELP_KEYS, y, columns - HELP_KEYS, &line.text, plain);
    }
}

/// The keys as words where the terminal has no arrows.
pub(super) fn spelled(keys: &str, ascii: bool) -> String {
    if ascii { keys.replace('↑', "Up").replace('↓', "Down") } else { keys.to_owned() }
}
