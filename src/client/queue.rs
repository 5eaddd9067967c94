//! Messages of the bus that nobody has taken yet.
//!
//! Invariant: pushing never waits and never grows the queue beyond its bounds. The oldest output of
//! processes goes first, since most of what comes is that; only where none waits do other messages go.
//! Each is counted.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::message::Message;
use crate::model::daemon::Problem;

/// The most items that wait.
pub(super) const ITEMS_MAX: usize = 32_768;
/// The most bytes that wait, bookkeeping included. One message may be larger: it is beside them.
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

    /// Which lane it waits in.
    fn lane(&self) -> Lane {
        match self {
            Self::Message(message) if message.bytes() + ITEM_BYTES > BYTES_MAX => Lane::Giant,
            Self::Message(message) if is_output(message.topic()) => Lane::Output,
            _ => Lane::Event,
        }
    }
}

/// Whether a topic is output of processes.
fn is_output(topic: &str) -> bool {
    matches!(topic, "log:out" | "log:err")
}

/// What may be lost together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Output of processes: lost first.
    Output,
    /// Everything else.
    Event,
    /// One message that is larger than the bound of all others together.
    Giant,
}

/// A bounded queue with one reader.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: Mutex<Items>,
    reader: AtomicWaker,
}

/// An item with its number: items come out in the order of their numbers.
type Numbered = (u64, Queued);

#[derive(Debug, Default)]
struct Items {
    next_number: u64,
    output: VecDeque<Numbered>,
    events: VecDeque<Numbered>,
    giant: Option<Numbered>,
    /// Of `output` and `events`.
    bytes: usize,
    /// How many were lost, by the number of the newest of them: each before what comes behind it.
    lost: VecDeque<(u64, u64)>,
}

impl Items {
    fn push(&mut self, item: Queued) {
        let number = self.number();
        let bytes = item.bytes();
        match item.lane() {
            Lane::Output => self.output.push_back((number, item)),
            Lane::Event => self.events.push_back((number, item)),
            Lane::Giant => {
                if let Some((before, _)) = self.giant.replace((number, item)) {
                    self.lose_old(before, 1);
                }
                return;
            }
        }
        self.bytes += bytes;
        while self.output.len() + self.events.len() > ITEMS_MAX || self.bytes > BYTES_MAX {
            let oldest = self.output.pop_front().or_else(|| self.events.pop_front());
            let Some((number, oldest)) = oldest else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
            self.lose_old(number, u64::from(matches!(oldest, Queued::Message(_))));
        }
    }

    /// The oldest item, or that some before it were lost.
    fn pop(&mut self) -> Option<Queued> {
        let number = |item: Option<&Numbered>| item.map_or(u64::MAX, |(number, _)| *number);
        let lanes = [
            (number(self.output.front()), Lane::Output),
            (number(self.events.front()), Lane::Event),
            (number(self.giant.as_ref()), Lane::Giant),
        ];
        let (oldest, lane) = lanes.into_iter().min_by_key(|(number, _)| *number)?;
        let mut lost = 0;
        while let Some((_, count)) = self.lost.front().filter(|(number, _)| *number <= oldest) {
            lost += count;
            self.lost.pop_front();
        }
        if lost > 0 {
            return Some(Queued::Lost(lost));
        }
        let (_, item) = match lane {
            Lane::Output => self.output.pop_front()?,
            Lane::Event => self.events.pop_front()?,
            Lane::Giant => return self.giant.take().map(|(_, item)| item),
        };
        self.bytes = self.bytes.saturating_sub(item.bytes());
        Some(item)
    }

    /// One that waited was lost: so are those before it.
    fn lose_old(&mut self, number: u64, count: u64) {
        let (mut count, mut newest) = (count, number);
        while let Some((other, more)) = self.lost.front().copied().filter(|(it, _)| *it <= number) {
            self.lost.pop_front();
            (count, newest) = (count.saturating_add(more), newest.max(other));
        }
        if count > 0 {
            self.lost.push_front((newest, count));
        }
    }

