//! The process table.
//!
//! ```text
//! ━ Processes ━ 3-14 of 120 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  id▲  name  namespace  mode     status      ↺   uptime    cpu                 mem  of limit
//! ▌ 0  api   default    cluster  ● online    0   3d 04h  12.3%  ▁▂▃▅     120.4 MiB  ██··· 40%
//! ```

use std::ops::Range;
use std::rc::Rc;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::columns::{Columns, Place, columns};
use super::figures::Figures;
use super::glyphs::Glyphs;
use super::lookup::{daemon, is_in_front, is_live};
use super::parts::Part;
use super::roles::Role;
use super::rows_title;
use super::status::Status;
use super::{chart, status, text, tree};
use crate::app::{App, Pane};
use crate::model::ProcessKey;
use crate::model::daemon::Connection;
use crate::model::fleet::Process;
use crate::model::rows::columns::Row;
use crate::model::rows::tree::Line;
use crate::model::rows::{Field, is_unwell, reason};
use crate::protocol::process::ProcessStatus;

/// A reason in fewer columns says nothing.
const REASON_COLUMNS: u16 = 11;

/// Draws the table.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if area.height < 3 {
        return;
    }
    let lines = lines(app);
    let rows = usize::from(area.height - 2);
    let first = app.table_top.min(lines.len().saturating_sub(rows));
    let is_in_front = is_in_front(app, Pane::Processes);
    let title = title(app, canvas.theme().glyphs(), first..first + rows, lines.len());
    let inner = canvas.pane(area, is_in_front, &title);
    let columns = columns(app, inner);
    draw_head(app, canvas, &columns, inner.y);
    let visible = lines.iter().skip(first).take(rows);
    let on_group = app.cursor_group();
    for (y, line) in (inner.y + 1..inner.bottom()).zip(visible) {
        let row = Rect { y, height: 1, ..area };
        let (key, depth) = match line {
            Line::Process { key, depth } => (key, *depth),
            Line::Group { group, members, is_folded } => {
                tree::draw(app, canvas, &columns, row, (group, members, *is_folded));
                if on_group == Some(group) {
                    let name = columns.get(Field::Name);
                    let name = name.map_or(Rect::ZERO, |it| Rect::new(it.x, y, it.columns, 1));
                    canvas.select(row, name, is_in_front);
                }
                continue;
            }
        };
        let Some(process) = app.watched.fleet.get(*key) else {
            continue;
        };
        draw_row(app, canvas, &columns, (row, depth), *key, process);
        if !is_live(app, key.daemon) {
            canvas.style(row, canvas.theme().stale());
        }
        if app.selected == Some(*key) && on_group.is_none() {
            let name = columns.get(Field::Name);
            let name = name.map_or(Rect::ZERO, |name| Rect::new(name.x, y, name.columns, 1));
            canvas.select(row, name, is_in_front);
        }
        if app.marks.has(*key) {
            canvas.mark(row);
        }
    }
}

/// The lines: the rows, below their groups where they stand as a tree.
fn lines(app: &App) -> Rc<[Line]> {
    app.tree_lines().unwrap_or_else(|| {
        app.rows().iter().map(|key| Line::Process { key: *key, depth: 0 }).collect()
    })
}

