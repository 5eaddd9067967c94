//! Where the columns of the process table are.
//!
//! Invariant: a column has one place in all rows, whatever they hold; widths depend on all
//! processes, not on those in sight, so that scrolling moves nothing.

use ratatui::layout::Rect;

use super::{status, text};
use crate::app::{App, MINI_COLUMNS};

/// A column's place: first column of the screen, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) x: u16,
    pub(super) columns: u16,
}

/// Where the columns are; those that left are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) id: Column,
    pub(super) daemon: Option<Column>,
    pub(super) name: Column,
    pub(super) namespace: Option<Column>,
    pub(super) mode: Option<Column>,
    pub(super) status: Column,
    pub(super) restarts: Option<Column>,
    pub(super) uptime: Option<Column>,
    pub(super) cpu: Column,
    pub(super) cpu_mini: Option<Column>,
    pub(super) memory: Column,
    pub(super) limit: Option<Column>,
    /// Whether numbers are in their short form.
    pub(super) is_short: bool,
}

/// Below this, numbers and states are in their short form.
const SHORT_BELOW: u16 = 52;
/// Below this, one blank between columns, else two.
const NARROW_BELOW: u16 = 98;
/// A name narrower than this tells nothing.
const NAME_MIN: u16 = 4;
/// The widest name column.
const NAME_MAX: u16 = 40;
/// Of a longer name, so much is shown before other columns get their room.
const NAME_WANTED: u16 = 16;
/// With fewer columns, so much of it.
const NAME_LEAST: u16 = 12;
/// Cells of the meter of memory against its limit.
const METER: u16 = 5;
/// Columns of the meter with its percentage.
const LIMIT: u16 = METER + 5;

/// How wide the contents are.
struct Contents {
    id: u16,
    daemon: u16,
    name: u16,
    namespace: u16,
    restarts: u16,
    has_limit: bool,
}

impl Contents {
    fn of(app: &App) -> Self {
        let digits = |number: u32| number.checked_ilog10().map_or(1, |log| log as u16 + 1);
        let mut contents =
            Self { id: 2, daemon: 0, name: 8, namespace: 9, restarts: 3, has_limit: false };
        for (key, process) in app.watched.fleet.iter() {
            let info = &process.info;
            let namespace = info.namespace.as_deref().unwrap_or("-");
            contents.id = contents.id.max(digits(key.pm_id.0));
            contents.name = contents.name.max(text::width(&info.name)).min(NAME_MAX);
            contents.namespace = contents.namespace.max(text::width(namespace)).min(14);
            contents.restarts = contents.restarts.max(digits(info.restarts)).min(7);
            contents.has_limit |= info.memory_limit_bytes.is_some();
        }
        if app.watched.daemons.len() > 1 {
            contents.daemon = app
                .watched
                .daemons
                .iter()
                .map(|daemon| text::width(&daemon.label))
                .max()
                .unwrap_or(0)
                .clamp(6, 14);
        }
        contents
    }
}

/// How many of the columns that can leave are shown at most. They are, the last to leave first:
/// restarts, uptime, memory limit, mode, mini charts, namespace.
const OPTIONAL: u8 = 6;
/// With so many of them, the last is the mode.
const MODE: u8 = 4;

/// Places the columns in what is inside the pane.
pub(super) fn columns(app: &App, inner: Rect) -> Columns {
    let mut contents = Contents::of(app);
    if inner.width >= SHORT_BELOW {
        for shown in (0..=OPTIONAL).rev() {
            // A long name may be cut for the sake of the columns that say more than its end.
            let most = if shown > MODE { NAME_WANTED } else { NAME_LEAST };
            let columns = place(&contents, inner, shown, false);
            if columns.name.columns >= contents.name.min(most) {
                return columns;
            }
        }
    }
    contents.daemon = contents.daemon.min(6);
    let columns = place(&contents, inner, 0, true);
    if columns.name.columns >= NAME_MIN {
        return columns;
    }
    contents.daemon = 0;
    place(&contents, inner, 0, true)
}

/// Places the columns with so many optional ones.
fn place(contents: &Contents, inner: Rect, shown: u8, is_short: bool) -> Columns {
    let gap = if inner.width < NARROW_BELOW { 1 } else { 2 };
    // The sign of the sorted column stands in it.
    let id_gap = if is_short { 1 } else { gap + 1 };
    let optional = |rank: u8, columns: u16| (shown >= rank).then_some(columns);
    let (cpu, memory) = if is_short { (5, 5) } else { (6, 10) };
    let daemon = (contents.daemon > 0).then_some(contents.daemon);
    let restarts = optional(1, contents.restarts);
    let uptime = optional(2, 7);
    let limit = optional(3, LIMIT).filter(|_| contents.has_limit);
    let mode = optional(4, 7);
    let cpu_mini = optional(5, MINI_COLUMNS);
    let namespace = optional(6, contents.namespace);
    let with_gap = |columns: Option<u16>| columns.map_or(0, |columns| columns + gap);
    // The gaps behind name, status and CPU, and those of the columns that can leave.
    let fixed = (contents.id + id_gap + cpu + memory + 3 * gap)
        + [daemon, restarts, uptime, mode, namespace, cpu_mini, limit]
            .into_iter()
            .map(with_gap)
            .sum::<u16>();
    let spare = inner.width.saturating_sub(fixed);
    let status = if is_short {
        status::SHORT_COLUMNS.min(spare.saturating_sub(NAME_MIN)).max(3)
    } else {
        status::COLUMNS
    };
    // Not wider than the names are: the eye should not have to travel.
    let name = spare.saturating_sub(status).min(contents.name);
    let (mut x, end) = (inner.x, inner.right());
    // Whatever a daemon calls its ids, no column reaches over the edge.
    let mut next = |columns: u16, gap: u16| {
        let column = Column { x, columns: columns.min(end.saturating_sub(x)) };
        x = x.saturating_add(columns + gap);
        column
    };
    Columns {
        id: next(contents.id, id_gap),
        daemon: daemon.map(|columns| next(columns, gap)),
        name: next(name, gap),
        namespace: namespace.map(|columns| next(columns, gap)),
        mode: mode.map(|columns| next(columns, gap)),
        status: next(status, gap),
        restarts: restarts.map(|columns| next(columns, gap)),
        uptime: uptime.map(|columns| next(columns, gap)),
        cpu: next(cpu, gap),
        cpu_mini: cpu_mini.map(|columns| next(columns, gap)),
        memory: next(memory, gap),
        limit: limit.map(|columns| next(columns, 0)),
        is_short,
    }
}
