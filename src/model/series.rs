//! Five minutes of CPU and memory of one process.
//!
//! Invariant: bounded in samples and in time; a time without a sample is a gap, never a zero.

use std::collections::VecDeque;

/// How far back a series reaches, milliseconds.
pub const SPAN_MS: i64 = 300_000;
/// The most samples kept, whatever the poll's interval.
pub const SAMPLES_MAX: usize = 600;

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
}

impl Series {
    /// Adds a sample; one that is older than the last (the clock was set back) starts anew.
    pub fn push(&mut self, sample: Sample) {
        if self.samples.back().is_some_and(|last| sample.at_ms <= last.at_ms) {
            self.samples.retain(|old| old.at_ms < sample.at_ms);
        }
        let oldest = sample.at_ms.saturating_sub(SPAN_MS);
        while self.samples.len() >= SAMPLES_MAX
            || self.samples.front().is_some_and(|first| first.at_ms < oldest)
        {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The samples, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Sample> {
        self.samples.iter()
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

    /// The series as `count` bars of `bucket_ms` each, the last one holding `now_ms`; each is the
    /// highest value in its time, or `None` where there was no sample.
    ///
    /// Bars stand on multiples of `bucket_ms`, so that they do not tremble from frame to frame. A
    /// bar without a sample of its own takes the one before, when that is at most `gap_ms` old:
    /// polls do not come in step with bars.
    #[must_use]
    pub fn bars(
        &self,
        now_ms: i64,
        bucket_ms: i64,
        count: usize,
        gap_ms: i64,
        value: impl Fn(&Sample) -> f64,
    ) -> Vec<Option<f64>> {
        let bucket_ms = bucket_ms.max(1);
        let last_bucket = now_ms.div_euclid(bucket_ms);
        let first_bucket = last_bucket - count as i64 + 1;
        let mut bars: Vec<Option<f64>> = vec![None; count];
        for sample in &self.samples {
            let at = sample.at_ms.div_euclid(bucket_ms) - first_bucket;
            let Some(bar) = usize::try_from(at).ok().and_then(|at| bars.get_mut(at)) else {
                continue;
            };
            let value = value(sample);
            *bar = Some(bar.map_or(value, |old| old.max(value)));
        }
        self.bridge(&mut bars, first_bucket, bucket_ms, gap_ms, value);
        bars
    }

    /// Fills bars between two polls from the sample before them.
    fn bridge(
        &self,
        bars: &mut [Option<f64>],
        first_bucket: i64,
        bucket_ms: i64,
        gap_ms: i64,
        value: impl Fn(&Sample) -> f64,
    ) {
        let mut samples = self.samples.iter().peekable();
        let mut before: Option<&Sample> = None;
        for (index, bar) in bars.iter_mut().enumerate() {
            let start = (first_bucket + index as i64) * bucket_ms;
            while let Some(sample) = samples.next_if(|sample| sample.at_ms < start + bucket_ms) {
                before = Some(sample);
            }
            if bar.is_none() {
                *bar = before.filter(|sample| start - sample.at_ms <= gap_ms).map(&value);
            }
        }
    }
}
