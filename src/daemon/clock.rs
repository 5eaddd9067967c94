//! The wall clock, for times that are shown; waiting is measured with tokio's `Instant`.
//!
//! Invariant: nothing is decided by the wall clock, which can be set back.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;

/// Milliseconds since 1970, now.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub(crate) fn now_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => whole_ms(since) as i64,
        Err(before) => -(whole_ms(before.duration()) as i64),
    }
}

/// Seconds that local time is ahead of UTC at this time.
pub(crate) fn utc_offset_s(at_ms: i64) -> i32 {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    zone().to_offset(at).seconds()
}

/// The local time zone: by `TZ`, else by `/etc/localtime`, read once.
///
/// What jiff does for the latter lists all zones that the machine knows, to name it: some 600 files, whose
/// names are kept.
pub(crate) fn zone() -> TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    let by_file = || {
        let is_named = std::env::var_os("TZ").is_some();
        let bytes = (!is_named).then(|| std::fs::read("/etc/localtime").ok())??;
        TimeZone::tzif("/etc/localtime", &bytes).ok()
    };
    ZONE.get_or_init(|| by_file().unwrap_or_else(TimeZone::system)).clone()
}

/// A duration in whole milliseconds.
pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_is_that_of_the_machine() {
        for second in (-2_000_000_000..=4_000_000_000_i64).step_by(5_000_000) {
            let at = jiff::Timestamp::from_second(second).unwrap();
            assert_eq!(zone().to_offset(at), TimeZone::system().to_offset(at), "{at}");
        }
    }
}
