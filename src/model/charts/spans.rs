//! Charts over a span that is asked for: the last minute, 5, 15 or 60.
//!
//! Invariant: a column stands for one time whatever the values are; of a long span the highest of
//! each step is shown, so that no peak is lost.

use super::{Bars, CPU_LEAST, Measure, STEPS, Scale, levels, round_bytes, round_up};
use crate::model::process::Process;
use crate::model::series::{self, SPAN_MS, STEP_MS};

/// The least time of one column, milliseconds.
const GRAIN_MS: i64 = 100;

/// How far back a chart reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Span {
    /// One minute.
    Minute,
    /// Five minutes.
    #[default]
    Five,
    /// A quarter of an hour.
    Quarter,
    /// An hour.
    Hour,
}

impl Span {
    /// All, the shortest first.
    pub const ALL: [Self; 4] = [Self::Minute, Self::Five, Self::Quarter, Self::Hour];

    /// Milliseconds.
    #[must_use]
    pub fn ms(self) -> i64 {
        self.minutes() * 60_000
    }

    /// Minutes.
    #[must_use]
    pub fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Five => 5,
            Self::Quarter => 15,
            Self::Hour => 60,
        }
    }

    /// The next longer one; the longest stays.
    #[must_use]
    pub fn longer(self) -> Self {
        match self {
            Self::Minute => Self::Five,
            Self::Five => Self::Quarter,
            Self::Quarter | Self::Hour => Self::Hour,
        }
    }

    /// The next shorter one; the shortest stays.
    #[must_use]
    pub fn shorter(self) -> Self {
        match self {
            Self::Hour => Self::Quarter,
            Self::Quarter => Self::Five,
            Self::Five | Self::Minute => Self::Minute,
        }
    }

    /// What its time axis says: how long ago, milliseconds, and the words.
    #[must_use]
    pub fn ticks(self) -> Vec<(i64, String)> {
        let (count, unit) = match self {
            Self::Minute => (4, "s"),
            Self::Hour => (4, "min"),
            Self::Five | Self::Quarter => (5, "min"),
        };
        let per = if unit == "s" { 1_000 } else { 60_000 };
        let step = self.ms() / count;
        (1..=count).rev().map(|at| (at * step, format!("-{} {unit}", at * step / per))).collect()
    }
}

/// A chart: its bars, and what they stand on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// The bars, in [`STEPS`] for each of its rows.
    pub bars: Bars,
    /// What they reach up to.
    pub scale: f64,
    /// The highest value in the span.
    pub max: Option<f64>,
    /// The time of one bar, milliseconds.
    pub bar_ms: i64,
    /// When the first bar begins, by the steady clock.
    pub from_ms: i64,
}

impl Chart {
    /// The bar that stands for a moment of the steady clock.
    #[must_use]
    pub fn bar_at(&self, at_ms: i64) -> Option<u16> {
        let bar = at_ms.saturating_sub(self.from_ms).div_euclid(self.bar_ms.max(1));
        u16::try_from(bar).ok().filter(|bar| usize::from(*bar) < self.bars.len())
    }
}

/// Columns of bars, and milliseconds of one, in a room of so many columns.
fn columns(span: Span, room: u16) -> (i64, usize) {
    let room = i64::from(room.max(1));
    let exact = (span.ms() + room - 1) / room;
    let bar_ms = (exact + GRAIN_MS - 1) / GRAIN_MS * GRAIN_MS;
    let count = (span.ms() + bar_ms - 1) / bar_ms;
    (bar_ms, usize::try_from(count.min(room)).unwrap_or(0))
}

/// The chart of a measure in so many columns and rows. `gap_ms` is how old a sample may be to stand
/// for the bars after it.
#[must_use]
pub fn chart(
    process: &Process,
    (measure, span): (Measure, Span),
    steady_ms: i64,
    gap_ms: i64,
    size: (u16, u16),
) -> Chart {
    let series = &process.series;
    let limit = process.info.memory_limit_bytes.filter(|limit| *limit > 0);
    let scale = |max: f64| match (measure, limit.map(|limit| limit as f64)) {
        (Measure::Cpu, _) => round_up(max.max(CPU_LEAST)),
        // The line of the limit is in the picture once that is not far.
        (Measure::Memory, Some(limit)) if max >= limit / 4.0 => round_bytes(max.max(limit)),
        (Measure::Memory, _) => round_bytes(max),
    };
    if span.ms() <= SPAN_MS {
        let points = series.iter().map(|sample| (sample.at_ms, measure.of(&sample)));
        return of(points, span, steady_ms, gap_ms, size, scale);
    }
    let points = series.steps().map(|sample| (sample.at_ms, measure.of(&sample)));
    of(points, span, steady_ms, gap_ms.saturating_add(STEP_MS), size, scale)
}

/// The chart of a metric's values.
#[must_use]
pub fn metric(
    points: impl Iterator<Item = (i64, f64)> + Clone,
    span: Span,
    steady_ms: i64,
    gap_ms: i64,
    size: (u16, u16),
) -> Chart {
    let scale = |max: f64| if max > 0.0 { round_up(max) } else { 1.0 };
    of(points, span, steady_ms, gap_ms, size, scale)
}

