//! Files that became known and were not looked at yet.
//!
//! Invariant: each is opened as soon as it is known: what it holds is read though it is renamed before it is
//! looked at. All file calls are offloaded.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::sources::LogFile;
use crate::daemon::{files, offload};

/// One of them.
#[derive(Debug)]
pub(super) struct New {
    pub(super) file: LogFile,
    pub(super) path: PathBuf,
    /// It, unless it was not there yet.
    pub(super) opened: Option<Arc<File>>,
    since: Instant,
}

/// Those that wait.
#[derive(Debug, Default)]
pub(super) struct Newcomers(Vec<New>);

impl Newcomers {
    /// These are all of them now. Those that could not be opened are tried again.
    pub(super) async fn note(&mut self, files: impl Iterator<Item = &LogFile>) {
        let mut before = std::mem::take(&mut self.0);
        for file in files {
            let Some(path) = file.path.clone() else { continue };
            let known = before.iter().position(|new| new.path == path);
            let (opened, since) = match known.map(|index| before.swap_remove(index)) {
                Some(New { opened, since, .. }) => (opened, since),
                None => (None, Instant::now()),
            };
            self.0.push(New { file: file.clone(), path, opened, since });
        }
        let closed = |new: &&New| new.opened.is_none();
        let paths: Vec<PathBuf> =
            self.0.iter().filter(closed).map(|new| new.path.clone()).collect();
        if paths.is_empty() {
            return;
        }
        let open = |path: &PathBuf| files::open(path).ok().map(Arc::new);
        let opening = offload::look(move || paths.iter().map(open).collect::<Vec<_>>());
        let mut opened = opening.await.unwrap_or_default().into_iter();
        for new in self.0.iter_mut().filter(|new| new.opened.is_none()) {
            new.opened = opened.next().flatten();
        }
    }

    /// Takes them out, if it is their turn or one has waited for so long; and when it has.
    pub(super) fn take(&mut self, is_turn: bool, wait_max: Duration) -> (Vec<New>, Instant) {
        let since = self.0.iter().map(|new| new.since).min().unwrap_or_else(Instant::now);
        let until = since + wait_max;
        let is_due = is_turn || Instant::now() >= until;
        (if is_due { std::mem::take(&mut self.0) } else { Vec::new() }, until)
    }
}
