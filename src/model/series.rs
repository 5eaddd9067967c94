//! CPU and memory of one process: five minutes as they were measured, an hour in steps of 15 s.
//!
//! Invariant: bounded in samples and in time; a time without a sample is a gap, never a zero. Memory is
//! kept in whole KiB.

use std::collections::VecDeque;

/// How far back a series reaches, milliseconds.
pub const SPAN_MS: i64 = 300_000;
/// The most samples kept, whatever the poll's interval.
pub const SAMPLES_MAX: usize = 600;
/// How far back the steps reach, milliseconds.
pub const LONG_SPAN_MS: i64 = 3_600_000;
/// The time of one step, milliseconds.
pub const STEP_MS: i64 = 15_000;

/// From so far away on, samples count from another base, milliseconds: eleven days.
const FAR_MS: u64 = 1_000_000_000;

/// What one poll said of one process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When, milliseconds by the steady clock of the model.
    pub at_ms: i64,
    /// Percent of one core.
    pub cpu_percent: f32,
    /// Bytes.
    pub memory_bytes: u64,
}

/// The last samples of one process, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Series {
    samples: VecDeque<Packed>,
    /// The highest of each step, at its start.
    steps: VecDeque<Packed>,
    /// The moment that all of them count from, by the same clock.
    base_ms: i64,
}

/// A sample in half of its room: of a thousand processes there are half a million.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Packed {
    /// Milliseconds since the base.
    at: i32,
    cpu_percent: f32,
    /// Memory, KiB: the system gives whole pages.
    kib: u32,
}

/// So many more samples get room at once: twice as many, as usual, would be half empty.
const ROOM: usize = 32;

/// Two that hold the same are equal, whatever they count from.
impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter()) && self.steps().eq(other.steps())
    }
}

impl Series {
    /// Adds a sample; one that is older than the last (the clock was set back) starts anew.
    pub fn push(&mut self, sample: Sample) {
        if self.last().is_some_and(|last| sample.at_ms <= last.at_ms) {
            let base_ms = self.base_ms;
            self.samples.retain(|old| old.at_ms(base_ms) < sample.at_ms);
            self.steps.retain(|old| old.at_ms(base_ms) < sample.at_ms);
        }
        self.count_from_near(sample.at_ms);
        let oldest = sample.at_ms.saturating_sub(SPAN_MS);
        while self.samples.len() >= SAMPLES_MAX
            || self.samples.front().is_some_and(|first| first.at_ms(self.base_ms) < oldest)
        {
            self.samples.pop_front();
        }
        put(&mut self.samples, Packed::of(sample, self.base_ms));
        self.push_step(sample);
    }

    fn push_step(&mut self, sample: Sample) {
        let at_ms = sample.at_ms.div_euclid(STEP_MS).saturating_mul(STEP_MS);
        let packed = Packed::of(Sample { at_ms, ..sample }, self.base_ms);
        if let Some(last) = self.steps.back_mut().filter(|last| last.at == packed.at) {
            last.cpu_percent = last.cpu_percent.max(packed.cpu_percent);
            last.kib = last.kib.max(packed.kib);
            return;
        }
        let oldest = at_ms.saturating_sub(LONG_SPAN_MS);
        while self.steps.front().is_some_and(|first| first.at_ms(self.base_ms) < oldest) {
            self.steps.pop_front();
        }
        put(&mut self.steps, packed);
    }

    /// Counts from a moment near this one, where the present base is some weeks away.
    fn count_from_near(&mut self, at_ms: i64) {
        let is_far = |base_ms: i64| at_ms.saturating_sub(base_ms).unsigned_abs() > FAR_MS;
        if !is_far(self.base_ms) {
            return;
        }
        let old = std::mem::replace(&mut self.base_ms, at_ms);
        for kept in [&mut self.samples, &mut self.steps] {
            kept.retain(|packed| !is_far(packed.at_ms(old)));
            for packed in kept.iter_mut() {
                *packed = Packed::of(packed.sample(old), at_ms);
            }
        }
    }

    /// The samples, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Sample> + Clone {
        self.samples.iter().map(|packed| packed.sample(self.base_ms))
    }

    /// The highest of each [`STEP_MS`], at its start, oldest first.
    #[must_use]
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = Sample> + Clone {
        self.steps.iter().map(|packed| packed.sample(self.base_ms))
    }

    /// The last sample.
    #[must_use]
    pub fn last(&self) -> Option<Sample> {
        self.samples.back().map(|packed| packed.sample(self.base_ms))
    }

    /// The highest value in the series.
    pub fn max(&self, value: impl Fn(&Sample) -> f64) -> Option<f64> {
        self.iter().map(|sample| value(&sample)).reduce(f64::max)
    }

    /// The series as [`bars`].
    #[must_use]
    pub fn bars(
        &self,
        now_ms: i64,
        bucket_ms: i64,
        count: usize,
        gap_ms: i64,
        value: impl Fn(&Sample) -> f64 + Clone,
    ) -> Vec<Option<f64>> {
        let points = self.iter().map(move |sample| (sample.at_ms, value(&sample)));
        bars(points, now_ms, bucket_ms, count, gap_ms)
    }
}

