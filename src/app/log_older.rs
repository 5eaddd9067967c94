//! Older lines of log files: the next ones, those of a time, a match further back, the beginning.
//!
//! Invariant: nothing is read here; while files are read, how far that is stands in the footer, and Esc
//! ends it.

use super::effect::{Effect, Effects};
use super::log_gaps::unsearched;
use super::log_goto::arrive_at_end;
use super::log_keys::{is_older, step};
use super::log_sight::{self, jump};
use super::log_view::{LogView, Wanted};
use super::notice::{About, Notice};
use super::state::App;
use crate::logs::{Direction, Goal, LineId, Owner, Reach, Scope};
use crate::model::past::Past;
use crate::model::{DaemonId, units};
use crate::protocol::process::PmId;

/// Asks for what was wished for.
pub(super) fn sync(app: &mut App, effects: &mut Effects) {
    let taken = std::mem::take(&mut app.log_view.taken);
    effects.0.extend(taken.into_iter().map(|daemon| Effect::OlderOn { daemon }));
    if let Some(reach) = app.log_view.reach.take() {
        effects.0.extend(older(app, &reach).0);
    }
}

/// At the first line: the next older ones, or all to the beginning; with a filter, the next older line
/// that passes.
pub(super) fn from_first(app: &mut App, is_whole: bool) -> Effects {
    let filter = app.log_view.filters().filter(|filter| !filter.is_inverted).last();
    let reach = match filter {
        Some(filter) if is_whole => Reach::Match(filter.search.pattern.clone()),
        _ if is_whole => Reach::Begin,
        _ => Reach::More,
    };
    older(app, &reach)
}

/// Asks for older lines than all that are held, where the files have some.
fn older(app: &mut App, reach: &Reach) -> Effects {
    let (daemons, of): (Vec<DaemonId>, Vec<PmId>) = match app.log_view.scope() {
        Scope::All | Scope::Marked(_) | Scope::Process(Owner::Pm2(_)) => {
            let all = app.watched.daemons.iter().zip(0..);
            (all.map(|(_, index)| DaemonId(index)).collect(), Vec::new())
        }
        Scope::Process(Owner::Process { daemon, pm_id, .. }) => {
            (vec![*daemon], pm_id.iter().copied().collect())
        }
        Scope::Namespace(daemon, _) | Scope::App(daemon, ..) => {
            let scope = app.log_view.scope();
            let ours = app.watched.fleet.iter().filter(|(key, _)| {
                key.daemon == *daemon && app.owner(*key).is_some_and(|owner| scope.has(&owner))
            });
            (vec![*daemon], ours.map(|(key, _)| key.pm_id).collect())
        }
    };
    let asked: Vec<DaemonId> =
        daemons.into_iter().filter(|daemon| app.log_view.has_older(*daemon)).collect();
    if asked.is_empty() {
        let is_asking = app.log_view.is_asking();
        if !is_asking {
            app.notify("the log files have no older lines", false);
        }
        // Some are being read: then it is known whether there are more.
        if is_asking && *reach != Reach::More {
            app.log_view.reach = Some(reach.clone());
            app.notify("reading older lines ..", false);
        }
        return Effects::none();
    }
    for daemon in &asked {
        app.log_view.ask_older(*daemon, of.is_empty());
    }
    app.notify("reading older lines ..", false);
    app.log_view.reaching = Some(reach.clone());
    app.log_view.reached = app.log_view.last_first();
    let store = &app.log_view.store;
    let room = store.bounds().lines.saturating_sub(store.len());
    // So that lines that come do not take it meanwhile.
    let room = room - room / 10;
    let effect = |daemon| Effect::Older { daemon, of: of.clone(), reach: reach.clone(), room };
    Effects(asked.into_iter().map(effect).collect())
}

impl LogView {
    /// Whether a match of the search is looked for in the log files, or among lines that were not looked at
    /// yet; on that side of a line one begins anew from there.
    pub(super) fn looks_for_match(&self, way: Direction) -> bool {
        let pattern = self.search().map(|search| &search.pattern);
        let is_for_it = |reach: &Reach| match reach {
            Reach::Match(of) => pattern == Some(of),
            _ => false,
        };
        let is_read = self.is_asking() && self.reaching.as_ref().is_some_and(is_for_it);
        is_read
            || self.reach.as_ref().is_some_and(is_for_it)
            || self.wanted.is_some_and(|wanted| {
                wanted.goal == Goal::Match && (wanted.is_nearest || wanted.way != way)
            })
    }
}

impl LogView {
    /// Whether the search or a filter asks for what files were read for.
    fn is_sought(&self, reach: &Reach) -> bool {
        let Reach::Match(pattern) = reach else { return true };
        let filters = self.filters().map(|filter| &filter.search);
        filters.chain(self.search()).any(|search| search.pattern == *pattern)
    }
}

