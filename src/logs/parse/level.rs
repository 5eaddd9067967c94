//! The level of a line, from signs that are more or less sure.
//!
//! A word in the middle of a sentence is no sign ("no errors found"). A level is a word that leads
//! the text, stands in brackets of the head, or is the value of a field of that name.

mod shapes;
mod words;

use super::cursor::{Cursor, is_blank};
pub use crate::model::log::Level;

pub(super) use self::shapes::{access, thrown};
pub(super) use self::words::{any, number};

impl Level {
    /// The level that a word means, as loggers write it in any case: `WARNING`, `err`, `info`.
    #[must_use]
    pub fn from_name(word: &str) -> Option<Self> {
        any(word.as_bytes())
    }
}

/// How a level is known, the surest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// The line came by standard error and says nothing itself. Many loggers write all there.
    Stream,
    /// The line's form: an access log's status.
    Form,
    /// A name of an error or warning leads the text: `TypeError: ..`, `panic: ..`.
    Thrown,
    /// The line says its level.
    Said,
}

/// A level word (or sign, or letter) that leads the text.
pub(super) struct Lead {
    pub(super) level: Level,
    /// Where the word ends.
    pub(super) end: usize,
    /// Whether the text without the word says the same.
    pub(super) is_spent: bool,
}

/// What stands before a word that may be a level.
#[derive(Clone, Copy)]
pub(super) struct Before {
    /// The bracket that was opened right before it.
    pub(super) opener: Option<u8>,
    pub(super) has_time: bool,
    /// Two blanks, a tab or a bar stand before it: it is a column.
    pub(super) is_column: bool,
}

/// The level that the next word means, if it leads.
pub(super) fn leading(start: Cursor<'_>, before: Before) -> Option<Lead> {
    let mut cursor = start;
    if let Some((level, length, is_spent)) = words::sign(cursor.rest()) {
        cursor.skip(length);
        return Some(Lead { level, end: cursor.at(), is_spent });
    }
    if before.opener.is_none() && cursor.peek() == Some(b'n') {
        for tool in [&b"npm ERR!"[..], b"npm error", b"npm WARN", b"npm warn"] {
            if cursor.rest().starts_with(tool) {
                let is_warn = tool.ends_with(b"N") || tool.ends_with(b"n");
                let level = if is_warn { Level::Warn } else { Level::Error };
                return Some(Lead { level, end: cursor.at() + tool.len(), is_spent: true });
            }
        }
    }
    let word = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    let end = cursor.at();
    let next = cursor.peek();
    if word.len() == 1 {
        let level = words::letter(*word.first()?)?;
        let end = end + usize::from(next == Some(b'/'));
        return leads_as_letter(cursor, before).then_some(Lead { level, end, is_spent: true });
    }
    // Most words are none.
    let (level, is_sure) = words::any_or_sure(word)?;
    if let Some(opener) = before.opener.filter(|opener| *opener != b'"') {
        let closer = closer_of(opener);
        cursor.skip_blanks();
        if cursor.peek() == Some(closer) {
            return Some(Lead { level, end, is_spent: true });
        }
    }
    let is_upper = word.iter().all(u8::is_ascii_uppercase);
    let is_lower = word.iter().all(u8::is_ascii_lowercase);
    if is_upper && !is_sure {
        let is_log = before.has_time && matches!(word, b"LOG" | b"SUCCESS" | b"FINE" | b"CONFIG");
        if !is_log {
            return None;
        }
    }
    let has_blank = next.is_none_or(is_blank);
    let has_colon = next == Some(b':') && start_of_text(cursor.peek_at(1));
    let is_spent = if is_upper {
        matches!(next, None | Some(b' ' | b'\t' | b':' | b'[' | b']' | b'|' | b'(' | b'/'))
    } else if has_colon {
        // `Error:` and `panic:` are names of what was thrown: see `thrown`. `http:` is winston's
        // level, but also a package of Go, which writes a time before it.
        let is_thrown = matches!(word, b"Error" | b"Warning" | b"panic");
        let is_known = is_sure || word == b"fail" || (word == b"http" && !before.has_time);
        return (is_known && !is_thrown).then_some(Lead { level, end, is_spent: is_lower });
    } else if has_blank && is_lower && (before.is_column || is_dash(cursor)) {
        is_sure || is_dash(cursor)
    } else if has_blank && before.has_time && is_lower && is_sure {
        // Perhaps a word of the sentence: it stays.
        return Some(Lead { level, end: start.at(), is_spent: false });
    } else {
        false
    };
    let end = end + usize::from(next == Some(b'/'));
    is_spent.then_some(Lead { level, end, is_spent })
}

/// `E/Tag: text`, `[E]`, and after a time `E text`, `E, [`; not "I went".
fn leads_as_letter(after: Cursor<'_>, before: Before) -> bool {
    let next = after.peek();
    if let Some(opener) = before.opener {
        return next == Some(closer_of(opener));
    }
    match next {
        Some(b'/') => after.peek_at(1).is_some_and(|byte| byte.is_ascii_alphabetic()),
        Some(b',') => after.rest().starts_with(b", ["),
        Some(b' ') => before.has_time && !after.peek_at(1).is_some_and(|b| b.is_ascii_lowercase()),
        Some(b'\t' | b'|') => before.has_time,
        _ => false,
    }
}

