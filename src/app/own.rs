//! Commands of the user's own: what they would run, and whether it is asked about.
//!
//! Invariant: no shell splits or reads anything: an argument that is of a process is one argument, and
//! none that a program could take for an option. What may change something is refused by `--read-only`.

use super::command::Command;
use super::effect::{Effect, Effects};
use super::guard;
use super::mode::Mode;
use super::palette;
use super::settings::{Of, OwnCommand, Word};
use super::state::App;
use super::tree;
use crate::model::fleet::Process;
use crate::model::ready::Ready;
use crate::model::{DaemonId, Target};

/// Runs one for the selected process, or asks whether it is meant.
pub(super) fn selected(app: &mut App, place: u8) -> Effects {
    let command = app.settings.commands.get(usize::from(place));
    if command.is_some_and(OwnCommand::is_of_one) && tree::is_many(app) {
        return Effects::none();
    }
    let whom = app.selected_target();
    begin(app, place, whom)
}

/// Says why one is not run.
pub(super) fn refuse(app: &mut App, command: Command) {
    let why = app.keys.rows().find(|row| row.command == command).map(|row| row.help.to_string());
    if let Some(why) = why {
        app.notify(why, true);
    }
}

/// Runs one for this process.
pub(super) fn begin(app: &mut App, place: u8, whom: Option<(DaemonId, Target)>) -> Effects {
    let Some(command) = app.settings.commands.get(usize::from(place)).cloned() else {
        return Effects::none();
    };
    match ready(app, &command, whom) {
        Err(why) => {
            app.notify(format!("{}: {why}", command.name), true);
            Effects::none()
        }
        Ok(ready) if guard::asks_of_own(app, &command, ready.daemon) => {
            app.open(Mode::Own(Box::new(ready)));
            Effects::none()
        }
        Ok(ready) => Effects::one(Effect::Run(Box::new(ready))),
    }
}

/// What would be run.
///
/// # Errors
/// Why it is not.
fn ready(
    app: &App,
    command: &OwnCommand,
    whom: Option<(DaemonId, Target)>,
) -> Result<Ready, String> {
    if app.read_only && command.is_dangerous {
        return Err("refused, this is --read-only (dangerous = false says that it is safe)".into());
    }
    let is_of_one = command.is_of_one();
    if is_of_one && app.is_demo {
        return Err("not run: the demo's processes are not real".to_owned());
    }
    let process = whom.as_ref().and_then(|(daemon, target)| {
        app.watched.fleet.get(target.key(*daemon)).filter(|process| target.is(&process.info))
    });
    if is_of_one && process.is_none() {
        return Err("no process is selected".to_owned());
    }
    let mut words = Vec::new();
    for word in &command.run {
        words.push(match (word, process) {
            (Word::Text(text), _) => text.clone(),
            (Word::Of(of), Some(process)) => value(*of, process)?,
            (Word::Of(_), None) => return Err("no process is selected".to_owned()),
        });
    }
    let first = palette::daemon(&app.watched, app.selected);
    let daemon = whom.as_ref().map(|(daemon, _)| *daemon).or(first);
    let daemon = daemon.ok_or_else(|| "no daemon is watched".to_owned())?;
    let target = whom.map(|(_, target)| target).filter(|_| is_of_one);
    Ok(Ready { name: command.name.clone(), words, daemon, target, waits: command.waits })
}

/// What of a process an argument is.
fn value(of: Of, process: &Process) -> Result<String, String> {
    let info = &process.info;
    let (value, what) = match of {
        Of::Name => (Some(info.name.to_string()), "name"),
        Of::Namespace => (info.namespace.as_deref().map(ToOwned::to_owned), "namespace"),
        Of::PmId => (Some(info.pm_id.to_string()), "id"),
        // It may be another program's by now.
        Of::Pid if !process.is_running() => (None, "pid: it does not run"),
        Of::Pid => (info.pid.map(|pid| pid.to_string()), "pid"),
        Of::Cwd => (info.cwd.as_deref().map(ToOwned::to_owned), "folder"),
        Of::OutLog => (info.logs.out.as_deref().map(ToOwned::to_owned), "file of its output"),
        Of::ErrLog => (info.logs.err.as_deref().map(ToOwned::to_owned), "file of its errors"),
    };
    let value = value.filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| format!("not run: it has no {what}"))?;
    if value.starts_with('-') {
        return Err(format!("not run: its {what} begins with -, and could be an option"));
    }
    if value.contains('\0') {
        return Err(format!("not run: its {what} has a NUL in it"));
    }
    Ok(value)
}
