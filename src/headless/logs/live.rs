//! What comes on the bus, joined to what was read from files: no line missing, none twice.
//!
//! At the start the way for a file of one process is [`Seam`]; where several processes write one file,
//! it is `starting`. After a loss, of messages or of the bus, it is that of the screen: `mending`.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::failure::Failure;
use super::super::output;
use super::Sources;
use super::entries::{Open, QUIET};
use super::events::{Console, Live};
use super::filter::Filter;
use super::gathering::{Gathering, moment_ms};
use super::missing::{Beginning, Found, Missing, SharedMissing, complain, source_end};
use super::order::{Order, Which};
use super::print::Printer;
use super::said::{BusId, Key, Said};
use super::sizes::Growing;
use super::source::Source;
use super::unheard::Unheard;
use crate::daemon::history::Format;
use crate::daemon::history::gap::{OWN_BYTES, Tail, WRITTEN_MS};
use crate::daemon::history::shared::SHARED_BYTES;
use crate::daemon::seam::{FIRST_MS, Seam, read_part};
use crate::logs::parse::{Judge, PAUSE_MS};
use crate::protocol::bus::LogStream;
use crate::protocol::process::PmId;

/// A line without its end is printed when nothing came for so long.
const PARTIAL_MAX: Duration = Duration::from_secs(1);
/// For so long a seam is looked for; then what the file has is told from there.
const SEAM_MAX: Duration = Duration::from_secs(5);
/// Of lines that are all alike it is told by their number after so long, milliseconds.
const ALIKE_MS: i64 = 1_500;
/// As long as a seam is not known at most so much is held, bytes.
const HELD_MAX: usize = 16 << 20;
/// The longest line, bytes; a longer one is printed in pieces.
const LINE_BYTES_MAX: usize = 1 << 20;

/// One output of one process, on its way from the bus to lines.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) joint: Joint,
    /// The end of what was printed of it.
    pub(super) tail: Tail,
    pub(super) format: Format,
    pub(super) judge: Judge,
    /// The time of the line that others go on, milliseconds since 1970.
    pub(super) head_ms: i64,
    /// When the last line came, likewise.
    pub(super) last_ms: i64,
    /// Its last entry, where entries are asked for.
    open: Open,
    partial: Vec<u8>,
    partial_at: Instant,
    pub(super) at_ms: i64,
    /// The moment that its last entry belongs to, likewise: what is gathered stands by that.
    moment_ms: i64,
    /// Whether what it says came of no bus: when, nobody told.
    pub(super) is_missed: bool,
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
    /// It is joined.
    Live,
}

/// All that is followed.
pub(super) struct Following<'a, 'b, W> {
    pub(super) sources: Vec<Source>,
    pub(super) channels: HashMap<Key, Channel>,
    /// Files of several processes, by source, that are being mended after a loss.
    pub(super) mending: HashMap<usize, SharedMissing>,
    pub(super) filter: &'a Filter,
    pub(super) printer: &'a mut Printer<'b, W>,
    /// What happens, where that is wanted.
    pub(super) events: Option<Live>,
    /// What happened behind lines that are held.
    pub(super) order: Order,
    /// What is ready, while something is looked for.
    pub(super) gathering: Gathering,
    pub(super) beginning: Beginning,
    started: Instant,
    /// The same as it is on files, milliseconds since 1970.
    pub(super) started_ms: i64,
    /// When the bus, or a part of what it said, was lost last, likewise.
    pub(super) lost_ms: Option<i64>,
    /// Since when the bus was away before that, likewise.
    pub(super) away_ms: Option<i64>,
    /// What happened meanwhile.
    pub(super) unheard: Unheard,
    /// How files grew meanwhile.
    pub(super) growing: Growing,
}

impl Channel {
    /// Whether the last line, or its entry, may go on.
    pub(super) fn is_open(&self) -> bool {
        !self.partial.is_empty() || self.open.is_held()
    }

    /// So many of these bytes go on the last line or its entry, where that may go on.
    pub(super) fn rest_in(&self, data: &[u8]) -> usize {
        let mut before = self.partial.as_slice();
        let (mut judge, mut bytes) = (self.judge.clone(), 0);
        for piece in data.split_inclusive(|byte| *byte == b'\n').filter(|_| self.is_open()) {
            let is_begun = !before.is_empty();
            let line = [std::mem::take(&mut before), piece].concat();
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let (line, _) = self.format.judge(line, self.at_ms, &mut judge);
            let goes_on = is_begun || self.open.is_held() && line.goes_on();
            if !goes_on {
                break;
            }
            bytes += piece.len();
        }
        bytes
    }

