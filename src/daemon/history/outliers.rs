//! Times of lines that cannot be when they were written: one of the future, or of years before its
//! neighbours, as where a line tells of another day.
//!
//! Invariant: such a line is dated as one without a time; those around it are not dated by it.

/// Clocks and orders differ by less, milliseconds.
const FAR_MS: i64 = 60_000;
/// So many times behind one are asked whether it stands alone.
const NEXT: usize = 8;

/// Whether a time stands out between the last one before it and the next one behind it.
pub(super) fn stands_out(at_ms: i64, (before_ms, behind_ms): (Option<i64>, i64)) -> bool {
    before_ms.is_some_and(|before_ms| {
        at_ms.saturating_add(FAR_MS) < before_ms && before_ms <= behind_ms.saturating_add(FAR_MS)
    })
}

/// Those of these times, each with its place, that cannot be; nothing was written behind `upper_ms`.
pub(super) fn among(timed: &[(usize, i64)], upper_ms: i64) -> Vec<usize> {
    let mut out = Vec::new();
    let mut before: Option<i64> = None;
    for (place, (at, own_ms)) in timed.iter().enumerate() {
        let next = || timed.iter().skip(place + 1).take(NEXT).map(|(_, own_ms)| *own_ms);
        // What follows goes on where what was before ended: it is this one that stands out.
        let goes_on = |from_ms: i64| next().chain([upper_ms]).any(|next_ms| next_ms >= from_ms);
        let is_future = own_ms.saturating_sub(FAR_MS) > upper_ms;
        let is_ahead = before.is_some_and(|before| {
            let mut next = next().peekable();
            next.peek().is_some()
                && next.all(|next_ms| (before..own_ms - FAR_MS).contains(&next_ms))
        });
        let is_behind = before.is_some_and(|before| own_ms + FAR_MS < before && goes_on(before));
        if is_future || is_ahead || is_behind {
            out.push(*at);
        } else {
            before = Some(*own_ms);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds that are left of those.
    fn left(seconds: &[i64], upper: i64) -> Vec<i64> {
        let timed: Vec<(usize, i64)> =
            seconds.iter().map(|second| second * 1_000).enumerate().collect();
        let out = among(&timed, upper * 1_000);
        let kept = seconds.iter().enumerate().filter(|(at, _)| !out.contains(at));
        kept.map(|(_, second)| *second).collect()
    }

    #[test]
    fn what_stands_out_alone_is_no_time() {
        assert_eq!(left(&[1_000, 9_000, 1_010, 1_020], 1_030), [1_000, 1_010, 1_020]);
        assert_eq!(left(&[1_000, 1, 1_010, 1_020], 1_030), [1_000, 1_010, 1_020]);
        assert_eq!(left(&[1_000, 1, 2, 1_010], 1_030), [1_000, 1_010]);
        assert_eq!(left(&[9_000, 1_000], 1_030), [1_000]);
        assert_eq!(left(&[1_000, 1_100, 1_500], 1_500), [1_000, 1_100, 1_500], "a pause");
        // A clock that was set back, for good.
        assert_eq!(left(&[5_000, 5_100, 1_000, 1_010], 1_020), [1_000, 1_010]);
        assert_eq!(left(&[5_000, 5_010, 4_980, 5_020], 5_020), [5_000, 5_010, 4_980, 5_020]);
    }
}
