//! The processes that a call by name is meant for, as they were when the user chose them.
//!
//! Invariant: where a question or a prompt came between, nothing is sent to a process that was not there
//! when it was asked: PM2 gives ids again.

use std::time::Duration;

use serde_json::Value as Json;

use super::ask::Listing;
use super::failure::CallFailure;
use crate::daemon::rpc::session::Session;
use crate::model::{Target, Verdict};
use crate::protocol::meant::{Meant, meant};
use crate::protocol::process::ProcessInfo;

/// Whom a call is meant for, and who that was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chosen {
    meant: Meant,
    /// As they were then; none where no process fitted.
    pub(crate) targets: Vec<Target>,
}

impl Chosen {
    /// Of processes that were chosen before.
    pub(super) fn before(method: &str, args: &[Json], targets: Vec<Target>) -> Self {
        Self { meant: meant(method, args), targets }
    }

    /// Of what is there now.
    fn now(method: &str, args: &[Json], listing: &Listing, god: Option<u32>) -> Self {
        let meant = meant(method, args);
        let found = listing.infos.iter().filter(|info| {
            let script = || listing.script_of(info);
            meant.fits(info) || script().is_some_and(|script| meant.runs(script))
        });
        let targets = found.map(|info| Target::of(info).seen(0, god)).collect();
        Self { meant, targets }
    }

    /// Whether these are the processes still, and no others are reached: whose verdict it is if not.
    /// Of several, those that are gone are no reason.
    fn expect(&self, infos: &[ProcessInfo], god: Option<u32>) -> Result<(), (String, Verdict)> {
        let mut gone = None;
        let mut is_left = false;
        for target in &self.targets {
            match target.find(infos, god) {
                Ok(_) => is_left = true,
                Err(Verdict::Gone) => gone = gone.or(Some(target)),
                Err(verdict) => return Err((target.label(), verdict)),
            }
        }
        let was_there =
            |info: &ProcessInfo| self.targets.iter().any(|target| target.pm_id == info.pm_id);
        let newcomer = infos.iter().find(|info| self.meant.fits(info) && !was_there(info));
        if let Some(info) = newcomer {
            let by = "it was not there when this was asked".into();
            return Err((Target::of(info).label(), Verdict::Replaced { by }));
        }
        match gone {
            // All of them are meant, and then none is left: a daemon may be ended all the same.
            Some(target) if !is_left && self.meant != Meant::All(true) => {
                Err((target.label(), Verdict::Gone))
            }
            _ => Ok(()),
        }
    }
}

impl Session {
    /// Whom a call reaches now.
    pub(crate) async fn chosen(
        &self,
        method: &str,
        args: &[Json],
        timeout: Duration,
    ) -> Result<Chosen, CallFailure> {
        let listing = self.listing(timeout).await?;
        Ok(Chosen::now(method, args, &listing, self.god))
    }

    /// Looks whether a call would reach those that were chosen, and nobody else.
    pub(crate) async fn expect_chosen(
        &self,
        method: &str,
        chosen: &Chosen,
        timeout: Duration,
    ) -> Result<(), CallFailure> {
        if chosen.meant == Meant::Nobody && chosen.targets.is_empty() {
            return Ok(());
        }
        let (_, snapshot) = self.ask_processes(timeout).await?;
        let expected = chosen.expect(&snapshot.processes, self.god);
        expected.map_err(|(label, verdict)| {
            let failure = CallFailure::Others { method: method.into(), label, verdict };
            tracing::warn!(why = failure.sentence(), "not sent");
            failure
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    fn info(id: u32, name: &str, unique_id: &str) -> ProcessInfo {
        let unique_id = Some(unique_id.into());
        ProcessInfo { unique_id, ..ProcessInfo::new(PmId(id), name, ProcessStatus::Online) }
    }

    fn said(method: &str, arg: Json, now: &[ProcessInfo]) -> String {
        let raw = json!([{"pm_id": 0, "pm2_env": {"pm_exec_path": "/srv/a.js"}}, {"pm_id": 1}]);
        let infos = vec![info(0, "p0", "a"), info(1, "p1", "b")];
        let raw = raw.as_array().cloned().unwrap();
        let listing = Listing { raw, infos, warnings: Vec::new() };
        let chosen = Chosen::now(method, &[arg], &listing, None);
        match chosen.expect(now, None) {
            Ok(()) => "same".to_owned(),
            Err((label, verdict)) => format!("{label}: {}", verdict.about()),
        }
    }

    #[test]
    fn a_newcomer_is_reached_by_no_call_that_was_asked_about_before_it_came() {
        let before = [info(0, "p0", "a"), info(1, "p1", "b")];
        let swapped = [info(0, "q0", "c"), info(1, "q1", "d")];
        let anew = [info(0, "p0", "c"), info(1, "p1", "b")];
        let more = [info(0, "p0", "a"), info(1, "p1", "b"), info(2, "p0", "e")];
        let less = [info(1, "p1", "b")];
        let by_id = || ("stopProcessId", json!(0));
        for ((method, arg), now, wanted) in [
            (by_id(), &before[..], "same"),
            (by_id(), &swapped, "p0[0]: replaced: id 0 is q0 now; nothing was sent"),
            (
                by_id(),
                &anew,
                "p0[0]: replaced: p0[0] is another process of that name now; nothing was sent",
            ),
            (by_id(), &more, "same"),
            (by_id(), &less, "p0[0]: gone: the process no longer exists"),
            (
                ("stopProcessName", json!("p0")),
                &swapped,
                "p0[0]: replaced: id 0 is q0 now; nothing was sent",
            ),
            (
                ("stopProcessName", json!("p0")),
                &more,
                "p0[2]: replaced: it was not there when this was asked; nothing was sent",
            ),
            (("stopProcessName", json!("p0")), &before, "same"),
            (
                ("restartProcessName", json!("/srv/a.js")),
                &anew,
                "p0[0]: replaced: p0[0] is another process of that name now; nothing was sent",
            ),
            (
                ("sendSignalToProcessId", json!({"process_id": 0})),
                &swapped,
                "p0[0]: replaced: id 0 is q0 now; nothing was sent",
            ),
            (
                ("stopAll", json!({})),
                &more,
                "p0[2]: replaced: it was not there when this was asked; nothing was sent",
            ),
            (("stopAll", json!({})), &less, "same"),
            (("killMe", json!({})), &swapped, "p0[0]: replaced: id 0 is q0 now; nothing was sent"),
            (("killMe", json!({})), &[], "same"),
            (
                ("stopProcessId", json!(2)),
                &more,
                "p0[2]: replaced: it was not there when this was asked; nothing was sent",
            ),
            (("reloadLogs", json!({})), &swapped, "same"),
        ] {
            assert_eq!(said(method, arg.clone(), now), wanted, "{method} {arg}");
        }
    }
}
