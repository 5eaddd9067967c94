//! Lines by level over time.
//!
//! ```text
//! ━ Lines over time ━ api[0] ━ 38 s a column ━━━━━━━━━━━
//!      ▂        █
//!  ▁▂▁▂█▂▁▁▁▃▃▁▂█▂▁▁▁
//!      ◆        ◆
//!               ^
//!  14:02:11     14:08:30        14:14:50
//!  14:08:30: 4812 lines, 12 errors, 3 warnings, 2 exits or restarts
//! ```

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::log_title::{chosen, dropped};
use super::parts::{Part, key};
use super::roles::Role;
use super::text::{self, Clock};
use crate::app::App;
use crate::app::exceptions;
use crate::app::log_charts::{counts, parts};
use crate::app::log_sheet::Moments;
use crate::app::log_view::words;
use crate::logs::Bucket;
use crate::model::units;

/// Eighths in a cell.
const EIGHTHS: u64 = 8;

/// Draws it over the whole screen but the footer.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16), moments: Moments) {
    let (buckets, rows) = parts(app, size);
    let area = Rect::new(0, 0, size.0, size.1.saturating_sub(1));
    canvas.clear(area);
    let step_ms = match buckets.as_slice() {
        [first, second, ..] => second.from_ms - first.from_ms,
        _ => 0,
    };
    let step = match u64::try_from(step_ms).unwrap_or(0) {
        ms @ 0..1_000 => format!("{ms} ms"),
        ms => units::span(ms),
    };
    let title = [
        Part::new("Lines over time", Role::Strong, 0),
        Part::new(words(app.log_view.scope()), Role::Quiet, 2),
        Part::new(format!("{step} a column"), Role::Quiet, 1),
    ];
    let first_ms = buckets.first().map(|bucket| bucket.from_ms);
    let whole_ms = app.log_view.whole_since().filter(|since| Some(*since) > first_ms);
    // Without lines a column has no length.
    let parts = if buckets.is_empty() { 2 } else { title.len() };
    let mut title: Vec<Part> = title.into_iter().take(parts).collect();
    title.splice(2..2, chosen(app, canvas.theme().glyphs().ellipsis));
    title.extend(dropped(app));
    title.extend(whole_ms.map(|since| {
        let since = exceptions::at(app, since);
        Part::new(format!("not all is held before {since}"), Role::Warn, 3)
    }));
    let inner = canvas.pane(area, true, &title);
    if buckets.is_empty() || inner.height == 0 {
        canvas.text(inner.x, inner.y, inner.width, "no line is shown", canvas.role(Role::Quiet));
        return;
    }
    let rows = rows.min(inner.height);
    let most = buckets.iter().map(|bucket| counts(bucket).iter().sum()).max().unwrap_or(1).max(1);
    let whole_ms = whole_ms.unwrap_or(i64::MIN);
    for (x, bucket) in (inner.left()..inner.right()).zip(&buckets) {
        // That few are held says nothing of how many there were.
        if bucket.from_ms + step_ms <= whole_ms {
            let (dot, faint) = (canvas.theme().glyphs().meter_empty, canvas.role(Role::Faint));
            canvas.text(x, inner.y + rows - 1, 1, dot, faint);
        }
        draw_column(canvas, (x, inner.y, rows), most, bucket);
    }
    draw_below(app, canvas, (inner, inner.y + rows), &buckets, moments);
}

/// A column: errors below, so that they are always seen, then warnings, then the rest.
fn draw_column(canvas: &mut Canvas<'_>, (x, y, rows): (u16, u16, u16), most: u64, bucket: &Bucket) {
    let counts = counts(bucket);
    let sum: u64 = counts.iter().sum();
    if sum == 0 {
        return;
    }
    let all = u64::from(rows) * EIGHTHS;
    let height = (u128::from(sum) * u128::from(all)).div_ceil(u128::from(most));
    let height = u64::try_from(height).unwrap_or(all).min(all);
    let bars = canvas.theme().glyphs().bars;
    let [errors, warnings, _] = counts;
    let part = |count: u64| (u128::from(count) * u128::from(height)).div_ceil(u128::from(sum));
    let (red, yellow) = (part(errors), part(errors + warnings));
    for row in 0..rows {
        let below = u64::from(row) * EIGHTHS;
        let eighths = height.saturating_sub(below).min(EIGHTHS);
        let Some(bar) = usize::try_from(eighths).ok().and_then(|it| bars.get(it.checked_sub(1)?))
        else {
            return;
        };
        let role = match u128::from(below) {
            below if below < red => Role::Bad,
            // Of the others a cell shows what has the most of it.
            below if below + u128::from(EIGHTHS / 2) < yellow => Role::Warn,
            _ => Role::Cpu,
        };
        canvas.text(x, y + rows - 1 - row, 1, bar, canvas.role(role));
    }
}

