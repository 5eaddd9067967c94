//! The line at the bottom: what is possible here, by keys; at the right the last thing worth saying.
//!
//! Invariant: while something is asked, the line says which keys answer; a notice is never cut for
//! the sake of keys.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::glyphs::Glyphs;
use super::parts::{self, Part, key};
use super::roles::Role;
use super::{confirm, details, log_sheet, sheet, text};
use crate::app::command::{Command, LogCommand, RowsCommand};
use crate::app::job::Job;
use crate::app::keymap::Row;
use crate::app::log_sheet::LogSheet;
use crate::app::log_view::Asked;
use crate::app::marks::Marked;
use crate::app::notice::About;
use crate::app::settings::OwnCommand;
use crate::app::{App, Mode, Pane};
use crate::logs::when;
use crate::model::Action;
use crate::model::daemon::Daemon;
use crate::model::fleet::Process;
use crate::model::rows::tree::Group;
use crate::protocol::process::ProcessStatus;

/// Columns between two parts.
const GAP: u16 = 2;
/// Below this, keys without words would be all that fits.
const NARROW_BELOW: u16 = 60;
/// The most columns of a process's name where the line is short.
const NAME_COLUMNS: u16 = 16;

/// Draws the line.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let keys = keys(app, canvas, area.width < NARROW_BELOW);
    // Those of the panes are the keymap's own; hints are written with the default keys.
    let keys: Vec<Part> = match app.mode {
        Mode::Normal => keys,
        _ => keys.into_iter().filter_map(|part| parts::now(part, app)).collect(),
    };
    let columns = area.width.saturating_sub(2);
    let end = area.x + 1 + columns;
    let notice =
        notice(app, canvas, columns).filter(|_| is_reading(&app.mode) || is_about_answer(app));
    let taken = notice.as_ref().map_or(0, Part::columns);
    let room = columns.saturating_sub(if taken > 0 { taken.saturating_add(GAP) } else { 0 });
    let fitting = parts::fit(&keys, GAP, room);
    // Keys that never leave do so for a notice that needs their room.
    if notice.is_none() || parts::columns(&fitting, GAP) <= room {
        let mut x = area.x + 1;
        for part in fitting {
            x += canvas.part(x, area.y, end.saturating_sub(x), &part) + GAP;
        }
    }
    if let Some(notice) = notice {
        let x = end.saturating_sub(taken).max(area.x + 1);
        canvas.part(x, area.y, columns, &notice);
    }
}

/// Whether nothing is asked, and what is open has keys that a notice answers.
fn is_reading(mode: &Mode) -> bool {
    matches!(mode, Mode::Normal | Mode::Details(_) | Mode::LogSheet(LogSheet::Entry(_)))
}

/// Whether the notice is about the answer to what is open, and leaves with it.
fn is_about_answer(app: &App) -> bool {
    app.notice.as_ref().is_some_and(|it| it.about == About::Answer)
}

