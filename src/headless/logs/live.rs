//! What comes on the bus, joined to what was read from files: no line missing, none twice.
//!
//! The way for a file of one process is [`Seam`]; where several processes write one file, the lines
//! that history had already are taken out by their text.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::time::Instant;

use super::super::failure::{Code, Failure};
use super::super::output;
use super::super::reconnecting::Connection;
use super::Sources;
use super::events::{Console, Live};
use super::filter::Filter;
use super::print::Printer;
use super::source::Source;
use crate::client::{Message, Queued};
use crate::daemon::history::{Format, Line};
use crate::daemon::seam::{ReadAt, Seam, read_whole};
use crate::protocol::bus::{BusPmId, LogStream};
use crate::protocol::process::{PmId, ProcessInfo};

/// How often the places of seams are looked for while nothing comes.
const TICK: Duration = Duration::from_millis(25);
/// A line without its end is printed when nothing came for so long.
const PARTIAL_MAX: Duration = Duration::from_secs(1);
/// Where nothing comes for so long after a loss, nothing is under way.
const QUIET: Duration = Duration::from_secs(1);
/// For so long a seam is looked for; then the bus is joined where its bytes would have begun.
const SEAM_MAX: Duration = Duration::from_secs(20);
/// As long as a seam is not known at most so much is held, bytes.
const HELD_MAX: usize = 16 << 20;
/// The longest line, bytes; a longer one is printed in pieces.
const LINE_BYTES_MAX: usize = 1 << 20;
/// The lines of a file of several processes that history may have had already: those of its last part,
/// bytes.
const SHARED_BYTES_MAX: u64 = 4 << 20;

/// One output of one process, on its way from the bus to lines.
#[derive(Debug)]
struct Channel {
    /// Which source it belongs to.
    source: usize,
    joint: Joint,
    /// Up to which byte of its file all is printed; less where the bus is ahead of that.
    printed: u64,
    /// Where in the file the next byte of the bus is, once it is joined.
    at: u64,
    format: Format,
    partial: Vec<u8>,
    partial_at: Instant,
    at_ms: i64,
}

/// How the bus and the file of an output are joined.
#[derive(Debug)]
enum Joint {
    /// The place is being looked for; what came meanwhile.
    Looking { seam: Seam, held: Vec<u8>, since: Instant },
    /// So many bytes are still to come that history had already.
    Skipping { left: usize },
    /// Lines are compared: how often each is still in history alone.
    Comparing,
    /// It is joined.
    Live,
}

/// A part of a file, empty where it ends before it begins.
fn part_of(file: &std::fs::File, from: u64, to: u64) -> Vec<u8> {
    let length = to.saturating_sub(from);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    let read = read_whole(file, &mut bytes, from).unwrap_or_default();
    bytes.truncate(read);
    bytes
}

/// All that is followed.
struct Following<'a, 'b, W> {
    sources: Vec<Source>,
    channels: HashMap<(BusId, LogStream), Channel>,
    /// Of each source that several processes write: lines that history had and the bus may bring.
    had: HashMap<usize, HashMap<Vec<u8>, u32>>,
    filter: &'a Filter,
    printer: &'a mut Printer<'b, W>,
    /// What happens, where that is wanted.
    events: Option<Live>,
    started: Instant,
}

