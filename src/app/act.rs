//! Asking a daemon to act on what the user chose.

use super::effect::{Effect, Effects};
use super::mode::Mode;
use super::notice::{About, Notice};
use super::pane::Pane;
use super::state::App;
use crate::model::{Action, DaemonId, ProcessKey, Target};
use crate::protocol::process::ExecMode;

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
    let all = match action {
        Action::Reload => workers(app, target.key(daemon)),
        _ => Vec::new(),
    };
    if all.len() > 1 {
        app.open(Mode::ConfirmReload { daemon, target, all });
        return Effects::none();
    }
    if action == Action::Delete || !is_in_front {
        app.open(Mode::Confirm { action, daemon, target });
        return Effects::none();
    }
    these(app, action, daemon, vec![target])
}

/// How an action is done that does nothing here: `Tab, then r restarts api[3]`.
pub(super) fn elsewhere(app: &App, action: Action) -> String {
    let key = match action {
        Action::Restart => "r",
        Action::Stop => "s",
        Action::Start => "a",
        Action::Reload => "R",
        Action::Delete => "d",
    };
    let verb = match action {
        Action::Stop => "stops",
        Action::Restart => "restarts",
        Action::Start => "starts",
        Action::Reload => "reloads",
        Action::Delete => "deletes",
    };
    match app.selected {
        Some(selected) => format!("Tab, then {key} {verb} {}", app.display_name(selected)),
        None => "Tab goes to the table".to_owned(),
    }
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

/// Asks a daemon to act on processes, or says why not.
pub(super) fn these(
    app: &mut App,
    action: Action,
    daemon: DaemonId,
    targets: Vec<Target>,
) -> Effects {
    let now = app.now;
    let first = targets.first().map(Target::label).unwrap_or_default();
    let whom = match targets.len() {
        0 | 1 => app.placed(daemon, &first),
        count => format!("{count} processes"),
    };
    if !app.watched.is_live(daemon) {
        let text = format!("cannot {} {whom}: its daemon is not connected", action.verb());
        app.say(Notice::new(text, true, now.steady_ms).about(About::Down(daemon)));
        return Effects::none();
    }
    for target in &targets {
        let process = app.watched.fleet.get(target.key(daemon));
        let Some(process) = process.filter(|process| target.is(&process.info)) else {
            app.notify(format!("{} is gone: nothing was done", target.label()), true);
            return Effects::none();
        };
        if let Some(pending) = process.pending {
            let key = target.key(daemon);
            let name = app.display_name(key);
            let text = format!("{name} is already {}: wait for its answer", pending.progressive());
            app.say(Notice::new(text, true, now.steady_ms).about(About::Pending(key)));
            return Effects::none();
        }
    }
    for target in &targets {
        if let Some(process) = app.watched.fleet.get_mut(target.key(daemon)) {
            process.ask(action, now);
        }
    }
    // What was said before is of an older state.
    app.notice = None;
    app.is_dirty = true;
    Effects::one(Effect::Act { daemon, action, targets })
}
