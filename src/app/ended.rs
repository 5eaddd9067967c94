//! What came of something that was done to several processes, or to a daemon.
//!
//! Invariant: each process is told once, what did not come about first.

use super::geometry::wrap;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What was done: `restart`.
    pub title: String,
    /// A sentence about each, and whether it succeeded.
    pub lines: Vec<(bool, String)>,
    /// A sentence about all of it, where there is one beside those.
    pub whole: Vec<(bool, String)>,
    /// The pm2 CLI's commands that do the same.
    pub commands: Vec<String>,
    /// Whether it can be undone.
    pub can_undo: bool,
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
        Self { title, lines, whole: Vec::new(), commands, can_undo: false }
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

    /// Its lines in so many columns: what came of each, and the pm2 CLI's commands.
    #[must_use]
    pub fn shown(&self, columns: u16) -> Vec<(Kind, String)> {
        let mut lines = Vec::new();
        let mut say = |kind, text: &str| {
            lines.extend(wrap(text, columns).into_iter().map(|line| (kind, line)));
        };
        for (is_good, line) in self.lines.iter().chain(&self.whole) {
            say(if *is_good { Kind::Good } else { Kind::Bad }, line);
        }
        for command in &self.commands {
            say(Kind::Command, &format!("= {command}"));
        }
        lines
    }
}
