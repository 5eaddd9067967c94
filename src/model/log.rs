//! The event log: lines of output and what happened to processes, in one bounded ring.
//!
//! Invariant: never more than `lines_max` lines or `bytes_max` bytes; each line has a number that
//! it keeps, so that a reader's place stays while old lines fall out.

use std::collections::VecDeque;
use std::sync::Arc;

use super::DaemonId;
use crate::protocol::layout;
use crate::protocol::process::PmId;
use crate::protocol::text::{self, StyledText};

/// Lines kept by default.
pub const LINES_MAX: usize = 10_000;
/// The longest text of a message or reply, bytes (64 KiB).
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// The longest topic that is kept, characters.
const TOPIC_CHARS_MAX: usize = 120;
/// Bytes kept by default (16 MiB), text and bookkeeping.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSource {
    /// The daemon.
    pub daemon: DaemonId,
    /// The process; `None` for the daemon itself.
    pub pm_id: Option<PmId>,
    /// Its name, cleaned; shared between its lines.
    pub name: Arc<str>,
}

/// How bad it is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// As it should be.
    Good,
    /// Worth knowing.
    Neutral,
    /// May need a look.
    Warning,
    /// Went wrong.
    Bad,
}

/// What kind of line it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineKind {
    /// Standard output of a process.
    Out,
    /// Standard error of a process.
    Err,
    /// Something that happened, by a word of at most nine columns: `online`, `exit`, `restart` ..
    Event(&'static str, Severity),
    /// A message of an app by its topic, or a reply by its method: the text is JSON.
    Message(Box<str>),
}

impl LineKind {
    /// The word in the kind column; a topic can be longer than that.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
            Self::Event(word, _) => word,
            Self::Message(topic) => topic,
        }
    }
}

/// One line of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When, milliseconds since 1970, by the daemon's clock.
    pub at_ms: i64,
    /// What it is about.
    pub source: LogSource,
    /// What kind of line it is.
    pub kind: LineKind,
    /// The text, cleaned.
    pub text: StyledText,
}

impl LogLine {
    /// A line about something that happened.
    #[must_use]
    pub fn event(
        at_ms: i64,
        source: LogSource,
        word: &'static str,
        severity: Severity,
        text: &str,
    ) -> Self {
        let text = StyledText { text: text.into(), runs: Box::default() };
        Self { at_ms, source, kind: LineKind::Event(word, severity), text }
    }

    /// A message or a reply: `json` is any JSON text; it is brought to one line, cleaned and cut
    /// after [`TEXT_BYTES_MAX`].
    #[must_use]
    pub fn message(at_ms: i64, source: LogSource, topic: &str, json: &str) -> Self {
        let topic = text::clean_to(topic, TOPIC_CHARS_MAX);
        Self { at_ms, source, kind: LineKind::Message(topic.into()), text: one_line(json) }
    }

    /// What the line costs, in bytes: text, runs, topic and bookkeeping.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let topic = match &self.kind {
            LineKind::Message(topic) => topic.len(),
            LineKind::Out | LineKind::Err | LineKind::Event(..) => 0,
        };
        size_of::<Self>() + self.text.text.len() + size_of_val(&*self.text.runs) + topic
    }
}

/// JSON as the text of a line.
#[must_use]
pub fn one_line(json: &str) -> StyledText {
    let line = layout::compact(json, TEXT_BYTES_MAX);
    StyledText { text: text::clean(&line).into(), runs: Box::default() }
}

/// The bounded ring of lines.
#[derive(Debug)]
pub struct LogBuffer {
    lines: VecDeque<LogLine>,
    /// Number of the oldest line kept.
    first: u64,
    bytes: usize,
    lines_max: usize,
    bytes_max: usize,
    /// Lines that a full queue dropped before they came here.
    lost: u64,
}

impl Default for LogBuffer {
    fn default() -> Self {
        Self::new(LINES_MAX, BYTES_MAX)
    }
}

impl LogBuffer {
    /// An empty ring with these bounds.
    #[must_use]
    pub fn new(lines_max: usize, bytes_max: usize) -> Self {
        Self { lines: VecDeque::new(), first: 0, bytes: 0, lines_max, bytes_max, lost: 0 }
    }

    /// Adds a line; the oldest fall out where a bound is reached.
    pub fn push(&mut self, line: LogLine) {
        self.bytes += line.bytes();
        self.lines.push_back(line);
        while self.lines.len() > self.lines_max
            || (self.bytes > self.bytes_max && self.lines.len() > 1)
        {
            let Some(old) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= old.bytes();
            self.first += 1;
        }
    }

    /// Counts lines that were lost on the way here.
    pub fn count_lost(&mut self, lines: u64) {
        self.lost += lines;
    }

    /// Lines lost on the way here; what fell out of the ring by age is not lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Numbers of the lines kept: from the oldest to one past the newest.
    #[must_use]
    pub fn numbers(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.lines.len() as u64
    }

    /// A line by its number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&LogLine> {
        let index = number.checked_sub(self.first)?;
        self.lines.get(usize::try_from(index).ok()?)
    }

    /// Bytes kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lines kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}
