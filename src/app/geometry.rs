//! How the screen is divided: pure arithmetic that `update` (page sizes, scrolling) and `view`
//! (rectangles) share, so that both mean the same rows.
//!
//! Invariant: the parts of a [`Geometry`] add up to the rows of the terminal, whatever its size.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::command::COMMANDS;
use crate::model::log::{LineKind, LogLine};
use crate::protocol::layout;

/// A pane that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The process table.
    Processes,
    /// Events and logs.
    Log,
}

/// Rows of each part, top to bottom. A part of 0 rows is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Header line.
    pub header: u16,
    /// Process table, with its frame and head.
    pub table: u16,
    /// Process rows that fit the table.
    pub table_rows: u16,
    /// CPU and RAM panels, with their frames.
    pub charts: u16,
    /// Log pane, with its frame.
    pub log: u16,
    /// Log lines that fit the pane.
    pub log_rows: u16,
    /// Footer line.
    pub footer: u16,
}

/// The smallest terminal with a screen: columns.
pub const COLUMNS_MIN: u16 = 30;
/// The smallest terminal with a screen: rows.
pub const ROWS_MIN: u16 = 6;
/// From so many rows on, table and log are shown together.
pub const ROWS_BOTH_PANES: u16 = 12;
/// From so many rows on, the charts are shown.
pub const ROWS_CHARTS: u16 = 18;

/// Rows that a table's frame and head take.
const TABLE_BORDER: u16 = 3;
/// Rows that a pane's frame takes.
const FRAME: u16 = 2;
/// The smallest table beside a log, with its frame and head.
const TABLE_MIN: u16 = 6;
/// Columns of the key column in the help overlay: the widest keys, and a gap.
pub const HELP_KEYS: u16 = 10;

impl Geometry {
    /// Divides a terminal of `size` (columns, rows) for this many processes; `None` where it is
    /// too small for a screen. Where table and log do not both fit, `focus` says which is shown.
    #[must_use]
    pub fn new(size: (u16, u16), processes: usize, focus: Pane) -> Option<Self> {
        let (columns, rows) = size;
        if columns < COLUMNS_MIN || rows < ROWS_MIN {
            return None;
        }
        let body = rows - 2;
        let (table, charts, log) = if rows < ROWS_BOTH_PANES {
            match focus {
                Pane::Processes => (body, 0, 0),
                Pane::Log => (0, 0, body),
            }
        } else {
            let charts = charts_rows(rows, processes);
            let table = table_rows(rows, processes);
            (table, charts, body - charts - table)
        };
        Some(Self {
            header: 1,
            table,
            table_rows: table.saturating_sub(TABLE_BORDER),
            charts,
            log,
            log_rows: log.saturating_sub(FRAME),
            footer: 1,
        })
    }
}

/// Rows of the chart panels: 8 of 40, 5 of 24, none where there is nothing to chart.
fn charts_rows(rows: u16, processes: usize) -> u16 {
    if rows < ROWS_CHARTS || processes == 0 { 0 } else { (rows.saturating_add(3) / 5).clamp(4, 8) }
}

/// Rows of the table beside a log: what its processes need, up to 45 % of the screen. Without a
/// process it holds a message and takes all that.
fn table_rows(rows: u16, processes: usize) -> u16 {
    let most = u16::try_from(u32::from(rows) * 45 / 100).unwrap_or(u16::MAX).max(TABLE_MIN);
    let wanted = match processes {
        0 => most,
        some => u16::try_from(some).unwrap_or(u16::MAX).saturating_add(TABLE_BORDER),
    };
    wanted.clamp(TABLE_MIN, most)
}

/// Columns of the CPU and the memory panel, side by side.
#[must_use]
pub fn panel_columns(columns: u16) -> [u16; 2] {
    let half = columns / 2;
    [half, columns - half]
}

/// Columns for the scale left of a panel's bars, with a blank.
pub const PANEL_SCALE: u16 = 6;
/// A panel narrower than this inside has no scale.
const PANEL_SCALE_FROM: u16 = 20;

/// Columns of the scale of a panel that is so wide inside its frame.
#[must_use]
pub fn panel_scale(inside: u16) -> u16 {
    if inside < PANEL_SCALE_FROM { 0 } else { PANEL_SCALE }
}

/// Columns and rows for the bars of a panel of this size.
#[must_use]
pub fn panel_inside(columns: u16, rows: u16) -> (u16, u16) {
    let inside = columns.saturating_sub(FRAME);
    (inside - panel_scale(inside), rows.saturating_sub(FRAME))
}

