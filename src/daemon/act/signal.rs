//! Sending a signal, and whether the process ended of it.
//!
//! Invariant: listening begins before the first is sent. What is said of an end was heard, or seen by a look
//! after it; a process that goes on has nothing said of it.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::witness::{Record, Witness};
use super::{AT_ONCE, Acting};
use crate::daemon::clock::now_ms;
use crate::model::errand::{Errand, Outcome};
use crate::model::{Target, Verdict};
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// How long PM2 may take to start one again that ended.
const RESTART_MAX: Duration = Duration::from_secs(1);
/// How often it is looked at what was heard.
const HEAR_EVERY: Duration = Duration::from_millis(50);

impl Acting {
    /// Sends it to each of these, two at a time, and watches all of them for as long as one that was
    /// started.
    pub(super) async fn signal(
        &self,
        errand: &Errand,
        targets: &[Target],
        tell: &mut impl FnMut(Outcome),
    ) {
        let mut witness = self.witness().await;
        let one = |target: &Target| {
            let target = target.clone();
            async move {
                let sent = self.sent(errand, &target).await;
                (target, sent)
            }
        };
        let sending = stream::iter(targets).map(one).buffered(AT_ONCE).collect::<Vec<_>>();
        let mut pending = Vec::new();
        for (target, sent) in witness.listen_during(sending).await {
            match sent {
                Ok(before) => pending.push((target, before)),
                Err(verdict) => tell(Outcome::of(errand, &target, verdict)),
            }
        }
        let notes = self.ends(&pending, &mut witness).await;
        for ((target, _), note) in pending.iter().zip(notes) {
            tell(Outcome { note, ..Outcome::of(errand, target, Verdict::Done) });
        }
    }

    /// Sends it to one; gives the process as it was just before.
    async fn sent(&self, errand: &Errand, target: &Target) -> Result<ProcessInfo, Verdict> {
        if self.halted.is_cancelled() {
            return Err(Verdict::NotBegun);
        }
        let before = self.find(target).await?;
        self.errand(errand, target).await?;
        Ok(before)
    }

    /// What is to be said of each: that it ended, and what PM2 did then.
    async fn ends(
        &self,
        pending: &[(Target, ProcessInfo)],
        witness: &mut Witness,
    ) -> Vec<Option<Box<str>>> {
        let window = self.settle.window(None, now_ms());
        let nothing = vec![None; pending.len()];
        if window.is_zero() || pending.is_empty() {
            return nothing;
        }
        let until = Instant::now() + window;
        loop {
            let due = |(target, _): &(Target, _)| due(&witness.of(target.pm_id), until);
            let now = Instant::now();
            match pending.iter().map(due).max() {
                Some(at) if at > now => witness.listen_until(at.min(now + HEAR_EVERY)).await,
                _ => break,
            }
        }
        let Ok(processes) = self.look().await else { return nothing };
        let note = |(target, before): &(Target, ProcessInfo)| {
            let now = processes.iter().find(|info| target.is(info));
            words(before, &witness.of(target.pm_id), now).map(Into::into)
        };
        pending.iter().map(note).collect()
    }
}

/// Until when a process is watched: one that ended until it is started again.
fn due(record: &Record, until: Instant) -> Instant {
    match record.first_end_at {
        None => until,
        Some(end) if record.online_at.is_some() => end,
        Some(end) => end + RESTART_MAX,
    }
}

/// That it ended since, and what PM2 did then; `None` where it goes on, or PM2 itself ended it.
fn words(before: &ProcessInfo, record: &Record, now: Option<&ProcessInfo>) -> Option<String> {
    if record.ends == 0 && record.stopped_at.is_some() {
        return None;
    }
    let Some(now) = now else { return Some("it is gone".to_owned()) };
    let is_up = |info: &ProcessInfo| {
        matches!(info.status, ProcessStatus::Online | ProcessStatus::Launching)
    };
    let was_seen = now.restarts > before.restarts || (is_up(before) && !is_up(now));
    if record.ends == 0 && !was_seen {
        return None;
    }
    let how = record.last_end.as_ref().map(|end| format!(" ({})", end.words()));
    let next = match &now.status {
        _ if record.has_given_up || now.has_given_up() => "PM2 gave up restarting it",
        ProcessStatus::Online | ProcessStatus::Launching => "restarted by PM2",
        ProcessStatus::WaitingRestart => "PM2 restarts it after its delay",
        ProcessStatus::Errored => "PM2 gave up restarting it",
        _ if now.autorestart => "not restarted by PM2 yet",
        _ => "PM2 leaves it stopped",
    };
    Some(format!("it ended{}, {next}", how.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::end::End;
    use crate::protocol::process::PmId;

    fn info(status: ProcessStatus) -> ProcessInfo {
        ProcessInfo { autorestart: true, pid: Some(7), ..ProcessInfo::new(PmId(3), "api", status) }
    }

    #[test]
    fn an_end_after_a_signal_is_told_with_what_pm2_did() {
        let before = info(ProcessStatus::Online);
        let by = |signal: &str| Record {
            ends: 1,
            last_end: Some(End::Signal(signal.into())),
            ..Record::default()
        };
        let said = |record: &Record, now: &ProcessInfo| words(&before, record, Some(now));
        let again = ProcessInfo { restarts: 1, ..before.clone() };
        let wanted = "it ended (killed by SIGUSR2), restarted by PM2";
        assert_eq!(said(&by("SIGUSR2"), &again).unwrap(), wanted);
        assert_eq!(said(&Record::default(), &before), None, "it goes on");
        // Not heard, but seen.
        assert_eq!(said(&Record::default(), &again).unwrap(), "it ended, restarted by PM2");
        let alone = ProcessInfo { autorestart: false, ..info(ProcessStatus::Stopped) };
        let wanted = "it ended (killed by SIGTERM), PM2 leaves it stopped";
        assert_eq!(said(&by("SIGTERM"), &alone).unwrap(), wanted);
        let waits = info(ProcessStatus::WaitingRestart);
        assert!(said(&by("SIGHUP"), &waits).unwrap().ends_with("PM2 restarts it after its delay"));
        let given_up = info(ProcessStatus::Errored);
        assert!(said(&by("SIGHUP"), &given_up).unwrap().ends_with("PM2 gave up restarting it"));
        // Somebody restarted it meanwhile: that was not the signal.
        let stopped = Record { stopped_at: Some(Instant::now()), ..Record::default() };
        assert_eq!(said(&stopped, &again), None);
        assert_eq!(words(&before, &Record::default(), None).unwrap(), "it is gone");
    }

    #[test]
    fn one_that_ended_is_watched_until_it_is_started_again() {
        let now = Instant::now();
        let until = now + Duration::from_secs(1);
        let ended = Record { first_end_at: Some(now), ends: 1, ..Record::default() };
        assert_eq!(due(&Record::default(), until), until);
        assert_eq!(due(&ended, until), now + RESTART_MAX);
        assert_eq!(due(&Record { online_at: Some(now), ..ended }, until), now);
    }
}
