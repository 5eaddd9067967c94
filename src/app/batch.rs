//! Several processes being acted on: whose turn has come, and what came of each.
//!
//! Invariant: each process is a member once and gets exactly one verdict; the batch ends with the last.

use super::geometry::wrap;
use super::state::App;
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
    Ended(Verdict),
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

/// What came of an action on several processes.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The action.
    pub action: Action,
    /// Each process with its verdict: what did not come about first.
    pub verdicts: Vec<(DaemonId, Target, Verdict)>,
}

/// What a line about what came of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It came about.
    Good,
    /// It did not.
    Bad,
    /// The pm2 CLI's command.
    Command,
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
                Stage::Ended(_) => counts.ended += 1,
            }
        }
        counts
    }

    fn member(&mut self, daemon: DaemonId, target: &Target) -> Option<&mut Member> {
        let is_it = |member: &&mut Member| {
            member.daemon == daemon
                && member.target == *target
                && !matches!(member.stage, Stage::Ended(_))
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
        (action, verdict): (Action, &Verdict),
    ) -> bool {
        if action != self.action {
            return false;
        }
        let Some(member) = self.member(daemon, target) else { return false };
        member.stage = Stage::Ended(verdict.clone());
        true
    }

    /// What has not begun is to be left undone; false where nothing is left, or it is so already.
    pub(super) fn halt(&mut self) -> bool {
        let is_new = !self.is_halted && self.counts().waiting > 0;
        self.is_halted |= is_new;
        is_new
    }

    /// What came of it, once that is known of all.
    fn ended(&self) -> Option<Ended> {
        let verdict = |member: &Member| match &member.stage {
            Stage::Ended(verdict) => Some((member.daemon, member.target.clone(), verdict.clone())),
            Stage::Waiting | Stage::Begun => None,
        };
        let mut verdicts: Vec<_> = self.members.iter().map(verdict).collect::<Option<_>>()?;
        verdicts.sort_by_key(|(_, _, verdict)| verdict.is_success());
        Some(Ended { action: self.action, verdicts })
    }
}

impl Ended {
    /// Those that came about.
    pub fn good(&self) -> impl Iterator<Item = &(DaemonId, Target, Verdict)> {
        self.verdicts.iter().filter(|(_, _, verdict)| verdict.is_success())
    }

    /// One line about all: `restarted 3 of 4; api[2] down: exit code 1`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (good, all) = (self.good().count(), self.verdicts.len());
        let done = self.action.participle();
        match self.verdicts.first() {
            Some((_, target, verdict)) if good < all => {
                let more = match all - good - 1 {
                    0 => String::new(),
                    more => format!(", and {more} more"),
                };
                let words = verdict.words(self.action);
                format!("{done} {good} of {all}; {}: {words}{more}", target.label())
            }
            _ => format!("{done} all {all}"),
        }
    }

    /// Its lines in so many columns: each verdict, and the pm2 CLI's commands that do the same.
    #[must_use]
    pub fn lines(&self, watched: &Watched, columns: u16) -> Vec<(Kind, String)> {
        let mut lines = Vec::new();
        let mut say = |kind, text: &str| {
            lines.extend(wrap(text, columns).into_iter().map(|line| (kind, line)));
        };
        for (daemon, target, verdict) in &self.verdicts {
            let label = placed(watched, *daemon, target);
            let kind = if verdict.is_success() { Kind::Good } else { Kind::Bad };
            say(kind, &verdict.sentence(self.action, &label));
        }
        for command in self.commands(watched) {
            say(Kind::Command, &format!("= {command}"));
        }
        lines
    }

    /// The commands of the pm2 CLI that do the same, one for each daemon that something came about on.
    #[must_use]
    pub fn commands(&self, watched: &Watched) -> Vec<String> {
        let mut ids: Vec<(DaemonId, Vec<String>)> = Vec::new();
        for (daemon, target, _) in self.good() {
            let id = target.pm_id.to_string();
            match ids.iter_mut().find(|(other, _)| other == daemon) {
                Some((_, ids)) => ids.push(id),
                None => ids.push((*daemon, vec![id])),
            }
        }
        let command = |(daemon, ids): (DaemonId, Vec<String>)| {
            let prefix = watched.daemon(daemon).map_or("", |daemon| &*daemon.cli_prefix);
            format!("{prefix}pm2 {} {}", self.action.verb(), ids.join(" "))
        };
        ids.into_iter().map(command).collect()
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

/// Takes the end of the batch, if this was its last verdict.
pub(super) fn take_end(app: &mut App) -> Option<Ended> {
    let ended = app.batch.as_ref()?.ended()?;
    app.batch = None;
    Some(ended)
}
