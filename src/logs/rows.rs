//! Lines of JSON as a search sees them besides their bytes: as their rows show them, in words.
//!
//! Invariant: what is no JSON costs nothing, and of JSON only what may have the pattern in its row is taken
//! apart: a word that stands in one value is found in the bytes.

use jiff::tz::TimeZone;
use regex::bytes::Regex;
use regex_syntax::ast::Ast;

use super::parse::{Clock, Context, Record, read};

/// What it costs to take a line apart, in bytes that are searched meanwhile.
pub(super) const ROW_COST: usize = 16;
/// The most words that are looked for before a line is taken apart.
const NEEDED_MAX: usize = 4;
/// A word below this many bytes is everywhere.
const WORD_BYTES_MIN: usize = 2;
/// What stands in a row otherwise than in JSON: fields (`key=value`), quotes, and where a text begins and ends.
const OTHER: &[u8] = b"=\"^$";

/// How rows of JSON are searched for a pattern.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    /// Each of them is in a line whose row has the pattern.
    needed: Vec<Regex>,
}

impl Rows {
    /// For a pattern as it was typed; its words as it has them, see [`words`]. `None` where what is in a row
    /// is in the bytes, too.
    pub(super) fn of(
        typed: &str,
        mut words: Vec<String>,
        compile: impl Fn(&str) -> Option<Regex>,
    ) -> Option<Self> {
        if !may_differ(typed.as_bytes()) {
            return None;
        }
        words.retain(|word| word.len() >= WORD_BYTES_MIN);
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.truncate(NEEDED_MAX);
        Some(Self { needed: words.iter().filter_map(|word| compile(word)).collect() })
    }

    /// Whether the pattern may be in rows of these lines.
    pub(super) fn may_be_in(&self, lines: &[u8]) -> bool {
        self.needed.iter().all(|word| word.is_match(lines))
    }

    /// The row of a line, as [`super::plain`] gives it, where that is JSON that may have the pattern.
    pub(super) fn row(&self, line: &[u8]) -> Option<String> {
        let is_json = line.trim_ascii_end().last() == Some(&b'}');
        if !is_json || !self.may_be_in(line) {
            return None;
        }
        let clock = Clock { zone: &TimeZone::UTC, reference_ms: 0 };
        let reading = read(line, &Context { declared: None, clock, is_stderr: false });
        Some(Record::of(line, &reading)?.row())
    }
}

/// Whether a row may have what was typed where the bytes do not: the keys of nested fields, `req.method`, and what
/// has [`OTHER`]. A message is the same in both.
fn may_differ(typed: &[u8]) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let is_path = |parts: &[u8]| {
        is_word(parts.first()) && parts.get(1) == Some(&b'.') && is_word(parts.last())
    };
    // A dot is typed as `\.` by who knows.
    let plain: Vec<u8> = typed.iter().copied().filter(|byte| *byte != b'\\').collect();
    typed.iter().any(|byte| OTHER.contains(byte)) || plain.windows(3).any(is_path)
}

/// Letters and digits that follow each other wherever a pattern is.
pub(super) fn words(ast: &Ast) -> Vec<String> {
    let parts = match ast {
        Ast::Concat(concat) => concat.asts.as_slice(),
        one => std::slice::from_ref(one),
    };
    // What is behind flags may mean something else.
    if parts.iter().any(|part| matches!(part, Ast::Flags(_))) {
        return Vec::new();
    }
    let mut words = vec![String::new()];
    for part in parts {
        match (part, words.last_mut()) {
            (Ast::Literal(literal), Some(word)) if literal.c.is_ascii_alphanumeric() => {
                word.push(literal.c);
            }
            _ => words.push(String::new()),
        }
    }
    words
}

/// The same of words that are taken as they stand.
pub(super) fn words_of(typed: &str) -> Vec<String> {
    typed.split(|c: char| !c.is_ascii_alphanumeric()).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_rows_show_in_another_form_is_sought_in_them() {
        for typed in ["reqId=42", "req.method", r"req\.id", "^request", "done$", "a \"b\""] {
            assert!(may_differ(typed.as_bytes()), "{typed}");
        }
        for typed in ["42", r"request \d+ ms", "status.:5", "a.*b", "warn|error", "v1.", ".x", ""] {
            assert!(!may_differ(typed.as_bytes()), "{typed}");
        }
    }
}
