//! `check`: conditions, once, for probes and deploy scripts.
//!
//! Invariant: a line for each process and condition that does not hold, or could not be measured, and
//! exit code 1; one line and 0 where all do. Nothing to check is not fine.

use std::io::Write;

use super::failure::{Code, Failure};
use super::{Context, list, targets};
use crate::cli::Check;
use crate::daemon::clock::now_ms;
use crate::model::units;
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// Checks.
pub(super) async fn run(
    context: &Context,
    what: &Check,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let client = context.connect().await?;
    let snapshot = client.snapshot().await.map_err(|error| context.failure(error))?;
    client.disconnect().await;
    let all = ["all".to_owned()];
    let wanted = if what.targets.is_empty() { &all[..] } else { &what.targets };
    let found = targets::resolve(wanted, &snapshot.processes)?;
    if found.is_empty() {
        return Err(Failure::condition("there are no processes to check"));
    }
    let now_ms = now_ms();
    let mut failed = 0;
    let is_measuring = what.max_memory.is_some() || what.max_cpu.is_some();
    if let Some(why) = list::blindness(&snapshot.processes).filter(|_| is_measuring) {
        writeln!(out, "{why}")?;
        failed += 1;
    }
    for info in &found {
        for why in broken(what, info, now_ms) {
            writeln!(out, "{}: {why}", targets::label(info))?;
            failed += 1;
        }
    }
    if failed > 0 {
        return Ok(Code::Condition);
    }
    writeln!(out, "fine: {} process(es)", found.len())?;
    Ok(Code::Fine)
}

/// What does not hold for a process.
fn broken(what: &Check, info: &ProcessInfo, now_ms: i64) -> Vec<String> {
    let mut all = Vec::new();
    let is_online = info.status == ProcessStatus::Online && !info.never_started();
    let has_other = what.errored
        || what.max_restarts.is_some()
        || what.max_memory.is_some()
        || what.max_cpu.is_some()
        || what.min_uptime.is_some();
    if (what.online || !has_other) && !is_online {
        all.push(if info.never_started() {
            "online without a pid: it never started".to_owned()
        } else {
            format!("{}, not online", info.status.as_str())
        });
    } else if what.errored && info.has_given_up() {
        all.push(format!("{}: PM2 gave up starting it", info.status.as_str()));
    } else {
        // Its status is fine, or not asked for.
    }
    if let Some(max) = what.max_restarts.filter(|max| info.restarts > *max) {
        all.push(format!("{} restarts, more than {max}", info.restarts));
    }
    if let (Some(max), Some(bytes)) = (what.max_memory, info.memory_bytes)
        && bytes > max
    {
        all.push(format!("{} of memory, more than {}", units::bytes(bytes), units::bytes(max)));
    }
    if let (Some(max), Some(cpu)) = (what.max_cpu, info.cpu_percent)
        && cpu > max
    {
        let (cpu, max) = (f64::from(cpu), f64::from(max));
        all.push(format!("{} cpu, more than {}", units::percent(cpu), units::percent(max)));
    }
    if let (Some(min), Some(since), true) = (what.min_uptime, info.online_since_ms, is_online) {
        let span_ms = now_ms.saturating_sub(since);
        if span_ms < i64::try_from(min.as_millis()).unwrap_or(i64::MAX) {
            let min_ms = i64::try_from(min.as_millis()).unwrap_or(i64::MAX);
            let (up, min) = (units::uptime(span_ms), units::uptime(min_ms));
            all.push(format!("online for {up}, less than {min}"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::protocol::process::PmId;

    #[test]
    fn each_condition_that_is_given_must_hold() {
        let mut info = ProcessInfo::new(PmId(0), "api", ProcessStatus::Online);
        info.pid = Some(9);
        info.restarts = 5;
        info.memory_bytes = Some(2048);
        info.cpu_percent = Some(50.0);
        info.online_since_ms = Some(0);
        let said = |what: &Check, info: &ProcessInfo| broken(what, info, 10_000);
        let none = Check::default();
        assert_eq!(said(&none, &info), [] as [String; 0]);
        let strict = Check {
            max_restarts: Some(4),
            max_memory: Some(1024),
            max_cpu: Some(49.0),
            min_uptime: Some(Duration::from_secs(11)),
            ..Check::default()
        };
        assert_eq!(
            said(&strict, &info),
            [
                "5 restarts, more than 4",
                "2.0 KiB of memory, more than 1.0 KiB",
                "50.0% cpu, more than 49.0%",
                "online for 10s, less than 11s"
            ]
        );
        let lax = Check {
            max_restarts: Some(5),
            max_memory: Some(2048),
            max_cpu: Some(50.0),
            min_uptime: Some(Duration::from_secs(10)),
            ..Check::default()
        };
        assert_eq!(said(&lax, &info), [] as [String; 0]);
        info.pid = None;
        assert_eq!(said(&none, &info), ["online without a pid: it never started"]);
        info.status = ProcessStatus::Stopped;
        assert_eq!(said(&none, &info), ["stopped, not online"]);
        let errored = Check { errored: true, ..Check::default() };
        assert_eq!(said(&errored, &info), [] as [String; 0]);
        info.status = ProcessStatus::Errored;
        assert_eq!(said(&errored, &info).len(), 1);
    }
}
