//! CPU and memory of the selected process over time: two panes, or one line; and the small charts of
//! the table.
//!
//! ```text
//! ─ api[0] ─ cpu 12.3% ─ max 45.1% ─ 5 min ────── mem 266.9 MiB ─ of 300 MiB ────────
//!  50%        ▂▃▅▇▅▃▂▁  ▁▂▃▅▇█▇▅▃▂▁               300M  ╌╌╌╌╌╌╌╌▁▁▁▂▂▂▃▃▃▃
//!    0 ▁▁▁▁▁▁▁████████  █████████████▁▁              0  ██████████████████
//!
//!  api[0]  cpu ▁▁▂▃▂▁▁▁▂▂▄▃ 12.3%   mem ▅▆▆▆▆▆▆▆▇▇▇▇ 266.9 MiB  89% of 300 MiB
//! ```
//!
//! Invariant: the bars are those of [`crate::model::charts`], by which the app knows whether they
//! moved: a time without a sample is blank, a zero is a thin line.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::Canvas;
use super::figures::{Figures, of_limit};
use super::lookup::{daemon, is_live, name_of};
use super::parts::{self, Part};
use super::roles::Role;
use super::text;
use crate::app::App;
use crate::app::geometry::{Area, Charts, PANEL_SCALE, line_bars, panel_bars};
use crate::model::charts::{self, Measure};
use crate::model::daemon::Daemon;
use crate::model::fleet::Process;
use crate::model::forecast;
use crate::model::{DaemonId, ProcessKey};

/// How old a sample may be to stand for the bars after it, milliseconds.
fn gap_ms(app: &App, id: DaemonId) -> i64 {
    charts::gap_ms(daemon(app, id).map_or(1_000, Daemon::sample_interval_ms))
}

/// What the bars of a measure look like.
fn series(measure: Measure) -> Role {
    match measure {
        Measure::Cpu => Role::Cpu,
        Measure::Memory => Role::Mem,
    }
}

/// Draws the chart of a table row at (x, y, columns): CPU.
pub(super) fn mini(
    app: &App,
    canvas: &mut Canvas<'_>,
    place: (u16, u16, u16),
    (id, process): (DaemonId, &Process),
) {
    sparkline(app, canvas, place, (id, process), Measure::Cpu);
}

fn sparkline(
    app: &App,
    canvas: &mut Canvas<'_>,
    (x, y, columns): (u16, u16, u16),
    (id, process): (DaemonId, &Process),
    measure: Measure,
) {
    let bars = charts::mini(process, measure, app.now.steady_ms, gap_ms(app, id), columns);
    let style = canvas.role(series(measure));
    draw_bars(canvas, Rect::new(x, y, columns, 1), &bars, style);
}

/// Draws a meter at (x, y, columns) with its percentage behind it: `███··· 50%`.
pub(super) fn meter(
    canvas: &mut Canvas<'_>,
    (x, y, columns): (u16, u16, u16),
    percent: f64,
    role: Role,
) {
    let label = format!("{:.0}%", percent.clamp(0.0, 999.0));
    let cells = columns.saturating_sub(5);
    let eighths = (percent.clamp(0.0, 100.0) / 100.0 * f64::from(cells) * 8.0).round() as u16;
    let glyphs = canvas.theme().glyphs();
    let (whole, rest) = (eighths / 8, eighths % 8);
    let bar = canvas.role(if role == Role::Text { Role::Mem } else { role });
    let empty = canvas.role(Role::Faint);
    for cell in 0..cells {
        let part = match cell.cmp(&whole) {
            std::cmp::Ordering::Less => 8,
            std::cmp::Ordering::Equal => rest,
            std::cmp::Ordering::Greater => 0,
        };
        let glyph = usize::from(part).checked_sub(1).and_then(|index| glyphs.meter.get(index));
        match glyph.filter(|glyph| **glyph != " ") {
            Some(glyph) => canvas.text(x + cell, y, 1, glyph, bar),
            None => canvas.text(x + cell, y, 1, glyphs.meter_empty, empty),
        };
    }
    canvas.text(x + cells + 1, y, 4, &label, canvas.role(role));
}

/// Draws the charts of the selected process.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, charts: Charts) {
    draw_of(app, canvas, charts, app.selected);
}

