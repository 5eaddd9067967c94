//! Lines for the audit file: what was asked for here, and what came of it.
//!
//! Invariant: there are none where no file is wanted.

use super::effect::{Effect, Effects};
use super::state::App;
use crate::model::apply::Change;
use crate::model::audit::{self, Who};
use crate::model::call::CallOutcome;
use crate::model::{Action, DaemonId, Target};

/// Adds a line for each effect that acts.
pub(super) fn asked(app: &App, effects: &mut Effects) {
    if app.settings.audit.is_none() {
        return;
    }
    let mut lines = Vec::new();
    for effect in &effects.0 {
        match effect {
            Effect::Act { daemon, action, targets } => {
                let verb = action.verb();
                lines.extend(targets.iter().map(|it| (*daemon, verb.to_owned(), it.label())));
            }
            Effect::Do { daemon, task, .. } => {
                let all = audit::of_task(task).into_iter();
                lines.extend(all.map(|(action, target)| (*daemon, action, target)));
            }
            Effect::Call { daemon, call } => {
                let (action, target) = audit::of_call(&call.method, &call.targets);
                lines.push((*daemon, action, target));
            }
            Effect::Trigger { daemon, trigger } => {
                let verb = format!("trigger {}", trigger.action);
                let targets = trigger.targets.iter();
                lines.extend(targets.map(|it| (*daemon, verb.clone(), it.label())));
            }
            Effect::Run(ready) => {
                let whom = ready.target.as_ref().map(Target::label).unwrap_or_default();
                lines.push((ready.daemon, format!("run {}", ready.name), whom));
            }
            _ => {}
        }
    }
    let line = |(daemon, action, target): (DaemonId, String, String)| {
        Effect::Audit(audit::asked(app.now.wall_ms, who(app, daemon), &action, &target))
    };
    // Before it is done, so that what never came back is in it too.
    let mut all: Vec<Effect> = lines.into_iter().map(line).collect();
    all.append(&mut effects.0);
    effects.0 = all;
}

fn who(app: &App, daemon: DaemonId) -> Who<'_> {
    let home = app.daemon(daemon).map_or("", |daemon| &*daemon.home);
    Who { user: &app.watched.user, home }
}

/// The line of what came of something, if it is that.
pub(super) fn outcome(app: &App, daemon: DaemonId, change: &Change) -> Option<Effect> {
    app.settings.audit.as_ref()?;
    let (action, target, is_good, words) = match change {
        Change::Finished { action, target, verdict } => {
            let action: &Action = action;
            let words = verdict.words(*action);
            (action.verb().to_owned(), target.label(), verdict.is_success(), words)
        }
        Change::Did { outcome, .. } => {
            let verdict = &outcome.verdict;
            let words = verdict.words(&outcome.deed);
            (outcome.deed.verb.to_string(), outcome.label.to_string(), outcome.is_success(), words)
        }
        Change::Called { method, outcome } => {
            let is_good = matches!(outcome, CallOutcome::Answered(_));
            let words = if is_good { "answered".to_owned() } else { outcome.words(method) };
            (format!("call {method}"), String::new(), is_good, words)
        }
        Change::Replied { action, target, reply } => {
            let is_good = reply.is_success();
            // What an app answers is its own.
            let words = if is_good { "replied".to_owned() } else { reply.words() };
            (format!("trigger {action}"), target.label(), is_good, words)
        }
        Change::Ran(ran) => {
            let target = ran.target.as_ref().map(Target::label).unwrap_or_default();
            (format!("run {}", ran.name), target, ran.is_success, ran.end.clone())
        }
        _ => return None,
    };
    let whom = (&*action, &*target);
    let line = audit::outcome(app.now.wall_ms, who(app, daemon), whom, (is_good, &words));
    Some(Effect::Audit(line))
}
