//! Exceptions grouped by what they say and where they were thrown, and one group whole.
//!
//! ```text
//! ━ Exceptions ━ 14 in 2 groups ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  count  last      first     last 10 min     what
//! ▌   12  14:03:02  13:58:11      ▁ ▂▅█▁▁▂    TypeError: user * is not a function
//!                                             load (/srv/api/users.js:3:9)  api[0], api[1]
//! ```
//!
//! Invariant: the rows of a group are those of [`crate::app::exceptions`], which `update` scrolls by.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::parts::Part;
use super::roles::Role;
use super::{chart, why};
use crate::app::App;
use crate::app::exceptions::{self, GROUP_ROWS, HEAD_ROWS};
use crate::app::geometry::{line_inside, wrap};
use crate::model::charts;
use crate::model::death::LIVES_MAX;
use crate::model::exceptions::Group;

/// Columns of the count.
const COUNT: u16 = 6;
/// Columns of a time of the day; another day's is cut to its date.
const TIME: u16 = 10;
/// Columns of a sparkline, on a line of at least so many columns.
const WHEN: (u16, u16) = (16, 70);
/// From so many columns on there is room for the first time.
const FIRST_FROM: u16 = 100;

/// Where the columns are; what has no room is not there.
struct Columns {
    count: u16,
    last: u16,
    first: Option<u16>,
    when: Option<u16>,
    what: u16,
}

impl Columns {
    fn new(inner: Rect) -> Self {
        let count = inner.x;
        let last = count + COUNT + 2;
        let mut x = last + TIME + 1;
        let first = (inner.width >= FIRST_FROM).then_some(x);
        x += if first.is_some() { TIME + 1 } else { 0 };
        let when = (inner.width >= WHEN.1).then_some(x);
        x += if when.is_some() { WHEN.0 + 2 } else { 0 };
        Self { count, last, first, when, what: x }
    }
}

/// Draws the groups over the whole screen but the footer.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, screen: Rect, chosen: Option<u64>) {
    let all = &app.watched.exceptions;
    let groups = all.latest_first();
    let area = Rect { height: screen.height.saturating_sub(1), ..screen };
    canvas.clear(area);
    let word = if groups.len() == 1 { "group" } else { "groups" };
    let first_ms = groups.iter().map(|group| group.first_ms).min();
    let since = first_ms.map(|first_ms| format!("since {}", exceptions::at(app, first_ms)));
    let count = format!("{} in {} {word}", all.total(), groups.len());
    let mut title =
        vec![Part::new("Exceptions", Role::Strong, 0), Part::new(count, Role::Quiet, 1)];
    title.extend(since.map(|since| Part::new(since, Role::Quiet, 4)));
    if all.gone() > 0 {
        title.push(Part::new(format!("{} groups not kept", all.gone()), Role::Warn, 2));
    }
    let page = exceptions::page((screen.width, screen.height));
    let at = exceptions::place(&groups, chosen);
    let first = at / page * page;
    if groups.len() > page {
        let last = (first + page).min(groups.len());
        title.push(Part::new(format!("{}-{last}", first + 1), Role::Quiet, 3));
    }
    let inner = canvas.pane(area, true, &title);
    if groups.is_empty() {
        let text = "None was seen, neither on the bus nor in what is left of the last deaths.";
        canvas.text(inner.x, inner.y, inner.width, text, canvas.role(Role::Quiet));
        return;
    }
    draw_scope(canvas, inner, groups.len().saturating_sub(first).min(page));
    let columns = Columns::new(inner);
    let (span_ms, span) = exceptions::span(&groups, app.now.wall_ms);
    draw_head(canvas, inner, &columns, span);
    let ys = (inner.y + HEAD_ROWS..inner.bottom()).step_by(usize::from(GROUP_ROWS));
    for ((place, group), y) in groups.iter().enumerate().skip(first).take(page).zip(ys) {
        let row = Rect { y, height: 1, ..inner };
        draw_group(app, canvas, row, (&columns, span_ms), group);
        if place == at {
            let row = Rect { y, height: 1, ..area };
            let what =
                Rect { x: columns.what, width: area.right().saturating_sub(columns.what), ..row };
            canvas.select(row, what, true);
        }
    }
}

