//! The line at the top: which daemon, how it is, and how its processes are in sum.
//!
//! Invariant: how the connection stands, and that this is a demo, is shown at any width.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::lookup::name_of;
use super::parts::{self, Part};
use super::text;
use super::theme::{Glyphs, Tone};
use crate::app::App;
use crate::model::daemon::{BusState, Connection, Daemon};
use crate::model::totals::{State, Totals};

/// Columns between two parts.
const GAP: u16 = 2;
/// The longest piece of a warning's text.
const WARNING_COLUMNS: u16 = 48;

/// From this delay on the link's is shown, milliseconds.
const LINK_DELAY_MS: u64 = 200;

/// Draws the line.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let columns = area.width.saturating_sub(2);
    let mut left = names(app, canvas.theme().glyphs());
    left.extend(standing(app, canvas.theme().glyphs()));
    left.extend(link_delay(app));
    let totals = Totals::of(&app.watched);
    left.extend(counts(app, &totals));
    left.extend(sums(&totals));
    left.extend(warnings(app, canvas.theme().glyphs()));
    let poll = poll(app);
    let right = poll.as_ref().map_or(0, |part| part.columns() + GAP);
    let whole = parts::columns(&left, GAP);
    let has_poll = whole + right <= columns;
    let mut x = area.x + 1;
    for part in parts::fit(&left, GAP, columns) {
        let room = (area.x + 1 + columns).saturating_sub(x);
        x += canvas.part(x, area.y, room, &part) + GAP;
    }
    if let Some(part) = poll.filter(|_| has_poll) {
        let x = area.right() - 1 - part.columns();
        canvas.part(x, area.y, part.columns(), &part);
    }
}

/// The program, the daemons and how they are.
fn names(app: &App, glyphs: &Glyphs) -> Vec<Part> {
    let mut line = vec![Part::new("pm2-tui", Tone::Strong, 9)];
    if app.is_demo {
        line.push(Part::new("demo", Tone::Warning, 0));
    }
    if app.read_only {
        line.push(Part::new("read-only", Tone::Warning, 0));
    }
    if let [only] = app.watched.daemons.as_slice() {
        line.push(Part::new(&*only.label, Tone::Accent, 2));
        let (text, tone) = connection(only, app.now.steady_ms, glyphs);
        let version = match &only.version {
            Some(version) if only.is_live() => format!("PM2 {version} "),
            _ => String::new(),
        };
        let part = Part::new(version, Tone::Plain, 0).and(&*text, tone);
        line.push(part.or(7, text, tone));
    } else {
        let answering = app.watched.daemons.iter().filter(|daemon| daemon.is_live()).count();
        let tone = if answering == app.watched.daemons.len() { Tone::Good } else { Tone::Warning };
        let text = format!("{} daemons, {answering} live", app.watched.daemons.len());
        line.push(Part::new(text, tone, 0));
        for daemon in app.watched.daemons.iter().filter(|daemon| !daemon.is_live()) {
            let (text, tone) = connection(daemon, app.now.steady_ms, glyphs);
            let short = match daemon.connection {
                Connection::Down { .. } => glyphs.bad,
                Connection::Connecting | Connection::Live { .. } => glyphs.launching,
            };
            let rest = text.strip_prefix(short).unwrap_or(&text).to_owned();
            let part = Part::new(format!("{short} {}{rest}", daemon.label), tone, 1);
            line.push(part.or(3, format!("{short} {}", daemon.label), tone));
        }
    }
    line
}

/// What stands in the way of watching: a daemon without events, and one that measures nothing.
fn standing(app: &App, glyphs: &Glyphs) -> Vec<Part> {
    let mut line = Vec::new();
    let is_one = app.watched.daemons.len() == 1;
    for daemon in app.watched.daemons.iter().filter(|daemon| daemon.is_live()) {
        let whom = if is_one { String::new() } else { format!("{}: ", daemon.label) };
        let warning = glyphs.warning;
        if let Some(key) = daemon.blinded_by {
            let name = name_of(app, key);
            let long = format!(
                "{warning} {whom}PM2 measures nothing while {name} is online without a process"
            );
            let short = format!("{warning} {whom}not measured: {name}");
            line.push(Part::new(long, Tone::Warning, 0).or(8, short, Tone::Warning));
        }
        // Why stands at the log.
        if matches!(daemon.bus, BusState::Down(_)) {
            line.push(Part::new(format!("{warning} {whom}no events"), Tone::Warning, 1));
        }
    }
    line
}

