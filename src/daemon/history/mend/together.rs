//! After a loss: a file that several outputs went into is mended as one, once those are there again or were
//! waited for.
//!
//! Invariant: how many of them are listed changes nothing about that: a daemon that was restarted starts them one
//! by one, and where only the first is there the lines of the others stand between its own.

use std::path::Path;

use tokio::time::Instant;

use super::super::gap::{Again, Tail};
use super::super::growth::Written;
use super::super::heard::{Heard, Mended, OutputKey};
use super::super::shared::{self, Output, SHARED_BYTES};
use super::super::sources::LogFile;
use super::away::Around;
use super::{ALL_MAX, Current, Joined, LOOK_MAX_MS, SharedLines};
use crate::daemon::seam::FIRST_MS;
use crate::daemon::{files, offload};
use crate::protocol::bus::{BusPmId, ProcessRef};
use crate::protocol::text::clean;

/// An output, and what came of it again.
type Came = (OutputKey, Option<Again>);

impl Current {
    /// Looks at a file of several outputs, among all that there are. Whether it is done, and the lines that were missing.
    pub(super) async fn step_together(
        &mut self,
        (heard, listed, home): Around<'_>,
        joined: &mut Joined,
        (file, files): (&LogFile, &[LogFile]),
        path: &Path,
    ) -> (bool, Option<SharedLines>) {
        let since = *self.together.entry(path.to_owned()).or_insert_with(Instant::now);
        let (age_ms, losses) = (since.elapsed().as_millis() as i64, heard.losses());
        if !self.ended.contains_key(path) {
            let ended = self.ended_in(path, &joined.keys);
            self.ended.insert(path.to_owned(), ended);
        }
        let keys: Vec<OutputKey> = file.keys().collect();
        let before = self.ended.get(path).map_or(&[][..], Vec::as_slice);
        if keys.is_empty() && before.is_empty() {
            // It was told up to its end after another loss.
            return (true, None);
        }
        if keys.iter().any(|key| heard.is_told(*key)) {
            if !before.is_empty() {
                heard.note_unsure(&file.name);
            }
            return (true, None);
        }
        let again: Vec<Came> = keys.iter().map(|key| (*key, heard.again(*key))).collect();
        let lost_ms = joined.lost_ms.unwrap_or_else(|| heard.lost_ms());
        let reached = joined.growth.since(lost_ms + FIRST_MS);
        let Some(outputs) = outputs(heard, (before, &again, files), (age_ms, reached)) else {
            return (false, None);
        };
        let heard_ms = heard.elapsed_ms();
        let (old, path_too) = (joined.file.clone(), path.to_owned());
        let mut still = joined.still;
        let until_ms = keys.iter().filter_map(|key| heard.held_since(*key)).min();
        let until_ms = until_ms.unwrap_or_else(|| heard.wall_ms());
        let dating = joined.dating((heard, listed, home), file);
        let looking = offload::look(move || {
            let all = files::generations(old, &path_too);
            let missed = shared::missed_at(&all, &outputs, (&mut still, heard_ms));
            let missed = missed.map(|missed| {
                missed.map(|(missed, places)| (dating.shared(&places, until_ms), missed))
            });
            (missed, all, still)
        });
        let Some((Ok(missed), all, still)) = looking.await else {
            for key in keys {
                heard.give_up(key);
            }
            return (true, None);
        };
        joined.still = still;
        joined.file = all.first().cloned();
        let Some((times, missed)) = missed.filter(|_| heard.losses() == losses) else {
            return (false, None);
        };
        let has_begun = |key: OutputKey| heard.again(key).is_some();
        if again.iter().any(|(key, again)| again.is_some() != has_begun(*key)) {
            // What came in the meantime may be in the file, too.
            return (false, None);
        }
        release(heard, (file, again), (&missed.tail, losses));
        self.ended.remove(path);
        joined.file = all.last().cloned();
        let between_ms = (times.first().copied().unwrap_or(until_ms), until_ms);
        let lines = missed.lines.into_iter().zip(times).collect();
        let is_exact = missed.is_exact;
        let file = of_all(file, &joined.of);
        (true, Some(SharedLines { file, lines, is_exact, between_ms }))
    }
}

/// Tells what is held of the outputs of a file, which ends so before that.
fn release(heard: &Heard, (file, again): (&LogFile, Vec<Came>), (end, losses): (&[u8], u64)) {
    for (key, again) in again {
        let process =
            ProcessRef { pm_id: Some(BusPmId::Process(key.0)), name: clean(&file.name).into() };
        let tail = Some(Tail::ending(end.to_vec(), SHARED_BYTES));
        let (bytes, written, unsure) = (Vec::new(), Written::default(), None);
        let mended = Mended { process, bytes, written, unsure, tail, repeated: 0, losses };
        if !heard.release(key, again.is_some(), mended) {
            // What came in the meantime comes behind all that is missing.
            heard.pass(key, SHARED_BYTES);
        }
    }
}

/// A file with those that write it and those that wrote it before: who said what was missed is not known.
fn of_all(file: &LogFile, before: &LogFile) -> LogFile {
    let mut of = file.clone();
    let others = before.ids.iter().filter(|id| !file.ids.contains(id));
    of.ids.extend(others);
    of
}

/// What is known of the outputs of a file: how they ended and what came of them again, among all files; `None` as long
/// as something is held of a process that may be one of them.
fn outputs(
    heard: &Heard,
    (before, again, files): (&[(OutputKey, Tail)], &[Came], &[LogFile]),
    (age_ms, reached): (i64, Option<u64>),
) -> Option<Output> {
    let heard_ms = heard.elapsed_ms();
    let ages = |of: fn(&Again) -> i64| {
        again.iter().filter_map(move |(_, again)| Some(heard_ms - of(again.as_ref()?)))
    };
    // Where nothing comes again nothing is held: what was written just now has time to come.
    let begun_ms = ages(|again| again.first_ms).max();
    let all_max_ms = ALL_MAX.as_millis() as i64;
    let is_late = begun_ms.map_or(age_ms >= all_max_ms, |begun_ms| begun_ms >= LOOK_MAX_MS);
    // A daemon that was restarted starts them one by one.
    let others = if heard.is_by_speed() { 0 } else { before.len().saturating_sub(again.len()) };
    if others > 0 && has_unknown(heard, files) {
        // It is told as that of a new one when it was in no list for long.
        return None;
    }
    let came = again.iter().map(|(key, _)| heard.held_text(*key));
    Some(Output {
        tails: before.iter().map(|(_, tail)| tail.bytes().to_vec()).collect(),
        again: came.chain(std::iter::repeat_n(Vec::new(), others)).collect(),
        quiet_ms: ages(|again| again.last_ms).min().unwrap_or(age_ms),
        begun_ms: begun_ms.unwrap_or_default(),
        is_late,
        reached,
    })
}

/// Whether something came again of a process that is in no list yet.
fn has_unknown(heard: &Heard, files: &[LogFile]) -> bool {
    let is_known = |key: OutputKey| files.iter().any(|file| file.holds(key.0, key.1));
    heard.held().iter().any(|(key, _)| !is_known(*key))
}
