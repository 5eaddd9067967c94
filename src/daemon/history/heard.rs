//! What came on the bus of each output: until its log file is joined to it, and what a loss of the bus
//! leaves to be mended.
//!
//! Invariant: taking a piece in never waits and costs little once the file is joined; what is kept has
//! a bound. Only after a loss are pieces held, for seconds at most, so that what is missing can be told
//! before them.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use self::speed::Speed;
use super::gap::{Again, OWN_BYTES, Tail};
use super::growth::Written;
use super::shared::SHARED_BYTES;
use crate::daemon::clock::{now_ms, whole_ms};
use crate::daemon::missing::Missing;
use crate::daemon::seam::Seam;
use crate::protocol::bus::{BusPmId, LogChunk, LogStream, ProcessRef};
use crate::protocol::process::PmId;

/// The most outputs that are listened to at a time.
const OUTPUTS_MAX: usize = 4096;
/// The most that is kept of one output as it came, bytes.
const KEPT_BYTES_MAX: usize = 64 << 10;
/// The most that is kept of all, bytes.
const ALL_BYTES_MAX: usize = 8 << 20;
/// The most that is held of all after a loss, bytes.
const HELD_BYTES_MAX: usize = 16 << 20;

/// Says that lines may be missing.
pub(super) const UNSURE: &str =
    "lines may be missing here: they did not come on the bus, and the log file does not say which";

/// An output of a process.
pub(super) type OutputKey = (PmId, LogStream);

/// What came of one output.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    /// Finds its place in the file.
    pub(super) seam: Seam,
    /// The bytes themselves, as long as there are few.
    pub(super) bytes: Vec<u8>,
    /// Whether that is not all of them.
    pub(super) is_cut: bool,
    /// When the first and the last piece came, by [`Heard::now_ms`].
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    /// When the daemon got the first, milliseconds since 1970.
    pub(super) since_ms: Option<i64>,
    /// Whether the bus was lost since: the file has more than what came.
    pub(super) is_lost: bool,
}

/// An output as far as it is known.
#[derive(Debug)]
enum Output {
    /// Its file is not joined yet.
    Begun(Box<Begun>),
    /// Its file is joined, or it has none.
    Joined(Option<Tail>),
    /// It comes again after a loss.
    Held(Box<Held>),
}

/// What came again of an output, and is not told yet.
#[derive(Debug)]
struct Held {
    chunks: Vec<LogChunk>,
    again: Again,
    /// When it began, by [`Heard::now_ms`].
    since_ms: i64,
}

/// Of whom an output is, and what was missing of it.
#[derive(Debug)]
pub(super) struct Mended {
    /// The process.
    pub(super) process: ProcessRef,
    /// What was missing.
    pub(super) bytes: Vec<u8>,
    /// When that was written.
    pub(super) written: Written,
    /// What is unsure about that.
    pub(super) unsure: Option<String>,
    /// How the output ends with it.
    pub(super) tail: Option<Tail>,
    /// How much of what came again was told already, bytes.
    pub(super) repeated: u64,
    /// After how many losses that was found out: where there was another one meanwhile, it is not so.
    pub(super) losses: u64,
}

/// A piece of output to be told, after a loss.
#[derive(Debug)]
pub(in crate::daemon) enum Piece {
    /// As it came.
    Came(LogChunk),
    /// Read from a file, and about when it was written.
    Missed { process: ProcessRef, stream: LogStream, bytes: Vec<u8>, written: Written },
    /// So much of an output is missing here.
    Lost(Missing),
    /// What is unsure here.
    Unsure { at_ms: i64, text: String },
}

/// Whether files are looked at for the first time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Look {
    #[default]
    Nothing,
    UnderWay,
    /// The bus was lost meanwhile.
    Lost,
}

/// What came of all outputs.
#[derive(Debug)]
pub(in crate::daemon) struct Heard {
    outputs: Mutex<Outputs>,
    /// How often the bus was connected, and whether it is.
    connection: watch::Sender<(u64, bool)>,
    /// There are pieces to be told.
    pub(in crate::daemon) has_released: Notify,
    started: Instant,
    /// When that was, milliseconds since 1970.
    started_ms: i64,
}

