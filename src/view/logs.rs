//! The pane of events and logs.
//!
//! ```text
//! ─ Log ─ all ─ following ─ since 14:02:11 ─────────────────────────────────────────
//!  12:03:01.123 api[0]    │   listening on :3000
//!  12:03:01.456 worker[3] ┃   Error: connect ECONNREFUSED
//!  12:03:02.456 worker[3] ◆   exit code 1, restart 16 of 16, now errored
//!  12:03:03.101 api[0]    »   my:stats {"rps":41.2}
//! ```
//!
//! Invariant: the log's own columns have one place in all rows in sight; what `update` scrolls by
//! is what is drawn ([`crate::app::log_sight`]).

use std::borrow::Cow;
use std::ops::Range;

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::canvas::Canvas;
use super::log_title::title;
use super::lookup::{daemon, is_in_front};
use super::roles::{self, Role};
use super::text;
use super::theme::{Colors, Theme};
use crate::app::log_columns::{Columns, GUTTER};
use crate::app::log_dress::{Fold, Laid, is_estimated};
use crate::app::log_line::Shown;
use crate::app::log_shape::behind;
use crate::app::log_sight::{Sight, laid, sight};
use crate::app::log_view::Search;
use crate::app::{App, Pane, marked};
use crate::logs::parse::{Kind as Place, Level, Tint, tints};
use crate::logs::{Cell, Kind, Scope, Stream, Streams};
use crate::model::log::LogSource;
use crate::protocol::text::StyledText;

/// Columns that a frame stands further in than the head of its trace, and those before what is folded.
const FOLD_INDENT: u16 = 4;
const FOLD_GAP: u16 = 3;
/// The most matches of a line that are marked.
const MATCHES_MAX: usize = 256;

/// Draws the pane.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if area.height == 0 {
        return;
    }
    let is_in_front = is_in_front(app, Pane::Log);
    let title = title(app, canvas.theme().glyphs().ellipsis);
    let inner = canvas.pane(area, is_in_front, &title);
    if app.lines().is_empty() {
        if inner.height > 0 {
            let quiet = canvas.role(Role::Quiet);
            canvas.text(inner.x, inner.y, inner.width, empty(app), quiet);
        }
        return;
    }
    let marked = marked(app);
    let from_ms = marked.and_then(|line| app.log_view.time_of(line)).unwrap_or_default();
    let columns = Columns::of(app, inner.width);
    draw_ruler(app, canvas, Rect { x: inner.right(), width: 1, ..inner });
    let mut y = inner.top();
    for laid in laid(app, &columns, usize::from(inner.height)) {
        let rows = u16::try_from(laid.height()).unwrap_or(u16::MAX).min(inner.bottom() - y);
        let place = Rect { y, height: rows, ..inner };
        let name = draw_line(app, canvas, &columns, (place, from_ms), &laid);
        let row = Rect { y, height: rows, ..area };
        if app.focus == Pane::Log && marked == Some(laid.line.id) {
            canvas.select(row, name, is_in_front);
        }
        if app.log_view.is_marked(laid.line.id) {
            canvas.mark(row);
        }
        y += rows;
    }
}

/// Draws where errors, exits and restarts, and matches are in all lines shown, and which of these are in
/// sight.
fn draw_ruler(app: &App, canvas: &mut Canvas<'_>, place: Rect) {
    let rows = usize::from(place.height);
    let (len, glyphs) = (app.lines().len(), canvas.theme().glyphs());
    let Sight { top, count, .. } = sight(app, rows);
    if count >= len || rows == 0 {
        return;
    }
    for ((y, cell), index) in (place.top()..).zip(app.log_view.overview(rows)).zip(0_usize..) {
        let is_in_sight = index * len / rows < top + count && (index + 1) * len / rows > top;
        let role = match cell {
            Cell { errors: 1.., .. } => Role::Bad,
            Cell { turns: 1.., .. } => Role::Warn,
            Cell { hits: 1.., .. } => Role::Accent,
            _ if is_in_sight => Role::Quiet,
            _ => Role::Faint,
        };
        let mark = match (is_in_sight, role) {
            (true, _) => glyphs.bars.last().copied().unwrap_or_default(),
            (false, Role::Faint) => glyphs.out,
            (false, _) => glyphs.rule_in_front,
        };
        canvas.text(place.x, y, 1, mark, canvas.role(role));
    }
}

