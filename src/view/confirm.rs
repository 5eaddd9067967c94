//! The question before an action.
//!
//! ```text
//! ━ Are you sure? ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  delete worker[3]? It is stopped and removed from PM2.
//!  y yes  n no
//! ```

use serde_json::Value as Json;

use super::canvas::Canvas;
use super::lookup::daemon;
use super::parts::{self, Part};
use super::roles::Role;
use super::text;
use crate::app::geometry::{overlay, wrap};
use crate::app::{App, Mode};
use crate::model::call::NamedCall;
use crate::model::{Action, DaemonId, Target};
use crate::protocol::shell::word;
use crate::protocol::text::clean;

/// The widest text of the question.
const COLUMNS_MAX: u16 = 62;
/// The narrowest, so that its title fits.
const COLUMNS_MIN: u16 = 20;

/// Draws the question that is open in the middle of the screen.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, size: (u16, u16)) {
    let columns = size.0.saturating_sub(2).min(COLUMNS_MAX);
    let mut lines = wrap(&question(app), columns);
    // A name of a thousand letters must not push the answer off the screen.
    lines.truncate(usize::from(size.1.saturating_sub(3)).max(1));
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(1);
    // As wide as what it says.
    let answers = answers(&app.mode);
    let widest = lines.iter().map(|line| text::width(line)).max().unwrap_or(0);
    let columns = widest.max(parts::columns(&answers, 2)).max(COLUMNS_MIN).min(columns);
    let title = [Part::new("Are you sure?", Role::Strong, 0)];
    let inner = canvas.overlay(overlay(size, columns, rows), &title);
    let (x, room) = (inner.x, inner.width);
    for (y, line) in (inner.top()..inner.bottom()).zip(&lines) {
        canvas.text(x, y, room, line, canvas.role(Role::Strong));
    }
    let y = inner.bottom().saturating_sub(1);
    let mut at = x;
    for part in parts::fit(&answers, 2, room) {
        at += canvas.part(at, y, inner.right().saturating_sub(at), &part) + 2;
    }
}

/// The answers, each with its key.
pub(super) fn answers(mode: &Mode) -> Vec<Part> {
    let answer = |key: &str, long: &str, short: &str| {
        Part::new(key, Role::Accent, 0).and(format!(" {long}"), Role::Quiet).or(
            1,
            format!("{key} {short}"),
            Role::Text,
        )
    };
    match mode {
        Mode::ConfirmReload { target, all, .. } => vec![
            answer("y", &format!("all {}, one after another", all.len()), "all"),
            answer("t", &format!("only this, {}", target.label()), "this"),
            answer("n", "no", "no"),
        ],
        _ => vec![answer("y", "yes", "yes"), answer("n", "no", "no")],
    }
}

fn question(app: &App) -> String {
    match &app.mode {
        Mode::Confirm { action, daemon, target } => about_action(app, *action, *daemon, target),
        Mode::ConfirmReload { daemon, target, all } => {
            let place = place(app, *daemon);
            format!("reload {}{place}: all of its {} workers?", target.name, all.len())
        }
        Mode::ConfirmCall { daemon, call } => about_call(app, *daemon, call),
        Mode::Own(ready) => {
            let words: Vec<String> = ready.words.iter().map(|it| word(it).into_owned()).collect();
            let of =
                ready.target.as_ref().map_or_else(String::new, |it| format!(" ({})", it.label()));
            format!("{}{of}: run {}?", ready.name, clean(&words.join(" ")))
        }
        _ => String::new(),
    }
}

/// What will be done, to whom, and what that means.
fn about_action(app: &App, action: Action, daemon: DaemonId, target: &Target) -> String {
    let name = target.label();
    let place = place(app, daemon);
    let meaning = match action {
        Action::Delete => " It is stopped and removed from PM2.",
        Action::Stop => " It stays in PM2's list.",
        Action::Start => " It does not run now.",
        Action::Restart | Action::Reload => "",
    };
    format!("{} {name}{place}?{meaning}", action.verb())
}

/// The most processes that a question about a call names.
const NAMES_MAX: usize = 8;

/// What will be called, where, and for whom.
fn about_call(app: &App, daemon: DaemonId, call: &NamedCall) -> String {
    let args: Vec<String> = call.args.iter().map(ToString::to_string).collect();
    let whom: Vec<String> = call.targets.iter().take(NAMES_MAX).map(Target::label).collect();
    let more = match call.targets.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let whom = if whom.is_empty() { String::new() } else { format!(": {}{more}", whom.join(", ")) };
    let place = place(app, daemon);
    // What `m` sends is a message to who asked for it, not a method.
    if let ("msgProcess", Some(message)) = (&*call.method, message(call)) {
        return format!("send {message} to {}{more}{place}?", whom.trim_start_matches(": "));
    }
    format!("call {}({}){place}{whom}?", call.method, args.join(", "))
}

/// The message of a call that sends one to processes that are known.
fn message(call: &NamedCall) -> Option<&Json> {
    let message = call.args.first()?.get("msg")?;
    (!call.targets.is_empty()).then_some(message)
}

/// The daemon, where there are several.
fn place(app: &App, id: DaemonId) -> String {
    match daemon(app, id) {
        Some(daemon) if app.watched.daemons.len() > 1 => format!(" on {}", daemon.label),
        _ => String::new(),
    }
}
