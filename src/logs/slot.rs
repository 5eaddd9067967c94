//! What a view knows of one block: which lines are shown, which of them match the search, and
//! their counts.

use std::io;

use super::bits::Bits;
use super::block::Block;
use super::entry::Rests;
use super::line::{Kind, LEVELS, Record, column};
use super::long::{LongLines, Looked};
use super::parse::Level;
use super::pattern::Pattern;
use super::query::{Query, Wanted};
use super::read::{Files, Lines, Scratch};
use super::rows::ROW_COST;

/// Counts of lines that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) lines: u64,
    pub(super) hits: u64,
    /// Ends and restarts of processes.
    pub(super) turns: u64,
    /// Lines of each level, by its column.
    pub(super) levels: [u64; LEVELS],
}

impl Counts {
    pub(super) fn add_line(&mut self, record: &Record) {
        self.lines += 1;
        self.turns += u64::from(record.kind().is_turn());
        if let Some(count) = self.levels.get_mut(column(record.level())) {
            *count += 1;
        }
    }

    /// The column of the one level that all lines have, where they differ in nothing that is counted.
    pub(super) fn only_level(&self) -> Option<usize> {
        let is_plain = self.hits == 0 && self.turns == 0;
        let only = || self.levels.iter().position(|count| *count == self.lines);
        if is_plain { only() } else { None }
    }

    /// Adds lines of the level in a column.
    pub(super) fn add_lines(&mut self, level: usize, lines: u64) {
        self.lines += lines;
        if let Some(count) = self.levels.get_mut(level) {
            *count += lines;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.hits += other.hits;
        self.turns += other.turns;
        for (sum, more) in self.levels.iter_mut().zip(other.levels) {
            *sum += more;
        }
    }

    /// Lines of this level and worse ones.
    pub(super) fn at_least(&self, level: Level) -> u64 {
        self.levels.iter().skip(column(Some(level))).sum()
    }
}

/// What a view knows of one block.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    /// The stamp of the block.
    pub(super) stamp: u64,
    /// How many of its lines were looked at, from the first on.
    pub(super) looked: usize,
    /// How many of them were searched.
    pub(super) searched: usize,
    pub(super) shown: Bits,
    pub(super) hits: Bits,
    pub(super) counts: Counts,
    /// Where entries have several lines: those shown, with all lines of their entries.
    whole: Option<Bits>,
}

/// What lines are looked at with.
pub(super) struct Glass<'a> {
    pub(super) query: &'a Query,
    pub(super) wanted: &'a Wanted,
    pub(super) search: Option<&'a Pattern>,
    pub(super) files: &'a dyn Files,
    pub(super) scratch: &'a mut Scratch,
    pub(super) long: &'a mut LongLines,
}

impl Slot {
    pub(super) fn new(stamp: u64) -> Self {
        Self { stamp, ..Self::default() }
    }

    pub(super) fn is_done(&self, block: &Block, is_searching: bool) -> bool {
        self.looked == block.len() && (!is_searching || self.searched == block.len())
    }

    /// Another search begins.
    pub(super) fn forget_search(&mut self) {
        self.searched = 0;
        self.hits.clear();
        self.counts.hits = 0;
    }

    /// Looks at the lines of the block that it has not seen; what that cost, in bytes.
    pub(super) fn look(&mut self, block: &Block, glass: &mut Glass<'_>) -> usize {
        if block.summary().filed == 0 {
            return self.look_now(block, glass);
        }
        let (before, unreadable) = (self.clone(), glass.scratch.unreadable);
        let cost = self.look_now(block, glass);
        if glass.scratch.is_waiting || glass.scratch.is_unfinished {
            // It is looked at again once what is missing was read.
            *self = before;
            glass.scratch.unreadable = unreadable;
        }
        cost
    }

    fn look_now(&mut self, block: &Block, glass: &mut Glass<'_>) -> usize {
        let mut cost = 1;
        if self.looked < block.len() {
            cost += self.look_at_new(block, glass);
        }
        if let Some(pattern) = glass.search
            && self.searched < block.len()
        {
            let from = self.searched;
            let mut hits = std::mem::take(&mut self.hits);
            let shown = std::mem::take(&mut self.shown);
            let candidates = self.whole.as_ref().unwrap_or(&shown);
            cost += marks(pattern, block, from, candidates, glass, &mut hits);
            // Those of other lines say nothing.
            hits.keep(from, candidates, false);
            // An entry is found by its first line, whichever of its lines matches.
            Rests::of(block, from).lead(&mut hits);
            hits.keep(from, &shown, false);
            (self.hits, self.shown) = (hits, shown);
            self.counts.hits = self.hits.count() as u64;
            self.searched = block.len();
        }
        cost
    }

