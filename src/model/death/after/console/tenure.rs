//! What the log tells of one id of a name under one daemon, and which of those were the process that has the name
//! now.
//!
//! Invariant: pure. Ids count from 0 anew under each daemon, and where all were deleted: none is trusted over that.
//! Of several instances of a name the order tells, where there were as many; else nothing is said.

use crate::model::death::after::{Left, death};
use crate::model::death::cause::{DaemonEnd, Evidence, judge};
use crate::model::death::{Death, Follows};

use super::daemons::Ended;
use super::{Told, begin_after};

/// The log has whole seconds, milliseconds.
const SECOND_MS: i64 = 1_000;

/// One id of a name under one daemon.
#[derive(Debug, Default)]
pub(super) struct Tenure {
    pub(super) id: u32,
    /// Which of the daemons of the log it was under.
    pub(super) daemon: usize,
    /// At which line it began, 0 where that was before the log, and at which there was something of it last.
    pub(super) lines: (usize, usize),
    /// When it first began, milliseconds since 1970, where the log tells that.
    pub(super) first_ms: Option<i64>,
    pub(super) deaths: Vec<Death>,
    /// When the life that goes on began, likewise.
    pub(super) started_ms: Option<i64>,
    /// When the one began whose place it took in a reload.
    pub(super) old_started_ms: Option<i64>,
    /// When it was stopped while it waited for its restart, likewise.
    pub(super) stopped_ms: Option<i64>,
    /// At which line it was told to end, 0 where it was not.
    pub(super) asked_line: usize,
    /// At which line the life that goes on began.
    pub(super) begun_line: usize,
    pub(super) is_alive: bool,
    pub(super) is_asked: bool,
}

impl Tenure {
    /// Its daemon ended: a life of which no end was told is over, and one that was ended then was ended by that.
    pub(super) fn close(&mut self, ended: Ended, (at_ms, line): (i64, usize)) {
        if let Some(began_ms) = self.started_ms.take() {
            let evidence = Evidence { with_daemon: Some(ended.how()), ..Evidence::default() };
            let death = death(evidence, Some(began_ms), at_ms);
            // When it ended before that, nobody saw.
            self.deaths.push(Death { uptime_ms: None, ..death });
            self.lines.1 = line;
            return;
        }
        if let Some(last) = self.deaths.last_mut()
            && last.evidence.is_asked
            && !last.evidence.is_old_worker
            && !self.is_alive
            && let Some(by_signal) = ended.ended_it(self.asked_line)
        {
            let was_killed = last.evidence.was_killed();
            last.evidence.with_daemon = Some(DaemonEnd::EndedIt { by_signal, was_killed });
            (last.cause, last.sure) = judge(&last.evidence);
        }
    }

    fn ended_with_daemon(&self) -> bool {
        self.deaths.last().is_some_and(|death| death.evidence.with_daemon.is_some())
    }
}

/// How one tenure gave way to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// It did not: it is the one that is listed.
    Now,
    /// Another daemon began.
    Daemon,
    /// It was deleted; whether that is certain.
    Anew(bool),
}

/// What is told of those that were this process, of all tenures of its name, the last daemon's the last.
pub(super) fn join(mut tenures: Vec<Tenure>, daemon: usize, left: &Left<'_>) -> Told {
    let chain = chain(&tenures, daemon, left);
    let mut told = Told::default();
    let file = left.info.logs.err.as_deref().and_then(file_id);
    let next = |place: usize| place.checked_sub(1).and_then(|next| chain.get(next));
    for (place, (index, joint)) in chain.iter().enumerate().rev() {
        let next = next(place).and_then(|(next, _)| tenures.get(*next));
        let (next_id, next_ms) =
            next.map_or((left.info.pm_id.0, None), |next| (next.id, next.first_ms));
        let Some(tenure) = tenures.get_mut(*index) else { continue };
        let (id, stopped_ms) = (tenure.id, tenure.stopped_ms);
        let mut deaths = std::mem::take(&mut tenure.deaths);
        let last = deaths.last_mut().filter(|last| !last.evidence.is_old_worker);
        match (joint, next_ms, last) {
            (Joint::Daemon, Some(_), Some(last)) if was_stopped(last) => {
                last.follows = Follows::NextDaemon;
            }
            (Joint::Daemon, Some(began_ms), last) => begin_after(last, (began_ms, stopped_ms)),
            (Joint::Anew(is_certain), _, Some(last)) if last.follows == Follows::Unknown => {
                last.follows = Follows::Anew { id: next_id, is_certain: *is_certain };
            }
            _ => {}
        }
        told.own = if *joint == Joint::Now { deaths.len() } else { 0 };
        told.deaths.extend(deaths);
        // An instance has a log file of its own, by the id that it was started with.
        if matches!(joint, Joint::Anew(_)) && next_id != id && file == Some(next_id) {
            told.elsewhere = told.deaths.len();
        }
    }
    split(&mut told, left);
    told
}

/// Whether somebody had it ended, and its daemon did not start it again.
fn was_stopped(last: &Death) -> bool {
    let Evidence { is_asked, with_daemon, .. } = &last.evidence;
    *is_asked && with_daemon.is_none() && last.follows == Follows::Unknown
}

