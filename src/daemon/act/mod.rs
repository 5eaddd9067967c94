//! Acting on processes: who is meant, which steps it takes, and what came of it.
//!
//! Invariant: nothing is sent to a process but the one that was chosen: its [`Target`] is compared
//! with a look just before. Every target gets exactly one [`Verdict`], and only this room decides it.

mod errands;
mod flush;
mod judge;
mod kill;
mod launch;
mod resurrect;
mod save;
mod scale;
mod signal;
mod steps;
mod undelete;
pub(crate) mod witness;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

#[cfg(test)]
pub(super) use self::errands::STOPPED_LOOKS;
pub use self::judge::Settle;
pub(crate) use self::launch::Launch;
use self::steps::Caller;
use self::witness::Witness;
use super::Timings;
use super::bus::ear::Ears;
use super::clock::now_ms;
use super::rpc::session::Session;
use crate::model::kept::Kept;
use crate::model::verdict::{Down, Why};
use crate::model::{Action, Target, Verdict};
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// How many processes are acted on at once, as in the pm2 CLI (`PM2_CONCURRENT_ACTIONS`); one where
/// there are no more than two.
pub(crate) const AT_ONCE: usize = 2;
/// How many are deleted at once, as in the pm2 CLI.
const DELETES_AT_ONCE: usize = 10;
/// The most targets that are watched in their settle windows at once.
const SETTLING_MAX: usize = 256;
/// A process that came online so lately, or crashes, may be in the middle of a restart.
const YOUNG_MS: i64 = 5_000;
/// How long God's restart of a process that is being deleted may take to show: it opens log files
/// before it puts the process back into its list (`lib/God.js` `executeApp`).
const COMEBACK: Duration = Duration::from_millis(250);
/// How often a process that came back while it was being deleted is deleted again.
const DELETES_MAX: u32 = 3;

/// What it takes to act on the processes of one daemon.
#[derive(Debug, Clone)]
pub(crate) struct Acting {
    /// The daemon.
    pub(crate) session: Arc<Session>,
    /// What its bus says.
    pub(crate) ears: Ears,
    /// How long things may take.
    pub(crate) timings: Timings,
    /// How long a process is watched after it came up.
    pub(crate) settle: Settle,
    /// Once cancelled, what of a task has not begun is left undone.
    pub(crate) halted: CancellationToken,
}

/// Takes each whose turn comes.
type Begun = Box<dyn Fn(&Target) + Send + Sync>;

/// Who hears when it is a target's turn, and how those whose turn has not come are left out.
#[derive(Default)]
pub(crate) struct Turns {
    /// Is told of each whose turn comes.
    pub(crate) begun: Option<Begun>,
    /// Once cancelled, nobody's turn comes any more.
    pub(crate) halted: CancellationToken,
    /// Whether a turn lasts until the verdict, rather than until the daemon's answer as in the pm2 CLI:
    /// so that no more than two are down at once, and there is time to leave the rest undone.
    pub(crate) is_steady: bool,
}

impl Turns {
    /// Waits for a turn; `None` where it does not come.
    async fn wait<'a>(
        &self,
        target: &Target,
        permits: &'a Semaphore,
    ) -> Option<SemaphorePermit<'a>> {
        let permit = tokio::select! {
            biased;
            () = self.halted.cancelled() => return None,
            permit = permits.acquire() => permit.ok()?,
        };
        if let Some(begun) = &self.begun {
            begun(target);
        }
        Some(permit)
    }
}

impl Acting {
    /// Acts on processes as the pm2 CLI does, two at a time (ten for deletes), and gives each
    /// verdict when it is known. The instances of one app are reloaded one after another, so that
    /// there is always one that serves; once one is not up, the others are left alone.
    pub(crate) fn all(
        self,
        action: Action,
        targets: Vec<Target>,
        turns: Turns,
    ) -> impl Stream<Item = (Target, Verdict)> + Send + Unpin {
        let groups = groups(action, targets);
        let at_once = match action {
            Action::Delete => DELETES_AT_ONCE,
            _ if groups.len() <= AT_ONCE => 1,
            _ => AT_ONCE,
        };
        let permits = Arc::new((Semaphore::new(at_once), turns));
        let runs = groups.into_iter().map(move |group| {
            let start = (group.into_iter(), None, self.clone(), Arc::clone(&permits));
            Box::pin(stream::unfold(start, move |(mut rest, broken, acting, shared)| async move {
                let target = rest.next()?;
                let (permits, turns) = &*shared;
                let verdict = if let Some(rest) = broken.clone() {
                    rest
                } else if let Some(permit) = turns.wait(&target, permits).await {
                    acting.in_turn(action, &target, (permit, turns.is_steady)).await
                } else {
                    Verdict::NotBegun
                };
                let broken = broken.or_else(|| left_alone(&verdict));
                Some(((target, verdict), (rest, broken, acting, shared)))
            }))
        });
        Box::pin(stream::iter(runs).flatten_unordered(SETTLING_MAX))
    }

