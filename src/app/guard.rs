//! What is asked before it is done: as the user said, and all of it where a mistake is dear.
//!
//! Invariant: no setting lets what is about a daemon, or all that it runs, pass without a question; on
//! a production daemon nothing that changes something does.

use super::marks::Marked;
use super::settings::{Confirm, OwnCommand};
use super::state::App;
use super::what::What;
use crate::model::{Action, DaemonId};
use crate::protocol::risk::{self, Risk};

/// How much is asked where these daemons are meant.
pub(super) fn level(app: &App, daemons: &[DaemonId]) -> Confirm {
    let is_dear = |id: &DaemonId| app.daemon(*id).is_some_and(|daemon| daemon.is_production);
    if daemons.iter().any(is_dear) { Confirm::Always } else { app.settings.confirm }
}

/// Whether one of the five actions on one process is asked about; `is_in_front` where the user sees
/// which one that is.
pub(super) fn asks_of_one(app: &App, action: Action, daemon: DaemonId, is_in_front: bool) -> bool {
    match level(app, &[daemon]) {
        Confirm::Always => true,
        Confirm::Destructive => action == Action::Delete || !is_in_front,
        // A row that nobody sees may be another one than is thought of.
        Confirm::Never => !is_in_front,
    }
}

/// Whether it is asked about.
pub(super) fn asks(app: &App, what: &What, marked: &Marked) -> bool {
    let daemons: Vec<DaemonId> = match what {
        What::Whole(_, daemon) => vec![*daemon],
        What::Restore { kept, .. } => kept.iter().map(|(daemon, _)| *daemon).collect(),
        _ => marked.targets.iter().map(|(daemon, _)| *daemon).collect(),
    };
    // Nobody asked for a second process of a name.
    if matches!(what, What::Restore { beside, .. } if !beside.is_empty()) {
        return true;
    }
    match level(app, &daemons) {
        Confirm::Always => true,
        Confirm::Destructive => what.asks(marked),
        Confirm::Never => {
            // Nobody sees those whom a filter hides, be they marked or of the group that is meant.
            matches!(what, What::Whole(..))
                || marked.hidden > 0
                || marked.part.is_some()
                || what.word(&app.watched, marked).is_some()
        }
    }
}

/// Whether a method called by name is asked about.
pub(super) fn asks_of_call(app: &App, daemon: DaemonId, method: &str) -> bool {
    // What it reaches is not known here: `never` lets none pass that stops something.
    let is_all = level(app, &[daemon]) == Confirm::Always;
    Risk::of(method).asks() || (is_all && risk::changes_something(method))
}

/// Whether a command of the user's own is asked about.
pub(super) fn asks_of_own(app: &App, command: &OwnCommand, daemon: DaemonId) -> bool {
    command.asks || (command.is_dangerous && level(app, &[daemon]) == Confirm::Always)
}
