//! Starting again what was saved: `prepare` of each, two at a time, as
//! `pm2 resurrect` does it.
//!
//! Invariant: names that already run are not started again, as with the CLI; the saved list is only
//! read (the CLI deletes one that is broken), and every entry is checked before it is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;

use super::errands::failed;
use super::save::{backup_path, dump_path};
use super::scale::id_of;
use super::witness::Witness;
use super::{AT_ONCE, Acting, Launch};
use crate::daemon::{files, offload};
use crate::model::deed::Deed;
use crate::model::errand::{Outcome, Task};
use crate::model::{Target, Verdict};
use crate::protocol::dump;
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};
use crate::protocol::rpc::Methods;
use crate::protocol::text::clean;

/// The largest saved list that is read, bytes.
const BYTES_MAX: u64 = 64 << 20;
/// How long the disk may take.
const DISK_MAX: Duration = Duration::from_secs(10);

/// A process as it was: its `pm2_env`.
type Kept = Map<String, Json>;

/// How many processes run: those that were missing are not all.
fn runs_now(processes: &[ProcessInfo]) -> String {
    let running = processes.iter().filter(|info| info.status == ProcessStatus::Online).count();
    let verb = if running == 1 { "runs" } else { "run" };
    format!("{running} {verb} now")
}

/// A saved list.
struct Saved {
    path: PathBuf,
    entries: Vec<Kept>,
    /// Why it is not the one that was saved last.
    instead_of: Option<Unread>,
}

/// Why a saved list cannot be read.
#[derive(Debug, PartialEq)]
struct Unread {
    why: String,
    /// Whether there is one.
    is_broken: bool,
}

/// A `prepare` that was made, or not.
pub(super) struct Prepared {
    pub(super) name: String,
    pub(super) was_stopped: bool,
    pub(super) made: Result<Made, Verdict>,
}

/// An answered `prepare`.
pub(super) struct Made {
    pub(super) ids: Vec<PmId>,
    sent: Instant,
    answered: Instant,
}

impl Acting {
    /// Starts what is saved and does not run, and gives what came of it as a whole.
    pub(super) async fn resurrect(&self, tell: &mut impl FnMut(Outcome)) -> Outcome {
        let deed = Task::Resurrect.deed();
        let Saved { path, entries: saved, instead_of } = match self.saved().await {
            Ok(saved) => saved,
            Err((path, verdict)) => return Outcome::about(deed, &shown(&path), verdict),
        };
        let label = shown(&path);
        let running = match self.look().await {
            Ok(processes) => processes,
            Err(verdict) => return Outcome::about(deed, &label, verdict),
        };
        let all = saved.len();
        let (skipped, wanted) = divide(saved, &running);
        for (name, (saved, runs)) in skipped {
            let outcome = Outcome::about(Deed::restore(), &name, Verdict::Already);
            tell(if saved == runs {
                outcome
            } else {
                outcome.noted(format!("{runs} of the {saved} saved"))
            });
        }
        let missing = wanted.len();
        let up = self.restore(wanted, &running, tell).await;
        let verdict = if all > 0 && missing == 0 { Verdict::Already } else { Verdict::Done };
        let counted = (missing > 0 || all == 0).then(|| format!("{up} of {missing} processes"));
        let runs = match &counted {
            Some(_) if missing > 0 => self.look().await.ok().map(|now| runs_now(&now)),
            _ => None,
        };
        let is_broken = instead_of.as_ref().is_some_and(|it| it.is_broken);
        let notes = counted.into_iter().chain(runs).chain(instead_of.map(|it| it.why));
        let notes: Vec<String> = notes.collect();
        let outcome = Outcome {
            falls_short: is_broken || up < missing,
            ..Outcome::about(deed, &label, verdict)
        };
        if notes.is_empty() { outcome } else { outcome.noted(notes.join("; ")) }
    }

    /// The saved list, or the one before where that is missing or broken.
    async fn saved(&self) -> Result<Saved, (PathBuf, Verdict)> {
        let path = dump_path(&self.session.home);
        self.expect_here().map_err(|verdict| (path.clone(), verdict))?;
        let error = match read(path.clone()).await {
            Ok(entries) => return Ok(Saved { path, entries, instead_of: None }),
            Err(error) => error,
        };
        let backup = backup_path(&self.session.home);
        match read(backup.clone()).await {
            Ok(entries) => {
                let why = format!("{}: {}", shown(&path), error.why);
                Ok(Saved { path: backup, entries, instead_of: Some(Unread { why, ..error }) })
            }
            // The sentence names the file.
            Err(_) => Err((path, Verdict::Refused(error.why.into()))),
        }
    }

