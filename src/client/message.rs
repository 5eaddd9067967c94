//! `msgProcess` as pm2-interface had it, on every generation (PM2.md section 4).
//!
//! Invariant: only a process that runs is sent a message, and the count says how many were.

use serde_json::{Map, Value as Json, json};

use super::call::no_such_process;
use super::compose::named;
use super::link::Listing;
use super::{Client, ClientError};
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// The topic of a message that names none, as in PM2's own API.
const TOPIC: &str = "process:msg";

impl Client {
    /// Sends a message to the process `id`, or to all of `name`: `{id | name, msg, opts?}`. A text
    /// that one of them declared as an action (`axm_actions`) triggers it, with `opts`; anything
    /// else arrives in the app as a message, an object as it is, with `id`, `topic` and `data`
    /// added where it has none. Gives `{process_count, success}`: how many were reached.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let message = serde_json::json!({ "name": "worker", "msg": { "type": "god:heap" } });
    /// let reached = client.msg_process(message).await?;
    /// assert_eq!(reached["process_count"], 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::NoSuchProcess`] and others.
    pub async fn msg_process(&self, opts: Json) -> Result<Json, ClientError> {
        self.permit("msgProcess")?;
        // The daemon's own method has the same shape; it also puts the id into shape.
        let call = self.methods().check_named("msgProcess", vec![opts])?;
        let Some(Json::Object(opts)) = call.args().first() else {
            return Err(no_such_process(""));
        };
        let listing = self.0.listing().await?;
        let (targets, shown) = targets(&listing, opts);
        if targets.is_empty() {
            return Err(no_such_process(&shown));
        }
        let message = opts.get("msg").cloned().unwrap_or_default();
        let is_action = message
            .as_str()
            .is_some_and(|action| targets.iter().any(|target| declares(&listing, target, action)));
        if is_action {
            let reply = self.0.send(&call, self.0.options.timeout).await?;
            return Ok(counted(reply));
        }
        if self.methods().has("sendDataToProcessId") {
            return self.send_data(&targets, &message).await;
        }
        // Before 1.1 the daemon's own method delivers any message, but only by name.
        let (target, message) = match targets.as_slice() {
            [one] if opts.contains_key("id") && named(&listing, &one.name).len() > 1 => {
                let reason = format!(
                    "this release of PM2 can only message every process named {} at once",
                    one.name
                );
                return Err(ClientError::Unsafe { reason });
            }
            [first, ..] => (&first.name, message),
            [] => return Err(no_such_process(&shown)),
        };
        let opts = json!({ "name": target, "msg": message });
        let call = self.methods().check_named("msgProcess", vec![opts])?;
        Ok(counted(self.0.send(&call, self.0.options.timeout).await?))
    }

    async fn send_data(
        &self,
        targets: &[&ProcessInfo],
        message: &Json,
    ) -> Result<Json, ClientError> {
        let mut count = 0_u32;
        let runs = |info: &&&ProcessInfo| {
            matches!(info.status, ProcessStatus::Online | ProcessStatus::Launching)
                && info.pid.is_some()
        };
        for target in targets.iter().filter(runs) {
            let packet = packet(message, target.pm_id.0);
            let call = self.methods().check_named("sendDataToProcessId", vec![packet])?;
            match self.0.send(&call, self.0.options.timeout).await {
                Ok(_) => count = count.saturating_add(1),
                // It stopped since the listing: not reached.
                Err(ClientError::Daemon { message, .. })
                    if message.contains("offline") || message.contains("unknown") => {}
                Err(error) => return Err(error),
            }
        }
        Ok(json!({ "process_count": count, "success": true }))
    }
}

/// The processes that `id` or `name` mean, and how to call them to a person.
fn targets<'a>(listing: &'a Listing, opts: &Map<String, Json>) -> (Vec<&'a ProcessInfo>, String) {
    if let Some(id) = opts.get("id").and_then(Json::as_u64) {
        let is_it = |info: &&ProcessInfo| u64::from(info.pm_id.0) == id;
        return (listing.infos.iter().filter(is_it).collect(), id.to_string());
    }
    let name = opts.get("name").and_then(Json::as_str).unwrap_or_default();
    let found = if name == "all" {
        listing.infos.iter().filter(|info| !info.is_module).collect()
    } else {
        named(listing, name)
    };
    (found, name.to_owned())
}

/// Whether a process declared an action of this name.
fn declares(listing: &Listing, info: &ProcessInfo, action: &str) -> bool {
    let raw = listing.raw_of(info).and_then(|raw| raw.get("pm2_env"));
    let actions = raw.and_then(|env| env.get("axm_actions")?.as_array());
    let is_it = |known: &Json| known.get("action_name").and_then(Json::as_str) == Some(action);
    actions.is_some_and(|actions| actions.iter().any(is_it))
}

/// What the app receives: the whole of it.
fn packet(message: &Json, id: u32) -> Json {
    let mut packet = match message {
        Json::Object(fields) => fields.clone(),
        other => Map::from_iter([("data".to_owned(), other.clone())]),
    };
    let named = |key: &str| packet.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
    let topic = named("topic").or_else(|| named("type")).unwrap_or(TOPIC).to_owned();
    if !packet.contains_key("type") {
        packet.insert("type".to_owned(), json!(topic));
    }
    packet.insert("topic".to_owned(), json!(topic));
    packet.insert("id".to_owned(), json!(id));
    if packet.get("data").is_none_or(Json::is_null) {
        packet.insert("data".to_owned(), json!({}));
    }
    Json::Object(packet)
}

/// The reply of new daemons, also where the daemon said `sent N messages` (up to 1.1.3).
fn counted(reply: Json) -> Json {
    let count = reply.as_str().and_then(|text| {
        text.strip_prefix("sent ")?.split_ascii_whitespace().next()?.parse::<u32>().ok()
    });
    count.map_or(reply, |count| json!({ "process_count": count, "success": true }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_receives_the_message_as_it_was_written() {
        let heap = packet(&json!({ "type": "god:heap" }), 3);
        assert_eq!(heap, json!({ "id": 3, "type": "god:heap", "topic": "god:heap", "data": {} }));
        let own = packet(&json!({ "topic": "t", "data": 0, "more": [1] }), 1);
        assert_eq!(own, json!({ "id": 1, "type": "t", "topic": "t", "data": 0, "more": [1] }));
        let text = packet(&json!("hello"), 0);
        assert_eq!(text, json!({ "id": 0, "type": TOPIC, "topic": TOPIC, "data": "hello" }));
        assert_eq!(packet(&json!({ "type": "" }), 0)["topic"], json!(TOPIC));
    }

    #[test]
    fn the_reply_of_old_daemons_becomes_the_new_one() {
        let new = json!({ "process_count": 2, "success": true });
        assert_eq!(counted(json!("sent 2 messages")), new);
        assert_eq!(counted(new.clone()), new);
    }
}
