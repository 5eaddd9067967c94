//! CPU and RAM of a process over time: the panels, and the mini charts of the table.
//!
//! ```text
//! ╭ CPU api[0] ── 12.3%  max 45.1% ──────╮
//! │ 50%        ▂▃▅▇▅▃▂▁  ▁▂▃▅▇█▇▅▃▂▁     │
//! │   0 ▁▁▁▁▁▁▁████████  █████████████▁▁ │
//! ╰ 5 min ────────────────────────── now ╯
//! ```
//!
//! Invariant: a time without a sample is blank, a zero is a thin line; bars stand on whole
//! multiples of their time, and a value that wobbles by less than an eighth of a row draws flat,
//! so that an idle process costs hardly a byte.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::{Canvas, FrameKind};
use super::parts::Part;
use super::theme::Tone;
use super::{daemon, is_live, name_of, table, text};
use crate::app::App;
use crate::model::fleet::Process;
use crate::model::series::{SPAN_MS, Sample};
use crate::model::{DaemonId, ProcessKey};

/// Time of one bar of a mini chart, milliseconds.
const MINI_BUCKET_MS: i64 = 5000;
/// Columns for the scale left of a panel's bars, with a blank.
const SCALE: u16 = 6;
/// A panel narrower than this has no scale.
const SCALE_FROM: u16 = 20;
/// The shortest time of one bar of a panel, seconds: bars that move every second cost bytes.
const BUCKET_LEAST_S: i64 = 2;
/// The least that the CPU scale reaches to, percent: a process at 0.3 % should look idle.
const CPU_LEAST: f64 = 10.0;

fn cpu(sample: &Sample) -> f64 {
    f64::from(sample.cpu_percent)
}

fn memory(sample: &Sample) -> f64 {
    sample.memory_bytes as f64
}

/// How old a sample may be to stand for the bars after it, milliseconds: a poll that is late by
/// its own length is no gap.
fn gap_ms(app: &App, id: DaemonId) -> i64 {
    let interval_ms = daemon(app, id).map_or(1000, |daemon| daemon.poll_interval_ms);
    i64::try_from(interval_ms).unwrap_or(SPAN_MS).saturating_mul(2).clamp(2000, SPAN_MS)
}

/// Draws the CPU chart of a table row at (x, y, columns).
pub(super) fn mini_cpu(
    app: &App,
    canvas: &mut Canvas<'_>,
    at: (u16, u16, u16),
    id: DaemonId,
    process: &Process,
) {
    let scale = cpu_scale(process);
    mini(app, canvas, at, id, process, scale, cpu);
}

/// Draws the memory chart of a table row at (x, y, columns).
pub(super) fn mini_memory(
    app: &App,
    canvas: &mut Canvas<'_>,
    at: (u16, u16, u16),
    id: DaemonId,
    process: &Process,
) {
    let scale = memory_scale(process);
    mini(app, canvas, at, id, process, scale, memory);
}

fn mini(
    app: &App,
    canvas: &mut Canvas<'_>,
    (x, y, columns): (u16, u16, u16),
    id: DaemonId,
    process: &Process,
    scale: f64,
    value: impl Fn(&Sample) -> f64,
) {
    let bars = process.series.bars(
        app.now_ms,
        MINI_BUCKET_MS,
        usize::from(columns),
        gap_ms(app, id),
        value,
    );
    let style = canvas.tone(Tone::Accent);
    draw_bars(canvas, Rect::new(x, y, columns, 1), &levels(&bars, scale, 8), style);
}

/// Draws the panels of the selected process side by side.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if area.height < 3 {
        return;
    }
    let half = area.width / 2;
    let left = Rect { width: half, ..area };
    let right = Rect { x: area.x + half, width: area.width - half, ..area };
    let selected = app.selected.and_then(|key| Some((key, app.fleet.get(key)?)));
    if let Some((key, process)) = selected {
        cpu_panel(app, key, process).draw(app, canvas, left, key, process);
        memory_panel(app, key, process).draw(app, canvas, right, key, process);
    } else {
        for (area, title) in [(left, "CPU"), (right, "RAM")] {
            let title = Part::new(title, Tone::Strong, 0);
            canvas.frame(area, FrameKind::Plain, &[title], &[]);
        }
    }
}

/// What one of the two panels shows.
struct Panel {
    title: Vec<Part>,
    /// What the bars reach up to, and how that reads.
    scale: f64,
    label: String,
    value: fn(&Sample) -> f64,
}

