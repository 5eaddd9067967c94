//! `send`: a message to processes.
//!
//! Invariant: the target is known before anything is sent; every process gets its line, and one that
//! was not reached makes the exit code 1.

use std::io::{self, Write};

use serde_json::Value as Json;

use super::audit::Deeds;
use super::failure::{Code, Failure};
use super::{Context, call, output, targets};
use crate::client::ClientError;
use crate::protocol::message::whole_message;
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// What the audit file says of it.
const SEND: &str = "send a message to";

/// Sends a message to the processes of a target.
pub(super) async fn run(
    context: &Context,
    target: &str,
    message: &str,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    if context.options.read_only {
        return Err(context.read_only("send"));
    }
    let message = if message == "-" {
        let text = call::read_bounded(io::stdin().lock())?;
        call::argument(text.trim_end_matches(['\n', '\r']), "standard input")?
    } else {
        call::argument(message, "the message")?
    };
    if message.is_null() {
        return Err(Failure::usage(
            "null is not a message: send text, a number, a list or an object",
        ));
    }
    // Whole: a bare text could be taken for the name of an action.
    let message = Json::Object(whole_message(&message));
    let client = context.connect().await?;
    let listing = client.listing().await.map_err(|error| context.failure(error))?;
    let infos = targets::resolve(&[target.to_owned()], &listing.infos)?;
    if infos.is_empty() {
        return Err(Failure::condition("there are no processes to send to"));
    }
    let mut code = Code::Fine;
    let by_name = !client.methods().has("sendDataToProcessId");
    for infos in addressed(&infos, &listing.infos, by_name) {
        let labels: Vec<String> = infos.iter().map(|info| label(context, info)).collect();
        let deeds: Deeds =
            infos.iter().map(|info| (SEND.to_owned(), targets::label(info))).collect();
        context.note_asked(&deeds);
        let why = match client.deliver(&listing, &infos, &message).await {
            Ok(1..) => {
                for (action, target) in &deeds {
                    context.note_outcome((action, target), (true, "sent"));
                }
                for label in labels {
                    writeln!(out, "sent to {label}")?;
                }
                continue;
            }
            Ok(0) => "not delivered: the process is not running".to_owned(),
            Err(error @ (ClientError::Refused(_) | ClientError::ReadOnly { .. })) => {
                return Err(context.failure(error));
            }
            Err(error) => error.to_string(),
        };
        context.note_failed(&deeds, &why);
        output::complain(&clean(&format!("cannot send to {}: {why}", labels.join(", "))));
        code = Code::Condition;
    }
    client.disconnect().await;
    Ok(code)
}

/// Who gets a message together: a process each, but the whole of an app at once where the daemon takes
/// nothing else (before 1.1).
fn addressed<'a>(
    infos: &'a [ProcessInfo],
    all: &[ProcessInfo],
    by_name: bool,
) -> Vec<Vec<&'a ProcessInfo>> {
    let count =
        |infos: &[ProcessInfo], name: &str| infos.iter().filter(|info| &*info.name == name).count();
    let mut addressed: Vec<Vec<&ProcessInfo>> = Vec::new();
    for info in infos {
        let is_whole = by_name && count(infos, &info.name) == count(all, &info.name);
        let is_namesake = |group: &&mut Vec<&ProcessInfo>| {
            is_whole && group.first().is_some_and(|first| first.name == info.name)
        };
        match addressed.iter_mut().find(is_namesake) {
            Some(group) => group.push(info),
            None => addressed.push(vec![info]),
        }
    }
    addressed
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
        let ids = |infos: &[ProcessInfo], by_name| -> Vec<Vec<u32>> {
            let groups = addressed(infos, &all, by_name).into_iter();
            groups.map(|infos| infos.iter().map(|info| info.pm_id.0).collect()).collect()
        };
        assert_eq!(ids(&all, true), [vec![0, 2], vec![1]]);
        assert_eq!(ids(&all[..1], true), [[0]]);
        assert_eq!(ids(&all[..2], false), [[0], [1]]);
    }
}
