//! Calls of any method by its name, as the user typed them.
//!
//! Invariant: what was checked when it was typed is checked again against the daemon that is
//! connected now: it may be another one. Exactly one outcome is reported for each call.

use std::time::Duration;

use tokio::sync::watch;

use super::chosen::Chosen;
use super::failure::CallFailure;
use crate::daemon::Watch;
use crate::daemon::inbox::Inbox;
use crate::daemon::rpc::connection::CallError;
use crate::daemon::rpc::session::{Link, Session, ready};
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
        Ok(session) => make(&session, call, watch.timings.named).await,
        Err(why) => CallOutcome::Failed(why),
    };
    finish.report(outcome);
    watch.requests.change.notify_one();
}

async fn make(session: &Session, call: NamedCall, base: Duration) -> CallOutcome {
    let NamedCall { method, args, targets, was_asked } = call;
    // Where nobody was chosen and nothing asked, it reaches whoever there is: so does a message to an app.
    if !targets.is_empty() || was_asked {
        let chosen = Chosen::before(&method, &args, targets);
        if let Err(failure) = session.expect_chosen(&method, &chosen, base).await {
            return failed(&failure);
        }
    }
    match session.call_by_name(&method, args, base).await {
        // On a screen, over somebody's shoulder: no secrets.
        Ok(value) => CallOutcome::Answered(one_line(&without_environment(value).to_string())),
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &CallFailure) -> CallOutcome {
    match failure {
        CallFailure::NoReply { error: CallError::Closed, .. } => CallOutcome::Disconnected,
        CallFailure::NoReply { error: CallError::TimedOut { waited_ms }, .. } => {
            CallOutcome::TimedOut { waited_ms: *waited_ms }
        }
        CallFailure::NoReply { error: CallError::Busy, .. } => CallOutcome::Busy,
        CallFailure::Others { label, verdict, .. } => {
            CallOutcome::Failed(format!("{label}: {}", verdict.about()).into())
        }
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
