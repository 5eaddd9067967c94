//! What is left of the lives that ended before anybody watched: from the daemon's own log and the
//! error logs, on this machine.
//!
//! Invariant: reads files alone, bounded, on a thread that may hang; asks the daemon nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::time::Instant;

use super::inbox::Inbox;
use super::lives::CONSOLE_BYTES_MAX;
use super::said::Said;
use super::seam::read_part;
use super::{Watch, clock, files, kernel, offload};
use crate::model::DaemonId;
use crate::model::death::BlackBox;
use crate::model::death::after::{Deaths, Left, may_tell_an_end, reconstruct_with};
use crate::model::report::Report;
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

mod lines;

/// How much is read of the end of an error log, bytes.
const ERRORS_BYTES_MAX: u64 = 64 << 10;
/// How much is read of its beginning: what lives say first, bytes.
const OPENING_BYTES: u64 = 2 << 10;
/// Of at most so many processes: those that are not well, then those that were restarted, then those that ended
/// under another daemon or were begun anew.
const PROCESSES_MAX: usize = 64;
/// How long after the first look the second is: an end within a second of it is settled then.
const AGAIN_AFTER: Duration = Duration::from_millis(2_500);
/// How long all of it may take.
const LOOK_MAX: Duration = Duration::from_secs(20);

/// What is the same for all processes of one look.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    /// The end of the daemon's own log.
    console: String,
    utc_offset_s: i32,
    /// Since when the kernel has killed nothing for want of memory.
    calm_since_ms: Option<i64>,
    /// The processes that PM2 lists, by id and name.
    listed: Vec<(PmId, Box<str>)>,
}

impl Ground {
    /// With this end of the daemon's own log, where PM2 lists those. Blocks.
    pub(crate) fn of(console: String, utc_offset_s: i32, listed: Vec<(PmId, Box<str>)>) -> Self {
        Self { console, utc_offset_s, calm_since_ms: kernel::calm_since_ms(), listed }
    }
}

/// The ids and names of these.
pub(crate) fn listed(infos: &[ProcessInfo]) -> Vec<(PmId, Box<str>)> {
    infos.iter().map(|info| (info.pm_id, info.name.clone())).collect()
}

/// When it is looked back: at the first poll, and once more at one a moment later. What ended just as the
/// watch began said its last words before anybody listened.
#[derive(Debug, Default)]
pub(super) struct Looks {
    first: Option<Instant>,
    is_done: bool,
}

impl Looks {
    /// These are the processes now.
    pub(super) fn look(&mut self, watch: &Watch, infos: Vec<ProcessInfo>) {
        let is_first = self.first.is_none();
        let first = *self.first.get_or_insert_with(Instant::now);
        if self.is_done || !is_first && first.elapsed() < AGAIN_AFTER {
            return;
        }
        self.is_done = !is_first;
        let generation = watch.generation.clone();
        let looking = run(watch.id, watch.endpoint.home.clone(), watch.inbox.clone(), infos);
        let requests = Arc::clone(&watch.requests);
        watch.tasks.spawn(async move {
            let look = async {
                looking.await;
                if is_first {
                    tokio::time::sleep_until(first + AGAIN_AFTER).await;
                    requests.change.notify_one();
                }
            };
            generation.run_until_cancelled(look).await
        });
    }
}

/// Looks back into the folder of a daemon and reports what was found.
async fn run(id: DaemonId, home: PathBuf, inbox: Inbox, infos: Vec<ProcessInfo>) {
    let looking = offload::blocking(LOOK_MAX, move || look_back(&home, infos));
    if let Some(lives) = looking.await.filter(|lives| !lives.is_empty()) {
        inbox.report(id, Report::Lives(lives));
    }
}

fn look_back(home: &Path, mut infos: Vec<ProcessInfo>) -> Vec<(PmId, BlackBox)> {
    let Ok(tail) = files::tail(&home.join("pm2.log"), CONSOLE_BYTES_MAX) else {
        return Vec::new();
    };
    let console = String::from_utf8_lossy(&tail.bytes).into_owned();
    let has_ended = |info: &ProcessInfo| info.restarts > 0 || info.exit_code.is_some();
    let listed = listed(&infos);
    let may_tell = |info: &ProcessInfo| may_tell_an_end(info, &listed, &console);
    infos.retain(|info| has_ended(info) || info.never_started() || may_tell(info));
    let is_well =
        |info: &ProcessInfo| info.status == ProcessStatus::Online && !info.never_started();
    infos.sort_by_key(|info| (is_well(info), !has_ended(info)));
    infos.truncate(PROCESSES_MAX);
    let ground = Ground::of(console, clock::utc_offset_s(clock::now_ms()), listed);
    infos.iter().map(|info| (info.pm_id, of(info, &ground))).collect()
}

/// The black box of a process, made up from the end of `pm2.log` and of its error log. Blocks.
pub(crate) fn of(info: &ProcessInfo, ground: &Ground) -> BlackBox {
    let path = info.logs.err.as_deref().or(info.logs.both.as_deref());
    let path = path.filter(|path| *path != "/dev/null").map(PathBuf::from);
    let opening = path.as_deref().and_then(opening);
    let log_since_ms = path.as_deref().and_then(since_ms);
    let errors = path.and_then(|path| files::tail(&path, ERRORS_BYTES_MAX).ok());
    let reference_ms = errors.as_ref().map_or_else(clock::now_ms, |tail| tail.written_ms);
    let said = Said::at(info.logs.date_format.as_deref(), reference_ms);
    let said = Said { utc_offset_s: ground.utc_offset_s, ..said };
    let opening = opening.map(|bytes| said.text(&bytes));
    let tail_from = errors.as_ref().map(|tail| tail.size.saturating_sub(tail.bytes.len() as u64));
    let errors = errors.map(|tail| (said.text(&tail.bytes), tail.written_ms));
    let left = Left {
        listed: &ground.listed,
        log_since_ms,
        opening: opening.as_deref(),
        info,
        console: &ground.console,
        errors: errors.as_ref().map(|(text, written_ms)| (text.as_str(), *written_ms)),
        calm_since_ms: ground.calm_since_ms,
        utc_offset_s: ground.utc_offset_s,
    };
    let deaths = Deaths::of(&left);
    let lines = tail_from.map(|from| lines::of_lives(info, &deaths.here(), (&said, from)));
    reconstruct_with(&left, deaths, &lines.and_then(Result::ok).unwrap_or_default())
}

/// Since when a file is there, milliseconds since 1970. Blocks.
fn since_ms(path: &Path) -> Option<i64> {
    let made = std::fs::metadata(path).ok()?.created().ok()?;
    i64::try_from(made.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// What a file begins with. Blocks.
fn opening(path: &Path) -> Option<Vec<u8>> {
    let file = files::open(path).ok()?;
    read_part(&file, 0, OPENING_BYTES).ok()
}
