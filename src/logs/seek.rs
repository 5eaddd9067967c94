//! Ways through a view: positions for scroll bars, the rows of a screen, the next match, error or
//! restart.
//!
//! Invariant: all of it is asked with the store of the view's last step (or a clone of it). Lines that
//! were added at the end since then are not there yet.

use super::bits::Bits;
use super::block::Block;
use super::line::{Kind, LineId};
use super::parse::Level;
use super::slot::Slot;
use super::store::Store;
use super::view::{Place, View};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To newer lines.
    Forward,
    /// To older lines.
    Back,
}

/// What is looked for among the lines that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Any line.
    Line,
    /// A match of the search.
    Match,
    /// A line of this level or a worse one.
    Level(Level),
    /// The end or the restart of a process.
    Turn,
}

/// What came of looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// This line.
    At(LineId),
    /// Not known yet: lines in between were not looked at.
    Pending,
    /// There is none that way.
    Nothing,
}

impl View {
    /// The line at a position among those shown, from 0.
    #[must_use]
    pub fn line_at(&self, store: &Store, position: u64) -> Option<LineId> {
        let index =
            self.before.partition_point(|before| before.lines <= position).checked_sub(1)?;
        let within = position - self.before.get(index)?.lines;
        let (slot, block) = self.pair(store, index)?;
        let line = slot.shown.select(within as usize)?;
        block.id_at(line)
    }

    /// How many lines shown stand before a line, or before its place.
    #[must_use]
    pub fn position(&self, store: &Store, id: LineId) -> u64 {
        self.count_before(
            store,
            id,
            |slot| &slot.shown,
            |view, index| view.before.get(index).map_or(view.len(), |before| before.lines),
        )
    }

    /// How many matches stand before a line, or before its place: `3` of 17.
    #[must_use]
    pub fn matches_before(&self, store: &Store, id: LineId) -> u64 {
        self.count_before(
            store,
            id,
            |slot| &slot.hits,
            |view, index| {
                view.before.get(index).map_or(view.progress(store).hits, |before| before.hits)
            },
        )
    }

    fn count_before(
        &self,
        store: &Store,
        id: LineId,
        bits: impl Fn(&Slot) -> &Bits,
        before: impl Fn(&Self, usize) -> u64,
    ) -> u64 {
        let index = store.block_of(id);
        let within = self
            .pair(store, index)
            .map_or(0, |(slot, block)| bits(slot).rank(block.rank(id)) as u64);
        before(self, index) + within
    }

    /// Whether a line is shown.
    #[must_use]
    pub fn shows(&self, store: &Store, id: LineId) -> bool {
        self.has_bit(store, id, |slot| &slot.shown)
    }

    /// Whether a line is shown and matches the search.
    #[must_use]
    pub fn is_match(&self, store: &Store, id: LineId) -> bool {
        self.has_bit(store, id, |slot| &slot.hits)
    }

    fn has_bit(&self, store: &Store, id: LineId, bits: impl Fn(&Slot) -> &Bits) -> bool {
        let found = self.pair(store, store.block_of(id)).filter(|(slot, block)| {
            let index = block.rank(id);
            block.record_of(index, id).is_some() && bits(slot).get(index)
        });
        found.is_some()
    }

    /// The lines of a screen of this height: from the place on, or the last. Where one reads
    /// near the end, the last.
    #[must_use]
    pub fn rows(&self, store: &Store, height: usize) -> Vec<LineId> {
        let last = self.len().saturating_sub(height as u64);
        let top = match self.place {
            Place::Following => last,
            Place::Reading { top, .. } => self.position(store, top).min(last),
        };
        self.lines_from(store, top, height)
    }

    /// Lines shown from a position on.
    #[must_use]
    pub fn lines_from(&self, store: &Store, position: u64, count: usize) -> Vec<LineId> {
        let first = self.before.partition_point(|before| before.lines <= position);
        let Some(first) = first.checked_sub(1) else { return Vec::new() };
        let skipped = position - self.before.get(first).map_or(0, |before| before.lines);
        let blocks = (first..self.slots.len()).filter_map(|index| self.pair(store, index));
        let lines = blocks.flat_map(|(slot, block)| {
            let shown = slot.shown.iter_from(0);
            shown.filter_map(|index| block.id_at(index))
        });
        lines.skip(skipped as usize).take(count).collect()
    }

