//! When log files were emptied, by `pm2 flush` or as that does: by those that were emptied with them and had
//! nothing written into them since. A file itself does not tell it.
//!
//! Invariant: a guess, good enough to date lines by. Of files nothing is asked but sizes and times, of so many.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{CONSOLE_BYTES_MAX, Console, Lives, Looked, SECOND_MS};
use crate::daemon::clock;
use crate::model::death::stamped;

/// So many files of the folder of logs are looked at.
const FILES_MAX: usize = 512;

impl Lives {
    /// When the log files of the process were emptied last, as it seems: milliseconds since 1970. Blocks.
    pub(crate) fn emptied_ms(&self) -> Option<i64> {
        let looked = self.looked.as_ref()?;
        looked.own_emptied_ms().max(looked.console.flushed_ms())
    }
}

impl Looked {
    /// When one of its log files was that is empty now: both outputs are flushed together.
    fn own_emptied_ms(&self) -> Option<i64> {
        let all = std::iter::once(&self.info).chain(&self.others).map(|info| &info.logs);
        let paths = all.flat_map(|logs| [&logs.out, &logs.err, &logs.both]).flatten();
        paths.filter_map(|path| emptied_ms(Path::new(&**path))).max()
    }
}

impl Console {
    /// When all logs were flushed last, the daemon's own among them, as far as that can be told. Blocks, the
    /// first time.
    fn flushed_ms(&self) -> Option<i64> {
        *self.flushed.get_or_init(|| self.look_flushed())
    }

    fn look_flushed(&self) -> Option<i64> {
        if self.home.as_os_str().is_empty() {
            return None;
        }
        let path = self.home.join("pm2.log");
        let about = fs::metadata(&path).ok()?;
        if about.len() == 0 {
            return emptied_ms(&path);
        }
        if about.len() >= CONSOLE_BYTES_MAX {
            return None;
        }
        // It has nothing of the time before: then it was emptied, by the time of its first line.
        let made_ms = ms(about.created())?;
        let utc_offset_s = clock::utc_offset_s(clock::now_ms());
        let first = self.text().lines().find_map(|line| Some(stamped(line, utc_offset_s)?.0))?;
        let last_ms = first.saturating_add(SECOND_MS);
        let folder = fs::read_dir(self.home.join("logs")).ok()?;
        let files = folder.take(FILES_MAX).filter_map(|file| emptied_ms(&file.ok()?.path()));
        files.filter(|ms| (made_ms + SECOND_MS + 1..=last_ms).contains(ms)).max()
    }
}

/// When a file was emptied that is empty now; `None` where it always was. Blocks.
fn emptied_ms(path: &Path) -> Option<i64> {
    let about: Metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
    if about.len() > 0 {
        return None;
    }
    let (made_ms, written_ms) = (ms(about.created())?, ms(about.modified())?);
    (written_ms > made_ms + SECOND_MS).then_some(written_ms)
}

fn ms(time: std::io::Result<SystemTime>) -> Option<i64> {
    let since = time.ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}
