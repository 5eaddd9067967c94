//! The bus: topic and payload of what the God daemon publishes to every subscriber.
//!
//! Invariant: any app can publish any topic with any payload (docs/pm2.md section 4), so nothing here
//! trusts a shape; a topic that is not known, or a known one of another shape, stays available as
//! its JSON.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::process::{PmId, ProcessInfo};
use super::redact::without_environment;

mod decode;
pub mod raw;
pub use decode::{BusError, STACK_LINES_MAX, decode};

/// One message of the bus.
#[derive(Debug, Clone, PartialEq)]
pub struct BusMessage {
    /// The topic, cleaned.
    pub topic: Box<str>,
    /// What it says.
    pub event: BusEvent,
}

/// A decoded bus message.
#[derive(Debug, Clone, PartialEq)]
pub enum BusEvent {
    /// `process:event` (from 0.12 on), or one of the topics that 0.10.8 had instead.
    Process(Box<ProcessEvent>),
    /// `log:out` or `log:err`.
    Log(LogChunk),
    /// `log:PM2`: the God daemon's own console.
    DaemonLog {
        /// When God got it, milliseconds since 1970.
        at_ms: Option<i64>,
        /// Any number of lines, raw.
        data: String,
    },
    /// `process:exception`. The process may have survived it.
    Exception(Box<Exception>),
    /// `pm2:kill`: the daemon is about to end; its sockets close next.
    DaemonKilled {
        /// PM2's message, cleaned.
        message: Box<str>,
    },
    /// Anything else: messages and topics of apps, replies of actions, dependencies.
    Other(Other),
}

/// Which process a bus message is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessRef {
    /// Its id; `None` where the message names none.
    pub pm_id: Option<BusPmId>,
    /// Its name, cleaned; `""` where missing.
    pub name: Box<str>,
}

/// `pm_id` as the bus has it: a number, the text `_old_N`, or `PM2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BusPmId {
    /// A process.
    Process(PmId),
    /// The worker that a reload of this process is replacing.
    Old(PmId),
    /// The God daemon itself.
    Daemon,
}

/// A change in the life of a process.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessEvent {
    /// What happened.
    pub kind: EventKind,
    /// Whether a client asked for it (only `start`, `stop`, `restart`, `reload` say so).
    pub manually: bool,
    /// When, milliseconds since 1970, by the daemon's clock.
    pub at_ms: Option<i64>,
    /// Whether this is the old worker of a reload; then [`Self::info`] is that worker's.
    pub is_old_worker: bool,
    /// For `exit`: the signal that ended it, where God's console named one. `SIGINT` is what God
    /// prints when there was none (`lib/God.js` `handleExit`), so that is `None`. Not in the
    /// payload but on 0.10.8: the bus's reader adds it from the `log:PM2` line that comes before.
    pub signal: Option<Box<str>>,
    /// The process as PM2 then had it; `pid`, `cpu_percent` and `memory_bytes` are not on the bus.
    pub info: ProcessInfo,
}

/// The `event` word of a `process:event`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// `online`
    Online,
    /// `start`
    Start,
    /// `stop`
    Stop,
    /// `restart`
    Restart,
    /// `exit`; a deliberate stop sends it twice, first with status `stopping`, then `stopped`.
    Exit,
    /// `reload`
    Reload,
    /// `graceful reload`
    GracefulReload,
    /// `delete`
    Delete,
    /// `restart overlimit`: PM2 gives up, the process is `errored`.
    RestartOverlimit,
    /// Whatever a client gave to `notifyByProcessId`, cleaned.
    Other(Box<str>),
}

/// A piece of a process's output: one pipe read of up to 64 KiB (fork) or one write (cluster),
/// with any number of lines, the first and last perhaps partial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// The process.
    pub process: ProcessRef,
    /// Which of its outputs.
    pub stream: LogStream,
    /// When God got it, milliseconds since 1970.
    pub at_ms: Option<i64>,
    /// Raw text: not cleaned, lines not split.
    pub data: String,
}

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogStream {
    /// `log:out`
    Out,
    /// `log:err`
    Err,
}

/// An uncaught exception, unhandled rejection or reported error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The process.
    pub process: ProcessRef,
    /// When, milliseconds since 1970.
    pub at_ms: Option<i64>,
    /// One cleaned line: `message`, else the first line of the stack.
    pub message: Box<str>,
    /// The stack's lines, each cleaned; at most 64.
    pub stack: Vec<Box<str>>,
}

/// A message that this program gives no meaning of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The process, where the payload names one.
    pub process: Option<ProcessRef>,
    /// When, milliseconds since 1970, where the payload says so.
    pub at_ms: Option<i64>,
    /// The payload's JSON text, raw.
    pub json: Bytes,
}

impl Other {
    /// The JSON text of what was said: `data`, else `raw`, as God wraps messages from 1.1.3 on
    /// (docs/pm2.md section 4); else the whole payload, without the environment of its process.
    #[must_use]
    pub fn said(&self) -> Cow<'_, str> {
        #[derive(serde::Deserialize)]
        struct Wire<'a> {
            #[serde(borrow)]
            data: Option<&'a RawValue>,
            #[serde(borrow)]
            raw: Option<&'a RawValue>,
        }
        let wire = serde_json::from_slice::<Wire<'_>>(&self.json);
        match wire.ok().and_then(|wire| wire.data.or(wire.raw)) {
            Some(said) => Cow::Borrowed(said.get()),
            None => match serde_json::from_slice(&self.json) {
                Ok(payload) => Cow::Owned(without_environment(payload).to_string()),
                Err(_) => String::from_utf8_lossy(&self.json),
            },
        }
    }
}

#[cfg(test)]
mod tests;
