//! What happened to the processes, between their lines: from the daemon's own log, and then from its
//! console and events on the bus.
//!
//! Invariant: the order of the daemon's log is kept; what stands there already is not told again when
//! the bus brings it.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::time::Instant;

use super::super::{Context, output, targets};
use super::away::{Away, Had, Seen, moment_in, moment_of, said};
use super::filter::Filter;
use super::said::BusId;
use crate::client::Message;
use crate::daemon::history::Line;
use crate::daemon::history::events::{Known, Script, Teller, Whose, stamped};
use crate::daemon::seam::{ReadAt, read_part};
use crate::daemon::{clock, files};
use crate::logs::parse::{Level, Place};
use crate::model::console::{self, Happened};
use crate::model::lifecycle::Life;
use crate::model::log::Severity;
use crate::model::words;
use crate::protocol::bus::{EventKind, raw};
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// How much of the end of the daemon's log is read, bytes.
const CONSOLE_BYTES_MAX: u64 = 16 << 20;
/// Lines about processes that are not known wait so long, and so many of them, to be told whose they are.
const UNKNOWN: Duration = Duration::from_secs(10);
const UNKNOWN_MAX: usize = 1_000;

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// The process that it is about; `None` of the daemon itself.
    pub(super) of: Option<BusId>,
    /// What stands before it: `api[3]`.
    pub(super) label: String,
    /// A word of at most nine columns.
    pub(super) word: &'static str,
    /// When, how bad and what, as if it were a line of a log.
    pub(super) line: Line,
}

#[cfg(test)]
impl Event {
    /// One of a process.
    pub(super) fn for_test(id: BusId, word: &'static str) -> Self {
        event((Some(id), String::new()), word, Severity::Bad, 0, String::new())
    }
}

/// Which events are wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    teller: Teller,
    /// The ids and labels of its processes.
    labels: Vec<(BusId, String)>,
    /// Whether those of the daemon itself are, too.
    with_daemon: bool,
}

impl Wanted {
    /// Those of the first of these processes, of all that there are; with those of the daemon itself where all are meant.
    pub(super) fn of(
        (infos, all): (&[ProcessInfo], &[ProcessInfo]),
        with_daemon: bool,
        context: &Context,
    ) -> Self {
        let label = |info: &ProcessInfo| {
            (info.pm_id.0, output::printable(&targets::label(info), context.is_ascii))
        };
        let processes = Known::of(infos, all);
        let labels = infos.iter().map(label).collect();
        let teller = Teller::of(processes, Script::of(all));
        Self { teller, labels, with_daemon }
    }

    /// What a line of the console tells that is wanted.
    fn read(&mut self, line: &str, at_ms: i64) -> Option<Event> {
        let (whose, happened) = self.teller.read(line, at_ms)?;
        self.event(whose, happened, at_ms)
    }

    /// What a part of the daemon's log tells that is wanted.
    fn read_all(&mut self, text: &str) -> Vec<Event> {
        let told = self.teller.read_all(text, &TimeZone::system()).into_iter();
        let now_ms = clock::now_ms();
        told.filter_map(|(at_ms, whose, happened)| {
            let mut event = self.event(whose, happened, at_ms.min(now_ms))?;
            event.line.is_estimated = true;
            Some(event)
        })
        .collect()
    }

    /// The same of lines that were seen to come, each when it was: the daemon's log has whole seconds.
    fn read_seen(&mut self, lines: &[Seen]) -> Vec<Event> {
        let zone = TimeZone::system();
        let now_ms = clock::now_ms();
        let mut last_ms: HashMap<Whose, i64> = HashMap::new();
        let told = lines.iter().filter_map(|(line, seen)| {
            let (second, said) = split(line, &zone);
            let (whose, happened) = self.teller.read(said, second.unwrap_or(now_ms))?;
            // Its first words come behind a start, and its last ones before all else.
            let is_start = happened.word == "online" || happened.severity == Severity::Good;
            let at_ms = moment_of(second, seen.and_then(|seen| moment_in(seen, is_start)));
            let last_ms = last_ms.entry(whose).or_insert(i64::MIN);
            let at_ms = at_ms.unwrap_or(now_ms).max(*last_ms);
            *last_ms = at_ms;
            let mut event = self.event(whose, happened, at_ms)?;
            event.line.is_estimated = true;
            Some(event)
        });
        told.collect()
    }

