//! What asks for text: the palette, the arguments of a method, a message.
//!
//! ```text
//! ━ Command or method ━ 1 of 61 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  : rest
//! ▌ restart                  r       Restart the selected ..
//!   restartProcessId(opts)           method of this PM2
//! ```
//!
//! Invariant: the cursor is always in sight; a line break is a sign in the one row that there is;
//! what is refused says why below the text.

use std::borrow::Cow;

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::canvas::Canvas;
use super::glyphs::Glyphs;
use super::parts::{Part, spelled};
use super::roles::Role;
use super::text;
use crate::app::App;
use crate::app::editor::Editor;
use crate::app::geometry::{overlay, wrap};
use crate::app::help;
use crate::app::offers;
use crate::app::palette::{self, Entry, Palette};
use crate::app::prompt::{Arguments, Compose};
use crate::protocol::shape;

/// The widest text of a dialog.
const COLUMNS_MAX: u16 = 88;
/// The widest palette: most of what it says of an entry, where the screen has room for it.
const PALETTE_COLUMNS: u16 = 112;
/// The same on a screen that is wider than that by far: all of it.
const PALETTE_COLUMNS_WIDE: u16 = 144;
/// From so many columns of the screen on.
const WIDE_FROM: u16 = 160;
/// From so many columns on the longest sentence of the palette stands in one line.
const ONE_LINE_FROM: u16 = 100;
/// What is said of a tab of the details.
const TAB_ABOUT: &str = "This tab of the selected process's details";
/// Rows of the palette's list, at most.
const ENTRIES_MAX: u16 = 16;
/// Columns of the names in the palette: `sendSignalToProcessName(opts)` and a gap.
const NAME_COLUMNS: u16 = 32;
/// Columns of the keys in the palette.
const KEY_COLUMNS: u16 = 8;

/// Opens a dialog of so many rows, at most what the screen has above the footer; gives its inside.
fn dialog(canvas: &mut Canvas<'_>, size: (u16, u16), rows: u16, title: &[Part]) -> Rect {
    canvas.overlay(overlay(size, COLUMNS_MAX, rows), title)
}

/// Draws the palette.
pub(super) fn palette(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), palette: &Palette) {
    let typed = palette.input.text();
    let scene = offers::scene(app);
    let entries = palette::entries(&scene, palette);
    let chosen = palette.chosen.min(entries.len().saturating_sub(1));
    let place = match entries.len() {
        0 => Part::new("nothing fits", Role::Warn, 0),
        count => Part::new(format!("{} of {count}", chosen + 1), Role::Quiet, 0),
    };
    let title = [Part::new("Command or method", Role::Strong, 0), place];
    // As long as what it has: it covers no more of what is behind.
    let listed = u16::try_from(entries.len()).unwrap_or(ENTRIES_MAX).min(ENTRIES_MAX);
    // Where its sentence is cut, that of the chosen one stands below, whole.
    let widest = if size.0 < WIDE_FROM { PALETTE_COLUMNS } else { PALETTE_COLUMNS_WIDE };
    let columns = overlay(size, widest, 1).text.columns;
    let below = if columns < ONE_LINE_FROM { 2 } else { 1 };
    let area = overlay(size, widest, ENTRIES_MAX + 1 + below).shrunk(listed + 1 + below);
    let mut inner = canvas.overlay(area, &title);
    input(canvas, inner, ": ", &palette.input);
    inner.height = inner.height.saturating_sub(below);
    let rows = usize::from(inner.height.saturating_sub(1));
    let top = (chosen + 1).saturating_sub(rows);
    for (y, (index, entry)) in
        (inner.y + 1..inner.bottom()).zip(entries.iter().enumerate().skip(top))
    {
        // Over the blank cells at both sides too.
        let row = Rect::new(inner.x - 1, y, inner.width + 2, 1);
        let refusal = palette::refusal(&scene, palette, entry);
        draw_entry(canvas, row, (entry, refusal.as_deref()), &typed, index == chosen);
    }
    let Some(entry) = entries.get(chosen) else { return };
    let (about, role) = match palette::refusal(&scene, palette, entry) {
        Some(why) => (why, Role::Warn),
        None => (help::sentence(&about(entry)), Role::Quiet),
    };
    if text::width(&about) <= columns.saturating_sub(1 + NAME_COLUMNS + KEY_COLUMNS) {
        return;
    }
    let style = canvas.role(role);
    for (y, line) in (inner.bottom()..inner.bottom() + below).zip(&wrap(&about, inner.width)) {
        canvas.text(inner.x, y, inner.width, line, style);
    }
}