fn cpu_panel(app: &App, key: ProcessKey, process: &Process) -> Panel {
    let (now, _, _) = table::numbers(process, false);
    let mut long = now.clone();
    if let Some(max) = process.series.max(cpu) {
        long.push_str("  max ");
        long.push_str(&text::percent(max));
    }
    let scale = cpu_scale(process);
    Panel {
        title: vec![head(app, "CPU", key), Part::new(long, Tone::Plain, 0).or(2, now, Tone::Plain)],
        scale,
        label: format!("{scale:.0}%"),
        value: cpu,
    }
}

fn memory_panel(app: &App, key: ProcessKey, process: &Process) -> Panel {
    let (_, now, tone) = table::numbers(process, false);
    let max = process.series.max(memory);
    let max = max.map(|max| format!("max {}", text::bytes(max as u64)));
    let limit = process.info.memory_limit_bytes;
    let short =
        limit.map_or_else(|| now.clone(), |limit| format!("{now} of {}", text::bytes_short(limit)));
    let limit = limit.map(|limit| format!("limit {}", text::bytes(limit).replace(".0 ", " ")));
    // Of the limit and the maximum, the limit says more.
    let mut more = limit.into_iter().chain(max);
    let long = more.next().map_or_else(|| now.clone(), |more| format!("{now}  {more}"));
    let mut title = vec![head(app, "RAM", key), Part::new(long, tone, 0).or(2, short, tone)];
    title.extend(more.map(|more| Part::new(more, Tone::Plain, 3)));
    let scale = memory_scale(process);
    Panel { title, scale, label: text::bytes_short(scale as u64), value: memory }
}

/// What a panel shows, and of whom.
fn head(app: &App, what: &str, key: ProcessKey) -> Part {
    let long = format!("{what} {}", name_of(app, key));
    Part::new(long, Tone::Strong, 0).or(1, what, Tone::Strong)
}

impl Panel {
    fn draw(
        &self,
        app: &App,
        canvas: &mut Canvas<'_>,
        area: Rect,
        key: ProcessKey,
        process: &Process,
    ) {
        let inner = canvas.frame(area, FrameKind::Plain, &self.title, &[]);
        if inner.is_empty() {
            return;
        }
        let scale_columns = if inner.width < SCALE_FROM { 0 } else { SCALE };
        let room = inner.width - scale_columns;
        let (bucket_s, count) = bucket(process, app.now_ms, room);
        let bars = process.series.bars(
            app.now_ms,
            bucket_s * 1000,
            usize::from(count),
            gap_ms(app, key.daemon),
            self.value,
        );
        let chart = Rect { x: inner.right() - count, width: count, ..inner };
        let levels = levels(&bars, self.scale, inner.height * 8);
        draw_bars(canvas, chart, &levels, canvas.tone(Tone::Accent));
        let quiet = canvas.tone(Tone::Quiet);
        if scale_columns > 0 {
            canvas.right(inner.x, inner.y, SCALE - 1, &self.label, quiet);
            if inner.height > 1 {
                canvas.right(inner.x, inner.bottom() - 1, SCALE - 1, "0", quiet);
            }
        }
        if inner.width >= 16 {
            let bottom = area.bottom() - 1;
            let span = span_text(bucket_s * i64::from(count));
            canvas.text(chart.x, bottom, 9, &span, quiet);
            canvas.text(inner.right() - 5, bottom, 5, " now ", quiet);
        }
        if !is_live(app, key.daemon) {
            canvas.style(inner, canvas.theme().stale());
        }
    }
}

/// Seconds of one bar and number of bars: whole seconds, as few as show all of a young history, so
/// that the panel is not empty for the first minutes; at most the whole span.
fn bucket(process: &Process, now_ms: i64, room: u16) -> (i64, u16) {
    let room_s = i64::from(room.max(1));
    let span_s = SPAN_MS / 1000;
    let oldest_ms = process.series.iter().next().map_or(now_ms, |sample| sample.at_ms);
    let age_s = (now_ms.saturating_sub(oldest_ms) / 1000 + 1).clamp(1, span_s);
    let bucket_s = ((age_s + room_s - 1) / room_s).max(BUCKET_LEAST_S);
    let count = u16::try_from((span_s + bucket_s - 1) / bucket_s).unwrap_or(room).min(room);
    (bucket_s, count)
}

/// How far back the bars reach.
fn span_text(span_s: i64) -> String {
    match span_s {
        ..120 => format!(" {span_s} s "),
        _ if span_s % 60 == 0 => format!(" {} min ", span_s / 60),
        _ => format!(" {:.1} min ", span_s as f64 / 60.0),
    }
}

