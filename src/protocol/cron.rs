//! Cron expressions, as strictly as every release of PM2 reads them: an invalid one in a process's
//! configuration kills the God daemons of PM2 4 and later (PM2.md section 3).
//!
//! Invariant: what is called valid here is valid for `cron` (PM2 up to 5) and `croner` (6 and 7);
//! a few expressions that only one of them knows are called invalid.

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// One field: its least and greatest number, and names that count up from the least.
struct Field {
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

/// Seconds, minutes, hours, days, months, days of the week. Five fields begin with the minutes.
const FIELDS: [Field; 6] = [
    Field { min: 0, max: 59, names: &[] },
    Field { min: 0, max: 59, names: &[] },
    Field { min: 0, max: 23, names: &[] },
    Field { min: 1, max: 31, names: &[] },
    Field { min: 1, max: 12, names: &MONTHS },
    Field { min: 0, max: 7, names: &DAYS },
];

/// The longest expression that is looked at, characters.
const CHARS_MAX: usize = 200;

/// Whether this is a cron expression of five or six fields.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    if text.len() > CHARS_MAX {
        return false;
    }
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let Some(skipped) = FIELDS.len().checked_sub(words.len()).filter(|skipped| *skipped <= 1)
    else {
        return false;
    };
    words.iter().zip(FIELDS.iter().skip(skipped)).all(|(word, field)| {
        // An empty part between two commas is none.
        word.split(',').all(|part| field.has(part))
    })
}

impl Field {
    /// `*`, a number or name, a range of two; `*` and a range with a step.
    fn has(&self, part: &str) -> bool {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let ends = match range.split_once('-') {
            _ if range == "*" => Some((self.min, self.max)),
            Some((from, to)) => self.number(from).zip(self.number(to)),
            // A step wants something to step through.
            None if step.is_some() => None,
            None => self.number(range).map(|at| (at, at)),
        };
        let is_step = |step: &str| {
            digits(step).is_some_and(|step| step >= 1 && step <= self.max - self.min + 1)
        };
        ends.is_some_and(|(from, to)| from <= to) && step.is_none_or(is_step)
    }

    fn number(&self, word: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| word.eq_ignore_ascii_case(name));
        let number = match named {
            Some(at) => self.min + u32::try_from(at).ok()?,
            None => digits(word)?,
        };
        (self.min..=self.max).contains(&number).then_some(number)
    }
}

/// Digits alone: no sign, no space.
fn digits(word: &str) -> Option<u32> {
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| word.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn what_every_release_reads_is_valid() {
        for good in [
            "* * * * *",
            "0 0 * * *",
            "*/3 * * * * *",
            "0,30 9-17 * * mon-fri",
            "15 3 1-7 JAN,jul 0",
            "0-30/10 * * * *",
            " 0  4 * * 7 ",
        ] {
            assert!(is_valid(good), "{good}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for bad in [
            "",
            "x",
            "* * * *",
            "* * * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * foo *",
            "mon * * * *",
            "*/0 * * * *",
            "*/61 * * * *",
            "5/2 * * * *",
            "9-5 * * * *",
            "1,,2 * * * *",
            "+1 * * * *",
            "@daily",
            "* * * * L",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
        assert!(!is_valid(&"* ".repeat(1000)));
    }
}
