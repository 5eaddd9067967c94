//! What the daemon's own log tells of the lives of a process, line after line.

use super::{Left, again, console_line, death, is_stopped_waiting};
use crate::model::console::{self, DAEMON_BEGINS, DAEMON_SIGNALLED, DAEMON_STOPPED};
use crate::model::death::black_box::LATER_MS;
use crate::model::death::cause::{DaemonEnd, Evidence, Trigger};
use crate::model::death::{Death, Follows, says_heap_is_full};
use crate::model::end::End;
use crate::model::lifecycle::{self, Life, Whom};
use crate::protocol::process::{ExecMode, ProcessInfo};
use crate::protocol::text::clean;

/// Whether the daemon's own log may tell that a life of this process ended: quick, for many processes.
#[must_use]
pub fn may_tell_an_end(info: &ProcessInfo, console: &str) -> bool {
    let has = |text: &str, said: &str| {
        let sign = format!("App [{}:{}] {said}", info.name, info.pm_id);
        memchr::memmem::find(text.as_bytes(), sign.as_bytes()).is_some()
    };
    let before = console.rfind(DAEMON_BEGINS).and_then(|at| console.get(..at));
    has(console, "exited with code [") || before.is_some_and(|before| has(before, "starting in "))
}

/// What a line of the console says of one process.
enum Said<'a> {
    Starting,
    Stopping,
    Exited { code: &'a str, signal: &'a str },
}

/// Reads a line about the process of that id and name; names may hold `:` and `]`.
fn said<'a>(text: &'a str, info: &ProcessInfo, name: &str) -> Option<Said<'a>> {
    let id = info.pm_id.to_string();
    if let Some(rest) = text.strip_prefix("Stopping app:") {
        let (app, whom) = rest.rsplit_once(" id:")?;
        return (app == name && whom.trim_end() == id).then_some(Said::Stopping);
    }
    let rest = text.strip_prefix("App [")?.strip_prefix(name)?;
    let rest = rest.strip_prefix(':')?.strip_prefix(id.as_str())?.strip_prefix("] ")?;
    if rest.starts_with("starting in") {
        return Some(Said::Starting);
    }
    let (code, rest) = rest.strip_prefix("exited with code [")?.split_once("] via signal [")?;
    Some(Said::Exited { code, signal: rest.trim_end().strip_suffix(']')? })
}

/// Whether another daemon begins, and how the one before it ended.
#[derive(Debug, Default)]
struct Daemons {
    begins: bool,
    was_stopped: bool,
}

impl Daemons {
    /// Takes what a line says; on old releases what begins has no time.
    fn take(&mut self, text: &str) {
        self.begins |= text.trim_start_matches('-').trim_start().starts_with(DAEMON_BEGINS);
        self.was_stopped |=
            [DAEMON_STOPPED, DAEMON_SIGNALLED].iter().any(|words| text.contains(words));
    }

    /// How the one before ended, where another one begins now.
    fn ended(&mut self) -> Option<DaemonEnd> {
        let Self { begins, was_stopped } = std::mem::replace(
            self,
            Self { begins: false, was_stopped: self.was_stopped && !self.begins },
        );
        let how = if was_stopped { DaemonEnd::Stopped } else { DaemonEnd::Died };
        begins.then_some(how)
    }
}

/// The deaths that the daemon's own log tells, oldest first.
pub(super) fn deaths(left: &Left<'_>) -> Vec<Death> {
    let mut course = Course::of(left);
    for line in left.console.lines() {
        match console_line(line, left.utc_offset_s) {
            Some((at_ms, text)) => course.take(at_ms, text),
            None => course.take_untimed(line),
        }
    }
    course.deaths
}

/// A process's lives up to a line of the log.
struct Course<'a> {
    left: &'a Left<'a>,
    deaths: Vec<Death>,
    /// When the life that goes on began, milliseconds since 1970.
    started_ms: Option<i64>,
    /// When it was stopped while it waited for its restart, likewise.
    stopped_ms: i64,
    is_alive: bool,
    is_asked: bool,
    is_heap_full: bool,
    trigger: Option<Trigger>,
    may_be_cron: bool,
    /// Whether it was its end that was told last: of who is given up, PM2 says the script alone.
    is_last: bool,
    daemons: Daemons,
}

