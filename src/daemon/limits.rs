//! How long a daemon may take for a call, over what any call may take: the one place for it.
//!
//! Source: PM2's `constants.js` and `lib/God/ActionMethods.js`; docs/pm2.md section 7.

use std::time::Duration;

use serde_json::Value as Json;

use crate::protocol::process::ProcessInfo;
use crate::protocol::rpc::CheckedCall;

/// Over the longest that a process may take, a reload gets this (docs/pm2.md section 7).
const RELOAD_MIN: Duration = Duration::from_secs(15);
/// `sendSignalToProcessName` waits 200 ms for each two processes.
const SIGNALS_MAX: Duration = Duration::from_secs(30);
/// What `kill_timeout` and `listen_timeout` are together where a process has none of its own
/// (PM2's `constants.js`).
const SLOW_DEFAULT_MS: u64 = 1_600 + 3_000;

/// Whether a call takes as long as the processes take to stop and start again.
pub(super) fn hangs_on_processes(call: &CheckedCall) -> bool {
    matches!(
        call.method(),
        "restartProcessId"
            | "startProcessId"
            | "stopProcessId"
            | "deleteProcessId"
            | "stopAll"
            | "deleteAll"
            | "stopProcessName"
            | "restartProcessName"
            | "deleteProcessName"
            | "duplicateProcessId"
            | "reloadProcessId"
            | "softReloadProcessId"
    )
}

/// What the daemon itself may take for a call. `slowest` is the longest that a process may take to
/// stop and start again; it counts where the call [hangs on it](hangs_on_processes).
pub(super) fn of_daemon(call: &CheckedCall, slowest: Duration) -> Duration {
    let arg = call.args().first();
    match call.method() {
        "restartProcessId" => slowest + renewed(arg),
        "reloadProcessId" | "softReloadProcessId" => slowest.max(RELOAD_MIN),
        "prepare" | "prepareJson" => starting(arg),
        "profileCPU" | "profileMEM" => milliseconds(arg, "timeout", 5_000),
        "sendSignalToProcessName" => SIGNALS_MAX,
        _ if hangs_on_processes(call) => slowest,
        _ => Duration::ZERO,
    }
}

/// The longest that any of these may take to stop and start again, milliseconds; never 0.
pub(super) fn slowest_ms(processes: &[ProcessInfo]) -> u64 {
    let slow = |info: &ProcessInfo| {
        info.kill_timeout_ms.unwrap_or(0).saturating_add(info.listen_timeout_ms.unwrap_or(0))
    };
    processes.iter().map(slow).max().unwrap_or(0).saturating_add(SLOW_DEFAULT_MS)
}

/// How long `prepare` may take: with `wait_ready` it answers when the process is ready.
fn starting(app: Option<&Json>) -> Duration {
    let count = app.and_then(|app| app.get("instances")?.as_u64()).unwrap_or(1).clamp(1, 64);
    milliseconds(app, "listen_timeout", 3_000).saturating_mul(u32::try_from(count).unwrap_or(64))
}

/// What the times of a new configuration add to a restart.
fn renewed(opts: Option<&Json>) -> Duration {
    let conf = opts.and_then(|opts| opts.get("env")?.get("current_conf"));
    milliseconds(conf, "kill_timeout", 0) + milliseconds(conf, "listen_timeout", 0)
}

fn milliseconds(arg: Option<&Json>, key: &str, default: u64) -> Duration {
    Duration::from_millis(arg.and_then(|arg| arg.get(key)?.as_u64()).unwrap_or(default))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    #[test]
    fn a_call_gets_the_time_that_the_slowest_process_may_take() {
        let mut slow = ProcessInfo::new(PmId(0), "slow", ProcessStatus::Online);
        assert_eq!(slowest_ms(&[slow.clone()]), SLOW_DEFAULT_MS);
        assert_eq!(slowest_ms(&[]), SLOW_DEFAULT_MS);
        slow.kill_timeout_ms = Some(60_000);
        slow.listen_timeout_ms = Some(5_000);
        let other = ProcessInfo::new(PmId(1), "other", ProcessStatus::Online);
        assert_eq!(slowest_ms(&[other, slow]), 65_000 + SLOW_DEFAULT_MS);
        let app = json!({ "instances": 2, "listen_timeout": 7_000 });
        assert_eq!(starting(Some(&app)), Duration::from_secs(14));
        assert_eq!(starting(Some(&json!({ "instances": -1 }))), Duration::from_secs(3));
    }
}
