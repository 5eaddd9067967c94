//! Measures for a command without a screen, which looks once, or now and then.
//!
//! Invariant: CPU is that of a span which is known, whoever asked the daemon before; what cannot be
//! measured here keeps the daemon's figures.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Asked, PortsOf, offload, ports, probe};
use crate::model::system::{Measured, Usage};
use crate::protocol::process::{PmId, ProcessInfo};

/// Over how long CPU is measured at least. Linux counts in ticks of 10 ms: 2.5 % of this.
const SPAN: Duration = Duration::from_millis(400);

/// Measures the processes of one daemon.
#[derive(Debug)]
pub(crate) struct Meter {
    god: u32,
    probe: probe::Probe,
    /// When there is something to tell.
    ready: Option<Instant>,
    wants: Wants,
}

/// What is wanted beside CPU and memory of the processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Those with their children: all processes of the machine are looked at.
    pub(crate) trees: bool,
    /// The ports on which they listen.
    pub(crate) ports: bool,
}

impl Wants {
    /// Whether anything is.
    pub(crate) fn is_any(self) -> bool {
        self.trees || self.ports
    }
}

/// What was found beside CPU and memory of the processes, as far as it was wanted.
#[derive(Debug, Default)]
pub(crate) struct Besides {
    pub(crate) measured: Vec<Measured>,
    pub(crate) ports: Vec<PortsOf>,
}

impl Meter {
    /// Waits for nothing: what it tells first is the CPU since each process started.
    pub(crate) fn at_once(god: u32) -> Self {
        Self { god, probe: probe::Probe::default(), ready: None, wants: Wants::default() }
    }

    /// Notes the CPU time that the processes of the daemon with this system's id have used so far.
    pub(crate) async fn begin(god: u32) -> Self {
        let mut probe = probe::Probe::default();
        let looking = offload::look(move || {
            let count = probe.begin(god);
            (probe, count)
        });
        let (probe, count) = looking.await.unwrap_or_default();
        let ready = (count > 0).then(|| Instant::now() + SPAN);
        Self { god, probe, ready, wants: Wants::default() }
    }

    /// The same, which finds these, too.
    pub(crate) fn wanting(self, wants: Wants) -> Self {
        Self { wants, ..self }
    }

    /// Waits until the span is long enough.
    pub(crate) async fn ready(&self) {
        if let Some(ready) = self.ready {
            tokio::time::sleep_until(ready).await;
        }
    }

    /// Gives these processes the CPU that they used since the last look, or since they started if
    /// that is later, and their memory.
    pub(crate) async fn fill(&mut self, infos: &mut [ProcessInfo]) -> Besides {
        let (wants, asked) = (self.wants, Asked::of(Some(self.god), infos));
        let god = self.god;
        let mut probe = std::mem::take(&mut self.probe);
        let looking = offload::look(move || {
            let mut besides = Besides::default();
            let measured = if wants.trees {
                besides.measured = probe.measure(god, &asked.pids);
                besides.measured.iter().map(|it| (it.pm_id, it.own)).collect()
            } else {
                probe.own(god, &asked.pids)
            };
            if wants.ports {
                besides.ports = ports(&asked);
            }
            (probe, measured, besides)
        });
        let Some((probe, measured, besides)) = looking.await else { return Besides::default() };
        self.probe = probe;
        let measured: HashMap<PmId, Usage> = measured.into_iter().collect();
        for info in infos {
            if let Some(usage) = measured.get(&info.pm_id) {
                info.cpu_percent = Some(usage.cpu_percent);
                info.memory_bytes = Some(usage.memory_bytes);
            }
        }
        besides
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::protocol::process::ProcessStatus;

    #[tokio::test]
    async fn what_is_measured_here_takes_the_place_of_what_the_daemon_says() {
        let own = std::process::id();
        let parent = super::super::linux::stat(own).unwrap().ppid;
        let mut meter = Meter::begin(u32::try_from(parent).unwrap()).await;
        let said = |pm_id, pid| ProcessInfo {
            pid: Some(pid),
            cpu_percent: Some(7_777.0),
            memory_bytes: Some(1),
            ..ProcessInfo::new(PmId(pm_id), "tests", ProcessStatus::Online)
        };
        let began = Instant::now();
        meter.ready().await;
        assert!(began.elapsed() >= SPAN / 2, "a span of time");
        let mut infos = [said(0, own), said(1, u32::MAX)];
        meter.fill(&mut infos).await;
        assert!(infos[0].cpu_percent.unwrap() < 7_777.0, "{infos:?}");
        assert!(infos[0].memory_bytes.unwrap() > 1 << 20, "{infos:?}");
        assert_eq!(infos[1].cpu_percent, Some(7_777.0), "none of this daemon's");
        let mut at_once = [said(0, own)];
        Meter::at_once(u32::try_from(parent).unwrap()).fill(&mut at_once).await;
        assert!(at_once[0].cpu_percent.unwrap() < 7_777.0, "{at_once:?}");
        // A daemon without processes is not waited for.
        let meter = Meter::begin(u32::MAX).await;
        assert!(meter.ready.is_none());
    }
}
