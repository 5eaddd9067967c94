//! Taking back the last delete or stop.
//!
//! Invariant: what was deleted is kept in memory for ten minutes at most, and nowhere else; only what
//! was done here and succeeded can be undone, the newest first.

use std::collections::VecDeque;

use crate::model::kept::Kept;
use crate::model::{Action, DaemonId, Target, Verdict};

/// For how long a delete or stop can be undone, milliseconds.
const KEPT_MS: i64 = 10 * 60 * 1_000;
/// How many of them, at most.
const DONE_MAX: usize = 32;
/// How many deleted processes are kept, at most.
const KEPT_MAX: usize = 4_096;

/// What can be undone.
#[derive(Debug, Default)]
pub struct Undo {
    /// The newest last.
    done: VecDeque<Done>,
    /// What was stopped last of what nobody can start any more: it is gone.
    lost: Option<Lost>,
}

/// Processes that were stopped here together, and are gone.
#[derive(Debug)]
struct Lost {
    /// When the stop was asked for, by the steady clock.
    at_ms: i64,
    stopped: Vec<(DaemonId, Target)>,
}

/// A delete or stop of one or several processes.
#[derive(Debug)]
struct Done {
    /// When it was asked for, by the steady clock.
    at_ms: i64,
    action: Action,
    /// Those of whom nothing is known yet.
    asked: Vec<(DaemonId, Target)>,
    /// Those that were stopped.
    stopped: Vec<(DaemonId, Target)>,
    /// Those that were deleted, as they were.
    kept: Vec<(DaemonId, Kept)>,
}

impl Done {
    fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.stopped.is_empty() && self.kept.is_empty()
    }

    fn can_be_undone(&self) -> bool {
        !self.stopped.is_empty() || !self.kept.is_empty()
    }
}

impl Undo {
    /// An action was asked for.
    pub(super) fn asked(&mut self, action: Action, targets: &[(DaemonId, Target)], now_ms: i64) {
        if action != Action::Delete && action != Action::Stop {
            // What runs again is stopped no more.
            for done in &mut self.done {
                done.stopped.retain(|stopped| !targets.contains(stopped));
            }
            self.done.retain(|done| !done.is_empty());
            return;
        }
        if targets.is_empty() {
            return;
        }
        let (stopped, kept) = (Vec::new(), Vec::new());
        let asked = targets.to_vec();
        self.done.push_back(Done { at_ms: now_ms, action, asked, stopped, kept });
        self.forget(now_ms);
    }

    /// What is too old goes, and what is too much.
    pub(super) fn forget(&mut self, now_ms: i64) {
        let is_old = |done: &Done| now_ms.saturating_sub(done.at_ms) >= KEPT_MS;
        self.lost.take_if(|lost| now_ms.saturating_sub(lost.at_ms) >= KEPT_MS);
        while self.done.front().is_some_and(is_old)
            || self.done.len() > DONE_MAX
            || self.done.iter().map(|done| done.kept.len()).sum::<usize>() > KEPT_MAX
        {
            self.done.pop_front();
        }
    }

    /// What it was asked for is known of a process.
    pub(super) fn finished(
        &mut self,
        daemon: DaemonId,
        target: &Target,
        (action, verdict): (Action, &Verdict),
    ) {
        for done in self.done.iter_mut().filter(|done| done.action == action) {
            let is_it = |it: &(DaemonId, Target)| it.0 == daemon && it.1 == *target;
            let Some(place) = done.asked.iter().position(is_it) else { continue };
            let it = done.asked.swap_remove(place);
            let is_stopped = matches!(verdict, Verdict::Done | Verdict::Killed { .. });
            if action == Action::Stop && is_stopped {
                done.stopped.push(it);
            }
        }
        self.done.retain(|done| !done.is_empty());
    }

    /// A process was deleted that was this one.
    pub(super) fn keep(&mut self, daemon: DaemonId, kept: Kept) {
        let is_it = |it: &(DaemonId, Target)| it.0 == daemon && it.1 == kept.target;
        let mut newest = self.done.iter_mut().rev();
        let done = newest.find(|it| it.action == Action::Delete && it.asked.iter().any(is_it));
        if let Some(done) = done {
            done.kept.push((daemon, kept));
        }
    }

