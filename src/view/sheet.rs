//! What opens over the table about its rows.
//!
//! ```text
//! ━ restart 5 processes? ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  1 of the 5 is not shown now: mailer[5]
//!  restarts api[0 1 2 3], 4 of its 4 instances: perhaps nothing ..
//!  y yes  n no
//! ```
//!
//! Invariant: its rows are those of [`crate::app::sheet`], which `update` scrolls by; the answers are
//! always in sight.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::daemon_sheet;
use super::parts::{self, Part};
use super::prompt::input;
use super::roles::Role;
use super::text;
use crate::app::App;
use crate::app::Pane;
use crate::app::ask::Ask;
use crate::app::ended::{self, Ended};
use crate::app::geometry::{overlay, wrap};
use crate::app::help;
use crate::app::menu::{self, Menu};
use crate::app::picker::Picker;
use crate::app::several::{self, Several};
use crate::app::sheet::{Sheet, room};
use crate::model::rows::Field;

/// The narrowest, so that its title fits.
const COLUMNS_MIN: u16 = 40;
/// The widest list of columns.
const PICKER_COLUMNS: u16 = 76;
/// The widest name of a column.
const PICKER_NAMES: u16 = 24;
/// What is said of a column that is chosen and not in the table.
const NOT_DRAWN: &str = "Chosen, but not drawn now: no room for it, or nothing to show";
/// The widest menu: all that it says of an action, where the screen has room for it.
const MENU_COLUMNS: u16 = 106;
/// The widest name of an action.
const MENU_NAMES: u16 = 20;
/// How many sentences a prompt says of what it would do, and in how many rows.
const SAID_MAX: usize = 4;
const SAID_ROWS: u16 = 3;
/// The most choices of a prompt that are listed at once.
const CHOICES_MAX: u16 = 15;

/// Draws the sheet that is open in the middle of the screen.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), sheet: &Sheet) {
    match sheet {
        Sheet::Several(several) => question(app, canvas, size, several),
        Sheet::Ended(ended, top) => verdicts(canvas, size, (ended, *top)),
        Sheet::Columns(picker) => columns(app, canvas, size, picker),
        Sheet::Menu(menu) => actions(app, canvas, size, menu),
        Sheet::Ask(ask) => prompt(app, canvas, size, ask),
        Sheet::Daemon(id, top) => daemon_sheet::draw(app, canvas, size, (*id, *top)),
    }
}

/// The keys that the footer shows while it is open.
pub(super) fn keys(sheet: &Sheet) -> Vec<Part> {
    let key = |key: &str, label: &str, leaves| {
        Part::new(key, Role::Accent, leaves).and(format!(" {label}"), Role::Quiet)
    };
    match sheet {
        Sheet::Several(several) => answers(several),
        Sheet::Ended(ended, _) => {
            let mut keys = vec![key("Esc", "close", 0), key("j k", "scroll", 3)];
            keys.extend(ended.can_undo.then(|| key("u", "undo", 1)));
            let copies = !ended.commands.is_empty();
            keys.extend(copies.then(|| key("y", "copy the pm2 command", 2)));
            keys
        }
        Sheet::Menu(_) => {
            let find = key(":", "find by typing", 1);
            vec![key("Enter", "do it", 0), key("Esc", "close", 0), key("j k", "choose", 2), find]
        }
        Sheet::Ask(_) => vec![key("Enter", "do it", 0), key("Esc", "close", 0)],
        Sheet::Daemon(..) => {
            vec![key("Esc", "close", 0), key("x", "actions", 1), key("j k", "scroll", 2)]
        }
        Sheet::Columns(_) => vec![
            key("Space", "show or not", 0),
            key("< >", "move", 0),
            key("*", "as by default", 2),
            key("Esc", "close", 0),
        ],
    }
}

/// The answers, each with its key.
fn answers(several: &Several) -> Vec<Part> {
    let answer = |key: &str, what: &str| {
        Part::new(key, Role::Accent, 0).and(format!(" {what}"), Role::Quiet)
    };
    match several.word {
        Some(word) => vec![answer(word, "and Enter: yes"), answer("Esc", "no")],
        None => vec![answer("y", "yes"), answer("n", "no")],
    }
}

fn question(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), several: &Several) {
    let role = |kind| match kind {
        several::Kind::Hidden => Role::Warn,
        several::Kind::Act => Role::Text,
        several::Kind::Manner => Role::Quiet,
    };
    let lines = several.lines(&app.watched, room(size).0);
    let lines: Vec<_> = lines.into_iter().map(|(kind, line)| (role(kind), line)).collect();
    let title = format!("{}?", several.what.question(&app.watched, &several.marked));
    // One row more for the answer.
    let inner = frame(canvas, size, &title, (&lines, several.top, 1));
    let last = Rect { y: inner.bottom().saturating_sub(1), height: inner.height.min(1), ..inner };
    if let Some(word) = several.word {
        input(canvas, last, &format!("type {word} > "), &several.input);
        return;
    }
    let mut at = last.x;
    for part in parts::fit(&answers(several), 2, last.width) {
        at += canvas.part(at, last.y, last.right().saturating_sub(at), &part) + 2;
    }
}

