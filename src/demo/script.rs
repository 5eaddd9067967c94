//! What a test can make the simulated daemon do wrong, and what it can count.
//!
//! Invariant: a fault is used up by the call that it was meant for; whatever is not told to go
//! wrong goes right.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::{Notify, mpsc, oneshot};

use super::connection::Subscriber;
use super::server::Command;
use super::world::World;

/// The calls that are remembered; older ones are forgotten and counted.
const CALLS_MAX: usize = 100_000;
/// The bytes that wait for one bus subscriber before it is dropped.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

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
#[derive(Debug, Clone)]
pub struct Script {
    faults: Vec<Planned>,
    queue_bytes_max: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self { faults: Vec::new(), queue_bytes_max: QUEUE_BYTES_MAX }
    }
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
        self.queue_bytes_max = bytes;
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

/// What the server's tasks and the handles share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Notify,
    /// A subscriber took something, so that a flood goes on.
    pub(super) drained: Notify,
    pub(super) queue_bytes_max: usize,
    next_number: AtomicU64,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) counters: Counters,
    pub(super) subscribers: Vec<Arc<Subscriber>>,
    faults: Vec<Planned>,
}

impl Shared {
    pub(super) fn new(script: Script) -> Self {
        Self {
            state: Mutex::new(State {
                counters: Counters::default(),
                subscribers: Vec::new(),
                faults: script.faults,
            }),
            changed: Notify::new(),
            drained: Notify::new(),
            queue_bytes_max: script.queue_bytes_max,
            next_number: AtomicU64::new(1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes who waits for it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_waiters();
        result
    }

    pub(super) fn number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn subscribers(&self) -> Vec<Arc<Subscriber>> {
        self.lock().subscribers.clone()
    }

    pub(super) fn record(&self, method: &str, args: Json) {
        self.change(|state| {
            let counters = &mut state.counters;
            if counters.calls.len() >= CALLS_MAX {
                counters.calls.pop_front();
                counters.calls_forgotten += 1;
            }
            let method = method.to_owned();
            counters.calls.push_back(ReceivedCall { method, args });
        });
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

    fn counters(&self) -> Counters {
        let state = self.lock();
        let mut counters = state.counters.clone();
        let subscribers = state.subscribers.iter();
        counters.bus_queued_bytes = subscribers.map(|one| one.queued_bytes()).collect();
        counters
    }
}

/// Scripts a running daemon and reads its counters.
#[derive(Debug, Clone)]
pub struct ScriptHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::Sender<Command>,
}

impl ScriptHandle {
    /// Sets a fault for a method (PM2's name of it, or `methods`).
    pub fn set(&self, method: &str, when: When, fault: Fault) {
        self.plan(Some(method.into()), when, fault);
    }

    /// Sets a fault for whatever is called.
    pub fn set_any(&self, when: When, fault: Fault) {
        self.plan(None, when, fault);
    }

    fn plan(&self, method: Option<Box<str>>, when: When, fault: Fault) {
        let planned = Planned { method, when, fault };
        self.shared.change(|state| state.faults.push(planned));
    }

    /// Forgets every fault.
    pub fn behave(&self) {
        self.shared.change(|state| state.faults.clear());
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Waits until the counters are as wanted, without polling.
    pub async fn wait_until(&self, mut wanted: impl FnMut(&Counters) -> bool) {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if wanted(&self.shared.counters()) {
                return;
            }
            changed.await;
        }
    }

    /// Does this to every connection of a socket now. [`Fault::Slow`], [`Fault::Silent`] and the
    /// like, which need a call, do nothing here.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn now(&self, socket: Socket, fault: Fault) -> io::Result<()> {
        self.ask(|done| Command::Harm { socket, fault, done }).await
    }

    /// Stops listening, closes every connection and removes the sockets, as `pm2 kill` does.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn vanish(&self) -> io::Result<()> {
        let leave_files = false;
        self.ask(|done| Command::Vanish { leave_files, done }).await
    }

    /// Stops listening and closes every connection but leaves the socket files, as a God that was
    /// killed does: connecting is then refused.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn die(&self) -> io::Result<()> {
        let leave_files = true;
        self.ask(|done| Command::Vanish { leave_files, done }).await
    }

    /// Listens again, with another world.
    ///
    /// # Errors
    /// When the sockets cannot be made, or the daemon has been stopped.
    pub async fn come_back(&self, world: World) -> io::Result<()> {
        let world = Box::new(world);
        self.ask(|done| Command::ComeBack { world, done }).await?
    }

    /// Publishes a bus message.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn publish(&self, topic: &str, payload: Json) -> io::Result<()> {
        let topic = topic.to_owned();
        self.ask(|done| Command::Publish { topic, payload, done }).await
    }

    /// Lists a method with these parameters from now on (the callback last), or no longer.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn set_method(&self, method: &str, params: Option<&[&str]>) -> io::Result<()> {
        let method = method.to_owned();
        let params = params.map(|params| params.iter().map(|one| (*one).to_owned()).collect());
        self.ask(|done| Command::SetMethod { method, params, done }).await
    }

    /// Starts a flood: so many log lines of one process (92 bytes each, `flood N of TOTAL ...`), in
    /// chunks of 64 KiB cut anywhere, as fast as the quickest subscriber takes them.
    /// [`Counters::floods_done`] tells its end.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn flood(&self, pm_id: u32, lines: u64) -> io::Result<()> {
        self.ask(|done| Command::Flood { pm_id, lines, done }).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> io::Result<T> {
        let stopped = || io::Error::other("the simulated daemon has been stopped");
        let (done, answer) = oneshot::channel();
        let sent = self.commands.send(command(done)).await;
        sent.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }
}
