//! Messages to apps and their actions: `msgProcess` as pm2-interface had it, on every generation
//! (docs/pm2.md section 4).
//!
//! Invariant: only a process that runs is sent a message, and the count says how many were. A text is
//! the name of an action: one that no process declares is never sent, and never a success.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::ask::{Listing, is_running};
use super::failure::{CallFailure, no_such_process};
use super::guard::has_channel;
use crate::daemon::rpc::session::Session;
use crate::protocol::meant::Meant;
use crate::protocol::message::whole_message;
use crate::protocol::process::ProcessInfo;
use crate::protocol::rpc::CheckedCall;
use crate::protocol::text::clean;

/// How many declared actions a sentence names.
const NAMED_MAX: usize = 16;

/// Sends the message of a `msgProcess` call, whose shape the daemon's own method has, and gives
/// `{process_count, success}`.
pub(super) async fn send(
    session: &Session,
    call: &CheckedCall,
    timeout: Duration,
) -> Result<Json, CallFailure> {
    let Some(Json::Object(opts)) = call.args().first() else {
        return Err(no_such_process(""));
    };
    let listing = session.listing(timeout).await?;
    let (targets, shown) = targets(&listing, opts);
    if targets.is_empty() {
        return Err(no_such_process(&shown));
    }
    let message = opts.get("msg").cloned().unwrap_or_default();
    let Some(action) = message.as_str() else {
        return deliver(session, &listing, &targets, &message, timeout).await.map(reached);
    };
    let declare = |target: &&ProcessInfo| listing.declares(target, action);
    let declaring: Vec<_> = targets.iter().copied().filter(declare).collect();
    if declaring.is_empty() {
        return Err(CallFailure::NoSuchAction(undeclared(&listing, &targets, &shown, action)));
    }
    let mut count = 0_u32;
    for target in declaring {
        let is_sent = trigger(session, target, opts.clone(), timeout).await?;
        count = count.saturating_add(u32::from(is_sent));
    }
    Ok(reached(count))
}

/// Triggers an action in one process that declared it, if it runs; `opts` are those of the call. By
/// name, God also looks into processes that have no list of actions, and ends (measured on 7.0.4).
pub(crate) async fn trigger(
    session: &Session,
    target: &ProcessInfo,
    mut opts: Map<String, Json>,
    timeout: Duration,
) -> Result<bool, CallFailure> {
    opts.remove("name");
    opts.insert("id".to_owned(), json!(target.pm_id.0));
    call_for(session, target, "msgProcess", opts, timeout).await
}

/// Sends a message to processes of a listing, and gives how many got it. Before 1.1 that has to be all
/// of a name.
pub(crate) async fn deliver(
    session: &Session,
    listing: &Listing,
    targets: &[&ProcessInfo],
    message: &Json,
    timeout: Duration,
) -> Result<u32, CallFailure> {
    if session.methods.has("sendDataToProcessId") {
        let mut count = 0_u32;
        for target in targets {
            let mut packet = whole_message(message);
            packet.insert("id".to_owned(), json!(target.pm_id.0));
            let is_sent = call_for(session, target, "sendDataToProcessId", packet, timeout).await?;
            count = count.saturating_add(u32::from(is_sent));
        }
        return Ok(count);
    }
    let Some(first) = targets.first() else { return Ok(0) };
    // Before 1.1 the daemon's own method delivers any message, but only by name, and does not answer
    // where a process of that name does not run (`lib/God/ActionMethods.js`).
    let namesakes = listing.named(&first.name);
    let running = namesakes.iter().filter(|info| is_running(info)).count();
    if running == 0 {
        return Ok(0);
    }
    if running < namesakes.len() {
        return Err(CallFailure::Unsafe(format!(
            "this release of PM2 never answers while a process named {} does not run: not sent",
            first.name
        )));
    }
    if targets.len() < namesakes.len() {
        return Err(CallFailure::Unsafe(format!(
            "this release of PM2 can only message every process named {} at once",
            first.name
        )));
    }
    let opts = json!({ "name": first.name, "msg": message });
    let call = session.methods.check_named("msgProcess", vec![opts])?;
    let reply = session.exchange(&call, timeout).await?;
    // A shape never seen is no failure.
    Ok(counted(&reply).unwrap_or(u32::try_from(namesakes.len()).unwrap_or(u32::MAX)))
}

