//! `restart`, `stop`, `start`, `reload`, `delete`, `send`, `kill`: what changes something.
//!
//! Invariant: all targets are known, and what has to be asked was answered, before the first call
//! is sent; every process gets its line, and one that failed makes the exit code 1.

use std::io::Write;

use futures_util::StreamExt;
use serde_json::json;

use super::audit::Deeds;
use super::failure::{Code, Failure};
use super::output::JsonStyle;
use super::{Context, ask, files, output, targets};
use crate::cli::Acted;
use crate::client::{Client, ClientError, Task};
use crate::model::audit::of_task;
use crate::model::{Action, Target, verdict};
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// Acts on the processes of some targets.
pub(super) async fn run(
    context: &Context,
    action: Action,
    acted: &Acted,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let verb = action.verb();
    let Acted { who, only, env, json } = acted;
    if context.options.read_only {
        return Err(context.read_only(verb));
    }
    if env.is_some() && matches!(action, Action::Restart | Action::Reload) {
        let reason = format!(
            "{verb} keeps the environment that processes have; `pm2-tui restart FILE --env NAME` \
             restarts the apps of a file with its own"
        );
        return Err(Failure::usage(reason));
    }
    let is_sweeping = matches!(action, Action::Stop | Action::Delete)
        && who.targets.iter().any(|target| target == "all");
    if is_sweeping {
        ask::require(context, &format!("{verb} all"))?;
    }
    let client = context.connect().await?;
    let processes = fleet(context, &client).await?;
    let words = files::as_targets(context, &who.targets, only, &processes).await?;
    let infos = targets::resolve(&words, &processes)?;
    if is_sweeping && !infos.is_empty() {
        let home = context.home();
        let all = output::processes(infos.len());
        let names = targets::named(infos.iter().map(targets::label), context.is_ascii);
        let question = format!("{verb} all {all} of {home}{names}?");
        ask::confirm_about(context, &client, &question).await?;
    }
    if infos.is_empty() && !json {
        writeln!(out, "nothing to {verb}: there are no processes")?;
    }
    let code = each(context, &client, action, (&infos, *json), out).await?;
    client.disconnect().await;
    Ok(code)
}

/// All processes.
pub(super) async fn fleet(context: &Context, client: &Client) -> Result<Vec<ProcessInfo>, Failure> {
    let snapshot = client.snapshot().await.map_err(|error| context.failure(error))?;
    Ok(snapshot.processes)
}

/// Acts on each, and prints its line when its outcome is known, as JSON or as text.
pub(super) async fn each(
    context: &Context,
    client: &Client,
    action: Action,
    (infos, is_json): (&[ProcessInfo], bool),
    out: &mut impl Write,
) -> Result<Code, Failure> {
    // Another daemon may answer later on another connection.
    let god = client.god().await;
    let targets: Vec<Target> = infos.iter().map(|info| Target::of(info).seen(0, god)).collect();
    let deeds: Deeds =
        targets.iter().map(|target| (action.verb().to_owned(), target.label())).collect();
    context.note_asked(&deeds);
    let verdicts = client.verdicts(action, targets).await;
    let mut verdicts = verdicts.map_err(|error| {
        context.note_failed(&deeds, &error.to_string());
        context.failure(error)
    })?;
    let mut code = Code::Fine;
    while let Some((target, verdict)) = verdicts.next().await {
        let before = infos.iter().find(|info| info.pm_id == target.pm_id);
        let was_down = before.and_then(ProcessInfo::over_word);
        let asked = action;
        let action = verdict::done(asked, was_down.is_some(), &verdict);
        let deed = (action.verb(), &*target.label());
        context.note_outcome(deed, (verdict.is_success(), &verdict.words(action)));
        let label = label(context, &target.label());
        let whom = verdict::whom(&label, was_down.filter(|_| action != asked));
        let line = verdict.sentence(action, &whom);
        code = worse(code, Code::of_verdict(&verdict));
        if is_json {
            let line = Line {
                asked,
                name: &target.name,
                pm_id: Some(target.pm_id.0.into()),
                is_ok: verdict.is_success(),
                outcome: verdict.word(),
                words: &verdict.words(action),
            };
            line.print(context, out)?;
        } else if verdict.is_success() {
            writeln!(out, "{line}")?;
            out.flush()?;
        } else {
            output::complain(&clean(&line));
        }
    }
    Ok(code)
}

/// What came of an action on one process, as JSON.
pub(super) struct Line<'a> {
    pub(super) asked: Action,
    pub(super) name: &'a str,
    /// `None` where no process came of an app.
    pub(super) pm_id: Option<u64>,
    pub(super) is_ok: bool,
    pub(super) outcome: &'a str,
    pub(super) words: &'a str,
}

impl Line<'_> {
    pub(super) fn print(&self, context: &Context, out: &mut impl Write) -> std::io::Result<()> {
        let line = json!({
            "asked": self.asked.verb(),
            "name": self.name,
            "pm_id": self.pm_id,
            "ok": self.is_ok,
            "outcome": self.outcome,
            "words": self.words,
        });
        let style = JsonStyle { is_pretty: false, is_ascii: context.is_ascii };
        output::json(&line, style, out)?;
        out.flush()
    }
}

/// A process in a line, as the terminal takes it.
fn label(context: &Context, label: &str) -> String {
    output::printable(label, context.is_ascii)
}

/// The exit code after one more outcome: time ran out, or a daemon that went away, only where nothing
/// else went wrong.
pub(super) fn worse(code: Code, next: Code) -> Code {
    match (code, next) {
        (code, Code::Fine) => code,
        (Code::Fine, next) => next,
        (code, next) if code == next => code,
        _ => Code::Condition,
    }
}

/// Ends the daemon and all its processes.
pub(super) async fn kill(context: &Context, out: &mut impl Write) -> Result<Code, Failure> {
    if context.options.read_only {
        return Err(context.read_only("kill"));
    }
    ask::require(context, "kill")?;
    let client = context.connect().await?;
    // Those that are there when the question is answered may be others.
    let args = vec![json!({})];
    let chosen = client.chosen("killMe", &args).await.map_err(|error| context.failure(error))?;
    let all = output::processes(chosen.targets.len());
    let home = context.home();
    let names = targets::named(chosen.targets.iter().map(Target::label), context.is_ascii);
    ask::confirm(context, &format!("end the daemon of {home} and its {all}{names}?"))?;
    let deeds = of_task(&Task::Kill);
    context.note_asked(&deeds);
    let reply = client.call_for("killMe", args, &chosen).await;
    match &reply {
        Ok(_) => deeds.iter().for_each(|(action, target)| {
            context.note_outcome((action, target), (true, "ended"));
        }),
        Err(error) => context.note_failed(&deeds, &error.to_string()),
    }
    reply.map_err(|error| match error {
        ClientError::Others { label, verdict, .. } => {
            let why = format!("cannot end the daemon of {home}: {label}: {}", verdict.about());
            Failure::Said(Code::of_verdict(&verdict), why)
        }
        error => context.failure(error),
    })?;
    writeln!(out, "killed the daemon of {home} and its {all}")?;
    Ok(Code::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_told_only_where_nothing_worse_happened() {
        assert_eq!(worse(Code::Fine, Code::Timeout), Code::Timeout);
        assert_eq!(worse(Code::Condition, Code::Timeout), Code::Condition);
        assert_eq!(worse(Code::Timeout, Code::NoDaemon), Code::Condition);
        assert_eq!(worse(Code::NoDaemon, Code::Fine), Code::NoDaemon);
        assert_eq!(worse(Code::NoDaemon, Code::NoDaemon), Code::NoDaemon);
    }
}
