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
/// What stands beside letters and digits in what is the same in a row and in JSON.
const SAME: &[u8] = b"_-,:;@#%&~'<>!";

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
        if typed.bytes().all(|byte| byte.is_ascii_alphanumeric() || SAME.contains(&byte)) {
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
