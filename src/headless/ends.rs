//! The signals by which processes ended, of which PM2 says code 0.
//!
//! Invariant: they are looked up as `why` does it, and only for those that it is unclear of; where the log
//! of the daemon is not here or cannot be read, they stay unknown. One end is looked up again only while
//! the daemon may not have written of it yet.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;
use super::table::Seen;
use super::{Context, why};
use crate::model::end as exit;
use crate::model::rows::Field;
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

/// Of at most so many processes: each costs a look at its logs.
const PROCESSES_MAX: usize = 64;
/// The daemon has written of an end this long after the end was first seen.
const WRITTEN: Duration = Duration::from_secs(3);

/// The jobs of these that a signal ended and that PM2 gives code 0, with the signal.
pub(super) async fn killed(context: &Context, infos: &[ProcessInfo]) -> Killed {
    let mut killed = Killed::default();
    let doubtful = infos.iter().filter(|info| info.may_have_been_killed());
    let mut doubtful = doubtful.take(PROCESSES_MAX).peekable();
    if doubtful.peek().is_none() || !context.endpoint.is_local() {
        return killed;
    }
    // What was there before under other ids does not count.
    let Ok(ground) = why::ground(context, &[]).await else { return killed };
    for info in doubtful {
        let Ok(life) = why::look(info, &ground).await else { break };
        if let Some(signal) = life.killed_by() {
            killed.0.insert(info.pm_id, signal.into());
        }
    }
    killed
}

/// By which signal jobs were ended of which PM2 says code 0.
#[derive(Debug, Default)]
pub(super) struct Killed(BTreeMap<PmId, Box<str>>);

impl Killed {
    #[cfg(test)]
    pub(super) fn for_test(pm_id: PmId, signal: &str) -> Self {
        Self(BTreeMap::from([(pm_id, signal.into())]))
    }

    /// How a job failed, if it did.
    pub(super) fn failure(&self, info: &ProcessInfo) -> Option<exit::End> {
        if let Some(code) = info.exit_code.clone().filter(|_| info.has_failed()) {
            return Some(exit::End::Code(code));
        }
        let signal = self.0.get(&info.pm_id).filter(|_| info.may_have_been_killed())?;
        Some(exit::End::Signal(signal.clone()))
    }
}

/// What was found out, by process.
#[derive(Debug, Default)]
pub(super) struct Ends(BTreeMap<PmId, Known>);

/// What is known of the last end of a process.
#[derive(Debug)]
struct Known {
    /// Which end it is.
    end: End,
    /// When that was first seen.
    since: Instant,
    /// Whether it was looked up when the daemon had written of it.
    is_settled: bool,
    /// By which signal, if by one.
    signal: Option<Box<str>>,
}

/// Which end of which process: another one differs in one of these.
#[derive(Debug, Clone, PartialEq)]
struct End {
    unique_id: Option<Box<str>>,
    created_at_ms: Option<i64>,
    restarts: u32,
    started_ms: Option<i64>,
    status: ProcessStatus,
}

impl End {
    fn of(info: &ProcessInfo) -> Self {
        Self {
            unique_id: info.unique_id.clone(),
            created_at_ms: info.created_at_ms,
            restarts: info.restarts,
            started_ms: info.online_since_ms,
            status: info.status.clone(),
        }
    }
}

impl Ends {
    /// Looks them up where they are shown: in the column, and in JSON, which has no columns.
    pub(super) async fn look_up(
        &mut self,
        context: &Context,
        seen: &mut Seen,
        fields: Option<&[Field]>,
    ) -> Result<(), Failure> {
        let is_shown = fields.is_none_or(|fields| fields.contains(&Field::LastExit));
        if !is_shown || !context.endpoint.is_local() {
            return Ok(());
        }
        let now = Instant::now();
        let unknown = self.unknown(seen.doubtful(), now);
        if !unknown.is_empty()
            && let Ok(ground) = why::ground(context, &[]).await
        {
            for info in &unknown {
                let signal = why::look(info, &ground).await?.signal().map(Into::into);
                self.found(info.pm_id, signal, now);
            }
        }
        for (pm_id, signal) in self.0.iter().filter_map(|(id, it)| Some((id, it.signal.as_ref()?)))
        {
            seen.ended_by(*pm_id, signal);
        }
        Ok(())
    }

    /// Those of these whose end is to be looked up; forgets all others.
    fn unknown(&mut self, mut doubtful: Vec<ProcessInfo>, now: Instant) -> Vec<ProcessInfo> {
        doubtful.truncate(PROCESSES_MAX);
        let mut before = std::mem::take(&mut self.0);
        for info in &doubtful {
            let end = End::of(info);
            let known = before.remove(&info.pm_id).filter(|known| known.end == end);
            let new = || Known { end, since: now, is_settled: false, signal: None };
            self.0.insert(info.pm_id, known.unwrap_or_else(new));
        }
        doubtful.retain(|info| self.0.get(&info.pm_id).is_none_or(|known| !known.is_settled));
        doubtful
    }

    /// Takes in what a look found.
    fn found(&mut self, pm_id: PmId, signal: Option<Box<str>>, now: Instant) {
        if let Some(known) = self.0.get_mut(&pm_id) {
            known.signal = signal;
            known.is_settled = now.saturating_duration_since(known.since) >= WRITTEN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_looked_up_until_the_daemon_has_written_of_it() {
        let mut ends = Ends::default();
        let begin = Instant::now();
        let first = ProcessInfo::new(PmId(1), "api", ProcessStatus::Online);
        let mut look = |info: &ProcessInfo, seconds: u64, signal: Option<&str>| {
            let now = begin + Duration::from_secs(seconds);
            let asked = ends.unknown(vec![info.clone()], now).len();
            if asked > 0 {
                ends.found(info.pm_id, signal.map(Into::into), now);
            }
            (
                asked,
                ends.0.get(&info.pm_id).and_then(|known| known.signal.as_deref().map(String::from)),
            )
        };
        assert_eq!(look(&first, 0, None), (1, None), "the log may be behind");
        assert_eq!(look(&first, 1, Some("SIGKILL")), (1, Some("SIGKILL".into())));
        assert_eq!(look(&first, 3, Some("SIGKILL")), (1, Some("SIGKILL".into())));
        for seconds in 4..9 {
            assert_eq!(look(&first, seconds, None), (0, Some("SIGKILL".into())), "it is known");
        }
        let restarted = ProcessInfo { restarts: 1, ..first.clone() };
        assert_eq!(look(&restarted, 9, None), (1, None), "another end");
        let stopped = ProcessInfo { status: ProcessStatus::Stopped, ..restarted };
        assert_eq!(look(&stopped, 20, None), (1, None));
        assert_eq!(look(&stopped, 23, None).0, 1);
        assert_eq!(look(&stopped, 24, None).0, 0);
        let other = ProcessInfo { unique_id: Some("new".into()), ..stopped };
        assert_eq!(look(&other, 25, None).0, 1, "another process");
        assert!(ends.unknown(Vec::new(), begin).is_empty() && ends.0.is_empty(), "none is kept");
    }
}
