//! History comes in: older lines, merged by time with all that is there.

use std::sync::Arc;

use super::block::{Block, Entry};
use super::line::{Line, LineId};
use super::source::{SourceId, Stream};
use super::store::{Prepended, Store};

/// A line of history and where it belongs.
type Placed<'a, 'b> = (LineId, u16, &'b Line<'a>);

impl Store {
    /// Adds older lines of a source, in their order, before those of it that are there. Where there
    /// is no room for all, the newest are taken and nothing falls out.
    pub fn prepend_history(&mut self, source: SourceId, lines: &[Line<'_>]) -> Prepended {
        self.prepend_histories(&[(source, lines)])
    }

    /// Adds older lines of several sources in one go, each source once: much quicker than one
    /// after another. What happened stands before what was said at the same time, whichever is known first.
    pub fn prepend_histories(&mut self, histories: &[(SourceId, &[Line<'_>])]) -> Prepended {
        let brought: usize = histories.iter().map(|(_, lines)| lines.len()).sum();
        let mut placed: Vec<Placed<'_, '_>> = Vec::with_capacity(brought);
        self.first_rank -= brought as i64;
        self.first_event_rank -= brought as i64;
        let (mut output_rank, mut event_rank) = (self.first_rank, self.first_event_rank);
        for (source, lines) in histories {
            let stream = self.source_key(*source).map(|key| key.stream);
            let is_event = matches!(stream, Some(Stream::Events | Stream::Pm2 | Stream::Losses));
            let rank = if is_event { &mut event_rank } else { &mut output_rank };
            if self.tally(*source).is_none() {
                continue;
            }
            let ceiling = self.ceiling(*source);
            let mut order_ms = i64::MIN;
            for line in *lines {
                order_ms = order_ms.max(line.time.at_ms).min(ceiling);
                placed.push((LineId { order_ms, rank: *rank }, source.slot, line));
                *rank += 1;
            }
        }
        placed.sort_unstable_by_key(|(id, ..)| *id);
        let taken = self.take_newest(&placed);
        let outcome = Prepended { taken: taken.len(), refused: brought - taken.len() };
        self.merge(taken);
        outcome
    }

    /// The time that no older line of a source may be behind: that of its first line here, or of the
    /// last that it had.
    fn ceiling(&self, source: SourceId) -> i64 {
        let Some(tally) = self.tally(source) else { return i64::MAX };
        let last = tally.last_order_ms.unwrap_or(i64::MAX);
        if tally.held() == 0 {
            return last;
        }
        let bit = 1 << (source.slot % 64);
        let blocks = self.blocks.iter().filter(|block| block.summary().sources & bit != 0);
        let mut ids = blocks.flat_map(|block| {
            let ours = block.records().iter().filter(|record| record.source == source.slot);
            ours.map(|record| block.id_of(record))
        });
        ids.next().map_or(last, |id| id.order_ms)
    }

    /// The newest that there is room for.
    fn take_newest<'a>(&self, placed: &[Placed<'a, '_>]) -> Vec<Entry<'a>> {
        let mut lines = self.bounds.lines.saturating_sub(self.lines);
        let mut bytes = self.bounds.bytes.saturating_sub(self.bytes);
        let mut taken = Vec::with_capacity(placed.len().min(lines));
        for (id, slot, line) in placed.iter().rev() {
            let entry = self.prepare(*id, *slot, line);
            if lines == 0 || entry.cost() > bytes {
                break;
            }
            lines -= 1;
            bytes -= entry.cost();
            taken.push(entry);
        }
        taken.reverse();
        taken
    }

    fn merge(&mut self, incoming: Vec<Entry<'_>>) {
        for entry in &incoming {
            self.count(entry);
            let id = entry.id;
            if let Some(tally) = self.tallies.get_mut(usize::from(entry.record.source)) {
                tally.taken += 1;
                tally.last_order_ms = tally.last_order_ms.max(Some(id.order_ms));
            }
        }
        let old = std::mem::take(&mut self.blocks);
        let mut merged = Vec::with_capacity(old.len() + 1);
        let stand_alone = old.first().is_some_and(|first| self.are_too_many(first, &incoming));
        let mut incoming = incoming.into_iter().peekable();
        if stand_alone {
            merged = self.build(incoming.by_ref(), self.limits);
            if let Some(last) = merged.last_mut().and_then(Arc::get_mut) {
                last.seal();
            }
        }
        let ends = old.iter().skip(1).map(|next| next.first()).chain(std::iter::once(None));
        let ends: Vec<Option<LineId>> = ends.collect();
        for (block, end) in old.into_iter().zip(ends) {
            let is_here = |entry: &Entry<'_>| end.is_none_or(|end| entry.id < end);
            if incoming.peek().is_none_or(|entry| !is_here(entry)) {
                merged.push(block);
                continue;
            }
            let here = std::iter::from_fn(|| incoming.next_if(is_here));
            let here: Vec<Entry<'_>> = here.collect();
            let both = interleave(&block, here.into_iter());
            let mut parts = self.build(both, self.limits);
            // Nothing is added to one that others follow: what it has as room is lost.
            if end.is_some()
                && let Some(last) = parts.last_mut().and_then(Arc::get_mut)
            {
                last.seal();
            }
            merged.extend(parts);
        }
        let rest = self.build(incoming, self.limits);
        merged.extend(rest);
        self.blocks = merged;
    }
}

impl Store {
    /// Whether lines stand before all that there are and do not fit into the first block of these: then that
    /// stays as it is.
    fn are_too_many(&self, first: &Block, incoming: &[Entry<'_>]) -> bool {
        let is_before = incoming.last().map(|last| last.id) < first.first();
        let bytes = |entry: &Entry<'_>| entry.record.len as usize;
        let bytes = first.bytes() + incoming.iter().map(bytes).sum::<usize>();
        let fit = first.len() + incoming.len() <= self.limits.lines && bytes < self.limits.bytes;
        is_before && !fit
    }
}

/// The lines of a block and others, in order.
fn interleave<'a>(
    block: &'a Arc<Block>,
    incoming: std::vec::IntoIter<Entry<'a>>,
) -> impl Iterator<Item = Entry<'a>> {
    let count = block.len() + incoming.len();
    let (mut old, mut incoming) = (block.entries().peekable(), incoming.peekable());
    let both = std::iter::from_fn(move || {
        let is_older = |new: &Entry<'_>| match old.peek() {
            Some(old) => new.id < old.id,
            None => true,
        };
        incoming.next_if(is_older).or_else(|| old.next())
    });
    Counted { both, count }
}

/// An iterator that says how much is left of it.
struct Counted<I> {
    both: I,
    count: usize,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.count = self.count.saturating_sub(1);
        self.both.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, None)
    }
}
