//! Why a call by name has no reply, and the words for it: those of the screen, of the commands and of
//! the library.

use std::time::Duration;

use crate::daemon::rpc::connection::CallError;
use crate::model::Verdict;
use crate::protocol::rpc::CallRefused;
use crate::protocol::text::clean;

/// Why a call by name has no reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CallFailure {
    /// The call does not fit the method; nothing was sent.
    Refused(CallRefused),
    /// No reply came.
    NoReply { method: Box<str>, error: CallError },
    /// The daemon refused: its words, cleaned.
    Said { message: String, stack: Option<String> },
    /// The reply could not be read.
    BadReply { method: Box<str>, reason: String },
    /// There is no such process (its name, cleaned); nothing was sent.
    NoSuchProcess(String),
    /// Somebody else held the lock for the whole time limit; nothing was sent.
    Locked { what: String, waited_ms: u64 },
    /// None of the target processes declares the action (which ones are declared, cleaned); nothing
    /// was sent.
    NoSuchAction(String),
    /// The call would reach other processes than those that were chosen: which one, and what became of
    /// it. Nothing was sent.
    Others { method: Box<str>, label: String, verdict: Verdict },
    /// The call is unsafe in the daemon's current state; why. Nothing was sent.
    Unsafe(String),
}

impl CallFailure {
    /// Why, in one cleaned sentence.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Refused(refused) => clean(&refused.to_string()).into_owned(),
            Self::NoReply { error: CallError::Closed, .. } => words::CLOSED.to_owned(),
            Self::NoReply { method, error: CallError::TimedOut { waited_ms } } => {
                words::timed_out(method, Duration::from_millis(*waited_ms))
            }
            Self::NoReply { method, error: CallError::Busy } => words::busy(method),
            Self::Said { message, .. } => clean(message).into_owned(),
            Self::BadReply { method, reason } => words::bad_reply(method, reason),
            Self::NoSuchProcess(target) => words::no_such_process(target),
            Self::Locked { what, waited_ms } => {
                let waited = *waited_ms as f64 / 1000.0;
                format!("{}, for {waited:.1} s: not sent", clean(what))
            }
            Self::NoSuchAction(why) => words::no_such_action(why),
            Self::Others { method, label, verdict } => words::others(method, label, verdict),
            Self::Unsafe(why) => clean(why).into_owned(),
        }
    }
}

impl From<CallRefused> for CallFailure {
    fn from(refused: CallRefused) -> Self {
        Self::Refused(refused)
    }
}

/// No process is called so; its name is cleaned.
pub(crate) fn no_such_process(target: &str) -> CallFailure {
    CallFailure::NoSuchProcess(clean(target).into())
}

/// The reply could not be read, and why.
pub(super) fn bad_reply(method: &str, reason: &str) -> CallFailure {
    CallFailure::BadReply { method: method.into(), reason: reason.to_owned() }
}

/// What is said of each, in one cleaned sentence.
pub(crate) mod words {
    use std::time::Duration;

    use crate::model::Verdict;
    use crate::model::deed::Deed;
    use crate::protocol::text::clean;

    /// The connection ended before the answer.
    pub(crate) const CLOSED: &str =
        "the daemon closed the connection: the outcome of the call is unknown";

    /// The answer did not come in time.
    pub(crate) fn timed_out(method: &str, waited: Duration) -> String {
        let seconds = (waited.as_secs_f64() * 10.0).round() / 10.0;
        format!("no answer to {method} within {seconds} s: the outcome is unknown")
    }

    /// Too many calls are under way.
    pub(crate) fn busy(method: &str) -> String {
        format!("too many calls are under way: {method} was not sent")
    }

    /// The reply could not be read.
    pub(crate) fn bad_reply(method: &str, reason: &str) -> String {
        format!("the reply to {method} could not be read: {}", clean(reason))
    }

    /// No process is called so.
    pub(crate) fn no_such_process(target: &str) -> String {
        format!("no process {}", clean(target))
    }

    /// No process that was meant declares the action.
    pub(crate) fn no_such_action(reason: &str) -> String {
        format!("{reason}; not sent")
    }

    /// The call would reach others than were chosen.
    pub(crate) fn others(method: &str, label: &str, verdict: &Verdict) -> String {
        clean(&verdict.sentence(Deed::call(method), label)).into_owned()
    }
}