impl Packed {
    fn of(sample: Sample, base_ms: i64) -> Self {
        let at = sample.at_ms.saturating_sub(base_ms);
        Self {
            at: i32::try_from(at).unwrap_or(if at < 0 { i32::MIN } else { i32::MAX }),
            cpu_percent: sample.cpu_percent,
            kib: u32::try_from(sample.memory_bytes >> 10).unwrap_or(u32::MAX),
        }
    }

    fn at_ms(self, base_ms: i64) -> i64 {
        base_ms.saturating_add(i64::from(self.at))
    }

    fn sample(self, base_ms: i64) -> Sample {
        Sample {
            at_ms: self.at_ms(base_ms),
            cpu_percent: self.cpu_percent,
            memory_bytes: u64::from(self.kib) << 10,
        }
    }
}

/// Puts one more at the end, with little room to spare.
fn put(kept: &mut VecDeque<Packed>, packed: Packed) {
    if kept.len() == kept.capacity() {
        kept.reserve_exact(ROOM);
    }
    kept.push_back(packed);
}

/// Points (when, how much), oldest first, as `count` bars of `bucket_ms` each, the last one holding
/// `now_ms`; each is the highest value in its time, or `None` where there was none.
///
/// Bars stand on multiples of `bucket_ms`, so that they do not tremble from frame to frame. A bar
/// without a point of its own takes the one before, when that is at most `gap_ms` old: polls do not
/// come in step with bars.
pub fn bars(
    points: impl Iterator<Item = (i64, f64)> + Clone,
    now_ms: i64,
    bucket_ms: i64,
    count: usize,
    gap_ms: i64,
) -> Vec<Option<f64>> {
    let bucket_ms = bucket_ms.max(1);
    let last_bucket = now_ms.div_euclid(bucket_ms);
    let first_bucket = last_bucket - count as i64 + 1;
    let mut bars: Vec<Option<f64>> = vec![None; count];
    for (at_ms, value) in points.clone() {
        let at = at_ms.div_euclid(bucket_ms) - first_bucket;
        let Some(bar) = usize::try_from(at).ok().and_then(|at| bars.get_mut(at)) else {
            continue;
        };
        *bar = Some(bar.map_or(value, |old| old.max(value)));
    }
    // Bars between two polls stand on the point before them.
    let mut points = points.peekable();
    let mut before: Option<(i64, f64)> = None;
    for (index, bar) in bars.iter_mut().enumerate() {
        let start = (first_bucket + index as i64) * bucket_ms;
        while let Some(point) = points.next_if(|(at_ms, _)| *at_ms < start + bucket_ms) {
            before = Some(point);
        }
        if bar.is_none() {
            let fits = |(at_ms, _): &(i64, f64)| start - at_ms <= gap_ms;
            *bar = before.filter(fits).map(|(_, value)| value);
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_ms: i64, memory_bytes: u64) -> Sample {
        Sample { at_ms, cpu_percent: 1.5, memory_bytes }
    }

    #[test]
    fn a_thousand_processes_watched_for_an_hour_take_less_than_eight_mib() {
        let mut series = Series::default();
        for second in 0..3_700 {
            series.push(sample(second * 1_000, 50 << 20));
        }
        let room = (series.samples.capacity() + series.steps.capacity()) * size_of::<Packed>();
        assert!(room * 1_000 <= 8 << 20, "{room} bytes each");
        assert_eq!((series.iter().count(), series.steps().count()), (301, 241));
    }

    #[test]
    fn samples_come_back_as_they_were_however_long_it_is_watched() {
        let month_ms = 31 * 24 * 3_600_000;
        for start in [-month_ms, 0, 1_700_000_000_000] {
            let mut series = Series::default();
            // One a minute for two months: the base moves meanwhile.
            for minute in 0..60 * 24 * 62 {
                series.push(sample(start + minute * 60_000, (minute as u64) << 10));
            }
            let last = 60 * 24 * 62 - 1;
            assert_eq!(series.last(), Some(sample(start + last * 60_000, (last as u64) << 10)));
            let kept: Vec<i64> = series.iter().map(|sample| sample.at_ms).collect();
            let wanted: Vec<i64> = (last - 5..=last).map(|it| start + it * 60_000).collect();
            assert_eq!(kept, wanted);
            assert_eq!(series.steps().count(), 61);
        }
        let mut far = Series::default();
        far.push(sample(5, 1 << 10));
        far.push(sample(i64::MAX / 2, 1 << 52));
        assert_eq!(far.iter().count(), 1);
        assert_eq!(far.last().map(|it| it.memory_bytes), Some(u64::from(u32::MAX) << 10));
    }
}