/// Exits and restarts, the chosen column, times, and what is in the chosen one.
fn draw_below(
    app: &App,
    canvas: &mut Canvas<'_>,
    (inner, mut y): (Rect, u16),
    buckets: &[Bucket],
    moments: Moments,
) {
    let glyphs = canvas.theme().glyphs();
    let (turn, quiet) = (canvas.role(Role::Event), canvas.role(Role::Quiet));
    let columns = inner.left()..inner.right();
    for (x, _) in columns.clone().zip(buckets).filter(|(_, bucket)| bucket.turns > 0) {
        if y < inner.bottom() {
            canvas.text(x, y, 1, glyphs.event, turn);
        }
    }
    y += 1;
    let at = moments.chosen(buckets);
    let chosen_x = columns.clone().nth(at).unwrap_or(inner.x);
    if y < inner.bottom() {
        canvas.text(chosen_x, y, 1, glyphs.ascending, canvas.role(Role::Accent));
    }
    y += 1;
    // Else columns that are next to each other have one name.
    let is_fine = matches!(buckets, [first, second, ..] if second.from_ms - first.from_ms < 1_000);
    let precise = if is_fine { Clock::Milliseconds } else { Clock::Seconds };
    let clock = |bucket: &Bucket| exceptions::at_in(app, bucket.from_ms, precise);
    if y < inner.bottom() {
        for index in [0, buckets.len() / 2] {
            let x = columns.clone().nth(index);
            if let (Some(x), Some(bucket)) = (x, buckets.get(index)) {
                canvas.text(x, y, inner.right() - x, &clock(bucket), quiet);
            }
        }
        if let Some(last) = buckets.last() {
            canvas.right(inner.x, y, inner.width, &clock(last), quiet);
        }
    }
    y += 1;
    let Some(bucket) = buckets.get(at).filter(|_| y < inner.bottom()) else { return };
    let [errors, warnings, others] = counts(bucket);
    let day = units::day(bucket.from_ms, app.utc_offset_s);
    let of_day = text::clock(bucket.from_ms, app.utc_offset_s, precise);
    let all = many(errors + warnings + others, "line");
    let parts = [(errors, "error"), (warnings, "warning"), (bucket.hits, "match")];
    let parts =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| many(*count, what));
    let turns = (bucket.turns > 0).then(|| many(bucket.turns, "exit or restart"));
    let said: Vec<String> = std::iter::once(all).chain(parts).chain(turns).collect();
    let said = format!("{day} {of_day}: {}", said.join(", "));
    canvas.text(inner.x, y, inner.width, &said, canvas.role(Role::Text));
}

fn many(count: u64, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "match") => format!("{count} matches"),
        (_, "exit or restart") => format!("{count} exits or restarts"),
        _ => format!("{count} {what}s"),
    }
}

/// What its keys do.
pub(super) fn keys(is_ascii: bool) -> Vec<Part> {
    let arrows = if is_ascii { "[ ]" } else { "← →" };
    vec![
        key("Enter", "go there", 0),
        key("Esc", "close", 0),
        key(arrows, "choose", 1),
        key("e E", "errors", 2),
    ]
}

#[cfg(test)]
mod tests {
    use super::many;

    #[test]
    fn one_is_no_plural() {
        let told = |what| [1, 2].map(|count| many(count, what));
        assert_eq!(told("line"), ["1 line", "2 lines"]);
        assert_eq!(told("match"), ["1 match", "2 matches"]);
        assert_eq!(told("exit or restart"), ["1 exit or restart", "2 exits or restarts"]);
    }
}