/// How the connection stands, and how that looks.
fn connection(daemon: &Daemon, now_ms: i64, glyphs: &Glyphs) -> (String, Tone) {
    match &daemon.connection {
        Connection::Connecting => (format!("{} connecting", glyphs.launching), Tone::Warning),
        Connection::Live { .. } => (format!("{} live", glyphs.online), Tone::Good),
        Connection::Down { .. } => {
            let left = daemon.retry_at_ms.and_then(|at_ms| text::seconds_until(at_ms, now_ms));
            let when = match left {
                Some(seconds) => format!("retry in {seconds}s"),
                None => "retrying".to_owned(),
            };
            (format!("{} disconnected, {when}", glyphs.bad), Tone::Bad)
        }
    }
}

/// How many processes there are in each state; those that there are none of are left out.
fn counts(app: &App, totals: &Totals) -> Vec<Part> {
    let all = app.watched.fleet.len();
    if all == 0 {
        return Vec::new();
    }
    let word = if all == 1 { "process" } else { "processes" };
    let mut line = vec![Part::new(format!("{all} {word}"), Tone::Plain, 5).or(
        6,
        format!("{all} proc"),
        Tone::Plain,
    )];
    let is_stale = !app.watched.daemons.iter().any(Daemon::is_live);
    line.extend(totals.present().map(|(state, count)| {
        let (tone, leaves) = match state {
            State::Online => (Tone::Good, 3),
            State::NeverStarted | State::Errored => (Tone::Bad, 1),
            State::Looping => (Tone::Warning, 1),
            State::WaitingRestart => (Tone::Warning, 2),
            State::Launching | State::Stopping | State::Other => (Tone::Warning, 5),
            State::Stopped => (Tone::Quiet, 4),
        };
        let tone = if is_stale { Tone::Quiet } else { tone };
        Part::new(format!("{count} {}", state.as_str()), tone, leaves)
    }));
    line
}

/// CPU and memory of all processes of the daemons that answer.
fn sums(totals: &Totals) -> Vec<Part> {
    let cpu = totals.cpu_percent.map(|cpu| format!("cpu {}", text::percent(cpu)));
    let memory = totals.memory_bytes.map(|memory| format!("mem {}", text::bytes(memory)));
    let parts = [(cpu, 6), (memory, 6)].into_iter();
    parts.filter_map(|(text, leaves)| Some(Part::new(text?, Tone::Plain, leaves))).collect()
}

/// What was malformed, and what was lost.
fn warnings(app: &App, glyphs: &Glyphs) -> Vec<Part> {
    let mut line = Vec::new();
    let count: u64 = app.watched.daemons.iter().map(|daemon| daemon.warnings).sum();
    if count > 0 {
        let word = if count == 1 { "warning" } else { "warnings" };
        let short = format!("{} {count} {word}", glyphs.warning);
        let last =
            app.watched.daemons.iter().rev().find_map(|daemon| daemon.last_warning.as_deref());
        line.push(match last {
            Some(last) => {
                let cut = text::cut(last, WARNING_COLUMNS, text::width(glyphs.ellipsis));
                let ellipsis = if cut.is_short { glyphs.ellipsis } else { "" };
                let last = last.get(..cut.end).unwrap_or_default();
                Part::new(format!("{short}: {last}{ellipsis}"), Tone::Warning, 1).or(
                    8,
                    short,
                    Tone::Warning,
                )
            }
            None => Part::new(short, Tone::Warning, 1),
        });
    }
    let lost: u64 = app.watched.daemons.iter().map(|daemon| daemon.events_lost).sum();
    if lost > 0 {
        let text = format!("{} {lost} events lost", glyphs.warning);
        line.push(Part::new(text, Tone::Warning, 1));
    }
    line
}

/// How far behind the screen is, where a hand feels it; in tenths of a second, which seldom change.
fn link_delay(app: &App) -> Option<Part> {
    let delay_ms = app.link_delay_ms.filter(|delay_ms| *delay_ms > LINK_DELAY_MS)?;
    let text = format!("link delay {:.1}s", delay_ms as f64 / 1000.0);
    Some(Part::new(text, Tone::Warning, 4))
}

/// The pause between polls: the longest of the daemons that answer.
fn poll(app: &App) -> Option<Part> {
    let interval_ms = app
        .watched
        .daemons
        .iter()
        .filter(|daemon| daemon.is_live())
        .map(|daemon| daemon.poll_interval_ms)
        .max()?;
    let text = format!("poll {:.1}s", interval_ms as f64 / 1000.0);
    Some(Part::new(text, Tone::Quiet, 9))
}
