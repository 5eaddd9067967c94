//! How a log file grew while nothing came of it on the bus: about when what it holds of that time was written.
//!
//! Pure. Invariant: what is told of a part are bounds that are certain, as far as sizes and clocks are; so
//! many sizes are kept of a file at most.

/// So many sizes are kept of a file.
const SEEN_MAX: usize = 256;

/// When a file had which size.
#[derive(Debug, Clone, Default)]
pub(crate) struct Growth {
    /// Milliseconds since 1970, and bytes; both never fall.
    seen: Vec<(i64, u64)>,
}

/// A part of what was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    /// Where it ends among all that was missed, bytes.
    until: u64,
    /// When it was written, milliseconds since 1970.
    from_ms: i64,
    to_ms: i64,
}

/// When what was missed was written: the parts of it, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Written(Vec<Part>);

impl Growth {
    /// It is so large now: milliseconds since 1970, bytes.
    pub(crate) fn see(&mut self, now_ms: i64, size: u64) {
        match self.seen.last().copied() {
            // The clock was set back: what was seen before tells nothing.
            Some((last_ms, _)) if now_ms < last_ms => self.seen.clear(),
            // It was emptied: what it holds was written since then.
            Some((last_ms, last)) if size < last => self.seen = vec![(last_ms, 0)],
            _ => {}
        }
        match self.seen.as_mut_slice() {
            // Of a size that stays, the first and the last moment are kept.
            [.., (_, before), (last_ms, last)] if *before == size && *last == size => {
                *last_ms = now_ms;
            }
            _ => self.seen.push((now_ms, size)),
        }
        if self.seen.len() > SEEN_MAX {
            // Every second one, the last among them.
            let mut left = self.seen.len();
            self.seen.retain(|_| {
                left -= 1;
                left.is_multiple_of(2)
            });
        }
    }

    /// How large it was when it was seen first since a moment, bytes.
    pub(super) fn since(&self, from_ms: i64) -> Option<u64> {
        let first = self.seen.partition_point(|(ms, _)| *ms < from_ms);
        self.seen.get(first).map(|(_, size)| *size)
    }

    /// How large it was when it was seen last, bytes.
    pub(crate) fn size(&self) -> Option<u64> {
        self.seen.last().map(|(_, size)| *size)
    }

    /// Since when it is looked at, milliseconds since 1970.
    pub(crate) fn since_ms(&self) -> Option<i64> {
        self.seen.first().map(|(at_ms, _)| *at_ms)
    }

    /// When what stands at this place was seen to be there first: milliseconds since 1970.
    pub(crate) fn there_by(&self, at: u64) -> Option<i64> {
        let first = self.seen.partition_point(|(_, size)| *size <= at);
        self.seen.get(first).map(|(at_ms, _)| *at_ms)
    }

    /// When it was seen last that it was not there yet, likewise.
    pub(crate) fn not_there_at(&self, at: u64) -> Option<i64> {
        let first = self.seen.partition_point(|(_, size)| *size <= at);
        self.seen.get(first.checked_sub(1)?).map(|(at_ms, _)| *at_ms)
    }

    /// When what stands between these places was written: between these times in all. At `begun_ms` the first
    /// life began since the loss, where none was on then.
    pub(crate) fn written(
        &self,
        (from, to): (u64, u64),
        (from_ms, to_ms): (i64, i64),
        begun_ms: Option<i64>,
    ) -> Written {
        let mut parts = Vec::new();
        let (mut at, mut low_ms) = (from, from_ms);
        let mut add = |until: u64, (low_ms, high_ms): (i64, i64)| {
            // What was there by then is of a life before. Of the rest it is not known, but that one had
            // hardly time to write.
            let begun_ms = begun_ms.filter(|begun_ms| *begun_ms < high_ms);
            let from_ms = low_ms.max(begun_ms.unwrap_or(low_ms));
            parts.push(Part { until: until - from, from_ms, to_ms: high_ms });
        };
        for (seen_ms, size) in &self.seen {
            // What was there before that was just not told.
            let seen_ms = (*seen_ms).max(from_ms);
            if seen_ms >= to_ms {
                continue;
            }
            let until = (*size).min(to);
            if until > at {
                add(until, (low_ms, seen_ms));
                at = until;
            }
            low_ms = seen_ms;
        }
        if to > at {
            add(to, (low_ms.min(to_ms), to_ms));
        }
        Written(parts)
    }
}

