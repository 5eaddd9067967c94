//! One JSON object, read without building it: its members in order, nested objects flattened.
//!
//! Numbers and text stay the bytes that they are: a number of 20 digits is not rounded, a key that
//! is there twice is given twice. What is no JSON gives `None`.

use super::super::cursor::Cursor;

/// Objects nested deeper than this are given as JSON text.
pub(super) const DEPTH: usize = 8;

/// A value, in the bytes of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logs::parse) enum Value<'a> {
    /// What stands between the quotes, escapes as they are.
    Text(&'a [u8]),
    /// A number, `true`, `false`, `null`; in logfmt any value without quotes.
    Bare(&'a [u8]),
    /// An array, an empty object, or one that is too deep: JSON text.
    Nested(&'a [u8]),
}

/// Takes the keys from the outermost to the innermost, and the value.
pub(in crate::logs::parse) type Visit<'v, 'a> = &'v mut dyn FnMut(&[&'a [u8]], Value<'a>);

struct Path<'a> {
    keys: [&'a [u8]; DEPTH],
    depth: usize,
}

impl<'a> Path<'a> {
    fn set(&mut self, key: &'a [u8]) {
        if let Some(slot) = self.keys.get_mut(self.depth) {
            *slot = key;
        }
    }

    fn whole(&self) -> &[&'a [u8]] {
        self.keys.get(..=self.depth).unwrap_or_default()
    }
}

/// Reads the object that begins here, and gives where it ends.
pub(in crate::logs::parse) fn object<'a>(
    text: &'a [u8],
    start: usize,
    visit: Visit<'_, 'a>,
) -> Option<usize> {
    let mut cursor = Cursor::new(text, start);
    let mut path = Path { keys: [&[]; DEPTH], depth: 0 };
    cursor.want(b'{')?;
    members(&mut cursor, &mut path, visit)?;
    Some(cursor.at())
}

/// Members up to the closing brace. Recursion is bounded by [`DEPTH`].
fn members<'a>(
    cursor: &mut Cursor<'a>,
    path: &mut Path<'a>,
    visit: &mut dyn FnMut(&[&'a [u8]], Value<'a>),
) -> Option<()> {
    blanks(cursor);
    if cursor.eat(b'}') {
        return Some(());
    }
    loop {
        blanks(cursor);
        let key = string(cursor)?;
        path.set(key);
        blanks(cursor);
        cursor.want(b':')?;
        blanks(cursor);
        match cursor.peek()? {
            b'"' => {
                let text = string(cursor)?;
                visit(path.whole(), Value::Text(text));
            }
            b'{' if path.depth + 1 < DEPTH && !is_empty(*cursor) => {
                cursor.skip(1);
                path.depth += 1;
                members(cursor, path, visit)?;
                path.depth -= 1;
            }
            b'{' | b'[' => {
                let text = nested(cursor)?;
                visit(path.whole(), Value::Nested(text));
            }
            _ => {
                let word = bare(cursor)?;
                visit(path.whole(), Value::Bare(word));
            }
        }
        blanks(cursor);
        match cursor.next()? {
            b',' => {}
            b'}' => return Some(()),
            _ => return None,
        }
    }
}

fn blanks(cursor: &mut Cursor<'_>) {
    cursor.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
}

fn is_empty(mut cursor: Cursor<'_>) -> bool {
    cursor.skip(1);
    blanks(&mut cursor);
    cursor.peek() == Some(b'}')
}

/// The inside of a string, and past its closing quote.
pub(super) fn string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    cursor.want(b'"')?;
    let start = cursor.at();
    loop {
        cursor.take_while(|byte| byte != b'"' && byte != b'\\');
        if cursor.peek()? == b'"' {
            let inside = cursor.since(start);
            cursor.skip(1);
            return Some(inside);
        }
        cursor.skip(2);
    }
}

/// An array or object as text: brackets are counted, strings are stepped over.
fn nested<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = cursor.at();
    let mut open = 0_usize;
    loop {
        cursor.take_while(|byte| !matches!(byte, b'"' | b'[' | b']' | b'{' | b'}'));
        match cursor.peek()? {
            b'"' => {
                string(cursor)?;
                continue;
            }
            b'[' | b'{' => open += 1,
            _ => open = open.checked_sub(1)?,
        }
        cursor.skip(1);
        if open == 0 {
            return Some(cursor.since(start));
        }
    }
}

fn bare<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let word = cursor.take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let first = word.first()?;
    let is_value = first.is_ascii_digit()
        || *first == b'-'
        || [&b"true"[..], b"false", b"null", b"NaN"].contains(&word);
    is_value.then_some(word)
}

/// Text with its escapes resolved; what is not UTF-8 is replaced, a broken escape stays as it is.
pub(in crate::logs::parse) fn unescape(inside: &[u8]) -> String {
    if !inside.contains(&b'\\') {
        return String::from_utf8_lossy(inside).into_owned();
    }
    let mut bytes = Vec::with_capacity(inside.len());
    let mut cursor = Cursor::new(inside, 0);
    loop {
        bytes.extend_from_slice(cursor.take_while(|byte| byte != b'\\'));
        if cursor.next().is_none() {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        match cursor.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'b') => bytes.push(0x08),
            Some(b'f') => bytes.push(0x0c),
            Some(b'u') => {
                let character = unicode(&mut cursor).unwrap_or(char::REPLACEMENT_CHARACTER);
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Some(other @ (b'"' | b'\\' | b'/')) => bytes.push(other),
            Some(other) => bytes.extend_from_slice(&[b'\\', other]),
            None => bytes.push(b'\\'),
        }
    }
}

/// The character of `\u1234`, of both halves where it has two.
fn unicode(cursor: &mut Cursor<'_>) -> Option<char> {
    let high = hex(cursor)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high);
    }
    let mut ahead = *cursor;
    if !ahead.eat_all(b"\\u") {
        return None;
    }
    let low = hex(&mut ahead).filter(|low| (0xdc00..0xe000).contains(low))?;
    *cursor = ahead;
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

fn hex(cursor: &mut Cursor<'_>) -> Option<u32> {
    let digits = std::str::from_utf8(cursor.rest().get(..4)?).ok()?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    cursor.skip(4);
    Some(value)
}
