//! A message of the bus as plain JSON, for those who show or hand on all of it.

use serde_json::Value as Json;

use super::decode::BusError;
use super::{BusPmId, ProcessRef};
use crate::protocol::amp::Frame;
use crate::protocol::json::{self, Object, Scalar, object};
use crate::protocol::process::PmId;
use crate::protocol::text::{clean, clean_to};
use crate::protocol::value::Value;

/// The most characters of an `event` word that become part of a topic.
const WORD_CHARS_MAX: usize = 200;

/// The topic, cleaned, and the JSON text of a message.
///
/// # Errors
/// [`BusError::NotAMessage`].
pub fn split(frame: &Frame) -> Result<(String, &[u8]), BusError> {
    let [topic, payload, ..] = frame.args() else {
        return Err(BusError::NotAMessage);
    };
    match (Value::parse(topic), Value::parse(payload)) {
        (Value::Text(topic), Value::Json(payload)) => Ok((clean(topic).into_owned(), payload)),
        _ => Err(BusError::NotAMessage),
    }
}

object! {
    struct Word<'de> {
        event: Scalar<'de> = "event",
        kind: Scalar<'de> = "type",
        raw: Object<RawWord<'de>> = "raw",
    }
}

object! {
    struct RawWord<'de> {
        kind: Scalar<'de> = "type",
    }
}

/// The name that pm2-interface's users know a message by, where the daemon has a general one:
/// `process:online` for a `process:event` of `online`, and the `type` of a message that an app sent
/// without `data`, which is a `process:msg` since 0.12 (PM2.md sections 4 and 5). Cleaned.
#[must_use]
pub fn other_topic(topic: &str, payload: &[u8]) -> Option<String> {
    if !matches!(topic, "process:event" | "process:msg") {
        return None;
    }
    let word = json::read(payload, |text| {
        let Object(word) = json::from_slice::<Object<Word<'_>>>(text)?;
        Ok(word.and_then(|word| {
            let cleaned = |word: &Scalar<'_>| word.as_str().map(|it| clean_to(it, WORD_CHARS_MAX));
            if topic == "process:event" {
                return cleaned(&word.event).filter(|word| !word.is_empty());
            }
            // 0.12 publishes the bare message, later releases put it under `raw`.
            word.raw.0.as_ref().and_then(|raw| cleaned(&raw.kind)).or_else(|| cleaned(&word.kind))
        }))
    });
    let word = word.ok().flatten().filter(|word| !word.is_empty())?;
    Some(if topic == "process:event" { format!("process:{word}") } else { word })
}

/// The whole payload; half surrogate pairs, which are no text, become U+FFFD. `None` for broken
/// JSON.
#[must_use]
pub fn payload_json(payload: &[u8]) -> Option<Json> {
    json::read(payload, |text| json::from_slice(text)).ok()
}

/// The process that a payload names, and when it says that it happened, milliseconds since 1970.
#[must_use]
pub fn origin(payload: &Json) -> (Option<ProcessRef>, Option<i64>) {
    let process = payload.get("process").filter(|process| process.is_object()).map(|process| {
        // 0.10.8 has the process as a dump of God's own object.
        let field = |key: &str| {
            process.get(key).or_else(|| process.get("pm2_env").and_then(|env| env.get(key)))
        };
        let name = match field("name") {
            Some(Json::String(name)) => clean(name).into(),
            Some(Json::Number(name)) => name.to_string().into(),
            _ => Box::default(),
        };
        ProcessRef { pm_id: field("pm_id").and_then(bus_id), name }
    });
    (process, payload.get("at").and_then(Json::as_i64))
}

fn bus_id(id: &Json) -> Option<BusPmId> {
    let number = |id: u64| u32::try_from(id).ok().map(PmId);
    match id {
        Json::Number(id) => number(id.as_u64()?).map(BusPmId::Process),
        Json::String(text) if text == "PM2" => Some(BusPmId::Daemon),
        Json::String(text) => match text.strip_prefix("_old_") {
            Some(old) => number(old.parse().ok()?).map(BusPmId::Old),
            None => number(text.parse().ok()?).map(BusPmId::Process),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_word_and_the_process_of_a_message() {
        let event = json!({ "event": "restart overlimit", "process": { "name": "a" }, "at": 5 });
        let other =
            |topic: &str, payload: &Json| other_topic(topic, payload.to_string().as_bytes());
        let named = Some("process:restart overlimit".to_owned());
        assert_eq!(other("process:event", &event), named);
        assert_eq!(other("my:event", &event), None);
        for none in [json!({}), json!([]), json!({ "event": 1 }), json!({ "event": "" })] {
            assert_eq!(other("process:event", &none), None, "{none}");
        }
        let heap = json!({ "type": "process:heap", "heap": 1 });
        let (old, new) = (heap.clone(), json!({ "raw": heap, "at": 1 }));
        for message in [old, new] {
            assert_eq!(other("process:msg", &message).as_deref(), Some("process:heap"));
        }
        for none in [json!({ "raw": "text" }), json!({ "raw": { "type": 1 } }), json!("text")] {
            assert_eq!(other("process:msg", &none), None, "{none}");
        }
        let (process, at_ms) = origin(&event);
        assert_eq!(process, Some(ProcessRef { pm_id: None, name: "a".into() }));
        assert_eq!(at_ms, Some(5));
        let id = |id: Json| origin(&json!({ "process": { "pm_id": id } })).0.unwrap().pm_id;
        assert_eq!(id(json!(3)), Some(BusPmId::Process(PmId(3))));
        assert_eq!(id(json!("_old_2")), Some(BusPmId::Old(PmId(2))));
        assert_eq!(id(json!("PM2")), Some(BusPmId::Daemon));
        assert_eq!(id(json!("x")), None);
        assert_eq!(origin(&json!("text")), (None, None));
        let dump = json!({ "process": { "pm2_env": { "pm_id": 1, "name": "old" } } });
        let old = ProcessRef { pm_id: Some(BusPmId::Process(PmId(1))), name: "old".into() };
        assert_eq!(origin(&dump).0, Some(old));
    }

    #[test]
    fn half_a_surrogate_pair_costs_nothing_else() {
        assert_eq!(payload_json(br#"{"a":"\ud83d"}"#), Some(json!({ "a": "\u{fffd}" })));
        assert_eq!(payload_json(b"{"), None);
    }
}