#[derive(Debug, Default)]
struct Outputs {
    now: HashMap<OutputKey, Output, foldhash::fast::RandomState>,
    /// How they ended on the connection before, as far as that is not mended.
    before: HashMap<OutputKey, Tail>,
    /// What came before a loss of those whose files are not joined yet: their history ends where that began.
    first: HashMap<OutputKey, Box<Begun>>,
    /// Whether files are looked at for the first time.
    look: Look,
    /// Whether what comes of outputs that are not known is held.
    is_holding: bool,
    /// Whether losses are mended from files.
    is_mended: bool,
    kept_bytes: usize,
    held_bytes: usize,
    released: Vec<Piece>,
    /// When the bus was lost, milliseconds since 1970.
    lost_ms: i64,
    /// When the daemon got what was told last, likewise.
    told_ms: i64,
    /// What was lost though the bus was there.
    speed: Speed,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            outputs: Mutex::default(),
            connection: watch::Sender::new((0, false)),
            has_released: Notify::new(),
            started: Instant::now(),
            started_ms: now_ms(),
        }
    }
}

impl Heard {
    /// The bus was connected: what came before is of another connection.
    pub(in crate::daemon) fn connected(&self) {
        let mut outputs = self.lock();
        let mut is_again = outputs.lose_look();
        for (key, output) in std::mem::take(&mut outputs.now) {
            match output {
                Output::Joined(Some(tail)) => {
                    is_again = true;
                    outputs.before.insert(key, tail);
                }
                Output::Joined(None) => {
                    outputs.now.insert(key, Output::Joined(None));
                }
                held @ Output::Held(_) => {
                    outputs.now.insert(key, held);
                    outputs.give_up(key);
                    if let Some(Output::Joined(Some(tail))) = outputs.now.remove(&key) {
                        is_again = true;
                        outputs.before.insert(key, tail);
                    }
                }
                Output::Begun(begun) => is_again |= outputs.set_aside(key, begun),
            }
        }
        if outputs.is_mended && is_again {
            outputs.is_holding = true;
            outputs.speed.begin_again();
        }
        drop(outputs);
        self.connection.send_modify(|(count, is_connected)| {
            *count += 1;
            *is_connected = true;
        });
    }

    /// What is written from now on comes on no bus: it was never connected.
    pub(super) fn is_unheard(&self) {
        let mut outputs = self.lock();
        if outputs.lost_ms == 0 {
            outputs.lost_ms = self.wall_ms();
        }
    }

    /// The bus is connected no more.
    pub(in crate::daemon) fn disconnected(&self) {
        let mut was = false;
        self.connection.send_modify(|(_, is_connected)| was = std::mem::take(is_connected));
        if was {
            self.lock().lost_ms = self.wall_ms();
        }
    }

    /// Waits until the bus is connected.
    pub(super) async fn wait_connected(&self) {
        // The sender lives as long as this.
        let _ = self.connection.subscribe().wait_for(|(_, is_connected)| *is_connected).await;
    }

    /// Says when the bus is connected again.
    pub(super) fn connections(&self) -> watch::Receiver<(u64, bool)> {
        self.connection.subscribe()
    }

    /// From now on losses are mended from files.
    pub(super) fn mend(&self) {
        self.lock().is_mended = true;
    }

