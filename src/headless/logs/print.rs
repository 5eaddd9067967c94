//! How a line is printed: for people, as JSON, or byte for byte.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::super::{Context, output};
use super::events::Event;
use super::kept::{Again, Kept};
use super::source::Source;
use super::{Entry, History};
use crate::cli::{LogTime, Logs};
use crate::daemon::clock;
use crate::daemon::history::Line;
use crate::logs::parse::Level;
use crate::model::units::{self, Clock};
use crate::protocol::bus::LogStream;
use crate::protocol::text::{clean, is_plain};

/// Names are padded to this at most, columns.
const LABEL_COLUMNS_MAX: usize = 24;

/// Who says lines.
struct Label {
    name: String,
    stream: LogStream,
    /// What stands between their time and their level.
    lead: String,
}

/// Prints lines.
pub(super) struct Printer<'a, W> {
    out: &'a mut W,
    time: LogTime,
    is_json: bool,
    is_raw: bool,
    is_ascii: bool,
    utc_offset_s: i32,
    labels: Vec<Label>,
    label_columns: usize,
    /// The row that is being printed.
    row: Vec<u8>,
    /// How much of the line that is being printed is left out, bytes.
    cut: u64,
    /// Whether nothing was printed.
    is_silent: bool,
    /// A second, and its clock: lines come many a second.
    second: (i64, String),
    /// The day on which it began: lines of another one say theirs.
    today: String,
}

impl<'a, W: Write> Printer<'a, W> {
    pub(super) fn new(context: &Context, what: &Logs, sources: &[Source], out: &'a mut W) -> Self {
        let widths = sources
            .iter()
            .map(|source| if what.follow { source.label_columns() } else { source.label.width() });
        let mut printer = Self {
            out,
            time: what.time,
            is_json: what.json,
            is_raw: what.raw,
            is_ascii: context.is_ascii,
            utc_offset_s: context.utc_offset_s,
            labels: Vec::new(),
            label_columns: widths.max().unwrap_or_default().min(LABEL_COLUMNS_MAX),
            row: Vec::new(),
            cut: 0,
            is_silent: true,
            second: (i64::MIN, String::new()),
            today: units::day(clock::now_ms(), context.utc_offset_s),
        };
        for source in sources {
            printer.add(source);
        }
        printer
    }

    /// Prints what was before. False where some of it could not be read.
    pub(super) fn history(&mut self, history: &History) -> io::Result<bool> {
        let mut files: Vec<Option<Again>> =
            history.files.iter().map(|file| file.clone().map(Again::of)).collect();
        let mut gone: u64 = 0;
        let mut entries = history.entries.iter().enumerate().peekable();
        while let Some((index, entry)) = entries.next() {
            // A long line is read in pieces: it is told as one.
            self.cut = 0;
            let is_whole = entry.extent().is_none_or(|(_, (.., is_ended))| is_ended);
            if !self.is_raw && !is_whole {
                let below = history.entries.get(index..).unwrap_or_default();
                let pieces = pieces(below);
                self.cut = pieces.iter().filter_map(Entry::extent).map(|(_, (len, ..))| len).sum();
                for _ in pieces {
                    entries.next();
                }
            }
            match entry {
                Entry::Line(source, line) => self.print(*source as usize, line)?,
                Entry::Event(event) => self.event(event)?,
                Entry::Kept(source, kept) => {
                    let file = files.get_mut(*source as usize).and_then(Option::as_mut);
                    gone += u64::from(!self.kept(*source as usize, *kept, file)?);
                }
            }
        }
        self.cut = 0;
        if gone > 0 {
            output::complain(&format!("{gone} lines were cut off from their files meanwhile"));
        }
        Ok(history.is_whole && gone == 0)
    }

    /// Prints a line that stayed in its file; false where it is there no more.
    fn kept(&mut self, source: usize, kept: Kept, file: Option<&mut Again>) -> io::Result<bool> {
        let Some(file) = file else { return Ok(false) };
        if self.is_raw && kept.is_long() {
            self.is_silent = false;
            return file.copy(kept, self.out);
        }
        let Ok(Some(line)) = file.line(kept) else { return Ok(false) };
        self.print(source, line)?;
        Ok(true)
    }

    /// Whether nothing was printed.
    pub(super) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// One more source.
    pub(super) fn add(&mut self, source: &Source) {
        let (name, stream) = (source.label.clone(), source.file.stream);
        let lead = self.lead(&name, stream);
        self.labels.push(Label { name, stream, lead });
    }

    /// A source has this label now.
    pub(super) fn rename(&mut self, index: usize, label: &str) {
        let lead = self.labels.get(index).map(|known| self.lead(label, known.stream));
        if let Some((known, lead)) = self.labels.get_mut(index).zip(lead) {
            (known.name, known.lead) = (label.to_owned(), lead);
        }
    }

    /// What stands between the time and the level of a line of this one.
    fn lead(&self, label: &str, stream: LogStream) -> String {
        let gutter = match (stream, self.is_ascii) {
            (LogStream::Out, false) => '│',
            (LogStream::Err, false) => '┃',
            (LogStream::Out, true) => '|',
            (LogStream::Err, true) => '!',
        };
        let blanks = self.label_columns.saturating_sub(label.width());
        format!("{label}{:blanks$} {gutter} ", "")
    }

    /// Prints a line of a source.
    pub(super) fn print(&mut self, index: usize, line: &Line) -> io::Result<()> {
        let labels = std::mem::take(&mut self.labels);
        let printed = labels.get(index).map_or(Ok(()), |label| self.put(label, line));
        self.labels = labels;
        printed
    }

