//! Reading TOML so that everything wrong is found, with its line.
//!
//! Invariant: a value that is wrong costs itself only. Foreign text is cleaned before it is said.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memchr_iter;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::guards::{self, Doubts, Guard};
pub(super) use super::words::{near, said};

/// More are not kept: nobody reads them.
const FINDINGS_MAX: usize = 200;

/// Something that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1, where it is about one.
    pub line: Option<usize>,
    /// What is wrong, as a sentence without a full stop.
    pub text: String,
    /// Which guard it is about, if it is about one.
    pub(super) guard: Option<Guard>,
}

impl Finding {
    /// About the file as a whole, which cannot be read: no guard of it is known.
    pub(super) fn of_file(text: &str) -> Self {
        let guard = Guard::All;
        Self { line: None, text: format!("{text} {}", guard.meanwhile()), guard: Some(guard) }
    }
}

/// Collects what is wrong.
pub(super) struct Reading<'a> {
    text: &'a str,
    findings: Vec<Finding>,
    /// What of the guards is in doubt.
    pub(super) doubts: Doubts,
}

impl<'a> Reading<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, findings: Vec::new(), doubts: Doubts::default() }
    }

    /// All that is wrong, by line.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| finding.line);
        let mut seen = HashSet::new();
        self.findings.retain(|finding| seen.insert(finding.text.clone()) || finding.line.is_some());
        self.findings
    }

    /// How much was found so far.
    pub(super) fn count(&self) -> usize {
        self.findings.len()
    }

    /// The first that was found since then.
    pub(super) fn told_since(&self, count: usize) -> Option<&Finding> {
        self.findings.get(count)
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
            self.findings.push(Finding { line: Some(line), text: text.into(), guard: None });
        }
    }

    /// Notes that something is wrong in a line about what guards: its safest value counts.
    pub(super) fn wrong_guard(&mut self, line: usize, guard: Guard, text: &str) {
        self.doubts.note(guard);
        // As many again: what makes it safer has to be said.
        if self.findings.len() < FINDINGS_MAX * 2 {
            let text = format!("{text} {}", guard.meanwhile());
            self.findings.push(Finding { line: Some(line), text, guard: Some(guard) });
        }
    }

    /// Whether it was said that something is wrong in a line with what guards.
    pub(super) fn is_told(&self, line: usize) -> bool {
        self.findings.iter().any(|it| it.line == Some(line) && it.guard.is_some())
    }

    /// Notes a key that means nothing here, and the near one that does.
    pub(super) fn unknown(&mut self, at: &Range<usize>, key: &str, known: &[&str]) {
        let near = near(key, known.iter().copied());
        let guard = guards::meant(key).filter(|guard| {
            near.is_none_or(|near| {
                known.contains(&"read-only") && guards::meant(near) == Some(*guard)
            })
        });
        if let Some(guard) = guard {
            let rest = match near {
                Some(near) => format!("; did you mean `{near}`?"),
                None if known.contains(&"read-only") => String::new(),
                None => ": what guards stands before all tables".to_owned(),
            };
            let text = format!("unknown key `{}`{rest}", said(key));
            return self.wrong_guard(self.line(at), guard, &text);
        }
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

    /// Takes the value of what guards, or notes what is wrong with it and that the safest counts.
    pub(super) fn guard<T>(
        &mut self,
        (key, guard): (&str, Guard),
        value: &Spanned<DeValue<'_>>,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        match read(value.get_ref()) {
            Ok(value) => Some(value),
            Err(why) => {
                let line = self.line(&value.span());
                self.wrong_guard(line, guard, &format!("{}: {why}", said(key)));
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
