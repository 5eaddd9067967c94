//! Names of metrics, as small values that a column can be told by.
//!
//! Invariant: each name is kept once, for the life of the program; there are at most 256.

use std::sync::{Mutex, PoisonError};

use crate::model::fleet::Process;
use crate::protocol::process::Reported;

/// What stands before the name of a metric where a column is named: `metric:Heap Size`.
const PREFIX: &str = "metric:";
/// The most names; more have no column.
const NAMES_MAX: usize = 256;
/// The longest, bytes.
const NAME_BYTES_MAX: usize = 240;

/// All names so far, with the prefix.
static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// The name of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MetricName(&'static str);

impl MetricName {
    /// No name, where a column of metrics in general is meant.
    pub(super) const NONE: Self = Self(PREFIX);

    /// This name; `None` where it is empty, too long, or there are too many.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        Self::of_word(&format!("{PREFIX}{name}"))
    }

    /// The name in the word of a column.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        let name = word.strip_prefix(PREFIX)?;
        if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
            return None;
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.iter().find(|known| **known == word) {
            return Some(Self(known));
        }
        if names.len() >= NAMES_MAX {
            return None;
        }
        let kept: &'static str = Box::leak(word.to_owned().into_boxed_str());
        names.push(kept);
        Some(Self(kept))
    }

    /// The word of its column: `metric:Heap Size`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.0
    }

    /// The name.
    #[must_use]
    pub fn get(self) -> &'static str {
        self.0.strip_prefix(PREFIX).unwrap_or(self.0)
    }
}

impl Process {
    /// A metric that it reports.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Reported> {
        let mut all = self.info.metrics.iter().filter(|_| self.is_running());
        all.find(|metric| *metric.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        let one = MetricName::new("Heap Size").unwrap();
        assert_eq!(Some(one), MetricName::of_word("metric:Heap Size"));
        assert_eq!((one.get(), one.word()), ("Heap Size", "metric:Heap Size"));
        for wrong in ["", "metric:", "metric:  ", "Heap Size"] {
            assert_eq!(MetricName::of_word(wrong), None, "{wrong}");
        }
        assert_eq!(MetricName::new(&"x".repeat(1_000)), None);
    }
}
