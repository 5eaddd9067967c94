//! Which processes were told to be errored, and which are past a threshold.
//!
//! Invariant: plain data; `alert` looks.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{DaemonId, ProcessKey};

/// What is known of processes that were told, and of thresholds.
#[derive(Debug, Default)]
pub struct Alerts {
    /// The daemons that were seen.
    pub(super) seen: BTreeSet<DaemonId>,
    /// Those that are errored.
    pub(super) errored: BTreeSet<ProcessKey>,
    /// Since when a process is past a threshold, by its place in the configuration.
    pub(super) since_ms: BTreeMap<(ProcessKey, usize), i64>,
    /// When thresholds were last looked at.
    pub(super) looked_ms: Option<i64>,
}

/// A process that is errored, as the user's command is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerted {
    /// Its label: `api[0]`.
    pub label: String,
    /// Its name.
    pub name: String,
    /// Its id.
    pub pm_id: u32,
    /// The home of its daemon, cleaned.
    pub home: String,
}
