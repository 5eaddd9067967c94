//! The order of the rows.

use std::cmp::{Ordering, Reverse};

use super::columns::{COLUMNS, Field, Order};
use super::natural::natural;
use crate::model::ProcessKey;
use crate::model::fleet::Process;

/// An order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub field: Field,
    /// Whether the largest come first.
    pub is_descending: bool,
}

impl Sort {
    /// By this field, the way it is mostly wanted.
    #[must_use]
    pub fn by(field: Field) -> Self {
        Self { field, is_descending: field.begins_with_largest() }
    }

    /// An order by its word, `-` before it for the other way round.
    ///
    /// # Errors
    /// The words that there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let word = text.strip_prefix('-').unwrap_or(text);
        let Some(field) = Field::of(word).filter(|field| field.orders()) else {
            let words = COLUMNS.iter().filter(|column| column.field.orders());
            let words: Vec<&str> = words.map(|column| column.name).collect();
            return Err(format!("no field of this name; there are {}", words.join(", ")));
        };
        let sort = Self::by(field);
        Ok(if word == text { sort } else { sort.reversed() })
    }

    /// Its word, as [`Sort::parse`] reads it.
    #[must_use]
    pub fn to_text(self) -> String {
        let sign = if self == Self::by(self.field) { "" } else { "-" };
        format!("{sign}{}", self.field.word())
    }

    /// The other way round.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { is_descending: !self.is_descending, ..self }
    }

    /// By the field so many to the right of this one among these; from the last on the first.
    #[must_use]
    pub fn moved(self, by: isize, among: &[Field]) -> Self {
        let among: Vec<Field> = among.iter().copied().filter(|field| field.orders()).collect();
        let count = among.len().max(1);
        let at = among.iter().position(|field| *field == self.field).unwrap_or(0);
        let at = at.saturating_add(count).saturating_add_signed(by) % count;
        among.get(at).map_or(self, |field| Self::by(*field))
    }

    /// Puts rows that are in the order of their keys into this one.
    pub(super) fn apply(self, rows: &mut Vec<(ProcessKey, &Process)>) {
        if let Field::Metric(name) = self.field {
            let value = |process: &Process| process.metric(name.get())?.number();
            return self.put(rows, value, f64::total_cmp);
        }
        match self.field.column().order {
            Order::Id if self.is_descending => {
                rows.sort_by_key(|(key, _)| (key.daemon, Reverse(key.pm_id)));
            }
            Order::Id | Order::None => {}
            Order::Natural(value) => self.put(rows, value, |a, b| natural(a, b)),
            Order::Number(value) => self.put(rows, value, f64::total_cmp),
        }
    }

    /// Sorts by a value, those without one last both ways.
    fn put<'a, V>(
        self,
        rows: &mut Vec<(ProcessKey, &'a Process)>,
        value: impl Fn(&'a Process) -> Option<V>,
        compare: impl Fn(&V, &V) -> Ordering,
    ) {
        // Each value once, not at each comparison: a forecast goes through all of a series.
        let mut valued: Vec<_> = rows.drain(..).map(|row| (value(row.1), row)).collect();
        valued.sort_by(|(one, _), (other, _)| match (one, other) {
            (Some(one), Some(other)) if self.is_descending => compare(other, one),
            (Some(one), Some(other)) => compare(one, other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        });
        rows.extend(valued.into_iter().map(|(_, row)| row));
    }
}
