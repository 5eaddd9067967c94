//! The process table.
//!
//! ```text
//! ━ Processes ━ 3-14 of 120 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  id▲  name  namespace  mode     status      ↺   uptime    cpu                 mem  of limit
//! ▌ 0  api   default    cluster  ● online    0   3d 04h  12.3%  ▁▂▃▅     120.4 MiB  ██··· 40%
//! ```

use std::ops::Range;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::columns::{Column, Columns, columns};
use super::figures::Figures;
use super::lookup::{daemon, is_in_front, is_live};
use super::parts::Part;
use super::roles::Role;
use super::rows_title;
use super::theme::Glyphs;
use super::{chart, status, text};
use crate::app::{App, Pane};
use crate::model::ProcessKey;
use crate::model::daemon::Connection;
use crate::model::fleet::Process;
use crate::model::rows::{Field, reason};
use crate::protocol::process::ProcessStatus;

/// A reason in fewer columns says nothing.
const REASON_COLUMNS: u16 = 11;

/// Draws the table.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if area.height < 3 {
        return;
    }
    let keys = app.rows();
    let rows = usize::from(area.height - 2);
    let first = app.table_top.min(keys.len().saturating_sub(rows));
    let is_in_front = is_in_front(app, Pane::Processes);
    let title = title(app, canvas.theme().glyphs(), first..first + rows, keys.len());
    let inner = canvas.pane(area, is_in_front, &title);
    let columns = columns(app, inner);
    draw_head(app, canvas, &columns, inner.y);
    let visible = keys.iter().skip(first).take(rows);
    for (y, key) in (inner.y + 1..inner.bottom()).zip(visible) {
        let Some(process) = app.watched.fleet.get(*key) else {
            continue;
        };
        let row = Rect { y, height: 1, ..area };
        draw_row(app, canvas, &columns, row, *key, process);
        if !is_live(app, key.daemon) {
            canvas.style(row, canvas.theme().stale());
        }
        if app.selected == Some(*key) {
            let Column { x, columns } = columns.name;
            canvas.select(row, Rect::new(x, y, columns, 1), is_in_front);
        }
        if app.marks.has(*key) {
            canvas.mark(row);
        }
    }
}

/// The title: how many there are, which rows are in sight, since when they are stale, and why.
fn title(app: &App, glyphs: &Glyphs, shown: Range<usize>, count: usize) -> Vec<Part> {
    let (first, rows) = (shown.start, shown.len());
    let mut title = vec![Part::new("Processes", Role::Strong, 6)];
    let all = app.watched.fleet.len();
    title.push(if app.table.query().leaves_out() {
        Part::new(format!("{count} of {all}"), Role::Quiet, 5)
    } else if count > rows {
        let last = (first + rows).min(count);
        Part::new(format!("{}-{last} of {count}", first + 1), Role::Quiet, 4)
    } else {
        Part::new(count.to_string(), Role::Quiet, 5)
    });
    title.extend(rows_title::parts(app, glyphs));
    let stale_since = app
        .watched
        .daemons
        .iter()
        .filter(|daemon| !daemon.is_live())
        .filter_map(|daemon| daemon.snapshot_at_ms)
        .min();
    if let Some(at_ms) = stale_since {
        let at = text::clock(at_ms, app.utc_offset_s, text::Clock::Seconds);
        let part = Part::new(format!("stale since {at}"), Role::Warn, 0);
        title.push(part.or(2, "stale", Role::Warn));
    }
    title.extend(problems(app));
    title
}

/// Why daemons are down.
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
        .map(|sentence| Part::new(sentence, Role::Warn, 0))
        .collect()
}

