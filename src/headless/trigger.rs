//! `trigger`: an action that apps declare, and what each instance replies.
//!
//! Invariant: what no process declares is not sent. The bus is connected before the first call, so
//! that no reply is missed; each process gets its line, and one without a reply makes the exit code 4,
//! or 1 where something else went wrong too.

use std::io::Write;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, timeout_at};

use super::act::worse;
use super::failure::{Code, Failure};
use super::{Context, output, targets};
use crate::cli::Trigger;
use crate::client::{Bus, BusItem, Client, ClientError, Event};
use crate::daemon::calls::message::undeclared;
use crate::daemon::calls::named::Listing;
use crate::protocol::bus::BusPmId;
use crate::protocol::process::{ProcessInfo, ProcessStatus};
use crate::protocol::text::clean;

/// Triggers.
pub(super) async fn run(
    context: &Context,
    what: &Trigger,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    if context.options.read_only {
        return Err(context.read_only("trigger"));
    }
    let client = context.connect().await?;
    let params = what.params.as_deref().filter(|params| !params.is_empty());
    if params.is_some() && !takes_params(&client) {
        return Err(Failure::condition("this release of PM2 passes no parameters to actions"));
    }
    // Before the look, so that nothing is older than it has to be.
    let mut bus = listen(context).await?;
    let listing = client.listing().await.map_err(|error| context.failure(error))?;
    let infos = targets::resolve(std::slice::from_ref(&what.target), &listing.infos)?;
    let infos: Vec<&ProcessInfo> = infos.iter().collect();
    let declare = |info: &ProcessInfo| listing.declares(info, &what.action);
    if !infos.iter().any(|info| declare(info)) {
        let shown = clean(&what.target);
        return Err(Failure::condition(undeclared(&listing, &infos, &shown, &what.action)));
    }
    let mut waiting = Waiting { context, what, left: Vec::new(), code: Code::Fine };
    for info in infos {
        if !declare(info) {
            waiting.pass_over(info, &listing);
            continue;
        }
        context.note_asked(&[(waiting.deed(), targets::label(info))]);
        match client.trigger(info, &what.action, params).await {
            Ok(true) => waiting.left.push(info.clone()),
            Ok(false) => waiting.complain(info, not_there(info), Code::Condition),
            Err(error @ (ClientError::Refused(_) | ClientError::Closed)) => {
                return Err(context.failure(error));
            }
            Err(error @ ClientError::Timeout { .. }) => {
                waiting.complain(info, &error.to_string(), Code::Timeout);
            }
            Err(error) => waiting.complain(info, &error.to_string(), Code::Condition),
        }
    }
    client.disconnect().await;
    let deadline = Instant::now() + what.timeout;
    while !waiting.left.is_empty() {
        match timeout_at(deadline, bus.next()).await {
            Ok(Some(BusItem::Event(event))) => waiting.hear(&event, out)?,
            Ok(Some(BusItem::Lost(count))) => {
                output::complain(&format!("{count} messages of the bus were lost"));
            }
            Ok(Some(BusItem::Reconnecting { problem, .. })) => {
                output::complain(&clean(&format!("the bus is gone: {}", problem.sentence())));
            }
            Ok(Some(BusItem::Connected)) => {}
            Ok(None) | Err(_) => break,
        }
    }
    Ok(waiting.give_up())
}

/// Why a process did not take it.
fn not_there(info: &ProcessInfo) -> &'static str {
    match info.status {
        ProcessStatus::Online => "not triggered: it takes no messages",
        _ => "not triggered: the process is not running",
    }
}

/// Whether the daemon hands parameters on: its method takes a command then. Up to 0.10 it takes
/// options, and hands on only their `msg` (`lib/God/ActionMethods.js`).
fn takes_params(client: &Client) -> bool {
    let params = client.methods().params("msgProcess");
    params.and_then(<[Box<str>]>::first).is_none_or(|first| **first != *"opts")
}

/// The replies, from now on.
async fn listen(context: &Context) -> Result<Bus, Failure> {
    let mut bus = Bus::subscribe(&context.endpoint, &["axm:reply", "process:exit"])?;
    let limit = context.options.timeout;
    let connected = async {
        while let Some(item) = bus.next().await {
            match item {
                BusItem::Connected => return Ok(()),
                BusItem::Reconnecting { problem, .. } => {
                    return Err(context.failure(ClientError::NotRunning(problem)));
                }
                _ => {}
            }
        }
        Ok(())
    };
    let silent = |limit: Duration| {
        let text = format!("the bus was not connected in {} s", limit.as_secs_f64());
        Failure::Said(Code::Timeout, text)
    };
    tokio::time::timeout(limit, connected).await.map_err(|_| silent(limit))??;
    Ok(bus)
}

/// The processes whose reply is still to come.
struct Waiting<'a> {
    context: &'a Context,
    what: &'a Trigger,
    left: Vec<ProcessInfo>,
    code: Code,
}