/// Draws the charts of a process.
pub(super) fn draw_of(
    app: &App,
    canvas: &mut Canvas<'_>,
    charts: Charts,
    whose: Option<ProcessKey>,
) {
    let process = whose.and_then(|key| Some((key, app.watched.fleet.get(key)?)));
    match (charts, process) {
        (Charts::None, _) | (Charts::Line(_), None) => {}
        (Charts::Line(line), Some(process)) => draw_line(app, canvas, line, process),
        (Charts::Panels { cpu, memory }, Some(process)) => {
            draw_panel(app, canvas, cpu, process, Measure::Cpu);
            draw_panel(app, canvas, memory, process, Measure::Memory);
        }
        (Charts::Panels { cpu, memory }, None) => {
            for (area, title) in [(cpu, "cpu"), (memory, "mem")] {
                canvas.pane(area.into(), false, &[Part::new(title, Role::Quiet, 0)]);
            }
        }
    }
}

/// Draws both charts in one line.
fn draw_line(
    app: &App,
    canvas: &mut Canvas<'_>,
    line: Area,
    (key, process): (ProcessKey, &Process),
) {
    let (y, end) = (line.y, line.x + line.columns - 1);
    let bars = line_bars(line.columns);
    let figures = Figures::of(process, false);
    let memory = memory_part(process, &figures);
    // What the name may take: the rest, behind both charts with their words and figures.
    let rest = 4 + bars + 7 + 3 + 4 + bars + 1 + memory.columns().min(10) + 1;
    let name = line.columns.saturating_sub(rest + 3).clamp(6, 24);
    let (quiet, strong) = (canvas.role(Role::Quiet), canvas.role(Role::Strong));
    let label = name_of(app, key);
    let mut x = line.x + 1;
    x += canvas.text(x, y, name.min(end.saturating_sub(x)), &label, strong) + 2;
    let mut word = |canvas: &mut Canvas<'_>, text: &str, gap: u16, style| {
        let at = x;
        x += canvas.text(x, y, end.saturating_sub(x), text, style) + gap;
        at
    };
    let role = canvas.role(figures.cpu_role);
    word(canvas, "cpu", 1, quiet);
    let at = word(canvas, "", bars + 1, quiet);
    sparkline(app, canvas, (at, y, bars), (key.daemon, process), Measure::Cpu);
    // The figure has one width, so that what follows stays where it is.
    word(canvas, &format!("{:<6}", figures.cpu), 2, role);
    word(canvas, "mem", 1, quiet);
    let at = word(canvas, "", bars + 1, quiet);
    let room = bars.min(end.saturating_sub(at));
    sparkline(app, canvas, (at, y, room), (key.daemon, process), Measure::Memory);
    let at = word(canvas, "", 0, quiet);
    let room = end.saturating_sub(at);
    let mut at = at;
    let told = [memory].into_iter().chain(limit_part(app, process)).collect::<Vec<_>>();
    for part in parts::fit(&told, 2, room) {
        at += canvas.part(at, y, end.saturating_sub(at), &part) + 2;
    }
    if !is_live(app, key.daemon) {
        canvas.style(line.into(), canvas.theme().stale());
    }
}

/// Memory now, with its limit where it has one.
fn memory_part(process: &Process, figures: &Figures) -> Part {
    let role = figures.memory_role;
    let Some(bytes) = process.figures.memory_bytes() else {
        return Part::new("-", Role::Quiet, 0);
    };
    let now = text::bytes(bytes);
    match (process.info.memory_limit_bytes, figures.limit_percent) {
        (Some(limit), Some(percent)) => {
            let long = format!("{now}  {percent:.0}% of {}", limit_text(limit));
            Part::new(long, role, 0).or(1, of_limit(bytes, limit), role)
        }
        _ => Part::new(now, role, 0),
    }
}

/// A limit is mostly a round number: `300 MiB`.
pub(super) fn limit_text(limit: u64) -> String {
    text::bytes(limit).replace(".0 ", " ")
}

/// When the memory reaches its limit, where that can be told.
fn limit_part(app: &App, process: &Process) -> Option<Part> {
    let in_ms = forecast::reaches_limit_in_ms(process, app.now.steady_ms)?;
    let short = format!("limit in {}", forecast::short(in_ms));
    Some(Part::new(format!("limit {}", forecast::words(in_ms)), Role::Warn, 1).or(
        1,
        short,
        Role::Warn,
    ))
}

