//! One message of the bus, as it came and as values.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;

pub use crate::protocol::bus::ProcessRef;
use crate::protocol::bus::raw;

/// One message of the bus.
///
/// ```
/// use pm2_tui::client::Event;
///
/// /// The error's text of a `process:exception`.
/// fn error(event: &Event) -> Option<&str> {
///     event.data.get("data")?.get("message")?.as_str()
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The topic, cleaned.
    pub topic: String,
    /// When, milliseconds since 1970: the payload's own `at`, else when it was read here.
    pub at_ms: i64,
    /// The whole payload, raw: not cleaned for a terminal.
    pub data: Json,
    /// The process that the payload names.
    pub process: Option<ProcessRef>,
}

/// A message as it came, for those who hand it on: text costs far less than values.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    topic: Arc<str>,
    /// The JSON text, raw.
    payload: Bytes,
    read_at_ms: i64,
}

impl Message {
    pub(crate) fn new(topic: Arc<str>, payload: Bytes, read_at_ms: i64) -> Self {
        Self { topic, payload, read_at_ms }
    }

    /// The topic, cleaned.
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    /// The payload as it came, where that can be handed on as one line; it may be no JSON.
    pub(crate) fn one_line(&self) -> Option<&str> {
        raw::as_one_line(&self.payload)
    }

    /// The whole payload as one line of JSON, and when it happened; `None` where it is broken.
    pub(crate) fn line(&self) -> Option<(Cow<'_, str>, i64)> {
        let (json, at_ms) = raw::payload_line(&self.payload)?;
        Some((json, at_ms.unwrap_or(self.read_at_ms)))
    }

    /// Of a log line: its process, when, and the raw text; `None` where it is none.
    pub(crate) fn log(&self) -> Option<(Option<ProcessRef>, i64, String)> {
        let (process, at_ms, text) = raw::log(&self.topic, &self.payload)?;
        Some((process, at_ms.unwrap_or(self.read_at_ms), text))
    }

    /// Its values; `None` where it is broken.
    pub(crate) fn decode(&self) -> Option<Event> {
        let data = raw::payload_json(&self.payload)?;
        let (process, at_ms) = raw::origin(&data);
        let topic = self.topic.to_string();
        Some(Event { topic, at_ms: at_ms.unwrap_or(self.read_at_ms), data, process })
    }

    /// How much text it holds.
    pub(super) fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}
