//! The three lanes from the actors into the app.
//!
//! Invariant: reporting never waits and never grows anything beyond the bounds, whatever the app is
//! doing; what a full lane loses is counted and comes out as a report of its own. There is one
//! reader.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::DaemonId;
use crate::model::gaps::Gaps;
use crate::model::log::LogLine;
use crate::model::report::Report;

/// How much an [`Inbox`] holds while the app does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxBounds {
    /// Reports of the must-arrive lane. The end of an action, call or task is let in beyond it:
    /// there are only so many as the app asked for, and the app is also the one that takes.
    pub events_max: usize,
    /// Lines of output.
    pub lines_max: usize,
    /// Bytes of the lines, text and bookkeeping.
    pub line_bytes_max: usize,
}

impl Default for InboxBounds {
    fn default() -> Self {
        Self { events_max: 4096, lines_max: 20_000, line_bytes_max: 8 * 1024 * 1024 }
    }
}

/// What all daemons reported and the app has not taken yet. Clones share it.
#[derive(Debug, Clone)]
pub struct Inbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bounds: InboxBounds,
    lanes: Mutex<Lanes>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Lanes {
    /// The number of the next report: reports come out in the order of their numbers.
    next_number: u64,
    latest: BTreeMap<DaemonId, Latest>,
    events: VecDeque<(u64, DaemonId, Report)>,
    lines: VecDeque<Batch>,
    line_count: usize,
    line_bytes: usize,
    lost: BTreeMap<DaemonId, Lost>,
}

/// The latest-wins slots of one daemon, each with the number of its last write.
#[derive(Debug, Default)]
struct Latest {
    slots: [Option<(u64, Report)>; SLOTS],
}

/// How many variants of [`Report`] are latest-wins.
const SLOTS: usize = 18;

/// Lines that came together.
#[derive(Debug)]
struct Batch {
    number: u64,
    daemon: DaemonId,
    lines: VecDeque<LogLine>,
}

/// What one daemon's lanes lost since the last take.
#[derive(Debug, Default)]
struct Lost {
    /// Lines, and the number of the newest of them: all that are left are behind it.
    lines: Gaps,
    line_number: u64,
    events: u64,
    event_number: u64,
}

impl Inbox {
    /// An empty inbox with these bounds.
    #[must_use]
    pub fn new(bounds: InboxBounds) -> Self {
        Self(Arc::new(Shared { bounds, lanes: Mutex::default(), filled: Notify::new() }))
    }

    /// Puts a report into its lane. Never waits; a full lane loses lines from its old end, and
    /// events at its new end.
    pub fn report(&self, daemon: DaemonId, report: Report) {
        {
            let mut inner = self.lock();
            let number = inner.next_number;
            inner.next_number += 1;
            match report {
                Report::Lines(lines) => inner.push_lines(number, daemon, lines, &self.0.bounds),
                Report::EventsLost(events) => inner.lose_events(number, daemon, events),
                report => match slot_of(&report) {
                    Some(slot) => inner.replace(number, daemon, slot, report),
                    None => inner.push_event(number, daemon, report, &self.0.bounds),
                },
            }
        }
        self.0.filled.notify_one();
    }

    /// Waits until something is there. Cancel-safe: nothing is taken. One task may wait at a time.
    pub async fn ready(&self) {
        while self.is_empty() {
            self.0.filled.notified().await;
        }
    }

    /// Moves everything but lines, and at most `lines_max` lines, to the end of `batch`, in the
    /// order of arrival; a latest-wins report has the place of its last write. Lines that remain
    /// keep the inbox ready.
    pub fn take(&self, batch: &mut Vec<(DaemonId, Report)>, lines_max: usize) {
        let mut taken: Vec<(u64, DaemonId, Report)> = Vec::new();
        {
            let mut lanes = self.lock();
            for (daemon, mut lost) in std::mem::take(&mut lanes.lost) {
                if !lost.lines.is_empty() {
                    let missing = Report::Lines(lost.lines.take());
                    taken.push((lost.line_number, daemon, missing));
                }
                if lost.events > 0 {
                    taken.push((lost.event_number, daemon, Report::EventsLost(lost.events)));
                }
            }
            for (daemon, latest) in std::mem::take(&mut lanes.latest) {
                let written = latest.slots.into_iter().flatten();
                taken.extend(written.map(|(number, report)| (number, daemon, report)));
            }
            taken.extend(std::mem::take(&mut lanes.events));
            lanes.take_lines(&mut taken, lines_max);
        }
        taken.sort_by_key(|(number, ..)| *number);
        batch.extend(taken.into_iter().map(|(_, daemon, report)| (daemon, report)));
    }

