//! From pieces of output to lines of the event log, for one daemon.
//!
//! Invariant: lines of one stream stay in order; at most [`STREAMS_MAX`] unfinished lines and
//! [`LINES_MAX`] finished ones are held. This is the hot path of a burst: nothing is looked up, cleaned
//! or locked for a line.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::gathered::Gathered;
use crate::daemon::clock;
use crate::daemon::history::growth::Written;
use crate::daemon::missing::Missing;
use crate::model::DaemonId;
use crate::model::assembler::{RawLine, RawLines, cut_note};
use crate::model::log::{LineKind, LogLine, LogSource, Severity};
use crate::model::report::Report;
use crate::protocol::bus::{BusPmId, LogChunk, LogStream, Other, ProcessRef, raw};
use crate::protocol::process::PmId;
use crate::protocol::text::clean;

/// The most outputs with a state of their own.
const STREAMS_MAX: usize = 4096;
/// What goes into one report, each a line or several that came together; a larger frame makes several.
pub(super) const LINES_MAX: usize = 4096;
/// A message longer than this is reported at once, bytes.
const LONG_LINE_BYTES: usize = 4096;

/// How long the rest of a line is waited for whose beginning is lost, milliseconds.
const REST_MS: i64 = 1_000;

/// Beginnings of the daemon's own console lines that an event says better (7.0.4, 5.4.3, 1.1.3).
const TOLD_BY_EVENTS: [&str; 10] = [
    "App [",
    "App name:",
    "Starting execution sequence",
    "Stopping app",
    "pid=",
    "Script ",
    "-reload-",
    "-softReload-",
    "PM2 successfully stopped",
    "Exited peacefully",
];

/// Whose output, and which.
type StreamKey = (Owner, LogStream);

/// [`BusPmId`] as a key; [`Owner::Nobody`] where the message names no process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    Process(PmId),
    Old(PmId),
    Daemon,
    Nobody,
}

impl From<Option<BusPmId>> for Owner {
    fn from(id: Option<BusPmId>) -> Self {
        match id {
            Some(BusPmId::Process(id)) => Self::Process(id),
            Some(BusPmId::Old(id)) => Self::Old(id),
            Some(BusPmId::Daemon) => Self::Daemon,
            None => Self::Nobody,
        }
    }
}

/// One output: its unfinished line, and what its lines have in common.
#[derive(Debug)]
struct Stream {
    assembler: RawLines,
    source: LogSource,
    kind: LineKind,
    /// Since when the rest of a line is left out whose beginning is lost: that line is counted.
    cut_since: Option<i64>,
}

impl Stream {
    /// Whether the rest of a line is left out that was counted as lost.
    fn is_cut(&self, now_ms: i64) -> bool {
        self.cut_since.is_some_and(|since_ms| now_ms - since_ms < REST_MS)
    }

    /// A piece without the rest of a line whose beginning is lost.
    fn whole_lines<'a>(&mut self, data: &'a str, now_ms: i64) -> &'a str {
        if !self.is_cut(now_ms) {
            self.cut_since = None;
            return data;
        }
        let Some((_, whole)) = data.split_once('\n') else { return "" };
        self.cut_since = None;
        whole
    }
}

/// The outputs of one daemon's processes, and the lines that wait to be reported.
#[derive(Debug)]
pub(in crate::daemon) struct Output {
    daemon: DaemonId,
    streams: HashMap<StreamKey, Stream, RandomState>,
    lines: Gathered,
    /// The name of the daemon's own lines.
    daemon_name: Arc<str>,
    /// Whether the times of what is pushed are estimates.
    is_estimated: bool,
}

impl Output {
    pub(in crate::daemon) fn new(daemon: DaemonId) -> Self {
        let daemon_name = Arc::from("PM2");
        let streams = HashMap::default();
        Self { daemon, streams, lines: Gathered::default(), daemon_name, is_estimated: false }
    }

    /// Reads a piece of a process's output. `at_ms` is its time where the message has none,
    /// `now_ms` a clock that is never set back; full reports go to `emit`.
    pub(in crate::daemon) fn push(
        &mut self,
        chunk: &LogChunk,
        at_ms: i64,
        now_ms: i64,
        emit: &mut impl FnMut(Report),
    ) {
        let is_estimated = self.is_estimated;
        let (stream, lines) = self.stream(&chunk.process, chunk.stream, emit);
        let at_ms = chunk.at_ms.unwrap_or(at_ms);
        let data = stream.whole_lines(&chunk.data, now_ms);
        let (source, kind) = (&stream.source, &stream.kind);
        stream.assembler.push_together(data, at_ms, now_ms, |line| {
            keep(lines, (source, kind, is_estimated), line, emit);
        });
    }

