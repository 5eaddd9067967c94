//! A log file that is to be shown in a pager, and where in it.

use super::DaemonId;

/// A log file, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged {
    /// Of which daemon.
    pub daemon: DaemonId,
    /// Its path as PM2 has it; `None` for the daemon's own log.
    pub path: Option<Box<str>>,
    /// The bytes of the line that it is to be shown at.
    pub line: Vec<u8>,
    /// When that was written, milliseconds since 1970.
    pub at_ms: i64,
}
