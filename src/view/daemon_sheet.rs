//! What is known of a daemon, its machine, and what would come back at boot.
//!
//! ```text
//! ━ PM2 of web-01 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  PM2
//!  version     7.0.4, as installed
//!  up          12d 04h, pid 812, Node.js 20.20.2
//! ```
//!
//! Invariant: its lines are those of [`crate::app::daemon_sheet`], which `update` scrolls by.

use super::canvas::Canvas;
use super::parts::{self, Part};
use super::roles::Role;
use crate::app::App;
use crate::app::daemon_sheet::{Kind, lines, text_column};
use crate::app::geometry::overlay;
use crate::app::sheet::room;
use crate::model::DaemonId;

/// Draws it, scrolled down by `top` lines.
pub(super) fn draw(
    app: &App,
    canvas: &mut Canvas<'_>,
    size: (u16, u16),
    (id, top): (DaemonId, usize),
) {
    let (columns, rows_max) = room(size);
    let lines = lines(&app.watched, id, app.now, columns);
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(rows_max);
    let last = lines.len().saturating_sub(usize::from(rows));
    let top = top.min(last);
    let label = app.daemon(id).map(|daemon| daemon.label.to_string()).unwrap_or_default();
    let mut title = vec![Part::new(format!("PM2 of {label}"), Role::Strong, 0)];
    if app.watched.daemons.len() > 1 {
        let (at, all) = (usize::from(id.0) + 1, app.watched.daemons.len());
        title.push(Part::new(format!("{at} of {all}, [ ] others"), Role::Quiet, 1));
    }
    if last > top {
        title.push(parts::below(last - top));
    }
    let inner = canvas.overlay(overlay(size, columns, rows), &title);
    for (y, line) in (inner.top()..inner.bottom()).zip(lines.iter().skip(top)) {
        let role = match line.kind {
            Kind::Heading => Role::Strong,
            Kind::Plain => Role::Text,
            Kind::Good => Role::Good,
            Kind::Warning => Role::Warn,
            Kind::Quiet => Role::Quiet,
        };
        let (label, style) = (canvas.role(Role::Quiet), canvas.role(role));
        canvas.text(inner.x, y, inner.width, &line.label, label);
        let x = inner.x + text_column(line);
        canvas.text(x, y, inner.right().saturating_sub(x), &line.text, style);
    }
}
