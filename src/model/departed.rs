//! Processes that left a daemon's list a moment ago: what comes late of them is of before.
//!
//! Invariant: bounded; a process that came back is taken for there again.

use std::collections::BTreeMap;

use super::moment::Moment;
use super::{ProcessKey, Target};
use crate::protocol::bus::{EventKind, ProcessEvent};
use crate::protocol::process::ProcessInfo;

/// For how long something may come late, milliseconds: a busy daemon's bus was seen 6 s behind.
const LATE_MS: i64 = 30_000;
/// How many are kept, at most.
const KEPT_MAX: usize = 1_024;

/// Those that left, and when.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Departed(BTreeMap<ProcessKey, (Target, Moment)>);

impl Departed {
    /// This one left, at this moment or before.
    pub(super) fn add(&mut self, key: ProcessKey, target: Target, at: Moment) {
        self.0.retain(|_, (_, left)| at.steady_ms.saturating_sub(left.steady_ms) < LATE_MS);
        if self.0.len() < KEPT_MAX {
            self.0.insert(key, (target, at));
        }
    }

    /// Whether a snapshot that was asked for at this moment lists a process that has left since; one
    /// that it lists later came back.
    pub(super) fn lists_late(
        &mut self,
        key: ProcessKey,
        info: &ProcessInfo,
        asked: Moment,
    ) -> bool {
        let Some((target, left)) = self.0.get(&key) else { return false };
        if !target.is(info) {
            return false;
        }
        let is_late = asked.steady_ms < left.steady_ms;
        if !is_late {
            self.0.remove(&key);
        }
        is_late
    }

    /// Whether an event tells of a process what was before it left. Only a start brings one back: its
    /// last `exit` may come after it is gone.
    pub(super) fn tells_late(
        &mut self,
        key: ProcessKey,
        event: &ProcessEvent,
        now: Moment,
    ) -> bool {
        let Some((target, left)) = self.0.get(&key) else { return false };
        if !target.is(&event.info) {
            return false;
        }
        let is_old = now.steady_ms.saturating_sub(left.steady_ms) >= LATE_MS;
        let is_start =
            event.kind == EventKind::Online && event.at_ms.is_none_or(|at_ms| at_ms > left.wall_ms);
        let is_late = !is_old && !is_start;
        if !is_late {
            self.0.remove(&key);
        }
        is_late
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DaemonId;
    use crate::protocol::process::{PmId, ProcessStatus};

    const KEY: ProcessKey = ProcessKey { daemon: DaemonId(0), pm_id: PmId(1) };

    fn api(unique_id: &str) -> ProcessInfo {
        let unique_id = Some(unique_id.into());
        ProcessInfo { unique_id, ..ProcessInfo::new(PmId(1), "api", ProcessStatus::Stopped) }
    }

    fn event(kind: EventKind, at_ms: i64) -> ProcessEvent {
        ProcessEvent {
            kind,
            manually: false,
            at_ms: Some(at_ms),
            is_old_worker: false,
            signal: None,
            info: api("u"),
        }
    }

    fn left() -> Departed {
        let mut departed = Departed::default();
        departed.add(KEY, Target::of(&api("u")), Moment::at(1_000));
        departed
    }

    #[test]
    fn what_was_before_it_left_is_late() {
        let mut departed = left();
        assert!(departed.tells_late(KEY, &event(EventKind::Exit, 2_000), Moment::at(2_000)));
        assert!(departed.tells_late(KEY, &event(EventKind::Online, 900), Moment::at(2_000)));
        assert!(departed.lists_late(KEY, &api("u"), Moment::at(999)));
        assert!(!departed.tells_late(KEY, &event(EventKind::Exit, 1), Moment::at(31_000)));
    }

    #[test]
    fn what_comes_back_or_takes_its_id_is_there() {
        let online = event(EventKind::Online, 1_001);
        assert!(!left().tells_late(KEY, &online, Moment::at(1_100)));
        assert!(!left().lists_late(KEY, &api("u"), Moment::at(1_000)));
        assert!(!left().lists_late(KEY, &api("v"), Moment::at(900)), "another one");
        let mut departed = left();
        assert!(!departed.lists_late(KEY, &api("v"), Moment::at(2_000)));
        let exit = event(EventKind::Exit, 2_000);
        assert!(departed.tells_late(KEY, &exit, Moment::at(2_000)), "it is the one's before");
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let mut departed = Departed::default();
        for id in 0..2_000 {
            let key = ProcessKey { pm_id: PmId(id), ..KEY };
            departed.add(key, Target::of(&api("u")), Moment::at(1_000));
        }
        assert_eq!(departed.0.len(), KEPT_MAX);
        departed.add(KEY, Target::of(&api("u")), Moment::at(40_000));
        assert_eq!(departed.0.len(), 1);
    }
}
