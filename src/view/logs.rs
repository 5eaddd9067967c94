//! The pane of events and logs.
//!
//! ```text
//! ╭ Events and logs ── all processes ── following ── 0 dropped ─────────────────╮
//! │ 12:03:01.123  api[0]     out   listening on :3000                           │
//! │ 12:03:02.456  worker[3]  exit  code 1, restart 16 of 16, now errored        │
//! ```
//!
//! Invariant: a line takes one row and is cut at the edge; the log's own columns have one place in
//! all rows in sight.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::Canvas;
use super::lookup::{daemon, frame_kind};
use super::parts::Part;
use super::text::{self, Clock};
use super::theme::{Theme, Tone};
use crate::app::{App, Mode, Pane, log_top, marked};
use crate::model::daemon::BusState;
use crate::model::log::{LineKind, LogLine, LogSource};
use crate::protocol::text::StyledText;

/// The name column's widest.
const NAME_MAX: u16 = 20;
/// The name column's narrowest: `api[0]` and its like.
const NAME_MIN: u16 = 8;
/// The daemon column's widest.
const DAEMON_MAX: u16 = 12;
/// The kind column's widest, as `LineKind::Event` promises.
const KIND_MAX: u16 = 9;
/// The widest kind where there is room for the topics that apps make up.
const TOPIC_MAX: u16 = 16;
/// There is, from so many columns on.
const TOPICS_FROM: u16 = 100;

/// Where the log's columns are.
#[derive(Debug, Clone, Copy)]
struct Columns {
    clock: Clock,
    daemon: u16,
    name: u16,
    kind: u16,
    gap: u16,
}

/// Draws the pane.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if area.height < 2 {
        return;
    }
    let top = log_top(app, usize::from(area.height - 2));
    let kind = frame_kind(app.focus == Pane::Log);
    let inner = canvas.frame(area, kind, &title(app), &problems(app));
    let log = &app.watched.log;
    if log.is_empty() {
        let text = "nothing yet: what processes print, and what happens to them, shows here";
        let columns = inner.width.saturating_sub(2);
        canvas.text(inner.x + 1, inner.y, columns, text, canvas.tone(Tone::Quiet));
        return;
    }
    let marked = marked(app).filter(|_| app.focus == Pane::Log);
    let columns = columns(app, inner.width);
    for (y, (number, line)) in (inner.top()..inner.bottom()).zip(log.from_place(top)) {
        let row = Rect { y, height: 1, ..inner };
        draw_line(app, canvas, columns, row, line);
        if marked == Some(number) {
            let glyph = canvas.theme().glyphs().pointer;
            canvas.text(row.x, y, 1, glyph, canvas.tone(Tone::Plain));
            canvas.style(row, Theme::selected(app.mode == Mode::Normal));
        }
    }
}

/// The title: whether it follows, since when output is kept, and what was lost.
fn title(app: &App) -> Vec<Part> {
    let mut title = vec![
        Part::new("Events and logs", Tone::Strong, 0).or(2, "Log", Tone::Strong),
        Part::new("all processes", Tone::Plain, 9),
    ];
    let [below, since, gone] = app.log_title();
    title.push(match below {
        None => Part::new("following", Tone::Good, 3),
        Some(below) if below == "at the end" => Part::new(below, Tone::Plain, 3),
        Some(below) => Part::new(below, Tone::Warning, 1),
    });
    title.extend(since.map(|since| Part::new(since, Tone::Plain, 5)));
    title.extend(gone.map(|gone| Part::new(gone, Tone::Plain, 6)));
    let lost = app.watched.log.lost();
    let (tone, leaves) = if lost > 0 { (Tone::Warning, 1) } else { (Tone::Plain, 7) };
    title.push(Part::new(format!("{lost} dropped"), tone, leaves));
    title
}

/// Why there are no events, for the frame's lower stroke.
fn problems(app: &App) -> Vec<Part> {
    let is_one = app.watched.daemons.len() == 1;
    let down = app.watched.daemons.iter().filter(|daemon| daemon.is_live()).filter_map(|daemon| {
        let BusState::Down(problem) = &daemon.bus else { return None };
        let whom = if is_one { String::new() } else { format!("{}: ", daemon.label) };
        Some(format!("{whom}no events: {}", problem.of_bus(&daemon.home)))
    });
    down.map(|why| Part::new(why, Tone::Warning, 0)).collect()
}