/// Ends the reading; false where nothing is read.
pub(super) fn halt(app: &mut App, effects: &mut Effects) -> bool {
    let is_long = app.log_view.reaching.as_ref().is_some_and(|reach| *reach != Reach::More);
    let is_reading = is_long && app.log_view.is_asking();
    if is_reading {
        (app.log_view.reaching, app.log_view.reach, app.log_view.end) = (None, None, None);
        app.notify("stopped: what was read until now is there", false);
        effects.0.push(Effect::HaltOlder);
    }
    is_reading
}

/// So many files that cannot be read are named one by one.
const NOTES_MAX: usize = 8;

/// Lines of log files came.
pub(super) fn take_past(app: &mut App, daemon: DaemonId, past: Past) {
    let (notes, is_asked) = (past.notes.clone(), past.is_asked);
    let (progress, has_nothing) = (past.progress, past.has_nothing);
    let has_lines = !past.files.is_empty();
    let first = app.lines().at(0);
    let came = app.log_view.take_past(&app.watched.fleet, daemon, past);
    step(app);
    app.is_dirty = true;
    for (index, note) in notes.iter().enumerate().take(NOTES_MAX) {
        let more = match notes.len() - index - 1 {
            0 => String::new(),
            _ if index + 1 < NOTES_MAX => String::new(),
            count => format!(" (and {count} more like this)"),
        };
        app.note_past(daemon, note.pm_id, &format!("{}{more}", note.text));
    }
    if !is_asked {
        if has_lines && progress.1 > 0 {
            app.log_view.taken.push(daemon);
        }
        if progress.1 > 0 && app.log_view.reaching.is_some() {
            let percent = progress.0 * 100 / progress.1;
            let all = units::bytes(progress.1);
            app.notify(format!("reading the log files: {percent} % of {all} (Esc stops)"), false);
        }
        return;
    }
    // Others may still be read.
    let is_last = !app.log_view.is_asking();
    let reach = if is_last { app.log_view.reaching.take() } else { None };
    let held = app.lines().len();
    match (reach, came.taken, came.refused) {
        (_, _, 1..) => {
            let text = format!("no room for older lines: {held} are held (--log-lines, --log-mib)");
            app.notify(text, false);
        }
        (Some(Reach::More), taken, _) if taken > 0 => {
            let is_first_still = first.is_some() && app.lines().at(0) == first;
            let text = if is_first_still {
                format!("{taken} older lines, all of them below the first one")
            } else {
                format!("{taken} older lines: g goes to the first")
            };
            app.notify(text, false);
        }
        (Some(Reach::More), ..) => app.notify("the log files have no older lines", false),
        (Some(reach), ..) => {
            app.notice = None;
            arrive(app, &reach, has_nothing);
        }
        (None, ..) => {}
    }
}

/// Goes where the files were read for.
fn arrive(app: &mut App, reach: &Reach, has_nothing: bool) {
    match reach {
        _ if has_nothing => {
            // It is of the search or filter that there is now, or of none.
            if app.log_view.is_sought(reach) {
                let text =
                    format!("no match, to the beginning of the log files{}", unsearched(app));
                let notice = Notice::new(text, false, app.now.steady_ms);
                app.say(notice.about(About::LastKey));
            }
        }
        Reach::More => {}
        Reach::Begin => {
            // Its first line may have to be read before it is known whether it is shown.
            let (from, way, goal) = (LineId::START, Direction::Forward, Goal::Line);
            app.log_view.want(Wanted { from, way, goal, is_nearest: false });
            step(app);
            app.notify("this is where the log files begin", false);
        }
        Reach::Time(_) if app.log_view.end.is_some() => {
            if let Some(end) = app.log_view.end.take() {
                arrive_at_end(app, &end);
            }
        }
        Reach::Time(at_ms) => {
            let lines = app.lines();
            let line = lines.at(lines.place_of(LineId::at_time(*at_ms)));
            if let Some(line) = line
                && !is_older(app, *at_ms)
            {
                jump(app, line);
            }
        }
        Reach::Match(_) => {
            let is_search = app.log_view.search().is_some();
            let marked = log_sight::marked(app).unwrap_or(LineId::END);
            // What was read may stand behind the marked line, where that is an old event.
            let from = app.log_view.reached.take().map_or(marked, |first| first.max(marked));
            let goal = if is_search { Goal::Match } else { Goal::Line };
            let way = Direction::Back;
            app.log_view.want(Wanted { from, way, goal, is_nearest: false });
            step(app);
        }
    }
}