    /// Takes a piece of output in, and gives it back where it can be told at once.
    pub(in crate::daemon) fn take(&self, chunk: LogChunk) -> Option<LogChunk> {
        let Some(BusPmId::Process(id) | BusPmId::Old(id)) = chunk.process.pm_id else {
            return Some(chunk);
        };
        let now_ms = self.elapsed_ms();
        let mut outputs = self.lock();
        let key = (id, chunk.stream);
        if outputs.now.len() >= OUTPUTS_MAX && !outputs.now.contains_key(&key) {
            return Some(chunk);
        }
        let room = outputs.room();
        let is_held = outputs.is_holding;
        let data = chunk.data.as_bytes();
        match outputs.now.entry(key).or_insert_with(|| Output::new(is_held, now_ms)) {
            Output::Joined(None) => Some(chunk),
            Output::Joined(Some(tail)) => {
                tail.take_at(data, now_ms);
                outputs.told_ms = chunk.at_ms.unwrap_or(outputs.told_ms);
                Some(chunk)
            }
            Output::Begun(begun) => {
                let kept = begun.take((data, chunk.at_ms), now_ms, room);
                outputs.kept_bytes += kept;
                Some(chunk)
            }
            Output::Held(held) => {
                held.again.take(data, now_ms);
                let bytes = data.len();
                held.chunks.push(chunk);
                outputs.held_bytes += bytes;
                if outputs.held_bytes > HELD_BYTES_MAX {
                    outputs.give_up_all();
                    self.has_released.notify_one();
                }
                None
            }
        }
    }

    /// What came of an output, if anything did and its file is not joined.
    pub(super) fn begun(&self, key: OutputKey) -> Option<Begun> {
        let outputs = self.lock();
        if let Some(first) = outputs.first.get(&key) {
            return Some((**first).clone());
        }
        match outputs.now.get(&key)? {
            Output::Begun(begun) if begun.seam.received() > 0 => Some((**begun).clone()),
            Output::Begun(_) | Output::Joined(_) | Output::Held(_) => None,
        }
    }

    /// Takes back what a look at the file found out.
    pub(super) fn learn(&self, key: OutputKey, seam: &Seam) {
        let mut outputs = self.lock();
        if let Some(first) = outputs.first.get_mut(&key) {
            first.seam.learn(seam);
            return;
        }
        if let Some(Output::Begun(begun)) = outputs.now.get_mut(&key) {
            begun.seam.learn(seam);
        }
    }

    /// The file of an output is joined: it ended so where the bus began.
    pub(super) fn join(&self, key: OutputKey, tail: Option<Tail>) {
        let mut outputs = self.lock();
        let ControlFlow::Continue(tail) = outputs.join_lost(key, tail) else { return };
        let before = outputs.now.remove(&key);
        let tail = match (before, tail) {
            (Some(Output::Joined(Some(known))), tail) => Some(known.keeping_as(tail.as_ref())),
            (Some(held @ Output::Held(_)), _) => {
                outputs.now.insert(key, held);
                return;
            }
            (Some(Output::Begun(begun)), tail) => {
                outputs.kept_bytes -= begun.bytes.len();
                tail.map(|tail| begun.goes_on(tail))
            }
            (_, tail) => tail,
        };
        outputs.now.insert(key, Output::Joined(tail));
    }

    /// An output whose file is joined goes on where one ended that is gone; without one nothing came of it
    /// yet. So many bytes of its end are kept.
    pub(super) fn go_on(&self, key: OutputKey, gone: Option<OutputKey>, bytes_max: usize) {
        let tail = gone.and_then(|gone| match self.lock().now.remove(&gone)? {
            Output::Joined(tail) => tail,
            Output::Begun(_) | Output::Held(_) => None,
        });
        self.join(key, Some(tail.unwrap_or_else(|| Tail::new(bytes_max))));
    }

    /// How the outputs ended before the loss.
    pub(super) fn take_before(&self) -> HashMap<OutputKey, Tail> {
        std::mem::take(&mut self.lock().before)
    }

    /// What came again of an output, where it is held.
    pub(super) fn again(&self, key: OutputKey) -> Option<Again> {
        match self.lock().now.get(&key)? {
            Output::Held(held) => Some(held.again.clone()),
            Output::Begun(_) | Output::Joined(_) => None,
        }
    }

    /// When the daemon got the first of what is held of an output, milliseconds since 1970.
    pub(super) fn held_since(&self, key: OutputKey) -> Option<i64> {
        match self.lock().now.get(&key)? {
            Output::Held(held) => held.chunks.first()?.at_ms,
            Output::Begun(_) | Output::Joined(_) => None,
        }
    }

