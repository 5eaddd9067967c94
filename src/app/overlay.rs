//! What covers the screen, and what it does with a command.
//!
//! Invariant: nothing here changes the app but what is open; [`take`] says what else is wanted, and
//! `update` does it. Whatever is open closes with one `Back`.

use super::command::{Command, LogCommand};
use super::editor::{Edit, Editor};
use super::geometry::line_inside;
use super::inspection::Prompt;
use super::inspection_ask::Ask;
use super::menu::Menu;
use super::mode::Mode;
use super::palette::{self, Entry, Palette};
use super::prompt::{Arguments, Compose};
use super::taken::{Around, LogPlace, Taken, scrolled};
use super::what::What;
use super::{exceptions, sheet_keys, why};
use crate::model::death::LifeNumber;
use crate::model::process::Process;
use crate::model::{Action, DaemonId, ProcessKey};

/// The line that is typed into, if there is one.
fn input(mode: &mut Mode) -> Option<&mut Editor> {
    match mode {
        Mode::Palette(palette) => {
            palette.chosen = 0;
            Some(&mut palette.input)
        }
        Mode::Arguments(arguments) => Some(&mut arguments.input),
        Mode::Compose(compose) => Some(&mut compose.input),
        Mode::Filter(typing) => Some(&mut typing.input),
        Mode::Sheet(sheet) => sheet.input(),
        Mode::LogInput(typed) => Some(&mut typed.input),
        Mode::LogSheet(sheet) => sheet.input(),
        Mode::Details(sheet) => sheet.prompt.as_mut().and_then(Prompt::input),
        Mode::Help(help) if help.is_typing => {
            help.top = 0;
            Some(&mut help.input)
        }
        Mode::Normal
        | Mode::Help { .. }
        | Mode::Confirm { .. }
        | Mode::ConfirmReload { .. }
        | Mode::ConfirmCall { .. }
        | Mode::Own(_)
        | Mode::Why { .. }
        | Mode::Exceptions { .. }
        | Mode::Exception { .. } => None,
    }
}

/// A character was typed. False where it does not fit.
pub(super) fn insert(mode: &mut Mode, c: char) -> bool {
    input(mode).is_none_or(|input| input.insert(c))
}

/// Text was pasted. False where it does not fit; `None` where nothing asks for text.
pub(super) fn paste(mode: &mut Mode, text: &str) -> Option<bool> {
    input(mode).map(|input| input.paste(text))
}

/// An editing key was pressed.
pub(super) fn edit(mode: &mut Mode, edit: Edit) {
    if let Some(input) = input(mode) {
        input.edit(edit);
    }
}

/// A command while this is open.
pub(super) fn take(mode: &mut Mode, around: &Around<'_>, command: Command) -> Taken {
    match (mode, command) {
        // The pane itself takes what is typed; the details take their commands.
        (
            Mode::Normal
            | Mode::Filter(_)
            | Mode::LogInput(_)
            | Mode::LogSheet(_)
            | Mode::Details(_),
            _,
        ) => Taken::Pass,
        (Mode::Help(help), command) => {
            if help.take(around.keys, around.size, command) {
                Taken::Done
            } else {
                Taken::Close
            }
        }
        (_, Command::Back | Command::No) => Taken::Close,
        (Mode::Why { key, life, top }, command) => {
            if command == Command::Why {
                return Taken::Close;
            }
            take_in_why(around, (*key, life, top), command)
        }
        (Mode::Exceptions { chosen }, command) => {
            exceptions::take_in_list(around.watched, around.size, chosen, command)
        }
        (Mode::Exception { number, top }, command) => {
            exceptions::take_in_group(around.watched, around.size, (*number, top), command)
        }
        (Mode::Confirm { action, daemon, target }, Command::Yes) => {
            Taken::Act(*action, *daemon, vec![target.clone()])
        }
        (Mode::ConfirmReload { daemon, all, .. }, Command::Yes) => {
            Taken::Act(Action::Reload, *daemon, std::mem::take(all))
        }
        (Mode::ConfirmReload { daemon, target, .. }, Command::This) => {
            Taken::Act(Action::Reload, *daemon, vec![target.clone()])
        }
        (Mode::ConfirmCall { daemon, call }, Command::Yes) => {
            Taken::Send { daemon: *daemon, call: call.clone(), is_confirmed: true }
        }
        (Mode::Own(ready), Command::Yes) => Taken::Run(ready.clone()),
        (Mode::Sheet(sheet), command) => sheet_keys::take(sheet, around, command),
        (Mode::Palette(palette), command) => take_in_palette(palette, around, command),
        (Mode::Arguments(arguments), Command::Open) => match arguments.call(around.watched) {
            Ok(call) => Taken::Send { daemon: arguments.daemon, call, is_confirmed: false },
            // The prompt says why.
            Err(_) => Taken::Done,
        },
        (Mode::Compose(compose), command) => take_in_message(compose, around, command),
        (
            Mode::Confirm { .. }
            | Mode::ConfirmReload { .. }
            | Mode::ConfirmCall { .. }
            | Mode::Own(_)
            | Mode::Arguments(_),
            _,
        ) => Taken::Pass,
    }
}