fn verdicts(canvas: &mut Canvas<'_>, size: (u16, u16), (ended, top): (&Ended, usize)) {
    let glyphs = canvas.theme().glyphs();
    let columns = room(size).0.saturating_sub(2);
    let shown = |(kind, begins, line): (ended::Kind, bool, String)| {
        let (role, glyph) = match kind {
            ended::Kind::Good => (Role::Good, glyphs.good),
            ended::Kind::Bad => (Role::Bad, glyphs.bad),
            ended::Kind::Command => return (Role::Quiet, line),
        };
        let sign = if begins { glyph } else { " " };
        (role, format!("{sign} {line}"))
    };
    let lines: Vec<_> = ended.shown(columns).into_iter().map(shown).collect();
    let (good, all) = (ended.good(), ended.lines.len());
    let title = format!("{}: {good} of {all} succeeded", ended.title);
    frame(canvas, size, &title, (&lines, top, 0));
}

/// Draws the menu; what cannot be done stands back, with the reason.
fn actions(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), menu: &Menu) {
    let entries = menu.entries(&app.watched, app.read_only);
    let rows = u16::try_from(entries.len()).unwrap_or(u16::MAX).min(room(size).1);
    let title = [Part::new("Actions", Role::Strong, 0), Part::new(menu.whom(), Role::Accent, 0)];
    let inner = canvas.overlay(overlay(size, MENU_COLUMNS, rows), &title);
    let top = (menu.at() + 1).saturating_sub(usize::from(rows));
    let key_of =
        |entry: &menu::Entry| app.keys.now(false, Pane::Processes, entry.key).unwrap_or_default();
    let keys = entries.iter().map(|entry| text::width(&key_of(entry))).max().unwrap_or(1).max(1);
    let lines = entries.iter().enumerate().skip(top);
    for (y, (place, entry)) in (inner.top()..inner.bottom()).zip(lines) {
        let (role, about, about_role) = match &entry.refusal {
            Some(why) => (Role::Quiet, why.clone(), Role::Warn),
            None => (Role::Text, help::sentence(&entry.about), Role::Quiet),
        };
        let key = canvas.role(if entry.refusal.is_some() { Role::Quiet } else { Role::Accent });
        canvas.text(inner.x + 1, y, keys, &key_of(entry), key);
        let room = inner.width.saturating_sub(2 + keys);
        let name = Rect::new(inner.x + 2 + keys, y, MENU_NAMES.min(room), 1);
        canvas.text(name.x, y, name.width, entry.label, canvas.role(role));
        let x = name.right() + 1;
        canvas.text(x, y, inner.right().saturating_sub(x), &about, canvas.role(about_role));
        if place == menu.at() {
            choose(canvas, inner, name);
        }
    }
}

/// Marks a line as the chosen one, over the blank cells at both sides too.
fn choose(canvas: &mut Canvas<'_>, inner: Rect, name: Rect) {
    let row = Rect::new(inner.x.saturating_sub(1), name.y, inner.width + 2, 1);
    canvas.select(row, name, true);
}

/// Draws what the menu asks for: the line, what can be chosen, what it means.
fn prompt(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), ask: &Ask) {
    let choices = ask.choices(&app.watched);
    let (columns_max, rows_max) = room(size);
    let (role, says) = match ask.read(&app.watched) {
        Ok(what) => {
            let mut all = what.sentences(&app.watched, &ask.marked);
            all.truncate(SAID_MAX);
            (Role::Good, all.join("; "))
        }
        Err(why) if ask.input.text().trim().is_empty() => (Role::Quiet, why),
        Err(why) => (Role::Bad, why),
    };
    let columns = PICKER_COLUMNS.min(columns_max);
    let said = wrap(&says, overlay(size, columns, 1).text.columns);
    let said = u16::try_from(said.len()).unwrap_or(u16::MAX).min(SAID_ROWS);
    let count = |choices: usize| u16::try_from(choices).unwrap_or(u16::MAX).min(CHOICES_MAX);
    // As tall as what it holds; its line stays where it is, so that nothing jumps while one types.
    let most = count(ask.all(&app.watched).len());
    let place = overlay(size, columns, (1 + most + SAID_ROWS).min(rows_max));
    let listed = count(choices.len());
    let title = [Part::new(ask.title(), Role::Strong, 0)];
    let inner = canvas.overlay(place.shrunk(1 + listed + said), &title);
    input(canvas, inner, "> ", &ask.input);
    let listed = listed.min(inner.height.saturating_sub(1 + said.min(1)));
    let at = ask.chosen(choices.len());
    let top = at.map_or(0, |at| (at + 1).saturating_sub(usize::from(listed)));
    let from = inner.y + 1;
    let lines = choices.iter().enumerate().skip(top);
    for (y, (place, choice)) in (from..from + listed).zip(lines) {
        let width = text::width(choice).min(inner.width.saturating_sub(2));
        let name = Rect::new(inner.x + 2, y, width, 1);
        canvas.text(name.x, y, width, choice, canvas.role(Role::Text));
        if Some(place) == at {
            choose(canvas, inner, name);
        }
    }
    let style = canvas.role(role);
    for (y, line) in (from + listed..inner.bottom()).zip(&wrap(&says, inner.width)) {
        canvas.text(inner.x, y, inner.width, line, style);
    }
}

