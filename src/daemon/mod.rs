//! Talks to the God daemons: the only module that opens sockets, and the screen's actors.
//!
//! Invariant: nothing here starts a daemon, and no call reaches one that its own list of methods
//! does not allow. The bus is read as fast as it comes, whatever anyone else is doing. Everything
//! that happens leaves as a [`Report`] through the [`Inbox`], which never waits.

pub(crate) mod act;
mod actions;
pub(crate) mod audit;
pub(crate) mod beside;
pub(crate) mod bundle;
pub(crate) mod bus;
pub(crate) mod calls;
pub(crate) mod clock;
mod disk;
pub(crate) mod ends;
mod examine;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod hosts;
pub mod inbox;
mod installed;
mod kernel;
mod limits;
pub(crate) mod lives;
pub(crate) mod measure;
pub(crate) mod missing;
pub(crate) mod offload;
pub(crate) mod rpc;
mod said;
mod save_log;
pub(crate) mod saved_list;
pub(crate) mod seam;
mod sizes;
mod startup;
mod tasks;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::act::Settle;
use self::bus::ear::Ears;
use self::calls::run::{self, CallFinish};
use self::calls::trigger::TriggerFinish;
use self::history::screen::{self, History};
pub use self::inbox::{Inbox, InboxBounds};
pub use self::rpc::endpoint::{self, Endpoint, EndpointError};
use self::rpc::session::{self, Link};
pub use self::rpc::socket::Socket;
use crate::logs::Reach;
use crate::model::DaemonId;
use crate::model::call::{CallOutcome, NamedCall};
use crate::model::daemon::{BusState, Connection};
use crate::model::report::Report;
use crate::model::trigger::Trigger;
use crate::protocol::amp::FRAME_BYTES_MAX;
use crate::protocol::process::PmId;
use crate::protocol::text;

/// The most actions and calls by name under way on one daemon.
pub const ACTIONS_MAX: usize = 16;

/// How a daemon is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The pause between polls; longer where the daemon takes long to answer.
    pub interval: Duration,
    /// The largest frame accepted, bytes.
    pub frame_bytes_max: usize,
    /// How long a process is watched after it was started.
    pub settle: Settle,
    /// Whether CPU and memory are measured here where that can be, and the daemon is then polled
    /// seldom.
    pub measures_here: bool,
}

impl Default for Options {
    fn default() -> Self {
        let interval = Duration::from_secs(1);
        Self {
            interval,
            frame_bytes_max: FRAME_BYTES_MAX,
            settle: Settle::Own,
            measures_here: false,
        }
    }
}

/// How long things may take. Tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timings {
    /// The connect, and each call of the handshake.
    handshake: Duration,
    /// How long a full queue of connections is tried before that is told. It is tried on for ever.
    room: Duration,
    /// A call that only reads.
    read: Duration,
    /// A call by name, over what the daemon itself may take for it.
    named: Duration,
    /// How long a poll under way may take yet when another call timed out: a wedged connection
    /// answers nothing more, and a poll on the next one must not overlap with a late answer here.
    last_poll: Duration,
    /// A call that acts, over what the daemon itself may take for it.
    act_margin: Duration,
    /// The least that a reload gets.
    reload_min: Duration,
    /// PM2's own default of `kill_timeout` (`constants.js`).
    kill_timeout: Duration,
    /// PM2's own default of `listen_timeout` (`constants.js`).
    listen_timeout: Duration,
    /// The first and the longest pause between tries to connect, as in axon.
    backoff_base: Duration,
    backoff_max: Duration,
    /// From a change on the bus to the poll that it causes: changes come in flocks.
    debounce: Duration,
    /// How long an unfinished line of output waits for its end.
    partial_line: Duration,
    /// How long the word on the bus that the daemon was killed may come after its end.
    kill_notice: Duration,
    /// How long before the end it may have come.
    kill_notice_fresh: Duration,
}

impl Timings {
    /// Those of a caller who gives a call so long, over what the daemon itself may take for it.
    pub(crate) fn within(timeout: Duration) -> Self {
        Self { act_margin: timeout, read: timeout, ..Self::default() }
    }
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            room: Duration::from_millis(500),
            read: Duration::from_secs(10),
            named: Duration::from_secs(10),
            last_poll: Duration::from_secs(1),
            act_margin: Duration::from_secs(10),
            reload_min: Duration::from_secs(15),
            kill_timeout: Duration::from_millis(1600),
            listen_timeout: Duration::from_secs(3),
            backoff_base: Duration::from_millis(100),
            backoff_max: Duration::from_secs(5),
            debounce: Duration::from_millis(150),
            partial_line: Duration::from_secs(1),
            kill_notice: Duration::from_millis(100),
            kill_notice_fresh: Duration::from_secs(5),
        }
    }
}

/// How long [`DaemonHandle::suspend`] waits for the sockets to be closed.
const SUSPEND_MAX: Duration = Duration::from_millis(500);