    fn look_at_new(&mut self, block: &Block, glass: &mut Glass<'_>) -> usize {
        let query = glass.query;
        let mut from = self.looked;
        let mut rests = Rests::of(block, from);
        if rests.go_on_before(from) && query.filters_on().next().is_some() {
            // Whether an entry passes, all of its lines say.
            *self = Self::new(self.stamp);
            from = 0;
            rests = Rests::of(block, from);
        }
        self.looked = block.len();
        let records = block.records();
        if block.summary().sources & glass.wanted.bloom == 0 {
            return 0;
        }
        let (least, wanted, behind) = (query.least, glass.wanted, query.behind);
        let is_shown = |record: &Record| {
            behind < Some(block.id_of(record))
                && (wanted.is_all || wanted.has(record.source))
                && (record.level() >= least || record.kind().outlives_output())
        };
        let mut passing = self.whole.take().unwrap_or_else(|| std::mem::take(&mut self.shown));
        for (index, record) in records.iter().enumerate().skip(from) {
            if is_shown(record) {
                passing.set(index);
            }
        }
        rests.follow(&mut passing);
        let mut cost = (block.len() - from) * 4;
        for filter in query.filters_on() {
            let mut hits = Bits::default();
            cost += marks(&filter.pattern, block, from, &passing, glass, &mut hits);
            rests.lead(&mut hits);
            rests.follow(&mut hits);
            passing.keep(from, &hits, filter.is_inverted);
        }
        if block.summary().more > 0 {
            self.shown = passing.clone();
            // Those before `from` too: they were taken from all lines that pass.
            Rests::of(block, 0).hide(&mut self.shown);
            self.whole = Some(passing);
        } else {
            self.shown = passing;
        }
        for index in self.shown.iter_from(from) {
            if let Some(record) = records.get(index) {
                self.counts.add_line(record);
            }
        }
        cost
    }
}

/// Sets the bits of the lines from `from` on that match, right for those of `candidates`; what that
/// cost, in bytes.
fn marks(
    pattern: &Pattern,
    block: &Block,
    from: usize,
    candidates: &Bits,
    glass: &mut Glass<'_>,
    out: &mut Bits,
) -> usize {
    let (mut next, mut cost) = (from, 0);
    while next < block.len() {
        if candidates.next(next).is_none() {
            break;
        }
        let lines: Lines<'_> = glass.scratch.lines(block, next, glass.files);
        let end = next + lines.len().max(1);
        let wanted = candidates.rank(end) - candidates.rank(next);
        pattern.mark(&lines, candidates, wanted, out);
        cost += lines.text.len();
        if pattern.is_in_rows() {
            cost += row_marks(pattern, (block, &lines), (next, end), candidates, out);
        }
        next = end;
    }
    if block.summary().long > 0 {
        cost += long_marks(pattern, block, from, candidates, glass, out);
    }
    cost
}

/// The same for lines of JSON whose bytes do not match: by their rows. Lines from the first to before the
/// second index.
fn row_marks(
    pattern: &Pattern,
    (block, lines): (&Block, &Lines<'_>),
    (from, end): (usize, usize),
    candidates: &Bits,
    out: &mut Bits,
) -> usize {
    let mut cost = 0;
    for index in candidates.iter_from(from).take_while(|index| *index < end) {
        let line = lines.line(index - from);
        if line.last() != Some(&b'}') || out.get(index) {
            continue;
        }
        let is_output =
            block.records().get(index).is_some_and(|record| record.kind() == Kind::Output);
        if is_output {
            cost += line.len() * ROW_COST;
            if pattern.is_in_row(line) {
                out.set(index);
            }
        }
    }
    cost
}

/// The same for very long lines in files, which the lines above have left empty.
fn long_marks(
    pattern: &Pattern,
    block: &Block,
    from: usize,
    candidates: &Bits,
    glass: &mut Glass<'_>,
    out: &mut Bits,
) -> usize {
    let mut cost = 0;
    for index in candidates.iter_from(from) {
        let Some(record) = block.records().get(index).filter(|record| record.is_long()) else {
            continue;
        };
        let mut place = record.file_place();
        place.len = block.true_len(record, index);
        // What it was taken for while it was empty says nothing.
        out.unset(index);
        match glass.long.look(pattern, place, glass.files, &mut cost) {
            Ok(Looked::Known(true)) => out.set(index),
            Ok(Looked::Known(false)) => {}
            Ok(Looked::Unfinished) => glass.scratch.is_unfinished = true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                glass.scratch.is_waiting = true;
            }
            Err(_) => glass.scratch.unreadable += 1,
        }
    }
    cost
}
