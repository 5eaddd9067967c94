//! What a daemon's reports mean: the one place for the screen, the commands and every exporter.
//!
//! Invariant: pure; whoever applies a report turns the [`Changes`] into notices, lines or exit codes
//! of its own, and asks the report nothing more.

mod finished;
mod system;

use super::bundle::Written;
use super::call::CallOutcome;
use super::daemon::{BusState, Connection, Daemon, Problem, SNAPSHOTS_UNMEASURED};
use super::death::{self, BlackBox, cause::Trigger};
use super::errand::{Outcome, TaskId};
use super::exam::Exam;
use super::fleet::RowChanges;
use super::kept::Kept;
use super::lifecycle::{self, Life, Whom};
use super::log::{LineKind, LogLine, LogSource, Severity};
use super::moment::Moment;
use super::ours::Ours;
use super::past::{FileEnded, PartRead, Past};
use super::process::Process;
use super::ready::Ran;
use super::report::Report;
use super::saved::Saved;
use super::trigger::Reply;
use super::watched::Watched;
use super::{Action, DaemonId, ProcessKey, Target, Verdict, words};
use crate::protocol::bus::ProcessEvent;
use crate::protocol::process::{PmId, Snapshot};
use crate::protocol::text;

mod bundled;
mod exceptions;

/// PM2 says so soon after `online` that it could not start a process, milliseconds (seen: 2).
const SPAWNED_MS: i64 = 500;

/// What one report changed, in the order in which it did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes(pub Vec<Change>);

/// One thing that changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// What is known of the daemon itself: its connection, bus, version, pace or warnings.
    Daemon,
    /// It answers, on another connection than before.
    Connected {
        /// Whether it is certain that another daemon answers now.
        is_other: bool,
    },
    /// It answered, and does no more.
    Lost,
    /// A poll was answered; each process that is online has a sample more.
    Polled,
    /// An event came of a process, whose row is as it says now.
    Event(ProcessKey),
    /// What is shown of a process, its charts aside; or it is new.
    Process(ProcessKey),
    /// A process is gone, which was this one.
    Gone(Target),
    /// A process gave way to another one under its id.
    Replaced {
        /// Which it was.
        target: Target,
        /// How the new one is named.
        by: Box<str>,
    },
    /// There is news: lines that wait to be taken.
    Lines,
    /// Lines of log files came, older than all that was said of them before.
    Past(Box<Past>),
    /// All of the process whose details are open was read.
    Examined(Box<Exam>),
    /// There are exceptions more.
    Exceptions,
    /// The sizes of log files, and the room on their disks.
    Disk,
    /// Figures of the machine.
    Host,
    /// The count of events that were lost.
    Losses,
    /// It is a process's turn in an action on several that was asked for here.
    Begun(Target),
    /// A process was deleted here, as it was just before.
    Kept(Box<Kept>),
    /// An action that was asked for here ended.
    Finished {
        /// Which.
        action: Action,
        /// Of which process.
        target: Target,
        /// What came of it.
        verdict: Verdict,
    },
    /// A process replied to an action that was triggered here, or did not.
    Replied {
        /// The action's name.
        action: Box<str>,
        /// Which process.
        target: Target,
        /// What it replied.
        reply: Reply,
    },
    /// What came of a task that was asked for here, for a target or step of it.
    Did {
        /// Which task.
        task: TaskId,
        /// What came of it.
        outcome: Box<Outcome>,
    },
    /// That task ended.
    TaskEnded(TaskId),
    /// A call by name that was asked for here ended.
    Called {
        /// PM2's name of the method.
        method: Box<str>,
        /// How.
        outcome: CallOutcome,
    },
    /// An incident bundle was written, or why not.
    Bundled(Result<Written, Box<str>>),
    /// A command of the user's own ended.
    Ran(Box<Ran>),
    /// Something beside the daemons went wrong.
    Notice(Box<str>),
    /// Lines of the log were saved, or why not.
    LogSaved(Saved),
    /// Parts of log files were read again.
    Parts(Vec<PartRead>),
    /// How a log file ends, a good while after a process that writes it did.
    FileEnded(Box<FileEnded>),
}

