//! What the keys of the log do: whose lines it shows, search, filters, jumps.
//!
//! Invariant: nothing here changes anything but what the log shows, and where.

use super::command::LogCommand;
use super::editor::Editor;
use super::geometry::Pane;
use super::log_view::{self, Asked, LineFilter, LogInput, Scope, Search};
use super::mode::Mode;
use super::navigate;
use super::state::App;
use super::{Notice, command::Command};
use crate::model::ProcessKey;
use crate::model::log::LogLine;

/// Does what a key of the log means.
pub(super) fn take(app: &mut App, command: LogCommand) {
    match command {
        LogCommand::OfProcess => narrow(app, false),
        LogCommand::OfApp => narrow(app, true),
        LogCommand::OfAll => show(app, Scope::All),
        LogCommand::Search => ask(app, Asked::Search),
        LogCommand::Filter => ask(app, Asked::Filter),
        LogCommand::NextMatch => go_to_match(app, true),
        LogCommand::PreviousMatch => go_to_match(app, false),
        LogCommand::NextError => go_to(app, true, "error", log_view::is_error),
        LogCommand::PreviousError => go_to(app, false, "error", log_view::is_error),
        LogCommand::Zoom => {
            app.is_zoomed = !app.is_zoomed;
            navigate::keep_selection_visible(app);
        }
    }
}

/// Goes to the next exit or restart, or to the one before.
pub(super) fn go_to_end(app: &mut App, is_down: bool) {
    go_to(app, is_down, "exit or restart", log_view::is_end);
}

/// Shows the lines of the process that is meant alone, or those of its app: the selected one, in the
/// log that of the marked line.
fn narrow(app: &mut App, is_app: bool) {
    let of_line = |line: &LogLine| {
        let source = &line.source;
        Some((ProcessKey { daemon: source.daemon, pm_id: source.pm_id? }, source.name.clone()))
    };
    let meant = match app.focus {
        Pane::Log => navigate::marked(app)
            .and_then(|number| app.watched.log.get(number))
            .map_or_else(|| app.log_view.scope().process(), of_line),
        Pane::Processes => app.selected.and_then(|key| {
            let process = app.watched.fleet.get(key)?;
            Some((key, (*process.info.name).into()))
        }),
    };
    let Some((key, name)) = meant else {
        if app.focus == Pane::Log {
            app.notify("the marked line is of no process: the log stays as it is", false);
        } else {
            app.say(Notice::no_selection(app.now.steady_ms));
        }
        return;
    };
    let scope =
        if is_app { Scope::App { daemon: key.daemon, name } } else { Scope::Process { key, name } };
    show(app, scope);
}

fn show(app: &mut App, scope: Scope) {
    app.log_view.set_scope(scope);
    app.log_view.sync(&app.watched.log);
    // Where there is room for one pane only, it is the log.
    if navigate::geometry(app).is_some_and(|parts| parts.log_rows == 0) {
        app.focus = Pane::Log;
    }
}

/// Asks what to search for, or which lines stay.
fn ask(app: &mut App, asked: Asked) {
    app.focus = Pane::Log;
    let search = app.log_view.search().cloned();
    let place = (app.log_top, app.log_mark);
    app.open(Mode::LogInput(LogInput {
        asked,
        input: Editor::default(),
        search,
        place,
        recent: None,
    }));
}

/// Takes in what was typed, while it is.
pub(super) fn typed(app: &mut App) {
    let Mode::LogInput(open) = &app.mode else { return };
    let text = open.input.text();
    match open.asked {
        Asked::Search => {
            (app.log_top, app.log_mark) = open.place;
            app.log_view.set_search(Search::of(&text));
            app.log_view.sync(&app.watched.log);
            let near = navigate::marked(app).and_then(|mark| app.log_view.found_near(mark));
            if let Some(number) = near {
                jump(app, number);
            }
        }
        Asked::Filter => {
            app.log_view.set_draft(LineFilter::of(&text));
            app.log_view.sync(&app.watched.log);
        }
    }
}

/// A command while a search or filter is typed.
pub(super) fn take_typing(app: &mut App, command: Command) {
    let Mode::LogInput(open) = &mut app.mode else { return };
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
        return;
    }
    let is_kept = match command {
        Command::Open => !open.input.text().is_empty(),
        Command::Back => false,
        _ => return,
    };
    let (asked, place, search) = (open.asked, open.place, open.search.clone());
    let text = open.input.text();
    match (asked, is_kept) {
        (Asked::Search, true) => app.log_view.remember(text),
        (Asked::Search, false) => {
            (app.log_top, app.log_mark) = place;
            // Nothing typed drops the search, as Esc does where nothing is typed.
            let is_dropped = command == Command::Open;
            app.log_view.set_search(search.filter(|_| !is_dropped));
        }
        (Asked::Filter, true) => app.log_view.keep_draft(),
        (Asked::Filter, false) => app.log_view.set_draft(None),
    }
    app.log_view.sync(&app.watched.log);
    app.close();
}

/// Drops the search, or else the last filter.
pub(super) fn drop_last(app: &mut App) {
    if app.log_view.search().is_some() {
        app.log_view.set_search(None);
    } else {
        app.log_view.drop_filter();
    }
    app.log_view.sync(&app.watched.log);
}

fn go_to_match(app: &mut App, is_down: bool) {
    app.focus = Pane::Log;
    if app.log_view.search().is_none() {
        app.notify("nothing is searched for: / searches", false);
        return;
    }
    let mark = navigate::marked(app);
    let found = mark.and_then(|mark| app.log_view.found_from(mark, is_down));
    arrive(app, found, is_down, "match");
}

/// Goes to the nearest line of a kind.
fn go_to(app: &mut App, is_down: bool, what: &str, is_it: impl Fn(&LogLine) -> bool) {
    app.focus = Pane::Log;
    let lines = app.lines();
    let found = navigate::marked(app).and_then(|mark| {
        if is_down {
            let mut rest = lines.from_number(mark.saturating_add(1));
            return rest.find(|(_, line)| is_it(line)).map(|(number, _)| number);
        }
        let above: Vec<_> = lines.from_place(0).take_while(|(number, _)| *number < mark).collect();
        above.into_iter().rev().find(|(_, line)| is_it(line)).map(|(number, _)| number)
    });
    arrive(app, found, is_down, what);
}

fn arrive(app: &mut App, found: Option<u64>, is_down: bool, what: &str) {
    let Some(number) = found else {
        let side = if is_down { "below" } else { "above" };
        app.notify(format!("no {what} {side} this line"), false);
        return;
    };
    jump(app, number);
}

/// Marks a line; one that is not in sight comes to the middle.
fn jump(app: &mut App, number: u64) {
    let page = navigate::log_page(app);
    let top = navigate::log_top(app, page);
    let lines = app.lines();
    let place = lines.place_of(number);
    let is_in_sight = (top..top + page).contains(&place);
    let middle = place.saturating_sub(page / 2).min(lines.len().saturating_sub(page));
    let top = lines.number_at(if is_in_sight { top } else { middle });
    (app.log_top, app.log_mark) = (Some(top), Some(number));
}
