//! Cron patterns, judged by the release of the daemon: an invalid one in a process's configuration
//! kills those of PM2 4 and later (docs/pm2.md section 3), and some make one loop for ever.
//!
//! Invariant: what [`check`] accepts for a [`Reader`] is read, on every day of the year, by each of
//! its libraries. `tests/ecosystem` runs those of all nine releases.

mod schedule;

use std::ops::RangeInclusive;

use serde_json::Value as Json;

pub use self::schedule::next;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// How many days a month has at least, from January.
const MONTH_DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// The longest pattern that is looked at, bytes.
const BYTES_MAX: usize = 200;

/// Who reads the patterns: the library that a release comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reader {
    /// It is not known which release runs: what every God daemon reads ([`Reader::Cron`] and
    /// [`Reader::FirstCroner`]).
    #[default]
    Every,
    /// `cron` 1.0 to 1.3, in PM2 before 2.10. Not God reads them but the app, which ends at once by
    /// one that it cannot read.
    FirstCron,
    /// `cron` 1.3 to 1.8.3, in PM2 2.10 to 5.1.
    Cron,
    /// `croner` 4.1.92 to 4.1.97, in PM2 5.2 to 6.
    FirstCroner,
    /// `croner` 4.1.97, in PM2 7.
    Croner,
}

impl Reader {
    /// The one of a release, by the version that its daemon tells: `7.0.4`.
    #[must_use]
    pub fn of_release(version: Option<&str>) -> Self {
        let mut parts = version.unwrap_or_default().split('.').map(digits);
        match (parts.next().flatten(), parts.next().flatten()) {
            (Some(0 | 1), Some(_)) | (Some(2), Some(..10)) => Self::FirstCron,
            (Some(2..5), Some(_)) | (Some(5), Some(..2)) => Self::Cron,
            (Some(5 | 6), Some(_)) => Self::FirstCroner,
            (Some(7), Some(_)) => Self::Croner,
            _ => Self::Every,
        }
    }

    fn is_croner(self) -> bool {
        matches!(self, Self::FirstCroner | Self::Croner)
    }

    /// Which PM2 takes what is said to be taken, for a person.
    fn whose(self) -> &'static str {
        match self {
            Self::Every => "every PM2",
            Self::FirstCron => "PM2 before 2.10",
            Self::Cron => "PM2 before 5.2",
            Self::FirstCroner | Self::Croner => "PM2",
        }
    }
}

/// Why a cron pattern is refused, for a person. What is quoted is as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It is longer than any that was tried.
    #[error("a cron pattern has at most {BYTES_MAX} bytes, and this has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Seconds may be left out, nothing else.
    #[error("a cron pattern has 5 or 6 fields, and {pattern:?} has {found}")]
    FieldCount {
        /// The pattern.
        pattern: String,
        /// How many it has.
        found: usize,
    },
    /// A field has something that is not read.
    #[error("{part:?} is not understood for the {field} of {pattern:?}: {whose} takes {wanted}")]
    Field {
        /// The pattern.
        pattern: String,
        /// What stands in the field.
        part: String,
        /// The field.
        field: &'static str,
        /// Which releases take that.
        whose: &'static str,
        /// What would be understood.
        wanted: &'static str,
    },
    /// It is no text.
    #[error("must be a cron pattern, and is {found}")]
    NotText {
        /// What it is instead.
        found: String,
    },
    /// It would never run, or the daemon would look for the day for ever.
    #[error("{pattern:?} names no day that one of its months surely has")]
    NoSuchDay {
        /// The pattern.
        pattern: String,
    },
    /// Old releases refuse it.
    #[error("{pattern:?} names a month that has none of its days, which PM2 before 2.10 refuses")]
    MonthWithoutDay {
        /// The pattern.
        pattern: String,
    },
}

/// One field: the numbers that it takes, and the names that count up from the least of them.
struct Field {
    name: &'static str,
    numbers: RangeInclusive<u32>,
    names: &'static [&'static str],
    wanted: &'static str,
}

const SIXTIETHS: &str = "*, */5, 0 to 59, a list of those numbers, a range 1-5, or 0-30/10";

/// As numbers, `cron` and `croner` count them differently.
const EVERY_MONTH: &str = "*, */2, jan to dec, a list of those, or a range jan-mar";