/// What an entry does, in a sentence.
fn about(entry: &Entry) -> String {
    match entry {
        Entry::Command(row) => help::sentence(help::placeless(&row.help)),
        Entry::Tab(..) => TAB_ABOUT.to_owned(),
        Entry::Item(entry) => entry.about.to_string(),
        Entry::Method { name, .. } => shape::about(name),
    }
}

fn draw_entry(
    canvas: &mut Canvas<'_>,
    row: Rect,
    (entry, refusal): (&Entry, Option<&str>),
    typed: &str,
    is_chosen: bool,
) {
    let (x, y) = (row.x + 2, row.y);
    let names = row.width.saturating_sub(3 + KEY_COLUMNS).min(NAME_COLUMNS);
    let rest = row.width.saturating_sub(3 + names + KEY_COLUMNS);
    let (name, keys) = match entry {
        Entry::Command(row) => {
            let first = row.keys.split(' ').next().unwrap_or_default();
            let first = spelled(first, canvas.theme().ascii);
            (entry.name().to_owned(), first)
        }
        Entry::Tab(_, label) => (label.clone(), String::new()),
        Entry::Item(entry) => (entry.label.to_owned(), String::new()),
        Entry::Method { name, params } => (format!("{name}({})", params.join(", ")), String::new()),
    };
    let about = about(entry);
    let (key, plain, about, about_role) = match refusal {
        Some(why) => (Role::Quiet, Role::Quiet, why, Role::Warn),
        None => (Role::Accent, Role::Text, &*about, Role::Quiet),
    };
    let (key, plain) = (canvas.role(key), canvas.role(plain));
    let found = canvas.role(Role::Match);
    // What is typed, where it stands in the name; letters that are apart are not marked.
    let at = name.to_ascii_lowercase().find(&typed.trim().to_ascii_lowercase());
    let matched = at.map_or(0..0, |at| at..at + typed.trim().len());
    canvas.styled(x, y, names.saturating_sub(1), &name, |byte| {
        if matched.contains(&byte) { found } else { plain }
    });
    canvas.text(x + names, y, KEY_COLUMNS - 1, &keys, key);
    let about = words_of(about, rest, canvas.theme().glyphs().ellipsis);
    canvas.text(x + names + KEY_COLUMNS, y, rest, &about, canvas.role(about_role));
    if is_chosen {
        let width = text::width(&name).min(names.saturating_sub(1));
        canvas.select(row, Rect::new(x, y, width, 1), true);
    }
}

/// As many whole words as have room, with a sign where that is not all.
fn words_of<'a>(text: &'a str, columns: u16, ellipsis: &str) -> Cow<'a, str> {
    if text::width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let cut = text::cut_to(text, columns.saturating_sub(text::width(ellipsis)));
    let whole = cut.rfind(' ').and_then(|at| cut.get(..at)).unwrap_or(cut);
    Cow::Owned(format!("{}{ellipsis}", whole.trim_end_matches([',', ';', ':'])))
}

/// Draws the question for a method's arguments.
pub(super) fn arguments(
    app: &App,
    canvas: &mut Canvas<'_>,
    size: (u16, u16),
    arguments: &Arguments,
) {
    let takes = arguments.params.join(", ");
    let title = [
        Part::new(format!("Call {}({takes})", arguments.method), Role::Strong, 0),
        Part::new("JSON values, separated by blanks", Role::Quiet, 1).or(1, "JSON", Role::Quiet),
    ];
    let says = match arguments.call(&app.watched) {
        Ok(_) => (Role::Good, "Enter calls it".to_owned()),
        Err(why) => (Role::Bad, why),
    };
    draw_prompt(canvas, size, &title, &arguments.input, says);
}

/// Draws the message being written.
pub(super) fn compose(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), compose: &Compose) {
    let whom = Part::new(format!("Message to {}", compose.to(&app.watched)), Role::Strong, 0);
    let count = compose.others.len() + 1;
    let brief = format!("Message to {count} processes");
    let title = [
        if count > 1 { whom.or(1, brief, Role::Strong) } else { whom },
        Part::new("text or JSON", Role::Quiet, 1),
    ];
    let says = match compose.call(&app.watched) {
        Ok(_) if count > 1 => (Role::Good, format!("each gets {}", compose.message())),
        Ok(_) => (Role::Good, format!("the app gets {}", compose.message())),
        Err(why) if compose.input.text().trim().is_empty() => (Role::Quiet, why),
        Err(why) => (Role::Bad, why),
    };
    draw_prompt(canvas, size, &title, &compose.input, says);
}

