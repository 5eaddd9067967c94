//! The date formats that processes declare for their logs, ready to be read by.
//!
//! Invariant: one for each process that logged, and none for those without a format.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::logs::parse::Pattern;
use crate::model::ProcessKey;
use crate::model::fleet::Fleet;
use crate::model::log::LogSource;

/// The most processes whose formats are kept.
const FORMATS_MAX: usize = 4_096;

/// Formats by process.
#[derive(Debug)]
pub(super) struct Formats {
    /// The zone of times that do not name theirs.
    pub(super) zone: TimeZone,
    known: HashMap<ProcessKey, (Box<str>, Option<Pattern>)>,
    /// Of whom the last line was: the next is mostly of the same.
    last: Option<(ProcessKey, Arc<str>)>,
}

impl Default for Formats {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, known: HashMap::new(), last: None }
    }
}

impl Formats {
    /// Looks up what the process of a line declares.
    pub(super) fn look(&mut self, fleet: &Fleet, source: &LogSource) {
        let Some(key) = key(source) else { return };
        if self
            .last
            .as_ref()
            .is_some_and(|(of, name)| *of == key && Arc::ptr_eq(name, &source.name))
        {
            return;
        }
        self.last = Some((key, Arc::clone(&source.name)));
        let declared = fleet.get(key).and_then(|process| process.info.logs.date_format.as_deref());
        let Some(declared) = declared else {
            self.known.remove(&key);
            return;
        };
        if self.known.get(&key).is_none_or(|(known, _)| **known != *declared) {
            if self.known.len() >= FORMATS_MAX {
                self.known.clear();
            }
            self.known.insert(key, (declared.into(), Pattern::new(declared)));
        }
    }

    /// What the process of a line declares.
    pub(super) fn of(&self, source: &LogSource) -> Option<&Pattern> {
        self.known.get(&key(source)?)?.1.as_ref()
    }
}

fn key(source: &LogSource) -> Option<ProcessKey> {
    Some(ProcessKey { daemon: source.daemon, pm_id: source.pm_id? })
}