    /// A process was to be started again, and that had not begun when the rest was left undone: it can be
    /// undone still, as if it had been deleted now.
    pub(super) fn put_back(&mut self, daemon: DaemonId, kept: Kept, now_ms: i64) {
        let is_same = |done: &&mut Done| done.at_ms == now_ms && done.action == Action::Delete;
        if let Some(done) = self.done.back_mut().filter(is_same) {
            done.kept.push((daemon, kept));
            return;
        }
        let (asked, stopped, kept) = (Vec::new(), Vec::new(), vec![(daemon, kept)]);
        self.done.push_back(Done { at_ms: now_ms, action: Action::Delete, asked, stopped, kept });
        self.forget(now_ms);
    }

    /// A process is gone: nobody can start it.
    pub(super) fn gone(&mut self, daemon: DaemonId, target: &Target) {
        self.lose(|it| it.0 == daemon && it.1.pm_id == target.pm_id);
    }

    /// Another daemon answers: none of what was stopped is in it. What was deleted can be started there.
    pub(super) fn daemon_ended(&mut self, daemon: DaemonId) {
        self.lose(|it| it.0 == daemon);
    }

    fn lose(&mut self, is_lost: impl Fn(&(DaemonId, Target)) -> bool) {
        for done in &mut self.done {
            let stopped = std::mem::take(&mut done.stopped);
            let (lost, left): (Vec<_>, Vec<_>) = stopped.into_iter().partition(|it| is_lost(it));
            done.stopped = left;
            match &mut self.lost {
                _ if lost.is_empty() => {}
                Some(known) if known.at_ms == done.at_ms => known.stopped.extend(lost),
                Some(known) if known.at_ms > done.at_ms => {}
                known => *known = Some(Lost { at_ms: done.at_ms, stopped: lost }),
            }
        }
        self.done.retain(|done| !done.is_empty());
    }

    /// What was stopped last of what is gone.
    pub(super) fn lost(&self) -> &[(DaemonId, Target)] {
        self.lost.as_ref().map_or(&[], |lost| &lost.stopped)
    }

    /// The newest that can be undone: what was stopped, or what was deleted, and how long ago.
    pub(super) fn newest(&self, now_ms: i64) -> Option<Newest<'_>> {
        let done = self.done.iter().rev().find(|done| done.can_be_undone())?;
        Some(Newest {
            stopped: &done.stopped,
            kept: &done.kept,
            ago_ms: now_ms.saturating_sub(done.at_ms),
            left_ms: KEPT_MS.saturating_sub(now_ms.saturating_sub(done.at_ms)),
        })
    }

    /// Whether the newest that can be undone has this process.
    pub(super) fn is_next(&self, daemon: DaemonId, target: &Target) -> bool {
        self.done.iter().rev().find(|done| done.can_be_undone()).is_some_and(|done| {
            done.stopped.iter().any(|it| it.0 == daemon && it.1 == *target)
                || done.kept.iter().any(|it| it.0 == daemon && it.1.target == *target)
        })
    }

    /// What is still under way, if that is the newest: who undoes means it, and nothing older.
    pub(super) fn under_way(&self) -> Option<(Action, &[(DaemonId, Target)])> {
        let newest = self.done.back()?;
        (!newest.asked.is_empty()).then_some((newest.action, newest.asked.as_slice()))
    }

    /// These are being started again: that is not undone twice.
    pub(super) fn restored(&mut self, kept: &[(DaemonId, Kept)]) {
        for done in &mut self.done {
            done.kept.retain(|it| !kept.contains(it));
        }
        self.done.retain(|done| !done.is_empty());
    }
}

/// What is undone next.
pub(super) struct Newest<'a> {
    pub(super) stopped: &'a [(DaemonId, Target)],
    pub(super) kept: &'a [(DaemonId, Kept)],
    /// How long ago it was done, milliseconds.
    pub(super) ago_ms: i64,
    /// How long it can be undone still, milliseconds.
    pub(super) left_ms: i64,
}
