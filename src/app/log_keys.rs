//! What the keys of the log do: whose lines it shows, search, filters, jumps, older lines.
//!
//! Invariant: nothing here changes anything but what the log shows, and where.

use super::command::{Command, LogCommand};
use super::editor::Editor;
use super::effect::Effects;
use super::geometry::Pane;
use super::log_gaps::unsearched;
use super::log_sight::jump;
use super::log_view::{Asked, LineFilter, LogInput, Search, Wanted};
use super::mode::Mode;
use super::navigate;
use super::notice::{About, Notice};
use super::state::App;
use super::{exceptions, log_copy, log_sheet_keys, log_sight, log_taking, log_toggles};
use crate::logs::parse::Level;
use crate::logs::{Direction, Goal, LineId, Owner, Reach, Scope, when};
use crate::model::log::{LineKind, LogLine, LogSource, Severity};
use crate::model::past::PartRead;
use crate::model::{DaemonId, ProcessKey};
use crate::protocol::process::PmId;

/// Does what a key of the log means.
pub(super) fn take(app: &mut App, command: LogCommand) -> Effects {
    match command {
        LogCommand::Copy => return log_copy::entry(app),
        LogCommand::CopyMany => return log_copy::many(app),
        LogCommand::Mark => log_copy::mark(app),
        LogCommand::NextMark => log_copy::next_mark(app),
        LogCommand::GoToTime => ask(app, Asked::Time),
        LogCommand::Save => {
            ask(app, Asked::Save { is_all: false });
            let path = log_taking::proposed(app);
            if let Mode::LogInput(open) = &mut app.mode {
                open.input = Editor::selected(&path);
            }
        }
        LogCommand::Pager => return log_taking::page(app),
        LogCommand::Histogram => log_sheet_keys::open_histogram(app),
        LogCommand::OfProcess => narrow(app, false),
        LogCommand::OfApp => narrow(app, true),
        LogCommand::OfAll => {
            log_toggles::unclear(app);
            show(app, Scope::All);
        }
        LogCommand::Search => ask(app, Asked::Search),
        LogCommand::Filter => ask(app, Asked::Filter),
        LogCommand::NextMatch => go_to_match(app, Direction::Forward),
        LogCommand::PreviousMatch => go_to_match(app, Direction::Back),
        LogCommand::NextError => go_to(app, Direction::Forward, Goal::Level(Level::Error)),
        LogCommand::PreviousError => go_to(app, Direction::Back, Goal::Level(Level::Error)),
        LogCommand::NextTurn => go_to(app, Direction::Forward, Goal::Turn),
        LogCommand::PreviousTurn => go_to(app, Direction::Back, Goal::Turn),
        LogCommand::Zoom => {
            app.is_zoomed = !app.is_zoomed;
            navigate::keep_selection_visible(app);
        }
        command => log_toggles::take(app, command),
    }
    Effects::none()
}

/// Looks at a slice of the lines that were not looked at yet, and goes where that was waited for.
pub(super) fn step(app: &mut App) {
    app.log_view.step(app.log_top.or(app.log_mark));
    let Some((wanted, found)) = app.log_view.arrive() else { return };
    match (found, wanted.is_nearest) {
        (Some(line), _) => jump(app, line),
        // What is typed says itself that nothing matches.
        (None, true) if app.mode != Mode::Normal => {}
        (None, true) => search_files(app),
        // Above it, or between an old event and the lines that are held, the files may have some.
        (None, false)
            if wanted.goal == Goal::Match
                && (wanted.way == Direction::Back
                    || app.log_view.is_missing_at(wanted.from.order_ms)) =>
        {
            search_files(app);
        }
        // What happened before the lines that are held comes with the lines of its time.
        (None, false)
            if wanted.goal == Goal::Turn
                && wanted.way == Direction::Back
                && let Some(at_ms) = app.log_view.early_turn() =>
        {
            app.log_view.reach = Some(Reach::Time(at_ms));
        }
        (None, false) => {
            let what = match wanted.goal {
                Goal::Match => "match",
                Goal::Level(_) => "error",
                Goal::Turn => "exit or restart",
                Goal::Line => "line",
            };
            let is_below = wanted.way == Direction::Forward;
            let side = if is_below { "below" } else { "above" };
            let text = format!("no {what} {side} this line{}", other_way(app, &wanted));
            let notice = Notice::new(text, false, app.now.steady_ms);
            app.say(notice.about(About::LastKey));
        }
    }
    app.is_dirty = true;
}

