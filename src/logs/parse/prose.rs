//! Lines that say nothing of themselves: words and figures, without time, level or fields.
//!
//! Invariant: of what is called prose here, [`super::read`] finds neither time nor level, its message
//! is the whole line, and no trace begins with it. It only saves the looking: most lines of a burst
//! are such.

use super::level;

/// The fewest and the most digits of a figure that may be a time.
const TIME_DIGITS: std::ops::RangeInclusive<usize> = 8..=20;

/// What each byte is to prose: nothing of it, of a word or a figure, or a blank.
static KINDS: [u8; 256] = kinds();
const FOREIGN: u8 = 0;
const WORD: u8 = 1;
const BLANK: u8 = 2;

#[expect(clippy::indexing_slicing, reason = "a byte is below 256; checked when it is compiled")]
const fn kinds() -> [u8; 256] {
    let mut kinds = [FOREIGN; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' | b'0'..=b'9' | b',' | b'\'' | b'_' => WORD,
            b' ' => BLANK,
            _ => FOREIGN,
        };
        byte += 1;
    }
    kinds
}

/// Whether a line is plainly prose. False says nothing.
#[must_use]
pub fn is_prose(line: &[u8]) -> bool {
    // A blank at the beginning and two blanks in a row are columns or an indent.
    let mut last = BLANK;
    for byte in line {
        let kind = KINDS.get(usize::from(*byte)).copied().unwrap_or(FOREIGN);
        if kind == FOREIGN || kind & last == BLANK {
            return false;
        }
        last = kind;
    }
    !leads(line)
}

/// Whether one of the first words may be a level, a time or the beginning of a trace.
fn leads(line: &[u8]) -> bool {
    for word in line.split(|byte| *byte == b' ') {
        if !word.iter().all(u8::is_ascii_digit) {
            let end = word.iter().position(|byte| !byte.is_ascii_lowercase());
            let name = word.get(..end.unwrap_or(word.len())).unwrap_or_default();
            return level::any(name).is_some() || name == b"npm" || name == b"thread";
        }
        // A date of eight digits does not begin with a zero; an epoch has ten at least.
        let is_number = word.starts_with(b"0") && word.len() < 10;
        if TIME_DIGITS.contains(&word.len()) && !is_number {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::line::body;
    use super::super::{Clock, Context, Part, Traces};
    use super::*;

    #[test]
    fn prose_is_known() {
        for prose in [
            "000123456 a line of a burst, and a bit longer than short",
            "it's done",
            "no errors found",
            "12 users, 3 jobs",
            "",
        ] {
            assert!(is_prose(prose.as_bytes()), "{prose}");
        }
        for other in [
            "error",
            "12 warn x",
            "a: b",
            "Done",
            "a  b",
            "1700000000 x",
            "\u{e9}t\u{e9}",
            "npm error x",
            " a",
            "thread 'main' panicked",
        ] {
            assert!(!is_prose(other.as_bytes()), "{other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]
        #[test]
        fn of_prose_nothing_is_read(
            words in proptest::collection::vec("[a-z,'_]{1,6}|[0-9]{1,20}|error|warn|info|debug|e|log|http|npm|err|thread|at|goroutine", 0..6),
        ) {
            let line = words.join(" ");
            let clock = Clock { zone: &TimeZone::UTC, reference_ms: 1_700_000_000_000 };
            let context = Context { declared: None, clock, is_stderr: false };
            let reading = body(line.as_bytes(), 0, &context);
            if is_prose(line.as_bytes()) {
                prop_assert_eq!(reading.level, None);
                prop_assert!(reading.time.is_none());
                prop_assert_eq!(reading.message.of(line.as_bytes()), line.as_bytes());
                prop_assert!(reading.fields.is_none());
                let step = Traces::default().feed(line.as_bytes());
                prop_assert_eq!(step.part, Part::Text);
            }
        }
    }
}
