//! Another number of processes of one app: up by `duplicateProcessId` of the first, as the pm2 CLI does
//! it; down from the highest instance, so that instance 0 stays (the CLI deletes the lowest first).
//!
//! Invariant: one after another, each looked at before the next; the first that does not come about
//! ends it, and it is said how many there are then.

use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Acting;
use super::launch::Launch;
use crate::daemon::calls::named::Listing;
use crate::model::deed::Deed;
use crate::model::errand::{Outcome, Scale, Task};
use crate::model::verdict::{Down, Why};
use crate::model::{Action, Target, Verdict};
use crate::protocol::process::{PmId, ProcessInfo};

impl Acting {
    /// Scales the app of these processes, and gives what came of it as a whole. Of its processes only those
    /// that `may_go` are deleted.
    pub(super) async fn scale(
        &self,
        targets: &[Target],
        to: Scale,
        may_go: &[Target],
        tell: &mut impl FnMut(Outcome),
    ) -> Outcome {
        let deed = Task::Scale { targets: Vec::new(), to, leaves: Vec::new() }.deed();
        let label = targets.first().map_or("nothing", |target| &*target.name);
        let about = |verdict| Outcome::about(deed.clone(), label, verdict);
        let app = match self.app(targets).await {
            Ok(app) => app,
            Err(verdict) => return about(verdict),
        };
        let now = u32::try_from(app.len()).unwrap_or(u32::MAX);
        let wanted = match to.of(now) {
            Ok(wanted) => wanted,
            Err(why) => return about(Verdict::Refused(why.into())),
        };
        let (done, broken) = if wanted >= now {
            self.grow(&app, wanted - now, tell).await
        } else {
            match going(&app, may_go, now - wanted) {
                Ok(going) => self.shrink(&going, tell).await,
                Err(verdict) => return about(verdict),
            }
        };
        match broken {
            None if wanted == now => {
                let deed = deed.clone().already(ALREADY);
                Outcome::about(deed, label, Verdict::Already).noted(count(now))
            }
            None => about(Verdict::Done).noted(format!("{now} to {}", count(wanted))),
            Some(broken) => {
                let left = if wanted > now { now + done } else { now.saturating_sub(done) };
                match broken {
                    // What was lost sight of need not be wrong.
                    Verdict::Unknown { .. } => about(broken)
                        .noted(format!("it had {} of the wanted {wanted}", count(left))),
                    Verdict::NotBegun => about(broken)
                        .noted(format!("it has {} of the wanted {wanted}", count(left))),
                    _ => about(Verdict::Down(Down::unseen(Why::LeftAlone)))
                        .noted(format!("it has {} of the wanted {wanted}", count(left))),
                }
            }
        }
    }

    /// All processes of the app that these belong to, its lowest instance first.
    async fn app(&self, targets: &[Target]) -> Result<Vec<Target>, Verdict> {
        let listing = self.list().await?;
        let mut first = None;
        for target in targets {
            // Others may be there still.
            let info = match target.find(&listing.infos, self.session.god) {
                Err(Verdict::Gone) => continue,
                found => found?,
            };
            if info.is_module {
                return Err(Verdict::Refused("it is a module of PM2".into()));
            }
            let app = (&info.name, &info.namespace);
            if *first.get_or_insert(app) != app {
                return Err(Verdict::Refused("these are processes of several apps".into()));
            }
        }
        let Some(app) = first else { return Err(Verdict::Gone) };
        let mut all: Vec<&ProcessInfo> =
            listing.infos.iter().filter(|info| (&info.name, &info.namespace) == app).collect();
        all.sort_by_key(|info| (instance(&listing, info), info.pm_id));
        let god = self.session.god;
        Ok(all.into_iter().map(|info| Target::of(info).seen(0, god)).collect())
    }

    /// Starts so many more; how many came, and what came of the first that did not.
    async fn grow(
        &self,
        app: &[Target],
        more: u32,
        tell: &mut impl FnMut(Outcome),
    ) -> (u32, Option<Verdict>) {
        // As the pm2 CLI: the first in the daemon's list.
        let Some(first) = app.iter().min_by_key(|target| target.pm_id) else {
            return (0, Some(Verdict::Gone));
        };
        for done in 0..more {
            if self.halted.is_cancelled() {
                return (done, Some(Verdict::NotBegun));
            }
            let outcome = self.duplicate(first).await;
            let verdict = outcome.verdict.clone();
            tell(outcome);
            if !verdict.is_success() {
                let is_there = matches!(verdict, Verdict::Down(_));
                return (done + u32::from(is_there), Some(verdict));
            }
        }
        (more, None)
    }

