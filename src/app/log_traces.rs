//! Stack traces in what comes: which lines go on an entry, and which exception of the bus is the same
//! trace as one on standard error.
//!
//! Invariant: a trace that a process prints and PM2 tells is one entry: the printed one. What is
//! remembered for that is bounded.

use std::collections::VecDeque;

use super::log_line::Read;
use crate::logs::parse::{Judge, Level, PAUSE_MS, Part, Place};
use crate::logs::{Kind, LineId, LineTime, Owner, SourceId, Store};

/// So far apart, printed and told, a trace is the same one, milliseconds.
const SAME_MS: i64 = 2_000;
/// How many traces and exceptions are remembered to be joined.
const KEPT_MAX: usize = 32;
/// How many joined ones are remembered.
const JOINED_MAX: usize = 1_000;
/// The most bytes of a title that are compared.
const TITLE_BYTES_MAX: usize = 2_000;

/// What was thrown, where it can still be joined.
#[derive(Debug, Clone)]
struct Thrown {
    owner: Owner,
    title: Box<[u8]>,
    at_ms: i64,
    line: LineId,
}

impl Thrown {
    fn is(&self, owner: &Owner, title: &[u8], at_ms: i64) -> bool {
        self.owner == *owner
            && *self.title == *cut(title)
            && self.at_ms.abs_diff(at_ms) <= SAME_MS.unsigned_abs()
    }
}

/// A source's entry that is open.
#[derive(Debug, Default)]
struct Open {
    source: Option<SourceId>,
    judge: Judge,
    /// The first line of the entry.
    head: Option<LineId>,
    /// The time of the line that others go on.
    time: Option<LineTime>,
    /// When the last line came, milliseconds since 1970.
    at_ms: i64,
}

/// What is remembered of traces.
#[derive(Debug, Default)]
pub(super) struct KnownTraces {
    /// By the slots of the sources.
    open: Vec<Open>,
    printed: VecDeque<Thrown>,
    exceptions: VecDeque<Thrown>,
    has_exceptions: bool,
    /// The first lines of printed traces that PM2 told of too.
    joined: VecDeque<LineId>,
}

impl KnownTraces {
    /// Whether the store may have exceptions.
    pub(super) fn has_exceptions(&self) -> bool {
        self.has_exceptions
    }

    fn open(&mut self, source: SourceId) -> Option<&mut Open> {
        let slot = source.slot();
        if self.open.len() <= slot {
            self.open.resize_with(slot + 1, Open::default);
        }
        let open = self.open.get_mut(slot)?;
        if open.source != Some(source) {
            *open = Open { source: Some(source), ..Open::default() };
        }
        Some(open)
    }

    /// Whether no entry of a source is open, so that only the head of a trace is more than text.
    pub(super) fn is_idle(&mut self, source: SourceId) -> bool {
        self.open(source).is_some_and(|open| open.judge.is_idle())
    }

    /// Lines of prose of a source are in the store, this one last.
    pub(super) fn are_in(
        &mut self,
        source: SourceId,
        (last, time, level): (LineId, LineTime, Option<Level>),
    ) {
        if let Some(open) = self.open(source) {
            (open.head, open.time, open.at_ms) = (Some(last), Some(time), time.at_ms);
            open.judge.take_prose(level);
        }
    }

    /// Lines of a source are missing here: no entry goes on behind them.
    pub(super) fn is_broken(&mut self, source: SourceId) {
        if let Some(open) = self.open(source) {
            open.judge.close();
            (open.head, open.time) = (None, None);
        }
    }

