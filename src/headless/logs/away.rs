//! What the daemon's own log has that came of no bus, since that was away.
//!
//! Invariant: what was taken from the bus is not told again; nothing is lost where the bus is less than
//! five seconds behind the log.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::daemon::files;
use crate::daemon::seam::{ReadAt, read_part};
use crate::model::console;

/// The bus is no further behind the log than this.
const BEHIND: Duration = Duration::from_secs(5);
/// So many lines are remembered at most, until there is another mark.
const LINES_MAX: usize = 4_096;
/// At most so much is read, bytes.
const BYTES_MAX: u64 = 16 << 20;

/// Lines, and how often each is there.
#[derive(Debug, Default)]
pub(super) struct Had(HashMap<String, u32>);

impl Had {
    /// One more.
    pub(super) fn add(&mut self, line: &str) {
        *self.0.entry(line.to_owned()).or_default() += 1;
    }

    /// Takes one of these out; whether there was one.
    pub(super) fn take(&mut self, line: &str) -> bool {
        let Some(left) = self.0.get_mut(line).filter(|left| **left > 0) else { return false };
        *left -= 1;
        true
    }

    fn add_all(&mut self, other: Self) {
        for (line, count) in other.0 {
            *self.0.entry(line).or_default() += count;
        }
    }
}

/// What a line of the daemon's log says behind its time and level, as it is on the bus.
pub(super) fn said(line: &str) -> &str {
    let is_stamped = line.as_bytes().get(19..21) == Some(b": ");
    let text = line.get(21..).filter(|_| is_stamped).unwrap_or(line);
    console::unleveled(text).trim_end()
}

/// Up to where the daemon's log was told.
#[derive(Debug)]
pub(super) struct Away {
    path: PathBuf,
    /// Its size when the last mark was made, and when the one before, bytes.
    sizes: (u64, u64),
    /// What was taken from the bus since the last mark, and between the two.
    heard: (Had, Had),
    marked: Instant,
    lines: usize,
    is_back: bool,
}

impl Away {
    /// All of that log was told up to this size, bytes.
    pub(super) fn of(path: PathBuf, size: u64) -> Self {
        let (sizes, heard) = ((size, size), Default::default());
        Self { path, sizes, heard, marked: Instant::now(), lines: 0, is_back: false }
    }

    /// A line was taken from the bus.
    pub(super) fn heard(&mut self, line: &str) {
        if self.marked.elapsed() >= BEHIND || self.lines >= LINES_MAX {
            let size = files::open(&self.path).and_then(|file| file.size());
            self.sizes = (size.unwrap_or(self.sizes.0), self.sizes.0);
            self.heard.1 = std::mem::take(&mut self.heard.0);
            (self.marked, self.lines) = (Instant::now(), 0);
        }
        self.heard.0.add(line.trim_end());
        self.lines += 1;
    }

    /// The bus is there again.
    pub(super) fn is_back(&mut self) {
        self.is_back = true;
    }

    /// What was not heard, once the bus is back: whole lines.
    pub(super) fn read(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.is_back) {
            return None;
        }
        let file = files::open(&self.path).ok()?;
        let size = file.size().ok()?;
        // It may have been emptied meanwhile.
        let from = if size < self.sizes.1 { 0 } else { self.sizes.1 };
        let bytes = read_part(&file, from.max(size.saturating_sub(BYTES_MAX)), size).ok()?;
        let (mut heard, before) = std::mem::take(&mut self.heard);
        heard.add_all(before);
        self.sizes = (size, size);
        (self.marked, self.lines) = (Instant::now(), 0);
        let text = String::from_utf8_lossy(&bytes);
        let missing = text.split_inclusive('\n').filter(|line| !heard.take(said(line)));
        Some(missing.collect())
    }
}
