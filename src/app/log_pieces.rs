//! Lines that stay in their log files: what of them is read again, for what is in sight and for a
//! search.
//!
//! Invariant: nothing is read here. What is missing is asked for after each change; until it comes,
//! rows say that it is being read.

use super::command::Command;
use super::effect::{Effect, Effects};
use super::log_line::{ROW_BYTES, WHOLE_BYTES, opened_bytes};
use super::log_sight::{self, Sight, log_page};
use super::log_view::LogView;
use super::state::App;
use crate::logs::{LineId, Part};
use crate::model::DaemonId;
use crate::model::past::{Again, PartRead};

/// More than that is not taken away in one go, bytes.
const AT_ONCE_BYTES_MAX: u64 = 80_000;
/// Lines of an entry below its first that are read with it.
const REST_MAX: usize = 100;

impl LogView {
    /// Whether all of an entry is there; what is missing of it is noted.
    fn has_entry(&self, id: LineId, bytes_max: usize) -> bool {
        let Some(head) = self.store.line(id) else { return true };
        let rest = self.store.rest_of(id, false).take(REST_MAX);
        let all = std::iter::once(head).chain(rest).enumerate();
        let missing = all.filter(|(index, line)| {
            let most = opened_bytes(line, *index == 0).min(bytes_max);
            !self.filed.has(line, most)
        });
        missing.count() == 0
    }

    /// Whether the last step left something to be asked of the log files.
    pub(super) fn has_to_ask(&self) -> bool {
        (self.reach.is_some() && !self.is_asking()) || self.filed.searched.has_missed()
    }

    /// How many lines of the search and the filters could not be read.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.view.progress(&self.store).unreadable
    }
}

/// Whether the entries that a command is about are there. Else it is done once they were read.
pub(super) fn are_there(app: &mut App, lines: &[LineId], command: Command) -> bool {
    let view = &app.log_view;
    if !view.store.has_filed() {
        return true;
    }
    let mut bytes = 0;
    let lines = lines.iter().take_while(|line| {
        let is_within = bytes < AT_ONCE_BYTES_MAX;
        bytes += view.store.line(**line).map_or(0, |line| line.len);
        is_within
    });
    let missing = lines.filter(|line| !view.has_entry(**line, WHOLE_BYTES)).count();
    if missing > 0 {
        app.log_view.filed.then = Some(command);
        app.notify("reading it from the log file ..", false);
    }
    missing == 0
}

/// Asks for what is missing.
pub(super) fn sync(app: &mut App, effects: &mut Effects) {
    if !app.log_view.store.has_filed() {
        return;
    }
    note_in_sight(app);
    let filed = &mut app.log_view.filed;
    let mut parts = filed.seen.take_missed();
    parts.extend(filed.searched.take_missed());
    let mut by_daemon: Vec<(DaemonId, Vec<(Again, PartRead)>)> = Vec::new();
    for Part { file, offset, len } in parts {
        let Some((daemon, again)) = filed.files.get(usize::from(file.0)) else { continue };
        let part = (again.clone(), PartRead { file: file.0, offset, len, bytes: None });
        match by_daemon.iter_mut().find(|(other, _)| other == daemon) {
            Some((_, parts)) => parts.push(part),
            None => by_daemon.push((*daemon, vec![part])),
        }
    }
    let effect = |(daemon, parts)| Effect::Reread { daemon, parts };
    effects.0.extend(by_daemon.into_iter().map(effect));
}

/// Notes what is missing of the lines in sight, and of a page on either side.
fn note_in_sight(app: &App) {
    let page = log_page(app);
    let Sight { top, count, .. } = log_sight::sight(app, page);
    let lines = app.lines();
    let first = top.saturating_sub(page);
    for id in (first..top + count + page).filter_map(|place| lines.at(place)) {
        app.log_view.has_entry(id, ROW_BYTES);
    }
}

/// What was to be done with lines once they were read; it looks itself whether they are there.
pub(super) fn ready(app: &mut App) -> Option<Command> {
    app.log_view.filed.then.take()
}

/// Something else is done: what waited for lines is not wanted any more.
pub(super) fn forget(app: &mut App) {
    app.log_view.filed.then = None;
}
