//! What is left of the lives that ended before anybody watched: from the daemon's own log and the
//! error logs, on this machine.
//!
//! Invariant: reads files alone, bounded, on a thread that may hang; asks the daemon nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::inbox::Inbox;
use super::{clock, files, offload};
use crate::model::DaemonId;
use crate::model::death::BlackBox;
use crate::model::death::after::{Left, reconstruct};
use crate::model::report::Report;
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

/// How much is read of the end of `pm2.log` when a watch begins, bytes.
const CONSOLE_BYTES_MAX: u64 = 512 << 10;
/// How much is read of the end of an error log, bytes.
const ERRORS_BYTES_MAX: u64 = 64 << 10;
/// Of at most so many processes: those that are not well, then those that were restarted.
const PROCESSES_MAX: usize = 64;
/// How long all of it may take.
const LOOK_MAX: Duration = Duration::from_secs(20);

/// Looks back once into the folder of a daemon and reports what was found.
pub(super) async fn run(id: DaemonId, home: PathBuf, inbox: Inbox, infos: Vec<ProcessInfo>) {
    let looking = offload::blocking(LOOK_MAX, move || look_back(&home, infos));
    if let Some(lives) = looking.await.filter(|lives| !lives.is_empty()) {
        inbox.report(id, Report::Lives(lives));
    }
}

fn look_back(home: &Path, mut infos: Vec<ProcessInfo>) -> Vec<(PmId, BlackBox)> {
    let Ok(tail) = files::tail(&home.join("pm2.log"), CONSOLE_BYTES_MAX) else {
        return Vec::new();
    };
    let console = String::from_utf8_lossy(&tail.bytes);
    infos.retain(|info| info.restarts > 0 || info.exit_code.is_some() || info.never_started());
    infos.sort_by_key(|info| info.status == ProcessStatus::Online && !info.never_started());
    infos.truncate(PROCESSES_MAX);
    let offset_s = clock::utc_offset_s(clock::now_ms());
    infos.iter().map(|info| (info.pm_id, of(info, &console, offset_s))).collect()
}

/// The black box of a process, made up from the end of `pm2.log` and of its error log. Blocks.
pub(crate) fn of(info: &ProcessInfo, console: &str, utc_offset_s: i32) -> BlackBox {
    let path = info.logs.err.as_deref().or(info.logs.both.as_deref());
    let path = path.filter(|path| *path != "/dev/null").map(PathBuf::from);
    let errors = path.and_then(|path| files::tail(&path, ERRORS_BYTES_MAX).ok());
    let errors =
        errors.map(|tail| (String::from_utf8_lossy(&tail.bytes).into_owned(), tail.written_ms));
    reconstruct(&Left {
        info,
        console,
        errors: errors.as_ref().map(|(text, written_ms)| (text.as_str(), *written_ms)),
        utc_offset_s,
    })
}
