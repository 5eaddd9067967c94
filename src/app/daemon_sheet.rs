//! What is known of a daemon, its machine, and what would come back at boot: the lines of what `i` opens.
//!
//! Invariant: pure; what is not known is left out, and what is wrong says what mends it.

use super::geometry::wrap;
use crate::model::boot::{self, ReadList, SavedList, Startup};
use crate::model::daemon::Daemon;
use crate::model::moment::Moment;
use crate::model::system::Host;
use crate::model::units;
use crate::model::watched::Watched;
use crate::model::{DaemonId, ProcessKey, Target};

/// Columns of the labels, with a blank behind.
const LABELS: u16 = 12;
/// The most processes that are listed with what is saved otherwise.
const LISTED_MAX: usize = 100;
/// A daemon that takes more may need a look: bytes, percent of a core.
const GOD_BYTES_WARN: u64 = 500 << 20;
const GOD_PERCENT_WARN: f32 = 80.0;

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A heading.
    Heading,
    /// A fact.
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Advice.
    Quiet,
}

/// A line: its label, empty where it goes on, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How it is meant.
    pub kind: Kind,
    /// What it is about.
    pub label: String,
    /// What is said.
    pub text: String,
}

/// Where the text of a line begins.
#[must_use]
pub fn text_column(line: &Line) -> u16 {
    if line.kind == Kind::Heading { 0 } else { LABELS }
}

/// Lines under way.
struct Lines {
    all: Vec<Line>,
    columns: u16,
}

impl Lines {
    fn heading(&mut self, text: &str) {
        if !self.all.is_empty() {
            self.push(Kind::Plain, String::new(), String::new());
        }
        self.push(Kind::Heading, String::new(), text.to_owned());
    }

    fn say(&mut self, kind: Kind, label: &str, text: &str) {
        let columns = self.columns.saturating_sub(LABELS).max(1);
        let mut label = label.to_owned();
        for line in wrap(text, columns) {
            self.push(kind, std::mem::take(&mut label), line);
        }
    }

    fn push(&mut self, kind: Kind, label: String, text: String) {
        self.all.push(Line { kind, label, text });
    }
}

/// All that is known, in so many columns.
#[must_use]
pub fn lines(watched: &Watched, id: DaemonId, now: Moment, columns: u16) -> Vec<Line> {
    let mut lines = Lines { all: Vec::new(), columns };
    let Some(daemon) = watched.daemon(id) else { return lines.all };
    of_pm2(&mut lines, daemon, now);
    machine(&mut lines, daemon);
    at_boot(&mut lines, watched, daemon, now);
    lines.all
}

/// The daemon itself.
fn of_pm2(lines: &mut Lines, daemon: &Daemon, now: Moment) {
    lines.heading("PM2");
    let release = &daemon.release;
    match (&daemon.version, daemon.is_live()) {
        (_, false) => lines.say(Kind::Warning, "state", "not connected"),
        (Some(running), true) => match release.newer(running) {
            Some(other) => {
                let text = format!(
                    "{running} runs, {other} is installed: {}pm2 update takes it, and restarts \
                     all apps",
                    daemon.cli_prefix
                );
                lines.say(Kind::Warning, "version", &text);
            }
            None if release.on_disk.is_some() => {
                lines.say(Kind::Plain, "version", &format!("{running}, as installed"));
            }
            None => lines.say(Kind::Plain, "version", running),
        },
        (None, true) => {}
    }
    if let (Some(running), Some((version, folder))) = (&daemon.version, &release.in_path)
        && running != version
    {
        let text = format!("{version}, in {folder}: another version than runs");
        lines.say(Kind::Warning, "pm2 in PATH", &text);
    }
    let up = release.started_ms.map(|at| units::uptime(now.wall_ms.saturating_sub(at)));
    let pid = daemon.god.map(|pid| format!("pid {pid}"));
    let node = release.node.as_ref().map(|node| format!("Node.js {node}"));
    let facts: Vec<String> = [up, pid, node].into_iter().flatten().collect();
    if !facts.is_empty() {
        lines.say(Kind::Plain, "up", &facts.join(", "));
    }
    let shown = daemon.host.map(|host| host.shown());
    if let Some(god) = daemon.host.and_then(|host| host.god)
        && let Some([cpu, memory]) = shown.and_then(|shown| shown.god_words())
    {
        let is_large = god.memory_bytes >= GOD_BYTES_WARN || god.cpu_percent >= GOD_PERCENT_WARN;
        let kind = if is_large { Kind::Warning } else { Kind::Plain };
        let text = format!("cpu {cpu}, mem {memory}");
        lines.say(kind, "itself", &text);
    }
    if let Some(took_ms) = daemon.poll_took_ms {
        lines.say(Kind::Plain, "answers in", &format!("{took_ms} ms"));
    }
    lines.say(Kind::Plain, "home", &daemon.home);
    if let Some(file) = daemon.disk.console(&daemon.home) {
        lines.say(Kind::Plain, "its log", &format!("pm2.log, {}", file.words()));
    }
    if release.can_respawn == Some(false) {
        let text =
            "PM2 stays down: no variable `_` in its environment, by which it restarts itself";
        lines.say(Kind::Warning, "at a crash", text);
    }
}

