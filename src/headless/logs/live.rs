//! What comes on the bus, joined to what was read from files: no line missing, none twice.
//!
//! At the start the way for a file of one process is [`Seam`]; where several processes write one file,
//! the lines that history had already are taken out by their text. After a loss, of messages or of the
//! bus, it is that of the screen: `mending`.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::time::Instant;

use super::super::failure::{Code, Failure};
use super::super::output;
use super::super::reconnecting::Connection;
use super::comparing::Comparing;
use super::entries::Open;
use super::events::{Console, Live};
use super::filter::Filter;
use super::missing::{Missing, SharedMissing, Step, source_end};
use super::print::Printer;
use super::source::Source;
use super::{Sources, Whose};
use crate::client::{Message, Queued};
use crate::daemon::clock;
use crate::daemon::history::gap::{OWN_BYTES, Tail, WRITTEN_MS};
use crate::daemon::history::shared::SHARED_BYTES;
use crate::daemon::history::{Format, Line};
use crate::daemon::seam::{FIRST_MS, Seam, read_part};
use crate::logs::parse::{Judge, PAUSE_MS};
use crate::protocol::bus::{BusPmId, LogStream};
use crate::protocol::process::PmId;

/// How often the places of seams are looked for while nothing comes.
const TICK: Duration = Duration::from_millis(25);
/// A line without its end is printed when nothing came for so long.
const PARTIAL_MAX: Duration = Duration::from_secs(1);
/// For so long a seam is looked for; then what the file has is told from there.
const SEAM_MAX: Duration = Duration::from_secs(5);
/// As long as a seam is not known at most so much is held, bytes.
const HELD_MAX: usize = 16 << 20;
/// The longest line, bytes; a longer one is printed in pieces.
const LINE_BYTES_MAX: usize = 1 << 20;
/// The lines of a file of several processes that history may have had already: those of its last part,
/// bytes.
const SHARED_BYTES_MAX: u64 = 4 << 20;

/// How long after a loss processes are asked for that come again.
const ASK_MAX: Duration = Duration::from_secs(15);
/// How often.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// One output of one process, on its way from the bus to lines.
#[derive(Debug)]
pub(super) struct Channel {
    /// Which source it belongs to.
    pub(super) source: usize,
    pub(super) joint: Joint,
    /// The end of what was printed of it.
    pub(super) tail: Tail,
    format: Format,
    judge: Judge,
    /// The time of the line that others go on, milliseconds since 1970.
    head_ms: i64,
    /// When the last line came, likewise.
    last_ms: i64,
    /// Its last entry, where entries are asked for.
    open: Open,
    partial: Vec<u8>,
    partial_at: Instant,
    at_ms: i64,
}

/// How the bus and the file of an output are joined.
#[derive(Debug)]
pub(super) enum Joint {
    /// The place is being looked for; what came meanwhile.
    Looking { seam: Seam, held: Vec<u8>, since: Instant },
    /// What came of no bus is being looked for.
    Missing(Box<Missing>),
    /// The same for a file of several; what came meanwhile.
    Waiting(Vec<u8>),
    /// So many bytes are still to come that history had already.
    Skipping { left: usize },
    /// Lines are compared: how often each is still in history alone.
    Comparing(Comparing),
    /// It is joined.
    Live,
}

/// All that is followed.
pub(super) struct Following<'a, 'b, W> {
    pub(super) sources: Vec<Source>,
    pub(super) channels: HashMap<(BusId, LogStream), Channel>,
    /// Files of several processes, by source, that are being mended after a loss.
    pub(super) mending: HashMap<usize, SharedMissing>,
    /// Of each source that several processes write: lines that history had and the bus may bring.
    had: HashMap<usize, HashMap<Vec<u8>, u32>>,
    filter: &'a Filter,
    pub(super) printer: &'a mut Printer<'b, W>,
    /// What happens, where that is wanted.
    events: Option<Live>,
    started: Instant,
}

/// A process by its id.
pub(super) type BusId = u32;

