//! Starting again what was deleted here: those of one app one after another, apps two at a time.
//!
//! Invariant: just before each start is looked for a newcomer of its name of whom the user was not told, and
//! none is started beside one. Somebody who starts the same between that look and PM2's start is not kept out
//! (PM2 has no such call); what is one too many then is seen afterwards, and named.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use serde_json::Value as Json;

use super::resurrect::Prepared;
use super::{AT_ONCE, Acting};
use crate::model::deed::Deed;
use crate::model::errand::Outcome;
use crate::model::kept::Kept;
use crate::model::{Target, Verdict, units};
use crate::protocol::process::{PmId, ProcessInfo};
use crate::protocol::rpc::Methods;

/// Processes of one name and namespace that were deleted.
type App = Vec<Kept>;

impl Acting {
    /// Starts these again, but none beside a newcomer of its name of whom the user was not told.
    pub(super) async fn restore_kept(
        &self,
        kept: Vec<Kept>,
        beside: &[Target],
        tell: &mut impl FnMut(Outcome),
    ) {
        let running = match self.look().await {
            Ok(running) => running,
            Err(verdict) => return kept.iter().for_each(|kept| tell(unseen(kept, &verdict))),
        };
        let mut free = Vec::new();
        for kept in kept {
            match Own::default().stranger(&kept, beside, &running) {
                Some(stranger) => {
                    let (name, verdict) = (&kept.target.name, replaced_by(stranger));
                    tell(Outcome::about(Deed::restore(), name, verdict));
                }
                None => free.push(kept),
            }
        }
        if free.is_empty() {
            return;
        }
        let apps = by_app(free);
        let before = running.iter().map(|info| info.pm_id).collect();
        let methods = self.methods_of_release().await;
        let mut witness = self.witness().await;
        let each = |app: App| self.again(&methods, app, beside);
        let calls = stream::iter(apps.clone()).map(each).buffered(AT_ONCE);
        let started = witness.listen_during(calls.collect::<Vec<_>>()).await;
        let mut prepared = Vec::new();
        for started in started {
            started.untold.into_iter().for_each(&mut *tell);
            prepared.extend(started.prepared);
        }
        let mut outcomes = self.watch_up(prepared, before, &mut witness).await;
        if let Ok(now) = self.look().await {
            for app in &apps {
                note_surplus(app, beside, &now, &mut outcomes);
            }
        }
        outcomes.into_iter().for_each(tell);
    }

    /// Starts those of one app.
    async fn again(&self, methods: &Methods, app: App, beside: &[Target]) -> Started {
        let mut own = Own::default();
        let mut started = Started::default();
        for kept in app {
            let name = kept.target.name.to_string();
            let was_stopped = kept.is_stopped();
            let refused = |verdict| Prepared { name, was_stopped, made: Err(verdict) };
            if self.halted.is_cancelled() {
                started.prepared.push(refused(Verdict::NotBegun));
                continue;
            }
            let running = match self.look().await {
                Ok(running) => running,
                // One may have been started meanwhile: unseen, nothing is started beside it.
                Err(verdict) => {
                    started.untold.push(unseen(&kept, &verdict));
                    continue;
                }
            };
            if let Some(stranger) = own.stranger(&kept, beside, &running) {
                started.prepared.push(refused(replaced_by(stranger)));
                continue;
            }
            let Json::Object(fields) = kept.into_env() else { continue };
            let prepared = self.prepare(methods, fields).await;
            own.take(&prepared);
            started.prepared.push(prepared);
        }
        started
    }
}

/// What came of the starts of one app.
#[derive(Default)]
struct Started {
    prepared: Vec<Prepared>,
    /// Of those that were not tried.
    untold: Vec<Outcome>,
}

/// What was started here of an app.
#[derive(Default)]
struct Own {
    ids: BTreeSet<PmId>,
    /// How many of which PM2 did not tell the id, or did not answer.
    unknown: usize,
}

impl Own {
    fn take(&mut self, prepared: &Prepared) {
        match &prepared.made {
            Ok(made) if !made.ids.is_empty() => self.ids.extend(&made.ids),
            Ok(_) | Err(Verdict::Unknown { .. }) => self.unknown += 1,
            Err(_) => {}
        }
    }

    /// A process of its name that somebody else started, and of which the user was not told.
    fn stranger<'a>(
        &self,
        kept: &Kept,
        beside: &[Target],
        running: &'a [ProcessInfo],
    ) -> Option<&'a ProcessInfo> {
        let is_strange = |info: &&ProcessInfo| {
            kept.is_newcomer(info)
                && !self.ids.contains(&info.pm_id)
                && !beside.iter().any(|known| known.is(info))
        };
        running.iter().filter(is_strange).nth(self.unknown)
    }
}

fn replaced_by(stranger: &ProcessInfo) -> Verdict {
    let label = Target::of(stranger).label();
    Verdict::Replaced { by: format!("{label} was started under that name meanwhile").into() }
}

fn by_app(all: Vec<Kept>) -> Vec<App> {
    let mut apps: Vec<App> = Vec::new();
    for kept in all {
        let is_its = |app: &&mut App| app.first().is_some_and(|first| first.is_sister(&kept));
        match apps.iter_mut().find(is_its) {
            Some(app) => app.push(kept),
            None => apps.push(vec![kept]),
        }
    }
    apps
}