    /// Acts on one process as soon as there is a permit.
    async fn one(&self, action: Action, target: &Target, permits: &Semaphore) -> Verdict {
        match permits.acquire().await {
            Ok(permit) => self.in_turn(action, target, (permit, false)).await,
            Err(_) => Verdict::NotBegun,
        }
    }

    /// Acts on one process, whose turn it is.
    async fn in_turn(
        &self,
        action: Action,
        target: &Target,
        turn: (SemaphorePermit<'_>, bool),
    ) -> Verdict {
        let info = match self.find(target).await {
            Ok(info) => info,
            Err(verdict) => return verdict,
        };
        let is_up = info.status == ProcessStatus::Online && !info.never_started();
        match action {
            Action::Start if is_up => Verdict::Already,
            Action::Stop => self.stop(target, &info).await,
            Action::Delete => self.delete(target, info).await,
            Action::Start | Action::Restart | Action::Reload => {
                self.launch(action, target, &info, turn).await
            }
        }
    }

    /// The process as it is now, if it is the one that was chosen: the look before anything is sent.
    pub(crate) async fn find(&self, target: &Target) -> Result<ProcessInfo, Verdict> {
        let processes = self.look().await.map_err(unsent)?;
        target.find(&processes, self.session.god).cloned()
    }

    /// All processes now.
    pub(super) async fn look(&self) -> Result<Vec<ProcessInfo>, Verdict> {
        let started = Instant::now();
        let asking = self.session.ask_processes(self.timings.read).await;
        let looked = asking.map(|(_, snapshot)| snapshot.processes);
        looked.map_err(|failure| errands::failed(failure, started))
    }

    async fn stop(&self, target: &Target, info: &ProcessInfo) -> Verdict {
        // By the time that a process has to be killed, the bus is connected.
        let mut witness = Witness::new(self.ears.listen(), true);
        let caller = Caller::new(&self.session, &self.timings, info);
        if let Err(stop) = witness.listen_during(caller.run(Action::Stop)).await {
            return stop.verdict(target.pm_id);
        }
        witness.listen_during(caller.announce(Action::Stop)).await;
        match self.still(target).await {
            Ok(Some(now))
                if now.status == ProcessStatus::Online
                    || now.status == ProcessStatus::Launching =>
            {
                Verdict::CameBack { times: 1 }
            }
            Ok(_) if witness.of(target.pm_id).was_killed => {
                Verdict::Killed { kill_ms: info.kill_ms() }
            }
            // It is not watched any more either.
            Ok(_) if info.status == ProcessStatus::Stopped && info.is_over() => Verdict::Already,
            Ok(_) => Verdict::Done,
            Err(verdict) => verdict,
        }
    }

    /// These processes as they are now, so that they can be started again; without those that are
    /// others by now.
    pub(super) async fn keep(&self, targets: &[Target]) -> Vec<Kept> {
        let Ok(listing) = self.list().await else { return Vec::new() };
        let mut apps: BTreeMap<(&str, Option<&str>), Arc<[Target]>> = BTreeMap::new();
        let keep = |target: &Target| {
            let info = target.find(&listing.infos, self.session.god).ok()?;
            let env = listing.raw_of(info)?.get("pm2_env")?;
            let app =
                apps.entry((&*info.name, info.namespace.as_deref())).or_insert_with_key(|app| {
                    let is_its = |it: &&ProcessInfo| (&*it.name, it.namespace.as_deref()) == *app;
                    listing.infos.iter().filter(is_its).map(Target::of).collect()
                });
            Some(Kept::new(target.clone(), env.clone()).among(Arc::clone(app)))
        };
        targets.iter().filter_map(keep).collect()
    }

    /// The process, if it is there still.
    pub(super) async fn still(&self, target: &Target) -> Result<Option<ProcessInfo>, Verdict> {
        Ok(self.look().await?.into_iter().find(|info| target.is(info)))
    }

    /// Deletes a process, and again where God started it meanwhile (one that crashes while it is
    /// being deleted; measured on 7.0.4).
    async fn delete(&self, target: &Target, info: ProcessInfo) -> Verdict {
        let mut may_come_back = may_come_back(&info, now_ms());
        let mut info = info;
        for _ in 0..DELETES_MAX {
            let caller = Caller::new(&self.session, &self.timings, &info);
            if let Err(stop) = caller.run(Action::Delete).await {
                return stop.verdict(target.pm_id);
            }
            if may_come_back {
                tokio::time::sleep(COMEBACK).await;
            }
            match self.still(target).await {
                Ok(None) => return Verdict::Done,
                Ok(Some(again)) => info = again,
                Err(verdict) => return verdict,
            }
            may_come_back = true;
        }
        Verdict::CameBack { times: DELETES_MAX }
    }
}

/// What a look that failed means where nothing was sent before it.
fn unsent(failed: Verdict) -> Verdict {
    match failed {
        Verdict::Unknown { is_closed: true, .. } => {
            Verdict::Refused("the daemon closed the connection; nothing was sent".into())
        }
        failed => failed,
    }
}

/// What is said of the instances after one of which this came; `None` where they are gone on with.
fn left_alone(before: &Verdict) -> Option<Verdict> {
    match before {
        Verdict::NotBegun => None,
        // It was lost sight of, and need not be down.
        Verdict::Unknown { .. } => Some(Verdict::NotBegun),
        before if before.is_success() => None,
        _ => Some(Verdict::Down(Down::unseen(Why::LeftAlone))),
    }
}

/// Whether God may be starting a process again while it deletes it.
fn may_come_back(info: &ProcessInfo, now_ms: i64) -> bool {
    let is_young =
        info.online_since_ms.is_some_and(|since| now_ms.saturating_sub(since) < YOUNG_MS);
    is_young || info.unstable_restarts > 0 || info.status == ProcessStatus::WaitingRestart
}

/// What goes side by side: each process for itself, but the instances of one app (of one name *and*
/// namespace) one after another in a reload.
fn groups(action: Action, targets: Vec<Target>) -> Vec<Vec<Target>> {
    let mut groups: Vec<Vec<Target>> = Vec::new();
    for target in targets {
        let is_sister = |group: &&mut Vec<Target>| {
            action == Action::Reload
                && group.first().is_some_and(|first| {
                    (&first.name, &first.namespace) == (&target.name, &target.namespace)
                })
        };
        match groups.iter_mut().find(is_sister) {
            Some(group) => group.push(target),
            None => groups.push(vec![target]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::PmId;

    #[test]
    fn what_follows_on_what_was_lost_sight_of_is_not_called_left_for_its_failure() {
        assert_eq!(left_alone(&Verdict::timed_out(1)), Some(Verdict::NotBegun));
        assert_eq!(left_alone(&Verdict::Done), None);
        let alone = Verdict::Down(Down::unseen(Why::LeftAlone));
        assert_eq!(left_alone(&Verdict::Refused("no".into())), Some(alone));
    }

    #[test]
    fn a_look_that_failed_has_done_nothing() {
        let closed = unsent(Verdict::Unknown { waited_ms: 1, is_closed: true });
        let said = closed.sentence(Action::Delete, "api[0]");
        let wanted =
            "cannot delete api[0]: refused: the daemon closed the connection; nothing was sent";
        assert_eq!(said, wanted);
        assert_eq!(unsent(Verdict::Gone), Verdict::Gone);
    }

    #[test]
    fn instances_of_an_app_are_reloaded_one_after_another() {
        let target = |(id, name, namespace): (u32, &str, &str)| {
            let mut info = ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
            info.namespace = Some(namespace.into());
            Target::of(&info)
        };
        let all = [(0, "api", "a"), (1, "web", "a"), (2, "api", "a"), (3, "api", "b")];
        let targets = all.map(target).to_vec();
        let ids = |action| -> Vec<Vec<u32>> {
            let groups = groups(action, targets.clone()).into_iter();
            groups.map(|group| group.iter().map(|target| target.pm_id.0).collect()).collect()
        };
        assert_eq!(ids(Action::Reload), [vec![0, 2], vec![1], vec![3]]);
        assert_eq!(ids(Action::Stop), [[0], [1], [2], [3]]);
    }
}
