//! What happened to processes before anybody watched, from the daemon's own log: for the screen's timeline
//! and for `logs --events`.
//!
//! Invariant: what it tells of one process keeps its order. Its times are whole seconds: a start stands before
//! the lines of its second, where the first words are; all else behind them, where the last words are of what
//! ended. Where one life ended and the next began in a second, its start stands where that life began, and what
//! was before it not behind that: PM2's figures tell when, of the life that goes on, and of those before it
//! what they said (`turns`). Those are estimates, the same ones everywhere.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::sources::{LogFile, log_files};
use super::turns::{self, Turns};
use crate::daemon::seam::{ReadAt, read_part};
use crate::daemon::{Watch, clock, files, offload};
use crate::model::DaemonId;
use crate::model::console::{self, About, Happened};
use crate::model::log::{LogLine, LogSource, Severity};
use crate::protocol::process::{PmId, ProcessInfo};
use crate::protocol::text::clean;

/// How much of the end of the daemon's log is read for the screen, bytes.
const BYTES_MAX: u64 = 1 << 20;
/// How many events the screen takes of it.
const EVENTS_MAX: usize = 2_000;
/// The end of a second, milliseconds.
const SECOND_MS: i64 = 999;

/// To whom something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// To the process of this place in the list.
    Process(usize),
    /// To one of several, and nothing tells which.
    OneOf,
    /// To the daemon itself.
    Daemon,
}

/// A process that the daemon's log tells of.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) id: u32,
    /// Its name as it is shown.
    pub(crate) name: Box<str>,
    /// When the life began that goes on, milliseconds since 1970.
    pub(crate) since_ms: Option<i64>,
    /// The files that it alone writes.
    pub(crate) logs: Vec<LogFile>,
}

impl Known {
    /// What is known of some of all processes.
    pub(crate) fn of(infos: &[ProcessInfo], all: &[ProcessInfo]) -> Vec<Self> {
        let files = log_files(all, |_| true);
        let known = |info: &ProcessInfo| Self {
            id: info.pm_id.0,
            name: info.name.clone(),
            since_ms: info.runs_since_ms(),
            logs: own(&files, info.pm_id),
        };
        infos.iter().map(known).collect()
    }

    /// One of which no more is known.
    #[cfg(test)]
    pub(crate) fn named(id: u32, name: &str) -> Self {
        Self { id, name: name.into(), since_ms: None, logs: Vec::new() }
    }
}

/// Which script a process runs.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    id: u32,
    /// Its name as it is shown.
    name: Box<str>,
    path: Box<str>,
}

impl Script {
    /// Those of all these processes.
    pub(crate) fn of(all: &[ProcessInfo]) -> Vec<Self> {
        let script = |info: &ProcessInfo| {
            let path = info.script.clone()?;
            Some(Self { id: info.pm_id.0, name: info.name.clone(), path })
        };
        all.iter().filter_map(script).collect()
    }
}

/// Those of the files that this process alone writes.
fn own(files: &[LogFile], id: PmId) -> Vec<LogFile> {
    files.iter().filter(|file| file.ids == [id]).cloned().collect()
}

/// About when something happened, milliseconds since 1970, to whom, and what.
type Told<'a> = (i64, Whose, Happened<'a>);

/// Tells whom the lines of the daemon's log are about.
#[derive(Debug)]
pub(crate) struct Teller {
    processes: Vec<Known>,
    /// The scripts of all processes that there are.
    scripts: Vec<Script>,
    /// Whose end the line right before told: its id and name.
    last_ended: Option<(u32, Box<str>)>,
}

impl Teller {
    /// Of these processes, and the scripts of all that there are.
    pub(crate) fn of(processes: Vec<Known>, scripts: Vec<Script>) -> Self {
        Self { processes, scripts, last_ended: None }
    }

    /// The line before the next one is the last that this one read.
    pub(crate) fn go_on_from(&mut self, before: &Self) {
        self.last_ended.clone_from(&before.last_ended);
    }

    /// What comes next stands behind no line that was read.
    pub(crate) fn begin_anew(&mut self) {
        self.last_ended = None;
    }

    /// The place of the process with that id and name: ids are given anew.
    pub(crate) fn place_of(&self, id: u32, name: &str) -> Option<usize> {
        self.processes.iter().position(|known| known.id == id && *known.name == *name)
    }