    /// Whether its last line or entry does not go on any more when something of its process comes then: the bus
    /// may bring at once what was said some time apart.
    pub(super) fn is_overdue(&self, at_ms: i64) -> bool {
        let is_over = |since_ms: i64, pause: Duration| {
            at_ms.saturating_sub(since_ms) >= pause.as_millis() as i64
        };
        matches!(self.joint, Joint::Live | Joint::Skipping { .. })
            && (self.open.is_held() && is_over(self.last_ms, QUIET)
                || !self.partial.is_empty() && is_over(self.at_ms, PARTIAL_MAX))
    }

    /// Since when its place in the file is looked for.
    fn since(&self) -> Option<Instant> {
        if let Joint::Looking { since, .. } = &self.joint { Some(*since) } else { None }
    }
}

impl<'a, 'b, W: Write> Following<'a, 'b, W> {
    /// Of these, with events where they are wanted.
    pub(super) fn of(
        sources: Sources,
        filter: &'a Filter,
        printer: &'a mut Printer<'b, W>,
        started_ms: i64,
    ) -> Self {
        let mut all = Self {
            sources: sources.files,
            events: sources.console.map(Console::live),
            order: Order::default(),
            gathering: Gathering::default(),
            beginning: Beginning::new(),
            channels: HashMap::new(),
            mending: HashMap::new(),
            filter,
            printer,
            started: Instant::now(),
            started_ms,
            lost_ms: None,
            away_ms: None,
            unheard: Unheard::default(),
            growing: Growing::default(),
        };
        all.begin_all();
        all
    }

    /// Messages came faster than they were taken. What they said is in the files, too: from there it
    /// is taken up to where the bus goes on.
    pub(super) fn lost(&mut self, count: u64) -> Result<(), Failure> {
        if self.sources.iter().any(|source| source.opened.is_none()) {
            // It is said where they are missing.
            self.tell_held(Which::All)?;
            self.printer.flush()?;
            output::complain(&format!("{count} messages lost: they came too fast"));
        }
        self.missed()
    }

    /// Where an output of a process goes.
    fn key_of(&self, id: BusId, stream: LogStream) -> Option<Key> {
        let holds = |source: &Source| !source.is_gone && source.file.holds(PmId(id), stream);
        let source = self.sources.iter().position(holds)?;
        let is_shared = self.sources.get(source)?.is_shared();
        Some(Key { source, of: is_shared.then_some((id, stream)) })
    }

    /// Where one of a process went that the daemon does not have any more.
    fn key_of_gone(&self, id: BusId, name: &str, stream: LogStream) -> Option<Key> {
        let holds = |source: &Source| {
            let file = &source.file;
            source.is_gone && *file.name == *name && file.holds(PmId(id), stream)
        };
        let source = self.sources.iter().rposition(holds)?;
        let is_shared = self.sources.get(source)?.is_shared();
        Some(Key { source, of: is_shared.then_some((id, stream)) })
    }

    /// Takes what one of the processes said.
    pub(super) fn take_of(&mut self, said: &Said) -> Result<(), Failure> {
        let Some(key) = self.key_of(said.id, said.stream) else { return Ok(()) };
        self.take(key, said)
    }

    /// Takes last words of a process that the daemon does not have any more, where they are followed.
    pub(super) fn take_of_gone(&mut self, said: &Said, label: &str) -> Result<(), Failure> {
        let Said { id, name, stream, .. } = said;
        let key = self.key_of_gone(*id, name, *stream).unwrap_or_else(|| {
            let source = Source::of_gone(label.to_owned(), PmId(*id), name, *stream);
            self.printer.add(&source);
            self.sources.push(source);
            Key { source: self.sources.len() - 1, of: None }
        });
        self.take(key, said)
    }

