//! The rows of the details: pure functions that `update` scrolls by and `view` draws.

use unicode_width::UnicodeWidthStr;

use super::Sheet;
use crate::app::geometry::wrap;
use crate::model::details::{Section, Tone};
use crate::protocol::layout;
use crate::protocol::text::clean;

/// From so many columns on, the overview has two columns.
const COLUMNS_TWO: u16 = 110;
/// Blanks between them.
pub const GAP: u16 = 3;
/// The widest column of labels.
const LABEL_MAX: usize = 26;
/// The most lines of raw JSON.
const RAW_MAX: usize = 20_000;
/// A line of it is cut after so many characters.
const RAW_CHARS_MAX: usize = 4_000;

/// A row of the overview.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is.
    pub kind: Kind,
    /// Its label; of a heading, the heading.
    pub label: String,
    /// What it says.
    pub text: String,
}

/// What a row of the overview is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Blank,
    /// The heading of a section.
    Heading,
    /// A fact.
    Fact(Tone),
}

/// A column of the overview.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    /// Columns of its labels.
    pub labels: u16,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// The overview in a room of so many columns: one column of rows, or two where they fit.
#[must_use]
pub fn overview(sheet: &Sheet, columns: u16) -> Vec<Column> {
    let Some(examined) = &sheet.examined else { return Vec::new() };
    let sections = &examined.details.sections;
    if columns < COLUMNS_TWO {
        return vec![column(sections, columns)];
    }
    let half = columns.saturating_sub(GAP) / 2;
    let rows_of = |sections: &[Section]| column(sections, half).rows.len();
    let splits = 0..=sections.len();
    let uneven = |at: &usize| {
        let (left, right) = sections.split_at_checked(*at).unwrap_or((sections, &[]));
        rows_of(left).max(rows_of(right))
    };
    let split = splits.min_by_key(uneven).unwrap_or(0);
    let (left, right) = sections.split_at_checked(split).unwrap_or((sections, &[]));
    vec![column(left, half), column(right, half)]
}

fn column(sections: &[Section], columns: u16) -> Column {
    let entries = sections.iter().flat_map(|section| &section.entries);
    let labels = entries.map(|entry| entry.label.width()).max().unwrap_or(0);
    let labels = labels.min(LABEL_MAX).min(usize::from(columns / 2));
    let labels = u16::try_from(labels).unwrap_or(columns);
    let room = columns.saturating_sub(labels + 2);
    let mut rows = Vec::new();
    for section in sections {
        if !rows.is_empty() {
            rows.push(Row { kind: Kind::Blank, label: String::new(), text: String::new() });
        }
        let label = section.title.to_owned();
        rows.push(Row { kind: Kind::Heading, label, text: String::new() });
        for entry in &section.entries {
            let mut label = entry.label.to_owned();
            let mut lines = wrap(&entry.text, room);
            if lines.is_empty() {
                lines.push("-".to_owned());
            }
            for text in lines {
                let label = std::mem::take(&mut label);
                rows.push(Row { kind: Kind::Fact(entry.tone), label, text });
            }
        }
    }
    Column { labels, rows }
}

/// JSON as lines to be shown.
#[must_use]
pub fn raw(json: &serde_json::Value) -> Vec<String> {
    let lines = layout::indented(&json.to_string());
    let cleaned = lines.iter().take(RAW_MAX).map(|line| {
        let line = clean(line);
        line.char_indices().nth(RAW_CHARS_MAX).map_or_else(
            || line.to_string(),
            |(cut, _)| format!("{}…", line.get(..cut).unwrap_or_default()),
        )
    });
    cleaned.collect()
}
