//! What is read of one process while its details are open: its element of each poll's reply, whole,
//! and what this machine tells of it.
//!
//! Invariant: the daemon is asked nothing more than the polls ask; files are looked at on a thread
//! that may hang, one look at a time.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;
use tokio::sync::Semaphore;

use super::{DaemonHandle, Watch, measure, offload};
use crate::model::exam::{Exam, Sealed};
use crate::model::report::Report;
use crate::protocol::process::{ExecMode, PmId, ProcessInfo, whole};
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

    /// Whether some are open.
    pub(super) fn is_open(&self) -> bool {
        self.get().is_some()
    }

    fn get(&self) -> Option<PmId> {
        *self.pm_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DaemonHandle {
    /// From now on, reads all of this process with each poll ([`Report::Examined`]), or of none.
    pub fn examine(&self, pm_id: Option<PmId>) {
        self.requests.examining.set(pm_id);
        if pm_id.is_some() {
            self.requests.change.notify_one();
        }
    }
}

/// A poll was answered: reports what it says of the process whose details are open, if there is one.
pub(super) fn take(watch: &Watch, god: Option<u32>, reply: &Reply, infos: &[ProcessInfo]) {
    let examining = &watch.requests.examining;
    let Some(pm_id) = examining.get() else { return };
    let Some(info) = infos.iter().find(|info| info.pm_id == pm_id).cloned() else { return };
    let Some(raw) = whole(reply.body(), pm_id) else { return };
    let (id, inbox) = (watch.id, watch.inbox.clone());
    let look = Arc::clone(&examining.looks).try_acquire_owned().ok();
    let is_local = watch.endpoint.is_local();
    let generation = watch.generation.clone();
    let clusters = clusters(infos, &raw);
    watch.tasks.spawn(async move {
        let of = info.clone();
        let looking = async {
            look.as_ref().filter(|_| is_local)?;
            offload::look(move || {
                let family = god.and_then(|god| measure::family(god, &of, &clusters));
                (sizes(&of), family, god.and_then(measure::zone))
            })
            .await
        };
        let seen = generation.run_until_cancelled(looking).await.flatten();
        drop(look);
        let (sizes, family, zone) = seen.unwrap_or_default();
        let exam = Exam { info, raw: Sealed(raw), sizes, family, zone };
        inbox.report(id, Report::Examined(Box::new(exam)));
    });
}

/// What tells whose the ports of the daemon are.
fn clusters(infos: &[ProcessInfo], raw: &Json) -> measure::Clusters {
    let clusters = infos.iter().filter(|info| info.exec_mode == ExecMode::Cluster);
    let names: HashSet<_> = clusters.map(|info| (&info.name, &info.namespace)).collect();
    let port = raw.get("pm2_env").and_then(|env| env.get("env")?.get("PORT"));
    let port = port.and_then(|port| match port {
        Json::String(text) => text.parse().ok(),
        other => u16::try_from(other.as_u64()?).ok(),
    });
    measure::Clusters { count: names.len(), port }
}

/// How large the log files of a process are. Blocks.
fn sizes(info: &ProcessInfo) -> Vec<(Box<str>, u64)> {
    let paths = [&info.logs.out, &info.logs.err, &info.logs.both].into_iter().flatten();
    let size = |path: &str| {
        let about = std::fs::metadata(Path::new(path)).ok().filter(std::fs::Metadata::is_file)?;
        Some((path.into(), about.len()))
    };
    paths.filter_map(|path| size(path)).collect()
}
