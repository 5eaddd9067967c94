//! The last words of lives that ended just as a watch began: nobody listened when they were said, and they
//! are in the error log alone.

use std::collections::VecDeque;

use super::{BlackBox, SETTLED_MS};
use crate::model::death::cause::Cause;
use crate::model::death::{Death, LIVES_MAX};

impl BlackBox {
    /// The last death that was not of a worker whose place another one had taken already.
    pub(super) fn last_in_place(&self) -> Option<&Death> {
        self.lives.iter().rev().find(|death| !death.evidence.is_old_worker)
    }

    /// Takes the last words of lives that were seen to end, and of which none was heard, from what was made
    /// up of the files. The places of those of which nothing more would have been told.
    pub(in crate::model) fn mend(&mut self, past: &Self, now_ms: i64) -> Vec<usize> {
        let settled = self.lives.len().saturating_sub(self.unsettled);
        let mut mended = Vec::new();
        for place in 0..self.lives.len() {
            let Some(read) = same(&self.lives, place, &past.lives) else { continue };
            let Some(death) = self.lives.get_mut(place) else { continue };
            // They may still come on the bus.
            let is_over = now_ms.saturating_sub(death.ended_ms) > SETTLED_MS;
            if is_over && death.take_words(read) && place < settled {
                mended.push(place);
            }
        }
        mended
    }

    /// The lives that ended with their daemon, of which nothing told an end.
    pub(in crate::model) fn ends_with_daemons(&self) -> Vec<Death> {
        let of_daemon = |death: &&Death| death.is_lost_with_daemon();
        self.lives.iter().filter(of_daemon).cloned().collect()
    }

    /// Takes those of which it does not know: of these ends nobody is told.
    pub(in crate::model) fn take_ends_with_daemons(&mut self, ends: Vec<Death>) {
        for death in ends {
            let place = self.lives.partition_point(|known| known.ended_ms < death.ended_ms);
            let is_known = self.lives.get(place).is_some_and(|known| {
                known.ended_ms == death.ended_ms || known.started_ms == death.started_ms
            });
            // Of those behind it nothing more may be told, and what is older than all is counted elsewhere.
            let is_settled = place + self.unsettled <= self.lives.len();
            if !is_known && is_settled && place > 0 && self.lives.len() < LIVES_MAX {
                self.lives.insert(place, death);
            }
        }
    }
}

/// The same end as the files tell it, in whole seconds: of several in one second, from the last one back.
fn same<'a>(lives: &VecDeque<Death>, place: usize, past: &'a VecDeque<Death>) -> Option<&'a Death> {
    let second = |death: &Death| death.ended_ms.div_euclid(1_000);
    let it = lives.get(place)?;
    let is_then = |death: &&Death| second(death) == second(it);
    let later = lives.iter().skip(place + 1).filter(is_then).count();
    past.iter().rev().filter(is_then).nth(later)
}

impl Death {
    /// Whether its daemon ended, and nothing told an end of it.
    pub(in crate::model) fn is_lost_with_daemon(&self) -> bool {
        self.evidence.with_daemon.is_some() && self.evidence.end.is_none()
    }

    /// Takes the last words that were read of it; whether there was none, and now is.
    fn take_words(&mut self, read: &Self) -> bool {
        let is_it = self.is_watched && self.evidence.end == read.evidence.end;
        if !is_it || !self.words.is_empty() || read.words.is_empty() {
            return false;
        }
        self.words.clone_from(&read.words);
        (self.is_read, self.is_mixed, self.is_unclear) = (true, read.is_mixed, read.is_unclear);
        self.evidence.last_line.clone_from(&read.evidence.last_line);
        self.evidence.is_heap_full |= read.evidence.is_heap_full;
        self.judge();
        // A cluster worker that threw ends with code 0: then only its last words tell.
        if matches!(read.cause, Cause::Exception(_)) && matches!(self.cause, Cause::Zero { .. }) {
            (self.cause, self.sure) = (read.cause.clone(), read.sure);
        }
        true
    }
}
