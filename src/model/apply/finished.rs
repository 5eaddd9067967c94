//! What was asked for here, and ended: actions, tasks, calls by name.

use super::{Applying, Change};
use crate::model::audit::Standing;
use crate::model::call::CallOutcome;
use crate::model::deed::Deed;
use crate::model::errand::{Errand, Outcome, TaskId};
use crate::model::log::{LogLine, Severity};
use crate::model::ready::Ran;
use crate::model::saved::Saved;
use crate::model::trigger::Reply;
use crate::model::{Action, Target, Verdict};
use crate::protocol::text::{clean, clean_to};

/// The most characters of an app's reply in the event log.
const REPLY_CHARS_MAX: usize = 200;

impl Applying<'_> {
    /// It is its turn.
    pub(super) fn begin(&mut self, target: Target) {
        let key = target.key(self.id);
        if let Some(process) = self.watched.fleet.get_mut(key)
            && std::mem::take(&mut process.is_queued)
        {
            self.changes.push(Change::Process(key));
        }
        self.changes.push(Change::Begun(target));
    }

    /// An asked action ended.
    pub(super) fn end(&mut self, action: Action, target: Target, verdict: Verdict) {
        let (id, now) = (self.id, self.now);
        let key = target.key(id);
        if !self.left(&target, &action.into(), &verdict)
            && let Some(process) = self.watched.fleet.get_mut(key)
            && target.is(&process.info)
        {
            process.finish(action, &verdict, now);
            self.changes.push(Change::Process(key));
        }
        let severity = if verdict.is_success() { Severity::Good } else { Severity::Bad };
        let source = self.source(Some(target.pm_id), &target.name);
        let told = format!("{} ({})", verdict.words(action), self.watched.asked_here());
        let line = LogLine::event(now.wall_ms, source, action.verb(), severity, &told);
        self.watched.news.push(line);
        self.changes.push(Change::Lines);
        self.changes.push(Change::Finished { action, target, verdict });
    }

    /// Takes a process out that was seen to be gone: the daemon is asked again only a moment later, where
    /// it is busy after seconds. Whether it did.
    fn left(&mut self, target: &Target, deed: &Deed, verdict: &Verdict) -> bool {
        let is_deleted = deed.word == Action::Delete.verb() && *verdict == Verdict::Done;
        if !is_deleted && *verdict != Verdict::Gone {
            return false;
        }
        let Some(process) = self.watched.fleet.depart(target.key(self.id), target, self.now) else {
            return false;
        };
        self.forget_box(&process);
        let god = self.daemon().and_then(|daemon| daemon.god);
        self.changes.push(Change::Gone(process.target(god)));
        true
    }

    /// A process replied to an action, or did not.
    pub(super) fn replied(&mut self, action: Box<str>, target: Target, reply: Reply) {
        let severity = if reply.is_success() { Severity::Good } else { Severity::Bad };
        let source = self.source(Some(target.pm_id), &target.name);
        let words = clean_to(&reply.words(), REPLY_CHARS_MAX);
        let told = format!("{}: {words} ({})", clean(&action), self.watched.asked_here());
        let line = LogLine::event(self.now.wall_ms, source, "trigger", severity, &told);
        self.watched.news.push(line);
        self.changes.push(Change::Lines);
        self.changes.push(Change::Replied { action, target, reply });
    }

    /// A command of the user's own ended.
    pub(super) fn ran(&mut self, ran: Box<Ran>) {
        let severity = if ran.is_success { Severity::Good } else { Severity::Bad };
        let source = match &ran.target {
            Some(target) => self.source(Some(target.pm_id), &target.name),
            None => self.source(None, "pm2-tui"),
        };
        let told = format!("{} {} ({})", ran.name, ran.end, self.watched.asked_here());
        let line = LogLine::event(self.now.wall_ms, source, "run", severity, &told);
        self.watched.news.push(line);
        self.changes.push(Change::Lines);
        self.changes.push(Change::Ran(ran));
    }

    /// Something beside the daemons went wrong: it stays in the log, whatever is said after it.
    pub(super) fn told(&mut self, text: Box<str>) {
        self.note_here(&text);
        self.changes.push(Change::Notice(text));
    }

    fn note_here(&mut self, text: &str) {
        let source = self.source(None, "pm2-tui");
        let line = LogLine::event(self.now.wall_ms, source, "here", Severity::Bad, text);
        self.watched.news.push(line);
        self.changes.push(Change::Lines);
    }

    /// Lines were saved, or not: why not is told whole in the log, too.
    pub(super) fn log_saved(&mut self, saved: Saved) {
        if let Saved::Failed(why) = &saved {
            self.note_here(why);
        }
        self.changes.push(Change::LogSaved(saved));
    }

    /// It stands otherwise with the audit file: told where that begins or ends, and kept for a warning that
    /// stays.
    pub(super) fn audited(&mut self, standing: Standing) {
        let before = std::mem::replace(&mut self.watched.audit, standing);
        match (before.trouble, self.watched.audit.trouble.clone()) {
            (None, Some(why)) => self.told(why),
            (Some(_), None) => self.told("the audit file is written again".into()),
            _ => {}
        }
        self.changes.push(Change::Losses);
    }

    /// A call by name ended.
    pub(super) fn finish_call(&mut self, method: Box<str>, outcome: CallOutcome) {
        let source = self.source(None, "PM2");
        let at_ms = self.now.wall_ms;
        let line = match &outcome {
            CallOutcome::Answered(json) => LogLine::message(at_ms, source, &method, json),
            failed => {
                let text = failed.words(&method);
                LogLine::event(at_ms, source, "call", Severity::Bad, &text)
            }
        };
        self.watched.news.push(line);
        self.changes.push(Change::Lines);
        self.changes.push(Change::Called { method, outcome });
    }

    /// Where the log files of a process were emptied here, no look tells it again.
    fn flushed(&mut self, target: &Target, outcome: &Outcome) {
        if outcome.deed.word != Deed::from(&Errand::Flush).word || !outcome.is_success() {
            return;
        }
        let (now_ms, key) = (self.now.steady_ms, target.key(self.id));
        let Some(process) = self.watched.fleet.get(key) else { return };
        let logs = process.info.logs.clone();
        if let Some(daemon) = self.daemon() {
            daemon.disk.empty_here(logs.paths(), now_ms);
        }
    }

    /// What came of a task, for a target or step of it.
    pub(super) fn did(&mut self, task: TaskId, outcome: Box<Outcome>) {
        if let Some(target) = &outcome.target {
            self.flushed(target, &outcome);
            self.left(target, &outcome.deed, &outcome.verdict);
            // What was refused has ended nothing.
            if !outcome.verdict.is_success()
                && let Some(process) = self.watched.fleet.get_mut(target.key(self.id))
            {
                process.sent = None;
            }
        }
        let severity = if outcome.is_success() { Severity::Good } else { Severity::Bad };
        let (pm_id, name) = match &outcome.target {
            Some(target) => (Some(target.pm_id), &*target.name),
            None => (None, "PM2"),
        };
        let source = self.source(pm_id, name);
        let told = match (&outcome.target, &outcome.note) {
            (None, _) => outcome.sentence(),
            (Some(_), None) => outcome.verdict.words(&outcome.deed),
            (Some(_), Some(note)) => format!("{}: {note}", outcome.verdict.words(&outcome.deed)),
        };
        let told = format!("{told} ({})", self.watched.asked_here());
        let line = LogLine::event(self.now.wall_ms, source, outcome.deed.word, severity, &told);
        self.watched.news.push(line);
        self.changes.push(Change::Lines);
        self.changes.push(Change::Did { task, outcome });
    }
}