/// Says what is counted, in as many words as rows are left for it below so many groups.
fn draw_scope(canvas: &mut Canvas<'_>, inner: Rect, groups: usize) {
    let long = format!(
        "counted: what the daemon told, and what is left of the last {LIVES_MAX} exits of each process. What an \
        app catches and prints is not: n in a group, or / in the log, finds it there and further back in the files"
    );
    let short = format!(
        "counted: the bus, and the last {LIVES_MAX} exits of each process; more: / in the log"
    );
    let taken = u16::try_from(groups).unwrap_or(u16::MAX).saturating_mul(GROUP_ROWS);
    let free = inner.height.saturating_sub(taken.saturating_add(HEAD_ROWS));
    let count = |lines: &[String]| u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let lines = wrap(&long, inner.width);
    // Below an empty row; where there is none, in one row.
    let lines = if count(&lines) < free { lines } else { vec![short] };
    if count(&lines) > free {
        return;
    }
    let ys = inner.bottom().saturating_sub(count(&lines))..inner.bottom();
    for (y, line) in ys.zip(&lines) {
        canvas.text(inner.x, y, inner.width, line, canvas.role(Role::Quiet));
    }
}

fn draw_head(canvas: &mut Canvas<'_>, inner: Rect, columns: &Columns, span: &str) {
    let (y, style) = (inner.y, canvas.role(Role::Quiet));
    canvas.right(columns.count, y, COUNT, "count", style);
    canvas.text(columns.last, y, TIME, "last", style);
    if let Some(x) = columns.first {
        canvas.text(x, y, TIME, "first", style);
    }
    if let Some(x) = columns.when {
        canvas.text(x, y, WHEN.0, &format!("last {span}"), style);
    }
    canvas.text(columns.what, y, inner.right().saturating_sub(columns.what), "what", style);
}

fn draw_group(
    app: &App,
    canvas: &mut Canvas<'_>,
    row: Rect,
    (columns, span_ms): (&Columns, i64),
    group: &Group,
) {
    let (quiet, text) = (canvas.role(Role::Quiet), canvas.role(Role::Text));
    let y = row.y;
    canvas.right(columns.count, y, COUNT, &group.count.to_string(), text);
    let time = |at_ms| -> String { exceptions::at(app, at_ms).chars().take(TIME.into()).collect() };
    canvas.text(columns.last, y, TIME, time(group.last_ms).trim_end(), text);
    if let Some(x) = columns.first {
        canvas.text(x, y, TIME, time(group.first_ms).trim_end(), quiet);
    }
    if let Some(x) = columns.when {
        let counts = group.when(app.now.wall_ms, span_ms, WHEN.0);
        let area = Rect { x, width: WHEN.0, ..row };
        chart::draw_bars(canvas, area, &levels(&counts), canvas.role(Role::Bad));
    }
    let room = row.right().saturating_sub(columns.what);
    canvas.text(columns.what, y, room, group.says(), text);
    let by = exceptions::by(group);
    let below = group.frame.as_deref().map_or(by.clone(), |frame| format!("{by}  {frame}"));
    canvas.text(columns.what, y + 1, room, &below, quiet);
}

/// Bars in eighths of a row, the highest one whole; what is more than nothing is seen.
fn levels(counts: &[u32]) -> Vec<Option<u16>> {
    let max = counts.iter().copied().max().unwrap_or_default().max(1);
    let steps = u32::from(charts::STEPS);
    let level = |count: &u32| {
        let level = u64::from(*count).saturating_mul(u64::from(steps)).div_ceil(u64::from(max));
        (*count > 0).then(|| u16::try_from(level).unwrap_or(charts::STEPS))
    };
    counts.iter().map(level).collect()
}

/// Draws one group whole, scrolled down by `top` rows.
pub(super) fn draw_whole(
    app: &App,
    canvas: &mut Canvas<'_>,
    screen: Rect,
    (number, top): (u64, usize),
) {
    let (columns, _) = line_inside((screen.width, screen.height));
    let lines = exceptions::rows(app, number, columns);
    let mut title = vec![Part::new("Exception", Role::Strong, 1)];
    if let Some(group) = app.watched.exceptions.get(number) {
        title.push(Part::new(exceptions::by(group), Role::Quiet, 2));
    }
    why::draw_rows(canvas, screen, title, (&lines, top));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_seen_beside_many() {
        assert_eq!(levels(&[0, 1, 1_000, 4_000_000_000]), [None, Some(1), Some(1), Some(8)]);
        assert_eq!(levels(&[0, 0]), [None, None]);
        assert_eq!(levels(&[4, 8]), [Some(4), Some(8)]);
    }
}