/// Which keys do what, in what is open.
fn keys(app: &App, canvas: &Canvas<'_>, is_narrow: bool) -> Vec<Part> {
    match &app.mode {
        Mode::Confirm { .. }
        | Mode::ConfirmReload { .. }
        | Mode::ConfirmCall { .. }
        | Mode::Own(_) => confirm::answers(&app.mode),
        Mode::Exceptions { .. } => {
            vec![key("Esc", "close", 0), key("Enter", "show whole", 1), choose(canvas)]
        }
        Mode::Help(help) if help.is_typing => {
            vec![key("Enter", "keep", 0), key("Esc", "drop", 0)]
        }
        Mode::Help { .. } => {
            vec![key("Esc", "close", 0), key("j k", "scroll", 1), key("/", "search", 2)]
        }
        Mode::Exception { .. } => {
            let found = key("n", "find in the log", 1);
            vec![key("Esc", "close", 0), found, key("j k", "scroll", 2)]
        }
        Mode::Why { .. } => {
            let arrows = if canvas.theme().ascii { "[ ]" } else { "← →" };
            let moment =
                key("Enter", if is_narrow { "to the log" } else { "that moment in the log" }, 1);
            vec![
                key("Esc", "close", 0),
                moment,
                key(arrows, if is_narrow { "others" } else { "older, newer" }, 3),
                key("j k", "scroll", 2),
            ]
        }
        Mode::Palette(_) => {
            vec![key("Enter", "do it", 0), key("Esc", "close", 0), choose(canvas)]
        }
        Mode::Arguments(_) => vec![key("Enter", "call", 0), key("Esc", "close", 0)],
        Mode::Compose(compose) => {
            let mut keys = vec![key("Enter", "send", 0), key("Esc", "close", 0)];
            match (compose.all(&app.watched).len(), compose.is_to_app) {
                _ if !compose.others.is_empty() => {}
                (0 | 1, _) => {}
                (_, true) => keys.push(key("Tab", "only to this process", 1)),
                (count, false) => keys.push(key("Tab", &format!("to all {count} of the app"), 1)),
            }
            keys
        }
        Mode::Filter(_) => {
            vec![key("Enter", "keep", 0), key("Esc", "drop", 0), choose(canvas)]
        }
        Mode::Details(sheet) => details::keys(app, canvas, sheet),
        Mode::LogInput(typed) => {
            let [yes, no] = match typed.asked {
                Asked::Search | Asked::Filter => ["keep", "drop"],
                Asked::Time => ["go there", "close"],
                Asked::Save { .. } => ["save", "close"],
            };
            let mut keys = vec![key("Enter", yes, 0), key("Esc", no, 0)];
            match typed.asked {
                Asked::Search => keys.push(choose_recent(canvas)),
                Asked::Save { .. } => {
                    keys.push(key("Tab", "all that is held, or what is shown", 1));
                }
                Asked::Time => keys.push(key("", when::FORMS, 1)),
                Asked::Filter => keys.push(key("!", "first: lines without it", 1)),
            }
            keys
        }
        Mode::LogSheet(sheet) => log_sheet::keys(sheet, choose(canvas), canvas.theme().ascii),
        Mode::Sheet(sheet) => sheet::keys(sheet),
        Mode::Normal => commands(app, canvas.theme().glyphs(), is_narrow),
    }
}

/// The notice, if there is one: in the longest of its forms that the line has room for.
fn notice(app: &App, canvas: &Canvas<'_>, columns: u16) -> Option<Part> {
    let notice = app.notice.as_ref()?;
    let glyphs = canvas.theme().glyphs();
    let (sign, role) = match (notice.is_bad, notice.is_done) {
        (true, _) => (format!("{} ", glyphs.bad), Role::Bad),
        (false, true) => (format!("{} ", glyphs.good), Role::Good),
        // Nothing was done: no sign that says so.
        (false, false) => (String::new(), Role::Strong),
    };
    let fits = |form: &&String| text::width(form) + text::width(&sign) <= columns;
    let mut forms = std::iter::once(&notice.text).chain(&notice.shorter);
    let form = forms.find(fits).or(notice.shorter.last()).unwrap_or(&notice.text);
    Some(Part::new(format!("{sign}{form}"), role, 0))
}

/// The commands that belong here, each by its first key, behind the process that they act on; while a
/// daemon is down, the one that tries to reach it too. With the log in front, which keys act is said
/// of the table. A narrow line has few keys with their words, rather than many without.
fn commands(app: &App, glyphs: &Glyphs, is_narrow: bool) -> Vec<Part> {
    let is_down = app.watched.daemons.iter().any(|daemon| !daemon.is_live());
    let is_any_live = app.watched.daemons.iter().any(Daemon::is_live);
    let is_log = app.focus == Pane::Log;
    let selected = app.selected.and_then(|key| app.watched.fleet.get(key));
    let is_running = selected.is_some_and(Process::is_running);
    let is_stopped = selected.is_some_and(|process| process.info.status == ProcessStatus::Stopped);
    let is_nobody = app.selected_target().is_none() && app.marks.is_empty();
    let is_group = app.cursor_group().is_some() && !is_log;
    let marked = app.marks.len();
    let keys = app.keys.rows().filter(|row| row.is_in(app.focus)).filter_map(|row| {
        let first = row.first()?;
        let is_of_rows = matches!(
            row.command,
            Command::Rows(RowsCommand::Mark | RowsCommand::Actions | RowsCommand::Undo)
        );
        let acts = is_of_rows
            || matches!(row.command, Command::Act(_) | Command::Compose | Command::Own(_));
        let leaves = match row.command {
            Command::Reconnect if is_down => 1,
            Command::NextPane if is_log && !app.read_only && !app.is_zoomed => return None,
            // Nobody is there to carry it out, or it does nothing here.
            _ if acts && (app.read_only || is_log) => return None,
            _ if is_nobody && needs_a_process(app, row.command) => return None,
            _ if is_group && needs_one(app, row.command) => return None,
            // One cannot start what runs, or stop what is stopped.
            Command::Act(Action::Start) if is_running && marked == 0 => return None,
            Command::Act(Action::Stop) if is_stopped && marked == 0 => return None,
            Command::Rows(RowsCommand::CopyCommand)
                if app.notice.as_ref().is_none_or(|notice| notice.command.is_none()) =>
            {
                return None;
            }
            Command::Back if marked > 0 && !is_log => 1,
            _ if acts && !is_any_live => row.footer?.saturating_add(100),
            Command::Open if is_log => 3,
            Command::Why if !is_log => 2,
            Command::Palette if !is_log => 4,
            Command::Log(LogCommand::NextMatch) if app.log_view.search().is_some() => 3,
            // Beside those of the other way.
            Command::Log(LogCommand::PreviousError | LogCommand::PreviousTurn) => return None,
            Command::Log(LogCommand::NextError) => 4,
            Command::Log(LogCommand::NextMark) if app.log_view.marks() > 0 => 6,
            Command::Back if is_log && back(app).is_some() => 2,
            _ => row.footer?,
        };
        let label = label(app, row);
        let both = other_way(row.command).and_then(|it| app.keys.first(it, Pane::Log));
        Some(match both {
            Some(both) => key(&format!("{first} {both}"), label, leaves),
            None if is_narrow => narrow_hint(row.command, first, label, leaves),
            None => key(first, label, leaves),
        })
    });
    progress(app).into_iter().chain(whom(app, glyphs)).chain(keys).collect()
}

