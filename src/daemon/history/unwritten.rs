//! Last words that came on the bus and never reached the log file: a cluster worker writes its file itself,
//! and ends before that is done (docs/pm2-ops.md section 1.4). The log says which they are.
//!
//! Invariant: nothing waits for a look, and what is not certain is not said. Of what came only the end is
//! known ([`OWN_BYTES`]), so that of many such lines the last ones are told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::gap::OWN_BYTES;
use super::heard::{Came, OutputKey};
use super::screen::History;
use crate::daemon::{Watch, files, offload};
use crate::model::log::{LogLine, LogSource, Severity};
use crate::model::report::Report;
use crate::protocol::bus::LogStream;
use crate::protocol::process::{PmId, ProcessInfo};
use crate::protocol::text::clean_to;

/// The last words of a process have come so long after its end: 136 ms were seen.
const HEARD_AFTER: Duration = Duration::from_millis(700);
/// So often that is waited for.
const WAITS_MAX: u32 = 12;
/// What is not in the file this long after will not be.
const WRITTEN_AFTER: Duration = Duration::from_millis(1_300);
/// Words that come behind the end stand before this, milliseconds.
const BEHIND_END_MS: i64 = 200;
/// So many tasks of a daemon are too many for one more look.
const TASKS_MAX: usize = 256;
/// How much is read of the end of a file, bytes; so much may come meanwhile, else it is left.
const END_BYTES: u64 = 64 << 10;
const MEANWHILE_BYTES_MAX: u64 = 16 << 10;
/// The file may be so much ahead of the bus, bytes.
const AHEAD_BYTES: u64 = 512;
/// So many lines are compared at most: of what came, and of the file.
const CAME_LINES_MAX: usize = 64;
const FILE_LINES_MAX: usize = 4_096;
/// How much is told of a line, characters.
const TOLD_CHARS: usize = 60;

/// A process ended at this time, milliseconds since 1970: if it was a worker, which the bus does not say, looks
/// later which of its last words only came there.
pub(in crate::daemon) fn look(watch: &Watch, info: &ProcessInfo, at_ms: i64) {
    if watch.tasks.len() > TASKS_MAX {
        return;
    }
    let (history, inbox, daemon) = (Arc::clone(&watch.history), watch.inbox.clone(), watch.id);
    let generation = watch.generation.clone();
    let id = info.pm_id;
    let source = LogSource { daemon, pm_id: Some(id), name: (*info.name).into() };
    let looking = async move {
        let files = joined(&history, id).await;
        let came =
            files.into_iter().filter_map(|(key, path)| Some((key, path, history.heard.came(key)?)));
        let came: Vec<_> = came.collect();
        tokio::time::sleep(WRITTEN_AFTER).await;
        for (key, path, came) in came {
            let told = history.heard.told(key).unwrap_or_default();
            let meanwhile = told.saturating_sub(came.told);
            let looked = offload::look(move || {
                let end = files::tail(&path, END_BYTES).ok()?.bytes;
                unwritten(&came, &end, meanwhile)
            });
            if let Some(text) = looked.await.flatten() {
                let at_ms = at_ms + BEHIND_END_MS;
                let line =
                    LogLine::event(at_ms, source.clone(), "bus only", Severity::Neutral, &text);
                inbox.report(daemon, Report::Lines(vec![line]));
            }
        }
    };
    watch.tasks.spawn(async move { generation.run_until_cancelled(looking).await });
}

/// The outputs of a worker, once all of its last words have come and its files are joined to the bus: one that
/// ended soon after its start may have to wait for that.
async fn joined(history: &History, id: PmId) -> Vec<(OutputKey, PathBuf)> {
    let mut times = 0;
    loop {
        tokio::time::sleep(HEARD_AFTER).await;
        let files = worker_files(history, id);
        // What God writes itself is in the file.
        if history.files().iter().any(|file| file.is_fork && file.ids.contains(&id)) {
            return Vec::new();
        }
        let is_joined = |(key, _): &(OutputKey, PathBuf)| history.heard.told(*key).is_some();
        times += 1;
        if times == WAITS_MAX || !files.is_empty() && files.iter().all(is_joined) {
            return files;
        }
    }
}

/// The outputs of a worker that have a file of their own.
fn worker_files(history: &History, id: PmId) -> Vec<(OutputKey, PathBuf)> {
    let of_worker = |stream: LogStream| {
        let files = history.files();
        let file = files.iter().find(|file| file.holds(id, stream))?;
        let is_meant = !file.is_fork && !file.is_shared();
        Some(((id, stream), file.path.clone().filter(|_| is_meant)?))
    };
    [LogStream::Out, LogStream::Err].into_iter().filter_map(of_worker).collect()
}