    /// Whether there is nothing to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let lanes = self.lock();
        lanes.latest.is_empty()
            && lanes.events.is_empty()
            && lanes.lines.is_empty()
            && lanes.lost.is_empty()
    }

    /// A panic elsewhere leaves the lanes whole: nothing in here can panic half way.
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The latest-wins slot of a report; `None` for those that must arrive.
fn slot_of(report: &Report) -> Option<usize> {
    match report {
        Report::Connection(_) => Some(0),
        Report::Bus(_) => Some(1),
        Report::Version(_) => Some(2),
        Report::Snapshot { .. } => Some(3),
        Report::Warning { .. } => Some(4),
        Report::Methods(_) => Some(5),
        Report::OomKills(_) => Some(6),
        Report::Examined(_) => Some(7),
        Report::Measured { .. } => Some(8),
        Report::Host(_) => Some(9),
        Report::Disk(_) => Some(10),
        Report::SavedList(_) => Some(11),
        Report::Startup(_) => Some(12),
        Report::Release(_) => Some(13),
        Report::Ports(_) => Some(14),
        Report::Audit(_) => Some(15),
        Report::Sizes(_) => Some(16),
        Report::HasSaved(_) => Some(17),
        Report::Process(_)
        | Report::Exception(_)
        | Report::Killed(_)
        | Report::ActionBegun { .. }
        | Report::Kept(_)
        | Report::ActionFinished { .. }
        | Report::CallFinished { .. }
        | Report::Replied { .. }
        | Report::Bundled(_)
        | Report::Ran(_)
        | Report::LogSaved(_)
        | Report::Notice(_)
        | Report::Parts(_)
        | Report::FileEnded(_)
        | Report::Did { .. }
        | Report::TaskEnded(_)
        | Report::Lives(_)
        | Report::History(_)
        | Report::Lines(_)
        | Report::EventsLost(_) => None,
    }
}

impl Lanes {
    fn replace(&mut self, number: u64, daemon: DaemonId, slot: usize, mut report: Report) {
        let latest = self.latest.entry(daemon).or_default();
        let Some(place) = latest.slots.get_mut(slot) else {
            return;
        };
        if let (Report::Warning { count, .. }, Some((_, Report::Warning { count: before, .. }))) =
            (&mut report, &*place)
        {
            *count = count.saturating_add(*before);
        }
        *place = Some((number, report));
    }

    fn push_event(&mut self, number: u64, daemon: DaemonId, report: Report, bounds: &InboxBounds) {
        let is_due = matches!(
            report,
            Report::ActionFinished { .. }
                | Report::CallFinished { .. }
                | Report::Replied { .. }
                | Report::Bundled(_)
                | Report::Ran(_)
                | Report::LogSaved(_)
                | Report::Parts(_)
                | Report::Did { .. }
                | Report::Kept(_)
                | Report::TaskEnded(_)
        );
        if self.events.len() < bounds.events_max || is_due {
            self.events.push_back((number, daemon, report));
        } else {
            self.lose_events(number, daemon, 1);
        }
    }

    fn push_lines(
        &mut self,
        number: u64,
        daemon: DaemonId,
        lines: Vec<LogLine>,
        bounds: &InboxBounds,
    ) {
        if lines.is_empty() {
            return;
        }
        self.line_count += lines.iter().map(LogLine::count).sum::<usize>();
        self.line_bytes += lines.iter().map(LogLine::bytes).sum::<usize>();
        self.lines.push_back(Batch { number, daemon, lines: lines.into() });
        while self.line_count > bounds.lines_max || self.line_bytes > bounds.line_bytes_max {
            let Some((number, daemon, line)) = self.pop_line() else {
                break;
            };
            let lost = self.lost.entry(daemon).or_default();
            lost.lines.add(&line);
            lost.line_number = number;
        }
    }