/// A line being typed in the title of a pane, with its cursor; what stands behind `wrong_at`
/// characters is marked. Where it is longer, an ellipsis says so.
pub(super) fn in_title(
    sign: &str,
    editor: &Editor,
    (columns, ellipsis): (u16, &str),
    wrong_at: usize,
) -> Part {
    let (before, after) = (editor.before(), editor.after());
    let room = columns.saturating_sub(1);
    let is_cut = text::width(before) > room && room > text::width(ellipsis);
    let lead = if is_cut { ellipsis } else { "" };
    let shown = text::end_of(before, room - text::width(lead));
    // How many characters stand before what is shown.
    let skipped = before.chars().count() - shown.chars().count();
    let good: String = shown.chars().take(wrong_at.saturating_sub(skipped)).collect();
    let bad = shown.get(good.len()..).unwrap_or_default();
    let part = Part::new(format!("{sign} "), Role::Accent, 0);
    let part = part.and(lead, Role::Quiet).and(good.clone(), Role::Strong).and(bad, Role::Bad);
    let cursor = text::clusters(after).next();
    let (under, rest) = match &cursor {
        Some(cluster) => after.split_at(cluster.end),
        None => (" ", ""),
    };
    part.and(under, Role::Match).and(text::shortened(rest, columns, ellipsis), Role::Strong)
}

/// A text to type, and what is to be said about it.
pub(super) fn draw_prompt(
    canvas: &mut Canvas<'_>,
    size: (u16, u16),
    title: &[Part],
    editor: &Editor,
    (role, says): (Role, String),
) {
    let mut title = title.to_vec();
    let breaks = editor.before().matches('\n').chain(editor.after().matches('\n')).count();
    if breaks > 0 {
        title.push(Part::new(format!("{} lines", breaks + 1), Role::Quiet, 2));
    }
    let columns = overlay(size, COLUMNS_MAX, 1).text.columns;
    // Room for three lines, so that it does not jump while typing.
    let mut lines = wrap(text::cut_to(&says, columns.saturating_mul(6)), columns);
    lines.truncate(6);
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).max(3);
    let inner = dialog(canvas, size, rows + 1, &title);
    input(canvas, inner, "> ", editor);
    let style = canvas.role(role);
    for (y, line) in (inner.y + 1..inner.bottom()).zip(&lines) {
        canvas.text(inner.x, y, inner.width, line, style);
    }
}

/// Draws a text being typed into the first row, so that the cursor is in sight.
pub(super) fn input(canvas: &mut Canvas<'_>, inner: Rect, prompt: &str, editor: &Editor) {
    if inner.height == 0 {
        return;
    }
    let accent = canvas.role(Role::Accent);
    let used = canvas.text(inner.x, inner.y, inner.width, prompt, accent);
    let (x, room) = (inner.x + used, inner.width - used);
    let glyphs = canvas.theme().glyphs();
    let (before, after) = (signed(editor.before(), glyphs), signed(editor.after(), glyphs));
    // A break under the cursor is as wide as its sign.
    let under = match editor.after().chars().next() {
        Some('\n') => text::width(glyphs.line_break),
        Some('\t') => text::width(glyphs.tab),
        _ => text::clusters(&after).next().map_or(1, |cluster| cluster.columns),
    };
    let shown = text::end_of(&before, room.saturating_sub(under));
    let at = x + draw_signed(canvas, (x, inner.y), room, shown);
    let left = (x + room).saturating_sub(at);
    draw_signed(canvas, (at, inner.y), left, &after);
    let cell = Rect::new(at, inner.y, under.min(left), 1);
    canvas.style(cell, Style::new().add_modifier(Modifier::REVERSED));
}

/// The text with signs in the place of line breaks and tabs.
fn signed<'a>(text: &'a str, glyphs: &Glyphs) -> Cow<'a, str> {
    if text.contains(['\n', '\t']) {
        Cow::Owned(text.replace('\n', glyphs.line_break).replace('\t', glyphs.tab))
    } else {
        Cow::Borrowed(text)
    }
}

/// Draws a text, its signs in a quiet colour; returns the columns it took.
fn draw_signed(canvas: &mut Canvas<'_>, (x, y): (u16, u16), columns: u16, text: &str) -> u16 {
    let (plain, quiet) = (canvas.role(Role::Text), canvas.role(Role::Quiet));
    let glyphs = canvas.theme().glyphs();
    canvas.styled(x, y, columns, text, |at| {
        let rest = text.get(at..).unwrap_or_default();
        let is_sign = rest.starts_with(glyphs.line_break) || rest.starts_with(glyphs.tab);
        if is_sign { quiet } else { plain }
    })
}
