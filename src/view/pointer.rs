//! What only who draws knows of a place on the screen: whose head it is, and which text.
//!
//! Invariant: text is taken from what is drawn, so that what is copied is what was seen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::canvas::Canvas;
use super::columns::columns;
use super::screen;
use super::theme::Theme;
use crate::app::App;
use crate::app::geometry::TITLE;
use crate::app::pointer::{Held, Pointer, PointerKind, Under};

/// What is under the mouse.
#[must_use]
pub fn under(app: &App, theme: &Theme, pointer: Pointer) -> Under {
    match pointer.kind {
        PointerKind::Press => Under { head: head_at(app, pointer), text: None },
        PointerKind::Release => {
            let held = app.held.filter(Held::is_drag);
            Under { head: None, text: held.map(|held| text_of(app, *theme, held)) }
        }
        _ => Under::default(),
    }
}

/// The column of the table whose head stands there.
fn head_at(app: &App, pointer: Pointer) -> Option<crate::model::rows::Field> {
    let table = app.geometry(app.size)?.table;
    if table.rows <= TITLE || pointer.y != table.y + TITLE || table.columns < 2 {
        return None;
    }
    let area = Rect::from(table);
    let inner = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let mut places = columns(app, inner).places.into_iter();
    // The sign of the order stands behind its column.
    let at = places.find(|place| (place.x..=place.x + place.columns).contains(&pointer.x));
    Some(at?.field)
}

/// The text of the cells that are selected, without blanks at the ends of lines.
fn text_of(app: &App, theme: Theme, held: Held) -> String {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let mut buffer = Buffer::empty(area);
    let _ = screen::draw(app, theme, area, &mut buffer);
    let mut lines = Vec::new();
    for (y, from, until) in held.cells() {
        let mut line = String::new();
        let mut covered = 0;
        for x in from..until {
            if covered > 0 {
                // The rest of a wide character.
                covered -= 1;
                continue;
            }
            let Some(cell) = buffer.cell((x, y)) else { break };
            covered = super::text::width(cell.symbol()).saturating_sub(1);
            line.push_str(cell.symbol());
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// Shows what is selected.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let Some(held) = app.held.filter(Held::is_drag) else { return };
    let style = Style::new().add_modifier(Modifier::REVERSED);
    for (y, from, until) in held.cells() {
        canvas.style(Rect::new(from, y, until.saturating_sub(from), 1), style);
    }
}
