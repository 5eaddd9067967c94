//! CPU and memory of one process: five minutes as they were measured, an hour in steps of 15 s.
//!
//! Invariant: bounded in samples and in time; a time without a sample is a gap, never a zero.

use std::collections::VecDeque;

/// How far back a series reaches, milliseconds.
pub const SPAN_MS: i64 = 300_000;
/// The most samples kept, whatever the poll's interval.
pub const SAMPLES_MAX: usize = 600;
/// How far back the steps reach, milliseconds.
pub const LONG_SPAN_MS: i64 = 3_600_000;
/// The time of one step, milliseconds.
pub const STEP_MS: i64 = 15_000;

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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    samples: VecDeque<Sample>,
    /// The highest of each step, at its start.
    steps: VecDeque<Sample>,
}

impl Series {
    /// Adds a sample; one that is older than the last (the clock was set back) starts anew.
    pub fn push(&mut self, sample: Sample) {
        if self.samples.back().is_some_and(|last| sample.at_ms <= last.at_ms) {
            self.samples.retain(|old| old.at_ms < sample.at_ms);
            self.steps.retain(|old| old.at_ms < sample.at_ms);
        }
        let oldest = sample.at_ms.saturating_sub(SPAN_MS);
        while self.samples.len() >= SAMPLES_MAX
            || self.samples.front().is_some_and(|first| first.at_ms < oldest)
        {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        self.push_step(sample);
    }

    fn push_step(&mut self, sample: Sample) {
        let at_ms = sample.at_ms.div_euclid(STEP_MS).saturating_mul(STEP_MS);
        if let Some(last) = self.steps.back_mut().filter(|last| last.at_ms == at_ms) {
            last.cpu_percent = last.cpu_percent.max(sample.cpu_percent);
            last.memory_bytes = last.memory_bytes.max(sample.memory_bytes);
            return;
        }
        let oldest = at_ms.saturating_sub(LONG_SPAN_MS);
        while self.steps.front().is_some_and(|first| first.at_ms < oldest) {
            self.steps.pop_front();
        }
        self.steps.push_back(Sample { at_ms, ..sample });
    }

    /// The samples, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Sample> + Clone {
        self.samples.iter()
    }

    /// The highest of each [`STEP_MS`], at its start, oldest first.
    #[must_use]
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &Sample> + Clone {
        self.steps.iter()
    }

    /// The last sample.
    #[must_use]
    pub fn last(&self) -> Option<&Sample> {
        self.samples.back()
    }

    /// The highest value in the series.
    pub fn max(&self, value: impl Fn(&Sample) -> f64) -> Option<f64> {
        self.samples.iter().map(value).reduce(f64::max)
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
        let points = self.samples.iter().map(move |sample| (sample.at_ms, value(sample)));
        bars(points, now_ms, bucket_ms, count, gap_ms)
    }
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