/// Draws the list of columns.
fn columns(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), picker: &Picker) {
    let pane = Rect::new(1, 0, size.0.saturating_sub(2), 1);
    let drawn = super::columns::columns(app, pane);
    let entries = picker.entries();
    let rows_max = room(size).1;
    let rows = u16::try_from(entries.len()).unwrap_or(u16::MAX).min(rows_max);
    let shown = entries.iter().filter(|(_, is_shown)| *is_shown).count();
    let title = [
        Part::new("Columns", Role::Strong, 0),
        match entries.len() {
            all if all == shown => Part::new(format!("all {all}"), Role::Quiet, 0),
            all => Part::new(format!("{shown} of {all}"), Role::Quiet, 0),
        },
    ];
    let inner = canvas.overlay(overlay(size, PICKER_COLUMNS.min(room(size).0), rows), &title);
    let top = (picker.at() + 1).saturating_sub(usize::from(rows));
    let widest = entries.iter().map(|(field, _)| text::width(name(*field))).max().unwrap_or(0);
    let names = widest.min(PICKER_NAMES);
    let glyphs = canvas.theme().glyphs();
    let lines = entries.iter().enumerate().skip(top);
    for (y, (place, (field, is_shown))) in (inner.top()..inner.bottom()).zip(lines) {
        let column = field.column();
        let is_drawn = drawn.get(*field).is_some();
        let (sign, sign_role, role, about_it) = match (*is_shown, is_drawn) {
            (true, true) => (glyphs.good, Role::Good, Role::Text, column.about),
            (true, false) => (glyphs.good, Role::Quiet, Role::Quiet, NOT_DRAWN),
            (false, _) => (" ", Role::Quiet, Role::Quiet, column.about),
        };
        let (good, role) = (canvas.role(sign_role), canvas.role(role));
        canvas.text(inner.x + 1, y, 1, sign, good);
        let at = Rect::new(inner.x + 3, y, names, 1);
        let about = at.right() + 1;
        canvas.text(at.x, y, at.width, name(*field), role);
        let rest = inner.right().saturating_sub(about);
        canvas.text(about, y, rest, about_it, canvas.role(Role::Quiet));
        if place == picker.at() {
            choose(canvas, inner, at);
        }
    }
}

/// What a column is called in the list: a metric by its own name.
fn name(field: Field) -> &'static str {
    match field {
        Field::Metric(name) => name.get(),
        field => field.word(),
    }
}

/// Draws lines from the first one shown, above so many rows for something else; gives the inside.
fn frame(
    canvas: &mut Canvas<'_>,
    size: (u16, u16),
    title: &str,
    (lines, top, below): (&[(Role, String)], usize, u16),
) -> Rect {
    let (columns_max, rows_max) = room(size);
    let rows_max = rows_max.saturating_sub(below).max(1);
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(rows_max);
    let widest = lines.iter().map(|(_, line)| text::width(line)).max().unwrap_or(0);
    let columns = widest.max(text::width(title) + 4).max(COLUMNS_MIN).min(columns_max);
    let last = lines.len().saturating_sub(usize::from(rows));
    let top = top.min(last);
    let mut parts = vec![Part::new(title, Role::Strong, 0)];
    if last > top {
        parts.push(parts::below(last - top));
    }
    if last == top && top > 0 {
        parts.push(Part::new(format!("{top} lines above"), Role::Quiet, 0));
    }
    let inner = canvas.overlay(overlay(size, columns, rows + below), &parts);
    let end = inner.bottom().saturating_sub(below);
    for (y, (role, line)) in (inner.top()..end).zip(lines.iter().skip(top)) {
        canvas.text(inner.x, y, inner.width, line, canvas.role(*role));
    }
    inner
}
