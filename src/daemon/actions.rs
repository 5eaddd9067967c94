//! Actions of the screen: each runs on its own, and is reported to its end.
//!
//! Invariant: each target is reported exactly once, also when the action is dropped under way.

use std::sync::{Arc, PoisonError};

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::act::{Acting, Turns};
use super::inbox::Inbox;
use super::rpc::session::{Link, ready};
use super::{DaemonHandle, Watch};
use crate::model::report::Report;
use crate::model::{Action, DaemonId, Target, Verdict};

impl DaemonHandle {
    /// Does something to processes. Never waits: the outcome of each is one
    /// [`Report::ActionFinished`].
    pub fn act(&self, action: Action, targets: Vec<Target>) {
        let finish = Finish { inbox: self.inbox.clone(), daemon: self.id, action, left: targets };
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return finish.refuse("too many actions are under way, not sent");
        };
        let running = self.lock();
        let Some(running) = running.as_ref() else {
            return finish.refuse("suspended, nothing was sent");
        };
        let (watch, link) = (Arc::clone(&running.watch), running.link.clone());
        let halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        running.watch.tasks.spawn_on(
            async move {
                let generation = watch.generation.clone();
                let acting = act(&watch, link, finish, halted);
                // A suspension drops the action; `finish` then says so.
                generation.run_until_cancelled(acting).await;
                drop(permit);
            },
            &self.runtime,
        );
    }

    /// Leaves undone what was asked for and has not begun: its outcome is
    /// [`Verdict::NotBegun`]. What is asked for later is not meant.
    pub fn halt(&self) {
        let mut halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *halted).cancel();
    }
}

/// Acts, reports each verdict and asks for polls.
async fn act(
    watch: &Watch,
    link: watch::Receiver<Link>,
    mut finish: Finish,
    halted: CancellationToken,
) {
    let session = match ready(link, watch.timings.handshake).await {
        Ok(session) => session,
        Err(why) => return finish.refuse(&why),
    };
    let (ears, timings) = (watch.ears.clone(), watch.timings);
    let settle = watch.options.settle;
    let acting = Acting { session, ears, timings, settle, halted: halted.clone() };
    let (inbox, id, action) = (watch.inbox.clone(), watch.id, finish.action);
    let begun = move |target: &Target| {
        inbox.report(id, Report::ActionBegun { action, target: target.clone() });
    };
    let turns = Turns { begun: Some(Box::new(begun)), halted, is_steady: true };
    // Before its watching ends, which is part of how it was (docs/pm2-ops.md section 5).
    let mut kept = match action {
        Action::Delete => acting.keep(&finish.left).await,
        _ => Vec::new(),
    };
    let mut verdicts = acting.all(action, finish.left.clone(), turns);
    while let Some((target, verdict)) = verdicts.next().await {
        let place = kept.iter().position(|kept| kept.target == target);
        if let Some(place) = place.filter(|_| verdict == Verdict::Done) {
            let kept = Box::new(kept.swap_remove(place));
            watch.inbox.report(watch.id, Report::Kept(kept));
        }
        finish.report(&target, verdict);
        watch.requests.change.notify_one();
    }
}

/// Sees to it that an action is reported exactly once for each target, also when its task is dropped.
#[derive(Debug)]
struct Finish {
    inbox: Inbox,
    daemon: DaemonId,
    action: Action,
    /// Those without a verdict yet.
    left: Vec<Target>,
}

impl Finish {
    fn report(&mut self, target: &Target, verdict: Verdict) {
        self.left.retain(|left| left != target);
        self.send(target.clone(), verdict);
    }

    fn refuse(mut self, why: &str) {
        for target in std::mem::take(&mut self.left) {
            self.send(target, Verdict::Refused(why.into()));
        }
    }

    fn send(&self, target: Target, verdict: Verdict) {
        let action = self.action;
        self.inbox.report(self.daemon, Report::ActionFinished { action, target, verdict });
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        for target in std::mem::take(&mut self.left) {
            self.send(target, Verdict::Unknown { waited_ms: 0, is_closed: true });
        }
    }
}
