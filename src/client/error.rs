//! Why a call failed, and what became of each app when several were started.

use std::time::Duration;

use serde_json::Value as Json;

use crate::daemon::calls::failure::{CallFailure, words};
use crate::daemon::rpc::connection::CallError;
use crate::ecosystem::EcosystemError;
use crate::model::daemon::Problem;
use crate::model::{Action, Verdict};
use crate::protocol::rpc::CallRefused;
use crate::protocol::text::clean;

/// What became of one process of [`Client::start_apps`](super::Client::start_apps).
///
/// ```
/// use pm2_tui::client::Launched;
///
/// fn say(one: &Launched) -> String {
///     match &one.result {
///         Ok(_) => format!("{} {}", one.action.participle(), one.name),
///         Err(error) => format!("cannot {} {}: {error}", one.action.verb(), one.name),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Launched {
    /// [`Action::Start`] for a new process, [`Action::Restart`] for one that had the app's name.
    pub action: Action,
    /// The app's name, as it was written.
    pub name: String,
    /// The process's id; none if no process was created.
    pub pm_id: Option<u64>,
    /// The verdict, if the action got that far.
    pub verdict: Option<Verdict>,
    /// The process as PM2 lists it now, or why not.
    pub result: Result<Json, ClientError>,
}

/// Why a call, or a connect, did not succeed. Every text is one clean line.
///
/// ```no_run
/// # async fn example(client: pm2_tui::Client) {
/// use pm2_tui::client::ClientError;
///
/// match client.restart_process_id(7).await {
///     Ok(_) => println!("restarted"),
///     Err(ClientError::Daemon { message, .. }) => println!("PM2 said no: {message}"),
///     Err(ClientError::Timeout { .. } | ClientError::Closed) => println!("outcome unknown"),
///     Err(error) => println!("not sent: {error}"),
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No daemon answers there.
    #[error("{}", .0.sentence())]
    NotRunning(Problem),
    /// The daemon belongs to somebody else.
    #[error("{}", .0.sentence())]
    Permission(Problem),
    /// No answer in time: the outcome of the call is unknown. The next call gets a new connection.
    #[error("{}", words::timed_out(.method, *.waited))]
    Timeout {
        /// The method.
        method: String,
        /// How long the client waited.
        waited: Duration,
    },
    /// The connection closed before the answer: the outcome of the call is unknown.
    #[error("{}", words::CLOSED)]
    Closed,
    /// The daemon refused.
    #[error("{message}")]
    Daemon {
        /// Its words, cleaned.
        message: String,
        /// The JavaScript stack where something was thrown, raw as it came.
        stack: Option<String>,
    },
    /// Neither the daemon nor this client has such a method.
    #[error("no method {method}: pm2-tui methods lists them")]
    UnknownMethod {
        /// The name.
        method: String,
        /// The names that can be called, sorted.
        known: Vec<String>,
    },
    /// The call would not fit the method; nothing was sent.
    #[error(transparent)]
    Refused(#[from] CallRefused),
    /// The call changes something and the client is read-only; nothing was sent.
    #[error("{method} changes something, and this is read-only: not sent")]
    ReadOnly {
        /// The method.
        method: String,
    },
    /// The reply could not be read.
    #[error("{}", words::bad_reply(.method, .reason))]
    BadReply {
        /// The method.
        method: String,
        /// What was wrong with it.
        reason: String,
    },
    /// There is no such process; nothing was sent.
    #[error("{}", words::no_such_process(.target))]
    NoSuchProcess {
        /// The id or name, cleaned.
        target: String,
    },
    /// Somebody else held the lock for the whole time limit; nothing was sent.
    #[error("{reason}")]
    Locked {
        /// Who held it, and how long the client waited.
        reason: String,
    },
    /// None of the target processes declares the action; nothing was sent.
    #[error("{}", words::no_such_action(.reason))]
    NoSuchAction {
        /// Which action, and which ones are declared, cleaned.
        reason: String,
    },
    /// The action failed.
    #[error("{}", .verdict.sentence(*.action, .label))]
    NotDone {
        /// What was asked for.
        action: Action,
        /// The process, as in `api[0]`.
        label: String,
        /// The verdict.
        verdict: Verdict,
    },
    /// A call by name would reach other processes than those that were chosen; nothing was sent.
    #[error("{}", words::others(.method, .label, .verdict))]
    Others {
        /// The method.
        method: String,
        /// The process, as in `api[0]`.
        label: String,
        /// What became of it: [`Verdict::Replaced`] or [`Verdict::Gone`].
        verdict: Verdict,
    },
    /// Another daemon answers than the one that processes were chosen of; nothing was sent.
    #[error("another daemon answers than the one that was asked about: nothing was sent")]
    OtherDaemon,
    /// The configuration was not understood; nothing was started.
    #[error(transparent)]
    Config(#[from] EcosystemError),
    /// Some apps were started, some not.
    #[error("{}", partly(.launched))]
    Partly {
        /// What became of each process.
        launched: Vec<Launched>,
    },
    /// The call is unsafe in the daemon's current state; nothing more was sent.
    #[error("{reason}")]
    Unsafe {
        /// What is in the way.
        reason: String,
    },
    /// Too many calls are under way on this client; nothing was sent.
    #[error("{}", words::busy(.method))]
    Busy {
        /// The method.
        method: String,
    },
}

/// What failed, and what was done anyway.
fn partly(launched: &[Launched]) -> String {
    let label = |one: &Launched| {
        let id = one.pm_id.map(|id| format!("[{id}]")).unwrap_or_default();
        clean(&format!("{}{id}", one.name)).into_owned()
    };
    let failed = launched.iter().filter_map(|one| {
        let error = one.result.as_ref().err()?;
        Some(format!("cannot {} {}: {error}", one.action.verb(), label(one)))
    });
    let done = launched.iter().filter(|one| one.result.is_ok());
    let done: Vec<String> =
        done.map(|one| format!("{} {}", one.action.participle(), label(one))).collect();
    let done = if done.is_empty() { "nothing else was done".to_owned() } else { done.join(", ") };
    format!("{}; {done}", failed.collect::<Vec<_>>().join("; "))
}

impl ClientError {
    /// The error for a problem with the sockets.
    pub(super) fn from_problem(problem: Problem) -> Self {
        match problem {
            Problem::PermissionDenied { .. } => Self::Permission(problem),
            Problem::Closed => Self::Closed,
            problem => Self::NotRunning(problem),
        }
    }
}

impl From<CallFailure> for ClientError {
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::Refused(refused) => Self::Refused(refused),
            CallFailure::NoReply { error: CallError::Closed, .. } => Self::Closed,
            CallFailure::NoReply { method, error: CallError::TimedOut { waited_ms } } => {
                Self::Timeout { method: method.into(), waited: Duration::from_millis(waited_ms) }
            }
            CallFailure::NoReply { method, error: CallError::Busy } => {
                Self::Busy { method: method.into() }
            }
            CallFailure::Said { message, stack } => Self::Daemon { message, stack },
            CallFailure::BadReply { method, reason } => {
                Self::BadReply { method: method.into(), reason }
            }
            CallFailure::NoSuchProcess(target) => Self::NoSuchProcess { target },
            failure @ CallFailure::Locked { .. } => Self::Locked { reason: failure.sentence() },
            CallFailure::NoSuchAction(reason) => Self::NoSuchAction { reason },
            CallFailure::Others { method, label, verdict } => {
                Self::Others { method: method.into(), label, verdict }
            }
            CallFailure::Unsafe(reason) => Self::Unsafe { reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_type() {
        let closed = CallFailure::NoReply { method: "m".into(), error: CallError::Closed };
        assert_eq!(ClientError::from(closed), ClientError::Closed);
        let busy = CallFailure::NoReply { method: "m".into(), error: CallError::Busy };
        assert_eq!(ClientError::from(busy), ClientError::Busy { method: "m".into() });
        let late = CallError::TimedOut { waited_ms: 1_500 };
        let late = ClientError::from(CallFailure::NoReply { method: "m".into(), error: late });
        assert!(late.to_string().starts_with("no answer to m within 1.5 s"), "{late}");
        let bad = CallFailure::BadReply { method: "m".into(), reason: "r".into() };
        assert_eq!(ClientError::from(bad).to_string(), "the reply to m could not be read: r");
        let denied = Problem::PermissionDenied { path: "/p".into(), owner: Some("u".into()) };
        assert!(matches!(ClientError::from_problem(denied), ClientError::Permission(_)));
        assert_eq!(ClientError::from_problem(Problem::Closed), ClientError::Closed);
        let down = Problem::SocketMissing { path: "/p".into() };
        assert!(matches!(ClientError::from_problem(down), ClientError::NotRunning(_)));
    }
}
