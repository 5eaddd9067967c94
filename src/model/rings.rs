//! What the event log keeps: a ring of output and a ring of what happened, read as one.
//!
//! Invariant: each ring has its bounds, so that chatter never pushes out an exit, an exception or the
//! outcome of an action; each line has a number that it keeps, so that a reader's place stays while
//! old lines fall out.

use std::collections::VecDeque;

use super::log::LogLine;

/// Lines of output kept by default.
pub const LINES_MAX: usize = 10_000;
/// Bytes of output kept by default (16 MiB), text and bookkeeping.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Events, exceptions and outcomes kept by default.
pub const EVENTS_MAX: usize = 2_000;
/// Bytes of these kept (8 MiB): an exception can bring a long stack.
pub const EVENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How much a [`Log`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBounds {
    /// Lines of output.
    pub lines_max: usize,
    /// Bytes of these.
    pub bytes_max: usize,
    /// Events, exceptions and outcomes.
    pub events_max: usize,
    /// Bytes of these.
    pub event_bytes_max: usize,
}

impl Default for LogBounds {
    fn default() -> Self {
        Self {
            lines_max: LINES_MAX,
            bytes_max: BYTES_MAX,
            events_max: EVENTS_MAX,
            event_bytes_max: EVENT_BYTES_MAX,
        }
    }
}

/// A bounded ring of numbered lines.
#[derive(Debug, Clone, Default)]
struct Ring {
    lines: VecDeque<(u64, LogLine)>,
    bytes: usize,
    lines_max: usize,
    bytes_max: usize,
    /// Lines that fell out.
    gone: u64,
}

impl Ring {
    fn new(lines_max: usize, bytes_max: usize) -> Self {
        Self { lines_max, bytes_max, ..Self::default() }
    }

    fn push(&mut self, number: u64, line: LogLine) {
        self.bytes += line.bytes();
        self.lines.push_back((number, line));
        while self.lines.len() > self.lines_max.max(1)
            || (self.bytes > self.bytes_max && self.lines.len() > 1)
        {
            let Some((_, old)) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= old.bytes();
            self.gone += 1;
        }
    }

    /// How many lines have a smaller number.
    fn rank(&self, number: u64) -> usize {
        self.lines.partition_point(|(other, _)| *other < number)
    }

    fn get(&self, number: u64) -> Option<&LogLine> {
        let (found, line) = self.lines.get(self.rank(number))?;
        (*found == number).then_some(line)
    }

    fn first(&self) -> Option<u64> {
        self.lines.front().map(|(number, _)| *number)
    }
}

/// The event log. A line's place is its index among those kept, from 0; its number is for good.
#[derive(Debug, Clone)]
pub struct Log {
    output: Ring,
    events: Ring,
    /// The number of the next line.
    next: u64,
    /// Lines that a full queue dropped before they came here.
    lost: u64,
    has_messages: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self::new(LogBounds::default())
    }
}

impl Log {
    /// An empty log with these bounds.
    #[must_use]
    pub fn new(bounds: LogBounds) -> Self {
        Self {
            output: Ring::new(bounds.lines_max, bounds.bytes_max),
            events: Ring::new(bounds.events_max, bounds.event_bytes_max),
            next: 0,
            lost: 0,
            has_messages: false,
        }
    }

    /// Adds a line of output or a message; the oldest of them fall out where a bound is reached.
    pub fn push_output(&mut self, line: LogLine) {
        self.has_messages |= matches!(line.kind, super::log::LineKind::Message(_));
        self.output.push(self.next, line);
        self.next += 1;
    }

    /// Adds something that happened; the oldest of these fall out where a bound is reached.
    pub fn push_event(&mut self, line: LogLine) {
        self.has_messages |= matches!(line.kind, super::log::LineKind::Message(_));
        self.events.push(self.next, line);
        self.next += 1;
    }

    /// Counts lines that were lost on the way here.
    pub fn count_lost(&mut self, lines: u64) {
        self.lost += lines;
    }

    /// Lines lost on the way here; what fell out of a ring by age is not lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Lines of output that fell out by age.
    #[must_use]
    pub fn gone(&self) -> u64 {
        self.output.gone
    }

    /// Events that fell out by age.
    #[must_use]
    pub fn events_gone(&self) -> u64 {
        self.events.gone
    }

    /// The time of the oldest line of output that is kept, milliseconds since 1970.
    #[must_use]
    pub fn output_since_ms(&self) -> Option<i64> {
        self.output.lines.front().map(|(_, line)| line.at_ms)
    }

    /// Whether a message ever came, whose topic needs a wider column than the words of events.
    #[must_use]
    pub fn has_messages(&self) -> bool {
        self.has_messages
    }