/// Why no line is shown.
fn empty(app: &App) -> &'static str {
    let view = &app.log_view;
    let query = view.query();
    match view.filters().chain(view.draft()).next() {
        Some(_) if !view.is_done() => "no line passes the filters yet",
        Some(_) if view.has_more_in_files() => {
            "no line that is held passes the filters: g reads older ones, Esc drops the last"
        }
        Some(_) => "no line passes the filters: Esc drops the last",
        None if view.is_cleared() => "nothing since it was cleared: 0 brings the lines back",
        None if !query.streams.has_any() => "all lines are hidden: 1 2 3 4 show them",
        None if query.least.is_some() && view.has_more_in_files() => {
            "no line of that level is held: - lowers it, g reads older ones"
        }
        None if query.least.is_some() => "no line of that level is held: - lowers it",
        None if query.streams != Streams::ALL => "no line of these is held: 1 2 3 4 show more",
        None if *view.scope() != Scope::All => "no line of it is held: 0 shows the log of all",
        None => "nothing yet: output and events of processes appear here",
    }
}

/// Draws a line in its rows; returns the place of its name.
fn draw_line(
    app: &App,
    canvas: &mut Canvas<'_>,
    columns: &Columns,
    (place, from_ms): (Rect, i64),
    laid: &Laid,
) -> Rect {
    let line = &laid.line;
    let quiet = canvas.role(Role::Quiet);
    let (y, end) = (place.y, place.right());
    let mut x = place.x;
    let mut next = |columns: u16, gap: u16| {
        let at = x;
        x = x.saturating_add(columns + gap).min(end);
        (at, columns.min(end - at))
    };
    if columns.time > 0 {
        let (at, room) = next(columns.time, 1);
        let time = columns.time(line.time.at_ms, from_ms, app.utc_offset_s);
        let used = canvas.text(at, y, room, &time, quiet);
        if is_estimated(line) {
            canvas.text(at + used, y, end.saturating_sub(at + used).min(1), "~", quiet);
        }
    }
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
    let below = u16::try_from(laid.rows.len()).unwrap_or(u16::MAX);
    for row in place.top()..place.bottom().min(y.saturating_add(below)) {
        canvas.text(at, row, room, look.gutter, canvas.role(look.gutter_role));
    }
    let (at, room) = next(columns.level, 0);
    let (level, level_role) = look.level;
    canvas.text(at, y, room.min(1), level, canvas.role(level_role));
    let text = Rect { x, width: end - x, ..place };
    draw_text(app, canvas, text, laid, canvas.role(look.text_role));
    name
}

/// Draws lead and text of a line in its rows.
fn draw_text(app: &App, canvas: &mut Canvas<'_>, place: Rect, laid: &Laid, base: Style) {
    let line = &laid.line;
    // Before the text stands what it is about, in words that go on into it.
    let (lead, text) = (&*line.lead, &line.text);
    let whole = if lead.is_empty() {
        Cow::Borrowed(&*text.text)
    } else {
        Cow::Owned(format!("{lead}{}", text.text))
    };
    let found = matches(app, &whole);
    let (mark, lead_style) = (canvas.role(Role::Match), canvas.role(lead_role(line)));
    let soft = soft_places(canvas.theme(), line);
    let mut run = run_style(canvas.theme(), text, base);
    let mut tint = tinted(canvas, &soft);
    let mut in_text = |offset| run(offset).patch(tint(offset));
    let mut style = marking(&found, mark, |offset| {
        if offset < lead.len() { lead_style } else { in_text(offset - lead.len()) }
    });
    let shift = if app.log_view.shape.wraps { 0 } else { behind(&whole, app.log_view.shape.shift) };
    for (y, range) in (place.top()..place.bottom()).zip(&laid.rows) {
        let start = range.start + shift;
        let row = whole.get(start..range.end).unwrap_or_default();
        canvas.styled(place.x, y, place.width, row, |offset| style(offset + start));
    }
    let below = u16::try_from(laid.rows.len()).unwrap_or(u16::MAX);
    if let Some(fold) = laid.fold.as_ref().filter(|_| below < place.height) {
        let row = Rect { y: place.y + below, x: place.x + FOLD_INDENT, ..place };
        draw_fold(app, canvas, place.right(), row, fold);
    }
}

