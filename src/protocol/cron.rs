//! Cron patterns that every God daemon reads: an invalid one in a process's configuration kills those
//! of PM2 4 and later (PM2.md section 3), and some make one loop for ever.
//!
//! Invariant: what [`check`] accepts is read by `cron` 1.3 to 1.8.3 (PM2 2.10 to 5.1) and `croner`
//! 4.1.92 to 4.1.97 (PM2 5.2 to 7); before, the app reads its own pattern. What only some of them
//! read is refused. `tests/ecosystem` runs both libraries.

use std::ops::RangeInclusive;

use serde_json::Value as Json;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// How many days a month has at least, from January.
const MONTH_DAYS: [u32; 12] = [28, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// The longest pattern that is looked at, bytes.
const BYTES_MAX: usize = 200;

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
    /// A field has something that not every release reads.
    #[error("{part:?} is not understood for the {field} of {pattern:?}: {wanted}")]
    Field {
        /// The pattern.
        pattern: String,
        /// What stands in the field.
        part: String,
        /// The field.
        field: &'static str,
        /// What would be understood.
        wanted: &'static str,
    },
    /// It is no text.
    #[error("must be a cron pattern, and is {found}")]
    NotText {
        /// What it is instead.
        found: String,
    },
    /// Old releases look for the day for ever.
    #[error("{pattern:?} names no day that one of its months surely has")]
    NoSuchDay {
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

const SIXTIETHS: &str =
    "PM2 takes *, */5, 0 to 59, a list of those numbers, a range 1-5, or 0-30/10";

/// Seconds, minutes, hours, days, months, days of the week. Five fields begin with the minutes.
///
/// `cron` counts months from 0 and does not know 12, nor 7 for Sunday; `croner` does not know 0.
const FIELDS: [Field; 6] = [
    Field { name: "seconds", numbers: 0..=59, names: &[], wanted: SIXTIETHS },
    Field { name: "minutes", numbers: 0..=59, names: &[], wanted: SIXTIETHS },
    Field {
        name: "hours",
        numbers: 0..=23,
        names: &[],
        wanted: "PM2 takes *, */2, 0 to 23, a list of those numbers, a range 9-17, or 8-18/2",
    },
    Field {
        name: "days",
        numbers: 1..=31,
        names: &[],
        wanted: "PM2 takes *, */2, 1 to 31, a list of those numbers, a range 1-7, or 1-31/2",
    },
    Field {
        name: "months",
        numbers: 1..=11,
        names: &MONTHS,
        wanted: "every release of PM2 takes *, */2, jan to dec, a list of those, or a range jan-mar",
    },
    Field {
        name: "days of the week",
        numbers: 0..=6,
        names: &DAYS,
        wanted: "every release of PM2 takes *, 0 to 6, sun to sat, a list of those, or mon-fri",
    },
];

/// A number of a field.
#[derive(Debug, Clone, Copy)]
struct Number {
    value: u32,
    /// Whether `cron` and `croner` mean the same by it: months that are written as numbers they
    /// count from 0 and from 1.
    is_named: bool,
}

/// Checks the value of a `cron_restart`: a pattern, or empty text or 0, PM2's words for none.
///
/// # Errors
/// What is wrong with it.
pub fn check_value(value: &Json) -> Result<(), CronError> {
    match value {
        Json::String(pattern) if pattern.is_empty() => Ok(()),
        Json::String(pattern) => check(pattern),
        Json::Number(number) if number.as_u64() == Some(0) => Ok(()),
        other => Err(CronError::NotText { found: other.to_string() }),
    }
}

/// Checks a pattern of five fields, or six with seconds first.
///
/// # Errors
/// What is wrong with it.
pub fn check(pattern: &str) -> Result<(), CronError> {
    if pattern.len() > BYTES_MAX {
        return Err(CronError::TooLong { bytes: pattern.len() });
    }
    let owned = || pattern.to_owned();
    let words: Vec<&str> = pattern.split_ascii_whitespace().collect();
    let skipped = FIELDS.len().checked_sub(words.len()).filter(|skipped| *skipped <= 1);
    let Some(skipped) = skipped else {
        return Err(CronError::FieldCount { pattern: owned(), found: words.len() });
    };
    let mut read = Vec::with_capacity(words.len());
    for (word, field) in words.iter().zip(FIELDS.iter().skip(skipped)) {
        read.push(field.read(word).ok_or_else(|| CronError::Field {
            pattern: owned(),
            part: (*word).to_owned(),
            field: field.name,
            wanted: field.wanted,
        })?);
    }
    if let [.., days, months, _] = read.as_slice()
        && !is_some_day(days, months)
    {
        return Err(CronError::NoSuchDay { pattern: owned() });
    }
    Ok(())
}

/// Whether one of the months has one of the days in every year, however months are counted. An
/// empty list is every number.
fn is_some_day(days: &[Number], months: &[Number]) -> bool {
    let length = |place: u32| {
        let at = usize::try_from(place).ok().and_then(|place| MONTH_DAYS.get(place));
        at.copied().unwrap_or_default()
    };
    let surely = |month: &Number| match month.value.saturating_sub(1) {
        place if month.is_named => length(place),
        place => length(place).min(length(place + 1)),
    };
    let first = days.iter().map(|day| day.value).min().unwrap_or(1);
    let longest = months.iter().map(surely).max().unwrap_or(31);
    first <= longest
}

impl Field {
    /// The numbers that a field stands for; empty for all.
    fn read(&self, word: &str) -> Option<Vec<Number>> {
        if word == "*" {
            return Some(Vec::new());
        }
        if word.contains(',') {
            // `croner` wants ranges and steps to be the whole field.
            return word.split(',').map(|part| self.number(part)).collect();
        }
        let (range, step) = match word.split_once('/') {
            Some((range, step)) => (range, Some(digits(step)?)),
            None => (word, None),
        };
        let count = self.numbers.end() - self.numbers.start() + 1;
        if step.is_some_and(|step| !(1..=count).contains(&step)) {
            return None;
        }
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.number(from)?, self.number(to)?),
            None if range == "*" => {
                // Both count the steps from the first of all.
                let end = |value: &u32| Number { value: *value, is_named: true };
                (end(self.numbers.start()), end(self.numbers.end()))
            }
            // A step wants something to step through.
            None if step.is_some() => return None,
            None => return Some(vec![self.number(range)?]),
        };
        // A name and a number may be counted from different ends; `croner` 4.1.92 takes a step of
        // 1 in a range of days for 0.
        if from.is_named != to.is_named
            || from.value > to.value
            || (step == Some(1) && range != "*")
        {
            return None;
        }
        let step = step.map_or(Some(1), |step| usize::try_from(step).ok())?;
        Some((from.value..=to.value).step_by(step).map(|value| Number { value, ..from }).collect())
    }

    fn number(&self, word: &str) -> Option<Number> {
        let least = *self.numbers.start();
        let named =
            self.names.iter().zip(least..).find(|(name, _)| word.eq_ignore_ascii_case(name));
        if let Some((_, value)) = named {
            return Some(Number { value, is_named: true });
        }
        let value = digits(word).filter(|value| self.numbers.contains(value))?;
        Some(Number { value, is_named: false })
    }
}