    /// What came again of an output, as it came.
    pub(super) fn held_text(&self, key: OutputKey) -> Vec<u8> {
        match self.lock().now.get(&key) {
            Some(Output::Held(held)) => {
                held.chunks.iter().flat_map(|chunk| chunk.data.bytes()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The outputs that are held, and since when.
    pub(super) fn held(&self) -> Vec<(OutputKey, i64)> {
        let outputs = self.lock();
        let held = outputs.now.iter().filter_map(|(key, output)| match output {
            Output::Held(held) => Some((*key, held.since_ms)),
            Output::Begun(_) | Output::Joined(_) => None,
        });
        held.collect()
    }

    /// Takes back what a look at the files found out of what came again.
    pub(super) fn learn_again(&self, key: OutputKey, again: &Again) {
        if let Some(Output::Held(held)) = self.lock().now.get_mut(&key) {
            held.again.seam.learn(&again.seam);
        }
    }

    /// An output is mended. False where something came of it that was expected not to, or the other
    /// way round: then nothing changes.
    pub(super) fn release(&self, key: OutputKey, has_begun: bool, mended: Mended) -> bool {
        let mut outputs = self.lock();
        let is_held = match outputs.now.get(&key) {
            Some(Output::Held(_)) => true,
            // What was held of it was too much, and is told.
            Some(Output::Joined(_) | Output::Begun(_)) => return true,
            None => false,
        };
        if is_held != has_begun || outputs.speed.losses() != mended.losses {
            return false;
        }
        if outputs.held_of(key) < mended.repeated {
            return false;
        }
        outputs.speed.missing.take(key);
        let mut chunks = outputs.unhold(key);
        let mut tail = mended.tail;
        part::pass_over(&mut chunks, &mut tail, mended.repeated);
        for chunk in &chunks {
            if let Some(tail) = &mut tail {
                tail.take(chunk.data.as_bytes());
            }
        }
        outputs.now.insert(key, Output::Joined(tail));
        let (process, stream, bytes) = (mended.process, key.1, mended.bytes);
        if let Some(text) = mended.unsure {
            let to_ms = || chunks.first().and_then(|chunk| chunk.at_ms).unwrap_or_else(now_ms);
            let at_ms = mended.written.first_ms().unwrap_or_else(|| outputs.lost_ms.min(to_ms()));
            outputs.released.push(Piece::Unsure { at_ms, text });
        }
        if !bytes.is_empty() {
            let written = mended.written;
            outputs.released.push(Piece::Missed { process, stream, bytes, written });
        }
        outputs.released.extend(chunks.into_iter().map(Piece::Came));
        drop(outputs);
        self.has_released.notify_one();
        true
    }

    /// When the bus was lost last, milliseconds since 1970.
    pub(super) fn lost_ms(&self) -> i64 {
        self.lock().lost_ms
    }

    /// The pieces to be told, in their order.
    pub(in crate::daemon) fn released(&self) -> Vec<Piece> {
        std::mem::take(&mut self.lock().released)
    }

    /// Milliseconds by a clock that is never set back.
    pub(super) fn elapsed_ms(&self) -> i64 {
        i64::try_from(whole_ms(self.started.elapsed())).unwrap_or(i64::MAX)
    }

    /// Milliseconds since 1970, now. In tests that time is virtual, too.
    pub(super) fn wall_ms(&self) -> i64 {
        if cfg!(test) { self.started_ms + self.elapsed_ms() } else { now_ms() }
    }

    fn lock(&self) -> MutexGuard<'_, Outputs> {
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    fn new(is_held: bool, now_ms: i64) -> Self {
        if is_held {
            let again = Again::at(now_ms);
            return Self::Held(Box::new(Held { chunks: Vec::new(), again, since_ms: now_ms }));
        }
        // How large the file was then is not known: all of its last part is looked through.
        let seam = Seam::new(u64::MAX, false);
        Self::Begun(Box::new(Begun {
            seam,
            bytes: Vec::new(),
            is_cut: false,
            first_ms: now_ms,
            last_ms: now_ms,
            since_ms: None,
            is_lost: false,
        }))
    }
}

mod first;
mod held;
mod part;
mod speed;
#[cfg(test)]
mod tests;
