//! What asks for text: the palette, the arguments of a method, a message.
//!
//! ```text
//! ╔ Command or method ═══════════════════════════════════════════╗
//! ║ : rest                                                       ║
//! ║ ▶ restart                  r       Restart the selected ..   ║
//! ║   restartProcessId(opts)           method of this PM2        ║
//! ╚══════════════════════════════════════════════════════════════╝
//! ```
//!
//! Invariant: the cursor is always in sight; what is refused says why below the text.

use ratatui::layout::Rect;

use super::canvas::{Canvas, FrameKind};
use super::help::spelled;
use super::parts::Part;
use super::text;
use super::theme::{Theme, Tone};
use crate::app::App;
use crate::app::editor::Editor;
use crate::app::geometry::wrap;
use crate::app::palette::{self, Entry, Palette};
use crate::app::prompt::{Arguments, Compose};
use crate::protocol::shape;

/// The widest dialog.
const COLUMNS_MAX: u16 = 90;
/// Rows of the palette's list, at most.
const ENTRIES_MAX: u16 = 16;
/// Columns of the names in the palette: `sendSignalToProcessName(opts)` and a gap.
const NAME_COLUMNS: u16 = 32;
/// Columns of the keys in the palette.
const KEY_COLUMNS: u16 = 8;

/// Opens a dialog of so many rows, at most what the screen has above the footer; gives its inside,
/// less a column at both ends.
fn dialog(
    canvas: &mut Canvas<'_>,
    screen: Rect,
    rows: u16,
    title: &[Part],
    below: &[Part],
) -> Rect {
    let width = screen.width.min(COLUMNS_MAX);
    let height = rows.saturating_add(2).min(screen.height.saturating_sub(1));
    let area = Rect::new(
        screen.x + (screen.width - width) / 2,
        screen.y + screen.height.saturating_sub(height + 1) / 2,
        width,
        height,
    )
    .intersection(screen);
    canvas.clear(area);
    let inner = canvas.frame(area, FrameKind::Dialog, title, below);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// Draws the palette.
pub(super) fn palette(app: &App, canvas: &mut Canvas<'_>, screen: Rect, palette: &Palette) {
    let entries = palette::entries(
        &app.watched,
        palette::daemon(&app.watched, app.selected),
        &palette.input.text(),
    );
    let title = [Part::new("Command or method", Tone::Strong, 0)];
    let chosen = palette.chosen.min(entries.len().saturating_sub(1));
    let below = [match entries.len() {
        0 => Part::new("nothing fits", Tone::Warning, 0),
        count => Part::new(format!("{} of {count}", chosen + 1), Tone::Plain, 0),
    }];
    let inner = dialog(canvas, screen, ENTRIES_MAX + 1, &title, &below);
    input(canvas, inner, ": ", &palette.input);
    let rows = usize::from(inner.height.saturating_sub(1));
    let top = (chosen + 1).saturating_sub(rows);
    for (y, (index, entry)) in
        (inner.y + 1..inner.bottom()).zip(entries.iter().enumerate().skip(top))
    {
        let row = Rect { y, height: 1, ..inner };
        draw_entry(canvas, row, entry, index == chosen);
    }
}

fn draw_entry(canvas: &mut Canvas<'_>, row: Rect, entry: &Entry, is_chosen: bool) {
    let glyphs = canvas.theme().glyphs();
    let (x, y) = (row.x, row.y);
    if is_chosen {
        canvas.text(x, y, 2, glyphs.pointer, canvas.tone(Tone::Plain));
    }
    let names = row.width.saturating_sub(2 + KEY_COLUMNS).min(NAME_COLUMNS);
    let rest = row.width.saturating_sub(2 + names + KEY_COLUMNS);
    let (name, keys, about) = match entry {
        Entry::Command(row) => {
            let first = row.keys.split(' ').next().unwrap_or_default();
            (row.label.to_owned(), spelled(first, canvas.theme().ascii), row.help.to_owned())
        }
        Entry::Method { name, params } => {
            (format!("{name}({})", params.join(", ")), String::new(), shape::about(name))
        }
    };
    // Colours in reverse would make patches of the chosen row.
    let tone = |tone| if is_chosen { Tone::Plain } else { tone };
    let (key, quiet) = (canvas.tone(tone(Tone::Accent)), canvas.tone(tone(Tone::Quiet)));
    canvas.text(x + 2, y, names.saturating_sub(1), &name, canvas.tone(Tone::Strong));
    canvas.text(x + 2 + names, y, KEY_COLUMNS - 1, &keys, key);
    canvas.text(x + 2 + names + KEY_COLUMNS, y, rest, &about, quiet);
    if is_chosen {
        canvas.style(row, Theme::selected(true));
    }
}

/// Draws the question for a method's arguments.
pub(super) fn arguments(app: &App, canvas: &mut Canvas<'_>, screen: Rect, arguments: &Arguments) {
    let takes = arguments.params.join(", ");
    let title = [Part::new(format!("Call {}({takes})", arguments.method), Tone::Strong, 0)];
    let below = [Part::new("JSON values, separated by blanks", Tone::Plain, 0)];
    let says = match arguments.call(&app.watched) {
        Ok(_) => (Tone::Good, "Enter calls it".to_owned()),
        Err(why) => (Tone::Bad, why),
    };
    draw_prompt(canvas, screen, &title, &below, &arguments.input, says);
}

/// Draws the message being written.
pub(super) fn compose(app: &App, canvas: &mut Canvas<'_>, screen: Rect, compose: &Compose) {
    let title = [Part::new(format!("Message to {}", compose.to(&app.watched)), Tone::Strong, 0)];
    let below = [Part::new("text or JSON", Tone::Plain, 0)];
    let says = match compose.call(&app.watched) {
        Ok(_) => (Tone::Good, format!("the app gets {}", compose.message())),
        Err(why) if compose.input.text().trim().is_empty() => (Tone::Quiet, why),
        Err(why) => (Tone::Bad, why),
    };
    draw_prompt(canvas, screen, &title, &below, &compose.input, says);
}

/// A line of text to type, and what is to be said about it.
fn draw_prompt(
    canvas: &mut Canvas<'_>,
    screen: Rect,
    title: &[Part],
    below: &[Part],
    editor: &Editor,
    (tone, says): (Tone, String),
) {
    let columns = screen.width.min(COLUMNS_MAX).saturating_sub(4);
    // Room for three lines, so that the frame does not jump while typing.
    let mut lines = wrap(text::cut_to(&says, columns.saturating_mul(6)), columns);
    lines.truncate(6);
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).max(3);
    let inner = dialog(canvas, screen, rows + 1, title, below);
    input(canvas, inner, "> ", editor);
    let style = canvas.tone(tone);
    for (y, line) in (inner.y + 1..inner.bottom()).zip(&lines) {
        canvas.text(inner.x, y, inner.width, line, style);
    }
}

/// Draws a line being typed into the first row, so that the cursor is in sight.
fn input(canvas: &mut Canvas<'_>, inner: Rect, prompt: &str, editor: &Editor) {
    if inner.height == 0 {
        return;
    }
    let accent = canvas.tone(Tone::Accent);
    let used = canvas.text(inner.x, inner.y, inner.width, prompt, accent);
    let (x, room) = (inner.x + used, inner.width - used);
    let plain = canvas.tone(Tone::Plain);
    let cursor = text::clusters(editor.after()).next().map_or(1, |cluster| cluster.columns);
    let shown = text::end_of(editor.before(), room.saturating_sub(cursor));
    let at = x + canvas.text(x, inner.y, room, shown, plain);
    let left = (x + room).saturating_sub(at);
    canvas.text(at, inner.y, left, editor.after(), plain);
    let cell = Rect::new(at, inner.y, cursor.min(left), 1);
    canvas.style(cell, Theme::selected(true));
}
