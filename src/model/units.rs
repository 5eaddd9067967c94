//! Numbers with their units, and times, as they are shown on the screen and in tables.
//!
//! Invariant: any number gives a short text; nothing here panics or reads a clock.

const KIB: u64 = 1024;
const MIB: u64 = KIB * 1024;
const GIB: u64 = MIB * 1024;

/// Bytes with a unit and one decimal: `120.4 MiB`; at most 10 columns.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        // Not `1024.0 KiB`: what rounds up to the next unit is shown in it.
        0..KIB => return format!("{bytes} B"),
        KIB..1_048_525 => (KIB, "KiB"),
        1_048_525..1_073_689_395 => (MIB, "MiB"),
        _ => (GIB, "GiB"),
    };
    format!("{:.1} {name}", bytes as f64 / unit as f64)
}

/// Bytes for narrow columns: `120M`, `1.2G`; at most 5 columns up to 9999 GiB.
#[must_use]
pub fn bytes_short(bytes: u64) -> String {
    let rounded = |unit: u64| (bytes as f64 / unit as f64).round() as u64;
    if bytes < KIB {
        format!("{bytes}B")
    } else if rounded(KIB) < KIB {
        format!("{}K", rounded(KIB))
    } else if rounded(MIB) < KIB {
        format!("{}M", rounded(MIB))
    } else if bytes < 100 * GIB {
        format!("{:.1}G", bytes as f64 / GIB as f64)
    } else {
        format!("{}G", rounded(GIB))
    }
}

/// Percent with one decimal: `12.3%`; from 1000 on without. `-` for what is no number.
#[must_use]
pub fn percent(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    // No sign: the sum of nothing is -0.
    let value = value.max(0.0).abs();
    if value < 999.95 { format!("{value:.1}%") } else { format!("{:.0}%", value.min(999_999.0)) }
}

/// Percent in at most 5 columns: `12.3%`, `100%`.
#[must_use]
pub fn percent_short(value: f64) -> String {
    if value.is_finite() && value >= 99.95 {
        format!("{:.0}%", value.min(9999.0))
    } else {
        percent(value)
    }
}

/// A time span, ever coarser, so that it seldom changes: `42s`, `12m`, `3h 12m`, `3d 04h`, `1234d`.
#[must_use]
pub fn uptime(span_ms: i64) -> String {
    let seconds = span_ms.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if minutes == 0 {
        format!("{seconds}s")
    } else if hours == 0 {
        format!("{minutes}m")
    } else if days == 0 {
        format!("{hours}h {:02}m", minutes % 60)
    } else if days < 1000 {
        format!("{days}d {:02}h", hours % 24)
    } else {
        format!("{days}d")
    }
}

