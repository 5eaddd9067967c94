//! The line at the top: which daemon, how it is, and how its processes are in sum.
//!
//! Invariant: how the connection stands, and that this is a demo or production, is shown at any width.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::glyphs::Glyphs;
use super::lookup::name_of;
use super::parts::{self, Part};
use super::roles::Role;
use super::text;
use crate::app::App;
use crate::model::boot::SavedList;
use crate::model::daemon::{BusState, Connection, Daemon};
use crate::model::totals::{State, Totals};
use crate::model::units;

/// Columns between two parts.
const GAP: u16 = 2;
/// The longest piece of a warning's text.
const WARNING_COLUMNS: u16 = 48;

/// A daemon that takes so much memory, bytes, or so much of a core, percent, may need a look.
const GOD_BYTES_WARN: u64 = 500 << 20;
const GOD_PERCENT_WARN: u32 = 80;

/// The widest sums, `99.9%` and `999.9 MiB`; the widest of PM2 itself, `100% 999 MiB`, load and pause.
const PERCENT_COLUMNS: u16 = 5;
const BYTES_COLUMNS: u16 = 9;
const GOD_COLUMNS: u16 = 12;
const LOAD_COLUMNS: u16 = 4;
const POLL_COLUMNS: u16 = 19;

/// From this delay on the link's is shown, milliseconds.
const LINK_DELAY_MS: u64 = 200;

/// Draws the line.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let columns = area.width.saturating_sub(2);
    let mut left = names(app, canvas.theme().glyphs());
    let totals = Totals::of(&app.watched);
    left.extend(counts(app, &totals, canvas.theme().glyphs()));
    left.extend(sums(&totals));
    left.extend(host(app, canvas.theme().glyphs()));
    // Behind the counts: their first would read as a number of a warning's.
    left.extend(standing(app, canvas.theme().glyphs()));
    left.extend(link_delay(app));
    left.extend(warnings(app, canvas.theme().glyphs()));
    let poll = poll(app);
    let right = poll.as_ref().map_or(0, |part| part.reserved() + GAP);
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

/// The daemons and how they are.
fn names(app: &App, glyphs: &Glyphs) -> Vec<Part> {
    let mut line = Vec::new();
    line.extend(production(app));
    if app.is_demo {
        line.push(Part::new("demo", Role::Warn, 0));
    }
    if app.read_only {
        line.push(Part::new("read-only", Role::Warn, 0));
    }
    if let [only] = app.watched.daemons.as_slice() {
        line.push(Part::new(&*only.label, Role::Strong, 2));
        let (text, role) = connection(only, app.now.steady_ms, glyphs);
        let version = match &only.version {
            Some(version) if only.is_live() => format!("PM2 {version} "),
            _ => String::new(),
        };
        let part = Part::new(version, Role::Quiet, 0).and(&*text, role);
        line.push(part.or(7, text, role));
    } else {
        let answering = app.watched.daemons.iter().filter(|daemon| daemon.is_live()).count();
        let role = if answering == app.watched.daemons.len() { Role::Good } else { Role::Warn };
        let text = format!("{} daemons, {answering} live", app.watched.daemons.len());
        line.push(Part::new(text, role, 0));
        for daemon in app.watched.daemons.iter().filter(|daemon| !daemon.is_live()) {
            let (text, role) = connection(daemon, app.now.steady_ms, glyphs);
            let short = match daemon.connection {
                Connection::Down { .. } => glyphs.bad,
                Connection::Connecting | Connection::Live { .. } => glyphs.busy,
            };
            let rest = text.strip_prefix(short).unwrap_or(&text).to_owned();
            let part = Part::new(format!("{short} {}{rest}", daemon.label), role, 1);
            line.push(part.or(3, format!("{short} {}", daemon.label), role));
        }
    }
    line
}

/// Whether a mistake is dear here; of several daemons, at which.
fn production(app: &App) -> Option<Part> {
    let daemons = &app.watched.daemons;
    let dear: Vec<&str> =
        daemons.iter().filter(|it| it.is_production).map(|it| &*it.label).collect();
    let word = Part::new("PRODUCTION", Role::Bad, 0);
    match dear.len() {
        0 => None,
        count if count == daemons.len() => Some(word),
        _ => {
            let long = format!("PRODUCTION: {}", dear.join(", "));
            Some(Part::new(long, Role::Bad, 0).or(5, "PRODUCTION", Role::Bad))
        }
    }
}

