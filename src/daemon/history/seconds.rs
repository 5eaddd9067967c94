//! Lines whose own time is a whole second, of one in which a life ended and the next began: what that one
//! says stands behind all that the other said.
//!
//! Invariant: the order of the file is kept, and no line leaves its second.

use super::Backwards;
use super::estimate::Group;
use super::openings::{OPENING_BYTES, folded, reads_as};
use super::unsettled::Unsettled;
use crate::daemon::lives::SECOND_MS;
use crate::daemon::seam::read_part;

impl Backwards {
    /// Puts what the next life says at the end of such seconds.
    pub(super) fn part_seconds(&self, groups: &mut [Group], lines: &[Unsettled]) {
        let is_whole = |group: &&Group| group.own_ms.is_some_and(|at_ms| at_ms % 1_000 == 0);
        if self.lives.is_empty() || !groups.iter().any(|group| is_whole(&group)) {
            return;
        }
        let second = |at_ms: i64| at_ms - at_ms.rem_euclid(1_000);
        let shared = |at_ms: i64| {
            let ended = self.lives.ended_since(at_ms);
            ended.take_while(|(_, life)| second(life.ended_ms) == at_ms).any(|(index, life)| {
                life.started_ms.is_none_or(|ms| second(ms) < at_ms)
                    && self.lives.begun_after(index).is_some_and(|ms| second(ms) == at_ms)
            })
        };
        let mut opening: Option<Vec<u8>> = None;
        // The second in which the next life has begun to speak.
        let mut begun: Option<i64> = None;
        for group in &mut *groups {
            let Some(at_ms) = group.own_ms else { continue };
            if begun != Some(at_ms) {
                begun = None;
                if at_ms % 1_000 != 0 || !shared(at_ms) {
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

    /// The first line of the file, as it is compared with others.
    fn opening(&self) -> Vec<u8> {
        let bytes = read_part(&self.file, 0, OPENING_BYTES).unwrap_or_default();
        folded(bytes.split(|byte| *byte == b'\n').next().unwrap_or_default())
    }
}
