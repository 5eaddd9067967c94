//! The wall clock, for times that are shown; waiting is measured with tokio's `Instant`.
//!
//! Invariant: nothing is decided by the wall clock, which can be set back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, now.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub(crate) fn now_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => whole_ms(since) as i64,
        Err(before) => -(whole_ms(before.duration()) as i64),
    }
}

/// Seconds that local time is ahead of UTC at this time: by `TZ`, else by `/etc/localtime`.
pub(crate) fn utc_offset_s(at_ms: i64) -> i32 {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::TimeZone::system().to_offset(at).seconds()
}

/// A duration in whole milliseconds.
pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
