//! The pane of events and logs.
//!
//! ```text
//! ─ Log ─ all ─ following ─ 0 dropped ─────────────────────────────────────────
//!  12:03:01.123 api[0]    │   listening on :3000
//!  12:03:01.456 worker[3] ┃   Error: connect ECONNREFUSED
//!  12:03:02.456 worker[3] ◆   exit code 1, restart 16 of 16, now errored
//!  12:03:03.101 api[0]    »   my:stats {"rps":41.2}
//! ```
//!
//! Invariant: a line takes one row and is cut at the edge; the log's own columns have one place in
//! all rows in sight.

use std::borrow::Cow;

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::Canvas;
use super::lookup::{daemon, is_in_front};
use super::parts::Part;
use super::roles::{self, Role};
use super::text::{self, Clock};
use super::theme::Theme;
use crate::app::{App, Pane, log_top, marked};
use crate::model::daemon::BusState;
use crate::model::log::{LineKind, LogLine, LogSource};
use crate::protocol::text::StyledText;

/// The name column's widest, with the id.
const NAME_MAX: u16 = 20;
/// The name column's narrowest: `api[0]` and its like.
const NAME_MIN: u16 = 8;
/// The daemon column's widest.
const DAEMON_MAX: u16 = 12;
/// Columns of the gutter and of the level's letter, each with a blank.
const GUTTER: u16 = 2;
const LEVEL: u16 = 2;

/// Where the log's columns are.
#[derive(Debug, Clone, Copy)]
struct Columns {
    clock: Clock,
    daemon: u16,
    name: u16,
    has_id: bool,
    level: u16,
}

/// Draws the pane.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if area.height == 0 {
        return;
    }
    let top = log_top(app, usize::from(area.height - 1));
    let is_in_front = is_in_front(app, Pane::Log);
    let inner = canvas.pane(area, is_in_front, &title(app));
    let log = &app.watched.log;
    if log.is_empty() {
        let text = "nothing yet: output and events of processes appear here";
        if inner.height > 0 {
            canvas.text(inner.x, inner.y, inner.width, text, canvas.role(Role::Quiet));
        }
        return;
    }
    let marked = marked(app).filter(|_| app.focus == Pane::Log);
    let columns = columns(app, inner.width);
    for (y, (number, line)) in (inner.top()..inner.bottom()).zip(log.from_place(top)) {
        let row = Rect { y, height: 1, ..inner };
        let name = draw_line(app, canvas, columns, row, line);
        if marked == Some(number) {
            canvas.select(Rect { y, height: 1, ..area }, name, is_in_front);
        }
    }
}

/// The title: whether it follows, since when output is kept, and what was lost.
fn title(app: &App) -> Vec<Part> {
    let mut title = vec![Part::new("Log", Role::Strong, 0)];
    title.extend(problems(app));
    title.push(Part::new("all", Role::Quiet, 9));
    let [below, since, gone] = app.log_title();
    title.push(match below {
        None => Part::new("following", Role::Good, 3),
        Some(below) if below == "at the end" => Part::new(below, Role::Quiet, 3),
        Some(below) => Part::new(below, Role::Warn, 1),
    });
    title.extend(since.map(|since| Part::new(since, Role::Quiet, 5)));
    title.extend(gone.map(|gone| Part::new(gone, Role::Quiet, 6)));
    let lost = app.watched.log.lost();
    let (role, leaves) = if lost > 0 { (Role::Warn, 1) } else { (Role::Quiet, 7) };
    title.push(Part::new(format!("{lost} dropped"), role, leaves));
    title
}

/// Why there are no events.
fn problems(app: &App) -> Vec<Part> {
    let is_one = app.watched.daemons.len() == 1;
    let down = app.watched.daemons.iter().filter(|daemon| daemon.is_live()).filter_map(|daemon| {
        let BusState::Down(problem) = &daemon.bus else { return None };
        let whom = if is_one { String::new() } else { format!("{}: ", daemon.label) };
        Some(format!("{whom}no events: {}", problem.of_bus(&daemon.home)))
    });
    down.map(|why| Part::new(why, Role::Warn, 0)).collect()
}

/// How wide the columns are. They do not hang on the lines in sight, so that the text does not jump
/// sideways as lines come: names are as wide as those of the processes. Where it is narrow,
/// milliseconds go first, then the id and the letter.
fn columns(app: &App, width: u16) -> Columns {
    let clock = match width {
        0..42 => Clock::Minutes,
        42..98 => Clock::Seconds,
        _ => Clock::Milliseconds,
    };
    let has_id = width >= 42;
    let names = app.watched.fleet.iter().map(|(key, process)| {
        let id = if has_id { text::width(&key.pm_id.to_string()) + 2 } else { 0 };
        text::width(&process.info.name) + id
    });
    let name = names.max().unwrap_or(0).max(NAME_MIN);
    let daemon = if app.watched.daemons.len() > 1 {
        app.watched
            .daemons
            .iter()
            .map(|daemon| text::width(&daemon.label))
            .max()
            .unwrap_or(0)
            .min(DAEMON_MAX)
            .min(width / 6)
    } else {
        0
    };
    // In steps of two, so that the text seldom moves as processes come and go.
    let name = name.next_multiple_of(2).min(NAME_MAX).min((width / 5).max(NAME_MIN));
    Columns { clock, daemon, name, has_id, level: if has_id { LEVEL } else { 0 } }
}