    /// Takes the oldest out, with those that came together with it.
    fn pop_line(&mut self) -> Option<(u64, DaemonId, LogLine)> {
        let batch = self.lines.front_mut()?;
        let (number, daemon) = (batch.number, batch.daemon);
        let line = batch.lines.pop_front()?;
        if batch.lines.is_empty() {
            self.lines.pop_front();
        }
        self.line_count = self.line_count.saturating_sub(line.count());
        self.line_bytes = self.line_bytes.saturating_sub(line.bytes());
        Some((number, daemon, line))
    }

    fn take_lines(&mut self, taken: &mut Vec<(u64, DaemonId, Report)>, lines_max: usize) {
        let mut left = lines_max;
        while left > 0
            && let Some(batch) = self.lines.front_mut()
        {
            let (number, daemon) = (batch.number, batch.daemon);
            let (mut entries, mut count) = (0, 0);
            for line in &batch.lines {
                if count >= left {
                    break;
                }
                entries += 1;
                count += line.count();
            }
            let lines: Vec<LogLine> = batch.lines.drain(..entries).collect();
            if batch.lines.is_empty() {
                self.lines.pop_front();
            }
            left = left.saturating_sub(count);
            self.line_count = self.line_count.saturating_sub(count);
            let bytes = lines.iter().map(LogLine::bytes).sum::<usize>();
            self.line_bytes = self.line_bytes.saturating_sub(bytes);
            taken.push((number, daemon, Report::Lines(lines)));
        }
    }

