//! What an app reports of itself (`axm_monitor`), as far as a column shows it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::setup::boxed;
use crate::protocol::json::{Object, Scalar, nothing, object, skip_rest};
use crate::protocol::text::clean_to;

/// The most metrics that are kept of one process.
const METRICS_MAX: usize = 64;
/// The longest name and value, characters.
const CHARS_MAX: usize = 60;

/// A metric that an app reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Its name, cleaned.
    pub name: Box<str>,
    /// Its value as it was sent, cleaned: `5.30`.
    pub value: Box<str>,
    /// Its unit, cleaned; empty where it has none.
    pub unit: Box<str>,
}

impl Reported {
    /// The value as a number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        self.value.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Value and unit: `5.30 MiB`.
    #[must_use]
    pub fn text(&self) -> String {
        if self.unit.is_empty() {
            self.value.to_string()
        } else {
            format!("{} {}", self.value, self.unit)
        }
    }
}

object! {
    struct Wire<'de> {
        value: Scalar<'de> = "value",
        unit: Scalar<'de> = "unit",
    }
}

/// The metrics of a process.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Metrics(pub(super) Vec<Reported>);

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MetricsVisitor)
    }
}

struct MetricsVisitor;

impl<'de> Visitor<'de> for MetricsVisitor {
    type Value = Metrics;

    nothing!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str,);

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_rest(seq).map(|()| Metrics::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut metrics = Vec::new();
        while let Some((name, Object(metric))) =
            map.next_entry::<Scalar<'de>, Object<Wire<'de>>>()?
        {
            let (Some(name), Some(metric)) = (name.as_str(), metric) else { continue };
            let value = metric.value.as_text();
            if let Some(value) = value.filter(|_| metrics.len() < METRICS_MAX) {
                metrics.push(Reported {
                    name: clean_to(name, CHARS_MAX).into(),
                    value: clean_to(&value, CHARS_MAX).into(),
                    unit: boxed(&metric.unit).unwrap_or_default(),
                });
            }
        }
        Ok(Metrics(metrics))
    }
}
