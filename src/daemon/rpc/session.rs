//! Keeps one daemon connected: connect, ask what it can do, poll, and begin again when it goes.
//!
//! Invariant: nothing is sent before the daemon's own list of methods is known, and afterwards only
//! what that list allows. Each change of the connection is reported.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::Backoff;
use super::connection::{CallError, Connection, WarnFn};
use super::endpoint::Endpoint;
use super::poller::{Pace, PollRequest};
use crate::daemon::clock::{now_ms, whole_ms};
use crate::daemon::{
    KillNotice, Watch, disk, ends, examine, installed, kernel, limits, measure, offload, saved_list,
};
use crate::model::daemon::{Connection as Standing, Problem};
use crate::model::report::Report;
use crate::protocol::process::{ProcessInfo, Snapshot, decode_monitor_data};
use crate::protocol::rpc::{Call, CallRefused, Methods, Outcome, Reply};
use crate::protocol::text;

/// A daemon that answered: its connection and what it can do.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) methods: Methods,
    /// The daemon's `PM2_HOME`.
    pub(in crate::daemon) home: PathBuf,
    /// The system's id of the daemon, where its processes can be looked at here: it is a process of
    /// this machine, and no other end of a forwarded socket.
    pub(crate) god: Option<u32>,
    /// The longest that a process may take to stop and start again, milliseconds; 0 until it is
    /// known.
    pub(in crate::daemon) slow_ms: AtomicU64,
}

impl Session {
    /// Keeps what calls need to know of the processes.
    pub(crate) fn remember(&self, snapshot: &Snapshot) {
        self.slow_ms.store(limits::slowest_ms(&snapshot.processes), Ordering::Relaxed);
    }
}

/// Whether there is a session, for those who want to call.
#[derive(Debug, Clone)]
pub(in crate::daemon) enum Link {
    /// A try is under way.
    Connecting,
    /// No; the sentence says why.
    Down(Arc<str>),
    /// Yes.
    Up(Arc<Session>),
}

/// The session to call in; waits for one that is just being opened.
///
/// # Errors
/// There is none: a sentence says why.
pub(in crate::daemon) async fn ready(
    mut link: watch::Receiver<Link>,
    timeout: Duration,
) -> Result<Arc<Session>, Box<str>> {
    let settled = link.wait_for(|link| !matches!(link, Link::Connecting));
    let settled = tokio::time::timeout(timeout, settled).await;
    match settled.as_ref().map(|link| link.as_deref()) {
        Ok(Ok(Link::Up(session))) => Ok(Arc::clone(session)),
        Ok(Ok(Link::Down(why))) => Err(format!("not connected, nothing was sent: {why}").into()),
        Ok(Ok(Link::Connecting) | Err(_)) | Err(_) => Err("not connected, nothing was sent".into()),
    }
}

/// Connections so far, so that each has a number of its own.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// Why polling ended.
enum End {
    /// The connection closed.
    Closed(Problem),
    /// A call of somebody else timed out: another connection is needed, the daemon may be well.
    Retired,
    /// A poll was not answered in time.
    Silent(Problem),
}

/// Connects, polls and reconnects for ever.
pub(in crate::daemon) async fn run(watch: &Watch, link: &watch::Sender<Link>) {
    let timings = &watch.timings;
    let seed = u64::from(std::process::id()) << 16 | u64::from(watch.id.0);
    let mut backoff = Backoff::new(timings.backoff_base, timings.backoff_max, seed);
    let mut killed = None;
    watch.report(Report::Connection(Standing::Connecting));
    loop {
        let problem = match connect(watch).await {
            Ok(session) => {
                watch.killed.send_replace(None);
                killed = None;
                let session = Arc::new(session);
                link.send_replace(Link::Up(Arc::clone(&session)));
                let serial = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
                watch.report(Report::Connection(Standing::Live { serial, god: session.god }));
                watch.requests.other_is_back.notify_waiters();
                let end = tokio::select! {
                    end = poll(watch, &session, &mut backoff) => end,
                    never = look_around(watch, &session) => match never {},
                };
                watch.requests.measuring.stop();
                link.send_replace(Link::Connecting);
                drop(session);
                match end {
                    End::Retired => continue,
                    End::Silent(problem) => problem,
                    End::Closed(problem) => {
                        killed = kill_notice(watch, &problem).await;
                        problem
                    }
                }
            }
            Err(problem) => problem,
        };
        let problem = explain(problem, killed.as_deref());
        link.send_replace(Link::Down(problem.sentence().into()));
        let delay = backoff.delay();
        tell_saved(watch).await;
        watch.report(Report::Connection(Standing::Down { problem, retry_in_ms: whole_ms(delay) }));
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = watch.requests.reconnect.notified() => {}
            () = watch.requests.other_is_back.notified() => {}
        }
        link.send_replace(Link::Connecting);
    }
}

