//! All processes of all daemons, merged from snapshots and bus events.
//!
//! Invariant: a snapshot is the truth of its moment, an event changes its row at once and until the
//! next snapshot; a process keeps its history while it is the same process.

use std::collections::BTreeMap;

use super::series::Series;
use super::{Action, ProcessKey};
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// A process and its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// What PM2 says of it.
    pub info: ProcessInfo,
    /// Its last five minutes.
    pub series: Series,
    /// What the user asked for and the daemon has not answered yet.
    pub pending: Option<Action>,
    /// While `waiting restart`: when PM2 will start it again, milliseconds since 1970.
    pub restarts_at_ms: Option<i64>,
    /// Whether a reload is replacing its worker.
    pub is_reloading: bool,
}

impl Process {
    /// Whether PM2 says `online` of a process that it could not spawn: no pid (7.0.4 and 5.4.3,
    /// measured; PM2.md section 2).
    #[must_use]
    pub fn never_started(&self) -> bool {
        self.info.status == ProcessStatus::Online && self.info.pid.is_none()
    }
}

/// Every process that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fleet {
    processes: BTreeMap<ProcessKey, Process>,
}

impl Fleet {
    /// A process by its key.
    #[must_use]
    pub fn get(&self, key: ProcessKey) -> Option<&Process> {
        self.processes.get(&key)
    }

    /// A process by its key, to change.
    pub fn get_mut(&mut self, key: ProcessKey) -> Option<&mut Process> {
        self.processes.get_mut(&key)
    }

    /// All processes, by daemon and id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (ProcessKey, &Process)> {
        self.processes.iter().map(|(key, process)| (*key, process))
    }

    /// Adds or replaces a process.
    pub fn insert(&mut self, key: ProcessKey, process: Process) {
        self.processes.insert(key, process);
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
