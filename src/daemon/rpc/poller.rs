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

/// How many times as long as a poll took a large daemon is left alone where nothing waits for the next
/// one, and the longest of that: with 300 processes `pm2 monit` is so busy itself that it asks a few
/// times a minute only, and this program is to cost the daemon a fifth of that.
const QUIET_FACTOR: u32 = 2_500;
const QUIET_MAX: Duration = Duration::from_mins(2);
/// How many processes make a daemon large. The polls of a small one take long only where the machine is
/// busy, and cost it little.
const LARGE: usize = 100;

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

    /// The same where all is measured elsewhere, events tell of changes and nothing else waits for the
    /// next poll: a daemon with many processes is asked less often, the less the longer it takes.
    pub(super) fn quiet(mut self, processes: usize) -> Self {
        if processes >= LARGE {
            let quiet = self.took.saturating_mul(QUIET_FACTOR).min(QUIET_MAX);
            self.interval = self.interval.max(quiet);
        }
        self
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

    #[tokio::test(start_paused = true)]
    async fn where_nothing_waits_for_a_poll_a_large_daemon_is_left_alone() {
        let quiet = |took, interval, processes| {
            Pace::new(Instant::now(), ms(took), ms(interval)).quiet(processes).interval.as_secs()
        };
        let tens = |took| quiet(took, 10_000, LARGE);
        assert_eq!([1, 4, 10, 40, 60, 900].map(tens), [10, 10, 25, 100, 120, 120]);
        assert_eq!(quiet(35, 3_600_000, LARGE), 3_600, "who asks for less gets less");
        assert_eq!(quiet(900, 10_000, LARGE - 1), 10, "it is the machine that is busy");
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
