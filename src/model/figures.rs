//! CPU and memory of a process as they are shown: figures that settle.
//!
//! A process at rest uses a few hundred KiB more or less from poll to poll. Shown as measured, its
//! last digit would flicker all day and fill a slow link for nothing.
//!
//! Invariant: what is shown was measured; it is off by more than `TOLERANCE` or the least step
//! never, and by less than that for `REST_MS` at most.

/// What is shown gives way at once to a measurement that differs by more than this part of it.
const TOLERANCE: f64 = 0.01;
/// For CPU, which moves more: this part.
const CPU_TOLERANCE: f64 = 0.05;
/// The least difference that shows at once: percent of one core. Linux counts in ticks of 10 ms, so
/// that a process at rest has 0 or 1 % of a second.
const CPU_STEP: f64 = 1.05;
/// The least difference that shows at once: bytes.
const MEMORY_STEP: f64 = 256.0 * 1024.0;
/// A smaller difference shows when it stayed on one side for so long, milliseconds.
const REST_MS: i64 = 10_000;

/// One figure.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Settled {
    shown: Option<f64>,
    /// Since when it was measured above, or below, what is shown.
    away: Option<(bool, i64)>,
}

impl Settled {
    /// Takes a measurement; whether what is shown changed.
    fn take(&mut self, measured: Option<f64>, tolerance: f64, least: f64, now_ms: i64) -> bool {
        let before = self.shown;
        let (Some(shown), Some(value)) = (self.shown, measured.filter(|value| value.is_finite()))
        else {
            *self = Self { shown: measured.filter(|value| value.is_finite()), away: None };
            return self.shown != before;
        };
        let difference = value - shown;
        if difference == 0.0 {
            self.away = None;
            return false;
        }
        let is_above = difference > 0.0;
        let since = match self.away {
            Some((side, since)) if side == is_above => since,
            _ => now_ms,
        };
        let is_large = difference.abs() > (shown.abs() * tolerance).max(least);
        if is_large || now_ms.saturating_sub(since) >= REST_MS {
            *self = Self { shown: Some(value), away: None };
            return true;
        }
        self.away = Some((is_above, since));
        false
    }
}

/// CPU and memory of one process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    cpu: Settled,
    memory: Settled,
}

impl Figures {
    /// Takes what a poll measured, at `now_ms` of a clock that is never set back; whether what is
    /// shown changed.
    pub fn take(
        &mut self,
        cpu_percent: Option<f32>,
        memory_bytes: Option<u64>,
        now_ms: i64,
    ) -> bool {
        let cpu = cpu_percent.map(f64::from);
        let cpu = self.cpu.take(cpu, CPU_TOLERANCE, CPU_STEP, now_ms);
        let memory = memory_bytes.map(|bytes| bytes as f64);
        let memory = self.memory.take(memory, TOLERANCE, MEMORY_STEP, now_ms);
        cpu || memory
    }

    /// Percent of one core.
    #[must_use]
    pub fn cpu_percent(&self) -> Option<f64> {
        self.cpu.shown
    }

    /// Bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> Option<u64> {
        self.memory.shown.map(|bytes| bytes as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_wobble_does_not_show_and_a_step_does_at_once() {
        let mut figures = Figures::default();
        assert!(figures.take(Some(0.0), Some(40 * MIB), 0));
        for second in 1..60 {
            let wobble = if second % 3 == 0 { 0 } else { MIB / 8 };
            let cpu = if second % 5 == 0 { 1.0 } else { 0.0 };
            let bytes = 40 * MIB + wobble - MIB / 16;
            assert!(!figures.take(Some(cpu), Some(bytes), second * 1_000), "{second}");
        }
        assert!(figures.take(Some(12.0), Some(40 * MIB), 60_000));
        assert_eq!(figures.cpu_percent(), Some(12.0));
        assert!(figures.take(Some(12.0), Some(41 * MIB), 61_000));
        assert_eq!(figures.memory_bytes(), Some(41 * MIB));
    }

    #[test]
    fn a_small_difference_that_stays_is_shown_in_time() {
        let mut figures = Figures::default();
        figures.take(Some(0.0), Some(400 * MIB), 0);
        let mut shown_at = None;
        for second in 1..=20 {
            if figures.take(Some(0.2), Some(400 * MIB), second * 1_000) {
                shown_at.get_or_insert(second);
            }
        }
        assert_eq!(shown_at, Some(11), "ten seconds after it was first measured");
    }

    #[test]
    fn what_is_not_measured_is_not_shown() {
        let mut figures = Figures::default();
        figures.take(Some(1.0), Some(MIB), 0);
        assert!(figures.take(None, None, 1_000));
        assert_eq!((figures.cpu_percent(), figures.memory_bytes()), (None, None));
        assert!(!figures.take(Some(f32::NAN), None, 2_000));
    }
}
