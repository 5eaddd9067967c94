//! What the pm2 CLI does for an action, call by call (PM2.md section 3).
//!
//! Invariant: every call passes [`Methods::check`](crate::protocol::rpc::Methods::check); exactly
//! one outcome is reported; a timeout is an unknown outcome, never a failure.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::daemon::rpc::connection::CallError;
use crate::daemon::rpc::session::{Link, Session};
use crate::daemon::{Finish, Timings, Watch};
use crate::model::{Action, ActionOutcome};
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};
use crate::protocol::rpc::{ActionName, Call, Outcome, WatchedAction};
use crate::protocol::text;

/// The process to act on, as the user saw it.
#[derive(Debug, Clone)]
pub(in crate::daemon) struct Target {
    pub(in crate::daemon) pm_id: PmId,
    status: ProcessStatus,
    kill_timeout: Option<Duration>,
    listen_timeout: Option<Duration>,
}

impl Target {
    pub(in crate::daemon) fn of(info: &ProcessInfo) -> Self {
        Self {
            pm_id: info.pm_id,
            status: info.status.clone(),
            kill_timeout: info.kill_timeout_ms.map(Duration::from_millis),
            listen_timeout: info.listen_timeout_ms.map(Duration::from_millis),
        }
    }
}

/// Acts, reports the outcome, tells the other clients and asks for a poll.
pub(in crate::daemon) async fn run(
    watch: &Watch,
    link: watch::Receiver<Link>,
    action: Action,
    target: &Target,
    finish: Finish,
) {
    let session = match session(link, watch.timings.handshake).await {
        Ok(session) => session,
        Err(Unready(why)) => return finish.report(ActionOutcome::Failed(why)),
    };
    let caller = Caller {
        session: &session,
        timings: &watch.timings,
        target,
        is_ghost: target.status == ProcessStatus::Online && session.is_ghost(target.pm_id),
    };
    let outcome = caller.act(action).await;
    let is_done = outcome == ActionOutcome::Done;
    finish.report(outcome);
    if is_done && let Some(action_name) = announced(action, caller.is_ghost) {
        let id = target.pm_id;
        // A courtesy: what was done is done, whatever becomes of it.
        let _ = caller.call(&Call::NotifyByProcessId { id, action_name }).await;
    }
    watch.wishes.change.notify_one();
}

/// Acts in a session that is there, tells the other clients, and gives the outcome. A call may take
/// `margin` over what the daemon itself may take for it.
pub(crate) async fn perform(
    session: &Session,
    action: Action,
    info: &ProcessInfo,
    margin: Duration,
) -> ActionOutcome {
    let timings = Timings { act_margin: margin, read: margin, ..Timings::default() };
    let target = Target::of(info);
    let is_ghost = info.status == ProcessStatus::Online && info.pid.is_none();
    let caller = Caller { session, timings: &timings, target: &target, is_ghost };
    let outcome = caller.act(action).await;
    if outcome == ActionOutcome::Done
        && let Some(action_name) = announced(action, is_ghost)
    {
        // A courtesy: what was done is done, whatever becomes of it.
        let _ = caller.call(&Call::NotifyByProcessId { id: info.pm_id, action_name }).await;
    }
    outcome
}

/// There is no session; the sentence says why.
pub(in crate::daemon) struct Unready(pub(in crate::daemon) Box<str>);

/// The session to act in; waits for one that is just being opened.
pub(in crate::daemon) async fn session(
    mut link: watch::Receiver<Link>,
    timeout: Duration,
) -> Result<Arc<Session>, Unready> {
    let settled = link.wait_for(|link| !matches!(link, Link::Connecting));
    let settled = tokio::time::timeout(timeout, settled).await;
    match settled.as_ref().map(|link| link.as_deref()) {
        Ok(Ok(Link::Up(session))) => Ok(Arc::clone(session)),
        Ok(Ok(Link::Down(why))) => {
            Err(Unready(format!("not connected, nothing was sent: {why}").into()))
        }
        Ok(Ok(Link::Connecting) | Err(_)) | Err(_) => {
            Err(Unready("not connected, nothing was sent".into()))
        }
    }
}

/// The word that the other clients are told: the pm2 CLI's own after stop, restart and reload. A
/// deleted process has no id to tell by, and a start is told by its `online` event.
fn announced(action: Action, is_ghost: bool) -> Option<ActionName> {
    match action {
        Action::Restart => Some(ActionName::Restart),
        Action::Stop => Some(ActionName::Stop),
        Action::Reload => Some(ActionName::Reload),
        Action::Start if is_ghost => Some(ActionName::Restart),
        Action::Start | Action::Delete => None,
    }
}

/// What an unsuccessful call means for its action.
enum Stop {
    /// The daemon's words, raw.
    Refused(String),
    /// The action ends so.
    With(ActionOutcome),
}

struct Caller<'a> {
    session: &'a Session,
    timings: &'a Timings,
    target: &'a Target,
    /// Whether PM2 says `online` of it though it could not spawn it: only a restart tries again.
    is_ghost: bool,
}

