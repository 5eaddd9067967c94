//! The store: lines of all sources in one order, within bounds.
//!
//! Invariant: blocks are not empty, and each begins behind the end of the one before. A line is in
//! the store once, or it was refused, or it is counted as gone.

use std::sync::Arc;

use super::block::{Block, BlockLimits, Entry};
use super::extras::Extra;
use super::line::{Body, Kind, LINE_BYTES_MAX, Line, LineId, LineRef, LineTime, RANK_MAX, Record};
use super::parse::Level;
use super::source::{SourceId, SourceKey, Sources, Tally};

/// The records of so many lines, 33 pages less a few bytes, are a map of their own to glibc: with less than
/// 128 KiB, they would lie between what is freed all the time (2 MiB more for 1,000,000 lines).
const BLOCK_LINES_MAX: usize = 4_800;
const BLOCK_BYTES_MAX: usize = 512 * 1024;
/// A store has at least about so many blocks when it is full: they fall out whole.
const BLOCKS_MIN: usize = 16;
/// A line takes at most this part of the bytes.
const LINE_PART: usize = 8;
/// The ranks of two lines that come one after the other are so far apart: those that go on the entry of
/// one have their places between.
const RANK_STEP: i64 = 1 << 10;
/// What happened takes at most this part of a store whose rest is output.
const EVENTS_PART: usize = 8;

/// How much a store holds. At least 64 lines and 4 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Lines; each takes 28 bytes of index beside the bytes below.
    pub lines: usize,
    /// Bytes of lines that are not in files.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { lines: 100_000, bytes: 64 * 1024 * 1024 }
    }
}

/// What came of history that was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prepended {
    /// Lines that were taken in: the newest.
    pub taken: usize,
    /// Older lines for which there was no room; nothing was pushed out for them.
    pub refused: usize,
}

