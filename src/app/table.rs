//! Which rows the table has: a filter while it is typed and kept, what is not well, the order.
//!
//! Invariant: the selection is one of the rows, or there is none; rows move by themselves only when
//! no key was pressed for two seconds, and the selected one never leaves by itself.

use std::borrow::Cow;
use std::collections::HashSet;

use super::command::Command;
use super::editor::Editor;
use super::mode::Mode;
use super::notice::{About, Notice};
use super::pane::Pane;
pub use super::rows::{Table, Typing};
use super::state::App;
use super::{cursor, navigate, tree};
use crate::model::ProcessKey;
use crate::model::daemon::Daemon;
use crate::model::rows::{Field, Filter, Query, Rows, Sort, is_unwell};

impl App {
    /// The rows of the table, in order.
    #[must_use]
    pub fn rows(&self) -> Cow<'_, [ProcessKey]> {
        match &self.table.rows {
            Some(rows) => Cow::Borrowed(rows),
            None => Cow::Owned(self.watched.fleet.iter().map(|(key, _)| key).collect()),
        }
    }

    /// Whether a process is among the rows of the table.
    #[must_use]
    pub fn has_row(&self, key: ProcessKey) -> bool {
        match &self.table.rows {
            Some(rows) => rows.contains(&key),
            None => self.watched.fleet.get(key).is_some(),
        }
    }
}

/// The fleet changed, or time went on.
pub(super) fn settle(app: &mut App) {
    if app.marks.keep_to(&app.watched.fleet) {
        app.is_dirty = true;
        cursor::marks_left(app);
    }
    let Some(mut rows) = app.table.rows.take() else {
        navigate::select_near(app);
        return;
    };
    let old = rows.clone();
    let wanted = Rows::with(&app.watched.fleet, &app.table.query, app.selected).0;
    if app.table.rests(app.now.steady_ms) {
        rows.retain(|key| app.watched.fleet.get(*key).is_some());
    } else {
        rows.clone_from(&wanted);
    }
    app.table.is_late = rows != wanted;
    app.is_dirty |= rows.len() != old.len();
    stand(app, &old, rows);
}

/// Asks for other rows; these stand at once.
pub(super) fn ask(app: &mut App, query: Query) {
    if app.table.query == query {
        return;
    }
    let old = app.rows().into_owned();
    let rows = Rows::of(&app.watched.fleet, &query).0;
    app.table.query = query;
    app.table.is_late = false;
    app.is_dirty = true;
    stand(app, &old, rows);
}

/// Puts rows in the place of others. The selection stays a process, and on its line of the screen;
/// where it is not among them, the next one that was below it is taken, or above it.
fn stand(app: &mut App, old: &[ProcessKey], new: Vec<ProcessKey>) {
    let is_polled = app.watched.daemons.iter().any(|daemon| daemon.snapshot_at_ms.is_some());
    let place = |rows: &[ProcessKey], key| rows.iter().position(|other| *other == key);
    let was = app.selected.and_then(|key| place(old, key));
    let is = app.selected.and_then(|key| place(&new, key));
    match (was, is) {
        (Some(was), Some(is)) => {
            app.table_top = is.saturating_sub(was.saturating_sub(app.table_top));
        }
        (_, Some(_)) => {}
        (was, None) => {
            let left: HashSet<ProcessKey> = new.iter().copied().collect();
            let (above, below) = old.split_at(was.unwrap_or(0));
            let near = below.iter().chain(above.iter().rev()).find(|key| left.contains(key));
            let first = new.first().filter(|_| is_polled);
            app.selected = near.filter(|_| was.is_some()).or(first).copied();
        }
    }
    app.table.rows = (!app.table.query.is_plain()).then_some(new);
    navigate::keep_selection_visible(app);
}

/// A command of the table.
pub(super) fn take(app: &mut App, command: Command) {
    app.focus = Pane::Processes;
    let query = app.table.query.clone();
    match command {
        Command::Filter => {
            let typed = query.filter.as_ref().map(Filter::text).unwrap_or_default();
            let typing =
                Typing { input: Editor::selected(typed), wrong: None, selected: app.selected };
            app.open(Mode::Filter(typing));
        }
        Command::OnlyUnwell => {
            ask(app, Query { only_unwell: !query.only_unwell, ..query });
            if app.table.query.only_unwell && app.rows().is_empty() {
                say_none_unwell(app);
            }
        }
        Command::NextUnwell => go_to_unwell(app, false),
        Command::PreviousUnwell => go_to_unwell(app, true),
        Command::SortLeft => {
            let sorted = query.sort.moved(-1, app.table.fields());
            sort(app, sorted);
        }
        Command::SortRight => {
            let sorted = query.sort.moved(1, app.table.fields());
            sort(app, sorted);
        }
        Command::SortReverse => sort(app, query.sort.reversed()),
        _ => {}
    }
}

