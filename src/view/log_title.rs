//! The title of the log: whose lines, which of them, what is searched for, and what is missing.

use super::parts::Part;
use super::prompt;
use super::roles::Role;
use super::text;
use crate::app::log_view::{Asked, LogInput, Search, words};
use crate::app::{App, Mode, marked};
use crate::logs::when;
use crate::logs::{Query, Scope, Stream};
use crate::model::daemon::BusState;
use crate::protocol::text::clean;

/// So many columns a search or a filter may always have in the title.
const TYPED_MIN: u16 = 24;
/// The most columns of a path or a time there.
const PATH_MAX: u16 = 60;
/// Below this a path or a time is all that stands in the title.
const NARROW_BELOW: u16 = 60;
/// What is said of what is no time.
const NO_TIME: &str = " no time: 14:05, -10m, yesterday 23:00";
/// Columns of the title beside what is typed and its sign: `━ Log ━ `, and the cursor.
const TITLE_COLUMNS: u16 = 12;

/// The most columns of a search or a filter in a title of that many.
pub(super) fn typed_max(columns: u16) -> u16 {
    (columns / 3).max(TYPED_MIN)
}

/// The title: whether it follows, since when output is kept, and what was lost.
pub(super) fn title(app: &App, ellipsis: &str) -> Vec<Part> {
    let mut title = vec![Part::new("Log", Role::Strong, 0)];
    title.extend(problems(app));
    title.extend(narrowed(app, ellipsis));
    let [below, since, gone] = app.log_title();
    title.push(match below {
        None => Part::new("following", Role::Good, 3),
        Some(below) if below == "reading" => Part::new(below, Role::Quiet, 3),
        Some(below) => Part::new(below, Role::Warn, 1),
    });
    title.extend(since.map(|since| Part::new(since, Role::Quiet, 5)));
    title.extend(gone.map(|gone| Part::new(gone, Role::Quiet, 6)));
    title.extend(app.log_files().map(|files| Part::new(files, Role::Quiet, 10)));
    title.extend(dropped(app));
    title
}

/// How many lines of what is shown came too fast.
pub(super) fn dropped(app: &App) -> Option<Part> {
    let lost = app.log_view.lost();
    (lost > 0).then(|| Part::new(format!("{lost} dropped"), Role::Warn, 1))
}

/// Which of the lines in the scope count: filters, levels, what is left out.
pub(super) fn chosen(app: &App, ellipsis: &str) -> Vec<Part> {
    let wide = (typed_max(app.size.0), ellipsis);
    let mut parts = toggled(app);
    parts.extend(filtered(app, wide));
    parts
}

