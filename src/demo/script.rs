//! What a test can make the simulated daemon do wrong, and what it can count.
//!
//! Invariant: a fault is used up by the call that it was meant for; whatever is not told to go
//! wrong goes right.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::Notify;

/// The calls that are remembered; older ones are forgotten and counted.
const CALLS_MAX: usize = 100_000;
/// One of the two sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    /// `rpc.sock`.
    Rpc,
    /// `pub.sock`.
    Bus,
}

/// Which call a fault is for, counted from when the fault was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The next one.
    Next,
    /// The one of this number, from 1 on.
    Nth(u32),
    /// Each.
    Always,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The reply comes so much later; the action itself happens at once.
    Slow(Duration),
    /// The reply never comes; the action itself happens.
    Silent,
    /// The first half of the frame, then the connection is closed.
    HalfFrame,
    /// Bytes that are no AMP.
    Garbage,
    /// The frame says another AMP version.
    WrongVersion,
    /// A frame that announces nearly 4 GiB.
    Oversize,
    /// A whole frame whose JSON is broken.
    BrokenJson,
    /// Before the reply comes one to an id that nobody used. On the bus: a topic nobody knows.
    UnknownIdFirst,
    /// The reply waits until the next one on the same connection was sent.
    HoldUntilNext,
    /// The connection is closed instead.
    Close,
    /// `getMonitorData`: the first process has no `pm2_env`.
    WithoutEnv,
    /// The action does not happen; the reply is this error.
    Refuse(String),
}

/// A fault and its call.
#[derive(Debug, Clone)]
struct Planned {
    method: Option<Box<str>>,
    when: When,
    fault: Fault,
}

/// How the daemon misbehaves from its start. The default behaves.
#[derive(Debug, Clone, Default)]
pub struct Script {
    faults: Vec<Planned>,
    /// Where it is another bound than the usual one.
    pub(super) queue_bytes_max: Option<usize>,
}

impl Script {
    /// Adds a fault for a method (PM2's name of it, or `methods`).
    #[must_use]
    pub fn with(mut self, method: &str, when: When, fault: Fault) -> Self {
        self.faults.push(Planned { method: Some(method.into()), when, fault });
        self
    }

    /// Adds a fault for whatever is called.
    #[must_use]
    pub fn with_any(mut self, when: When, fault: Fault) -> Self {
        self.faults.push(Planned { method: None, when, fault });
        self
    }

    /// Drops a bus subscriber once so many bytes wait for it (64 MiB otherwise).
    #[must_use]
    pub fn with_queue_bytes_max(mut self, bytes: usize) -> Self {
        self.queue_bytes_max = Some(bytes);
        self
    }
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedCall {
    /// PM2's name of the method; `methods` for the list; empty where the request had none.
    pub method: String,
    /// The arguments, a JSON array.
    pub args: Json,
}

/// What happened so far.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// The requests in the order in which they came.
    pub calls: VecDeque<ReceivedCall>,
    /// Requests no longer in [`Self::calls`].
    pub calls_forgotten: u64,
    /// Connections on `rpc.sock` now.
    pub rpc_connections: usize,
    /// Connections on `rpc.sock` ever.
    pub rpc_connections_total: u64,
    /// Connections on `pub.sock` ever.
    pub bus_connections_total: u64,
    /// The bytes that wait for each bus subscriber now; as many entries as there are subscribers.
    pub bus_queued_bytes: Vec<usize>,
    /// The most bytes that ever waited for one subscriber.
    pub bus_queued_bytes_peak: usize,
    /// Subscribers dropped because they did not read.
    pub bus_overflows: u64,
    /// Floods that have been handed to the subscribers whole.
    pub floods_done: u64,
    /// A call came that would have killed a real God daemon and restarted every app.
    pub had_bad_call: bool,
}

impl Counters {
    /// Connections on `pub.sock` now.
    #[must_use]
    pub fn bus_connections(&self) -> usize {
        self.bus_queued_bytes.len()
    }

