//! Lines that say nothing of themselves: words and figures, without time, level or fields.
//!
//! Invariant: of what is called prose here, [`super::read`] finds neither time nor level, its message
//! is the whole line, and no trace begins with it. It only saves the looking: most lines of a burst
//! are such.

use super::{level, time};

/// The fewest and the most digits of a figure that may be a time.
const TIME_DIGITS: std::ops::RangeInclusive<usize> = 8..=20;

/// First words of what is more than a sentence.
const OPENERS: &[&[u8]] = &[
    b"npm",
    b"thread",
    b"Traceback",
    b"Exception",
    b"Unhandled",
    b"Uncaught",
    b"Caused",
    b"Segmentation",
];

/// What each byte is to prose: nothing of it, of a word or a figure, or a blank.
static KINDS: [u8; 256] = kinds();
const FOREIGN: u8 = 0;
const WORD: u8 = 1;
const BLANK: u8 = 2;
/// Of a sentence only: see [`is_sentence`].
const SENTENCE: u8 = 4;

#[expect(clippy::indexing_slicing, reason = "a byte is below 256; checked when it is compiled")]
const fn kinds() -> [u8; 256] {
    let mut kinds = [FOREIGN; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' | b'0'..=b'9' | b',' | b'\'' | b'_' => WORD,
            b' ' => BLANK,
            // What brackets, braces, quotes and pairs hold is read.
            b'[' | b']' | b'{' | b'}' | b'"' | b'=' => FOREIGN,
            b'!'..=b'~' => SENTENCE,
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
    let (mut last, mut all) = (BLANK, 0);
    // A line that begins with a figure, as with a time, is no sentence.
    let may_be_sentence = line.first().is_some_and(u8::is_ascii_alphabetic);
    for byte in line {
        let kind = KINDS.get(usize::from(*byte)).copied().unwrap_or(FOREIGN);
        if kind == FOREIGN || kind & last == BLANK || kind == SENTENCE && !may_be_sentence {
            return false;
        }
        (last, all) = (kind, all | kind);
    }
    if all & SENTENCE == 0 { !leads(line) } else { is_sentence(line) }
}

/// Whether a line begins with a word that leads to nothing: letters, small from the second on, and a blank
/// behind them. Then a level, a time or a name of something thrown can stand no further back.
fn is_sentence(line: &[u8]) -> bool {
    let letters = line.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(line.len());
    let (Some(word), Some(rest)) = (line.get(..letters), line.get(letters..)) else { return false };
    let Some((b' ', rest)) = rest.split_first() else { return false };
    let is_small = word.get(1..).is_some_and(|tail| tail.iter().all(u8::is_ascii_lowercase));
    is_small
        && word.len() > 1
        // A rule behind it makes it a column.
        && !matches!(rest.first(), None | Some(b'-' | b'|'))
        && !OPENERS.contains(&word)
        && level::any(word).is_none()
        && time::at(line, 0).is_none()
        // The place of a source excerpt; an access log.
        && rest.trim_ascii_end().iter().rev().find(|byte| !byte.is_ascii_digit()) != Some(&b':')
        && !memchr::memchr_iter(b'H', rest)
            .any(|at| rest.get(at..).is_some_and(|rest| rest.starts_with(b"HTTP/")))
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
            "request 12 of app 0: GET /v1/orders/84 took 12 ms (slow)",
            "Server listening on port 3000",
            "connected to db-1.internal:5432 as reader.",
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
            "Error: x",
            "GET /a 200",
            "done [error] x",
            "api | 12:00:01 x",
            "main - ERROR - x",
            "user GET /a HTTP/1.1",
            "read level=error",
            "from /srv/a b.js:12",
            "Traceback (most recent call last):",
            "Jan 12 12:00:01 x",
            "Error",
        ] {
            assert!(!is_prose(other.as_bytes()), "{other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]
        #[test]
        fn of_prose_nothing_is_read(
            words in proptest::collection::vec("[a-z,'_]{1,6}|[0-9]{1,20}|error|warn|info|debug|e|log|http|npm|err|thread|at|goroutine", 0..6),
            first in "|[A-Za-z][a-z]{1,4}|[ -~]{1,4}|Error|Fatal|Traceback|Exception|Unhandled|Uncaught|Caused|Segmentation|Mon|Jan|May|GET|HTTP|from|file|node",
            others in proptest::collection::vec("|[ -~]{1,6}|[A-Z]{2,5}|x\\.js:1|HTTP/1\\.1|in thread|fault|by: x|\\(most recent call last\\)|12:00:01|2 12:00:01|2026-11-28T12:00:01Z|200", 0..4),
        ) {
            // Half of them have none but plain words.
            let words = if first.is_empty() { words } else { [vec![first], others, words].concat() };
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