    /// The output of a process, and the lines that wait.
    fn stream(
        &mut self,
        process: &ProcessRef,
        stream: LogStream,
        emit: &mut impl FnMut(Report),
    ) -> (&mut Stream, &mut Gathered) {
        let owner = Owner::from(process.pm_id);
        let pm_id = match owner {
            // The worker that a reload replaces is still its process.
            Owner::Process(id) | Owner::Old(id) => Some(id),
            Owner::Daemon | Owner::Nobody => None,
        };
        self.make_room((owner, stream), emit);
        let daemon = self.daemon;
        let known = self.streams.entry((owner, stream)).or_insert_with(|| Stream {
            assembler: RawLines::default(),
            source: LogSource { daemon, pm_id, name: Arc::from(&*process.name) },
            kind: match stream {
                LogStream::Out => LineKind::Out,
                LogStream::Err => LineKind::Err,
            },
            cut_since: None,
        });
        if *known.source.name != *process.name {
            known.source.name = Arc::from(&*process.name);
        }
        (known, &mut self.lines)
    }

    /// Lines of an output were lost: that stands where they are missing. What there is of the line that they
    /// begin in and of the one that they end in is no whole line: it is counted, and not told.
    pub(in crate::daemon) fn push_lost(
        &mut self,
        missing: &Missing,
        at_ms: i64,
        now_ms: i64,
        emit: &mut impl FnMut(Report),
    ) {
        let (stream, lines) = self.stream(&missing.process, missing.stream, emit);
        // Of several outputs that were counted together nothing is known.
        let of = missing.process.pm_id.map(|_| missing.stream);
        stream.assembler = RawLines::default();
        let was_counted = stream.is_cut(now_ms);
        stream.cut_since = missing.is_cut.then_some(now_ms);
        let count = missing.lines().saturating_sub(u64::from(was_counted));
        if count > 0 {
            lines.push(LogLine::lost(at_ms, stream.source.clone(), of, count));
            if lines.len() >= LINES_MAX {
                emit(Report::Lines(lines.take()));
            }
        }
    }

