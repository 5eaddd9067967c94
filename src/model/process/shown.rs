//! What is shown of a process: whether that changed tells whether a frame is due.

use super::{Process, RowOutcome};
use crate::model::{Action, units};
use crate::protocol::process::{ExecMode, ProcessStatus};

/// What is shown of a process, its charts and what time alone changes aside.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    name: Box<str>,
    namespace: Option<Box<str>>,
    status: ProcessStatus,
    is_cluster: bool,
    restarts: u32,
    limit: Option<u64>,
    pid: Option<u32>,
    unstable_restarts: u32,
    flags: [bool; 6],
    since: Option<(i64, i64)>,
    restarts_at_ms: Option<i64>,
    pending: Option<Action>,
    outcome: Option<RowOutcome>,
    cpu: Option<String>,
    memory: Option<String>,
}

impl Shown {
    /// Of a process as it is now.
    #[must_use]
    pub fn of(process: &Process) -> Self {
        let info = &process.info;
        Self {
            name: info.name.clone(),
            namespace: info.namespace.clone(),
            status: info.status.clone(),
            is_cluster: info.exec_mode == ExecMode::Cluster,
            restarts: info.restarts,
            limit: info.memory_limit_bytes,
            pid: info.pid,
            unstable_restarts: info.unstable_restarts,
            flags: [
                process.never_started(),
                process.is_reloading,
                process.is_looping,
                process.is_near_limit(),
                info.has_given_up(),
                process.is_queued,
            ],
            since: process.online_since,
            restarts_at_ms: process.restarts_at_ms,
            pending: process.pending,
            outcome: process.outcome.clone(),
            cpu: process.figures.cpu_percent().map(units::percent),
            memory: process.figures.memory_bytes().map(units::bytes),
        }
    }
}
