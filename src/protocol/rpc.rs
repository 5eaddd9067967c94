//! pm2-axon-rpc: calls to the God daemon, checked before they can be encoded, and its replies.
//!
//! Invariant: the only way to bytes is [`request_frame`], which takes a [`CheckedCall`], which only
//! [`Methods::check`] makes. A wrong number of arguments or a `null` in the wrong place kills the
//! God daemon and restarts every app of the user (measured; PM2 `modules/pm2-axon-rpc/lib/server.js`
//! applies the arguments without a guard), so such a call has no value here.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::amp::Frame;
use super::json;
use super::process::PmId;
use super::text::clean_to;
use super::value::{self, Value};

mod methods;

pub use methods::Methods;
pub(super) use methods::check_count;

/// The most characters of a message of PM2's that are kept.
pub const MESSAGE_CHARS_MAX: usize = 1000;
/// The methods whose parameters PM2 2 and later do not tell, since they are bound functions; each
/// takes one argument and the callback (`lib/Daemon.js`).
const BOUND: [&str; 4] = ["killMe", "notifyKillPM2", "profileCPU", "profileMEM"];

/// A call to the God daemon whose arguments have the shape that the method takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Answers `{msg: "pong"}`.
    Ping,
    /// Answers PM2's version as text.
    GetVersion,
    /// Answers every process; blocks the daemon's thread for about 0.15 ms a process (measured).
    GetMonitorData,
    /// Starts a stopped process.
    StartProcessId(PmId),
    /// Stops a process; answers after at most its kill timeout.
    StopProcessId(PmId),
    /// Restarts a process with the environment that it has: `{id}` alone is sent.
    RestartProcessId(PmId),
    /// Reloads a cluster process without downtime; the daemon restarts a fork process instead.
    ReloadProcessId(PmId),
    /// Stops a process and forgets it.
    DeleteProcessId(PmId),
    /// Ends file watching before a stop or delete, as the pm2 CLI does.
    StopWatch {
        /// What is about to happen.
        before: WatchedAction,
        /// The process.
        id: PmId,
    },
    /// Tells the other clients what was done; answers `[]`.
    NotifyByProcessId {
        /// The process.
        id: PmId,
        /// The word that the bus then carries as `event`.
        action_name: ActionName,
    },
    /// Stops all watching of files, as the pm2 CLI does before it kills the daemon.
    StopWatchAll {
        /// The client's own process id, as the pm2 CLI sends it.
        pid: u32,
    },
    /// Ends the daemon, which answers nothing, sends SIGQUIT to `pid` and leaves fork apps running
    /// (docs/pm2.md section 6): all processes are deleted first.
    KillMe {
        /// A process that lives and takes a SIGQUIT; `None` where the daemon needs none (2.10 and
        /// later).
        pid: Option<u32>,
    },
}

/// The call that [`Call::StopWatch`] precedes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchedAction {
    /// `stopProcessId`.
    Stop,
    /// `deleteProcessId`.
    Delete,
}

/// The word in a `process:event` that the pm2 CLI publishes after an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionName {
    /// `restart`.
    Restart,
    /// `stop`.
    Stop,
    /// `start`.
    Start,
    /// `reload`.
    Reload,
}

impl ActionName {
    /// PM2's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Reload => "reload",
        }
    }
}