/// Makes a call for a process that can take a message; whether it was there to take it.
async fn call_for(
    session: &Session,
    target: &ProcessInfo,
    method: &'static str,
    arg: Map<String, Json>,
    timeout: Duration,
) -> Result<bool, CallFailure> {
    if !is_running(target) || !has_channel(session, target).await {
        return Ok(false);
    }
    let call = session.methods.check_named(method, vec![Json::Object(arg)])?;
    match session.exchange(&call, timeout).await {
        Ok(_) => Ok(true),
        // It stopped since the listing: not reached.
        Err(CallFailure::Said { message, .. })
            if message.contains("offline") || message.contains("unknown") =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Says that none of these processes declares an action, and which ones they do.
pub(crate) fn undeclared(
    listing: &Listing,
    targets: &[&ProcessInfo],
    shown: &str,
    action: &str,
) -> String {
    let mut declared: Vec<&str> =
        targets.iter().flat_map(|target| listing.actions(target)).collect();
    declared.sort_unstable();
    declared.dedup();
    let list = declared.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let known = match declared.len().saturating_sub(NAMED_MAX) {
        _ if declared.is_empty() => "none is declared".to_owned(),
        0 => format!("declared: {list}"),
        rest => format!("declared: {list} and {rest} more"),
    };
    let text = format!("no process of `{shown}` declares the action `{action}`; {known}");
    clean(&text).into_owned()
}

/// The reply of daemons from 2.10 on.
fn reached(count: u32) -> Json {
    json!({ "process_count": count, "success": true })
}

/// The processes that `id` or `name` mean, and how to call them to a person. A name is that of the
/// process, its namespace, or the file name of its script, as God has it.
fn targets<'a>(listing: &'a Listing, opts: &Map<String, Json>) -> (Vec<&'a ProcessInfo>, String) {
    if let Some(id) = opts.get("id").and_then(Json::as_u64) {
        let is_it = |info: &&ProcessInfo| u64::from(info.pm_id.0) == id;
        return (listing.infos.iter().filter(is_it).collect(), id.to_string());
    }
    let name = opts.get("name").and_then(Json::as_str).unwrap_or_default();
    let meant = Meant::Receivers(name.to_owned());
    let runs = |info: &ProcessInfo| listing.script_of(info).is_some_and(|path| meant.runs(path));
    let is_meant = |info: &&ProcessInfo| meant.fits(info) || runs(info);
    (listing.infos.iter().filter(is_meant).collect(), name.to_owned())
}

/// How many a reply says were reached: `{process_count}` from 2.10 on, `sent N messages` up to 1.1.3.
fn counted(reply: &Json) -> Option<u32> {
    if let Some(count) = reply.get("process_count") {
        return u32::try_from(count.as_u64()?).ok();
    }
    reply.as_str()?.strip_prefix("sent ")?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    #[test]
    fn who_was_reached_is_read_in_every_shape() {
        assert_eq!(counted(&json!({ "process_count": 2, "success": true })), Some(2));
        assert_eq!(counted(&json!("sent 2 messages")), Some(2));
        assert_eq!(counted(&json!("sent 0 messages")), Some(0));
        for unknown in [json!(null), json!("done"), json!({ "process_count": "two" })] {
            assert_eq!(counted(&unknown), None, "{unknown}");
        }
    }

    #[test]
    fn an_action_that_nobody_declares_is_told_with_those_that_are() {
        let infos = [0, 1].map(|id| ProcessInfo::new(PmId(id), "api", ProcessStatus::Online));
        let declares = |names: &[String]| {
            let actions: Vec<Json> =
                names.iter().map(|name| json!({ "action_name": name })).collect();
            json!({ "pm_id": 0, "pm2_env": { "axm_actions": actions } })
        };
        let said = |raw: Json| {
            let listing = Listing { raw: vec![raw], infos: infos.to_vec(), warnings: Vec::new() };
            undeclared(&listing, &infos.iter().collect::<Vec<_>>(), "api", "x\u{1b}[2J")
        };
        let none = "no process of `api` declares the action `x`; none is declared";
        assert_eq!(said(json!({ "pm_id": 0 })), none);
        assert_eq!(said(json!({ "pm_id": 0, "pm2_env": { "axm_actions": "odd" } })), none);
        let two = said(declares(&["gc".to_owned(), "dump".to_owned()]));
        assert!(two.ends_with("`x`; declared: dump, gc"), "{two}");
        let many: Vec<String> = (10..40).map(|n| format!("a{n}")).collect();
        let many = said(declares(&many));
        assert!(many.ends_with("a24, a25 and 14 more"), "{many}");
    }
}