    /// What the next line of output of a source is.
    pub(super) fn feed(&mut self, source: SourceId, read: &Read<'_>) -> Fed {
        let (kind, time) = (Kind::Output, read.time);
        let Some(open) = self.open(source) else {
            return Fed { kind, time, level: None, is_title: false, raises: false };
        };
        if read.at_ms.saturating_sub(open.at_ms) > PAUSE_MS {
            open.judge.close();
        }
        open.at_ms = read.at_ms;
        let judged = open.judge.feed(&read.plain, &read.facts);
        let kind = match judged.place {
            Place::GoesOn if open.head.is_some() => Kind::More,
            _ => Kind::Output,
        };
        let head = open.time.filter(|_| kind == Kind::More);
        let time = head.unwrap_or(read.time);
        open.time = Some(time);
        let is_title = judged.part == Part::Title;
        Fed { kind, time, level: judged.level, is_title, raises: judged.raises }
    }
}

/// What a line of output is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fed {
    pub(super) kind: Kind,
    /// Its time, or that of the line that it goes on.
    pub(super) time: LineTime,
    pub(super) level: Option<Level>,
    /// Whether it says what was thrown.
    is_title: bool,
    /// Whether the lines of its entry before it are as bad.
    raises: bool,
}

/// A title as it is compared: without the brace that its properties follow behind.
fn cut(title: &[u8]) -> &[u8] {
    let title = title.trim_ascii();
    let title = title.strip_suffix(b"{").unwrap_or(title).trim_ascii_end();
    title.get(..TITLE_BYTES_MAX).unwrap_or(title)
}

fn keep(all: &mut VecDeque<Thrown>, one: Thrown) {
    if all.len() >= KEPT_MAX {
        all.pop_front();
    }
    all.push_back(one);
}

impl KnownTraces {
    /// A line of output is in the store.
    pub(super) fn is_in(
        &mut self,
        store: &mut Store,
        source: SourceId,
        Fed { kind, level, is_title, raises, .. }: Fed,
        (line, at_ms, text): (LineId, i64, &[u8]),
    ) {
        let Some(open) = self.open(source) else { return };
        if kind != Kind::More {
            open.head = Some(line);
        }
        if !is_title {
            return;
        }
        let Some(head) = open.head else { return };
        if raises {
            // What leads the entry does not say that it is one of an error.
            let rest: Vec<LineId> = store.rest_of(head, false).map(|line| line.id).collect();
            for line in std::iter::once(head).chain(rest) {
                store.set_level(line, level);
            }
        }
        let Some(owner) = store.source_key(source).map(|key| key.owner.clone()) else {
            return;
        };
        let told = self.exceptions.iter().position(|told| told.is(&owner, text, at_ms));
        if let Some(told) = told.and_then(|index| self.exceptions.remove(index)) {
            store.take_out(told.line);
            self.join(head);
        }
        let title = cut(text).into();
        keep(&mut self.printed, Thrown { owner, title, at_ms, line: head });
    }

    /// Whether the trace of an exception was printed already.
    pub(super) fn is_printed(
        &mut self,
        store: &Store,
        source: SourceId,
        title: &[u8],
        at_ms: i64,
    ) -> bool {
        let Some(owner) = store.source_key(source).map(|key| &key.owner) else {
            return false;
        };
        let printed = &mut self.printed;
        let found = printed.iter().position(|printed| printed.is(owner, title, at_ms));
        let found = found.and_then(|index| printed.remove(index));
        if let Some(printed) = &found {
            self.join(printed.line);
        }
        found.is_some()
    }

    fn join(&mut self, head: LineId) {
        if self.joined.len() >= JOINED_MAX {
            self.joined.pop_front();
        }
        self.joined.push_back(head);
    }

    /// Whether an entry is a trace that PM2 told of too.
    pub(super) fn is_joined(&self, head: LineId) -> bool {
        self.joined.contains(&head)
    }

    /// An exception is in the store: its trace may still be printed.
    pub(super) fn is_told(
        &mut self,
        store: &Store,
        source: SourceId,
        (title, at_ms, line): (&[u8], i64, LineId),
    ) {
        let Some(owner) = store.source_key(source).map(|key| key.owner.clone()) else {
            return;
        };
        self.has_exceptions = true;
        let title = cut(title).into();
        keep(&mut self.exceptions, Thrown { owner, title, at_ms, line });
    }
}
