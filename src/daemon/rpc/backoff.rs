//! How long to wait before the next try.
//!
//! Invariant: a delay is never above the maximum and never below half the base, whatever the seed
//! and however many tries failed.

use std::time::Duration;

/// Delays that double from `base` to `max`, each shortened by up to half at random, so that many
/// clients of one daemon do not come back in step.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    base: Duration,
    max: Duration,
    next: Duration,
    state: u64,
}

impl Backoff {
    /// Starts at `base`; `max` below `base` counts as `base`. Equal seeds give equal delays.
    pub(crate) fn new(base: Duration, max: Duration, seed: u64) -> Self {
        Self { base, max: max.max(base), next: base, state: seed }
    }

    /// The delay before the next try.
    pub(crate) fn delay(&mut self) -> Duration {
        let whole = self.next;
        self.next = whole.saturating_mul(2).min(self.max);
        let half = whole / 2;
        // Sixteen random bits are plenty for a delay.
        let share = (self.random() >> 48) as u32;
        half + half.saturating_mul(share) / (1 << 16)
    }

    /// Begins at the base again: the last try was a success.
    pub(crate) fn reset(&mut self) {
        self.next = self.base;
    }

    /// The next number of a `SplitMix64` sequence.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_delay_stays_within_its_bounds(
            seed: u64,
            base_ms in 1_u64..1_000,
            factor in 1_u64..100,
            tries in 1_usize..80,
        ) {
            let base = Duration::from_millis(base_ms);
            let max = base * factor as u32;
            let mut backoff = Backoff::new(base, max, seed);
            for _ in 0..tries {
                let delay = backoff.delay();
                prop_assert!(delay <= max, "{delay:?} over {max:?}");
                prop_assert!(delay >= base / 2, "{delay:?} under half of {base:?}");
            }
            backoff.reset();
            prop_assert!(backoff.delay() <= base);
        }
    }

    #[test]
    fn delays_double_up_to_the_maximum() {
        let base = Duration::from_millis(100);
        let max = Duration::from_secs(5);
        let mut backoff = Backoff::new(base, max, 1);
        let mut whole = base;
        for _ in 0..10 {
            let delay = backoff.delay();
            assert!(delay >= whole / 2 && delay <= whole, "{delay:?}, {whole:?}");
            whole = (whole * 2).min(max);
        }
    }

    #[test]
    fn seeds_differ() {
        let first =
            |seed| Backoff::new(Duration::from_secs(1), Duration::from_secs(9), seed).delay();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }
}