/// What is said of the lines that came and are not in the file, of those that were not looked at before.
fn unwritten(came: &Came, end: &[u8], meanwhile: u64) -> Option<String> {
    if meanwhile > MEANWHILE_BYTES_MAX {
        return None;
    }
    let is_cut = came.bytes.len() >= OWN_BYTES;
    let told = whole_lines(&came.bytes, is_cut);
    let told = told.get(told.len().saturating_sub(CAME_LINES_MAX)..)?;
    let in_file: Vec<&[u8]> = whole_lines(end, false).into_iter().map(|(_, line)| line).collect();
    let in_file = in_file.get(in_file.len().saturating_sub(FILE_LINES_MAX)..)?;
    let new_from = came.bytes.len().saturating_sub(usize::try_from(came.new).unwrap_or(usize::MAX));
    let missing = missing(told, in_file, 2 * meanwhile + AHEAD_BYTES)?;
    let new = missing.iter().filter_map(|index| told.get(*index));
    let new: Vec<&[u8]> = new.filter(|(at, _)| *at >= new_from).map(|(_, line)| *line).collect();
    let words = |line: &[u8]| clean_to(&String::from_utf8_lossy(line), TOLD_CHARS);
    match new.as_slice() {
        [] => None,
        [only] => Some(format!("bus only: this line is not in the log file: {}", words(only))),
        [first, .., last] => Some(format!(
            "bus only: {} lines are not in the log file, from \"{}\" to \"{}\"",
            new.len(),
            words(first),
            words(last)
        )),
    }
}

/// Whole lines with where they begin, without their newlines; the first may be the rest of one.
fn whole_lines(bytes: &[u8], is_cut: bool) -> Vec<(usize, &[u8])> {
    let mut from =
        if is_cut { memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1) } else { 0 };
    let rest = bytes.get(from..).unwrap_or_default();
    let start = from;
    let mut lines = Vec::new();
    for newline in memchr::memchr_iter(b'\n', rest) {
        let end = start + newline;
        lines.push((from, bytes.get(from..end).unwrap_or_default()));
        from = end + 1;
    }
    lines
}

/// Which of the lines that came are not in the file, where they are put beside each other so that the fewest
/// are: but for these, the file has one behind the other, and behind them so many bytes at most. `None` where
/// nothing fits.
fn missing(came: &[(usize, &[u8])], file: &[&[u8]], behind_max: u64) -> Option<Vec<usize>> {
    let mut best: Option<Vec<usize>> = None;
    for at in (0..file.len()).rev() {
        for (first, (_, line)) in came.iter().enumerate() {
            if file.get(at) != Some(line) || best.as_ref().is_some_and(|best| best.len() <= first) {
                continue;
            }
            let (mut lost, mut next): (Vec<usize>, usize) = ((0..first).collect(), at);
            for (index, (_, line)) in came.iter().enumerate().skip(first) {
                if file.get(next) == Some(line) {
                    next += 1;
                } else {
                    lost.push(index);
                }
            }
            let behind: u64 = file.iter().skip(next).map(|line| line.len() as u64 + 1).sum();
            if behind <= behind_max && best.as_ref().is_none_or(|best| lost.len() < best.len()) {
                best = Some(lost);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(came: &str, new: u64, end: &str) -> Option<String> {
        let came = Came { bytes: came.into(), new, told: 0 };
        unwritten(&came, end.as_bytes(), 0)
    }

    #[test]
    fn last_words_that_never_reached_the_file_are_named() {
        let all = u64::MAX;
        let one = "bus only: this line is not in the log file: c";
        assert_eq!(said("a\nb\nc\n", all, "a\nb\n").as_deref(), Some(one));
        let two = "bus only: 2 lines are not in the log file, from \"b\" to \"c\"";
        assert_eq!(said("a\nb\nc\n", all, "a\n").as_deref(), Some(two));
        // The next life goes on behind them.
        assert_eq!(said("a\nb\nc\na\n", all, "x\na\na\n").as_deref(), Some(two));
        assert_eq!(said("a\nb\nc\n", all, "a\nb\nc\n"), None);
        assert_eq!(said("a\nb\nc\n", all, "old\na\nb\nc\nahead\n"), None, "it is ahead of the bus");
    }

    #[test]
    fn what_was_told_once_is_not_told_again_and_what_fits_nowhere_not_at_all() {
        let one = "bus only: this line is not in the log file: e";
        assert_eq!(said("a\nb\nc\nd\ne\n", 4, "a\nd\n").as_deref(), Some(one));
        assert_eq!(said("a\nb\n", u64::MAX, ""), None, "it was emptied");
        assert_eq!(said("a\nb\n", u64::MAX, "quite\nother\n"), None);
        let came = Came { bytes: b"a\nb\n".to_vec(), new: 4, told: 0 };
        assert_eq!(unwritten(&came, b"a\n", MEANWHILE_BYTES_MAX + 1), None, "it floods");
        // The first line of what is kept may be the rest of one.
        let cut = format!("{}\na\nb\n", "x".repeat(OWN_BYTES));
        assert_eq!(said(&cut, 4, "a\nb\n"), None);
    }
}
