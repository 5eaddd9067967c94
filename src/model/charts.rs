//! Bars of CPU and memory over time: how high each stands, in steps of a row.
//!
//! Invariant: a time without a sample has no bar, a zero has the lowest; bars stand on whole
//! multiples of their time, and a value that wobbles by less than a step draws flat, so that a
//! process at rest changes nothing on the screen.

pub mod spans;

use std::f64::consts::SQRT_2;

use super::process::Process;
use super::series::{SPAN_MS, Sample};

/// Steps of one row: blocks from one eighth to a whole one.
pub const STEPS: u16 = 8;
/// Time of one bar of a mini chart, milliseconds.
const MINI_BUCKET_MS: i64 = 5_000;
/// The shortest time of one bar of a panel, seconds: bars that move every second cost bytes.
const BUCKET_LEAST_S: i64 = 2;
/// The least that a panel's CPU scale reaches to, percent: a process at 0.3 % should look idle.
const CPU_LEAST: f64 = 10.0;
/// How far back a panel says that it reaches, seconds.
const TOLD_S: [i64; 7] = [10, 30, 60, 120, 180, 240, 300];
const MIB: f64 = 1024.0 * 1024.0;
/// The least range of memory that fills a mini chart: this part of the highest, and these bytes.
const RANGE_PART: f64 = 0.2;
const RANGE_LEAST: f64 = 8.0 * MIB;

/// What a chart shows of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Percent of one core.
    Cpu,
    /// Bytes.
    Memory,
}

impl Measure {
    fn of(self, sample: &Sample) -> f64 {
        match self {
            Self::Cpu => f64::from(sample.cpu_percent),
            Self::Memory => sample.memory_bytes as f64,
        }
    }

    /// The highest value of a process's last five minutes.
    #[must_use]
    pub fn max(self, process: &Process) -> Option<f64> {
        process.series.max(|sample| self.of(sample)).filter(|max| max.is_finite())
    }

    fn min(self, process: &Process) -> Option<f64> {
        let values = process.series.iter().map(|sample| self.of(&sample));
        values.reduce(f64::min).filter(|min| min.is_finite())
    }
}

/// Heights of bars; `None` is a gap.
pub type Bars = Vec<Option<u16>>;

/// What lies below and above the bars.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    from: f64,
    to: f64,
}

/// How old a sample may be to stand for the bars after it, milliseconds, at this pause between
/// polls: a poll that is late by its own length is no gap.
#[must_use]
pub fn gap_ms(poll_interval_ms: u64) -> i64 {
    i64::try_from(poll_interval_ms).unwrap_or(SPAN_MS).saturating_mul(2).clamp(2_000, SPAN_MS)
}

/// The bars of a mini chart, in [`STEPS`].
///
/// CPU stands on a fixed scale, of one core, or of as many as it takes: 0.0 % is a flat line. Memory
/// stands against its limit where there is one, else in the range of its last minutes.
#[must_use]
pub fn mini(process: &Process, measure: Measure, steady_ms: i64, gap_ms: i64, count: u16) -> Bars {
    let scale = match measure {
        Measure::Cpu => cores(process),
        Measure::Memory => match process.info.memory_limit_bytes.filter(|limit| *limit > 0) {
            Some(limit) => Scale { from: 0.0, to: limit as f64 },
            None => range(process),
        },
    };
    let value = |sample: &Sample| measure.of(sample);
    let bars = process.series.bars(steady_ms, MINI_BUCKET_MS, usize::from(count), gap_ms, value);
    levels(&bars, scale, STEPS)
}

/// A panel's bars and what they stand on.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The bars, in [`STEPS`] for each of its rows.
    pub bars: Bars,
    /// How far back there are samples, seconds, in few steps: it is a label, and seldom changes. 0 where
    /// that is less than the least step.
    pub told_s: i64,
    /// What they reach up to: percent, or bytes.
    pub scale: f64,
}

/// The bars of a panel with so many columns and rows.
#[must_use]
pub fn panel(
    process: &Process,
    measure: Measure,
    steady_ms: i64,
    gap_ms: i64,
    (columns, rows): (u16, u16),
) -> Panel {
    let age_s = age_s(process, steady_ms);
    let (bucket_s, count) = bucket(age_s, columns);
    let value = |sample: &Sample| measure.of(sample);
    let bars = process.series.bars(steady_ms, bucket_s * 1000, usize::from(count), gap_ms, value);
    let to = match measure {
        Measure::Cpu => cpu_scale(process),
        Measure::Memory => memory_scale(process),
    };
    let bars = levels(&bars, Scale { from: 0.0, to }, rows.saturating_mul(STEPS));
    let told_s = TOLD_S.into_iter().rfind(|told_s| *told_s <= age_s).unwrap_or(0);
    Panel { bars, told_s, scale: to }
}

