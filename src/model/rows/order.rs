//! The order of the rows.

use std::cmp::{Ordering, Reverse};

use super::natural::natural;
use crate::model::ProcessKey;
use crate::model::fleet::Process;
use crate::protocol::process::ProcessStatus;

/// What rows can be ordered by: the columns, from left to right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Field {
    /// Daemon and id.
    #[default]
    Id,
    /// Name.
    Name,
    /// Namespace.
    Namespace,
    /// Fork or cluster.
    Mode,
    /// Status: what is worst first.
    Status,
    /// Count of restarts.
    Restarts,
    /// How long it is online.
    Uptime,
    /// CPU, percent of one core.
    Cpu,
    /// Memory.
    Memory,
    /// Memory, as a part of its limit.
    Limit,
}

/// All fields, from left to right, with their words.
const FIELDS: [(Field, &str); 10] = [
    (Field::Id, "id"),
    (Field::Name, "name"),
    (Field::Namespace, "namespace"),
    (Field::Mode, "mode"),
    (Field::Status, "status"),
    (Field::Restarts, "restarts"),
    (Field::Uptime, "uptime"),
    (Field::Cpu, "cpu"),
    (Field::Memory, "mem"),
    (Field::Limit, "limit"),
];

impl Field {
    /// Its word: `mem`.
    #[must_use]
    pub fn word(self) -> &'static str {
        FIELDS.iter().find(|(field, _)| *field == self).map_or("", |(_, word)| word)
    }

    /// The field of that word; `ns` and `memory` are read too.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let word = match word {
            "ns" => "namespace",
            "memory" => "mem",
            word => word,
        };
        FIELDS.iter().find(|(_, other)| *other == word).map(|(field, _)| *field)
    }

    /// Whether its largest come first, unless asked otherwise: those that one looks for.
    fn begins_with_largest(self) -> bool {
        matches!(self, Self::Restarts | Self::Cpu | Self::Memory | Self::Limit)
    }
}

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
        let Some(field) = Field::of(word) else {
            let words = FIELDS.map(|(_, word)| word).join(", ");
            return Err(format!("no field of this name; there are {words}"));
        };
        let sort = Self::by(field);
        Ok(if word == text { sort } else { sort.reversed() })
    }

    /// The other way round.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { is_descending: !self.is_descending, ..self }
    }

    /// By the field so many to the right of this one; from the last on the first.
    #[must_use]
    pub fn moved(self, by: isize) -> Self {
        let at = FIELDS.iter().position(|(field, _)| *field == self.field).unwrap_or(0);
        let count = FIELDS.len();
        let at = at.saturating_add(count).saturating_add_signed(by) % count;
        FIELDS.get(at).map_or(self, |(field, _)| Self::by(*field))
    }

    /// Puts rows that are in the order of their keys into this one.
    pub(super) fn apply(self, rows: &mut [(ProcessKey, &Process)]) {
        match self.field {
            Field::Id if self.is_descending => {
                rows.sort_by_key(|(key, _)| (key.daemon, Reverse(key.pm_id)));
            }
            Field::Id => {}
            Field::Name => self.put(rows, |row| Some(&*row.info.name), |a, b| natural(a, b)),
            Field::Namespace => {
                self.put(rows, |row| row.info.namespace.as_deref(), |a, b| natural(a, b));
            }
            Field::Mode => self.put(rows, |row| Some(row.info.exec_mode.as_str()), Ord::cmp),
            Field::Status => self.put(rows, |row| Some(rank(row)), Ord::cmp),
            Field::Restarts => self.put(rows, |row| Some(row.info.restarts), Ord::cmp),
            Field::Uptime => self.put(rows, online_since, Ord::cmp),
            Field::Cpu => self.put(rows, |row| row.figures.cpu_percent(), f64::total_cmp),
            Field::Memory => self.put(rows, |row| row.figures.memory_bytes(), Ord::cmp),
            Field::Limit => self.put(rows, part_of_limit, f64::total_cmp),
        }
    }

    /// Sorts by a value, those without one last both ways.
    fn put<'a, V>(
        self,
        rows: &mut [(ProcessKey, &'a Process)],
        value: impl Fn(&'a Process) -> Option<V>,
        compare: impl Fn(&V, &V) -> Ordering,
    ) {
        rows.sort_by(|(_, one), (_, other)| match (value(one), value(other)) {
            (Some(one), Some(other)) if self.is_descending => compare(&other, &one),
            (Some(one), Some(other)) => compare(&one, &other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        });
    }
}

/// What is worst first.
fn rank(process: &Process) -> u8 {
    if process.never_started() || process.info.has_given_up() {
        return 0;
    }
    match process.info.status {
        _ if process.is_looping => 1,
        ProcessStatus::Errored => 0,
        ProcessStatus::WaitingRestart => 2,
        ProcessStatus::Stopping => 3,
        ProcessStatus::Launching => 4,
        ProcessStatus::Other(_) => 5,
        ProcessStatus::Stopped => 6,
        ProcessStatus::Online => 7,
    }
}

/// Since when it is online; the younger is the larger, and so it is turned.
fn online_since(process: &Process) -> Option<Reverse<i64>> {
    process.online_since.filter(|_| process.is_online()).map(|(_, since_ms)| Reverse(since_ms))
}

/// Its memory as a part of its limit.
fn part_of_limit(process: &Process) -> Option<f64> {
    let limit = process.info.memory_limit_bytes.filter(|limit| *limit > 0)?;
    Some(process.figures.memory_bytes()? as f64 / limit as f64)
}
