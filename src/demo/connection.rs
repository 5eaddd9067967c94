//! The clients: reads their requests, and writes what waits for them.
//!
//! Invariant: nothing waits for a client without a bound. One that does not read its replies or
//! its bus is cut off, and no other client notices.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use tokio_util::codec::FramedRead;
use tokio_util::sync::CancellationToken;

use super::calls::Request;
use super::damage::bus_frame;
use super::script::{Fault, Shared};
use super::server::Command;
use super::wire;
use super::world::Proc;
use crate::protocol::amp::{AmpCodec, AmpError};

/// Replies that may wait for one connection that does not read.
const REPLIES_MAX: usize = 4096;
/// What a flood keeps waiting at most for the quickest subscriber.
const FLOOD_AHEAD_BYTES: usize = 1024 * 1024;
/// One pipe read of God (docs/pm2.md section 5).
const CHUNK_BYTES: usize = 65_536;
/// The pause after an accept that failed, for want of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The open connections on `rpc.sock`.
#[derive(Debug, Clone, Default)]
pub(super) struct RpcConnections(Arc<Mutex<Vec<RpcConnection>>>);

impl RpcConnections {
    fn lock(&self) -> MutexGuard<'_, Vec<RpcConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Vec<RpcConnection> {
        self.lock().clone()
    }
}

/// Where a reply goes, and what happens to it on the way.
#[derive(Debug)]
pub(super) struct ReplyTo {
    pub(super) connection: RpcConnection,
    pub(super) id: Bytes,
    pub(super) fault: Option<Fault>,
}

/// The writing side of a connection on `rpc.sock`.
#[derive(Debug, Clone)]
pub(super) struct RpcConnection {
    number: u64,
    replies: mpsc::Sender<Outgoing>,
    pub(super) token: CancellationToken,
}

#[derive(Debug)]
/// What is written to such a connection.
pub(super) enum Outgoing {
    Now(Bytes),
    /// Goes out after the next one.
    Held(Bytes),
    Close,
}

impl RpcConnection {
    pub(super) fn send(&self, outgoing: Outgoing) {
        if self.replies.try_send(outgoing).is_err() {
            self.token.cancel();
        }
    }
}

/// One connection on `pub.sock` and what waits for it.
#[derive(Debug)]
pub(super) struct Subscriber {
    queue: Mutex<Queue>,
    filled: Notify,
    token: CancellationToken,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    is_closing: bool,
}

impl Subscriber {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes not yet taken by the kernel.
    pub(super) fn queued_bytes(&self) -> usize {
        self.lock().bytes
    }

    pub(super) fn push(&self, chunk: Bytes, shared: &Shared) {
        let bytes = {
            let mut queue = self.lock();
            queue.bytes += chunk.len();
            queue.chunks.push_back(chunk);
            queue.bytes
        };
        let is_over = bytes > shared.queue_bytes_max;
        shared.change(|state| {
            let peak = &mut state.counters.bus_queued_bytes_peak;
            *peak = (*peak).max(bytes);
            state.counters.bus_overflows += u64::from(is_over && !self.token.is_cancelled());
        });
        if is_over {
            self.token.cancel();
        }
        self.filled.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().is_closing = true;
        self.filled.notify_one();
    }

    /// Writes what waits until told to close or the peer is gone.
    async fn pump(&self, mut to: OwnedWriteHalf, shared: &Shared) {
        loop {
            let (next, is_closing) = {
                let mut queue = self.lock();
                (queue.chunks.pop_front(), queue.is_closing)
            };
            match next {
                Some(chunk) => {
                    if to.write_all(&chunk).await.is_err() {
                        return;
                    }
                    self.lock().bytes -= chunk.len();
                    shared.drained.notify_waiters();
                    shared.change(|_| ());
                }
                None if is_closing => return,
                None => self.filled.notified().await,
            }
        }
    }
}

/// Accepts on `rpc.sock` until the token is cancelled.
pub(super) async fn accept_rpc(
    listener: UnixListener,
    token: CancellationToken,
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    connections: RpcConnections,
) {
    while let Some(stream) = accept(&listener, &token).await {
        tokio::spawn(serve_rpc(
            stream,
            token.child_token(),
            Arc::clone(&shared),
            commands.clone(),
            connections.clone(),
        ));
    }
}

/// Accepts on `pub.sock` until the token is cancelled.
pub(super) async fn accept_bus(
    listener: UnixListener,
    token: CancellationToken,
    shared: Arc<Shared>,
) {
    while let Some(stream) = accept(&listener, &token).await {
        // Counted before the next message is published, so that it misses none from here on.
        let subscriber = Arc::new(Subscriber {
            queue: Mutex::default(),
            filled: Notify::new(),
            token: token.child_token(),
        });
        shared.change(|state| {
            state.counters.bus_connections_total += 1;
            state.subscribers.push(Arc::clone(&subscriber));
        });
        tokio::spawn(serve_bus(stream, subscriber, Arc::clone(&shared)));
    }
}

