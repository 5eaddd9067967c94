//! Entries: a line and those that go on it, such as a stack trace below its head.
//!
//! Invariant: within a block an entry is one thing to a view: it is shown, found and counted by its
//! first line. Where an entry goes on in the next block, the rest of it is one of its own there, so
//! that no block has to be looked at for the sake of another.

use std::collections::HashMap;

use super::bits::Bits;
use super::block::Block;
use super::line::{Kind, LineId, LineRef, Record};
use super::parse::Level;
use super::store::Store;

/// The most lines of an entry.
pub const ENTRY_LINES_MAX: usize = 1_000;
/// How many lines are looked at for the next one of an entry: others come in between.
const LOOK_MAX: usize = 20_000;

/// The lines of a block, from one on, that go on an entry, each with the first line of it.
pub(super) struct Rests(Vec<(usize, usize)>);

impl Rests {
    /// Of the lines from `from` on.
    pub(super) fn of(block: &Block, from: usize) -> Self {
        if block.summary().more == 0 {
            return Self(Vec::new());
        }
        let records = block.records();
        let mut heads: HashMap<u16, usize> = HashMap::new();
        let mut rests = Vec::new();
        for (index, record) in records.iter().enumerate().skip(from) {
            if record.kind() != Kind::More {
                heads.insert(record.source, index);
                continue;
            }
            let known = heads.get(&record.source).copied();
            let head = known.or_else(|| head_before(records, from, record.source));
            if let Some(head) = head {
                rests.push((index, head));
            }
            heads.insert(record.source, head.unwrap_or(index));
        }
        Self(rests)
    }

    /// Whether one of them goes on what stands before `from`.
    pub(super) fn go_on_before(&self, from: usize) -> bool {
        self.0.iter().any(|(_, head)| *head < from)
    }

    /// Gives them the bits of their first lines.
    pub(super) fn follow(&self, bits: &mut Bits) {
        for (index, head) in &self.0 {
            if bits.get(*head) { bits.set(*index) } else { bits.unset(*index) }
        }
    }

    /// Gives first lines the bits of those that go on them.
    pub(super) fn lead(&self, bits: &mut Bits) {
        for (index, head) in &self.0 {
            if bits.get(*index) {
                bits.set(*head);
            }
        }
    }

    /// Takes their bits away.
    pub(super) fn hide(&self, bits: &mut Bits) {
        for (index, _) in &self.0 {
            bits.unset(*index);
        }
    }
}

/// The first line of the entry that a source has open before `end`.
fn head_before(records: &[Record], end: usize, source: u16) -> Option<usize> {
    let before = records.iter().enumerate().take(end).rev();
    let mut first = None;
    for (index, record) in before.filter(|(_, record)| record.source == source) {
        first = Some(index);
        if record.kind() != Kind::More {
            break;
        }
    }
    first
}

impl Store {
    /// Whether any of its lines goes on another.
    #[must_use]
    pub fn has_entries(&self) -> bool {
        self.blocks.iter().any(|block| block.summary().more > 0)
    }

    /// Whether any of its lines is too long to be read whole.
    #[must_use]
    pub fn has_long(&self) -> bool {
        self.blocks.iter().any(|block| block.summary().long > 0)
    }

    /// Whether a line goes on an entry, and in what block that is, a line of it goes on.
    #[must_use]
    pub fn is_head(&self, id: LineId) -> bool {
        self.rest_of(id, true).next().is_some()
    }

    /// The lines that go on the entry of this one, its own block's alone or all.
    pub fn rest_of(&self, id: LineId, is_in_block: bool) -> impl Iterator<Item = LineRef<'_>> {
        let first = self.block_of(id);
        let start = self.blocks.get(first).map_or(0, |block| block.rank(id));
        let source = self
            .blocks
            .get(first)
            .and_then(|block| block.record_of(start, id).map(|record| record.source));
        let count = if is_in_block { 1 } else { usize::MAX };
        let blocks = self.blocks.iter().enumerate().skip(first).take(count);
        let of_source = move |block: &Block| {
            source.is_some_and(|source| block.summary().sources >> (source % 64) & 1 == 1)
        };
        let blocks = blocks.filter(move |(_, block)| of_source(block));
        let lines = blocks.flat_map(move |(index, block)| {
            let from = if index == first { start + 1 } else { 0 };
            block
                .records()
                .iter()
                .enumerate()
                .skip(from)
                .map(move |(at, record)| (block, at, record))
        });
        let ours = lines.take(LOOK_MAX).filter(move |(.., record)| Some(record.source) == source);
        let rest = ours.take_while(|(.., record)| record.kind() == Kind::More);
        let rest = rest.take(ENTRY_LINES_MAX);
        rest.filter_map(|(block, at, _)| block.line(at, |slot| self.turn(slot)))
    }

    /// Says that a line is of this level: what follows it told.
    pub fn set_level(&mut self, id: LineId, level: Option<Level>) {
        let index = self.block_of(id);
        let stamp = self.stamp();
        let Some(block) = self.blocks.get_mut(index) else { return };
        let rank = block.rank(id);
        if block.record_of(rank, id).is_some() {
            let block = std::sync::Arc::make_mut(block);
            block.set_level(rank, level);
            block.stamp = stamp;
        }
    }
}