    fn take(&mut self, key: Key, said: &Said) -> Result<(), Failure> {
        let (id, at_ms, mut data) = (said.id, said.at_ms, said.text.as_bytes());
        self.catch_up(id, at_ms)?;
        if !self.channels.contains_key(&key) {
            self.begin(key, at_ms);
        }
        let is_sought = self.channels.get(&key).is_some_and(|channel| match &channel.joint {
            Joint::Looking { held, .. } | Joint::Waiting(held) => held.is_empty(),
            Joint::Missing(missing) => !missing.is_open(),
            Joint::Skipping { .. } | Joint::Live => false,
        });
        if is_sought {
            self.await_place(id);
        }
        let now_ms = self.clock_ms();
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        channel.at_ms = at_ms;
        match &mut channel.joint {
            Joint::Looking { seam, held, .. } => {
                seam.take(data, now_ms);
                held.extend_from_slice(data);
                self.order.came(id, key, (at_ms, data.len()));
                // Files are looked at now and then only: the bus must be taken faster than it comes.
                return Ok(());
            }
            Joint::Missing(missing) => {
                missing.take(data, now_ms);
                self.order.came(id, key, (at_ms, data.len()));
                return Ok(());
            }
            Joint::Waiting(held) => {
                held.extend_from_slice(data);
                if let Some(mending) = self.mending.get_mut(&key.source) {
                    mending.came(now_ms);
                }
                self.order.came(id, key, (at_ms, data.len()));
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
            Joint::Live => {}
        }
        self.push_or_hold(id, key, (at_ms, data))
    }

    /// An output that comes for the first time.
    pub(super) fn begin(&mut self, key: Key, at_ms: i64) {
        let Some(source) = self.sources.get(key.source) else { return };
        let is_own = key.of.is_none();
        let tail_bytes = if is_own { OWN_BYTES } else { SHARED_BYTES };
        let file = source.opened.as_ref().filter(|_| !source.is_heard);
        let tail = match file {
            Some(file) => Tail::of_file(file, source.sizes.1, tail_bytes),
            None => Tail::new(tail_bytes),
        };
        let joint = match file {
            _ if self.mending.contains_key(&key.source) => Joint::Waiting(Vec::new()),
            Some(_) if is_own => Joint::Looking {
                seam: Seam::new(source.sizes.0, source.file.is_fork),
                held: Vec::new(),
                since: Instant::now(),
            },
            _ => Joint::Live,
        };
        let channel = Channel {
            joint,
            tail,
            format: source.file.format(),
            judge: Judge::default(),
            head_ms: at_ms,
            last_ms: source.measured_ms.map_or(at_ms, |measured_ms| measured_ms.min(at_ms)),
            open: Open::default(),
            partial: Vec::new(),
            partial_at: Instant::now(),
            at_ms,
            moment_ms: at_ms,
            is_missed: false,
        };
        self.channels.insert(key, channel);
    }

    pub(super) fn clock_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Looks at all that waits; at the end at what would wait on, too. What is missing of shared files is
    /// not told as long as something waits to be told whose it is.
    pub(super) fn look_all(&mut self, is_end: bool, is_settled: bool) -> Result<(), Failure> {
        self.look_at_start(is_end)?;
        if is_settled {
            self.mend_shared()?;
        }
        self.tell_missing(is_settled)?;
        let mut keys: Vec<_> = self.channels.keys().copied().collect();
        // What came first is printed first.
        keys.sort_by_key(|key| self.channels.get(key).and_then(Channel::since));
        for key in keys {
            self.look(key)?;
            let Some(channel) = self.channels.get(&key) else { continue };
            if channel.partial_at.elapsed() >= PARTIAL_MAX {
                self.say_partial(key)?;
            }
        }
        self.tell_held(if is_end { Which::All } else { Which::Ready })?;
        self.rest(is_end)?;
        self.release(is_end, is_settled)
    }

    /// Joins an output to its file, where the place is known now.
    fn look(&mut self, key: Key) -> Result<(), Failure> {
        let now_ms = self.clock_ms();
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        let Some(source) = self.sources.get_mut(key.source) else { return Ok(()) };
        let Joint::Looking { seam, held, since } = &mut channel.joint else { return Ok(()) };
        let Some(file) = &source.opened else { return Ok(()) };
        let end = source.sizes.1;
        let waited_ms = since.elapsed().as_millis() as i64;
        if waited_ms < FIRST_MS {
            return Ok(());
        }
        let settled = (waited_ms >= WRITTEN_MS, seam.is_quiet(now_ms));
        let mut known = seam.place(file, 0, now_ms, settled).unwrap_or(None);
        let mut may_repeat = known.is_some_and(|at| seam.may_repeat_at(at));
        if known.is_none()
            && waited_ms >= ALIKE_MS
            && let Ok(Some((at, is_exact))) = seam.by_count(file)
        {
            (known, may_repeat) = (Some(at), !is_exact);
        }
        if may_repeat {
            complain(&source.label, "lines at this point may be repeated: they are alike");
        }
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
        let missed = read_part(file, end, begun).unwrap_or_default();
        // It may have been emptied meanwhile.
        let is_whole = missed.len() as u64 == begun.saturating_sub(end);
        if !is_whole {
            complain(&source.label, "lines at this point may be missing or repeated");
        }
        channel.tail = Tail::of_file(file, end.min(begun), OWN_BYTES);
        let skip = usize::try_from(end.saturating_sub(begun)).unwrap_or(usize::MAX);
        channel.tail.take(held.get(..skip.min(held.len())).unwrap_or_default());
        let left = skip.saturating_sub(held.len());
        channel.joint = if left > 0 { Joint::Skipping { left } } else { Joint::Live };
        if !missed.is_empty() {
            self.push_missed(&[Found { key, bytes: missed, ends: begun }])?;
        }
        self.push_joined(key, held.get(skip.min(held.len())..).unwrap_or_default().to_vec())
    }

    /// Takes bytes that are certainly new.
    pub(super) fn push(&mut self, key: Key, data: &[u8]) -> Result<(), Failure> {
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

    fn print(&mut self, key: Key, bytes: &[u8]) -> Result<(), Failure> {
        let source = self.sources.get(key.source);
        if source.is_none_or(|source| source.who(key.of).is_none()) {
            return Ok(());
        }
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        if channel.at_ms.saturating_sub(channel.last_ms) > PAUSE_MS && !channel.is_missed {
            channel.judge.close();
        }
        channel.last_ms = channel.at_ms;
        let (mut line, judged) = channel.format.judge(bytes, channel.at_ms, &mut channel.judge);
        if !line.goes_on() {
            let at_ms = channel.at_ms;
            channel.head_ms = line.at_ms;
            channel.moment_ms = if channel.is_missed { moment_ms(&line, at_ms) } else { at_ms };
        }
        // The bus says when a line without a time came.
        line.is_estimated &= channel.is_missed;
        line.at_ms = channel.head_ms;
        let timed = (channel.moment_ms, line);
        let ready = if self.filter.is_by_line() {
            channel.open.pass(timed, judged.part, self.filter)
        } else {
            channel.open.take(timed, self.filter)
        };
        self.hand_over(key, ready)
    }

    /// Prints what stands open of a source.
    pub(super) fn close(&mut self, index: usize) -> Result<(), Failure> {
        self.tell_held(Which::All)?;
        let keys: Vec<Key> =
            self.channels.keys().filter(|key| key.source == index).copied().collect();
        for key in keys {
            self.say_partial(key)?;
            self.say_rest(key, true)?;
        }
        Ok(())
    }

    /// Prints the entries that nothing follows.
    fn rest(&mut self, is_end: bool) -> Result<(), Failure> {
        let keys = by_time(self.channels.iter());
        keys.into_iter().try_for_each(|key| self.say_rest(key, is_end))
    }

    /// Prints a line without its end.
    pub(super) fn say_partial(&mut self, key: Key) -> Result<(), Failure> {
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        if channel.partial.is_empty() {
            return Ok(());
        }
        let line = std::mem::take(&mut channel.partial);
        self.print(key, &line)
    }

    /// The same of one output.
    pub(super) fn say_rest(&mut self, key: Key, is_end: bool) -> Result<(), Failure> {
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        let ready = channel.open.rest(self.filter, is_end);
        self.hand_over(key, ready)
    }
}

/// These outputs in the order in which the entries began that are held of them.
pub(super) fn by_time<'c>(outputs: impl Iterator<Item = (&'c Key, &'c Channel)>) -> Vec<Key> {
    let mut all: Vec<(i64, Key)> = outputs.map(|(key, channel)| (channel.head_ms, *key)).collect();
    all.sort_by_key(|(head_ms, _)| *head_ms);
    all.into_iter().map(|(_, key)| key).collect()
}
