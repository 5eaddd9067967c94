//! Log files of processes and of the daemon, on this machine.
//!
//! Invariant: read in bounded pieces, never mapped into memory (they are truncated under us), and only
//! what is a plain file: a FIFO or a device costs a sentence, not the program.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// The end of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Whole lines, but for the first where the file is one line longer than that.
    pub(crate) bytes: Vec<u8>,
    /// How large the file is, bytes.
    pub(crate) size: u64,
    /// When it was last written, milliseconds since 1970.
    pub(crate) written_ms: i64,
    /// Which file it is: its device, and its number there.
    pub(crate) identity: (u64, u64),
}

/// Why a folder or a device is not read.
pub(crate) const NOT_REGULAR: &str = "it is not a regular file";

/// Opens a plain file to be read; never waits for one that is none.
///
/// # Errors
/// Those of the system; [`io::ErrorKind::InvalidInput`] for what is not a regular file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, NOT_REGULAR));
    }
    Ok(file)
}

/// The file that was written before, if there was one, and the one of that name now where it is another: the
/// oldest first.
pub(crate) fn generations(old: impl Into<Option<Arc<File>>>, path: &Path) -> Vec<Arc<File>> {
    let old = old.into();
    let identity = |file: &File| file.metadata().ok().map(|about| (about.dev(), about.ino()));
    let is_other = |now: &File| old.as_ref().is_none_or(|old| identity(now) != identity(old));
    let now = open(path).ok().filter(is_other);
    old.into_iter().chain(now.map(Arc::new)).collect()
}

/// How large a file is together with the next one of its name, if there is one.
///
/// # Errors
/// Those of the system.
pub(crate) fn size_with_next(file: &File, path: &Path) -> io::Result<u64> {
    let own = file.metadata()?;
    let identity = |about: &std::fs::Metadata| (about.dev(), about.ino());
    let next = std::fs::metadata(path).ok().filter(|next| identity(next) != identity(&own));
    Ok(own.len() + next.map_or(0, |next| next.len()))
}

/// When a file was last written, milliseconds since 1970.
///
/// # Errors
/// Those of the system.
pub(crate) fn written_ms(file: &File) -> io::Result<i64> {
    let written = file.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(written.as_millis()).unwrap_or(i64::MAX))
}

/// Whether a file was certainly made since then, milliseconds since 1970.
pub(crate) fn is_made_since(file: &File, since_ms: i64) -> bool {
    let made = file.metadata().and_then(|about| about.created());
    let made = made.ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    made.is_some_and(|made| i64::try_from(made.as_millis()).is_ok_and(|made| made >= since_ms))
}

/// Reads the last lines of a file, at most so many bytes.
///
/// # Errors
/// As [`open`].
pub(crate) fn tail(path: &Path, bytes_max: u64) -> io::Result<Tail> {
    let file = open(path)?;
    let about = file.metadata()?;
    let size = about.len();
    let from = size.saturating_sub(bytes_max);
    let mut bytes = vec![0; usize::try_from(size - from).unwrap_or(usize::MAX)];
    let mut read = 0;
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, from + read as u64) {
            // Truncated meanwhile.
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    if from > 0
        && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
    {
        bytes.drain(..=end);
    }
    let written_ms = written_ms(&file)?;
    Ok(Tail { bytes, size, written_ms, identity: (about.dev(), about.ino()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_whole_lines_of_a_plain_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&path, 1_000).unwrap().bytes, b"one\ntwo\nthree\n");
        assert_eq!(tail(&path, 8).unwrap().bytes, b"three\n");
        assert_eq!(tail(&path, 8).unwrap().size, 14);
        std::fs::write(&path, "a line without end").unwrap();
        assert_eq!(tail(&path, 4).unwrap().bytes, b" end");
        for path in [folder.path(), Path::new("/dev/null"), &folder.path().join("none")] {
            assert!(tail(path, 10).is_err(), "{path:?}");
        }
        let fifo = folder.path().join("fifo");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(tail(&fifo, 10).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
