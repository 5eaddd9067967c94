//! A call of any method by its name, as the user asked for it, and how it ended.

use serde_json::Value as Json;

use super::Target;

/// A method and its arguments. The daemon's own list decides whether it is ever sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedCall {
    /// PM2's name of the method.
    pub method: Box<str>,
    /// The arguments, without the callback.
    pub args: Vec<Json>,
    /// The processes that it is meant for, as they were when the user chose them: each is compared
    /// just before the call is sent.
    pub targets: Vec<Target>,
    /// Whether a question came between: then it reaches nobody who was not there when it was asked.
    pub was_asked: bool,
}

impl NamedCall {
    /// A call that is meant for no process in particular.
    #[must_use]
    pub fn new(method: &str, args: Vec<Json>) -> Self {
        Self { method: method.into(), args, targets: Vec::new(), was_asked: false }
    }
}

/// How a [`NamedCall`] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// The reply as one cleaned line of JSON, cut after
    /// [`TEXT_BYTES_MAX`](super::log::TEXT_BYTES_MAX).
    Answered(Box<str>),
    /// The daemon, or the check before sending, says no: its words, cleaned.
    Failed(Box<str>),
    /// No answer within the time that a call may take: the outcome is unknown.
    TimedOut {
        /// How long was waited, milliseconds.
        waited_ms: u64,
    },
    /// The connection went away before an answer: the outcome is unknown.
    Disconnected,
    /// Too many calls are under way; nothing was sent.
    Busy,
}

impl CallOutcome {
    /// What came of the call, in one line.
    #[must_use]
    pub fn words(&self, method: &str) -> String {
        match self {
            Self::Answered(json) => format!("{method}: {json}"),
            Self::Failed(reason) => format!("{method} failed: {reason}"),
            Self::TimedOut { waited_ms } => {
                let waited = *waited_ms as f64 / 1000.0;
                format!("{method}: no answer in {waited:.1} s, it may have happened")
            }
            Self::Disconnected => {
                format!("{method}: the connection closed, it may have happened")
            }
            Self::Busy => format!("{method}: too many calls under way, not sent"),
        }
    }
}
