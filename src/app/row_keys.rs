//! What the keys about rows of the table do: marks, columns, the menu of actions.
//!
//! Invariant: nothing is done here to a process that was not named before, but what is selected.

use super::ask::{Ask, Wanted};
use super::command::{Command, RowsCommand};
use super::effect::{Effect, Effects};
use super::marks::Marked;
use super::menu::{Item, Menu};
use super::mode::Mode;
use super::pane::Pane;
use super::picker::Picker;
use super::prompt::Compose;
use super::sheet::Sheet;
use super::state::App;
use super::taken::Taken;
use super::what::What;
use super::{act, asked, bulk, cursor, marking, navigate, palette, tree, undoing};
use crate::model::DaemonId;
use crate::model::errand::Errand;
use crate::model::rows::tree::Group;

/// What became of a command in a sheet.
pub(super) fn take_from_sheet(app: &mut App, taken: Taken) -> Effects {
    match taken {
        Taken::Columns(columns) => {
            app.table.choose(columns);
            Effects::none()
        }
        Taken::Several(what, marked) => {
            app.close_to_details();
            asked::note(app, &what, &marked);
            bulk::begin(app, &what, marked)
        }
        Taken::Item(item, marked) => {
            app.close_to_details();
            take_item(app, item, marked)
        }
        Taken::Ask(marked, what) => {
            app.close_to_details();
            asked::note(app, &what, &marked);
            bulk::ask(app, what, marked)
        }
        _ => Effects::none(),
    }
}

/// A command about rows.
pub(super) fn take(app: &mut App, command: RowsCommand) -> Effects {
    app.focus = Pane::Processes;
    match command {
        RowsCommand::Mark => marking::toggle(app),
        RowsCommand::MarkAll => marking::toggle_all(app),
        RowsCommand::Columns => {
            let picker = Picker::new(&app.table, &app.watched.fleet);
            app.open(Mode::Sheet(Box::new(Sheet::Columns(picker))));
        }
        RowsCommand::Tree => {
            tree::toggle(app);
            navigate::keep_selection_visible(app);
        }
        RowsCommand::Undo => return undoing::ask(app),
        RowsCommand::CopyCommand => return copy_command(app),
        RowsCommand::Daemon => {
            if let Some(daemon) = palette::daemon(&app.watched, app.selected) {
                app.open(Mode::Sheet(Box::new(Sheet::Daemon(daemon, 0))));
            }
        }
        RowsCommand::Actions => {
            if let Some(menu) = menu(app) {
                app.open(Mode::Sheet(Box::new(Sheet::Menu(menu))));
            }
        }
    }
    Effects::none()
}

/// Something of the menu that was asked for by its name: with the table behind, the menu opens at it, so
/// that whom it is about is seen first.
pub(super) fn take_from_palette(app: &mut App, item: Item, marked: Marked) -> Effects {
    app.close_all();
    if cursor::stops(app, Command::Rows(RowsCommand::Actions)) {
        if item.takes_text(&app.watched, &marked)
            && let Some(notice) = app.notice.clone()
        {
            app.refuse_prompt(notice);
        }
        return Effects::none();
    }
    if app.focus == Pane::Processes {
        return take_item(app, item, marked);
    }
    app.focus = Pane::Processes;
    if let Some(mut menu) = menu(app) {
        let entries = menu.entries(&app.watched, app.read_only);
        menu.choose(entries.iter().position(|entry| entry.item == item).unwrap_or(0));
        app.open(Mode::Sheet(Box::new(Sheet::Menu(menu))));
    }
    Effects::none()
}

/// All that can be done to what is selected or marked.
pub(super) fn menu(app: &App) -> Option<Menu> {
    let marked = act::whom(app);
    let daemon = daemon(app, &marked)?;
    let group = app.cursor_group().filter(|_| app.marks.is_empty()).map(Group::words);
    Some(Menu::new(&app.watched, app.read_only, marked, daemon).of_group(group))
}

/// Copies the pm2 CLI's command that the footer shows; where it shows none, does nothing: a `y` may
/// have been meant for a question that is gone.
fn copy_command(app: &mut App) -> Effects {
    let Some(command) = app.notice.as_ref().and_then(|notice| notice.command.clone()) else {
        return Effects::none();
    };
    copy(app, command)
}

/// Copies it, and says so.
pub(super) fn copy(app: &mut App, command: String) -> Effects {
    app.notify(format!("copied: {command}"), false);
    Effects::one(Effect::Copy(command.into()))
}

/// What was chosen in the menu.
fn take_item(app: &mut App, item: Item, marked: Marked) -> Effects {
    let wanted = match item {
        Item::Do(What::Act(action)) => return bulk::ask_to_act(app, action, marked),
        Item::Do(what) => return bulk::ask(app, what, marked),
        Item::Message => {
            if let Some(compose) = Compose::to_all(&app.watched, marked.targets) {
                app.open(Mode::Compose(compose));
            }
            return Effects::none();
        }
        Item::FlushAll => {
            let all = daemon(app, &marked).map(|id| all_of(app, id)).unwrap_or_default();
            return bulk::ask(app, What::Errand(Errand::Flush), all);
        }
        Item::Scale => Wanted::Scale,
        Item::Signal => Wanted::Signal,
        Item::Line => Wanted::Line,
        Item::Trigger => Wanted::Trigger,
    };
    app.open(Mode::Sheet(Box::new(Sheet::Ask(Ask::new(wanted, marked)))));
    Effects::none()
}

/// All processes of a daemon, those that are not shown first.
fn all_of(app: &App, id: DaemonId) -> Marked {
    let god = app.watched.daemon(id).and_then(|daemon| daemon.god);
    let all = app.watched.fleet.iter().filter(|(key, _)| key.daemon == id);
    let (shown, hidden): (Vec<_>, Vec<_>) = all
        .map(|(_, process)| (id, process.target(god)))
        .partition(|(id, target)| app.has_row(target.key(*id)));
    let count = hidden.len();
    Marked { targets: hidden.into_iter().chain(shown).collect(), hidden: count, part: None }
}

/// The daemon that a menu about these is about: theirs, else the first that answers.
fn daemon(app: &App, marked: &Marked) -> Option<DaemonId> {
    let of_them = marked.targets.first().map(|(daemon, _)| *daemon);
    of_them.or_else(|| palette::daemon(&app.watched, app.selected))
}
