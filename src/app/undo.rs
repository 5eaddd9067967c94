//! Taking back the last delete or stop.
//!
//! Invariant: what was deleted is kept in memory for ten minutes at most, and nowhere else; only what
//! was done here and came about can be undone, the newest first.

use std::collections::VecDeque;

use super::effect::Effects;
use super::marks::Marked;
use super::mode::Mode;
use super::several;
use super::state::App;
use super::what::What;
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
        let (stopped, kept) = (Vec::new(), Vec::new());
        let asked = targets.to_vec();
        self.done.push_back(Done { at_ms: now_ms, action, asked, stopped, kept });
        self.forget(now_ms);
    }

    /// What is too old goes, and what is too much.
    pub(super) fn forget(&mut self, now_ms: i64) {
        let is_old = |done: &Done| now_ms.saturating_sub(done.at_ms) >= KEPT_MS;
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
            if action == Action::Stop && *verdict == Verdict::Done {
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

    /// A process is gone: nobody can start it.
    pub(super) fn gone(&mut self, daemon: DaemonId, target: &Target) {
        for done in &mut self.done {
            done.stopped.retain(|it| !(it.0 == daemon && it.1.pm_id == target.pm_id));
        }
        self.done.retain(|done| !done.is_empty());
    }
}

/// Asks whether the last delete or stop is to be undone.
pub(super) fn ask(app: &mut App) -> Effects {
    let now_ms = app.now.steady_ms;
    app.undo.forget(now_ms);
    let newest = app.undo.done.iter().rev().find(|done| done.can_be_undone());
    let Some(Done { stopped, kept, at_ms, .. }) = newest else {
        app.notify("nothing to undo: a delete or stop can be undone here for 10 minutes", false);
        return Effects::none();
    };
    if kept.is_empty() {
        return match &stopped[..] {
            [(daemon, target)] => {
                let (daemon, target) = (*daemon, target.clone());
                app.open(Mode::Confirm { action: Action::Start, daemon, target });
                Effects::none()
            }
            all => {
                let marked = Marked { targets: all.to_vec(), hidden: 0 };
                several::ask(app, What::Act(Action::Start), marked)
            }
        };
    }
    let mut kept = kept.clone();
    kept.sort_by_key(|(daemon, kept)| (*daemon, kept.target.pm_id));
    let what = What::Restore { kept, ago_ms: now_ms.saturating_sub(*at_ms) };
    several::ask(app, what, Marked::default())
}

/// These are being started again: that is not undone twice.
pub(super) fn restored(app: &mut App, kept: &[(DaemonId, Kept)]) {
    for done in &mut app.undo.done {
        done.kept.retain(|it| !kept.contains(it));
    }
    app.undo.done.retain(|done| !done.is_empty());
}
