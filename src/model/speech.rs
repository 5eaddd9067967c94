//! How much a process says: lines a minute of its output and of its errors, and since when it says
//! nothing.
//!
//! Invariant: a count of what came by the bus; what was not heard for long enough has no rate.

/// A slot of the last minute, milliseconds.
const SLOT_MS: i64 = 5_000;
/// How many there are.
const SLOTS: usize = 12;
/// What was heard for less than this has no rate, milliseconds.
const HEARD_MS: i64 = 10_000;

/// What was heard of a process. Times are of a clock that is never set back, milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Speech {
    /// Lines of output, and of errors, in each slot; the slot of a moment is the remainder of its
    /// number.
    slots: [[u32; 2]; SLOTS],
    /// The number of the newest slot.
    newest: i64,
    /// Since when it is listened to.
    since_ms: Option<i64>,
    /// Until when it was listened to.
    until_ms: i64,
    /// When it last said something.
    last_ms: Option<i64>,
}

impl Speech {
    /// It is listened to from now on.
    pub fn listen(&mut self, now_ms: i64) {
        self.since_ms.get_or_insert(now_ms);
        self.until_ms = self.until_ms.max(now_ms);
        self.turn(now_ms);
    }

    /// It said so many lines.
    pub fn hear(&mut self, is_error: bool, lines: usize, now_ms: i64) {
        self.listen(now_ms);
        self.last_ms = Some(now_ms);
        let place = place(now_ms.div_euclid(SLOT_MS));
        if let Some(count) =
            self.slots.get_mut(place).and_then(|slot| slot.get_mut(usize::from(is_error)))
        {
            *count = count.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        }
    }

    /// Until when it was listened to.
    #[must_use]
    pub fn until_ms(&self) -> i64 {
        self.until_ms
    }

    /// Lines of output and of errors a minute, over the last one.
    #[must_use]
    pub fn a_minute(&self, now_ms: i64) -> Option<f64> {
        self.rate(now_ms, |[out, err]| u64::from(*out) + u64::from(*err))
    }

    /// Lines of errors a minute, over the last one.
    #[must_use]
    pub fn errors_a_minute(&self, now_ms: i64) -> Option<f64> {
        self.rate(now_ms, |[_, err]| u64::from(*err))
    }

    /// For how long it has said nothing; `None` where it never did.
    #[must_use]
    pub fn silent_ms(&self, now_ms: i64) -> Option<i64> {
        Some(now_ms.saturating_sub(self.last_ms?).max(0))
    }

    fn rate(&self, now_ms: i64, of: impl Fn(&[u32; 2]) -> u64) -> Option<f64> {
        let heard_ms = now_ms.saturating_sub(self.since_ms?);
        if heard_ms < HEARD_MS {
            return None;
        }
        let now = now_ms.div_euclid(SLOT_MS);
        let oldest = now - (SLOTS as i64 - 1);
        // A slot that nobody turned since is older than its place says.
        let known = (oldest.max(self.newest - (SLOTS as i64 - 1))..=now.min(self.newest))
            .filter_map(|number| self.slots.get(place(number)));
        let lines: u64 = known.map(of).sum();
        let span_ms = heard_ms.min(now_ms - oldest * SLOT_MS).max(1);
        Some(lines as f64 * 60_000.0 / span_ms as f64)
    }

    /// Empties the slots that were passed since.
    fn turn(&mut self, now_ms: i64) {
        let now = now_ms.div_euclid(SLOT_MS);
        let first = (self.newest + 1).max(now - (SLOTS as i64 - 1));
        for number in first..=now {
            if let Some(slot) = self.slots.get_mut(place(number)) {
                *slot = [0; 2];
            }
        }
        self.newest = self.newest.max(now);
    }
}

fn place(number: i64) -> usize {
    usize::try_from(number.rem_euclid(SLOTS as i64)).unwrap_or(0)
}

/// A rate as text: `0`, `3.5`, `240`, `12k`.
#[must_use]
pub fn rate(lines: f64) -> String {
    match lines {
        ..0.05 => "0".to_owned(),
        ..9.95 => format!("{lines:.1}"),
        ..9_999.5 => format!("{lines:.0}"),
        _ => format!("{:.0}k", lines / 1_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_last_minute_are_counted() {
        let mut speech = Speech::default();
        assert_eq!((speech.a_minute(0), speech.silent_ms(0)), (None, None));
        speech.listen(100_000);
        speech.hear(false, 3, 102_000);
        assert_eq!(speech.a_minute(105_000), None, "not heard for long enough");
        speech.hear(true, 2, 110_000);
        assert_eq!(speech.a_minute(130_000), Some(10.0), "five in half a minute");
        assert_eq!(speech.errors_a_minute(130_000), Some(4.0));
        assert_eq!(speech.silent_ms(130_000), Some(20_000));
        // The three of 102 s are more than a minute ago, the two of 110 s are not.
        let rate = speech.a_minute(167_000).unwrap();
        assert!((2.0..2.2).contains(&rate), "{rate}");
        assert_eq!(speech.a_minute(300_000), Some(0.0));
        speech.hear(false, 1, 1_000_000);
        assert!(speech.a_minute(1_000_001).unwrap() < 1.2);
    }

    #[test]
    fn rates_are_short() {
        let rates = [0.0, 0.4, 9.94, 10.2, 9_999.0, 1_234_567.0].map(rate);
        assert_eq!(rates, ["0", "0.4", "9.9", "10", "9999", "1235k"]);
    }
}
