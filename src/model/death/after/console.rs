//! What the daemon's own log tells of the lives of a process, line after line.

use std::collections::BTreeMap;

use super::{Left, again, console_line, death, is_stopped_waiting};
use crate::model::console::{self, DAEMON_BEGINS};
use crate::model::death::black_box::LATER_MS;
use crate::model::death::cause::{Evidence, Trigger};
use crate::model::death::{Death, Follows, says_heap_is_full};
use crate::model::end::End;
use crate::model::lifecycle::{self, Life, Whom};
use crate::protocol::process::{ExecMode, PmId, ProcessInfo};
use crate::protocol::text::clean;

mod daemons;
mod tenure;

use self::daemons::Daemons;
use self::tenure::{Tenure, join};

/// Whether the daemon's own log may tell that a life of this process ended: quick, for many processes. `listed` as in
/// [`Left::listed`].
#[must_use]
pub fn may_tell_an_end(info: &ProcessInfo, listed: &[(PmId, Box<str>)], console: &str) -> bool {
    let sign = format!("App [{}:", info.name);
    let begin = console.rfind(DAEMON_BEGINS).unwrap_or_default();
    let is_other = |id: u32| {
        id != info.pm_id.0 && listed.iter().any(|(other, name)| other.0 == id && *name == info.name)
    };
    let told = memchr::memmem::rfind_iter(console.as_bytes(), sign.as_bytes());
    told.filter_map(|at| Some((at, console.get(at + sign.len()..)?.split_once("] ")?))).any(
        |(at, (whom, said))| {
            let Some((id, _)) = id_of(whom) else { return false };
            let has_ended = said.starts_with("exited with code [");
            // Under another daemon another id may have been this process.
            (has_ended || at < begin && said.starts_with("starting in "))
                && (at < begin || !is_other(id))
        },
    )
}

/// What a line of the console says of one process.
#[derive(Clone, Copy)]
enum Said<'a> {
    Starting,
    Stopping,
    Exited { code: &'a str, signal: &'a str },
}

/// Whom a line is about: the id, and whether it is a worker that a reload replaced, `_old_3`.
fn id_of(whom: &str) -> Option<(u32, bool)> {
    let old = whom.strip_prefix("_old_");
    Some((old.unwrap_or(whom).parse().ok()?, old.is_some()))
}

/// Reads a line about a process of that name; names may hold `:` and `]`.
fn said<'a>(text: &'a str, name: &str) -> Option<((u32, bool), Said<'a>)> {
    if let Some(rest) = text.strip_prefix("Stopping app:") {
        let (app, whom) = rest.rsplit_once(" id:")?;
        let whom = id_of(whom.trim_end())?;
        return (app == name).then_some((whom, Said::Stopping));
    }
    let rest = text.strip_prefix("App [")?.strip_prefix(name)?.strip_prefix(':')?;
    let (whom, rest) = rest.split_once("] ")?;
    let whom = id_of(whom)?;
    if rest.starts_with("starting in") {
        return Some((whom, Said::Starting));
    }
    let (code, rest) = rest.strip_prefix("exited with code [")?.split_once("] via signal [")?;
    Some((whom, Said::Exited { code, signal: rest.trim_end().strip_suffix(']')? }))
}

/// What the daemon's own log tells of a process.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Its deaths, oldest first.
    pub(super) deaths: Vec<Death>,
    /// How many of the last ones are of the process that is listed, not of one before it.
    pub(super) own: usize,
    /// How many of the first ones wrote other log files.
    pub(super) elsewhere: usize,
}

/// The deaths that the daemon's own log tells of a process and of those that were it before, under other ids and
/// daemons.
pub(super) fn told(left: &Left<'_>) -> Told {
    let course = Course::read(left);
    join(course.tenures, course.daemon, left)
}

/// Those of its name and id, whichever process that was.
pub(super) fn of_id(left: &Left<'_>) -> Told {
    let course = Course::read(left);
    let mut told = Told::default();
    let mut stopped_ms = None;
    for mut tenure in course.tenures.into_iter().filter(|it| it.id == left.info.pm_id.0) {
        tenure.deaths.retain(|death| !death.evidence.is_old_worker);
        if let Some(began_ms) = tenure.first_ms {
            begin_after(told.deaths.last_mut(), (began_ms, stopped_ms));
        }
        stopped_ms = tenure.stopped_ms;
        told.own = if tenure.daemon == course.daemon { tenure.deaths.len() } else { 0 };
        told.deaths.append(&mut tenure.deaths);
    }
    told
}

