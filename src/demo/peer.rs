//! The two kinds of connections, as the world's task sees them: what is to be written waits here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::script::Fault;

/// The open connections on `rpc.sock`.
#[derive(Debug, Clone, Default)]
pub(super) struct RpcConnections(Arc<Mutex<Vec<RpcConnection>>>);

impl RpcConnections {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<RpcConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "testing")]
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
    pub(super) number: u64,
    pub(super) replies: mpsc::Sender<Outgoing>,
    pub(super) token: CancellationToken,
}

/// What is written to such a connection.
#[derive(Debug)]
pub(super) enum Outgoing {
    Now(Bytes),
    /// Goes out after the next one.
    #[cfg(feature = "testing")]
    Held(Bytes),
    #[cfg(feature = "testing")]
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
    pub(super) filled: Notify,
    pub(super) token: CancellationToken,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    is_closing: bool,
}

impl Subscriber {
    pub(super) fn new(token: CancellationToken) -> Self {
        Self { queue: Mutex::default(), filled: Notify::new(), token }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes not yet taken by the kernel.
    #[cfg(feature = "testing")]
    pub(super) fn queued_bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Adds to what waits, and gives how many bytes that are now.
    pub(super) fn push(&self, chunk: Bytes) -> usize {
        let bytes = {
            let mut queue = self.lock();
            queue.bytes += chunk.len();
            queue.chunks.push_back(chunk);
            queue.bytes
        };
        self.filled.notify_one();
        bytes
    }

    /// Takes the next chunk; whether it ends behind the last one.
    pub(super) fn next(&self) -> (Option<Bytes>, bool) {
        let mut queue = self.lock();
        (queue.chunks.pop_front(), queue.is_closing)
    }

    /// So many bytes were written.
    pub(super) fn written(&self, bytes: usize) {
        self.lock().bytes -= bytes;
    }

    #[cfg(feature = "testing")]
    pub(super) fn close(&self) {
        self.lock().is_closing = true;
        self.filled.notify_one();
    }
}
