//! When a process that waits is started again, where nobody saw it end.
//!
//! Invariant: it is told only where PM2's own log says when it ended, and the time is to come.

use super::death::BlackBox;
use super::looping::waited_ms;
use super::moment::Moment;
use super::process::Process;
use crate::protocol::process::ProcessStatus;

/// PM2's log has whole seconds.
const WITHIN_MS: i64 = 999;

/// Has a process that waits, and that ended as its black box says, count down.
pub(super) fn count_down(process: &mut Process, lives: &BlackBox, now: Moment) {
    let is_waiting = process.info.status == ProcessStatus::WaitingRestart;
    if !is_waiting || process.restarts_at_ms.is_some() {
        return;
    }
    let (Some(last), Some(delay)) = (lives.last(), waited_ms(&process.info)) else { return };
    let delay = i64::try_from(delay).unwrap_or(i64::MAX);
    let at_ms = last.ended_ms.saturating_add(WITHIN_MS).saturating_add(delay);
    process.restarts_at_ms = (at_ms > now.wall_ms).then(|| now.steady_of(at_ms));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::death::after::{Left, reconstruct};
    use crate::protocol::process::{PmId, ProcessInfo};

    fn counted(info: &ProcessInfo, now: Moment) -> Option<i64> {
        let console = "1970-01-01T00:00:10: PM2 log: App [job:1] exited with code [3] via signal \
                       [SIGINT]\n";
        let left = Left {
            listed: &[],
            log_since_ms: None,
            opening: None,
            info,
            console,
            errors: None,
            calm_since_ms: None,
            utc_offset_s: 0,
        };
        let mut process = Process::polled(info.clone(), now);
        count_down(&mut process, &reconstruct(&left), now);
        process.restarts_at_ms
    }

    #[test]
    fn what_ended_before_the_screen_was_opened_counts_down_too() {
        let now = |wall_ms| Moment { wall_ms, steady_ms: 500 };
        let mut info = ProcessInfo::new(PmId(1), "job", ProcessStatus::WaitingRestart);
        info.restart_delay_ms = Some(60_000);
        assert_eq!(counted(&info, now(30_999)), Some(40_500));
        assert_eq!(counted(&info, now(71_000)), None, "it should run by now");
        info.backoff_first_ms = Some(100);
        info.backoff_last_ms = Some(3_000);
        assert_eq!(counted(&info, now(11_999)), Some(2_500), "as it is now, not the next");
        info.status = ProcessStatus::Online;
        assert_eq!(counted(&info, now(11_999)), None);
        let unknown = ProcessInfo::new(PmId(1), "job", ProcessStatus::WaitingRestart);
        assert_eq!(counted(&unknown, now(11_999)), None);
    }
}
