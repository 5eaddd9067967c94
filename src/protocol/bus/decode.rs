//! Reads the frames of the bus: `s:<topic>` and `j:<payload>`.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::value::RawValue;

use super::{
    BusEvent, BusMessage, BusPmId, EventKind, Exception, LogChunk, LogStream, Other, ProcessEvent,
    ProcessRef,
};
use crate::protocol::amp::Frame;
use crate::protocol::json::{self, Object, Scalar, object};
use crate::protocol::process::{PmId, ProcessFields, parse_pm_id};
use crate::protocol::text::clean;
use crate::protocol::value::Value;

/// The most lines of a stack that are kept.
pub const STACK_LINES_MAX: usize = 64;

/// Why a frame of the bus is lost. The frames after it are not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The frame does not start with a topic and a JSON payload.
    #[error("a frame on the bus that is not a message")]
    NotAMessage,
    /// The payload is broken JSON.
    #[error("a message {topic} on the bus is broken JSON: {reason}")]
    Json {
        /// The topic, cleaned.
        topic: Box<str>,
        /// What serde says.
        reason: String,
    },
}

/// Reads one message of the bus.
///
/// # Errors
/// [`BusError`] when the frame is no message or its JSON is broken; a payload of a shape that its
/// topic does not have in PM2 is no error but [`BusEvent::Other`].
pub fn decode(frame: &Frame) -> Result<BusMessage, BusError> {
    let [topic, payload, ..] = frame.args() else {
        return Err(BusError::NotAMessage);
    };
    let (Value::Text(topic), Value::Json(payload)) = (Value::parse(topic), Value::parse(payload))
    else {
        return Err(BusError::NotAMessage);
    };
    let topic_name = || Box::<str>::from(clean(topic));
    let known = match topic {
        "log:out" => log(payload, Some(LogStream::Out)),
        "log:err" => log(payload, Some(LogStream::Err)),
        "log:PM2" => log(payload, None),
        "process:event" => process_event(payload),
        "process:exception" => exception(payload),
        "pm2:kill" => daemon_killed(payload),
        _ => match old_event_kind(topic) {
            Some(kind) => old_process_event(payload, &kind),
            None => Ok(None),
        },
    };
    let event = known
        .and_then(|known| match known {
            Some(event) => Ok(event),
            None => other(payload),
        })
        .map_err(|error| BusError::Json { topic: topic_name(), reason: error.to_string() })?;
    Ok(BusMessage { topic: topic_name(), event })
}

/// What a decoder makes of a payload: nothing where it has another shape than PM2's.
pub(super) type Known = serde_json::Result<Option<BusEvent>>;

object! {
    /// The little that most payloads say of their process.
    struct WireRef<'de> {
        pm_id: Scalar<'de> = "pm_id",
        name: Scalar<'de> = "name",
        /// 0.10.8 has the process as a dump of God's own object, and this within it.
        pm2_env: Object<WireInner<'de>> = "pm2_env",
    }
}

object! {
    struct WireInner<'de> {
        pm_id: Scalar<'de> = "pm_id",
        name: Scalar<'de> = "name",
    }
}

impl WireRef<'_> {
    fn to_ref(&self) -> ProcessRef {
        let inner = self.pm2_env.0.as_ref();
        let id = parse_bus_id(&self.pm_id);
        let name = cleaned(&self.name);
        ProcessRef {
            pm_id: id.or_else(|| parse_bus_id(&inner?.pm_id)),
            name: name.or_else(|| cleaned(&inner?.name)).unwrap_or_default(),
        }
    }
}

fn process_ref(process: &Object<WireRef<'_>>) -> ProcessRef {
    match &process.0 {
        Some(process) => process.to_ref(),
        None => WireRef::default().to_ref(),
    }
}

fn parse_bus_id(id: &Scalar<'_>) -> Option<BusPmId> {
    match id.as_str() {
        Some("PM2") => Some(BusPmId::Daemon),
        Some(text) if text.starts_with("_old_") => {
            let id = text.strip_prefix("_old_")?.parse().ok()?;
            Some(BusPmId::Old(PmId(id)))
        }
        _ => parse_pm_id(id).map(BusPmId::Process),
    }
}

fn cleaned(field: &Scalar<'_>) -> Option<Box<str>> {
    field.as_text().map(|text| clean(&text).into())
}

object! {
    struct WireLog<'de> {
        process: Object<WireRef<'de>> = "process",
        at: Scalar<'de> = "at",
        data: LogText<'de> = "data",
    }
}

