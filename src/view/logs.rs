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

use std::ops::Range;

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::Canvas;
use super::lookup::{daemon, is_in_front};
use super::parts::Part;
use super::prompt;
use super::roles::{self, Role};
use super::text::{self, Clock};
use super::theme::Theme;
use crate::app::log_line::Shown;
use crate::app::log_view::{Asked, Search, words};
use crate::app::{App, Mode, Pane, log_top, marked};
use crate::logs::parse::Level;
use crate::logs::{Kind, Scope, Stream};
use crate::model::daemon::BusState;
use crate::model::log::LogSource;
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
/// The most columns of a search or a filter in the title.
const TYPED_MAX: u16 = 24;
/// The most matches of a line that are marked.
const MATCHES_MAX: usize = 256;

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
    let log = app.lines();
    if log.is_empty() {
        let text = match app.log_view.filters().chain(app.log_view.draft()).next() {
            Some(_) => "no line that is held passes the filters: Esc drops the last",
            None if *app.log_view.scope() != Scope::All => {
                "no lines of it are held: 0 shows the log of all"
            }
            None => "nothing yet: output and events of processes appear here",
        };
        if inner.height > 0 {
            canvas.text(inner.x, inner.y, inner.width, text, canvas.role(Role::Quiet));
        }
        return;
    }
    let marked = marked(app).filter(|_| app.focus == Pane::Log);
    let columns = columns(app, inner.width);
    let lines = log.rows(top, usize::from(inner.height));
    for (y, line) in (inner.top()..inner.bottom()).zip(&lines) {
        let row = Rect { y, height: 1, ..inner };
        let name = draw_line(app, canvas, columns, row, line);
        if marked == Some(line.id) {
            canvas.select(Rect { y, height: 1, ..area }, name, is_in_front);
        }
    }
}

/// The title: whether it follows, since when output is kept, and what was lost.
fn title(app: &App) -> Vec<Part> {
    let mut title = vec![Part::new("Log", Role::Strong, 0)];
    title.extend(problems(app));
    title.extend(narrowed(app));
    let [below, since, gone] = app.log_title();
    title.push(match below {
        None => Part::new("following", Role::Good, 3),
        Some(below) if below == "at the end" => Part::new(below, Role::Quiet, 3),
        Some(below) => Part::new(below, Role::Warn, 1),
    });
    title.extend(since.map(|since| Part::new(since, Role::Quiet, 5)));
    title.extend(gone.map(|gone| Part::new(gone, Role::Quiet, 6)));
    let lost = app.log_view.lost();
    let (role, leaves) = if lost > 0 { (Role::Warn, 1) } else { (Role::Quiet, 7) };
    title.push(Part::new(format!("{lost} dropped"), role, leaves));
    title
}

/// Whose lines, which of them, and what is searched for.
fn narrowed(app: &App) -> Vec<Part> {
    let view = &app.log_view;
    let mut parts = vec![match view.scope() {
        Scope::All => Part::new("all", Role::Quiet, 9),
        scope => Part::new(words(scope), Role::Strong, 0),
    }];
    let typing = match &app.mode {
        Mode::LogInput(typing) => Some(typing),
        _ => None,
    };
    for filter in view.filters() {
        let sign = if filter.is_inverted { "& !" } else { "& " };
        let part = Part::new(format!("{sign}{}", pattern(&filter.search)), Role::Accent, 1);
        parts.push(part.and(as_it_stands(&filter.search), Role::Warn));
    }
    if let Some(typing) = typing.filter(|typing| typing.asked == Asked::Filter) {
        let line = prompt::in_title("&", &typing.input, TYPED_MAX, usize::MAX);
        let draft = view.draft().map_or("", |filter| as_it_stands(&filter.search));
        parts.push(line.and(draft, Role::Warn));
    }
    let count = || view.search().map_or_else(String::new, |_| found(app));
    let searching = typing.filter(|typing| typing.asked == Asked::Search);
    if let Some(typing) = searching {
        let line = prompt::in_title("/", &typing.input, TYPED_MAX, usize::MAX);
        let literal = view.search().map_or("", as_it_stands);
        parts.push(line.and(literal, Role::Warn).and(count(), Role::Text));
    }
    if let (Some(search), None) = (view.search(), searching) {
        let part = Part::new(format!("/ {}", pattern(search)), Role::Match, 0);
        parts.push(part.and(as_it_stands(search), Role::Warn).and(count(), Role::Text));
    }
    parts
}

/// What is looked for, as far as the title has room.
fn pattern(search: &Search) -> &str {
    text::cut_to(search.pattern.text(), TYPED_MAX)
}

/// Says of what is no regular expression that it is looked for as it was typed.
fn as_it_stands(search: &Search) -> &'static str {
    if search.problem.is_some() { " (no regex, as it stands)" } else { "" }
}

