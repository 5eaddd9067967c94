//! About when lines were written that do not say it: between those around them that do, when the file was
//! written, and when the lives of their process ended.
//!
//! Invariant: an estimate is never before the line above it or behind the line below it, where those have
//! times of their own in order; none is at a time when no life was there to write it.

use super::Backwards;
use super::openings::Openings;
use super::outliers;
use super::span::Span;
use super::unsettled::Unsettled;
use crate::daemon::lives::LifeSpan;
use crate::logs::parse::Level;

/// The daemon's log has whole seconds: what ended in a second ended up to so much later, milliseconds.
pub(super) const SECOND_MS: i64 = 999;
/// The last words of a life that ended are in the file so long after its end at most, milliseconds.
pub(super) const WRITTEN_MS: i64 = 2_000;

/// The time that what was not read yet is not behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upper {
    /// Milliseconds since 1970.
    pub(super) at_ms: i64,
    /// Whether that is when the file was written, and so the time of its last line.
    pub(super) is_end: bool,
    /// Whether it is that of an error, and so of the line right before that: they were said at once.
    pub(super) is_error: bool,
}

/// A line, and those that go on it or stand below it.
#[derive(Debug)]
pub(super) struct Group {
    /// The index of its first line.
    pub(super) first: usize,
    pub(super) own_ms: Option<i64>,
    /// Its time, once that is known.
    pub(super) at_ms: i64,
    /// Of an estimate: the earliest and the latest that it may be.
    pub(super) bounds_ms: (i64, i64),
    /// Where its first line begins and ends in the file, bytes.
    pub(super) begins_at: u64,
    pub(super) ends_at: u64,
    /// Whether it is a stack trace of an error.
    pub(super) is_trace: bool,
    /// What it is for the lives that wrote it, as far as its words tell.
    pub(super) mark: Mark,
    /// Whether it is the file's first line again, behind one that has other numbers: it counts anew.
    pub(super) counts_anew: bool,
}

/// Whether words are the first or the last ones of a life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mark {
    #[default]
    None,
    /// What the file begins with: each life says it first.
    First,
    /// What stands there behind that.
    Early,
    /// What a life that failed said last, as far as can be told.
    Failed,
    /// A trace that nobody caught.
    Last,
}

impl Mark {
    /// Whether a life ended behind it.
    fn is_last(self) -> bool {
        matches!(self, Self::Failed | Self::Last)
    }

    /// Whether a life that ended may have said it last.
    fn may_end(self, life: &LifeSpan) -> bool {
        match self {
            Self::Last => life.is_crash,
            Self::Failed => life.is_failed,
            Self::None | Self::First | Self::Early => true,
        }
    }
}

/// Where a life ended among groups, and the next one began.
struct Anchor {
    /// The first group of the next life, by its place in the run.
    group: usize,
    /// The last words, where the group before it was those.
    last: Mark,
    ended_ms: i64,
    /// When the life began that ended, as late as it may have, where that is known.
    begun_ms: Option<i64>,
    /// When the next life began, or this one ended.
    next_ms: i64,
}