fn title(app: &App, key: ProcessKey, process: &Process, measure: Measure) -> Vec<Part> {
    let figures = Figures::of(process, false);
    let max = measure.max(process);
    match measure {
        Measure::Cpu => {
            let mut title = vec![
                Part::new(name_of(app, key), Role::Strong, 1),
                Part::new(format!("cpu {}", figures.cpu), Role::Cpu, 0),
            ];
            let max = max.map(|max| format!("max {}", text::percent(max)));
            title.extend(max.map(|max| Part::new(max, Role::Quiet, 2)));
            title
        }
        Measure::Memory => {
            let role = match figures.memory_role {
                role @ (Role::Warn | Role::Bad) => role,
                _ => Role::Mem,
            };
            let bytes = process.figures.memory_bytes();
            let now = bytes.map_or_else(|| "-".to_owned(), text::bytes);
            let limit = process.info.memory_limit_bytes;
            let mut part = Part::new(format!("mem {now}"), role, 0);
            if let (Some(bytes), Some(limit)) = (bytes, limit) {
                part = part.or(1, format!("mem {}", of_limit(bytes, limit)), role);
            }
            let mut title = vec![part];
            let limit = limit.map(|limit| format!("of {}", limit_text(limit)));
            title.extend(limit.map(|limit| Part::new(limit, Role::Quiet, 2)));
            let max = max.map(|max| format!("max {}", text::bytes(max as u64)));
            title.extend(max.map(|max| Part::new(max, Role::Quiet, 3)));
            title.extend(limit_part(app, process));
            title
        }
    }
}

fn draw_panel(
    app: &App,
    canvas: &mut Canvas<'_>,
    area: Area,
    (key, process): (ProcessKey, &Process),
    measure: Measure,
) {
    let inside = panel_bars(area);
    let size = (inside.columns, inside.rows);
    let gap_ms = gap_ms(app, key.daemon);
    let panel = charts::panel(process, measure, app.now.steady_ms, gap_ms, size);
    let mut title = title(app, key, process, measure);
    title.extend(span_text(panel.told_s).map(|span| Part::new(span, Role::Quiet, 4)));
    let inner = canvas.pane(area.into(), false, &title);
    if inner.is_empty() || inside.columns == 0 {
        return;
    }
    let count = u16::try_from(panel.bars.len()).unwrap_or(inside.columns).min(inside.columns);
    let chart = Rect::new(inside.x + inside.columns - count, inside.y, count, inside.rows);
    if measure == Measure::Memory {
        draw_limit(canvas, inside.into(), process, panel.scale);
    }
    draw_bars(canvas, chart, &panel.bars, canvas.role(series(measure)));
    let quiet = canvas.role(Role::Quiet);
    if inside.x > inner.x {
        let label = match measure {
            Measure::Cpu => format!("{:.0}%", panel.scale),
            Measure::Memory => text::bytes_short(panel.scale as u64),
        };
        canvas.right(inner.x, inner.y, PANEL_SCALE - 1, &label, quiet);
        if inner.height > 1 {
            canvas.right(inner.x, inner.bottom() - 1, PANEL_SCALE - 1, "0", quiet);
        }
    }
    if !is_live(app, key.daemon) {
        canvas.style(inner, canvas.theme().stale());
    }
}

/// Draws the limit as a line behind the bars, where the scale reaches it.
fn draw_limit(canvas: &mut Canvas<'_>, area: Rect, process: &Process, scale: f64) {
    let Some(limit) = process.info.memory_limit_bytes.map(|limit| limit as f64) else { return };
    if limit <= 0.0 || limit > scale {
        return;
    }
    let from_below = (limit / scale * f64::from(area.height)).ceil().max(1.0) as u16;
    let y = area.bottom().saturating_sub(from_below.min(area.height));
    let (glyph, style) = (canvas.theme().glyphs().limit, canvas.role(Role::Warn));
    for x in area.left()..area.right() {
        canvas.text(x, y, 1, glyph, style);
    }
}

/// How far back the bars reach; nothing where that is hardly anything.
fn span_text(told_s: i64) -> Option<String> {
    match told_s {
        0 => None,
        ..60 => Some(format!("{told_s} s")),
        _ => Some(format!("{} min", told_s / 60)),
    }
}

/// Draws bars in eighths of a row.
pub(super) fn draw_bars(canvas: &mut Canvas<'_>, area: Rect, levels: &[Option<u16>], style: Style) {
    let glyphs = canvas.theme().glyphs();
    for (x, level) in (area.left()..area.right()).zip(levels) {
        let mut left = level.unwrap_or(0);
        for y in (area.top()..area.bottom()).rev() {
            let eighths = left.min(charts::STEPS);
            left -= eighths;
            let glyph =
                usize::from(eighths).checked_sub(1).and_then(|index| glyphs.bars.get(index));
            if let Some(glyph) = glyph {
                canvas.text(x, y, 1, glyph, style);
            }
        }
    }
}