/// The machine that it runs on.
fn machine(lines: &mut Lines, daemon: &Daemon) {
    let home = daemon.disk.volume_of(&daemon.home);
    if daemon.host.is_none() && home.is_none() {
        return;
    }
    lines.heading("Its machine");
    if let Some(host) = &daemon.host {
        figures(lines, host);
    }
    if let Some(home) = home {
        let text = format!("{} of {} free", units::bytes(home.free), units::bytes(home.total));
        lines.say(Kind::Plain, "disk", &format!("{text}, where its home is"));
    }
    if let Some(filling) = daemon.disk.filling() {
        lines.say(Kind::Warning, "", &filling.words());
    }
}

fn figures(lines: &mut Lines, host: &Host) {
    let cores = if host.cores == 1 { "1 core".to_owned() } else { format!("{} cores", host.cores) };
    let cpu = host.cpu_percent.map(|cpu| format!("{} of {cores}", units::percent(f64::from(cpu))));
    let load = host.load.map(|load| format!("load {load:.2}"));
    let facts: Vec<String> = [cpu, load].into_iter().flatten().collect();
    if !facts.is_empty() {
        lines.say(Kind::Plain, "cpu", &facts.join(", "));
    }
    if let Some((all, available)) = host.memory {
        let kind = if host.shown().available.is_some() { Kind::Warning } else { Kind::Plain };
        let text = format!("{} of {} available", units::bytes(available), units::bytes(all));
        lines.say(kind, "memory", &text);
    }
}

/// What would come back.
fn at_boot(lines: &mut Lines, watched: &Watched, daemon: &Daemon, now: Moment) {
    if daemon.saved.is_none() && daemon.startup == Startup::Unknown {
        return;
    }
    lines.heading("At the next boot");
    let kind = match &daemon.startup {
        Startup::Unknown => Kind::Quiet,
        Startup::Nobody | Startup::Unit { is_enabled: Some(false), .. } => Kind::Warning,
        Startup::Unit { .. } => Kind::Good,
    };
    lines.say(kind, "starts PM2", &daemon.startup.to_string());
    match &daemon.saved {
        None => {}
        Some(SavedList::Missing { .. }) => {
            let text = "no saved list: nothing comes back; x, then save, or pm2 save writes it";
            lines.say(Kind::Warning, "saved list", text);
        }
        Some(SavedList::Unreadable(why)) => {
            let text = format!("it cannot be read: {why}; x, then save, writes it anew");
            lines.say(Kind::Warning, "saved list", &text);
        }
        Some(SavedList::Read(read)) => saved(lines, watched, (daemon, read), now),
    }
}

fn saved(lines: &mut Lines, watched: &Watched, (daemon, read): (&Daemon, &ReadList), now: Moment) {
    let drift = &read.drift;
    let count = if drift.saved == 1 { "process" } else { "processes" };
    let ago = boot::ago(read.written_ms, now.wall_ms);
    let text = format!("{} {count}, written {ago}, mode {:04o}", drift.saved, read.mode);
    lines.say(Kind::Plain, "saved list", &text);
    if read.is_open() {
        let text = format!(
            "others can read it, and all environments are in it: chmod 600 {}/dump.pm2",
            daemon.home
        );
        lines.say(Kind::Warning, "", &text);
    }
    let label = |pm_id, name: &str| {
        let process = watched.fleet.get(ProcessKey { daemon: daemon.id, pm_id });
        process.map_or_else(|| format!("{name}[{pm_id}]"), |it| Target::of(&it.info).label())
    };
    if read.words().is_none() {
        lines.say(Kind::Good, "", "it is what runs now");
        return;
    }
    if !drift.unsaved.is_empty() {
        let all: Vec<String> = drift.unsaved.iter().map(|it| label(it.pm_id, &it.name)).collect();
        lines.say(Kind::Warning, "not in it", &all.join(", "));
    }
    if !drift.absent.is_empty() {
        let named = |(name, count): &(Box<str>, usize)| match count {
            1 => name.to_string(),
            count => format!("{name} ({count} of it)"),
        };
        let all: Vec<String> = drift.absent.iter().map(named).collect();
        lines.say(Kind::Warning, "only in it", &all.join(", "));
    }
    for changed in drift.changed.iter().take(LISTED_MAX) {
        let whom = label(changed.process.pm_id, &changed.process.name);
        for difference in &changed.differences {
            lines.say(Kind::Warning, "otherwise", &format!("{whom} {difference}"));
        }
    }
    let left_out = drift.changed.len().saturating_sub(LISTED_MAX);
    if left_out > 0 {
        lines.say(Kind::Quiet, "", &format!("and {left_out} more"));
    }
    lines.say(
        Kind::Quiet,
        "",
        "x, then save, writes what runs now; resurrect starts what is missing",
    );
}

/// The daemon before or after this one, among those that are watched.
#[must_use]
pub fn neighbour(watched: &Watched, id: DaemonId, is_next: bool) -> DaemonId {
    let ids: Vec<DaemonId> = watched.daemons.iter().map(|daemon| daemon.id).collect();
    let at = ids.iter().position(|other| *other == id).unwrap_or(0);
    let to = if is_next { at.saturating_add(1) } else { at.saturating_sub(1) };
    ids.get(to).copied().unwrap_or(id)
}