    /// Prints a line of this one, on that stream.
    pub(super) fn say(
        &mut self,
        (label, stream): (&str, LogStream),
        line: &Line,
    ) -> io::Result<()> {
        let lead = self.lead(label, stream);
        self.put(&Label { name: label.to_owned(), stream, lead }, line)
    }

    fn put(&mut self, label: &Label, line: &Line) -> io::Result<()> {
        self.is_silent = false;
        if self.is_raw {
            self.out.write_all(&line.bytes)?;
            return if line.is_ended { self.out.write_all(b"\n") } else { Ok(()) };
        }
        let cut = self.cut + line.more;
        if self.is_json {
            let mut json = json!({
                "at": line.at_ms,
                "is_estimated": line.is_estimated,
                "process": label.name,
                "stream": if label.stream == LogStream::Err { "err" } else { "out" },
                "level": line.level.map(Level::name),
                "text": String::from_utf8_lossy(&line.bytes),
            });
            if let Some(object) = json.as_object_mut().filter(|_| cut > 0) {
                object.insert("cut_bytes".to_owned(), cut.into());
            }
            return writeln!(self.out, "{}", output::escaped(&json.to_string(), false));
        }
        // The stamp that PM2 put there says what the time before the line says.
        let text = line.bytes.get(line.stamp_bytes..).unwrap_or_default();
        let text = if self.time == LogTime::Off { &line.bytes } else { text };
        let level = line.level.map_or(" ", Level::letter);
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        push_moment(&mut row, &mut self.second, line, (self.time, self.utc_offset_s, &self.today));
        row.extend_from_slice(label.lead.as_bytes());
        row.extend_from_slice(level.as_bytes());
        row.push(b' ');
        if is_plain(text) {
            row.extend_from_slice(text);
        } else {
            let text = words(text);
            let text = clean(&text);
            let ascii = (self.is_ascii && !text.is_ascii()).then(|| output::printable(&text, true));
            row.extend_from_slice(ascii.as_deref().unwrap_or(&text).trim_end().as_bytes());
        }
        row.truncate(row.trim_ascii_end().len());
        if cut > 0 {
            let cut = units::bytes(cut);
            let _ = write!(row, " .. (cut: {cut} more of this line, --raw prints it)");
        }
        row.push(b'\n');
        let written = self.out.write_all(&row);
        self.row = row;
        written
    }

    /// Prints something that happened.
    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        let Event { label, word, line, .. } = event;
        self.is_silent = false;
        let text = String::from_utf8_lossy(&line.bytes);
        if self.is_json {
            let json = json!({
                "at": line.at_ms,
                "is_estimated": line.is_estimated,
                "process": label,
                "stream": "event",
                "event": word,
                "level": line.level.map(Level::name),
                "text": text,
            });
            return writeln!(self.out, "{}", output::escaped(&json.to_string(), false));
        }
        let mut time = Vec::new();
        push_moment(&mut time, &mut self.second, line, (self.time, self.utc_offset_s, &self.today));
        let blanks = " ".repeat(self.label_columns.saturating_sub(label.width()));
        let gutter = if self.is_ascii { '*' } else { '◆' };
        let text = output::printable(&clean(&text), self.is_ascii);
        self.out.write_all(&time)?;
        writeln!(self.out, "{label}{blanks} {gutter}   {text}")
    }

    /// What was printed goes out.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The pieces behind the first of these that are of the same line.
fn pieces(entries: &[Entry]) -> &[Entry] {
    let Some((first, below)) = entries.split_first() else { return &[] };
    let Some((source, (.., mut is_ended))) = first.extent() else { return &[] };
    let goes_on = |entry: &&Entry| {
        let Some((other, (_, goes_on, ends))) = entry.extent() else { return false };
        let is_piece = !is_ended && goes_on && other == source;
        is_ended = ends;
        is_piece
    };
    let count = below.iter().take_while(goes_on).count();
    below.get(..count).unwrap_or_default()
}

/// The time before a line, and a blank; `~` before one that is not the line's own.
fn push_moment(
    row: &mut Vec<u8>,
    (second, shown): &mut (i64, String),
    line: &Line,
    (time, utc_offset_s, today): (LogTime, i32, &str),
) {
    if time == LogTime::Off {
        return;
    }
    row.push(if line.is_estimated { b'~' } else { b' ' });
    let at_ms = line.at_ms;
    match time {
        LogTime::Off => {}
        LogTime::Iso => {
            if let Ok(at) = jiff::Timestamp::from_millisecond(at_ms) {
                // Writing to memory does not fail.
                let _ = write!(row, "{at:.3}");
            }
        }
        LogTime::Epoch => row.extend_from_slice(at_ms.to_string().as_bytes()),
        LogTime::Clock | LogTime::Date => {
            if *second != at_ms.div_euclid(1_000) {
                *second = at_ms.div_euclid(1_000);
                *shown = units::clock(at_ms, utc_offset_s, Clock::Seconds);
                let day = units::day(at_ms, utc_offset_s);
                if time == LogTime::Date || day != today {
                    *shown = format!("{day} {shown}");
                }
            }
            row.extend_from_slice(shown.as_bytes());
            let ms = at_ms.rem_euclid(1_000) as u16;
            let digit = |place: u16| b'0' + (ms / place % 10) as u8;
            row.extend_from_slice(&[b'.', digit(100), digit(10), digit(1)]);
        }
    }
    row.push(b' ');
}

/// The text of a line; quicker than the standard library where all of it is valid.
fn words(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
