//! All processes of all daemons, merged from snapshots and bus events.
//!
//! Invariant: a process keeps its history while it is the same process; another one under its id
//! begins anew.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::departed::Departed;
use super::moment::Moment;
pub use super::process::Process;
use super::{DaemonId, ProcessKey, Target};
use crate::protocol::bus::ProcessEvent;
use crate::protocol::process::{ProcessInfo, ProcessStatus, Snapshot};

/// The process without a pid that keeps its daemon from measuring any of these, where there is one:
/// PM2 7.0.4 then says 0 of them all (docs/pm2-ops.md section 0).
#[must_use]
pub fn blinding<'a>(
    processes: impl IntoIterator<Item = &'a ProcessInfo>,
) -> Option<&'a ProcessInfo> {
    let mut culprit = None;
    let mut is_unmeasured = false;
    for info in processes.into_iter().filter(|info| info.status == ProcessStatus::Online) {
        if info.never_started() {
            culprit = culprit.or(Some(info));
        } else if info.memory_bytes.unwrap_or(0) > 0 {
            return None;
        } else {
            is_unmeasured = true;
        }
    }
    culprit.filter(|_| is_unmeasured)
}

/// What a snapshot or an event did to the rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowChanges {
    /// Processes of which something shown changed, charts aside; with those that are new.
    pub changed: Vec<ProcessKey>,
    /// Processes that are gone, as they were.
    pub gone: Vec<Process>,
    /// Processes that another one has taken the id of, as they were, and how that one is named.
    pub replaced: Vec<(Process, Box<str>)>,
    /// The process that keeps the daemon from measuring any.
    pub blinding: Option<ProcessKey>,
}

/// Every process that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fleet {
    /// Each apart: a tree's nodes are half empty, and a process is large.
    processes: BTreeMap<ProcessKey, Box<Process>>,
    /// Where the daemons are: their labels and homes.
    places: BTreeMap<DaemonId, Arc<str>>,
    departed: Departed,
    revision: Revision,
}

/// Grows with each change of the fleet; what was made of it is kept as long as this is the same.
/// Fleets that hold the same are equal, however often they changed.
#[derive(Debug, Clone, Copy, Default, Eq)]
pub struct Revision(u64);

impl Revision {
    fn grow(&mut self) {
        self.0 = self.0.wrapping_add(1);
    }

    /// Whether it is that one.
    #[must_use]
    pub fn is(self, other: Self) -> bool {
        self.0 == other.0
    }
}

impl PartialEq for Revision {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Fleet {
    /// From now on the processes of this daemon are at this place: its label and its home.
    pub fn place(&mut self, daemon: DaemonId, label: &str, home: &str) {
        self.places.insert(daemon, format!("{label}\n{home}").into());
    }

    /// Merges a snapshot that was asked for at one moment and answered at the other. A row that an
    /// event told of since it was asked for stays as the event left it: PM2 lists its processes when
    /// it is asked, and answers when it has measured them.
    pub fn apply_snapshot(
        &mut self,
        daemon: DaemonId,
        snapshot: Snapshot,
        (asked, at): (Moment, Moment),
    ) -> RowChanges {
        self.revision.grow();
        let key = |info: &ProcessInfo| ProcessKey { daemon, pm_id: info.pm_id };
        let mut changes = RowChanges {
            blinding: blinding(&snapshot.processes).map(key),
            ..RowChanges::default()
        };
        let is_measured = changes.blinding.is_none();
        let mut seen = HashSet::with_capacity(snapshot.processes.len());
        for info in snapshot.processes {
            let key = key(&info);
            if self.departed.lists_late(key, &info, asked) {
                continue;
            }
            seen.insert(key);
            if self.processes.get(&key).is_some_and(|process| process.is_told_after(asked)) {
                continue;
            }
            let is_new = self.make_room_for(key, &info, (asked, at), &mut changes);
            if let Some(process) = self.processes.get_mut(&key) {
                process.listed_ms = asked.wall_ms;
                if process.take_snapshot(info, is_measured, at) || is_new {
                    changes.changed.push(key);
                }
            }
        }
        let is_gone = |key: &ProcessKey, process: &mut Box<Process>| {
            key.daemon == daemon && !seen.contains(key) && !process.is_told_after(asked)
        };
        for (key, process) in self.processes.extract_if(.., is_gone) {
            self.departed.add(key, Target::of(&process.info), asked);
            changes.gone.push(*process);
        }
        changes
    }