/// Draws the column heads; those of numbers stand to the right. That of the order has its sign
/// behind it, in the gap between the columns.
fn draw_head(app: &App, canvas: &mut Canvas<'_>, columns: &Columns, y: u16) {
    let sort = app.table.query().sort;
    let glyphs = canvas.theme().glyphs();
    let sign = if sort.is_descending { glyphs.descending } else { glyphs.ascending };
    // The ids stand in order within a daemon; a short line has no room for the sign.
    let is_marked =
        !columns.is_short && (sort.field != Field::Id || app.watched.daemons.len() == 1);
    let heads = [
        (Some(columns.id), "id", Some(Field::Id), true),
        (columns.daemon, "daemon", None, false),
        (Some(columns.name), "name", Some(Field::Name), false),
        (columns.namespace, "namespace", Some(Field::Namespace), false),
        (columns.mode, "mode", Some(Field::Mode), false),
        (Some(columns.status), "status", Some(Field::Status), false),
        (columns.restarts, glyphs.restarts, Some(Field::Restarts), true),
        (columns.uptime, "uptime", Some(Field::Uptime), true),
        (Some(columns.cpu), "cpu", Some(Field::Cpu), true),
        (Some(columns.memory), "mem", Some(Field::Memory), true),
        (columns.limit, "of limit", Some(Field::Limit), false),
    ];
    for (column, head, field, is_right) in heads {
        let Some(Column { x, columns }) = column else { continue };
        let is_sorted = is_marked && field == Some(sort.field);
        let style = canvas.role(if is_sorted { Role::Accent } else { Role::Quiet });
        let end = if is_right {
            canvas.right(x, y, columns, head, style);
            x + columns
        } else {
            x + canvas.text(x, y, columns, head, style)
        };
        if is_sorted {
            canvas.text(end, y, 1, sign, style);
        }
    }
}

/// Draws one process.
fn draw_row(
    app: &App,
    canvas: &mut Canvas<'_>,
    columns: &Columns,
    row: Rect,
    key: ProcessKey,
    process: &Process,
) {
    let y = row.y;
    let info = &process.info;
    let left = |canvas: &mut Canvas<'_>, column: Option<Column>, text: &str, role| {
        if let Some(Column { x, columns }) = column {
            let style = canvas.role(role);
            canvas.text(x, y, columns, if text.is_empty() { "-" } else { text }, style);
        }
    };
    let right = |canvas: &mut Canvas<'_>, column: Option<Column>, text: &str, role| {
        if let Some(Column { x, columns }) = column {
            let style = canvas.role(role);
            canvas.right(x, y, columns, text, style);
        }
    };
    // What does not run, is not measured or is none, stands back.
    let quiet_if = |is_so: bool| if is_so { Role::Quiet } else { Role::Text };
    right(canvas, Some(columns.id), &key.pm_id.to_string(), Role::Quiet);
    let label = daemon(app, key.daemon).map_or("-", |daemon| &*daemon.label);
    left(canvas, columns.daemon, label, Role::Quiet);
    left(canvas, Some(columns.name), &info.name, quiet_if(!process.is_running()));
    let namespace = info.namespace.as_deref().unwrap_or("-");
    left(canvas, columns.namespace, namespace, Role::Quiet);
    left(canvas, columns.mode, info.exec_mode.as_str(), Role::Quiet);

    let status = status::of(process, app.now.steady_ms, canvas.theme().glyphs());
    if status.is_long {
        let room = (row.right() - 1).saturating_sub(columns.status.x);
        let text = format!("{} {}", status.glyph, status.word);
        canvas.text(columns.status.x, y, room, &text, canvas.role(status.role));
        return;
    }
    let word = status.text(columns.status.columns, columns.uptime.is_some());
    left(canvas, Some(columns.status), &word, status.role);
    let restarts = quiet_if(info.restarts == 0);
    right(canvas, columns.restarts, &info.restarts.to_string(), restarts);
    let uptime = uptime(app, key, process, status.restarts_in_s);
    right(canvas, columns.uptime, &uptime, quiet_if(uptime == "-"));

    let room = (row.right() - 1).saturating_sub(columns.cpu.x);
    if room >= REASON_COLUMNS
        && process.pending.is_none()
        && let Some(reason) = reason(&app.watched, key)
    {
        let is_looping = process.is_looping || process.info.status == ProcessStatus::Stopped;
        let role = if is_looping { Role::Warn } else { Role::Bad };
        canvas.text(columns.cpu.x, y, room, &reason, canvas.role(role));
        return;
    }
    let figures = Figures::of(process, columns.is_short);
    right(canvas, Some(columns.cpu), &figures.cpu, figures.cpu_role);
    right(canvas, Some(columns.memory), &figures.memory, figures.memory_role);
    if let Some(Column { x, columns }) = columns.cpu_mini {
        chart::mini(app, canvas, (x, y, columns), (key.daemon, process));
    }
    if let (Some(Column { x, columns }), Some(percent)) = (columns.limit, figures.limit_percent) {
        chart::meter(canvas, (x, y, columns), percent, figures.memory_role);
    }
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
