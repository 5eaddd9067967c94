//! The processes as they are listed, as far as their lives are told by that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sources::LogFile;
use crate::daemon::lives::{Console, Lives};
use crate::protocol::process::{PmId, ProcessInfo};

/// They, as they were listed last.
#[derive(Debug, Default)]
pub(super) struct Listed(Mutex<Vec<ProcessInfo>>);

impl Listed {
    /// These are all of them now.
    pub(super) fn note(&self, infos: &[ProcessInfo]) {
        let mut known = self.lock();
        if !known.iter().map(life_of).eq(infos.iter().map(life_of)) {
            *known = infos.iter().map(Lives::asked_of).collect();
        }
    }

    /// When the processes lived that write a file.
    pub(super) fn lives_of(&self, file: &LogFile, console: &Arc<Console>) -> Lives {
        let known = self.lock();
        let writes = |info: &&ProcessInfo| file.ids.contains(&info.pm_id);
        let infos: Vec<ProcessInfo> = known.iter().filter(writes).cloned().collect();
        // Of those that are not known nothing is.
        let is_all = infos.len() == file.ids.len();
        if is_all { Lives::of_several(&infos, console) } else { Lives::default() }
    }

    /// When the first life began since a moment of those who write a file, where of none one was on then, as far
    /// as that is known: milliseconds since 1970. Blocks.
    pub(super) fn begun_since(
        &self,
        file: &LogFile,
        from_ms: i64,
        console: &Arc<Console>,
    ) -> Option<i64> {
        let known = self.lock();
        let of = |id: &PmId| Some(Lives::of(known.iter().find(|info| info.pm_id == *id)?, console));
        let all: Option<Vec<Lives>> = file.ids.iter().map(of).collect();
        drop(known);
        let begun = all?.into_iter().map(|lives| lives.begun_since(from_ms));
        begun.min().flatten()
    }

    /// When the life of a process began that goes on, milliseconds since 1970.
    pub(super) fn since_ms(&self, id: PmId) -> Option<i64> {
        let known = self.lock();
        known.iter().find(|info| info.pm_id == id)?.runs_since_ms()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<ProcessInfo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells one life of a process from another.
fn life_of(info: &ProcessInfo) -> impl PartialEq + '_ {
    ((info.pm_id, &info.name, &info.status), (info.online_since_ms, info.restarts, &info.exit_code))
}