    /// Takes a process out that was seen to be gone from its daemon's list by `now`, if it is that one
    /// still.
    pub(super) fn depart(
        &mut self,
        key: ProcessKey,
        target: &Target,
        now: Moment,
    ) -> Option<Process> {
        self.processes.get(&key).filter(|process| target.is(&process.info))?;
        self.revision.grow();
        self.departed.add(key, target.clone(), now);
        self.processes.remove(&key).map(|process| *process)
    }

    /// Whether an event tells what was before its process left its daemon's list.
    pub(super) fn is_told_late(
        &mut self,
        key: ProcessKey,
        event: &ProcessEvent,
        now: Moment,
    ) -> bool {
        self.departed.tells_late(key, event, now)
    }

    /// Lets an event change its row at once.
    pub fn apply_event(
        &mut self,
        daemon: DaemonId,
        event: &ProcessEvent,
        now: Moment,
    ) -> RowChanges {
        self.revision.grow();
        let key = ProcessKey { daemon, pm_id: event.info.pm_id };
        let mut changes = RowChanges { changed: vec![key], ..RowChanges::default() };
        if event.is_old_worker {
            // The row is the new worker's; the old one only tells that a reload is going on.
            if let Some(process) = self.processes.get_mut(&key) {
                process.is_reloading = event.info.status != ProcessStatus::Stopped;
            }
            return changes;
        }
        let is_new = self.make_room_for(key, &event.info, (now, now), &mut changes);
        if let Some(process) = self.processes.get_mut(&key) {
            process.is_pid_known &= !is_new;
            process.take_event(event, now);
        }
        changes
    }

    /// Sees to it that this key holds this process; true where it is one that was not known.
    fn make_room_for(
        &mut self,
        key: ProcessKey,
        info: &ProcessInfo,
        (asked, now): (Moment, Moment),
        changes: &mut RowChanges,
    ) -> bool {
        if self.processes.get(&key).is_some_and(|process| process.is(info)) {
            return false;
        }
        // A reused pm_id is another process: it does not inherit the history.
        let mut process = Process::new(info.clone());
        process.first_seen_ms = now.wall_ms;
        process.tag.place = self.places.get(&key.daemon).cloned();
        if let Some(old) = self.processes.insert(key, Box::new(process)) {
            self.departed.add(key, Target::of(&old.info), asked);
            changes.replaced.push((*old, Target::of(info).label().into()));
        }
        true
    }

    /// The present revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// A process by its key.
    #[must_use]
    pub fn get(&self, key: ProcessKey) -> Option<&Process> {
        self.processes.get(&key).map(Box::as_ref)
    }

    /// A process by its key, to change.
    pub fn get_mut(&mut self, key: ProcessKey) -> Option<&mut Process> {
        self.revision.grow();
        self.processes.get_mut(&key).map(Box::as_mut)
    }

    /// All processes, by daemon and id.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (ProcessKey, &Process)> {
        self.processes.iter().map(|(key, process)| (*key, &**process))
    }

    /// All processes, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ProcessKey, &mut Process)> {
        self.revision.grow();
        self.processes.iter_mut().map(|(key, process)| (*key, &mut **process))
    }

    /// The processes of the same app: of one name *and* namespace.
    pub fn sisters<'a>(
        &'a self,
        key: ProcessKey,
        of: &'a ProcessInfo,
    ) -> impl Iterator<Item = (ProcessKey, &'a Process)> {
        self.iter().filter(move |(other, process)| {
            other.daemon == key.daemon
                && (&process.info.name, &process.info.namespace) == (&of.name, &of.namespace)
        })
    }

    /// Adds or replaces a process.
    pub fn insert(&mut self, key: ProcessKey, process: Process) {
        self.revision.grow();
        self.processes.insert(key, Box::new(process));
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }
}