/// A process by its id.
type BusId = u32;

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
    infos: &[ProcessInfo],
    filter: &Filter,
    printer: &mut Printer<'_, W>,
    until: Option<Instant>,
) -> Result<Code, Failure> {
    let mut connection = Connection::up();
    let mut all = Following {
        sources: sources.files,
        events: sources.console.map(Console::live),
        channels: HashMap::new(),
        had: HashMap::new(),
        filter,
        printer,
        started: Instant::now(),
    };
    all.remember_shared();
    let names: Vec<&str> = infos.iter().map(|info| &*info.name).collect();
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
                    if names.contains(&&*process.name) {
                        all.take((id.0, stream), at_ms, text.as_bytes())?;
                    }
                }
                Some(Queued::Lost(count)) => all.lost(count),
                Some(Queued::Reconnecting { problem, .. }) => {
                    connection.is_waited_for(&problem);
                }
                Some(Queued::Connected) => {
                    connection.is_back();
                }
            },
            () = until_then(until) => {
                all.look_all()?;
                all.printer.flush()?;
                return Ok(Code::Fine);
            }
            _ = ticks.tick() => {
                all.look_all()?;
                all.printer.flush()?;
                if super::super::events::is_reader_gone() {
                    return Err(Failure::PipeClosed);
                }
            }
        }
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
        let mut is_lost = false;
        for channel in self.channels.values_mut() {
            let source = self.sources.get(channel.source);
            let own = source.filter(|source| source.opened.is_some() && !source.file.is_shared());
            let Some(source) = own else {
                is_lost = true;
                continue;
            };
            channel.printed = channel.printed.max(channel.at);
            channel.joint = Joint::Looking {
                seam: Seam::new(channel.printed, source.file.is_fork),
                held: Vec::new(),
                since: Instant::now(),
            };
        }
        if is_lost {
            output::complain(&format!("{count} messages lost: they came too fast"));
        }
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
            let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
            let read = read_whole(file, &mut bytes, from).unwrap_or_default();
            bytes.truncate(read);
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
        if !self.channels.contains_key(&key) {
            let Some(index) = self.source_of(key) else { return Ok(()) };
            let Some(source) = self.sources.get(index) else { return Ok(()) };
            let joint = match &source.opened {
                Some(_) if source.file.is_shared() => Joint::Comparing,
                Some(_) => Joint::Looking {
                    seam: Seam::new(source.sizes.0, source.file.is_fork),
                    held: Vec::new(),
                    since: Instant::now(),
                },
                None => Joint::Live,
            };
            let format = source.file.format();
            let channel = Channel {
                source: index,
                joint,
                printed: source.sizes.1,
                at: 0,
                format,
                partial: Vec::new(),
                partial_at: Instant::now(),
                at_ms,
            };
            self.channels.insert(key, channel);
        }
        let now_ms = self.clock_ms();
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        channel.at_ms = at_ms;
        if let Joint::Looking { seam, held, .. } = &mut channel.joint {
            seam.take(data, now_ms);
            held.extend_from_slice(data);
            return self.look(key);
        }
        channel.at += data.len() as u64;
        let mut data = data;
        if let Joint::Skipping { left } = &mut channel.joint {
            let skip = data.len().min(*left);
            *left -= skip;
            data = data.get(skip..).unwrap_or_default();
            if *left == 0 {
                channel.joint = Joint::Live;
            }
        }
        self.push(key, data)
    }

    fn clock_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn look_all(&mut self) -> Result<(), Failure> {
        let keys: Vec<_> = self.channels.keys().copied().collect();
        for key in keys {
            self.look(key)?;
            let Some(channel) = self.channels.get_mut(&key) else { continue };
            if !channel.partial.is_empty() && channel.partial_at.elapsed() >= PARTIAL_MAX {
                let line = std::mem::take(&mut channel.partial);
                self.print(key, &line)?;
            }
        }
        Ok(())
    }

    /// Joins an output to its file, where the place is known now.
    fn look(&mut self, key: (BusId, LogStream)) -> Result<(), Failure> {
        let now_ms = self.clock_ms();
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        let Joint::Looking { seam, held, since } = &mut channel.joint else { return Ok(()) };
        let Some(source) = self.sources.get(channel.source) else { return Ok(()) };
        let Some(file) = &source.opened else { return Ok(()) };
        let end = channel.printed;
        if held.is_empty() && since.elapsed() >= QUIET {
            // Nothing came any more: what was lost is all there is.
            let size = file.size().unwrap_or(end);
            let bytes = part_of(file, end, size);
            channel.printed = end.max(size);
            *since = Instant::now();
            return self.push(key, &bytes);
        }
        let known = seam.look(file, now_ms).unwrap_or(None);
        let is_over = since.elapsed() >= SEAM_MAX || held.len() >= HELD_MAX;
        if known.is_none() && !is_over {
            return Ok(());
        }
        if known.is_none() {
            let label = &source.label;
            output::complain(&format!("{label}: lines at this point may be missing or repeated"));
        }
        let begun = known.unwrap_or(end);
        let held = std::mem::take(held);
        let mut bytes = part_of(file, end, begun);
        channel.at = begun + held.len() as u64;
        let skip = usize::try_from(end.saturating_sub(begun)).unwrap_or(usize::MAX);
        bytes.extend(held.get(skip.min(held.len())..).unwrap_or_default());
        let left = skip.saturating_sub(held.len());
        channel.joint = if left > 0 { Joint::Skipping { left } } else { Joint::Live };
        self.push(key, &bytes)
    }

    /// Takes bytes that are certainly new.
    fn push(&mut self, key: (BusId, LogStream), data: &[u8]) -> Result<(), Failure> {
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

    fn print(&mut self, key: (BusId, LogStream), bytes: &[u8]) -> Result<(), Failure> {
        let Some(channel) = self.channels.get(&key) else { return Ok(()) };
        if let Joint::Comparing = channel.joint
            && let Some(left) =
                self.had.get_mut(&channel.source).and_then(|lines| lines.get_mut(bytes))
            && *left > 0
        {
            *left -= 1;
            return Ok(());
        }
        let (time, mut line): (Option<i64>, Line) = channel.format.read(bytes, channel.at_ms);
        // The bus says when a line without a time came.
        line.is_estimated = false;
        line.at_ms = time.unwrap_or(channel.at_ms);
        if self.filter.fits(&line) {
            self.printer.print(channel.source, &line)?;
        }
        Ok(())
    }
}
