//! A view of the store: which lines are shown, which match the search, and where one reads.
//!
//! Invariant: once [`View::step`] says that it is done, the view is the same as if each line of the
//! store had been looked at anew, whatever came and went before.

use std::collections::HashMap;

use super::line::LineId;
use super::long::LongLines;
use super::parse::Level;
use super::pattern::Pattern;
use super::query::{Query, Wanted};
use super::read::{Files, Scratch};
use super::slot::{Counts, Glass, Slot};
use super::store::Store;

/// A step that takes a few milliseconds with most patterns: bytes looked at.
pub const STEP_BYTES: usize = 2 * 1024 * 1024;

/// Where in the lines one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// At the newest line, whatever comes.
    #[default]
    Following,
    /// At a line, which does not move.
    Reading {
        /// The line at the top.
        top: LineId,
        /// The newest line when reading began: those behind it are new.
        newest: LineId,
    },
}

/// How far a view is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Whether it has seen all lines.
    pub is_done: bool,
    /// Lines of the store.
    pub lines: u64,
    /// Of these, how many it has looked at, and searched where there is a search.
    pub looked: u64,
    /// Lines that are shown, so far.
    pub shown: u64,
    /// Of these, lines that match the search, so far.
    pub hits: u64,
    /// How often a line in a file could not be read; it then counts as one that does not match.
    pub unreadable: u64,
    /// Whether lines in files are waited for: a step before they are read does nothing.
    pub is_waiting: bool,
}

/// A view of a store. It is a value: what it shows is set, and computed in steps.
#[derive(Debug, Clone, Default)]
pub struct View {
    query: Query,
    search: Option<Pattern>,
    /// Where one is.
    pub place: Place,
    pub(super) slots: Vec<Slot>,
    /// Before each block, and behind the last: what is shown so far.
    pub(super) before: Vec<Before>,
    totals: Counts,
    wanted: Wanted,
    sources_version: Option<u64>,
    scratch: Scratch,
    long: LongLines,
    is_waiting: bool,
}

/// What is shown before a block.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    pub(super) lines: u64,
    pub(super) hits: u64,
}