impl Call {
    /// PM2's name of the method.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::GetVersion => "getVersion",
            Self::GetMonitorData => "getMonitorData",
            Self::StartProcessId(_) => "startProcessId",
            Self::StopProcessId(_) => "stopProcessId",
            Self::RestartProcessId(_) => "restartProcessId",
            Self::ReloadProcessId(_) => "reloadProcessId",
            Self::DeleteProcessId(_) => "deleteProcessId",
            Self::StopWatch { .. } | Self::StopWatchAll { .. } => "stopWatch",
            Self::NotifyByProcessId { .. } => "notifyByProcessId",
            Self::KillMe { .. } => "killMe",
        }
    }

    /// The arguments; `params` are the daemon's own names for them, which tell old daemons
    /// (`reloadProcessId(id)` up to 0.12.16) from new ones (`reloadProcessId(opts)` from 1.1.3).
    fn args(&self, params: &[Box<str>]) -> Vec<Json> {
        match self {
            Self::Ping | Self::GetVersion | Self::GetMonitorData | Self::KillMe { pid: None } => {
                vec![json!({})]
            }
            Self::StopWatchAll { pid } => vec![json!("deleteAll"), json!({ "pid": pid })],
            Self::KillMe { pid: Some(pid) } => vec![json!({ "pid": pid })],
            Self::StartProcessId(id) | Self::StopProcessId(id) | Self::DeleteProcessId(id) => {
                vec![json!(id.0)]
            }
            Self::ReloadProcessId(id) if params.first().is_some_and(|p| &**p == "id") => {
                vec![json!(id.0)]
            }
            Self::RestartProcessId(id) | Self::ReloadProcessId(id) => vec![json!({ "id": id.0 })],
            Self::StopWatch { before, id } => {
                let method = match before {
                    WatchedAction::Stop => "stopProcessId",
                    WatchedAction::Delete => "deleteProcessId",
                };
                vec![json!(method), json!(id.0)]
            }
            Self::NotifyByProcessId { id, action_name } => {
                vec![json!({ "id": id.0, "action_name": action_name.as_str(), "manually": true })]
            }
        }
    }
}

/// A call that fits this daemon: it has the method, and the argument count is its own.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedCall {
    method: Cow<'static, str>,
    args: Vec<Json>,
}

impl CheckedCall {
    /// A call by name whose arguments `shape` has checked.
    pub(in crate::protocol) fn of(method: &str, args: Vec<Json>) -> Self {
        Self { method: Cow::Owned(method.to_owned()), args }
    }

    /// PM2's name of the method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The arguments as they will be sent, without the callback.
    #[must_use]
    pub fn args(&self) -> &[Json] {
        &self.args
    }
}

/// Why a call was refused before a byte was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallRefused {
    /// The daemon does not list the method.
    #[error("this PM2 has no method {method}")]
    UnknownMethod {
        /// PM2's name of it.
        method: Box<str>,
    },
    /// The daemon's method takes another number of arguments: sending it would kill the daemon.
    #[error("{method} takes {wanted} argument{} on this PM2, not {found}: not sent", if *.wanted == 1 { "" } else { "s" })]
    ArgumentCount {
        /// PM2's name of the method.
        method: Box<str>,
        /// What the daemon's own parameter list says, less the callback.
        wanted: usize,
        /// What the call has.
        found: usize,
    },
    /// An argument has not the shape that the method takes: sending it could kill the daemon.
    #[error("{method} takes {takes}: not sent")]
    Shape {
        /// PM2's name of the method.
        method: Box<str>,
        /// What it takes, for a person.
        takes: Box<str>,
    },
    /// The method harms the daemon whatever its arguments are.
    #[error("{method} is never called by name: {reason}")]
    Harmful {
        /// PM2's name of the method.
        method: Box<str>,
        /// What it would do, and what to use instead.
        reason: Box<str>,
    },
}

/// Names a call so that its reply is found: `PID:N`, as pm2-axon does (`lib/sockets/req.js`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The id of this client's `number`th call.
    #[must_use]
    pub fn new(pid: u32, number: u64) -> Self {
        Self(format!("{pid}:{number}").into())
    }

    /// The id as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The frame of a call.
#[must_use]
pub fn request_frame(call: &CheckedCall, id: &RequestId) -> Frame {
    envelope(&json!({ "type": "call", "method": call.method(), "args": call.args() }), id)
}

/// The frame that asks a daemon for its methods; it takes no arguments and is safe on all.
#[must_use]
pub fn methods_frame(id: &RequestId) -> Frame {
    envelope(&json!({ "type": "methods" }), id)
}

fn envelope(body: &Json, id: &RequestId) -> Frame {
    // Two arguments always fit.
    Frame::new(vec![value::json(body), value::text(id.as_str())]).unwrap_or_default()
}

