//! Where in a log file the bus began, for its history: the end of that which did not come on the bus.
//!
//! Invariant: all file calls are offloaded, and the place is looked for for seconds at most; what is not
//! certain then says so.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::counted::{Counting, Found};
use super::gap;
use super::heard::{Heard, OutputKey};
use super::shared;
use super::sources::LogFile;
use crate::daemon::seam::{FIRST_MS, ReadAt, STILL_MS, read_part};
use crate::daemon::{files, offload};

/// How long the bus is waited for where the file grows.
const BEGIN_MAX: Duration = Duration::from_secs(2);
/// How long outputs are waited for that did not begin though others of their file did, milliseconds.
const OTHERS_MS: i64 = 1_500;
/// The pause between two looks for the place where the bus began.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How long that place is looked for.
const JOIN_MAX: Duration = Duration::from_secs(4);
/// How long the rest of a line may be that the bus began within, bytes.
const REST_BYTES_MAX: u64 = 64 << 10;

/// Where the history of a file ends.
pub(super) struct End {
    pub(super) at: u64,
    pub(super) is_exact: bool,
    /// Lines before that which came on the bus, and how often.
    pub(super) had: HashMap<Vec<u8>, u32>,
}

/// Looks for the place of a file where what came on the bus begins.
pub(super) async fn end_of(heard: &Heard, file: &LogFile, opened: &Arc<File>, size: u64) -> End {
    match file.keys().next() {
        Some(key) if !file.is_shared() => {
            end_of_own(heard, key, (opened, file.path.as_deref()), size).await
        }
        _ => end_of_shared(heard, file, opened, size).await,
    }
}

