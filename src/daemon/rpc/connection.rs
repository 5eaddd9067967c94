//! One connection to a daemon's RPC socket: calls in flight by id, replies in any order.
//!
//! Invariant: every call ends: with its reply, at its timeout, or at once when the connection
//! closes. Only checked calls are written. Writing never holds up reading: each has its own task.
//! The socket closes when the last [`Connection`] is dropped or the generation is cancelled.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::codec::{FramedRead, FramedWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::socket::{Halves, Stream};
use crate::daemon::clock::whole_ms;
use crate::model::daemon::Problem;
use crate::protocol::amp::{AmpCodec, AmpError, Frame};
use crate::protocol::rpc::{self, CheckedCall, Reply, RequestId};
use crate::protocol::text;

/// The most calls in flight on one connection.
pub(crate) const CALLS_MAX: usize = 64;
/// How much one read of a socket takes at most while no frame needs more, bytes.
pub(crate) const READ_BYTES: usize = 64 * 1024;

/// Counts calls over all connections of the program, so that a late reply to an older connection's
/// call can never look like an answer to a newer one's.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Why a call has no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The connection closed first, or was closed already.
    Closed,
    /// No reply in time. The connection is retired: old daemons answer nothing more on it.
    TimedOut {
        /// How long was waited, milliseconds.
        waited_ms: u64,
    },
    /// [`CALLS_MAX`] calls are in flight; nothing was sent.
    Busy,
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Frame>,
    /// Ends both tasks; cancelled by them too when the socket ends.
    closed: CancellationToken,
    retired: CancellationToken,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    in_flight: HashMap<RequestId, oneshot::Sender<Reply>>,
    /// Why the connection ended; no call is taken after that.
    ended: Option<Problem>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection: all calls in flight fail at once. The first reason stays.
    fn end(&self, problem: Problem) {
        let mut state = self.lock();
        state.ended.get_or_insert(problem);
        state.in_flight.clear();
    }
}

/// What is not a reply but came where replies come.
pub(crate) type WarnFn = Box<dyn Fn(&str) + Send + Sync>;

impl Connection {
    /// Serves this socket with two tasks of `tasks`, until `generation` is cancelled.
    pub(crate) fn open(
        stream: Stream,
        frame_bytes_max: usize,
        tasks: &TaskTracker,
        generation: &CancellationToken,
        warn: WarnFn,
    ) -> Self {
        let Halves { read, write } = stream.split();
        let codec = move || AmpCodec::new(frame_bytes_max);
        let (requests, queue) = mpsc::channel(CALLS_MAX);
        let connection = Self {
            shared: Arc::default(),
            requests,
            closed: generation.child_token(),
            retired: CancellationToken::new(),
        };
        let (shared, closed) = (Arc::clone(&connection.shared), connection.closed.clone());
        tasks.spawn(async move {
            let frames = FramedRead::with_capacity(read, codec(), READ_BYTES);
            let ended = closed.run_until_cancelled(read_replies(frames, &shared, &warn));
            let problem = ended.await;
            let why = problem.as_ref().map_or_else(|| "closed here".to_owned(), Problem::for_log);
            tracing::debug!(why, "a connection ended");
            shared.end(problem.unwrap_or(Problem::Closed));
            closed.cancel();
        });
        let closed = connection.closed.clone();
        tasks.spawn(async move {
            let frames = FramedWrite::new(write, codec());
            // A failed write ends the connection; the reader, which sees the same, says why.
            let ended = closed.run_until_cancelled(write_requests(frames, queue));
            if ended.await.is_some() {
                closed.cancel();
            }
        });
        connection
    }

    /// Sends a call and waits for its reply.
    ///
    /// # Errors
    /// [`CallError`]; after [`CallError::TimedOut`] the connection is retired.
    pub(crate) async fn call(
        &self,
        call: &CheckedCall,
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        let id = next_id();
        self.exchange(call.method(), rpc::request_frame(call, &id), id, timeout).await
    }

