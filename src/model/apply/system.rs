//! What this machine tells, besides the daemon.

use super::{Applying, Change};
use crate::model::boot::SavedList;
use crate::model::daemon::Daemon;
use crate::model::disk::{DiskLook, SizesLook};
use crate::model::log::{LineKind, LogLine, Severity};
use crate::model::system::{Host, Measured};
use crate::model::watched::Watched;
use crate::model::{ProcessKey, Target};
use crate::protocol::process::PmId;

/// How long after the kernel counted a kill its end may be told, milliseconds.
const OOM_TOLD_MS: i64 = 1_000;

impl Applying<'_> {
    /// The machine and the daemon were looked at.
    pub(super) fn host(&mut self, host: Host) {
        let Some(daemon) = self.daemon() else { return };
        let before = daemon.host.replace(host).map(|before| before.shown());
        self.changes.push(Change::Host);
        self.note_if(before != Some(host.shown()), Change::Daemon);
    }

    /// The saved list was compared with what runs. Says that others can read it, again only where its mode
    /// is another than when that was said last, be it in an earlier run.
    pub(super) fn saved_list(&mut self, list: SavedList) {
        let id = self.id;
        for (key, process) in self.watched.fleet.iter_mut().filter(|(key, _)| key.daemon == id) {
            let is_down = list.is_down(key.pm_id);
            if std::mem::replace(&mut process.is_saved_running, is_down) != is_down {
                self.changes.push(Change::Process(key));
            }
        }
        let Some(daemon) = self.daemon() else { return };
        let open = match &list {
            SavedList::Read(read) => read.is_open().then_some(read.mode),
            // Nobody knows who can read it.
            SavedList::Missing { .. } | SavedList::Unreadable(_) => daemon.told_open,
        };
        let is_news = open.is_some() && open != daemon.told_open;
        daemon.told_open = open;
        let path = format!("{}/dump.pm2", daemon.home);
        daemon.saved = Some(list);
        self.changes.push(Change::Daemon);
        if is_news {
            let text = format!(
                "{path} holds the environments of all processes, and others can read it, as the \
                 pm2 CLI makes it: chmod 600 {path}"
            );
            self.say("saved list", Severity::Warning, &text);
        }
    }

    /// The log files and their disks, as they are now.
    pub(super) fn disk(&mut self, look: DiskLook) {
        let now_ms = self.now.steady_ms;
        let Some(daemon) = self.daemon() else { return };
        let words = |daemon: &Daemon| daemon.disk.filling().map(|filling| filling.words());
        let before = words(daemon);
        daemon.disk.take(look, now_ms);
        let is_news = words(daemon) != before;
        self.changes.push(Change::Disk);
        self.note_if(is_news, Change::Daemon);
        self.tell_emptied();
    }

    /// Some of the log files, as they are now.
    pub(super) fn sizes(&mut self, look: SizesLook) {
        let now_ms = self.now.steady_ms;
        let is_news = self.daemon().is_some_and(|daemon| daemon.disk.take_sizes(look, now_ms));
        self.note_if(is_news, Change::Disk);
        self.tell_emptied();
    }

    /// Says which processes' log files somebody else has truncated: `pm2 flush`, or a rotation that copies, which
    /// may leave some of it.
    fn tell_emptied(&mut self) {
        let (id, now) = (self.id, self.now);
        let Some(daemon) = self.daemon() else { return };
        let emptied = daemon.disk.take_emptied(now.steady_ms);
        let Some(seen_ms) = emptied.iter().map(|file| file.seen_ms).min() else { return };
        let at_ms = now.wall_ms.saturating_sub(now.steady_ms.saturating_sub(seen_ms));
        let ours = self.watched.fleet.iter().filter(|(key, _)| key.daemon == id);
        let Some(daemon) = self.watched.daemon(id) else { return };
        let told = ours.filter_map(|(key, process)| {
            let words = daemon.disk.emptied_words(&emptied, &process.info)?;
            Some((key.pm_id, process.info.name.clone(), words))
        });
        for (pm_id, name, words) in told.collect::<Vec<_>>() {
            let source = self.source(Some(pm_id), &name);
            let text = format!("{words} of log files, not from here");
            let line = LogLine::event(at_ms, source, "truncated", Severity::Neutral, &text);
            self.watched.news.push(line);
            self.changes.push(Change::Lines);
        }
    }

    /// CPU and memory were measured here.
    pub(super) fn measured(&mut self, interval_ms: u64, processes: &[Measured]) {
        let (id, now) = (self.id, self.now);
        if let Some(daemon) = self.daemon() {
            (daemon.measure_interval_ms, daemon.unmeasured) = (Some(interval_ms), 0);
        }
        for measured in processes {
            let key = ProcessKey { daemon: id, pm_id: measured.pm_id };
            if let Some(process) = self.watched.fleet.get_mut(key) {
                process.take_measured(measured, now);
            }
        }
        self.sample();
        self.group_deaths();
        self.changes.push(Change::Polled);
    }

    /// Counts lines of a process's output.
    pub(super) fn hear(&mut self, line: &LogLine) {
        let is_error = match line.kind {
            LineKind::Out => false,
            LineKind::Err => true,
            _ => return,
        };
        let Some(pm_id) = line.source.pm_id else { return };
        let key = ProcessKey { daemon: self.id, pm_id };
        if let Some(process) = self.watched.fleet.get_mut(key) {
            process.speech.hear(is_error, line.count(), self.now.steady_ms);
        }
    }

    /// Where processes listen.
    pub(super) fn ports(&mut self, ports: Vec<(PmId, Box<[u16]>)>) {
        for (pm_id, ports) in ports {
            let key = ProcessKey { daemon: self.id, pm_id };
            if let Some(process) = self.watched.fleet.get_mut(key) {
                process.ports = ports;
            }
        }
        self.changes.push(Change::Polled);
    }

    /// One process without a pid makes PM2 measure none at all and restart none for its memory
    /// (docs/pm2-ops.md section 0). Says so once; the header says it as long as it is so.
    pub(super) fn blindness(&mut self, blinding: Option<ProcessKey>) {
        let Some(daemon) = self.daemon() else { return };
        if daemon.blinded_by == blinding {
            return;
        }
        daemon.blinded_by = blinding;
        self.changes.push(Change::Daemon);
        let process = blinding.and_then(|key| self.watched.fleet.get(key));
        let label = process.map(|process| Target::of(&process.info).label());
        match label {
            Some(label) => self.say(
                "blind",
                Severity::Warning,
                &format!(
                    "PM2 measures no CPU or memory and enforces no memory limit while \
                     {label} is online without a process: stop it (s)"
                ),
            ),
            None => self.say("blind", Severity::Good, "PM2 measures CPU and memory again"),
        }
    }

    /// Notes in the black boxes what was measured.
    pub(super) fn sample(&mut self) {
        let now = self.now;
        let Watched { fleet, boxes, .. } = &mut *self.watched;
        for (key, process) in fleet.iter().filter(|(key, _)| key.daemon == self.id) {
            if process.is_online() {
                let info = &process.info;
                boxes.of(key).sample(info.cpu_percent, info.memory_bytes, now);
            }
        }
    }

    /// A SIGKILL since the last count is the kernel's where that has grown meanwhile; or a moment before,
    /// since the count grows before the end is told.
    pub(super) fn oom_kills(&mut self, kills: u64) {
        let now_ms = self.now.steady_ms;
        let Some(daemon) = self.daemon() else { return };
        let Some(before) = daemon.oom_kills.replace(kills) else { return };
        if kills > before {
            daemon.oom_at_ms = Some(now_ms);
        }
        let is_oom =
            daemon.oom_at_ms.is_some_and(|at_ms| now_ms.saturating_sub(at_ms) <= OOM_TOLD_MS);
        let id = self.id;
        let ours = self.watched.boxes.iter_mut().filter(|(key, _)| key.daemon == id);
        ours.for_each(|(_, life)| life.out_of_memory(is_oom));
    }
}
