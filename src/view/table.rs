//! The process table.
//!
//! ```text
//! ╭ Processes ── 3-14 of 120 ─────────────────────────────────────────────────────────────╮
//! │   id  name    namespace  mode     status      ↺   uptime     cpu            mem       │
//! │ ▶  0  api     default    cluster  ● online    0   3d 04h   12.3% ▁▂▃▅  120.4 MiB ▃▃▄▄ │
//! ```
//!
//! Invariant: a column has one place in all rows, whatever they hold; widths depend on all
//! processes, not on those in sight, so that scrolling moves nothing.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::canvas::Canvas;
use super::figures::Figures;
use super::lookup::{daemon, frame_kind, is_live};
use super::parts::Part;
use super::theme::{Theme, Tone};
use super::{chart, status, text};
use crate::app::{App, MINI_COLUMNS, Mode, Pane};
use crate::model::ProcessKey;
use crate::model::charts::Measure;
use crate::model::daemon::Connection;
use crate::model::fleet::Process;

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
    pub(super) memory_mini: Option<Column>,
    /// Whether numbers are in their short form.
    pub(super) is_short: bool,
}

/// Below this, numbers and states are in their short form.
const SHORT_BELOW: u16 = 54;
/// Below this, one blank between columns, else two.
const NARROW_BELOW: u16 = 100;
/// A name narrower than this tells nothing.
const NAME_MIN: u16 = 4;

/// How wide the contents are.
struct Contents {
    id: u16,
    daemon: u16,
    name: u16,
    namespace: u16,
    restarts: u16,
}