/// Waits for the moment, if there is one.
async fn until_then(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Prints what comes, until the end of the reader or that moment.
pub(super) async fn follow<W: Write>(
    mut bus: impl Stream<Item = Queued> + Unpin,
    sources: Sources,
    mut whose: Whose<'_>,
    filter: &Filter,
    printer: &mut Printer<'_, W>,
    until: Option<Instant>,
) -> Result<Code, Failure> {
    let mut connection = Connection::up();
    let mut all = Following {
        sources: sources.files,
        events: sources.console.map(Console::live),
        channels: HashMap::new(),
        mending: HashMap::new(),
        had: HashMap::new(),
        filter,
        printer,
        started: Instant::now(),
    };
    all.remember_shared();
    // Until when, and when next, the list of processes is asked for.
    let mut asking: Option<(Instant, Instant)> = None;
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            item = bus.next() => match item {
                None => return Ok(Code::Fine),
                Some(Queued::Message(message)) => {
                    all.happened(&message)?;
                    let Some((Some(process), at_ms, text)) = message.log() else { continue };
                    let stream = match message.topic() {
                        "log:out" => LogStream::Out,
                        "log:err" => LogStream::Err,
                        _ => continue,
                    };
                    let Some(BusPmId::Process(id) | BusPmId::Old(id)) = process.pm_id else {
                        continue;
                    };
                    if whose.infos.iter().any(|info| info.name == process.name) {
                        all.take((id.0, stream), at_ms, text.as_bytes())?;
                    }
                }
                Some(Queued::Lost(count)) => all.lost(count),
                Some(Queued::Reconnecting { problem, .. }) => {
                    connection.is_waited_for(&problem);
                }
                Some(Queued::Connected) => {
                    if connection.is_back("what was written meanwhile is read from the log files") {
                        all.missed();
                        asking = Some((Instant::now() + ASK_MAX, Instant::now()));
                    }
                }
            },
            () = until_then(until) => {
                all.look_all(true)?;
                all.printer.flush()?;
                return Ok(Code::Fine);
            }
            _ = ticks.tick() => {
                if let Some((until, next)) = asking
                    && next <= Instant::now()
                {
                    // Where it does not answer yet, it is asked again.
                    if whose.ask_again().await.is_ok() {
                        all.renew(whose.sources());
                    }
                    let next = Instant::now() + ASK_EVERY;
                    asking = (next < until).then_some((until, next));
                }
                all.look_all(false)?;
                all.printer.flush()?;
                if super::super::events::is_reader_gone() {
                    return Err(Failure::PipeClosed);
                }
            }
        }
    }
}

impl Channel {
    /// Since when its place in the file is looked for.
    fn since(&self) -> Option<Instant> {
        if let Joint::Looking { since, .. } = &self.joint { Some(*since) } else { None }
    }
}

impl<W: Write> Following<'_, '_, W> {
    /// Prints what a message tells that happened.
    fn happened(&mut self, message: &Message) -> Result<(), Failure> {
        let Some(events) = &mut self.events else { return Ok(()) };
        for event in events.take(message) {
            if self.filter.fits(&event.line) {
                self.printer.event(&event)?;
            }
        }
        Ok(())
    }

    /// Messages came faster than they were taken. What they said is in the files, too: from there it
    /// is taken up to where the bus goes on.
    fn lost(&mut self, count: u64) {
        if self.sources.iter().any(|source| source.opened.is_none()) {
            output::complain(&format!("{count} messages lost: they came too fast"));
        }
        self.missed();
    }

