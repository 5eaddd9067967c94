//! What happened to a process, in its place among its lines: where some of these are held until their place in
//! their file is known, or what was missed before them, it waits for these, and so does what is said behind it.
//!
//! Invariant: of one process the order of the bus is kept; within a bound. What waits is told once.

use std::collections::VecDeque;

use super::events::Event;
use super::said::{BusId, Key};

/// So much of one process waits at most, bytes.
const HELD_MAX: usize = 16 << 20;
/// What one item takes beside its text, about, bytes.
const ITEM_BYTES: usize = 128;

/// Of which processes what waits is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Those of which no output is held any more.
    Ready,
    /// And those of which only outputs wait: for long enough.
    Late,
    All,
}

/// What waits, by process, in the order of what waits longest.
#[derive(Debug, Default)]
pub(super) struct Order(Vec<(BusId, Queue)>);

/// What came of a process since the first event that waits, or since a loss, in its order.
#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// When the last of each output came that is held from before that, milliseconds since 1970.
    before: Vec<(Key, i64)>,
}

/// One of these.
#[derive(Debug)]
pub(super) enum Item {
    Event(Box<Event>),
    /// A piece of an output, and when it came. Of one that is held elsewhere its length alone is known, until its
    /// place in its file is.
    Piece {
        key: Key,
        at_ms: i64,
        len: usize,
        data: Option<Vec<u8>>,
    },
}

impl Queue {
    fn has_event(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Event(_)))
    }

    fn push(&mut self, item: Item, bytes: usize) {
        self.bytes += bytes + ITEM_BYTES;
        self.items.push_back(item);
    }
}

impl Order {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn queue(&mut self, id: BusId) -> Option<&mut Queue> {
        self.0.iter_mut().find(|(other, _)| *other == id).map(|(_, queue)| queue)
    }

    /// What comes of a process from now on waits: some of its outputs are held, those of which something came
    /// before with when that was last.
    pub(super) fn open(&mut self, id: BusId, before: Vec<(Key, i64)>) {
        if self.queue(id).is_none() {
            self.0.push((id, Queue { before, ..Queue::default() }));
        }
    }

    /// Takes an event of a process; where nothing of it waits, it is given back.
    pub(super) fn event(&mut self, id: BusId, event: Event) -> Option<Event> {
        let Some(queue) = self.queue(id) else { return Some(event) };
        let bytes = event.line.bytes.len();
        queue.push(Item::Event(Box::new(event)), bytes);
        None
    }

    /// When the first of what waits of these processes came, milliseconds since 1970.
    pub(super) fn first_ms(&self, is_meant: impl Fn(BusId) -> bool) -> Option<i64> {
        let meant = self.0.iter().filter(|(id, _)| is_meant(*id));
        let first = |(_, queue): &(BusId, Queue)| match queue.items.front()? {
            Item::Event(event) => Some(event.line.at_ms),
            Item::Piece { at_ms, .. } => Some(*at_ms),
        };
        meant.filter_map(first).min()
    }

    /// Whether a piece of this output of a process waits.
    pub(super) fn has(&self, id: BusId, key: Key) -> bool {
        let is_its = |item: &Item| matches!(item, Item::Piece { key: other, .. } if *other == key);
        let mut queues = self.0.iter().filter(|(other, _)| *other == id);
        queues.any(|(_, queue)| queue.items.iter().any(is_its))
    }

    /// Whether something of this process waits, or has to.
    pub(super) fn is_open(&self, id: BusId) -> bool {
        self.0.iter().any(|(other, _)| *other == id)
    }

    /// A piece of an output came that is held.
    pub(super) fn came(&mut self, id: BusId, key: Key, (at_ms, len): (i64, usize)) {
        if let Some(queue) = self.queue(id) {
            queue.push(Item::Piece { key, at_ms, len, data: None }, 0);
        }
    }

    /// A piece of one that is not; false where nothing of the process waits.
    pub(super) fn hold(&mut self, id: BusId, key: Key, (at_ms, data): (i64, &[u8])) -> bool {
        let Some(queue) = self.queue(id) else { return false };
        let (len, data) = (data.len(), Some(data.to_vec()));
        queue.push(Item::Piece { key, at_ms, len, data }, len);
        true
    }