/// Numbers, addresses and the like in output without colours of its own, where the terminal has soft ones.
fn soft_places(theme: Theme, line: &Shown) -> Vec<Tint> {
    let is_output = matches!(line.kind, Kind::Output | Kind::More);
    if theme.colors != Colors::True || !is_output || !line.text.runs.is_empty() {
        return Vec::new();
    }
    tints(line.text.text.as_bytes())
}

/// The style of such places, asked for in order.
fn tinted(canvas: &Canvas<'_>, places: &[Tint]) -> impl FnMut(usize) -> Style + use<> {
    let style = |kind| match kind {
        // What matters of a status is that it is none of success.
        Place::Status(500..) => canvas.role(Role::Bad).remove_modifier(Modifier::BOLD),
        Place::Status(400..) => canvas.role(Role::Warn),
        Place::Url => canvas.role(Role::Name(2)),
        Place::Number | Place::Uuid | Place::Ip | Place::Status(_) => canvas.role(Role::Name(0)),
        Place::Quoted => Style::new(),
    };
    let mut places = places
        .iter()
        .map(|tint| (tint.span, style(tint.kind)))
        .collect::<Vec<_>>()
        .into_iter()
        .peekable();
    move |offset| {
        while places.next_if(|(span, _)| span.end <= offset).is_some() {}
        match places.peek() {
            Some((span, style)) if span.start <= offset => *style,
            _ => Style::new(),
        }
    }
}

/// Draws what stands below the head of a trace: a frame as far as there is room, and how many more.
fn draw_fold(app: &App, canvas: &mut Canvas<'_>, end: u16, row: Rect, fold: &Fold) {
    let room = end.saturating_sub(row.x);
    let more = text::width(&fold.more);
    let gap = if fold.frame.is_empty() { 0 } else { FOLD_GAP };
    let for_frame = room.saturating_sub(if more > 0 { more + gap } else { 0 });
    let (plain, quiet) = (canvas.role(Role::Text), canvas.role(Role::Quiet));
    let found = matches(app, &fold.frame);
    let mark = canvas.role(Role::Match);
    let style = marking(&found, mark, |_| plain);
    let used = canvas.styled(row.x, row.y, for_frame, &fold.frame, style);
    let at = row.x + used + if used > 0 { gap } else { 0 };
    canvas.text(at, row.y, end.saturating_sub(at), &fold.more, quiet);
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
            Kind::Output | Kind::More => {
                let (glyph, role) = match (line.stream, line.is_bus_only) {
                    (Stream::Err, false) => (glyphs.err, Role::Warn),
                    (Stream::Err, true) => (glyphs.err_bus_only, Role::Warn),
                    (_, false) => (glyphs.out, Role::Faint),
                    // It is to be seen that it is another one.
                    (_, true) => (glyphs.out_bus_only, Role::Quiet),
                };
                (glyph, role, Role::Text)
            }
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
    let says_one = matches!(line.kind, Kind::Output | Kind::More | Kind::Exception);
    let Some(level) = line.level.filter(|_| says_one) else { return ("", Role::Quiet) };
    let role = match level {
        Level::Error | Level::Fatal => Role::Bad,
        Level::Warn => Role::Warn,
        Level::Info | Level::Debug | Level::Trace => Role::Quiet,
    };
    (level.letter(), role)
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
fn matches(app: &App, shown: &str) -> Vec<Range<usize>> {
    found_in(app.log_view.search(), shown)
}

/// Where a search is in a text.
pub(super) fn found_in(search: Option<&Search>, shown: &str) -> Vec<Range<usize>> {
    let Some(search) = search else { return Vec::new() };
    search.pattern.find_iter(shown).take(MATCHES_MAX).collect()
}

/// Lays the style of matches over another one.
pub(super) fn marking(
    found: &[Range<usize>],
    mark: Style,
    mut style: impl FnMut(usize) -> Style,
) -> impl FnMut(usize) -> Style {
    let mut found = found.iter().peekable();
    move |at| {
        while found.next_if(|range| range.end <= at).is_some() {}
        let is_found = found.peek().is_some_and(|range| range.contains(&at));
        if is_found { style(at).patch(mark) } else { style(at) }
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