/// Tells whether there is a list that can be brought back, as far as its home is on this machine.
async fn tell_saved(watch: &Watch) {
    let home = watch.endpoint.home.clone();
    if watch.endpoint.is_local()
        && let Some(Some(is_so)) = offload::look(move || saved_list::is_there(&home)).await
    {
        watch.report(Report::HasSaved(is_so));
    }
}

/// Asks the daemon once what it is, and looks at what is installed as long as it is connected.
async fn look_around(watch: &Watch, session: &Session) -> Infallible {
    let asking = session.call_by_name("getReport", vec![json!({})], watch.timings.read);
    installed::run(watch, asking.await.ok(), session.god.is_some()).await
}

/// What the daemon said on the bus before it closed, if it did: that can come a moment later than
/// the end of this connection, since the bus is another socket.
async fn kill_notice(watch: &Watch, problem: &Problem) -> Option<Box<str>> {
    if *problem != Problem::Closed {
        return None;
    }
    // Any app can publish this topic, so an old word without an end behind it means nothing.
    let is_fresh = |said: &Option<KillNotice>| {
        said.as_ref().is_some_and(|said| said.at.elapsed() < watch.timings.kill_notice_fresh)
    };
    let mut killed = watch.killed.subscribe();
    let said = async {
        tokio::select! {
            biased;
            said = killed.wait_for(is_fresh) => Some(said.ok()?.as_ref()?.message.clone()),
            // It has said all that it will ever say. Without this the bus is tried again, and what
            // comes of that is told, before it is told that the daemon is gone.
            () = watch.ears.over() => None,
        }
    };
    tokio::time::timeout(watch.timings.kill_notice, said).await.ok()?
}

/// After a deliberate end, a missing or refused socket is still that end.
fn explain(problem: Problem, killed: Option<&str>) -> Problem {
    match (problem, killed) {
        (
            Problem::Closed | Problem::SocketMissing { .. } | Problem::Refused { .. },
            Some(message),
        ) => Problem::Killed { message: message.into() },
        (problem, _) => problem,
    }
}

/// Opens a connection, asks for the methods and then for the version, which is reported.
async fn connect(watch: &Watch) -> Result<Session, Problem> {
    let opening = Session::open(
        &watch.endpoint,
        watch.options.frame_bytes_max,
        (watch.timings.handshake, watch.timings.room),
        (&watch.tasks, &watch.generation),
        watch.warn_fn(),
    );
    let mut session = opening.await?;
    let version = session.version(watch.timings.handshake).await?;
    session.methods = session.methods.of_release(version.as_deref());
    watch.report(Report::Methods(Arc::new(session.methods.clone())));
    if let Some(version) = version {
        watch.report(Report::Version(version));
    }
    Ok(session)
}

impl Session {
    /// Opens a connection and asks for the methods. Each of the two may take `timeout`; `tasks` get
    /// the tasks, which end with the generation.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        frame_bytes_max: usize,
        (timeout, room_max): (Duration, Duration),
        (tasks, generation): (&TaskTracker, &CancellationToken),
        warn: WarnFn,
    ) -> Result<Self, Problem> {
        tracing::debug!(socket = %endpoint.rpc, "connecting");
        let connecting = endpoint.connect_within(&endpoint.rpc, timeout, room_max);
        let stream = connecting
            .await
            .inspect_err(|problem| tracing::debug!(why = problem.for_log(), "no connection"))?;
        let pid = stream.peer_pid();
        let connection = Connection::open(stream, frame_bytes_max, tasks, generation, warn);
        let looking = offload::look(move || pid.filter(|pid| is_god(*pid)));
        let (reply, god) = tokio::join!(connection.methods(timeout), looking);
        let reply = reply.map_err(|error| call_problem(&connection, "methods", &error))?;
        let methods = Methods::parse(&reply)
            .map_err(|error| Problem::NotPm2 { reason: text::clean(&error.to_string()).into() })?;
        Ok(Self {
            connection,
            methods,
            home: endpoint.home.clone(),
            god: god.flatten(),
            slow_ms: AtomicU64::new(0),
        })
    }

    /// Asks for the version; a daemon that does not tell it can still be watched.
    async fn version(&self, timeout: Duration) -> Result<Option<Box<str>>, Problem> {
        let Ok(call) = self.methods.check(&Call::GetVersion) else {
            return Ok(None);
        };
        let asking = self.connection.call(&call, timeout).await;
        let reply = asking.map_err(|error| call_problem(&self.connection, "getVersion", &error))?;
        Ok(version(&reply).map(|version| text::clean(&version).into()))
    }
}

/// Whether this process of this machine is a God daemon; it gives itself that title
/// (`lib/Daemon.js`).
fn is_god(pid: u32) -> bool {
    let title = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&title).contains("God Daemon")
}

fn version(reply: &Reply) -> Option<String> {
    match reply.outcome() {
        Ok(Outcome::Success(values)) => Some(values.first()?.as_str()?.to_owned()),
        _ => None,
    }
}

