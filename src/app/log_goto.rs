//! From what is told of a process to the lines of the log that it is about: the moment of an end, the
//! lines of an exception.
//!
//! Invariant: nothing here changes anything but what the log shows, and where.

use std::collections::HashMap;

use super::effect::Effects;
use super::geometry::Pane;
use super::log_end::LifeEnd;
use super::log_keys::step;
use super::log_line::ROW_BYTES;
use super::log_view::{Search, Wanted};
use super::state::App;
use super::taken::LogPlace;
use crate::logs::parse::Level;
use crate::logs::{Body, Direction, Goal, Kind, LineId, LineRef, Reach, Scope, SourceId};
use crate::model::{ProcessKey, console};

/// Goes there: all that is open closes.
pub(super) fn go(app: &mut App, place: &LogPlace) -> Effects {
    match place {
        LogPlace::End(key, end) => go_to_end(app, *key, end),
        LogPlace::Occurrences(says, is_folded) => occurrences(app, says, *is_folded),
    }
    Effects::none()
}

/// Last words come so long after the end of a life at most, milliseconds; and where that is known in whole
/// seconds only.
const LATE_MS: (i64, i64) = (600, 999);
/// A life whose beginning is not known is looked back so far, milliseconds.
const LIFE_MS: i64 = 3_600_000;
/// What is known of an end that nobody watched, milliseconds.
const SECOND_MS: i64 = 1_000;
/// What the daemon's own log says beside an end: words of events, and how their texts begin.
const BESIDE_ENDS: [(&str, &str); 2] =
    [("stop", console::ENDS_IT), ("overlimit", console::GAVE_UP)];
/// How many lines are looked at for an exit or for last words.
const LOOK_MAX: usize = 100_000;

/// Shows the log of a process at the end of a life. Where lines that old are in the log files only,
/// these are read up to there.
fn go_to_end(app: &mut App, key: ProcessKey, end: &LifeEnd) {
    let Some(owner) = app.owner(key) else { return };
    app.close_all();
    app.focus = Pane::Log;
    app.log_view.set_search(None);
    app.log_view.set_scope(Scope::Process(owner));
    let is_held = !app.log_view.is_missing_at(end.ended_ms);
    let has_older = app.log_view.older.values().any(|older| older.has_more);
    if !is_held && has_older {
        app.log_view.reach = Some(Reach::Time(end.ended_ms));
        app.log_view.end = Some(end.clone());
        return;
    }
    arrive_at_end(app, end);
}

/// Marks the exit of a life, else its last words, as far as they are held.
pub(super) fn arrive_at_end(app: &mut App, end: &LifeEnd) {
    // The line itself is what is next from right before it.
    let found = exit(app, end).or_else(|| last_words(app, end)).map(LineId::before);
    let from = found.unwrap_or(LineId::at_time(end.ended_ms));
    let (way, goal) = (Direction::Forward, Goal::Line);
    app.log_view.want(Wanted { from, way, goal, is_nearest: true });
    step(app);
}

/// The line that tells the end of a life. Of several in a second that is all that is known of their time, they
/// are counted from the last one on: who has more of them than there are lives has older ones.
fn exit(app: &App, end: &LifeEnd) -> Option<LineId> {
    let store = &app.log_view.store;
    let second_ms = end.ended_ms - end.ended_ms.rem_euclid(SECOND_MS);
    let is_its = |at_ms: i64| {
        if !end.is_exact {
            return (second_ms..second_ms.saturating_add(SECOND_MS)).contains(&at_ms);
        }
        // A stop that was asked for here is told with its verdict, a moment later.
        let late = (end.ended_ms..end.ended_ms.saturating_add(SECOND_MS)).contains(&at_ms);
        late && (at_ms == end.ended_ms || end.next_ended_ms.is_none_or(|next_ms| at_ms < next_ms))
    };
    let until_ms = second_ms.saturating_add(3 * SECOND_MS);
    let lines = store.iter_from(LineId::at_time(second_ms)).take(LOOK_MAX);
    let exits = lines.take_while(|line| line.id.order_ms < until_ms).filter(|line| {
        line.kind == Kind::Exit
            && is_its(line.time.at_ms)
            && store
                .source_key(line.source)
                .is_some_and(|source| app.log_view.scope().has(&source.owner))
    });
    let (exits, others): (Vec<LineRef<'_>>, Vec<LineRef<'_>>) = exits.partition(tells_an_end);
    let exits: Vec<LineId> =
        if exits.is_empty() { others } else { exits }.iter().map(|line| line.id).collect();
    if end.is_exact { exits.first() } else { exits.iter().rev().nth(end.later) }.copied()
}

/// Whether a line tells an end, not what the daemon's own log says of it besides: that PM2 ends it, or gave up.
fn tells_an_end(line: &LineRef<'_>) -> bool {
    let Body::Held(text) = line.body else { return true };
    let is_beside = |(word, said): &(&str, &str)| {
        let told = text.strip_prefix(word.as_bytes()).and_then(|rest| rest.strip_prefix(b": "));
        told.is_some_and(|told| told.starts_with(said.as_bytes()))
    };
    !BESIDE_ENDS.iter().any(is_beside)
}

/// The head of the entry that a life said last: the one that says why, else the last error, else the last
/// line. In the second in which it ended the first counts: the next life may end in it, too.
fn last_words(app: &App, end: &LifeEnd) -> Option<LineId> {
    let store = &app.log_view.store;
    let from_ms = end.started_ms.unwrap_or(end.ended_ms.saturating_sub(LIFE_MS));
    let late_ms = if end.is_exact { LATE_MS.0 } else { LATE_MS.1 };
    let until_ms = end.ended_ms.saturating_add(late_ms);
    let said = end.said.as_deref().filter(|said| !said.is_empty()).map(str::as_bytes);
    let mut heads: HashMap<SourceId, LineId> = HashMap::new();
    // What fits best so far: how well, and whether it is in the second of the end.
    let mut best: Option<((u8, bool), LineId)> = None;
    let lines = store.iter_from(LineId::at_time(from_ms)).take(LOOK_MAX);
    for line in lines.take_while(|line| line.id.order_ms <= until_ms) {
        let is_ours = store
            .source_key(line.source)
            .is_some_and(|source| app.log_view.scope().has(&source.owner));
        if !is_ours || !matches!(line.kind, Kind::Output | Kind::More) {
            continue;
        }
        if line.kind == Kind::Output {
            heads.insert(line.source, line.id);
        }
        let head = heads.get(&line.source).copied().unwrap_or(line.id);
        let bytes = line.read(&app.log_view.filed.seen, 0, ROW_BYTES).unwrap_or_default();
        let says = said.is_some_and(|said| memchr::memmem::find(&bytes, said).is_some());
        let fits = if says { 2 } else { u8::from(line.level >= Some(Level::Error)) };
        let is_then = !end.is_exact && line.id.order_ms >= end.ended_ms && fits > 0;
        // Those behind it count more, but not behind the first of that second.
        let is_better =
            best.is_none_or(|((best, was_then), _)| fits > best || fits == best && !was_then);
        if is_better {
            best = Some(((fits, is_then), head));
        }
    }
    // What says nothing of an end that is in the log itself is not where to go.
    best.filter(|((fits, _), _)| *fits > 0 || !end.is_exact).map(|(_, head)| head)
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
