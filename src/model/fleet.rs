//! All processes of all daemons, merged from snapshots and bus events.
//!
//! Invariant: a snapshot is the truth of its moment, an event changes its row at once and until the
//! next snapshot; a process keeps its history while it is the same process.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::series::{Sample, Series};
use super::{Action, DaemonId, ProcessKey};
use crate::protocol::bus::{EventKind, ProcessEvent};
use crate::protocol::process::{ProcessInfo, ProcessStatus, Snapshot};

/// The longest pause that PM2's growing back-off reaches, milliseconds (`lib/God.js`).
const BACKOFF_MAX_MS: u64 = 15_000;

/// So many restarts within [`LOOP_SPAN_MS`] are a crash loop.
const LOOP_RESTARTS: usize = 3;
/// One minute.
const LOOP_SPAN_MS: i64 = 60_000;
/// For how long after an action asked for here a restart is its doing, milliseconds.
const ASKED_MS: i64 = 5_000;

/// A process and its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// What PM2 says of it.
    pub info: ProcessInfo,
    /// Whether a snapshot has told its pid since the last event: events carry none.
    pub is_pid_known: bool,
    /// Its last five minutes.
    pub series: Series,
    /// What the user asked for and the daemon has not answered yet.
    pub pending: Option<Action>,
    /// The last action asked for here and when, to know its echo on the bus.
    pub asked: Option<(Action, i64)>,
    /// While `waiting restart`: when PM2 will start it again, milliseconds since 1970.
    pub restarts_at_ms: Option<i64>,
    /// Whether a reload is replacing its worker.
    pub is_reloading: bool,
    /// When the first of a deliberate stop's two exits came, milliseconds since 1970.
    pub stopping_since_ms: Option<i64>,
    /// When the event log last said that it was stopped, milliseconds since 1970.
    pub stop_told_at_ms: Option<i64>,
    /// When it was last restarted without being asked to from here, oldest first; at most
    /// [`LOOP_RESTARTS`] times, milliseconds since 1970.
    restarted_at_ms: VecDeque<i64>,
}

impl Process {
    /// A process that was just seen, without history.
    #[must_use]
    pub fn new(info: ProcessInfo) -> Self {
        Self {
            info,
            is_pid_known: true,
            series: Series::default(),
            pending: None,
            asked: None,
            restarts_at_ms: None,
            is_reloading: false,
            stopping_since_ms: None,
            stop_told_at_ms: None,
            restarted_at_ms: VecDeque::new(),
        }
    }

    /// Whether PM2 says `online` of a process that it could not spawn.
    #[must_use]
    pub fn never_started(&self) -> bool {
        self.info.never_started() && self.is_pid_known
    }