async fn accept(listener: &UnixListener, token: &CancellationToken) -> Option<UnixStream> {
    loop {
        tokio::select! {
            () = token.cancelled() => return None,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => return Some(stream),
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
}

async fn serve_rpc(
    stream: UnixStream,
    token: CancellationToken,
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    connections: RpcConnections,
) {
    let (from, to) = stream.into_split();
    let (replies, outgoing) = mpsc::channel(REPLIES_MAX);
    let connection = RpcConnection { number: shared.number(), replies, token: token.clone() };
    connections.lock().push(connection.clone());
    shared.change(|state| {
        state.counters.rpc_connections += 1;
        state.counters.rpc_connections_total += 1;
    });
    tokio::select! {
        () = token.cancelled() => {}
        () = read_requests(from, &connection, &shared, &commands) => {}
        () = write_replies(to, outgoing) => {}
    }
    token.cancel();
    let number = connection.number;
    connections.lock().retain(|other| other.number != number);
    shared.change(|state| state.counters.rpc_connections -= 1);
}

/// Ends when the client closed or the world is gone.
async fn read_requests(
    from: OwnedReadHalf,
    connection: &RpcConnection,
    shared: &Shared,
    commands: &mpsc::Sender<Command>,
) {
    let mut frames = FramedRead::new(from, AmpCodec::default());
    while let Some(frame) = frames.next().await {
        let (request, id) = match frame {
            Ok(frame) => {
                let id = frame.args().last().cloned().unwrap_or_default();
                (Request::read(frame.args()), id)
            }
            // A client that went away, in the middle of a frame perhaps.
            Err(AmpError::Io(_)) => return,
            // What God makes of a stream that is no AMP is not known; it is no client of ours.
            Err(_) => (Request::Fatal, Bytes::new()),
        };
        let (method, args) = match &request {
            Request::Call { method, args } => (method.as_str(), json!(args)),
            Request::Methods => ("methods", json!([])),
            Request::Refused(_) | Request::Ignored | Request::Fatal => ("", json!([])),
        };
        let fault = shared.take_fault(method);
        shared.record(method, args);
        let is_fatal = request == Request::Fatal;
        let to = ReplyTo { connection: connection.clone(), id, fault };
        let sent = commands.send(Command::Request { request, to }).await;
        if sent.is_err() || is_fatal {
            // A fatal one ends every connection from the world's side.
            connection.token.cancelled().await;
            return;
        }
    }
}

/// Ends when told to close or the client is gone.
async fn write_replies(mut to: OwnedWriteHalf, mut outgoing: mpsc::Receiver<Outgoing>) {
    let mut held = Vec::new();
    while let Some(next) = outgoing.recv().await {
        match next {
            Outgoing::Close => return,
            Outgoing::Held(frame) => held.push(frame),
            Outgoing::Now(frame) => {
                if to.write_all(&frame).await.is_err() {
                    return;
                }
                for frame in held.drain(..) {
                    if to.write_all(&frame).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn serve_bus(stream: UnixStream, subscriber: Arc<Subscriber>, shared: Arc<Shared>) {
    let (from, to) = stream.into_split();
    tokio::select! {
        () = subscriber.token.cancelled() => {}
        () = read_to_end(from) => {}
        () = subscriber.pump(to, &shared) => {}
    }
    shared.change(|state| {
        let subscribers = &mut state.subscribers;
        subscribers.retain(|other| !Arc::ptr_eq(other, &subscriber));
    });
    shared.drained.notify_waiters();
}

/// A subscriber has nothing to say; whatever it says is read, so that its end is seen.
async fn read_to_end(mut from: OwnedReadHalf) {
    let mut ignored = [0; 1024];
    while matches!(from.read(&mut ignored).await, Ok(1..)) {}
}

/// See [`super::script::ScriptHandle::flood`].
pub(super) async fn flood(proc: Proc, lines: u64, at_ms: i64, shared: &Shared) {
    let mut text = String::new();
    for number in 1..=lines {
        let line = format!("flood {number:>9} of {lines:>9} ");
        text.push_str(&line);
        text.extend(std::iter::repeat_n('.', 91 - line.len().min(91)));
        text.push('\n');
        if text.len() >= CHUNK_BYTES || number == lines {
            // ASCII only, so that any place is a place to cut.
            let rest = text.split_off(text.len().min(CHUNK_BYTES));
            send_chunk(&proc, &text, at_ms, shared).await;
            text = rest;
        }
    }
    if !text.is_empty() {
        send_chunk(&proc, &text, at_ms, shared).await;
    }
    shared.change(|state| state.counters.floods_done += 1);
}

async fn send_chunk(proc: &Proc, data: &str, at_ms: i64, shared: &Shared) {
    let frame = bus_frame("log:out", &wire::log(proc, data, at_ms));
    loop {
        let drained = shared.drained.notified();
        tokio::pin!(drained);
        drained.as_mut().enable();
        let subscribers = shared.subscribers();
        let quickest = subscribers.iter().map(|one| one.queued_bytes()).min();
        if quickest.is_none_or(|waiting| waiting < FLOOD_AHEAD_BYTES) {
            for subscriber in subscribers {
                subscriber.push(frame.clone(), shared);
            }
            break;
        }
        drained.await;
    }
    tokio::task::yield_now().await;
}
