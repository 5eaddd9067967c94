//! Writing the list of processes that `pm2 resurrect` starts again.
//!
//! Invariant: byte for byte as the pm2 CLI writes it, but whole or not at all: beside the old file, then
//! renamed over it. A new file is the owner's alone; the mode and owner of an old one are kept. The old
//! content goes to `dump.pm2.bak` first, as the CLI does.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::Acting;
use super::errands::failed;
use crate::daemon::clock::whole_ms;
use crate::daemon::offload;
use crate::model::Verdict;
use crate::model::deed::Deed;
use crate::model::errand::Outcome;
use crate::protocol::dump::{self, Dump};
use crate::protocol::text::clean;

/// How long the disk may take.
const DISK_MAX: Duration = Duration::from_secs(10);
/// The mode of a new file: it holds the environment of every process.
const PRIVATE: u32 = 0o600;
/// How the name of a file begins that is not whole yet; the id of its process follows.
const PREFIX: &str = ".dump.pm2.";
/// A file that does not say whose it is was left behind after so long.
const LEFT_AFTER: Duration = Duration::from_mins(10);
/// The bits of a mode that let others read.
const OTHERS: u32 = 0o044;

/// The file with the saved list.
pub(super) fn dump_path(home: &Path) -> PathBuf {
    home.join("dump.pm2")
}

/// The one before.
pub(super) fn backup_path(home: &Path) -> PathBuf {
    home.join("dump.pm2.bak")
}

impl Acting {
    /// Saves the list.
    pub(super) async fn save(&self, even_empty: bool) -> Outcome {
        let path = dump_path(&self.session.home);
        let label = clean(&path.to_string_lossy()).into_owned();
        let about = |deed: Deed, verdict| Outcome::about(deed, &label, verdict);
        let dump = match self.dump(even_empty).await {
            Ok(dump) => dump,
            Err(verdict) => return about(deed(None), verdict),
        };
        let deed = deed(Some(dump.processes));
        let (text, started) = (dump.text, Instant::now());
        let backup = backup_path(&self.session.home);
        let writing = offload::blocking(DISK_MAX, move || write(&path, &backup, &text));
        match writing.await {
            None => {
                let waited_ms = whole_ms(started.elapsed());
                about(deed, Verdict::Unknown { waited_ms, is_closed: false })
            }
            Some(Err(error)) => about(deed, Verdict::Refused(unwritten(&error).into())),
            Some(Ok(mode)) if mode & OTHERS != 0 => about(deed, Verdict::Done).noted(format!(
                "others can read it (mode {mode:04o}, as the pm2 CLI makes it), and all \
                 environments are in it: chmod 600 {label}"
            )),
            Some(Ok(_)) => about(deed, Verdict::Done),
        }
    }

    /// What is to be saved.
    async fn dump(&self, even_empty: bool) -> Result<Dump, Verdict> {
        self.expect_here()?;
        let started = Instant::now();
        let asked = self.session.ask_processes(self.timings.read).await;
        let (reply, _) = asked.map_err(|failure| failed(failure, started))?;
        let dump = dump::of_reply(reply.body());
        let dump = dump.map_err(|error| Verdict::Refused(error.to_string().into()))?;
        if dump.processes == 0 && !even_empty {
            let why =
                "there are no processes, and an empty list is saved only on request (--force)";
            return Err(Verdict::Refused(why.into()));
        }
        Ok(dump)
    }
}

/// Why it was not written: the file is whole or as it was.
fn unwritten(error: &io::Error) -> String {
    format!("{error}; nothing was written, the saved list is as it was")
}

/// How it is said of so many.
fn deed(processes: Option<usize>) -> Deed {
    let (verb, done) = match processes {
        None => ("save the processes to".to_owned(), "saved the processes to".to_owned()),
        Some(1) => ("save 1 process to".to_owned(), "saved 1 process to".to_owned()),
        Some(count) => {
            (format!("save {count} processes to"), format!("saved {count} processes to"))
        }
    };
    Deed { verb: verb.into(), done: done.into(), ..Deed::new("save", "", "", "saved") }
}

