//! Tasks of the screen: each runs on its own, and is reported to its end.
//!
//! Invariant: each target of [`Task::Each`] is reported exactly once, and each task ends in exactly one
//! [`Report::TaskEnded`], also when it is dropped under way.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::act::Acting;
use super::inbox::Inbox;
use super::rpc::session::{Link, ready};
use super::{DaemonHandle, Watch};
use crate::model::errand::{Errand, Outcome, Task, TaskId};
use crate::model::report::Report;
use crate::model::{DaemonId, Target, Verdict};

impl DaemonHandle {
    /// Does a task. Never waits: what comes of it is in [`Report::Did`], its end one
    /// [`Report::TaskEnded`].
    pub fn perform(&self, id: TaskId, task: Task) {
        let finish = TaskFinish::new(self.inbox.clone(), self.id, id, &task);
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return finish.refuse(&task, "too many actions are under way, not sent");
        };
        let running = self.lock();
        let Some(running) = running.as_ref() else {
            return finish.refuse(&task, "suspended, nothing was sent");
        };
        let (watch, link) = (Arc::clone(&running.watch), running.link.clone());
        let halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        running.watch.tasks.spawn_on(
            async move {
                let generation = watch.generation.clone();
                let performing = perform(&watch, link, (task, halted), finish);
                // A suspension drops the task; `finish` then says so.
                generation.run_until_cancelled(performing).await;
                drop(permit);
            },
            &self.runtime,
        );
    }
}

/// Does the task, reports each outcome and asks for polls.
async fn perform(
    watch: &Watch,
    link: watch::Receiver<Link>,
    (task, halted): (Task, CancellationToken),
    mut finish: TaskFinish,
) {
    let session = match ready(link, watch.timings.handshake).await {
        Ok(session) => session,
        Err(why) => return finish.refuse(&task, &why),
    };
    let is_of_files = matches!(task, Task::FlushConsole | Task::Each { errand: Errand::Flush, .. });
    let (ears, timings) = (watch.ears.clone(), watch.timings);
    let acting = Acting { session, ears, timings, settle: watch.options.settle, halted };
    let mut tell = |mut outcome: Outcome| {
        if let Some(kept) = outcome.kept.take() {
            watch.inbox.report(watch.id, Report::Kept(kept));
        }
        finish.report(outcome);
        watch.requests.are_files_other.fetch_or(is_of_files, Ordering::Relaxed);
        watch.requests.change.notify_one();
    };
    acting.task(task, &mut tell).await;
}

/// Sees to it that a task is reported to its end.
#[derive(Debug)]
struct TaskFinish {
    inbox: Inbox,
    daemon: DaemonId,
    id: TaskId,
    /// What is done to each of those that have no outcome yet.
    left: Option<(Errand, Vec<Target>)>,
}

impl TaskFinish {
    fn new(inbox: Inbox, daemon: DaemonId, id: TaskId, task: &Task) -> Self {
        let left = match task {
            Task::Each { errand, targets } => Some((errand.clone(), targets.clone())),
            _ => None,
        };
        Self { inbox, daemon, id, left }
    }

    fn report(&mut self, outcome: Outcome) {
        if let Some((_, left)) = &mut self.left {
            left.retain(|left| outcome.target.as_ref() != Some(left));
        }
        self.send(outcome);
    }

    fn refuse(mut self, task: &Task, why: &str) {
        let verdict = || Verdict::Refused(why.into());
        match self.left.take() {
            Some((errand, targets)) => {
                for target in &targets {
                    self.send(Outcome::of(&errand, target, verdict()));
                }
            }
            None => self.send(Outcome::about(task.deed(), "PM2", verdict())),
        }
    }

    fn send(&self, outcome: Outcome) {
        let report = Report::Did { task: self.id, outcome: Box::new(outcome) };
        self.inbox.report(self.daemon, report);
    }
}

impl Drop for TaskFinish {
    fn drop(&mut self) {
        if let Some((errand, targets)) = self.left.take() {
            for target in &targets {
                let verdict = Verdict::Unknown { waited_ms: 0, is_closed: true };
                self.send(Outcome::of(&errand, target, verdict));
            }
        }
        self.inbox.report(self.daemon, Report::TaskEnded(self.id));
    }
}
