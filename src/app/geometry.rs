//! How the screen is divided: pure arithmetic that `update` (page sizes, scrolling) and `view`
//! (rectangles) share, so that both mean the same rows.

use super::Pane;

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

impl Geometry {
    /// Divides a terminal of `size` (columns, rows) for this many processes; `None` where it is
    /// too small for a screen. Where table and log do not both fit, `focus` says which is shown.
    #[must_use]
    pub fn new(size: (u16, u16), _processes: usize, _focus: Pane) -> Option<Self> {
        // Placeholder: the view helper writes this.
        let (columns, rows) = size;
        if columns < COLUMNS_MIN || rows < ROWS_MIN {
            return None;
        }
        let table = rows / 2;
        let log = rows - 2 - table;
        Some(Self {
            header: 1,
            table,
            table_rows: table.saturating_sub(3),
            charts: 0,
            log,
            log_rows: log.saturating_sub(2),
            footer: 1,
        })
    }
}
