//! Where everything is on the screen: pure arithmetic that `update` (page sizes, scrolling, what a
//! pointer is over) and `view` (what to draw) share, so that both mean the same cells.
//!
//! Invariant: the areas of a [`Geometry`] cover the terminal's rows once each, whatever its size.

pub use super::pane::Pane;
pub use super::wrap::wrap;

/// A rectangle of cells; `(0, 0)` is the screen's upper left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Area {
    /// First column.
    pub x: u16,
    /// First row.
    pub y: u16,
    /// How many columns.
    pub columns: u16,
    /// How many rows; 0 where it is not shown.
    pub rows: u16,
}

impl Area {
    /// What is left of it below so many rows.
    #[must_use]
    pub fn below(self, rows: u16) -> Self {
        let rows = rows.min(self.rows);
        Self { y: self.y + rows, rows: self.rows - rows, ..self }
    }
}

/// How large the charts of the selected process are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChartsWish {
    /// As large as the screen has room for.
    #[default]
    Large,
    /// One line.
    Line,
    /// None.
    None,
}

impl ChartsWish {
    /// The word for it, as it is kept; none for what is so by itself.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Large => None,
            Self::Line => Some("line"),
            Self::None => Some("none"),
        }
    }

    /// What a word means; what is so by itself where it means nothing.
    #[must_use]
    pub fn of(word: Option<&str>) -> Self {
        let all = [Self::Line, Self::None];
        all.into_iter().find(|wish| wish.word() == word).unwrap_or_default()
    }

    /// The next one, round the end, on a screen of so many rows: what has no room there is passed over.
    #[must_use]
    pub fn next(self, rows: u16) -> Self {
        match self {
            Self::Large if rows >= ROWS_CHARTS => Self::Line,
            Self::Large | Self::Line => Self::None,
            Self::None => Self::Large,
        }
    }

    /// What it is called.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Large => "charts: as large as there is room",
            Self::Line => "charts: one line",
            Self::None => "charts: none",
        }
    }
}

/// How CPU and memory of the selected process are charted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charts {
    /// Not at all.
    None,
    /// In one line of sparklines.
    Line(Area),
    /// In two panes with a title each.
    Panels {
        /// The left one.
        cpu: Area,
        /// The right one.
        memory: Area,
    },
}

/// Where the parts of the screen are. They have its full width; what they show keeps a blank cell
/// at both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Header line.
    pub header: Area,
    /// Process table: a title, a line of heads, the rows.
    pub table: Area,
    /// Process rows that fit the table.
    pub table_rows: u16,
    /// The charts of the selected process.
    pub charts: Charts,
    /// Log pane: a title, the lines.
    pub log: Area,
    /// Log lines that fit the pane.
    pub log_rows: u16,
    /// Footer line.
    pub footer: Area,
    /// All between header and footer.
    pub body: Area,
}

/// The smallest terminal with a screen: columns.
pub const COLUMNS_MIN: u16 = 30;
/// The smallest terminal with a screen: rows.
pub const ROWS_MIN: u16 = 6;
/// From so many rows on, table and log are shown together.
pub const ROWS_BOTH_PANES: u16 = 12;
/// From so many rows on, a line charts the selected process.
pub const ROWS_CHART_LINE: u16 = 18;
/// From so many rows on, its charts are panes.
pub const ROWS_CHARTS: u16 = 30;

/// The row of a pane's title.
pub const TITLE: u16 = 1;
/// Rows that a table's title and heads take.
const TABLE_TOP: u16 = TITLE + 1;
/// The smallest table beside a log, with its title and heads.
const TABLE_MIN: u16 = 5;
/// The blank cells at both sides of what a pane shows.
pub(super) const SIDES: u16 = 2;

impl Geometry {
    /// Divides a terminal of `size` (columns, rows) for this many processes; `None` where it is
    /// too small for a screen. Where table and log do not both fit, `focus` says which is shown.
    #[must_use]
    pub fn new(size: (u16, u16), processes: usize, focus: Pane) -> Option<Self> {
        Self::with_charts(size, processes, focus, ChartsWish::default())
    }