    /// The ids and names of the processes.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (u32, &str)> {
        self.processes.iter().map(|known| (known.id, &*known.name))
    }

    /// What a line behind its time tells of one of the processes, or of the daemon.
    pub(crate) fn read<'a>(&mut self, line: &'a str, at_ms: i64) -> Option<(Whose, Happened<'a>)> {
        let happened = console::read(line, at_ms)?;
        let place = |is_it: &dyn Fn(u32, &str) -> bool| {
            self.processes.iter().position(|known| is_it(known.id, &known.name))
        };
        let place = match happened.about {
            // PM2 gives ids again: the name has to fit, too.
            About::Process(name, id) => {
                let name = clean(name);
                place(&|other, known| other == id && *known == *name)
            }
            About::Id(id) => place(&|other, _| other == id),
            About::Name(name) => {
                let name = clean(name);
                place(&|_, known| *known == *name)
            }
            About::Script(script) => {
                let whose = self.of_script(script);
                self.note(&happened);
                return Some(told_of_script(whose?, script, happened));
            }
            About::Daemon => None,
        };
        self.note(&happened);
        match (place, happened.about) {
            (Some(place), _) => Some((Whose::Process(place), happened)),
            (None, About::Daemon) => Some((Whose::Daemon, happened)),
            (None, _) => None,
        }
    }

    /// Whether a line is about a process that is not known; its end is noted.
    pub(crate) fn is_unknown(&mut self, line: &str, at_ms: i64) -> bool {
        let Some(happened) = console::read(line, at_ms) else { return false };
        match happened.about {
            About::Process(name, id) => {
                self.note(&happened);
                self.place_of(id, &clean(name)).is_none()
            }
            About::Script(script) => {
                let ended = self.ended_last(script);
                ended.is_some_and(|(id, name)| self.place_of(*id, name).is_none())
            }
            _ => false,
        }
    }

    /// Of whom PM2 gave up, the line right behind names the script alone.
    fn note(&mut self, happened: &Happened<'_>) {
        self.last_ended = match (happened.word, happened.about) {
            ("exit", About::Process(name, id)) => Some((id, clean(name).into())),
            _ => None,
        };
    }

    /// The process whose end was told right before, where it runs this script as far as that is known.
    fn ended_last(&self, script: &str) -> Option<&(u32, Box<str>)> {
        let (id, name) = self.last_ended.as_ref()?;
        let own = self.scripts.iter().find(|own| own.id == *id && own.name == *name);
        self.last_ended.as_ref().filter(|_| own.is_none_or(|own| *own.path == *script))
    }

    /// Whom it is about that this script was given up: whose end was told right before, else the only one
    /// that runs it.
    fn of_script(&self, script: &str) -> Option<Whose> {
        if let Some((id, name)) = self.ended_last(script) {
            return self.place_of(*id, name).map(Whose::Process);
        }
        let those = self.scripts.iter().filter(|other| *other.path == *script);
        let places: Vec<_> = those.map(|other| self.place_of(other.id, &other.name)).collect();
        match places.as_slice() {
            [place] => place.map(Whose::Process),
            places => places.iter().any(Option::is_some).then_some(Whose::OneOf),
        }
    }

    /// What the lines of the daemon's log tell, oldest first, each with about its time, milliseconds since
    /// 1970. Blocks.
    pub(crate) fn read_all<'a>(&mut self, text: &'a str, zone: &TimeZone) -> Vec<Told<'a>> {
        let mut all: Vec<Told<'a>> = Vec::new();
        let mut timed = 0;
        for line in text.lines() {
            let stamp = stamped(line, zone);
            let (at_ms, said) = stamp.unwrap_or_else(|| {
                let before = all.last().map_or(0, |(at_ms, ..)| *at_ms);
                (before, line)
            });
            // The daemon says without a time that it was started: just before what it says next.
            if stamp.is_some() {
                for (untimed_ms, ..) in all.iter_mut().skip(timed) {
                    *untimed_ms = at_ms;
                }
            }
            let told = self.read(console::unleveled(said), at_ms);
            all.extend(told.map(|(whose, happened)| (at_ms, whose, happened)));
            if stamp.is_some() {
                timed = all.len();
            }
        }
        let processes = self.processes.as_slice();
        let files = |place: usize| match processes.get(place) {
            Some(known) => known.logs.as_slice(),
            None => &[],
        };
        let turns = turns::told(ends(&all), files);
        place(&mut all, &self.processes, &turns);
        all
    }
}

/// That of a script was told, which is named where nothing tells which of its processes that is.
fn told_of_script<'a>(whose: Whose, script: &str, happened: Happened<'a>) -> (Whose, Happened<'a>) {
    if whose != Whose::OneOf {
        return (whose, happened);
    }
    let text = format!("{} (a process of {})", happened.text, clean(script));
    (whose, Happened { text, ..happened })
}