pub(super) fn log(payload: &[u8], stream: Option<LogStream>) -> Known {
    json::read(payload, |text| {
        let Object(Some(log)) = json::from_slice::<Object<WireLog<'_>>>(text)? else {
            return Ok(None);
        };
        let Some(data) = log.data.text else {
            return Ok(None);
        };
        let process = process_ref(&log.process);
        let at_ms = log.at.as_i64();
        Ok(match (stream, process.pm_id) {
            (Some(stream), _) => Some(BusEvent::Log(LogChunk { process, stream, at_ms, data })),
            (None, Some(BusPmId::Daemon)) => Some(BusEvent::DaemonLog { at_ms, data }),
            // An app that calls its own message `log:PM2`.
            (None, _) => None,
        })
    })
}

/// `data` of a log message: text, or `{str: text}` on 0.12.16. Owned at once, since it is kept.
#[derive(Debug, Default)]
struct LogText<'de> {
    text: Option<String>,
    lifetime: std::marker::PhantomData<&'de ()>,
}

object! {
    struct WireStr<'de> {
        text: LogText<'de> = "str",
    }
}

impl<'de> Deserialize<'de> for LogText<'de> {
    /// The text is most of a message, and most messages of a burst are such: it is copied once.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let text = match raw.as_bytes().first() {
            Some(b'"') => match unescaped(raw) {
                Some(text) => Some(text),
                None => Some(serde_json::from_str(raw).map_err(D::Error::custom)?),
            },
            Some(b'{') => {
                let wire = serde_json::from_str::<Object<WireStr<'_>>>(raw);
                wire.map_err(D::Error::custom)?.0.and_then(|wire| wire.text.text)
            }
            _ => None,
        };
        Ok(Self { text, lifetime: std::marker::PhantomData })
    }
}

/// The text that a JSON string says; `None` where it has an escape by number.
fn unescaped(json: &str) -> Option<String> {
    let mut rest = json.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::with_capacity(rest.len());
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, escape) = rest.split_at_checked(at)?;
        text.push_str(before);
        text.push(match escape.as_bytes().get(1)? {
            b'n' => '\n',
            b'"' => '"',
            b'\\' => '\\',
            b't' => '\t',
            b'r' => '\r',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            _ => return None,
        });
        rest = escape.get(2..)?;
    }
    text.push_str(rest);
    Some(text)
}

object! {
    struct WireEvent<'de> {
        event: Scalar<'de> = "event",
        manually: Scalar<'de> = "manually",
        at: Scalar<'de> = "at",
        process: Object<ProcessFields<'de>> = "process",
    }
}

pub(super) fn process_event(payload: &[u8]) -> Known {
    json::read(payload, |text| {
        let Object(Some(wire)) = json::from_slice::<Object<WireEvent<'_>>>(text)? else {
            return Ok(None);
        };
        let (Some(word), Some(process)) = (wire.event.as_str(), &wire.process.0) else {
            return Ok(None);
        };
        let (pm_id, is_old_worker) = match parse_bus_id(&process.pm_id) {
            Some(BusPmId::Process(id)) => (id, false),
            Some(BusPmId::Old(id)) => (id, true),
            Some(BusPmId::Daemon) | None => return Ok(None),
        };
        Ok(Some(BusEvent::Process(Box::new(ProcessEvent {
            kind: event_kind(word),
            manually: wire.manually.as_bool().unwrap_or(false),
            at_ms: wire.at.as_i64(),
            is_old_worker,
            signal: None,
            info: process.to_info(pm_id),
        }))))
    })
}

object! {
    struct WireOldEvent<'de> {
        process: Object<WireDump<'de>> = "process",
    }
}

object! {
    /// God's own object of a process.
    struct WireDump<'de> {
        pm2_env: Object<ProcessFields<'de>> = "pm2_env",
        exit_code: Scalar<'de> = "exitCode",
        signal: Scalar<'de> = "signalCode",
    }
}

/// An event as 0.10.8 says it: its word in the topic, and a dump of God's own object of the process.
/// Nobody else has a `pm2_env` there.
fn old_process_event(payload: &[u8], kind: &EventKind) -> Known {
    json::read(payload, |text| {
        let wire = json::from_slice::<Object<WireOldEvent<'_>>>(text)?;
        let Some(dump) = wire.0.and_then(|wire| wire.process.0) else {
            return Ok(None);
        };
        let Some(process) = dump.pm2_env.0 else {
            return Ok(None);
        };
        let Some(BusPmId::Process(pm_id)) = parse_bus_id(&process.pm_id) else {
            return Ok(None);
        };
        let mut info = process.to_info(pm_id);
        let is_exit = *kind == EventKind::Exit;
        info.exit_code = info.exit_code.or(cleaned(&dump.exit_code).filter(|_| is_exit));
        Ok(Some(BusEvent::Process(Box::new(ProcessEvent {
            kind: kind.clone(),
            manually: false,
            at_ms: None,
            is_old_worker: false,
            signal: cleaned(&dump.signal).filter(|_| is_exit),
            info,
        }))))
    })
}

