//! When a file was written, as far as the system tells.

use std::fs::File;
use std::io;
use std::time::UNIX_EPOCH;

use super::Backwards;
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

impl Backwards {
    /// Tells that all up to where it is read from was written by then, milliseconds since 1970: others have written on
    /// since.
    #[must_use]
    pub(crate) fn written_by(mut self, at_ms: Option<i64>) -> Self {
        let Some(at_ms) = at_ms.filter(|at_ms| *at_ms < self.span.to_ms) else { return self };
        self.span.to_ms = at_ms.max(self.span.from_ms);
        self.span.size = self.span.size.min(self.at);
        let at_ms = self.span.to_ms;
        self.upper.at_ms = at_ms;
        (self.reference_ms, self.latest_ms, self.behind_ms) = (at_ms, at_ms, at_ms);
        (self.written_ms, self.returned_ms) = (at_ms, at_ms);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Format;
    use super::*;

    /// It is read up to where it was then; it was written on since, and others may be told behind it.
    #[test]
    fn lines_without_times_are_not_dated_behind_the_moment_up_to_which_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, "one\ntwo\nlater\nlater\n").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let written_ms = files::written_ms(&file).unwrap() + 10_000;
        file.set_modified(UNIX_EPOCH + std::time::Duration::from_millis(written_ms as u64))
            .unwrap();
        let last = |by_ms: Option<i64>| {
            let format = Format { declared: None, zone: jiff::tz::TimeZone::UTC, is_err: false };
            let file = Arc::new(files::open(&path).unwrap());
            let mut lines = Backwards::of(file, Some(8), format).unwrap().written_by(by_ms);
            lines.next().unwrap().unwrap().at_ms
        };
        assert_eq!(last(Some(written_ms - 600)), written_ms - 600);
        assert_eq!([last(None), last(Some(written_ms + 5))], [written_ms; 2]);
    }
}