/// One line of the help overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpLine {
    /// The keys, on the first line of a command; `""` on those that follow.
    pub keys: &'static str,
    /// A piece of the sentence.
    pub text: String,
}

/// Columns and rows inside the frame of the help overlay, for a terminal of `size`.
#[must_use]
pub fn help_inside(size: (u16, u16)) -> (u16, u16) {
    let (columns, rows) = size;
    let columns = columns.min(76).saturating_sub(FRAME + 2);
    let lines = u16::try_from(help_lines(columns).len()).unwrap_or(u16::MAX);
    // The last line of the screen stays for the footer, which says how to leave.
    (columns, lines.min(rows.saturating_sub(FRAME + 1)))
}

/// The help, one or more lines for each command, wrapped for so many columns.
#[must_use]
pub fn help_lines(columns: u16) -> Vec<HelpLine> {
    let text_columns = columns.saturating_sub(HELP_KEYS);
    let mut lines = Vec::new();
    for row in COMMANDS {
        let mut keys = row.keys;
        for text in wrap(row.help, text_columns) {
            lines.push(HelpLine { keys, text });
            keys = "";
        }
    }
    lines
}

/// How far the help overlay can be scrolled down.
#[must_use]
pub fn help_top_max(size: (u16, u16)) -> u16 {
    let (columns, rows) = help_inside(size);
    u16::try_from(help_lines(columns).len()).unwrap_or(u16::MAX).saturating_sub(rows)
}

/// Columns and rows inside the frame of a line shown whole, for a terminal of `size`.
#[must_use]
pub fn line_inside(size: (u16, u16)) -> (u16, u16) {
    let (columns, rows) = size;
    // The last line of the screen stays for the footer, which says how to leave.
    (columns.saturating_sub(FRAME + 2).max(1), rows.saturating_sub(FRAME + 1))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(columns: u16, rows: u16, processes: usize) -> Geometry {
        Geometry::new((columns, rows), processes, Pane::Processes).unwrap()
    }

    #[test]
    fn too_small_has_no_screen() {
        assert_eq!(Geometry::new((29, 40), 3, Pane::Processes), None);
        assert_eq!(Geometry::new((120, 5), 3, Pane::Processes), None);
        assert_eq!(Geometry::new((0, 0), 3, Pane::Log), None);
        assert!(Geometry::new((30, 6), 3, Pane::Log).is_some());
    }

    #[test]
    fn parts_add_up_at_any_size() {
        for rows in ROWS_MIN..=300 {
            for processes in [0, 1, 3, 12, 120, usize::MAX] {
                for focus in [Pane::Processes, Pane::Log] {
                    let parts = Geometry::new((80, rows), processes, focus).unwrap();
                    assert_eq!(
                        parts.header + parts.table + parts.charts + parts.log + parts.footer,
                        rows,
                        "{parts:?}"
                    );
                    assert!(parts.table_rows > 0 || parts.log_rows > 0, "{parts:?}");
                    if rows >= ROWS_BOTH_PANES {
                        assert!(parts.table_rows >= 3, "{rows} {parts:?}");
                        assert!(parts.log_rows >= 2, "{rows} {parts:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn default_screen() {
        let parts = of(120, 40, 12);
        assert_eq!((parts.table, parts.table_rows), (15, 12));
        assert_eq!((parts.charts, parts.log, parts.log_rows), (8, 15, 13));
        let many = of(120, 40, 500);
        assert_eq!((many.table, many.table_rows), (18, 15));
    }

    #[test]
    fn small_screens() {
        let parts = of(80, 24, 12);
        assert_eq!((parts.table, parts.charts, parts.log), (10, 5, 7));
        let short = of(80, 17, 12);
        assert_eq!((short.table, short.charts, short.log), (7, 0, 8));
        let one = of(40, 10, 12);
        assert_eq!((one.table, one.table_rows, one.log), (8, 5, 0));
        let log = Geometry::new((40, 10), 12, Pane::Log).unwrap();
        assert_eq!((log.table, log.log, log.log_rows), (0, 8, 6));
    }

    #[test]
    fn wrapping_loses_only_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("/a/very/long/path x", 6), ["/a/ver", "y/long", "/path", "x"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert!(wrap("", 10).is_empty());
    }

    #[test]
    fn help_scrolls_to_its_end() {
        let (columns, rows) = help_inside((40, 10));
        assert_eq!((columns, rows), (36, 7));
        let lines = help_lines(columns).len() as u16;
        assert_eq!(help_top_max((40, 10)), lines - rows);
        assert_eq!(help_top_max((120, 40)), 0);
        let _ = help_top_max((0, 0));
    }
}