/// The filters, each a part.
fn filtered<'a>(app: &'a App, wide: (u16, &'a str)) -> impl Iterator<Item = Part> + 'a {
    app.log_view.filters().map(move |filter| {
        let sign = if filter.is_inverted { "& !" } else { "& " };
        both(wide, |(columns, ellipsis)| {
            let typed = text::shortened(filter.search.pattern.text(), columns, ellipsis);
            let part = Part::new(format!("{sign}{typed}"), Role::Accent, 1);
            part.and(as_it_stands(&filter.search), Role::Warn)
        })
    })
}

/// Whose lines, which of them, and what is searched for.
fn narrowed(app: &App, ellipsis: &str) -> Vec<Part> {
    let view = &app.log_view;
    let wide = (typed_max(app.size.0), ellipsis);
    let mut parts = vec![match view.scope() {
        Scope::All => Part::new("all", Role::Quiet, 9),
        scope => Part::new(words(scope), Role::Strong, 0),
    }];
    parts.extend(toggled(app));
    let typing = match &app.mode {
        Mode::LogInput(typing) => Some(typing),
        _ => None,
    };
    parts.extend(filtered(app, wide));
    let sign = match typing.map(|typing| typing.asked) {
        Some(Asked::Time) => "go to",
        Some(Asked::Save { is_all: false }) => "save what is shown to",
        Some(Asked::Save { is_all: true }) => "save all held to",
        Some(Asked::Search | Asked::Filter) | None => "",
    };
    if let Some(typing) = typing.filter(|_| !sign.is_empty()) {
        // The end of what is typed is seen whatever else has to leave.
        let is_narrow = app.size.0 < NARROW_BELOW;
        let sign = if is_narrow { sign.replace("what is shown ", "") } else { sign.to_owned() };
        let taken = text::width(&sign).saturating_add(TITLE_COLUMNS);
        let room = app.size.0.saturating_sub(taken).clamp(1, PATH_MAX);
        let line = prompt::in_title(&sign, &typing.input, (room, ellipsis), usize::MAX);
        let is_broken = typing.asked == Asked::Time && !is_moment(app, &typing.input.text());
        let line = line.and(if is_broken { NO_TIME } else { "" }, Role::Warn);
        if is_narrow {
            return vec![line];
        }
        parts.push(line);
    }
    if let Some(typing) = typing.filter(|typing| typing.asked == Asked::Filter) {
        let draft = view.draft().map_or_else(String::new, |filter| as_it_stands(&filter.search));
        parts.push(both(wide, |room| {
            prompt::in_title("&", &typing.input, room, usize::MAX).and(&*draft, Role::Warn)
        }));
    }
    parts.extend(searched(app, typing.filter(|typing| typing.asked == Asked::Search), wide));
    parts
}

/// What is searched for, and where it was found.
fn searched(app: &App, typing: Option<&LogInput>, wide: (u16, &str)) -> Option<Part> {
    let search = app.log_view.search();
    let count = search.map_or_else(String::new, |_| found(app));
    let literal = search.map_or_else(String::new, as_it_stands);
    let line = |room: (u16, &str)| match (typing, search) {
        (Some(typing), _) => Some(prompt::in_title("/", &typing.input, room, usize::MAX)),
        (None, Some(search)) => {
            let typed = text::shortened(search.pattern.text(), room.0, room.1);
            Some(Part::new(format!("/ {typed}"), Role::Match, 0))
        }
        (None, None) => None,
    };
    line(wide)?;
    Some(both(wide, |room| {
        let part = line(room).unwrap_or_else(|| Part::new("", Role::Match, 0));
        part.and(&*count, Role::Text).and(&*literal, Role::Warn)
    }))
}

/// A part with much room for what is typed, or where others need it with little.
fn both((columns, ellipsis): (u16, &str), part: impl Fn((u16, &str)) -> Part) -> Part {
    let (long, short) = (part((columns, ellipsis)), part((TYPED_MIN, ellipsis)));
    if long == short { long } else { long.or_part(8, short) }
}

/// Whether that says a moment, or nothing yet.
fn is_moment(app: &App, text: &str) -> bool {
    text.trim().is_empty() || when::moment(text, app.now.wall_ms, app.utc_offset_s).is_some()
}

/// Which streams, levels and processes are left out, and where the lines are cut.
fn toggled(app: &App) -> Vec<Part> {
    let view = &app.log_view;
    let Query { streams, least, muted, .. } = view.query();
    let mut parts = Vec::new();
    let named = [
        (Stream::Out, "out"),
        (Stream::Err, "err"),
        (Stream::Events, "events"),
        (Stream::Pm2, "PM2's own"),
    ];
    let without = named.iter().filter(|(stream, _)| !streams.has(*stream)).map(|(_, name)| *name);
    let without: Vec<&str> = without.collect();
    if !without.is_empty() {
        parts.push(Part::new(format!("without {}", without.join(", ")), Role::Warn, 1));
    }
    if let Some(least) = least {
        parts.push(Part::new(format!("{} or worse", least.name()), Role::Warn, 1));
    }
    if !muted.is_empty() {
        parts.push(Part::new(format!("{} muted", muted.len()), Role::Warn, 1));
    }
    if view.marks() > 0 {
        parts.push(Part::new(format!("{} marked", view.marks()), Role::Accent, 3));
    }
    if view.is_cleared() {
        parts.push(Part::new("cleared", Role::Warn, 1));
    }
    if view.shape.shift > 0 {
        parts.push(Part::new(format!("{} columns left out", view.shape.shift), Role::Quiet, 4));
    }
    parts
}

/// Says of what is no regular expression that it is looked for as it was typed.
fn as_it_stands(search: &Search) -> String {
    let Some(problem) = &search.problem else { return String::new() };
    let what = clean(&problem.words(search.pattern.text())).into_owned();
    format!(" (no regex: {what}; as it stands)")
}

/// In how many lines the search is, and which of them is marked.
fn found(app: &App) -> String {
    let view = &app.log_view;
    let place = marked(app).and_then(|number| view.found_place(number));
    match (view.found(), place) {
        (0, _) if view.is_searching() => " none yet".to_owned(),
        // Not looked for there yet, or not to the end.
        (0, _) if view.has_more_in_files() => " none in what is held".to_owned(),
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
