//! The processes that the user marked, to act on them together.
//!
//! Invariant: a mark is on a process, never on a row: it stays where a filter hides the process, and
//! leaves when the process is gone or another one has its id.

use std::collections::BTreeMap;

use crate::model::fleet::Fleet;
use crate::model::{DaemonId, ProcessKey, Target};

/// The marked processes, each as it was when it was marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<ProcessKey, Target>);

/// Marked processes, as what is to be acted on: those that are not shown now first, which nobody sees
/// otherwise, then the others in the order of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marked {
    /// All of them.
    pub targets: Vec<(DaemonId, Target)>,
    /// How many of them, from the first, are not among the rows.
    pub hidden: usize,
    /// The group that they are the shown part of, where a filter hides the rest.
    pub part: Option<PartOf>,
}

/// A group of the tree of which not all is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartOf {
    /// Which, in words.
    pub group: Box<str>,
    /// How many processes it has, shown or not.
    pub all: usize,
}

impl Marked {
    /// Which part of a group they are, and that there are others; `None` where they are all.
    #[must_use]
    pub fn part_words(&self) -> Option<String> {
        let PartOf { group, all } = self.part.as_ref()?;
        let shown = self.targets.len();
        let others = if *all == shown + 1 { "other is" } else { "others are" };
        Some(format!("{shown} of {all} processes of {group}; the {others} filtered out"))
    }

    /// Whether all are of one app: of one name *and* namespace.
    pub(super) fn is_one_app(&self) -> bool {
        self.targets.windows(2).all(|pair| match pair {
            [(one_daemon, one), (other_daemon, other)] => {
                (one_daemon, &one.name, &one.namespace)
                    == (other_daemon, &other.name, &other.namespace)
            }
            _ => true,
        })
    }
}

impl Marks {
    /// Whether a process is marked.
    #[must_use]
    pub fn has(&self, key: ProcessKey) -> bool {
        self.0.contains_key(&key)
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The mark of a process.
    pub(super) fn get(&self, key: ProcessKey) -> Option<&Target> {
        self.0.get(&key)
    }

    /// All marked processes, by daemon and id.
    pub(super) fn keys(&self) -> impl Iterator<Item = ProcessKey> {
        self.0.keys().copied()
    }

    /// Marks a process.
    pub(super) fn mark(&mut self, key: ProcessKey, target: Target) {
        self.0.entry(key).or_insert(target);
    }

    /// Takes a mark away; false where there was none.
    pub(super) fn unmark(&mut self, key: ProcessKey) -> bool {
        self.0.remove(&key).is_some()
    }

    /// Takes all away; false where there was none.
    pub(super) fn clear(&mut self) -> bool {
        let had_some = !self.0.is_empty();
        self.0.clear();
        had_some
    }

    /// Keeps those of processes that are there still; whether one left.
    pub(super) fn keep_to(&mut self, fleet: &Fleet) -> bool {
        let before = self.0.len();
        self.0
            .retain(|key, target| fleet.get(*key).is_some_and(|process| target.is(&process.info)));
        self.0.len() != before
    }
}

/// Said where one process is wanted and a group is there.
pub(super) fn choose_one(group: &str) -> String {
    format!("choose one process: this is {group}")
}

/// The processes of each daemon, in their order.
pub(super) fn by_daemon(targets: &[(DaemonId, Target)]) -> Vec<(DaemonId, Vec<Target>)> {
    let mut by_daemon: Vec<(DaemonId, Vec<Target>)> = Vec::new();
    for (daemon, target) in targets {
        match by_daemon.iter_mut().find(|(id, _)| id == daemon) {
            Some((_, targets)) => targets.push(target.clone()),
            None => by_daemon.push((*daemon, vec![target.clone()])),
        }
    }
    by_daemon
}