/// What stands in the way of watching: a daemon without events, and one that measures nothing; and that
/// what is done here is not written down.
fn standing(app: &App, glyphs: &Glyphs) -> Vec<Part> {
    let mut line = Vec::new();
    if let (Some(long), Some(short)) = (app.watched.audit.words(), app.watched.audit.short_words())
    {
        let warning = glyphs.warning;
        let part = Part::new(format!("{warning} {long}"), Role::Bad, 0);
        line.push(part.or(6, format!("{warning} {short}"), Role::Bad));
    }
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
            line.push(Part::new(long, Role::Warn, 0).or(8, short, Role::Warn));
        }
        if let Some(filling) = daemon.disk.filling() {
            let long = format!("{warning} {whom}{}", filling.words());
            let short = format!("{warning} {whom}{}", filling.short_words());
            let of_place = format!("{warning} {whom}{}", filling.words_of_place());
            // Which disk it is gives way behind PM2's version and other words, before any figure does.
            let part = Part::new(long, Role::Warn, 0).or(8, of_place, Role::Warn);
            line.push(part.or(6, short, Role::Warn));
        }
        line.extend(saved_list(app, daemon, &whom, glyphs));
        if let Some(other) = daemon.version.as_ref().and_then(|it| daemon.release.newer(it)) {
            let text = format!("{warning} {whom}PM2 {other} is installed");
            line.push(Part::new(text, Role::Warn, 6));
        }
        // Why stands at the log.
        if matches!(daemon.bus, BusState::Down(_)) {
            line.push(Part::new(format!("{warning} {whom}no events"), Role::Warn, 1));
        }
    }
    line
}

/// Where the saved list differs from what runs, or that there is none of it.
fn saved_list(app: &App, daemon: &Daemon, whom: &str, glyphs: &Glyphs) -> Option<Part> {
    let list = daemon.saved.as_ref()?;
    let (long, short) = (list.words()?, list.short_words()?);
    let warning = glyphs.warning;
    if let SavedList::Missing { .. } = list {
        // Where nothing runs nothing would be lost.
        let runs = app.watched.fleet.iter().any(|(key, _)| key.daemon == daemon.id);
        return runs.then(|| Part::new(format!("{warning} {whom}{short}"), Role::Warn, 7));
    }
    // What PM2 itself takes gives way to the long form, what all take to the short one.
    let part = Part::new(format!("{warning} {whom}saved list: {long}"), Role::Warn, 5);
    Some(part.or(7, format!("{warning} {whom}{short}"), Role::Warn))
}

/// How the connection stands, and how that looks.
fn connection(daemon: &Daemon, now_ms: i64, glyphs: &Glyphs) -> (String, Role) {
    match &daemon.connection {
        Connection::Connecting => (format!("{} connecting", glyphs.busy), Role::Warn),
        Connection::Live { .. } => (format!("{} live", glyphs.online), Role::Good),
        Connection::Down { .. } => {
            let left = daemon.retry_at_ms.and_then(|at_ms| text::seconds_until(at_ms, now_ms));
            let when = match left {
                Some(seconds) => format!("retry in {seconds}s"),
                None => "retrying".to_owned(),
            };
            (format!("{} disconnected, {when}", glyphs.bad), Role::Bad)
        }
    }
}

/// How many processes there are in all, how many are not well, and how many by the glyph of their state;
/// those that there are none of are left out.
fn counts(app: &App, totals: &Totals, glyphs: &Glyphs) -> Vec<Part> {
    let all = app.watched.fleet.len();
    if all == 0 {
        return Vec::new();
    }
    let digits = text::width(&all.to_string());
    let word = if all == 1 { "process" } else { "processes" };
    let whole = Part::new(all.to_string(), Role::Strong, 5).and(format!(" {word}"), Role::Quiet);
    let mut line = vec![whole.or(8, all.to_string(), Role::Strong)];
    let of = |states: &[State]| -> usize {
        let present = totals.present().filter(|(state, _)| states.contains(state));
        present.map(|(_, count)| count).sum()
    };
    let groups = [
        (of(&[State::Online]), glyphs.online, Role::Good, 3),
        // Those that `!` shows, in whichever state.
        (totals.unwell, glyphs.warning, Role::Warn, 1),
        (of(&[State::WaitingRestart]), glyphs.waiting, Role::Warn, 2),
        (of(&[State::NeverStarted, State::Errored]), glyphs.bad, Role::Bad, 2),
        (of(&[State::Launching, State::Stopping]), glyphs.busy, Role::Warn, 5),
        (of(&[State::Other]), "?", Role::Warn, 5),
        (of(&[State::Stopped]), glyphs.stopped, Role::Quiet, 4),
    ];
    let is_stale = !app.watched.daemons.iter().any(Daemon::is_live);
    for (count, glyph, role, leaves) in groups {
        if count > 0 {
            let role = if is_stale { Role::Quiet } else { role };
            let part = Part::new(format!("{glyph} {count}"), role, leaves);
            line.push(part.growing(&count.to_string(), digits));
        }
    }
    line
}

