//! The audit file: a line for each action, appended by a thread of its own.
//!
//! Invariant: the loop never waits for the disk; what cannot be written is counted, and told both on the
//! screen and, once that is possible again, in the file. A new file is its owner's alone.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use crate::protocol::text::clean;

/// The most lines that wait.
const LINES_MAX: usize = 1_024;
/// How long the last lines may take to be written at the end.
const LAST_MAX: Duration = Duration::from_millis(500);

/// The file, and the thread that writes it.
#[derive(Debug)]
pub(super) struct Audit {
    lines: SyncSender<String>,
    /// How many did not fit.
    lost: Arc<AtomicU64>,
    /// Closed once all is written.
    ended: Receiver<()>,
}

impl Audit {
    /// Writes into this file from now on; `tell` is given a sentence where it cannot.
    ///
    /// # Errors
    /// No thread can be started.
    pub(super) fn start(path: PathBuf, tell: impl Fn(String) + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = mpsc::sync_channel::<String>(LINES_MAX);
        let (done, ended) = mpsc::sync_channel::<()>(0);
        let lost = Arc::new(AtomicU64::new(0));
        let missed = Arc::clone(&lost);
        let thread = std::thread::Builder::new().name("audit".to_owned());
        thread.spawn(move || {
            let _done = done;
            let mut writer = Writer { path, open, tell, missed, is_told: false, is_torn: false };
            for line in waiting {
                writer.take(&line);
            }
        })?;
        Ok(Self { lines, lost, ended })
    }

    /// Has a line written. Never waits.
    pub(super) fn write(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all is written, for half a second at most.
    pub(super) fn close(self) {
        drop(self.lines);
        let _ = self.ended.recv_timeout(LAST_MAX);
    }
}

/// The thread's own state.
struct Writer<T> {
    path: PathBuf,
    open: fn(&Path) -> io::Result<File>,
    tell: T,
    missed: Arc<AtomicU64>,
    /// Whether it was told that it cannot be written.
    is_told: bool,
    /// Whether the last line may be there in part.
    is_torn: bool,
}

impl<T: Fn(String)> Writer<T> {
    fn take(&mut self, line: &str) {
        match self.append(line) {
            Ok(()) => {
                if std::mem::take(&mut self.is_told) {
                    (self.tell)("the audit file is written again".to_owned());
                }
            }
            Err(error) => {
                self.missed.fetch_add(1, Ordering::Relaxed);
                // Once, not for each line.
                if !std::mem::replace(&mut self.is_told, true) {
                    let path = self.path.to_string_lossy();
                    let why = format!("the audit file {path} is not written: {error}");
                    (self.tell)(clean(&why).into_owned());
                }
            }
        }
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        let mut file = (self.open)(&self.path)?;
        let mut text = String::new();
        if self.is_torn {
            text.push('\n');
        }
        let missed = self.missed.load(Ordering::Relaxed);
        if missed > 0 {
            text = format!("{text}{{\"event\":\"lost\",\"lines\":{missed}}}\n");
        }
        text.push_str(line);
        text.push('\n');
        // In one piece, so that lines of two programs do not mix.
        self.is_torn = true;
        file.write_all(text.as_bytes())?;
        self.is_torn = false;
        self.missed.fetch_sub(missed, Ordering::Relaxed);
        Ok(())
    }
}

/// Opens it anew for each line: it may have been rotated. What is no plain file is refused.
fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    let file =
        options.create(true).append(true).mode(0o600).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    use super::*;

    fn audit(path: &Path) -> (Audit, Arc<Mutex<Vec<String>>>) {
        let said = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&said);
        let audit = Audit::start(path.to_owned(), move |text| to.lock().unwrap().push(text));
        (audit.unwrap(), said)
    }

    #[test]
    fn lines_are_appended_to_a_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        for line in ["one", "two"] {
            let (audit, said) = audit(&path);
            audit.write(line.to_owned());
            audit.close();
            assert!(said.lock().unwrap().is_empty());
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_written_is_told_once_and_counted_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/audit.log");
        fs::write(folder.path().join("none"), "a file where a folder is wanted").unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&said);
        let tell = move |text| to.lock().unwrap().push(text);
        let missed = Arc::default();
        let mut writer =
            Writer { path: path.clone(), open, tell, missed, is_told: false, is_torn: false };
        writer.take("one");
        writer.take("two");
        fs::remove_file(folder.path().join("none")).unwrap();
        writer.take("three");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"event\":\"lost\",\"lines\":2}\nthree\n");
        let said = said.lock().unwrap();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("none/audit.log is not written: "), "{said:?}");
        assert_eq!(said[1], "the audit file is written again");
    }

    #[test]
    fn a_full_disk_is_told_once() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&said);
        let tell = move |text| to.lock().unwrap().push(text);
        let open = |path: &Path| OpenOptions::new().append(true).open(path);
        let (path, missed) = (PathBuf::from("/dev/full"), Arc::default());
        let mut writer = Writer { path, open, tell, missed, is_told: false, is_torn: false };
        for line in ["one", "two", "three"] {
            writer.take(line);
        }
        let said = said.lock().unwrap();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("No space left"), "{said:?}");
        assert_eq!(writer.missed.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn what_is_no_plain_file_is_told() {
        let (audit, said) = audit(Path::new("/dev/full"));
        audit.write("one".to_owned());
        audit.close();
        assert!(said.lock().unwrap()[0].contains("no plain file"));
    }
}