    /// The same with charts of that size, where there is room for them.
    #[must_use]
    pub fn with_charts(
        size: (u16, u16),
        processes: usize,
        focus: Pane,
        wish: ChartsWish,
    ) -> Option<Self> {
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
            let charts = match wish {
                ChartsWish::Large => charts_rows(rows, processes),
                ChartsWish::Line => charts_rows(rows, processes).min(1),
                ChartsWish::None => 0,
            };
            let table = table_rows(rows, processes);
            (table, charts, body - charts - table)
        };
        let area = |y, rows| Area { x: 0, y, columns, rows };
        let charts_area = area(1 + table, charts);
        Some(Self {
            header: area(0, 1),
            table: area(1, table),
            table_rows: table.saturating_sub(TABLE_TOP),
            charts: match charts {
                0 => Charts::None,
                1 => Charts::Line(charts_area),
                _ => panels(charts_area),
            },
            log: area(1 + table + charts, log),
            log_rows: log.saturating_sub(TITLE),
            footer: area(rows - 1, 1),
            body: area(1, body),
        })
    }
}

impl Geometry {
    /// The same with one pane over all between header and footer.
    #[must_use]
    pub fn zoomed(self, pane: Pane) -> Self {
        let above = Area { rows: 0, ..self.body };
        let below = self.body.below(self.body.rows);
        let (table, log) = match pane {
            Pane::Processes => (self.body, below),
            Pane::Log => (above, self.body),
        };
        Self {
            table,
            table_rows: table.rows.saturating_sub(TABLE_TOP),
            charts: Charts::None,
            log,
            log_rows: log.rows.saturating_sub(TITLE),
            ..self
        }
    }
}

/// Rows of the charts: 7 of 40, one of less than 30, none where there is nothing to chart.
fn charts_rows(rows: u16, processes: usize) -> u16 {
    match rows {
        _ if processes == 0 => 0,
        ..ROWS_CHART_LINE => 0,
        ROWS_CHART_LINE..ROWS_CHARTS => 1,
        _ => (rows.saturating_add(3) / 5 - 1).clamp(5, 9),
    }
}

/// Rows of the table beside a log: what its processes need, up to 45 % of the screen. Without a
/// process it holds a message and takes all that.
fn table_rows(rows: u16, processes: usize) -> u16 {
    let most = u16::try_from(u32::from(rows) * 45 / 100).unwrap_or(u16::MAX).max(TABLE_MIN);
    let wanted = match processes {
        0 => most,
        some => u16::try_from(some).unwrap_or(u16::MAX).saturating_add(TABLE_TOP),
    };
    wanted.clamp(TABLE_MIN, most)
}

/// Bars of each of the two sparklines in a chart line of so many columns.
#[must_use]
pub fn line_bars(columns: u16) -> u16 {
    (columns.saturating_sub(52) / 2).clamp(6, 48)
}

/// Columns for the scale left of a panel's bars, with a blank.
pub const PANEL_SCALE: u16 = 6;
/// A panel narrower than this has no scale.
const PANEL_SCALE_FROM: u16 = 22;

/// Where the bars of a panel are.
#[must_use]
pub fn panel_bars(panel: Area) -> Area {
    let scale = if panel.columns < PANEL_SCALE_FROM { 0 } else { PANEL_SCALE };
    let left = (1 + scale).min(panel.columns);
    let columns = panel.columns.saturating_sub(scale + SIDES);
    Area { x: panel.x + left, columns, ..panel.below(TITLE) }
}

/// Two panes in the room of one, side by side.
#[must_use]
pub(super) fn panels(area: Area) -> Charts {
    let half = area.columns / 2;
    Charts::Panels {
        cpu: Area { columns: half, ..area },
        memory: Area { x: area.x + half, columns: area.columns - half, ..area },
    }
}

/// Where an overlay is: a title, its text, and a blank row where there is one to spare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlay {
    /// All of it.
    pub area: Area,
    /// Its text.
    pub text: Area,
}

/// Places an overlay with so many columns and rows of text in the middle of the screen; the last
/// line stays for the footer, which says how to leave.
#[must_use]
pub fn overlay(size: (u16, u16), columns: u16, rows: u16) -> Overlay {
    let room = size.1.saturating_sub(1);
    let width = columns.saturating_add(SIDES).min(size.0);
    let rows = rows.min(room.saturating_sub(TITLE));
    let height = (rows + TITLE + 1).min(room);
    let area =
        Area { x: (size.0 - width) / 2, y: (room - height) / 2, columns: width, rows: height };
    let text = Area { x: area.x + 1, columns: width.saturating_sub(SIDES), ..area.below(TITLE) };
    Overlay { area, text: Area { rows: rows.min(text.rows), ..text } }
}

