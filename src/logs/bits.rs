//! One bit for each line of a block.

const WORD: usize = u64::BITS as usize;

/// A growing row of bits; those behind its end are 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    pub(super) fn set(&mut self, index: usize) {
        let word = index / WORD;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= 1 << (index % WORD);
        }
    }

    pub(super) fn unset(&mut self, index: usize) {
        if let Some(word) = self.words.get_mut(index / WORD) {
            *word &= !(1 << (index % WORD));
        }
    }

    pub(super) fn get(&self, index: usize) -> bool {
        self.words.get(index / WORD).is_some_and(|word| word >> (index % WORD) & 1 == 1)
    }

    pub(super) fn clear(&mut self) {
        self.words.clear();
    }

    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many are set before `index`.
    pub(super) fn rank(&self, index: usize) -> usize {
        let whole = self.words.iter().take(index / WORD).map(|word| word.count_ones() as usize);
        let last = self.words.get(index / WORD).copied().unwrap_or_default();
        let below = (1_u64 << (index % WORD)) - 1;
        whole.sum::<usize>() + (last & below).count_ones() as usize
    }

    /// Where the set bit is that has `rank` set ones before it.
    pub(super) fn select(&self, rank: usize) -> Option<usize> {
        let mut left = rank;
        for (index, word) in self.words.iter().enumerate() {
            let here = word.count_ones() as usize;
            if left >= here {
                left -= here;
                continue;
            }
            let mut word = *word;
            for _ in 0..left {
                word &= word - 1;
            }
            return Some(index * WORD + word.trailing_zeros() as usize);
        }
        None
    }

    /// The first set bit at `from` or behind it.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let mut mask = u64::MAX << (from % WORD);
        for (index, word) in self.words.iter().enumerate().skip(from / WORD) {
            let word = word & mask;
            mask = u64::MAX;
            if word != 0 {
                return Some(index * WORD + word.trailing_zeros() as usize);
            }
        }
        None
    }

    /// The set bits from `from` on.
    pub(super) fn iter_from(&self, from: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.next(from), |last| self.next(last + 1))
    }

    /// Keeps those from `from` on that `other` has too (or has not, where `inverted`).
    pub(super) fn keep(&mut self, from: usize, other: &Self, inverted: bool) {
        let mut untouched = (1_u64 << (from % WORD)) - 1;
        for (index, word) in self.words.iter_mut().enumerate().skip(from / WORD) {
            let other = other.words.get(index).copied().unwrap_or_default();
            *word &= untouched | if inverted { !other } else { other };
            untouched = 0;
        }
    }
}