/// Says of the last that was started of an app, where the app has more than before its delete, which of them
/// is too many: the newest, so that two who did the same at the same time name the same.
fn note_surplus(app: &[Kept], beside: &[Target], now: &[ProcessInfo], outcomes: &mut [Outcome]) {
    let Some(first) = app.first() else { return };
    let its: Vec<&ProcessInfo> = now.iter().filter(|info| first.is_of_app(info)).collect();
    let told = beside.iter().filter(|target| its.iter().any(|info| target.is(info))).count();
    let before = app.iter().map(Kept::count_before).max().unwrap_or(1);
    let surplus = its.len().saturating_sub(before + told);
    let is_its = |outcome: &&mut Outcome| {
        let target = outcome.target.as_ref();
        target.is_some_and(|target| its.iter().any(|info| target.is(info)))
    };
    let Some(last) = outcomes.iter_mut().rev().find(is_its).filter(|_| surplus > 0) else { return };
    let is_new = |info: &&&ProcessInfo| {
        first.is_newcomer(info) && !beside.iter().any(|known| known.is(info))
    };
    let mut ids: Vec<PmId> = its.iter().filter(is_new).map(|info| info.pm_id).collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids.truncate(surplus);
    ids.sort_unstable();
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let note = format!(
        "but {} has {} processes now, {surplus} more than before the delete: somebody else started one at \
         the same moment; pm2 delete {} removes what is too many",
        first.target.name,
        its.len(),
        ids.join(" ")
    );
    last.falls_short = true;
    last.note = Some(match &last.note {
        Some(known) => format!("{known}, {note}").into(),
        None => note.into(),
    });
}

/// Of one that was not tried: what runs could not be seen, and nothing was changed by that.
fn unseen(kept: &Kept, verdict: &Verdict) -> Outcome {
    let why = match verdict {
        Verdict::Unknown { is_closed: true, .. } => "the daemon closed the connection".to_owned(),
        Verdict::Unknown { waited_ms, is_closed: false } => {
            format!("no answer in {}", units::span(*waited_ms))
        }
        Verdict::Refused(why) => why.to_string(),
        other => other.about(),
    };
    let outcome = Outcome::about(Deed::restore(), &kept.target.name, Verdict::NotBegun);
    outcome.noted(format!("what runs now could not be seen ({why})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::ProcessStatus;
    use serde_json::json;

    fn info(id: u32) -> ProcessInfo {
        let unique_id = Some(format!("unique-{id}").into());
        ProcessInfo { unique_id, ..ProcessInfo::new(PmId(id), "api", ProcessStatus::Online) }
    }

    /// The first of an app of so many processes, deleted.
    fn deleted(of: u32) -> Kept {
        let app: Vec<Target> = (0..of).map(|id| Target::of(&info(id))).collect();
        Kept::new(Target::of(&info(0)), json!({ "name": "api" })).among(app.into())
    }

    fn said(of: u32, beside: &[Target], now: &[u32], started: u32) -> Option<String> {
        let now: Vec<ProcessInfo> = now.iter().map(|id| info(*id)).collect();
        let up = Verdict::Up { after_ms: 1_000, was_looping: false };
        let mut outcomes = [Outcome::of(Deed::restore(), &Target::of(&info(started)), up)];
        note_surplus(&[deleted(of)], beside, &now, &mut outcomes);
        let [outcome] = outcomes;
        assert_eq!(outcome.is_success(), !outcome.falls_short);
        outcome.falls_short.then(|| outcome.sentence())
    }

    #[test]
    fn one_too_many_is_named_and_by_both_who_started_one() {
        // Of one, two; either screen started one of them.
        for started in [6, 7] {
            let said = said(1, &[], &[6, 7], started).unwrap();
            assert!(said.starts_with(&format!("restored api[{started}], up 1.0 s: but api has 2")));
            assert!(said.contains("1 more than before the delete"), "{said}");
            assert!(said.ends_with("; pm2 delete 7 removes what is too many"), "{said}");
        }
        // As many as before: of two that were deleted each screen started one, or another went since.
        assert_eq!(said(2, &[], &[6, 7], 6), None);
        assert_eq!(said(3, &[], &[1, 6], 6), None);
        // The user was told of one, and said yes.
        assert_eq!(said(1, &[Target::of(&info(5))], &[5, 6], 6), None);
        let two = said(1, &[Target::of(&info(5))], &[5, 6, 7, 8], 6).unwrap();
        assert!(two.contains("pm2 delete 7 8"), "{two}");
    }

    #[test]
    fn what_was_started_here_is_no_stranger() {
        let running = [info(1), info(6), info(7)];
        let strange = |own: &Own| own.stranger(&deleted(2), &[], &running).map(|it| it.pm_id.0);
        assert_eq!(strange(&Own::default()), Some(6));
        assert_eq!(strange(&Own { ids: [PmId(6)].into(), unknown: 0 }), Some(7));
        assert_eq!(strange(&Own { ids: [PmId(6)].into(), unknown: 1 }), None);
    }
}
