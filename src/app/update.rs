//! `update`: the only place where the app changes.

use super::batch::Batch;
use super::command::Command;
use super::effect::{Effect, Effects};
use super::help::Help;
use super::keymap::Place;
use super::log_sheet::LogSheet;
use super::message::Message;
use super::mode::Mode;
use super::notice::{About, Notice};
use super::overlay;
use super::palette::Palette;
use super::pane::Pane;
use super::prompt::{Compose, SEND};
use super::state::App;
use super::taken::{Around, Taken};
use super::{
    act, audit, bulk, changes, cursor, deliver, details, guard, ignored, log_goto, log_keys,
    log_older, log_pieces, log_sheet_keys, log_sight, log_toggles, navigate, offers, own, pointing,
    row_keys, table, tree, why,
};
use crate::logs::Owner;
use crate::model::apply::apply;
use crate::model::bundle::Material;
use crate::model::call::NamedCall;
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::model::{Action, DaemonId, ProcessKey};
use crate::protocol::risk;

/// Changes the app by one message that happened now, and returns what is to be done about it.
pub fn update(app: &mut App, now: Moment, message: Message) -> Effects {
    app.now = now;
    changes::drop_old_notice(app);
    let may_ask_the_log = !matches!(message, Message::Report(..) | Message::Clock);
    let is_of_files = matches!(
        message,
        Message::Report(_, Report::History(_) | Report::Parts(_)) | Message::Clock
    );
    let mut effects = take(app, message);
    if may_ask_the_log {
        log_keys::step(app);
    }
    // Lines that come are looked at too, and so what is near them.
    if may_ask_the_log || is_of_files || app.log_view.has_to_ask() {
        log_older::sync(app, &mut effects);
        log_pieces::sync(app, &mut effects);
    }
    if app.log_top.is_none() {
        let lines = app.lines();
        app.log_left = lines.len().checked_sub(1).and_then(|last| lines.at(last));
    }
    details::sync(app, &mut effects);
    if *app.log_view.scope() != app.sized {
        app.sized = app.log_view.scope().clone();
        effects.0.push(Effect::Sizes(app.sized.clone()));
    }
    details::note_triggered(app, &effects);
    audit::asked(app, &mut effects);
    effects
}

fn take(app: &mut App, message: Message) -> Effects {
    let now = app.now;
    match message {
        Message::Command(command) => {
            app.is_dirty = true;
            app.table.rest(now.steady_ms);
            app.notice.take_if(|notice| notice.about == About::LastKey);
            log_pieces::forget(app);
            take_command(app, command)
        }
        Message::Text(c) => {
            app.is_dirty = true;
            let fits = overlay::insert(&mut app.mode, c);
            ignored::fits(app, fits);
            table::typed(app);
            log_keys::typed(app);
            Effects::none()
        }
        Message::Paste(text) => {
            app.is_dirty = true;
            if let Some(fits) = overlay::paste(&mut app.mode, &text) {
                ignored::fits(app, fits);
            } else {
                let text = "pasted text does nothing here: press m first to paste a message";
                app.notify(text, false);
            }
            table::typed(app);
            log_keys::typed(app);
            Effects::none()
        }
        Message::Refused | Message::GoesOn(_) | Message::TypedOn | Message::Repeated(_) => {
            ignored::tell(app, &message);
            Effects::none()
        }
        Message::Edit(edit) => {
            app.is_dirty = true;
            overlay::edit(&mut app.mode, edit);
            table::typed(app);
            log_keys::typed(app);
            Effects::none()
        }
        Message::Pointer(at, under) => {
            let (mut effects, moved) = pointing::take(app, at, under);
            for command in moved.into_iter().flat_map(|(command, times)| [command].repeat(times)) {
                app.is_dirty = true;
                effects.0.extend(take_command(app, command).0);
            }
            effects
        }
        Message::Resized(columns, rows) => {
            app.resize((columns, rows));
            app.held = None;
            app.is_dirty = true;
            navigate::keep_selection_visible(app);
            Effects::one(Effect::Redraw)
        }
        Message::Report(daemon, report) => take_report(app, daemon, report),
        Message::Clock => {
            app.is_dirty = true;
            log_keys::step(app);
            table::settle(app);
            Effects::none()
        }
    }
}

