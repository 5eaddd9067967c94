//! The line at the top: which daemon, how it is, and how its processes are in sum.
//!
//! Invariant: how the connection stands, and that this is a demo, is shown at any width.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::parts::{self, Part};
use super::theme::{Glyphs, Tone};
use super::{is_live, status, text};
use crate::app::App;
use crate::model::daemon::{Connection, Daemon};
use crate::protocol::process::ProcessStatus;

/// Columns between two parts.
const GAP: u16 = 2;
/// The longest piece of a warning's text.
const WARNING_COLUMNS: u16 = 48;

/// Draws the line.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let columns = area.width.saturating_sub(2);
    let mut left = names(app, canvas.theme().glyphs());
    left.extend(counts(app));
    left.extend(sums(app));
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
    if let [only] = app.daemons.as_slice() {
        line.push(Part::new(&*only.label, Tone::Accent, 2));
        let (text, tone) = connection(only, app.now_ms, glyphs);
        let version = match &only.version {
            Some(version) if only.is_live() => format!("PM2 {version} "),
            _ => String::new(),
        };
        let part = Part::new(version, Tone::Plain, 0).and(&*text, tone);
        line.push(part.or(7, text, tone));
    } else {
        let answering = app.daemons.iter().filter(|daemon| daemon.is_live()).count();
        let tone = if answering == app.daemons.len() { Tone::Good } else { Tone::Warning };
        let text = format!("{} daemons, {answering} live", app.daemons.len());
        line.push(Part::new(text, tone, 0));
        for daemon in app.daemons.iter().filter(|daemon| !daemon.is_live()) {
            let (text, tone) = connection(daemon, app.now_ms, glyphs);
            let short = match daemon.connection {
                Connection::Down { .. } => glyphs.bad,
                Connection::Connecting | Connection::Live => glyphs.launching,
            };
            let rest = text.strip_prefix(short).unwrap_or(&text).to_owned();
            let part = Part::new(format!("{short} {}{rest}", daemon.label), tone, 1);
            line.push(part.or(3, format!("{short} {}", daemon.label), tone));
        }
    }
    for daemon in &app.daemons {
        if daemon.is_live() && !daemon.bus_live {
            let whom = if app.daemons.len() > 1 { &*daemon.label } else { "" };
            let text = format!(
                "{} {whom}{}no events",
                glyphs.warning,
                if whom.is_empty() { "" } else { " " }
            );
            line.push(Part::new(text, Tone::Warning, 1));
        }
    }
    line
}

/// How the connection stands, and how that looks.
fn connection(daemon: &Daemon, now_ms: i64, glyphs: &Glyphs) -> (String, Tone) {
    match &daemon.connection {
        Connection::Connecting => (format!("{} connecting", glyphs.launching), Tone::Warning),
        Connection::Live => (format!("{} live", glyphs.online), Tone::Good),
        Connection::Down { retry_at_ms, .. } => {
            let when = match text::seconds_until(*retry_at_ms, now_ms) {
                Some(seconds) => format!("retry in {seconds}s"),
                None => "retrying".to_owned(),
            };
            (format!("{} disconnected, {when}", glyphs.bad), Tone::Bad)
        }
    }
}

/// How many processes there are in each state; those that there are none of are left out.
fn counts(app: &App) -> Vec<Part> {
    let mut counts = [
        ("online", Tone::Good, 3, 0),
        ("never started", Tone::Bad, 1, 0),
        ("errored", Tone::Bad, 1, 0),
        ("waiting restart", Tone::Warning, 2, 0),
        ("launching", Tone::Warning, 5, 0),
        ("stopping", Tone::Warning, 5, 0),
        ("stopped", Tone::Quiet, 4, 0),
        ("other", Tone::Warning, 5, 0_usize),
    ];
    for (_, process) in app.fleet.iter() {
        let word = match process.info.status {
            _ if process.never_started() => "never started",
            ProcessStatus::Other(_) => "other",
            ref known => known.as_str(),
        };
        if let Some(count) = counts.iter_mut().find(|count| count.0 == word) {
            count.3 += 1;
        }
    }
    let all = app.fleet.len();
    let word = if all == 1 { "process" } else { "processes" };
    let mut line = vec![Part::new(format!("{all} {word}"), Tone::Plain, 5).or(
        6,
        format!("{all} proc"),
        Tone::Plain,
    )];
    if all == 0 {
        line.clear();
    }
    let is_stale = !app.daemons.iter().any(Daemon::is_live);
    let present = counts.into_iter().filter(|(.., count)| *count > 0);
    line.extend(present.map(|(word, tone, leaves, count)| {
        let tone = if is_stale { Tone::Quiet } else { tone };
        Part::new(format!("{count} {word}"), tone, leaves)
    }));
    line
}

/// CPU and memory of all processes of the daemons that answer.
fn sums(app: &App) -> Vec<Part> {
    let mut cpu: Option<f64> = None;
    let mut memory: Option<u64> = None;
    for (key, process) in app.fleet.iter() {
        if !is_live(app, key.daemon) || !status::is_running(process) {
            continue;
        }
        if let Some(percent) = process.info.cpu_percent.filter(|cpu| cpu.is_finite()) {
            cpu = Some(cpu.unwrap_or(0.0) + f64::from(percent));
        }
        if let Some(bytes) = process.info.memory_bytes {
            memory = Some(memory.unwrap_or(0).saturating_add(bytes));
        }
    }
    let cpu = cpu.map(|cpu| format!("cpu {}", text::percent(cpu)));
    let memory = memory.map(|memory| format!("mem {}", text::bytes(memory)));
    let parts = [(cpu, 6), (memory, 6)].into_iter();
    parts.filter_map(|(text, leaves)| Some(Part::new(text?, Tone::Plain, leaves))).collect()
}

/// What was malformed, and what was lost.
fn warnings(app: &App, glyphs: &Glyphs) -> Vec<Part> {
    let mut line = Vec::new();
    let count: u64 = app.daemons.iter().map(|daemon| daemon.warnings).sum();
    if count > 0 {
        let word = if count == 1 { "warning" } else { "warnings" };
        let short = format!("{} {count} {word}", glyphs.warning);
        let last = app.daemons.iter().rev().find_map(|daemon| daemon.last_warning.as_deref());
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
    let lost: u64 = app.daemons.iter().map(|daemon| daemon.events_lost).sum();
    if lost > 0 {
        let text = format!("{} {lost} events lost", glyphs.warning);
        line.push(Part::new(text, Tone::Warning, 1));
    }
    line
}

/// The pause between polls: the longest of the daemons that answer.
fn poll(app: &App) -> Option<Part> {
    let interval_ms = app
        .daemons
        .iter()
        .filter(|daemon| daemon.is_live())
        .map(|daemon| daemon.poll_interval_ms)
        .max()?;
    let text = format!("poll {:.1}s", interval_ms as f64 / 1000.0);
    Some(Part::new(text, Tone::Quiet, 9))
}