impl View {
    /// A view of all that passes.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self { query, ..Self::default() }
    }

    /// What it shows.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Shows something else. The place stays.
    pub fn set_query(&mut self, query: Query) {
        if query != self.query {
            self.query = query;
            self.restart();
        }
    }

    /// What is searched for.
    #[must_use]
    pub fn search(&self) -> Option<&Pattern> {
        self.search.as_ref()
    }

    /// Searches for something else, or for nothing.
    pub fn set_search(&mut self, search: Option<Pattern>) {
        if search != self.search {
            self.search = search;
            for slot in &mut self.slots {
                slot.forget_search();
            }
            (self.scratch.unreadable, self.long) = (0, LongLines::default());
            self.sum();
        }
    }

    /// Looks at all lines anew: after a file that lines are in was found to be another.
    pub fn restart(&mut self) {
        self.slots.clear();
        self.sources_version = None;
        (self.scratch.unreadable, self.long) = (0, LongLines::default());
        self.sum();
    }

    /// Looks at lines that it has not seen until about `budget` bytes were looked at (see
    /// [`STEP_BYTES`]), those near its place first. A step is at least one block: 4,800 lines or
    /// 512 KiB, or one line where that is longer.
    pub fn step(&mut self, store: &Store, files: &dyn Files, budget: usize) -> Progress {
        if self.sources_version != Some(store.sources.version) {
            self.wanted = self.query.wanted(&store.sources);
            self.sources_version = Some(store.sources.version);
        }
        self.join(store);
        let is_searching = self.search.is_some();
        self.long.begin_step();
        let mut glass = Glass {
            query: &self.query,
            wanted: &self.wanted,
            search: self.search.as_ref(),
            files,
            scratch: &mut self.scratch,
            long: &mut self.long,
        };
        let middle = match self.place {
            Place::Following => store.blocks.len().saturating_sub(1),
            Place::Reading { top, .. } => store.block_of(top),
        };
        let (mut left, mut is_waiting) = (budget, false);
        for index in outwards(middle, store.blocks.len()) {
            let (Some(slot), Some(block)) = (self.slots.get_mut(index), store.blocks.get(index))
            else {
                continue;
            };
            if slot.is_done(block, is_searching) {
                continue;
            }
            (glass.scratch.is_waiting, glass.scratch.is_unfinished) = (false, false);
            let cost = slot.look(block, &mut glass);
            is_waiting |= glass.scratch.is_waiting;
            if glass.scratch.is_waiting && !files.has_room() {
                break;
            }
            left = left.saturating_sub(cost);
            if left == 0 {
                break;
            }
        }
        self.is_waiting = is_waiting && left > 0;
        self.sum();
        let progress = self.progress(store);
        if progress.is_done {
            self.scratch.release();
        }
        progress
    }

    /// How far it is, as of the last step.
    #[must_use]
    pub fn progress(&self, store: &Store) -> Progress {
        let is_searching = self.search.is_some();
        let count = |slot: &Slot| {
            let done = if is_searching { slot.looked.min(slot.searched) } else { slot.looked };
            done as u64
        };
        let blocks = self.slots.iter().zip(&store.blocks);
        let is_done = self.slots.len() == store.blocks.len()
            && blocks.clone().all(|(slot, block)| {
                slot.stamp == block.stamp && slot.is_done(block, is_searching)
            });
        Progress {
            is_done,
            lines: store.len() as u64,
            looked: self.slots.iter().map(count).sum(),
            shown: self.totals.lines,
            hits: self.totals.hits,
            unreadable: self.scratch.unreadable,
            is_waiting: self.is_waiting,
        }
    }

    /// Lines shown of this level and worse ones, so far.
    #[must_use]
    pub fn count_at_least(&self, level: Level) -> u64 {
        self.totals.at_least(level)
    }

    /// Lines shown, so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.totals.lines
    }

    /// Whether it shows none, so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.totals.lines == 0
    }

    /// Brings the slots to the blocks that there are now.
    fn join(&mut self, store: &Store) {
        let both = self.slots.iter().zip(&store.blocks);
        let same = both.take_while(|(slot, block)| slot.stamp == block.stamp).count();
        if same == self.slots.len() {
            let new = store.blocks.iter().skip(same).map(|block| Slot::new(block.stamp));
            self.slots.extend(new);
            return;
        }
        // What is read of a file comes before all others: those behind it stay where they are.
        let slots = self.slots.iter().skip(same).rev();
        let both = slots.zip(store.blocks.iter().skip(same).rev());
        let behind = both.take_while(|(slot, block)| slot.stamp == block.stamp).count();
        let (slots, blocks) = (self.slots.len() - behind, store.blocks.len() - behind);
        let mut old: HashMap<u64, Slot> =
            self.slots.drain(same..slots).map(|slot| (slot.stamp, slot)).collect();
        let changed = store.blocks.get(same..blocks).unwrap_or_default().iter();
        let changed =
            changed.map(|block| old.remove(&block.stamp).unwrap_or_else(|| Slot::new(block.stamp)));
        self.slots.splice(same..same, changed);
    }

    fn sum(&mut self) {
        self.totals = Counts::default();
        self.before.clear();
        for slot in &self.slots {
            self.before.push(Before { lines: self.totals.lines, hits: self.totals.hits });
            self.totals.add(&slot.counts);
        }
    }
}

/// Numbers below `len`, those near `middle` first.
fn outwards(middle: usize, len: usize) -> impl Iterator<Item = usize> {
    let reach = middle.max(len.saturating_sub(middle));
    let pairs = (0..=reach).flat_map(move |distance| {
        let behind = middle.checked_add(distance);
        let before = middle.checked_sub(distance).filter(|_| distance > 0);
        [behind, before]
    });
    pairs.flatten().filter(move |index| *index < len)
}