/// Of a file that one output goes into: at the byte that came first on the bus.
async fn end_of_own(
    heard: &Heard,
    key: OutputKey,
    (opened, path): (&Arc<File>, Option<&Path>),
    size: u64,
) -> End {
    let end = |at, is_exact| End { at, is_exact, had: HashMap::new() };
    let started = Instant::now();
    loop {
        // What did not come on the bus until now was there before, unless it is being written.
        let Some(begun) = heard.begun(key) else {
            if started.elapsed() < BEGIN_MAX && has_grown(opened, size).await {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            let next = offload::look(next_of(opened, path)).await.flatten();
            return end(size, next.is_none());
        };
        let (next, opened) = (next_of(opened, path), Arc::clone(opened));
        let now_ms = heard.elapsed_ms();
        if now_ms - begun.first_ms < FIRST_MS {
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        }
        // Of a bus that was lost since, the end of the file says nothing.
        let is_quiet = !begun.is_lost && now_ms - begun.last_ms >= STILL_MS;
        let is_late = started.elapsed() >= JOIN_MAX;
        let is_written = now_ms - begun.first_ms >= gap::WRITTEN_MS;
        let looking = offload::look(move || {
            let mut seam = begun.seam;
            let settled = (is_written, is_quiet);
            let at = seam.place(&*opened, 0, now_ms, settled).unwrap_or(None);
            let now = opened.size().unwrap_or(0);
            let guess = now.saturating_sub(seam.received());
            let guess = if begun.is_lost { guess.min(size) } else { guess };
            // It was renamed before the bus began: what the next one holds before that is not told.
            let next = if at.is_none() { next() } else { None };
            let in_next = next.as_ref().and_then(|next| {
                let mut seam = seam.clone();
                seam.place(&**next, 0, now_ms, settled).unwrap_or(None)
            });
            // Of what never reaches the file nothing is in it.
            let is_absent = is_quiet && seam.is_absent(&*opened).unwrap_or(false);
            let behind = in_next.map(|at| (now, at == 0));
            let absent = is_absent.then_some((now, next.is_none()));
            (seam, at.map(|at| (at, true)).or(behind).or(absent), guess)
        });
        match looking.await {
            Some((_, Some((at, is_exact)), _)) => return end(at, is_exact),
            Some((_, None, guess)) if is_late => return end(guess, false),
            Some((seam, None, _)) => heard.learn(key, &seam),
            None => return end(size, false),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Of a file that several outputs go into: where the first lines of all are, else at its end while they
/// are quiet. Lines before that which came on the bus are taken out by their text; lines that cannot be told
/// apart are counted.
async fn end_of_shared(heard: &Heard, file: &LogFile, opened: &Arc<File>, size: u64) -> End {
    let started = Instant::now();
    let mut counting = Counting::from(size);
    loop {
        let begun: Vec<_> = file.keys().filter_map(|key| heard.begun(key)).collect();
        if begun.is_empty() {
            if started.elapsed() < BEGIN_MAX && has_grown(opened, size).await {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            // What did not come on the bus until now was there before.
            return End { at: size, is_exact: true, had: HashMap::new() };
        }
        let now_ms = heard.elapsed_ms();
        // Of a bus that was lost since, the end of the file says nothing.
        let is_lost = begun.iter().any(|begun| begun.is_lost);
        let is_quiet = !is_lost && begun.iter().all(|begun| now_ms - begun.last_ms >= STILL_MS);
        let is_late = started.elapsed() >= JOIN_MAX;
        // One that is behind the others has yet to begin.
        let is_all = begun.len() == file.keys().count();
        let wait_ms = if is_all { gap::WRITTEN_MS } else { OTHERS_MS };
        let is_written = begun.iter().all(|begun| now_ms - begun.first_ms >= wait_ms);
        // What is not kept is not counted.
        let is_cut = begun.iter().any(|begun| begun.is_cut);
        let looking = offload::look({
            let came: Vec<_> = begun.iter().map(|begun| begun.bytes.clone()).collect();
            let (opened, mut counting) = (Arc::clone(opened), counting.clone());
            move || {
                counting.look(&opened, &came);
                let place = shared::begin(&opened, (&came, is_all)).ok().flatten();
                let place = place.filter(|place| place.is_told_apart || !is_cut && !is_lost);
                let found = place.map(|place| counting.end(&opened, place));
                (found, counting, opened.size().unwrap_or(size))
            }
        });
        let (found, now) = match looking.await {
            Some((found, counted, now)) => {
                counting = counted;
                (found.filter(|_| is_written), now)
            }
            _ => (None, size),
        };
        if let Some(Found { at, had, is_exact, is_settled }) = found
            && (is_exact && is_settled || is_late)
        {
            return End { at, is_exact, had };
        }
        if is_quiet || is_late {
            let mut had: HashMap<Vec<u8>, u32> = HashMap::new();
            for line in begun.iter().flat_map(|begun| begun.bytes.split(|byte| *byte == b'\n')) {
                *had.entry(line.to_vec()).or_default() += 1;
            }
            // What stands behind the last newline of each is no line.
            had.remove(&Vec::new());
            let at = if is_lost { size.min(now) } else { now };
            return End { at, is_exact: is_quiet && !is_cut, had };
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The file of that name now, where that is another one and something is in it. Blocks.
fn next_of(opened: &Arc<File>, path: Option<&Path>) -> impl FnOnce() -> Option<Arc<File>> + use<> {
    let (opened, path) = (Arc::clone(opened), path.map(Path::to_owned));
    move || {
        let next = files::generations(opened, &path?).into_iter().nth(1)?;
        next.size().is_ok_and(|size| size > 0).then_some(next)
    }
}

async fn has_grown(opened: &Arc<File>, size: u64) -> bool {
    let opened = Arc::clone(opened);
    offload::look(move || opened.size().unwrap_or(size)).await.is_some_and(|now| now > size)
}

/// What a file holds between a place and the next newline, where it is not the beginning of a line.
pub(super) fn rest_of_line(file: &File, at: u64) -> Option<Vec<u8>> {
    let before = at.checked_sub(1)?;
    let bytes = read_part(file, before, before + REST_BYTES_MAX).ok()?;
    let rest = bytes.strip_prefix(b"\n").is_none().then(|| bytes.get(1..))??;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    rest.get(..end).map(<[u8]>::to_vec)
}