    /// Whether it is up and running.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.info.status == ProcessStatus::Online && !self.never_started()
    }

    /// Whether it keeps crashing: PM2 says `online` of it, since it is, between its crashes.
    #[must_use]
    pub fn is_looping(&self, now_ms: i64) -> bool {
        let oldest = self.restarted_at_ms.front().copied();
        self.restarted_at_ms.len() >= LOOP_RESTARTS
            && oldest.is_some_and(|at_ms| now_ms.saturating_sub(at_ms) <= LOOP_SPAN_MS)
    }

    /// Notes a restart that nobody asked for here.
    fn note_restarts(&mut self, restarts: u32, now_ms: i64) {
        let is_asked = |(_, at_ms)| now_ms.saturating_sub(at_ms) < ASKED_MS;
        if restarts > self.info.restarts && !self.asked.is_some_and(is_asked) {
            self.restarted_at_ms.push_back(now_ms);
            if self.restarted_at_ms.len() > LOOP_RESTARTS {
                self.restarted_at_ms.pop_front();
            }
        }
    }

    fn is_same(&self, other: &ProcessInfo) -> bool {
        match (&self.info.unique_id, &other.unique_id) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => self.info.name == other.name && self.info.exec_mode == other.exec_mode,
        }
    }

    fn take_snapshot(&mut self, info: ProcessInfo, at_ms: i64) {
        self.note_restarts(info.restarts, at_ms);
        self.info = info;
        self.is_pid_known = true;
        if self.info.status == ProcessStatus::WaitingRestart {
            // The event told when; without one (the program started later) nobody knows.
            self.restarts_at_ms = self.restarts_at_ms.filter(|until| *until > at_ms - 1_000);
        } else {
            self.restarts_at_ms = None;
        }
        if self.info.status == ProcessStatus::Online {
            self.stopping_since_ms = None;
        }
        if self.info.status != ProcessStatus::Launching {
            self.is_reloading = self.is_reloading && self.pending == Some(Action::Reload);
        }
        let (Some(cpu_percent), Some(memory_bytes)) =
            (self.info.cpu_percent, self.info.memory_bytes)
        else {
            return;
        };
        if self.is_online() {
            self.series.push(Sample { at_ms, cpu_percent, memory_bytes });
        }
    }

    fn take_event(&mut self, event: &ProcessEvent, now_ms: i64) {
        let mut info = event.info.clone();
        // The bus carries neither; the last snapshot's hold until the process ends.
        info.pid = self.info.pid;
        info.cpu_percent = self.info.cpu_percent;
        info.memory_bytes = self.info.memory_bytes;
        self.note_restarts(info.restarts, now_ms);
        self.info = info;
        match event.kind {
            EventKind::Online => {
                self.info.status = ProcessStatus::Online;
                self.restarts_at_ms = None;
                self.stopping_since_ms = None;
                self.forget_pid();
            }
            EventKind::Exit => self.take_exit(now_ms),
            EventKind::Reload | EventKind::GracefulReload => self.is_reloading = false,
            _ => {}
        }
    }

    fn take_exit(&mut self, now_ms: i64) {
        self.forget_pid();
        if self.info.status == ProcessStatus::Stopping {
            self.stopping_since_ms = Some(now_ms);
        }
        let delay = self.restart_delay_ms();
        let crashed =
            self.info.status == ProcessStatus::Stopped && self.stopping_since_ms.is_none();
        if let (true, Some(delay)) = (crashed, delay) {
            // God says `stopped` on the bus and sets `waiting restart` right after (`handleExit`).
            self.info.status = ProcessStatus::WaitingRestart;
            self.restarts_at_ms = Some(now_ms.saturating_add(delay as i64));
        }
    }

    /// The pause before PM2 starts a crashed process again, as `God.handleExit` reckons it.
    fn restart_delay_ms(&self) -> Option<u64> {
        let info = &self.info;
        let backoff = info.backoff_first_ms.map(|first| match info.backoff_last_ms {
            None | Some(0) => first,
            Some(last) => (last.saturating_mul(3) / 2).min(BACKOFF_MAX_MS),
        });
        backoff.or(info.restart_delay_ms).filter(|delay| *delay > 0)
    }

    fn forget_pid(&mut self) {
        self.is_pid_known = false;
        self.info.pid = None;
        self.info.cpu_percent = None;
        self.info.memory_bytes = None;
    }
}

/// The process without a pid that keeps its daemon from measuring any of these, where there is one:
/// PM2 7.0.4 then says 0 of them all (measured).
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

/// Every process that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fleet {
    processes: BTreeMap<ProcessKey, Process>,
}

impl Fleet {
    /// Merges a snapshot and returns the processes that are gone with it.
    pub fn apply_snapshot(
        &mut self,
        daemon: DaemonId,
        snapshot: Snapshot,
        at_ms: i64,
    ) -> Vec<(ProcessKey, Process)> {
        let mut seen = HashSet::with_capacity(snapshot.processes.len());
        for info in snapshot.processes {
            let key = ProcessKey { daemon, pm_id: info.pm_id };
            seen.insert(key);
            let known = self.processes.get(&key).is_some_and(|process| process.is_same(&info));
            if !known {
                // A reused pm_id is another process: it does not inherit the history.
                self.processes.insert(key, Process::new(info.clone()));
            }
            if let Some(process) = self.processes.get_mut(&key) {
                process.take_snapshot(info, at_ms);
            }
        }
        let is_gone =
            |key: &ProcessKey, _: &mut Process| key.daemon == daemon && !seen.contains(key);
        self.processes.extract_if(.., is_gone).collect()
    }

    /// Lets an event change its row at once.
    pub fn apply_event(&mut self, daemon: DaemonId, event: &ProcessEvent, now_ms: i64) {
        let key = ProcessKey { daemon, pm_id: event.info.pm_id };
        if event.is_old_worker {
            // The row is the new worker's; the old one only tells that a reload is going on.
            if let Some(process) = self.processes.get_mut(&key) {
                process.is_reloading = event.info.status != ProcessStatus::Stopped;
            }
            return;
        }
        let process = self.processes.entry(key).or_insert_with(|| {
            let mut process = Process::new(event.info.clone());
            process.is_pid_known = false;
            process
        });
        if !process.is_same(&event.info) {
            *process = Process::new(event.info.clone());
        }
        process.take_event(event, now_ms);
    }

    /// The process without a pid that keeps a daemon from measuring any, where there is one.
    #[must_use]
    pub fn blinding(&self, daemon: DaemonId) -> Option<ProcessKey> {
        let ours =
            self.iter().filter(|(key, process)| key.daemon == daemon && process.is_pid_known);
        let culprit = blinding(ours.map(|(_, process)| &process.info))?;
        Some(ProcessKey { daemon, pm_id: culprit.pm_id })
    }

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
    #[must_use]
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