/// Since when there are samples, seconds; at most the whole span.
fn age_s(process: &Process, steady_ms: i64) -> i64 {
    let oldest_ms = process.series.iter().next().map_or(steady_ms, |sample| sample.at_ms);
    (steady_ms.saturating_sub(oldest_ms) / 1000 + 1).clamp(1, SPAN_MS / 1000)
}

/// Seconds of one bar and number of bars: whole seconds, as few as show all of a young history, so
/// that the panel is not empty for the first minutes; at most the whole span.
fn bucket(age_s: i64, room: u16) -> (i64, u16) {
    let room_s = i64::from(room.max(1));
    let span_s = SPAN_MS / 1000;
    let bucket_s = ((age_s + room_s - 1) / room_s).max(BUCKET_LEAST_S);
    let count = u16::try_from((span_s + bucket_s - 1) / bucket_s).unwrap_or(room).min(room);
    (bucket_s, count)
}

/// One core, or the next power of two of them.
fn cores(process: &Process) -> Scale {
    let max = Measure::Cpu.max(process).unwrap_or(0.0);
    let mut to = 100.0;
    // Ten steps are a thousand cores.
    for _ in 0..10 {
        if max > to {
            to *= 2.0;
        }
    }
    Scale { from: 0.0, to }
}

/// The range of memory in the last minutes, with a floor; on round numbers, so that it seldom moves.
fn range(process: &Process) -> Scale {
    let max = Measure::Memory.max(process).unwrap_or(0.0);
    let min = Measure::Memory.min(process).unwrap_or(0.0);
    let least = (max * RANGE_PART).max(RANGE_LEAST);
    // What hardly moves stands in the middle.
    let spare = (least - (max - min)).max(0.0) / 2.0;
    let grain = least / f64::from(STEPS);
    let grain = power_within(2.0, grain * SQRT_2);
    let from = ((min - spare) / grain).floor().max(0.0) * grain;
    let to = ((max + spare) / grain).ceil() * grain;
    Scale { from, to: to.max(from + grain) }
}

/// What a panel's CPU bars reach up to, percent.
fn cpu_scale(process: &Process) -> f64 {
    round_up(Measure::Cpu.max(process).unwrap_or(0.0).max(CPU_LEAST))
}

/// What a panel's memory bars reach up to, bytes: the limit where the process comes near it.
fn memory_scale(process: &Process) -> f64 {
    let max = Measure::Memory.max(process).unwrap_or(0.0);
    if let Some(limit) = process.info.memory_limit_bytes.map(|limit| limit as f64)
        && max <= limit
        && max >= limit / 2.0
    {
        return limit;
    }
    round_bytes(max)
}

/// A round number of bytes with some room above this one.
fn round_bytes(max: f64) -> f64 {
    let unit = if max * 1.1 < 1000.0 * MIB { MIB } else { 1024.0 * MIB };
    round_up((max * 1.1 / unit).max(1.0)) * unit
}

/// The greatest power of `base` that is not over `value`; 1 where `value` is not over 0. Step by step:
/// `powf` and `log10` would load a library of 0.5 MiB for this alone.
fn power_within(base: f64, value: f64) -> f64 {
    let mut power = 1.0;
    while power * base <= value && power.is_finite() {
        power *= base;
    }
    while power > value && value > 0.0 {
        power /= base;
    }
    power
}

