//! A line of the log as rows show it: JSON as words, without the time and the level that have columns
//! of their own, wrapped.
//!
//! Invariant: a line that is not looked at is not dressed.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::log_line::{ROW_BYTES, Shown};
use super::log_shape::{Columns, Shape, Times, pieces};
use super::log_view::LogView;
use crate::logs::parse::{Clock, Context, Plain, Record, read};
use crate::logs::{Kind, LineId, TimeFrom};
use crate::protocol::text::{StyledRun, StyledText, clean};

/// A line with the rows that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    /// The line; [`Shown::lead`] stands before its text.
    pub line: Shown,
    /// What each row has of lead and text, bytes.
    pub rows: Vec<Range<usize>>,
}

impl LogView {
    /// A line as rows show it.
    pub(super) fn dressed(&self, id: LineId, columns: &Columns) -> Option<Shown> {
        let line = Shown::of(&self.store, &self.store.line(id)?, ROW_BYTES)?;
        Some(dress(line, self.shape, columns))
    }

    /// How many rows a line takes, at most `rows_max`.
    pub(super) fn height(&self, id: LineId, columns: &Columns, rows_max: usize) -> usize {
        if !self.shape.wraps {
            return 1;
        }
        self.laid(id, columns, rows_max).map_or(1, |laid| laid.rows.len())
    }

    /// A line with the rows that it takes, at most `rows_max`.
    pub(super) fn laid(&self, id: LineId, columns: &Columns, rows_max: usize) -> Option<Laid> {
        let line = self.dressed(id, columns)?;
        let whole = line.lead.len() + line.text.text.len();
        let rows = if self.shape.wraps {
            let text = format!("{}{}", line.lead, line.text.text);
            pieces(&text, columns.text, rows_max.max(1))
        } else {
            std::iter::once(0..whole).collect()
        };
        Some(Laid { line, rows })
    }

    /// Whether lines take more than one row though they are not wrapped.
    pub(super) fn has_folds(&self) -> bool {
        false
    }
}

/// Makes words of a line of fields, and takes off what has a column of its own.
fn dress(line: Shown, shape: Shape, columns: &Columns) -> Shown {
    if shape.is_raw || line.kind != Kind::Output {
        return line;
    }
    let plain = Plain::of(line.text.text.as_bytes());
    let clock = Clock { zone: &TimeZone::UTC, reference_ms: line.time.at_ms };
    let reading = read(&plain.text, &Context { declared: None, clock, is_stderr: false });
    if let Some(record) = Record::of(&plain.text, &reading) {
        let text = match &record.stack {
            Some(stack) if record.message.is_empty() => stack.lines().next().unwrap_or_default(),
            _ => "",
        };
        let words = record.line();
        let all = if text.is_empty() { words } else { format!("{text} {words}") };
        let text = StyledText { text: clean(&all).into(), runs: Box::default() };
        return Shown { text, ..line };
    }
    let has_columns = columns.times != Times::Off && (columns.level > 0 || line.level.is_none());
    let start = reading.message.start;
    if reading.time.is_none() || start == 0 || !has_columns {
        return line;
    }
    let text = cut_start(&line.text, start);
    Shown { text: text.unwrap_or(line.text), ..line }
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
