//! A line of the log as rows show it: JSON as words, without the time and the level that have columns
//! of their own, wrapped; a stack trace as its head and its first own frame.
//!
//! Invariant: a line that is not looked at is not dressed.

use std::ops::Range;

use jiff::tz::TimeZone;
use memchr::memmem;

use super::log_columns::Columns;
use super::log_line::{self, ROW_BYTES, Shown};
use super::log_shape::{Shape, Times, pieces};
use super::log_view::LogView;
use crate::logs::parse::{Clock, Context, Pattern, Plain, Record, read, traces};
use crate::logs::{Body, Files, Kind, LineId, LineRef, LineTime, TimeFrom};
use crate::protocol::text::{StyledRun, StyledText, clean};

/// What stands of a stack trace below its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Its first frame in the program's own code, else its first.
    pub frame: String,
    /// How many there are besides: `+ 6 frames`.
    pub more: String,
}

/// A line with the rows that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    /// The line; [`Shown::lead`] stands before its text.
    pub line: Shown,
    /// What each row has of lead and text, bytes.
    pub rows: Vec<Range<usize>>,
    /// What stands in one row more.
    pub fold: Option<Fold>,
}

impl Laid {
    /// How many rows it takes.
    #[must_use]
    pub fn height(&self) -> usize {
        self.rows.len() + usize::from(self.fold.is_some())
    }
}

impl LogView {
    /// How many rows a line takes, at most `rows_max`.
    pub(super) fn height(&self, id: LineId, columns: &Columns, rows_max: usize) -> usize {
        if !self.shape.wraps {
            return 1 + usize::from(self.is_folded(id));
        }
        self.laid(id, columns, rows_max).map_or(1, |laid| laid.height())
    }

    /// A line with the rows that it takes, at most `rows_max`.
    pub(super) fn laid(&self, id: LineId, columns: &Columns, rows_max: usize) -> Option<Laid> {
        let mut line = Shown::of(&self.store, &self.filed.seen, &self.store.line(id)?, ROW_BYTES)?;
        let fold = if self.is_folded(id) { self.fold(&mut line) } else { None };
        let declared = self.formats.of(&line.source);
        let line = dress(line, self.shape, columns, (declared, &self.formats.zone));
        let whole = line.lead.len() + line.text.text.len();
        let rows_max = rows_max.saturating_sub(usize::from(fold.is_some())).max(1);
        let rows = if self.shape.wraps {
            let text = format!("{}{}", line.lead, line.text.text);
            pieces(&text, columns.text, rows_max)
        } else {
            std::iter::once(0..whole).collect()
        };
        Some(Laid { line, rows, fold })
    }

    /// Whether lines take more than one row though they are not wrapped.
    pub(super) fn has_folds(&self) -> bool {
        self.told.has_exceptions() || self.store.has_entries() || self.store.has_long()
    }

    /// Whether a line is the first of a trace, or is so long that it is cut.
    fn is_folded(&self, id: LineId) -> bool {
        let Some(line) = self.store.line(id) else { return false };
        match (line.kind, line.body) {
            (Kind::Exception, Body::Held(bytes)) => {
                let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
                memmem::find(first, FRAME_LEAD.as_bytes()).is_some()
            }
            (Kind::Output | Kind::More, _) => line.is_long() || self.store.is_head(id),
            _ => false,
        }
    }