/// Shows the lines of the process that is meant alone, or those of its app, or where these are shown
/// those of its namespace: the selected one, in the log that of the marked line.
fn narrow(app: &mut App, is_app: bool) {
    let meant = match app.focus {
        Pane::Log => match log_sight::marked(app) {
            Some(line) => app.log_view.owner(line).cloned(),
            None => match app.log_view.scope() {
                Scope::Process(owner) => Some(owner.clone()),
                // Nothing is said by those that were chosen in the table.
                _ => app.selected.and_then(|key| app.owner(key)),
            },
        },
        Pane::Processes => app.selected.and_then(|key| app.owner(key)),
    };
    let scope = match meant {
        Some(owner @ Owner::Process { .. }) if !is_app => Scope::Process(owner),
        Some(Owner::Process { daemon, namespace, name, .. }) => {
            let of_app = Scope::App(daemon, namespace.clone(), name);
            let is_again = *app.log_view.scope() == of_app;
            if is_again { Scope::Namespace(daemon, namespace) } else { of_app }
        }
        Some(Owner::Pm2(_)) | None if app.focus == Pane::Log => {
            app.notify("the marked line belongs to no process", false);
            return;
        }
        Some(Owner::Pm2(_)) | None => {
            app.say(Notice::no_selection(app.now.steady_ms));
            return;
        }
    };
    show(app, scope);
}

impl App {
    /// Takes lines into the log, as they come.
    pub fn take_lines(&mut self, lines: impl IntoIterator<Item = LogLine>) {
        if let Ok(offset) = jiff::tz::Offset::from_seconds(self.utc_offset_s) {
            self.log_view.formats.zone = offset.to_time_zone();
        }
        for line in lines {
            if let LineKind::Lost { .. } = line.kind {
                self.take_lost(line);
            } else {
                self.log_view.take(&self.watched.fleet, line, self.now.wall_ms);
            }
        }
        step(self);
    }

    /// Says in the log what became of its history, or of that of one process.
    pub(super) fn note_past(&mut self, daemon: DaemonId, pm_id: Option<PmId>, text: &str) {
        let of = |pm_id| self.watched.fleet.get(ProcessKey { daemon, pm_id });
        let process = pm_id.and_then(of);
        let name = process.map_or("PM2", |process| &*process.info.name).into();
        let source = LogSource { daemon, pm_id: process.map(|it| it.info.pm_id), name };
        self.note(source, "history", text);
    }

    /// Says something of the log itself in it.
    fn note(&mut self, source: LogSource, word: &'static str, text: &str) {
        let line = LogLine::event(self.now.wall_ms, source, word, Severity::Warning, text);
        self.take_lines([line]);
    }

    /// A process as the owner of lines.
    pub(super) fn owner(&self, key: ProcessKey) -> Option<Owner> {
        let info = &self.watched.fleet.get(key)?.info;
        Some(Owner::Process {
            daemon: key.daemon,
            pm_id: Some(key.pm_id),
            namespace: super::log_line::namespace(info.namespace.as_deref()),
            name: (*info.name).into(),
        })
    }
}

fn show(app: &mut App, scope: Scope) {
    app.log_view.set_scope(scope);
    app.focus = Pane::Log;
}

/// Asks what to search for, or which lines stay.
fn ask(app: &mut App, asked: Asked) {
    app.focus = Pane::Log;
    let search = app.log_view.search().cloned();
    let place = (app.log_top, app.log_mark);
    let input = Editor::default();
    app.open(Mode::LogInput(LogInput { asked, input, search, place, recent: None }));
}