impl Caller<'_> {
    async fn act(&self, action: Action) -> ActionOutcome {
        match self.steps(action).await {
            Ok(()) => ActionOutcome::Done,
            Err(Stop::With(outcome)) => outcome,
            Err(Stop::Refused(message)) => {
                ActionOutcome::Failed(failure(&message, self.target.pm_id))
            }
        }
    }

    async fn steps(&self, action: Action) -> Result<(), Stop> {
        let id = self.target.pm_id;
        match action {
            Action::Stop => {
                self.end_watching(WatchedAction::Stop).await;
                without_pid_is_done(self.call(&Call::StopProcessId(id)).await)
            }
            Action::Delete => {
                self.end_watching(WatchedAction::Delete).await;
                without_pid_is_done(self.call(&Call::DeleteProcessId(id)).await)
            }
            Action::Restart => self.launch(&Call::RestartProcessId(id)).await,
            Action::Reload => self.launch(&Call::ReloadProcessId(id)).await,
            Action::Start if self.is_ghost => self.launch(&Call::RestartProcessId(id)).await,
            Action::Start => self.launch(&Call::StartProcessId(id)).await,
        }
    }

    /// Starts, restarts or reloads. PM2 refuses while it waits to restart the process by itself
    /// ("Process with pid N already exists"): such a process is stopped first. It may have come to
    /// wait since the user saw it, so the refusal is taken as a sign of it once.
    async fn launch(&self, call: &Call) -> Result<(), Stop> {
        let id = self.target.pm_id;
        if self.target.status == ProcessStatus::WaitingRestart {
            without_pid_is_done(self.call(&Call::StopProcessId(id)).await)?;
            return self.call(call).await;
        }
        match self.call(call).await {
            Err(Stop::Refused(message))
                if message.starts_with("Process with pid ")
                    && self.target.status != ProcessStatus::Stopping =>
            {
                without_pid_is_done(self.call(&Call::StopProcessId(id)).await)?;
                self.call(call).await
            }
            result => result,
        }
    }

    /// Ends file watching, so that the end of the process does not start it again. Not every
    /// release has the method, and a process that is not watched is no failure.
    async fn end_watching(&self, before: WatchedAction) {
        let id = self.target.pm_id;
        let _ = self.call(&Call::StopWatch { before, id }).await;
    }

    /// Checks, sends and waits as long as this call may take.
    async fn call(&self, call: &Call) -> Result<(), Stop> {
        let checked = self
            .session
            .methods
            .check(call)
            .map_err(|refused| Stop::Refused(refused.to_string()))?;
        let reply =
            self.session.connection.call(&checked, self.timeout(call)).await.map_err(|error| {
                Stop::With(match error {
                    CallError::Closed => ActionOutcome::Disconnected,
                    CallError::TimedOut { waited_ms } => ActionOutcome::TimedOut { waited_ms },
                    CallError::Busy => ActionOutcome::Busy,
                })
            })?;
        match reply.outcome() {
            Ok(Outcome::Success(_)) => Ok(()),
            Ok(Outcome::Failure { message, .. }) => Err(Stop::Refused(message)),
            Err(error) => Err(Stop::Refused(error.to_string())),
        }
    }

    /// How long the daemon itself may take for a call, and a margin.
    fn timeout(&self, call: &Call) -> Duration {
        let kill = self.target.kill_timeout.unwrap_or(self.timings.kill_timeout);
        let listen = self.target.listen_timeout.unwrap_or(self.timings.listen_timeout);
        let margin = self.timings.act_margin;
        match call {
            Call::StopProcessId(_) | Call::DeleteProcessId(_) => kill + margin,
            Call::StartProcessId(_) => listen + margin,
            // With `wait_ready` the answer comes when the new process is ready.
            Call::RestartProcessId(_) => kill + listen + margin,
            Call::ReloadProcessId(_) => (kill + listen + margin).max(self.timings.reload_min),
            Call::Ping
            | Call::GetVersion
            | Call::GetMonitorData
            | Call::StopWatch { .. }
            | Call::NotifyByProcessId { .. }
            | Call::StopWatchAll { .. }
            | Call::KillMe { .. } => self.timings.read,
        }
    }
}

/// Without a pid there is nothing to kill: PM2 calls that an error, but sets the process to
/// `stopped` all the same, and forgets it when asked to (`lib/God/ActionMethods.js`).
fn without_pid_is_done(result: Result<(), Stop>) -> Result<(), Stop> {
    match result {
        Err(Stop::Refused(message)) if message == "could not kill process w/o pid" => Ok(()),
        result => result,
    }
}

/// The daemon's words, cleaned, or a clearer sentence for a process that is not there any more.
fn failure(message: &str, id: PmId) -> Box<str> {
    // "0 id unknown", "0 : id unknown", "God db process id unknown", "PM2 ID unknown".
    if message.to_ascii_lowercase().contains("id unknown") {
        return format!("process {id} is gone").into();
    }
    if message.starts_with("Process with pid ") {
        let said = text::clean(message);
        return format!("PM2 is starting or stopping it itself just now, try again ({said})")
            .into();
    }
    text::clean(message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_id_is_a_clear_sentence() {
        for message in
            ["7 id unknown", "7 : id unknown", "God db process id unknown", "PM2 ID unknown"]
        {
            assert_eq!(&*failure(message, PmId(7)), "process 7 is gone");
        }
        assert_eq!(&*failure("process already online", PmId(7)), "process already online");
        let busy = failure("Process with pid 5 already exists", PmId(7));
        assert!(busy.contains("try again") && busy.contains("pid 5"), "{busy}");
    }
}