/// The ends and starts of each process, by its place.
fn ends(all: &[Told<'_>]) -> HashMap<usize, turns::Ends> {
    let mut ends: HashMap<usize, turns::Ends> = HashMap::new();
    for (at_ms, whose, happened) in all {
        let Whose::Process(place) = whose else { continue };
        if matches!(happened.word, "exit" | "online") {
            ends.entry(*place).or_default().push((*at_ms, happened.word == "online"));
        }
    }
    ends
}

/// Puts each where it belongs in its second.
fn place(all: &mut [Told<'_>], processes: &[Known], turns: &Turns) {
    for second in all.chunk_by_mut(|(one, ..), (other, ..)| one == other) {
        // Those of which more was told before in that second: what ended then is not begun before that.
        let mut told: Vec<Whose> = Vec::new();
        for (at_ms, whose, happened) in &mut *second {
            let is_start = match whose {
                Whose::Process(_) => happened.word == "online",
                Whose::OneOf | Whose::Daemon => happened.severity == Severity::Good,
            };
            if is_start && !told.contains(whose) {
                continue;
            }
            *at_ms = at_ms.saturating_add(SECOND_MS);
            told.push(*whose);
        }
        place_turns(second, processes, turns);
        second.sort_by_key(|(at_ms, ..)| *at_ms);
    }
}

/// Starts of which it is known when in this second they were, and what was before them in it.
fn place_turns(second: &mut [Told<'_>], processes: &[Known], turns: &Turns) {
    let Some(from_ms) = second.first().map(|(at_ms, ..)| at_ms - at_ms.rem_euclid(1_000)) else {
        return;
    };
    for (place, known) in processes.iter().enumerate() {
        let is_then = |at_ms: &i64| (from_ms..=from_ms + SECOND_MS).contains(at_ms);
        let told = || turns.get(&(place, from_ms)).copied();
        let Some(begun_ms) = known.since_ms.filter(is_then).or_else(told) else { continue };
        let is_its = |whose: &Whose| *whose == Whose::Process(place);
        let is_start = |(_, whose, happened): &Told<'_>| is_its(whose) && happened.word == "online";
        let Some(start) = second.iter().rposition(is_start) else { continue };
        if let Some((at_ms, ..)) = second.get_mut(start) {
            *at_ms = begun_ms;
        }
        for (at_ms, whose, _) in second.iter_mut().take(start) {
            if is_its(whose) {
                *at_ms = begun_ms.min(*at_ms);
            }
        }
    }
}

/// `2026-11-28T03:12:00: TEXT`: when, and the text.
pub(crate) fn stamped<'a>(line: &'a str, zone: &TimeZone) -> Option<(i64, &'a str)> {
    let (time, rest) = line.split_at_checked(19)?;
    let rest = rest.strip_prefix(": ")?;
    let time: DateTime = time.parse().ok()?;
    let at = zone.to_ambiguous_timestamp(time).compatible().ok()?;
    Some((at.as_millisecond(), rest))
}

/// Where the daemon's log ends now, bytes, and when that is, milliseconds since 1970: the bus has begun.
pub(super) async fn end(watch: &Watch) -> Option<(u64, i64)> {
    let path = path(watch);
    let size = offload::look(move || files::open(&path).ok()?.size().ok()).await??;
    Some((size, clock::now_ms()))
}

/// What the daemon's log tells up to there of the processes that write these files.
pub(super) async fn before(
    watch: &Watch,
    writers: &[LogFile],
    (size, until_ms): (u64, i64),
) -> Vec<LogLine> {
    let (id, path) = (watch.id, path(watch));
    let scripts = watch.history.scripts();
    let mut processes: Vec<Known> = Vec::new();
    for file in writers {
        for id in &file.ids {
            if !processes.iter().any(|known| known.id == id.0) {
                let since_ms = watch.history.since_ms(*id);
                let name = clean(&file.name).into();
                processes.push(Known { id: id.0, name, since_ms, logs: own(writers, *id) });
            }
        }
    }
    let reading = offload::look(move || {
        let file = files::open(&path).ok()?;
        let bytes = read_part(&file, size.saturating_sub(BYTES_MAX), size).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let teller = (processes, scripts);
        Some(lines(id, teller, &text, (&clock::zone(), until_ms)))
    });
    reading.await.flatten().unwrap_or_default()
}

fn path(watch: &Watch) -> PathBuf {
    watch.endpoint.home.join("pm2.log")
}

/// The last events that a text tells, oldest first, none of them later than that.
fn lines(
    daemon: DaemonId,
    (processes, scripts): (Vec<Known>, Vec<Script>),
    text: &str,
    (zone, until_ms): (&TimeZone, i64),
) -> Vec<LogLine> {
    let sources: Vec<LogSource> = processes
        .iter()
        .map(|known| LogSource { daemon, pm_id: Some(PmId(known.id)), name: (*known.name).into() })
        .collect();
    let all = Teller::of(processes, scripts).read_all(text, zone);
    let skip = all.len().saturating_sub(EVENTS_MAX);
    let line = |(at_ms, whose, happened): Told<'_>| {
        let source = match whose {
            Whose::Process(place) => sources.get(place)?.clone(),
            Whose::OneOf | Whose::Daemon => LogSource { daemon, pm_id: None, name: "PM2".into() },
        };
        let at_ms = at_ms.min(until_ms);
        let Happened { word, severity, text, .. } = happened;
        let line = LogLine::event(at_ms, source, word, severity, &text);
        Some(LogLine { is_estimated: true, ..line })
    };
    all.into_iter().skip(skip).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::log::LineKind;

    fn known(id: u32, name: &str, since_ms: Option<i64>) -> Known {
        Known { since_ms, ..Known::named(id, name) }
    }

    /// When the life began that goes on, PM2 tells in milliseconds.
    #[test]
    fn what_ended_and_began_in_a_second_stands_where_the_life_began_that_goes_on() {
        let text = "\
2026-11-28T03:12:03: PM2 log: App [api:3] online
2026-11-28T03:12:04: PM2 log: App [api:3] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:04: PM2 log: App [web:4] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:04: PM2 log: App [api:3] online
2026-11-28T03:12:04: PM2 log: App [web:4] online
";
        let at_ms = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let told = |since: &str| {
            let api = known(3, "api", Some(at_ms(since)));
            let mut teller = Teller::of(vec![api, known(4, "web", None)], Vec::new());
            let all = teller.read_all(text, &TimeZone::UTC).into_iter();
            let ours = all.filter(|(_, whose, _)| *whose == Whose::Process(0));
            ours.map(|(at_ms, _, told)| format!("{} {}", at_ms % 60_000, told.word))
                .collect::<Vec<_>>()
        };
        let wanted = ["3000 online", "4450 exit", "4450 online"];
        assert_eq!(told("2026-11-28T03:12:04.450Z"), wanted);
        // Of another second: that is another start.
        let wanted = ["3000 online", "4999 exit", "4999 online"];
        assert_eq!(told("2026-11-28T03:12:05.450Z"), wanted);
        assert_eq!(told("2026-11-28T03:12:03.450Z"), ["3450 online", "4999 exit", "4999 online"]);
    }

    #[test]
    fn the_daemons_log_tells_what_happened_before() {
        let text = "\
2026-11-28T03:12:00: PM2 log: App [api:3] starting in -fork mode-
2026-11-28T03:12:00: PM2 log: App [api:3] online
2026-11-28T03:12:04: PM2 log: App [other:3] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:04: PM2 log: App [api:3] exited with code [0] via signal [SIGKILL]
";
        let at_ms = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let until_ms = at_ms("2026-11-28T03:12:04.500Z");
        let processes = vec![known(3, "api", None)];
        let told: Vec<(i64, &'static str, Option<PmId>)> =
            lines(DaemonId(0), (processes, Vec::new()), text, (&TimeZone::UTC, until_ms))
                .into_iter()
                .map(|line| {
                    let LineKind::Event(word, _) = line.kind else { panic!("{line:?}") };
                    assert!(line.is_estimated);
                    (line.at_ms, word, line.source.pm_id)
                })
                .collect();
        let id = Some(PmId(3));
        assert_eq!(told, [(at_ms("2026-11-28T03:12:00Z"), "online", id), (until_ms, "exit", id),]);
    }

    /// A start is before the lines of its second, unless what was before it ended in that second.
    #[test]
    fn what_has_whole_seconds_stands_around_the_lines_of_its_second() {
        let text = "\
2026-11-28T03:12:00: PM2 log: App [api:3] exited with code [1] via signal [SIGINT]
--- New PM2 Daemon started -----------
2026-11-28T03:12:04: PM2 log: App [web:4] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:04: PM2 log: App [api:3] online
2026-11-28T03:12:04: PM2 log: App [web:4] online
2026-11-28T03:12:04: PM2 log: App [api:3] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:05: PM2 log: App [api:3] online
";
        let mut teller = Teller::of(vec![known(3, "api", None), known(4, "web", None)], Vec::new());
        let told: Vec<String> = teller
            .read_all(text, &TimeZone::UTC)
            .into_iter()
            .map(|(at_ms, whose, happened)| {
                let of = match whose {
                    Whose::Process(0) => "api",
                    Whose::Process(_) => "web",
                    Whose::OneOf | Whose::Daemon => "pm2",
                };
                format!("{} {of} {}", at_ms % 60_000, happened.word)
            })
            .collect();
        let wanted = [
            "999 api exit",
            "4000 pm2 pm2",
            "4000 api online",
            "4999 web exit",
            "4999 web online",
            "4999 api exit",
            "5000 api online",
        ];
        assert_eq!(told, wanted);
    }
}