fn take_report(app: &mut App, daemon: DaemonId, report: Report) -> Effects {
    let is_of_parts = matches!(report, Report::Parts(_));
    let now = app.now;
    let changed = apply(&mut app.watched, daemon, report, now);
    let mut effects = changes::take(app, daemon, changed);
    if is_of_parts
        && let Some(command) = log_pieces::ready(app)
        && app.mode == Mode::Normal
    {
        effects.0.extend(take_normal(app, command).0);
    }
    effects
}

/// Opens what an overlay leads to, where it is not refused.
fn open(app: &mut App, mode: Mode) -> Effects {
    if let Mode::Arguments(arguments) = &mode
        && let Some(refusal) = refusal(app, &arguments.method)
    {
        app.close_all();
        app.refuse_prompt(Notice::new(refusal, true, app.now.steady_ms));
        return Effects::none();
    }
    app.open(mode);
    Effects::none()
}

fn take_command(app: &mut App, command: Command) -> Effects {
    match command {
        Command::Quit => return Effects::one(Effect::Quit),
        Command::Suspend => return Effects::one(Effect::Suspend),
        Command::Redraw => return Effects::one(Effect::Redraw),
        Command::Reconnect => return Effects::one(Effect::Refresh),
        // There is no room for a screen: nobody sees what a key would mean, or a question.
        _ if navigate::geometry(app).is_none() => return Effects::none(),
        _ => {}
    }
    if app.mode == Mode::Normal {
        return take_normal(app, command);
    }
    if let Some(effects) = take_alone(app, command) {
        return effects;
    }
    let facts = offers::facts(app);
    let around = Around {
        watched: &app.watched,
        now: app.now,
        size: app.size,
        selected: app.selected,
        is_read_only: app.read_only,
        own: &app.settings.commands,
        keys: &app.keys,
        facts,
    };
    match overlay::take(&mut app.mode, &around, command) {
        Taken::Done | Taken::Pass => Effects::none(),
        Taken::Close => {
            app.close();
            Effects::none()
        }
        Taken::Unopened(why) => {
            let notice = Notice::new(why, true, app.now.steady_ms);
            app.refuse_prompt(notice.about(About::Answer));
            Effects::none()
        }
        Taken::Open(mode) => open(app, mode),
        Taken::Do(command) => {
            app.close_all();
            if cursor::stops(app, command) {
                return Effects::none();
            }
            match command {
                // Asked for by name, and so from everywhere.
                Command::Act(action) => act::by_name(app, action),
                Command::Compose => open_compose(app),
                Command::Details(_) => {
                    details::open(app);
                    details::take(app, command)
                }
                command => take_command(app, command),
            }
        }
        Taken::Act(action, daemon, targets) => {
            app.close_to_details();
            bulk::these(app, action, daemon, targets)
        }
        Taken::Item(item, marked) if matches!(app.mode, Mode::Palette(_)) => {
            row_keys::take_from_palette(app, item, marked)
        }
        taken @ (Taken::Columns(_) | Taken::Several(..) | Taken::Item(..) | Taken::Ask(..)) => {
            row_keys::take_from_sheet(app, taken)
        }
        Taken::Copy(text) => row_keys::copy(app, text),
        Taken::Log(place) => log_goto::go(app, &place),
        Taken::Run(ready) => {
            app.close_to_details();
            Effects::one(Effect::Run(ready))
        }
        Taken::Send { daemon, call, is_confirmed } => send(app, daemon, call, is_confirmed),
    }
}

/// What is open and takes its commands with all of the app.
fn take_alone(app: &mut App, command: Command) -> Option<Effects> {
    if let Mode::Filter(_) = app.mode {
        table::take_typing(app, command);
        return Some(Effects::none());
    }
    if let Mode::Details(_) = app.mode {
        return Some(details::take(app, command));
    }
    if let Mode::LogInput(_) = app.mode {
        return Some(log_keys::take_typing(app, command));
    }
    if let Mode::LogSheet(_) = app.mode {
        return Some(log_sheet_keys::take(app, command));
    }
    None
}

