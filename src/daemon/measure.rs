//! Measures without asking the daemon: CPU and memory of its processes, of itself and of the machine,
//! out of `/proc`, where it is a process of this machine.
//!
//! Invariant: only children of the daemon are measured, so that an id of another namespace of
//! processes is never taken for one of this; each look runs on a thread that may hang.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod family;
#[cfg(target_os = "linux")]
mod linux;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

#[cfg(not(target_os = "linux"))]
use self::elsewhere::{self as probe, family as family_of};
#[cfg(target_os = "linux")]
use self::family::family as family_of;
#[cfg(target_os = "linux")]
use self::linux as probe;
use super::clock::whole_ms;
use super::{Watch, offload};
use crate::model::report::Report;
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

/// The pause between polls while all is measured here and the bus tells of changes.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// How often the machine is looked at.
const HOST_INTERVAL: Duration = Duration::from_secs(5);

/// What is to be measured, as the last poll told.
#[derive(Debug, Default)]
pub(super) struct Measuring {
    asked: Mutex<Asked>,
    /// Whether the last look found every process.
    is_complete: AtomicBool,
}

/// The daemon and its processes.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// The system's id of the daemon.
    pub(super) god: Option<u32>,
    /// Each process that runs, and the system's id of it.
    pub(super) pids: Vec<(PmId, u32)>,
}

impl Measuring {
    /// A poll told of these processes of the daemon with this system's id.
    pub(super) fn set(&self, god: Option<u32>, infos: &[ProcessInfo]) {
        let runs = |info: &&ProcessInfo| {
            use ProcessStatus::{Launching, Online, Stopping};
            matches!(info.status, Online | Launching | Stopping)
        };
        let pids = infos.iter().filter(runs).filter_map(|info| Some((info.pm_id, info.pid?)));
        *self.lock() = Asked { god, pids: pids.collect() };
    }

    /// The daemon is not connected.
    pub(super) fn stop(&self) {
        *self.lock() = Asked::default();
        self.is_complete.store(false, Ordering::Relaxed);
    }

    /// Whether every process that runs is measured here.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measures for ever.
pub(super) async fn run(watch: &Watch) {
    let interval = watch.options.interval;
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut probe = probe::Probe::default();
    let mut host_at: Option<Instant> = None;
    loop {
        ticks.tick().await;
        let measuring = &watch.wishes.measuring;
        let asked = measuring.lock().clone();
        let Some(god) = asked.god else { continue };
        let count = asked.pids.len();
        let looking = offload::look(move || {
            let measured = probe.measure(god, &asked.pids);
            (probe, measured)
        });
        let Some((back, measured)) = looking.await else {
            // That thread has it.
            probe = probe::Probe::default();
            measuring.is_complete.store(false, Ordering::Relaxed);
            continue;
        };
        probe = back;
        let is_complete = measured.len() == count;
        let was_complete = measuring.is_complete.swap(is_complete, Ordering::Relaxed);
        if !measured.is_empty() {
            let interval_ms = whole_ms(interval);
            watch.report(Report::Measured { interval_ms, processes: measured });
        }
        if was_complete && !is_complete {
            // One has ended: the list is not so any more.
            watch.wishes.change.notify_one();
        }
        if host_at.is_none_or(|at| at.elapsed() >= HOST_INTERVAL) {
            host_at = Some(Instant::now());
            let looking = offload::look(move || {
                let host = probe.host(god);
                (probe, host)
            });
            match looking.await {
                Some((back, host)) => {
                    probe = back;
                    watch.report(Report::Host(host));
                }
                None => probe = probe::Probe::default(),
            }
        }
    }
}

/// The family of a process, for its details; `None` where it is none of this machine. Blocks.
pub(super) fn family(
    god: u32,
    info: &ProcessInfo,
    clusters: &Clusters,
) -> Option<crate::model::system::Family> {
    family_of(god, info, clusters)
}

/// What is known of the clusters of a daemon, to tell whose a port of the daemon is.
#[derive(Debug, Clone, Default)]
pub(super) struct Clusters {
    /// How many apps are clusters.
    pub(super) count: usize,
    /// The `PORT` in the environment of the process that is asked about.
    pub(super) port: Option<u16>,
}
