//! When to poll: at the asked-for interval, and later the longer the daemon takes: never more than a
//! twentieth of its time.
//!
//! Invariant: polls never overlap, and the pause after one is at least [`REST_FACTOR`] times as
//! long as it took; only a request of the user (Ctrl-R) shortens that, and then to a second.

use std::time::Duration;

use tokio::time::Instant;

/// How many times as long as a poll took the daemon is left alone after it: `getMonitorData` blocks
/// its only thread, and so all its other work (docs/pm2.md section 6).
pub(super) const REST_FACTOR: u32 = 20;
/// The grain of the pause that a slow daemon adds.
const QUARTER: Duration = Duration::from_millis(250);
/// The longest that a poll the user asked for is delayed.
const REQUEST_REST_MAX: Duration = Duration::from_secs(1);

/// How many times as long as a poll took the daemon is left alone where nothing waits for the next one,
/// and the longest of that: with 300 processes `pm2 monit` asks every six seconds, and this program is to
/// cost the daemon a fifth of that.
const QUIET_FACTOR: u32 = 1_000;
const QUIET_MAX: Duration = Duration::from_mins(1);

/// The interval between polls where all is measured elsewhere and events tell of changes: at least
/// this long, and longer the longer the daemon takes.
pub(super) fn quiet(interval: Duration, took: Duration) -> Duration {
    interval.max(took.saturating_mul(QUIET_FACTOR).min(QUIET_MAX))
}

/// Who asks for a poll before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PollRequest {
    /// Something happened: an action ended, a process changed.
    Change,
    /// The user.
    User,
}

/// The pace after one poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// When the last poll ended.
    ended: Instant,
    /// How long it took.
    took: Duration,
    interval: Duration,
}

impl Pace {
    pub(super) fn new(ended: Instant, took: Duration, interval: Duration) -> Self {
        Self { ended, took, interval }
    }

    /// The pause to the next poll when nobody asks for one earlier: the interval and the rest. A
    /// hundred processes are so polled a little less often than `pm2 monit` does it. The rest
    /// counts in quarters of a second, so that the pause shown does not tremble.
    pub(super) fn pause(&self) -> Duration {
        let rest = self.rest();
        let quarters = (rest + QUARTER / 2).as_millis() / QUARTER.as_millis();
        let quarters = u32::try_from(quarters).unwrap_or(u32::MAX);
        self.interval.saturating_add(QUARTER.saturating_mul(quarters)).max(rest)
    }

    /// When the next poll is due; `request` is the strongest one since the last poll.
    pub(super) fn due(&self, request: Option<PollRequest>) -> Instant {
        let pause = match request {
            None => self.pause(),
            Some(PollRequest::Change) => self.rest(),
            Some(PollRequest::User) => self.rest().min(REQUEST_REST_MAX),
        };
        self.ended + pause
    }

    /// What the daemon is left alone for.
    fn rest(&self) -> Duration {
        self.took.saturating_mul(REST_FACTOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn where_nothing_waits_for_a_poll_a_large_daemon_is_left_alone() {
        let tens = |took| quiet(ms(10_000), ms(took)).as_secs();
        assert_eq!([1, 10, 35, 60, 900].map(tens), [10, 10, 35, 60, 60]);
        assert_eq!(quiet(ms(3_600_000), ms(35)), ms(3_600_000), "who asks for less gets less");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_daemon_is_polled_less_often() {
        let now = Instant::now();
        let quick = Pace::new(now, ms(2), ms(1000));
        assert_eq!(quick.pause(), ms(1000));
        assert_eq!(quick.due(None), now + ms(1000));
        assert_eq!(quick.due(Some(PollRequest::Change)), now + ms(40));
        let slow = Pace::new(now, ms(100), ms(1000));
        assert_eq!(slow.pause(), ms(3000));
        assert_eq!(Pace::new(now, ms(12), ms(1000)).pause(), ms(1250));
        assert_eq!(slow.due(Some(PollRequest::Change)), now + ms(2000));
        assert_eq!(slow.due(Some(PollRequest::User)), now + ms(1000));
    }
}