impl Waiting<'_> {
    /// What the audit file says of it.
    fn deed(&self) -> String {
        format!("trigger {}", self.what.action)
    }

    /// A process that does not declare it: another app's, of which nothing was asked; or an instance
    /// whose siblings do.
    fn pass_over(&mut self, info: &ProcessInfo, listing: &Listing) {
        let is_sibling = |other: &&ProcessInfo| other.name == info.name;
        let mut siblings = listing.infos.iter().filter(is_sibling);
        if siblings.any(|other| listing.declares(other, &self.what.action)) {
            let why = match info.status {
                ProcessStatus::Online => "not triggered: it does not declare the action",
                _ => not_there(info),
            };
            self.complain(info, why, Code::Condition);
        }
    }

    /// Takes a message of the bus: a reply, or the end of a process that has given none.
    fn hear(&mut self, event: &Event, out: &mut impl Write) -> Result<(), Failure> {
        let Some(reply) = reply(event, &self.what.action) else {
            if event.topic == "process:exit" {
                while let Some(info) = self.take(event) {
                    self.complain(&info, "it ended before it replied", Code::Condition);
                }
            }
            return Ok(());
        };
        let Some(info) = self.take(event) else { return Ok(()) };
        // What an app answers is its own.
        let target = targets::label(&info);
        self.context.note_outcome((&self.deed(), &target), (true, "replied"));
        if self.what.json {
            let line = json!({
                "pm_id": info.pm_id.0,
                "name": info.name,
                "action": self.what.action,
                "return": reply,
            });
            let style = output::JsonStyle { is_pretty: false, ..self.context.json_style() };
            output::json(&line, style, out)?;
        } else {
            let text = reply.to_string();
            let is_ascii = self.context.is_ascii;
            let label = output::printable(&targets::label(&info), is_ascii);
            writeln!(out, "{label}: {}", output::escaped(&text, is_ascii))?;
        }
        out.flush()?;
        Ok(())
    }

    /// The process that a message is of, if it is waited for. Where the message does not say whose it
    /// is, it can only be that of the one that is left.
    fn take(&mut self, event: &Event) -> Option<ProcessInfo> {
        let id = match event.process.as_ref().map(|process| process.pm_id) {
            Some(Some(BusPmId::Process(id))) => id,
            // Not an old worker's.
            Some(None) | None if event.topic == "axm:reply" => match self.left.as_slice() {
                [only] => only.pm_id,
                _ => return None,
            },
            _ => return None,
        };
        let at = self.left.iter().position(|info| info.pm_id == id)?;
        Some(self.left.remove(at))
    }

    fn complain(&mut self, info: &ProcessInfo, why: &str, code: Code) {
        let label = output::printable(&targets::label(info), self.context.is_ascii);
        self.context.note_outcome((&self.deed(), &targets::label(info)), (false, why));
        output::complain(&clean(&format!("{label}: {why}")));
        self.code = worse(self.code, code);
    }

    /// Says of whom no reply came.
    fn give_up(mut self) -> Code {
        let waited = format!("no reply in {} s", self.what.timeout.as_secs_f64());
        for info in std::mem::take(&mut self.left) {
            self.complain(&info, &waited, Code::Timeout);
        }
        self.code
    }
}

/// What an `axm:reply` to this action returns; null where that is nothing. 0.10 has the app's whole
/// message as its data.
fn reply(event: &Event, action: &str) -> Option<Json> {
    if event.topic != "axm:reply" {
        return None;
    }
    let data = event.data.get("data")?;
    let inner = if data.get("action_name").is_some() { data } else { data.get("data")? };
    let is_it = inner.get("action_name").and_then(Json::as_str) == Some(action);
    is_it.then(|| inner.get("return").cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_found_in_the_shape_of_each_generation() {
        let event =
            |data: Json| Event { topic: "axm:reply".to_owned(), at_ms: 0, data, process: None };
        let own = json!({ "action_name": "gc", "return": { "freed": 7 } });
        let new = event(json!({ "at": 1, "data": own, "process": { "pm_id": 0 } }));
        assert_eq!(reply(&new, "gc"), Some(json!({ "freed": 7 })));
        assert_eq!(reply(&new, "dump"), None, "somebody else's");
        let old = event(json!({ "data": { "type": "axm:reply", "data": own } }));
        assert_eq!(reply(&old, "gc"), Some(json!({ "freed": 7 })));
        let nothing = event(json!({ "data": { "action_name": "gc" } }));
        assert_eq!(reply(&nothing, "gc"), Some(Json::Null));
        for odd in [json!(null), json!({}), json!({ "data": 1 }), json!({ "data": { "data": [] } })]
        {
            assert_eq!(reply(&event(odd.clone()), "gc"), None, "{odd}");
        }
    }
}