    /// How often a method was called.
    #[must_use]
    pub fn count(&self, method: &str) -> usize {
        let calls = self.calls.iter();
        calls.filter(|call| call.method == method).count()
    }
}

/// What goes wrong, and what was counted.
#[derive(Debug)]
pub(super) struct Record {
    state: Mutex<State>,
    /// Something was counted.
    pub(super) changed: Notify,
    /// A subscriber took something, so that a flood goes on.
    pub(super) drained: Notify,
}

#[derive(Debug, Default)]
struct State {
    counters: Counters,
    faults: Vec<Planned>,
}

impl Default for Record {
    fn default() -> Self {
        Self::new(Script::default())
    }
}

impl Record {
    pub(super) fn new(script: Script) -> Self {
        let state = State { faults: script.faults, ..State::default() };
        Self { state: Mutex::new(state), changed: Notify::new(), drained: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts, and wakes who waits for it.
    fn count(&self, count: impl FnOnce(&mut Counters)) {
        count(&mut self.lock().counters);
        self.changed.notify_waiters();
    }

    pub(super) fn plan(&self, method: Option<Box<str>>, when: When, fault: Fault) {
        self.lock().faults.push(Planned { method, when, fault });
    }

    pub(super) fn forget_faults(&self) {
        self.lock().faults.clear();
    }

    /// What was counted, but for what waits for the subscribers.
    pub(super) fn counters(&self) -> Counters {
        self.lock().counters.clone()
    }

    pub(super) fn called(&self, method: &str, args: Json) {
        self.count(|counters| {
            if counters.calls.len() >= CALLS_MAX {
                counters.calls.pop_front();
                counters.calls_forgotten += 1;
            }
            let method = method.to_owned();
            counters.calls.push_back(ReceivedCall { method, args });
        });
    }

    pub(super) fn bad_call(&self) {
        self.count(|counters| counters.had_bad_call = true);
    }

    pub(super) fn rpc_opened(&self) {
        self.count(|counters| {
            counters.rpc_connections += 1;
            counters.rpc_connections_total += 1;
        });
    }

    pub(super) fn rpc_closed(&self) {
        self.count(|counters| counters.rpc_connections -= 1);
    }

    pub(super) fn bus_opened(&self) {
        self.count(|counters| counters.bus_connections_total += 1);
    }

    /// A subscriber is gone.
    pub(super) fn bus_closed(&self) {
        self.count(|_| ());
        self.drained.notify_waiters();
    }

    /// So many bytes wait for a subscriber now; it is dropped where it `overflows`.
    pub(super) fn queued(&self, bytes: usize, overflows: bool) {
        self.count(|counters| {
            counters.bus_queued_bytes_peak = counters.bus_queued_bytes_peak.max(bytes);
            counters.bus_overflows += u64::from(overflows);
        });
    }

    /// A subscriber took something.
    pub(super) fn taken(&self) {
        self.drained.notify_waiters();
        self.count(|_| ());
    }

    pub(super) fn flood_done(&self) {
        self.count(|counters| counters.floods_done += 1);
    }

    /// The fault that a call of this method meets. Each fault that matches counts the call; the
    /// first that is due is taken.
    pub(super) fn take_fault(&self, method: &str) -> Option<Fault> {
        let mut state = self.lock();
        let mut taken = None;
        state.faults.retain_mut(|planned| {
            let matches = planned.method.as_deref().is_none_or(|of| of == method);
            if taken.is_some() || !matches {
                return true;
            }
            match &mut planned.when {
                When::Always => {
                    taken = Some(planned.fault.clone());
                    true
                }
                When::Nth(left) if *left > 1 => {
                    *left -= 1;
                    true
                }
                When::Next | When::Nth(_) => {
                    taken = Some(planned.fault.clone());
                    false
                }
            }
        });
        taken
    }
}

impl Fault {
    /// What the reply says where the action does not happen.
    pub(super) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refuse(text) => Some(text),
            _ => None,
        }
    }
}