    /// Asks which methods the daemon has.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub(crate) async fn methods(&self, timeout: Duration) -> Result<Reply, CallError> {
        let id = next_id();
        self.exchange("methods", rpc::methods_frame(&id), id, timeout).await
    }

    async fn exchange(
        &self,
        method: &str,
        frame: Frame,
        id: RequestId,
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        let started = Instant::now();
        let result = self.send(frame, id, timeout).await;
        let took_ms = whole_ms(started.elapsed());
        match &result {
            Ok(reply) => tracing::debug!(method, took_ms, bytes = reply.body().len(), "answered"),
            Err(CallError::Closed) => tracing::warn!(method, took_ms, "closed before an answer"),
            Err(CallError::TimedOut { .. }) => tracing::warn!(method, took_ms, "no answer in time"),
            Err(CallError::Busy) => tracing::warn!(method, "not sent: too many calls under way"),
        }
        result
    }

    async fn send(
        &self,
        frame: Frame,
        id: RequestId,
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        let reply = {
            let mut state = self.shared.lock();
            if state.ended.is_some() {
                return Err(CallError::Closed);
            }
            if state.in_flight.len() >= CALLS_MAX {
                return Err(CallError::Busy);
            }
            let (answer, reply) = oneshot::channel();
            state.in_flight.insert(id.clone(), answer);
            reply
        };
        // Whatever way this call ends, also when its caller is dropped, its entry goes.
        let _entry = Entry { shared: &self.shared, id };
        match self.requests.try_send(frame) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(CallError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(CallError::Closed),
        }
        match tokio::time::timeout(timeout, reply).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(CallError::Closed),
            Err(_) => {
                self.retired.cancel();
                Err(CallError::TimedOut { waited_ms: whole_ms(timeout) })
            }
        }
    }

    /// Returns when the connection is of no more use for new calls: it closed ([`Some`] says why)
    /// or a call on it timed out ([`None`]). Cancel-safe.
    pub(crate) async fn spent(&self) -> Option<Problem> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Some(self.ended().unwrap_or(Problem::Closed)),
            () = self.retired.cancelled() => None,
        }
    }

    /// Returns when a call timed out here that long ago. Cancel-safe.
    pub(crate) async fn retired_for(&self, duration: Duration) {
        self.retired.cancelled().await;
        tokio::time::sleep(duration).await;
    }

    /// Whether a call timed out here, so that new calls want another connection.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.is_cancelled()
    }

    /// Why the connection ended, if it did.
    pub(crate) fn ended(&self) -> Option<Problem> {
        self.shared.lock().ended.clone()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

/// Takes a call out of the in-flight table when it ends.
struct Entry<'a> {
    shared: &'a Shared,
    id: RequestId,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.shared.lock().in_flight.remove(&self.id);
    }
}

fn next_id() -> RequestId {
    RequestId::new(std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed))
}

/// Hands replies to their calls until the socket ends, and says why it did.
async fn read_replies(
    mut frames: FramedRead<impl AsyncRead + Unpin, AmpCodec>,
    shared: &Shared,
    warn: &WarnFn,
) -> Problem {
    while let Some(frame) = frames.next().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                let problem = stream_problem(&error);
                if problem != Problem::Closed {
                    tracing::warn!(%error, "what came is not AMP");
                    warn(&error.to_string());
                }
                return problem;
            }
        };
        match Reply::parse(&frame) {
            // A reply that nobody waits for answers a call that timed out: nothing to do.
            Ok(reply) => {
                let waiting = shared.lock().in_flight.remove(reply.id());
                if let Some(answer) = waiting {
                    // The caller may have given up just now.
                    let _ = answer.send(reply);
                }
            }
            Err(error) => {
                tracing::warn!("a frame that is not a reply");
                warn(&error.to_string());
            }
        }
    }
    Problem::Closed
}

async fn write_requests(
    mut frames: FramedWrite<impl AsyncWrite + Unpin, AmpCodec>,
    mut queue: mpsc::Receiver<Frame>,
) {
    while let Some(frame) = queue.recv().await {
        if frames.send(frame).await.is_err() {
            return;
        }
    }
}

/// The most that a message of PM2's can have: `--frame-mib` accepts no more, and a text of JavaScript's
/// holds no more.
const FRAME_BYTES_EVER: usize = 2 << 30;

/// What the end of a stream means: an end of the socket is a closed connection, also in the middle
/// of a frame; bytes that are no AMP are another matter.
pub(crate) fn stream_problem(error: &AmpError) -> Problem {
    match error {
        AmpError::Io(_) => Problem::Closed,
        // What announces more than can ever be accepted is rather something else than PM2.
        AmpError::FrameTooLarge { bytes, max } if *bytes <= FRAME_BYTES_EVER => {
            Problem::TooLarge { bytes: *bytes as u64, max: *max as u64 }
        }
        other => Problem::NotPm2 { reason: text::clean(&other.to_string()).into() },
    }
}