    /// Reads a piece of output that came on no bus, written about then.
    pub(in crate::daemon) fn push_missed(
        &mut self,
        (process, stream): (ProcessRef, LogStream),
        (bytes, written): (&[u8], &Written),
        now_ms: i64,
        emit: &mut impl FnMut(Report),
    ) {
        let mut chunk = LogChunk { process, stream, at_ms: None, data: String::new() };
        let mut before = 0;
        self.is_estimated = true;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let at_ms = written.at(before).unwrap_or_else(clock::now_ms);
            before += line.len() as u64;
            chunk.data.clear();
            chunk.data.push_str(&String::from_utf8_lossy(line));
            chunk.at_ms = Some(at_ms);
            self.push(&chunk, at_ms, now_ms, emit);
        }
        self.is_estimated = false;
    }

    /// Says what is not certain here.
    pub(in crate::daemon) fn push_unsure(
        &mut self,
        at_ms: i64,
        text: &str,
        emit: &mut impl FnMut(Report),
    ) {
        let source =
            LogSource { daemon: self.daemon, pm_id: None, name: Arc::clone(&self.daemon_name) };
        let kind = LineKind::Event("lost", Severity::Warning);
        let text = clean(text).into();
        self.lines.push(LogLine { said: None, at_ms, is_estimated: true, source, kind, text });
        if self.lines.len() >= LINES_MAX {
            self.report(emit);
        }
    }

    /// Reads a piece of the daemon's own console, and keeps what no event says.
    pub(in crate::daemon) fn push_daemon(
        &mut self,
        data: &str,
        at_ms: i64,
        now_ms: i64,
        emit: &mut impl FnMut(Report),
    ) {
        let key = (Owner::Daemon, LogStream::Out);
        self.make_room(key, emit);
        let (daemon, name) = (self.daemon, &self.daemon_name);
        let stream = self.streams.entry(key).or_insert_with(|| Stream {
            assembler: RawLines::default(),
            source: LogSource { daemon, pm_id: None, name: Arc::clone(name) },
            kind: LineKind::Event("pm2", Severity::Neutral),
            cut_since: None,
        });
        let (source, kind, lines) = (&stream.source, &stream.kind, &mut self.lines);
        stream.assembler.push(data, at_ms, now_ms, |line| {
            keep(lines, (source, kind, false), line, emit);
        });
    }

    /// Takes a message of an app: its `data`, or `raw`, as one line under its topic; where God has a
    /// general one, under the `type` that the app gave it.
    pub(in crate::daemon) fn push_message(
        &mut self,
        topic: &str,
        other: &Other,
        now_ms: impl FnOnce() -> i64,
        emit: &mut impl FnMut(Report),
    ) {
        let (pm_id, name) = match &other.process {
            None => (None, Arc::from("")),
            Some(process) => {
                let pm_id = match process.pm_id {
                    Some(BusPmId::Process(id) | BusPmId::Old(id)) => Some(id),
                    Some(BusPmId::Daemon) | None => None,
                };
                (pm_id, Arc::from(&*process.name))
            }
        };
        let source = LogSource { daemon: self.daemon, pm_id, name };
        let at_ms = other.at_ms.unwrap_or_else(now_ms);
        let own = raw::other_topic(topic, &other.json);
        let topic = own.as_deref().unwrap_or(topic);
        let line = LogLine::message(at_ms, source, topic, &other.said());
        // The inbox counts bytes; long lines do not gather here, where only lines are counted.
        let is_long = line.text.len() > LONG_LINE_BYTES;
        self.lines.push(line);
        if is_long || self.lines.len() >= LINES_MAX {
            self.report(emit);
        }
    }

    /// A process or its old worker ended: its unfinished lines are its last.
    pub(in crate::daemon) fn process_ended(
        &mut self,
        id: PmId,
        is_old_worker: bool,
        emit: &mut impl FnMut(Report),
    ) {
        let owner = if is_old_worker { Owner::Old(id) } else { Owner::Process(id) };
        for output in [LogStream::Out, LogStream::Err] {
            if let Some(mut stream) = self.streams.remove(&(owner, output)) {
                flush(&mut stream, &mut self.lines, emit);
            }
        }
    }

    /// Ends the unfinished lines that began at `since_ms` or before. Returns when the oldest of
    /// the others began.
    pub(in crate::daemon) fn flush_older(
        &mut self,
        since_ms: i64,
        emit: &mut impl FnMut(Report),
    ) -> Option<i64> {
        let mut oldest: Option<i64> = None;
        for stream in self.streams.values_mut() {
            match stream.assembler.partial_since_ms() {
                Some(began) if began <= since_ms => flush(stream, &mut self.lines, emit),
                Some(began) => oldest = Some(oldest.map_or(began, |old| old.min(began))),
                None => {}
            }
        }
        oldest
    }

    /// Whether lines wait to be reported.
    pub(in crate::daemon) fn has_lines(&self) -> bool {
        self.lines.len() > 0
    }

    /// Reports the lines that wait.
    pub(in crate::daemon) fn report(&mut self, emit: &mut impl FnMut(Report)) {
        if self.has_lines() {
            emit(Report::Lines(self.lines.take()));
        }
    }

    /// Keeps the number of streams bounded: past it, all unfinished lines end here.
    fn make_room(&mut self, key: StreamKey, emit: &mut impl FnMut(Report)) {
        if self.streams.len() < STREAMS_MAX || self.streams.contains_key(&key) {
            return;
        }
        for (_, mut stream) in self.streams.drain() {
            flush(&mut stream, &mut self.lines, emit);
        }
    }
}

fn flush(stream: &mut Stream, lines: &mut Gathered, emit: &mut impl FnMut(Report)) {
    let (source, kind) = (&stream.source, &stream.kind);
    stream.assembler.flush_raw(|line| keep(lines, (source, kind, false), line, emit));
}

/// Adds a line to those that wait; a full set is reported.
fn keep(
    lines: &mut Gathered,
    (source, kind, is_estimated): (&LogSource, &LineKind, bool),
    line: RawLine<'_>,
    emit: &mut impl FnMut(Report),
) {
    let is_event = matches!(kind, LineKind::Event(..));
    let mut text = if is_event { clean(line.text) } else { line.text.into() };
    if is_event && !is_news(&text) {
        return;
    }
    if line.cut_bytes > 0 {
        text.to_mut().push_str(&cut_note(line.cut_bytes));
    }
    let at_ms = line.at_ms;
    if is_event {
        let (source, kind) = (source.clone(), kind.clone());
        lines.push(LogLine { said: None, at_ms, is_estimated, source, kind, text: text.into() });
    } else {
        lines.push_output((source, kind), (at_ms, is_estimated), &text);
    }
    if lines.len() >= LINES_MAX {
        emit(Report::Lines(lines.take()));
    }
}

/// Whether a line of the daemon's console says what no event says.
fn is_news(line: &str) -> bool {
    !line.trim().is_empty() && !TOLD_BY_EVENTS.iter().any(|told| line.starts_with(told))
}

#[cfg(test)]
mod tests;