fn call_problem(connection: &Connection, method: &str, error: &CallError) -> Problem {
    match error {
        CallError::Closed => connection.ended().unwrap_or(Problem::Closed),
        CallError::TimedOut { .. } | CallError::Busy => Problem::Silent { method: method.into() },
    }
}

/// Polls until the connection is of no more use.
async fn poll(watch: &Watch, session: &Session, backoff: &mut Backoff) -> End {
    let call = match session.methods.check(&Call::GetMonitorData) {
        Ok(call) => call,
        Err(refused) => return cannot_poll(watch, session, &refused).await,
    };
    let mut disks = disk::Looks::new();
    let mut lists = saved_list::Looks::new();
    let mut ended = ends::Looks::default();
    loop {
        let started = Instant::now();
        let polling = session.connection.call(&call, watch.timings.read);
        let reply = tokio::select! {
            reply = polling => reply,
            () = session.connection.retired_for(watch.timings.last_poll) => return End::Retired,
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(CallError::Closed) => {
                return End::Closed(session.connection.ended().unwrap_or(Problem::Closed));
            }
            Err(CallError::TimedOut { .. } | CallError::Busy) => {
                return End::Silent(Problem::Silent { method: call.method().into() });
            }
        };
        let took = started.elapsed();
        let mut pace = Pace::new(Instant::now(), took, interval(watch));
        backoff.reset();
        if let Some(kills) = kernel::oom_kills(watch.endpoint.is_local()).await {
            watch.report(Report::OomKills(kills));
        }
        let infos = report_snapshot(watch, session, &reply, (took, pace.pause()));
        if let Some(infos) = &infos {
            disks.look(watch, infos);
            let is_owed = session.god.is_some() && lists.look(watch, &reply, infos);
            watch.history.processes(infos);
            watch.formats.know(infos);
            if !is_owed && is_told(watch) {
                pace = pace.quiet(infos.len());
            }
        }
        if let Some(infos) = infos.filter(|_| watch.endpoint.is_local()) {
            ended.look(watch, infos);
        }
        // Of a thousand processes it has 10 MB, which nobody needs while nothing is asked.
        drop(reply);
        if let Some(end) = rest(watch, session, pace).await {
            return end;
        }
    }
}

/// The pause between polls: long while nothing waits for them.
fn interval(watch: &Watch) -> Duration {
    let interval = watch.options.interval;
    if is_told(watch) { interval.max(measure::POLL_INTERVAL) } else { interval }
}

/// Whether all is measured here and the bus tells of changes, and no details are open, which have more
/// of the reply.
fn is_told(watch: &Watch) -> bool {
    let requests = &watch.requests;
    requests.measuring.is_complete() && watch.ears.is_connected() && !requests.examining.is_open()
}

/// Decodes and reports a poll's reply; returns the processes where `is_looked_at`.
fn report_snapshot(
    watch: &Watch,
    session: &Session,
    reply: &Reply,
    (took, pause): (Duration, Duration),
) -> Option<Vec<ProcessInfo>> {
    match decode_monitor_data(reply.body()) {
        Ok(mut snapshot) => {
            if !snapshot.warnings.is_empty() {
                tracing::warn!(count = snapshot.warnings.len(), "processes that cannot be read");
            }
            for warning in std::mem::take(&mut snapshot.warnings) {
                watch.warn(&warning);
            }
            session.remember(&snapshot);
            let infos = snapshot.processes.clone();
            watch.report(Report::Snapshot {
                at_ms: now_ms(),
                took_ms: whole_ms(took),
                interval_ms: whole_ms(pause),
                snapshot,
            });
            watch.requests.measuring.set(session.god, &infos);
            examine::take(watch, session.god, reply, &infos);
            Some(infos)
        }
        Err(error) => {
            let method = Call::GetMonitorData.method();
            tracing::warn!(method, bytes = reply.body().len(), "a reply that cannot be read");
            watch.warn(&format!("{method}: {error}"));
            None
        }
    }
}

/// Waits for the next poll; says so when the connection ends before.
async fn rest(watch: &Watch, session: &Session, pace: Pace) -> Option<End> {
    let mut request: Option<PollRequest> = None;
    loop {
        tokio::select! {
            problem = session.connection.spent() => {
                return Some(problem.map_or(End::Retired, End::Closed));
            }
            () = watch.requests.change.notified() => request = request.max(Some(PollRequest::Change)),
            () = watch.requests.reconnect.notified() => request = Some(PollRequest::User),
            () = tokio::time::sleep_until(pace.due(request)) => return None,
        }
    }
}

/// A daemon without the one call that all hangs on: says so and waits for it to go.
async fn cannot_poll(watch: &Watch, session: &Session, refused: &CallRefused) -> End {
    watch.warn(&refused.to_string());
    session.connection.spent().await.map_or(End::Retired, End::Closed)
}
