//! What few lines of a block have: a time of their own, a length beyond the index.

/// What few lines have, by their rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Extra {
    /// Its own time, where it is before that of a line before it.
    pub(super) own_ms: Option<i64>,
    /// Its true length, where it is cut or beyond the index.
    pub(super) len: Option<u64>,
}

/// Memory is given back where at least this part of its room is empty.
const SLACK_PART: usize = 8;
/// What an [`Extra`] counts for in the bound of bytes: as a rule it is a time.
pub(super) const EXTRA_BYTES: usize = 8;

/// The extras of a block by the index of their line, ascending: few bytes each, since of a file whose
/// clock went back most lines have one.
#[derive(Debug, Clone, Default)]
pub(super) struct Extras {
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
    pub(super) fn seal(&mut self) {
        self.pack();
        shrink(&mut self.near);
        shrink(&mut self.own_ms);
        shrink(&mut self.lens);
    }

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
    pub(super) fn of(&self, index: usize, order_ms: i64) -> Extra {
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
    pub(super) fn shift(&mut self, index: usize) {
        self.unpack();
        let first = self.near.partition_point(|near| near.index() < index);
        for near in self.near.iter_mut().skip(first) {
            near.0 += 1 << Near::MS_BITS;
        }
        shift(&mut self.own_ms, index);
        shift(&mut self.lens, index);
    }

    pub(super) fn put(&mut self, index: usize, order_ms: i64, extra: Extra) {
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

/// Gives back room that is worth it: blocks of one size are used again, pieces of odd sizes are not.
pub(super) fn shrink<T>(all: &mut Vec<T>) {
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
