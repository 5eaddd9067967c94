//! What the tasks of the simulated daemon share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::peer::Subscriber;
use super::script::Record;

/// The bytes that wait for one bus subscriber before it is dropped.
pub(super) const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What they share.
#[derive(Debug)]
pub(super) struct Shared {
    subscribers: Mutex<Vec<Arc<Subscriber>>>,
    queue_bytes_max: usize,
    next_number: AtomicU64,
    /// What goes wrong, and what was counted.
    pub(super) record: Record,
}

impl Shared {
    pub(super) fn new(record: Record, queue_bytes_max: usize) -> Self {
        let next_number = AtomicU64::new(1);
        Self { subscribers: Mutex::default(), queue_bytes_max, next_number, record }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Subscriber>>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn subscribers(&self) -> Vec<Arc<Subscriber>> {
        self.lock().clone()
    }

    pub(super) fn subscribe(&self, subscriber: &Arc<Subscriber>) {
        self.lock().push(Arc::clone(subscriber));
        self.record.bus_opened();
    }

    pub(super) fn unsubscribe(&self, subscriber: &Arc<Subscriber>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, subscriber));
        self.record.bus_closed();
    }

    /// Sends to a subscriber; one that does not read is dropped.
    pub(super) fn push(&self, subscriber: &Subscriber, chunk: Bytes) {
        let bytes = subscriber.push(chunk);
        let is_over = bytes > self.queue_bytes_max;
        self.record.queued(bytes, is_over && !subscriber.token.is_cancelled());
        if is_over {
            subscriber.token.cancel();
        }
    }
}