    /// A line by its number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&LogLine> {
        self.output.get(number).or_else(|| self.events.get(number))
    }

    /// The number of the line at a place; that of the next line past the end.
    #[must_use]
    pub fn number_at(&self, place: usize) -> u64 {
        // The place grows with the number: look for the last number that has this place.
        let (mut low, mut high) = (self.first(), self.next);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.place_of(middle + 1) > place {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// The place of the line with this number; where it fell out, that of the one after it.
    #[must_use]
    pub fn place_of(&self, number: u64) -> usize {
        self.output.rank(number) + self.events.rank(number)
    }

    /// The lines from a place on, with their numbers.
    pub fn from_place(&self, place: usize) -> impl Iterator<Item = (u64, &LogLine)> {
        self.from_number(self.number_at(place))
    }

    /// The lines from a number on, with their numbers.
    pub fn from_number(&self, number: u64) -> impl Iterator<Item = (u64, &LogLine)> {
        let mut output = self.output.lines.range(self.output.rank(number)..).peekable();
        let mut events = self.events.lines.range(self.events.rank(number)..).peekable();
        std::iter::from_fn(move || {
            let is_output_next = match (output.peek(), events.peek()) {
                (Some((output, _)), Some((event, _))) => output < event,
                (output, _) => output.is_some(),
            };
            let next = if is_output_next { output.next() } else { events.next() };
            next.map(|(number, line)| (*number, line))
        })
    }

    /// The number of the next line.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Whether the line with this number is kept among the events, not among output.
    #[must_use]
    pub fn is_event(&self, number: u64) -> bool {
        self.events.get(number).is_some()
    }

    /// The lowest numbers of output and of events that are kept; that of the next line for none.
    #[must_use]
    pub fn firsts(&self) -> [u64; 2] {
        [self.output.first(), self.events.first()].map(|first| first.unwrap_or(self.next))
    }

    fn first(&self) -> u64 {
        let firsts = [self.output.first(), self.events.first()];
        firsts.into_iter().flatten().min().unwrap_or(self.next)
    }

    /// Bytes kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.output.bytes + self.events.bytes
    }

    /// Lines kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.output.lines.len() + self.events.lines.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::DaemonId;
    use crate::model::log::{LogSource, Severity};

    fn line(text: &str) -> LogLine {
        let source = LogSource { daemon: DaemonId(0), pm_id: None, name: "PM2".into() };
        LogLine::event(0, source, "event", Severity::Neutral, text)
    }

    fn texts(log: &Log) -> Vec<&str> {
        log.from_place(0).map(|(_, line)| &*line.text.text).collect()
    }

    fn bounds(lines_max: usize, events_max: usize) -> LogBounds {
        LogBounds { lines_max, events_max, ..LogBounds::default() }
    }

    #[test]
    fn chatter_never_pushes_out_what_happened() {
        let mut log = Log::new(bounds(3, 2));
        log.push_event(line("exit"));
        for number in 0..100 {
            log.push_output(line(&number.to_string()));
        }
        log.push_event(line("online"));
        assert_eq!(texts(&log), ["exit", "97", "98", "99", "online"]);
        assert_eq!((log.gone(), log.events_gone(), log.lost()), (97, 0, 0));
        log.push_event(line("exit again"));
        assert_eq!(texts(&log), ["97", "98", "99", "online", "exit again"]);
    }

    #[test]
    fn bytes_are_bounded_in_each_ring() {
        let long = "x".repeat(1_000);
        let one = line(&long).bytes();
        let bounds =
            LogBounds { bytes_max: one * 2, event_bytes_max: one * 3, ..LogBounds::default() };
        let mut kept = Log::new(bounds);
        for _ in 0..9 {
            kept.push_output(line(&long));
            kept.push_event(line(&long));
        }
        assert_eq!((kept.len(), kept.bytes()), (5, one * 5));
    }

    proptest! {
        #[test]
        fn places_and_numbers_agree(
            kinds in proptest::collection::vec(any::<bool>(), 0..200),
            lines_max in 1_usize..20,
            events_max in 1_usize..20,
        ) {
            let mut log = Log::new(bounds(lines_max, events_max));
            for (number, is_event) in kinds.iter().enumerate() {
                let line = line(&number.to_string());
                if *is_event { log.push_event(line) } else { log.push_output(line) }
            }
            let all: Vec<(u64, &str)> =
                log.from_place(0).map(|(number, line)| (number, &*line.text.text)).collect();
            prop_assert_eq!(all.len(), log.len());
            for (place, (number, text)) in all.iter().enumerate() {
                prop_assert_eq!(&number.to_string(), text);
                prop_assert_eq!(log.place_of(*number), place);
                prop_assert_eq!(log.number_at(place), *number);
                prop_assert_eq!(log.get(*number).map(|line| &*line.text.text), Some(*text));
                prop_assert_eq!(log.from_place(place).count(), log.len() - place);
            }
            prop_assert_eq!(log.number_at(log.len()), log.next);
        }
    }
}
