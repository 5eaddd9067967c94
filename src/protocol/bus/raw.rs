//! A message of the bus as plain JSON, for those who show or hand on all of it.
//!
//! Invariant: what is handed on as text is one line of JSON that every reader of JSON takes.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::decode::{self, BusError};
use super::{BusEvent, BusPmId, LogStream, ProcessEvent, ProcessRef};
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
pub fn split(frame: &Frame) -> Result<(Cow<'_, str>, &[u8]), BusError> {
    let [topic, payload, ..] = frame.args() else {
        return Err(BusError::NotAMessage);
    };
    match (Value::parse(topic), Value::parse(payload)) {
        (Value::Text(topic), Value::Json(payload)) => Ok((clean(topic), payload)),
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
/// without `data`, which is a `process:msg` since 0.12 (docs/pm2.md sections 4 and 5). Cleaned.
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

object! {
    struct Moment<'de> {
        at: Scalar<'de> = "at",
    }
}

/// The whole payload as one line of JSON, and when it says that it happened, milliseconds since
/// 1970. It is the daemon's own text wherever that is one line already, which takes a fraction of
/// the time that building the values takes; else it is written anew from [`payload_json`]. `None`
/// for broken JSON.
#[must_use]
pub fn payload_line(payload: &[u8]) -> Option<(Cow<'_, str>, Option<i64>)> {
    let Some(text) = as_one_line(payload) else {
        let data = payload_json(payload)?;
        return Some((Cow::Owned(data.to_string()), moment(&data)));
    };
    let Object(at) = json::from_slice::<Object<Moment<'_>>>(payload).ok()?;
    let at_ms = match at.unwrap_or_default().at {
        Scalar::Integer(at_ms) => Some(at_ms),
        _ => None,
    };
    Some((Cow::Borrowed(text), at_ms))
}

/// The text of a payload, where it can be handed on as it is if it is JSON.
#[must_use]
pub fn as_one_line(payload: &[u8]) -> Option<&str> {
    std::str::from_utf8(payload).ok().filter(|text| is_one_line(text))
}

/// Whether JSON text can be handed on as it is: no line end between its tokens, and no escape that
/// could be half of a surrogate pair.
fn is_one_line(text: &str) -> bool {
    let mut has_control = false;
    // No early exit, so that the compiler can look at many bytes at once.
    for byte in text.bytes() {
        has_control |= byte < 0x20;
    }
    !has_control && !text.contains("\\ud") && !text.contains("\\uD")
}

/// What a line of a process's output says: of which, when, and the raw text. `None` for every other
/// topic and shape.
#[must_use]
pub fn log(topic: &str, payload: &[u8]) -> Option<(Option<ProcessRef>, Option<i64>, String)> {
    let stream = match topic {
        "log:out" => LogStream::Out,
        "log:err" => LogStream::Err,
        _ => return None,
    };
    match decode::log(payload, Some(stream)).ok()?? {
        BusEvent::Log(log) => {
            let is_named = log.process.pm_id.is_some() || !log.process.name.is_empty();
            Some((is_named.then_some(log.process), log.at_ms, log.data))
        }
        _ => None,
    }
}

/// What a `process:event` says; `None` for every other shape.
#[must_use]
pub fn process_event(payload: &[u8]) -> Option<Box<ProcessEvent>> {
    match decode::process_event(payload).ok()?? {
        BusEvent::Process(event) => Some(event),
        _ => None,
    }
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
    (process, moment(payload))
}

fn moment(payload: &Json) -> Option<i64> {
    payload.get("at").and_then(Json::as_i64)
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
    fn a_line_is_handed_on_as_it_came() {
        for (text, at_ms) in [
            (r#"{"z":1.50,"at":5,"a":"x\u001b\ny","at":7}"#, Some(7)),
            (r#"{"at":"5"}"#, None),
            (r#"{"at":5.5}"#, None),
            ("\"é\u{9b}\"", None),
            ("[123456789012345678901234567890]", None),
        ] {
            let line = payload_line(text.as_bytes());
            assert!(matches!(line, Some((Cow::Borrowed(same), at)) if same == text && at == at_ms));
        }
        for broken in [&b"{"[..], b"", b"{} {}", br#"{"a":nul}"#, b"\"\x01\"", br#""\ud83d"#] {
            assert_eq!(payload_line(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn what_is_not_one_line_of_text_is_written_anew() {
        for (text, wanted, at_ms) in [
            (&b"{\n \"a\": [1,\r\n2], \"at\": 5\n}"[..], r#"{"a":[1,2],"at":5}"#, Some(5)),
            (br#"{"a":"\ud83d"}"#, "{\"a\":\"\u{fffd}\"}", None),
            (br#"{"a":"\uDE00x"}"#, "{\"a\":\"\u{fffd}x\"}", None),
            (br#"{"a":"\ud83d\ude00"}"#, "{\"a\":\"\u{1f600}\"}", None),
            (b"\"\xff\"", "\"\u{fffd}\"", None),
        ] {
            assert_eq!(
                payload_line(text),
                Some((Cow::Owned(wanted.to_owned()), at_ms)),
                "{wanted}"
            );
        }
    }

    #[test]
    fn a_log_line_has_its_process_and_its_text() {
        let payload = json!({ "process": { "pm_id": 3, "name": "a" }, "at": 5, "data": "x\n" });
        let text = payload.to_string();
        let process = ProcessRef { pm_id: Some(BusPmId::Process(PmId(3))), name: "a".into() };
        let said = (Some(process), Some(5), "x\n".to_owned());
        assert_eq!(log("log:out", text.as_bytes()), Some(said));
        assert_eq!(log("log:err", br#"{"data":"x"}"#), Some((None, None, "x".to_owned())));
        assert_eq!(log("my:out", text.as_bytes()), None);
        assert_eq!(log("log:out", br#"{"data":[1]}"#), None);
        assert_eq!(log("log:out", b"{"), None);
    }

    #[test]
    fn half_a_surrogate_pair_costs_nothing_else() {
        assert_eq!(payload_json(br#"{"a":"\ud83d"}"#), Some(json!({ "a": "\u{fffd}" })));
        assert_eq!(payload_json(b"{"), None);
    }
}
