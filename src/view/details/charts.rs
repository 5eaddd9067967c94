//! CPU and memory over a span that is asked for; and a metric.
//!
//! ```text
//! ─ cpu 14.0% ─ max 45.1% ─ 15 min ─ ↻ 2 ends ────────────────────
//!  50%        ▂▃▅▇▅▃▂▁  ▁▂▃▅▇█▇▅▃▂▁
//!    0 ▁▁▁▁▁▁▁████████  █████████████▁▁
//!      ──────────↻──────────↻──────────
//!      -15 min      -12 min         now
//! ```

use ratatui::layout::Rect;

use crate::app::App;
use crate::app::details::charts::{self, Placed};
use crate::app::details::{Sheet, content};
use crate::app::geometry::{Area, PANEL_SCALE};
use crate::model::charts::Measure;
use crate::model::fleet::Process;
use crate::model::forecast;
use crate::view::canvas::Canvas;
use crate::view::chart::{draw_bars, limit_text};
use crate::view::figures::Figures;
use crate::view::parts::Part;
use crate::view::roles::Role;
use crate::view::text;

/// Draws the charts of CPU and memory.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), sheet: &Sheet) {
    let Some(process) = app.watched.fleet.get(sheet.key()) else { return };
    let charts = charts::of(app, sheet, size);
    for (measure, placed) in &charts {
        let ends = charts::ends(app, sheet, &placed.chart);
        let mut title = match measure {
            Measure::Cpu => cpu_title(process, placed),
            Measure::Memory => memory_title(app, process, placed),
        };
        if *measure == Measure::Cpu {
            title.push(Part::new(format!("{} min", sheet.span.minutes()), Role::Strong, 1));
            if !ends.is_empty() {
                let glyph = canvas.theme().glyphs().waiting;
                let word = if ends.len() == 1 { "end" } else { "ends" };
                title.push(Part::new(format!("{glyph} {} {word}", ends.len()), Role::Warn, 2));
            }
        }
        canvas.pane(placed.area.into(), false, &title);
        let limit = process.info.memory_limit_bytes.filter(|_| *measure == Measure::Memory);
        if let Some(limit) = limit {
            draw_limit(canvas, placed, limit);
        }
        let (role, words): (Role, fn(f64) -> String) = match measure {
            Measure::Cpu => (Role::Cpu, |value| format!("{value:.0}%")),
            Measure::Memory => (Role::Mem, |value| text::bytes_short(value as u64)),
        };
        draw_chart(canvas, placed, role, words);
        draw_axis(canvas, placed, &ends);
    }
    if let Some((_, placed)) = charts.last() {
        draw_time(app, canvas, (content(size), sheet), placed);
    }
}

/// Draws the chart of the metric that was chosen.
pub(super) fn draw_metric(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), sheet: &Sheet) {
    let Some(placed) = charts::of_metric(app, sheet, size) else { return };
    let metric = sheet.examined.as_ref().and_then(|examined| {
        let mut metrics = examined.details.metrics.iter();
        metrics.find(|metric| Some(&metric.name) == sheet.charted.as_ref())
    });
    let Some(metric) = metric else { return };
    let title = [
        Part::new(&*metric.name, Role::Strong, 0),
        Part::new(metric.text(), Role::Cpu, 0),
        Part::new(format!("{} min", sheet.span.minutes()), Role::Quiet, 1),
        Part::new("since the details were opened", Role::Quiet, 2),
    ];
    canvas.pane(placed.area.into(), false, &title);
    draw_chart(canvas, &placed, Role::Cpu, short);
    draw_axis(canvas, &placed, &charts::ends(app, sheet, &placed.chart));
    draw_time(app, canvas, (content(size), sheet), &placed);
}

/// A number of at most five columns; the half of a scale stays the half.
fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        1e9.. => (value / 1e9, "G"),
        1e6.. => (value / 1e6, "M"),
        1e4.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let has_room = value.abs() < if unit.is_empty() { 1e3 } else { 1e2 };
    let is_uneven = (value - value.round()).abs() >= 0.05;
    let is_small = unit.is_empty() && value.abs() < 10.0;
    let digits = usize::from(is_small || (has_room && is_uneven));
    format!("{value:.digits$}{unit}")
}

fn cpu_title(process: &Process, placed: &Placed) -> Vec<Part> {
    let figures = Figures::of(process, false);
    let mut title = vec![Part::new(format!("cpu {}", figures.cpu), Role::Cpu, 0)];
    let max = placed.chart.max.map(|max| format!("max {}", text::percent(max)));
    title.extend(max.map(|max| Part::new(max, Role::Quiet, 3)));
    title
}

