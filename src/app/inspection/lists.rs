//! What the lists of the details stand on: the course of metrics.
//!
//! Invariant: bounded: of so many metrics so many values; it begins when the details were opened.

use std::collections::{BTreeMap, VecDeque};

use crate::model::details::Metric;

/// The most metrics whose course is kept.
const METRICS_MAX: usize = 256;
/// The most values of one.
const VALUES_MAX: usize = 3_600;

/// The course of metrics: of each, by its name, when (by the steady clock) and how much, oldest
/// first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History(BTreeMap<Box<str>, VecDeque<(i64, f64)>>);

impl History {
    /// Takes the metrics of one moment in; those that are not there any more are forgotten.
    pub(super) fn take(&mut self, metrics: &[Metric], steady_ms: i64) {
        self.0.retain(|name, _| metrics.iter().any(|metric| metric.name == *name));
        for metric in metrics {
            let Some(number) = metric.number else { continue };
            if self.0.len() >= METRICS_MAX && !self.0.contains_key(&metric.name) {
                continue;
            }
            let course = self.0.entry(metric.name.clone()).or_default();
            if course.len() >= VALUES_MAX {
                course.pop_front();
            }
            course.push_back((steady_ms, number));
        }
    }

    /// The values of a metric, oldest first.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<impl Iterator<Item = (i64, f64)> + Clone> {
        Some(self.0.get(name)?.iter().copied())
    }
}