    /// One more of the same.
    async fn duplicate(&self, first: &Target) -> Outcome {
        let not_done = |verdict| {
            Outcome::of(Deed::new("scale", DUPLICATE, DUPLICATED, "started"), first, verdict)
        };
        let before = match self.look().await {
            Ok(before) => before,
            Err(verdict) => return not_done(verdict),
        };
        let info = match first.find(&before, self.session.god) {
            Ok(info) => info.clone(),
            Err(verdict) => return not_done(verdict),
        };
        let mut witness = self.witness().await;
        let sent = Instant::now();
        let call = self.named("duplicateProcessId", vec![json!(info.pm_id.0)]);
        let reply = match witness.listen_during(call).await {
            Ok(reply) => reply,
            Err(verdict) => return not_done(verdict),
        };
        let answered = Instant::now();
        let after = match self.look().await {
            Ok(after) => after,
            Err(verdict) => return not_done(verdict),
        };
        let told = id_of(&reply);
        let is_new = |info: &&ProcessInfo| {
            (&info.name, &info.namespace) == (&first.name, &first.namespace)
                && told.map_or_else(
                    || before.iter().all(|other| other.pm_id != info.pm_id),
                    |id| info.pm_id == id,
                )
        };
        let Some(new) = after.iter().filter(is_new).max_by_key(|info| info.pm_id) else {
            return not_done(Verdict::Refused("PM2 says that it did, but it is not there".into()));
        };
        let target = Target::of(new).seen(0, self.session.god);
        // It is like the first, but what became of that one is no past of its own.
        let launch = Launch { was_looping: false, ..self.launch_of(&info, sent, answered) };
        let pending = [(target.clone(), launch)];
        let verdict = self.settle(&pending, &mut witness).await.pop();
        Outcome::of(Action::Start, &target, verdict.unwrap_or(Verdict::Gone))
    }

    /// Deletes these one after another; how many went, and what came of the first that did not.
    async fn shrink(
        &self,
        going: &[&Target],
        tell: &mut impl FnMut(Outcome),
    ) -> (u32, Option<Verdict>) {
        let alone = Semaphore::new(1);
        let mut done = 0;
        for target in going {
            if self.halted.is_cancelled() {
                return (done, Some(Verdict::NotBegun));
            }
            // Before its watching ends, as for any delete.
            let kept = self.keep(std::slice::from_ref(*target)).await.pop();
            let verdict = self.one(Action::Delete, target, &alone).await;
            let kept = kept.filter(|_| verdict == Verdict::Done).map(Box::new);
            // Somebody else was quicker.
            let is_gone = verdict.is_success() || verdict == Verdict::Gone;
            let broken = (!is_gone).then(|| verdict.clone());
            tell(Outcome { kept, ..Outcome::of(Action::Delete, target, verdict) });
            if broken.is_some() {
                return (done, broken);
            }
            done += 1;
        }
        (done, None)
    }
}

/// The last `fewer` of an app, the last first, as the user saw them; where one of them was not named when
/// this was asked, nothing is deleted.
fn going<'a>(app: &[Target], may_go: &'a [Target], fewer: u32) -> Result<Vec<&'a Target>, Verdict> {
    let seen = |target: &Target| {
        may_go.iter().find(|seen| seen.pm_id == target.pm_id).ok_or_else(|| {
            let by = format!("{} was not named when this was asked", target.label()).into();
            Verdict::Replaced { by }
        })
    };
    app.iter().rev().take(fewer as usize).map(seen).collect()
}

const DUPLICATE: &str = "start another process like";
const DUPLICATED: &str = "started another process like";
const ALREADY: &str = "at this size already";

fn count(processes: u32) -> String {
    if processes == 1 { "1 process".to_owned() } else { format!("{processes} processes") }
}

/// Its number among the instances; those without one come last, in the order of their ids.
fn instance(listing: &Listing, info: &ProcessInfo) -> u64 {
    let env = listing.raw_of(info).and_then(|raw| raw.get("pm2_env"));
    let number = env.and_then(|env| {
        let name = env.get("instance_var").and_then(Json::as_str).unwrap_or("NODE_APP_INSTANCE");
        let value = env.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    });
    number.unwrap_or(u64::MAX)
}

/// The id in the dump of a process.
pub(super) fn id_of(process: &Json) -> Option<PmId> {
    let inner = process.get("pm2_env").and_then(|env| env.get("pm_id")?.as_u64());
    let id = process.get("pm_id").and_then(Json::as_u64).or(inner)?;
    u32::try_from(id).ok().map(PmId)
}
