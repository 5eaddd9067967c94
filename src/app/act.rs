//! Asking a daemon to act on what the user chose.

use super::bulk::{self, these};
use super::command::Command;
use super::effect::Effects;
use super::guard;
use super::marks::Marked;
use super::mode::Mode;
use super::notice::Notice;
use super::pane::Pane;
use super::state::App;
use crate::model::{Action, DaemonId, ProcessKey, Target};
use crate::protocol::process::{ExecMode, ProcessStatus};

/// Does something to the selected process, or asks first; where the table has not the focus, nothing
/// but saying how it is done.
pub(super) fn selected(app: &mut App, action: Action) -> Effects {
    if app.focus != Pane::Processes {
        let text = elsewhere(app, action);
        app.notify(text, false);
        return Effects::none();
    }
    by_name(app, action)
}

/// The same, asked for by its name, and so from everywhere: where the selected row has not the focus,
/// whom it is about is asked.
pub(super) fn by_name(app: &mut App, action: Action) -> Effects {
    if app.read_only {
        app.notify(format!("{}: refused, this is --read-only", action.verb()), true);
        return Effects::none();
    }
    if !app.marks.is_empty() || app.cursor_group().is_some() {
        let marked = whom(app);
        return bulk::ask_to_act(app, action, marked);
    }
    let Some((daemon, target)) = app.selected_target() else {
        app.say(Notice::no_selection(app.now.steady_ms));
        return Effects::none();
    };
    let is_in_front = app.focus == Pane::Processes;
    ask_or_do(app, action, (daemon, target), is_in_front)
}

/// The same to the process whose details are open.
pub(super) fn on(app: &mut App, action: Action, daemon: DaemonId, target: Target) -> Effects {
    if app.read_only {
        app.notify(format!("{}: refused, this is --read-only", action.verb()), true);
        return Effects::none();
    }
    ask_or_do(app, action, (daemon, target), true)
}

/// Does it, or asks first where it is grave, about several, or about what is not in front.
fn ask_or_do(
    app: &mut App,
    action: Action,
    (daemon, target): (DaemonId, Target),
    is_in_front: bool,
) -> Effects {
    if let Some(notice) =
        bulk::not_connected(app, action, daemon, &app.placed(daemon, &target.label()))
    {
        app.say(notice);
        return Effects::none();
    }
    let all = match action {
        Action::Reload => workers(app, target.key(daemon)),
        _ => Vec::new(),
    };
    if all.len() > 1 {
        app.open(Mode::ConfirmReload { daemon, target, all });
        return Effects::none();
    }
    if action == Action::Reload && is_down(app, target.key(daemon)) {
        // PM2 starts it then, which nobody may have thought of.
        app.open(Mode::Confirm { action: Action::Start, daemon, target });
        return Effects::none();
    }
    if guard::asks_of_one(app, action, daemon, is_in_front) {
        app.open(Mode::Confirm { action, daemon, target });
        return Effects::none();
    }
    these(app, action, daemon, vec![target])
}

/// Whom an action means: the marked processes, else those of the group that the cursor is on, else the
/// selected one.
pub(super) fn whom(app: &App) -> Marked {
    if !app.marks.is_empty() {
        return app.marked();
    }
    if let Some(marked) = app.group_members() {
        return marked;
    }
    Marked { targets: app.selected_target().into_iter().collect(), hidden: 0, part: None }
}

/// How an action is done that does nothing here: `Tab, then r restarts api[3]`.
pub(super) fn elsewhere(app: &App, action: Action) -> String {
    let [pane, key] = way(app, Command::Act(action));
    let verb = match action {
        Action::Stop => "stops",
        Action::Restart => "restarts",
        Action::Start => "starts",
        Action::Reload => "reloads",
        Action::Delete => "deletes",
    };
    match app.selected {
        Some(_) if !app.marks.is_empty() => {
            format!("{pane}, then {key} {verb} the {} that are marked", app.marks.len())
        }
        Some(selected) => {
            format!("{pane}, then {key} {verb} {}", app.display_name(selected))
        }
        None => format!("{pane} goes to the table"),
    }
}

/// The keys that go to the table, and do this there.
pub(super) fn way(app: &App, command: Command) -> [String; 2] {
    let shown = |command, pane| {
        // Without a key by its name in the palette.
        let name = app.keys.label(command, pane);
        app.keys.first(command, pane).unwrap_or(name).to_owned()
    };
    [shown(Command::NextPane, Pane::Log), shown(command, Pane::Processes)]
}

/// Whether it does not run, and PM2 leaves it so.
fn is_down(app: &App, key: ProcessKey) -> bool {
    let process = app.watched.fleet.get(key);
    process.is_some_and(|process| {
        matches!(process.info.status, ProcessStatus::Stopped | ProcessStatus::Errored)
    })
}

/// The workers of a cluster that this process belongs to; none of a fork.
fn workers(app: &App, key: ProcessKey) -> Vec<Target> {
    let Some(process) = app.watched.fleet.get(key) else { return Vec::new() };
    if process.info.exec_mode != ExecMode::Cluster {
        return Vec::new();
    }
    let sisters = app.watched.fleet.sisters(key, &process.info);
    sisters.filter_map(|(key, _)| app.target(key)).collect()
}
