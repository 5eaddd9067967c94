//! A block of the store: some thousand lines that follow one another in time, with their bytes.
//!
//! Invariant: records stand in the order of [`LineId`]. The text holds the bytes of the held ones in
//! the same order, each with a newline behind it, so that a block is searched in one go.

use super::extras::{EXTRA_BYTES, Extra, Extras, shrink};
use super::line::{Body, Kind, LineId, LineRef, LineTime, Record};
use super::parse::Level;
use super::source::SourceId;

/// How large blocks are.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockLimits {
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

/// A line on its way into a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    /// Its name.
    pub(super) id: LineId,
    pub(super) record: Record,
    /// The bytes of a held line.
    pub(super) bytes: &'a [u8],
    pub(super) extra: Option<Extra>,
}

impl Entry<'_> {
    /// What it counts for in the bound of bytes.
    pub(super) fn cost(&self) -> usize {
        self.record.text_bytes() + self.extra.map_or(0, |_| EXTRA_BYTES)
    }
}

/// What is in a block, to pass over it without a look at its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Summary {
    /// Lines that output must not push out.
    pub(super) events: usize,
    /// What these cost, bytes.
    pub(super) event_bytes: usize,
    /// Lines in files.
    pub(super) filed: usize,
    /// Bytes of these.
    pub(super) filed_bytes: usize,
    /// Lines in files that are too long to be read whole.
    pub(super) long: usize,
    /// Lines that go on the entry of another one.
    pub(super) more: usize,
    /// Held lines that are searched as they are shown.
    pub(super) special: usize,
    /// A bit for each source, by its slot modulo 64.
    pub(super) sources: u64,
}

impl Summary {
    fn add(&mut self, record: &Record, cost: usize) {
        if record.outlives_output() {
            self.events += 1;
            self.event_bytes += cost;
        }
        self.more += usize::from(record.kind() == Kind::More);
        if record.is_filed() {
            self.filed += 1;
            self.filed_bytes += record.len as usize;
            self.long += usize::from(record.is_long());
        }
        self.special += usize::from(record.is_special());
        self.sources |= 1 << (record.source % 64);
    }
}

/// A block.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    /// Another one after every change but lines added at the end.
    pub(super) stamp: u64,
    /// What the orders of its records are counted from: that of the first that came, milliseconds.
    base_ms: i64,
    records: Vec<Record>,
    text: Vec<u8>,
    extras: Extras,
    summary: Summary,
}

impl Block {
    /// An empty block, with room as `like` has filled.
    pub(super) fn new(stamp: u64, like: Option<&Self>) -> Self {
        let (lines, bytes) = like.map_or((0, 0), |like| (like.records.len(), like.text.len()));
        Self {
            stamp,
            records: Vec::with_capacity(lines),
            text: Vec::with_capacity(bytes),
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn summary(&self) -> &Summary {
        &self.summary
    }

    pub(super) fn first(&self) -> Option<LineId> {
        self.records.first().map(|record| record.id(self.base_ms))
    }

    pub(super) fn last(&self) -> Option<LineId> {
        self.records.last().map(|record| record.id(self.base_ms))
    }

    /// How many of its lines stand before this place.
    pub(super) fn rank(&self, id: LineId) -> usize {
        self.records.partition_point(|record| record.id(self.base_ms) < id)
    }

    /// The name of one of its lines.
    pub(super) fn id_of(&self, record: &Record) -> LineId {
        record.id(self.base_ms)
    }

    /// The name of the line at an index.
    pub(super) fn id_at(&self, index: usize) -> Option<LineId> {
        self.records.get(index).map(|record| self.id_of(record))
    }

    /// The line at an index, where it is the one of this name.
    pub(super) fn record_of(&self, index: usize, id: LineId) -> Option<&Record> {
        self.records.get(index).filter(|record| self.id_of(record) == id)
    }

    /// Bytes of its lines, wherever they are.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.summary.filed_bytes
    }

    /// Whether a line more would be too much, or is too far away in time.
    pub(super) fn is_full(&self, limits: BlockLimits, entry: &Entry<'_>) -> bool {
        let record = &entry.record;
        if !self.is_empty() && Record::off_ms(entry.id.order_ms, self.base_ms).is_none() {
            return true;
        }
        // Those in files are read for a search, a block at a time.
        let bytes = self.bytes() + record.len as usize;
        // The parts of one line, each of which fills a block, stay together.
        let fills = |record: &Record| record.len as usize >= limits.bytes;
        let is_piece = record.kind() == Kind::More
            && (fills(record) || self.records.last().is_some_and(fills));
        let is_over = bytes >= limits.bytes && !is_piece;
        self.records.len() >= limits.lines || (is_over && !self.is_empty())
    }

    /// Adds a line behind all others.
    #[inline]
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        let mut record = self.named(entry);
        self.summary.add(&record, entry.cost());
        if !record.is_filed() {
            record.set_start(self.text.len());
            self.text.extend_from_slice(entry.bytes);
            self.text.push(b'\n');
        }
        self.add_extra(&mut record, self.records.len(), entry);
        self.records.push(record);
    }

