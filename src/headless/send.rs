//! `send`: a message to processes.
//!
//! Invariant: the target is known before anything is sent; every process gets its line, and one that
//! was not reached makes the exit code 1.

use std::io::{self, Write};

use serde_json::{Value as Json, json};

use super::failure::{Code, Failure};
use super::{Context, act, call, output, targets};
use crate::client::ClientError;
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// Sends a message to the processes of a target.
pub(super) async fn run(
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
    let processes = act::fleet(context, &client).await?;
    let infos = targets::resolve(&[target.to_owned()], &processes)?;
    if infos.is_empty() {
        return Err(Failure::condition("there are no processes to send to"));
    }
    let mut code = Code::Fine;
    let by_name = !client.methods().has("sendDataToProcessId");
    for ((key, whom), infos) in addressed(&infos, &processes, by_name) {
        let packet = json!({ key: whom, "msg": message });
        let labels: Vec<String> = infos.iter().map(|info| label(context, info)).collect();
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

/// A process in a line, as the terminal takes it.
fn label(context: &Context, info: &ProcessInfo) -> String {
    output::printable(&targets::label(info), context.is_ascii)
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
}
