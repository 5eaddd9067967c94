//! What the pm2 CLI does for an action, call by call (docs/pm2.md section 3).
//!
//! Invariant: every call passes [`Methods::check`](crate::protocol::rpc::Methods::check); a timeout is
//! an unknown outcome, never a failure.

use std::time::Duration;

use tokio::time::Instant;

use crate::daemon::Timings;
use crate::daemon::rpc::connection::CallError;
use crate::daemon::rpc::session::Session;
use crate::model::{Action, Verdict};
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};
use crate::protocol::rpc::{ActionName, Call, Outcome, WatchedAction};
use crate::protocol::text;

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

/// Why the steps of an action did not all go through.
#[derive(Debug)]
pub(super) enum Stop {
    /// The daemon's words, raw.
    Refused(String),
    /// The action ends so.
    With(Verdict),
}

impl Stop {
    /// What it means for a process.
    pub(super) fn verdict(self, id: PmId) -> Verdict {
        match self {
            Self::With(verdict) => verdict,
            Self::Refused(message) => refusal(&message, id),
        }
    }
}

/// Makes the calls of an action on one process.
pub(super) struct Caller<'a> {
    session: &'a Session,
    timings: &'a Timings,
    /// The process as it is just before.
    info: &'a ProcessInfo,
    /// Whether PM2 says `online` of it though it could not spawn it: only a restart tries again.
    is_ghost: bool,
}

impl<'a> Caller<'a> {
    pub(super) fn new(session: &'a Session, timings: &'a Timings, info: &'a ProcessInfo) -> Self {
        Self { session, timings, info, is_ghost: info.never_started() }
    }

    /// Makes the calls.
    pub(super) async fn run(&self, action: Action) -> Result<(), Stop> {
        self.steps(action).await
    }

    /// Tells the other clients what was done, as the pm2 CLI does. A courtesy: what was done is
    /// done, whatever becomes of it.
    pub(super) async fn announce(&self, action: Action) {
        if let Some(action_name) = announced(action, self.is_ghost) {
            let id = self.info.pm_id;
            let _ = self.call(&Call::NotifyByProcessId { id, action_name }).await;
        }
    }

    async fn steps(&self, action: Action) -> Result<(), Stop> {
        let id = self.info.pm_id;
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
        let id = self.info.pm_id;
        if self.info.status == ProcessStatus::WaitingRestart {
            without_pid_is_done(self.call(&Call::StopProcessId(id)).await)?;
            return self.call(call).await;
        }
        match self.call(call).await {
            Err(Stop::Refused(message))
                if message.starts_with("Process with pid ")
                    && self.info.status != ProcessStatus::Stopping =>
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
        let id = self.info.pm_id;
        let _ = self.call(&Call::StopWatch { before, id }).await;
    }

    /// Checks, sends and waits as long as this call may take.
    async fn call(&self, call: &Call) -> Result<(), Stop> {
        let checked = self
            .session
            .methods
            .check(call)
            .map_err(|refused| Stop::Refused(refused.to_string()))?;
        let sent = Instant::now();
        let reply =
            self.session.connection.call(&checked, self.timeout(call)).await.map_err(|error| {
                Stop::With(match error {
                    CallError::Closed => {
                        let waited_ms = sent.elapsed().as_millis() as u64;
                        Verdict::Unknown { waited_ms, is_closed: true }
                    }
                    CallError::TimedOut { waited_ms } => Verdict::timed_out(waited_ms),
                    CallError::Busy => {
                        Verdict::Refused("too many calls are under way, not sent".into())
                    }
                })
            })?;
        match reply.outcome() {
            Ok(Outcome::Success(_)) => Ok(()),
            Ok(Outcome::Failure { message, .. }) => Err(Stop::Refused(message)),
            Err(error) => Err(Stop::Refused(error.to_string())),
        }
    }

    /// How long PM2 waits for the process to say that it is ready or to listen.
    fn listen(&self) -> Duration {
        self.info.listen_timeout_ms.map_or(self.timings.listen_timeout, Duration::from_millis)
    }

    /// How long the daemon itself may take for a call, and a margin.
    fn timeout(&self, call: &Call) -> Duration {
        let kill =
            self.info.kill_timeout_ms.map_or(self.timings.kill_timeout, Duration::from_millis);
        let listen = self.listen();
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

/// The daemon's words, cleaned, or a clearer sentence where PM2's are none.
fn refusal(message: &str, id: PmId) -> Verdict {
    // "0 id unknown", "0 : id unknown", "God db process id unknown", "PM2 ID unknown".
    if message.to_ascii_lowercase().contains("id unknown") {
        return Verdict::Gone;
    }
    if message.starts_with("Process with pid ") {
        let said = text::clean(message);
        let why = format!("PM2 is starting or stopping process {id} just now, try again ({said})");
        return Verdict::Refused(why.into());
    }
    Verdict::Refused(text::clean(message).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_id_means_that_the_process_is_gone() {
        for message in
            ["7 id unknown", "7 : id unknown", "God db process id unknown", "PM2 ID unknown"]
        {
            assert_eq!(refusal(message, PmId(7)), Verdict::Gone);
        }
        let online = refusal("process already online", PmId(7));
        assert_eq!(online, Verdict::Refused("process already online".into()));
        let Verdict::Refused(busy) = refusal("Process with pid 5 already exists", PmId(7)) else {
            panic!()
        };
        assert!(busy.contains("try again") && busy.contains("pid 5"), "{busy}");
    }
}