/// Draws a line; returns the place of its name.
fn draw_line(
    app: &App,
    canvas: &mut Canvas<'_>,
    columns: Columns,
    row: Rect,
    line: &LogLine,
) -> Rect {
    let quiet = canvas.role(Role::Quiet);
    let (y, end) = (row.y, row.right());
    let mut x = row.x;
    let mut next = |columns: u16, gap: u16| {
        let at = x;
        x = x.saturating_add(columns + gap).min(end);
        (at, columns.min(end - at))
    };
    let (at, room) = next(columns.clock.columns(), 1);
    let time = text::clock(line.at_ms, app.utc_offset_s, columns.clock);
    canvas.text(at, y, room, &time, quiet);
    if columns.daemon > 0 {
        let (at, room) = next(columns.daemon, 1);
        let label = daemon(app, line.source.daemon).map_or("-", |daemon| &*daemon.label);
        canvas.text(at, y, room, label, quiet);
    }
    let (at, room) = next(columns.name, 1);
    let used = draw_name(canvas, (at, y, room), &line.source, columns.has_id);
    let name = Rect::new(at, y, used, 1);
    let look = Look::of(&line.kind, canvas.theme());
    let (at, room) = next(1, GUTTER - 1);
    canvas.text(at, y, room, look.gutter, canvas.role(look.gutter_role));
    let (at, room) = next(columns.level, 0);
    canvas.text(at, y, room.min(1), look.level, canvas.role(look.gutter_role));
    // Before the text stands what it is about, in words that go on into it.
    let (lead, lead_role) = lead(&line.kind, &line.text.text);
    let used = canvas.text(x, y, end - x, &lead, canvas.role(lead_role));
    let (x, theme) = (x + used, canvas.theme());
    let base = canvas.role(look.text_role);
    canvas.styled(x, y, end - x, &line.text.text, run_style(theme, &line.text, base));
    name
}

/// Name and id, in the hue of the name: where both do not fit, the name is cut and the id stays.
/// Returns the columns it took.
fn draw_name(
    canvas: &mut Canvas<'_>,
    (x, y, columns): (u16, u16, u16),
    source: &LogSource,
    has_id: bool,
) -> u16 {
    let is_daemon = source.pm_id.is_none() && source.name.is_empty();
    let name = if is_daemon { "PM2" } else { &*source.name };
    let role = if source.pm_id.is_none() { Role::Quiet } else { roles::hue(name) };
    let style = canvas.role(role);
    let id = source.pm_id.filter(|_| has_id).map(|pm_id| format!("[{pm_id}]"));
    let id = id.unwrap_or_default();
    let room = columns.saturating_sub(text::width(&id));
    let used = canvas.text(x, y, room, name, style);
    used + canvas.text(x + used, y, columns - used, &id, style)
}

/// How a kind of line looks.
struct Look {
    gutter: &'static str,
    gutter_role: Role,
    /// One letter, or none: lines of output have no level yet.
    level: &'static str,
    text_role: Role,
}

impl Look {
    fn of(kind: &LineKind, theme: Theme) -> Self {
        let glyphs = theme.glyphs();
        let (gutter, gutter_role, level, text_role) = match kind {
            LineKind::Out => (glyphs.out, Role::Faint, "", Role::Text),
            LineKind::Err => (glyphs.err, Role::Warn, "", Role::Text),
            LineKind::Event(_, severity) => {
                let role = Theme::severity(*severity);
                (glyphs.event, role, "", role)
            }
            LineKind::Exception(_) => (glyphs.event, Role::Bad, "E", Role::Bad),
            LineKind::Message(_) => (glyphs.message, Role::Event, "", Role::Text),
        };
        Self { gutter, gutter_role, level, text_role }
    }
}

/// What stands before the text: the word of an event where the text does not say it, the topic of a
/// message.
fn lead<'a>(kind: &'a LineKind, text: &str) -> (Cow<'a, str>, Role) {
    match kind {
        LineKind::Out | LineKind::Err => ("".into(), Role::Text),
        LineKind::Message(topic) => (format!("{topic} ").into(), Role::Event),
        LineKind::Exception(_) => ("exception: ".into(), Role::Bad),
        LineKind::Event(word, severity) => {
            let lead = match text {
                "" => (*word).into(),
                text if text.starts_with(word) => "".into(),
                text if *word == "exit" && text.starts_with("code ") => "exit ".into(),
                _ => format!("{word}: ").into(),
            };
            (lead, Theme::severity(*severity))
        }
    }
}

/// The style of each byte of a line, asked for in order.
fn run_style(theme: Theme, text: &StyledText, base: Style) -> impl FnMut(usize) -> Style {
    let mut runs = text.runs.iter().peekable();
    move |offset| {
        while runs.next_if(|run| run.end as usize <= offset).is_some() {}
        match runs.peek() {
            Some(run) if run.start as usize <= offset => base.patch(theme.text_style(run.style)),
            _ => base,
        }
    }
}