    /// What stands below the first line of a trace; that line itself says what was thrown.
    fn fold(&self, line: &mut Shown) -> Option<Fold> {
        if line.kind == Kind::Exception {
            let (title, frame) = line.text.text.split_once(FRAME_LEAD)?;
            let (frame, more) = frame.split_once("   + ").unwrap_or((frame, ""));
            let more = if more.is_empty() { String::new() } else { format!("+ {more}") };
            let fold = Fold { frame: format!("at {frame}"), more };
            line.text = StyledText { text: title.into(), runs: Box::default() };
            return Some(fold);
        }
        let head = self.store.line(line.id)?;
        let rest: Vec<LineRef<'_>> = self.store.rest_of(line.id, true).collect();
        let all: Vec<LineRef<'_>> = std::iter::once(head).chain(rest).collect();
        if head.is_long() {
            let cut = log_line::cut(&all, ROW_BYTES);
            let more = match all.len() - log_line::parts(&all) {
                0 => cut,
                1 => format!("{cut}, + 1 line"),
                lines => format!("{cut}, + {lines} lines"),
            };
            return Some(Fold { frame: String::new(), more });
        }
        let declared = self.formats.of(&line.source);
        let texts: Vec<_> =
            all.iter().map(|line| plain(line, &self.filed.seen, declared)).collect();
        let found = traces(texts.iter().map(|text| &**text)).into_iter().next();
        let Some(trace) = found else {
            let more = format!("+ {} lines", all.len() - 1);
            return Some(Fold { frame: String::new(), more });
        };
        if let Some(title) = all.get(trace.title).filter(|title| title.id != line.id) {
            line.text = Shown::of(&self.store, &self.filed.seen, title, ROW_BYTES)?.text;
        }
        let first =
            || texts.iter().skip(1).find(|text| text.trim_ascii_start().starts_with(b"at "));
        // What was searched for is seen, also where it is in another frame.
        let found = self.search().and_then(|search| {
            let below = texts.iter().enumerate().skip(1);
            let mut below = below.filter(|(index, _)| *index != trace.title);
            below.find(|(_, text)| search.pattern.is_match(text)).map(|(_, text)| text)
        });
        let own = found.or_else(|| trace.own.and_then(|own| texts.get(own))).or_else(first);
        let frame = own.map(|own| clean(&String::from_utf8_lossy(own)).trim().to_owned());
        let others = trace.frames.saturating_sub(usize::from(frame.is_some()));
        let more = match (others, all.len() - 1) {
            (0, _) if trace.frames > 0 => String::new(),
            (0, 1) => "+ 1 line".to_owned(),
            (0, lines) => format!("+ {lines} lines"),
            (1, _) => "+ 1 frame".to_owned(),
            (others, _) => format!("+ {others} frames"),
        };
        Some(Fold { frame: frame.unwrap_or_default(), more })
    }
}

/// The text of a line of output, without colours and what leads it.
fn plain(line: &LineRef<'_>, files: &dyn Files, declared: Option<&Pattern>) -> Vec<u8> {
    let bytes = line.read(files, 0, ROW_BYTES).unwrap_or_default();
    log_line::text_of(&bytes, declared)
}

/// Leads the frame in the line of an exception that PM2 told of.
const FRAME_LEAD: &str = "   at ";

/// Makes words of a line of fields, and takes off what has a column of its own.
fn dress(
    line: Shown,
    shape: Shape,
    columns: &Columns,
    (declared, zone): (Option<&Pattern>, &TimeZone),
) -> Shown {
    if shape.is_raw || !matches!(line.kind, Kind::Output | Kind::More) {
        return line;
    }
    let plain = Plain::of(line.text.text.as_bytes());
    let clock = Clock { zone, reference_ms: line.time.at_ms };
    let reading = read(&plain.text, &Context { declared, clock, is_stderr: false });
    let says_shown = reading.time.is_none_or(|own| is_shown(own.at_ms, line.time));
    if let Some(record) = Record::of(&plain.text, &reading) {
        let all = record.row();
        let stamp = reading.own_time.filter(|_| !says_shown).map(|span| span.of(&plain.text));
        let all = match stamp {
            Some(stamp) => format!("{} {all}", String::from_utf8_lossy(stamp)),
            None => all,
        };
        let text = StyledText { text: clean(&all).into(), runs: Box::default() };
        return Shown { text, ..line };
    }
    let has_columns = columns.times != Times::Off && (columns.level > 0 || line.level.is_none());
    let start = reading.message.start;
    if reading.time.is_none() || start == 0 || !has_columns || !says_shown {
        return line;
    }
    // Behind PM2's prefix there may be nothing; what is a time and nothing else the process wrote itself.
    let is_empty = start >= line.text.text.len() && reading.prefix.is_some();
    let text = if is_empty { Some(StyledText::default()) } else { cut_start(&line.text, start) };
    Shown { text: text.unwrap_or(line.text), ..line }
}

/// Whether the time that a line says is the one that is shown of it. Of one that says whole seconds that
/// is within them.
fn is_shown(own_ms: i64, shown: LineTime) -> bool {
    shown.from == TimeFrom::Line && shown.at_ms.abs_diff(own_ms) < 1_000
}

/// The text from a byte on.
fn cut_start(text: &StyledText, start: usize) -> Option<StyledText> {
    let rest = text.text.get(start..).filter(|rest| !rest.is_empty())?;
    let at = u32::try_from(start).ok()?;
    let runs = text.runs.iter().filter(|run| run.end > at).map(|run| StyledRun {
        start: run.start.saturating_sub(at),
        end: run.end - at,
        style: run.style,
    });
    Some(StyledText { text: rest.into(), runs: runs.collect() })
}

/// Whether the time of a line is not certain.
#[must_use]
pub fn is_estimated(line: &Shown) -> bool {
    matches!(line.time.from, TimeFrom::Estimated | TimeFrom::File)
}
