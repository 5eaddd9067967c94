//! Exceptions: those that the bus tells, and those that only the last words of a process tell.
//!
//! Invariant: each is counted once. What the bus tells is counted when it comes; a death whose
//! exception the bus did not tell, when its last words are in.

use super::{Applying, Change};
use crate::model::ProcessKey;
use crate::model::death::cause::Cause;
use crate::model::death::{BlackBox, Death, without_stamp};
use crate::model::exceptions::{Exceptions, Thrown, whole_message};
use crate::model::log::LogLine;
use crate::model::process::Process;
use crate::model::watched::Watched;
use crate::protocol::bus::{BusPmId, Exception};

impl Applying<'_> {
    /// A process has the signal of its last end.
    pub(super) fn note_signal(&mut self, key: ProcessKey) {
        let Watched { fleet, boxes, .. } = &mut *self.watched;
        let Some(process) = fleet.get_mut(key) else { return };
        let life = boxes.get(key);
        process.signal = life.and_then(BlackBox::signal).map(Box::from);
        process.is_killed = life.and_then(BlackBox::killed_by).is_some();
    }

    /// An exception on the bus. The process may have survived it.
    pub(super) fn exception(&mut self, exception: &Exception) {
        let now = self.now;
        let at_ms = exception.at_ms.unwrap_or(now.wall_ms);
        let pm_id = match exception.process.pm_id {
            Some(BusPmId::Process(pm_id) | BusPmId::Old(pm_id)) => Some(pm_id),
            Some(BusPmId::Daemon) | None => None,
        };
        if let Some(pm_id) = pm_id
            && let Some(life) = self.life(pm_id)
        {
            life.exception(exception, now);
        }
        self.watched.exceptions.take(&Thrown {
            daemon: self.id,
            pm_id,
            name: &exception.process.name,
            message: &exception.message,
            stack: &exception.stack,
            at_ms,
        });
        let source = self.source(pm_id, &exception.process.name);
        let message = whole_message(&exception.message, &exception.stack);
        let line = LogLine::exception(at_ms, source, message, &exception.stack);
        self.watched.news.push(line);
        self.changes.extend([Change::Lines, Change::Exceptions]);
    }

    /// Counts the exceptions of deaths whose last words are in.
    pub(super) fn group_deaths(&mut self) {
        let Watched { fleet, boxes, exceptions, .. } = &mut *self.watched;
        let ours = boxes.iter_mut().filter(|(key, _)| key.daemon == self.id);
        let before = exceptions.total();
        for (key, black_box) in ours {
            let Some(process) = fleet.get(*key) else { continue };
            for death in black_box.settled(self.now, false) {
                group(exceptions, *key, &process.info.name, death);
            }
        }
        let has_more = exceptions.total() > before;
        self.note_if(has_more, Change::Exceptions);
    }

    /// Counts the exceptions of these deaths of a process, of which nobody heard them.
    pub(super) fn group_past(&mut self, key: ProcessKey, places: impl Iterator<Item = usize>) {
        let Watched { fleet, boxes, exceptions, .. } = &mut *self.watched;
        let (Some(process), Some(black_box)) = (fleet.get(key), boxes.get(key)) else { return };
        for death in places.filter_map(|place| black_box.lives().get(place)) {
            group(exceptions, key, &process.info.name, death);
        }
        self.changes.push(Change::Exceptions);
    }

    /// A process is gone: nothing more will come of its deaths.
    pub(super) fn forget_box(&mut self, process: &Process) {
        let key = ProcessKey { daemon: self.id, pm_id: process.info.pm_id };
        let Watched { boxes, exceptions, .. } = &mut *self.watched;
        if let Some(black_box) = boxes.get_mut(key) {
            for death in black_box.settled(self.now, true) {
                group(exceptions, key, &process.info.name, death);
            }
        }
        boxes.forget(key);
    }
}

/// Counts the exception of a death, unless the bus told it.
fn group(exceptions: &mut Exceptions, key: ProcessKey, name: &str, death: &Death) {
    let Cause::Exception(message) = &death.cause else { return };
    if death.is_watched && death.evidence.exception.is_some() {
        return;
    }
    let words: Vec<Box<str>>;
    let stack = if death.stack.is_empty() {
        words = death.words.iter().map(|line| without_stamp(line).into()).collect();
        words.as_slice()
    } else {
        &*death.stack
    };
    let pm_id = Some(key.pm_id);
    let at_ms = death.ended_ms;
    exceptions.take(&Thrown { daemon: key.daemon, pm_id, name, message, stack, at_ms });
}
