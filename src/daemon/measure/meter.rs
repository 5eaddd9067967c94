//! Measures for a command without a screen, which looks once, or now and then.
//!
//! Invariant: CPU is that of a span which is known, whoever asked the daemon before; what cannot be
//! measured here keeps the daemon's figures.

use std::time::Duration;

use tokio::time::Instant;

use super::{offload, probe, running};
use crate::protocol::process::ProcessInfo;

/// Over how long CPU is measured at least. Linux counts in ticks of 10 ms: 2.5 % of this.
const SPAN: Duration = Duration::from_millis(400);

/// Measures the processes of one daemon.
#[derive(Debug)]
pub(crate) struct Meter {
    god: u32,
    probe: probe::Probe,
    /// When there is something to tell.
    ready: Option<Instant>,
}

impl Meter {
    /// Notes the CPU time that the processes of the daemon with this system's id have used so far.
    pub(crate) async fn begin(god: u32) -> Self {
        let mut probe = probe::Probe::default();
        let looking = offload::look(move || {
            let count = probe.begin(god);
            (probe, count)
        });
        let (probe, count) = looking.await.unwrap_or_default();
        Self { god, probe, ready: (count > 0).then(|| Instant::now() + SPAN) }
    }

    /// Waits until the span is long enough.
    pub(crate) async fn ready(&self) {
        if let Some(ready) = self.ready {
            tokio::time::sleep_until(ready).await;
        }
    }

    /// Gives these processes the CPU that they used since the last look, or since they started if
    /// that is later, and their memory.
    pub(crate) async fn fill(&mut self, infos: &mut [ProcessInfo]) {
        let (god, pids) = (self.god, running(infos));
        let mut probe = std::mem::take(&mut self.probe);
        let looking = offload::look(move || {
            let measured = probe.measure(god, &pids);
            (probe, measured)
        });
        let Some((probe, measured)) = looking.await else { return };
        self.probe = probe;
        for one in measured {
            let info = infos.iter_mut().find(|info| info.pm_id == one.pm_id);
            if let Some(info) = info {
                info.cpu_percent = Some(one.own.cpu_percent);
                info.memory_bytes = Some(one.own.memory_bytes);
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

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
        // A daemon without processes is not waited for.
        let meter = Meter::begin(u32::MAX).await;
        assert!(meter.ready.is_none());
    }
}