pub(super) fn closer_of(opener: u8) -> u8 {
    match opener {
        b'[' => b']',
        b'(' => b')',
        b'<' => b'>',
        other => other,
    }
}

/// ` - ` or ` | ` is next: the words before it are a column.
fn is_dash(mut cursor: Cursor<'_>) -> bool {
    let blanks = cursor.take_while(is_blank).len();
    let is_rule = cursor.eat(b'-') || cursor.eat(b'|');
    blanks > 0 && is_rule && cursor.peek().is_some_and(is_blank)
}

fn start_of_text(byte: Option<u8>) -> bool {
    byte.is_none_or(is_blank)
}

/// Words of a head that are looked through for a level.
const HEAD_WORDS: usize = 8;

/// A level that stands further back in the head: behind names, threads and process ids in brackets
/// or between rules (`[main] INFO`, `- app.db - ERROR -`, `[core:error]`, `host app[12]: WARN`).
pub(super) fn in_head(mut cursor: Cursor<'_>) -> Option<Level> {
    let (mut colons, mut figures, mut is_behind_brackets) = (0, 0, false);
    for _ in 0..HEAD_WORDS {
        cursor.skip_blanks();
        let start = cursor;
        let first = cursor.peek()?;
        if matches!(first, b'[' | b'(' | b'<') {
            cursor.skip(1);
            let closer = closer_of(first);
            let inside = cursor.take_while(|byte| byte != closer);
            if !cursor.eat(closer) {
                return None;
            }
            cursor.eat(b':');
            let parts = inside.rsplit(|byte| *byte == b':').next()?.trim_ascii();
            if let Some(level) = words::any(parts) {
                return Some(level);
            }
            is_behind_brackets |= colons + figures == 0;
            continue;
        }
        let word = cursor.take_while(|byte| !is_blank(byte));
        if let Some(level) = upper_word(word) {
            return Some(level);
        }
        // winston's printf: `[label] info: text`.
        if is_behind_brackets && let Some(level) = lower_word(word) {
            return Some(level);
        }
        // Android's logcat: `4211  4230 E Tag: text`.
        if let &[letter] = word
            && figures > 1
        {
            return words::letter(letter);
        }
        is_behind_brackets = false;
        let ends_with_colon = matches!(word.last(), Some(b':' | b']'));
        colons += usize::from(ends_with_colon);
        let is_of_figure =
            |byte: &u8| matches!(byte, b'0'..=b'9' | b'#' | b'*' | b'.' | b':' | b'|' | b'-');
        let is_figure = word.iter().all(is_of_figure);
        figures += usize::from(is_figure && word.len() > 1);
        let is_head = is_figure || (ends_with_colon && colons < 2) || is_name(start, cursor);
        if !is_head {
            return None;
        }
    }
    None
}

/// The level of a line of standard error that does not say its own: a warning, or an error that is named in capitals
/// among the first words, whatever stands before it (`worker 3 ERROR: slow`). On standard output too many a text
/// has such a word.
#[must_use]
pub fn of_stderr(text: &[u8]) -> Level {
    shouted(text).unwrap_or(Level::Warn)
}

fn shouted(text: &[u8]) -> Option<Level> {
    let mut cursor = Cursor::new(text, 0);
    for _ in 0..HEAD_WORDS {
        cursor.skip_blanks();
        cursor.peek()?;
        let level = upper_word(cursor.take_while(|byte| !is_blank(byte)));
        if let Some(level) = level.filter(|level| *level >= Level::Error) {
            return Some(level);
        }
    }
    None
}

/// `info:`
fn lower_word(word: &[u8]) -> Option<Level> {
    let name = word.strip_suffix(b":")?;
    if name.iter().all(u8::is_ascii_lowercase) { words::sure(name) } else { None }
}

/// `ERROR`, `ERROR:`, `INFO/MainProcess`.
fn upper_word(word: &[u8]) -> Option<Level> {
    if !word.first()?.is_ascii_uppercase() {
        return None;
    }
    let letters = word.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let name = word.get(..letters)?;
    match word.get(letters) {
        // `LOG:` of PostgreSQL.
        Some(b':') if letters > 2 => words::any(name),
        None | Some(b'/' | b']' | b'|' | b'[') => words::sure(name),
        Some(_) => None,
    }
}

/// A word before a rule (`my.module - `) or before one with a colon (`host app[12]: `).
fn is_name(start: Cursor<'_>, end: Cursor<'_>) -> bool {
    if is_dash(end) {
        return true;
    }
    let mut next = end;
    next.skip_blanks();
    let word = next.take_while(|byte| !is_blank(byte));
    let is_host = start.peek().is_some_and(|byte| byte.is_ascii_alphanumeric());
    is_host && word.ends_with(b"]:")
}