/// How wide the columns are. They do not hang on the lines in sight, so that the text does not jump
/// sideways as lines come: names are as wide as those of the processes, kinds as the first message
/// needed it.
fn columns(app: &App, width: u16) -> Columns {
    let (clock, gap) = match width {
        0..44 => (Clock::Minutes, 1),
        44..72 => (Clock::Seconds, 1),
        _ => (Clock::Milliseconds, 2),
    };
    let names = app.watched.fleet.iter().map(|(key, process)| {
        text::width(&process.info.name) + text::width(&key.pm_id.to_string()) + 2
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
    Columns {
        clock,
        daemon,
        // In steps of four, so that the text seldom moves as processes come and go.
        name: name.next_multiple_of(4).min(NAME_MAX).min(width / 4),
        kind: match width {
            TOPICS_FROM.. if app.watched.log.has_messages() => TOPIC_MAX,
            _ => KIND_MAX.min(width / 5),
        },
        gap,
    }
}

/// Columns of `[12]` after a name.
fn id_columns(source: &LogSource) -> u16 {
    source.pm_id.map_or(0, |pm_id| text::width(&pm_id.to_string()) + 2)
}

fn draw_line(app: &App, canvas: &mut Canvas<'_>, columns: Columns, row: Rect, line: &LogLine) {
    let quiet = canvas.tone(Tone::Quiet);
    let (y, end) = (row.y, row.right());
    let mut x = row.x + 1;
    let mut next = |columns: u16, gap: u16| {
        let at = x;
        x = x.saturating_add(columns + gap).min(end);
        (at, columns.min(end - at))
    };
    let (at, room) = next(columns.clock.columns(), columns.gap);
    let time = text::clock(line.at_ms, app.utc_offset_s, columns.clock);
    canvas.text(at, y, room, &time, quiet);
    if columns.daemon > 0 {
        let (at, room) = next(columns.daemon, 1);
        let label = daemon(app, line.source.daemon).map_or("-", |daemon| &*daemon.label);
        canvas.text(at, y, room, label, quiet);
    }
    let (at, room) = next(columns.name, columns.gap);
    draw_name(canvas, at, y, room, &line.source);
    let (at, room) = next(columns.kind, columns.gap);
    canvas.text(at, y, room, line.kind.word(), kind_style(canvas, &line.kind));
    let theme = canvas.theme();
    let base = text_style(canvas, &line.kind);
    canvas.styled(x, y, end - x, &line.text.text, run_style(theme, &line.text, base));
}

/// Name and id: where both do not fit, the name is cut and the id stays.
fn draw_name(canvas: &mut Canvas<'_>, x: u16, y: u16, columns: u16, source: &LogSource) {
    let style = canvas.tone(Tone::Strong);
    let name = if source.pm_id.is_none() && source.name.is_empty() { "PM2" } else { &*source.name };
    let room = columns.saturating_sub(id_columns(source));
    let used = canvas.text(x, y, room, name, style);
    if let Some(pm_id) = source.pm_id {
        canvas.text(x + used, y, columns - used, &format!("[{pm_id}]"), style);
    }
}

fn kind_style(canvas: &Canvas<'_>, kind: &LineKind) -> Style {
    match kind {
        LineKind::Out => canvas.tone(Tone::Quiet),
        LineKind::Err => canvas.tone(Tone::Warning),
        LineKind::Event(_, severity) => canvas.theme().severity(*severity),
        LineKind::Exception(_) => canvas.tone(Tone::Bad),
        LineKind::Message(_) => canvas.tone(Tone::Accent),
    }
}

/// Events stand out from output.
fn text_style(canvas: &Canvas<'_>, kind: &LineKind) -> Style {
    match kind {
        LineKind::Out | LineKind::Err | LineKind::Message(_) => Style::new(),
        LineKind::Event(..) | LineKind::Exception(_) => canvas.tone(Tone::Strong),
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