/// The title: how many there are, which rows are in sight, since when they are stale, and why.
fn title(app: &App, glyphs: &Glyphs, shown: Range<usize>, count: usize) -> Vec<Part> {
    let (first, rows) = (shown.start, shown.len());
    let mut title = vec![Part::new("Processes", Role::Strong, 6)];
    let all = app.watched.fleet.len();
    // The lines of a tree are not all processes.
    let (processes, lines) = (app.rows().len(), if app.table.is_tree() { " lines" } else { "" });
    title.push(if app.table.query().leaves_out() {
        Part::new(format!("{processes} of {all}"), Role::Quiet, 5)
    } else if count > rows {
        let last = (first + rows).min(count);
        Part::new(format!("{}-{last} of {count}{lines}", first + 1), Role::Quiet, 4)
    } else {
        Part::new(processes.to_string(), Role::Quiet, 5)
    });
    title.extend(rows_title::parts(app, glyphs));
    let stale_since = app
        .watched
        .daemons
        .iter()
        .filter(|daemon| !daemon.is_live())
        .filter_map(|daemon| daemon.snapshot_at_ms.map(|at_ms| daemon.lost_at_ms.unwrap_or(at_ms)))
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
    for Place { field, x, columns } in columns.places.iter().copied() {
        let column = field.column();
        let head = match field {
            Field::Restarts if text::width(glyphs.restarts) > columns => "r".to_owned(),
            Field::Restarts => glyphs.restarts.to_owned(),
            Field::Unstable => format!("unstable {}", glyphs.restarts),
            field => field.head().to_owned(),
        };
        let is_sorted = is_marked && field == sort.field;
        let style = canvas.role(if is_sorted { Role::Accent } else { Role::Quiet });
        let end = if column.is_right {
            canvas.right(x, y, columns, &head, style);
            x + columns
        } else {
            x + canvas.text(x, y, columns, &head, style)
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
    (row, depth): (Rect, u16),
    key: ProcessKey,
    process: &Process,
) {
    let y = row.y;
    let end = row.right() - 1;
    let glyphs = canvas.theme().glyphs();
    let status = status::of(process, app.now.steady_ms, glyphs);
    let reason = reason_place(app, columns, key, process, end);
    let figures = Figures::of(process, columns.is_short);
    for place in &columns.places {
        let Place { field, mut x, columns: mut room } = *place;
        if field == Field::Name {
            let indent = (depth * 2).min(room / 2);
            (x, room) = (x + indent, room - indent);
        }
        if field == Field::Status && status.is_long {
            // It says what went wrong, and needs all of the row.
            let text = format!("{} {}", status.glyph, status.word);
            canvas.text(x, y, end.saturating_sub(x), &text, canvas.role(status.role));
            return;
        }
        if let Some((from, until, reason, role)) = &reason
            && (*from..*until).contains(&x)
        {
            if x == *from {
                canvas.text(x, y, until - from, reason, canvas.role(*role));
            }
            continue;
        }
        match field {
            Field::Chart => chart::mini(app, canvas, (x, y, room), (key.daemon, process)),
            Field::Limit => {
                if let Some(percent) = figures.limit_percent {
                    chart::meter(canvas, (x, y, room), percent, figures.memory_role);
                }
            }
            field => {
                let (mut text, role) =
                    cell(app, (key, process), field, (columns, room, &status, &figures));
                if field == Field::Name && depth > 1 {
                    // Its group has the name.
                    text = tree::instance(process);
                }
                let style = canvas.role(role);
                if field.column().is_right {
                    canvas.right(x, y, room, &text, style);
                } else if field == Field::Name && lacks_sign(process, columns, &status, glyphs) {
                    // In the gap behind the name, where that takes all of its column and the gap has room.
                    let next = columns.places.iter().map(|other| other.x).find(|next| *next > x);
                    let last = next.unwrap_or(end).saturating_sub(2).max(x);
                    let taken = canvas.text(x, y, room.min(last - x), &text, style);
                    let at = (x + taken + 1).min(last);
                    let left = end.saturating_sub(at).min(1);
                    canvas.text(at, y, left, glyphs.warning, canvas.role(Role::Warn));
                } else {
                    canvas.text(x, y, room, &text, style);
                }
            }
        }
    }
}

/// Whether it is counted among those that are not well, and its status does not say so, or is not shown: each of
/// them has a sign.
fn lacks_sign(process: &Process, columns: &Columns, status: &Status<'_>, glyphs: &Glyphs) -> bool {
    let is_waiting = status.glyph == glyphs.waiting && process.pending.is_none();
    let has_sign = columns.get(Field::Status).is_some()
        && ([glyphs.warning, glyphs.bad].contains(&status.glyph) || is_waiting);
    is_unwell(process) && !has_sign
}

/// Why the process does not run as it should, in the place of its figures: from which column until
/// which, and how it looks.
fn reason_place(
    app: &App,
    columns: &Columns,
    key: ProcessKey,
    process: &Process,
    end: u16,
) -> Option<(u16, u16, String, Role)> {
    if process.is_running() {
        // It has figures, however often it was started again.
        return None;
    }
    let (x, room) = columns.figures(end).filter(|(_, room)| *room >= REASON_COLUMNS)?;
    let reason = reason(&app.watched, key).filter(|_| process.pending.is_none())?;
    let is_down =
        matches!(process.info.status, ProcessStatus::Stopped | ProcessStatus::WaitingRestart);
    let is_mild = process.is_looping || is_down;
    let role = if is_mild { Role::Warn } else { Role::Bad };
    Some((x, x + room, reason, role))
}

/// What a cell says, and how it looks: what does not run, is not measured or is none, stands back.
fn cell(
    app: &App,
    (key, process): (ProcessKey, &Process),
    field: Field,
    (columns, room, status, figures): (&Columns, u16, &Status<'_>, &Figures),
) -> (String, Role) {
    let quiet_if = |is_so: bool| if is_so { Role::Quiet } else { Role::Text };
    let label = daemon(app, key.daemon).map_or("-", |daemon| &*daemon.label);
    let row = Row { process, daemon: label, now: app.now };
    let plain = || field.cell(&row);
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    match field {
        Field::Id => (key.pm_id.to_string(), Role::Quiet),
        Field::Name => {
            let name = or_none(plain().filter(|name| !name.is_empty()));
            (name, quiet_if(!process.is_running()))
        }
        Field::Status => (status.text(room, columns.get(Field::Uptime).is_some()), status.role),
        Field::Restarts => (or_none(plain()), quiet_if(process.info.restarts == 0)),
        Field::Uptime => {
            let uptime = uptime(app, key, process, status.restarts_in_s);
            let role = quiet_if(uptime == "-");
            (uptime, role)
        }
        Field::Cpu => (figures.cpu.clone(), figures.cpu_role),
        Field::Memory => (figures.memory.clone(), figures.memory_role),
        Field::Unstable | Field::ErrorRate | Field::LimitIn => {
            let text = plain();
            let role = if text.as_deref().is_some_and(|text| text != "0") {
                Role::Warn
            } else {
                Role::Quiet
            };
            (or_none(text), role)
        }
        Field::CpuTree | Field::MemoryTree | Field::LogRate | Field::Ports | Field::Metric(_) => {
            let text = plain();
            let is_none = text.as_deref().is_none_or(|text| text == "0");
            (or_none(text), quiet_if(is_none))
        }
        _ => (or_none(plain()), Role::Quiet),
    }
}

/// How long it is online; while it waits, when it is started again. That of a daemon that is down
/// stands still: nobody knows how it went on.
fn uptime(app: &App, key: ProcessKey, process: &Process, restarts_in_s: Option<i64>) -> String {
    if let Some(seconds) = restarts_in_s {
        return format!("in {}", text::wait(seconds));
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