impl Written {
    /// About when what stands so many bytes behind its beginning was written; `None` where nothing is known.
    pub(crate) fn at(&self, offset: u64) -> Option<i64> {
        let index = self.0.partition_point(|part| part.until <= offset);
        let Some(part) = self.0.get(index) else { return self.0.last().map(|part| part.to_ms) };
        let before = index.checked_sub(1).and_then(|before| self.0.get(before));
        let begin = before.map_or(0, |before| before.until);
        let (far, whole) = (i128::from(offset - begin), i128::from((part.until - begin).max(1)));
        let far_ms = i128::from(part.to_ms - part.from_ms) * far / whole;
        Some(part.from_ms + i64::try_from(far_ms).unwrap_or_default())
    }

    /// When the first of it was written at the earliest.
    pub(super) fn first_ms(&self) -> Option<i64> {
        self.0.first().map(|part| part.from_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning, the middle and the end of what was missed, 100 bytes of it behind the first 100.
    fn times(growth: &Growth, begun_ms: Option<i64>) -> Vec<i64> {
        let written = growth.written((100, 200), (1_000, 21_000), begun_ms);
        [0, 19, 20, 60, 99].map(|offset| written.at(offset).unwrap()).to_vec()
    }

    #[test]
    fn what_was_missed_was_written_since_the_life_began_that_wrote_it() {
        let growth = Growth::default();
        assert_eq!(times(&growth, None), [1_000, 4_800, 5_000, 13_000, 20_800]);
        assert_eq!(times(&growth, Some(20_000)), [20_000, 20_190, 20_200, 20_600, 20_990]);
        // A clock that was set back says nothing.
        assert_eq!(times(&growth, Some(30_000)), times(&growth, None));
        assert_eq!(growth.written((5, 5), (1, 2), None), Written::default());
        assert_eq!(Written::default().at(3), None);
    }

    #[test]
    fn what_was_there_before_the_next_life_began_is_of_the_one_before() {
        let mut growth = Growth::default();
        // 20 bytes came late, then it stood still until the next life began.
        for (ms, size) in [(900, 50), (1_010, 120), (1_100, 120), (19_900, 120), (20_100, 130)] {
            growth.see(ms, size);
        }
        assert_eq!(growth.seen.len(), 4);
        let wanted = [1_000, 1_009, 20_000, 20_100 + 900 * 30 / 70, 20_100 + 900 * 69 / 70];
        assert_eq!(times(&growth, Some(20_000)), wanted);
        // Where it is not known when that began, the file tells it.
        let wanted = [1_000, 1_009, 19_900, 20_100 + 900 * 30 / 70, 20_100 + 900 * 69 / 70];
        assert_eq!(times(&growth, None), wanted);
    }

    #[test]
    fn what_stands_at_a_place_was_there_when_it_was_seen_first() {
        let mut growth = Growth::default();
        assert_eq!(growth.size(), None);
        for (ms, size) in [(1_000, 50), (1_025, 50), (1_050, 50), (1_075, 120)] {
            growth.see(ms, size);
        }
        assert_eq!((growth.since_ms(), growth.size()), (Some(1_000), Some(120)));
        let there_by = [0, 49, 50, 119, 120].map(|at| growth.there_by(at));
        assert_eq!(there_by, [Some(1_000), Some(1_000), Some(1_075), Some(1_075), None]);
    }

    /// It is of the life that was on then, however long the file stays as it is.
    #[test]
    fn what_was_there_when_the_bus_was_lost_was_written_then() {
        let mut growth = Growth::default();
        (0..10).for_each(|n| growth.see(1_000 + n * 1_000, 200));
        assert_eq!(times(&growth, Some(9_500)), [1_000; 5]);
    }

    #[test]
    fn what_is_kept_has_a_bound_and_a_file_that_was_emptied_begins_anew() {
        let mut growth = Growth::default();
        (0..10_000).for_each(|n| growth.see(1_000 + n, 100 + n.unsigned_abs()));
        assert!(growth.seen.len() <= SEEN_MAX);
        assert_eq!(growth.seen.last(), Some(&(10_999, 10_099)));
        growth.see(11_000, 3);
        assert_eq!(growth.seen, [(10_999, 0), (11_000, 3)]);
        assert_eq!([10_999, 11_000, 11_001].map(|ms| growth.since(ms)), [Some(0), Some(3), None]);
        growth.see(500, 9);
        assert_eq!(growth.seen, [(500, 9)]);
    }
}
