//! A moment by two clocks: one for what is shown, one for what is measured.
//!
//! Invariant: nothing is decided by the wall clock, which can be set back; it is only shown, and
//! compared with times that a daemon's own wall clock gave.

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Milliseconds since 1970 by this machine's clock, which can be set.
    pub wall_ms: i64,
    /// Milliseconds by a clock that is never set back; where it begins means nothing.
    pub steady_ms: i64,
}

impl Moment {
    /// A moment at which both clocks say the same: simulated time.
    #[must_use]
    pub fn at(ms: i64) -> Self {
        Self { wall_ms: ms, steady_ms: ms }
    }

    /// What the steady clock said when the wall clock said `wall_ms`, if nobody set it since.
    #[must_use]
    pub fn steady_of(self, wall_ms: i64) -> i64 {
        self.steady_ms.saturating_sub(self.wall_ms.saturating_sub(wall_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_time_becomes_a_steady_one() {
        let now = Moment { wall_ms: 10_000, steady_ms: 700 };
        assert_eq!(now.steady_of(9_900), 600);
        assert_eq!(now.steady_of(11_000), 1_700);
        let _ = now.steady_of(i64::MIN);
    }
}