/// Takes in what was typed, while it is.
pub(super) fn typed(app: &mut App) {
    log_sheet_keys::typed(app);
    let Mode::LogInput(open) = &app.mode else { return };
    let text = open.input.text();
    match open.asked {
        Asked::Search => {
            (app.log_top, app.log_mark) = open.place;
            app.log_view.set_search(Search::of(&text));
            if let Some(from) = log_sight::marked(app).filter(|_| !text.is_empty()) {
                let (way, goal) = (Direction::Forward, Goal::Match);
                app.log_view.want(Wanted { from, way, goal, is_nearest: true });
            }
        }
        Asked::Filter => app.log_view.set_draft(LineFilter::of(&text)),
        // What is typed counts when it is whole.
        Asked::Time | Asked::Save { .. } => {}
    }
}

/// A command while a search or filter is typed.
pub(super) fn take_typing(app: &mut App, command: Command) -> Effects {
    let Mode::LogInput(open) = &mut app.mode else { return Effects::none() };
    if let (Asked::Save { is_all }, Command::NextPane) = (open.asked, command) {
        open.asked = Asked::Save { is_all: !is_all };
        return Effects::none();
    }
    let older = match (open.asked, command) {
        (Asked::Search, Command::Up) => Some(open.recent.map_or(0, |index| index + 1)),
        (Asked::Search, Command::Down) => open.recent.and_then(|index| index.checked_sub(1)),
        _ => None,
    };
    if let Some(index) = older {
        if let Some(text) = app.log_view.recent(index) {
            (open.input, open.recent) = (Editor::new(text), Some(index));
            typed(app);
        }
        return Effects::none();
    }
    let is_kept = match command {
        Command::Open => !open.input.text().is_empty(),
        Command::Back => false,
        _ => return Effects::none(),
    };
    let (asked, place, search) = (open.asked, open.place, open.search.clone());
    let text = open.input.text();
    match (asked, is_kept) {
        (Asked::Search, true) => {
            app.log_view.remember(text);
            if app.log_view.is_done() && app.log_view.found() == 0 {
                search_files(app);
            }
        }
        (Asked::Search, false) => {
            (app.log_top, app.log_mark) = place;
            // Nothing typed drops the search, as Esc does where nothing is typed.
            let is_dropped = command == Command::Open;
            app.log_view.set_search(search.filter(|_| !is_dropped));
        }
        (Asked::Filter, true) => app.log_view.keep_draft(),
        (Asked::Filter, false) => app.log_view.set_draft(None),
        (Asked::Time, true) => {
            if !go_to_time(app, &text) {
                return Effects::none();
            }
        }
        (Asked::Save { is_all }, true) => {
            app.close();
            return log_taking::save(app, &text, is_all);
        }
        (Asked::Time | Asked::Save { .. }, _) => {}
    }
    app.close();
    Effects::none()
}

/// Goes to a time; false where that is none.
fn go_to_time(app: &mut App, text: &str) -> bool {
    // Of old lines, `-10m` is so long before the newest of them.
    let lines = app.lines();
    let newest = lines.len().checked_sub(1).and_then(|last| lines.at(last));
    let newest_ms = newest.and_then(|line| app.log_view.time_of(line));
    let now_ms = app.now.wall_ms.min(newest_ms.unwrap_or(i64::MAX));
    let from_ms = if when::is_ago(text) { now_ms } else { app.now.wall_ms };
    let Some(at_ms) = when::moment(text, from_ms, app.utc_offset_s) else {
        let text = format!("that is not a time: use {}", when::FORMS);
        app.say(Notice::new(text, true, app.now.steady_ms).about(About::LastKey));
        return false;
    };
    let place = lines.place_of(LineId::at_time(at_ms));
    let (first, found) = (lines.at(0), lines.at(place));
    match (found, newest) {
        (Some(line), _) => {
            let has_older = app.log_view.has_more_in_files();
            let is_oldest = first == Some(line);
            let is_reaching = has_older && (is_oldest || app.log_view.is_missing_at(at_ms));
            if is_reaching {
                app.log_view.reach = Some(Reach::Time(at_ms));
            }
            // Where older lines are read first, it is known then.
            let is_known = !(is_reaching && is_oldest);
            if is_known && !is_older(app, at_ms) {
                jump(app, line);
            }
        }
        (None, Some(_)) => {
            let last = newest_ms.map(|ms| exceptions::at(app, ms)).unwrap_or_default();
            app.notify(format!("nothing that late yet: the last line is of {last}"), false);
        }
        (None, None) => app.notify("no line is shown", false),
    }
    true
}

