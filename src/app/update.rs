//! `update`: the only place where the app changes.

use super::command::Command;
use super::effect::{Effect, Effects};
use super::message::Message;
use super::{App, Mode, Notice, Pane, navigate, overlay, report};
use crate::model::{Action, ProcessKey, Target};

/// How long a notice stays, milliseconds; one of a failure stays longer.
const NOTICE_MS: i64 = 4_000;
const BAD_NOTICE_MS: i64 = 10_000;

/// Changes the app by one message that happened at `now_ms` (milliseconds since 1970), and returns
/// what is to be done about it.
pub fn update(app: &mut App, now_ms: i64, message: Message) -> Effects {
    app.now_ms = now_ms;
    if app.notice.as_ref().is_some_and(|notice| notice.until_ms <= now_ms) {
        app.notice = None;
        app.is_dirty = true;
    }
    match message {
        Message::Command(command) => {
            app.is_dirty = true;
            take_command(app, command)
        }
        Message::Text(c) => {
            app.is_dirty = true;
            overlay::insert(app, c);
            Effects::none()
        }
        Message::Paste(text) => {
            app.is_dirty = true;
            if !overlay::paste(app, &text) {
                notify(app, "pasted text does nothing here: a message is pasted after m", false);
            }
            Effects::none()
        }
        Message::Refused => {
            let text = "several keys at once do nothing: that looked like pasted text";
            notify(app, text, false);
            Effects::none()
        }
        Message::Edit(edit) => {
            app.is_dirty = true;
            overlay::edit(app, edit);
            Effects::none()
        }
        Message::Resized(columns, rows) => {
            app.size = (columns, rows);
            app.is_dirty = true;
            navigate::keep_selection_visible(app);
            Effects::one(Effect::Redraw)
        }
        Message::Report(daemon, report) => {
            report::take(app, daemon, report);
            Effects::none()
        }
        Message::Clock => {
            app.is_dirty = true;
            Effects::none()
        }
    }
}

pub(super) fn take_command(app: &mut App, command: Command) -> Effects {
    match (&app.mode, command) {
        (Mode::Confirm { action, key }, Command::Yes) => {
            let (action, key) = (*action, *key);
            app.mode = Mode::Normal;
            ask(app, action, key)
        }
        (Mode::ConfirmCall { daemon, call }, Command::Yes) => {
            let effect = Effect::Call { daemon: *daemon, call: call.clone() };
            app.mode = Mode::Normal;
            Effects::one(effect)
        }
        (_, Command::Quit) => Effects::one(Effect::Quit),
        (_, Command::Suspend) => Effects::one(Effect::Suspend),
        (_, Command::Redraw) => Effects::one(Effect::Redraw),
        (_, Command::Reconnect) => Effects::one(Effect::Refresh),
        (Mode::Confirm { .. } | Mode::ConfirmCall { .. }, Command::No)
        | (Mode::Help { .. }, Command::Help | Command::Back) => {
            app.mode = Mode::Normal;
            Effects::none()
        }
        (Mode::Help { top }, command) => {
            app.mode = Mode::Help { top: navigate::help_top(app, *top, command) };
            Effects::none()
        }
        (Mode::Line { .. } | Mode::Palette(_) | Mode::Arguments(_) | Mode::Compose(_), command) => {
            overlay::take(app, command)
        }
        (Mode::Confirm { .. } | Mode::ConfirmCall { .. }, _) | (_, Command::Yes | Command::No) => {
            Effects::none()
        }
        (Mode::Normal, command) => take_normal(app, command),
    }
}

fn take_normal(app: &mut App, command: Command) -> Effects {
    match command {
        Command::Act(action) if app.read_only => {
            notify(app, &format!("{}: refused, this is --read-only", action.verb()), true);
            Effects::none()
        }
        Command::Act(action) => match app.selected {
            None => {
                notify(app, "no process is selected", true);
                Effects::none()
            }
            // Nobody acts in passing on a process that is not on the screen.
            Some(key) if action == Action::Delete || !navigate::is_table_visible(app) => {
                app.mode = Mode::Confirm { action, key };
                Effects::none()
            }
            Some(key) => ask(app, action, key),
        },
        Command::Help => {
            app.mode = Mode::Help { top: 0 };
            Effects::none()
        }
        Command::Palette => {
            overlay::open_palette(app);
            Effects::none()
        }
        Command::Compose => {
            overlay::open_compose(app);
            Effects::none()
        }
        Command::Open => {
            overlay::open_line(app);
            Effects::none()
        }
        Command::NextPane => {
            app.focus = match app.focus {
                Pane::Processes => Pane::Log,
                Pane::Log => Pane::Processes,
            };
            navigate::keep_selection_visible(app);
            Effects::none()
        }
        Command::Back => {
            app.focus = Pane::Processes;
            app.notice = None;
            navigate::keep_selection_visible(app);
            Effects::none()
        }
        movement => {
            navigate::go(app, movement);
            Effects::none()
        }
    }
}

/// Asks a daemon to act on a process, or says why not.
fn ask(app: &mut App, action: Action, key: ProcessKey) -> Effects {
    let name = app.display_name(key);
    let is_live = app.daemon(key.daemon).is_some_and(crate::model::daemon::Daemon::is_live);
    let now_ms = app.now_ms;
    let Some(process) = app.fleet.get_mut(key) else {
        notify(app, &format!("process {} is gone: nothing was done", key.pm_id), true);
        return Effects::none();
    };
    if let Some(pending) = process.pending {
        let text = format!("{name} is already {}: wait for its answer", pending.progressive());
        notify(app, &text, true);
        return Effects::none();
    }
    if !is_live {
        let text = format!("cannot {} {name}: its daemon is not connected", action.verb());
        notify(app, &text, true);
        return Effects::none();
    }
    process.pending = Some(action);
    process.asked = Some((action, now_ms));
    process.is_reloading = action == Action::Reload;
    let targets = vec![Target::of(&process.info)];
    Effects::one(Effect::Act { daemon: key.daemon, action, targets })
}

/// Shows a notice in the footer.
pub(super) fn notify(app: &mut App, text: &str, is_bad: bool) {
    let stays_ms = if is_bad { BAD_NOTICE_MS } else { NOTICE_MS };
    let until_ms = app.now_ms.saturating_add(stays_ms);
    app.notice = Some(Notice { text: text.to_owned(), is_bad, until_ms });
    app.is_dirty = true;
}
