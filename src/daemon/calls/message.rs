//! `msgProcess` as pm2-interface had it, on every generation (PM2.md section 4).
//!
//! Invariant: only a process that runs is sent a message, and the count says how many were.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::guard::has_channel;
use super::named::{CallFailure, Listing, is_running, no_such_process};
use crate::daemon::rpc::session::Session;
use crate::protocol::message::whole_message;
use crate::protocol::process::ProcessInfo;
use crate::protocol::rpc::CheckedCall;

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
    let Some(first) = targets.first() else {
        return Err(no_such_process(&shown));
    };
    let message = opts.get("msg").cloned().unwrap_or_default();
    if let Some(action) = message.as_str() {
        let declare = |target: &&ProcessInfo| declares(&listing, target, action);
        let declaring: Vec<_> = targets.iter().copied().filter(declare).collect();
        if !declaring.is_empty() {
            return trigger(session, &declaring, opts, timeout).await;
        }
    }
    if session.methods.has("sendDataToProcessId") {
        return send_data(session, &targets, &message, timeout).await;
    }
    // Before 1.1 the daemon's own method delivers any message, but only by name, and does not answer
    // where a process of that name does not run (`lib/God/ActionMethods.js`).
    let namesakes = listing.named(&first.name);
    let running = namesakes.iter().filter(|info| is_running(info)).count();
    if running == 0 {
        return Ok(reached(0));
    }
    if running < namesakes.len() {
        return Err(CallFailure::Unsafe(format!(
            "this release of PM2 never answers while a process named {} does not run: not sent",
            first.name
        )));
    }
    if opts.contains_key("id") && namesakes.len() > 1 {
        return Err(CallFailure::Unsafe(format!(
            "this release of PM2 can only message every process named {} at once",
            first.name
        )));
    }
    let opts = json!({ "name": first.name, "msg": message });
    let call = session.methods.check_named("msgProcess", vec![opts])?;
    Ok(counted(session.exchange(&call, timeout).await?))
}

/// Triggers a declared action in each process that runs, one by one: by name, God also looks into
/// processes that have no list of actions, and ends (measured on 7.0.4).
async fn trigger(
    session: &Session,
    targets: &[&ProcessInfo],
    opts: &Map<String, Json>,
    timeout: Duration,
) -> Result<Json, CallFailure> {
    each(session, targets, timeout, |target| {
        let mut opts = opts.clone();
        opts.remove("name");
        opts.insert("id".to_owned(), json!(target.pm_id.0));
        ("msgProcess", opts)
    })
    .await
}

async fn send_data(
    session: &Session,
    targets: &[&ProcessInfo],
    message: &Json,
    timeout: Duration,
) -> Result<Json, CallFailure> {
    each(session, targets, timeout, |target| {
        let mut packet = whole_message(message);
        packet.insert("id".to_owned(), json!(target.pm_id.0));
        ("sendDataToProcessId", packet)
    })
    .await
}

/// Makes a call for each process that can take a message, and counts them.
async fn each(
    session: &Session,
    targets: &[&ProcessInfo],
    timeout: Duration,
    call: impl Fn(&ProcessInfo) -> (&'static str, Map<String, Json>),
) -> Result<Json, CallFailure> {
    let mut count = 0_u32;
    let can = |target: &&&ProcessInfo| is_running(target) && has_channel(session, target);
    for target in targets.iter().filter(can) {
        let (method, arg) = call(target);
        let call = session.methods.check_named(method, vec![Json::Object(arg)])?;
        match session.exchange(&call, timeout).await {
            Ok(_) => count = count.saturating_add(1),
            // It stopped since the listing: not reached.
            Err(CallFailure::Said { message, .. })
                if message.contains("offline") || message.contains("unknown") => {}
            Err(error) => return Err(error),
        }
    }
    Ok(reached(count))
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
    let runs = |info: &ProcessInfo| {
        let raw = listing.raw_of(info).and_then(|raw| raw.get("pm2_env"));
        let path = raw.and_then(|env| env.get("pm_exec_path")?.as_str());
        path.and_then(|path| path.rsplit('/').next()) == Some(name)
    };
    let is_meant = |info: &&ProcessInfo| match name {
        "all" => !info.is_module,
        _ => &*info.name == name || info.namespace.as_deref() == Some(name) || runs(info),
    };
    (listing.infos.iter().filter(is_meant).collect(), name.to_owned())
}

/// Whether a process declared an action of this name.
fn declares(listing: &Listing, info: &ProcessInfo, action: &str) -> bool {
    let raw = listing.raw_of(info).and_then(|raw| raw.get("pm2_env"));
    let actions = raw.and_then(|env| env.get("axm_actions")?.as_array());
    let is_it = |known: &Json| known.get("action_name").and_then(Json::as_str) == Some(action);
    actions.is_some_and(|actions| actions.iter().any(is_it))
}

/// The reply of new daemons, also where the daemon said `sent N messages` (up to 1.1.3).
fn counted(reply: Json) -> Json {
    let count = reply.as_str().and_then(|text| {
        text.strip_prefix("sent ")?.split_ascii_whitespace().next()?.parse::<u32>().ok()
    });
    count.map_or(reply, reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_of_old_daemons_becomes_the_new_one() {
        let new = json!({ "process_count": 2, "success": true });
        assert_eq!(counted(json!("sent 2 messages")), new);
        assert_eq!(counted(new.clone()), new);
    }
}
