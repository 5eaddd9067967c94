//! Who is meant: a process as it was when the user chose it.
//!
//! Invariant: PM2 gives ids again (its counter is 0 once its list is empty, docs/pm2.md section 2),
//! so an id alone is never enough to act on. Before anything is sent, the engine compares the target
//! with the process that has its id now.

use super::{DaemonId, ProcessKey, Verdict};
use crate::protocol::process::{PmId, ProcessInfo};

/// A process that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// PM2's id of it.
    pub pm_id: PmId,
    /// Its name, cleaned.
    pub name: Box<str>,
    /// Its namespace; `None` before PM2 4.5.
    pub namespace: Option<Box<str>>,
    /// PM2's own mark of one `prepare`, shared by all its instances; `None` before PM2 2.10.
    pub unique_id: Option<Box<str>>,
    /// `restart_time` when it was chosen; it never falls but by `reset`.
    pub restarts: u32,
    /// `created_at` when it was chosen, milliseconds since 1970.
    pub created_at_ms: Option<i64>,
    /// When this program first saw it, milliseconds since 1970; 0 where that is not kept.
    pub first_seen_ms: i64,
    /// The system's id of the God daemon that ran it, where that is known.
    pub god: Option<u32>,
}

impl Target {
    /// The process as it is now.
    #[must_use]
    pub fn of(info: &ProcessInfo) -> Self {
        Self {
            pm_id: info.pm_id,
            name: info.name.clone(),
            namespace: info.namespace.clone(),
            unique_id: info.unique_id.clone(),
            restarts: info.restarts,
            created_at_ms: info.created_at_ms,
            first_seen_ms: 0,
            god: None,
        }
    }

    /// The same, first seen then, of the daemon with this system's id.
    #[must_use]
    pub fn seen(self, first_seen_ms: i64, god: Option<u32>) -> Self {
        Self { first_seen_ms, god, ..self }
    }

    /// Whether this is that process still. Where PM2 has no `unique_id`, a process of the same name
    /// and namespace that was created anew without a restart being counted is another one.
    #[must_use]
    pub fn is(&self, info: &ProcessInfo) -> bool {
        if (self.pm_id, &self.name, &self.namespace) != (info.pm_id, &info.name, &info.namespace) {
            return false;
        }
        match (&self.unique_id, &info.unique_id) {
            (Some(ours), Some(theirs)) => ours == theirs,
            // `created_at` is null after `errored`.
            _ => {
                info.restarts > self.restarts
                    || (info.restarts == self.restarts
                        && (info.created_at_ms == self.created_at_ms
                            || info.created_at_ms.is_none()
                            || self.created_at_ms.is_none()))
            }
        }
    }

    /// The process among these, if it is still the one that was chosen; `god` is the system's id of
    /// the daemon that has them.
    ///
    /// # Errors
    /// [`Verdict::Gone`] or [`Verdict::Replaced`].
    pub fn find<'a>(
        &self,
        processes: &'a [ProcessInfo],
        god: Option<u32>,
    ) -> Result<&'a ProcessInfo, Verdict> {
        let found = processes.iter().find(|info| info.pm_id == self.pm_id);
        let info = found.ok_or(Verdict::Gone)?;
        let replaced = |by: String| Verdict::Replaced { by: by.into() };
        if !self.is(info) {
            return Err(replaced(self.newcomer(&info.name)));
        }
        // Where PM2 marks its processes, those of a new daemon are others.
        if self.unique_id.is_none() && self.god.is_some() && self.god != god {
            return Err(replaced("the daemon is another one now".to_owned()));
        }
        Ok(info)
    }

    /// Who has its id now: a process of this name, which is another one.
    #[must_use]
    pub fn newcomer(&self, name: &str) -> String {
        if *name == *self.name {
            format!("{} is another process of that name now", self.label())
        } else {
            format!("id {} is {name} now", self.pm_id)
        }
    }

    /// Its key on a daemon.
    #[must_use]
    pub fn key(&self, daemon: DaemonId) -> ProcessKey {
        ProcessKey { daemon, pm_id: self.pm_id }
    }

    /// How it is named in a line: `api[0]`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}[{}]", self.name, self.pm_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::ProcessStatus;

    fn info(unique_id: Option<&str>) -> ProcessInfo {
        ProcessInfo {
            unique_id: unique_id.map(Into::into),
            restarts: 3,
            created_at_ms: Some(1_000),
            ..ProcessInfo::new(PmId(1), "api", ProcessStatus::Online)
        }
    }

    #[test]
    fn a_process_of_the_same_id_is_another_one() {
        let chosen = Target::of(&info(Some("u")));
        assert!(chosen.is(&info(Some("u"))));
        let restarted = ProcessInfo { restarts: 9, created_at_ms: Some(9), ..info(Some("u")) };
        assert!(chosen.is(&restarted), "a restart makes no other process");
        assert!(!chosen.is(&info(Some("v"))), "deleted, and started again");
        assert!(!chosen.is(&ProcessInfo { name: "web".into(), ..info(Some("u")) }));
        assert!(!chosen.is(&ProcessInfo { pm_id: PmId(2), ..info(Some("u")) }), "its sister");
        assert!(!chosen.is(&ProcessInfo { namespace: Some("n".into()), ..info(Some("u")) }));
    }

    #[test]
    fn without_unique_ids_the_counters_tell() {
        let chosen = Target::of(&info(None));
        assert!(chosen.is(&info(None)));
        let restarted = ProcessInfo { restarts: 4, created_at_ms: Some(2_000), ..info(None) };
        assert!(chosen.is(&restarted));
        assert!(chosen.is(&ProcessInfo { created_at_ms: None, ..info(None) }), "errored");
        let anew = ProcessInfo { created_at_ms: Some(2_000), ..info(None) };
        assert!(!chosen.is(&anew));
        assert!(!chosen.is(&ProcessInfo { restarts: 0, ..info(None) }));
    }
}
