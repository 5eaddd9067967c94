//! When a process reaches its memory limit, where that can be told.
//!
//! A garbage collector makes memory a sawtooth: what grows is its lower edge. So the lowest value of each
//! half minute counts, over the whole five minutes of a series.
//!
//! Invariant: nothing is told from a short time, from a line that is not straight, or of a time that
//! is far away.

use super::process::Process;
use super::series::SPAN_MS;

/// The time of one slot, milliseconds.
const SLOT_MS: i64 = 30_000;
/// How many there are.
const SLOTS: usize = (SPAN_MS / SLOT_MS) as usize;
/// How well a line must fit the lowest values (r²).
const FIT_MIN: f64 = 0.8;
/// What the last half must grow by, as a part of what all of it does: a start levels off.
const LAST_HALF_MIN: f64 = 0.6;
/// The least growth in five minutes that is one: this part of the limit.
const GROWTH_MIN: f64 = 0.01;
/// No time further away is told, milliseconds: two hours.
const FAR_MS: f64 = 7_200_000.0;

/// In how many milliseconds the process reaches its `max_memory_restart`, if it goes on as it did in
/// the last five minutes; `None` where that cannot be told.
#[must_use]
pub fn reaches_limit_in_ms(process: &Process, steady_ms: i64) -> Option<i64> {
    let limit = process.info.memory_limit_bytes.filter(|limit| *limit > 0)? as f64;
    // A new life starts anew.
    let is_old_enough = process.uptime_ms(steady_ms)? >= SPAN_MS;
    let edge = is_old_enough.then(|| lower_edge(process, steady_ms)).flatten()?;
    let all = fit(&edge)?;
    let last_half = fit(edge.get(SLOTS / 2..)?)?;
    let growth = all.slope * (SPAN_MS as f64);
    let is_sound = all.r_squared >= FIT_MIN
        && last_half.slope >= all.slope * LAST_HALF_MIN
        && growth >= limit * GROWTH_MIN;
    let left = limit - all.at_end;
    let in_ms = left / all.slope;
    (is_sound && left > 0.0 && in_ms.is_finite() && in_ms <= FAR_MS).then_some(in_ms as i64)
}

/// The words for it: `in about 14 min`.
#[must_use]
pub fn words(in_ms: i64) -> String {
    match in_ms / 60_000 {
        ..1 => "in less than a minute".to_owned(),
        minutes @ 1..20 => format!("in about {minutes} min"),
        minutes @ 20..60 => format!("in about {} min", minutes / 5 * 5),
        minutes => format!("in about {} h", (minutes + 30) / 60),
    }
}

/// The same in few columns: `14 min`, `2 h`.
#[must_use]
pub fn short(in_ms: i64) -> String {
    let words = words(in_ms);
    match words.strip_prefix("in about ") {
        Some(short) => short.to_owned(),
        None => "< 1 min".to_owned(),
    }
}

/// When in each slot it was lowest, milliseconds before now (negative), and how low; `None` where a
/// slot was not measured.
fn lower_edge(process: &Process, steady_ms: i64) -> Option<Vec<(f64, f64)>> {
    let mut slots: Vec<Option<(f64, f64)>> = vec![None; SLOTS];
    for sample in process.series.iter() {
        let ago_ms = steady_ms.saturating_sub(sample.at_ms);
        let slot =
            usize::try_from(ago_ms / SLOT_MS).ok().and_then(|back| SLOTS.checked_sub(back + 1));
        let Some(slot) = slot.and_then(|slot| slots.get_mut(slot)) else { continue };
        let bytes = sample.memory_bytes as f64;
        if slot.is_none_or(|(_, least)| bytes < least) {
            *slot = Some((-(ago_ms as f64), bytes));
        }
    }
    slots.into_iter().collect()
}

/// A straight line.
struct Line {
    /// Bytes for each millisecond.
    slope: f64,
    /// Bytes now.
    at_end: f64,
    /// How well it fits, 0 to 1.
    r_squared: f64,
}

/// The line with the least squares.
fn fit(points: &[(f64, f64)]) -> Option<Line> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
        yy += (y - mean_y) * (y - mean_y);
    }
    let slope = xy / xx;
    let line = Line { slope, at_end: mean_y - slope * mean_x, r_squared: xy * xy / (xx * yy) };
    (line.slope.is_finite() && line.r_squared.is_finite()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::moment::Moment;
    use crate::model::series::Sample;
    use crate::model::tests::info;
    use crate::protocol::process::{ProcessInfo, ProcessStatus};

    const MIB: f64 = 1_048_576.0;

    /// In how many seconds a process reaches its 300 MiB that had so many MiB at each of so many
    /// seconds.
    fn told(seconds: i64, mib: impl Fn(f64) -> f64) -> Option<i64> {
        let info = ProcessInfo {
            memory_limit_bytes: Some(300 << 20),
            online_since_ms: Some(-1),
            ..info(0, "api", ProcessStatus::Online)
        };
        let mut process = Process::polled(info, Moment::at(0));
        for second in 0..seconds {
            let memory_bytes = (mib(second as f64) * MIB) as u64;
            let sample = Sample { at_ms: second * 1_000, cpu_percent: 0.0, memory_bytes };
            process.series.push(sample);
        }
        reaches_limit_in_ms(&process, (seconds - 1) * 1_000).map(|ms| ms / 1_000)
    }

    #[test]
    fn a_leak_under_a_sawtooth_is_told() {
        // 0.1 MiB a second from 200 on; the collector takes 30 MiB each 20 s.
        let leak = |second: f64| 200.0 + second / 10.0 + (second % 20.0) * 1.5;
        let seconds = told(301, leak).unwrap();
        assert!((640..=760).contains(&seconds), "{seconds}: 700 of the lower edge are left");
        assert_eq!(words(700_000), "in about 11 min");
    }

    #[test]
    fn what_is_not_sound_is_not_told() {
        assert_eq!(told(2, |second| 100.0 + second * 50.0), None, "two samples");
        assert_eq!(told(200, |second| 100.0 + second / 10.0), None, "not yet five minutes");
        assert_eq!(told(301, |_| 250.0), None, "flat");
        assert_eq!(told(301, |second| 250.0 - second / 10.0), None, "falling");
        let levels_off = |second: f64| 100.0 + 100.0 * (1.0 - (-second / 60.0).exp());
        assert_eq!(told(301, levels_off), None, "a start that levels off");
        let step = |second: f64| if second < 150.0 { 100.0 } else { 200.0 };
        assert_eq!(told(301, step), None, "one step");
        assert_eq!(told(301, |second| 100.0 + second / 200.0), None, "too far away");
        assert_eq!(told(301, |second| 310.0 + second / 10.0), None, "over it already");
        let gap = |second: f64| 100.0 + second / 10.0;
        assert!(told(301, gap).is_some());
    }

    #[test]
    fn words_are_round() {
        for (ms, text) in [
            (20_000, "in less than a minute"),
            (14 * 60_000, "in about 14 min"),
            (47 * 60_000, "in about 45 min"),
            (100 * 60_000, "in about 2 h"),
        ] {
            assert_eq!(words(ms), text);
        }
    }
}
