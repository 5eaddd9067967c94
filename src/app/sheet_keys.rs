//! What a sheet does with a command.
//!
//! Invariant: nothing here changes the app but what is open; what else is wanted is said.

use super::ask::Ask;
use super::command::{Command, RowsCommand};
use super::daemon_sheet;
use super::menu::{Entry, Item, Menu};
use super::picker::Picker;
use super::several::Several;
use super::sheet::{Sheet, room};
use super::taken::{Around, Taken, scrolled};
use super::what::What;
use crate::model::Action;
use crate::model::watched::Watched;

/// A command while it is open.
pub(super) fn take(sheet: &mut Sheet, around: &Around<'_>, command: Command) -> Taken {
    let (columns, rows) = room(around.size);
    let rows = usize::from(rows);
    match (sheet, command) {
        (_, Command::Back | Command::No)
        | (Sheet::Menu(_), Command::Rows(RowsCommand::Actions))
        | (Sheet::Ended(..) | Sheet::Daemon(..), Command::Open)
        | (Sheet::Daemon(..), Command::Rows(RowsCommand::Daemon)) => Taken::Close,
        (Sheet::Several(several), Command::Yes) if several.word.is_none() => taken(several),
        (Sheet::Several(several), Command::Open) if several.word.is_some() => {
            // What is not the word stays open.
            if several.is_typed() { taken(several) } else { Taken::Done }
        }
        (Sheet::Several(several), command) => {
            let lines = several.lines(around.watched, columns).len();
            scroll(&mut several.top, lines, rows.saturating_sub(1), command);
            Taken::Done
        }
        (Sheet::Columns(picker), command) => take_in_columns(picker, command),
        (Sheet::Menu(menu), command) => take_in_menu(menu, around, command),
        // Undo means what was just done.
        (Sheet::Daemon(..), Command::Rows(RowsCommand::Actions))
        | (Sheet::Ended(..), Command::Rows(RowsCommand::Undo)) => Taken::Do(command),
        // The list is only to be read: what opens something opens it in its place.
        (Sheet::Ended(..), command) if command.opens() => Taken::Do(command),
        (Sheet::Daemon(id, top), Command::Older | Command::Newer) => {
            *id = daemon_sheet::neighbour(around.watched, *id, command == Command::Newer);
            *top = 0;
            Taken::Done
        }
        (Sheet::Daemon(id, top), command) => {
            let lines = daemon_sheet::lines(around.watched, *id, around.now, columns).len();
            scroll(top, lines, rows, command);
            Taken::Done
        }
        (Sheet::Ask(ask), command) => take_in_ask(ask, around.watched, command),
        (Sheet::Ended(ended, _), Command::Rows(RowsCommand::CopyCommand))
            if !ended.commands.is_empty() =>
        {
            Taken::Copy(ended.commands.join("; "))
        }
        (Sheet::Ended(ended, top), command) => {
            scroll(top, ended.shown(columns).len(), rows, command);
            Taken::Done
        }
    }
}

fn taken(several: &Several) -> Taken {
    Taken::Several(several.what.clone(), several.marked.clone())
}

/// Takes a movement in a list of so many lines, of which so many are shown.
fn scroll(top: &mut usize, lines: usize, rows: usize, command: Command) {
    *top = scrolled(*top, lines.saturating_sub(rows), rows, command);
}

fn take_in_menu(menu: &mut Menu, around: &Around<'_>, command: Command) -> Taken {
    let entries = menu.entries(around.watched, around.is_read_only);
    let is_act = |item: &Item, action: Action| *item == Item::Do(What::Act(action));
    let wanted = match command {
        Command::Open => Some(menu.at()),
        Command::Act(action) => entries.iter().position(|entry| is_act(&entry.item, action)),
        Command::Compose => entries.iter().position(|entry| entry.item == Item::Message),
        // Letters are keys here: what is found by typing is the palette.
        Command::Palette | Command::Filter => return Taken::Do(Command::Palette),
        command => {
            menu.choose(scrolled(menu.at(), entries.len().saturating_sub(1), 8, command));
            return Taken::Done;
        }
    };
    let entry = wanted.and_then(|at| {
        menu.choose(at);
        entries.into_iter().nth(at)
    });
    match entry {
        Some(Entry { refusal: Some(why), item, label, .. })
            if item.takes_text(around.watched, &menu.marked) =>
        {
            Taken::Unopened(format!("{}: {why}", label.trim_end_matches(" ..")))
        }
        // Why not stands beside it.
        Some(Entry { refusal: Some(_), .. }) | None => Taken::Done,
        Some(entry) => Taken::Item(entry.item, menu.marked.clone()),
    }
}

fn take_in_ask(ask: &mut Ask, watched: &Watched, command: Command) -> Taken {
    if command != Command::Open {
        let last = ask.choices(watched).len().saturating_sub(1);
        ask.at = match ask.chosen(last + 1) {
            Some(at) => Some(scrolled(at, last, 8, command)),
            None if command == Command::Down => Some(0),
            None if command.is_movement() => Some(scrolled(0, last, 8, command)),
            None => None,
        };
        return Taken::Done;
    }
    match ask.read(watched) {
        Ok(what) => Taken::Ask(ask.meant(watched, &what), what),
        // The prompt says why.
        Err(_) => Taken::Done,
    }
}

fn take_in_columns(picker: &mut Picker, command: Command) -> Taken {
    match command {
        Command::Open | Command::Rows(RowsCommand::Columns) => return Taken::Close,
        Command::Rows(RowsCommand::Mark) => picker.toggle(),
        Command::SortLeft => picker.shift(true),
        Command::SortRight => picker.shift(false),
        Command::Rows(RowsCommand::MarkAll) => {
            picker.reset();
            return Taken::Columns(None);
        }
        command => {
            let last = picker.entries().len().saturating_sub(1);
            picker.choose(scrolled(picker.at(), last, 10, command));
            return Taken::Done;
        }
    }
    Taken::Columns(Some(picker.chosen()))
}