    /// Adds a line where it belongs. The caller gives the block another stamp.
    pub(super) fn insert(&mut self, entry: &Entry<'_>) {
        let index = self.rank(entry.id);
        let mut record = self.named(entry);
        self.summary.add(&record, entry.cost());
        if !record.is_filed() {
            let start = self.text_start(index);
            record.set_start(start);
            let bytes = entry.bytes.iter().copied().chain(std::iter::once(b'\n'));
            self.text.splice(start..start, bytes);
            let shift = record.text_bytes();
            for later in self.records.iter_mut().skip(index).filter(|later| !later.is_filed()) {
                later.set_start(later.start() + shift);
            }
        }
        self.extras.shift(index);
        self.add_extra(&mut record, index, entry);
        self.records.insert(index, record);
    }

    /// The record of a line that comes in.
    fn named(&mut self, entry: &Entry<'_>) -> Record {
        if self.is_empty() {
            self.base_ms = entry.id.order_ms;
        }
        let mut record = entry.record;
        record.set_id(entry.id, self.base_ms);
        record
    }

    fn add_extra(&mut self, record: &mut Record, index: usize, entry: &Entry<'_>) {
        if let Some(extra) = entry.extra {
            record.set_has_extra();
            self.extras.put(index, entry.id.order_ms, extra);
        }
    }

    /// Where the text of the line at this index begins, or would.
    fn text_start(&self, index: usize) -> usize {
        let held = self.records.iter().skip(index).find(|record| !record.is_filed());
        held.map_or(self.text.len(), Record::start)
    }

    /// The line at an index, to be put into another block.
    pub(super) fn entry(&self, index: usize) -> Option<Entry<'_>> {
        let record = *self.records.get(index)?;
        let extra = record.has_extra().then(|| self.extra(&record, index));
        Some(Entry { id: self.id_of(&record), record, bytes: self.held(&record), extra })
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.len()).filter_map(|index| self.entry(index))
    }

    /// An empty block with room for so many lines.
    pub(super) fn with_room(stamp: u64, lines: usize) -> Self {
        Self { stamp, records: Vec::with_capacity(lines), ..Self::default() }
    }

    /// How many lines it has memory for.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.records.capacity()
    }

    /// Gives back memory that it will not need.
    pub(super) fn seal(&mut self) {
        shrink(&mut self.records);
        shrink(&mut self.text);
        self.extras.seal();
    }

    /// The bytes of a held line of this block, without the newline.
    pub(super) fn held(&self, record: &Record) -> &[u8] {
        if record.is_filed() {
            return &[];
        }
        let start = record.start();
        self.text.get(start..start + record.len as usize).unwrap_or_default()
    }

    fn extra(&self, record: &Record, index: usize) -> Extra {
        let of = || self.extras.of(index, self.id_of(record).order_ms);
        if record.has_extra() { of() } else { Extra::default() }
    }

    /// The true length of the line at an index, bytes.
    pub(super) fn true_len(&self, record: &Record, index: usize) -> u64 {
        self.extra(record, index).len.unwrap_or(u64::from(record.len))
    }

    /// The line at an index; `turn` is that of its source's slot.
    pub(super) fn line(&self, index: usize, turn: impl Fn(u16) -> u32) -> Option<LineRef<'_>> {
        let record = self.records.get(index)?;
        let extra = self.extra(record, index);
        let len = extra.len.unwrap_or(u64::from(record.len));
        let body = if record.is_filed() {
            let mut place = record.file_place();
            place.len = len;
            Body::Filed(place)
        } else {
            Body::Held(self.held(record))
        };
        let id = self.id_of(record);
        let time = LineTime { at_ms: extra.own_ms.unwrap_or(id.order_ms), from: record.from() };
        let source = SourceId { slot: record.source, turn: turn(record.source) };
        let (level, kind, is_bus_only) = (record.level(), record.kind(), record.is_bus_only());
        Some(LineRef { id, source, time, level, kind, body, len, is_bus_only })
    }

    /// The line at an index has this level.
    pub(super) fn set_level(&mut self, index: usize, level: Option<Level>) {
        if let Some(record) = self.records.get_mut(index) {
            record.set_level(level);
        }
    }

    /// The line at an index is in no file.
    pub(super) fn set_bus_only(&mut self, index: usize) {
        if let Some(record) = self.records.get_mut(index) {
            record.set_bus_only();
        }
    }

    /// Level and kind of the line at an index.
    pub(super) fn level_and_kind(&self, index: usize) -> Option<(Option<Level>, Kind)> {
        self.records.get(index).map(|record| (record.level(), record.kind()))
    }
}
