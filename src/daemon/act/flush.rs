//! Emptying log files, as `pm2 flush` does: in place, so that whoever has them open goes on at their
//! start.
//!
//! Invariant: only plain files are emptied, none is made, and none is followed out of sight: a device
//! or a FIFO stays as it is.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Acting;
use crate::daemon::offload;
use crate::model::errand::{Errand, Outcome};
use crate::model::{Target, Verdict, units};
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// How long the disk may take.
const DISK_MAX: Duration = Duration::from_secs(10);

/// The log files of a process, each once.
pub(super) fn files(info: &ProcessInfo) -> Vec<PathBuf> {
    let logs = [&info.logs.out, &info.logs.err, &info.logs.both];
    let paths: BTreeSet<PathBuf> =
        logs.into_iter().flatten().map(|path| PathBuf::from(&**path)).collect();
    paths.into_iter().collect()
}

impl Acting {
    /// Empties the log files of each. Nothing is sent, and so one look is enough for all.
    pub(super) async fn flush(&self, targets: &[Target], tell: &mut impl FnMut(Outcome)) {
        let processes = self.look().await.map_err(super::unsent);
        for target in targets {
            let found = match &processes {
                _ if self.halted.is_cancelled() => Err(Verdict::NotBegun),
                Ok(processes) => target.find(processes, self.session.god),
                Err(verdict) => Err(verdict.clone()),
            };
            let (verdict, note) = match found {
                Ok(info) => self.empty(files(info)).await,
                Err(verdict) => (verdict, None),
            };
            tell(Outcome { note, ..Outcome::of(&Errand::Flush, target, verdict) });
        }
    }

    /// Empties files of the daemon's, and says how much was in them.
    pub(super) async fn empty(&self, paths: Vec<PathBuf>) -> (Verdict, Option<Box<str>>) {
        if let Err(verdict) = self.expect_here() {
            return (verdict, None);
        }
        let emptying = offload::blocking(DISK_MAX, move || empty_all(&paths));
        match emptying.await {
            None => (Verdict::Refused("the disk with the log files does not answer".into()), None),
            Some(Err(why)) => (Verdict::Refused(why.into()), None),
            Some(Ok(bytes)) => (Verdict::Done, Some(units::bytes(bytes).into())),
        }
    }
}

/// Empties files, and gives how many bytes were in them.
fn empty_all(paths: &[PathBuf]) -> Result<u64, String> {
    let mut bytes = 0;
    for path in paths {
        match empty(path) {
            Ok(size) => bytes += size,
            // Not written yet, or deleted; or a device, which PM2 does not write to.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
                ) => {}
            Err(error) => {
                return Err(format!("{}: {error}", clean(&path.to_string_lossy())));
            }
        }
    }
    Ok(bytes)
}

fn empty(path: &Path) -> io::Result<u64> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file: File = OpenOptions::new().write(true).custom_flags(nonblocking).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    file.set_len(0)?;
    Ok(about.len())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn files_are_emptied_in_place_and_nothing_else_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.log");
        fs::write(&log, "0123456789").unwrap();
        let mut open = OpenOptions::new().append(true).open(&log).unwrap();
        let none = folder.path().join("none.log");
        let paths = [log.clone(), none.clone(), "/dev/null".into()];
        assert_eq!(empty_all(&paths), Ok(10));
        assert_eq!(fs::metadata(&log).unwrap().len(), 0);
        assert!(!none.exists(), "no file is made");
        // Whoever has it open goes on at its start.
        open.write_all(b"next").unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"next");
        let why = empty_all(&[folder.path().to_owned()]).unwrap_err();
        assert!(why.contains("directory"), "{why}");
    }
}
