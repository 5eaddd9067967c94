//! The question before an action.
//!
//! ```text
//! ╔ Are you sure? ═══════════════════════════════════════════════╗
//! ║ delete worker[3]? It is stopped and removed from PM2.        ║
//! ║ y yes  n no                                                  ║
//! ╚══════════════════════════════════════════════════════════════╝
//! ```

use ratatui::layout::Rect;

use super::canvas::{Canvas, FrameKind};
use super::parts::Part;
use super::theme::Tone;
use super::{daemon, name_of};
use crate::app::App;
use crate::app::geometry::wrap;
use crate::model::call::NamedCall;
use crate::model::{Action, DaemonId, ProcessKey};

/// Draws the question in the middle of the screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, screen: Rect, question: &str) {
    let columns = screen.width.saturating_sub(6).min(60);
    let mut lines = wrap(question, columns);
    // A name of a thousand letters must not push the answer off the screen.
    lines.truncate(usize::from(screen.height.saturating_sub(4)).max(1));
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(1);
    let (width, height) = (columns + 4, rows + 2);
    let area = Rect::new(
        screen.x + screen.width.saturating_sub(width) / 2,
        screen.y + screen.height.saturating_sub(height) / 2,
        width,
        height,
    )
    .intersection(screen);
    canvas.clear(area);
    let title = [Part::new("Are you sure?", Tone::Strong, 0)];
    let inner = canvas.frame(area, FrameKind::Dialog, &title, &[]);
    let x = inner.x + 1;
    let room = inner.width.saturating_sub(1);
    for (y, line) in (inner.top()..inner.bottom()).zip(&lines) {
        canvas.text(x, y, room, line, canvas.tone(Tone::Strong));
    }
    let answer = Part::new("y", Tone::Accent, 0)
        .and(" yes  ", Tone::Plain)
        .and("n", Tone::Accent)
        .and(" no", Tone::Plain);
    canvas.part(x, inner.bottom().saturating_sub(1), room, &answer);
}

/// What will be done, to whom, and what that means.
pub(super) fn about_action(app: &App, action: Action, key: ProcessKey) -> String {
    let name = name_of(app, key);
    let place = place(app, key.daemon);
    let meaning = match action {
        Action::Delete => " It is stopped and removed from PM2.",
        Action::Stop => " It stays in PM2's list.",
        Action::Restart | Action::Start | Action::Reload => "",
    };
    format!("{} {name}{place}?{meaning}", action.verb())
}

/// What will be called, and where.
pub(super) fn about_call(app: &App, daemon: DaemonId, call: &NamedCall) -> String {
    let args: Vec<String> = call.args.iter().map(ToString::to_string).collect();
    format!("call {}({}){}?", call.method, args.join(", "), place(app, daemon))
}

/// The daemon, where there are several.
fn place(app: &App, id: DaemonId) -> String {
    match daemon(app, id) {
        Some(daemon) if app.daemons.len() > 1 => format!(" on {}", daemon.label),
        _ => String::new(),
    }
}