/// The course of a metric in one row: within the range of its values.
#[must_use]
pub fn course(
    points: impl Iterator<Item = (i64, f64)> + Clone,
    span: Span,
    steady_ms: i64,
    gap_ms: i64,
    room: u16,
) -> Bars {
    let (bar_ms, count) = columns(span, room);
    let values = series::bars(points, steady_ms, bar_ms, count, gap_ms);
    let finite = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let (min, max) =
        (finite().reduce(f64::min).unwrap_or(0.0), finite().reduce(f64::max).unwrap_or(0.0));
    // What does not change is a flat line in the lower half.
    let spare = if max > min { 0.0 } else { max.abs().max(1.0) };
    levels(&values, Scale { from: min - spare / 2.0, to: max + spare }, STEPS)
}

fn of(
    points: impl Iterator<Item = (i64, f64)> + Clone,
    span: Span,
    steady_ms: i64,
    gap_ms: i64,
    (room, rows): (u16, u16),
    scale: impl Fn(f64) -> f64,
) -> Chart {
    let (bar_ms, count) = columns(span, room);
    let values = series::bars(points, steady_ms, bar_ms, count, gap_ms);
    let max = values.iter().flatten().copied().filter(|value| value.is_finite()).reduce(f64::max);
    let scale = scale(max.unwrap_or(0.0));
    let bars = levels(&values, Scale { from: 0.0, to: scale }, rows.saturating_mul(STEPS));
    let first = steady_ms.div_euclid(bar_ms) - count as i64 + 1;
    Chart { bars, scale, max, bar_ms, from_ms: first * bar_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::series::{LONG_SPAN_MS, Sample};
    use crate::model::tests::info;
    use crate::protocol::process::ProcessStatus;

    const MIB: u64 = 1 << 20;

    /// A process that was polled each second for so long: at 1 % and 50 MiB but for one peak.
    fn polled(seconds: i64, peak_at: i64) -> Process {
        let mut process = Process::new(info(0, "api", ProcessStatus::Online));
        for second in 0..seconds {
            let cpu_percent = if second == peak_at { 90.0 } else { 1.0 };
            let at_ms = second * 1_000;
            process.series.push(Sample { at_ms, cpu_percent, memory_bytes: 50 * MIB });
        }
        process
    }

    #[test]
    fn each_span_has_its_columns_and_no_peak_is_lost() {
        let seconds = 2 * LONG_SPAN_MS / 1_000;
        let peak_at = seconds - 50;
        let process = polled(seconds, peak_at);
        let now_ms = (seconds - 1) * 1_000;
        for span in Span::ALL {
            for room in [10, 60, 110, 400] {
                let what = (Measure::Cpu, span);
                let chart = chart(&process, what, now_ms, 2_000, (room, 4));
                assert!(chart.bars.len() <= usize::from(room), "{span:?} {room}");
                assert!(chart.bars.len() * 3 >= usize::from(room).min(600), "{span:?} {room}");
                assert!(chart.bars.iter().all(Option::is_some), "{span:?} {room} {chart:?}");
                assert_eq!((chart.scale, chart.max), (100.0, Some(90.0)), "{span:?} {room}");
                let peak = chart.bar_at(peak_at * 1_000 / STEP_MS * STEP_MS).unwrap();
                let high = chart.bars.iter().position(|bar| bar.unwrap() > 20).unwrap();
                let off = if span.ms() <= SPAN_MS { room / 4 + 1 } else { 0 };
                assert!(usize::from(peak).abs_diff(high) <= usize::from(off), "{peak} {high}");
            }
        }
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let process = polled(3 * LONG_SPAN_MS / 1_000, 0);
        let steps = process.series.steps().count() as i64;
        assert!((LONG_SPAN_MS / STEP_MS..=LONG_SPAN_MS / STEP_MS + 1).contains(&steps), "{steps}");
    }

    #[test]
    fn the_limit_is_in_the_picture_once_it_is_not_far() {
        let mut process = polled(300, 0);
        let scale = |process: &Process| {
            let what = (Measure::Memory, Span::Five);
            chart(process, what, 299_000, 2_000, (60, 4)).scale / MIB as f64
        };
        for (limit_mib, wanted) in [(0, 60), (100, 150), (1_000, 60)] {
            process.info.memory_limit_bytes = Some(limit_mib * MIB);
            assert_eq!(scale(&process).round() as u64, wanted, "{limit_mib}");
        }
    }

    #[test]
    fn axes_say_how_long_ago() {
        let words = |span: Span| span.ticks().into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(words(Span::Minute), ["-60 s", "-45 s", "-30 s", "-15 s"]);
        assert_eq!(words(Span::Quarter), ["-15 min", "-12 min", "-9 min", "-6 min", "-3 min"]);
        assert_eq!(words(Span::Hour), ["-60 min", "-45 min", "-30 min", "-15 min"]);
    }
}