/// Whom the keys act on; with the log in front, how that is done.
fn whom(app: &App, glyphs: &Glyphs) -> Option<Part> {
    let is_log = app.focus == Pane::Log;
    let marked = app.marks.len();
    let members = app.group_members().filter(|_| marked == 0);
    let part = members.as_ref().and_then(Marked::part_words);
    let name = match (app.selected, marked) {
        (Some(_), 1..) => Some(format!("{} {marked} marked", glyphs.marked)),
        (Some(_), _) if app.cursor_group().is_some() => {
            app.cursor_group().map(|group| group_name(group, members.as_ref()))
        }
        (selected, _) => selected.map(|selected| app.display_name(selected)),
    };
    match (&name, is_log, app.read_only) {
        _ if app.batch.is_some() => None,
        (Some(name), false, _) if part.is_some() => {
            let part = part.unwrap_or_default();
            Some(Part::new(part, Role::Strong, 0).or(4, name, Role::Strong))
        }
        (Some(name), false, _) => {
            Some(Part::new(name, Role::Strong, 0).or(4, short(name), Role::Strong))
        }
        (Some(name), true, false) => {
            let restart = Command::Act(Action::Restart);
            let pane = app.keys.first(Command::NextPane, Pane::Log).unwrap_or("-");
            let own = app.keys.first(restart, Pane::Processes).unwrap_or("-");
            let tab = Part::new(pane, Role::Accent, 0).and(", then ", Role::Quiet);
            let tab = tab.and(own, Role::Accent).and(format!(" restarts {name}"), Role::Quiet);
            // The whole screen is the log: what the table's keys do is far away.
            let brief = format!("{pane}, then {own} restarts {}", short(name));
            // A notice says it after such a key.
            let way = format!("{pane}, then ");
            let is_said = app.notice.as_ref().is_some_and(|it| it.text.starts_with(&way));
            Some(tab.or(4, brief, Role::Text)).filter(|_| !app.is_zoomed && !is_said)
        }
        (Some(_), true, true) | (None, _, _) => None,
    }
}

/// Whether it refuses a group of the tree: it is about one process.
fn needs_one(app: &App, command: Command) -> bool {
    let is_of_one = |place: u8| {
        let own = app.settings.commands.get(usize::from(place));
        own.is_some_and(OwnCommand::is_of_one)
    };
    match command {
        Command::Compose | Command::Why => true,
        Command::Own(place) => is_of_one(place),
        _ => false,
    }
}

/// Whether it does nothing where no process is selected; what belongs to the log aside.
fn needs_a_process(app: &App, command: Command) -> bool {
    match command {
        Command::Act(_) | Command::Compose | Command::Rows(RowsCommand::Mark) => true,
        Command::Own(place) => {
            let own = app.settings.commands.get(usize::from(place));
            own.is_some_and(OwnCommand::is_of_one)
        }
        Command::Open | Command::Why | Command::Log(LogCommand::OfProcess | LogCommand::OfApp) => {
            app.focus == Pane::Processes
        }
        _ => false,
    }
}

