//! Tasks beside the five actions: who is meant, the calls, and what came of each.
//!
//! Invariant: as for actions, nothing is sent to a process but the one that was chosen, by a look just
//! before; and every target gets exactly one [`Outcome`].

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::flush::files;
use super::{AT_ONCE, Acting};
use crate::daemon::calls::named::{CallFailure, Listing};
use crate::daemon::clock::whole_ms;
use crate::daemon::rpc::connection::CallError;
use crate::model::errand::{Errand, Outcome, Task};
use crate::model::{Target, Verdict};
use crate::protocol::process::{ProcessInfo, ProcessStatus};
use crate::protocol::text::clean;

/// How long a restart may go on that keeps a process from being watched no more.
const RESTART_MAX: Duration = Duration::from_secs(5);
/// PM2 shows one that it is about to start again as stopped, for less than so many looks.
pub(in crate::daemon) const STOPPED_LOOKS: u32 = 5;
/// The pause until it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Acting {
    /// Does a task, and tells each outcome when it is known; the last is of the whole, but for [`Task::Each`].
    pub(crate) async fn task(&self, task: Task, tell: &mut impl FnMut(Outcome)) {
        match task {
            Task::Each { errand: Errand::Flush, targets } => self.flush(&targets, tell).await,
            Task::Each { errand: errand @ Errand::Signal(_), targets } => {
                self.signal(&errand, &targets, tell).await;
            }
            Task::Each { errand, targets } => self.each(&errand, &targets, tell).await,
            Task::Scale { ref targets, to, ref leaves } => {
                let may_go = if leaves.is_empty() { targets } else { leaves };
                let whole = self.scale(targets, to, may_go, tell).await;
                tell(whole.whole());
            }
            Task::FlushConsole => {
                let path = self.session.home.join("pm2.log");
                let label = clean(&path.to_string_lossy()).into_owned();
                let (verdict, note) = self.empty(vec![path]).await;
                tell(Outcome {
                    note,
                    ..Outcome::about(Task::FlushConsole.deed(), &label, verdict)
                });
            }
            Task::Save { even_empty } => {
                let whole = self.save(even_empty).await;
                tell(whole.whole());
            }
            Task::Resurrect => {
                let whole = self.resurrect(tell).await;
                tell(whole.whole());
            }
            Task::Restore { kept, beside } => self.restore_kept(kept, &beside, tell).await,
            Task::Kill => {
                let whole = self.kill(tell).await;
                tell(whole.whole());
            }
        }
    }

    /// The same to each of these, two at a time.
    async fn each(&self, errand: &Errand, targets: &[Target], tell: &mut impl FnMut(Outcome)) {
        let one = |target: &Target| {
            let target = target.clone();
            async move {
                let done = if self.halted.is_cancelled() {
                    Err(Verdict::NotBegun)
                } else {
                    self.errand(errand, &target).await
                };
                let (verdict, note) = match done {
                    Ok(done) => done,
                    Err(verdict) => (verdict, None),
                };
                Outcome { note, ..Outcome::of(errand, &target, verdict) }
            }
        };
        let mut outcomes = Box::pin(stream::iter(targets).map(one).buffer_unordered(AT_ONCE));
        while let Some(outcome) = outcomes.next().await {
            tell(outcome);
        }
    }

    /// Does it to one process, if it is the one that was chosen.
    pub(super) async fn errand(
        &self,
        errand: &Errand,
        target: &Target,
    ) -> Result<(Verdict, Option<Box<str>>), Verdict> {
        let listing = self.list().await?;
        let info = target.find(&listing.infos, self.session.god)?;
        let id = info.pm_id.0;
        match errand {
            Errand::Reset => self.named("resetMetaProcessId", vec![json!(id)]).await?,
            Errand::Signal(signal) => {
                let what = json!({ "process_id": id, "signal": signal.name() });
                self.named("sendSignalToProcessId", vec![what]).await?
            }
            Errand::Line(line) => {
                let line = line.trim_end_matches(['\r', '\n']);
                if line.is_empty() {
                    return Err(Verdict::Refused("the line is empty".into()));
                }
                let what = json!({ "pm_id": id, "line": format!("{line}\n") });
                self.named("sendLineToStdin", vec![what]).await?
            }
            Errand::Flush => return Ok(self.empty(files(info)).await),
            Errand::Watch(is_on) => return self.watch(*is_on, target, info, &listing).await,
        };
        Ok((Verdict::Done, None))
    }

    /// Switches watching, and looks whether it is so: God answers with success whatever happens.
    async fn watch(
        &self,
        is_on: bool,
        target: &Target,
        info: &ProcessInfo,
        listing: &Listing,
    ) -> Result<(Verdict, Option<Box<str>>), Verdict> {
        let id = info.pm_id.0;
        let before = listing.raw_of(info).and_then(|raw| raw.get("pm2_env")?.get("watch"));
        if is_watched(before) == is_on {
            return Ok((Verdict::Already, None));
        }
        let off = vec![json!("restartProcessId"), json!(id)];
        if is_on {
            let env = listing.raw_of(info).and_then(|raw| raw.get("pm2_env"));
            if let Some(why) = env.and_then(|env| would_loop(env, &self.session.home)) {
                return Err(Verdict::Refused(why.into()));
            }
            // Where `watch` was never set, as in a file without it, PM2 says that it watches and
            // watches nothing (measured on 7.0.4): only a flag stands for the whole folder.
            if before != Some(&Json::Bool(false)) {
                self.named("stopWatch", off.clone()).await?;
            }
            let on = vec![json!("restartProcessId"), json!({ "id": id })];
            self.named("startWatch", on).await?;
        } else {
            self.named("stopWatch", off.clone()).await?;
        }
        let deadline = Instant::now() + RESTART_MAX;
        let mut stopped = 0;
        loop {
            let after = self.list().await?;
            let now = target.find(&after.infos, self.session.god)?;
            let is_between = !is_on
                && match now.status {
                    ProcessStatus::Launching | ProcessStatus::Stopping => true,
                    ProcessStatus::Stopped => {
                        stopped += 1;
                        stopped < STOPPED_LOOKS
                    }
                    _ => false,
                };
            let now = after.raw_of(now).and_then(|raw| raw.get("pm2_env")?.get("watch"));
            let is_over = Instant::now() >= deadline;
            if is_watched(now) == is_on && (is_over || !is_between) {
                break;
            }
            if is_on || is_over {
                return Err(Verdict::Refused("PM2 says that it did, but nothing changed".into()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            // A restart under way, as by a file that has just changed, goes on with the settings from
            // before it.
            if is_watched(now) {
                self.named("stopWatch", off.clone()).await?;
            }
        }
        // docs/pm2-ops.md section 6.
        let note = match before {
            Some(Json::Array(_) | Json::String(_)) if !is_on => {
                Some("the paths that it watched are forgotten, on again means its whole folder")
            }
            _ => None,
        };
        Ok((Verdict::Done, note.map(Into::into)))
    }

    /// Calls a method by its name, with all that is checked before.
    pub(super) async fn named(&self, method: &str, args: Vec<Json>) -> Result<Json, Verdict> {
        let started = Instant::now();
        let called = self.session.call_by_name(method, args, self.timings.act_margin).await;
        called.map_err(|failure| failed(failure, started))
    }

    /// All processes now, raw and typed.
    pub(super) async fn list(&self) -> Result<Listing, Verdict> {
        let started = Instant::now();
        let listing = self.session.listing(self.timings.read).await;
        listing.map_err(|failure| failed(failure, started))
    }

    /// Why files of the daemon's cannot be got at from here.
    pub(super) fn expect_here(&self) -> Result<(), Verdict> {
        if self.session.god.is_some() {
            return Ok(());
        }
        let why = "the daemon's files are on another machine, or behind a forwarded socket";
        Err(Verdict::Refused(why.into()))
    }
}

/// What a failed call means for what was to be done.
pub(super) fn failed(failure: CallFailure, started: Instant) -> Verdict {
    match failure {
        CallFailure::NoReply { error: CallError::Closed, .. } => {
            Verdict::Unknown { waited_ms: whole_ms(started.elapsed()), is_closed: true }
        }
        CallFailure::NoReply { error: CallError::TimedOut { waited_ms }, .. } => {
            Verdict::timed_out(waited_ms)
        }
        CallFailure::Said { message, .. }
            if message.to_ascii_lowercase().contains("id unknown") =>
        {
            Verdict::Gone
        }
        failure => Verdict::Refused(failure.sentence().into()),
    }
}

/// Whether this value of `watch` is true in JavaScript.
fn is_watched(watch: Option<&Json>) -> bool {
    match watch {
        None | Some(Json::Null | Json::Bool(false)) => false,
        Some(Json::String(text)) => !text.is_empty(),
        Some(Json::Number(number)) => number.as_f64() != Some(0.0),
        Some(Json::Bool(true) | Json::Array(_) | Json::Object(_)) => true,
    }
}

/// Why watching the whole folder of a process would restart it for ever: PM2's own files, which each
/// start writes, lie in it (14 restarts in 4 s, docs/pm2-ops.md section 6). PM2 leaves out
/// `node_modules` and names with a dot, unless `ignore_watch` says something else.
fn would_loop(env: &Json, home: &std::path::Path) -> Option<String> {
    let folder = env.get("pm_cwd").and_then(Json::as_str)?;
    let inside = home.strip_prefix(folder).ok()?;
    let ignores = match env.get("ignore_watch") {
        Some(Json::Array(items)) => !items.is_empty(),
        Some(Json::String(text)) => !text.is_empty(),
        _ => false,
    };
    let is_left_out = inside.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part.starts_with('.') || part.contains("node_modules")
    });
    (!ignores && !is_left_out).then(|| {
        let home = clean(&home.to_string_lossy()).into_owned();
        format!("{home} is in its folder and changes at each start: it would restart forever")
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_javascript_takes_for_true_is_watched() {
        for (watch, is_on) in [
            (json!(true), true),
            (json!(["src"]), true),
            (json!([]), true),
            (json!("src"), true),
            (json!(false), false),
            (json!(""), false),
            (json!(null), false),
            (json!(0), false),
        ] {
            assert_eq!(is_watched(Some(&watch)), is_on, "{watch}");
        }
        assert!(!is_watched(None));
    }

    #[test]
    fn a_folder_with_the_daemons_files_is_not_watched() {
        let env = |ignore: Json| json!({ "pm_cwd": "/home/me", "ignore_watch": ignore });
        let looped = |env: &Json, home: &str| would_loop(env, Path::new(home)).is_some();
        assert!(looped(&env(Json::Null), "/home/me/pm2"));
        assert!(looped(&env(Json::Null), "/home/me"));
        assert!(!looped(&env(Json::Null), "/home/me/.pm2"), "left out by PM2");
        assert!(!looped(&env(json!(["pm2"])), "/home/me/pm2"), "somebody thought of it");
        assert!(!looped(&env(Json::Null), "/home/you/pm2"));
        assert!(!looped(&json!({}), "/home/me/pm2"));
    }
}