/// A reply as it came: its id and its JSON, not parsed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    id: RequestId,
    body: Bytes,
}

/// Why a frame is no reply, or a reply not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The frame does not have a JSON argument and an id.
    #[error("a frame that is not a reply")]
    NotAReply,
    /// The JSON is broken or of another shape.
    #[error("the reply to {what} could not be read: {reason}")]
    Json {
        /// What was asked.
        what: &'static str,
        /// What serde says.
        reason: String,
    },
}

impl Reply {
    /// Reads a reply frame: `j:{..}` and the id as it was sent.
    ///
    /// # Errors
    /// [`ReplyError::NotAReply`] for any other frame.
    pub fn parse(frame: &Frame) -> Result<Self, ReplyError> {
        let [body, id] = frame.args() else {
            return Err(ReplyError::NotAReply);
        };
        let Value::Json(_) = Value::parse(body) else {
            return Err(ReplyError::NotAReply);
        };
        let id = match Value::parse(id) {
            Value::Text(id) => id.into(),
            // A JSON id comes back as JSON (measured: `j:7`); ours are always text.
            Value::Json(id) => String::from_utf8_lossy(id).into(),
            Value::Raw(_) => return Err(ReplyError::NotAReply),
        };
        Ok(Self { id: RequestId(id), body: body.slice(2..) })
    }

    /// The id of the call that this answers.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// The JSON text of the whole envelope.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Reads the envelope in all its measured shapes.
    ///
    /// # Errors
    /// When the JSON is broken.
    pub fn outcome(&self) -> Result<Outcome, ReplyError> {
        let value = json::read(&self.body, |text| json::from_slice::<Json>(text));
        value
            .map(Outcome::from_envelope)
            .map_err(|error| ReplyError::Json { what: "a call", reason: error.to_string() })
    }
}

/// What the daemon answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It worked: the values after the callback's error, often one.
    Success(Vec<Json>),
    /// It did not: PM2's message, and its stack where there is one.
    Failure {
        /// PM2's message, one cleaned line of at most [`MESSAGE_CHARS_MAX`] characters; JSON text
        /// where it was no text.
        message: String,
        /// The JavaScript stack, from thrown errors, raw as it came.
        stack: Option<String>,
    },
}

impl Outcome {
    fn from_envelope(envelope: Json) -> Self {
        let Json::Object(mut map) = envelope else {
            return Self::failure(&format!("a reply of unknown shape: {envelope}"), None);
        };
        if let Some(error) = map.remove("error") {
            let stack = map.get("stack").and_then(Json::as_str).map(str::to_owned);
            return Self::failure(&plain(error), stack);
        }
        match map.remove("args") {
            Some(Json::Array(args)) => Self::from_args(args),
            // Releases up to 1.1.3 answer `{}` when a text was thrown (axon-rpc before 0.3.7).
            None if map.is_empty() => {
                Self::failure("PM2 reported an error without saying which", None)
            }
            Some(other) => Self::failure(&format!("a reply of unknown shape: {other}"), None),
            None => {
                Self::failure(&format!("a reply of unknown shape: {}", Json::Object(map)), None)
            }
        }
    }

    /// An application's failure can stand inside a success:
    /// `{args: [{error: true, message: ".."}]}` (`stopProcessId` without a pid, measured).
    fn from_args(args: Vec<Json>) -> Self {
        let failed = args.first().filter(|first| first.get("error") == Some(&Json::Bool(true)));
        let message = failed.and_then(|first| first.get("message")).cloned();
        match (failed, message) {
            (Some(_), Some(message)) => Self::failure(&plain(message), None),
            (Some(first), None) => Self::failure(&first.to_string(), None),
            (None, _) => Self::Success(args),
        }
    }

    fn failure(message: &str, stack: Option<String>) -> Self {
        Self::Failure { message: clean_to(message, MESSAGE_CHARS_MAX), stack }
    }
}

fn plain(value: Json) -> String {
    match value {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
