//! `restart`, `stop`, `start`, `reload`, `delete`, `send`, `kill`: what changes something.
//!
//! Invariant: all targets are known, and what has to be asked was answered, before the first call
//! is sent; every process gets its line, and one that failed makes the exit code 1.

use std::io::Write;

use futures_util::StreamExt;
use serde_json::json;

use super::audit::Deeds;
use super::failure::{Code, Failure};
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
    let Acted { who, only, env } = acted;
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
        ask::confirm(context, &format!("{verb} all {all} of {home}?"))?;
    }
    if infos.is_empty() {
        writeln!(out, "nothing to {verb}: there are no processes")?;
    }
    let code = each(context, &client, action, &infos, out).await?;
    client.disconnect().await;
    Ok(code)
}

/// All processes.
pub(super) async fn fleet(context: &Context, client: &Client) -> Result<Vec<ProcessInfo>, Failure> {
    let snapshot = client.snapshot().await.map_err(|error| context.failure(error))?;
    Ok(snapshot.processes)
}

/// Acts on each, and prints its line when its outcome is known.
pub(super) async fn each(
    context: &Context,
    client: &Client,
    action: Action,
    infos: &[ProcessInfo],
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let targets: Vec<Target> = infos.iter().map(Target::of).collect();
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
        let was_down = |info: &ProcessInfo| info.pm_id == target.pm_id && info.is_over();
        let action = verdict::done(action, infos.iter().any(was_down), &verdict);
        let deed = (action.verb(), &*target.label());
        context.note_outcome(deed, (verdict.is_success(), &verdict.words(action)));
        let line = verdict.sentence(action, &label(context, &target.label()));
        code = worse(code, Code::of_verdict(&verdict));
        if verdict.is_success() {
            writeln!(out, "{line}")?;
            out.flush()?;
        } else {
            output::complain(&clean(&line));
        }
    }
    Ok(code)
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
    ask::confirm(context, &format!("end the daemon of {home} and its {all}?"))?;
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
