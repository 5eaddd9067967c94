//! Starting, restarting and reloading: watched until it can be judged.

use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::Acting;
use super::judge::{Evidence, due, launched};
use super::steps::Caller;
use super::witness::Witness;
use crate::daemon::clock::now_ms;
use crate::model::looping::looks_looping;
use crate::model::{Action, Target, Verdict};
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// How long the bus may take to be connected before an action goes without it.
const BUS_MAX: Duration = Duration::from_millis(500);
/// How often a process that is still `launching` is looked at.
const LAUNCHING_EVERY: Duration = Duration::from_millis(100);

/// When the calls of a launch were made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Launch {
    /// When the first was sent.
    pub(crate) sent: Instant,
    /// When the last was answered.
    pub(crate) answered: Instant,
    /// The process's `listen_timeout`.
    pub(crate) listen: Duration,
    /// How long it is watched after it came up.
    pub(crate) window: Duration,
    /// Whether it was in a crash loop before.
    pub(crate) was_looping: bool,
}

impl Acting {
    /// Begins to listen, before anything is sent.
    pub(crate) async fn witness(&self) -> Witness {
        let ear = self.ears.listen();
        let is_connected = self.ears.connected(BUS_MAX).await;
        Witness::new(ear, is_connected)
    }

    /// When the calls for a process were made, with its own times; `info` is from before them.
    pub(crate) fn launch_of(&self, info: &ProcessInfo, sent: Instant, answered: Instant) -> Launch {
        let listen = info.listen_timeout_ms.map(Duration::from_millis);
        let listen = listen.unwrap_or(self.timings.listen_timeout);
        let now_ms = now_ms();
        let window = self.settle.window(Some(info), now_ms);
        Launch { sent, answered, listen, window, was_looping: looks_looping(info, now_ms) }
    }

    /// Starts, restarts or reloads a process, and watches it come up.
    pub(super) async fn launch(
        &self,
        action: Action,
        target: &Target,
        info: &ProcessInfo,
        (permit, is_steady): (SemaphorePermit<'_>, bool),
    ) -> Verdict {
        let mut witness = self.witness().await;
        if info.status == ProcessStatus::WaitingRestart {
            witness.expect_stop(target.pm_id);
        }
        let caller = Caller::new(&self.session, &self.timings, info);
        let sent = Instant::now();
        if let Err(stop) = witness.listen_during(caller.run(action)).await {
            return stop.verdict(target.pm_id);
        }
        let launch = self.launch_of(info, sent, Instant::now());
        witness.listen_during(caller.announce(action)).await;
        // The instances of a reload wait for each other.
        let held = Some(permit).filter(|_| is_steady || action == Action::Reload);
        let pending = [(target.clone(), launch)];
        let verdict = self.settle(&pending, &mut witness).await.pop();
        drop(held);
        verdict.unwrap_or(Verdict::Gone)
    }

    /// Watches processes until all can be judged, and gives their verdicts in this order.
    pub(crate) async fn settle(
        &self,
        pending: &[(Target, Launch)],
        witness: &mut Witness,
    ) -> Vec<Verdict> {
        let all = |verdict: Verdict| vec![verdict; pending.len()];
        let mut before = Vec::new();
        let is_unheard = |(target, launch): &(Target, Launch)| {
            !launch.window.is_zero() && witness.of(target.pm_id).online_at.is_none()
        };
        if witness.is_deaf() || pending.iter().any(is_unheard) {
            // What is not heard has to be counted from here.
            match witness.listen_during(self.look()).await {
                Ok(processes) => before = processes,
                Err(verdict) => return all(verdict),
            }
        }
        loop {
            listen_until_due(pending, witness).await;
            let processes = match witness.listen_during(self.look()).await {
                Ok(processes) => processes,
                Err(verdict) => return all(verdict),
            };
            let looked = Instant::now();
            let find = |target: &Target| processes.iter().find(|info| target.is(info));
            let is_launching = |(target, launch): &(Target, Launch)| {
                let patience = launch.answered + launch.listen + launch.window;
                find(target).is_some_and(|info| info.status == ProcessStatus::Launching)
                    && looked < patience
                    && !launch.window.is_zero()
            };
            if pending.iter().any(is_launching) {
                witness.listen_until(looked + LAUNCHING_EVERY).await;
                continue;
            }
            let judged = pending.iter().map(|(target, launch)| {
                let before = before.iter().find(|info| target.is(info));
                let verdict = launched(&Evidence {
                    target,
                    record: &witness.of(target.pm_id),
                    before,
                    sent: launch.sent,
                    answered: launch.answered,
                    listen: launch.listen,
                    was_looping: launch.was_looping,
                    now: find(target),
                    looked,
                });
                match verdict {
                    // It was not watched: nobody knows whether it is up.
                    Verdict::Up { .. } if launch.window.is_zero() => Verdict::Done,
                    verdict => verdict,
                }
            });
            return judged.collect();
        }
    }
}

/// Listens until all can be judged: what is heard meanwhile may shorten or lengthen a window.
async fn listen_until_due(pending: &[(Target, Launch)], witness: &mut Witness) {
    loop {
        let due = pending
            .iter()
            .map(|(target, launch)| due(&witness.of(target.pm_id), launch.answered, launch.window));
        match due.max() {
            Some(at) if at > Instant::now() => {
                witness.listen_until(at.min(Instant::now() + LAUNCHING_EVERY)).await;
            }
            _ => return,
        }
    }
}
