//! The help overlay, made from the keymap.
//!
//! Invariant: its lines and its size are those of [`crate::app::help`], which `update` scrolls by.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::parts::{self, Part, spelled};
use super::prompt;
use super::roles::Role;
use crate::app::App;
use crate::app::help::{Help, keys_columns};

/// Draws the overlay.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), help: &Help) {
    let keymap = &app.keys;
    let top_max = help.top_max(keymap, size);
    let top = help.top.min(top_max);
    let mut title = vec![Part::new("Help", Role::Strong, 0)];
    let inner = help.overlay(keymap, size);
    let lines = help.lines(keymap, inner.text.columns);
    if lines.is_empty() {
        title.push(Part::new("nothing found", Role::Warn, 0));
    } else if top < top_max {
        title.push(parts::below((top_max - top).into()));
    } else {
        // All of it is in sight.
    }
    let mut inner = canvas.overlay(inner, &title);
    if help.has_input() && inner.height > 0 {
        let row = Rect { height: 1, ..inner };
        if help.is_typing {
            prompt::input(canvas, row, "/ ", &help.input);
        } else {
            let text = format!("/ {}", help.input.text());
            canvas.text(row.x, row.y, row.width, &text, canvas.role(Role::Accent));
        }
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let columns = keys_columns(keymap);
    let (key, plain) = (canvas.role(Role::Accent), canvas.role(Role::Text));
    for (y, line) in (inner.top()..inner.bottom()).zip(lines.iter().skip(usize::from(top))) {
        if line.is_title {
            canvas.text(inner.x, y, inner.width, &line.text, canvas.role(Role::Strong));
            continue;
        }
        let keys = spelled(&line.keys, canvas.theme().ascii);
        canvas.text(inner.x, y, columns.saturating_sub(1), &keys, key);
        let rest = inner.width.saturating_sub(columns);
        canvas.text(inner.x + columns, y, rest, &line.text, plain);
    }
}