/// In how many lines the search is, and which of them is marked.
fn found(app: &App) -> String {
    let view = &app.log_view;
    let place = marked(app).and_then(|number| view.found_place(number));
    match (view.found(), place) {
        (0, _) => " no match".to_owned(),
        (found, Some(place)) => format!(" {} of {found}", place + 1),
        (1, None) => " 1 line".to_owned(),
        (found, None) => format!(" {found} lines"),
    }
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
    line: &Shown,
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
    let time = text::clock(line.time.at_ms, app.utc_offset_s, columns.clock);
    canvas.text(at, y, room, &time, quiet);
    if columns.daemon > 0 {
        let (at, room) = next(columns.daemon, 1);
        let label = daemon(app, line.source.daemon).map_or("-", |daemon| &*daemon.label);
        canvas.text(at, y, room, label, quiet);
    }
    let (at, room) = next(columns.name, 1);
    let used = draw_name(canvas, (at, y, room), &line.source, columns.has_id);
    let name = Rect::new(at, y, used, 1);
    let look = Look::of(line, canvas.theme());
    let (at, room) = next(1, GUTTER - 1);
    canvas.text(at, y, room, look.gutter, canvas.role(look.gutter_role));
    let (at, room) = next(columns.level, 0);
    let (level, level_role) = look.level;
    canvas.text(at, y, room.min(1), level, canvas.role(level_role));
    // Before the text stands what it is about, in words that go on into it.
    let lead = &*line.lead;
    let found = matches(app, lead, &line.text.text);
    let (mark, lead_style) = (canvas.role(Role::Match), canvas.role(lead_role(line)));
    let in_lead = marking(&found, 0, mark, |_| lead_style);
    let used = canvas.styled(x, y, end - x, lead, in_lead);
    let (x, theme) = (x + used, canvas.theme());
    let base = canvas.role(look.text_role);
    let in_text = marking(&found, lead.len(), mark, run_style(theme, &line.text, base));
    canvas.styled(x, y, end - x, &line.text.text, in_text);
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
    let is_pm2 = source.pm_id.is_none() && name == "PM2";
    let role = if is_pm2 { Role::Quiet } else { roles::hue(name) };
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
    /// One letter, or none.
    level: (&'static str, Role),
    text_role: Role,
}

impl Look {
    fn of(line: &Shown, theme: Theme) -> Self {
        let glyphs = theme.glyphs();
        let (gutter, gutter_role, text_role) = match line.kind {
            Kind::Output if line.stream == Stream::Err => (glyphs.err, Role::Warn, Role::Text),
            Kind::Output => (glyphs.out, Role::Faint, Role::Text),
            Kind::Event | Kind::Exit | Kind::Restart | Kind::Loss => {
                let role = Theme::severity(line.severity());
                (glyphs.event, role, role)
            }
            Kind::Exception => (glyphs.event, Role::Bad, Role::Bad),
            Kind::Message => (glyphs.message, Role::Event, Role::Text),
        };
        Self { gutter, gutter_role, level: letter(line), text_role }
    }
}

/// The letter of a line's level. Letters of little weight are quiet, not faint: they are text.
fn letter(line: &Shown) -> (&'static str, Role) {
    match line.level.filter(|_| matches!(line.kind, Kind::Output | Kind::Exception)) {
        Some(Level::Error | Level::Fatal) => ("E", Role::Bad),
        Some(Level::Warn) => ("W", Role::Warn),
        Some(Level::Info) => ("i", Role::Quiet),
        Some(Level::Debug | Level::Trace) => ("d", Role::Quiet),
        None => ("", Role::Quiet),
    }
}

/// How what stands before the text looks.
fn lead_role(line: &Shown) -> Role {
    match line.kind {
        Kind::Message => Role::Event,
        Kind::Exception => Role::Bad,
        _ => Role::Text,
    }
}

/// Where the search is in what is shown of a line.
fn matches(app: &App, lead: &str, text: &str) -> Vec<Range<usize>> {
    let Some(search) = app.log_view.search() else { return Vec::new() };
    let all = |shown: &str| search.pattern.find_iter(shown).take(MATCHES_MAX).collect();
    if lead.is_empty() { all(text) } else { all(&format!("{lead}{text}")) }
}

/// Lays the style of matches over another one; `before` bytes were drawn already.
fn marking(
    found: &[Range<usize>],
    before: usize,
    mark: Style,
    mut style: impl FnMut(usize) -> Style,
) -> impl FnMut(usize) -> Style {
    let mut found = found.iter().peekable();
    move |offset| {
        let at = offset + before;
        while found.next_if(|range| range.end <= at).is_some() {}
        let is_found = found.peek().is_some_and(|range| range.contains(&at));
        if is_found { style(offset).patch(mark) } else { style(offset) }
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
