//! Whether a process keeps crashing, from PM2's own figures alone.
//!
//! Invariant: one look is enough, but for 3 s after a command ([`doubt_ms`]); and a restart that a
//! client, a watcher or a cron pattern commanded is no crash: PM2 sets `created_at` anew and
//! `unstable_restarts` to 0 for each of those (`lib/God/Methods.js` `resetState`), and leaves both alone
//! when it restarts what crashed (`lib/God.js` `handleExit`).

use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// So many restarts are more than a mishap.
const RESTARTS_MIN: u32 = 3;
/// So many unstable restarts are those of crashes: a commanded restart counts one at most, of the life that
/// it ends (`lib/God.js` `handleExit`).
const UNSTABLE_MIN: u32 = 2;
/// A process that is up for so long is stable: then PM2 itself forgets the back-off of its crashes
/// (`constants.js` `EXP_BACKOFF_RESET_TIMER`), milliseconds.
const STABLE_AFTER_MS: i64 = 30_000;
/// What a commanded restart may take between setting `created_at` and starting the process, besides
/// the process's own `kill_timeout`, milliseconds.
const RESTART_MARGIN_MS: i64 = 1_000;
/// The longest pause that PM2's growing back-off reaches, milliseconds (`lib/God.js`).
const BACKOFF_MAX_MS: u64 = 15_000;
/// How long a process that somebody just restarted may have to be watched until it is known whether it
/// loops still, milliseconds.
const DOUBT_MS: i64 = 3_000;

/// Whether a process is in a crash loop: it runs, or waits for its next start; it was restarted at
/// least three times, the last time by PM2 itself after a crash; and it has not been up long enough
/// since to be called stable. `now_ms` is the time of the snapshot, milliseconds since 1970.
///
/// A process that PM2 gave up on is not looping any more: see [`ProcessInfo::has_given_up`].
#[must_use]
pub fn looks_looping(info: &ProcessInfo, now_ms: i64) -> bool {
    loops(info, true, now_ms)
}

/// The same by the last event, which carries no pid, where that is not known since.
#[must_use]
pub(super) fn loops(info: &ProcessInfo, is_pid_known: bool, now_ms: i64) -> bool {
    let is_between =
        if is_pid_known { info.is_between_lives() } else { info.stays_stopped().is_none() };
    let delay_ms = match info.status {
        ProcessStatus::Online if is_pid_known && info.never_started() => return false,
        ProcessStatus::Online | ProcessStatus::Launching => 0,
        // `pm_uptime` is still that of the life before.
        ProcessStatus::Stopped if is_between => 0,
        ProcessStatus::WaitingRestart if !info.has_given_up() => {
            info.backoff_last_ms.or(info.restart_delay_ms).unwrap_or(0)
        }
        _ => return false,
    };
    let Some(started_ms) = info.online_since_ms else { return false };
    let stable_ms = STABLE_AFTER_MS.saturating_add(whole(delay_ms));
    let is_young = now_ms.saturating_sub(started_ms) < stable_ms;
    let is_down = is_between && info.status == ProcessStatus::Stopped;
    let has_crashed = info.unstable_restarts >= RESTARTS_MIN
        || (info.restarts >= RESTARTS_MIN
            && (info.unstable_restarts >= UNSTABLE_MIN
                || started_by_pm2(info, started_ms)
                || is_down
                || info.status == ProcessStatus::WaitingRestart));
    is_young && has_crashed
}

/// Whether PM2 may have started a process anew within the last 30 s since it had ended by itself: so does
/// the first crash of a loop look, before the third restart. A commanded restart within `min_uptime` of
/// the start before it looks the same: PM2 counts it as unstable, too (`lib/God.js` `handleExit`).
#[must_use]
pub fn may_have_crashed(info: &ProcessInfo, now_ms: i64) -> bool {
    let (true, Some(started_ms)) = (is_up(info), info.online_since_ms) else { return false };
    let is_own_start = || started_by_pm2(info, started_ms);
    now_ms.saturating_sub(started_ms) < STABLE_AFTER_MS
        && (info.unstable_restarts > 0 || (info.restarts > 0 && is_own_start()))
}

/// Whether it runs, as far as PM2 knows.
fn is_up(info: &ProcessInfo) -> bool {
    let is_up = matches!(info.status, ProcessStatus::Online | ProcessStatus::Launching);
    is_up && !info.never_started()
}