/// Log lines of many sources. A clone is cheap (it shares the blocks): a thread of its own can
/// compute a view from it while lines come.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) blocks: Vec<Arc<Block>>,
    pub(super) sources: Arc<Sources>,
    pub(super) tallies: Vec<Tally>,
    pub(super) bounds: Bounds,
    pub(super) limits: BlockLimits,
    pub(super) lines: usize,
    pub(super) bytes: usize,
    pub(super) events: usize,
    pub(super) event_bytes: usize,
    pub(super) next_rank: i64,
    pub(super) first_rank: i64,
    /// Likewise of what happened: below those of all lines.
    pub(super) first_event_rank: i64,
    next_stamp: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let bounds = Bounds { lines: bounds.lines.max(64), bytes: bounds.bytes.max(4096) };
        let limits = BlockLimits {
            lines: (bounds.lines / BLOCKS_MIN).min(BLOCK_LINES_MAX),
            bytes: (bounds.bytes / BLOCKS_MIN).min(BLOCK_BYTES_MAX),
        };
        Self {
            blocks: Vec::new(),
            sources: Arc::default(),
            tallies: Vec::new(),
            bounds,
            limits,
            lines: 0,
            bytes: 0,
            events: 0,
            event_bytes: 0,
            next_rank: 0,
            first_rank: 0,
            first_event_rank: -RANK_MAX / 2,
            next_stamp: 0,
        }
    }

    /// The source of this name, which is added where it is not known. `None` only while 65,535
    /// others have lines.
    pub fn source(&mut self, key: &SourceKey) -> Option<SourceId> {
        let slot = match self.sources.slot(key) {
            Some(slot) => slot,
            None => Arc::make_mut(&mut self.sources).add(key.clone(), &mut self.tallies)?,
        };
        Some(SourceId { slot, turn: self.turn(slot) })
    }

    /// Adds a line, the newest of its source. The oldest fall out where a bound is reached. `None`
    /// where the source is no longer known.
    pub fn append(&mut self, source: SourceId, line: &Line<'_>) -> Option<LineId> {
        let next_rank = self.next_rank;
        let tally = self.tally_mut(source)?;
        let own_ms = line.time.at_ms;
        let last = tally.last_order_ms;
        let last = last.map(|order_ms| LineId { order_ms, rank: tally.last_rank });
        let order_ms = last.map_or(own_ms, |last| last.order_ms.max(own_ms));
        tally.taken += 1;
        // What goes on an entry stands behind it, whatever came of others in between.
        let behind = last.filter(|last| line.kind == Kind::More && last.rank >= 0);
        let behind = behind.map(|last| LineId { rank: last.rank + 1, ..last });
        let id = behind.filter(|id| id.rank % RANK_STEP != 0);
        let id = id.unwrap_or(LineId { order_ms, rank: next_rank });
        tally.last_order_ms = Some(id.order_ms);
        tally.last_rank = id.rank;
        if id.rank == next_rank {
            self.next_rank += RANK_STEP;
        }
        let entry = self.prepare(id, source.slot, line);
        self.make_room(entry.cost());
        self.count(&entry);
        self.place(&entry);
        Some(id)
    }

    /// Adds lines of output that are prose (see [`super::parse::is_prose`]) and came together, the
    /// newest of their source. Returns the last of them: `None` where there is none, or the source is
    /// no longer known. The same as [`Self::append`] for each, but quicker: a burst is of such lines.
    pub fn append_prose<'a>(
        &mut self,
        source: SourceId,
        (time, level): (LineTime, Option<Level>),
        texts: impl Iterator<Item = &'a [u8]>,
    ) -> Option<LineId> {
        let tally = self.tally_mut(source)?;
        let order_ms = tally.last_order_ms.map_or(time.at_ms, |last| last.max(time.at_ms));
        let first = self.next_rank;
        for text in texts {
            let id = LineId { order_ms, rank: self.next_rank };
            self.next_rank += RANK_STEP;
            let most = LINE_BYTES_MAX.min(self.bounds.bytes / LINE_PART);
            let entry = match u32::try_from(text.len()) {
                Ok(len) if text.len() <= most && order_ms == time.at_ms => {
                    let record = Record::prose(source.slot, (time.from, level), len);
                    Entry { id, record, bytes: text, extra: None }
                }
                _ => {
                    let body = Body::Held(text);
                    let line = Line { time, level, kind: Kind::Output, body };
                    self.prepare(id, source.slot, &line)
                }
            };
            self.make_room(entry.cost());
            self.count(&entry);
            self.place(&entry);
        }
        let count = (self.next_rank - first) / RANK_STEP;
        let last = self.next_rank - RANK_STEP;
        let tally = self.tally_mut(source).filter(|_| count > 0)?;
        tally.last_order_ms = Some(order_ms);
        tally.last_rank = last;
        tally.taken += count.unsigned_abs();
        Some(LineId { order_ms, rank: last })
    }

    /// The first line of a source that it holds.
    #[must_use]
    pub fn first_of(&self, source: SourceId) -> Option<LineRef<'_>> {
        self.tally(source)?;
        let bit = 1 << (source.slot % 64);
        let blocks = self.blocks.iter().filter(|block| block.summary().sources & bit != 0);
        let lines = |block: &'_ Arc<Block>| {
            let records = block.records();
            records.iter().position(|record| record.source == source.slot)
        };
        let mut found = blocks.filter_map(|block| Some((block, lines(block)?)));
        let (block, index) = found.next()?;
        block.line(index, |slot| self.turn(slot))
    }

    /// Takes a line out, as if it had never come. False where it is not held.
    pub fn take_out(&mut self, id: LineId) -> bool {
        let index = self.block_of(id);
        let Some(block) = self.blocks.get(index).map(Arc::clone) else { return false };
        let rank = block.rank(id);
        let Some(entry) = block.entry(rank).filter(|entry| entry.id == id) else {
            return false;
        };
        let others = block.entries().enumerate().filter(|(other, _)| *other != rank);
        let parts = self.build(others.map(|(_, entry)| entry), self.limits);
        self.blocks.splice(index..=index, parts);
        self.lines -= 1;
        self.bytes -= entry.cost();
        if entry.record.outlives_output() {
            self.events -= 1;
            self.event_bytes -= entry.cost();
        }
        if let Some(tally) = self.tallies.get_mut(usize::from(entry.record.source)) {
            tally.taken -= 1;
        }
        true
    }

    /// The place of the newest line that came of a source, whether it is held still or not.
    #[must_use]
    pub fn last_of(&self, source: SourceId) -> Option<LineId> {
        let tally = self.tally(source)?;
        Some(LineId { order_ms: tally.last_order_ms?, rank: tally.last_rank })
    }

    /// The newest line that it holds.
    #[must_use]
    pub fn last(&self) -> Option<LineId> {
        self.blocks.last().and_then(|block| block.last())
    }

    /// Lines that it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// Whether lines of it are in files.
    #[must_use]
    pub fn has_filed(&self) -> bool {
        self.blocks.iter().any(|block| block.summary().filed > 0)
    }

    /// Bytes of the lines that it holds, without the index.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How much it holds at most.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What came of the lines of a source.
    #[must_use]
    pub fn tally(&self, source: SourceId) -> Option<&Tally> {
        let tally = self.tallies.get(usize::from(source.slot))?;
        (tally.turn == source.turn).then_some(tally)
    }

    /// The name of a source.
    #[must_use]
    pub fn source_key(&self, source: SourceId) -> Option<&SourceKey> {
        self.tally(source)?;
        self.sources.key(source.slot)
    }

    /// All sources, with and without lines.
    pub fn sources(&self) -> impl Iterator<Item = (SourceId, &SourceKey, &Tally)> {
        let slots = (0_u16..).zip(self.sources.keys()).zip(&self.tallies);
        slots.map(|((slot, key), tally)| (SourceId { slot, turn: tally.turn }, key, tally))
    }

    /// A line, unless it is gone.
    #[must_use]
    pub fn line(&self, id: LineId) -> Option<LineRef<'_>> {
        let block = self.blocks.get(self.block_of(id))?;
        block.line(block.rank(id), |slot| self.turn(slot)).filter(|line| line.id == id)
    }

    /// All lines, in order.
    pub fn iter(&self) -> impl Iterator<Item = LineRef<'_>> {
        self.iter_from(LineId::START)
    }

    /// The lines at a place and behind it, in order.
    pub fn iter_from(&self, id: LineId) -> impl Iterator<Item = LineRef<'_>> {
        let first = self.block_of(id);
        let blocks = self.blocks.iter().enumerate().skip(first);
        blocks.flat_map(move |(index, block)| {
            let start = if index == first { block.rank(id) } else { 0 };
            let line = |index| block.line(index, |slot| self.turn(slot));
            (start..block.len()).filter_map(line)
        })
    }

    /// The block that this place is in: the first that does not end before it.
    pub(super) fn block_of(&self, id: LineId) -> usize {
        self.blocks.partition_point(|block| block.last() < Some(id))
    }

    pub(super) fn turn(&self, slot: u16) -> u32 {
        self.tallies.get(usize::from(slot)).map_or(0, |tally| tally.turn)
    }

    pub(super) fn tally_mut(&mut self, source: SourceId) -> Option<&mut Tally> {
        let tally = self.tallies.get_mut(usize::from(source.slot))?;
        (tally.turn == source.turn).then_some(tally)
    }

    pub(super) fn stamp(&mut self) -> u64 {
        self.next_stamp += 1;
        self.next_stamp
    }

    /// A line as a block takes it: cut where it is too long.
    pub(super) fn prepare<'a>(&self, id: LineId, slot: u16, line: &Line<'a>) -> Entry<'a> {
        let most = LINE_BYTES_MAX.min(self.bounds.bytes / LINE_PART);
        let mut extra = Extra::default();
        let mut body = line.body;
        match line.body {
            Body::Held(bytes) if bytes.len() > most => {
                extra.len = Some(bytes.len() as u64);
                body = Body::Held(bytes.get(..most).unwrap_or_default());
            }
            Body::Filed(place) if place.len > u64::from(u32::MAX) => extra.len = Some(place.len),
            Body::Held(_) | Body::Filed(_) => {}
        }
        if line.time.at_ms != id.order_ms {
            extra.own_ms = Some(line.time.at_ms);
        }
        let bytes = if let Body::Held(bytes) = body { bytes } else { &[] };
        let extra = (extra != Extra::default()).then_some(extra);
        Entry { id, record: Record::new(slot, line, body), bytes, extra }
    }

    pub(super) fn count(&mut self, entry: &Entry<'_>) {
        let cost = entry.cost();
        self.lines += 1;
        self.bytes += cost;
        if entry.record.outlives_output() {
            self.events += 1;
            self.event_bytes += cost;
        }
    }

    /// Puts a line into the block where it belongs.
    fn place(&mut self, entry: &Entry<'_>) {
        let id = entry.id;
        let last = self.blocks.last_mut();
        let Some(last) = last.filter(|last| last.last() < Some(id)) else {
            return self.place_between(entry);
        };
        if last.is_full(self.limits, entry) {
            let full = Arc::make_mut(last);
            let mut next = Block::new(0, Some(full));
            full.seal();
            next.push(entry);
            next.stamp = self.stamp();
            self.blocks.push(Arc::new(next));
        } else {
            Arc::make_mut(last).push(entry);
        }
    }

    /// Puts a line into a block that is not the last, or into the first.
    fn place_between(&mut self, entry: &Entry<'_>) {
        let index = self.block_of(entry.id);
        let stamp = self.stamp();
        let limits = self.limits;
        let Some(block) = self.blocks.get_mut(index) else {
            let mut block = Block::new(stamp, None);
            block.push(entry);
            self.blocks.push(Arc::new(block));
            return;
        };
        if !block.is_full(limits, entry) {
            let block = Arc::make_mut(block);
            block.insert(entry);
            block.stamp = stamp;
            return;
        }
        let full = Arc::clone(block);
        let at = full.rank(entry.id);
        let (before, behind) = (full.entries().take(at), full.entries().skip(at));
        let whole = before.chain(std::iter::once(*entry)).chain(behind);
        // Two halves, or three where lines are long.
        let lines = full.len() / 2 + 1;
        let bytes = full.text().len() + full.summary().filed_bytes;
        let halves = BlockLimits { lines, bytes: (bytes / 2).max(1) };
        let parts = self.build(whole, halves);
        self.blocks.splice(index..=index, parts);
    }

    /// Blocks of these lines, which are in order.
    pub(super) fn build<'a>(
        &mut self,
        entries: impl Iterator<Item = Entry<'a>>,
        limits: BlockLimits,
    ) -> Vec<Arc<Block>> {
        let mut blocks = Vec::new();
        // Room is taken at once, and not more and more of it.
        let mut left = entries.size_hint().0;
        let room = |left: usize| left.min(limits.lines);
        let mut current = Block::with_room(self.stamp(), room(left));
        for entry in entries {
            if current.is_full(limits, &entry) {
                current.seal();
                blocks.push(Arc::new(current));
                current = Block::with_room(self.stamp(), room(left));
            }
            left = left.saturating_sub(1);
            current.push(&entry);
        }
        if !current.is_empty() {
            blocks.push(Arc::new(current));
        }
        blocks
    }

    /// Lets lines fall out until one more fits.
    fn make_room(&mut self, cost: usize) {
        while self.lines >= self.bounds.lines || self.bytes + cost > self.bounds.bytes {
            if self.blocks.is_empty() {
                break;
            }
            let are_events_many = self.events > self.bounds.lines / EVENTS_PART
                || self.event_bytes > self.bounds.bytes / EVENTS_PART;
            let has_output = |block: &Arc<Block>| block.summary().events < block.len();
            let output = self.blocks.iter().position(has_output);
            match output {
                Some(index) if !are_events_many => self.drop_output(index),
                _ => self.drop_first(),
            }
        }
    }

    fn drop_first(&mut self) {
        let block = self.blocks.remove(0);
        for entry in block.entries() {
            self.forget(&entry);
        }
    }

    /// Lets the output of a block fall out. What happened stays, in a block with that of before.
    fn drop_output(&mut self, index: usize) {
        let Some(block) = self.blocks.get(index).map(Arc::clone) else { return };
        let lives = |entry: &Entry<'_>| entry.record.outlives_output();
        for entry in block.entries().filter(|entry| !lives(entry)) {
            self.forget(&entry);
        }
        if block.summary().events == 0 {
            self.blocks.remove(index);
            return;
        }
        // All blocks before it have no output.
        let before = index.checked_sub(1).and_then(|index| self.blocks.get(index)).map(Arc::clone);
        let elder = before.filter(|before| before.len() < self.limits.lines);
        let first = index - usize::from(elder.is_some());
        let old = elder.iter().flat_map(|elder| elder.entries());
        let kept = old.chain(block.entries().filter(lives));
        let parts = self.build(kept, self.limits);
        self.blocks.splice(first..=index, parts);
    }

    fn forget(&mut self, entry: &Entry<'_>) {
        let cost = entry.cost();
        self.lines -= 1;
        self.bytes -= cost;
        if entry.record.outlives_output() {
            self.events -= 1;
            self.event_bytes -= cost;
        }
        if let Some(tally) = self.tallies.get_mut(usize::from(entry.record.source)) {
            tally.gone += 1;
            tally.gone_bytes += u64::from(entry.record.len) * u64::from(!entry.record.is_filed());
        }
    }
}