/// What a command is called here.
fn label<'a>(app: &App, row: &'a Row) -> &'a str {
    let is_log = app.focus == Pane::Log;
    match row.command {
        Command::Back if !is_log => "unmark",
        Command::Back => back(app).unwrap_or(&row.label),
        Command::Open if is_log => "open",
        Command::Open if app.cursor_group().is_some() => "fold",
        Command::Log(LogCommand::NextMatch) => "found",
        Command::Log(LogCommand::NextError) => "errors",
        Command::Log(LogCommand::NextTurn) => "exits",
        _ => &row.label,
    }
}

/// The command that goes the other way, and stands with this one.
fn other_way(command: Command) -> Option<Command> {
    Some(Command::Log(match command {
        Command::Log(LogCommand::NextMatch) => LogCommand::PreviousMatch,
        Command::Log(LogCommand::NextError) => LogCommand::PreviousError,
        Command::Log(LogCommand::NextTurn) => LogCommand::PreviousTurn,
        _ => return None,
    }))
}

/// The same where the line is narrow: with its word, or not at all.
fn narrow_hint(command: Command, first: &str, label: &str, leaves: u8) -> Part {
    match command {
        Command::Help | Command::Quit => key(first, label, 1),
        _ => key(first, label, leaves),
    }
}

/// How far an action on several is, and what Esc does about it.
fn progress(app: &App) -> Vec<Part> {
    let mut parts: Vec<Part> = app.jobs.iter().map(job).collect();
    let sending = app.sending.iter().map(|it| Part::new(it.words(), Role::Strong, 3));
    parts.extend(sending);
    if app.batch.is_none() && app.jobs.iter().any(Job::can_halt) {
        parts.push(Part::new("Esc", Role::Accent, 0).and(" leave the rest undone", Role::Quiet));
    }
    let Some(batch) = &app.batch else { return parts };
    let counts = batch.counts();
    let all = counts.ended + counts.begun + counts.waiting;
    let verb = batch.action().progressive();
    parts.push(Part::new(format!("{verb} {} of {all}", counts.ended), Role::Strong, 0));
    parts.push(Part::new(format!("{} under way", counts.begun), Role::Quiet, 2));
    if counts.waiting > 0 && !batch.is_halted() {
        let what = format!(" leave {} undone", counts.waiting);
        parts.push(Part::new("Esc", Role::Accent, 0).and(what, Role::Quiet));
    }
    parts
}

/// A group in a few words, or how much of it is shown.
fn group_name(group: &Group, members: Option<&Marked>) -> String {
    let namespace = if group.namespace.is_empty() { "-" } else { &*group.namespace };
    let how_many = match members.and_then(|it| Some((it.targets.len(), it.part.as_ref()?.all))) {
        Some((shown, all)) => format!("{shown} of {all}"),
        None => "all".to_owned(),
    };
    match &group.app {
        Some(app) => format!("{how_many} of {app}"),
        None => format!("{how_many} in {namespace}"),
    }
}

/// How far a task is.
fn job(job: &Job) -> Part {
    let text = match (job.expected, job.done()) {
        (Some(expected), done) if expected > 1 => format!("{} {done} of {expected}", job.title),
        (_, 0) => format!("{} ..", job.title),
        (_, done) => format!("{} {done} ..", job.title),
    };
    Part::new(text, Role::Strong, 3)
}

/// What Esc does in the log, if that is worth saying.
fn back(app: &App) -> Option<&'static str> {
    match () {
        () if app.log_top.is_some() => Some("follow"),
        () if app.log_view.search().is_some() => Some("drop search"),
        () if app.log_view.has_filter() => Some("drop filter"),
        () if app.is_zoomed => Some("unzoom"),
        () => None,
    }
}

/// A name of a few columns: its start, and the end, which has the id.
fn short(name: &str) -> String {
    let end = text::end_of(name, 5);
    let start = text::cut_to(name, NAME_COLUMNS.saturating_sub(text::width(end)));
    if text::width(name) <= NAME_COLUMNS { name.to_owned() } else { format!("{start}..{end}") }
}

/// The arrows, as far as the terminal has them.
fn choose(canvas: &Canvas<'_>) -> Part {
    key(if canvas.theme().ascii { "Up Down" } else { "↑ ↓" }, "choose", 1)
}

/// What the arrows do where a search is typed.
fn choose_recent(canvas: &Canvas<'_>) -> Part {
    key(if canvas.theme().ascii { "Up Down" } else { "↑ ↓" }, "recent", 1)
}