/// Takes a report of a daemon in, which came at `now`.
pub fn apply(watched: &mut Watched, id: DaemonId, report: Report, now: Moment) -> Changes {
    let mut applying = Applying { watched, id, now, changes: Vec::new() };
    applying.report(report);
    Changes(applying.changes)
}

/// One report being applied.
struct Applying<'a> {
    watched: &'a mut Watched,
    id: DaemonId,
    now: Moment,
    changes: Vec<Change>,
}

impl Applying<'_> {
    fn report(&mut self, report: Report) {
        match report {
            Report::Connection(connection) => self.connection(connection),
            Report::Bus(bus) => self.bus(bus),
            Report::Version(version) => self.with_daemon(|daemon| daemon.version = Some(version)),
            Report::Methods(methods) => self.with_daemon(|daemon| daemon.methods = Some(methods)),
            Report::Snapshot { at_ms, took_ms, interval_ms, snapshot } => {
                let is_other_pace =
                    self.daemon().is_some_and(|daemon| daemon.poll_interval_ms != interval_ms);
                if let Some(daemon) = self.daemon() {
                    daemon.snapshot_at_ms = Some(at_ms);
                    daemon.poll_took_ms = Some(took_ms);
                    daemon.poll_interval_ms = interval_ms;
                }
                self.note_if(is_other_pace, Change::Daemon);
                let wall_ms = at_ms.saturating_sub(i64::try_from(took_ms).unwrap_or(i64::MAX));
                let asked = Moment { wall_ms, steady_ms: self.now.steady_of(wall_ms) };
                self.snapshot(snapshot, asked);
            }
            Report::Examined(exam) => self.changes.push(Change::Examined(exam)),
            Report::Measured { interval_ms, processes } => self.measured(interval_ms, &processes),
            Report::Host(host) => self.host(host),
            Report::Ports(ports) => self.ports(ports),
            Report::OomKills(kills) => self.oom_kills(kills),
            Report::Disk(look) => self.disk(look),
            Report::Sizes(look) => self.sizes(look),
            Report::SavedList(list) => self.saved_list(*list),
            Report::HasSaved(is_so) => self.with_daemon(|daemon| daemon.has_saved = Some(is_so)),
            Report::Startup(startup) => self.with_daemon(|daemon| daemon.startup = startup),
            Report::Release(release) => self.with_daemon(|daemon| daemon.release = *release),
            Report::Lives(lives) => self.lives(lives),
            Report::History(past) => self.changes.push(Change::Past(past)),
            Report::Process(event) => self.event(&event),
            Report::Exception(exception) => self.exception(&exception),
            Report::Killed(message) => self.say("pm2:kill", Severity::Bad, &message),
            Report::ActionBegun { target, .. } => self.begin(target),
            Report::Kept(kept) => self.changes.push(Change::Kept(kept)),
            Report::ActionFinished { action, target, verdict } => self.end(action, target, verdict),
            Report::Replied { action, target, reply } => self.replied(action, target, reply),
            Report::CallFinished { method, outcome } => self.finish_call(method, outcome),
            Report::Bundled(outcome) => self.bundled(outcome),
            Report::Ran(ran) => self.ran(ran),
            Report::Notice(text) => self.told(text),
            Report::Audit(standing) => self.audited(standing),
            Report::LogSaved(saved) => self.log_saved(saved),
            Report::Parts(parts) => self.changes.push(Change::Parts(parts)),
            Report::FileEnded(end) => self.changes.push(Change::FileEnded(end)),
            Report::Did { task, outcome } => self.did(task, outcome),
            Report::TaskEnded(task) => self.changes.push(Change::TaskEnded(task)),
            Report::Lines(lines) => self.lines(lines),
            Report::EventsLost(events) => {
                self.with_daemon(|daemon| daemon.events_lost += events);
                self.changes.push(Change::Losses);
            }
            Report::Warning { text, count } => self.with_daemon(|daemon| {
                daemon.warnings += count;
                daemon.last_warning = Some(text);
            }),
        }
    }

    fn daemon(&mut self) -> Option<&mut Daemon> {
        self.watched.daemons.get_mut(usize::from(self.id.0))
    }

    fn with_daemon(&mut self, change: impl FnOnce(&mut Daemon)) {
        if let Some(daemon) = self.daemon() {
            change(daemon);
            self.changes.push(Change::Daemon);
        }
    }

    fn note_if(&mut self, is_so: bool, change: Change) {
        if is_so {
            self.changes.push(change);
        }
    }

    /// Something that happened to the daemon itself.
    fn say(&mut self, word: &'static str, severity: Severity, text: &str) {
        let (at_ms, source) = (self.now.wall_ms, self.source(None, "PM2"));
        self.watched.news.push(LogLine::event(at_ms, source, word, severity, text));
        self.changes.push(Change::Lines);
    }

    /// Something that happened to a process.
    fn tell(&mut self, pm_id: PmId, name: &str, at_ms: i64, happened: &Life) {
        let told = words::tell(happened);
        let source = self.source(Some(pm_id), name);
        let line = LogLine::event(at_ms, source, told.word, told.severity, &told.text);
        self.watched.news.push(line);
        self.changes.push(Change::Lines);
    }

    fn source(&self, pm_id: Option<PmId>, name: &str) -> LogSource {
        LogSource { daemon: self.id, pm_id, name: name.into() }
    }

    fn connection(&mut self, connection: Connection) {
        let now = self.now;
        let Some(daemon) = self.daemon() else { return };
        let was_live = daemon.is_live();
        let (home, is_saved) = (daemon.home.clone(), daemon.is_saved());
        daemon.retry_at_ms = None;
        daemon.measure_interval_ms = None;
        let mut is_other = false;
        let mut is_new = false;
        match &connection {
            Connection::Live { serial, god } => {
                is_new = daemon.serial != Some(*serial);
                is_other = daemon.god.is_some() && god.is_some() && daemon.god != *god;
                daemon.serial = Some(*serial);
                daemon.god = god.or(daemon.god);
                daemon.is_fresh |= is_new;
                daemon.unmeasured = if god.is_some() { SNAPSHOTS_UNMEASURED } else { 0 };
            }
            Connection::Down { retry_in_ms, .. } => {
                let wait_ms = i64::try_from(*retry_in_ms).unwrap_or(i64::MAX);
                daemon.retry_at_ms = Some(now.steady_ms.saturating_add(wait_ms));
            }
            Connection::Connecting => {}
        }
        daemon.stand(connection.clone(), now.wall_ms);
        self.changes.push(Change::Daemon);
        match connection {
            Connection::Live { .. } if is_new => {
                let text = match (is_other, was_live) {
                    (true, _) => "another PM2 daemon answers",
                    (false, true) => "the daemon answers, on a new connection",
                    (false, false) => "the daemon answers",
                };
                self.say("connected", Severity::Good, text);
                self.changes.push(Change::Connected { is_other });
            }
            Connection::Down { problem, .. } if was_live => {
                self.say("lost", Severity::Bad, &problem.sentence());
                self.say("lost", Severity::Neutral, &problem.advice(&home, is_saved));
                self.changes.push(Change::Lost);
            }
            _ => {}
        }
    }

    fn bus(&mut self, bus: BusState) {
        let Some(daemon) = self.daemon() else { return };
        if daemon.bus == bus {
            return;
        }
        let was_down = matches!(daemon.bus, BusState::Down(_));
        let is_live = daemon.is_live();
        let home = daemon.home.clone();
        daemon.bus = bus.clone();
        self.changes.push(Change::Daemon);
        match bus {
            BusState::Live if was_down => {
                self.say("events", Severity::Good, "events are back");
            }
            // Where the daemon is gone too, that is said already.
            BusState::Down(problem) if is_live && problem != Problem::Closed => {
                let text = format!("no events: {}", problem.of_bus(&home));
                self.say("no events", Severity::Warning, &text);
            }
            _ => {}
        }
    }

    fn snapshot(&mut self, snapshot: Snapshot, asked: Moment) {
        let (id, now) = (self.id, self.now);
        let rows = self.watched.fleet.apply_snapshot(id, snapshot, (asked, now));
        let is_fresh = self.daemon().is_some_and(|daemon| {
            daemon.unmeasured = daemon.unmeasured.saturating_sub(1);
            std::mem::take(&mut daemon.is_fresh)
        });
        let blinding = rows.blinding;
        self.rows(rows, !is_fresh);
        self.blindness(blinding);
        self.sample();
        self.group_deaths();
        self.changes.push(Change::Polled);
    }

    /// What ended before anybody watched goes before what was seen.
    fn lives(&mut self, lives: Vec<(PmId, BlackBox)>) {
        for (pm_id, past) in lives {
            let key = ProcessKey { daemon: self.id, pm_id };
            if let Some(process) = self.watched.fleet.get_mut(key) {
                super::waiting::count_down(process, &past, self.now);
                let black_box = self.watched.boxes.of(key);
                let mended = black_box.mend(&past, self.now.wall_ms);
                let with_daemons = past.ends_with_daemons();
                let older = black_box.take_past(past);
                let mended = mended.into_iter().map(|place| place + older);
                self.note_signal(key);
                self.group_past(key, (0..older).chain(mended));
                self.watched.boxes.of(key).take_ends_with_daemons(with_daemons);
                self.changes.push(Change::Process(key));
            }
        }
    }

    /// Takes what became of the rows in; `is_told` is false where a new connection may mean another
    /// daemon, whose processes are not those.
    fn rows(&mut self, rows: RowChanges, is_told: bool) {
        let god = self.daemon().and_then(|daemon| daemon.god);
        let at_ms = self.now.wall_ms;
        for process in rows.gone {
            self.forget_box(&process);
            // PM2 has no event for a deletion. One asked for here is told by its verdict.
            if is_told && !is_delete_asked(&process) {
                self.tell(process.info.pm_id, &process.info.name, at_ms, &Life::Deleted);
            }
            self.changes.push(Change::Gone(process.target(god)));
        }
        for (process, by) in rows.replaced {
            self.forget_box(&process);
            if is_told && !is_delete_asked(&process) {
                let life = Life::Replaced { by: by.clone() };
                self.tell(process.info.pm_id, &process.info.name, at_ms, &life);
            }
            self.changes.push(Change::Replaced { target: process.target(god), by });
        }
        self.changes.extend(rows.changed.into_iter().map(Change::Process));
    }

    fn event(&mut self, event: &ProcessEvent) {
        let (id, now, pm_id) = (self.id, self.now, event.info.pm_id);
        let key = ProcessKey { daemon: id, pm_id };
        if self.watched.fleet.is_told_late(key, event, now) {
            return;
        }
        // What is told of another process under this id is not of the one that was here.
        let process = self
            .watched
            .fleet
            .get_mut(key)
            .filter(|process| event.is_old_worker || process.is(&event.info));
        let ours = process.as_ref().map(|process| Ours::of(process, now)).unwrap_or_default();
        let is_known = process.is_some();
        let mut life = lifecycle::read(process, event, now);
        if self.watched.boxes.get(key).is_some_and(|its| its.has_thrown(event, now)) {
            life.iter_mut().for_each(Life::after_exception);
        }
        let rows = self.watched.fleet.apply_event(id, event, now);
        self.rows(rows, true);
        if is_known || self.watched.fleet.get(key).is_some() {
            self.watched.boxes.of(key).event(event, ours, now);
            self.note_signal(key);
        }
        if let Some(life) = life {
            let at_ms = event.at_ms.unwrap_or(now.wall_ms);
            self.tell(pm_id, &event.info.name, at_ms, &life);
        }
        self.changes.push(Change::Event(key));
    }

    fn lines(&mut self, lines: Vec<LogLine>) {
        for line in lines {
            let is_console =
                matches!(line.kind, LineKind::Event(..)) && line.source.pm_id.is_none();
            if is_console && self.daemon().is_some_and(|it| it.repeats_blindness(&line.text)) {
                continue;
            }
            self.note_line(&line, is_console);
            self.hear(&line);
            let read = is_console.then(|| lifecycle::read_console(&line.text, line.at_ms));
            let found = read.flatten().and_then(|(whom, life)| Some((self.whom(whom)?, life)));
            match found {
                Some((key, life)) => {
                    let at_ms = line.at_ms;
                    let Some(process) = self.watched.fleet.get_mut(key) else { continue };
                    process.explained_at_ms = Some(self.now.steady_ms);
                    let name = process.info.name.clone();
                    if let Some(trigger) = trigger_of(&life) {
                        self.watched.boxes.of(key).trigger(trigger, self.now);
                    }
                    self.tell(key.pm_id, &name, at_ms, &life);
                }
                None => self.watched.news.push(line),
            }
        }
        self.changes.push(Change::Lines);
    }

    /// Notes in the black boxes what a line tells of why a process ends.
    fn note_line(&mut self, line: &LogLine, is_console: bool) {
        let (id, now) = (self.id, self.now);
        if is_console && death::says_heap_is_full(&line.text) {
            // A cluster worker's words on the daemon's own console: nothing says which one's, but it
            // is about to end by SIGABRT, which no other does meanwhile.
            let ours = self.watched.boxes.iter_mut().filter(|(key, _)| key.daemon == id);
            ours.for_each(|(_, life)| life.heap_is_full());
        }
        if is_console && let Some(why) = lifecycle::read_spawn_error(&line.text) {
            // It names the program, not the process: that is the one said to be online just before.
            let ours = self.watched.boxes.iter_mut().filter(|(key, _)| key.daemon == id);
            let latest = ours.max_by_key(|(_, life)| life.online_at_ms());
            if let Some((_, life)) = latest
                && life.online_at_ms().is_some_and(|at_ms| now.steady_ms - at_ms < SPAWNED_MS)
            {
                life.could_not_start(why);
            }
        }
        if line.kind == LineKind::Err
            && let Some(pm_id) = line.source.pm_id
            && let Some(life) = self.life(pm_id)
        {
            let hear = |line: &str| life.err_line(&text::clean(line), now);
            match &line.said {
                Some(said) => said.lines().for_each(hear),
                None => line.lines().for_each(hear),
            }
        }
    }

    /// The black box of a process that is there: what else the bus names has none.
    fn life(&mut self, pm_id: PmId) -> Option<&mut BlackBox> {
        let key = ProcessKey { daemon: self.id, pm_id };
        let Watched { fleet, boxes, .. } = &mut *self.watched;
        fleet.get(key).map(|_| boxes.of(key))
    }

    /// The process that a line of the console means; of a name, the first.
    fn whom(&self, whom: Whom<'_>) -> Option<ProcessKey> {
        let is_it = |key: &ProcessKey, process: &Process| match whom {
            Whom::Id(id) => key.pm_id == PmId(id),
            Whom::Name(name) => *process.info.name == *name,
        };
        let mut ours = self.watched.fleet.iter().filter(|(key, _)| key.daemon == self.id);
        ours.find(|(key, process)| is_it(key, process)).map(|(key, _)| key)
    }
}

fn trigger_of(life: &Life) -> Option<Trigger> {
    match life {
        Life::OverMemory { used, limit } => Some(Trigger::Memory { used: *used, limit: *limit }),
        Life::FileChanged(path) => Some(Trigger::File(path.clone())),
        Life::CronDue => Some(Trigger::Cron),
        _ => None,
    }
}

fn is_delete_asked(process: &Process) -> bool {
    matches!(process.asked, Some((Action::Delete, _)))
}
