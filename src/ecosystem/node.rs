//! Evaluates a JavaScript ecosystem file with the user's node.
//!
//! Invariant: node runs only for a file that the user named and whose extension says JavaScript;
//! it is bounded in time and output, and killed when it passes a bound.

use std::ffi::OsString;
use std::time::Duration;

/// Where node is looked for, and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFinder {
    /// `PATH`.
    pub path: Option<OsString>,
    /// How long an ecosystem file may take.
    pub time_limit: Duration,
    /// The most bytes that it may write.
    pub output_bytes_max: usize,
}

impl NodeFinder {
    /// Looks in this `PATH`; 10 s and 8 MiB.
    #[must_use]
    pub fn in_path(path: Option<OsString>) -> Self {
        Self { path, time_limit: Duration::from_secs(10), output_bytes_max: 8 * 1024 * 1024 }
    }
}
