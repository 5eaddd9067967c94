//! logfmt: `level=info msg="it is up" port=3000`.

use super::super::cursor::{Cursor, is_blank};
use super::json::{Value, string};

/// Reads pairs up to the end of the text, and gives how many there are. `None` where something else
/// than pairs is in it: then it is a sentence.
pub(in crate::logs::parse) fn pairs<'a>(
    text: &'a [u8],
    start: usize,
    visit: &mut dyn FnMut(&[&'a [u8]], Value<'a>),
) -> Option<usize> {
    let mut cursor = Cursor::new(text, start);
    let mut count = 0;
    loop {
        cursor.skip_blanks();
        if cursor.peek().is_none() {
            return Some(count);
        }
        let key = cursor.take_while(is_of_key);
        let is_key = key.first().is_some_and(|b| b.is_ascii_alphabetic() || b"_@".contains(b));
        if !is_key || !cursor.eat(b'=') {
            return None;
        }
        let value = if cursor.peek() == Some(b'"') {
            Value::Text(string(&mut cursor)?)
        } else {
            Value::Bare(cursor.take_while(|byte| !is_blank(byte)))
        };
        if cursor.peek().is_some_and(|byte| !is_blank(byte)) {
            return None;
        }
        visit(&[key], value);
        count += 1;
    }
}

fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.@/".contains(&byte)
}