/// A time span: tenths of a second up to a minute, coarser beyond.
#[must_use]
pub fn span(ms: u64) -> String {
    if ms < 60_000 {
        format!("{:.1} s", ms as f64 / 1000.0)
    } else {
        uptime(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

/// The same of what is known to a second: `2 s`, `12m`.
#[must_use]
pub fn whole_span(ms: u64) -> String {
    if ms < 60_000 {
        format!("{} s", ms / 1000)
    } else {
        uptime(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

/// Whole seconds that are left until a moment, rounded up; `None` once it is there.
#[must_use]
pub fn seconds_until(at_ms: i64, now_ms: i64) -> Option<i64> {
    let left_ms = at_ms.saturating_sub(now_ms);
    (left_ms > 0).then(|| left_ms.saturating_add(999) / 1000)
}

/// The day of a wall clock time, `2026-11-28`; empty where it is out of range.
#[must_use]
pub fn day(at_ms: i64, utc_offset_s: i32) -> String {
    let day = jiff::Timestamp::from_millisecond(at_ms).ok().and_then(|at| {
        let offset = jiff::tz::Offset::from_seconds(utc_offset_s).ok()?;
        Some(offset.to_datetime(at).date().to_string())
    });
    day.unwrap_or_default()
}

/// How much of a moment is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// `12:03:01.123`
    Milliseconds,
    /// `12:03:01`
    Seconds,
    /// `12:03`
    Minutes,
}

impl Clock {
    /// Columns that it takes.
    #[must_use]
    pub fn columns(self) -> u16 {
        match self {
            Self::Milliseconds => 12,
            Self::Seconds => 8,
            Self::Minutes => 5,
        }
    }
}

/// A moment as the time of day, `offset_s` seconds ahead of UTC.
#[must_use]
pub fn clock(at_ms: i64, offset_s: i32, clock: Clock) -> String {
    let local_ms = at_ms.saturating_add(i64::from(offset_s) * 1000);
    let of_day = local_ms.rem_euclid(86_400_000);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, millisecond) = (of_day / 1000 % 60, of_day % 1000);
    match clock {
        Clock::Milliseconds => format!("{hour:02}:{minute:02}:{second:02}.{millisecond:03}"),
        Clock::Seconds => format!("{hour:02}:{minute:02}:{second:02}"),
        Clock::Minutes => format!("{hour:02}:{minute:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_units() {
        for (value, long, short) in [
            (0, "0 B", "0B"),
            (1023, "1023 B", "1023B"),
            (1024, "1.0 KiB", "1K"),
            (1_048_524, "1023.9 KiB", "1M"),
            (1_048_575, "1.0 MiB", "1M"),
            (126_248_550, "120.4 MiB", "120M"),
            (1_073_741_823, "1.0 GiB", "1.0G"),
            (1_288_490_189, "1.2 GiB", "1.2G"),
            (u64::MAX, "17179869184.0 GiB", "17179869184G"),
        ] {
            assert_eq!(bytes(value), long);
            assert_eq!(bytes_short(value), short, "{value}");
        }
    }

    #[test]
    fn percents() {
        assert_eq!(percent(-0.0), "0.0%");
        assert_eq!(percent(0.0), "0.0%");
        assert_eq!(percent(12.34), "12.3%");
        assert_eq!(percent(100.0), "100.0%");
        assert_eq!(percent(1600.0), "1600%");
        assert_eq!(percent(999.99), "1000%");
        assert_eq!(percent(-3.0), "0.0%");
        assert_eq!(percent(f64::NAN), "-");
        assert_eq!(percent(f64::INFINITY), "-");
        assert_eq!(percent_short(99.94), "99.9%");
        assert_eq!(percent_short(99.99), "100%");
        assert_eq!(percent_short(1600.2), "1600%");
    }

    #[test]
    fn uptimes() {
        for (ms, text) in [
            (-5, "0s"),
            (0, "0s"),
            (59_999, "59s"),
            (60_000, "1m"),
            (3_599_999, "59m"),
            (3_600_000, "1h 00m"),
            (11_520_000, "3h 12m"),
            (86_400_000, "1d 00h"),
            (273_600_000, "3d 04h"),
            (i64::MAX, "106751991167d"),
        ] {
            assert_eq!(uptime(ms), text);
        }
    }

    #[test]
    fn countdown_rounds_up() {
        assert_eq!(seconds_until(3_000, 0), Some(3));
        assert_eq!(seconds_until(2_001, 0), Some(3));
        assert_eq!(seconds_until(0, 0), None);
        assert_eq!(seconds_until(i64::MIN, i64::MAX), None);
    }

    #[test]
    fn times_of_day() {
        let at = 1_700_000_000_123; // 22:13:20.123 UTC
        assert_eq!(clock(at, 0, Clock::Milliseconds), "22:13:20.123");
        assert_eq!(clock(at, 7200, Clock::Seconds), "00:13:20");
        assert_eq!(clock(at, -3600, Clock::Minutes), "21:13");
        assert_eq!(clock(-1, 0, Clock::Seconds), "23:59:59");
        let _ = clock(i64::MAX, i32::MAX, Clock::Seconds);
    }
}