impl<'a> Course<'a> {
    fn of(left: &'a Left<'a>) -> Self {
        Self {
            left,
            deaths: Vec::new(),
            started_ms: None,
            stopped_ms: i64::MIN,
            is_alive: true,
            is_asked: false,
            is_heap_full: false,
            trigger: None,
            may_be_cron: false,
            is_last: false,
            daemons: Daemons::default(),
        }
    }

    fn take_untimed(&mut self, line: &str) {
        self.is_heap_full |= says_heap_is_full(line);
        self.daemons.take(line);
    }

    fn take(&mut self, at_ms: i64, text: &str) {
        let (info, name) = (self.left.info, &*self.left.info.name);
        self.take_untimed(text);
        if let Some(how) = self.daemons.ended() {
            self.ended_with_daemon(how, at_ms);
        }
        if let Some((whom, life)) = lifecycle::read_console(text, at_ms)
            && (whom == Whom::Id(info.pm_id.0) || whom == Whom::Name(name))
        {
            self.may_be_cron = life == Life::CronDue;
            self.trigger = trigger_of(life, at_ms);
        }
        let is_own =
            |(script, _): (&str, u32)| info.script.as_deref().is_none_or(|own| own == script);
        if console::given_up(text).is_some_and(is_own)
            && let Some(last) = self.deaths.last_mut()
            && at_ms - last.ended_ms <= 1_000
            && self.is_last
        {
            last.follows = Follows::GaveUp { max: info.restarts_max() };
        }
        self.is_last &= !text.contains("] exited with code [");
        match said(text, info, name) {
            Some(Said::Starting) => {
                self.started_ms = Some(at_ms);
                (self.is_asked, self.is_heap_full, self.is_alive) = (false, false, true);
                begin_after(self.deaths.last_mut(), (at_ms, self.stopped_ms));
            }
            Some(Said::Stopping) => self.stops(at_ms),
            Some(Said::Exited { code, signal }) => self.exits(end_of(code, signal), at_ms),
            None => {}
        }
    }

    fn stops(&mut self, at_ms: i64) {
        self.is_asked = true;
        // There is no process that could end: it waited for its restart.
        if let Some(last) = self.deaths.last_mut().filter(|_| !self.is_alive)
            && last.follows == Follows::Unknown
        {
            self.stopped_ms = at_ms;
            last.follows = Follows::StoppedWaiting { by: None };
        }
    }

    fn exits(&mut self, end: End, at_ms: i64) {
        let (left, info) = (self.left, self.left.info);
        let evidence = Evidence {
            end: Some(end),
            is_asked: self.is_asked,
            trigger: self.trigger.take(),
            may_be_cron: std::mem::take(&mut self.may_be_cron),
            is_heap_full: self.is_heap_full,
            is_oom: left.calm_since_ms.filter(|since_ms| at_ms >= *since_ms).map(|_| false),
            is_cluster: info.exec_mode == ExecMode::Cluster,
            is_shell: info.setup.runs_shell,
            ..Evidence::default()
        };
        self.deaths.push(death(evidence, self.started_ms.take(), at_ms));
        (self.is_asked, self.is_last, self.is_alive) = (false, true, false);
    }

    /// Another daemon began: a life of which no end was told is over.
    fn ended_with_daemon(&mut self, how: DaemonEnd, at_ms: i64) {
        let Some(began_ms) = self.started_ms.take() else { return };
        let evidence = Evidence { with_daemon: Some(how), ..Evidence::default() };
        let death = death(evidence, Some(began_ms), at_ms);
        // When it ended before that, nobody saw.
        self.deaths.push(Death { uptime_ms: None, ..death });
        (self.is_asked, self.is_last, self.is_alive) = (false, false, false);
        (self.trigger, self.may_be_cron) = (None, false);
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
fn begin_after(last: Option<&mut Death>, (began_ms, stopped_ms): (i64, i64)) {
    let Some(last) = last else { return };
    let was_request = is_stopped_waiting(last) && began_ms.saturating_sub(stopped_ms) < LATER_MS;
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