/// What the CPU bars reach up to, percent.
fn cpu_scale(process: &Process) -> f64 {
    let max = process.series.max(cpu).unwrap_or(0.0);
    round_up(if max.is_finite() { max.max(CPU_LEAST) } else { CPU_LEAST })
}

/// What the memory bars reach up to, bytes: the limit where the process comes near it.
fn memory_scale(process: &Process) -> f64 {
    const MIB: f64 = 1024.0 * 1024.0;
    let max = process.series.max(memory).unwrap_or(0.0);
    if let Some(limit) = process.info.memory_limit_bytes.map(|limit| limit as f64)
        && max <= limit
        && max >= limit / 2.0
    {
        return limit;
    }
    let unit = if max * 1.1 < 1000.0 * MIB { MIB } else { 1024.0 * MIB };
    round_up((max * 1.1 / unit).max(1.0)) * unit
}

/// The next round number, so that a scale seldom changes. A number of 1 and more becomes a whole
/// one, or one and a half, or two and a half.
fn round_up(value: f64) -> f64 {
    const ROUND: [f64; 9] = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0];
    let power = 10_f64.powf(value.log10().floor());
    ROUND
        .into_iter()
        .map(|round| round * power)
        .find(|round| *round >= value * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// Heights of bars in `steps` of the scale, 1 to `steps`; `None` is a gap.
///
/// A bar keeps the height of the one before while it is less than a step from it. The first one's
/// height is that of the mean of all that follow it closely: those fall out of sight one by one,
/// and the height of what stays must not hang on which of them is now the first.
fn levels(bars: &[Option<f64>], scale: f64, steps: u16) -> Vec<Option<u16>> {
    let steps_f = f64::from(steps);
    let exact = |value: f64| (value / scale * steps_f).clamp(1.0, steps_f);
    let mut seen = bars.iter().flatten().filter(|value| value.is_finite());
    let mut level = seen.next().map_or(1.0, |first| {
        let first = exact(*first);
        let close = seen.map(|value| exact(*value)).take_while(|value| (value - first).abs() < 1.0);
        let (sum, count) =
            close.fold((first, 1.0), |(sum, count), value| (sum + value, count + 1.0));
        (sum / count).round()
    });
    bars.iter()
        .map(|bar| {
            let value = exact((*bar).filter(|value| value.is_finite())?);
            if (value - level).abs() >= 1.0 {
                level = value.round();
            }
            Some(level as u16)
        })
        .collect()
}

/// Draws bars in eighths of a row.
fn draw_bars(canvas: &mut Canvas<'_>, area: Rect, levels: &[Option<u16>], style: Style) {
    let glyphs = canvas.theme().glyphs();
    for (x, level) in (area.left()..area.right()).zip(levels) {
        let mut left = level.unwrap_or(0);
        for y in (area.top()..area.bottom()).rev() {
            let eighths = left.min(8);
            left -= eighths;
            let glyph =
                usize::from(eighths).checked_sub(1).and_then(|index| glyphs.bars.get(index));
            if let Some(glyph) = glyph {
                canvas.text(x, y, 1, glyph, style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round() {
        for (value, round) in [
            (10.0, 10.0),
            (10.1, 15.0),
            (45.1, 50.0),
            (99.0, 100.0),
            (100.0, 100.0),
            (1600.0, 2000.0),
            (0.1, 0.1),
        ] {
            let got = round_up(value);
            assert!((got - round).abs() < 1e-9, "{value}: {got} is not {round}");
        }
    }

    #[test]
    fn a_gap_is_not_a_zero() {
        let bars = [None, Some(0.0), Some(100.0), Some(50.0), Some(f64::NAN)];
        assert_eq!(levels(&bars, 100.0, 8), [None, Some(1), Some(8), Some(4), None]);
    }

    #[test]
    fn a_wobble_draws_flat_wherever_the_window_starts() {
        // Just at the edge of a step, where rounding alone would go up and down.
        let wobble: Vec<Option<f64>> =
            (0..200).map(|at| Some(50.0 * if at * 7 % 5 < 2 { 1.004 } else { 0.996 })).collect();
        for scale in [60.0, 61.0, 62.5, 66.7, 80.0] {
            let drawn: Vec<_> = wobble.windows(50).map(|bars| levels(bars, scale, 48)).collect();
            for bars in &drawn {
                assert_eq!(bars, &drawn[0], "scale {scale}");
            }
        }
    }

    #[test]
    fn a_ramp_rises() {
        let bars: Vec<_> = (0..=48).map(|value| Some(f64::from(value))).collect();
        let levels = levels(&bars, 48.0, 48);
        assert_eq!(levels.first(), Some(&Some(1)));
        assert_eq!(levels.last(), Some(&Some(48)));
    }
}
