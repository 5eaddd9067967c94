//! When a pattern fires next, as the library of a release reads it (docs/pm2-ops.md section 6).
//!
//! Invariant: what [`check`](super::check) refuses has no next run, and neither has what depends on the
//! moment at which the daemon read it (`?`).

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{COMMON, CRON, CRONER, Field, Read, Reader, check};

/// Beyond so many days, nothing is looked for: a 29 February comes within eight years.
const DAYS_MAX: usize = 3_000;

/// What a pattern names.
struct Schedule {
    seconds: Vec<i8>,
    minutes: Vec<i8>,
    hours: Vec<i8>,
    /// Days of the month; `None` for all.
    days: Option<Vec<i8>>,
    /// Whether the last day of the month is meant.
    is_last_day: bool,
    /// From 1; `None` for all.
    months: Option<Vec<i8>>,
    /// From Sunday, which is 0; `None` for all.
    weekdays: Option<Vec<i8>>,
}

/// When a pattern fires next after a moment, both milliseconds since 1970; `None` where it cannot be
/// told.
#[must_use]
pub fn next(pattern: &str, reader: Reader, zone: &TimeZone, after_ms: i64) -> Option<i64> {
    if reader == Reader::Every {
        return None;
    }
    check(pattern, reader).ok()?;
    let schedule = Schedule::read(pattern, reader)?;
    let after = Timestamp::from_millisecond(after_ms).ok()?;
    let now = zone.to_datetime(after);
    let mut date = now.date();
    for day in 0..DAYS_MAX {
        if schedule.has(date) {
            let from = if day == 0 { now } else { date.to_datetime(jiff::civil::Time::midnight()) };
            if let Some(at) = schedule.on(date, from, zone, after) {
                return Some(at.as_millisecond());
            }
        }
        date = date.checked_add(1.day()).ok()?;
    }
    None
}

impl Schedule {
    fn read(pattern: &str, reader: Reader) -> Option<Self> {
        let words: Vec<&str> = pattern.split_ascii_whitespace().collect();
        let (seconds, words) = match words.as_slice() {
            [minutes, hours, days, months, weekdays] => {
                (None, [*minutes, *hours, *days, *months, *weekdays])
            }
            [seconds, minutes, hours, days, months, weekdays] => {
                (Some(*seconds), [*minutes, *hours, *days, *months, *weekdays])
            }
            _ => return None,
        };
        let [seconds_of, minutes_of, hours_of, days_of] = &COMMON;
        let [months_of, weekdays_of] = if reader.is_croner() { &CRONER } else { &CRON };
        let [minutes, hours, days, months, weekdays] = words;
        let all = |field: &Field| field.numbers.clone().map(|number| number as i8).collect();
        let read = |field: &Field, word: &str| -> Option<Option<Vec<i8>>> {
            match field.read(word, reader)? {
                Read::All => Some(None),
                Read::Now => None,
                Read::Numbers(all) => {
                    Some(Some(all.into_iter().map(|number| number as i8).collect()))
                }
            }
        };
        let first_month = i8::from(!reader.is_croner());
        let is_last_day = days.eq_ignore_ascii_case("l");
        Some(Self {
            seconds: match seconds {
                Some(word) => read(seconds_of, word)?.unwrap_or_else(|| all(seconds_of)),
                None => vec![0],
            },
            minutes: read(minutes_of, minutes)?.unwrap_or_else(|| all(minutes_of)),
            hours: read(hours_of, hours)?.unwrap_or_else(|| all(hours_of)),
            days: read(days_of, days)?,
            is_last_day,
            months: read(months_of, months)?
                .map(|months| months.into_iter().map(|month| month + first_month).collect()),
            weekdays: read(weekdays_of, weekdays)?
                .map(|days| days.into_iter().map(|day| day % 7).collect()),
        })
    }

    /// Whether it names this day: day of the month and weekday must both fit.
    fn has(&self, date: Date) -> bool {
        let fits =
            |all: &Option<Vec<i8>>, one: i8| all.as_ref().is_none_or(|all| all.contains(&one));
        let is_last = date.day() == date.last_of_month().day();
        fits(&self.months, date.month())
            && fits(&self.days, date.day())
            && (is_last || !self.is_last_day)
            && fits(&self.weekdays, date.weekday().to_sunday_zero_offset())
    }

    /// Its first time on this day that is from that time on, and after that moment.
    fn on(
        &self,
        date: Date,
        from: DateTime,
        zone: &TimeZone,
        after: Timestamp,
    ) -> Option<Timestamp> {
        let sorted = |all: &[i8]| {
            let mut all = all.to_vec();
            all.sort_unstable();
            all
        };
        let (hours, minutes) = (sorted(&self.hours), sorted(&self.minutes));
        let seconds = sorted(&self.seconds);
        for hour in hours.into_iter().filter(|hour| *hour >= from.hour()) {
            for minute in &minutes {
                if date.at(hour, *minute, 59, 0) < from {
                    continue;
                }
                let times = seconds.iter().map(|second| date.at(hour, *minute, *second, 0));
                for time in times {
                    let at = zone.to_ambiguous_timestamp(time).compatible().ok()?;
                    if at > after {
                        return Some(at);
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next run after that moment, as it is told there.
    fn told(pattern: &str, reader: Reader, zone: &str, after: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        let after: Timestamp = after.parse().unwrap();
        match next(pattern, reader, &zone, after.as_millisecond()) {
            Some(at_ms) => {
                zone.to_datetime(Timestamp::from_millisecond(at_ms).unwrap()).to_string()
            }
            None => "never".to_owned(),
        }
    }

    #[test]
    fn the_next_run_is_by_the_zone_of_the_daemon() {
        // A Saturday.
        let after = "2026-11-28T09:54:11Z";
        let croner = |pattern| told(pattern, Reader::Croner, "Asia/Kolkata", after);
        for (pattern, wanted) in [
            ("0 3 * * *", "2026-11-29T03:00:00"),
            ("*/5 * * * *", "2026-11-28T15:25:00"),
            ("24 15 * * *", "2026-11-29T15:24:00"),
            ("*/10 * * * * *", "2026-11-28T15:24:20"),
            ("0 0 1 jan *", "2027-01-01T00:00:00"),
            ("0 0 29 2 *", "2028-02-29T00:00:00"),
            ("0 0 L * *", "2026-11-30T00:00:00"),
            ("0 9 * * mon-fri", "2026-11-30T09:00:00"),
            ("0 9 * * 7", "2026-11-29T09:00:00"),
            // Both the day and the weekday.
            ("0 0 13 * fri", "2027-08-13T00:00:00"),
            ("? * * * *", "never"),
            ("@daily", "never"),
            ("0 0 31 4 *", "never"),
        ] {
            assert_eq!(croner(pattern), wanted, "{pattern}");
        }
        assert_eq!(told("0 0 1 0 *", Reader::Cron, "UTC", after), "2027-01-01T00:00:00");
        assert_eq!(told("0 0 1 1 *", Reader::Every, "UTC", after), "never");
        // An hour that the clock leaves out.
        let spring = told("30 2 * * *", Reader::Croner, "Europe/Berlin", "2027-03-27T22:00:00Z");
        assert_eq!(spring, "2027-03-28T03:30:00");
    }
}