/// Sorts by this field; where it is the order already, the other way round.
pub(super) fn sort_by(app: &mut App, field: Field) {
    let now = app.table.query.sort;
    let wanted = if now.field == field { now.reversed() } else { Sort::by(field) };
    sort(app, wanted);
}

fn sort(app: &mut App, sort: Sort) {
    let query = Query { sort, ..app.table.query.clone() };
    ask(app, query);
}

/// How many that are not well the filter hides.
fn hidden_unwell(app: &App) -> usize {
    let Some(filter) = &app.table.query.filter else { return 0 };
    let fleet = app.watched.fleet.iter();
    fleet.filter(|(_, process)| is_unwell(process) && !filter.takes(process)).count()
}

/// Says why nothing is left where only those are shown that are not well.
fn say_none_unwell(app: &mut App) {
    let is_known = app.watched.daemons.iter().all(Daemon::is_live) && !app.watched.fleet.is_empty();
    let text = match hidden_unwell(app) {
        _ if !is_known => "not known: no daemon reports it now; ! shows all again".to_owned(),
        0 => "all is well; ! shows all again".to_owned(),
        hidden => format!("none here, but the filter hides {hidden} not well; Esc shows all"),
    };
    app.notify(text, !is_known);
}

/// Selects the next row that is not well, round the end.
fn go_to_unwell(app: &mut App, is_back: bool) {
    let rows = app.rows().into_owned();
    let selected = app.selected.and_then(|key| rows.iter().position(|other| *other == key));
    let (before, after) = rows.split_at(selected.unwrap_or(0));
    // On a group nobody is selected yet: its first process is another row.
    let is_on_group = app.cursor_group().is_some();
    let is_other = |key: &&ProcessKey| is_on_group || Some(**key) != app.selected;
    let is_it = |key: &&ProcessKey| app.watched.fleet.get(**key).is_some_and(is_unwell);
    let mut round = after.iter().chain(before).filter(is_other);
    let found = if is_back { round.rfind(is_it) } else { round.find(is_it) };
    if let Some(key) = found {
        app.selected = Some(*key);
        tree::leave_group(app);
        navigate::keep_selection_visible(app);
    } else {
        let text = match hidden_unwell(app) {
            0 => "no other row needs attention".to_owned(),
            hidden => format!("no other row here, but the filter hides {hidden} not well"),
        };
        app.say(Notice::new(text, false, app.now.steady_ms).about(About::LastKey));
    }
}

/// Drops the filter and what hides the rest; false where there is neither.
pub(super) fn drop_filter(app: &mut App) -> bool {
    let has_one = app.table.query.leaves_out();
    let query = Query { sort: app.table.query.sort, ..Query::default() };
    ask(app, query);
    has_one
}

/// What is typed changed: it is in force as soon as it can be read.
pub(super) fn typed(app: &mut App) {
    app.table.rest(app.now.steady_ms);
    let Mode::Filter(typing) = &mut app.mode else { return };
    let wanted = typing.selected;
    let fleet = &app.watched.fleet;
    let is_in_a_name =
        |word: &str| Filter::is_in_a_name(fleet.iter().map(|(_, process)| process), word);
    match Filter::parse_among(&typing.input.text(), &is_in_a_name) {
        Ok(filter) => {
            typing.wrong = None;
            let query = Query { filter, ..app.table.query.clone() };
            ask(app, query);
        }
        Err(wrong) => typing.wrong = Some(wrong),
    }
    if let Some(key) = wanted.filter(|key| app.has_row(*key)) {
        app.selected = Some(key);
        navigate::keep_selection_visible(app);
    }
}

/// A command while a filter is typed.
pub(super) fn take_typing(app: &mut App, command: Command) {
    let Mode::Filter(typing) = &mut app.mode else { return };
    match command {
        // What is wrong is said; the line stays open until it can be read.
        Command::Open if typing.wrong.is_some() => {}
        Command::Open => app.close(),
        Command::Back => {
            let selected = typing.selected;
            app.close();
            let query = Query { filter: None, ..app.table.query.clone() };
            ask(app, query);
            if let Some(key) = selected.filter(|key| app.has_row(*key)) {
                app.selected = Some(key);
                navigate::keep_selection_visible(app);
            }
        }
        Command::Up | Command::Down | Command::PageUp | Command::PageDown => {
            navigate::go(app, command);
            let selected = app.selected;
            if let Mode::Filter(typing) = &mut app.mode {
                typing.selected = selected;
            }
        }
        _ => {}
    }
}
