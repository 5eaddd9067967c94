//! The line at the bottom: keys, or the last thing worth saying.
//!
//! Invariant: while something is asked, the line says which keys answer.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::parts::{self, Part};
use super::theme::Tone;
use crate::app::command::{COMMANDS, Command};
use crate::app::{App, Mode};
use crate::model::daemon::Daemon;

/// Draws the line.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let keys = match &app.mode {
        Mode::Confirm { .. } | Mode::ConfirmCall { .. } => {
            vec![key("y", "yes", 0), key("n", "no", 0)]
        }
        Mode::Help { .. } | Mode::Line { .. } => {
            vec![key("Esc", "close", 0), key("j k", "scroll", 1)]
        }
        Mode::Palette(_) => {
            vec![key("Enter", "do it", 0), key("Esc", "close", 0), choose(canvas)]
        }
        Mode::Arguments(_) => vec![key("Enter", "call", 0), key("Esc", "close", 0)],
        Mode::Compose(compose) => {
            let mut keys = vec![key("Enter", "send", 0), key("Esc", "close", 0)];
            match (compose.processes(app), compose.is_to_app) {
                (0 | 1, _) => {}
                (_, true) => keys.push(key("Tab", "only to this process", 1)),
                (count, false) => keys.push(key("Tab", &format!("to all {count} of the app"), 1)),
            }
            keys
        }
        Mode::Normal => {
            if let Some(notice) = &app.notice {
                let glyphs = canvas.theme().glyphs();
                let (glyph, tone) =
                    if notice.is_bad { (glyphs.bad, Tone::Bad) } else { (glyphs.good, Tone::Good) };
                let text = format!("{glyph} {}", notice.text);
                let columns = area.width.saturating_sub(2);
                canvas.text(area.x + 1, area.y, columns, &text, canvas.tone(tone));
                return;
            }
            commands(app)
        }
    };
    let end = area.right().saturating_sub(1);
    let mut x = area.x + 1;
    for part in parts::fit(&keys, 2, area.width.saturating_sub(2)) {
        x += canvas.part(x, area.y, end.saturating_sub(x), &part) + 2;
    }
}

/// The commands that belong here, each by its first key; while a daemon is down, the one that
/// tries to reach it too.
fn commands(app: &App) -> Vec<Part> {
    let is_down = app.daemons.iter().any(|daemon| !daemon.is_live());
    let is_any_live = app.daemons.iter().any(Daemon::is_live);
    COMMANDS
        .iter()
        .filter_map(|row| {
            let first = row.keys.split(' ').next()?;
            let leaves = match row.command {
                Command::Reconnect if is_down => 1,
                // Nobody is there to carry it out.
                Command::Act(_) | Command::Compose if app.read_only => return None,
                Command::Act(_) | Command::Compose if !is_any_live => {
                    row.footer?.saturating_add(100)
                }
                _ => row.footer?,
            };
            Some(key(first, row.label, leaves))
        })
        .collect()
}

/// The arrows, as far as the terminal has them.
fn choose(canvas: &Canvas<'_>) -> Part {
    key(if canvas.theme().ascii { "Up Down" } else { "↑ ↓" }, "choose", 1)
}

fn key(key: &str, label: &str, leaves: u8) -> Part {
    Part::new(key, Tone::Accent, leaves).and(format!(" {label}"), Tone::Plain)
}
