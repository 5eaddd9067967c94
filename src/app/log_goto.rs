//! From what is told of a process to the lines of the log that it is about: the moment of an end, the
//! lines of an exception.
//!
//! Invariant: nothing here changes anything but what the log shows, and where.

use super::effect::Effects;
use super::geometry::Pane;
use super::log_keys::step;
use super::log_view::{Search, Wanted};
use super::state::App;
use super::taken::LogPlace;
use crate::logs::{Direction, Goal, LineId, Reach, Scope};
use crate::model::ProcessKey;

/// Goes there: all that is open closes.
pub(super) fn go(app: &mut App, place: &LogPlace) -> Effects {
    match place {
        LogPlace::Moment(key, at_ms) => moment(app, *key, *at_ms),
        LogPlace::Occurrences(says, is_folded) => occurrences(app, says, *is_folded),
    }
    Effects::none()
}

/// Shows the log of a process at a moment, milliseconds since 1970: its first line from then on. Where
/// lines that old are in the log files only, these are read up to there.
fn moment(app: &mut App, key: ProcessKey, at_ms: i64) {
    let Some(owner) = app.owner(key) else { return };
    app.close_all();
    app.focus = Pane::Log;
    app.log_view.set_search(None);
    app.log_view.set_scope(Scope::Process(owner));
    let is_held = app.log_view.since_ms().is_some_and(|since_ms| since_ms <= at_ms);
    let has_older = app.log_view.older.values().any(|older| older.has_more);
    if !is_held && has_older {
        app.log_view.reach = Some(Reach::Time(at_ms));
        return;
    }
    let (from, way, goal) = (LineId::at_time(at_ms), Direction::Forward, Goal::Line);
    app.log_view.want(Wanted { from, way, goal, is_nearest: true });
    step(app);
}

/// Shows the log of all with what an exception says searched for, from the newest on. `*` stands for what
/// differs where `is_folded`.
fn occurrences(app: &mut App, says: &str, is_folded: bool) {
    let escaped = regex::escape(says);
    let pattern = if is_folded { escaped.replace(r"\*", r"\S*") } else { escaped };
    let Some(search) = Search::of(&pattern) else { return };
    app.close_all();
    app.focus = Pane::Log;
    app.log_view.set_scope(Scope::All);
    (app.log_top, app.log_mark) = (None, None);
    app.log_view.set_search(Some(search));
    app.log_view.remember(pattern);
    let (from, way, goal) = (LineId::END, Direction::Back, Goal::Match);
    app.log_view.want(Wanted { from, way, goal, is_nearest: false });
    step(app);
}
