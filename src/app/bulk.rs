//! Acting on processes and daemons: the question where there is one, and what is then asked for.
//!
//! Invariant: what touches several is asked about, by name, before anything is sent.

use super::batch::Batch;
use super::editor::Editor;
use super::effect::{Effect, Effects};
use super::guard;
use super::jobs;
use super::marks::{Marked, by_daemon};
use super::mode::Mode;
use super::notice::{About, Notice};
use super::several::Several;
use super::sheet::Sheet;
use super::state::App;
use super::what::What;
use crate::model::{Action, DaemonId, Target};

/// Asks whether all of these are meant; of one, asks as of any.
pub(super) fn ask_to_act(app: &mut App, action: Action, marked: Marked) -> Effects {
    if let [(daemon, target)] = &marked.targets[..] {
        let (daemon, target) = (*daemon, target.clone());
        let is_in_sight = app.selected == Some(target.key(daemon))
            && app.has_row(target.key(daemon))
            && app.cursor_group().is_none();
        let name = app.placed(daemon, &target.label());
        if let Some(notice) = not_connected(app, action, daemon, &name) {
            app.say(notice);
            return Effects::none();
        }
        if !guard::asks_of_one(app, action, daemon, is_in_sight) {
            return these(app, action, daemon, vec![target]);
        }
        app.open(Mode::Confirm { action, daemon, target });
        return Effects::none();
    }
    ask(app, What::Act(action), marked)
}

/// Asks whether it is meant, where that is asked; else does it.
pub(super) fn ask(app: &mut App, what: What, marked: Marked) -> Effects {
    let now_ms = app.now.steady_ms;
    let is_about_some = !matches!(what, What::Whole(..) | What::Restore { .. });
    if marked.targets.is_empty() && is_about_some && !app.read_only {
        app.say(Notice::no_selection(now_ms));
        return Effects::none();
    }
    let word = what.word(&app.watched, &marked);
    // Nobody is asked about what cannot be done.
    if guard::asks(app, &what, &marked) {
        match refusal(app, &what, &marked) {
            // Whoever knows the word types it.
            Some(notice) if word.is_some() => app.refuse_prompt(notice),
            Some(notice) => app.say(notice),
            None => open_question(app, what, marked, word),
        }
        return Effects::none();
    }
    begin(app, &what, marked)
}

/// Opens the question.
fn open_question(app: &mut App, what: What, marked: Marked, word: Option<&'static str>) {
    let several = Several { what, marked, word, input: Editor::default(), top: 0 };
    app.open(Mode::Sheet(Box::new(Sheet::Several(several))));
}

/// Has it done, or says why not.
pub(super) fn begin(app: &mut App, what: &What, marked: Marked) -> Effects {
    if let Some(notice) = refusal(app, what, &marked) {
        app.say(notice);
        return Effects::none();
    }
    app.marks.clear();
    app.notice = None;
    app.is_dirty = true;
    let &What::Act(action) = what else { return jobs::begin(app, what, marked.targets) };
    ask_undo(app, action, &marked.targets);
    for (daemon, target) in &marked.targets {
        if let Some(process) = app.watched.fleet.get_mut(target.key(*daemon)) {
            process.queue(action, app.now);
        }
    }
    let by_daemon = by_daemon(&marked.targets);
    app.batch = Some(Batch::new(action, marked.targets));
    let effects = by_daemon.into_iter();
    Effects(effects.map(|(daemon, targets)| Effect::Act { daemon, action, targets }).collect())
}

/// An action is asked for that may be undone: not the stop of what does not run.
fn ask_undo(app: &mut App, action: Action, targets: &[(DaemonId, Target)]) {
    let fleet = &app.watched.fleet;
    let is_stopped = |(daemon, target): &(DaemonId, Target)| {
        let process = fleet.get(target.key(*daemon));
        action == Action::Stop && process.is_some_and(|process| process.info.is_over())
    };
    let asked: Vec<_> = targets.iter().filter(|it| !is_stopped(it)).cloned().collect();
    app.undo.asked(action, &asked, app.now.steady_ms);
}

/// Why nothing is done to any of them.
fn refusal(app: &App, what: &What, marked: &Marked) -> Option<Notice> {
    let say = |text: String| Notice::new(text, true, app.now.steady_ms);
    let title = what.title(marked);
    if app.read_only {
        return Some(say(format!("{title}: refused, this is --read-only")));
    }
    let is_action = matches!(what, What::Act(_));
    if is_action && app.batch.is_some() {
        let text = "others are being acted on: wait for their end, or Esc leaves the rest undone";
        return Some(say(text.to_owned()));
    }
    let down = |daemon: DaemonId| {
        let text = format!("cannot {title}: the daemon is not connected");
        (!app.watched.is_live(daemon)).then(|| say(text).about(About::Down(daemon)))
    };
    match what {
        What::Whole(_, daemon) => return down(*daemon),
        What::Restore { kept, .. } => return kept.iter().find_map(|(daemon, _)| down(*daemon)),
        _ => {}
    }
    for (daemon, target) in &marked.targets {
        if let Some(notice) = down(*daemon) {
            return Some(notice);
        }
        let key = target.key(*daemon);
        let name = app.placed(*daemon, &target.label());
        let process = app.watched.fleet.get(key).filter(|process| target.is(&process.info));
        let Some(process) = process else {
            return Some(say(format!("{name} is gone: nothing was done")));
        };
        if let Some(pending) = process.pending.filter(|_| is_action) {
            let text = format!("{name} is already {}: wait for its answer", pending.progressive());
            return Some(say(text).about(About::Pending(key)));
        }
    }
    None
}

/// Why nothing can be done to `whom` while the daemon is not connected.
pub(super) fn not_connected(
    app: &App,
    action: Action,
    daemon: DaemonId,
    whom: &str,
) -> Option<Notice> {
    if app.watched.is_live(daemon) {
        return None;
    }
    let text = format!("cannot {} {whom}: its daemon is not connected", action.verb());
    Some(Notice::new(text, true, app.now.steady_ms).about(About::Down(daemon)))
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
    if let Some(notice) = not_connected(app, action, daemon, &whom) {
        app.say(notice);
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
    let asked: Vec<_> = targets.iter().map(|target| (daemon, target.clone())).collect();
    ask_undo(app, action, &asked);
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