    /// The place of an output is known, and so is what came of it, to the last piece: what came behind the
    /// first event is cut off, and waits. When the last of the rest came, where something waits.
    pub(super) fn cut(&mut self, key: Key, bytes: &mut Vec<u8>) -> Option<i64> {
        let mut last_ms = None;
        for (_, queue) in &mut self.0 {
            for item in queue.items.iter_mut().rev() {
                let Item::Piece { key: other, at_ms, len, data } = item else { continue };
                if *other == key && data.is_none() {
                    // What history had already is not told again.
                    let piece = bytes.split_off(bytes.len().saturating_sub(*len));
                    queue.bytes += piece.len();
                    (*data, last_ms) = (Some(piece), Some(*at_ms));
                }
            }
            let before = queue.before.iter().find(|(other, _)| *other == key);
            last_ms = before.map(|(_, at_ms)| *at_ms).or(last_ms);
        }
        last_ms
    }

    /// Takes out what waits of these processes, or of which too much waits.
    pub(super) fn ready(&mut self, which: Which, is_held: impl Fn(BusId) -> bool) -> Vec<Item> {
        let is_ready = |(id, queue): &(BusId, Queue)| match which {
            Which::All => true,
            _ if queue.bytes >= HELD_MAX || !is_held(*id) => true,
            Which::Late => !queue.has_event(),
            Which::Ready => false,
        };
        let (ready, held) = std::mem::take(&mut self.0).into_iter().partition(is_ready);
        self.0 = held;
        let ready: Vec<(BusId, Queue)> = ready;
        ready.into_iter().flat_map(|(_, queue)| queue.items).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::bus::LogStream;

    const OUT: Key = Key { source: 0, of: None };
    const ERR: Key = Key { source: 1, of: None };

    fn told(items: Vec<Item>) -> Vec<String> {
        let told = |item| match item {
            Item::Event(event) => event.word.to_owned(),
            Item::Piece { at_ms, data, .. } => {
                format!("{at_ms} {:?}", data.map(|data| String::from_utf8(data).unwrap()))
            }
        };
        items.into_iter().map(told).collect()
    }

    /// Its last words are held, since nobody knows where in its file they are; what its next life says on the
    /// other stream is not.
    #[test]
    fn an_end_stands_behind_last_words_that_are_held() {
        let mut order = Order::default();
        let event = |word| Event::for_test(3, word);
        order.open(3, vec![(ERR, 519)]);
        assert!(order.event(3, event("exit")).is_none());
        assert!(order.event(3, event("online")).is_none());
        assert!(order.hold(3, OUT, (600, b"starts\n")));
        order.came(3, ERR, (700, 6));
        assert!(order.event(4, event("exit")).is_some(), "nothing of it is held");
        assert!(!order.hold(4, Key { source: 2, of: Some((4, LogStream::Out)) }, (600, b"x\n")));
        assert_eq!(
            told(order.ready(Which::Ready, |_| true)),
            [""; 0],
            "the place is not known yet"
        );
        let mut bytes = b"before\ndies\nagain\n".to_vec();
        assert_eq!(order.cut(ERR, &mut bytes), Some(519));
        assert_eq!(bytes, b"before\ndies\n");
        let wanted = ["exit", "online", "600 Some(\"starts\\n\")", "700 Some(\"again\\n\")"];
        assert_eq!(told(order.ready(Which::Ready, |_| false)), wanted);
        assert!(order.is_empty());
    }

    /// What is in its history already is not told again, and what waits is bounded.
    #[test]
    fn what_waits_is_bounded() {
        let mut order = Order::default();
        order.open(3, vec![(ERR, 519)]);
        assert!(order.event(3, Event::for_test(3, "exit")).is_none());
        order.came(3, ERR, (700, 9));
        assert_eq!(order.cut(ERR, &mut b"end\n".to_vec()), Some(519));
        let line = vec![b'x'; 1 << 20];
        let held = (0..20).filter(|at_ms| order.hold(3, OUT, (*at_ms, &line))).count();
        assert_eq!(held, 20);
        let told = told(order.ready(Which::Ready, |_| true));
        assert_eq!((told.len(), &*told[1]), (22, "700 Some(\"end\\n\")"));
    }
}
