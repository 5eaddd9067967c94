//! The program's own log, for finding out why a connection was given up or a call was not sent.
//!
//! Invariant: it holds names of methods, paths of sockets, figures and the program's own words:
//! never an argument, a reply, a message of the bus or a value of an environment. Writing it never
//! waits for the disk; what the disk is too slow for is left out, and counted at the end.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;

/// How many lines wait for the disk at most.
const LINES_MAX: usize = 10_000;

/// Keeps the log; dropped, all of it is written.
#[must_use = "the log ends with it"]
pub struct DebugLog {
    writer: NonBlocking,
    lost: ErrorCounter,
    _guard: WorkerGuard,
}

impl DebugLog {
    /// Appends to this file from now on, for the whole program.
    ///
    /// # Errors
    /// When the file cannot be written, or there is a log already.
    pub fn start(path: &Path) -> io::Result<Self> {
        // It names sockets and processes: nobody else's business.
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(LINES_MAX)
            .lossy(true)
            .thread_name("debug-log")
            .finish(file);
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::DEBUG)
            .with_ansi(false)
            .with_writer(writer.clone())
            .try_init()
            .map_err(io::Error::other)?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "started");
        Ok(Self { lost: writer.error_counter(), writer, _guard: guard })
    }
}

impl Drop for DebugLog {
    fn drop(&mut self) {
        let lost = self.lost.dropped_lines();
        if lost > 0 {
            // The disk may be too slow for this one too.
            let _ = writeln!(self.writer, "{lost} lines of this log were lost");
        }
    }
}