/// The lives of all of a name up to a line of the log.
struct Course<'a> {
    left: &'a Left<'a>,
    tenures: Vec<Tenure>,
    /// Which of them are of this daemon, by their ids.
    present: BTreeMap<u32, usize>,
    /// How many daemons ended before.
    daemon: usize,
    /// How many lines were read.
    line: usize,
    /// At which of them a heap was full last.
    heap_line: usize,
    /// Why PM2 restarts those next, by their ids, and whether that may be their cron pattern.
    triggers: BTreeMap<u32, (Option<Trigger>, bool)>,
    /// Whose end was told last: of who is given up, PM2 says the script alone.
    last: Option<u32>,
    daemons: Daemons,
}

impl<'a> Course<'a> {
    fn read(left: &'a Left<'a>) -> Self {
        let mut course = Self {
            left,
            tenures: Vec::new(),
            present: BTreeMap::new(),
            daemon: 0,
            line: 0,
            heap_line: 0,
            triggers: BTreeMap::new(),
            last: None,
            daemons: Daemons::default(),
        };
        for line in left.console.lines() {
            course.line += 1;
            if let Some((at_ms, text)) = console_line(line, left.utc_offset_s) {
                course.take(at_ms, text);
            } else {
                course.look_at_heap(line);
                course.daemons.take(line, course.line);
            }
        }
        course
    }

    fn look_at_heap(&mut self, line: &str) {
        if says_heap_is_full(line) {
            self.heap_line = self.line;
        }
    }

    fn take(&mut self, at_ms: i64, text: &str) {
        let name = &*self.left.info.name;
        self.look_at_heap(text);
        self.daemons.take_timed((at_ms, text), self.line);
        if let Some(ended) = self.daemons.ended() {
            for index in std::mem::take(&mut self.present).into_values() {
                if let Some(tenure) = self.tenures.get_mut(index) {
                    tenure.close(ended, (at_ms, self.line));
                }
            }
            (self.daemon, self.last) = (self.daemon + 1, None);
            self.triggers.clear();
        }
        if let Some((whom, life)) = lifecycle::read_console(text, at_ms) {
            self.will_restart(whom, life, at_ms);
        }
        self.gives_up(at_ms, text);
        if text.contains("] exited with code [") {
            self.last = None;
        }
        if let Some(((id, is_old), said)) = said(text, name) {
            self.happens((id, is_old), said, at_ms);
        }
    }

    fn will_restart(&mut self, whom: Whom<'_>, life: Life, at_ms: i64) {
        let may_be_cron = life == Life::CronDue;
        let why = (trigger_of(life, at_ms), may_be_cron);
        match whom {
            Whom::Id(id) => {
                self.triggers.insert(id, why);
            }
            Whom::Name(name) if name == &*self.left.info.name => {
                let ids = self.present.keys().copied().chain([self.left.info.pm_id.0]);
                self.triggers.extend(ids.map(|id| (id, why.clone())));
            }
            Whom::Name(_) => {}
        }
    }

    /// PM2 gives up on the one whose end was told last.
    fn gives_up(&mut self, at_ms: i64, text: &str) {
        let info = self.left.info;
        let is_own =
            |(script, _): (&str, u32)| info.script.as_deref().is_none_or(|own| own == script);
        let last = self.last.and_then(|id| self.tenures.get_mut(*self.present.get(&id)?));
        if console::given_up(text).is_some_and(is_own)
            && let Some(last) = last.and_then(|tenure| tenure.deaths.last_mut())
            && at_ms - last.ended_ms <= 1_000
        {
            last.follows = Follows::GaveUp { max: info.restarts_max() };
        }
    }