/// CPU and memory of all processes of the daemons that answer.
fn sums(totals: &Totals) -> Vec<Part> {
    let cpu = totals.cpu_percent.map(|cpu| ("cpu ", units::percent_short(cpu), PERCENT_COLUMNS));
    let memory = totals.memory_bytes.map(|memory| ("mem ", text::bytes(memory), BYTES_COLUMNS));
    let sum = |(label, sum, widest): (&'static str, String, u16)| {
        Part::new(label, Role::Quiet, 6).and(&*sum, Role::Text).growing(&sum, widest)
    };
    [cpu, memory].into_iter().flatten().map(sum).collect()
}

/// The machine and the daemon itself, where one daemon of this machine is watched.
fn host(app: &App, glyphs: &Glyphs) -> Vec<Part> {
    let [only] = app.watched.daemons.as_slice() else { return Vec::new() };
    let Some(host) = only.host.as_ref().filter(|_| only.is_live()) else { return Vec::new() };
    let shown = host.shown();
    let mut line = Vec::new();
    if let Some((percent, bytes)) = shown.god {
        let is_large = bytes >= GOD_BYTES_WARN || percent >= GOD_PERCENT_WARN;
        let role = if is_large { Role::Warn } else { Role::Text };
        let text = shown.god_words().unwrap_or_default().join(" ");
        let leaves = if is_large { 2 } else { 8 };
        let part = Part::new("PM2 itself ", Role::Quiet, leaves).and(&*text, role);
        line.push(part.growing(&text, GOD_COLUMNS));
    }
    if let Some(tenths) = shown.load_tenths {
        let is_high = tenths > u32::from(host.cores) * 20;
        let role = if is_high { Role::Warn } else { Role::Text };
        let load = format!("{}.{}", tenths / 10, tenths % 10);
        let cores = match host.cores {
            1 => " of 1 core".to_owned(),
            cores => format!(" of {cores} cores"),
        };
        let brief = format!("load {load}");
        let part = Part::new("load ", Role::Quiet, if is_high { 3 } else { 9 });
        let part = part.and(&*load, role).and(cores, Role::Quiet).or(9, brief, role);
        line.push(part.growing(&load, LOAD_COLUMNS));
    }
    if let Some(bytes) = shown.available {
        let text = format!("{} only {} of memory free", glyphs.warning, text::bytes(bytes));
        line.push(Part::new(text, Role::Warn, 2));
    }
    line
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
                Part::new(format!("{short}: {last}{ellipsis}"), Role::Warn, 1).or(
                    8,
                    short,
                    Role::Warn,
                )
            }
            None => Part::new(short, Role::Warn, 1),
        });
    }
    let lost: u64 = app.watched.daemons.iter().map(|daemon| daemon.events_lost).sum();
    if lost > 0 {
        let text = format!("{} {lost} events lost", glyphs.warning);
        line.push(Part::new(text, Role::Warn, 1));
    }
    line
}

/// How far behind the screen is, where a hand feels it; in tenths of a second, which seldom change.
fn link_delay(app: &App) -> Option<Part> {
    let delay_ms = app.link_delay_ms.filter(|delay_ms| *delay_ms > LINK_DELAY_MS)?;
    let text = format!("link delay {:.1}s", delay_ms as f64 / 1000.0);
    Some(Part::new(text, Role::Warn, 4))
}

/// The pause between two lists of PM2, the longest of the daemons that answer; where it is as long as
/// that between two figures. Figures that come from elsewhere say nothing of it.
fn poll(app: &App) -> Option<Part> {
    let interval_ms = app
        .watched
        .daemons
        .iter()
        .filter(|daemon| daemon.is_live() && daemon.has_figures_of_pm2())
        .map(|daemon| daemon.poll_interval_ms)
        .max()?;
    let text = format!("figures every {:.1}s", interval_ms as f64 / 1000.0);
    Some(Part::new(&*text, Role::Quiet, 9).growing(&text, POLL_COLUMNS))
}