    /// Those of these lines that are about processes that are not known.
    fn unknown(&mut self, lines: &[Seen]) -> Vec<Held> {
        let zone = TimeZone::system();
        let held = |(line, seen): &Seen| {
            let (second, said) = split(line, &zone);
            let at_ms = moment_of(second, seen.and_then(|seen| moment_in(seen, true)))?;
            self.teller.is_unknown(said, at_ms).then(|| Held::of(said, at_ms, true))
        };
        let held = lines.iter().filter_map(held).collect();
        self.teller.begin_anew();
        held
    }

    fn event(&self, whose: Whose, happened: Happened<'_>, at_ms: i64) -> Option<Event> {
        let (of, label) = match whose {
            Whose::Process(place) => {
                self.labels.get(place).map(|(id, label)| (Some(*id), label.clone()))?
            }
            Whose::OneOf => (None, "PM2".to_owned()),
            Whose::Daemon if self.with_daemon => (None, "PM2".to_owned()),
            Whose::Daemon => return None,
        };
        let Happened { word, severity, text, .. } = happened;
        Some(event((of, label), word, severity, at_ms, text))
    }

    /// That those of its processes were deleted that are not among all that there are now. The bus does not tell
    /// that.
    fn gone(&self, all: &[ProcessInfo]) -> Vec<Event> {
        let now_ms = clock::now_ms();
        let gone = self.teller.ids().filter_map(|(id, name)| {
            let holder = all.iter().find(|info| info.pm_id.0 == id);
            let life = match holder {
                Some(holder) if *holder.name == *name => return None,
                Some(holder) => {
                    Life::Replaced { by: clean(&targets::label(holder)).into_owned().into() }
                }
                None => Life::Deleted,
            };
            let words::Sentence { word, severity, text } = words::tell(&life);
            Some(event(self.label_of(id, name)?, word, severity, now_ms, text))
        });
        gone.collect()
    }

    fn label_of(&self, id: u32, name: &str) -> Option<(Option<BusId>, String)> {
        let (id, label) = self.labels.get(self.teller.place_of(id, name)?)?;
        Some((Some(*id), label.clone()))
    }
}

/// A line of the daemon's log: when, whole seconds, milliseconds since 1970, and what stands behind that.
fn split<'l>(line: &'l str, zone: &TimeZone) -> (Option<i64>, &'l str) {
    let line = line.trim_end();
    let (second, said) = stamped(line, zone).map_or((None, line), |(ms, said)| (Some(ms), said));
    (second, console::unleveled(said))
}

fn event(
    (of, label): (Option<BusId>, String),
    word: &'static str,
    severity: Severity,
    at_ms: i64,
    text: String,
) -> Event {
    let level = match severity {
        Severity::Bad => Level::Error,
        Severity::Warning => Level::Warn,
        Severity::Good | Severity::Neutral => Level::Info,
    };
    let line = Line {
        at_ms,
        is_estimated: false,
        level: Some(level),
        bytes: text.into_bytes().into(),
        more: 0,
        offset: None,
        is_ended: true,
        stamp_bytes: 0,
        place: Place::Begins,
        bounds_ms: None,
    };
    Event { of, label, word, line }
}

/// How large the daemon's own log was before it was asked for its processes, bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begins(u64);

impl Begins {
    /// Of the daemon in this home. Blocks.
    pub(super) fn of(home: &Path) -> Self {
        Self(std::fs::metadata(console_of(home)).map_or(0, |about| about.len()))
    }
}

fn console_of(home: &Path) -> PathBuf {
    home.join("pm2.log")
}

/// The daemon's own log.
#[derive(Debug)]
pub(super) struct Console {
    file: Option<File>,
    path: Option<PathBuf>,
    /// Its size before it was asked for its processes, and when the bus was connected, bytes.
    sizes: (u64, u64),
    /// When the second was measured, milliseconds since 1970.
    measured_ms: i64,
    wanted: Wanted,
}

impl Console {
    /// That of the daemon in this home, which was so large, of which these events are wanted. Blocks.
    pub(super) fn open(home: &Path, Begins(begins): Begins, wanted: Wanted) -> Self {
        let path = console_of(home);
        let file = files::open(&path).map_err(|error| {
            let path = clean(&path.to_string_lossy()).into_owned();
            output::complain(&format!("cannot read {path}: {error}"));
        });
        let (path, sizes) = (Some(path), (begins, 0));
        let mut console = Self { file: file.ok(), path, sizes, measured_ms: 0, wanted };
        console.measure_after();
        console
    }