    fn happens(&mut self, (id, is_old): (u32, bool), said: Said<'_>, at_ms: i64) {
        let (line, daemon) = (self.line, self.daemon);
        let is_starting = matches!(said, Said::Starting);
        let index = *self.present.entry(id).or_insert(self.tenures.len());
        if index == self.tenures.len() {
            let is_alive = true;
            let (from, first_ms) = if is_starting { (line, Some(at_ms)) } else { (0, None) };
            let lines = (from, line);
            self.tenures.push(Tenure {
                id,
                daemon,
                lines,
                first_ms,
                is_alive,
                ..Tenure::default()
            });
        }
        let Some(tenure) = self.tenures.get_mut(index) else { return };
        tenure.lines.1 = line;
        match said {
            // A reload starts the new worker first.
            Said::Starting if tenure.is_alive && tenure.started_ms.is_some() => {
                let before_ms = tenure.started_ms.replace(at_ms);
                tenure.old_started_ms = tenure.old_started_ms.or(before_ms);
                (tenure.is_asked, tenure.begun_line) = (false, line);
            }
            Said::Starting => {
                tenure.started_ms = Some(at_ms);
                (tenure.is_asked, tenure.begun_line, tenure.is_alive) = (false, line, true);
                let last = tenure.deaths.last_mut().filter(|last| !last.evidence.is_old_worker);
                begin_after(last, (at_ms, tenure.stopped_ms));
            }
            Said::Stopping if is_old => {}
            Said::Stopping => tenure.stops(at_ms, line),
            Said::Exited { code, signal } => self.exits((id, is_old), end_of(code, signal), at_ms),
        }
    }

    fn exits(&mut self, (id, is_old): (u32, bool), end: End, at_ms: i64) {
        let (left, info) = (self.left, self.left.info);
        let tenure = self.present.get(&id).and_then(|index| self.tenures.get_mut(*index));
        let Some(tenure) = tenure else { return };
        let (trigger, may_be_cron) = self.triggers.remove(&id).unwrap_or_default();
        let evidence = Evidence {
            end: Some(end),
            is_asked: tenure.is_asked || is_old,
            is_old_worker: is_old,
            trigger,
            may_be_cron,
            is_heap_full: self.heap_line > tenure.begun_line,
            is_oom: left.calm_since_ms.filter(|since_ms| at_ms >= *since_ms).map(|_| false),
            is_cluster: info.exec_mode == ExecMode::Cluster,
            is_shell: info.setup.runs_shell,
            ..Evidence::default()
        };
        let started_ms =
            if is_old { tenure.old_started_ms.take() } else { tenure.started_ms.take() };
        tenure.deaths.push(death(evidence, started_ms, at_ms));
        if !is_old {
            (tenure.is_asked, tenure.is_alive) = (false, false);
            self.last = Some(id);
        }
    }
}

impl Tenure {
    fn stops(&mut self, at_ms: i64, line: usize) {
        (self.is_asked, self.asked_line) = (true, line);
        // There is no process that could end: it waited for its restart.
        if let Some(last) = self.deaths.last_mut().filter(|_| !self.is_alive)
            && last.follows == Follows::Unknown
        {
            self.stopped_ms = Some(at_ms);
            last.follows = Follows::StoppedWaiting { by: None };
        }
    }
}

/// How a process ended, as PM2's log says it: SIGINT where there was no signal.
fn end_of(code: &str, signal: &str) -> End {
    match signal {
        "SIGINT" => End::Code(clean(code).into()),
        signal => End::Signal(clean(signal).into()),
    }
}

/// A life began: what followed on the one before, which was stopped then where it waited for its restart.
fn begin_after(last: Option<&mut Death>, (began_ms, stopped_ms): (i64, Option<i64>)) {
    let Some(last) = last else { return };
    let is_soon = stopped_ms.is_some_and(|ms| began_ms.saturating_sub(ms) < LATER_MS);
    let was_request = is_stopped_waiting(last) && is_soon;
    if last.follows == Follows::Unknown || was_request {
        last.follows = again(last, began_ms);
    }
}

/// Why PM2 restarts a process, as its log says at this time.
fn trigger_of(life: Life, at_ms: i64) -> Option<Trigger> {
    match life {
        Life::OverMemory { used, limit } => Some(Trigger::Memory { used, limit }),
        Life::FileChanged(path) => Some(Trigger::File(clean(&path).into())),
        // Whole seconds: any restart of a process with a cron pattern looks so, but most patterns are on the
        // minute.
        Life::CronDue => (at_ms % 60_000 == 0).then_some(Trigger::Cron),
        _ => None,
    }
}
