//! The help overlay, made from the command table.
//!
//! Invariant: its lines and its size are those of [`crate::app::geometry`], which `update` scrolls by.

use super::canvas::Canvas;
use super::parts::Part;
use super::roles::Role;
use crate::app::help::{HELP_KEYS, help_lines, help_overlay, help_top_max};

/// Draws the overlay, scrolled down by `top` lines.
pub(super) fn draw(canvas: &mut Canvas<'_>, size: (u16, u16), top: u16) {
    let top_max = help_top_max(size);
    let top = top.min(top_max);
    let mut title = vec![Part::new("Help", Role::Strong, 0)];
    if top < top_max {
        title.push(Part::new(format!("{} more lines below", top_max - top), Role::Quiet, 0));
    }
    let inner = canvas.overlay(help_overlay(size), &title);
    let lines = help_lines(inner.width);
    let (key, plain) = (canvas.role(Role::Accent), canvas.role(Role::Text));
    for (y, line) in (inner.top()..inner.bottom()).zip(lines.iter().skip(usize::from(top))) {
        let keys = spelled(line.keys, canvas.theme().ascii);
        canvas.text(inner.x, y, HELP_KEYS - 1, &keys, key);
        let rest = inner.width.saturating_sub(HELP_KEYS);
        canvas.text(inner.x + HELP_KEYS, y, rest, &line.text, plain);
    }
}

/// The keys as words where the terminal has no arrows.
pub(super) fn spelled(keys: &str, ascii: bool) -> String {
    if ascii { keys.replace('↑', "Up").replace('↓', "Down") } else { keys.to_owned() }
}
