//! A line's own time: read from its bytes, and placed on the time line.
//!
//! Three things may be missing from what a line says: the zone (then it is the caller's), the year
//! or the whole date (then it is the one nearest to the caller's reference). A [`Stamp`] tells which.

mod declared;
mod known;
mod zone;

#[cfg(test)]
mod tests;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

pub use self::declared::Pattern;
pub(super) use self::known::at;

use super::Span;

const SECOND_MS: i64 = 1000;
const DAY_MS: i64 = 86_400_000;
/// Numbers outside of these years are no times: 1990 to 2100, in seconds since the epoch.
const EPOCH_S: std::ops::Range<f64> = 631_152_000.0..4_102_444_800.0;

/// What completes a time that does not say all.
#[derive(Debug, Clone, Copy)]
pub struct Clock<'a> {
    /// Of times without a zone: that of the process (docs/pm2-ops.md section 1.2).
    pub zone: &'a TimeZone,
    /// Milliseconds since the epoch; a date or year that is missing is chosen nearest to it. The time
    /// of a neighbour, of the file, or now.
    pub reference_ms: i64,
}

/// The time of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    /// Where it stands in the plain text, brackets excluded.
    pub span: Span,
    /// Whether the line said its zone.
    pub is_zone_known: bool,
    /// Whether the line said year, month and day.
    pub is_date_known: bool,
}

/// A place on the time line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at_ms: i64,
    pub(super) is_zone_known: bool,
    pub(super) is_date_known: bool,
}

impl Moment {
    #[inline]
    pub(super) fn stamp(self, span: Span) -> Stamp {
        let Self { at_ms, is_zone_known, is_date_known } = self;
        Stamp { at_ms, span, is_zone_known, is_date_known }
    }
}

/// What a text says of a time, as far as it says it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Parts {
    pub(super) year: Option<i64>,
    pub(super) month: Option<i64>,
    pub(super) day: Option<i64>,
    pub(super) hour: Option<i64>,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) ms: i64,
    /// Of a clock of twelve hours.
    pub(super) is_pm: Option<bool>,
    pub(super) offset_s: Option<i32>,
    pub(super) epoch_ms: Option<i64>,
    /// `02/01/2024`: month and day may be the other way round.
    pub(super) may_be_swapped: bool,
}

impl Parts {
    pub(super) fn has_date(&self) -> bool {
        self.epoch_ms.is_some() || (self.year.is_some() && self.month.is_some())
    }

    /// Where this is; `None` for what is no time, such as hour 25, or has no hour.
    pub(super) fn resolve(&self, clock: Clock<'_>) -> Option<Moment> {
        if let Some(at_ms) = self.epoch_ms {
            return Some(Moment { at_ms, is_zone_known: true, is_date_known: true });
        }
        let within_ms = self.within_day_ms()?;
        let is_zone_known = self.offset_s.is_some();
        let place = |days: i64| self.place(days, within_ms, clock);
        let nearest = |days: &mut dyn Iterator<Item = i64>| {
            days.filter_map(place).min_by_key(|at| at.abs_diff(clock.reference_ms))
        };
        let today = || {
            let offset = self.offset_s.map_or_else(|| offset_at(clock), i64::from);
            (clock.reference_ms + offset * SECOND_MS).div_euclid(DAY_MS)
        };
        let (at_ms, is_date_known) = match (self.year, self.month, self.day) {
            (Some(year), Some(month), Some(day)) if !self.may_be_swapped => {
                (place(days_of(year, month, day)?)?, true)
            }
            (Some(year), Some(month), Some(day)) => {
                let as_written = days_of(year, month, day);
                let swapped = self.may_be_swapped.then(|| days_of(year, day, month)).flatten();
                (nearest(&mut as_written.into_iter().chain(swapped))?, true)
            }
            (None, Some(month), Some(day)) => {
                let year = year_of(today());
                (nearest(&mut (year - 1..=year + 1).filter_map(|y| days_of(y, month, day)))?, false)
            }
            (_, None, None) => (nearest(&mut (today() - 1..=today() + 1))?, false),
            _ => return None,
        };
        Some(Moment { at_ms, is_zone_known, is_date_known })
    }

    #[inline]
    fn within_day_ms(&self) -> Option<i64> {
        let hour = match (self.hour?, self.is_pm) {
            (hour @ 1..=12, Some(is_pm)) => hour % 12 + if is_pm { 12 } else { 0 },
            // `HH` beside `A`: a format may have both.
            (hour @ 0..=23, _) => hour,
            _ => return None,
        };
        // 60 is a leap second, which the time line does not have.
        let is_real = (0..60).contains(&self.minute) && (0..=60).contains(&self.second);
        let second = self.second.min(59);
        is_real.then_some(((hour * 60 + self.minute) * 60 + second) * SECOND_MS + self.ms)
    }

    #[inline]
    fn place(&self, days: i64, within_ms: i64, clock: Clock<'_>) -> Option<i64> {
        let local_ms = days * DAY_MS + within_ms;
        if let Some(offset) = self.offset_s {
            return Some(local_ms - i64::from(offset) * SECOND_MS);
        }
        if let Ok(fixed) = clock.zone.to_fixed_offset() {
            return Some(local_ms - i64::from(fixed.seconds()) * SECOND_MS);
        }
        let (year, month, day) = date_of(days);
        let (hour, minute) = (within_ms / 3_600_000, within_ms / 60_000 % 60);
        let (second, nano) = (within_ms / SECOND_MS % 60, within_ms % SECOND_MS * 1_000_000);
        let civil = DateTime::new(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
            hour as i8,
            minute as i8,
            second as i8,
            nano as i32,
        );
        // In the hour that is there twice the first one, in the one that is not there the later.
        let at = clock.zone.to_ambiguous_timestamp(civil.ok()?).compatible().ok()?;
        Some(at.as_millisecond())
    }
}

fn offset_at(clock: Clock<'_>) -> i64 {
    let at = jiff::Timestamp::from_millisecond(clock.reference_ms);
    at.map_or(0, |at| i64::from(clock.zone.to_offset(at).seconds()))
}

/// Days since the epoch; `None` for a day that is not in the calendar.
#[inline]
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(1..=9998).contains(&year) {
        return None;
    }
    // Years that begin in March: the leap day is the last one (days_from_civil of H. Hinnant).
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Year, month and day of days since the epoch.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn year_of(days: i64) -> i64 {
    date_of(days).0
}

/// Milliseconds of a number that is a time since the epoch in seconds, milli-, micro- or nanoseconds.
/// Which one its size tells; `None` outside of the years 1990 to 2100.
#[must_use]
pub fn epoch_ms(number: f64) -> Option<i64> {
    let scales = [1.0, 1e3, 1e6, 1e9];
    let seconds = scales.iter().map(|scale| number / scale);
    let found = seconds.into_iter().find(|seconds| EPOCH_S.contains(seconds))?;
    Some((found * 1e3).round() as i64)
}

/// The time that a whole text is, such as the value of a field.
pub(super) fn text(bytes: &[u8]) -> Option<Parts> {
    let bytes = super::cursor::trim(bytes);
    let (parts, end) = known::at(bytes, 0)?;
    // `2024-01-02T15:04:05+01:00[Europe/Paris]`, `.. (Coordinated Universal Time)`.
    let rest = bytes.get(end..).unwrap_or_default();
    let is_all = matches!(super::cursor::trim(rest).first(), None | Some(b'[' | b'('));
    is_all.then_some(parts)
}
