//! Lines of a log file that are read again for the screen.
//!
//! Invariant: what is read is what the file held when its lines were looked at: PM2 only ever adds to a
//! log, so a file whose end of then is as it was has not been truncated since. One that was renamed or
//! deleted is read on.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::daemon::seam::read_part;
use crate::daemon::{DaemonHandle, offload};
use crate::model::past::{Again, PartRead, Reread};
use crate::model::report::Report;

/// How many bytes before the end of then are compared.
const ANCHOR_BYTES: u64 = 64;
/// How long parts of files may take to be read.
const READ_MAX: Duration = Duration::from_secs(5);

/// A file with the end that it had when its lines were looked at.
#[derive(Debug)]
struct Kept {
    file: Arc<File>,
    end: u64,
    anchor: Vec<u8>,
    is_gone: AtomicBool,
}

/// A file whose lines before `end` are read again.
pub(super) fn again(file: Arc<File>, end: u64) -> Again {
    let anchor = anchor(&file, end).unwrap_or_default();
    Again(Arc::new(Kept { file, end, anchor, is_gone: AtomicBool::new(false) }))
}

/// The last bytes before an offset.
fn anchor(file: &File, end: u64) -> io::Result<Vec<u8>> {
    read_part(file, end.saturating_sub(ANCHOR_BYTES), end)
}

impl Kept {
    fn check(&self) -> io::Result<()> {
        let is_same =
            !self.is_gone.load(Ordering::Relaxed) && anchor(&self.file, self.end)? == self.anchor;
        if is_same {
            return Ok(());
        }
        self.is_gone.store(true, Ordering::Relaxed);
        Err(io::Error::new(io::ErrorKind::NotFound, "the log file was truncated"))
    }
}

impl Reread for Kept {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, offset)?;
        // It may have been truncated, and grown again, until now.
        self.check()?;
        Ok(count)
    }
}

/// Reads a part. Blocks.
fn read(file: &Again, offset: u64, len: u32) -> Option<Box<[u8]>> {
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    let mut count = 0;
    while let Some(rest) = bytes.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match file.0.read_at(rest, offset + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    bytes.truncate(count);
    Some(bytes.into_boxed_slice())
}

impl DaemonHandle {
    /// Reads parts of log files again. Never waits: what comes of them is one [`Report::Parts`].
    pub fn reread(&self, parts: Vec<(Again, PartRead)>) {
        let (id, inbox) = (self.id, self.inbox.clone());
        self.runtime.spawn(async move {
            let asked: Vec<PartRead> = parts.iter().map(|(_, part)| part.clone()).collect();
            let reading = offload::blocking(READ_MAX, move || {
                let read = |(file, part): (Again, PartRead)| {
                    let bytes = read(&file, part.offset, part.len);
                    PartRead { bytes, ..part }
                };
                parts.into_iter().map(read).collect()
            });
            inbox.report(id, Report::Parts(reading.await.unwrap_or(asked)));
        });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_cut_off_is_not_read_though_the_file_grew_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.log");
        let lines = (0..100).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
        fs::write(&path, &lines).unwrap();
        let file = again(Arc::new(File::open(&path).unwrap()), lines.len() as u64);
        assert_eq!(read(&file, 5, 6).unwrap()[..], lines.as_bytes()[5..11]);
        // It goes on, and under another name.
        let mut writer = fs::OpenOptions::new().append(true).open(&path).unwrap();
        writer.write_all(b"more\n").unwrap();
        fs::rename(&path, folder.path().join("old.log")).unwrap();
        assert_eq!(read(&file, 5, 6).unwrap()[..], lines.as_bytes()[5..11]);
        // It was emptied, and has grown to more than it was.
        writer.set_len(0).unwrap();
        writer.write_all(lines.replace("line", "other").as_bytes()).unwrap();
        assert_eq!(read(&file, 5, 6), None);
        // What is gone does not come back.
        writer.set_len(0).unwrap();
        writer.write_all(lines.as_bytes()).unwrap();
        assert_eq!(read(&file, 5, 6), None);
    }
}