impl Backwards {
    /// Gives groups their times: from the newest run without times to the oldest.
    pub(super) fn estimate(&mut self, groups: &mut [Group], lines: &[Unsettled]) {
        let upper = self.upper;
        let timed = groups.iter().enumerate().filter_map(|(at, group)| Some((at, group.own_ms?)));
        let timed: Vec<(usize, i64)> = timed.collect();
        for at in outliers::among(&timed, self.written_ms) {
            if let Some(group) = groups.get_mut(at) {
                group.own_ms = None;
            }
        }
        let last = groups.iter().rev().find_map(|group| group.own_ms);
        if outliers::stands_out(self.upper.at_ms, (last, self.behind_ms)) {
            // The line that was the first of those behind dates nothing.
            self.upper.at_ms = self.behind_ms;
            self.latest_ms = self.behind_ms;
        }
        let mut timed = groups.iter().filter_map(|group| group.own_ms).skip(1);
        self.behind_ms = timed.next().unwrap_or(self.upper.at_ms);
        self.has_times |= groups.iter().any(|group| group.own_ms.is_some());
        // Marks tell where lives ended: of one that never did they tell nothing.
        let is_asked = groups.iter().any(|group| group.own_ms.is_none());
        if is_asked && !self.lives.ended().is_empty() {
            self.mark(groups, lines);
        }
        let mut until = groups.len();
        while until > 0 {
            let before = groups.get(..until).unwrap_or_default();
            let timed = before.iter().rposition(|group| group.own_ms.is_some());
            let lower = timed.and_then(|timed| groups.get(timed)?.own_ms);
            let from = timed.map_or(0, |timed| timed + 1);
            if let Some(run) = groups.get_mut(from..until).filter(|run| !run.is_empty()) {
                self.spread(run, lower);
            }
            let Some(own) = timed.and_then(|timed| groups.get_mut(timed)) else { break };
            own.at_ms = lower.unwrap_or_default();
            let is_bad = lines.get(own.first).is_some_and(|it| it.line.level >= Some(Level::Error));
            let is_error = self.format.is_err && (own.is_trace || is_bad);
            self.upper = Upper { at_ms: own.at_ms, is_end: false, is_error };
            self.latest_ms = own.at_ms;
            self.begins_life = false;
            until = from.saturating_sub(1);
        }
        self.part_seconds(groups, lines);
        self.part_estimates(groups, upper);
    }

    /// Gives groups without times theirs, between those of the line before them and the one behind them.
    fn spread(&mut self, run: &mut [Group], lower: Option<i64>) {
        let upper = self.upper;
        let anchors = self.anchors(run, lower);
        // What stands before the first end that is known is of the life that ended there.
        let first_ms = anchors.first().filter(|anchor| {
            let before = run.get(1..anchor.group).unwrap_or_default();
            anchor.last.is_last() || before.iter().all(|group| group.mark != Mark::First)
        });
        let begun_ms = first_ms.and_then(|anchor| anchor.begun_ms);
        // What is not read yet may be of that life, too.
        let is_whole = run.first().is_some_and(|first| first.begins_at == 0);
        let low_ms = lower.or(begun_ms.filter(|_| is_whole));
        if let Some(first) = anchors.first()
            && let Some(last) = run.get(..first.group).and_then(<[Group]>::last)
        {
            self.span.anchor(last.ends_at, first.ended_ms);
        }
        // That a line was written then is not that a life began then.
        let (mut begin, mut low) = (0, (low_ms, lower.is_none()));
        for anchor in &anchors {
            let part = run.get_mut(begin..anchor.group).unwrap_or_default();
            let is_end = anchor.last.is_last();
            let high = Upper { at_ms: anchor.ended_ms, is_end, is_error: false };
            self.fill(part, low, (high, true));
            if let (None, Some(begun_ms)) = (low.0, begun_ms) {
                for group in part {
                    group.at_ms = group.at_ms.max(begun_ms.min(anchor.ended_ms));
                }
            }
            (begin, low) = (anchor.group, (Some(anchor.next_ms), true));
        }
        let part = run.get_mut(begin..).unwrap_or_default();
        self.fill(part, low, (upper, upper.is_end));
        self.bound(run, &anchors, lower);
        if let Some((first, group)) = anchors.first().zip(run.first()) {
            self.span.anchor(group.ends_at, first.ended_ms.min(group.at_ms));
        }
        if let Some(first) = run.first() {
            let at_ms = first.at_ms.min(upper.at_ms);
            self.upper = Upper { at_ms, is_end: false, is_error: false };
            self.begins_life = first.mark == Mark::First;
        }
    }

    /// Says when lines may have been written: between times that are certain, as the end of a life is
    /// whose last words are there. What a life may have said first bounds nothing.
    fn bound(&mut self, run: &mut [Group], anchors: &[Anchor], lower: Option<i64>) {
        let mut earliest = lower.or(self.made_ms()).unwrap_or(i64::MIN);
        // Whose words those are is not known then.
        let is_of_several = self.lives.are_of_several();
        let mut certain =
            anchors.iter().filter(|anchor| anchor.last == Mark::Last && !is_of_several).peekable();
        let first = certain.peek().map(|anchor| anchor.ended_ms + SECOND_MS);
        for (at, group) in run.iter_mut().enumerate() {
            if let Some(anchor) = certain.next_if(|anchor| anchor.group <= at) {
                earliest = anchor.ended_ms;
            }
            let ended_ms = certain.peek().map(|anchor| anchor.ended_ms + SECOND_MS);
            let latest = ended_ms.map_or(self.latest_ms, |ms| ms.min(self.latest_ms));
            group.bounds_ms = (earliest.min(group.at_ms), latest.max(group.at_ms));
        }
        self.latest_ms = first.map_or(self.latest_ms, |ms| ms.min(self.latest_ms));
    }

