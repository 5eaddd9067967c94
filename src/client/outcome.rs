//! Whether what was asked for really came about: God answers before it knows.
//!
//! Invariant: a process is called up only after a snapshot that was taken after the answer said so.

use std::time::Duration;

use super::{Client, ClientError};
use crate::daemon::clock::now_ms;
use crate::model::Action;
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// A process that came online so lately, or crashes, may be in the middle of a restart.
const YOUNG_MS: i64 = 5_000;
/// How long God's restart of a process that is being deleted may take to show: it opens log files
/// before it puts the process back into its list (`lib/God.js` `executeApp`).
const COMEBACK: Duration = Duration::from_millis(250);
/// How often a process that came back while it was being deleted is deleted again.
const DELETES_MAX: u32 = 3;

impl Client {
    /// Looks at processes after a start, restart or reload, as they were before it: those that did
    /// not come up, and what is wrong with each.
    pub(crate) async fn not_up(
        &self,
        before: &[ProcessInfo],
    ) -> Result<Vec<(ProcessInfo, String)>, ClientError> {
        let now = self.0.snapshot().await?.processes;
        let troubled = before.iter().filter_map(|old| {
            let new = now.iter().find(|new| new.pm_id == old.pm_id);
            Some((old.clone(), trouble(old, new)?))
        });
        Ok(troubled.collect())
    }

    /// Reloads a process, and looks whether it came up again.
    pub(crate) async fn reload_one(&self, info: &ProcessInfo) -> Result<(), ClientError> {
        self.act(Action::Reload, info).await?;
        match self.not_up(std::slice::from_ref(info)).await?.pop() {
            None => Ok(()),
            Some((_, trouble)) => Err(ClientError::Unsafe { reason: trouble }),
        }
    }

    /// Deletes those of these processes that are there all the same (one that crashes while it is
    /// being deleted is started again by God; measured on 7.0.4), and gives those that stay.
    pub(crate) async fn delete_again(
        &self,
        deleted: &[ProcessInfo],
    ) -> Result<Vec<ProcessInfo>, ClientError> {
        if deleted.iter().any(|info| may_come_back(info, now_ms())) {
            tokio::time::sleep(COMEBACK).await;
        }
        let mut left = self.still_there(deleted).await?;
        for _ in 1..DELETES_MAX {
            for info in &left {
                self.act(Action::Delete, info).await?;
            }
            if left.is_empty() {
                break;
            }
            tokio::time::sleep(COMEBACK).await;
            left = self.still_there(&left).await?;
        }
        Ok(left)
    }

    async fn still_there(&self, deleted: &[ProcessInfo]) -> Result<Vec<ProcessInfo>, ClientError> {
        let now = self.0.snapshot().await?.processes;
        // By name too: the id may belong to another one by now.
        let is_left = |new: &ProcessInfo| {
            deleted.iter().any(|old| (old.pm_id, &old.name) == (new.pm_id, &new.name))
        };
        Ok(now.into_iter().filter(is_left).collect())
    }
}

/// Whether God may be starting a process again while it deletes it.
fn may_come_back(info: &ProcessInfo, now_ms: i64) -> bool {
    let is_young =
        info.online_since_ms.is_some_and(|since| now_ms.saturating_sub(since) < YOUNG_MS);
    is_young || info.unstable_restarts > 0 || info.status == ProcessStatus::WaitingRestart
}

/// What is wrong with a process that was started, restarted or reloaded, if anything is. It counts
/// one restart for that.
fn trouble(before: &ProcessInfo, now: Option<&ProcessInfo>) -> Option<String> {
    let Some(now) = now else {
        return Some("it is gone".to_owned());
    };
    let crashes = now.restarts.saturating_sub(before.restarts).saturating_sub(1);
    match &now.status {
        _ if now.never_started() => {
            Some("it never started: its interpreter, script or folder does not exist".to_owned())
        }
        ProcessStatus::Errored => Some("it crashed at once until PM2 gave up: errored".to_owned()),
        ProcessStatus::Stopped | ProcessStatus::WaitingRestart => {
            Some(format!("it is {} again", now.status.as_str()))
        }
        _ if crashes > 0 => Some(format!("it crashed {crashes} times since")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::PmId;

    #[test]
    fn what_did_not_come_up_is_said() {
        let mut before = ProcessInfo::new(PmId(0), "api", ProcessStatus::Online);
        before.restarts = 5;
        let said = |change: &dyn Fn(&mut ProcessInfo)| {
            let mut now = before.clone();
            now.pid = Some(7);
            now.restarts = 6;
            change(&mut now);
            trouble(&before, Some(&now)).unwrap_or_default()
        };
        assert_eq!(said(&|_| {}), "");
        assert_eq!(said(&|now| now.status = ProcessStatus::Launching), "");
        assert!(said(&|now| now.pid = None).contains("never started"));
        assert!(said(&|now| now.status = ProcessStatus::Errored).contains("errored"));
        assert!(
            said(&|now| now.status = ProcessStatus::WaitingRestart).contains("waiting restart")
        );
        assert!(said(&|now| now.restarts = 9).contains("crashed 3 times"));
        assert_eq!(trouble(&before, None).unwrap(), "it is gone");
    }
}