impl Overlay {
    /// The same with fewer rows of text; its top stays where it is.
    #[must_use]
    pub fn shrunk(mut self, rows: u16) -> Self {
        let rows = rows.min(self.text.rows);
        self.area.rows = self.area.rows.saturating_sub(self.text.rows - rows);
        self.text.rows = rows;
        self
    }
}

/// Columns and rows for the text of a line shown whole, for a terminal of `size`: all but its title
/// and the footer.
#[must_use]
pub fn line_inside(size: (u16, u16)) -> (u16, u16) {
    let (columns, rows) = size;
    (columns.saturating_sub(SIDES).max(1), rows.saturating_sub(TITLE + 1))
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

    fn rows_of(charts: Charts) -> u16 {
        match charts {
            Charts::None => 0,
            Charts::Line(area) => area.rows,
            Charts::Panels { cpu, .. } => cpu.rows,
        }
    }

    #[test]
    fn parts_cover_any_size_once() {
        for rows in ROWS_MIN..=300 {
            for processes in [0, 1, 3, 12, 120, usize::MAX] {
                for focus in [Pane::Processes, Pane::Log] {
                    let parts = Geometry::new((81, rows), processes, focus).unwrap();
                    let charts = rows_of(parts.charts);
                    assert_eq!((parts.header.y, parts.header.rows, parts.table.y), (0, 1, 1));
                    assert_eq!(parts.log.y, 1 + parts.table.rows + charts, "{parts:?}");
                    assert_eq!(parts.footer.y, parts.log.y + parts.log.rows, "{parts:?}");
                    assert_eq!(parts.footer.y + parts.footer.rows, rows, "{parts:?}");
                    if let Charts::Panels { cpu, memory } = parts.charts {
                        assert_eq!((cpu.x, cpu.columns, memory.x), (0, 40, 40));
                        assert_eq!((memory.columns, cpu.y), (41, 1 + parts.table.rows));
                    }
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
        assert_eq!((parts.table.rows, parts.table_rows), (14, 12));
        assert_eq!((rows_of(parts.charts), parts.log.rows, parts.log_rows), (7, 17, 16));
        let many = of(120, 40, 500);
        assert_eq!((many.table.rows, many.table_rows), (18, 16));
    }

    #[test]
    fn small_screens() {
        let parts = of(80, 24, 12);
        assert_eq!((parts.table_rows, rows_of(parts.charts), parts.log_rows), (8, 1, 10));
        assert!(matches!(parts.charts, Charts::Line(_)));
        let short = of(80, 17, 12);
        assert_eq!((short.table.rows, rows_of(short.charts), short.log.rows), (7, 0, 8));
        let one = of(40, 10, 12);
        assert_eq!((one.table.rows, one.table_rows, one.log.rows), (8, 6, 0));
        let log = Geometry::new((40, 10), 12, Pane::Log).unwrap();
        assert_eq!((log.table.rows, log.log.rows, log.log_rows), (0, 8, 7));
    }

    #[test]
    fn overlays_stay_above_the_footer() {
        for (columns, rows) in [(0, 0), (1, 1), (30, 6), (40, 10), (80, 24), (300, 200)] {
            for wanted in [(0, 0), (10, 3), (90, 30), (u16::MAX, u16::MAX)] {
                let Overlay { area, text } = overlay((columns, rows), wanted.0, wanted.1);
                assert!(area.x + area.columns <= columns, "{area:?}");
                assert!(area.y + area.rows <= rows.saturating_sub(1), "{area:?}");
                assert!(text.columns <= wanted.0 && text.rows <= wanted.1, "{text:?}");
                assert!(text.y + text.rows <= area.y + area.rows, "{area:?} {text:?}");
                assert!(text.x + text.columns <= area.x + area.columns.max(1), "{area:?} {text:?}");
            }
        }
    }

    #[test]
    fn wrapping_loses_only_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("/a/very/long/path x", 6), ["/a/ver", "y/long", "/path", "x"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert!(wrap("", 10).is_empty());
    }
}