fn take_normal(app: &mut App, command: Command) -> Effects {
    if cursor::stops(app, command) {
        return Effects::none();
    }
    match command {
        Command::Act(action) => return act::selected(app, action),
        Command::Help => open_help(app, Place::of(Some(app.focus))),
        Command::Palette => app.open(Mode::Palette(Palette::new(row_keys::menu(app)))),
        Command::Compose if app.focus == Pane::Processes => return open_compose(app),
        Command::Compose => {
            let text = match app.selected {
                Some(key) => {
                    let [pane, own] = act::way(app, Command::Compose);
                    format!("{pane}, then {own} writes to {}", app.display_name(key))
                }
                None => act::elsewhere(app, Action::Restart),
            };
            app.refuse_prompt(Notice::new(text, false, app.now.steady_ms));
        }
        Command::Open if app.focus == Pane::Processes && app.cursor_group().is_some() => {
            tree::fold(app, None);
            navigate::keep_selection_visible(app);
        }
        Command::Older | Command::Newer if app.focus == Pane::Processes => {
            if command == Command::Older {
                tree::left(app);
            } else {
                tree::right(app);
            }
            navigate::keep_selection_visible(app);
        }
        Command::Open => open_line(app),
        Command::Why => open_why(app),
        Command::Log(command) => return log_keys::take(app, command),
        Command::Charts => {
            app.charts = app.charts.next(app.size.1);
            navigate::keep_selection_visible(app);
            app.notify(app.charts.words(), false);
        }
        Command::Mouse => return pointing::toggle(app),
        Command::Exceptions => app.open(Mode::Exceptions { chosen: None }),
        Command::Bundle => return bundle(app),
        Command::NextPane => {
            app.focus = match app.focus {
                Pane::Processes => Pane::Log,
                Pane::Log => Pane::Processes,
            };
            navigate::keep_selection_visible(app);
        }
        Command::Back => return go_back(app),
        Command::Rows(command) => return row_keys::take(app, command),
        Command::Own(place) => return own::selected(app, place),
        Command::Refused(_) => own::refuse(app, command),
        Command::Older | Command::Newer if app.focus == Pane::Log => {
            log_toggles::move_sideways(app, command == Command::Newer);
        }
        Command::Yes | Command::No | Command::This | Command::Older | Command::Newer => {}
        Command::Filter
        | Command::OnlyUnwell
        | Command::NextUnwell
        | Command::PreviousUnwell
        | Command::SortLeft
        | Command::SortRight
        | Command::SortReverse => table::take(app, command),
        Command::Up | Command::PageUp | Command::First if log_sight::is_at_first(app) => {
            return log_older::from_first(app, command == Command::First);
        }
        movement => navigate::go(app, movement),
    }
    Effects::none()
}

/// One step back: what is being done to several and has not begun is left undone; from a scrolled log to following, from there to the table, and there the notice
/// leaves: the filter first, then the marks, then the notice.
fn go_back(app: &mut App) -> Effects {
    let mut halts = app.batch.as_mut().is_some_and(Batch::halt);
    for job in &mut app.jobs {
        halts |= job.halt();
    }
    if halts {
        return Effects::one(Effect::Halt);
    }
    let mut effects = Effects::none();
    if log_older::halt(app, &mut effects) {
        return effects;
    }
    match app.focus {
        Pane::Log if app.log_top.is_some() || app.log_mark.is_some() => {
            (app.log_top, app.log_mark) = (None, None);
        }
        Pane::Log if app.log_view.search().is_some() || app.log_view.has_filter() => {
            log_keys::drop_last(app);
        }
        _ if app.is_zoomed => app.is_zoomed = false,
        Pane::Log => app.focus = Pane::Processes,
        Pane::Processes => {
            if !table::drop_filter(app) && !app.marks.clear() {
                app.notice = None;
            }
        }
    }
    navigate::keep_selection_visible(app);
    Effects::none()
}

