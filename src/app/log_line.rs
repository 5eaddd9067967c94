//! Lines on their way into the store, and as they are looked at.
//!
//! Invariant: what is shown of a line is what a search of the store sees of it. Output is cleaned here,
//! and only what is looked at.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::logs::parse::{self, Clock, Context, Facts, Level, Plain};
use crate::logs::{Body, Files, Kind, LineId, LineRef, LineTime, Owner, Store, Stream, TimeFrom};
use crate::model::log::{LineKind, LogLine, LogSource, Severity};
use crate::model::past::FileStream;
use crate::model::units;
use crate::protocol::escape::is_deceptive;
use crate::protocol::text::{StyledText, TextStyle, clean, clean_line};

/// What a row shows of a line at most, bytes.
pub const ROW_BYTES: usize = 8 * 1024;
/// What is shown of a line that is opened, bytes.
pub const WHOLE_BYTES: usize = 1024 * 1024;
/// Stands for a blank in a topic, so that the topic ends at the first blank.
const TOPIC_BLANK: char = '\u{a0}';

/// How far the clock of a line may be ahead of the daemon's, milliseconds: a time in the future would
/// hold back all that follow.
const AHEAD_MAX_MS: i64 = 1_000;

/// A line as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name in the store.
    pub id: LineId,
    /// When it was written.
    pub time: LineTime,
    /// What it is about.
    pub source: LogSource,
    /// Where it came from.
    pub stream: Stream,
    /// What it is.
    pub kind: Kind,
    /// How bad it says that it is.
    pub level: Option<Level>,
    /// What stands before the text: the topic of a message.
    pub lead: Box<str>,
    /// The text, cleaned.
    pub text: StyledText,
    /// An exception with all lines of it, cleaned.
    pub whole: Box<[Box<str>]>,
    /// Whether it came on the bus and its log file lacks it.
    pub is_bus_only: bool,
}

impl Shown {
    /// A line of the store, at most so many bytes of it; what stays in a file is in `files`, or the line
    /// says that it is not.
    #[must_use]
    pub fn of(
        store: &Store,
        files: &dyn Files,
        line: &LineRef<'_>,
        bytes_max: usize,
    ) -> Option<Self> {
        let key = store.source_key(line.source)?;
        let source = match &key.owner {
            Owner::Pm2(daemon) => LogSource { daemon: *daemon, pm_id: None, name: "PM2".into() },
            Owner::Process { daemon, pm_id, name, .. } => {
                LogSource { daemon: *daemon, pm_id: *pm_id, name: Arc::clone(name) }
            }
        };
        let bytes = bytes_of(line, files, bytes_max);
        let text = String::from_utf8_lossy(&bytes);
        let plain = |text: &str| StyledText { text: text.into(), runs: Box::default() };
        let (lead, text, whole) = match line.kind {
            Kind::Output | Kind::More => {
                ("", clean_line(&text, &mut TextStyle::default()), Box::default())
            }
            Kind::Message => {
                let (topic, json) = text.split_once(' ').unwrap_or(("", &text));
                (topic, plain(json), Box::default())
            }
            Kind::Exception => {
                let mut lines = text.split('\n');
                let first = lines.next().unwrap_or_default();
                ("exception: ", plain(first), lines.map(Box::from).collect())
            }
            Kind::Event | Kind::Exit | Kind::Restart | Kind::Loss => {
                ("", plain(&text), Box::default())
            }
        };
        let lead = match line.kind {
            Kind::Message => format!("{lead} ").into(),
            _ => lead.into(),
        };
        Some(Self {
            id: line.id,
            time: line.time,
            source,
            stream: key.stream,
            kind: line.kind,
            level: line.level,
            lead,
            text,
            whole,
            is_bus_only: line.is_bus_only,
        })
    }

    /// What it is, in a word: the topic of a message.
    #[must_use]
    pub fn word(&self) -> &str {
        match (self.kind, self.stream) {
            (Kind::Message, _) => self.lead.trim_end(),
            (Kind::Exception, _) => "exception",
            (Kind::Output | Kind::More, Stream::Err) => "err",
            (Kind::Output | Kind::More, _) => "out",
            (Kind::Exit, _) => "exit",
            (Kind::Restart, _) => "restart",
            (Kind::Loss, _) => "lost",
            (Kind::Event, _) => "event",
        }
    }

