//! Tasks of the engine that are asked for, and what came of them and of actions on several.
//!
//! Invariant: each task is of one job; what came of it is said once.

use serde_json::json;

use super::command::{Command, RowsCommand};
use super::deliver;
use super::effect::{Effect, Effects};
use super::ended::Ended;
use super::job::Job;
use super::marks::{Marked, by_daemon};
use super::mode::Mode;
use super::notice::Notice;
use super::pane::Pane;
use super::prompt::{message_to, parameters};
use super::scaling::{self, Plan};
use super::sheet::Sheet;
use super::state::App;
use super::what::{What, Whole};
use crate::model::call::NamedCall;
use crate::model::errand::{Errand, Outcome, Scale, Task, TaskId};
use crate::model::kept::Kept;
use crate::model::trigger::Trigger;
use crate::model::{Action, DaemonId, Target, Verdict};

/// Begins something that is no action on processes.
pub(super) fn begin(app: &mut App, what: &What, targets: Vec<(DaemonId, Target)>) -> Effects {
    let marked = Marked { targets, hidden: 0, part: None };
    let title = what.title(&marked);
    let commands = what.commands(&app.watched, &marked.targets);
    let targets = marked.targets;
    match what {
        What::Trigger { action, params } => {
            // It was read when it was typed.
            let params = params.as_deref().and_then(|typed| parameters(typed).ok());
            let effect = |(daemon, targets): (DaemonId, Vec<Target>)| {
                let trigger = Trigger { action: action.clone(), params: params.clone(), targets };
                Effect::Trigger { daemon, trigger }
            };
            return Effects(by_daemon(&targets).into_iter().map(effect).collect());
        }
        What::Message(message) => {
            let calls = targets.iter().map(|(id, target)| (*id, message_to(target, message)));
            return deliver::begin(app, title, calls.collect::<Vec<_>>());
        }
        What::Restore { kept, beside, .. } => {
            app.undo.restored(kept);
            let mut by_daemon: Vec<(DaemonId, Vec<Kept>)> = Vec::new();
            for (daemon, kept) in kept.iter().cloned() {
                match by_daemon.iter_mut().find(|(other, _)| *other == daemon) {
                    Some((_, all)) => all.push(kept),
                    None => by_daemon.push((daemon, vec![kept])),
                }
            }
            let task = |(id, kept): (DaemonId, Vec<Kept>)| {
                let beside = beside.iter().filter(|(of, _)| *of == id);
                let beside = beside.map(|(_, target)| target.clone()).collect();
                (id, Task::Restore { kept, beside })
            };
            let tasks = by_daemon.into_iter().map(task);
            let effects = run(app, title, (Some(kept.len()), commands), tasks.collect());
            if let Some(job) = app.jobs.last_mut() {
                job.kept.clone_from(kept);
            }
            return effects;
        }
        What::Whole(Whole::ReloadLogs, daemon) => {
            let daemon = *daemon;
            let call = NamedCall::new("reloadLogs", vec![json!({})]);
            return Effects::one(Effect::Call { daemon, call });
        }
        _ => {}
    }
    let expected = match what {
        What::Errand(_) => Some(targets.len()),
        What::Scale(scale) => steps(app, *scale, &targets),
        _ => None,
    };
    let by_daemon = match what {
        What::Whole(_, daemon) => vec![(*daemon, Vec::new())],
        _ => by_daemon(&targets),
    };
    let task = |(daemon, targets): (DaemonId, Vec<Target>)| match what {
        // What comes meanwhile was not seen, and is not deleted.
        What::Scale(to) => Some((daemon, scaling::task(&app.watched, *to, (daemon, targets)))),
        _ => Some((daemon, what.task(targets)?)),
    };
    let tasks: Vec<(DaemonId, Task)> = by_daemon.into_iter().filter_map(task).collect();
    let deletes = note_deletes(app, &tasks);
    let effects = run(app, title, (expected, commands), tasks);
    if let Some(job) = app.jobs.last_mut() {
        job.has_parts = matches!(what, What::Whole(Whole::Resurrect, _));
        job.deletes = deletes;
    }
    effects
}

/// How many processes a scale starts or deletes, as far as that is known.
fn steps(app: &App, scale: Scale, targets: &[(DaemonId, Target)]) -> Option<usize> {
    let (daemon, first) = targets.first()?;
    let plan = Plan::of(&app.watched, scale, (*daemon, first))?;
    Some(plan.ok()?.steps())
}

/// Those that a scale may delete can be brought back, as after a delete.
fn note_deletes(app: &mut App, tasks: &[(DaemonId, Task)]) -> Vec<(DaemonId, Target)> {
    let deletes = tasks.iter().flat_map(|(daemon, task)| match task {
        Task::Scale { leaves, .. } => leaves.iter().map(|it| (*daemon, it.clone())).collect(),
        _ => Vec::new(),
    });
    let deletes: Vec<_> = deletes.collect();
    if !deletes.is_empty() {
        app.undo.asked(Action::Delete, &deletes, app.now.steady_ms);
    }
    deletes
}

