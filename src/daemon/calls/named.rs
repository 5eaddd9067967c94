//! Calls of any method by its name, with what they need besides their shape.
//!
//! Invariant: a call that is unsafe in the daemon's current state (PM2 would signal itself, or open
//! its log files twice at once) is not sent. Each call gets the time that the daemon itself may
//! need for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::Mutex;
use tokio::time::Instant;

pub(crate) use super::ask::Listing;
pub(crate) use super::failure::{CallFailure, no_such_process};
use super::guard::{self, HomeLock};
use super::{message, opened};
use crate::daemon::clock::{now_ms, whole_ms};
use crate::daemon::limits;
use crate::daemon::rpc::session::Session;
use crate::protocol::process::ExecMode;
use crate::protocol::rpc::CheckedCall;
use crate::protocol::text::clean;

/// How long the log files may take to be open, after `reloadLogs` and after the start of a worker.
const LOGS_REOPEN: Duration = Duration::from_secs(2);

/// Held while a daemon opens its log files again, whichever it is; a lock on its folder keeps other
/// programs from it.
static RELOADING_LOGS: Mutex<()> = Mutex::const_new(());

impl Session {
    /// Checks a call, makes it, and gives the first value of its reply; null where it has none.
    /// `base` is how long it may take over what the daemon itself may.
    pub(crate) async fn call_by_name(
        &self,
        method: &str,
        args: Vec<Json>,
        base: Duration,
    ) -> Result<Json, CallFailure> {
        let result = match self.methods.check_named(method, args) {
            Ok(call) => self.send_named(&call, base).await,
            Err(refused) => Err(refused.into()),
        };
        if let Err(failure @ (CallFailure::Refused(_) | CallFailure::Unsafe(_))) = &result {
            tracing::warn!(method = &*clean(method), why = failure.sentence(), "refused");
        }
        result
    }

    /// Makes a call that fits, with what it needs besides its shape.
    pub(crate) async fn send_named(
        &self,
        call: &CheckedCall,
        base: Duration,
    ) -> Result<Json, CallFailure> {
        match call.method() {
            "msgProcess" => message::send(self, call, base).await,
            "reloadLogs" => self.reload_logs(call, base).await,
            _ => {
                guard::check(self, call, base).await?;
                self.exchange(call, self.time_for(call, base).await?).await
            }
        }
    }

    /// How long a call may take: `base`, and what the daemon itself may take.
    pub(crate) async fn time_for(
        &self,
        call: &CheckedCall,
        base: Duration,
    ) -> Result<Duration, CallFailure> {
        let slowest = if limits::hangs_on_processes(call) {
            self.slowest(base).await?
        } else {
            Duration::ZERO
        };
        Ok(base + limits::of_daemon(call, slowest))
    }

    /// The longest that a process may take to stop and start again.
    async fn slowest(&self, timeout: Duration) -> Result<Duration, CallFailure> {
        if self.slow_ms.load(Ordering::Relaxed) == 0 {
            self.ask_processes(timeout).await?;
        }
        Ok(Duration::from_millis(self.slow_ms.load(Ordering::Relaxed)))
    }

    /// One at a time, with a pause: God answers before the logs are open again, and a second call
    /// meanwhile takes down the daemon of 5.4.3 and cluster apps of 7.0.4 (measured in
    /// `tests/client`: their log streams are for a moment just the paths of their files).
    async fn reload_logs(&self, call: &CheckedCall, base: Duration) -> Result<Json, CallFailure> {
        let deadline = Instant::now() + base;
        let waiting = tokio::time::timeout_at(deadline, RELOADING_LOGS.lock()).await;
        let _alone = waiting.map_err(|_| CallFailure::Locked {
            what: "another pm2-tui is reopening the logs".to_owned(),
            waited_ms: whole_ms(base),
        })?;
        let _alone_here = HomeLock::take(&self.home, deadline).await?;
        // So does the first call to a worker that has just started and still opens its logs.
        let listing = self.listing(base).await?;
        let workers = listing.infos.iter().filter(|info| info.exec_mode == ExecMode::Cluster);
        let last = workers.filter_map(|info| info.online_since_ms).max();
        let age_ms = last.map_or(i64::MAX, |last| now_ms().saturating_sub(last));
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or(0));
        tokio::time::sleep(LOGS_REOPEN.saturating_sub(age)).await;
        // Where it can be seen, that is better than any time.
        if self.god.is_some() {
            opened::opened(&listing.infos).await;
        }
        let reply = self.exchange(call, base).await;
        tokio::time::sleep(LOGS_REOPEN).await;
        reply
    }
}
