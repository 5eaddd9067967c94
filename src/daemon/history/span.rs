//! When a file was written, as far as the system tells.

use std::fs::File;
use std::io;
use std::time::UNIX_EPOCH;

use crate::daemon::files;

/// When a file was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// When it was made, or what it holds was begun, milliseconds since 1970.
    pub(super) from_ms: i64,
    /// When it was made, where the system knows that.
    pub(super) made_ms: Option<i64>,
    /// When what is before [`Self::size`] was written at the latest.
    pub(super) to_ms: i64,
    /// How large it was then, bytes.
    pub(super) size: u64,
    /// How large it is, bytes.
    pub(super) full: u64,
}

impl Span {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let about = file.metadata()?;
        let to_ms = files::written_ms(file)?;
        let made = about.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        let made_ms = made.and_then(|made| i64::try_from(made.as_millis()).ok());
        let from_ms = made_ms.unwrap_or(to_ms).min(to_ms);
        Ok(Self { from_ms, made_ms, to_ms, size: about.len(), full: about.len() })
    }

    /// About when what ends at this offset was written.
    pub(super) fn at(self, offset: u64) -> i64 {
        let part = offset.min(self.size) as f64 / self.size.max(1) as f64;
        self.from_ms + ((self.to_ms - self.from_ms) as f64 * part) as i64
    }

    /// It is known when what ends there was written.
    pub(super) fn anchor(&mut self, offset: u64, at_ms: i64) {
        (self.size, self.to_ms) = (offset, at_ms);
        self.from_ms = self.from_ms.min(at_ms);
    }
}
