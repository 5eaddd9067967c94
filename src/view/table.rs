//! The process table.
//!
//! ```text
//! ━ Processes ━ 3-14 of 120 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  id▲  name  namespace  mode     status      ↺   uptime    cpu                 mem  of limit
//! ▌ 0  api   default    cluster  ● online    0   3d 04h  12.3%  ▁▂▃▅     120.4 MiB  ██··· 40%
//! ```

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::columns::{Column, Columns, columns};
use super::figures::Figures;
use super::lookup::{daemon, is_in_front, is_live};
use super::parts::Part;
use super::roles::Role;
use super::{chart, status, text};
use crate::app::{App, Pane};
use crate::model::ProcessKey;
use crate::model::daemon::Connection;
use crate::model::fleet::Process;

/// Draws the table.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if area.height < 3 {
        return;
    }
    let keys = app.rows();
    let rows = usize::from(area.height - 2);
    let first = app.table_top.min(keys.len().saturating_sub(rows));
    let is_in_front = is_in_front(app, Pane::Processes);
    let inner = canvas.pane(area, is_in_front, &title(app, first, rows, keys.len()));
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
    }
}

/// The title: how many there are, which rows are in sight, since when they are stale, and why.
fn title(app: &App, first: usize, rows: usize, count: usize) -> Vec<Part> {
    let mut title = vec![Part::new("Processes", Role::Strong, 6)];
    title.push(if count > rows {
        let last = (first + rows).min(count);
        Part::new(format!("{}-{last} of {count}", first + 1), Role::Quiet, 4)
    } else {
        Part::new(count.to_string(), Role::Quiet, 5)
    });
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

/// Draws the column heads; those of numbers stand to the right.
fn draw_head(app: &App, canvas: &mut Canvas<'_>, columns: &Columns, y: u16) {
    let style = canvas.role(Role::Quiet);
    let left = [
        (columns.daemon, "daemon"),
        (Some(columns.name), "name"),
        (columns.namespace, "namespace"),
        (columns.mode, "mode"),
        (Some(columns.status), "status"),
        (columns.limit, "of limit"),
    ];
    for (column, head) in left {
        if let Some(Column { x, columns }) = column {
            canvas.text(x, y, columns, head, style);
        }
    }
    let right = [
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
    // The processes of one daemon stand in the order of their ids.
    let Column { x, columns: width } = columns.id;
    let is_sorted = app.watched.daemons.len() == 1 && !columns.is_short;
    let style = if is_sorted { canvas.role(Role::Accent) } else { style };
    canvas.right(x, y, width, "id", style);
    if is_sorted {
        canvas.text(x + width, y, 1, canvas.theme().glyphs().ascending, style);
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
