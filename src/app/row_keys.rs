//! What the keys about rows of the table do: marks, columns, the menu of actions, undo.
//!
//! Invariant: nothing is done here to a process that was not named before, but what is selected.

use super::ask::{Ask, Wanted};
use super::command::{Command, RowsCommand};
use super::effect::{Effect, Effects};
use super::marks::Marked;
use super::menu::{Item, Menu};
use super::mode::Mode;
use super::newcomers::newcomers;
use super::pane::Pane;
use super::picker::Picker;
use super::prompt::Compose;
use super::settings::Confirm;
use super::sheet::Sheet;
use super::state::App;
use super::taken::Taken;
use super::what::What;
use super::{act, asked, bulk, cursor, guard, marking, navigate, palette, tree};
use crate::model::errand::Errand;
use crate::model::fleet::Process;
use crate::model::{Action, DaemonId, Target};

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
        RowsCommand::Undo => return undo(app),
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
    Some(Menu::new(&app.watched, app.read_only, marked, daemon))
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
    Effects::one(Effect::Copy(command))
}

/// What was chosen in the menu.
fn take_item(app: &mut App, item: Item, marked: Marked) -> Effects {
    let wanted = match item {
        Item::Do(What::Act(action)) => return bulk::ask_to_act(app, action, marked),
        Item::Do(what) => return bulk::ask(app, what, marked),
        Item::Message => {
            if let Some((daemon, target)) = marked.targets.into_iter().next() {
                let compose = Compose::new(&app.watched, daemon, target);
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
    Marked { targets: hidden.into_iter().chain(shown).collect(), hidden: count }
}

/// The daemon that a menu about these is about: theirs, else the first that answers.
fn daemon(app: &App, marked: &Marked) -> Option<DaemonId> {
    let of_them = marked.targets.first().map(|(daemon, _)| *daemon);
    of_them.or_else(|| palette::daemon(&app.watched, app.selected))
}

/// Why none of these can be started that were stopped so long ago (milliseconds): they were started since, or
/// are not there any more.
fn runs_again(app: &App, stopped: &[(DaemonId, Target)], ago_ms: i64) -> Option<String> {
    let [(daemon, first), ..] = stopped else { return None };
    let what = if stopped.len() == 1 { first.label() } else { "what was stopped".to_owned() };
    if !app.watched.daemon(*daemon)?.is_live() {
        return Some(format!("PM2 is not connected: {what} cannot be started now"));
    }
    let there = stopped.iter().filter_map(|(daemon, target)| {
        let process = app.watched.fleet.get(target.key(*daemon))?;
        target.is(&process.info).then_some(process)
    });
    let now_ms = app.now.steady_ms;
    let runs = |process: &Process| process.uptime_ms(now_ms).is_some_and(|up_ms| up_ms < ago_ms);
    let (running, idle): (Vec<_>, Vec<_>) = there.partition(|process| runs(process));
    if !idle.is_empty() {
        return None;
    }
    let verb = if running.is_empty() { "is not there any more" } else { "was started since" };
    Some(format!("nothing to undo: {what} {verb}"))
}

/// Asks whether the last delete or stop is to be undone.
fn undo(app: &mut App) -> Effects {
    let now_ms = app.now.steady_ms;
    app.undo.forget(now_ms);
    if let Some((action, asked)) = app.undo.under_way() {
        let whom = match asked {
            [(_, target)] => target.label(),
            all => format!("{} processes", all.len()),
        };
        let verb = action.verb();
        app.notify(
            format!("the {verb} of {whom} is still under way: undo it once it is done"),
            false,
        );
        return Effects::none();
    }
    let Some(newest) = app.undo.newest(now_ms) else {
        app.notify(
            "nothing to undo: a delete, a stop or a scale down can be undone here for 10 minutes",
            false,
        );
        return Effects::none();
    };
    if !newest.kept.is_empty() {
        let mut kept = newest.kept.to_vec();
        kept.sort_by_key(|(daemon, kept)| (*daemon, kept.target.pm_id));
        let beside = newcomers(app, &kept, &[]);
        let what = What::Restore { kept, ago_ms: newest.ago_ms, beside };
        return bulk::ask(app, what, Marked::default());
    }
    if let Some(why) = runs_again(app, newest.stopped, newest.ago_ms) {
        app.notify(why, false);
        return Effects::none();
    }
    if let [(daemon, target)] = newest.stopped {
        let (daemon, target) = (*daemon, target.clone());
        // It need not be in sight.
        let is_never = guard::level(app, &[daemon]) == Confirm::Never;
        let is_seen = is_never && navigate::rows_in_sight(app).contains(&target.key(daemon));
        if !guard::asks_of_one(app, Action::Start, daemon, is_seen) {
            return bulk::these(app, Action::Start, daemon, vec![target]);
        }
        app.open(Mode::Confirm { action: Action::Start, daemon, target });
        return Effects::none();
    }
    let mut targets = newest.stopped.to_vec();
    targets.sort_by_key(|(daemon, target)| (*daemon, target.pm_id));
    let marked = Marked { targets, hidden: 0 };
    bulk::ask(app, What::Act(Action::Start), marked)
}
