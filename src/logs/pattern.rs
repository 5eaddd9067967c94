//! What is searched for: a regular expression, or the words as they stand.
//!
//! Invariant: a match is within one line. Time is linear in the text, and the size of what is
//! compiled is bounded.

use std::fmt;
use std::ops::Range;

use memchr::{memchr, memrchr};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast, ClassSetItem, Visitor};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange};
use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

use super::bits::Bits;
use super::bytes::{has_newline, is_special};
use super::read::{Lines, plain, push_parts};
use super::rows::{Rows, words, words_of};

/// The longest pattern, bytes.
pub const PATTERN_BYTES_MAX: usize = 4096;
/// The most that a compiled pattern takes, bytes.
const COMPILED_BYTES_MAX: usize = 4 * 1024 * 1024;
const NESTING_MAX: u32 = 100;
/// Where fewer lines than one in so many are asked about, they are looked at one by one.
const SPARSE: usize = 8;

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In words.
    pub message: String,
    /// Which bytes of the pattern, where it is one place.
    pub at: Option<Range<usize>>,
}

impl Problem {
    /// What is wrong and where in the pattern, by its characters from 1: `unclosed character class at 1`.
    #[must_use]
    pub fn words(&self, pattern: &str) -> String {
        let before = self.at.as_ref().and_then(|at| pattern.get(..at.start));
        match before {
            Some(before) => format!("{} at {}", self.message, before.chars().count() + 1),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// A pattern that is ready to search. A clone is cheap.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
    is_literal: bool,
    /// Many lines may be searched in one go: no anchor of it means the whole text.
    takes_blocks: bool,
    /// How it is found in rows of JSON, where it may be there alone.
    rows: Option<Rows>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.is_literal == other.is_literal
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// A regular expression. Without a capital letter in it case does not matter.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn regex(text: &str) -> Result<Self, Problem> {
        Self::check_length(text)?;
        let ast = ast::parse::ParserBuilder::new().nest_limit(NESTING_MAX).build().parse(text);
        let ast = ast.map_err(|error| problem(error.kind(), *error.span()))?;
        let is_insensitive = !has_capital(&ast);
        let translator = regex_syntax::hir::translate::TranslatorBuilder::new()
            .utf8(false)
            .multi_line(true)
            .case_insensitive(is_insensitive)
            .build()
            .translate(text, &ast);
        let hir = translator.map_err(|error| problem(error.kind(), *error.span()))?;
        let takes_blocks = {
            let looks = hir.properties().look_set();
            let whole = [Look::Start, Look::End, Look::StartCRLF, Look::EndCRLF];
            !whole.iter().any(|look| looks.contains(*look))
        };
        let regex = if can_match_newline(&hir) {
            // Case is in its classes by now.
            compile(&without_newline(hir).to_string(), false)?
        } else {
            compile(text, is_insensitive)?
        };
        let rows = Rows::of(text, words(&ast), |word| compile(word, is_insensitive).ok());
        Ok(Self { text: text.to_owned(), regex, is_literal: false, takes_blocks, rows })
    }

    /// The words as they stand. Without a capital letter in them case does not matter.
    ///
    /// # Errors
    ///
    /// They are too long.
    pub fn literal(text: &str) -> Result<Self, Problem> {
        Self::check_length(text)?;
        let is_insensitive = !text.chars().any(char::is_uppercase);
        let regex = compile(&regex_syntax::escape(text), is_insensitive)?;
        let rows = Rows::of(text, words_of(text), |word| compile(word, is_insensitive).ok());
        Ok(Self { text: text.to_owned(), regex, is_literal: true, takes_blocks: true, rows })
    }

    /// For a search while one types: a regular expression, or the words as they stand where it is
    /// none, and then also why.
    ///
    /// # Errors
    ///
    /// It is too long.
    pub fn search(text: &str) -> Result<(Self, Option<Problem>), Problem> {
        match Self::regex(text) {
            Ok(pattern) => Ok((pattern, None)),
            Err(problem) => Ok((Self::literal(text)?, Some(problem))),
        }
    }

    fn check_length(text: &str) -> Result<(), Problem> {
        if text.len() <= PATTERN_BYTES_MAX {
            return Ok(());
        }
        let message = format!("a pattern has at most {PATTERN_BYTES_MAX} bytes");
        Err(Problem { message, at: None })
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is taken as it stands, not as a regular expression.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.is_literal
    }

    /// Whether it is in a line, as [`super::plain`] gives it.
    #[must_use]
    pub fn is_match(&self, line: &[u8]) -> bool {
        if !has_newline(line) {
            return self.regex.is_match(line);
        }
        line.split(|byte| *byte == b'\n').any(|part| self.regex.is_match(part))
    }

    /// Whether it is in a part of a line, as it is in a file; whether the line begins and ends there is
    /// given.
    #[must_use]
    pub fn is_in_part(&self, part: &[u8], (begins, ends): (bool, bool)) -> bool {
        let mut text = Vec::with_capacity(part.len());
        push_parts(part, &mut text);
        // Anchors see the byte before.
        let end = self.end_of_first(&text, usize::from(!begins));
        end.is_some_and(|end| ends || end < text.len())
    }

    /// The last of several lines, as they are in a file, that it is in, or in whose row it is.
    #[must_use]
    pub fn last_line(&self, lines: &[u8]) -> Option<Range<usize>> {
        let last = self.last_in_bytes(lines);
        let from = last.as_ref().map_or(0, |last| last.end);
        self.last_row(lines, from).or(last)
    }

    /// The last line behind a byte in whose row it is.
    fn last_row(&self, lines: &[u8], from: usize) -> Option<Range<usize>> {
        self.rows.as_ref().filter(|rows| rows.may_be_in(lines))?;
        let mut end = lines.len();
        loop {
            let before = lines.get(from..end)?;
            let start = from + memrchr(b'\n', before).map_or(0, |end| end + 1);
            // What begins before it was looked at.
            if self.is_in_row(&plain(lines.get(start..end)?)) {
                return Some(start..end);
            }
            end = start.checked_sub(1).filter(|end| *end > from)?;
        }
    }

    fn last_in_bytes(&self, lines: &[u8]) -> Option<Range<usize>> {
        if self.takes_blocks && !is_special(lines) {
            let at = self.regex.find_iter(lines).last()?.start();
            let start = memrchr(b'\n', lines.get(..at)?).map_or(0, |end| end + 1);
            let end = memchr(b'\n', lines.get(at..)?).map_or(lines.len(), |end| at + end);
            return Some(start..end);
        }
        let mut end = lines.len();
        loop {
            let before = lines.get(..end)?;
            let start = memrchr(b'\n', before).map_or(0, |end| end + 1);
            if self.is_match(&plain(before.get(start..)?)) {
                return Some(start..end);
            }
            end = start.checked_sub(1)?;
        }
    }

    /// Whether it may be in the row of a line though it is not in its bytes.
    pub(super) fn is_in_rows(&self) -> bool {
        self.rows.is_some()
    }

    /// Whether it is in the row of a line, as [`super::plain`] gives it, where that is JSON.
    pub(super) fn is_in_row(&self, line: &[u8]) -> bool {
        let row = self.rows.as_ref().and_then(|rows| rows.row(line));
        row.is_some_and(|row| self.is_match(row.as_bytes()))
    }

    /// Where it is in text that is shown, for highlights; empty matches are left out.
    pub fn find_iter(&self, shown: &str) -> impl Iterator<Item = Range<usize>> {
        let all = self.regex.find_iter(shown.as_bytes()).map(|found| found.range());
        all.filter(|range| !range.is_empty())
    }

    /// The earliest byte by which a match has ended.
    pub(super) fn end_of_first(&self, text: &[u8], from: usize) -> Option<usize> {
        self.regex.shortest_match_at(text, from)
    }

    /// Sets the bits of the lines that match. Only those of `candidates` need to be right, which
    /// are `wanted` many.
    pub(super) fn mark(&self, lines: &Lines<'_>, candidates: &Bits, wanted: usize, out: &mut Bits) {
        if self.takes_blocks && wanted * SPARSE >= lines.len() {
            return self.mark_all(lines, out);
        }
        let ours = candidates.iter_from(lines.first);
        for index in ours.take_while(|index| *index < lines.first + lines.len()) {
            if self.is_match(lines.line(index - lines.first)) {
                out.set(index);
            }
        }
    }

    fn mark_all(&self, lines: &Lines<'_>, out: &mut Bits) {
        // Behind the last newline there is no line.
        let Some(text) = lines.text.strip_suffix(b"\n") else { return };
        let (mut at, mut from) = (0, 0);
        while at <= text.len()
            && let Some(end) = self.regex.shortest_match_at(text, at)
        {
            let index = lines.index_at(from, end);
            out.set(lines.first + index);
            at = lines.next_start(index);
            from = index + 1;
            if from >= lines.len() {
                break;
            }
        }
    }
}

fn problem(message: &impl ToString, span: ast::Span) -> Problem {
    Problem { message: message.to_string(), at: Some(span.start.offset..span.end.offset) }
}

fn compile(text: &str, is_insensitive: bool) -> Result<Regex, Problem> {
    let built = RegexBuilder::new(text)
        .multi_line(true)
        .case_insensitive(is_insensitive)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        // Classes that are written out nest deeper than what was typed.
        .nest_limit(NESTING_MAX * 4)
        .build();
    built.map_err(|error| {
        let message = match error {
            regex::Error::CompiledTooBig(_) => "it would take too much memory".to_owned(),
            other => other.to_string(),
        };
        Problem { message, at: None }
    })
}

/// Whether a pattern has a capital letter that is meant as such (`\S` has none).
fn has_capital(ast: &Ast) -> bool {
    struct Capitals(bool);
    impl Visitor for Capitals {
        type Output = bool;
        type Err = ();

        fn finish(self) -> Result<bool, ()> {
            Ok(self.0)
        }

        fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
            if let Ast::Literal(literal) = ast {
                self.0 |= literal.c.is_uppercase();
            }
            Ok(())
        }

        fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), ()> {
            match item {
                ClassSetItem::Literal(literal) => self.0 |= literal.c.is_uppercase(),
                ClassSetItem::Range(range) => {
                    self.0 |= range.start.c.is_uppercase() || range.end.c.is_uppercase();
                }
                _ => {}
            }
            Ok(())
        }
    }
    ast::visit(ast, Capitals(false)).unwrap_or_default()
}

fn can_match_newline(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => has_newline(&literal.0),
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().any(|range| range.start() <= '\n' && '\n' <= range.end())
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().any(|range| range.start() <= b'\n' && b'\n' <= range.end())
        }
        HirKind::Repetition(repetition) => can_match_newline(&repetition.sub),
        HirKind::Capture(capture) => can_match_newline(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(can_match_newline),
    }
}

/// The same pattern, but that nothing in it is a newline.
fn without_newline(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Literal(literal) if has_newline(&literal.0) => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(Class::Unicode(mut class)) => {
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(Class::Bytes(mut class)) => {
            class.difference(&ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]));
            Hir::class(Class::Bytes(class))
        }
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            let sub = Box::new(without_newline(*sub));
            Hir::repetition(Repetition { min, max, greedy, sub })
        }
        HirKind::Capture(capture) => without_newline(*capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(without_newline).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.into_iter().map(without_newline).collect())
        }
    }
}
