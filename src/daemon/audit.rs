//! The audit file: a line for each action, appended by a thread of its own.
//!
//! Invariant: nobody waits for the disk; what cannot be written is counted, and told at once and, when
//! that is possible again, in the file. A new file is its owner's alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use super::rpc::endpoint;
use crate::model::audit::Standing;
use crate::protocol::text::{clean, clean_to};

/// The most characters of a user's name.
const USER_CHARS_MAX: usize = 64;
/// The most lines that wait.
const LINES_MAX: usize = 1_024;
/// How long the last lines may take to be written at the end.
const LAST_MAX: Duration = Duration::from_millis(500);

/// The file, and the thread that writes it.
#[derive(Debug)]
pub(crate) struct Audit {
    lines: Lines,
    /// Closed once all is written.
    ended: Receiver<()>,
}

/// Where lines go to be written.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    lines: SyncSender<String>,
    /// How many did not fit.
    lost: Arc<AtomicU64>,
}

impl Lines {
    /// Has a line written. Never waits.
    pub(crate) fn write(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Audit {
    /// Writes into this file from now on, and tries at once whether it can be; `tell` is given how it
    /// stands with the file where that is not as it was.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(
        path: PathBuf,
        tell: impl Fn(Standing) + Send + 'static,
    ) -> io::Result<Self> {
        let (lines, waiting) = mpsc::sync_channel::<String>(LINES_MAX);
        let (done, ended) = mpsc::sync_channel::<()>(0);
        let lost = Arc::new(AtomicU64::new(0));
        let missed = Arc::clone(&lost);
        let thread = std::thread::Builder::new().name("audit".to_owned());
        thread.spawn(move || {
            let _done = done;
            let mut writer = Writer { path, open, tell, missed, is_told: false, is_torn: false };
            writer.try_it();
            for line in waiting {
                writer.take(&line);
            }
        })?;
        Ok(Self { lines: Lines { lines, lost }, ended })
    }

    /// Where lines go.
    pub(crate) fn lines(&self) -> Lines {
        self.lines.clone()
    }

    /// Waits until all is written, for half a second at most; nobody else may write then.
    pub(crate) fn close(self) {
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

impl<T: Fn(Standing)> Writer<T> {
    /// Sees whether the file can be opened, before there is anything to write.
    fn try_it(&mut self) {
        if let Err(error) = (self.open)(&self.path) {
            self.complain(&error);
        }
    }

    fn take(&mut self, line: &str) {
        match self.append(line) {
            Ok(()) => {
                if std::mem::take(&mut self.is_told) {
                    (self.tell)(Standing::default());
                }
            }
            Err(error) => {
                self.missed.fetch_add(1, Ordering::Relaxed);
                self.complain(&error);
            }
        }
    }

    fn complain(&mut self, error: &io::Error) {
        self.is_told = true;
        let trouble = Some(not_written(&self.path, error).into());
        (self.tell)(Standing { trouble, lost: self.missed.load(Ordering::Relaxed) });
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

/// Says that the file is not written, and why.
pub(crate) fn not_written(path: &Path, error: &io::Error) -> String {
    clean(&format!("the audit file {} is not written: {error}", path.to_string_lossy()))
        .into_owned()
}

/// Tries whether the file can be written, and leaves nothing behind that was not there. Blocks.
///
/// # Errors
/// Why it cannot.
pub(crate) fn probe(path: &Path) -> io::Result<()> {
    let was_there = path.symlink_metadata().is_ok();
    let opened = open(path).map(drop);
    if !was_there && opened.is_ok() {
        fs::remove_file(path)?;
    }
    opened
}

/// Who sits here: the name that the system's login gave, else that of the account; under `sudo` who that was.
pub(crate) fn user() -> String {
    let named = |name: &str| std::env::var(name).ok().filter(|user| !user.is_empty());
    let known = || endpoint::name_of_user(rustix::process::getuid().as_raw());
    let user = named("USER").or_else(|| named("LOGNAME")).unwrap_or_else(known);
    let user = match named("SUDO_USER").filter(|asking| *asking != user) {
        Some(asking) => format!("{user} ({asking} by sudo)"),
        None => user,
    };
    clean_to(&user, USER_CHARS_MAX)
}

/// Opens it anew for each line: it may have been rotated. What is no plain file is refused; a folder that
/// is missing is not made: it is more likely mistyped, or its disk is not there.
fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent()
        && let Err(error) = folder.metadata()
        && error.kind() == io::ErrorKind::NotFound
    {
        let why = format!("there is no folder {}", folder.to_string_lossy());
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
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
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    use super::*;

    type Said = Arc<Mutex<Vec<Standing>>>;

    fn said() -> (Said, impl Fn(Standing) + Send + 'static) {
        let said = Said::default();
        let to = Arc::clone(&said);
        (said, move |standing| to.lock().unwrap().push(standing))
    }

    fn audit(path: &Path) -> (Audit, Said) {
        let (said, tell) = said();
        (Audit::start(path.to_owned(), tell).unwrap(), said)
    }

    fn why(standing: &Standing) -> &str {
        standing.trouble.as_deref().unwrap_or_default()
    }

    #[test]
    fn lines_are_appended_to_a_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        for line in ["one", "two"] {
            let (audit, said) = audit(&path);
            audit.lines().write(line.to_owned());
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
        let (said, tell) = said();
        let missed = Arc::default();
        let mut writer =
            Writer { path: path.clone(), open, tell, missed, is_told: false, is_torn: false };
        writer.try_it();
        writer.take("one");
        writer.take("two");
        fs::remove_file(folder.path().join("none")).unwrap();
        fs::create_dir(folder.path().join("none")).unwrap();
        writer.take("three");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"event\":\"lost\",\"lines\":2}\nthree\n");
        let said = said.lock().unwrap();
        assert!(why(&said[0]).contains("none/audit.log is not written: "), "{said:?}");
        assert_eq!(said.iter().map(|it| it.lost).collect::<Vec<_>>(), [0, 1, 2, 0]);
        assert_eq!(said[3], Standing::default(), "it is written again");
    }

    #[test]
    fn a_full_disk_is_told_with_what_is_lost() {
        let (said, tell) = said();
        let open = |path: &Path| OpenOptions::new().append(true).open(path);
        let (path, missed) = (PathBuf::from("/dev/full"), Arc::default());
        let mut writer = Writer { path, open, tell, missed, is_told: false, is_torn: false };
        writer.try_it();
        for line in ["one", "two", "three"] {
            writer.take(line);
        }
        let said = said.lock().unwrap();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(why(&said[0]).contains("No space left"), "{said:?}");
        assert_eq!(writer.missed.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn what_cannot_be_written_is_told_at_the_start() {
        let (audit, said) = audit(Path::new("/dev/full"));
        audit.close();
        assert!(why(&said.lock().unwrap()[0]).contains("no plain file"));
    }

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/audit.log");
        let why = probe(&path).unwrap_err().to_string();
        assert!(why.starts_with("there is no folder ") && why.ends_with("/a/b"), "{why}");
        assert!(!folder.path().join("a").exists());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        probe(&path).unwrap();
        assert!(path.parent().unwrap().exists() && !path.exists());
        fs::write(&path, "one\n").unwrap();
        probe(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
        for wrong in ["/dev/full", "/proc/pm2-tui/audit.log", folder.path().to_str().unwrap()] {
            probe(Path::new(wrong)).unwrap_err();
        }
    }
}