    /// Before that nothing of the file was written: it was not made or was emptied, or its only life had not
    /// begun.
    fn floor_ms(&self) -> i64 {
        self.begun_ms().max(self.lives.only_since()).unwrap_or(i64::MIN)
    }

    /// The earliest that lines without a time may have been written behind one of this time: where that
    /// was before their file was made, or before the first life that is known of, it says nothing of them.
    fn not_before(&self, low: i64, high: i64) -> i64 {
        let known = self.span.made_ms.max(self.emptied_ms).max(self.lives.known_since());
        known.filter(|known| (low..=high).contains(known)).unwrap_or(low)
    }

    /// Since when what the file holds was written: since it was made, unless it was copied.
    fn made_ms(&self) -> Option<i64> {
        self.span.made_ms.filter(|made_ms| *made_ms <= self.written_ms)
    }

    /// The same, or where it was emptied behind that, as it seems, since then.
    fn begun_ms(&self) -> Option<i64> {
        self.made_ms().max(self.emptied_ms)
    }

    /// Lives that wrote it ended since then, in whole seconds.
    pub(super) fn since_begun_ms(&self) -> i64 {
        self.begun_ms().map_or(i64::MIN, |begun_ms| begun_ms - SECOND_MS)
    }

    /// `is_begin`: a life began then. `is_life`: one ended behind them, or the file.
    fn fill(
        &self,
        part: &mut [Group],
        (low, is_begin): (Option<i64>, bool),
        (high, is_life): (Upper, bool),
    ) {
        let low = low.map(|low| self.not_before(low, high.at_ms));
        // A life says its first words when it begins, each of them once; what is first on standard error may
        // come at any time.
        let most = self.openings.as_ref().map_or(0, |openings| openings.folded.len());
        let is_early = |group: &&Group| matches!(group.mark, Mark::First | Mark::Early);
        let first = part.iter().take(most).take_while(is_early).count();
        // One that says nothing else on standard error says the last of it at its end.
        let is_all = is_life && self.format.is_err && first == part.len();
        let first = if low.is_some() && is_begin && !self.format.is_err { first } else { 0 };
        let is_end = high.is_end || high.is_error || is_all;
        // A time before that is of a file that was copied: it says nothing of what stands behind it.
        let floor_ms = match (self.floor_ms(), low) {
            (floor_ms, Some(_)) if floor_ms > high.at_ms => i64::MIN,
            (floor_ms, _) => floor_ms.min(high.at_ms),
        };
        let (openings, part) = part.split_at_mut(first);
        for group in openings {
            group.at_ms = low.unwrap_or_default().min(high.at_ms).max(floor_ms);
        }
        let count = part.len() as i64 + i64::from(!is_end);
        let Span { from_ms, to_ms, size, .. } = self.span;
        let on = match low {
            // The clock of a file is a little behind that of who writes it.
            Some(low) => self.lives.on(low, high.at_ms.max(low)),
            None => self.lives.on(from_ms.max(floor_ms).min(to_ms), to_ms),
        };
        for (group, index) in part.iter_mut().zip(1..) {
            group.at_ms = match low {
                Some(_) => on.at((index, count.max(1))),
                // What stands before the first time of a file is not older than it may be.
                None if self.has_times => high.at_ms,
                None if is_end && index == count => high.at_ms,
                None => {
                    let (at, size) = (group.ends_at.min(size), size.max(1));
                    let part = (at.cast_signed(), size.cast_signed());
                    on.at(part).min(high.at_ms)
                }
            };
            group.at_ms = group.at_ms.max(floor_ms);
        }
    }