    /// Starts processes as they were, beside those that run, and tells of each; how many are as they were.
    async fn restore(
        &self,
        kept: Vec<Kept>,
        running: &[ProcessInfo],
        tell: &mut impl FnMut(Outcome),
    ) -> usize {
        if kept.is_empty() {
            return 0;
        }
        let before = running.iter().map(|info| info.pm_id).collect();
        let methods = self.methods_of_release().await;
        let mut witness = self.witness().await;
        let each = |entry: Kept| self.prepare(&methods, entry);
        let calls = stream::iter(kept).map(each).buffered(AT_ONCE).collect::<Vec<_>>();
        let prepared = witness.listen_during(calls).await;
        let outcomes = self.watch_up(prepared, before, &mut witness).await;
        let up = outcomes.iter().filter(|outcome| outcome.is_success()).count();
        outcomes.into_iter().for_each(tell);
        up
    }

    /// Watches what was started come up, beside what ran before; what came of each, in their order.
    pub(super) async fn watch_up(
        &self,
        prepared: Vec<Prepared>,
        before: BTreeSet<PmId>,
        witness: &mut Witness,
    ) -> Vec<Outcome> {
        let after = self.look().await;
        let begun = begun(self, prepared, &after, before);
        let pending: Vec<(Target, Launch)> =
            begun.iter().filter_map(|one| one.pending.clone()).collect();
        let mut verdicts = if pending.is_empty() {
            Vec::new().into_iter()
        } else {
            self.settle(&pending, witness).await.into_iter()
        };
        let outcome = |one: Begun| match one.pending.as_ref().and_then(|_| verdicts.next()) {
            Some(verdict) => Outcome { verdict, ..one.outcome },
            None => one.outcome,
        };
        begun.into_iter().map(outcome).collect()
    }

    /// What the daemon can do, with what its release reads of cron patterns.
    pub(super) async fn methods_of_release(&self) -> Methods {
        let version = self.named("getVersion", vec![json!({})]).await;
        let version = version.ok().and_then(|version| version.as_str().map(str::to_owned));
        self.session.methods.clone().of_release(version.as_deref())
    }

    /// Has one started as it was.
    pub(super) async fn prepare(&self, methods: &Methods, entry: Kept) -> Prepared {
        let name = name_of(&entry);
        let was_stopped = entry.get("status").and_then(Json::as_str) == Some("stopped");
        let sent = Instant::now();
        if self.halted.is_cancelled() {
            return Prepared { name, was_stopped, made: Err(Verdict::NotBegun) };
        }
        let made = match methods.check_saved(dump::restorable(entry)) {
            Err(refused) => Err(Verdict::Refused(clean(&refused.to_string()).into())),
            Ok(call) => {
                let reply = self.session.send_named(&call, self.timings.act_margin).await;
                let answered = Instant::now();
                let made = reply.map(|reply| Made { ids: ids_of(&reply), sent, answered });
                made.map_err(|failure| failed(failure, sent))
            }
        };
        Prepared { name, was_stopped, made }
    }
}

/// A verdict that is still to come, or that is there.
struct Begun {
    pending: Option<(Target, Launch)>,
    outcome: Outcome,
}

/// Finds the processes that came of the calls.
fn begun(
    acting: &Acting,
    prepared: Vec<Prepared>,
    after: &Result<Vec<ProcessInfo>, Verdict>,
    mut told: BTreeSet<PmId>,
) -> Vec<Begun> {
    let mut all = Vec::new();
    for Prepared { name, was_stopped, made } in prepared {
        let at_once = |verdict| Begun {
            pending: None,
            outcome: Outcome::about(Deed::restore(), &name, verdict),
        };
        let (made, after) = match (made, after) {
            (Ok(made), Ok(after)) => (made, after),
            (Err(verdict), _) => {
                all.push(at_once(verdict));
                continue;
            }
            (Ok(_), Err(verdict)) => {
                all.push(at_once(verdict.clone()));
                continue;
            }
        };
        let is_it = |info: &&ProcessInfo| {
            !told.contains(&info.pm_id)
                && if made.ids.is_empty() {
                    *info.name == *name
                } else {
                    made.ids.contains(&info.pm_id)
                }
        };
        let Some(info) = after.iter().find(is_it) else {
            all.push(at_once(Verdict::Gone));
            continue;
        };
        told.insert(info.pm_id);
        let target = Target::of(info).seen(0, acting.session.god);
        let outcome = Outcome::of(Deed::restore(), &target, Verdict::Done);
        let is_stopped = info.status == ProcessStatus::Stopped;
        let launch = || acting.launch_of(info, made.sent, made.answered);
        all.push(match (was_stopped, is_stopped) {
            (true, true) => Begun { pending: None, outcome: outcome.noted("stopped, as it was") },
            // Releases up to 3.5 (measured on 3.5.2).
            (true, false) => Begun {
                pending: Some((target, launch())),
                outcome: outcome.noted("it was stopped, and this PM2 starts it"),
            },
            (false, _) => Begun { pending: Some((target, launch())), outcome },
        });
    }
    all
}

