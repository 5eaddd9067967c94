//! Text in rows: broken at blanks, or where it must be.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::model::log::{LineKind, LogLine};
use crate::protocol::layout;

/// A line of the log in rows of so many columns: JSON indented, an exception with all its frames,
/// anything else as it is.
#[must_use]
pub fn line_rows(line: &LogLine, columns: u16) -> Vec<String> {
    let text = &line.text.text;
    let lines = match &line.kind {
        LineKind::Message(_) => layout::indented(text),
        LineKind::Exception(whole) => whole.iter().map(ToString::to_string).collect(),
        LineKind::Out | LineKind::Err | LineKind::Event(..) if is_json(text) => {
            layout::indented(text)
        }
        LineKind::Out | LineKind::Err | LineKind::Event(..) => vec![text.to_string()],
    };
    let columns = usize::from(columns.max(2));
    lines.iter().flat_map(|line| folded(line, columns)).collect()
}

/// Whether a text is a JSON object or array, such as many apps log.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Breaks a line where it must be broken; what goes on stands as far in as the line itself.
fn folded(line: &str, columns: usize) -> Vec<String> {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    let indent = " ".repeat(blanks.min(columns / 2));
    let mut rows = Vec::new();
    let mut row = indent.clone();
    let mut used = indent.len();
    for cluster in line.get(blanks..).unwrap_or_default().graphemes(true) {
        let width = cluster.width();
        if used + width > columns && used > indent.len() {
            rows.push(std::mem::replace(&mut row, indent.clone()));
            used = indent.len();
        }
        row.push_str(cluster);
        used += width;
    }
    rows.push(row);
    rows
}

/// Breaks text into lines of at most so many columns, at spaces where there are some; a longer
/// word (a path) is broken where it must. Nothing but spaces is lost.
#[must_use]
pub fn wrap(text: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns.max(2));
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let width = word.width();
        if used > 0 && used + 1 + width > columns {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for cluster in word.graphemes(true) {
            let width = cluster.width();
            if used + width > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push_str(cluster);
            used += width;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}
