//! Moments in the words of people: `14:05`, `-10m`, `yesterday 23:00`, `2026-11-28T03:12`.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// What can be written, for who wrote something else.
pub const FORMS: &str = "14:05, 3am, 03:00:10, 10m or -10m (ago), today 3:00, yesterday 23:00, \
                         2026-11-28, 2026-11-28 03:12 or 2026-11-28T03:12:00Z";

/// A moment, milliseconds since 1970: `now_ms` is what `-10m` counts from, and whose day a time of the
/// day is of; one that is still to come is of the day before. `None` for anything else.
#[must_use]
pub fn moment(text: &str, now_ms: i64, utc_offset_s: i32) -> Option<i64> {
    let text = text.trim();
    if let Some(span_ms) = ago_ms(text) {
        return now_ms.checked_sub(span_ms);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_millisecond());
    }
    let offset = Offset::from_seconds(utc_offset_s).ok()?;
    let at = |time: DateTime| offset.to_timestamp(time).ok().map(jiff::Timestamp::as_millisecond);
    let now = jiff::Timestamp::from_millisecond(now_ms).ok()?;
    let today = offset.to_datetime(now).date();
    let (day, clock) = text.split_once(' ').unwrap_or((text, ""));
    let named = match day {
        "now" if clock.is_empty() => return Some(now_ms),
        "today" => Some(today),
        "yesterday" => Some(today.yesterday().ok()?),
        _ => None,
    };
    if let Some(day) = named {
        let clock = clock.trim();
        let clock = if clock.is_empty() { Time::midnight() } else { time_of_day(clock)? };
        return at(day.to_datetime(clock));
    }
    if let Some(clock) = time_of_day(text) {
        let here = at(today.to_datetime(clock))?;
        return if here > now_ms {
            at(today.yesterday().ok()?.to_datetime(clock))
        } else {
            Some(here)
        };
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return at(time);
    }
    let day: Date = text.parse().ok()?;
    at(day.to_datetime(Time::midnight()))
}

/// Whether it is a time of the day, without its day.
#[must_use]
pub fn is_of_day(text: &str) -> bool {
    time_of_day(text.trim()).is_some()
}

/// Whether it is so long ago: `-10m`, `2h`.
#[must_use]
pub fn is_ago(text: &str) -> bool {
    ago_ms(text.trim()).is_some()
}

fn ago_ms(text: &str) -> Option<i64> {
    span_ms(text.strip_prefix('-').unwrap_or(text))
}

/// `14:05`, `9:05`, `14:05:09.5`, `3am`, `3:05 pm`.
fn time_of_day(text: &str) -> Option<Time> {
    // A date with a time would be read as that time of any day, a number may be of minutes or hours.
    if text.contains(['-', 'T']) || text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let half = lower.strip_suffix("am").map(|rest| (rest, false));
    let half = half.or_else(|| lower.strip_suffix("pm").map(|rest| (rest, true)));
    let Some((rest, is_afternoon)) = half else {
        let is_short = text.as_bytes().get(1) == Some(&b':');
        return if is_short { format!("0{text}").parse().ok() } else { text.parse().ok() };
    };
    let rest = rest.trim_end();
    let (hour, behind) = rest
        .split_once(':')
        .map_or((rest, ""), |(hour, _)| (hour, rest.get(hour.len()..).unwrap_or_default()));
    let hour: u8 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    let hour = hour % 12 + if is_afternoon { 12 } else { 0 };
    let behind = if behind.is_empty() { ":00" } else { behind };
    format!("{hour:02}{behind}").parse().ok()
}

/// `90s`, `10m`, `2h`, `1d`, and several behind one another: `1h30m`.
fn span_ms(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut sum_ms = 0_i64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = rest.split_at_checked(digits)?;
        let letters =
            behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, behind) = behind.split_at_checked(letters)?;
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum_ms = sum_ms.checked_add(number.parse::<i64>().ok()?.checked_mul(unit_ms)?)?;
        rest = behind.trim_start();
    }
    Some(sum_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        // 2026-11-28T03:12:00 one hour ahead of UTC.
        let now_ms = 1_795_831_920_000;
        let ago = |text: &str| moment(text, now_ms, 3_600).map(|at_ms| (now_ms - at_ms) / 1_000);
        let table = [
            ("-10m", Some(600)),
            ("-1h30m", Some(5_400)),
            ("-90s ", Some(90)),
            ("now", Some(0)),
            ("03:10", Some(120)),
            ("3:10", Some(120)),
            ("04:12", Some(23 * 3_600)),
            ("yesterday 23:00", Some(4 * 3_600 + 720)),
            ("yesterday", Some(27 * 3_600 + 720)),
            ("today 01:12", Some(2 * 3_600)),
            ("2026-11-28T03:11", Some(60)),
            ("2026-11-27T03:11", Some(24 * 3_600 + 60)),
            ("2026-11-28 03:11:30", Some(30)),
            ("2026-11-28T02:12:00Z", Some(0)),
            ("2026-11-28", Some(3 * 3_600 + 720)),
            ("2h", Some(7_200)),
            ("10m", Some(600)),
            ("3am", Some(720)),
            ("3 AM", Some(720)),
            ("3:10am", Some(120)),
            ("12am", Some(3 * 3_600 + 720)),
            ("12pm", Some(15 * 3_600 + 720)),
            ("11:12pm", Some(4 * 3_600)),
            ("3:00", Some(720)),
            ("03:00:10", Some(710)),
            ("today 3:00", Some(720)),
            ("today 3am", Some(720)),
            ("yesterday 11pm", Some(4 * 3_600 + 720)),
            ("13am", None),
            ("0am", None),
            ("am", None),
            ("3:99pm", None),
            ("soon", None),
            ("-", None),
            ("-5x", None),
            ("-99999999999999999999d", None),
            ("yesterday noon", None),
            ("25:00", None),
            ("", None),
        ];
        for (text, wanted) in table {
            assert_eq!(ago(text), wanted, "{text}");
        }
    }
}
