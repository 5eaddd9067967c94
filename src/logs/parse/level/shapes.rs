//! Levels that follow from what a line is: the name of an error, an entry of an access log.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::super::cursor::{Cursor, find, is_blank};
use super::Level;

/// What stands behind the path in an access log. Each line is looked through for it.
static HTTP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" HTTP/"));

/// Bytes at the start that are looked at.
const LOOK: usize = 512;

/// The level of an error's or warning's name that leads the text: `TypeError: ..`,
/// `Uncaught Error`, `java.io.IOException: ..`, `panic: ..`, `(node:12) .. DeprecationWarning: ..`.
pub(in crate::logs::parse) fn thrown(text: &[u8]) -> Option<Level> {
    let text = text.get(..text.len().min(LOOK))?;
    let starts: &[(&[u8], Level)] = &[
        (b"Traceback (most recent call last)", Level::Error),
        (b"Exception in thread ", Level::Error),
        (b"Unhandled ", Level::Error),
        (b"UnhandledPromiseRejection", Level::Error),
        (b"Caused by: ", Level::Error),
        (b"[cause]: ", Level::Error),
        (b"panic: ", Level::Fatal),
        (b"fatal error: ", Level::Fatal),
        (b"thread '", Level::Error),
        (b"Segmentation fault", Level::Fatal),
    ];
    let first = *text.first()?;
    match first {
        b'(' if text.starts_with(b"(node:") => {
            return find(text, b"Warning:").map(|_| Level::Warn);
        }
        b'A'..=b'Z' | b'a'..=b'z' | b'[' | b'_' => {}
        b'/' => return python_warning(text),
        _ => return None,
    }
    // One look at the first letter tells of most lines.
    if matches!(first, b'T' | b'E' | b'U' | b'C' | b'[' | b'p' | b'f' | b't' | b'S')
        && let Some((start, level)) = starts.iter().find(|(start, _)| text.starts_with(start))
    {
        let is_panic = *start != b"thread '" || find(text, b"' panicked at").is_some();
        return is_panic.then_some(*level);
    }
    let bare = match first {
        b'U' => text.strip_prefix(b"Uncaught "),
        b'[' => text.strip_prefix(b"["),
        _ => None,
    };
    named(bare.unwrap_or(text))
}

/// `Error: ..`, `TypeError [ERR_X]: ..`, `Error` alone, `DeprecationWarning: ..`.
fn named(text: &[u8]) -> Option<Level> {
    let mut cursor = Cursor::new(text, 0);
    let name = cursor.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$'));
    // npm's and Node's codes stand between name and colon.
    let mut after = cursor;
    if after.eat_all(b" [") {
        after.take_while(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit());
        if after.eat(b']') {
            cursor = after;
        }
    }
    let has_colon = cursor.peek() == Some(b':') && cursor.peek_at(1).is_none_or(is_blank);
    let is_upper = name.iter().any(u8::is_ascii_uppercase);
    if !is_upper || !(has_colon || cursor.peek().is_none()) {
        return None;
    }
    if name.ends_with(b"Error") || name.ends_with(b"Exception") || name.ends_with(b"Failure") {
        Some(Level::Error)
    } else if name.ends_with(b"Warning") && has_colon {
        Some(Level::Warn)
    } else {
        None
    }
}

/// `/srv/app.py:12: DeprecationWarning: ..`.
fn python_warning(text: &[u8]) -> Option<Level> {
    let at = find(text, b"Warning: ")?;
    let before = text.get(..at)?;
    let blanks = before.iter().filter(|byte| is_blank(**byte)).count();
    (blanks == 1 && find(before, b".py:").is_some()).then_some(Level::Warn)
}

/// The level of an access log's status: 5xx error, 4xx warn, else info. Common, combined, morgan's
/// `dev`, `tiny` and `short`, Next.js, uvicorn.
pub(in crate::logs::parse) fn access(text: &[u8]) -> Option<Level> {
    let text = text.get(..text.len().min(4 * LOOK))?;
    let status = match HTTP.find(text) {
        Some(at) => {
            let mut cursor = Cursor::new(text, at + 6);
            cursor.take_while(|byte| byte.is_ascii_digit() || byte == b'.');
            cursor.eat(b'"');
            status(cursor)?
        }
        None => short(text)?,
    };
    match status {
        500.. => Some(Level::Error),
        400.. => Some(Level::Warn),
        _ => Some(Level::Info),
    }
}

/// `GET /path 200 12 ms - 4`.
fn short(text: &[u8]) -> Option<i64> {
    let mut cursor = Cursor::new(text, 0);
    cursor.skip_blanks();
    let method = cursor.take_while(|byte| byte.is_ascii_uppercase());
    let is_method =
        [&b"GET"[..], b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS"].contains(&method);
    if !is_method || !cursor.eat(b' ') || !matches!(cursor.peek(), Some(b'/' | b'h')) {
        return None;
    }
    cursor.take_while(|byte| !is_blank(byte));
    status(cursor)
}

/// Three digits from 100 to 599 behind one blank.
fn status(mut cursor: Cursor<'_>) -> Option<i64> {
    cursor.want(b' ')?;
    let status = cursor.number(3, 3)?;
    let is_status = (100..600).contains(&status) && cursor.peek().is_none_or(is_blank);
    is_status.then_some(status)
}
