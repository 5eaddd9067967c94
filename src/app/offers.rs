//! What decides which commands can be done now, out of the app as it is.

use super::palette::{Facts, Scene};
use super::state::App;
use super::undoing;

/// What the palette's entries depend on.
#[must_use]
pub fn scene(app: &App) -> Scene<'_> {
    Scene {
        watched: &app.watched,
        keys: &app.keys,
        selected: app.selected,
        is_read_only: app.read_only,
        own: &app.settings.commands,
        facts: facts(app),
    }
}

/// What is so now.
#[must_use]
pub fn facts(app: &App) -> Facts {
    Facts {
        is_searching: app.log_view.search().is_some(),
        has_marked_lines: app.log_view.marks() > 0,
        can_undo: undoing::is_possible(app),
    }
}
