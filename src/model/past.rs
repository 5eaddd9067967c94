//! What was logged before anybody watched: lines of log files.

use std::sync::Arc;

use super::log::Level;
use crate::protocol::process::PmId;

/// Which outputs a log file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// Both.
    Both,
}

/// A line of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastLine {
    /// Milliseconds since 1970: its own time, or an estimate.
    pub at_ms: i64,
    /// Whether that is the time of a neighbour or of the file.
    pub is_estimated: bool,
    /// How bad it says that it is.
    pub level: Option<Level>,
    /// As it is in the file, without the newline.
    pub bytes: Vec<u8>,
}

/// Lines of one log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastFile {
    /// The process that writes it; `None` for several.
    pub pm_id: Option<PmId>,
    /// The name of the process, or of its app, cleaned.
    pub name: Arc<str>,
    /// Its namespace, cleaned.
    pub namespace: Arc<str>,
    /// What it holds.
    pub stream: FileStream,
    /// The lines, oldest first.
    pub lines: Vec<PastLine>,
    /// Where the last of them has no end, since the bus began within it: the rest of it, without the
    /// newline, which is the first line that came on the bus.
    pub rest: Option<Vec<u8>>,
    /// Whether the last of them certainly meets the first that came on the bus: else lines may be
    /// missing between them, or be there twice.
    pub is_exact: bool,
    /// Whether they came after all that there is of it: while the bus was away.
    pub is_after: bool,
}

/// What was read of log files, all of it older than what was read of them before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The files that had lines.
    pub files: Vec<PastFile>,
    /// What could not be read and why, cleaned.
    pub notes: Vec<Box<str>>,
    /// Whether there is more to be read.
    pub has_more: bool,
    /// Whether it is the answer to a wish for older lines.
    pub is_asked: bool,
}
