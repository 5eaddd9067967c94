//! Words, letters, numbers and signs that mean a level.

use super::Level;

/// How sure a word is of a level wherever it leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// It means one.
    Sure,
    /// It is as often no level: only brackets and fields make it one.
    Common,
}
use Says::{Common, Sure};

/// Levels by name in any case, as fields and brackets have them: first those that most lines have.
const WORDS: &[(&str, Level, Says)] = &[
    ("info", Level::Info, Sure),
    ("error", Level::Error, Sure),
    ("warn", Level::Warn, Sure),
    ("debug", Level::Debug, Sure),
    ("trace", Level::Trace, Sure),
    ("silly", Level::Trace, Sure),
    ("finest", Level::Trace, Sure),
    ("finer", Level::Trace, Sure),
    ("trac", Level::Trace, Sure),
    ("trc", Level::Trace, Sure),
    ("trce", Level::Trace, Sure),
    ("verbose", Level::Debug, Sure),
    ("fine", Level::Debug, Common),
    ("debu", Level::Debug, Sure),
    ("dbg", Level::Debug, Sure),
    ("dbug", Level::Debug, Sure),
    ("information", Level::Info, Sure),
    ("informational", Level::Info, Sure),
    ("inf", Level::Info, Sure),
    ("notice", Level::Info, Sure),
    ("log", Level::Info, Common),
    ("http", Level::Info, Common),
    ("config", Level::Info, Common),
    ("default", Level::Info, Common),
    ("success", Level::Info, Common),
    ("ready", Level::Info, Common),
    ("start", Level::Info, Common),
    ("event", Level::Info, Common),
    ("wait", Level::Info, Common),
    ("warning", Level::Warn, Sure),
    ("wrn", Level::Warn, Sure),
    ("err", Level::Error, Sure),
    ("erro", Level::Error, Sure),
    ("severe", Level::Error, Sure),
    ("fail", Level::Error, Common),
    ("failure", Level::Error, Common),
    ("fatal", Level::Fatal, Sure),
    ("fata", Level::Fatal, Sure),
    ("ftl", Level::Fatal, Sure),
    ("critical", Level::Fatal, Sure),
    ("crit", Level::Fatal, Sure),
    ("panic", Level::Fatal, Sure),
    ("dpanic", Level::Fatal, Sure),
    ("pani", Level::Fatal, Sure),
    ("pnc", Level::Fatal, Sure),
    ("emerg", Level::Fatal, Sure),
    ("emergency", Level::Fatal, Sure),
    ("alert", Level::Fatal, Common),
];

/// The second and the third letters of those words, by the first one: a bit each.
static LETTERS: [(u32, u32); 26] = letters();

#[expect(clippy::indexing_slicing, reason = "words of small letters; checked when it is compiled")]
const fn letters() -> [(u32, u32); 26] {
    let mut letters = [(0, 0); 26];
    let mut at = 0;
    while at < WORDS.len() {
        let word = WORDS[at].0.as_bytes();
        let (second, third) = &mut letters[(word[0] - b'a') as usize];
        *second |= 1 << (word[1] - b'a');
        *third |= 1 << (word[2] - b'a');
        at += 1;
    }
    letters
}

/// Whether a word begins as one of the list does. Most words do not: three letters tell.
#[inline]
fn begins_so(name: &[u8]) -> bool {
    let Some(short) = name.first_chunk::<3>() else { return false };
    let [first, second, third] = short.map(|letter| letter.to_ascii_lowercase().wrapping_sub(b'a'));
    let is_among = |letters: u32, letter: u8| letters >> (letter & 31) & 1 == 1;
    let known = LETTERS.get(usize::from(first));
    known.is_some_and(|(seconds, thirds)| is_among(*seconds, second) && is_among(*thirds, third))
}

/// The level of a word in any case; offsets (`INFO+2` of Go's slog) count for nothing.
pub(in crate::logs::parse) fn any(word: &[u8]) -> Option<Level> {
    any_or_sure(word).map(|(level, _)| level)
}

/// As [`any`], but for words that say a level wherever they lead: not `log`, `start`, one letter.
pub(super) fn sure(word: &[u8]) -> Option<Level> {
    any_or_sure(word).filter(|(_, is_sure)| *is_sure).map(|(level, _)| level)
}

/// As [`any`], and whether it is as [`sure`].
pub(super) fn any_or_sure(word: &[u8]) -> Option<(Level, bool)> {
    let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (name, rest) = word.split_at_checked(letters)?;
    let is_offset = |rest: &[u8]| {
        let digits = rest.get(1..).unwrap_or_default();
        matches!(rest.first(), Some(b'+' | b'-')) && digits.iter().all(u8::is_ascii_digit)
    };
    if !rest.is_empty() && !is_offset(rest) {
        return None;
    }
    if !(3..=13).contains(&name.len()) {
        return if name.len() == 1 { Some((letter(*name.first()?)?, false)) } else { None };
    }
    if !begins_so(name) {
        return None;
    }
    let found = WORDS.iter().find(|(known, ..)| name.eq_ignore_ascii_case(known.as_bytes()));
    found.map(|(_, level, says)| (*level, *says == Sure))
}

/// `E` of klog, logcat and zap's shortest form.
pub(super) fn letter(letter: u8) -> Option<Level> {
    match letter {
        b'T' | b'V' => Some(Level::Trace),
        b'D' => Some(Level::Debug),
        b'I' | b'N' => Some(Level::Info),
        b'W' => Some(Level::Warn),
        b'E' => Some(Level::Error),
        b'F' | b'C' => Some(Level::Fatal),
        _ => None,
    }
}

/// Numbers: 10 to 60 of pino and bunyan, and what lies between; 0 to 7 of syslog and GELF.
pub(in crate::logs::parse) fn number(value: f64) -> Option<Level> {
    match value {
        0.0..3.0 => Some(Level::Fatal),
        3.0..4.0 => Some(Level::Error),
        4.0..5.0 => Some(Level::Warn),
        5.0..7.0 => Some(Level::Info),
        7.0..8.0 => Some(Level::Debug),
        10.0..20.0 => Some(Level::Trace),
        20.0..30.0 => Some(Level::Debug),
        30.0..40.0 => Some(Level::Info),
        40.0..50.0 => Some(Level::Warn),
        50.0..60.0 => Some(Level::Error),
        60.0..=100.0 => Some(Level::Fatal),
        _ => None,
    }
}

/// A sign at the start: its level, its bytes, and whether the words behind it say enough without it.
pub(super) fn sign(text: &[u8]) -> Option<(Level, usize, bool)> {
    const SIGNS: &[(&str, Level, bool)] = &[
        ("✖", Level::Error, true),
        ("⨯", Level::Error, true),
        ("✗", Level::Error, true),
        ("❌", Level::Error, true),
        ("⚠\u{fe0f}", Level::Warn, true),
        ("⚠", Level::Warn, true),
        ("ℹ\u{fe0f}", Level::Info, true),
        ("ℹ", Level::Info, true),
        ("✔", Level::Info, false),
        ("✓", Level::Info, false),
        ("○", Level::Info, false),
        ("◐", Level::Info, false),
        ("▲", Level::Info, false),
    ];
    // Every sign is of the block U+2000 to U+2FFF.
    if text.first() != Some(&0xe2) {
        return None;
    }
    let found = SIGNS.iter().find(|(sign, ..)| text.starts_with(sign.as_bytes()));
    found.map(|(sign, level, is_said)| (*level, sign.len(), *is_said))
}