    /// As a line of what happened.
    #[must_use]
    pub(super) fn into_line(self) -> LogLine {
        let kind = match self.kind {
            Kind::Exception => LineKind::Exception(self.whole.clone()),
            Kind::Exit => LineKind::Event("exit", self.severity()),
            Kind::Restart => LineKind::Event("restart", self.severity()),
            _ => LineKind::Event("event", self.severity()),
        };
        let (at_ms, text) = (self.time.at_ms, self.text.text);
        LogLine { said: None, at_ms, is_estimated: false, source: self.source, kind, text }
    }

    /// How bad it is, of what happened.
    #[must_use]
    pub fn severity(&self) -> Severity {
        severity_of(self.level)
    }
}

/// How many of these lines, which follow each other, are parts of the first one.
pub(super) fn parts(entry: &[LineRef<'_>]) -> usize {
    let pairs = entry.iter().zip(entry.iter().skip(1));
    1 + pairs.take_while(|(before, line)| line.is_part_behind(before)).count()
}

/// Says how much there is of a very long line, the first of these, behind its first bytes.
pub(super) fn cut(entry: &[LineRef<'_>], shown: usize) -> String {
    let whole: u64 = entry.iter().take(parts(entry)).map(|line| line.len).sum();
    format!("cut: {} more of this line", units::bytes(whole.saturating_sub(shown as u64)))
}

/// How much is looked at of a line of an entry that is opened, bytes.
pub(super) fn opened_bytes(line: &LineRef<'_>, is_head: bool) -> usize {
    if line.is_long() && !is_head { ROW_BYTES } else { WHOLE_BYTES }
}

/// Stands for a line that is being read from its file.
const BEING_READ: &[u8] = b"(being read from the log file ..)";
/// Stands for a line that its file does not hold any more.
const GONE: &[u8] = b"(no longer to be read: the log file was truncated, or does not answer)";

/// The bytes of a line, or what stands for them.
pub(super) fn bytes_of<'a>(
    line: &LineRef<'a>,
    files: &dyn Files,
    bytes_max: usize,
) -> Cow<'a, [u8]> {
    let whole = line.len.min(bytes_max as u64);
    match (line.read(files, 0, bytes_max), line.body) {
        (Ok(bytes), Body::Filed(_)) if (bytes.len() as u64) < whole => Cow::Borrowed(GONE),
        (Ok(bytes), _) => bytes,
        (Err(error), _) if error.kind() == io::ErrorKind::WouldBlock => Cow::Borrowed(BEING_READ),
        (Err(_), _) => Cow::Borrowed(GONE),
    }
}

/// A line as it is copied: its bytes, invalid UTF-8 and tabs too, without escape sequences, control
/// characters, what deceives the eye, and what a carriage return goes back over.
pub(super) fn pure(line: &[u8]) -> Vec<u8> {
    let text = Plain::of(line).text;
    let end = text.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    let text = text.get(..end).unwrap_or_default();
    let start = memchr::memrchr(b'\r', text).map_or(0, |last| last + 1);
    let mut pure = Vec::with_capacity(text.len());
    for chunk in text.get(start..).unwrap_or_default().utf8_chunks() {
        let is_kept = |c: &char| *c == '\t' || !(c.is_control() || is_deceptive(*c));
        for c in chunk.valid().chars().filter(is_kept) {
            pure.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        pure.extend_from_slice(chunk.invalid());
    }
    pure
}

/// What is no output, as the store takes it.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) stream: Stream,
    pub(super) kind: Kind,
    pub(super) level: Option<Level>,
    pub(super) bytes: Box<[u8]>,
    /// Of an exception: what was thrown.
    pub(super) title: Box<str>,
}

/// How the times of a process's lines are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times<'a> {
    /// Of those without a zone.
    pub(super) zone: &'a TimeZone,
    /// The `log_date_format` of the process.
    pub(super) declared: Option<&'a parse::Pattern>,
    /// The time that the bus told, or an estimate.
    pub(super) told: LineTime,
    /// Of an estimate: when it was written at the latest, milliseconds since 1970.
    pub(super) until_ms: i64,
}

