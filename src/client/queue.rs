//! What the bus said and nobody took yet.
//!
//! Invariant: pushing never waits and never grows the queue beyond its bounds: the oldest events
//! go, and are counted.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::bus::Message;
use crate::model::daemon::Problem;

/// The most items that wait.
pub(super) const ITEMS_MAX: usize = 32_768;
/// The most bytes that wait, bookkeeping included.
pub(super) const BYTES_MAX: usize = 8 * 1024 * 1024;
/// What one item costs beside its text, bytes.
const ITEM_BYTES: usize = 128;

/// One item, not decoded yet.
#[derive(Debug)]
pub(crate) enum Queued {
    /// As [`BusItem::Connected`](super::BusItem::Connected).
    Connected,
    /// As [`BusItem::Reconnecting`](super::BusItem::Reconnecting).
    Reconnecting {
        /// Why.
        problem: Problem,
        /// The pause before the next try.
        retry_in: Duration,
    },
    /// What becomes a [`BusItem::Event`](super::BusItem::Event), if it can be read.
    Message(Message),
    /// As [`BusItem::Lost`](super::BusItem::Lost).
    Lost(u64),
}

impl Queued {
    fn bytes(&self) -> usize {
        ITEM_BYTES
            + match self {
                Self::Message(message) => message.bytes(),
                Self::Connected | Self::Reconnecting { .. } | Self::Lost(_) => 0,
            }
    }
}

/// A bounded queue with one reader.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: Mutex<Items>,
    reader: AtomicWaker,
}

#[derive(Debug, Default)]
struct Items {
    waiting: VecDeque<Queued>,
    bytes: usize,
    lost: u64,
}

impl Queue {
    pub(super) fn push(&self, item: Queued) {
        {
            let mut items = self.lock();
            items.bytes += item.bytes();
            items.waiting.push_back(item);
            while items.waiting.len() > ITEMS_MAX || items.bytes > BYTES_MAX {
                let Some(oldest) = items.waiting.pop_front() else {
                    break;
                };
                items.bytes = items.bytes.saturating_sub(oldest.bytes());
                if matches!(oldest, Queued::Message(_)) {
                    items.lost = items.lost.saturating_add(1);
                }
            }
        }
        self.reader.wake();
    }

    /// Whether it is so full that events may soon be lost.
    pub(super) fn is_filling(&self) -> bool {
        let items = self.lock();
        items.waiting.len() > ITEMS_MAX / 2 || items.bytes > BYTES_MAX / 2
    }

    /// Counts an event that was never queued.
    pub(super) fn lose(&self) {
        let mut items = self.lock();
        items.lost = items.lost.saturating_add(1);
        drop(items);
        self.reader.wake();
    }

    /// The oldest item; what was lost was older.
    pub(super) fn poll_pop(&self, context: &mut Context<'_>) -> Poll<Queued> {
        self.reader.register(context.waker());
        let mut items = self.lock();
        if items.lost > 0 {
            return Poll::Ready(Queued::Lost(std::mem::take(&mut items.lost)));
        }
        match items.waiting.pop_front() {
            Some(item) => {
                items.bytes = items.bytes.saturating_sub(item.bytes());
                Poll::Ready(item)
            }
            None => Poll::Pending,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Queued {
        Queued::Message(Message::new("".into(), vec![b'x'; bytes].into(), 0))
    }

    fn pop(queue: &Queue) -> Option<Queued> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match queue.poll_pop(&mut context) {
            Poll::Ready(item) => Some(item),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_full_queue_loses_its_oldest_and_counts_them() {
        let queue = Queue::default();
        queue.push(Queued::Connected);
        for _ in 0..ITEMS_MAX + 4 {
            queue.push(message(0));
        }
        assert!(matches!(pop(&queue), Some(Queued::Lost(4))));
        let mut left = 0;
        while let Some(item) = pop(&queue) {
            assert!(matches!(item, Queued::Message(_)));
            left += 1;
        }
        assert_eq!(left, ITEMS_MAX);
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn it_is_filling_from_half_of_either_bound_on() {
        let queue = Queue::default();
        for _ in 0..=ITEMS_MAX / 2 {
            assert!(!queue.is_filling());
            queue.push(message(0));
        }
        assert!(queue.is_filling());
        pop(&queue).unwrap();
        assert!(!queue.is_filling());
        let queue = Queue::default();
        queue.push(message(BYTES_MAX / 2));
        assert!(queue.is_filling());
    }

    #[test]
    fn the_byte_bound_holds_too() {
        let queue = Queue::default();
        for _ in 0..9 {
            queue.push(message(1024 * 1024));
        }
        assert!(matches!(pop(&queue), Some(Queued::Lost(2))));
        queue.push(message(BYTES_MAX));
        assert!(matches!(pop(&queue), Some(Queued::Lost(8))));
        assert!(pop(&queue).is_none());
    }
}
