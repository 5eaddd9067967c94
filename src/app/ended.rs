//! What came of something that was done to several processes, or to a daemon.
//!
//! Invariant: each process is told once, what did not come about first.

use super::geometry::wrap;
use crate::model::deed::Deed;
use crate::model::watched::Watched;
use crate::model::{DaemonId, Target, Verdict, outlook};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What was done: `restart`.
    pub title: String,
    /// A sentence about each, and whether it succeeded.
    pub lines: Vec<(bool, String)>,
    /// The same for reading: one sentence for all of whom it is the same. Empty where nothing is grouped.
    pub groups: Vec<(bool, String)>,
    /// A sentence about all of it, where there is one beside those.
    pub whole: Vec<(bool, String)>,
    /// The pm2 CLI's commands that do the same.
    pub commands: Vec<String>,
    /// Whether it can be undone.
    pub can_undo: bool,
}

/// What came of one process.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    pub(super) daemon: DaemonId,
    pub(super) target: &'a Target,
    pub(super) deed: Deed,
    pub(super) verdict: &'a Verdict,
}

/// All of whom it is the same.
struct Group {
    deed: Deed,
    verdict: Verdict,
    targets: Vec<(DaemonId, Target)>,
}

/// What a line about it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It succeeded.
    Good,
    /// It did not.
    Bad,
    /// The pm2 CLI's command.
    Command,
}

impl Ended {
    /// With what did not come about first.
    pub(super) fn new(
        title: String,
        mut lines: Vec<(bool, String)>,
        commands: Vec<String>,
    ) -> Self {
        lines.sort_by_key(|(is_good, _)| *is_good);
        let (groups, whole) = (Vec::new(), Vec::new());
        Self { title, lines, groups, whole, commands, can_undo: false }
    }

    /// Told in as few sentences as there are different ends.
    pub(super) fn grouped(self, watched: &Watched, parts: &[Part<'_>]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for part in parts {
            let merged = groups.iter_mut().find_map(|group| {
                let is_its = group.deed == part.deed && group.verdict.merge(part.verdict);
                is_its.then_some(&mut group.targets)
            });
            let target = (part.daemon, part.target.clone());
            if let Some(targets) = merged {
                targets.push(target);
                continue;
            }
            let (deed, verdict) = (part.deed.clone(), part.verdict.clone());
            groups.push(Group { deed, verdict, targets: vec![target] });
        }
        let place = |id| match watched.daemon(id) {
            Some(daemon) if watched.daemons.len() > 1 => format!(" on {}", daemon.label),
            _ => String::new(),
        };
        let line = |Group { deed, verdict, targets }: &Group| {
            let labels = outlook::labels(targets, place).join(", ");
            let text = match &targets[..] {
                [_] => verdict.sentence(deed, &labels),
                _ => verdict.sentence_of_all(deed, &labels),
            };
            (verdict.is_success(), text)
        };
        let mut groups: Vec<_> = groups.iter().map(line).collect();
        groups.sort_by_key(|(is_good, _)| *is_good);
        Self { groups, ..self }
    }

    /// With a sentence about all of it, which is the only one where it had no parts.
    pub(super) fn with_whole(mut self, whole: Vec<(bool, String)>) -> Self {
        if self.lines.is_empty() {
            self.lines = whole;
        } else {
            self.whole = whole;
        }
        self
    }

    /// How many succeeded.
    #[must_use]
    pub fn good(&self) -> usize {
        self.lines.iter().filter(|(is_good, _)| *is_good).count()
    }

    /// Whether all did.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.good() == self.lines.len() && self.whole.iter().all(|(is_good, _)| *is_good)
    }

    /// One line about all: `restart: 3 of 4; restarted api[2], but it is down: ..`.
    #[must_use]
    pub fn sentence(&self) -> String {
        if let ([(_, whole)], true) = (&self.whole[..], self.good() == self.lines.len()) {
            return whole.clone();
        }
        match &self.lines[..] {
            [(_, only)] => only.clone(),
            [(false, first), ..] => {
                format!("{}: {} of {}; {first}", self.title, self.good(), self.lines.len())
            }
            all => format!("{}: all {}", self.title, all.len()),
        }
    }

    /// Its lines in so many columns: what came of each, and the pm2 CLI's commands; whether a line begins
    /// one of these, or goes on with it.
    #[must_use]
    pub fn shown(&self, columns: u16) -> Vec<(Kind, bool, String)> {
        let mut lines = Vec::new();
        let mut say = |kind, text: &str| {
            let wrapped = wrap(text, columns).into_iter().enumerate();
            lines.extend(wrapped.map(|(row, line)| (kind, row == 0, line)));
        };
        let told = if self.groups.is_empty() { &self.lines } else { &self.groups };
        for (is_good, line) in told.iter().chain(&self.whole) {
            say(if *is_good { Kind::Good } else { Kind::Bad }, line);
        }
        for command in &self.commands {
            say(Kind::Command, &format!("= {command}"));
        }
        lines
    }
}
