//! The date formats that processes declare for their logs, ready to be read by.
//!
//! Invariant: one for each process that logged, and none for those without a format. Of a file that
//! several write there is one where all of them declare the same.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::logs::parse::Pattern;
use crate::model::fleet::Fleet;
use crate::model::log::LogSource;
use crate::model::process::Process;
use crate::model::{DaemonId, ProcessKey};

/// The most processes whose formats are kept.
const FORMATS_MAX: usize = 4_096;

/// A format, and the same ready to be read by.
type Known = (Box<str>, Option<Pattern>);

/// Formats by process.
#[derive(Debug)]
pub(super) struct Formats {
    /// The zone of times that do not name theirs.
    pub(super) zone: TimeZone,
    known: HashMap<ProcessKey, Known>,
    /// Those of files that several write, by the name that the file has.
    shared: HashMap<(DaemonId, Arc<str>), Known>,
    /// Of whom the last line was: the next is mostly of the same.
    last: Option<(ProcessKey, Arc<str>)>,
}

impl Default for Formats {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, known: HashMap::new(), shared: HashMap::new(), last: None }
    }
}

impl Formats {
    /// Looks up what the process of a line declares.
    pub(super) fn look(&mut self, fleet: &Fleet, source: &LogSource) {
        let Some(key) = key(source) else { return self.look_shared(fleet, source) };
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

    /// Looks up what all declare that write the files of the processes of this name.
    fn look_shared(&mut self, fleet: &Fleet, source: &LogSource) {
        let all = || {
            let all = fleet.iter().filter(|(key, _)| key.daemon == source.daemon);
            all.map(|(_, process)| process)
        };
        let named = || all().filter(|process| *process.info.name == *source.name);
        let is_writer = |process: &&Process| named().any(|other| shares_file(process, other));
        let mut formats = all().filter(is_writer).map(|it| it.info.logs.date_format.as_deref());
        let first = formats.next().flatten();
        let declared = first.filter(|first| formats.all(|other| other == Some(first)));
        let file = (source.daemon, Arc::clone(&source.name));
        let Some(declared) = declared else {
            self.shared.remove(&file);
            return;
        };
        if self.shared.len() >= FORMATS_MAX {
            self.shared.clear();
        }
        self.shared.insert(file, (declared.into(), Pattern::new(declared)));
    }

    /// What the process of a line declares.
    pub(super) fn of(&self, source: &LogSource) -> Option<&Pattern> {
        let known = match key(source) {
            Some(key) => self.known.get(&key)?,
            None => self.shared.get(&(source.daemon, Arc::clone(&source.name)))?,
        };
        known.1.as_ref()
    }
}

/// Whether two processes write into one file.
fn shares_file(one: &Process, other: &Process) -> bool {
    let theirs = files(other);
    let is_theirs = |path: &str| path != "/dev/null" && theirs.contains(&Some(path));
    files(one).into_iter().flatten().any(is_theirs)
}

fn files(process: &Process) -> [Option<&str>; 3] {
    let logs = &process.info.logs;
    [logs.out.as_deref(), logs.err.as_deref(), logs.both.as_deref()]
}

fn key(source: &LogSource) -> Option<ProcessKey> {
    Some(ProcessKey { daemon: source.daemon, pm_id: source.pm_id? })
}
