//! What is read of one process while its details are open: its element of each poll's reply, whole,
//! and what this machine tells of it.
//!
//! Invariant: the daemon is asked nothing more than the polls ask; files are looked at on a thread
//! that may hang, one look at a time.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::{Watch, offload};
use crate::model::exam::{Exam, Sealed};
use crate::model::report::Report;
use crate::protocol::process::{PmId, ProcessInfo, whole};
use crate::protocol::rpc::Reply;

/// Which process's details are open.
#[derive(Debug)]
pub(super) struct Examining {
    pm_id: Mutex<Option<PmId>>,
    /// One look at a time.
    looks: Arc<Semaphore>,
}

impl Default for Examining {
    fn default() -> Self {
        Self { pm_id: Mutex::default(), looks: Arc::new(Semaphore::new(1)) }
    }
}

impl Examining {
    /// From now on it is this one, or none.
    pub(super) fn set(&self, pm_id: Option<PmId>) {
        *self.pm_id.lock().unwrap_or_else(PoisonError::into_inner) = pm_id;
    }

    fn get(&self) -> Option<PmId> {
        *self.pm_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A poll was answered: reports what it says of the process whose details are open, if there is one.
pub(super) fn take(watch: &Watch, reply: &Reply, infos: &[ProcessInfo]) {
    let examining = &watch.wishes.examining;
    let Some(pm_id) = examining.get() else { return };
    let Some(info) = infos.iter().find(|info| info.pm_id == pm_id).cloned() else { return };
    let Some(raw) = whole(reply.body(), pm_id) else { return };
    let (id, inbox) = (watch.id, watch.inbox.clone());
    let look = Arc::clone(&examining.looks).try_acquire_owned().ok();
    let is_local = watch.endpoint.is_local();
    let generation = watch.generation.clone();
    watch.tasks.spawn(async move {
        let logs = info.logs.clone();
        let looking = async {
            let paths = [logs.out, logs.err, logs.both].into_iter().flatten();
            let paths: Vec<Box<str>> = paths.filter(|_| is_local && look.is_some()).collect();
            if paths.is_empty() { None } else { offload::look(move || sizes(paths)).await }
        };
        let sizes = generation.run_until_cancelled(looking).await.flatten().unwrap_or_default();
        drop(look);
        let exam = Exam { info, raw: Sealed(raw), sizes };
        inbox.report(id, Report::Examined(Box::new(exam)));
    });
}

/// How large these files are. Blocks.
fn sizes(paths: Vec<Box<str>>) -> Vec<(Box<str>, u64)> {
    let size = |path: Box<str>| {
        let about = std::fs::metadata(Path::new(&*path)).ok().filter(std::fs::Metadata::is_file)?;
        Some((path, about.len()))
    };
    paths.into_iter().filter_map(size).collect()
}
