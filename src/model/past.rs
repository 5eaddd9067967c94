//! What was logged before anybody watched: lines of log files.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::log::{Level, LogLine};
use crate::protocol::bus::LogStream;
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

/// A log file whose lines can be read again.
pub trait Reread: std::fmt::Debug + Send + Sync {
    /// What it holds at an offset, as far as it goes. Blocks.
    ///
    /// # Errors
    /// Those of the system; [`io::ErrorKind::NotFound`] where what it held was cut off since.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// A log file that lines stay in.
#[derive(Debug, Clone)]
pub struct Again(pub Arc<dyn Reread>);

impl PartialEq for Again {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Again {}

/// A part of a log file that is read again, by the number that the asker gave the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRead {
    /// Its number.
    pub file: u16,
    /// First byte.
    pub offset: u64,
    /// How much was asked for, bytes.
    pub len: u32,
    /// What is there; `None` where the file does not hold it any more or does not answer.
    pub bytes: Option<Box<[u8]>>,
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
    pub bytes: Bytes,
    /// How much of it is behind these bytes and stays in the file, bytes.
    pub more: u64,
    /// Where it is in the file, bytes; `None` where it is not there as it is here.
    pub offset: Option<u64>,
    /// Whether it is of the entry of the line before it.
    pub goes_on: bool,
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
    /// What the lines can be read again from.
    pub again: Option<Again>,
    /// Whether the file has older ones.
    pub has_more: bool,
    /// How much of the file behind the last of them is passed over, bytes.
    pub gap: u64,
}

/// How the log file of a process ends, a good while after the process did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEnded {
    /// The process.
    pub pm_id: PmId,
    /// Its name, cleaned: an id is given out again.
    pub name: Box<str>,
    /// Which output of it goes there, and of no other process.
    pub stream: LogStream,
    /// When the life of the process began and ended, milliseconds since 1970.
    pub life_ms: (i64, i64),
    /// The last bytes of the file.
    pub bytes: Box<[u8]>,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// When it was written last, milliseconds since 1970.
    pub written_ms: i64,
}

/// What could not be read and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastNote {
    /// Whose it is; `None` where it is of many, or of all.
    pub pm_id: Option<PmId>,
    /// The sentence, cleaned.
    pub text: Box<str>,
}

impl<T: Into<Box<str>>> From<T> for PastNote {
    fn from(text: T) -> Self {
        Self { pm_id: None, text: text.into() }
    }
}

/// What was read of log files, all of it older than what was read of them before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The files that had lines.
    pub files: Vec<PastFile>,
    /// What had happened before all that was told of it, oldest first, as the daemon's own log tells it.
    pub events: Vec<LogLine>,
    /// What could not be read and why.
    pub notes: Vec<PastNote>,
    /// Whether there is more to be read.
    pub has_more: bool,
    /// Whether it is the last answer to a wish for older lines.
    pub is_asked: bool,
    /// Whether what was looked for is in none of the files.
    pub has_nothing: bool,
    /// Of a wish that is under way: bytes that were looked at, and all.
    pub progress: (u64, u64),
}