    /// Where in a run lives ended, oldest first.
    fn anchors(&self, run: &[Group], lower: Option<i64>) -> Vec<Anchor> {
        let upper = self.upper;
        let is_end = upper.is_end;
        let high = upper.at_ms.saturating_add(if is_end { SECOND_MS } else { 0 });
        let is_said_once = self.is_said_once(run);
        let counts = run.iter().filter(|group| group.counts_anew).count();
        let counts_anew = self.is_of_lives(run, counts);
        let mut cuts = cuts(run, lower.is_some(), (is_said_once, counts_anew));
        // What is said again and again is said behind the run, too.
        let is_repeated = !is_said_once && run.last().is_some_and(|last| last.mark == Mark::First);
        let begins_life = self.begins_life && !is_repeated;
        if begins_life && !is_end && cuts.last().is_none_or(|(at, _)| *at < run.len()) {
            // The next life begins with what stands behind the run.
            cuts.push((run.len(), Mark::None));
        }
        if cuts.is_empty() {
            return Vec::new();
        }
        let ended: &[LifeSpan] = self.lives.ended();
        let between = |low: i64| -> Vec<usize> {
            let ours = self.lives.ended_since(low.saturating_add(1).max(self.since_begun_ms()));
            let ours = ours.take_while(|(_, life)| life.ended_ms <= high);
            ours.filter(|(_, life)| self.may_have_written(life)).map(|(at, _)| at).collect()
        };
        let mut ends = between(lower.unwrap_or(i64::MIN));
        if let Some(low) = lower.filter(|_| ends.is_empty()) {
            // It may have ended in the very second in which that was written.
            ends = between(low - SECOND_MS);
        }
        let last_mark = run.last().map_or(Mark::None, |group| group.mark);
        let mut last = ends.iter().rev().filter_map(|at| ended.get(*at));
        let last = last.find(|life| last_mark.may_end(life));
        let is_near = last.is_some_and(|life| {
            upper.at_ms.saturating_sub(life.ended_ms) <= SECOND_MS + WRITTEN_MS
        });
        if is_end && last_mark.is_last() && !is_near {
            // The file was written last when this was: no end of a life is near.
            cuts.pop();
        }
        if cuts.len() > ends.len() {
            // What the file begins with is not said at the start alone.
            cuts.retain(|(_, last)| last.is_last());
        }
        // The life that wrote the time before them ended first, and said the first of them; but what a
        // life says first is of the last of those that began.
        let is_begun = cuts.last().is_some_and(|(group, last)| {
            run.get(*group).map_or(!last.is_last(), |group| group.mark == Mark::First)
        });
        if lower.is_some() && !is_begun && cuts.len() < ends.len() {
            ends.truncate(cuts.len());
        }
        let anchor = |((group, last), at): ((usize, Mark), usize)| {
            let life = ended.get(at)?;
            // Behind the last words of the same second.
            let next_ms = self.lives.begun_after(at).unwrap_or(life.ended_ms) + SECOND_MS;
            let next_ms = next_ms.min(upper.at_ms);
            let ended_ms = life.ended_ms.max(self.floor_ms()).min(upper.at_ms);
            let ended_ms = ended_ms.max(lower.unwrap_or(i64::MIN));
            let begun_ms = life.started_ms.map(|ms| ms.saturating_add(SECOND_MS).min(ended_ms));
            let next_ms = next_ms.max(ended_ms);
            Some(Anchor { group, last, ended_ms, begun_ms, next_ms })
        };
        self.matched(cuts, &ends, run.len()).into_iter().filter_map(anchor).collect()
    }

