//! CPU and RAM of a process over time: the panels, and the mini charts of the table.
//!
//! ```text
//! ╭ CPU api[0] ── 12.3%  max 45.1% ──────╮
//! │ 50%        ▂▃▅▇▅▃▂▁  ▁▂▃▅▇█▇▅▃▂▁     │
//! │   0 ▁▁▁▁▁▁▁████████  █████████████▁▁ │
//! ╰ 5 min ────────────────────────── now ╯
//! ```
//!
//! Invariant: the bars are those of [`crate::model::charts`], by which the app knows whether they
//! moved: a time without a sample is blank, a zero is a thin line.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::{Canvas, FrameKind};
use super::figures::{Figures, of_limit};
use super::lookup::{daemon, is_live, name_of};
use super::parts::Part;
use super::text;
use super::theme::Tone;
use crate::app::App;
use crate::app::geometry::{PANEL_SCALE, panel_columns, panel_inside, panel_scale};
use crate::model::charts::{self, Measure};
use crate::model::fleet::Process;
use crate::model::series::SPAN_MS;
use crate::model::{DaemonId, ProcessKey};

/// How old a sample may be to stand for the bars after it, milliseconds.
fn gap_ms(app: &App, id: DaemonId) -> i64 {
    charts::gap_ms(daemon(app, id).map_or(1_000, |daemon| daemon.poll_interval_ms))
}

/// Draws a chart of a table row at (x, y, columns).
pub(super) fn mini(
    app: &App,
    canvas: &mut Canvas<'_>,
    (x, y, columns): (u16, u16, u16),
    (id, process): (DaemonId, &Process),
    measure: Measure,
) {
    let bars = charts::mini(process, measure, app.now.steady_ms, gap_ms(app, id), columns);
    let style = canvas.tone(Tone::Accent);
    draw_bars(canvas, Rect::new(x, y, columns, 1), &bars, style);
}

/// Draws the panels of the selected process side by side.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if area.height < 3 {
        return;
    }
    let [half, rest] = panel_columns(area.width);
    let left = Rect { width: half, ..area };
    let right = Rect { x: area.x + half, width: rest, ..area };
    let selected = app.selected.and_then(|key| Some((key, app.watched.fleet.get(key)?)));
    if let Some((key, process)) = selected {
        for (measure, area) in [(Measure::Cpu, left), (Measure::Memory, right)] {
            draw_panel(app, canvas, area, (key, process), measure);
        }
    } else {
        for (area, title) in [(left, "CPU"), (right, "RAM")] {
            let title = Part::new(title, Tone::Strong, 0);
            canvas.frame(area, FrameKind::Plain, &[title], &[]);
        }
    }
}

fn title(app: &App, key: ProcessKey, process: &Process, measure: Measure) -> Vec<Part> {
    let figures = Figures::of(process, false);
    let max = measure.max(process);
    match measure {
        Measure::Cpu => {
            let mut long = figures.cpu.clone();
            if let Some(max) = max {
                long.push_str("  max ");
                long.push_str(&text::percent(max));
            }
            let now = Part::new(long, Tone::Plain, 0).or(2, figures.cpu, Tone::Plain);
            vec![head(app, "CPU", key), now]
        }
        Measure::Memory => {
            let tone = figures.memory_tone;
            let bytes = process.figures.memory_bytes();
            let now = bytes.map_or_else(|| "-".to_owned(), text::bytes);
            let max = max.map(|max| format!("max {}", text::bytes(max as u64)));
            let limit = process.info.memory_limit_bytes;
            let short = match (bytes, limit) {
                (Some(bytes), Some(limit)) => of_limit(bytes, limit),
                _ => now.clone(),
            };
            let limit =
                limit.map(|limit| format!("limit {}", text::bytes(limit).replace(".0 ", " ")));
            // Of the limit and the maximum, the limit says more.
            let mut more = limit.into_iter().chain(max);
            let long = more.next().map_or_else(|| now.clone(), |more| format!("{now}  {more}"));
            let mut title =
                vec![head(app, "RAM", key), Part::new(long, tone, 0).or(2, short, tone)];
            title.extend(more.map(|more| Part::new(more, Tone::Plain, 3)));
            title
        }
    }
}

/// What a panel shows, and of whom.
fn head(app: &App, what: &str, key: ProcessKey) -> Part {
    let long = format!("{what} {}", name_of(app, key));
    Part::new(long, Tone::Strong, 0).or(1, what, Tone::Strong)
}

fn draw_panel(
    app: &App,
    canvas: &mut Canvas<'_>,
    area: Rect,
    (key, process): (ProcessKey, &Process),
    measure: Measure,
) {
    let title = title(app, key, process, measure);
    let inner = canvas.frame(area, FrameKind::Plain, &title, &[]);
    if inner.is_empty() {
        return;
    }
    let size = panel_inside(area.width, area.height);
    let gap_ms = gap_ms(app, key.daemon);
    let panel = charts::panel(process, measure, app.now.steady_ms, gap_ms, size);
    let count = u16::try_from(panel.bars.len()).unwrap_or(inner.width).min(inner.width);
    let chart = Rect { x: inner.right() - count, width: count, ..inner };
    draw_bars(canvas, chart, &panel.bars, canvas.tone(Tone::Accent));
    let quiet = canvas.tone(Tone::Quiet);
    if panel_scale(inner.width) > 0 {
        let label = match measure {
            Measure::Cpu => format!("{:.0}%", panel.scale),
            Measure::Memory => text::bytes_short(panel.scale as u64),
        };
        canvas.right(inner.x, inner.y, PANEL_SCALE - 1, &label, quiet);
        if inner.height > 1 {
            canvas.right(inner.x, inner.bottom() - 1, PANEL_SCALE - 1, "0", quiet);
        }
    }
    if inner.width >= 16 {
        let bottom = area.bottom() - 1;
        canvas.text(chart.x, bottom, 9, &span_text(panel.span_s), quiet);
        canvas.text(inner.right() - 5, bottom, 5, " now ", quiet);
    }
    if !is_live(app, key.daemon) {
        canvas.style(inner, canvas.theme().stale());
    }
}

/// How far back the bars reach.
fn span_text(span_s: i64) -> String {
    match span_s {
        ..120 => format!(" {span_s} s "),
        _ if span_s * 1000 >= SPAN_MS => " 5 min ".to_owned(),
        _ if span_s % 60 == 0 => format!(" {} min ", span_s / 60),
        _ => format!(" {:.1} min ", span_s as f64 / 60.0),
    }
}

/// Draws bars in eighths of a row.
fn draw_bars(canvas: &mut Canvas<'_>, area: Rect, levels: &[Option<u16>], style: Style) {
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
