//! What stands in the table's place while there is no process to show.
//!
//! Invariant: each daemon that is down says what is wrong and what to do, wrapped, not cut; where
//! the table has no room for that, it takes the log's, and where that is not enough, the title's.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::lookup::is_in_front;
use super::parts::Part;
use super::roles::Role;
use super::text;
use crate::app::geometry::{TITLE, wrap};
use crate::app::{App, Pane};
use crate::model::daemon::{Connection, Daemon};
use crate::protocol::shell::word;

/// Draws the message in `table`, or in all of `body` where that is needed.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, table: Rect, body: Rect) {
    let columns = body.width.saturating_sub(2);
    let mut lines = lines(app, columns);
    let is_log_asked_for = table.height == 0;
    let is_any_live = app.watched.daemons.iter().any(Daemon::is_live);
    if is_log_asked_for && is_any_live {
        return;
    }
    let needed = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let fits = |area: Rect| needed.saturating_add(TITLE) <= area.height;
    let area = if fits(table) { table } else { body };
    canvas.clear(area);
    let inner = if fits(area) {
        let title = [Part::new("Processes", Role::Strong, 0)];
        let pane = if is_log_asked_for { Pane::Log } else { Pane::Processes };
        canvas.pane(area, is_in_front(app, pane), &title)
    } else {
        // The message matters more than its title; what the header says too, goes.
        if needed > area.height {
            lines.retain(|(_, role)| *role != Role::Quiet);
        }
        Rect { x: area.x + 1, width: columns, ..area }
    };
    for (y, (line, role)) in (inner.top()..inner.bottom()).zip(&lines) {
        canvas.text(inner.x, y, inner.width, line, canvas.role(*role));
    }
}

/// The message, wrapped.
fn lines(app: &App, columns: u16) -> Vec<(String, Role)> {
    let mut lines = Vec::new();
    let mut say = |text: &str, role| {
        lines.extend(wrap(text, columns).into_iter().map(|line| (line, role)));
    };
    for daemon in &app.watched.daemons {
        let whom = if app.watched.daemons.len() > 1 {
            format!("{}: ", daemon.label)
        } else {
            String::new()
        };
        let home = &daemon.home;
        match &daemon.connection {
            Connection::Connecting => {
                say(&format!("{whom}connecting to {home} ..."), Role::Text);
            }
            Connection::Live { .. } if daemon.snapshot_at_ms.is_none() => {
                say(&format!("{whom}connected, asking for its processes ..."), Role::Text);
            }
            Connection::Live { .. } => {
                say(&format!("{whom}no process yet"), Role::Strong);
                let start = format!("start one with: PM2_HOME={} pm2 start app.js", word(home));
                say(&start, Role::Text);
            }
            Connection::Down { problem, .. } => {
                say(&format!("{whom}{}", problem.sentence()), Role::Bad);
                say(&problem.advice(home, daemon.is_saved()), Role::Text);
                let retry_at_ms = daemon.retry_at_ms;
                let left = |at_ms| text::seconds_until(at_ms, app.now.steady_ms);
                let again = match retry_at_ms.and_then(left) {
                    Some(seconds) => format!("trying again in {seconds}s, Ctrl-R tries now"),
                    None => "trying again now".to_owned(),
                };
                say(&again, Role::Quiet);
            }
        }
    }
    lines
}
