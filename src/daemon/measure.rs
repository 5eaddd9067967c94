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
mod meter;
#[cfg(target_os = "linux")]
mod ports;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

#[cfg(not(target_os = "linux"))]
use self::elsewhere::{self as probe, family as family_of, ports, zone as zone_of};
#[cfg(target_os = "linux")]
use self::family::family as family_of;
#[cfg(target_os = "linux")]
use self::linux as probe;
pub(crate) use self::meter::{Besides, Meter, Wants};
#[cfg(target_os = "linux")]
use self::ports::{ports, zone as zone_of};
use super::clock::whole_ms;
use super::{Watch, offload, saved_list};
use crate::model::report::Report;
use crate::protocol::process::{ExecMode, PmId, ProcessInfo, ProcessStatus};

/// The pause between polls while all is measured here and the bus tells of changes.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// How often the machine is looked at.
const HOST_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is looked at whether somebody saved the list, at most: it costs a `stat`.
const SAVED_INTERVAL: Duration = Duration::from_secs(2);
/// How often it is looked at where processes listen: twice as long after each look that found nothing
/// new, since the kernel walks all sockets of the machine for it; and how many times as long as that
/// took it rests.
const PORTS_INTERVAL: Duration = Duration::from_secs(10);
const PORTS_INTERVAL_MAX: Duration = Duration::from_secs(80);
const PORTS_REST: u32 = 200;
/// The first such look after the list of processes changed.
const PORTS_SOON: Duration = Duration::from_secs(2);

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
    /// Those that are instances of a cluster, and a number of it.
    pub(super) clusters: Vec<(PmId, usize)>,
}

impl Asked {
    /// These processes of the daemon with this system's id.
    fn of(god: Option<u32>, infos: &[ProcessInfo]) -> Self {
        let of_clusters = infos.iter().filter(|info| info.exec_mode == ExecMode::Cluster);
        let mut numbers: HashMap<(&str, Option<&str>), usize> = HashMap::new();
        let clusters = of_clusters.map(|info| {
            let next = numbers.len();
            let name = (&*info.name, info.namespace.as_deref());
            (info.pm_id, *numbers.entry(name).or_insert(next))
        });
        Self { god, pids: running(infos), clusters: clusters.collect() }
    }
}

impl Measuring {
    /// A poll told of these processes of the daemon with this system's id.
    pub(super) fn set(&self, god: Option<u32>, infos: &[ProcessInfo]) {
        *self.lock() = Asked::of(god, infos);
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

/// Those that run, and the system's id of each.
fn running(infos: &[ProcessInfo]) -> Vec<(PmId, u32)> {
    use ProcessStatus::{Launching, Online, Stopping};
    let runs = |info: &&ProcessInfo| matches!(info.status, Online | Launching | Stopping);
    infos.iter().filter(runs).filter_map(|info| Some((info.pm_id, info.pid?))).collect()
}

/// Measures for ever.
pub(super) async fn run(watch: &Watch) {
    let interval = watch.options.interval;
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut probe = probe::Probe::default();
    let (mut host_at, mut saved_at): (Option<Instant>, Option<Instant>) = (None, None);
    let mut ports = Ports::default();
    let saved = saved_list::path(&watch.endpoint.home);
    let mut stamp = None;
    loop {
        ticks.tick().await;
        let measuring = &watch.requests.measuring;
        let asked = measuring.lock().clone();
        let Some(god) = asked.god else {
            ports = Ports::default();
            continue;
        };
        let count = asked.pids.len();
        ports.look(watch, &asked).await;
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
            watch.requests.change.notify_one();
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
        if saved_at.is_none_or(|at| at.elapsed() >= SAVED_INTERVAL) {
            saved_at = Some(Instant::now());
            let saved = saved.clone();
            let now = offload::look(move || saved_list::stamp(&saved)).await;
            if let Some(now) = now
                && stamp.replace(now).is_some_and(|before| before != now)
            {
                // Somebody saved: what runs is compared with that.
                watch.requests.change.notify_one();
            }
        }
    }
}

/// A process and the ports on which it listens.
type PortsOf = (PmId, Box<[u16]>);

/// When it is looked at where processes listen.
#[derive(Debug, Default)]
struct Ports {
    /// Of which processes the last look was, or the next is.
    of: Vec<(PmId, u32)>,
    due: Option<Instant>,
    /// What the last look found.
    found: Vec<PortsOf>,
    /// The pause after the next look, if that finds the same.
    pause: Duration,
}

impl Ports {
    /// Looks, if it is time.
    async fn look(&mut self, watch: &Watch, asked: &Asked) {
        let now = Instant::now();
        if self.of != asked.pids {
            self.of.clone_from(&asked.pids);
            // One that was just started listens in a moment.
            let soon = now + PORTS_SOON;
            self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
            self.pause = PORTS_INTERVAL;
        }
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let asked = asked.clone();
        let found = offload::look(move || ports(&asked)).await;
        let took = now.elapsed();
        let pause = self.pause_after(found.as_deref());
        self.due = Some(now + pause.max(took.saturating_mul(PORTS_REST)));
        if let Some(found) = found {
            watch.report(Report::Ports(found));
        }
    }

    /// The pause after a look that found this.
    fn pause_after(&mut self, found: Option<&[PortsOf]>) -> Duration {
        if let Some(found) = found.filter(|found| *found != self.found) {
            self.found = found.to_vec();
            self.pause = PORTS_INTERVAL;
        }
        let pause = self.pause;
        self.pause = pause.saturating_mul(2).min(PORTS_INTERVAL_MAX);
        pause
    }
}

/// The time zone that the daemon goes by; `None` where that is not known. Blocks.
pub(super) fn zone(god: u32) -> Option<jiff::tz::TimeZone> {
    zone_of(god)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_new_listens_it_is_looked_at_less_and_less() {
        let mut ports = Ports { pause: PORTS_INTERVAL, ..Ports::default() };
        let mut pauses = |found: &[PortsOf], looks: usize| -> Vec<u64> {
            (0..looks).map(|_| ports.pause_after(Some(found)).as_secs()).collect()
        };
        let web: &[PortsOf] = &[(PmId(0), [3_000].into())];
        assert_eq!(pauses(&[], 5), [10, 20, 40, 80, 80]);
        assert_eq!(pauses(web, 3), [10, 20, 40]);
        assert_eq!(pauses(&[], 2), [10, 20]);
        assert_eq!(ports.pause_after(None).as_secs(), 40);
    }
}