/// How many of a name are saved, and how many run.
type Counts = (usize, usize);

/// Those whose name runs already, with how many are saved and run; and the others.
fn divide(saved: Vec<Kept>, running: &[ProcessInfo]) -> (BTreeMap<String, Counts>, Vec<Kept>) {
    let mut skipped: BTreeMap<String, Counts> = BTreeMap::new();
    let mut wanted = Vec::new();
    for entry in saved {
        let name = name_of(&entry);
        match running.iter().filter(|info| *info.name == *name).count() {
            0 => wanted.push(entry),
            runs => {
                let counts = skipped.entry(name).or_default();
                *counts = (counts.0 + 1, runs);
            }
        }
    }
    (skipped, wanted)
}

/// Its name, cleaned; PM2 knows names that are numbers.
fn name_of(entry: &Kept) -> String {
    match entry.get("name") {
        Some(Json::String(name)) => clean(name).into_owned(),
        Some(other) => clean(&other.to_string()).into_owned(),
        None => String::new(),
    }
}

/// The ids of the processes in a reply of `prepare`.
fn ids_of(reply: &Json) -> Vec<PmId> {
    match reply {
        Json::Array(all) => all.iter().filter_map(id_of).collect(),
        one => id_of(one).into_iter().collect(),
    }
}

fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy()).into_owned()
}

/// Reads a saved list, or says why not.
async fn read(path: PathBuf) -> Result<Vec<Kept>, Unread> {
    let broken = |why: String| Unread { why, is_broken: true };
    let reading = offload::blocking(DISK_MAX, move || {
        let file = files::open(&path)?;
        if file.metadata()?.len() > BYTES_MAX {
            return Err(std::io::Error::other("it is larger than 64 MiB"));
        }
        let mut text = String::new();
        file.take(BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    });
    let text = reading.await.ok_or_else(|| broken("the disk does not answer".to_owned()))?;
    let text = text.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Unread { why: "nothing was saved there".to_owned(), is_broken: false }
        }
        _ => broken(error.to_string()),
    })?;
    dump::read(&text).map_err(|error| broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_runs_is_not_started_again() {
        let entry = |name: Json| match json!({ "name": name }) {
            Json::Object(entry) => entry,
            _ => Map::new(),
        };
        let saved = vec![entry(json!("api")), entry(json!("api")), entry(json!(7))];
        let running = [ProcessInfo::new(PmId(4), "api", ProcessStatus::Stopped)];
        let (skipped, wanted) = divide(saved, &running);
        assert_eq!(skipped, BTreeMap::from([("api".to_owned(), (2, 1))]));
        assert_eq!(wanted.iter().map(name_of).collect::<Vec<_>>(), ["7"]);
    }

    #[tokio::test]
    async fn what_was_not_saved_is_said_without_its_path() {
        let home = tempfile::tempdir().unwrap();
        let missing = read(dump_path(home.path())).await;
        let unread = Unread { why: "nothing was saved there".to_owned(), is_broken: false };
        assert_eq!(missing, Err(unread));
        std::fs::write(dump_path(home.path()), "[{").unwrap();
        assert!(read(dump_path(home.path())).await.unwrap_err().is_broken);
    }

    #[test]
    fn the_reply_names_what_came_of_it() {
        assert_eq!(ids_of(&json!([{ "pm2_env": { "pm_id": 3 } }])), [PmId(3)]);
        assert_eq!(ids_of(&json!({ "pm_id": 4 })), [PmId(4)]);
        assert!(ids_of(&json!({ "process": {} })).is_empty());
    }
}
