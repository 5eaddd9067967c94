//! Ending a daemon from the screen: never with processes left, since it leaves fork apps running
//! without one (docs/pm2.md section 5).

use futures_util::StreamExt;
use tokio::time::Instant;

use super::errands::failed;
use super::{Acting, Turns};
use crate::daemon::calls::named::CallFailure;
use crate::daemon::rpc::connection::CallError;
use crate::model::errand::{Outcome, Task};
use crate::model::{Action, Target, Verdict};
use crate::protocol::rpc::Call;

/// How often all processes are deleted: one may have been started meanwhile.
const ROUNDS_MAX: u32 = 3;

impl Acting {
    /// Deletes every process, modules too, and tells of each; then ends the daemon.
    pub(super) async fn kill(&self, tell: &mut impl FnMut(Outcome)) -> Outcome {
        let whole = |verdict| Outcome::about(Task::Kill.deed(), "PM2", verdict);
        // Up to 2.9 God signals a pid that it is given: the screen must not be that.
        if self.session.methods.params("killMe").is_none_or(|params| !params.is_empty()) {
            let why = "this release of PM2 is ended with `pm2-tui kill`, not from the screen";
            return whole(Verdict::Refused(why.into()));
        }
        match self.delete_all(tell).await {
            Ok(0) => whole(self.end().await),
            Ok(left) => {
                let why = format!("{left} processes remain, it would leave them without a daemon");
                whole(Verdict::Refused(why.into()))
            }
            Err(verdict) => whole(verdict),
        }
    }

    /// Deletes every process; how many are left.
    async fn delete_all(&self, tell: &mut impl FnMut(Outcome)) -> Result<usize, Verdict> {
        for _ in 0..ROUNDS_MAX {
            let targets: Vec<Target> = self.look().await?.iter().map(Target::of).collect();
            if targets.is_empty() {
                break;
            }
            let mut verdicts = self.clone().all(Action::Delete, targets, Turns::default());
            while let Some((target, verdict)) = verdicts.next().await {
                tell(Outcome::of(Action::Delete, &target, verdict));
            }
        }
        Ok(self.look().await?.len())
    }

    /// Tells the daemon to end. It never answers: the end of the connection is the answer.
    async fn end(&self) -> Verdict {
        let started = Instant::now();
        let session = &self.session;
        let own = std::process::id();
        if let Ok(call) = session.methods.check(&Call::StopWatchAll { pid: own })
            && let Err(failure) = session.exchange(&call, self.timings.read).await
        {
            return failed(failure, started);
        }
        let call = match session.methods.check(&Call::KillMe { pid: None }) {
            Ok(call) => call,
            Err(refused) => return failed(refused.into(), started),
        };
        match session.exchange(&call, self.timings.read).await {
            Ok(_) | Err(CallFailure::NoReply { error: CallError::Closed, .. }) => Verdict::Done,
            Err(failure) => failed(failure, started),
        }
    }
}