impl Contents {
    fn of(app: &App) -> Self {
        let digits = |number: u32| number.checked_ilog10().map_or(1, |log| log as u16 + 1);
        let mut contents = Self { id: 2, daemon: 0, name: 8, namespace: 9, restarts: 3 };
        for (key, process) in app.watched.fleet.iter() {
            let info = &process.info;
            let namespace = info.namespace.as_deref().unwrap_or("-");
            contents.id = contents.id.max(digits(key.pm_id.0));
            contents.name = contents.name.max(text::width(&info.name)).min(20);
            contents.namespace = contents.namespace.max(text::width(namespace)).min(14);
            contents.restarts = contents.restarts.max(digits(info.restarts)).min(7);
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
/// restarts, uptime, mode, mini charts, namespace.
const OPTIONAL: u8 = 5;
/// With so many of them, the last is the mode.
const MODE: u8 = 3;

/// Places the columns in what is inside the frame.
pub(super) fn columns(app: &App, inner: Rect) -> Columns {
    let mut contents = Contents::of(app);
    if inner.width >= SHORT_BELOW {
        for shown in (0..=OPTIONAL).rev() {
            // A long name may be cut for the sake of the columns that say more than its end.
            let wanted = if shown > MODE { contents.name } else { contents.name.min(12) };
            let columns = place(&contents, inner, shown, false);
            if columns.name.columns >= wanted {
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
    let optional = |rank: u8, columns: u16| (shown >= rank).then_some(columns);
    let (cpu, memory) = if is_short { (5, 5) } else { (6, 10) };
    let daemon = (contents.daemon > 0).then_some(contents.daemon);
    let restarts = optional(1, contents.restarts);
    let uptime = optional(2, 7);
    let mode = optional(3, 7);
    let minis = optional(4, MINI_COLUMNS);
    let namespace = optional(5, contents.namespace);
    let with_gap = |columns: Option<u16>| columns.map_or(0, |columns| columns + gap);
    // Pointer, then id, name, status, cpu and memory with the gaps between; a mini chart is one
    // blank from its number; and a blank at the right end, where there is room for it.
    let fixed = 2
        + (contents.id + cpu + memory + 4 * gap)
        + [daemon, restarts, uptime, mode, namespace].into_iter().map(with_gap).sum::<u16>()
        + minis.map_or(0, |mini| 2 * (mini + 1))
        + u16::from(!is_short);
    let spare = inner.width.saturating_sub(fixed);
    let status = if is_short {
        status::SHORT_COLUMNS.min(spare.saturating_sub(NAME_MIN)).max(3)
    } else {
        status::COLUMNS
    };
    let name = spare.saturating_sub(status);
    let (mut x, end) = (inner.x + 2, inner.right());
    // Whatever a daemon calls its ids, no column reaches over the frame.
    let mut next = |columns: u16, gap: u16| {
        let column = Column { x, columns: columns.min(end.saturating_sub(x)) };
        x += columns + gap;
        column
    };
    Columns {
        id: next(contents.id, gap),
        daemon: daemon.map(|columns| next(columns, gap)),
        name: next(name, gap),
        namespace: namespace.map(|columns| next(columns, gap)),
        mode: mode.map(|columns| next(columns, gap)),
        status: next(status, gap),
        restarts: restarts.map(|columns| next(columns, gap)),
        uptime: uptime.map(|columns| next(columns, gap)),
        cpu: next(cpu, if minis.is_some() { 1 } else { gap }),
        cpu_mini: minis.map(|columns| next(columns, gap)),
        memory: next(memory, 1),
        memory_mini: minis.map(|columns| next(columns, 0)),
        is_short,
    }
}

/// Draws the table.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if area.height < 4 {
        return;
    }
    let keys = app.rows();
    let rows = usize::from(area.height - 3);
    let first = app.table_top.min(keys.len().saturating_sub(rows));
    let has_focus = app.focus == Pane::Processes;
    let title = title(app, first, rows, keys.len());
    let inner = canvas.frame(area, frame_kind(has_focus), &title, &problems(app));
    let columns = columns(app, inner);
    draw_head(canvas, &columns, inner.y);
    let visible = keys.iter().skip(first).take(rows);
    for (y, key) in (inner.y + 1..inner.bottom()).zip(visible) {
        let Some(process) = app.watched.fleet.get(*key) else {
            continue;
        };
        let row = Rect::new(inner.x, y, inner.width, 1);
        let has_bars = draw_row(app, canvas, &columns, row, *key, process);
        if !is_live(app, key.daemon) {
            canvas.style(row, canvas.theme().stale());
        }
        if app.selected == Some(*key) {
            let is_active = has_focus && app.mode == Mode::Normal;
            canvas.text(row.x, y, 1, canvas.theme().glyphs().pointer, canvas.tone(Tone::Strong));
            canvas.style(row, Theme::selected(is_active));
            // Bars in reverse would read upside down.
            let minis = [columns.cpu_mini, columns.memory_mini].into_iter().flatten();
            for mini in minis.filter(|_| has_bars) {
                let bars = Rect::new(mini.x, y, mini.columns, 1);
                canvas.style_written(bars, Style::new().remove_modifier(Modifier::REVERSED));
            }
        }
    }
}

/// The title: which rows are in sight, and since when they are stale.
fn title(app: &App, first: usize, rows: usize, count: usize) -> Vec<Part> {
    let mut title = vec![Part::new("Processes", Tone::Strong, 3)];
    if count > rows {
        let last = (first + rows).min(count);
        title.push(Part::new(format!("{}-{last} of {count}", first + 1), Tone::Plain, 0));
    }
    let stale_since = app
        .watched
        .daemons
        .iter()
        .filter(|daemon| !daemon.is_live())
        .filter_map(|daemon| daemon.snapshot_at_ms)
        .min();
    if let Some(at_ms) = stale_since {
        let at = text::clock(at_ms, app.utc_offset_s, text::Clock::Seconds);
        let part = Part::new(format!("stale since {at}"), Tone::Warning, 1);
        title.push(part.or(2, "stale", Tone::Warning));
    }
    title
}

/// Why daemons are down, for the frame's lower stroke.
fn problems(app: &App) -> Vec<Part> {
    app.watched
        .daemons
        .iter()
        .filter_map(|daemon| match &daemon.connection {
            Connection::Down { problem, .. } if app.watched.daemons.len() > 1 => {
                Some(format!("{}: {}", daemon.label, problem.sentence()))
            }
            Connection::Down { problem, .. } => Some(problem.sentence()),
            Connection::Connecting | Connection::Live { .. } => None,
        })
        .map(|sentence| Part::new(sentence, Tone::Warning, 0))
        .collect()
}

/// Draws the column heads; those of numbers stand to the right.
fn draw_head(canvas: &mut Canvas<'_>, columns: &Columns, y: u16) {
    let style = canvas.tone(Tone::Quiet);
    let left = [
        (columns.daemon, "daemon"),
        (Some(columns.name), "name"),
        (columns.namespace, "namespace"),
        (columns.mode, "mode"),
        (Some(columns.status), "status"),
    ];
    for (column, head) in left {
        if let Some(Column { x, columns }) = column {
            canvas.text(x, y, columns, head, style);
        }
    }
    let right = [
        (Some(columns.id), "id"),
        (columns.restarts, canvas.theme().glyphs().restarts),
        (columns.uptime, "uptime"),
        (Some(columns.cpu), "cpu"),
        (Some(columns.memory), "mem"),
    ];
    for (column, head) in right {
        if let Some(Column { x, columns }) = column {
            canvas.right(x, y, columns, head, style);
        }
    }
}

/// Draws one process; whether with its bars.
fn draw_row(
    app: &App,
    canvas: &mut Canvas<'_>,
    columns: &Columns,
    row: Rect,
    key: ProcessKey,
    process: &Process,
) -> bool {
    let y = row.y;
    let info = &process.info;
    let left = |canvas: &mut Canvas<'_>, column: Option<Column>, text: &str, tone| {
        if let Some(Column { x, columns }) = column {
            let style = canvas.tone(tone);
            canvas.text(x, y, columns, if text.is_empty() { "-" } else { text }, style);
        }
    };
    let right = |canvas: &mut Canvas<'_>, column: Option<Column>, text: &str, tone| {
        if let Some(Column { x, columns }) = column {
            let style = canvas.tone(tone);
            canvas.right(x, y, columns, text, style);
        }
    };
    right(canvas, Some(columns.id), &key.pm_id.to_string(), Tone::Plain);
    let label = daemon(app, key.daemon).map_or("-", |daemon| &*daemon.label);
    left(canvas, columns.daemon, label, Tone::Plain);
    left(canvas, Some(columns.name), &info.name, Tone::Strong);
    let namespace = info.namespace.as_deref().unwrap_or("-");
    left(canvas, columns.namespace, namespace, Tone::Plain);
    left(canvas, columns.mode, info.exec_mode.as_str(), Tone::Plain);

    let status = status::of(process, app.now.steady_ms, canvas.theme().glyphs());
    if status.is_long {
        let room = row.right().saturating_sub(columns.status.x + u16::from(!columns.is_short));
        let text = format!("{} {}", status.glyph, status.word);
        canvas.text(columns.status.x, y, room, &text, canvas.tone(status.tone));
        return false;
    }
    let word = status.text(columns.status.columns, columns.uptime.is_some());
    left(canvas, Some(columns.status), &word, status.tone);
    right(canvas, columns.restarts, &info.restarts.to_string(), Tone::Plain);
    let uptime = uptime(app, key, process, status.restarts_in_s);
    right(canvas, columns.uptime, &uptime, Tone::Plain);

    let figures = Figures::of(process, columns.is_short);
    right(canvas, Some(columns.cpu), &figures.cpu, Tone::Plain);
    right(canvas, Some(columns.memory), &figures.memory, figures.memory_tone);
    let minis = [(columns.cpu_mini, Measure::Cpu), (columns.memory_mini, Measure::Memory)];
    for (column, measure) in minis {
        if let Some(Column { x, columns }) = column {
            chart::mini(app, canvas, (x, y, columns), (key.daemon, process), measure);
        }
    }
    true
}

/// How long it is online; while it waits, when it is started again. That of a daemon that is down
/// stands still: nobody knows how it went on.
fn uptime(app: &App, key: ProcessKey, process: &Process, restarts_in_s: Option<i64>) -> String {
    if let Some(seconds) = restarts_in_s {
        return format!("in {seconds}s");
    }
    // How long its daemon has not been heard, milliseconds.
    let unheard_ms = match daemon(app, key.daemon) {
        Some(daemon) if !daemon.is_live() => {
            daemon.snapshot_at_ms.map_or(0, |at_ms| app.now.wall_ms.saturating_sub(at_ms))
        }
        _ => 0,
    };
    match process.uptime_ms(app.now.steady_ms) {
        Some(uptime_ms) => text::uptime(uptime_ms.saturating_sub(unheard_ms)),
        None => "-".to_owned(),
    }
}
