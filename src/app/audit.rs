//! Lines for the audit file: what was asked for here, and what came of it.
//!
//! Invariant: a line is one object of JSON without a line end, whatever a process is called; there are
//! none where no file is wanted. Arguments and lines that were sent are not in it: they may be secret.

use std::fmt::Write;

use serde_json::Value as Json;

use super::effect::{Effect, Effects};
use super::state::App;
use crate::model::apply::Change;
use crate::model::call::CallOutcome;
use crate::model::deed::Deed;
use crate::model::errand::Task;
use crate::model::{Action, DaemonId, Target};
use crate::protocol::text::clean;

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
            Effect::Do { daemon, task: Task::Each { errand, targets }, .. } => {
                let verb = Deed::from(errand).verb.into_owned();
                lines.extend(targets.iter().map(|it| (*daemon, verb.clone(), it.label())));
            }
            Effect::Do { daemon, task, .. } => {
                let whom = match task {
                    Task::Scale { targets, .. } => names(targets),
                    _ => String::new(),
                };
                lines.push((*daemon, task.deed().verb.into_owned(), whom));
            }
            Effect::Call { daemon, call } => {
                let whom = call.targets.iter().map(Target::label).collect::<Vec<_>>();
                lines.push((*daemon, format!("call {}", call.method), whom.join(" ")));
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
        let fields = [("event", "asked"), ("action", &*action), ("target", &*target)];
        Effect::Audit(line(app, daemon, fields, None))
    };
    // Before it is done, so that what never came back is in it too.
    let mut all: Vec<Effect> = lines.into_iter().map(line).collect();
    all.append(&mut effects.0);
    effects.0 = all;
}

fn names(targets: &[Target]) -> String {
    targets.first().map(|target| target.name.to_string()).unwrap_or_default()
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
            (outcome.deed.verb.to_string(), outcome.label.to_string(), verdict.is_success(), words)
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
        _ => return None,
    };
    let fields = [("event", "outcome"), ("action", &*action), ("target", &*target)];
    Some(Effect::Audit(line(app, daemon, fields, Some((is_good, &words)))))
}

/// A line: when, who, where, and these.
fn line(
    app: &App,
    daemon: DaemonId,
    fields: [(&str, &str); 3],
    outcome: Option<(bool, &str)>,
) -> String {
    let at = jiff::Timestamp::from_millisecond(app.now.wall_ms);
    let at = at.map(|at| format!("{at:.3}")).unwrap_or_default();
    let home = app.daemon(daemon).map(|daemon| daemon.home.to_string()).unwrap_or_default();
    let text = |text: &str| Json::String(clean(text).into_owned()).to_string();
    let mut line = format!(
        "{{\"time\":{},\"user\":{},\"home\":{}",
        text(&at),
        text(&app.watched.user),
        text(&home)
    );
    for (key, value) in fields {
        let _ = write!(line, ",\"{key}\":{}", text(value));
    }
    if let Some((is_good, words)) = outcome {
        let _ = write!(line, ",\"ok\":{is_good},\"outcome\":{}", text(words));
    }
    line.push('}');
    line
}