/// Makes what is no output ready for the store.
pub(super) fn stored(line: LogLine) -> Stored {
    let text = format!("{}{}", line.lead(), line.text);
    let of = |stream, kind, level, text: String| {
        let (bytes, title) = (text.into_bytes().into(), Box::default());
        Stored { stream, kind, level, bytes, title }
    };
    match line.kind {
        LineKind::Out => of(Stream::Out, Kind::Output, None, text),
        LineKind::Err => of(Stream::Err, Kind::Output, None, text),
        LineKind::Event(word, severity) => {
            let stream = match word {
                "pm2" => Stream::Pm2,
                "lost" | "dropped" | "history" if line.source.pm_id.is_none() => Stream::Losses,
                _ => Stream::Events,
            };
            let kind = match word {
                "exit" | "overlimit" | "stop" => Kind::Exit,
                "restart" | "reload" => Kind::Restart,
                "lost" | "dropped" => Kind::Loss,
                _ => Kind::Event,
            };
            of(stream, kind, Some(level_of(severity)), text)
        }
        // Its text is made where it is taken: see `log_gaps`.
        LineKind::Lost { .. } => of(Stream::Losses, Kind::Loss, Some(Level::Info), text),
        LineKind::Message(topic) => {
            let topic: String =
                topic.chars().map(|c| if c == ' ' { TOPIC_BLANK } else { c }).collect();
            of(Stream::Messages, Kind::Message, None, format!("{topic} {}", line.text))
        }
        LineKind::Exception(whole) => {
            let text = format!("{}\n{}", line.text, whole.join("\n"));
            let title = whole.first().cloned().unwrap_or_default();
            Stored { title, ..of(Stream::Events, Kind::Exception, Some(Level::Error), text) }
        }
    }
}

/// The stream of a log file.
pub(super) fn stream_of(stream: FileStream) -> Stream {
    match stream {
        FileStream::Out => Stream::Out,
        FileStream::Err => Stream::Err,
        FileStream::Both => Stream::Both,
    }
}

/// What a line of output says of itself.
#[derive(Debug)]
pub(super) struct Read<'a> {
    /// When it was written.
    pub(super) time: LineTime,
    /// When it came, milliseconds since 1970.
    pub(super) at_ms: i64,
    /// The text without its colours.
    pub(super) plain: Cow<'a, [u8]>,
    pub(super) facts: Facts,
}

/// The text of a line of output without colours and what leads it: PM2's prefix, time, level.
pub(super) fn text_of(bytes: &[u8], declared: Option<&parse::Pattern>) -> Vec<u8> {
    let told = LineTime { at_ms: 0, from: TimeFrom::Estimated };
    let times = Times { zone: &TimeZone::UTC, declared, told, until_ms: 0 };
    let read = read_at(bytes, false, times);
    read.facts.words.of(&read.plain).to_vec()
}

/// Reads a line of output.
pub(super) fn read_at<'a>(bytes: &'a [u8], is_stderr: bool, times: Times<'_>) -> Read<'a> {
    let plain = Plain::of(bytes);
    let clock = Clock { zone: times.zone, reference_ms: times.told.at_ms };
    let context = Context { declared: times.declared, clock, is_stderr };
    let reading = parse::read(&plain.text, &context);
    let time = reading.time.map_or(times.told, |own| own_time(own.at_ms, times));
    Read { time, at_ms: times.told.at_ms, facts: Facts::of(&reading), plain: plain.text }
}

/// The time that a line says, where it can be believed: it is not ahead of when it was told, or of now where
/// that is an estimate. Of one that says whole seconds the daemon knows more: it would stand among the lines
/// of up to a second before.
fn own_time(own_ms: i64, Times { told, until_ms, .. }: Times<'_>) -> LineTime {
    let before_ms = told.at_ms.saturating_sub(own_ms);
    let from = TimeFrom::Line;
    let latest_ms =
        if told.from == TimeFrom::Estimated { until_ms.max(told.at_ms) } else { told.at_ms };
    if own_ms > latest_ms.saturating_add(AHEAD_MAX_MS) {
        told
    } else if own_ms % 1_000 == 0 && (0..1_000).contains(&before_ms) && told.from == TimeFrom::Bus {
        LineTime { at_ms: told.at_ms, from }
    } else {
        LineTime { at_ms: own_ms, from }
    }
}

/// What happened is no error of a program: its levels stay below that.
fn level_of(severity: Severity) -> Level {
    match severity {
        Severity::Good => Level::Trace,
        Severity::Neutral => Level::Debug,
        Severity::Warning => Level::Info,
        Severity::Bad => Level::Warn,
    }
}

fn severity_of(level: Option<Level>) -> Severity {
    match level {
        Some(Level::Trace) => Severity::Good,
        Some(Level::Debug) | None => Severity::Neutral,
        Some(Level::Info) => Severity::Warning,
        Some(Level::Warn | Level::Error | Level::Fatal) => Severity::Bad,
    }
}

/// The namespace of a process, cleaned; PM2's own where it has none.
pub(super) fn namespace(named: Option<&str>) -> Arc<str> {
    Arc::from(&*clean(named.unwrap_or("default")))
}
