//! Why a process died.
//!
//! ```text
//! ━ worker[4] ━ exit 1 of 3 ━ 14:03:02 ━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  uncaught exception: Error: Cannot find module './config', exit code 1, after 0.4 s
//!  certain; observed live
//!  PM2 gave up at max_restarts 16
//!
//!  ended           lived  how                                           cpu      mem
//! ▌14:03:02        0.4 s  code 1: Cannot find module './config'        0.0%      31M
//!  14:03:01        0.4 s  code 1: Cannot find module './config'        0.0%      31M
//!
//!  its last lines of standard error
//!  ┃ Error: Cannot find module './config'
//! ```
//!
//! Invariant: its rows are those of [`crate::app::why`], which `update` scrolls by.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::parts::{self, Part};
use super::roles::Role;
use crate::app::App;
use crate::app::geometry::line_inside;
use crate::app::why::{self, GUTTER, Kind};
use crate::model::ProcessKey;
use crate::model::death::LifeNumber;

/// Draws it over the whole screen but the footer, scrolled down by `top` rows.
pub(super) fn draw(
    app: &App,
    canvas: &mut Canvas<'_>,
    screen: Rect,
    (key, life, top): (ProcessKey, LifeNumber, usize),
) {
    let size = line_inside((screen.width, screen.height));
    let lines = why::rows(app, key, life, size);
    let mut title = vec![Part::new(app.display_name(key), Role::Strong, 1)];
    if let Some((death, number, count)) = why::death(&app.watched, key, life) {
        let older = if number < count { ", ← older" } else { "" };
        let newer = if number > 1 { ", → newer" } else { "" };
        let of = why::of_how_many(&app.watched, key, count);
        title.push(Part::new(format!("exit {number} of {of}{older}{newer}"), Role::Quiet, 0));
        title.push(Part::new(why::ended_at(app, death), Role::Quiet, 2));
    }
    draw_rows(canvas, screen, title, (&lines, top));
}

/// Draws rows over the whole screen but the footer, scrolled down by `top`; the title says how many
/// are below.
pub(super) fn draw_rows(
    canvas: &mut Canvas<'_>,
    screen: Rect,
    mut title: Vec<Part>,
    (lines, top): (&[(Kind, String)], usize),
) {
    let (_, rows) = line_inside((screen.width, screen.height));
    let last = lines.len().saturating_sub(usize::from(rows));
    let top = top.min(last);
    let area = Rect { height: screen.height.saturating_sub(1), ..screen };
    canvas.clear(area);
    if last > top {
        title.push(parts::below(last - top));
    }
    let inner = canvas.pane(area, true, &title);
    for (y, (kind, row)) in (inner.top()..inner.bottom()).zip(lines.iter().skip(top)) {
        draw_row(canvas, Rect { y, height: 1, ..inner }, area, (*kind, row));
    }
}

/// Draws one row; `area` is what a selected one fills from side to side.
fn draw_row(canvas: &mut Canvas<'_>, inner: Rect, area: Rect, (kind, text): (Kind, &str)) {
    let role = match kind {
        Kind::Cause | Kind::Thrown => Role::Bad,
        Kind::Heading => Role::Quiet,
        Kind::Evidence if is_foreign(text) => Role::Quiet,
        Kind::Fact | Kind::Evidence | Kind::Life { .. } => Role::Text,
    };
    let style = canvas.role(role);
    let mut x = inner.x;
    if matches!(kind, Kind::Evidence | Kind::Thrown) {
        let sign = if canvas.theme().ascii { "!" } else { "┃" };
        canvas.text(x, inner.y, 1, sign, canvas.role(Role::Warn));
        x += GUTTER;
    }
    canvas.text(x, inner.y, inner.right().saturating_sub(x), text, style);
    if let Kind::Life { is_chosen: true } = kind {
        canvas.select(Rect { y: inner.y, height: 1, ..area }, Rect::default(), true);
    }
}

/// Whether a frame is not of the app's own code.
fn is_foreign(row: &str) -> bool {
    row.trim_start().starts_with("at ") && (row.contains("node:") || row.contains("node_modules"))
}
