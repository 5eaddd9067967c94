//! The clients: reads their requests, and writes what waits for them.
//!
//! Invariant: nothing waits for a client without a bound. One that does not read its replies or
//! its bus is cut off, and no other client notices.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::codec::FramedRead;
use tokio_util::sync::CancellationToken;

use super::calls::Request;
use super::command::Command;
use super::peer::{Outgoing, ReplyTo, RpcConnection, RpcConnections, Subscriber};
use super::shared::Shared;
use crate::protocol::amp::{AmpCodec, AmpError};

/// Replies that may wait for one connection that does not read.
const REPLIES_MAX: usize = 4096;
/// The pause after an accept that failed, for want of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
        let subscriber = Arc::new(Subscriber::new(token.child_token()));
        shared.subscribe(&subscriber);
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
    shared.record.rpc_opened();
    tokio::select! {
        () = token.cancelled() => {}
        () = read_requests(from, &connection, &shared, &commands) => {}
        () = write_replies(to, outgoing) => {}
    }
    token.cancel();
    let number = connection.number;
    connections.lock().retain(|other| other.number != number);
    shared.record.rpc_closed();
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
        let fault = shared.record.take_fault(method);
        shared.record.called(method, args);
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
    let mut held: Vec<Bytes> = Vec::new();
    while let Some(next) = outgoing.recv().await {
        match next {
            #[cfg(feature = "testing")]
            Outgoing::Close => return,
            #[cfg(feature = "testing")]
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
        () = pump(&subscriber, to, &shared) => {}
    }
    shared.unsubscribe(&subscriber);
}

/// Writes what waits until told to close or the peer is gone.
async fn pump(subscriber: &Subscriber, mut to: OwnedWriteHalf, shared: &Shared) {
    loop {
        match subscriber.next() {
            (Some(chunk), _) => {
                if to.write_all(&chunk).await.is_err() {
                    return;
                }
                subscriber.written(chunk.len());
                shared.record.taken();
            }
            (None, true) => return,
            (None, false) => subscriber.filled.notified().await,
        }
    }
}

/// A subscriber has nothing to say; whatever it says is read, so that its end is seen.
async fn read_to_end(mut from: OwnedReadHalf) {
    let mut ignored = [0; 1024];
    while matches!(from.read(&mut ignored).await, Ok(1..)) {}
}
