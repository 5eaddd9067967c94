//! A block of the store: some thousand lines that follow one another in time, with their bytes.
//!
//! Invariant: records stand in the order of [`LineId`]. The text holds the bytes of the held ones in
//! the same order, each with a newline behind it, so that a block is searched in one go.

use super::line::{Body, Kind, LineId, LineRef, LineTime, Record};
use super::parse::Level;
use super::source::SourceId;

/// What few lines have, by their rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Extra {
    /// Its own time, where it is before that of a line before it.
    pub(super) own_ms: Option<i64>,
    /// Its true length, where it is cut or beyond the index.
    pub(super) len: Option<u64>,
}

/// What an [`Extra`] counts for in the bound of bytes: as a rule it is a time.
pub(super) const EXTRA_BYTES: usize = 8;
/// A block gives memory back where at least this part of its room is empty.
const SLACK_PART: usize = 8;

/// The extras of a block by the index of their line, ascending: few bytes each, since of a file whose
/// clock went back most lines have one.
#[derive(Debug, Clone, Default)]
struct Extras {
    /// Own times within centuries of the one that the line is ordered by.
    near: Vec<Near>,
    /// Instead of these, where most lines of a full block have one and all are within days: by how much the
    /// time of each differs, milliseconds; [`NO_TIME`] for one without.
    dense: Vec<i32>,
    own_ms: Vec<(u32, i64)>,
    lens: Vec<(u32, u64)>,
}

/// The index of a line, and by how much its own time differs from the one that it is ordered by,
/// milliseconds: in 16 and 48 bits.
#[derive(Debug, Clone, Copy)]
struct Near(u64);

impl Near {
    const MS_BITS: u32 = 48;

    /// `None` where that is too far.
    fn new(index: usize, off_ms: i64) -> Option<Self> {
        let index = u64::from(u16::try_from(index).ok()?);
        let off = off_ms.cast_unsigned() & ((1 << Self::MS_BITS) - 1);
        let near = Self((index << Self::MS_BITS) | off);
        (near.off_ms() == off_ms).then_some(near)
    }

    fn index(self) -> usize {
        (self.0 >> Self::MS_BITS) as usize
    }

    fn off_ms(self) -> i64 {
        (self.0 << (u64::BITS - Self::MS_BITS)).cast_signed() >> (u64::BITS - Self::MS_BITS)
    }
}

/// In place of a difference: the line has no other time.
const NO_TIME: i32 = i32::MIN;

impl Extras {
    /// Takes less memory, as long as none is added.
    fn pack(&mut self) {
        let count = self.near.last().map_or(0, |last| last.index() + 1);
        let off = |near: &Near| i32::try_from(near.off_ms()).ok().filter(|off| *off != NO_TIME);
        let is_less = count * size_of::<i32>() < self.near.len() * size_of::<Near>();
        if !is_less || self.near.iter().any(|near| off(near).is_none()) {
            return;
        }
        let mut dense = vec![NO_TIME; count];
        for near in self.near.drain(..) {
            if let (Some(to), Some(off)) = (dense.get_mut(near.index()), off(&near)) {
                *to = off;
            }
        }
        (self.dense, self.near) = (dense, Vec::new());
    }

    /// Undoes [`Self::pack`].
    fn unpack(&mut self) {
        let dense = std::mem::take(&mut self.dense).into_iter().enumerate();
        let known = dense.filter(|(_, off)| *off != NO_TIME);
        self.near.extend(known.filter_map(|(index, off)| Near::new(index, off.into())));
    }

    /// Those of the line at an index, which is ordered by this time.
    fn of(&self, index: usize, order_ms: i64) -> Extra {
        let near = self.near.binary_search_by_key(&index, |near| near.index()).ok();
        let near = near.and_then(|place| self.near.get(place));
        let dense = self.dense.get(index).filter(|off| **off != NO_TIME);
        let off_ms = near.map(|near| near.off_ms()).or(dense.map(|off| i64::from(*off)));
        let own_ms = off_ms.map(|off_ms| order_ms + off_ms);
        Extra {
            own_ms: own_ms.or_else(|| found(&self.own_ms, index)),
            len: found(&self.lens, index),
        }
    }

    /// Makes room for a line before the one of this index.
    fn shift(&mut self, index: usize) {
        self.unpack();
        let first = self.near.partition_point(|near| near.index() < index);
        for near in self.near.iter_mut().skip(first) {
            near.0 += 1 << Near::MS_BITS;
        }
        shift(&mut self.own_ms, index);
        shift(&mut self.lens, index);
    }

    fn put(&mut self, index: usize, order_ms: i64, extra: Extra) {
        self.unpack();
        let off_ms = extra.own_ms.and_then(|own_ms| own_ms.checked_sub(order_ms));
        if let Some(near) = off_ms.and_then(|off_ms| Near::new(index, off_ms)) {
            let place = self.near.partition_point(|near| near.index() < index);
            self.near.insert(place, near);
        } else {
            put(&mut self.own_ms, index, extra.own_ms);
        }
        put(&mut self.lens, index, extra.len);
    }
}

