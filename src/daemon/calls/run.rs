//! Calls of any method by its name, as the user typed them.
//!
//! Invariant: what was checked when it was typed is checked again against the daemon that is
//! connected now: it may be another one. Exactly one outcome is reported for each call.

use tokio::sync::watch;

use super::named::CallFailure;
use crate::daemon::Watch;
use crate::daemon::inbox::Inbox;
use crate::daemon::rpc::connection::CallError;
use crate::daemon::rpc::session::{Link, ready};
use crate::model::DaemonId;
use crate::model::call::{CallOutcome, NamedCall};
use crate::model::log::one_line;
use crate::model::report::Report;
use crate::protocol::redact::without_environment;

/// Makes the call, reports how it ended and asks for a poll.
pub(in crate::daemon) async fn run(
    watch: &Watch,
    link: watch::Receiver<Link>,
    call: NamedCall,
    finish: CallFinish,
) {
    let outcome = match ready(link, watch.timings.handshake).await {
        Ok(session) => {
            let calling = session.call_by_name(&call.method, call.args, watch.timings.named);
            match calling.await {
                // On a screen, over somebody's shoulder: no secrets.
                Ok(value) => {
                    CallOutcome::Answered(one_line(&without_environment(value).to_string()).text)
                }
                Err(failure) => failed(&failure),
            }
        }
        Err(why) => CallOutcome::Failed(why),
    };
    finish.report(outcome);
    watch.wishes.change.notify_one();
}

fn failed(failure: &CallFailure) -> CallOutcome {
    match failure {
        CallFailure::NoReply { error: CallError::Closed, .. } => CallOutcome::Disconnected,
        CallFailure::NoReply { error: CallError::TimedOut { waited_ms }, .. } => {
            CallOutcome::TimedOut { waited_ms: *waited_ms }
        }
        CallFailure::NoReply { error: CallError::Busy, .. } => CallOutcome::Busy,
        failure => CallOutcome::Failed(failure.sentence().into()),
    }
}

/// Sees to it that a call is reported exactly once, also when its task is dropped.
#[derive(Debug)]
pub(in crate::daemon) struct CallFinish {
    inbox: Inbox,
    daemon: DaemonId,
    /// `None` once it is reported.
    method: Option<Box<str>>,
}

impl CallFinish {
    pub(in crate::daemon) fn new(inbox: Inbox, daemon: DaemonId, method: Box<str>) -> Self {
        Self { inbox, daemon, method: Some(method) }
    }

    pub(in crate::daemon) fn report(mut self, outcome: CallOutcome) {
        self.send(outcome);
    }

    fn send(&mut self, outcome: CallOutcome) {
        if let Some(method) = self.method.take() {
            self.inbox.report(self.daemon, Report::CallFinished { method, outcome });
        }
    }
}

impl Drop for CallFinish {
    fn drop(&mut self) {
        self.send(CallOutcome::Disconnected);
    }
}