    /// The lines of shared files that the bus may bring once more.
    fn remember_shared(&mut self) {
        for (index, source) in self.sources.iter().enumerate() {
            let Some(file) = source.opened.as_ref().filter(|_| source.file.is_shared()) else {
                continue;
            };
            let back = if source.file.is_fork { 0 } else { SHARED_BYTES_MAX };
            let from = source.sizes.0.saturating_sub(back);
            let length = source.sizes.1.saturating_sub(from).min(SHARED_BYTES_MAX * 2);
            let bytes = read_part(file, from, from + length).unwrap_or_default();
            let lines = self.had.entry(index).or_default();
            for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                *lines.entry(line.to_vec()).or_default() += 1;
            }
        }
    }

    fn source_of(&self, key: (BusId, LogStream)) -> Option<usize> {
        self.sources.iter().position(|source| source.file.holds(PmId(key.0), key.1))
    }

    fn take(&mut self, key: (BusId, LogStream), at_ms: i64, data: &[u8]) -> Result<(), Failure> {
        if !self.channels.contains_key(&key) && !self.begin(key, at_ms) {
            return Ok(());
        }
        let now_ms = self.clock_ms();
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        channel.at_ms = at_ms;
        let mut data = data;
        match &mut channel.joint {
            Joint::Looking { seam, held, .. } => {
                seam.take(data, now_ms);
                held.extend_from_slice(data);
                // Files are looked at now and then only: the bus must be taken faster than it comes.
                return Ok(());
            }
            Joint::Missing(missing) => {
                missing.take(data, now_ms);
                return Ok(());
            }
            Joint::Waiting(held) => {
                held.extend_from_slice(data);
                if let Some(mending) = self.mending.get_mut(&channel.source) {
                    mending.came(now_ms);
                }
                return Ok(());
            }
            Joint::Skipping { left } => {
                let skip = data.len().min(*left);
                *left -= skip;
                channel.tail.take(data.get(..skip).unwrap_or_default());
                data = data.get(skip..).unwrap_or_default();
                if *left == 0 {
                    channel.joint = Joint::Live;
                }
            }
            Joint::Comparing(comparing) => {
                if !comparing.is_behind(at_ms, data.len()) {
                    channel.joint = Joint::Live;
                }
            }
            Joint::Live => {}
        }
        self.push(key, data)
    }

    /// An output that comes for the first time. False where it is not followed.
    pub(super) fn begin(&mut self, key: (BusId, LogStream), at_ms: i64) -> bool {
        let Some(index) = self.source_of(key) else { return false };
        let Some(source) = self.sources.get(index) else { return false };
        let is_shared = source.file.is_shared();
        let joint = match &source.opened {
            Some(_) if self.mending.contains_key(&index) => Joint::Waiting(Vec::new()),
            Some(_) if is_shared => Joint::Comparing(Comparing::since(source.measured_ms)),
            Some(_) => Joint::Looking {
                seam: Seam::new(source.sizes.0, source.file.is_fork),
                held: Vec::new(),
                since: Instant::now(),
            },
            None => Joint::Live,
        };
        let tail_bytes = if is_shared { SHARED_BYTES } else { OWN_BYTES };
        let tail = match &source.opened {
            Some(file) => Tail::of_file(file, source.sizes.1, tail_bytes),
            None => Tail::new(tail_bytes),
        };
        let format = source.file.format();
        let (partial, partial_at) = (Vec::new(), Instant::now());
        let (judge, open) = (Judge::default(), Open::default());
        let (source, head_ms) = (index, at_ms);
        self.channels.insert(
            key,
            Channel {
                source,
                joint,
                tail,
                format,
                judge,
                head_ms,
                last_ms: at_ms,
                open,
                partial,
                partial_at,
                at_ms,
            },
        );
        true
    }

    pub(super) fn clock_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Looks at all that waits; at the end at what would wait on, too.
    fn look_all(&mut self, is_end: bool) -> Result<(), Failure> {
        self.mend_shared()?;
        let mut keys: Vec<_> = self.channels.keys().copied().collect();
        // What came first is printed first.
        keys.sort_by_key(|key| self.channels.get(key).and_then(Channel::since));
        for key in keys {
            self.look(key)?;
            let Some(channel) = self.channels.get_mut(&key) else { continue };
            if !channel.partial.is_empty() && channel.partial_at.elapsed() >= PARTIAL_MAX {
                let line = std::mem::take(&mut channel.partial);
                self.print(key, &line)?;
            }
        }
        self.rest(is_end)
    }

    /// Joins an output to its file, where the place is known now.
    fn look(&mut self, key: (BusId, LogStream)) -> Result<(), Failure> {
        let now_ms = self.clock_ms();
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        let Some(source) = self.sources.get_mut(channel.source) else { return Ok(()) };
        let (seam, held, since) = match &mut channel.joint {
            Joint::Looking { seam, held, since } => (seam, held, since),
            Joint::Missing(missing) => {
                let bytes = match missing.look(source, now_ms) {
                    None => return Ok(()),
                    Some(Step::Read(bytes)) => {
                        channel.at_ms = clock::now_ms();
                        bytes
                    }
                    Some(Step::Joined { bytes, tail, left }) => {
                        channel.tail = tail;
                        channel.joint =
                            if left > 0 { Joint::Skipping { left } } else { Joint::Live };
                        bytes
                    }
                };
                return self.push(key, &bytes);
            }
            _ => return Ok(()),
        };
        let Some(file) = &source.opened else { return Ok(()) };
        let end = source.sizes.1;
        let waited_ms = since.elapsed().as_millis() as i64;
        if waited_ms < FIRST_MS {
            return Ok(());
        }
        let settled = (waited_ms >= WRITTEN_MS, seam.is_quiet(now_ms));
        let known = seam.place(file, 0, now_ms, settled).unwrap_or(None);
        let is_over = since.elapsed() >= SEAM_MAX || held.len() >= HELD_MAX;
        let Some(begun) = known else {
            if is_over {
                // Until it can be joined, what the file has is told from there.
                let mut missing = source_end(source, &Arc::clone(file), now_ms);
                missing.take(held, now_ms);
                channel.joint = Joint::Missing(Box::new(missing));
            }
            return Ok(());
        };
        let held = std::mem::take(held);
        let mut bytes = read_part(file, end, begun).unwrap_or_default();
        // It may have been emptied meanwhile.
        let is_whole = bytes.len() as u64 == begun.saturating_sub(end);
        if !is_whole {
            let label = &source.label;
            output::complain(&format!("{label}: lines at this point may be missing or repeated"));
        }
        channel.tail = Tail::of_file(file, end.min(begun), OWN_BYTES);
        let skip = usize::try_from(end.saturating_sub(begun)).unwrap_or(usize::MAX);
        channel.tail.take(held.get(..skip.min(held.len())).unwrap_or_default());
        bytes.extend(held.get(skip.min(held.len())..).unwrap_or_default());
        let left = skip.saturating_sub(held.len());
        channel.joint = if left > 0 { Joint::Skipping { left } } else { Joint::Live };
        self.push(key, &bytes)
    }

    /// Takes bytes that are certainly new.
    pub(super) fn push(&mut self, key: (BusId, LogStream), data: &[u8]) -> Result<(), Failure> {
        if let Some(channel) = self.channels.get_mut(&key) {
            channel.tail.take(data);
        }
        let mut rest = data;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
            if channel.partial.is_empty() {
                self.print(key, line)?;
            } else {
                let mut whole = std::mem::take(&mut channel.partial);
                whole.extend_from_slice(line);
                self.print(key, &whole)?;
            }
        }
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        channel.partial.extend_from_slice(rest);
        channel.partial_at = Instant::now();
        if channel.partial.len() >= LINE_BYTES_MAX {
            let line = std::mem::take(&mut channel.partial);
            self.print(key, &line)?;
        }
        Ok(())
    }

    pub(super) fn print(&mut self, key: (BusId, LogStream), bytes: &[u8]) -> Result<(), Failure> {
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        if let Joint::Comparing(comparing) = &mut channel.joint {
            let had = self.had.get_mut(&channel.source).and_then(|lines| lines.get_mut(bytes));
            if let Some(left) = had.filter(|left| **left > 0) {
                *left -= 1;
                comparing.had();
                return Ok(());
            }
            if !comparing.missed() {
                channel.joint = Joint::Live;
            }
        }
        if channel.at_ms.saturating_sub(channel.last_ms) > PAUSE_MS {
            channel.judge.close();
        }
        channel.last_ms = channel.at_ms;
        let (mut line, judged) = channel.format.judge(bytes, channel.at_ms, &mut channel.judge);
        // The bus says when a line without a time came.
        line.is_estimated = false;
        if !line.goes_on() {
            channel.head_ms = line.at_ms;
        }
        line.at_ms = channel.head_ms;
        let ready = if self.filter.is_by_line() {
            channel.open.pass(line, judged.part, self.filter)
        } else {
            channel.open.take(line, self.filter)
        };
        for line in ready {
            self.printer.print(channel.source, &line)?;
        }
        Ok(())
    }

    /// Prints the entries that nothing follows.
    fn rest(&mut self, is_end: bool) -> Result<(), Failure> {
        for channel in self.channels.values_mut() {
            for line in channel.open.rest(self.filter, is_end) {
                self.printer.print(channel.source, &line)?;
            }
        }
        Ok(())
    }

    /// Prints a line that is wanted.
    pub(super) fn show(&mut self, source: usize, line: &Line) -> Result<(), Failure> {
        if self.filter.fits(line) {
            self.printer.print(source, line)?;
        }
        Ok(())
    }
}
