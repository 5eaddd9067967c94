//! Lines of the log as they come: output, and what happened to processes.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use super::DaemonId;
use crate::protocol::bus::LogStream;
use crate::protocol::layout;
use crate::protocol::process::PmId;
use crate::protocol::text;

/// The longest text of a message or reply, bytes (64 KiB).
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// The longest message and the longest frame of an exception that are kept, characters.
const FRAME_CHARS_MAX: usize = 2_000;
/// The longest topic that is kept, characters.
const TOPIC_CHARS_MAX: usize = 120;

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

/// How much a line matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Steps of the program.
    Trace,
    /// For who looks for a fault; winston's `verbose` too.
    Debug,
    /// The usual; `notice` and `success` too.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
    /// Nothing goes on; `critical`, `panic` and syslog's 0 to 2 too.
    Fatal,
}

impl Level {
    /// As a word: `warn`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The letter of it in a row.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Trace => "t",
            Self::Debug => "d",
            Self::Info => "i",
            Self::Warn => "W",
            Self::Error | Self::Fatal => "E",
        }
    }
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
    /// Lines that are missing here.
    Lost {
        /// Of which output of its process; `None` for what is no output, or of several.
        of: Option<LogStream>,
        /// How many.
        lines: u64,
    },
    /// An exception, with all lines of it: its message and its stack.
    Exception(Box<[Box<str>]>),
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
            Self::Lost { .. } => "dropped",
            Self::Exception(_) => "exception",
        }
    }
}

/// One line of the event log, or several that a process wrote together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When, milliseconds since 1970, by the daemon's clock.
    pub at_ms: i64,
    /// Whether that is an estimate.
    pub is_estimated: bool,
    /// What it is about.
    pub source: LogSource,
    /// What kind of line it is.
    pub kind: LineKind,
    /// The text. Output is as it was written, to be cleaned by who looks at it, and may be several
    /// lines with `\n` between them: see [`Self::lines`]. All else is clean.
    pub text: Box<str>,
    /// What was said, of standard error, where the text has more around it than the stamp of whole seconds:
    /// what PM2 put there in the format that the process declares. Line by line.
    pub said: Option<Box<str>>,
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
        Self {
            at_ms,
            is_estimated: false,
            said: None,
            source,
            kind: LineKind::Event(word, severity),
            text: text.into(),
        }
    }

    /// Lines that are missing, of an output or of several.
    #[must_use]
    pub fn lost(at_ms: i64, source: LogSource, of: Option<LogStream>, lines: u64) -> Self {
        let kind = LineKind::Lost { of, lines };
        Self { at_ms, is_estimated: false, said: None, source, kind, text: Box::default() }
    }

    /// A message or a reply: `json` is any JSON text; it is brought to one line, cleaned and cut
    /// after [`TEXT_BYTES_MAX`].
    #[must_use]
    pub fn message(at_ms: i64, source: LogSource, topic: &str, json: &str) -> Self {
        let topic = text::clean_to(topic, TOPIC_CHARS_MAX);
        Self {
            at_ms,
            is_estimated: false,
            said: None,
            source,
            kind: LineKind::Message(topic.into()),
            text: one_line(json),
        }
    }

    /// An exception in one line: its message, the first place in the app's own code, and how many
    /// more frames there are.
    #[must_use]
    pub fn exception(at_ms: i64, source: LogSource, message: &str, stack: &[Box<str>]) -> Self {
        let cut = |text: &str| text::clean_to(text, FRAME_CHARS_MAX).into_boxed_str();
        // Most stacks repeat the message in their first line.
        let is_repeated = stack.first().is_some_and(|first| first.contains(message));
        let head = (!is_repeated).then(|| cut(message));
        let whole: Box<[Box<str>]> =
            head.into_iter().chain(stack.iter().map(|line| cut(line))).collect();
        let frames = || whole.iter().map(|line| line.trim()).filter(|line| line.starts_with("at "));
        let is_foreign = |frame: &&str| frame.contains("node:") || frame.contains("node_modules");
        let first = frames().find(|frame| !is_foreign(frame)).or_else(|| frames().next());
        let mut line = cut(message).into_string();
        if let Some(first) = first {
            line.push_str("   ");
            line.push_str(first);
        }
        let more = frames().count().saturating_sub(1);
        if more > 0 {
            let _ = write!(line, "   + {more} frames");
        }
        Self {
            at_ms,
            is_estimated: false,
            said: None,
            source,
            kind: LineKind::Exception(whole),
            text: line.into(),
        }
    }

    /// The texts of its lines: of output each that was written, without its line end.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let breaks = if self.is_output() { self.text.as_bytes() } else { &[] };
        let ends = memchr::memchr_iter(b'\n', breaks).chain(std::iter::once(self.text.len()));
        let is_output = self.is_output();
        ends.scan(0, move |start, end| {
            let line = self.text.get(*start..end).unwrap_or_default();
            *start = end + 1;
            Some(if is_output { line.strip_suffix('\r').unwrap_or(line) } else { line })
        })
    }

    /// How many lines it is.
    #[must_use]
    pub fn count(&self) -> usize {
        if self.is_output() {
            1 + memchr::memchr_iter(b'\n', self.text.as_bytes()).count()
        } else {
            1
        }
    }

    /// How many lines are missing where it is, and of which output.
    #[must_use]
    pub fn missing(&self) -> (Option<LogStream>, u64) {
        match self.kind {
            LineKind::Out => (Some(LogStream::Out), self.count() as u64),
            LineKind::Err => (Some(LogStream::Err), self.count() as u64),
            LineKind::Lost { of, lines } => (of, lines),
            LineKind::Event(..) | LineKind::Message(_) | LineKind::Exception(_) => (None, 1),
        }
    }

    fn is_output(&self) -> bool {
        matches!(self.kind, LineKind::Out | LineKind::Err)
    }

    /// What stands before the text where it is shown: the word of an event where the text does not
    /// say it, the topic of a message.
    #[must_use]
    pub fn lead(&self) -> Cow<'_, str> {
        match &self.kind {
            LineKind::Out | LineKind::Err | LineKind::Lost { .. } => "".into(),
            LineKind::Message(topic) => format!("{topic} ").into(),
            LineKind::Exception(_) => "exception: ".into(),
            LineKind::Event(word, _) => match &*self.text {
                "" => (*word).into(),
                text if text.starts_with(word) => "".into(),
                _ => format!("{word}: ").into(),
            },
        }
    }

    /// What the line costs, in bytes: text, runs, what its kind holds, and bookkeeping.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of_kind = match &self.kind {
            LineKind::Message(topic) => topic.len(),
            LineKind::Exception(stack) => {
                stack.iter().map(|line| size_of::<Box<str>>() + line.len()).sum()
            }
            LineKind::Out | LineKind::Err | LineKind::Event(..) | LineKind::Lost { .. } => 0,
        };
        size_of::<Self>()
            + self.text.len()
            + of_kind
            + self.said.as_ref().map_or(0, |said| said.len())
    }
}

/// JSON as the text of a line.
#[must_use]
pub fn one_line(json: &str) -> Box<str> {
    text::clean(&layout::compact(json, TEXT_BYTES_MAX)).into()
}
