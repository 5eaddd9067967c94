//! The connection of a client: calls that were checked, and another connection where one wedged.
//!
//! Invariant: a call that timed out retires its connection, since old daemons answer nothing more
//! on it (PM2.md section 1); the next call gets a new one, to the same daemon or to none.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{ClientError, ClientOptions};
use crate::daemon::Endpoint;
use crate::daemon::connection::CallError;
use crate::daemon::session::Session;
use crate::protocol::process::{ProcessInfo, Snapshot, decode_monitor_data};
use crate::protocol::rpc::{Call, CheckedCall, Methods, Outcome, Reply};

/// How long [`Link::close`] waits for the socket to be closed.
const CLOSE_MAX: Duration = Duration::from_millis(500);
/// What `kill_timeout` and `listen_timeout` are together where a process has none of its own
/// (PM2's `constants.js`).
const SLOW_DEFAULT_MS: u64 = 1_600 + 3_000;

/// What the clones of a client share.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) endpoint: Endpoint,
    pub(super) options: ClientOptions,
    pub(super) methods: Methods,
    session: Mutex<Arc<Session>>,
    /// Held while another connection is being made.
    renewing: tokio::sync::Mutex<()>,
    /// Held while the daemon opens its log files again.
    pub(super) reloading_logs: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    generation: CancellationToken,
    /// The longest that a process may take to stop and start again, milliseconds; 0 until a
    /// snapshot was taken.
    slow_ms: AtomicU64,
}

/// All processes, once as PM2 says it and once typed; in PM2's order.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) raw: Vec<Json>,
    pub(super) infos: Vec<ProcessInfo>,
}

impl Listing {
    /// What PM2 says of a process.
    pub(super) fn raw_of(&self, info: &ProcessInfo) -> Option<&Json> {
        let id = u64::from(info.pm_id.0);
        self.raw.iter().find(|raw| raw.get("pm_id").and_then(Json::as_u64) == Some(id))
    }
}

impl Link {
    pub(super) async fn open(
        endpoint: &Endpoint,
        options: ClientOptions,
    ) -> Result<Self, ClientError> {
        let (tasks, generation) = (TaskTracker::new(), CancellationToken::new());
        let opening = Session::open(
            endpoint,
            options.frame_bytes_max,
            options.timeout,
            (&tasks, &generation),
            Box::new(|_| {}),
        );
        let session = opening.await.map_err(ClientError::from_problem)?;
        Ok(Self {
            endpoint: endpoint.clone(),
            options,
            methods: session.methods.clone(),
            session: Mutex::new(Arc::new(session)),
            renewing: tokio::sync::Mutex::new(()),
            reloading_logs: tokio::sync::Mutex::new(()),
            tasks,
            generation,
            slow_ms: AtomicU64::new(0),
        })
    }

    /// The session to call in.
    pub(super) async fn session(&self) -> Result<Arc<Session>, ClientError> {
        let current = self.current();
        if !current.connection.is_retired() {
            return Ok(current);
        }
        let _one_at_a_time = self.renewing.lock().await;
        let current = self.current();
        if !current.connection.is_retired() || self.generation.is_cancelled() {
            return Ok(current);
        }
        let opening = Session::open(
            &self.endpoint,
            self.options.frame_bytes_max,
            self.options.timeout,
            (&self.tasks, &self.generation),
            Box::new(|_| {}),
        );
        let session = opening.await.map_err(ClientError::from_problem)?;
        if session.methods != self.methods {
            // Another daemon: what was checked against the old one may not fit it.
            return Err(ClientError::Closed);
        }
        let session = Arc::new(session);
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&session);
        Ok(session)
    }

    fn current(&self) -> Arc<Session> {
        Arc::clone(&self.session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends a call and gives the first value of its reply; null where it has none.
    pub(super) async fn send(
        &self,
        call: &CheckedCall,
        timeout: Duration,
    ) -> Result<Json, ClientError> {
        let reply = self.exchange(call, timeout).await?;
        first_value(call.method(), &reply)
    }

    async fn exchange(&self, call: &CheckedCall, timeout: Duration) -> Result<Reply, ClientError> {
        let session = self.session().await?;
        let method = || call.method().to_owned();
        session.connection.call(call, timeout).await.map_err(|error| match error {
            CallError::Closed => ClientError::Closed,
            CallError::TimedOut { .. } => {
                ClientError::Timeout { method: method(), waited: timeout }
            }
            CallError::Busy => ClientError::Busy { method: method() },
        })
    }

    /// Asks for all processes, and gives the reply, too.
    pub(super) async fn ask_processes(&self) -> Result<(Reply, Snapshot), ClientError> {
        let call = self.methods.check(&Call::GetMonitorData)?;
        let reply = self.exchange(&call, self.options.timeout).await?;
        let snapshot = match decode_monitor_data(reply.body()) {
            Ok(snapshot) => snapshot,
            // Where the daemon refused, its own words.
            Err(error) => {
                first_value(call.method(), &reply)?;
                return Err(bad_reply(call.method(), &error.to_string()));
            }
        };
        self.session().await?.remember_ghosts(&snapshot);
        let slow = |info: &ProcessInfo| {
            info.kill_timeout_ms.unwrap_or(0).saturating_add(info.listen_timeout_ms.unwrap_or(0))
        };
        let slowest = snapshot.processes.iter().map(slow).max().unwrap_or(0);
        self.slow_ms.store(slowest.saturating_add(SLOW_DEFAULT_MS), Ordering::Relaxed);
        Ok((reply, snapshot))
    }

    /// Asks for all processes, for those who need them raw, too.
    pub(super) async fn listing(&self) -> Result<Listing, ClientError> {
        let (reply, snapshot) = self.ask_processes().await?;
        let method = Call::GetMonitorData.method();
        let Json::Array(raw) = first_value(method, &reply)? else {
            return Err(bad_reply(method, "it is no list of processes"));
        };
        Ok(Listing { raw, infos: snapshot.processes })
    }

    /// The longest that a process may take to stop and start again.
    pub(super) async fn slowest(&self) -> Result<Duration, ClientError> {
        if self.slow_ms.load(Ordering::Relaxed) == 0 {
            self.ask_processes().await?;
        }
        Ok(Duration::from_millis(self.slow_ms.load(Ordering::Relaxed)))
    }

    /// Closes the connection; every call under way ends as closed.
    pub(super) async fn close(&self) {
        self.tasks.close();
        self.generation.cancel();
        // The tasks end as soon as they run; nothing hangs on seeing it.
        let _ = tokio::time::timeout(CLOSE_MAX, self.tasks.wait()).await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.generation.cancel();
    }
}

pub(super) fn bad_reply(method: &str, reason: &str) -> ClientError {
    ClientError::BadReply { method: method.to_owned(), reason: reason.to_owned() }
}

/// The first value of a reply. An envelope of a shape that was never seen is its own value.
fn first_value(method: &str, reply: &Reply) -> Result<Json, ClientError> {
    match reply.outcome().map_err(|error| bad_reply(method, &error.to_string()))? {
        Outcome::Success(values) => Ok(values.into_iter().next().unwrap_or_default()),
        Outcome::Failure { message, stack } => match serde_json::from_slice(reply.body()) {
            Ok(Json::Object(fields))
                if !fields.is_empty()
                    && !fields.contains_key("error")
                    && !fields.get("args").is_some_and(Json::is_array) =>
            {
                Ok(Json::Object(fields))
            }
            _ => Err(ClientError::Daemon { message, stack }),
        },
    }
}
