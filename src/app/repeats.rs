//! Whether a key that acts was pressed again, or is held and repeats itself: terminals do not tell.
//!
//! A held key comes again once after 250 to 660 ms, and from then on at least every 200 ms. So of one hold
//! only the first repeat comes after a pause, and what comes after two such pauses was pressed.
//!
//! Invariant: a key acts at most as often as it was pressed: no repeat acts beside its own press.

use std::time::Duration;

/// The same key again within this time repeats itself: nobody presses one that acts so fast.
const REPEATS: Duration = Duration::from_millis(240);
/// The same key again after this time was pressed: keyboards begin to repeat after at most 660 ms.
const BEGINS: Duration = Duration::from_millis(700);

/// Remembers what it needs of the keys before. Times are of a clock that is never set back.
#[derive(Debug)]
pub(super) struct Repeats<K> {
    /// The last key and when it last came.
    last: Option<(K, Duration)>,
    /// Whether it came after a pause that may be the one before a held key repeats itself.
    is_doubtful: bool,
}

impl<K> Default for Repeats<K> {
    fn default() -> Self {
        Self { last: None, is_doubtful: false }
    }
}

impl<K: PartialEq + Copy> Repeats<K> {
    /// Takes a key in; whether it was pressed for certain.
    pub(super) fn is_press(&mut self, key: K, now: Duration) -> bool {
        let before = self.last.replace((key, now));
        let was_doubtful = std::mem::take(&mut self.is_doubtful);
        let Some((_, at)) = before.filter(|(last, _)| *last == key) else { return true };
        match now.saturating_sub(at) {
            pause if pause >= BEGINS => true,
            pause if pause < REPEATS => false,
            // Of two such pauses one hold has but the first.
            _ => {
                self.is_doubtful = !was_doubtful;
                was_doubtful
            }
        }
    }

    /// Another key came, or text: the next one is pressed.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the same key's arrivals, milliseconds, are presses.
    fn presses(arrivals: &[u64]) -> Vec<u64> {
        let mut repeats = Repeats::default();
        let is_press = |at: &&u64| repeats.is_press('r', Duration::from_millis(**at));
        arrivals.iter().filter(is_press).copied().collect()
    }

    #[test]
    fn no_repeat_of_a_held_key_acts() {
        for delay in [250, 400, 500, 600, 660] {
            for rate in [15, 30, 50, 100, 200] {
                let repeats = (0..40).map(|n| 1_000 + delay + n * rate);
                let held: Vec<u64> = std::iter::once(1_000).chain(repeats).collect();
                assert_eq!(presses(&held), [1_000], "after {delay} ms each {rate} ms");
            }
            // Let go after the first repeat, pressed again much later.
            assert_eq!(presses(&[0, delay, delay + 700]), [0, delay + 700]);
        }
    }

    #[test]
    fn who_presses_it_again_and_again_is_heard_at_each_second_press() {
        assert_eq!(presses(&[0, 600, 1_200, 1_800, 2_400]), [0, 1_200, 2_400]);
        assert_eq!(presses(&[0, 400, 800]), [0, 800]);
        assert_eq!(presses(&[0, 700, 1_400]), [0, 700, 1_400], "slowly enough");
        // One pressed twice, and then held: as often as it was pressed, at most.
        assert_eq!(presses(&[0, 600, 1_100, 1_133, 1_166]), [0, 1_100]);
        assert_eq!(presses(&[0, 100, 200, 300]), [0]);
    }
}
