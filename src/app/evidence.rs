//! Evidence as rows: lines of a stack or of standard error, and what else stands with them.

use super::geometry::wrap;

/// What a row is, and so how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The cause.
    Cause,
    /// Figures and what followed.
    Fact,
    /// A heading above evidence.
    Heading,
    /// Evidence: a line of a stack or of standard error.
    Evidence,
    /// The same, of the one that says what was thrown.
    Thrown,
    /// A life in the list of them.
    Life {
        /// Whether it is the one that is shown.
        is_chosen: bool,
    },
}

/// Columns that the sign before a line of standard error takes.
pub const GUTTER: u16 = 2;

/// A line of evidence as it was indented, behind the gutter.
pub(super) fn quote(rows: &mut Vec<(Kind, String)>, kind: Kind, line: &str, columns: u16) {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let taken = u16::try_from(indent.len()).unwrap_or(u16::MAX).saturating_add(GUTTER);
    let wrapped = wrap(line, columns.saturating_sub(taken).max(8));
    if wrapped.is_empty() {
        rows.push((kind, String::new()));
    }
    rows.extend(wrapped.into_iter().map(|row| (kind, format!("{indent}{row}"))));
}