/// Digits alone: no sign, no space.
fn digits(word: &str) -> Option<u32> {
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| word.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each was given to `cron` 1.3.0, 1.7.1, 1.8.2, 1.8.3 and `croner` 4.1.92, 4.1.97, which were
    /// asked for the next date: all of them gave one.
    #[test]
    fn what_every_release_reads_is_accepted() {
        for good in [
            "* * * * *",
            "0 0 * * *",
            "*/3 * * * * *",
            "*/60 */24 */31 */11 */7",
            "0,30 9-17 * * mon-fri",
            "15 3 1-7 JAN,jul 0",
            "0-30/10 * * * *",
            "1-59/60 * * * *",
            " 0  4\t* * 6\n",
            "00 007 01 01 00",
            "59 59 23 31 dec sat",
            "0 0 31 mar,dec *",
            "0 0 30 4 *",
            "0 0 30 */3 *",
            "0 0 28 feb *",
            "0 0 1,15 jan,JUL *",
            "0 0 * nov-dec sun-sat",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    /// Each throws, or never comes back, in one of them at least, or may do so on some dates.
    #[test]
    fn anything_else_is_not() {
        for (bad, why) in [
            ("", "has 0"),
            ("x", "has 1"),
            ("* * * *", "has 4"),
            ("* * * * * * *", "has 7"),
            ("@daily", "has 1"),
            ("2020-01-01T00:00:00", "has 1"),
            ("60 * * * *", "minutes"),
            ("* 24 * * *", "hours"),
            ("* * 0 * *", "days"),
            // cron 1.8 throws on 12, 7, ? and L; croner on 0.
            ("* * * 12 *", "jan to dec"),
            ("* * * 0 *", "months"),
            ("* * * * 7", "0 to 6"),
            ("? * * * *", "minutes"),
            ("0 0 L * *", "days"),
            ("* * * foo *", "months"),
            ("mon * * * *", "minutes"),
            ("* * * mon *", "months"),
            ("* * * * jan", "week"),
            ("* * * * sunday", "week"),
            ("*/0 * * * *", "minutes"),
            ("*/00 * * * *", "minutes"),
            ("*/61 * * * *", "minutes"),
            ("0 */25 * * *", "hours"),
            ("*/2/2 * * * *", "minutes"),
            ("5/2 * * * *", "minutes"),
            ("9-5 * * * *", "minutes"),
            ("1-2-3 * * * *", "minutes"),
            ("* * * * sat-sun", "week"),
            // cron counts nov as 10.
            ("* * * 11-nov *", "months"),
            // croner throws on these lists.
            ("1,2-4 * * * *", "minutes"),
            ("*/2,1 * * * *", "minutes"),
            ("1,,2 * * * *", "minutes"),
            ("1, * * * *", "minutes"),
            // croner 4.1.92 throws.
            ("* * 1-9/1 * *", "days"),
            ("+1 * * * *", "minutes"),
            ("-1 * * * *", "minutes"),
            // croner never comes back from these two, cron 1.3.0 not from those after them.
            ("*5 * * * *", "minutes"),
            ("** * * * *", "minutes"),
            ("0 0 30 feb *", "no day"),
            ("0 0 31 3-6/3 *", "no day"),
            ("0 0 31 apr *", "no day"),
            ("0 0 31 3 *", "no day"),
            ("0 0 30,31 feb *", "no day"),
            ("0 0 29 feb *", "no day"),
        ] {
            let said = check(bad).unwrap_err().to_string();
            assert!(said.contains(why), "{bad}: {said}");
        }
        assert!(check(&"* ".repeat(1000)).is_err());
        assert_eq!(
            check("0 25 * * *").unwrap_err().to_string(),
            "\"25\" is not understood for the hours of \"0 25 * * *\": PM2 takes *, */2, 0 to 23, \
             a list of those numbers, a range 9-17, or 8-18/2"
        );
    }
}
