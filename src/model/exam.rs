//! What the engine reads of the process whose details are open, beyond the list of all.
//!
//! Invariant: it is read and kept only while they are open. What the daemon says of it holds its
//! whole environment: that is in a [`Sealed`], which no debug output opens.

use std::fmt;

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::system::Family;
use crate::protocol::process::ProcessInfo;

/// What was read of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Exam {
    /// The process as the list has it.
    pub info: ProcessInfo,
    /// Its element of `getMonitorData`, as it came.
    pub raw: Sealed,
    /// How large its files are, bytes, by their paths.
    pub sizes: Vec<(Box<str>, u64)>,
    /// The process and its descendants on this machine, and where they listen.
    pub family: Option<Family>,
    /// The time zone that the daemon goes by, where that is known.
    pub zone: Option<TimeZone>,
}

/// JSON with secrets in it.
#[derive(Clone, PartialEq)]
pub struct Sealed(pub Json);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

impl Exam {
    /// How large a file is, bytes; `None` where that is not known.
    #[must_use]
    pub fn size_of(&self, path: &str) -> Option<u64> {
        let found = self.sizes.iter().find(|(known, _)| **known == *path);
        found.map(|(_, size)| *size)
    }
}