/// The index of a line as it is kept: a block has some thousand.
fn short(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn found<T: Copy>(all: &[(u32, T)], index: usize) -> Option<T> {
    let place = all.binary_search_by_key(&short(index), |(at, _)| *at).ok()?;
    all.get(place).map(|(_, value)| *value)
}

fn shift<T>(all: &mut [(u32, T)], index: usize) {
    let first = all.partition_point(|(at, _)| *at < short(index));
    for (at, _) in all.iter_mut().skip(first) {
        *at += 1;
    }
}

fn put<T>(all: &mut Vec<(u32, T)>, index: usize, value: Option<T>) {
    let Some(value) = value else { return };
    let place = all.partition_point(|(at, _)| *at < short(index));
    all.insert(place, (short(index), value));
}

/// How large blocks are.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockLimits {
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

/// A line on its way into a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
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
        if record.kind().outlives_output() {
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
        self.records.first().map(Record::id)
    }

    pub(super) fn last(&self) -> Option<LineId> {
        self.records.last().map(Record::id)
    }

    /// How many of its lines stand before this place.
    pub(super) fn rank(&self, id: LineId) -> usize {
        self.records.partition_point(|record| record.id() < id)
    }

    /// Bytes of its lines, wherever they are.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.summary.filed_bytes
    }

    /// Whether a line more would be too much.
    pub(super) fn is_full(&self, limits: BlockLimits, record: &Record) -> bool {
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
        let mut record = entry.record;
        self.summary.add(&record, entry.cost());
        if !record.is_filed() {
            record.set_start(self.text.len());
            self.text.extend_from_slice(entry.bytes);
            self.text.push(b'\n');
        }
        self.add_extra(&mut record, self.records.len(), entry.extra);
        self.records.push(record);
    }

    /// Adds a line where it belongs. The caller gives the block another stamp.
    pub(super) fn insert(&mut self, entry: &Entry<'_>) {
        let index = self.rank(entry.record.id());
        let mut record = entry.record;
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
        self.add_extra(&mut record, index, entry.extra);
        self.records.insert(index, record);
    }

    fn add_extra(&mut self, record: &mut Record, index: usize, extra: Option<Extra>) {
        if let Some(extra) = extra {
            record.set_has_extra();
            self.extras.put(index, record.id().order_ms, extra);
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
        Some(Entry { record, bytes: self.held(&record), extra })
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
        self.extras.pack();
        shrink(&mut self.extras.near);
        shrink(&mut self.extras.own_ms);
        shrink(&mut self.extras.lens);
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
        let of = || self.extras.of(index, record.id().order_ms);
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
        let id = record.id();
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

/// Gives back room that is worth it: blocks of one size are used again, pieces of odd sizes are not.
fn shrink<T>(all: &mut Vec<T>) {
    if all.capacity() - all.len() > all.capacity() / SLACK_PART {
        all.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(extras: &Extras, order_ms: i64) -> Vec<Option<i64>> {
        (0..=300).map(|index| extras.of(index, order_ms).own_ms).collect()
    }

    /// Extras of 300 lines, those with a time of their own.
    fn extras(order_ms: i64, own: impl Fn(i64) -> Option<i64>) -> Extras {
        let mut extras = Extras::default();
        for index in 0..300 {
            if let Some(own_ms) = own(index) {
                extras.put(index as usize, order_ms, Extra { own_ms: Some(own_ms), len: None });
            }
        }
        extras
    }

    #[test]
    fn times_that_most_lines_have_take_less_and_are_the_same() {
        let order_ms = 1_700_000_000_000;
        let own = |index: i64| (index % 3 > 0).then(|| order_ms - index * 7_000);
        let mut packed = extras(order_ms, own);
        let mut wanted = told(&packed, order_ms);
        packed.pack();
        assert_eq!((packed.near.len(), packed.dense.len()), (0, 300));
        assert_eq!(told(&packed, order_ms), wanted);
        packed.shift(100);
        packed.put(100, order_ms, Extra { own_ms: Some(5), len: None });
        wanted.insert(100, Some(5));
        wanted.pop();
        assert_eq!(told(&packed, order_ms), wanted);
        // Few of them, and one that is further away than days.
        for own in
            [(|index: i64| (index % 3 == 0).then_some(index)) as fn(i64) -> Option<i64>, |index| {
                Some(if index == 7 { 5 } else { 1_700_000_000_000 - index })
            }]
        {
            let mut other = extras(order_ms, own);
            let wanted = told(&other, order_ms);
            other.pack();
            assert_eq!((other.dense.len(), told(&other, order_ms)), (0, wanted));
        }
    }
}