    fn lose_events(&mut self, number: u64, daemon: DaemonId, events: u64) {
        if events == 0 {
            return;
        }
        let lost = self.lost.entry(daemon).or_default();
        lost.events = lost.events.saturating_add(events);
        lost.event_number = number;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::model::daemon::{BusState, Connection};
    use crate::model::log::{LineKind, LogSource};
    use crate::model::{Action, Target, Verdict};
    use crate::protocol::bus::LogStream;
    use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

    const ONE: DaemonId = DaemonId(0);
    const TWO: DaemonId = DaemonId(1);

    fn lines(numbers: std::ops::Range<usize>) -> Report {
        Report::Lines(numbers.map(line).collect())
    }

    fn lost(at: usize, count: u64) -> Report {
        let LogLine { at_ms, source, .. } = line(at);
        Report::Lines(vec![LogLine::lost(at_ms, source, Some(LogStream::Out), count)])
    }

    fn line(number: usize) -> LogLine {
        LogLine {
            said: None,
            is_estimated: false,
            at_ms: number as i64,
            source: LogSource { daemon: ONE, pm_id: None, name: Arc::from("app") },
            kind: LineKind::Out,
            text: "x".into(),
        }
    }

    fn warning(text: &str, count: u64) -> Report {
        Report::Warning { text: text.into(), count }
    }

    fn finished() -> Report {
        Report::ActionFinished {
            action: Action::Stop,
            target: Target::of(&ProcessInfo::new(PmId(1), "api", ProcessStatus::Online)),
            verdict: Verdict::Done,
        }
    }

    fn take(inbox: &Inbox, lines_max: usize) -> Vec<(DaemonId, Report)> {
        let mut batch = Vec::new();
        inbox.take(&mut batch, lines_max);
        batch
    }

    #[test]
    fn the_latest_of_a_slot_wins_and_has_its_last_place() {
        let inbox = Inbox::new(InboxBounds::default());
        inbox.report(ONE, Report::Connection(Connection::Connecting));
        inbox.report(ONE, Report::Killed("first".into()));
        inbox.report(ONE, lines(0..2));
        inbox.report(TWO, Report::Bus(BusState::Live));
        inbox.report(ONE, Report::Connection(Connection::Live { serial: 1, god: None }));
        assert_eq!(
            take(&inbox, 10),
            vec![
                (ONE, Report::Killed("first".into())),
                (ONE, lines(0..2)),
                (TWO, Report::Bus(BusState::Live)),
                (ONE, Report::Connection(Connection::Live { serial: 1, god: None })),
            ]
        );
        assert!(inbox.is_empty());
    }

    #[test]
    fn warnings_add_up() {
        let inbox = Inbox::new(InboxBounds::default());
        inbox.report(ONE, warning("a", 1));
        inbox.report(ONE, warning("b", 2));
        inbox.report(TWO, warning("c", 1));
        assert_eq!(take(&inbox, 0), vec![(ONE, warning("b", 3)), (TWO, warning("c", 1))]);
    }

    #[test]
    fn lines_beyond_the_request_stay_and_keep_the_inbox_ready() {
        let inbox = Inbox::new(InboxBounds::default());
        inbox.report(ONE, lines(0..3));
        inbox.report(ONE, lines(3..5));
        assert_eq!(take(&inbox, 4), vec![(ONE, lines(0..3)), (ONE, lines(3..4))]);
        assert!(!inbox.is_empty());
        assert_eq!(take(&inbox, 4), vec![(ONE, lines(4..5))]);
        assert!(inbox.is_empty());
    }

    #[test]
    fn a_full_events_lane_counts_but_lets_the_end_of_an_action_in() {
        let inbox = Inbox::new(InboxBounds { events_max: 1, ..InboxBounds::default() });
        for word in ["a", "b", "c"] {
            inbox.report(ONE, Report::Killed(word.into()));
        }
        inbox.report(ONE, finished());
        assert_eq!(
            take(&inbox, 0),
            vec![
                (ONE, Report::Killed("a".into())),
                (ONE, Report::EventsLost(2)),
                (ONE, finished()),
            ]
        );
        assert!(inbox.is_empty());
    }

    #[test]
    fn the_byte_bound_holds_too() {
        let each = line(0).bytes();
        let inbox = Inbox::new(InboxBounds { line_bytes_max: 3 * each, ..InboxBounds::default() });
        inbox.report(ONE, lines(0..5));
        assert_eq!(take(&inbox, 9), vec![(ONE, lost(0, 2)), (ONE, lines(2..5))]);
    }

    #[tokio::test(start_paused = true)]
    async fn ready_wakes_for_a_report_and_for_lines_that_remain() {
        let inbox = Inbox::new(InboxBounds::default());
        let waiting = tokio::spawn({
            let inbox = inbox.clone();
            async move { inbox.ready().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        inbox.report(ONE, lines(0..2));
        waiting.await.unwrap();
        take(&inbox, 1);
        inbox.ready().await;
        take(&inbox, 1);
        let idle = tokio::time::timeout(std::time::Duration::from_mins(1), inbox.ready());
        assert!(idle.await.is_err(), "ready although empty");
    }

    proptest! {
        #[test]
        fn every_line_comes_out_or_is_counted(
            sizes in proptest::collection::vec(0_usize..9, 0..30),
            lines_max in 1_usize..20,
            take_max in 1_usize..9,
        ) {
            let inbox = Inbox::new(InboxBounds { lines_max, ..InboxBounds::default() });
            let (mut pushed, mut told) = (0, 0);
            for (turn, size) in sizes.iter().enumerate() {
                inbox.report(ONE, lines(pushed..pushed + size));
                pushed += size;
                if turn % 4 == 1 {
                    inbox.report(ONE, lost(pushed, 2));
                    pushed += 2;
                }
                let take_max = if turn % 3 == 0 { take_max } else { 0 };
                check(take(&inbox, take_max), &mut told);
            }
            while !inbox.is_empty() {
                check(take(&inbox, take_max), &mut told);
            }
            prop_assert_eq!(told, pushed as i64);
        }
    }

    /// Lines stand in their order, and where some are missing is how many.
    fn check(batch: Vec<(DaemonId, Report)>, next: &mut i64) {
        for (_, report) in batch {
            let Report::Lines(lines) = report else { panic!("{report:?}") };
            for line in lines {
                if let LineKind::Lost { lines, .. } = line.kind {
                    *next += lines as i64;
                } else {
                    assert_eq!(line.at_ms, *next);
                    *next += 1;
                }
            }
        }
    }
}