/// Has daemons do tasks, as one job.
pub(super) fn run(
    app: &mut App,
    title: String,
    (expected, commands): (Option<usize>, Vec<String>),
    wanted: Vec<(DaemonId, Task)>,
) -> Effects {
    let mut effects = Vec::new();
    let mut tasks = Vec::new();
    for (daemon, task) in wanted {
        note_signal(app, daemon, &task);
        app.tasks += 1;
        let id = TaskId(app.tasks);
        tasks.push(id);
        effects.push(Effect::Do { daemon, id, task });
    }
    if !tasks.is_empty() {
        app.jobs.push(Job {
            title,
            expected,
            tasks,
            lines: Vec::new(),
            commands,
            is_halted: false,
            has_parts: false,
            kept: Vec::new(),
            deletes: Vec::new(),
            whole: Vec::new(),
        });
    }
    app.is_dirty = true;
    Effects(effects)
}

/// Notes at each process that a signal is sent to it: an end that follows is told as that.
fn note_signal(app: &mut App, daemon: DaemonId, task: &Task) {
    let Task::Each { errand: Errand::Signal(signal), targets } = task else { return };
    for target in targets {
        let process = app.watched.fleet.get_mut(target.key(daemon));
        if let Some(process) = process.filter(|process| target.is(&process.info)) {
            process.send(signal.name(), app.now);
        }
    }
}

/// Takes what came of a task in.
pub(super) fn did(app: &mut App, daemon: DaemonId, task: TaskId, outcome: &Outcome) {
    let is_good = outcome.is_success();
    let sentence = match app.daemon(daemon) {
        Some(daemon) if app.watched.daemons.len() > 1 => {
            format!("{}: {}", daemon.label, outcome.sentence())
        }
        _ => outcome.sentence(),
    };
    app.is_dirty = true;
    let Some(job) = app.jobs.iter_mut().find(|job| job.tasks.contains(&task)) else {
        return app.notify(sentence, !is_good);
    };
    if outcome.is_whole {
        job.whole.push((is_good, sentence));
        return;
    }
    job.lines.push((is_good, sentence));
    if let Some(target) = outcome.target.as_ref().filter(|_| !job.deletes.is_empty()) {
        app.undo.finished(daemon, target, (Action::Delete, &outcome.verdict));
    }
    let name = outcome.target.as_ref().map_or(&*outcome.label, |target| &*target.name);
    let kept = job.take_kept(daemon, name);
    // Beside somebody of whom one was not told none was started: asked again, that is told.
    let is_left = matches!(outcome.verdict, Verdict::NotBegun | Verdict::Replaced { .. });
    if let Some(kept) = kept.filter(|_| is_left) {
        app.undo.put_back(daemon, kept, app.now.steady_ms);
    }
}

/// A task ended; says what came of the job, if it was its last.
pub(super) fn end(app: &mut App, task: TaskId) {
    for job in &mut app.jobs {
        job.tasks.retain(|other| *other != task);
    }
    let (ended, left) =
        std::mem::take(&mut app.jobs).into_iter().partition(|job: &Job| job.tasks.is_empty());
    app.jobs = left;
    let ended: Vec<Job> = ended;
    for job in ended {
        // Those whose turn did not come.
        for (daemon, target) in &job.deletes {
            app.undo.finished(*daemon, target, (Action::Delete, &Verdict::NotBegun));
        }
        let is_next = |(daemon, target): &(DaemonId, Target)| app.undo.is_next(*daemon, target);
        let can_undo = job.deletes.iter().any(is_next);
        tell(app, Ended { can_undo, ..job.into_ended() });
    }
}

/// Takes the end of the batch, if this was its last verdict.
pub(super) fn take_end(app: &mut App) -> Option<Ended> {
    let ended = app.batch.as_ref()?.ended(&app.watched)?;
    app.batch = None;
    Some(ended)
}

/// `, u undoes`, with the key that does.
pub(super) fn undoes(app: &App) -> String {
    let key = app.keys.first(Command::Rows(RowsCommand::Undo), Pane::Processes);
    key.map_or_else(String::new, |key| format!(", {key} undoes"))
}

/// Says it in the footer; of several, lists each where nothing else is open.
pub(super) fn tell(app: &mut App, ended: Ended) {
    let undoes = if ended.can_undo { undoes(app) } else { String::new() };
    let short = ended.sentence() + &undoes;
    let commands = ended.commands.join("; ");
    let notice = Notice::new(short.clone(), !ended.is_good(), app.now.steady_ms).or(short);
    let notice = notice.offering(undoes).done();
    app.say(if ended.is_good() { notice.doing(&commands) } else { notice });
    if app.mode == Mode::Normal && ended.lines.len() > 1 {
        app.open(Mode::Sheet(Box::new(Sheet::Ended(ended, 0))));
    }
}
