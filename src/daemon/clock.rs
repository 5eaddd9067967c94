//! The wall clock, for times that are shown; waiting is measured with tokio's `Instant`.
//!
//! Invariant: nothing is decided by the wall clock, which can be set back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, now.
#[expect(
    clippy::disallowed_methods,
    reason = "daemon/ is one of the two places that may read a clock"
)]
pub(crate) fn now_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => whole_ms(since) as i64,
        Err(before) => -(whole_ms(before.duration()) as i64),
    }
}

/// A duration in whole milliseconds.
pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
