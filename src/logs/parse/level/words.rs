//! Words, letters, numbers and signs that mean a level.

use super::Level;

/// Levels by name in any case, as fields and brackets have them.
const WORDS: &[(&str, Level)] = &[
    ("trace", Level::Trace),
    ("silly", Level::Trace),
    ("finest", Level::Trace),
    ("finer", Level::Trace),
    ("trac", Level::Trace),
    ("trc", Level::Trace),
    ("trce", Level::Trace),
    ("debug", Level::Debug),
    ("verbose", Level::Debug),
    ("fine", Level::Debug),
    ("debu", Level::Debug),
    ("dbg", Level::Debug),
    ("dbug", Level::Debug),
    ("info", Level::Info),
    ("information", Level::Info),
    ("informational", Level::Info),
    ("inf", Level::Info),
    ("notice", Level::Info),
    ("log", Level::Info),
    ("http", Level::Info),
    ("config", Level::Info),
    ("default", Level::Info),
    ("success", Level::Info),
    ("ready", Level::Info),
    ("start", Level::Info),
    ("event", Level::Info),
    ("wait", Level::Info),
    ("warn", Level::Warn),
    ("warning", Level::Warn),
    ("wrn", Level::Warn),
    ("error", Level::Error),
    ("err", Level::Error),
    ("erro", Level::Error),
    ("severe", Level::Error),
    ("fail", Level::Error),
    ("failure", Level::Error),
    ("fatal", Level::Fatal),
    ("fata", Level::Fatal),
    ("ftl", Level::Fatal),
    ("critical", Level::Fatal),
    ("crit", Level::Fatal),
    ("panic", Level::Fatal),
    ("dpanic", Level::Fatal),
    ("pani", Level::Fatal),
    ("pnc", Level::Fatal),
    ("emerg", Level::Fatal),
    ("emergency", Level::Fatal),
    ("alert", Level::Fatal),
];

/// Words of the list that are as often no level: only brackets and fields make them one.
const COMMON: &[&str] = &[
    "log", "config", "default", "success", "ready", "start", "event", "wait", "fine", "fail",
    "failure", "alert", "http",
];

/// The level of a word in any case; offsets (`INFO+2` of Go's slog) count for nothing.
pub(in crate::logs::parse) fn any(word: &[u8]) -> Option<Level> {
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
        return if name.len() == 1 { letter(*name.first()?) } else { None };
    }
    // Most words are none: one look at the first letter tells.
    let first = name.first()?.to_ascii_lowercase();
    let mut alike = WORDS.iter().filter(|(known, _)| known.as_bytes().first() == Some(&first));
    let found = alike.find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
    found.map(|(_, level)| *level)
}

/// As [`any`], but for words that say a level wherever they lead: not `log`, `start`, one letter.
pub(super) fn sure(word: &[u8]) -> Option<Level> {
    let found = if word.len() < 3 { None } else { any(word) };
    let is_common = || COMMON.iter().any(|common| word.eq_ignore_ascii_case(common.as_bytes()));
    found.filter(|_| !is_common())
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