/// Writes the list, and gives the mode that its file has.
fn write(path: &Path, backup: &Path, text: &str) -> io::Result<u32> {
    // A link stays a link, to the file that is replaced.
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::read(&place) {
        Ok(old) => {
            let backup = fs::canonicalize(backup).unwrap_or_else(|_| backup.to_owned());
            replace(&backup, &old)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    replace(&place, text.as_bytes())
}

/// Puts a whole new file in the place of an old one, whose mode and owner it has.
fn replace(path: &Path, content: &[u8]) -> io::Result<u32> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let old = match fs::metadata(path) {
        Ok(old) if !old.is_file() => {
            let why = format!("{} is not a regular file", clean(&path.to_string_lossy()));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mode = old.as_ref().map_or(PRIVATE, |old| old.permissions().mode() & 0o777);
    remove_leftovers(folder);
    let prefix = format!("{PREFIX}{}.", std::process::id());
    let mut file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder)?;
    file.write_all(content)?;
    let owner = match &old {
        Some(old) => Some(old.clone()),
        // Root writes for somebody whose folder it is.
        None if rustix::process::geteuid().is_root() => Some(fs::metadata(folder)?),
        None => None,
    };
    if let Some(owner) = owner {
        give(file.as_file(), &owner)?;
    }
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The rename, too, has to survive a power cut; a folder that cannot be synced is no failure.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(mode)
}

/// Removes what a save left behind that was killed part way: all environments are in it. One that cannot
/// be removed is no reason not to save.
fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let is_left = if let Some((pid, _)) = rest.split_once('.') {
            pid.parse().is_ok_and(is_dead)
        } else {
            // Of a version that did not say whose it is.
            let written = entry.metadata().and_then(|about| about.modified()).ok();
            written.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > LEFT_AFTER)
        };
        if is_file && is_left {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether no process of this machine has this id.
fn is_dead(pid: i32) -> bool {
    let pid = rustix::process::Pid::from_raw(pid);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Gives a file the owner of another; nothing to do where it has it.
fn give(file: &File, owner: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    let (user, group) =
        (rustix::fs::Uid::from_raw(owner.uid()), rustix::fs::Gid::from_raw(owner.gid()));
    rustix::fs::fchown(file, Some(user), Some(group)).map_err(|error| {
        let why = format!("the saved list belongs to user {}: {error}", owner.uid());
        io::Error::new(io::ErrorKind::PermissionDenied, why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_list_is_private_and_an_old_one_keeps_its_mode() {
        let home = tempfile::tempdir().unwrap();
        let (path, backup) = (dump_path(home.path()), backup_path(home.path()));
        assert_eq!(write(&path, &backup, "[1]").unwrap(), 0o600);
        assert_eq!((mode_of(&path), backup.exists()), (0o600, false));
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(write(&path, &backup, "[2]").unwrap(), 0o640);
        assert_eq!((mode_of(&path), mode_of(&backup)), (0o640, 0o600));
        assert_eq!(fs::read_to_string(&path).unwrap(), "[2]");
        assert_eq!(fs::read_to_string(&backup).unwrap(), "[1]");
        let names: Vec<_> = fs::read_dir(home.path()).unwrap().collect();
        assert_eq!(names.len(), 2, "nothing is left beside them");
    }

    #[test]
    fn what_a_killed_save_left_behind_goes_with_the_next() {
        let home = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let name = |of: &str| home.path().join(format!("{PREFIX}{of}"));
        let (own, old) = (format!("{}.x", std::process::id()), "AbCdEf");
        for name in [name(&format!("{dead}.x")), name(&own), name(old), name("new")] {
            fs::write(name, "[half").unwrap();
        }
        let long_ago = std::time::UNIX_EPOCH + Duration::from_hours(1);
        File::options().write(true).open(name(old)).unwrap().set_modified(long_ago).unwrap();
        fs::create_dir(name(&format!("{dead}.folder"))).unwrap();
        write(&dump_path(home.path()), &backup_path(home.path()), "[]").unwrap();
        let left = [own.as_str(), old, "new"].map(|of| name(of).exists());
        assert_eq!(left, [true, false, true]);
        assert!(!name(&format!("{dead}.x")).exists());
        assert!(name(&format!("{dead}.folder")).exists(), "that is no file of ours");
    }

    #[test]
    fn a_full_disk_is_told_with_what_became_of_the_list() {
        let full = io::Error::from_raw_os_error(28);
        let wanted = "No space left on device (os error 28); nothing was written, the saved list is \
                      as it was";
        assert_eq!(unwritten(&full), wanted);
    }

    #[test]
    fn a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        fs::write(&real, "[]").unwrap();
        let path = dump_path(home.path());
        std::os::unix::fs::symlink(&real, &path).unwrap();
        write(&path, &backup_path(home.path()), "[3]").unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "[3]");
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_list() {
        let home = tempfile::tempdir().unwrap();
        let (path, backup) = (dump_path(home.path()), backup_path(home.path()));
        fs::write(&path, "[old]").unwrap();
        // The backup is made first.
        fs::create_dir(&backup).unwrap();
        assert!(write(&path, &backup, "[new]").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "[old]");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(write(&path, &backup, "[new]").is_err());
    }
}
