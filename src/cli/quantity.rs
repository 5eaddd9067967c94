//! Quantities as the user writes them: `1500ms`, `60s`, `5m`; `300M`, `1.5G`.
//!
//! Invariant: whatever is refused is refused with what would have been taken.

use std::time::Duration;

/// The longest span that is taken: thirty days.
const SPAN_MAX_S: f64 = 30.0 * 86_400.0;

/// Reads a span of time: a number and `ms`, `s`, `m`, `h` or `d`; without a unit, seconds.
///
/// # Errors
/// A sentence that says what is wanted.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let wanted = "a time like 1500ms, 60s, 5m, 2h or 1d is wanted, at most 30d";
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        other => return Err(format!("unknown unit `{other}`; {wanted}")),
    };
    let number: f64 = number.parse().map_err(|_| format!("not a number; {wanted}"))?;
    let seconds = number * factor;
    if !(0.0..=SPAN_MAX_S).contains(&seconds) {
        return Err(wanted.to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wanted.to_owned())
}

/// Reads a span of time in which something is to happen: as [`parse_span`], and not 0.
///
/// # Errors
/// A sentence that says what is wanted.
pub(super) fn parse_wait(text: &str) -> Result<Duration, String> {
    let span = parse_span(text)?;
    if span.is_zero() {
        return Err("it must be more than 0".to_owned());
    }
    Ok(span)
}

/// Reads a size in bytes: a number and `K`, `M` or `G` (1024-based, as PM2's `max_memory_restart`),
/// also written `KB`, `MiB` ..; without a unit, bytes.
///
/// # Errors
/// A sentence that says what is wanted.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let wanted = "a size like 500K, 300M or 1.5G is wanted, at most 1024G";
    let upper = unit.to_ascii_uppercase();
    let factor: f64 = match upper.trim_end_matches('B').trim_end_matches('I') {
        "" => 1.0,
        "K" => 1024.0,
        "M" => 1024.0 * 1024.0,
        "G" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(format!("unknown unit `{unit}`; {wanted}")),
    };
    let number: f64 = number.parse().map_err(|_| format!("not a number; {wanted}"))?;
    let bytes = number * factor;
    if !(0.0..=1024.0 * 1024.0 * 1024.0 * 1024.0).contains(&bytes) {
        return Err(wanted.to_owned());
    }
    Ok(bytes.round() as u64)
}

/// The longest settle window.
const SETTLE_MAX: Duration = Duration::from_hours(1);

/// A settle window: a duration of up to an hour, or 0.
///
/// # Errors
/// A sentence.
pub fn parse_settle(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let window = parse_span(text)?;
    if window > SETTLE_MAX {
        return Err("at most 1h".to_owned());
    }
    Ok(window)
}

/// Reads a share of one core: a number, with or without `%`.
pub(super) fn parse_percent(text: &str) -> Result<f32, String> {
    let number = text.trim().trim_end_matches('%').trim_end().parse().ok();
    let number = number.filter(|number: &f32| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "a percentage like 50 or 50% is wanted".to_owned())
}

/// Reads a whole number in a range.
pub(super) fn whole<T: TryFrom<u64>>(
    min: u64,
    max: u64,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.trim().parse().ok().filter(|number| (min..=max).contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            if max == u64::MAX {
                format!("a whole number, {min} or more, is wanted")
            } else {
                format!("a whole number from {min} to {max} is wanted")
            }
        })
    }
}

/// The number and the unit of a quantity.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).unwrap_or((text, ""));
    (number.trim(), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, millis) in [
            ("1500ms", 1500),
            ("60s", 60_000),
            ("60", 60_000),
            ("0.5s", 500),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("30d", 2_592_000_000),
            ("0", 0),
        ] {
            assert_eq!(parse_span(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "s", "-1s", "1w", "NaN", "inf", "1e99s", "31d", "1 2s", "5 mm"] {
            let message = parse_span(wrong).unwrap_err();
            assert!(message.contains("60s"), "{wrong}: {message}");
        }
    }

    #[test]
    fn percentages_and_whole_numbers() {
        for (text, percent) in [("50", 50.0), ("50%", 50.0), ("0.5 %", 0.5), ("400%", 400.0)] {
            assert_eq!(parse_percent(text), Ok(percent), "{text}");
        }
        for wrong in ["", "%", "x", "-1", "NaN", "inf", "5%5"] {
            assert!(parse_percent(wrong).is_err(), "{wrong}");
        }
        let parse = whole::<u32>(1, 2_048);
        assert_eq!((parse("1"), parse(" 2048 ")), (Ok(1), Ok(2_048)));
        for wrong in ["", "0", "2049", "1.5", "-1", "x", "99999999999999999999"] {
            assert!(parse(wrong).unwrap_err().contains("1 to 2048"), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("512B", 512),
            ("500K", 512_000),
            ("300M", 314_572_800),
            ("300MiB", 314_572_800),
            ("300mb", 314_572_800),
            ("1.5G", 1_610_612_736),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "M", "-1M", "1T", "1x", "inf", "2000G"] {
            let message = parse_size(wrong).unwrap_err();
            assert!(message.contains("300M"), "{wrong}: {message}");
        }
    }
}