/// What a topic of 0.10.8 says (docs/pm2.md section 5).
fn old_event_kind(topic: &str) -> Option<EventKind> {
    Some(match topic.strip_prefix("process:")? {
        "online" => EventKind::Online,
        "exit" => EventKind::Exit,
        "stop" => EventKind::Stop,
        "start" => EventKind::Start,
        "restart" => EventKind::Restart,
        "delete" => EventKind::Delete,
        "start_reload" => EventKind::Reload,
        "exit:overlimit" => EventKind::RestartOverlimit,
        _ => return None,
    })
}

fn event_kind(word: &str) -> EventKind {
    match word {
        "online" => EventKind::Online,
        "start" => EventKind::Start,
        "stop" => EventKind::Stop,
        "restart" => EventKind::Restart,
        "exit" => EventKind::Exit,
        "reload" => EventKind::Reload,
        "graceful reload" => EventKind::GracefulReload,
        "delete" => EventKind::Delete,
        "restart overlimit" => EventKind::RestartOverlimit,
        other => EventKind::Other(clean(other).into()),
    }
}

object! {
    struct WireException<'de> {
        process: Object<WireRef<'de>> = "process",
        at: Scalar<'de> = "at",
        data: Object<WireError<'de>> = "data",
    }
}

object! {
    struct WireError<'de> {
        message: Scalar<'de> = "message",
        stack: Scalar<'de> = "stack",
    }
}

fn exception(payload: &[u8]) -> Known {
    json::read(payload, |text| {
        let Object(Some(wire)) = json::from_slice::<Object<WireException<'_>>>(text)? else {
            return Ok(None);
        };
        let Some(data) = &wire.data.0 else {
            return Ok(None);
        };
        // Node lists the modules that asked for a missing one below its message.
        let told = data.message.as_text();
        let told =
            told.map(|text| clean(text.split("\nRequire stack:").next().unwrap_or("")).into());
        let message: Option<Box<str>> = told.filter(|text: &Box<_>| !str::trim(text).is_empty());
        if message.is_none() && data.stack.as_str().is_none() {
            return Ok(None);
        }
        let stack: Vec<Box<str>> = data
            .stack
            .as_str()
            .unwrap_or_default()
            .lines()
            .take(STACK_LINES_MAX)
            .map(|line| clean(line).into())
            .collect();
        let first_line = || stack.first().cloned().unwrap_or_default();
        Ok(Some(BusEvent::Exception(Box::new(Exception {
            process: process_ref(&wire.process),
            at_ms: wire.at.as_i64(),
            message: message.unwrap_or_else(first_line),
            stack,
        }))))
    })
}

object! {
    struct WireKill<'de> {
        status: Scalar<'de> = "status",
        msg: Scalar<'de> = "msg",
    }
}

/// An app's message of that name is `{at, data, process}` and thus told apart.
fn daemon_killed(payload: &[u8]) -> Known {
    json::read(payload, |text| {
        let Object(kill) = json::from_slice::<Object<WireKill<'_>>>(text)?;
        Ok(kill
            .filter(|kill| kill.status.as_str().is_some())
            .map(|kill| BusEvent::DaemonKilled { message: cleaned(&kill.msg).unwrap_or_default() }))
    })
}

object! {
    struct WireOther<'de> {
        process: Object<WireRef<'de>> = "process",
        at: Scalar<'de> = "at",
    }
}

fn other(payload: &[u8]) -> serde_json::Result<BusEvent> {
    json::read(payload, |text| {
        let Object(wire) = json::from_slice::<Object<WireOther<'_>>>(text)?;
        let wire = wire.unwrap_or_default();
        let process = wire.process.0.map(|process| process.to_ref());
        Ok(BusEvent::Other(Other {
            process: process.filter(|process| process.pm_id.is_some() || !process.name.is_empty()),
            at_ms: wire.at.as_i64(),
            // A copy, since a slice would keep the whole read buffer alive as long as the message.
            json: Bytes::copy_from_slice(payload),
        }))
    })
}
