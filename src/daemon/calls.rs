//! Calls of any method by its name, as the user typed them.
//!
//! Invariant: what was checked when it was typed is checked again against the daemon that is
//! connected now: it may be another one. Exactly one outcome is reported for each call.

use tokio::sync::watch;

use super::Watch;
use super::actions::{Unready, session};
use super::connection::CallError;
use super::inbox::Inbox;
use super::session::Link;
use crate::model::DaemonId;
use crate::model::call::{CallOutcome, NamedCall};
use crate::model::log::one_line;
use crate::model::report::Report;
use crate::protocol::rpc::{Outcome, Reply};
use crate::protocol::text;

/// Makes the call, reports how it ended and asks for a poll.
pub(super) async fn run(
    watch: &Watch,
    link: watch::Receiver<Link>,
    call: NamedCall,
    finish: CallFinish,
) {
    let outcome = match session(link, watch.timings.handshake).await {
        Ok(session) => match session.methods.check_named(&call.method, call.args) {
            Ok(checked) => {
                let reply = session.connection.call(&checked, watch.timings.named).await;
                reply.map_or_else(|error| failed(&error), |reply| answered(&reply))
            }
            Err(refused) => CallOutcome::Failed(text::clean(&refused.to_string()).into()),
        },
        Err(Unready(why)) => CallOutcome::Failed(why),
    };
    finish.report(outcome);
    watch.wishes.change.notify_one();
}

fn failed(error: &CallError) -> CallOutcome {
    match error {
        CallError::Closed => CallOutcome::Disconnected,
        CallError::TimedOut { waited_ms } => CallOutcome::TimedOut { waited_ms: *waited_ms },
        CallError::Busy => CallOutcome::Busy,
    }
}

/// The first value of the reply, as `call` of pm2-interface gives it; all of them where there are
/// several.
fn answered(reply: &Reply) -> CallOutcome {
    match reply.outcome() {
        Ok(Outcome::Success(values)) => {
            let json = match &values[..] {
                [one] => one.to_string(),
                [] => "null".to_owned(),
                several => serde_json::Value::from(several).to_string(),
            };
            CallOutcome::Answered(one_line(&json).text)
        }
        Ok(Outcome::Failure { message, .. }) => CallOutcome::Failed(message.into()),
        Err(error) => CallOutcome::Failed(text::clean(&error.to_string()).into()),
    }
}

/// Sees to it that a call is reported exactly once, also when its task is dropped.
#[derive(Debug)]
pub(super) struct CallFinish {
    inbox: Inbox,
    daemon: DaemonId,
    /// `None` once it is reported.
    method: Option<Box<str>>,
}

impl CallFinish {
    pub(super) fn new(inbox: Inbox, daemon: DaemonId, method: Box<str>) -> Self {
        Self { inbox, daemon, method: Some(method) }
    }

    pub(super) fn report(mut self, outcome: CallOutcome) {
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