/// What others ask of the actors; each request is kept once until it is served.
#[derive(Debug, Default)]
struct Requests {
    /// Poll soon: something changed.
    change: Notify,
    /// The user's: connect, or poll, now. One for each actor.
    reconnect: Notify,
    reconnect_bus: Notify,
    /// One socket of the daemon answers again, so the other will too. Heard only by who waits.
    other_is_back: Notify,
    /// Log files were emptied here: look at them with the next poll.
    are_files_other: AtomicBool,
    /// What is measured on this machine.
    measuring: measure::Measuring,
    /// The process whose details are open.
    examining: examine::Examining,
    /// The files whose sizes are shown.
    sizes: sizes::Sizes,
}

/// What the actors of one daemon share, from one start to the next suspension.
#[derive(Debug)]
struct Watch {
    id: DaemonId,
    endpoint: Endpoint,
    options: Options,
    timings: Timings,
    inbox: Inbox,
    requests: Arc<Requests>,
    /// Those who listen to the bus for an action.
    ears: Ears,
    /// Every task that holds a socket.
    tasks: TaskTracker,
    /// Ends them all.
    generation: CancellationToken,
    /// What was logged before.
    history: Arc<History>,
    /// What PM2 puts around the lines of processes.
    formats: said::Formats,
    /// The last word of the daemon on the bus, until it is connected again.
    killed: watch::Sender<Option<KillNotice>>,
}

/// The bus said that the daemon was killed.
#[derive(Debug)]
struct KillNotice {
    at: Instant,
    /// PM2's message, cleaned.
    message: Box<str>,
}

impl Watch {
    fn report(&self, mut report: Report) {
        log(self.id, &report);
        if let Report::Lines(lines) = &mut report {
            self.formats.note(lines);
        }
        self.inbox.report(self.id, report);
    }

    /// Reports something malformed.
    fn warn(&self, what: &str) {
        self.report(warning(what));
    }

    /// [`Watch::warn`] for a task that outlives the borrow.
    fn warn_fn(&self) -> rpc::connection::WarnFn {
        let (inbox, id) = (self.inbox.clone(), self.id);
        Box::new(move |what| inbox.report(id, warning(what)))
    }
}

/// Tells the debug log how the two connections stand.
fn log(daemon: DaemonId, report: &Report) {
    let daemon = daemon.0;
    match report {
        Report::Connection(Connection::Down { problem, retry_in_ms }) => {
            tracing::warn!(daemon, why = problem.for_log(), retry_in_ms, "not connected");
        }
        Report::Connection(Connection::Live { serial, .. }) => {
            tracing::info!(daemon, serial, "connected");
        }
        Report::Bus(BusState::Live) => tracing::info!(daemon, "the bus is connected"),
        Report::Bus(BusState::Down(problem)) => {
            tracing::warn!(daemon, why = problem.for_log(), "the bus is not connected");
        }
        _ => {}
    }
}

fn warning(what: &str) -> Report {
    Report::Warning { text: text::clean(what).into(), count: 1 }
}

/// Watches a daemon with tasks on the current tokio runtime, until the handle is dropped.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn spawn(id: DaemonId, endpoint: Endpoint, options: Options, inbox: Inbox) -> DaemonHandle {
    spawn_with(id, endpoint, options, Timings::default(), inbox)
}

fn spawn_with(
    id: DaemonId,
    endpoint: Endpoint,
    options: Options,
    timings: Timings,
    inbox: Inbox,
) -> DaemonHandle {
    let handle = DaemonHandle {
        id,
        endpoint,
        options,
        timings,
        inbox,
        runtime: Handle::current(),
        requests: Arc::default(),
        permits: Arc::new(Semaphore::new(ACTIONS_MAX)),
        halted: Mutex::default(),
        history: Arc::default(),
        bundles: Arc::default(),
        running: Mutex::new(None),
    };
    handle.resume();
    handle
}

/// A watched daemon. Dropping it ends the watch.
#[derive(Debug)]
pub struct DaemonHandle {
    id: DaemonId,
    endpoint: Endpoint,
    options: Options,
    timings: Timings,
    inbox: Inbox,
    runtime: Handle,
    requests: Arc<Requests>,
    permits: Arc<Semaphore>,
    /// Cancelled where what has not begun is to be left undone.
    halted: Mutex<CancellationToken>,
    history: Arc<History>,
    /// Bundles that are being written.
    bundles: Arc<bundle::Unfinished>,
    /// `None` while suspended.
    running: Mutex<Option<Running>>,
}

/// The actors between a start and a suspension.
#[derive(Debug)]
struct Running {
    watch: Arc<Watch>,
    link: watch::Receiver<Link>,
}