const COMMON: [Field; 4] = [
    Field { name: "seconds", numbers: 0..=59, names: &[], wanted: SIXTIETHS },
    Field { name: "minutes", numbers: 0..=59, names: &[], wanted: SIXTIETHS },
    Field {
        name: "hours",
        numbers: 0..=23,
        names: &[],
        wanted: "*, */2, 0 to 23, a list of those numbers, a range 9-17, or 8-18/2",
    },
    Field {
        name: "days",
        numbers: 1..=31,
        names: &[],
        wanted: "*, */2, 1 to 31, a list of those numbers, a range 1-7, or 1-31/2",
    },
];

/// `cron` counts the months from 0 (docs/pm2-ops.md section 6).
const CRON: [Field; 2] = [
    Field {
        name: "months",
        numbers: 0..=11,
        names: &MONTHS,
        wanted: "*, */2, jan to dec, 0 (January) to 11, a list of those, or a range jan-mar",
    },
    Field {
        name: "days of the week",
        numbers: 0..=6,
        names: &DAYS,
        wanted: "*, 0 to 6, sun to sat, a list of those, or mon-fri",
    },
];

const CRONER: [Field; 2] = [
    Field {
        name: "months",
        numbers: 1..=12,
        names: &MONTHS,
        wanted: "*, */2, 1 to 12, jan to dec, a list of those, or a range jan-mar",
    },
    Field {
        name: "days of the week",
        numbers: 0..=7,
        names: &DAYS,
        wanted: "*, 0 to 7, sun to sat, a list of those, or mon-fri",
    },
];

/// What a field stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Read {
    /// Everything, or at least one of the last days of each month.
    All,
    /// `?`: what it is at the moment when the pattern is read.
    Now,
    /// These numbers.
    Numbers(Vec<u32>),
}

/// Checks the value of a `cron_restart`: a pattern, or empty text or 0, PM2's words for none.
///
/// # Errors
/// What is wrong with it.
pub fn check_value(value: &Json, reader: Reader) -> Result<(), CronError> {
    match value {
        Json::String(pattern) if pattern.is_empty() => Ok(()),
        Json::String(pattern) => check(pattern, reader),
        Json::Number(number) if number.as_u64() == Some(0) => Ok(()),
        other => Err(CronError::NotText { found: other.to_string() }),
    }
}

/// Checks the value of a `cron_restart` that may be for any release: one at least has to read it.
///
/// # Errors
/// What the newest does not understand in it.
pub fn check_readable(value: &Json) -> Result<(), CronError> {
    check_value(value, Reader::Croner)
        .or_else(|error| check_value(value, Reader::Cron).map_err(|_| error))
}

/// Checks a pattern of five fields, or six with seconds first.
///
/// # Errors
/// What is wrong with it.
pub fn check(pattern: &str, reader: Reader) -> Result<(), CronError> {
    if reader == Reader::Every {
        let both = [Reader::Cron, Reader::FirstCroner];
        return both.into_iter().try_for_each(|one| check_for(pattern, one, reader));
    }
    check_for(pattern, reader, reader)
}

/// `judge` is who is named where it is refused.
fn check_for(pattern: &str, reader: Reader, judge: Reader) -> Result<(), CronError> {
    if pattern.len() > BYTES_MAX {
        return Err(CronError::TooLong { bytes: pattern.len() });
    }
    let owned = || pattern.to_owned();
    let words: Vec<&str> = pattern.split_ascii_whitespace().collect();
    let fields = COMMON.iter().chain(if reader.is_croner() { &CRONER } else { &CRON });
    let skipped = 6_usize.checked_sub(words.len()).filter(|skipped| *skipped <= 1);
    let Some(skipped) = skipped else {
        return Err(CronError::FieldCount { pattern: owned(), found: words.len() });
    };
    let mut read = Vec::with_capacity(words.len());
    for (word, field) in words.iter().zip(fields.skip(skipped)) {
        read.push(field.read(word, reader).ok_or_else(|| CronError::Field {
            pattern: owned(),
            part: (*word).to_owned(),
            field: field.name,
            whose: judge.whose(),
            wanted: match judge {
                Reader::Every if field.name == "months" => EVERY_MONTH,
                _ => field.wanted,
            },
        })?);
    }
    let [.., days, months, _] = read.as_slice() else { return Ok(()) };
    if !is_some_day(days, months, reader) {
        return Err(CronError::NoSuchDay { pattern: owned() });
    }
    if reader == Reader::FirstCron && !is_day_of_each(days, months) {
        return Err(CronError::MonthWithoutDay { pattern: owned() });
    }
    Ok(())
}