/// The next round number, so that a scale seldom changes. A number of 1 and more becomes a whole
/// one, or one and a half, or two and a half.
fn round_up(value: f64) -> f64 {
    const ROUND: [f64; 9] = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0];
    let power = power_within(10.0, value);
    ROUND
        .into_iter()
        .map(|round| round * power)
        .find(|round| *round >= value * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// Heights of bars in `steps` of the scale, 1 to `steps`.
///
/// A bar keeps the height of the one before while it is less than a step from it. The first one's
/// height is that of the mean of all that follow it closely: those fall out of sight one by one,
/// and the height of what stays must not hang on which of them is now the first.
fn levels(bars: &[Option<f64>], scale: Scale, steps: u16) -> Bars {
    let steps_f = f64::from(steps.max(1));
    let exact =
        |value: f64| ((value - scale.from) / (scale.to - scale.from) * steps_f).clamp(1.0, steps_f);
    let mut seen = bars.iter().flatten().filter(|value| value.is_finite());
    let mut level = seen.next().map_or(1.0, |first| {
        let first = exact(*first);
        let close = seen.map(|value| exact(*value)).take_while(|value| (value - first).abs() < 1.0);
        let (sum, count) =
            close.fold((first, 1.0), |(sum, count), value| (sum + value, count + 1.0));
        (sum / count).round()
    });
    bars.iter()
        .map(|bar| {
            let value = exact((*bar).filter(|value| value.is_finite())?);
            if (value - level).abs() >= 1.0 {
                level = value.round();
            }
            Some(level as u16)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::info;
    use crate::protocol::process::ProcessStatus;

    fn up_to(to: f64) -> Scale {
        Scale { from: 0.0, to }
    }

    /// A process with a sample each second: percent and MiB.
    fn sampled(samples: &[(f32, f64)]) -> Process {
        let mut process = Process::new(info(0, "api", ProcessStatus::Online));
        for (second, (cpu_percent, mib)) in (0..).zip(samples) {
            let (at_ms, memory_bytes) = (second * 1_000, (mib * MIB) as u64);
            process.series.push(Sample { at_ms, cpu_percent: *cpu_percent, memory_bytes });
        }
        process
    }

    fn mini_of(process: &Process, measure: Measure) -> Vec<u16> {
        let count = process.series.iter().count() as i64;
        mini(process, measure, (count - 1) * 1_000, 2_000, 8).into_iter().flatten().collect()
    }

    #[test]
    fn cpu_stands_on_one_core_and_grows_only_past_it() {
        let of = |percent| mini_of(&sampled(&[(percent, 50.0); 40]), Measure::Cpu);
        for (percent, level) in [(0.0, 1), (3.0, 1), (50.0, 4), (99.0, 8), (120.0, 5), (390.0, 8)] {
            assert_eq!(of(percent), [level; 8], "{percent}");
        }
    }

    #[test]
    fn memory_shows_its_trend_and_rests_in_the_middle() {
        let wobbles: Vec<_> = (0..300).map(|at| (0.0, 50.0 + f64::from(at % 3) * 0.2)).collect();
        let flat = mini_of(&sampled(&wobbles), Measure::Memory);
        assert!(flat.iter().all(|level| *level == flat[0] && (3..=5).contains(level)), "{flat:?}");
        let leaks: Vec<_> = (0..40).map(|at| (0.0, 50.0 + f64::from(at))).collect();
        let rising = mini_of(&sampled(&leaks), Measure::Memory);
        assert!(rising.is_sorted() && rising[0] <= 2 && rising[7] >= 7, "{rising:?}");
        let mut limited = sampled(&leaks);
        limited.info.memory_limit_bytes = Some(100 << 20);
        let against = mini_of(&limited, Measure::Memory);
        assert_eq!((against[0], against[7]), (5, 7), "{against:?}");
    }

    #[test]
    fn scales_are_round() {
        for (value, round) in [
            (10.0, 10.0),
            (10.1, 15.0),
            (45.1, 50.0),
            (99.0, 100.0),
            (100.0, 100.0),
            (1600.0, 2000.0),
            (0.1, 0.1),
        ] {
            let got = round_up(value);
            assert!((got - round).abs() < 1e-9, "{value}: {got} is not {round}");
        }
    }

    #[test]
    fn a_gap_is_not_a_zero() {
        let bars = [None, Some(0.0), Some(100.0), Some(50.0), Some(f64::NAN)];
        assert_eq!(levels(&bars, up_to(100.0), 8), [None, Some(1), Some(8), Some(4), None]);
    }

    #[test]
    fn a_wobble_draws_flat_wherever_the_window_starts() {
        // Just at the edge of a step, where rounding alone would go up and down.
        let wobble: Vec<Option<f64>> =
            (0..200).map(|at| Some(50.0 * if at * 7 % 5 < 2 { 1.004 } else { 0.996 })).collect();
        for scale in [60.0, 61.0, 62.5, 66.7, 80.0] {
            let drawn: Vec<_> =
                wobble.windows(50).map(|bars| levels(bars, up_to(scale), 48)).collect();
            for bars in &drawn {
                assert_eq!(bars, &drawn[0], "scale {scale}");
            }
        }
    }

    #[test]
    fn a_ramp_rises() {
        let bars: Vec<_> = (0..=48).map(|value| Some(f64::from(value))).collect();
        let levels = levels(&bars, up_to(48.0), 48);
        assert_eq!(levels.first(), Some(&Some(1)));
        assert_eq!(levels.last(), Some(&Some(48)));
    }
}