impl DaemonHandle {
    /// Calls a method by its name. Never waits: the outcome is one [`Report::CallFinished`].
    pub fn call(&self, call: NamedCall) {
        let finish = CallFinish::new(self.inbox.clone(), self.id, call.method.clone());
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            finish.report(CallOutcome::Busy);
            return;
        };
        let running = self.lock();
        let Some(running) = running.as_ref() else {
            finish.report(CallOutcome::Failed("suspended: nothing was sent".into()));
            return;
        };
        let (watch, link) = (Arc::clone(&running.watch), running.link.clone());
        running.watch.tasks.spawn_on(
            async move {
                let generation = watch.generation.clone();
                let calling = run::run(&watch, link, call, finish);
                // A suspension drops the call; `finish` then says so.
                generation.run_until_cancelled(calling).await;
                drop(permit);
            },
            &self.runtime,
        );
    }

    /// Reads older log lines of these processes, or of all, as far as there is room for so many: one
    /// [`Report::History`] or several, the last of which says that it is. Never waits.
    pub fn older(&self, of: Vec<PmId>, reach: Reach, room: usize) {
        self.history.wish(of, reach, room);
    }

    /// Goes on reading older lines: the last [`Report::History`] was taken.
    pub fn older_on(&self) {
        self.history.go_on();
    }

    /// Ends the reading of older lines; the last [`Report::History`] still comes.
    pub fn halt_older(&self) {
        self.history.halt();
    }

    /// Triggers an action. Never waits: each process's reply is one [`Report::Replied`].
    pub fn trigger(&self, trigger: Trigger) {
        let finish = TriggerFinish::new(self.inbox.clone(), self.id, &trigger);
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return finish.refuse_all("too many actions are under way");
        };
        let running = self.lock();
        let Some(running) = running.as_ref() else {
            return finish.refuse_all("suspended");
        };
        let (watch, link) = (Arc::clone(&running.watch), running.link.clone());
        let what = (trigger.action, trigger.params);
        running.watch.tasks.spawn_on(
            async move {
                let generation = watch.generation.clone();
                let triggering = calls::trigger::run(&watch, link, what, finish);
                // A suspension drops it; `finish` then says so.
                generation.run_until_cancelled(triggering).await;
                drop(permit);
            },
            &self.runtime,
        );
    }

    /// Connects now where the daemon is down, else polls now.
    pub fn refresh(&self) {
        self.requests.reconnect.notify_one();
        self.requests.reconnect_bus.notify_one();
    }

    /// Closes the sockets and returns when they are closed, after half a second at most. Actions
    /// under way end as disconnected. A stopped program that keeps the bus open would make the God
    /// daemon queue it in its own memory.
    pub async fn suspend(&self) {
        let Some(running) = self.lock().take() else {
            return;
        };
        running.watch.tasks.close();
        running.watch.generation.cancel();
        // Later than that, the terminal matters more; the tasks end as soon as they run.
        let _ = tokio::time::timeout(SUSPEND_MAX, running.watch.tasks.wait()).await;
    }

    /// Connects again after [`DaemonHandle::suspend`]; otherwise does nothing.
    pub fn resume(&self) {
        let mut running = self.lock();
        if running.is_some() {
            return;
        }
        let watch = Arc::new(Watch {
            id: self.id,
            endpoint: self.endpoint.clone(),
            options: self.options,
            timings: self.timings,
            inbox: self.inbox.clone(),
            requests: Arc::clone(&self.requests),
            ears: Ears::default(),
            tasks: TaskTracker::new(),
            generation: CancellationToken::new(),
            history: Arc::clone(&self.history),
            formats: said::Formats::default(),
            killed: watch::Sender::new(None),
        });
        let (link, link_seen) = watch::channel(Link::Connecting);
        let shared = Arc::clone(&watch);
        watch.tasks.spawn_on(
            async move {
                let generation = &shared.generation;
                generation.run_until_cancelled(session::run(&shared, &link)).await;
            },
            &self.runtime,
        );
        let shared = Arc::clone(&watch);
        watch.tasks.spawn_on(
            async move {
                let generation = &shared.generation;
                generation.run_until_cancelled(bus::reports::run(&shared)).await;
                shared.report(Report::Bus(BusState::Connecting));
            },
            &self.runtime,
        );
        if self.options.measures_here && self.endpoint.is_local() {
            let shared = Arc::clone(&watch);
            watch.tasks.spawn_on(
                async move {
                    let generation = &shared.generation;
                    generation.run_until_cancelled(measure::run(&shared)).await;
                },
                &self.runtime,
            );
        }
        if self.endpoint.is_local() {
            let shared = Arc::clone(&watch);
            watch.tasks.spawn_on(
                async move { shared.generation.run_until_cancelled(sizes::run(&shared)).await },
                &self.runtime,
            );
        }
        let shared = Arc::clone(&watch);
        watch.tasks.spawn_on(
            async move {
                let generation = &shared.generation;
                generation.run_until_cancelled(screen::run(&shared)).await;
            },
            &self.runtime,
        );
        *running = Some(Running { watch, link: link_seen });
    }

    /// Ends the watch and returns when the sockets are closed, after half a second at most, and nothing is
    /// left of a bundle that is not finished.
    pub async fn shut_down(self) {
        let bundles = Arc::clone(&self.bundles);
        offload::look(move || bundles.remove()).await;
        self.suspend().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for DaemonHandle {
    fn drop(&mut self) {
        if let Some(running) = self.lock().take() {
            running.watch.generation.cancel();
        }
    }
}

#[cfg(test)]
mod tests;