/// How many days a month has surely, in the numbers of its library. `croner` goes on to the next
/// year that has a 29 February, older ones look for ever.
fn days_of(month: u32, reader: Reader) -> u32 {
    let place = if reader.is_croner() { month.saturating_sub(1) } else { month };
    match MONTH_DAYS.get(place as usize) {
        Some(28) if reader.is_croner() => 29,
        Some(days) => *days,
        None => 0,
    }
}

/// Whether one of the months has one of the days. Of months or days that are those of the moment,
/// the worst is taken.
fn is_some_day(days: &Read, months: &Read, reader: Reader) -> bool {
    let first = match days {
        Read::All => 1,
        Read::Now if *months == Read::Now => 1,
        Read::Now => 31,
        Read::Numbers(days) => days.iter().min().copied().unwrap_or(1),
    };
    let longest = match months {
        Read::All => 31,
        Read::Now => 28,
        Read::Numbers(months) => {
            months.iter().map(|month| days_of(*month, reader)).max().unwrap_or(31)
        }
    };
    first <= longest
}

/// Whether each of the months has one of the days, in a leap year.
fn is_day_of_each(days: &Read, months: &Read) -> bool {
    let all: Vec<u32> = (0..12).collect();
    let (Read::Numbers(days), months) = (
        days,
        match months {
            Read::Numbers(months) => months,
            Read::All | Read::Now => &all,
        },
    ) else {
        return true;
    };
    let first = days.iter().min().copied().unwrap_or(1);
    let longest = |month: &u32| days_of(*month, Reader::FirstCron).max(29);
    months.iter().all(|month| first <= longest(month))
}

impl Field {
    fn read(&self, word: &str, reader: Reader) -> Option<Read> {
        let is_days = *self.numbers.end() == 31;
        match word {
            "*" => return Some(Read::All),
            "?" if reader.is_croner() => return Some(Read::Now),
            // The last day of the month.
            "L" | "l" if reader.is_croner() && is_days => return Some(Read::All),
            _ => {}
        }
        if !word.contains(',') {
            return self.part(word, reader).map(Read::Numbers);
        }
        let mut all = Vec::new();
        for part in word.split(',') {
            // `croner` wants ranges and steps to be the whole field.
            if reader.is_croner() && part.contains(['-', '/']) {
                return None;
            }
            all.extend(self.part(part, reader)?);
        }
        Some(Read::Numbers(all))
    }

    /// The numbers of one part: `*`, a number or a range, each perhaps with a step.
    fn part(&self, part: &str, reader: Reader) -> Option<Vec<u32>> {
        let (least, most) = (*self.numbers.start(), *self.numbers.end());
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(digits(step)?)),
            None => (part, None),
        };
        let count = most - least + 1;
        if step.is_some_and(|step| step == 0 || (reader.is_croner() && step > count)) {
            return None;
        }
        let (from, to) = match (range.split_once('-'), step) {
            (Some((from, to)), _) => (self.number(from)?, self.number(to)?),
            (None, _) if range == "*" => (least, most),
            (None, None) => (self.number(range)?, self.number(range)?),
            // From there on. `croner` counts days and months from 0 here: the last is past the end.
            (None, Some(_)) if reader.is_croner() => {
                let from = self.number(range)? + least;
                (from, if from > most { return None } else { most })
            }
            (None, Some(_)) => (self.number(range)?, most),
        };
        // `croner` 4.1.92 takes a step of 1 in a range of days or months for 0.
        let is_zero = reader == Reader::FirstCroner && least == 1 && step == Some(1);
        if from > to || (is_zero && range != "*") {
            return None;
        }
        let step = step.map_or(Some(1), |step| usize::try_from(step).ok())?;
        Some((from..=to).step_by(step).collect())
    }

    fn number(&self, word: &str) -> Option<u32> {
        let least = *self.numbers.start();
        let named =
            self.names.iter().zip(least..).find(|(name, _)| word.eq_ignore_ascii_case(name));
        let value = named.map(|(_, value)| value).or_else(|| digits(word))?;
        self.numbers.contains(&value).then_some(value)
    }
}

/// Digits alone: no sign, no space.
fn digits(word: &str) -> Option<u32> {
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| word.parse().ok())?
}

#[cfg(test)]
mod tests;