/// Opens the message to the marked processes, else to those of the group that the cursor is on, else to the
/// selected one.
fn open_compose(app: &mut App) -> Effects {
    // Before it is typed, not after.
    let now_ms = app.now.steady_ms;
    let many = if app.marks.is_empty() { app.group_members() } else { Some(app.marked()) };
    if let Some(refusal) = refusal(app, "msgProcess") {
        app.refuse_prompt(Notice::new(refusal, true, now_ms));
    } else if let Some(compose) = many.and_then(|many| Compose::to_all(&app.watched, many.targets))
    {
        app.open(Mode::Compose(compose));
    } else if let Some((daemon, target)) = app.selected_target() {
        let compose = Compose::new(&app.watched, daemon, target);
        app.open(Mode::Compose(compose));
    } else {
        app.refuse_prompt(Notice::no_selection(now_ms));
    }
    Effects::none()
}

/// Shows what the keys do, and what is wrong with the configuration.
fn open_help(app: &mut App, place: Place) {
    let help = Help::of(place).with(&app.settings.mistakes);
    app.open(Mode::Help(Box::new(help)));
}

/// Shows why the selected process died; in the log, that of the marked line.
fn open_why(app: &mut App) {
    if app.focus == Pane::Processes && tree::is_many(app) {
        return;
    }
    let marked = || match app.log_view.owner(log_sight::marked(app)?)? {
        Owner::Process { daemon, pm_id, .. } => {
            Some(ProcessKey { daemon: *daemon, pm_id: (*pm_id)? })
        }
        Owner::Pm2(_) => None,
    };
    let key = match app.focus {
        Pane::Log => marked().filter(|key| app.watched.fleet.get(*key).is_some()),
        Pane::Processes => app.selected,
    };
    match key {
        Some(key) => {
            let life = why::number(&app.watched, key, None, 0);
            app.open(Mode::Why { key, life, top: 0 });
        }
        None => app.say(Notice::no_selection(app.now.steady_ms)),
    }
}

/// Writes an incident bundle of the selected process's daemon.
fn bundle(app: &mut App) -> Effects {
    let selected = app.selected.map(|key| key.daemon);
    let first = || app.watched.daemons.first().map(|daemon| daemon.id);
    let Some(daemon) = selected.or_else(first) else { return Effects::none() };
    if app.is_bundling {
        app.notify("a bundle is being written: wait for its end", false);
        return Effects::none();
    }
    app.is_bundling = true;
    let mut material = Material::of(&app.watched, daemon, app.now, app.utc_offset_s);
    material.events = app.log_view.events(daemon);
    app.notify(format!("writing {} ..", material.file_name()), false);
    Effects::one(Effect::Bundle { daemon, material: Box::new(material) })
}

/// Shows the details of the selected process, or the marked line of the log whole.
fn open_line(app: &mut App) {
    if app.focus == Pane::Processes {
        return details::open(app);
    }
    let marked = log_sight::marked(app);
    if !log_pieces::are_there(app, marked.as_slice(), Command::Open) {
        return;
    }
    if let Some(entry) = marked.and_then(|line| app.log_view.entry(line)) {
        app.open(Mode::LogSheet(LogSheet::Entry(Box::new(entry))));
    }
}

/// Why a method is refused: this is read-only, and it changes something.
fn refusal(app: &App, method: &str) -> Option<String> {
    let what = if method == "msgProcess" { "message" } else { method };
    (app.read_only && risk::changes_something(method))
        .then(|| format!("{what}: refused, this is --read-only"))
}

/// Sends a call, or asks whether it is meant.
fn send(app: &mut App, daemon: DaemonId, call: NamedCall, is_confirmed: bool) -> Effects {
    if let Some(refusal) = refusal(app, &call.method) {
        app.close_all();
        app.notify(refusal, true);
        return Effects::none();
    }
    if !is_confirmed && guard::asks_of_call(app, daemon, &call.method) {
        app.open(Mode::ConfirmCall { daemon, call });
        return Effects::none();
    }
    let title = app.mode.name();
    app.close_to_details();
    let call = NamedCall { was_asked: is_confirmed, ..call };
    if *call.method == *SEND {
        return deliver::begin(app, title, [(daemon, call)]);
    }
    Effects::one(Effect::Call { daemon, call })
}