/// Whether its last start was PM2's own, and no command's.
fn started_by_pm2(info: &ProcessInfo, started_ms: i64) -> bool {
    let commanded_ms = RESTART_MARGIN_MS.saturating_add(whole(info.kill_ms()));
    let since = |created_ms: i64| started_ms.saturating_sub(created_ms);
    info.created_at_ms.is_some_and(|created_ms| since(created_ms) > commanded_ms)
}

/// The pause before PM2 starts a crashed process again, as `God.handleExit` reckons it, milliseconds.
#[must_use]
pub fn restart_delay_ms(info: &ProcessInfo) -> Option<u64> {
    let backoff = info.backoff_first_ms.map(|first| match info.backoff_last_ms {
        None | Some(0) => first,
        Some(last) => (last.saturating_mul(3) / 2).min(BACKOFF_MAX_MS),
    });
    backoff.or(info.restart_delay_ms).filter(|delay| *delay > 0)
}

/// The pause of a process that waits for its restart: PM2 has reckoned it by then, milliseconds.
#[must_use]
pub fn waited_ms(info: &ProcessInfo) -> Option<u64> {
    let backoff = info.backoff_first_ms.and(info.backoff_last_ms).filter(|delay| *delay > 0);
    backoff.or(info.restart_delay_ms).filter(|delay| *delay > 0)
}

/// How long to wait before a second look at a process that may loop without looking so, milliseconds:
/// it was restarted at least three times, and somebody commanded one of them just now, which hides the
/// crashes before. `None` where one look tells.
#[must_use]
pub fn doubt_ms(info: &ProcessInfo, now_ms: i64) -> Option<u64> {
    if !may_loop(info, now_ms) || looks_looping(info, now_ms) {
        return None;
    }
    let left_ms = info.online_since_ms?.saturating_add(DOUBT_MS).saturating_sub(now_ms);
    u64::try_from(left_ms.min(DOUBT_MS)).ok().filter(|left_ms| *left_ms > 0)
}

/// Whether a process that is young was restarted so often that it may be in a crash loop.
#[must_use]
pub fn may_loop(info: &ProcessInfo, now_ms: i64) -> bool {
    let is_young = info
        .online_since_ms
        .is_some_and(|started_ms| now_ms.saturating_sub(started_ms) < STABLE_AFTER_MS);
    (is_up(info) || info.is_between_lives()) && is_young && info.restarts >= RESTARTS_MIN
}

/// Whether a process was restarted so often, the last time after it had crashed between two looks, that
/// it is in a crash loop: that restart was none of a command.
#[must_use]
pub fn has_crashed(before: &ProcessInfo, now: &ProcessInfo) -> bool {
    now.restarts >= RESTARTS_MIN
        && now.restarts > before.restarts
        && now.created_at_ms == before.created_at_ms
}