    /// One without a file: that of a daemon elsewhere.
    pub(super) fn nowhere(wanted: Wanted) -> Self {
        Self { file: None, path: None, sizes: (0, 0), measured_ms: 0, wanted }
    }

    /// Looks again how large it is: the bus is connected. History ends here.
    pub(super) fn measure_after(&mut self) {
        self.sizes.1 = self.size();
        self.measured_ms = clock::now_ms();
    }

    fn size(&self) -> u64 {
        self.file.as_ref().and_then(|file| file.size().ok()).unwrap_or_default()
    }

    fn part(&self, from: u64, to: u64) -> io::Result<String> {
        let Some(file) = &self.file else { return Ok(String::new()) };
        let bytes = read_part(file, from, to)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What it tells, oldest first. Blocks.
    pub(super) fn history(&mut self, filter: &Filter) -> Vec<Event> {
        let from = self.sizes.1.saturating_sub(CONSOLE_BYTES_MAX);
        let text = self.part(from, self.sizes.1).unwrap_or_else(|error| {
            output::complain(&format!("pm2.log: {error}"));
            String::new()
        });
        let mut events = self.wanted.read_all(&text);
        events.retain(|event| filter.fits(&event.line));
        events
    }

    /// What comes from now on.
    pub(super) fn live(mut self) -> Live {
        let begun = self.part(self.sizes.0, self.sizes.1).unwrap_or_default();
        let mut had = Had::default();
        begun.lines().for_each(|line| had.add(said(line)));
        // Who was started since the daemon was asked is not known yet, and not in history.
        let begun: Vec<Seen> = begun.lines().map(|line| (line.to_owned(), None)).collect();
        let unknown = self.wanted.unknown(&begun).into();
        Live {
            wanted: self.wanted,
            had,
            had_ms: self.measured_ms,
            away: self.path.map(|path| Away::of(path, self.sizes.1)),
            unknown,
            is_anew: false,
            is_heard: false,
        }
    }
}

/// Events from the bus.
#[derive(Debug)]
pub(super) struct Live {
    wanted: Wanted,
    /// Lines of the console that were read from its file, and that the bus may bring, too.
    had: Had,
    /// When that was read, milliseconds since 1970: what was said later is not among them.
    had_ms: i64,
    /// What the daemon's log has beyond the bus.
    away: Option<Away>,
    /// Lines about processes that are not known: somebody has just started them.
    unknown: VecDeque<Held>,
    /// Whether another daemon may be there since it was asked for the processes.
    is_anew: bool,
    /// Whether the daemon says on the bus what its console does: the oldest do not.
    is_heard: bool,
}

/// A line about a process that is not known.
#[derive(Debug)]
struct Held {
    line: String,
    at_ms: i64,
    /// Whether it was read from the daemon's log, which has whole seconds.
    is_read: bool,
    since: Instant,
}

impl Held {
    fn of(line: &str, at_ms: i64, is_read: bool) -> Self {
        Self { line: line.to_owned(), at_ms, is_read, since: Instant::now() }
    }
}

impl Live {
    /// Whether there is something about processes that are not known.
    pub(super) fn has_unknown(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// The bus was away, and is back.
    pub(super) fn was_away(&mut self) {
        self.is_anew = true;
        self.away.iter_mut().for_each(Away::is_back);
    }

    /// Looks at the daemon's log while the bus is away, milliseconds since 1970: whether it says more than it did.
    pub(super) fn measure(&mut self, now_ms: i64) -> bool {
        self.away.as_mut().is_some_and(|away| away.measure(now_ms))
    }

    /// These are the processes now, of all that there are: what is known of them now, and was not told.
    pub(super) fn renew(
        &mut self,
        processes: (&[ProcessInfo], &[ProcessInfo]),
        with_daemon: bool,
        context: &Context,
    ) -> Vec<Event> {
        let gone = self.wanted.gone(processes.1);
        // Another daemon puts its processes in one by one.
        let is_anew = std::mem::take(&mut self.is_anew);
        let mut events = self.know(Wanted::of(processes, with_daemon, context));
        if !is_anew {
            events.extend(gone);
        }
        events
    }

    fn know(&mut self, wanted: Wanted) -> Vec<Event> {
        let before = std::mem::replace(&mut self.wanted, wanted);
        let mut behind = before.teller;
        let mut events = Vec::new();
        self.measure(clock::now_ms());
        if let Some(lines) = self.away.as_mut().and_then(Away::read) {
            // What was written since the bus was connected comes on it, too.
            for (line, _) in &lines {
                self.had.add(said(line));
            }
            self.had_ms = clock::now_ms();
            // Who was started since the daemon was asked is not known yet.
            self.wanted.unknown(&lines).into_iter().for_each(|held| self.hold(held));
            events = self.wanted.read_seen(&lines);
            behind.go_on_from(&self.wanted.teller);
            self.wanted.teller.begin_anew();
        }
        for held in std::mem::take(&mut self.unknown) {
            if self.wanted.teller.is_unknown(&held.line, held.at_ms) {
                self.hold(held);
            } else {
                let event = self.wanted.read(&held.line, held.at_ms);
                events.extend(event.map(|mut event| {
                    event.line.is_estimated = held.is_read;
                    event
                }));
            }
        }
        self.wanted.teller.go_on_from(&behind);
        events
    }

    /// What a message tells.
    pub(super) fn take(&mut self, message: &Message) -> Vec<Event> {
        match message.topic() {
            "log:PM2" => self.console(message),
            "process:event" => self.by_client(message).into_iter().collect(),
            "process:exception" => self.exception(message).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn console(&mut self, message: &Message) -> Vec<Event> {
        let Some(told) = message.decode() else { return Vec::new() };
        self.is_heard = true;
        let at_ms = told.at_ms;
        let text = told.data.get("data").and_then(serde_json::Value::as_str).unwrap_or_default();
        // Crash loops say the same again.
        if at_ms > self.had_ms {
            self.had = Had::default();
        }
        let mut events = Vec::new();
        for line in text.lines() {
            if self.had.take(line.trim_end()) {
                continue;
            }
            self.away.iter_mut().for_each(|away| away.heard(line));
            if self.wanted.teller.is_unknown(line, at_ms) {
                self.hold(Held::of(line, at_ms, false));
                continue;
            }
            events.extend(self.wanted.read(line, at_ms));
        }
        events
    }

    /// Keeps a line until it is known whether it is about one that is wanted: a moment.
    fn hold(&mut self, held: Held) {
        let is_old = |held: &Held| held.since.elapsed() >= UNKNOWN;
        while self.unknown.len() >= UNKNOWN_MAX || self.unknown.front().is_some_and(is_old) {
            self.unknown.pop_front();
        }
        self.unknown.push_back(held);
    }

    /// What a client says that it did: the console does not.
    fn by_client(&self, message: &Message) -> Option<Event> {
        let (json, at_ms) = message.line()?;
        let told = raw::process_event(json.as_bytes())?;
        let life = match &told.kind {
            // Its console told that it was started, as it does wherever that is read: one start is one line.
            EventKind::Start if self.is_heard => return None,
            EventKind::Restart if self.is_heard && told.info.restarts == 0 => return None,
            EventKind::Start if told.manually => Life::Started,
            EventKind::Stop if told.manually => Life::StoppedByClient,
            EventKind::Restart if told.manually => Life::Restarted { restarts: told.info.restarts },
            EventKind::Reload | EventKind::GracefulReload => Life::Reloaded,
            EventKind::Delete => Life::Deleted,
            _ => return None,
        };
        let label = self.wanted.label_of(told.info.pm_id.0, &told.info.name)?;
        let words::Sentence { word, severity, text } = words::tell(&life);
        Some(event(label, word, severity, at_ms, text))
    }

    fn exception(&self, message: &Message) -> Option<Event> {
        let told = message.decode()?;
        let process = told.process.as_ref()?;
        let id = match process.pm_id? {
            crate::protocol::bus::BusPmId::Process(id) | crate::protocol::bus::BusPmId::Old(id) => {
                id
            }
            crate::protocol::bus::BusPmId::Daemon => return None,
        };
        let label = self.wanted.label_of(id.0, &process.name)?;
        let data = told.data.get("data")?;
        let text = |field: &str| data.get(field).and_then(serde_json::Value::as_str);
        let head =
            text("stack").and_then(|stack| stack.lines().find(|line| !line.trim().is_empty()));
        let said = head.or_else(|| text("message")).unwrap_or("an exception without a message");
        let said = clean(said).into_owned();
        Some(event(label, "exception", Severity::Bad, told.at_ms, said))
    }
}

#[cfg(test)]
mod tests;