    /// Some were lost that never waited.
    fn lose_new(&mut self, count: u64) {
        let number = self.number();
        let newest = |items: &VecDeque<Numbered>| items.back().map_or(0, |(number, _)| *number);
        let giant = self.giant.as_ref().map_or(0, |(number, _)| *number);
        let newest = newest(&self.output).max(newest(&self.events)).max(giant);
        match self.lost.back_mut().filter(|(before, _)| *before > newest) {
            Some(last) => *last = (number, last.1.saturating_add(count)),
            None => self.lost.push_back((number, count)),
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl Queue {
    pub(super) fn push(&self, item: Queued) {
        self.lock().push(item);
        self.reader.wake();
    }

    /// Counts events that were never queued.
    pub(super) fn lose(&self, count: u64) {
        let mut items = self.lock();
        items.lose_new(count);
        drop(items);
        self.reader.wake();
    }

    /// The oldest item; where some are missing before it, that first.
    pub(super) fn poll_pop(&self, context: &mut Context<'_>) -> Poll<Queued> {
        self.reader.register(context.waker());
        match self.lock().pop() {
            Some(item) => Poll::Ready(item),
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

    fn of(topic: &str, bytes: usize) -> Queued {
        Queued::Message(Message::new(topic.into(), vec![b'x'; bytes].into(), 0))
    }

    fn log(bytes: usize) -> Queued {
        of("log:out", bytes)
    }

    fn pop(queue: &Queue) -> Option<Queued> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match queue.poll_pop(&mut context) {
            Poll::Ready(item) => Some(item),
            Poll::Pending => None,
        }
    }

    /// All that waits, in words.
    fn all(queue: &Queue) -> Vec<String> {
        let word = |item| match item {
            Queued::Connected => "connected".to_owned(),
            Queued::Reconnecting { .. } => "reconnecting".to_owned(),
            Queued::Message(message) => message.topic().to_owned(),
            Queued::Lost(count) => format!("lost {count}"),
        };
        std::iter::from_fn(|| pop(queue)).map(word).collect()
    }

    #[test]
    fn each_loss_stands_where_it_is() {
        let queue = Queue::default();
        let big = |topic: &str| of(topic, BYTES_MAX / 3);
        queue.push(big("log:out"));
        queue.push(of("first", 1));
        queue.push(log(1));
        queue.lose(5);
        queue.lose(1);
        queue.push(big("log:out"));
        queue.push(big("log:out"));
        let wanted = ["lost 1", "first", "log:out", "lost 6", "log:out", "log:out"];
        assert_eq!(all(&queue), wanted);
    }

    #[test]
    fn a_full_queue_loses_its_oldest_and_counts_them() {
        let queue = Queue::default();
        queue.push(Queued::Connected);
        for _ in 0..ITEMS_MAX + 4 {
            queue.push(of("my:event", 0));
        }
        let left = all(&queue);
        assert_eq!((left.len(), &*left[0]), (1 + ITEMS_MAX, "lost 4"));
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn output_goes_before_events_whichever_is_older() {
        let queue = Queue::default();
        queue.push(Queued::Connected);
        queue.push(of("process:exception", 10));
        for _ in 0..2 * ITEMS_MAX {
            queue.push(log(10));
        }
        queue.push(of("process:event", 10));
        let left = all(&queue);
        assert_eq!(
            left[..3],
            ["connected", "process:exception", &*format!("lost {}", ITEMS_MAX + 3)]
        );
        assert_eq!(left.last().unwrap(), "process:event");
        assert_eq!(left.len(), 3 + ITEMS_MAX - 3 + 1);
        // Where nothing but events waits, the oldest of them go.
        for _ in 0..=ITEMS_MAX {
            queue.push(of("process:event", 0));
        }
        queue.push(log(0));
        let left = all(&queue);
        assert_eq!((left.len(), &*left[ITEMS_MAX]), (ITEMS_MAX + 1, "lost 2"), "{:?}", &left[..2]);
    }

    #[test]
    fn the_byte_bound_holds_too() {
        let queue = Queue::default();
        for _ in 0..9 {
            queue.push(log(1024 * 1024));
        }
        assert!(matches!(pop(&queue), Some(Queued::Lost(2))));
        assert!(queue.lock().bytes <= BYTES_MAX);
    }

    #[test]
    fn one_that_is_larger_than_the_queue_is_delivered_and_costs_no_other() {
        let queue = Queue::default();
        queue.push(of("process:event", 10));
        queue.push(of("my:dump", 3 * BYTES_MAX));
        for _ in 0..5 {
            queue.push(log(1024));
        }
        let logs = ["log:out"; 5];
        assert_eq!(all(&queue), [&["process:event", "my:dump"][..], &logs].concat());
        // There is only one at a time: memory has a bound.
        queue.push(of("first", BYTES_MAX));
        queue.push(log(0));
        queue.push(of("second", BYTES_MAX));
        assert_eq!(all(&queue), ["lost 1", "log:out", "second"]);
        assert_eq!(queue.lock().bytes, 0);
    }
}
