//! Lines whose own time is a whole second, or an estimate, of one in which a life ended and the next began: what
//! that one says stands behind all that the other said.
//!
//! Invariant: the order of the file is kept, and no line leaves its second.

use super::Backwards;
use super::estimate::{Group, Mark, Upper};
use super::openings::{OPENING_BYTES, folded, reads_as};
use super::unsettled::Unsettled;
use crate::daemon::lives::SECOND_MS;
use crate::daemon::seam::read_part;

impl Backwards {
    /// Puts what the next life says at the end of such seconds.
    pub(super) fn part_seconds(&self, groups: &mut [Group], lines: &[Unsettled]) {
        let is_whole = |group: &&Group| group.own_ms.is_some_and(|at_ms| at_ms % 1_000 == 0);
        if self.lives.is_empty()
            || self.lives.are_of_several()
            || !groups.iter().any(|group| is_whole(&group))
        {
            return;
        }
        let mut opening: Option<Vec<u8>> = None;
        // The second in which the next life has begun to speak.
        let mut begun: Option<i64> = None;
        for group in &mut *groups {
            let Some(at_ms) = group.own_ms else { continue };
            if begun != Some(at_ms) {
                begun = None;
                if at_ms % 1_000 != 0 || self.turn_in(at_ms).is_none() {
                    continue;
                }
                let opening = opening.get_or_insert_with(|| self.opening());
                let head = lines.get(group.first).map(|line| &*line.line.bytes);
                if opening.is_empty() || head.is_none_or(|head| !reads_as(head, opening)) {
                    continue;
                }
                begun = Some(at_ms);
            }
            (group.own_ms, group.at_ms) = (None, at_ms + SECOND_MS);
            group.bounds_ms = (at_ms, at_ms + SECOND_MS);
        }
    }

    /// The same where they say no time: an estimate is not before that end and that start.
    pub(super) fn part_estimates(&self, groups: &mut [Group], upper: Upper) {
        let is_first = |group: &Group| group.mark == Mark::First && group.own_ms.is_none();
        let firsts = groups.iter().filter(|group| is_first(group)).count();
        // What is first on standard error may come at any time.
        if firsts == 0 || self.format.is_err || !self.is_of_lives(groups, firsts) {
            return;
        }
        // Up to when each may have been written.
        let end_ms = upper.at_ms.saturating_add(if upper.is_end { SECOND_MS } else { 0 });
        let latest = groups.iter().rev().scan(end_ms, |latest, group| {
            let before = *latest;
            *latest = group.own_ms.map_or(before, |own_ms| own_ms.min(before));
            Some(before)
        });
        let latest: Vec<i64> = latest.collect();
        let mut floor = i64::MIN;
        for (group, latest) in groups.iter_mut().zip(latest.into_iter().rev()) {
            if group.own_ms.is_some() {
                floor = i64::MIN;
                continue;
            }
            if is_first(group) {
                floor = floor.max(self.turn_in(second(group.at_ms)).unwrap_or(floor));
            }
            if group.at_ms < floor.min(latest) {
                group.at_ms = floor.min(latest);
                group.bounds_ms.1 = group.bounds_ms.1.max(group.at_ms);
            }
        }
    }

    /// When the next life began, at the latest, where one ended and that began in this second.
    fn turn_in(&self, at_ms: i64) -> Option<i64> {
        let ended = self.lives.ended_since(at_ms);
        let mut ended = ended.take_while(|(_, life)| second(life.ended_ms) == at_ms);
        ended.find_map(|(index, life)| {
            let is_before = life.started_ms.is_none_or(|ms| second(ms) < at_ms);
            let begun_ms = self.lives.begun_after(index).filter(|ms| second(*ms) == at_ms)?;
            // Of the life that goes on it is known.
            let is_exact = index + 1 == self.lives.ended().len();
            is_before.then_some(if is_exact { begun_ms } else { at_ms + SECOND_MS })
        })
    }

    /// The first line of the file, as it is compared with others: nothing where that may be the last of a life.
    fn opening(&self) -> Vec<u8> {
        let bytes = read_part(&self.file, 0, OPENING_BYTES).unwrap_or_default();
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_first = || {
            let own_ms = self.format.read(line, self.written_ms).0;
            own_ms.is_some_and(|own_ms| self.is_start_alone(second(own_ms)))
        };
        // What is first on standard error may come at any time.
        if self.format.is_err && !is_first() {
            return Vec::new();
        }
        folded(line)
    }

    /// Whether a life began in this second, and none ended.
    fn is_start_alone(&self, at_ms: i64) -> bool {
        let ended = self.lives.ended();
        let begun = ended.iter().filter_map(|life| life.started_ms);
        let now = ended.len().checked_sub(1).and_then(|last| self.lives.begun_after(last));
        begun.chain(now).any(|ms| second(ms) == at_ms)
            && !ended.iter().any(|life| second(life.ended_ms) == at_ms)
    }
}

fn second(at_ms: i64) -> i64 {
    at_ms - at_ms.rem_euclid(1_000)
}
