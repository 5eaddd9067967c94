//! How the log files of a process end, some time after it did: what came of it on the bus and is not there
//! will never be.
//!
//! Invariant: nothing waits for a look. A file that was emptied, renamed or written anew in between is not
//! reported, nor one that others write too: equal lines of theirs would be taken for those of the process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::screen::History;
use crate::daemon::files::{self, Tail};
use crate::daemon::{Watch, offload};
use crate::model::past::FileEnded;
use crate::model::report::Report;
use crate::protocol::bus::{LogStream, ProcessEvent};
use crate::protocol::process::PmId;

/// What is not in the file this long after will not be.
const WRITTEN_AFTER: Duration = Duration::from_secs(2);
/// So many tasks of a daemon are too many for one more look.
const TASKS_MAX: usize = 256;
/// How much is read of the end of a file, bytes.
const END_BYTES: u64 = 16 << 10;

/// A process ended: looks later how its files end.
pub(in crate::daemon) fn look(watch: &Watch, event: &ProcessEvent) {
    let info = &event.info;
    let (Some(ended_ms), Some(began_ms)) = (event.at_ms, info.online_since_ms) else { return };
    let (pm_id, name) = (info.pm_id, info.name.clone());
    if !watch.endpoint.is_local() || watch.tasks.len() > TASKS_MAX {
        return;
    }
    let (history, inbox, daemon) = (Arc::clone(&watch.history), watch.inbox.clone(), watch.id);
    let generation = watch.generation.clone();
    let looking = async move {
        let mut outputs = Vec::new();
        for stream in [LogStream::Out, LogStream::Err] {
            let known = path_of(&history, pm_id, stream);
            let before = match &known {
                Some(path) => end_of(path.clone(), 0).await,
                None => None,
            };
            outputs.push((stream, known, before));
        }
        tokio::time::sleep(WRITTEN_AFTER).await;
        for (stream, known, before) in outputs {
            // Of a process that ended as soon as it began, the file is known by now.
            let Some(path) = known.or_else(|| path_of(&history, pm_id, stream)) else { continue };
            let Some(end) = end_of(path, END_BYTES).await else { continue };
            if before.is_none_or(|before| goes_on(&before, &end)) {
                let (is_whole, written_ms) = (end.size <= END_BYTES, end.written_ms);
                let bytes = end.bytes.into();
                let (name, life_ms) = (name.clone(), (began_ms, ended_ms));
                let end = FileEnded { pm_id, name, stream, life_ms, bytes, is_whole, written_ms };
                inbox.report(daemon, Report::FileEnded(Box::new(end)));
            }
        }
    };
    watch.tasks.spawn(async move { generation.run_until_cancelled(looking).await });
}

/// The log file of its own that an output of a process goes to, if it has one.
fn path_of(history: &History, id: PmId, stream: LogStream) -> Option<PathBuf> {
    let files = history.files.borrow();
    let file = files.iter().find(|file| file.holds(id, stream))?;
    file.path.clone().filter(|_| !file.is_shared())
}

async fn end_of(path: PathBuf, bytes_max: u64) -> Option<Tail> {
    offload::look(move || files::tail(&path, bytes_max)).await?.ok()
}

/// Whether a file is the one that it was, and lost nothing.
fn goes_on(before: &Tail, now: &Tail) -> bool {
    before.identity == now.identity && before.size <= now.size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_emptied_or_replaced_does_not_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let stand = || files::tail(&path, 0).unwrap();
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let before = stand();
        assert!(goes_on(&before, &stand()) && before.bytes.is_empty());
        std::fs::write(&path, "one\n").unwrap();
        assert!(!goes_on(&before, &stand()), "it was emptied");
        std::fs::rename(&path, folder.path().join("b.log")).unwrap();
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert!(!goes_on(&before, &stand()), "it is another one");
    }
}