/// A process that has no exit code has not ended: what has its id and ended was deleted.
fn split(told: &mut Told, left: &Left<'_>) {
    let info = left.info;
    if info.exit_code.is_some() || info.restarts > 0 || info.never_started() {
        return;
    }
    let from = told.deaths.len().saturating_sub(told.own);
    let own = told.deaths.get_mut(from..).unwrap_or_default();
    let Some(last) = own.iter().rposition(|death| !death.evidence.is_old_worker) else { return };
    // The log is read a moment later than the list: that life may have ended since.
    let is_before = own
        .get(last)
        .zip(info.online_since_ms)
        .is_some_and(|(last, since_ms)| last.ended_ms.saturating_add(SECOND_MS) <= since_ms);
    if !is_before {
        return;
    }
    told.own = own.len() - last - 1;
    if let Some(last) = own.get_mut(last) {
        last.follows = Follows::Anew { id: info.pm_id.0, is_certain: true };
    }
}

/// Which tenures were this process, the newest first.
fn chain(tenures: &[Tenure], daemon: usize, left: &Left<'_>) -> Vec<(usize, Joint)> {
    let own = left.info.pm_id.0;
    let named = left.listed.iter().filter(|(_, name)| *name == left.info.name);
    let mut ids: Vec<u32> = named.map(|(id, _)| id.0).chain([own]).collect();
    ids.sort_unstable();
    ids.dedup();
    let place = ids.iter().position(|id| *id == own).unwrap_or_default();
    let of = |daemon: usize| -> Vec<usize> {
        let all = tenures.iter().enumerate();
        all.filter(|(_, it)| it.daemon == daemon).map(|(index, _)| index).collect()
    };
    let mut chain = Chain { tenures, place, count: ids.len(), links: Vec::new() };
    let (listed, gone): (Vec<usize>, Vec<usize>) =
        of(daemon).into_iter().partition(|index| ids.contains(&chain.id(*index)));
    chain.links.extend(
        listed.iter().find(|index| chain.id(**index) == own).map(|index| (*index, Joint::Now)),
    );
    // What is there under another name now was given that one. Who does not say what is listed does not want to
    // know of others.
    let is_there = |id: u32| left.listed.iter().any(|(listed, _)| listed.0 == id);
    let is_gone = |index: &usize| !left.listed.is_empty() && !is_there(chain.id(*index));
    let gone: Vec<usize> = gone.into_iter().filter(is_gone).collect();
    if !chain.former(gone, chain.begin(&listed), true) {
        return chain.links;
    }
    for before in (0..daemon).rev() {
        let all = of(before);
        if all.is_empty() {
            continue;
        }
        // What was stopped before its daemon ended may have been deleted.
        let at_end: Vec<usize> = all.iter().copied().filter(|it| chain.ended_last(*it)).collect();
        let group = if at_end.len() == ids.len() { at_end } else { chain.latest(&all) };
        if !chain.push(&group, Joint::Daemon) {
            break;
        }
        let rest = all.into_iter().filter(|index| !group.contains(index)).collect();
        if !chain.former(rest, chain.begin(&group), false) {
            break;
        }
    }
    chain.links
}

struct Chain<'a> {
    tenures: &'a [Tenure],
    /// Which of so many instances it is.
    place: usize,
    count: usize,
    links: Vec<(usize, Joint)>,
}

impl Chain<'_> {
    fn id(&self, index: usize) -> u32 {
        self.tenures.get(index).map_or(0, |it| it.id)
    }

    fn lines(&self, index: usize) -> (usize, usize) {
        self.tenures.get(index).map_or((0, 0), |it| it.lines)
    }

    fn ended_last(&self, index: usize) -> bool {
        self.tenures.get(index).is_some_and(Tenure::ended_with_daemon)
    }

    /// At which line the first of these began.
    fn begin(&self, group: &[usize]) -> usize {
        group.iter().map(|index| self.lines(*index).0).min().unwrap_or(usize::MAX)
    }

    /// Those that were there when the last of these was.
    fn latest(&self, all: &[usize]) -> Vec<usize> {
        let last = all.iter().copied().max_by_key(|index| self.lines(*index).1);
        let since = last.map_or(0, |last| self.lines(last).0);
        all.iter().copied().filter(|index| self.lines(*index).1 >= since).collect()
    }

    /// Takes the one at this place of those, where they are as many as now.
    fn push(&mut self, group: &[usize], joint: Joint) -> bool {
        let mut group = group.to_vec();
        group.sort_unstable_by_key(|index| self.id(*index));
        let one = group.get(self.place).filter(|_| group.len() == self.count);
        let link = one.map(|index| (*index, joint));
        self.links.extend(link);
        link.is_some()
    }

    /// Takes those that gave way, one after the other, to one that began at that line; whether all are clear.
    fn former(&mut self, mut rest: Vec<usize>, mut begin: usize, is_certain: bool) -> bool {
        loop {
            rest.retain(|index| self.lines(*index).1 < begin);
            if rest.is_empty() {
                return true;
            }
            let group = self.latest(&rest);
            if !self.push(&group, Joint::Anew(is_certain)) {
                return false;
            }
            begin = self.begin(&group);
        }
    }
}

/// The id that the name of a log file has: `c-error-2.log`.
fn file_id(path: &str) -> Option<u32> {
    let stem = path.rsplit('/').next()?.strip_suffix(".log")?;
    stem.rsplit_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests;
