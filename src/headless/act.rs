//! `restart`, `stop`, `start`, `reload`, `delete`, `send`, `kill`: what changes something.
//!
//! Invariant: all targets are known, and what has to be asked was answered, before the first call
//! is sent; every process gets its line, and one that failed makes the exit code 1.

use std::io::{self, Write};

use futures_util::StreamExt;
use serde_json::{Value as Json, json};

use super::failure::{Code, Failure};
use super::{Context, ask, call, output, targets};
use crate::cli::Targets;
use crate::client::{Client, ClientError};
use crate::model::{Action, Target};
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// Acts on the processes of some targets.
pub(super) async fn run(
    context: &Context,
    action: Action,
    who: &Targets,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let verb = action.verb();
    if context.options.read_only {
        return Err(Failure::read_only(verb));
    }
    let is_sweeping = matches!(action, Action::Stop | Action::Delete)
        && who.targets.iter().any(|target| target == "all");
    if is_sweeping {
        ask::require(context, &format!("{verb} all"))?;
    }
    let client = context.connect().await?;
    let processes = fleet(context, &client).await?;
    let infos = targets::resolve(&who.targets, &processes)?;
    if is_sweeping && !infos.is_empty() {
        let home = context.home();
        ask::confirm(context, &format!("{verb} all {} process(es) of {home}?", infos.len()))?;
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
    let targets = infos.iter().map(Target::of).collect();
    let verdicts = client.verdicts(action, targets).await;
    let mut verdicts = verdicts.map_err(|error| context.failure(error))?;
    let mut code = Code::Fine;
    while let Some((target, verdict)) = verdicts.next().await {
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

/// Sends a message to the processes of a target.
pub(super) async fn send(
    context: &Context,
    target: &str,
    message: &str,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    if context.options.read_only {
        return Err(Failure::read_only("send"));
    }
    let message = if message == "-" {
        let text = call::read_bounded(io::stdin().lock())?;
        call::argument(text.trim_end_matches(['\n', '\r']), "standard input")?
    } else {
        call::argument(message, "the message")?
    };
    if message.is_null() {
        return Err(Failure::usage("null is no message: a text, a number, a list or an object is"));
    }
    let client = context.connect().await?;
    let processes = fleet(context, &client).await?;
    let infos = targets::resolve(&[target.to_owned()], &processes)?;
    if infos.is_empty() {
        return Err(Failure::condition("there are no processes to send to"));
    }
    let mut code = Code::Fine;
    let by_name = !client.methods().has("sendDataToProcessId");
    for ((key, whom), infos) in addressed(&infos, &processes, by_name) {
        let packet = json!({ key: whom, "msg": message });
        let labels: Vec<String> =
            infos.iter().map(|info| label(context, &targets::label(info))).collect();
        let why = match client.call("msgProcess", vec![packet]).await {
            Ok(reply) if reached(&reply) => {
                for label in labels {
                    writeln!(out, "sent to {label}")?;
                }
                continue;
            }
            Ok(_) => "nobody is there to read it: it does not run".to_owned(),
            Err(error @ (ClientError::Refused(_) | ClientError::ReadOnly { .. })) => {
                return Err(context.failure(error));
            }
            Err(error) => error.to_string(),
        };
        output::complain(&clean(&format!("cannot send to {}: {why}", labels.join(", "))));
        code = Code::Condition;
    }
    client.disconnect().await;
    Ok(code)
}

/// Whom each message goes to: a process each, but the whole of an app at once where the daemon takes
/// nothing else (before 1.1).
fn addressed(
    infos: &[ProcessInfo],
    all: &[ProcessInfo],
    by_name: bool,
) -> Vec<((&'static str, Json), Vec<ProcessInfo>)> {
    let count =
        |infos: &[ProcessInfo], name: &str| infos.iter().filter(|info| &*info.name == name).count();
    let mut addressed: Vec<((&str, Json), Vec<ProcessInfo>)> = Vec::new();
    for info in infos {
        let is_whole = by_name && count(infos, &info.name) == count(all, &info.name);
        let whom = if is_whole { ("name", json!(info.name)) } else { ("id", json!(info.pm_id.0)) };
        match addressed.iter_mut().find(|(known, _)| *known == whom) {
            Some((_, infos)) => infos.push(info.clone()),
            None => addressed.push((whom, vec![info.clone()])),
        }
    }
    addressed
}

/// Whether a reply of `msgProcess` says that somebody was reached: `{process_count}` from 2.10 on,
/// `"sent N messages"` before (PM2.md section 4).
fn reached(reply: &Json) -> bool {
    match (reply.get("process_count").and_then(Json::as_u64), reply.as_str()) {
        (Some(count), _) => count > 0,
        (None, Some(text)) => !text.starts_with("sent 0"),
        // A shape never seen is no failure.
        (None, None) => true,
    }
}

/// Ends the daemon and all its processes.
pub(super) async fn kill(context: &Context, out: &mut impl Write) -> Result<Code, Failure> {
    if context.options.read_only {
        return Err(Failure::read_only("kill"));
    }
    ask::require(context, "kill")?;
    let client = context.connect().await?;
    let count = fleet(context, &client).await?.len();
    let home = context.home();
    ask::confirm(context, &format!("end the daemon of {home} and its {count} process(es)?"))?;
    let reply = client.call("killMe", vec![json!({})]).await;
    reply.map_err(|error| context.failure(error))?;
    writeln!(out, "killed the daemon of {home} and its {count} process(es)")?;
    Ok(Code::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    #[test]
    fn before_1_1_an_app_is_sent_to_at_once() {
        let all: Vec<ProcessInfo> = [(0, "api"), (1, "web"), (2, "api")]
            .map(|(id, name)| ProcessInfo::new(PmId(id), name, ProcessStatus::Online))
            .to_vec();
        let whom = |infos: &[ProcessInfo], by_name| -> Vec<(&str, Json)> {
            addressed(infos, &all, by_name).into_iter().map(|(whom, _)| whom).collect()
        };
        assert_eq!(whom(&all, true), [("name", json!("api")), ("name", json!("web"))]);
        assert_eq!(whom(&all[..1], true), [("id", json!(0))]);
        assert_eq!(whom(&all[..2], false), [("id", json!(0)), ("id", json!(1))]);
    }

    #[test]
    fn who_was_reached_is_read_in_every_shape() {
        assert!(reached(&json!({"success": true, "process_count": 1})));
        assert!(!reached(&json!({"success": true, "process_count": 0})));
        assert!(reached(&json!("sent 1 messages")) && !reached(&json!("sent 0 messages")));
        assert!(reached(&json!(null)));
    }

    #[test]
    fn a_timeout_is_told_only_where_nothing_worse_happened() {
        assert_eq!(worse(Code::Fine, Code::Timeout), Code::Timeout);
        assert_eq!(worse(Code::Condition, Code::Timeout), Code::Condition);
        assert_eq!(worse(Code::Timeout, Code::NoDaemon), Code::Condition);
        assert_eq!(worse(Code::NoDaemon, Code::Fine), Code::NoDaemon);
        assert_eq!(worse(Code::NoDaemon, Code::NoDaemon), Code::NoDaemon);
    }
}