fn memory_title(app: &App, process: &Process, placed: &Placed) -> Vec<Part> {
    let figures = Figures::of(process, false);
    let role = match figures.memory_role {
        role @ (Role::Warn | Role::Bad) => role,
        _ => Role::Mem,
    };
    let now = process.figures.memory_bytes().map_or_else(|| "-".to_owned(), text::bytes);
    let mut title = vec![Part::new(format!("mem {now}"), role, 0)];
    if let (Some(limit), Some(percent)) = (process.info.memory_limit_bytes, figures.limit_percent) {
        let of = format!("{percent:.0}% of {}", limit_text(limit));
        title.push(Part::new(of, role, 1));
    }
    if let Some(in_ms) = forecast::reaches_limit_in_ms(process, app.now.steady_ms) {
        let words = forecast::words(in_ms);
        title.push(Part::new(format!("reaches its limit {words}"), Role::Warn, 2));
    }
    let max = placed.chart.max.map(|max| format!("max {}", text::bytes(max as u64)));
    title.extend(max.map(|max| Part::new(max, Role::Quiet, 3)));
    title
}

/// The bars, at the right end of their room, and the scale at their left: its upper end, its middle
/// where there is room, and 0.
fn draw_chart(canvas: &mut Canvas<'_>, placed: &Placed, role: Role, words: impl Fn(f64) -> String) {
    let bars = bars(placed);
    let style = canvas.role(role);
    draw_bars(canvas, bars, &placed.chart.bars, style);
    let quiet = canvas.role(Role::Quiet);
    let (x, columns) = (placed.bars.x - PANEL_SCALE, PANEL_SCALE - 1);
    let scale = placed.chart.scale;
    if bars.height == 0 {
        return;
    }
    canvas.right(x, bars.y, columns, &words(scale), quiet);
    if bars.height > 1 {
        canvas.right(x, bars.bottom() - 1, columns, "0", quiet);
    }
    // An odd number of rows has one in the middle, whose upper end is not the half.
    if bars.height >= 6 && bars.height.is_multiple_of(2) {
        canvas.right(x, bars.y + bars.height / 2, columns, &words(scale / 2.0), quiet);
    }
}

/// Where the bars are: at the right end.
fn bars(placed: &Placed) -> Rect {
    let count = u16::try_from(placed.chart.bars.len()).unwrap_or(u16::MAX);
    let count = count.min(placed.bars.columns);
    let x = placed.bars.x + placed.bars.columns - count;
    Rect::new(x, placed.bars.y, count, placed.bars.rows)
}

/// The limit as a line behind the bars, with its size at the left end.
fn draw_limit(canvas: &mut Canvas<'_>, placed: &Placed, limit: u64) {
    let (bytes, scale, area) = (limit as f64, placed.chart.scale, placed.bars);
    if bytes <= 0.0 || bytes > scale || area.rows == 0 {
        return;
    }
    let from_below = (bytes / scale * f64::from(area.rows)).ceil().max(1.0) as u16;
    let y = area.y + area.rows - from_below.min(area.rows);
    let (glyph, style) = (canvas.theme().glyphs().limit, canvas.role(Role::Warn));
    for x in area.x..area.x + area.columns {
        canvas.text(x, y, 1, glyph, style);
    }
    let label = format!(" max_memory_restart {} ", limit_text(limit));
    if text::width(&label) < area.columns / 2 {
        canvas.text(area.x + 2, y, area.columns, &label, style);
    }
}

/// The stroke below the bars, with a sign where the process ended.
fn draw_axis(canvas: &mut Canvas<'_>, placed: &Placed, ends: &[u16]) {
    let Some(y) = placed.axis else { return };
    let bars = bars(placed);
    let (glyphs, faint) = (canvas.theme().glyphs(), canvas.role(Role::Faint));
    for x in placed.bars.x..placed.bars.x + placed.bars.columns {
        canvas.text(x, y, 1, glyphs.rule, faint);
    }
    let warn = canvas.role(Role::Warn);
    for end in ends {
        canvas.text(bars.x + end, y, 1, glyphs.waiting, warn);
    }
}

/// How long ago the columns were, in the last row.
fn draw_time(
    app: &App,
    canvas: &mut Canvas<'_>,
    (content, sheet): (Area, &Sheet),
    placed: &Placed,
) {
    let Area { y, rows, .. } = content;
    let y = y + rows.saturating_sub(1);
    let (bars, quiet) = (bars(placed), canvas.role(Role::Quiet));
    let now = "now";
    let end = bars.right();
    canvas.right(bars.x, y, bars.width, now, quiet);
    let mut free = bars.x;
    for (ago_ms, words) in sheet.span.ticks() {
        let Some(bar) = placed.chart.bar_at(app.now.steady_ms - ago_ms + placed.chart.bar_ms)
        else {
            continue;
        };
        let (x, columns) = (bars.x + bar, text::width(&words));
        if x >= free && x + columns + 2 + text::width(now) <= end {
            canvas.text(x, y, columns, &words, quiet);
            free = x + columns + 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_of_a_scale_is_its_half() {
        let said = [2.5, 10.0, 12.5, 500.0, 1_250.0, 12_500.0, 125_000.0, 2.5e6, 25e9].map(short);
        assert_eq!(said, ["2.5", "10", "12.5", "500", "1250", "12.5k", "125k", "2.5M", "25G"]);
    }
}