    /// With each of the cuts of a run of so many groups the end of a life, by its place; those of which there is
    /// one. First the last words: of those it is better known whose they are than of what lives say first.
    fn matched(
        &self,
        cuts: Vec<(usize, Mark)>,
        ends: &[usize],
        len: usize,
    ) -> Vec<((usize, Mark), usize)> {
        let ended = self.lives.ended();
        let fits = |(group, last): (usize, Mark), at: usize| {
            // What stands behind it is of a life that had begun.
            let begun_ms = self.lives.begun_after(at);
            let is_newest = at + 1 == ended.len();
            let is_begun = || begun_ms.map_or(!is_newest, |ms| ms <= self.upper.at_ms);
            (group == len || is_begun()) && ended.get(at).is_some_and(|life| last.may_end(life))
        };
        // Of each cut, the place of its end among the ends.
        let mut found: Vec<Option<usize>> = vec![None; cuts.len()];
        for is_last in [true, false] {
            let mut high = ends.len();
            for index in (0..cuts.len()).rev() {
                let known = found.get(index).copied().flatten();
                let cut =
                    cuts.get(index).filter(|cut| known.is_none() && cut.1.is_last() == is_last);
                let Some(cut) = cut else {
                    high = known.unwrap_or(high);
                    continue;
                };
                let low = found.iter().take(index).rev().find_map(|it| *it).map_or(0, |it| it + 1);
                let between = ends.get(low..high).unwrap_or_default();
                let Some(place) = between.iter().rposition(|at| fits(*cut, *at)) else { continue };
                high = low + place;
                if let Some(found) = found.get_mut(index) {
                    *found = Some(high);
                }
            }
        }
        let ends = found.into_iter().map(|place| ends.get(place?).copied());
        cuts.into_iter().zip(ends).filter_map(|(cut, at)| Some((cut, at?))).collect()
    }

    /// Of what nobody told there are lines only where the file was begun before it ended.
    fn may_have_written(&self, life: &LifeSpan) -> bool {
        !self.lives.is_made_up(life) || self.begun_ms().is_none_or(|ms| ms <= life.ended_ms)
    }

    /// Whether each life says once what the file begins with, and maybe nothing else: there are not more
    /// such lines, as far as the size of the file tells, than lives that are known.
    fn is_said_once(&self, run: &[Group]) -> bool {
        let firsts = run.iter().skip(1).filter(|group| group.mark == Mark::First).count();
        self.is_of_lives(run, firsts)
    }

    /// Whether so many of a run are not more in all of the file than lives that are known.
    pub(super) fn is_of_lives(&self, run: &[Group], count: usize) -> bool {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return false };
        let bytes = last.ends_at.saturating_sub(first.ends_at).max(1);
        let lives = self.lives.ended().len() as u64 + 1;
        self.span.full.saturating_mul(count as u64) / bytes <= lives + lives / 8
    }

    /// Tells first and last words of lives.
    fn mark(&mut self, groups: &mut [Group], lines: &[Unsettled]) {
        // The line above, where it reads as the first one of the file does.
        let mut above: Option<&[u8]> = None;
        // Of several processes one may begin at any time without another's end.
        let asked: &mut [Group] = if self.lives.are_of_several() { &mut [] } else { &mut *groups };
        for group in asked {
            let before = above.take();
            // What says its time tells nothing of lives, and most lines do.
            let head = lines.get(group.first).filter(|_| group.own_ms.is_none());
            let Some(line) = head.map(|line| &*line.line.bytes) else { continue };
            let openings = self.openings();
            group.mark = match openings.position(line) {
                Some(0) => {
                    let is_first = openings.first == line;
                    group.counts_anew = is_first && before.is_some_and(|before| before != line);
                    above = Some(line);
                    Mark::First
                }
                Some(_) => Mark::Early,
                None => Mark::None,
            };
        }
        let (mark, last) = self.last_words(groups, lines);
        for at in last {
            if let Some(group) = groups.get_mut(at) {
                group.mark = mark;
            }
        }
    }

    fn openings(&mut self) -> &Openings {
        self.openings.get_or_insert_with(|| Openings::of(&self.file, &self.format))
    }
}

/// Before which groups of a run a life may begin, and what is the last of the one before.
fn cuts(
    run: &[Group],
    has_lower: bool,
    (is_said_once, counts_anew): (bool, bool),
) -> Vec<(usize, Mark)> {
    let mark = |at: usize| run.get(at).map(|group| group.mark);
    let last = |at: usize| at.checked_sub(1).and_then(mark).filter(|mark| mark.is_last());
    let begins = |at: &usize| {
        let before = at.checked_sub(1).and_then(mark);
        last(*at).is_some()
            || counts_anew && run.get(*at).is_some_and(|group| group.counts_anew)
            || mark(*at) == Some(Mark::First)
                && (before != Some(Mark::First) || is_said_once)
                && (*at > 0 || has_lower)
    };
    (0..=run.len()).filter(begins).map(|at| (at, last(at).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests;
