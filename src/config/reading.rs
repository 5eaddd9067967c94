//! Reading TOML so that everything wrong is found, with its line.
//!
//! Invariant: a value that is wrong costs itself only. Foreign text is cleaned before it is said.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memchr_iter;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::protocol::text::clean;

/// More are not kept: nobody reads them.
const FINDINGS_MAX: usize = 200;
/// The longest piece of the file that is quoted, characters.
const QUOTED_MAX: usize = 60;

/// Something that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1, where it is about one.
    pub line: Option<usize>,
    /// What is wrong, as a sentence without a full stop.
    pub text: String,
}

impl Finding {
    /// About the file as a whole.
    pub(super) fn of_file(text: String) -> Self {
        Self { line: None, text }
    }
}

/// Collects what is wrong.
pub(super) struct Reading<'a> {
    text: &'a str,
    findings: Vec<Finding>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, findings: Vec::new() }
    }

    /// All that is wrong, by line.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| finding.line);
        let mut seen = HashSet::new();
        self.findings.retain(|finding| seen.insert(finding.text.clone()) || finding.line.is_some());
        self.findings
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..at.start).unwrap_or_default();
        memchr_iter(b'\n', before).count() + 1
    }

    /// Notes that something is wrong at a place.
    pub(super) fn wrong(&mut self, at: &Range<usize>, text: impl Into<String>) {
        self.wrong_in(self.line(at), text);
    }

    /// Notes that something is wrong in a line.
    pub(super) fn wrong_in(&mut self, line: usize, text: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { line: Some(line), text: text.into() });
        }
    }

    /// Notes a key that means nothing here, and the near one that does.
    pub(super) fn unknown(&mut self, at: &Range<usize>, key: &str, known: &[&str]) {
        let near = near(key, known.iter().copied());
        let rest = near.map_or_else(
            || format!("; known here: {}", known.join(", ")),
            |near| format!("; did you mean `{near}`?"),
        );
        self.wrong(at, format!("unknown key `{}`{rest}", said(key)));
    }

    /// Takes a value, or notes what is wrong with it.
    pub(super) fn value<T>(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        match read(value.get_ref()) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(&value.span(), format!("{}: {why}", said(key)));
                None
            }
        }
    }

    /// The table of a key.
    pub(super) fn table<'t, 'i>(
        &mut self,
        key: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Option<&'t DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(&value.span(), format!("{0}: a table is wanted: [{0}]", said(key)));
        }
        table
    }

    /// The tables of a key: `[[key]]`.
    pub(super) fn tables<'t, 'i>(
        &mut self,
        key: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Vec<(Range<usize>, &'t DeTable<'i>)> {
        let mut all = Vec::new();
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(&value.span(), format!("{0}: write it as [[{0}]]", said(key)));
            return all;
        };
        for item in array {
            match item.get_ref().as_table() {
                Some(table) => all.push((item.span(), table)),
                None => self.wrong(&item.span(), format!("{0}: write it as [[{0}]]", said(key))),
            }
        }
        all
    }
}

/// The known word that an unknown one is probably meant as.
pub(super) fn near<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let word = plain(word);
    // One wrong letter in three is still a typing error.
    known
        .map(|name| (strsim::damerau_levenshtein(&word, &plain(name)), name))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, name)| edits * 3 <= word.len().max(name.len()))
        .map(|(_, name)| name)
}

/// Foreign text as it is said: clean, and not too long.
pub(super) fn said(text: &str) -> String {
    let clean = clean(text);
    match clean.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("{}..", clean.get(..end).unwrap_or_default()),
        None => clean.into_owned(),
    }
}
