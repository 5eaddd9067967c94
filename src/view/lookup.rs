//! What several parts of the screen look up.

use crate::app::{App, Pane};
use crate::model::daemon::Daemon;
use crate::model::{DaemonId, ProcessKey};

/// Whether a pane is in front: it has the focus, and nothing covers it.
pub(super) fn is_in_front(app: &App, pane: Pane) -> bool {
    app.focus == pane && !app.mode.covers()
}

/// The daemon of that number.
pub(super) fn daemon(app: &App, id: DaemonId) -> Option<&Daemon> {
    app.watched.daemon(id)
}

/// Whether the daemon of that number answers, so that what is shown of it is fresh.
pub(super) fn is_live(app: &App, id: DaemonId) -> bool {
    app.watched.is_live(id)
}

/// A process as the user knows it: `api[0]`, or `[0]` where it has no name or is gone.
pub(super) fn name_of(app: &App, key: ProcessKey) -> String {
    let name = app.watched.fleet.get(key).map_or("", |process| &*process.info.name);
    format!("{name}[{}]", key.pm_id)
}