/// Whether that is before all lines that are shown; if so, that is said, and the first of them is gone to.
pub(super) fn is_older(app: &mut App, at_ms: i64) -> bool {
    let first = app.lines().at(0);
    let first_ms = first.and_then(|line| app.log_view.time_of(line));
    // What is typed has whole seconds.
    let Some(first_ms) = first_ms.filter(|first_ms| *first_ms >= at_ms.saturating_add(1_000))
    else {
        return false;
    };
    let begins = exceptions::at(app, first_ms);
    if let Some(first) = first {
        jump(app, first);
    }
    app.notify(format!("no line is that old: the log begins {begins}"), false);
    true
}

/// Drops the search, or else the last filter.
pub(super) fn drop_last(app: &mut App) {
    if app.log_view.search().is_some() {
        app.log_view.set_search(None);
    } else {
        app.log_view.drop_filter();
    }
}

/// The search goes on in the log files, where these have older lines.
fn search_files(app: &mut App) {
    let pattern = app.log_view.search().map(|search| search.pattern.clone());
    let has_more = app.log_view.older.values().any(|older| older.has_more);
    match pattern {
        Some(pattern) if has_more => app.log_view.reach = Some(Reach::Match(pattern)),
        _ if app.mode == Mode::Normal => {
            let from = log_sight::marked(app).unwrap_or(LineId::END);
            let (way, goal) = (Direction::Back, Goal::Match);
            let hint = other_way(app, &Wanted { from, way, goal, is_nearest: false });
            let text = format!("no match above this line{hint}");
            let notice = Notice::new(text, false, app.now.steady_ms);
            app.say(notice.about(About::LastKey));
        }
        _ => {}
    }
}

/// What is said behind "no match below": the key of the other way, where there is a match.
fn other_way(app: &App, wanted: &Wanted) -> String {
    let (way, command, side) = match (wanted.way, wanted.goal) {
        (Direction::Forward, Goal::Match) => (Direction::Back, LogCommand::PreviousMatch, "above"),
        (Direction::Back, Goal::Match) => (Direction::Forward, LogCommand::NextMatch, "below"),
        _ => return String::new(),
    };
    let key = app.keys.first(Command::Log(command), Pane::Log);
    match key.filter(|_| app.log_view.has_match(wanted.from, way)) {
        Some(key) => format!(": {key} goes to those {side}"),
        None => unsearched(app),
    }
}

fn go_to_match(app: &mut App, way: Direction) {
    if app.log_view.search().is_none() {
        app.focus = Pane::Log;
        app.notify("nothing is searched for: / searches", false);
        return;
    }
    go_to(app, way, Goal::Match);
}

/// Goes to the nearest line of a kind, as soon as it is known which that is.
fn go_to(app: &mut App, way: Direction, goal: Goal) {
    app.focus = Pane::Log;
    let from = log_sight::marked(app).unwrap_or(LineId::END);
    // What is still looked for is not lost, unless there is one to go to at once.
    if goal == Goal::Match
        && app.log_view.looks_for_match(way)
        && !app.log_view.has_match(from, way)
    {
        return;
    }
    app.log_view.want(Wanted { from, way, goal, is_nearest: false });
}

/// Parts of log files were read again.
pub(super) fn take_parts(app: &mut App, parts: Vec<PartRead>) {
    if app.log_view.filed.take(parts) {
        app.notify("a log file was truncated or does not answer: lines of it are gone", true);
    }
    step(app);
    app.is_dirty = true;
}