fn take_in_message(compose: &mut Compose, around: &Around<'_>, command: Command) -> Taken {
    match command {
        Command::Open => match compose.call(around.watched) {
            Ok(call) if compose.others.is_empty() => {
                Taken::Send { daemon: compose.daemon, call, is_confirmed: false }
            }
            Ok(_) => Taken::Ask(compose.marked(), What::Message(compose.message())),
            // The prompt says why.
            Err(_) => Taken::Done,
        },
        Command::NextPane => {
            let may = compose.others.is_empty() && compose.all(around.watched).len() > 1;
            compose.is_to_app = !compose.is_to_app && may;
            Taken::Done
        }
        _ => Taken::Pass,
    }
}

fn take_in_why(
    around: &Around<'_>,
    (key, life, top): (ProcessKey, &mut LifeNumber, &mut usize),
    command: Command,
) -> Taken {
    let (columns, rows) = line_inside(around.size);
    match command {
        Command::Open => {
            let shown = why::end(around.watched, key, *life);
            return shown.map_or(Taken::Done, |end| Taken::Log(LogPlace::End(key, end)));
        }
        Command::Older | Command::Log(LogCommand::PreviousTurn) => {
            (*life, *top) = (why::number(around.watched, key, *life, -1), 0);
        }
        Command::Newer | Command::Log(LogCommand::NextTurn) => {
            (*life, *top) = (why::number(around.watched, key, *life, 1), 0);
        }
        command => {
            let at = |_| "00:00:00".to_owned();
            let lines = why::rows_of(around.watched, key, (*life, (columns, rows)), at);
            let last = lines.len().saturating_sub(usize::from(rows));
            *top = scrolled(*top, last, usize::from(rows), command);
        }
    }
    Taken::Done
}

fn take_in_palette(palette: &mut Palette, around: &Around<'_>, command: Command) -> Taken {
    let scene = around.scene();
    let daemon = palette::daemon(around.watched, around.selected);
    let mut entries = palette::entries(&scene, palette);
    let last = entries.len().saturating_sub(1);
    let chosen = palette.chosen.min(last);
    if command != Command::Open {
        palette.chosen = scrolled(chosen, last, 8, command);
        return Taken::Done;
    }
    if entries.is_empty() {
        return Taken::Done;
    }
    let entry = entries.swap_remove(chosen);
    if palette::refusal(&scene, palette, &entry).is_some() {
        // Why not stands beside it.
        return Taken::Done;
    }
    match (entry, daemon) {
        (Entry::Command(row), _) => Taken::Do(row.command),
        (Entry::Tab(number, _), _) => Taken::Do(Command::Details(Ask::Tab(number))),
        (Entry::Item(entry), _) => {
            let menu = palette.menu.take();
            Taken::Item(entry.item, menu.map(|menu| menu.marked).unwrap_or_default())
        }
        (Entry::Method { name, params }, Some(daemon)) => {
            ask_arguments(around, daemon, &name, params, palette.menu.as_deref())
        }
        (Entry::Method { .. }, None) => Taken::Done,
    }
}

/// Asks for the arguments of a method, or calls it at once where it needs none. The selected process
/// is filled in if it was meant when the palette was opened: another one may have its place now.
fn ask_arguments(
    around: &Around<'_>,
    daemon: DaemonId,
    method: &str,
    params: Vec<Box<str>>,
    menu: Option<&Menu>,
) -> Taken {
    let selected = around.selected.filter(|key| key.daemon == daemon);
    let god = around.watched.daemon(daemon).and_then(|daemon| daemon.god);
    let is_meant = |process: &&Process| {
        let mut targets = menu.into_iter().flat_map(|menu| &menu.marked.targets);
        targets.any(|(_, target)| target.is(&process.info))
    };
    let process = selected.and_then(|key| around.watched.fleet.get(key)).filter(is_meant);
    let target = process.map(|process| process.target(god));
    let arguments = Arguments::new(daemon, method, params, target);
    match arguments.call(around.watched) {
        Ok(call) if arguments.needs_nothing() => Taken::Send { daemon, call, is_confirmed: false },
        _ => Taken::Open(Mode::Arguments(arguments)),
    }
}