    /// Reads at a line from now on, which then is the first on the screen.
    pub fn read_at(&mut self, store: &Store, top: LineId) {
        let newest = match self.place {
            Place::Reading { newest, .. } => newest,
            Place::Following => {
                let last = self.len().checked_sub(1).and_then(|last| self.line_at(store, last));
                last.unwrap_or(LineId::START)
            }
        };
        self.place = Place::Reading { top, newest };
    }

    /// Follows the newest line again.
    pub fn follow(&mut self) {
        self.place = Place::Following;
    }

    /// Moves by lines shown, on a screen of this height: up is negative. At the end it follows.
    pub fn scroll(&mut self, store: &Store, by: i64, height: usize) {
        let last = self.len().saturating_sub(height as u64);
        let top = match self.place {
            Place::Following => last,
            Place::Reading { top, .. } => self.position(store, top).min(last),
        };
        let to = top.saturating_add_signed(by);
        match self.line_at(store, to) {
            Some(line) if to < last => self.read_at(store, line),
            _ if by > 0 => self.follow(),
            _ => {}
        }
    }

    /// How many lines shown came behind the newest of when reading began.
    #[must_use]
    pub fn newer(&self, store: &Store) -> u64 {
        match self.place {
            Place::Following => 0,
            Place::Reading { newest, .. } => {
                let until = self.position(store, newest) + u64::from(self.shows(store, newest));
                self.len().saturating_sub(until)
            }
        }
    }

    /// The next match behind a place, `None` for the first of all.
    #[must_use]
    pub fn next_match(&self, store: &Store, from: Option<LineId>) -> Found {
        self.seek(store, from.unwrap_or(LineId::START), Direction::Forward, Goal::Match)
    }

    /// The next match before a place, `None` for the last of all.
    #[must_use]
    pub fn prev_match(&self, store: &Store, from: Option<LineId>) -> Found {
        self.seek(store, from.unwrap_or(LineId::END), Direction::Back, Goal::Match)
    }

    /// The next line behind a place, or before it, that is what is looked for.
    #[must_use]
    pub fn seek(&self, store: &Store, from: LineId, way: Direction, goal: Goal) -> Found {
        let middle = store.block_of(from);
        let indices: &mut dyn Iterator<Item = usize> = match way {
            Direction::Forward => &mut (middle..store.blocks.len()),
            Direction::Back => &mut (0..store.blocks.len().min(middle + 1)).rev(),
        };
        for index in indices {
            let Some(block) = store.blocks.get(index) else { continue };
            let Some((slot, _)) = self.pair(store, index) else { return Found::Pending };
            let is_seen = slot.is_done(block, goal == Goal::Match);
            if goal == Goal::Match && self.search().is_none() {
                return Found::Nothing;
            }
            if let Some(line) = seek_in(slot, block, from, way, goal) {
                // Behind what was looked at there may be a nearer one, on the way back.
                return if is_seen || way == Direction::Forward { line } else { Found::Pending };
            }
            if !is_seen {
                return Found::Pending;
            }
        }
        Found::Nothing
    }

    /// What the view knows of a block, and the block, unless that is another by now.
    pub(super) fn pair<'a>(
        &'a self,
        store: &'a Store,
        index: usize,
    ) -> Option<(&'a Slot, &'a Block)> {
        let (slot, block) = (self.slots.get(index)?, store.blocks.get(index)?);
        (slot.stamp == block.stamp).then_some((slot, &**block))
    }
}

fn seek_in(slot: &Slot, block: &Block, from: LineId, way: Direction, goal: Goal) -> Option<Found> {
    let has_any = match goal {
        Goal::Line => slot.counts.lines > 0,
        Goal::Match => slot.counts.hits > 0,
        Goal::Level(level) => slot.counts.at_least(level) > 0,
        Goal::Turn => slot.counts.turns > 0,
    };
    if !has_any {
        return None;
    }
    let bits = if goal == Goal::Match { &slot.hits } else { &slot.shown };
    let is_goal = |level: Option<Level>, kind: Kind| match goal {
        Goal::Line | Goal::Match => true,
        Goal::Level(least) => level >= Some(least),
        Goal::Turn => kind.is_turn(),
    };
    let start = block.rank(from);
    let is_it = |index: &usize| {
        block.level_and_kind(*index).is_some_and(|(level, kind)| is_goal(level, kind))
    };
    let id = |index: usize| block.id_at(index);
    let found = match way {
        Direction::Forward => {
            bits.iter_from(start).filter(is_it).filter_map(id).find(|id| *id > from)
        }
        Direction::Back => {
            let before = bits.iter_from(0).take_while(|index| *index < start);
            before.filter(is_it).filter_map(id).last()
        }
    };
    found.map(Found::At)
}
