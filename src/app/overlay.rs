//! What covers the screen and takes text: palette, arguments, message; and the line shown whole.
//!
//! Invariant: whatever is open closes with one `Back`; nothing is sent but by `Open`.

use super::command::Command;
use super::editor::Edit;
use super::effect::{Effect, Effects};
use super::geometry::{line_inside, line_rows};
use super::palette::{self, Entry, Palette};
use super::prompt::{Arguments, Compose};
use super::update::{notify, take_command};
use super::{App, Mode, Pane, navigate};
use crate::model::DaemonId;
use crate::model::call::NamedCall;
use crate::protocol::risk::{Risk, changes_something};

/// The line that is typed into, if there is one.
fn input(mode: &mut Mode) -> Option<&mut super::editor::Editor> {
    match mode {
        Mode::Palette(palette) => {
            palette.chosen = 0;
            Some(&mut palette.input)
        }
        Mode::Arguments(arguments) => Some(&mut arguments.input),
        Mode::Compose(compose) => Some(&mut compose.input),
        Mode::Normal
        | Mode::Help { .. }
        | Mode::Confirm { .. }
        | Mode::ConfirmCall { .. }
        | Mode::Line { .. } => None,
    }
}

/// A character was typed.
pub(super) fn insert(app: &mut App, c: char) {
    if let Some(input) = input(&mut app.mode) {
        input.insert(c);
    }
}

/// Text was pasted. False where nothing asks for text. A prompt has one line: breaks are spaces.
pub(super) fn paste(app: &mut App, text: &str) -> bool {
    let Some(input) = input(&mut app.mode) else { return false };
    let text = text.replace("\r\n", "\n");
    for c in text.chars() {
        input.insert(if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c });
    }
    true
}

/// An editing key was pressed.
pub(super) fn edit(app: &mut App, edit: Edit) {
    if let Some(input) = input(&mut app.mode) {
        input.edit(edit);
    }
}

/// Opens the palette.
pub(super) fn open_palette(app: &mut App) {
    app.mode = Mode::Palette(Palette::default());
}

/// Opens the message to the selected process.
pub(super) fn open_compose(app: &mut App) {
    // Before it is typed, not after.
    if is_refused(app, "msgProcess") {
        return;
    }
    match app.selected {
        Some(key) => app.mode = Mode::Compose(Compose::new(app, key)),
        None => notify(app, "no process is selected", true),
    }
}

/// Shows the marked line of the log whole.
pub(super) fn open_line(app: &mut App) {
    if app.focus == Pane::Processes {
        notify(app, "Enter opens a line of the log: Tab goes there", false);
        return;
    }
    if let Some(line) = navigate::marked(app).and_then(|number| app.log.get(number)) {
        app.mode = Mode::Line { line: Box::new(line.clone()), top: 0 };
    }
}

/// A command while one of these is open.
pub(super) fn take(app: &mut App, command: Command) -> Effects {
    if command == Command::Back {
        app.mode = Mode::Normal;
        return Effects::none();
    }
    // Taken out and put back, unless what is done opens something else.
    match std::mem::replace(&mut app.mode, Mode::Normal) {
        Mode::Line { line, top } => {
            if command != Command::Open {
                let (columns, rows) = line_inside(app.size);
                let last = line_rows(&line, columns).len().saturating_sub(usize::from(rows));
                let top = scrolled(top, last, usize::from(rows), command);
                app.mode = Mode::Line { line, top };
            }
            Effects::none()
        }
        Mode::Palette(palette) => take_in_palette(app, palette, command),
        Mode::Arguments(arguments) if command == Command::Open => match arguments.call(app) {
            Ok(call) => send(app, arguments.daemon, call),
            // The prompt says why.
            Err(_) => stay(app, Mode::Arguments(arguments)),
        },
        Mode::Compose(compose) if command == Command::Open => match compose.call(app) {
            Ok(call) => send(app, compose.key.daemon, call),
            Err(_) => stay(app, Mode::Compose(compose)),
        },
        Mode::Compose(compose) if command == Command::NextPane => {
            let is_to_app = !compose.is_to_app && compose.processes(app) > 1;
            stay(app, Mode::Compose(Compose { is_to_app, ..compose }))
        }
        mode => stay(app, mode),
    }
}

fn stay(app: &mut App, mode: Mode) -> Effects {
    app.mode = mode;
    Effects::none()
}

fn take_in_palette(app: &mut App, mut palette: Palette, command: Command) -> Effects {
    let mut entries = palette::entries(app, &palette.input.text());
    let last = entries.len().saturating_sub(1);
    let chosen = palette.chosen.min(last);
    if command != Command::Open {
        palette.chosen = scrolled(chosen, last, 8, command);
        return stay(app, Mode::Palette(palette));
    }
    if entries.is_empty() {
        return stay(app, Mode::Palette(palette));
    }
    match entries.swap_remove(chosen) {
        Entry::Command(row) => take_command(app, row.command),
        Entry::Method { name, params } => ask_arguments(app, &name, params),
    }
}

/// Asks for the arguments of a method, or calls it at once where it needs none.
fn ask_arguments(app: &mut App, method: &str, params: Vec<Box<str>>) -> Effects {
    let Some(daemon) = palette::daemon(app) else {
        return Effects::none();
    };
    if is_refused(app, method) {
        return Effects::none();
    }
    let selected = app.selected.filter(|key| key.daemon == daemon).map(|key| key.pm_id);
    let arguments = Arguments::new(daemon, method, params, selected);
    match arguments.call(app) {
        Ok(call) if arguments.needs_nothing() => send(app, daemon, call),
        _ => stay(app, Mode::Arguments(arguments)),
    }
}

/// Whether this is read-only and the method changes something; says so.
fn is_refused(app: &mut App, method: &str) -> bool {
    let is_refused = app.read_only && changes_something(method);
    if is_refused {
        let what = if method == "msgProcess" { "message" } else { method };
        notify(app, &format!("{what}: refused, this is --read-only"), true);
    }
    is_refused
}

/// Sends a call, or asks whether it is meant.
fn send(app: &mut App, daemon: DaemonId, call: NamedCall) -> Effects {
    if is_refused(app, &call.method) {
        return stay(app, Mode::Normal);
    }
    if Risk::of(&call.method).asks() {
        return stay(app, Mode::ConfirmCall { daemon, call });
    }
    Effects::one(Effect::Call { daemon, call })
}

/// A place in a list after a movement.
fn scrolled(at: usize, last: usize, page: usize, command: Command) -> usize {
    match command {
        Command::Up => at.saturating_sub(1),
        Command::Down => at + 1,
        Command::PageUp => at.saturating_sub(page.max(1)),
        Command::PageDown => at + page.max(1),
        Command::First => 0,
        Command::Last => last,
        _ => at,
    }
    .min(last)
}