fn whole(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::PmId;

    const NOW: i64 = 1_700_000_000_000;

    /// A process that was created ten minutes ago, crashed nine times and came up a second ago.
    fn crashing() -> ProcessInfo {
        ProcessInfo {
            pid: Some(7),
            restarts: 9,
            created_at_ms: Some(NOW - 600_000),
            online_since_ms: Some(NOW - 1_000),
            ..ProcessInfo::new(PmId(0), "api", ProcessStatus::Online)
        }
    }

    #[test]
    fn one_look_tells_a_crash_loop() {
        let looks = |change: &dyn Fn(&mut ProcessInfo)| {
            let mut info = crashing();
            change(&mut info);
            looks_looping(&info, NOW)
        };
        assert!(looks(&|_| {}), "restarted nine times, the last time a second ago");
        assert!(looks(&|info| info.status = ProcessStatus::Launching));
        assert!(looks(&|info| (info.restarts, info.unstable_restarts) = (3, 3)));
        let soon = |info: &mut ProcessInfo| {
            info.created_at_ms = Some(NOW - 1_400);
            info.unstable_restarts = 3;
        };
        assert!(looks(&soon), "three crashes at once after a deploy");

        let again = |info: &mut ProcessInfo| {
            info.created_at_ms = Some(NOW - 2_000);
            info.unstable_restarts = 2;
        };
        assert!(looks(&again), "restarted by somebody, and it crashes as before");
        assert!(
            !looks(&|info| {
                again(info);
                info.unstable_restarts = 1;
            }),
            "that one is of the life that the command ended"
        );

        assert!(!looks(&|info| info.restarts = 2), "two restarts are a mishap");
        assert!(!looks(&|info| info.online_since_ms = Some(NOW - 30_000)), "it is stable again");
        let stable = |info: &mut ProcessInfo| {
            info.unstable_restarts = 12;
            info.online_since_ms = Some(NOW - 86_400_000);
        };
        assert!(!looks(&stable), "it crashed at its start, a day ago");
        let commanded = |info: &mut ProcessInfo| info.created_at_ms = Some(NOW - 2_700);
        assert!(!looks(&commanded), "somebody restarted it just now, and it took long to stop");
        let stubborn = |info: &mut ProcessInfo| {
            info.created_at_ms = Some(NOW - 20_000);
            info.kill_timeout_ms = Some(20_000);
        };
        assert!(!looks(&stubborn), "it may take 20 s to stop");
        let between = |info: &mut ProcessInfo| info.status = ProcessStatus::Stopped;
        assert!(looks(&between), "between its end and its start it has its old pid");
        assert!(!looks(&|info| info.pid = None), "it never started");
        assert!(!looks(&|info| info.online_since_ms = None));
        for calm in [ProcessStatus::Stopped, ProcessStatus::Stopping, ProcessStatus::Errored] {
            let calmed = |info: &mut ProcessInfo| {
                (info.status, info.pid) =
                    (calm.clone(), info.pid.filter(|_| calm != ProcessStatus::Stopped));
            };
            assert!(!looks(&calmed), "{calm:?}");
        }
    }

    #[test]
    fn a_first_crash_is_told_though_it_is_no_loop() {
        let lately = |change: &dyn Fn(&mut ProcessInfo)| {
            let mut info = ProcessInfo { restarts: 1, unstable_restarts: 1, ..crashing() };
            change(&mut info);
            may_have_crashed(&info, NOW) && !looks_looping(&info, NOW)
        };
        assert!(lately(&|_| {}));
        assert!(lately(&|info| info.unstable_restarts = 0), "it lived longer than `min_uptime`");
        assert!(!lately(&|info| (info.restarts, info.unstable_restarts) = (0, 0)));
        assert!(!lately(&|info| info.online_since_ms = Some(NOW - 30_000)));
        assert!(!lately(&|info| (info.status, info.pid) = (ProcessStatus::Stopped, None)));
        let commanded = |info: &mut ProcessInfo| {
            (info.unstable_restarts, info.created_at_ms) = (0, Some(NOW - 1_200));
        };
        assert!(!lately(&commanded), "somebody restarted it");
    }

    #[test]
    fn a_command_just_now_leaves_a_doubt() {
        let commanded = ProcessInfo { created_at_ms: Some(NOW - 1_200), ..crashing() };
        assert_eq!(doubt_ms(&commanded, NOW), Some(2_000), "until it was up for 3 s");
        assert_eq!(doubt_ms(&commanded, NOW + 2_000), None, "it was");
        assert_eq!(doubt_ms(&crashing(), NOW), None, "it loops for certain");
        let twice = ProcessInfo { restarts: 2, ..commanded.clone() };
        assert_eq!(doubt_ms(&twice, NOW), None, "a mishap");
        let later = ProcessInfo { restarts: 10, ..commanded.clone() };
        assert!(has_crashed(&commanded, &later));
        let first = ProcessInfo { restarts: 0, ..commanded.clone() };
        let once = ProcessInfo { restarts: 1, ..commanded.clone() };
        assert!(!has_crashed(&first, &once), "one crash is no loop");
        let again = ProcessInfo { created_at_ms: Some(NOW), ..later };
        assert!(!has_crashed(&commanded, &again), "somebody restarted it once more");
    }

    #[test]
    fn waiting_for_the_next_start_is_part_of_the_loop() {
        let mut info = ProcessInfo {
            status: ProcessStatus::WaitingRestart,
            backoff_first_ms: Some(100),
            backoff_last_ms: Some(15_000),
            ..crashing()
        };
        info.online_since_ms = Some(NOW - 14_000);
        assert!(looks_looping(&info, NOW));
        info.online_since_ms = Some(NOW - 44_000);
        assert!(looks_looping(&info, NOW), "it may have lived for 29 s and waited for 15 s");
        info.online_since_ms = Some(NOW - 46_000);
        assert!(!looks_looping(&info, NOW), "its last life was a long one");
        info.online_since_ms = Some(NOW - 1_000);
        info.created_at_ms = None;
        assert!(info.has_given_up() && !looks_looping(&info, NOW), "PM2 gave up");
    }
}
