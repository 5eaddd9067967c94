//! A message to an app, as it arrives there.
//!
//! Invariant: it has the `topic`, `type` and `data` that PM2 wants of one (docs/pm2.md section 4); what
//! was written is never changed, only added to.

use serde_json::{Map, Value as Json, json};

/// The topic of a message that names none, as in PM2's own API.
pub const TOPIC: &str = "process:msg";

/// What the app receives of what was written, but for the `id` that PM2 adds: an object as it is,
/// with a `type`, `topic` and `data` where it has none; anything else as the `data` of
/// a `process:msg`.
#[must_use]
pub fn whole_message(written: &Json) -> Map<String, Json> {
    let mut message = match written {
        Json::Object(fields) => fields.clone(),
        other => Map::from_iter([("data".to_owned(), other.clone())]),
    };
    let named = |key: &str| message.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
    let topic = named("topic").or_else(|| named("type")).unwrap_or(TOPIC).to_owned();
    if !message.contains_key("type") {
        message.insert("type".to_owned(), json!(topic));
    }
    message.insert("topic".to_owned(), json!(topic));
    if message.get("data").is_none_or(Json::is_null) {
        message.insert("data".to_owned(), json!({}));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_receives_the_message_as_it_was_written() {
        let whole = |written: Json| Json::Object(whole_message(&written));
        let heap = json!({ "type": "god:heap", "topic": "god:heap", "data": {} });
        assert_eq!(whole(json!({ "type": "god:heap" })), heap);
        let own = json!({ "type": "t", "topic": "t", "data": 0, "more": [1] });
        assert_eq!(whole(json!({ "topic": "t", "data": 0, "more": [1] })), own);
        let text = json!({ "type": TOPIC, "topic": TOPIC, "data": "hello" });
        assert_eq!(whole(json!("hello")), text);
        assert_eq!(whole(json!({ "type": "" }))["topic"], json!(TOPIC));
    }
}
