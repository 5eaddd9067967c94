//! Several processes being acted on: whose turn has come, and what came of each.
//!
//! Invariant: each process is a member once and gets exactly one verdict; the batch ends with the last.

use super::ended::{Ended, Part};
use super::what::What;
use crate::model::watched::Watched;
use crate::model::{Action, DaemonId, Target, Verdict};

/// An action on several processes that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    action: Action,
    members: Vec<Member>,
    is_halted: bool,
}

/// A process of a batch.
#[derive(Debug, Clone, PartialEq)]
struct Member {
    daemon: DaemonId,
    target: Target,
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// Its turn has not come.
    Waiting,
    Begun,
    /// With what was done to it.
    Ended(Action, Verdict),
}

/// How many of a batch are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of whom it is known what came of it.
    pub ended: usize,
    /// Whose turn it is.
    pub begun: usize,
    /// Whose turn has not come.
    pub waiting: usize,
}

impl Batch {
    /// None of these has begun.
    pub(super) fn new(action: Action, targets: Vec<(DaemonId, Target)>) -> Self {
        let member = |(daemon, target)| Member { daemon, target, stage: Stage::Waiting };
        Self { action, members: targets.into_iter().map(member).collect(), is_halted: false }
    }

    /// What is being done.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Whether what has not begun is to be left undone.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        self.is_halted
    }

    /// How many are where.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for member in &self.members {
            match member.stage {
                Stage::Waiting => counts.waiting += 1,
                Stage::Begun => counts.begun += 1,
                Stage::Ended(..) => counts.ended += 1,
            }
        }
        counts
    }

    fn member(&mut self, daemon: DaemonId, target: &Target) -> Option<&mut Member> {
        let is_it = |member: &&mut Member| {
            member.daemon == daemon
                && member.target == *target
                && !matches!(member.stage, Stage::Ended(..))
        };
        self.members.iter_mut().find(is_it)
    }

    /// It is a process's turn; whether it is one of these.
    pub(super) fn begin(&mut self, daemon: DaemonId, target: &Target) -> bool {
        let Some(member) = self.member(daemon, target) else { return false };
        member.stage = Stage::Begun;
        true
    }

    /// It is known what came of one; whether it is one of these.
    pub(super) fn end(
        &mut self,
        daemon: DaemonId,
        target: &Target,
        (action, done, verdict): (Action, Action, &Verdict),
    ) -> bool {
        if action != self.action {
            return false;
        }
        let Some(member) = self.member(daemon, target) else { return false };
        member.stage = Stage::Ended(done, verdict.clone());
        true
    }

    /// What has not begun is to be left undone; false where nothing is left, or it is so already.
    pub(super) fn halt(&mut self) -> bool {
        let is_new = !self.is_halted && self.counts().waiting > 0;
        self.is_halted |= is_new;
        is_new
    }

    /// What came of it, once that is known of all.
    pub(super) fn ended<'a>(&'a self, watched: &Watched) -> Option<Ended> {
        let mut verdicts: Vec<(&Member, Action, &Verdict)> = Vec::with_capacity(self.members.len());
        for member in &self.members {
            match &member.stage {
                Stage::Ended(done, verdict) => verdicts.push((member, *done, verdict)),
                Stage::Waiting | Stage::Begun => return None,
            }
        }
        let line = |(member, done, verdict): &(&Member, Action, &Verdict)| {
            let label = placed(watched, member.daemon, &member.target);
            (verdict.is_success(), verdict.sentence(*done, &label))
        };
        let part = |(member, done, verdict): &(&'a Member, Action, &'a Verdict)| Part {
            daemon: member.daemon,
            target: &member.target,
            deed: (*done).into(),
            verdict,
        };
        let parts: Vec<Part<'_>> = verdicts.iter().map(part).collect();
        let good = verdicts.iter().filter(|(.., verdict)| verdict.is_success());
        let good: Vec<_> = good.map(|(it, ..)| (it.daemon, it.target.clone())).collect();
        let commands = What::Act(self.action).commands(watched, &good);
        let lines = verdicts.iter().map(line).collect();
        let ended = Ended::new(self.action.verb().to_owned(), lines, commands);
        Some(ended.grouped(watched, &parts))
    }
}

/// A process in a line, with its daemon before it where several are watched.
fn placed(watched: &Watched, daemon: DaemonId, target: &Target) -> String {
    match watched.daemon(daemon) {
        Some(daemon) if watched.daemons.len() > 1 => {
            format!("{}:{}", daemon.label, target.label())
        }
        _ => target.label(),
    }
}
