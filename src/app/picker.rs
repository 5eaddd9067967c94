//! Choosing the columns of the table.
//!
//! Invariant: every column stands in the list once; those that are always there cannot be taken away.

use std::collections::BTreeSet;

use super::rows::Table;
use crate::model::fleet::Fleet;
use crate::model::rows::columns::{COLUMNS, KEPT};
use crate::model::rows::{Field, MetricName};

/// The open list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picker {
    /// Each column, and whether it is shown: those that are, in their order, before the others.
    entries: Vec<(Field, bool)>,
    /// Which one is chosen, from 0.
    at: usize,
}

impl Picker {
    /// With the columns of the table as they are, and those of the metrics that processes report.
    pub(super) fn new(table: &Table, fleet: &Fleet) -> Self {
        let reported = fleet.iter().flat_map(|(_, process)| &process.info.metrics);
        let names: BTreeSet<&str> = reported.map(|metric| &*metric.name).collect();
        let metrics = names.into_iter().filter_map(MetricName::new).map(Field::Metric);
        Self::with(table, &metrics.collect::<Vec<_>>())
    }

    /// The same with the columns that stand by themselves.
    pub(super) fn reset(&mut self) {
        let fields = self.entries.iter().map(|(field, _)| *field);
        let metrics: Vec<Field> =
            fields.filter(|field| matches!(field, Field::Metric(_))).collect();
        *self = Self::with(&Table::default(), &metrics);
    }

    fn with(table: &Table, metrics: &[Field]) -> Self {
        let shown = table.fields();
        // That of the daemon comes and goes by itself.
        let others = COLUMNS.iter().map(|column| column.field).chain(metrics.iter().copied());
        let others = others.filter(|field| !shown.contains(field) && *field != Field::Daemon);
        let entries = shown.iter().map(|field| (*field, true));
        Self { entries: entries.chain(others.map(|field| (field, false))).collect(), at: 0 }
    }

    /// Each column, and whether it is shown.
    #[must_use]
    pub fn entries(&self) -> &[(Field, bool)] {
        &self.entries
    }

    /// Which one is chosen, from 0.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at.min(self.entries.len().saturating_sub(1))
    }

    /// The columns that are shown, in their order.
    pub(super) fn chosen(&self) -> Vec<Field> {
        self.entries.iter().filter(|(_, is_shown)| *is_shown).map(|(field, _)| *field).collect()
    }

    /// Another one is chosen.
    pub(super) fn choose(&mut self, at: usize) {
        self.at = at;
    }

    /// Moves the chosen column to the left or right.
    pub(super) fn shift(&mut self, is_left: bool) {
        let at = self.at();
        let to = if is_left { at.saturating_sub(1) } else { at + 1 };
        if to < self.entries.len() {
            self.entries.swap(at, to);
            self.at = to;
        }
    }

    /// Shows the chosen column, or takes it away.
    pub(super) fn toggle(&mut self) {
        let at = self.at();
        if let Some((field, is_shown)) = self.entries.get_mut(at) {
            *is_shown = !*is_shown || KEPT.contains(field);
        }
    }
}
