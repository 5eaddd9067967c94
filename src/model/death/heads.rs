//! What each life says first: where it stands in an error log, a life begins.
//!
//! Invariant: pure; what is said at other times, too, is no head.

use super::Death;
use super::lines::{Line, Log, Next, begins_ms, folded};
use super::stamp::stamped;
use crate::protocol::text::clean;

/// What is said first is said so soon after the start at the latest, milliseconds.
pub(super) const SOON_MS: i64 = 5_000;

/// Last words are written so long after the end at most, both in whole seconds, milliseconds.
const LATE_MS: i64 = 2_000;

/// What lives say first, without its stamp and numbers; `None` where they do not say the same.
pub(super) fn head(lines: &[Line], deaths: &[Death], next: Next, log: &Log<'_>) -> Option<String> {
    let opening = log.opening.and_then(|text| text.lines().find(|line| !line.trim().is_empty()));
    let opening = opening.map(|line| folded(&clean(line)));
    if opening.as_deref().is_some_and(|line| !line.contains(char::is_alphabetic)) {
        return None;
    }
    if lines.iter().all(|line| line.at_ms.is_none()) {
        return opening;
    }
    let begun: Vec<i64> =
        deaths.iter().filter_map(|death| death.started_ms).chain(next.begun_ms).collect();
    let firsts: Vec<String> = begun.iter().filter_map(|ms| certain(lines, deaths, *ms)).collect();
    if let Some(first) = firsts.last() {
        let count = firsts.iter().filter(|other| *other == first).count();
        return (2 * count > firsts.len()).then(|| first.clone());
    }
    // Where every life began in the second in which one ended, they have to say it in that.
    let is_said = |ms: &&i64| {
        let from_ms = **ms - **ms % 1_000;
        let soon = lines.iter().filter(|line| {
            line.at_ms.is_some_and(|at_ms| (from_ms..=from_ms + 1_000).contains(&at_ms))
        });
        soon.into_iter().any(|line| Some(folded(&line.text)) == opening)
    };
    let said = begun.iter().filter(is_said).count();
    let is_again = |head: &String| begins(lines, head).len() > 1;
    opening.filter(|head| said > 0 && 2 * said >= begun.len() && is_again(head))
}

/// The first line behind the start of a life, where the one before had ended in an earlier second.
fn certain(lines: &[Line], deaths: &[Death], begun_ms: i64) -> Option<String> {
    let from_ms = begun_ms - begun_ms % 1_000;
    let mut before = deaths.iter().filter(|death| death.ended_ms <= begun_ms);
    if !before.all(|death| death.ended_ms + LATE_MS <= from_ms) {
        return None;
    }
    let first = lines.iter().position(|line| line.at_ms >= Some(from_ms))?;
    let line = lines.get(first)?;
    // The first line of what was read may be in the middle of a life, as may be what has no stamp.
    let is_behind =
        first > 0 && line.at_ms? <= from_ms + SOON_MS && stamped(&line.text, 0).is_some();
    // Last words are written a moment later than the end.
    let before = lines.get(first.checked_sub(1)?)?;
    (is_behind && before.at_ms? + 1_000 < from_ms).then(|| folded(&line.text))
}

/// Before which lines a life begins, by what it says first.
pub(super) fn begins(lines: &[Line], head: &str) -> Vec<usize> {
    let all = lines.iter().enumerate();
    all.filter(|(_, line)| folded(&line.text) == head).map(|(at, _)| at).collect()
}

/// The parts of a log without stamps, a life each, oldest first; `None` where that is not certain: there
/// must be a part for every life.
pub(super) fn parts<'a>(
    lines: &'a [Line],
    head: &str,
    deaths: &[Death],
    next: Next,
) -> Option<Vec<&'a [Line]>> {
    let begins = begins(lines, head);
    let count = deaths.len() + usize::from(next.is_on && !next.is_silent);
    let is_from_begin = begins.first() == Some(&0) && deaths.first().is_some_and(is_first);
    if !is_from_begin || begins.len() != count {
        return None;
    }
    let ends = begins.iter().skip(1).copied().chain([lines.len()]);
    let part = |(from, to): (&usize, usize)| lines.get(*from..to).unwrap_or_default();
    Some(begins.iter().zip(ends).map(part).collect())
}

/// Whether it is known when a life began: the daemon's log goes back that far.
fn is_first(death: &Death) -> bool {
    begins_ms(death) > i64::MIN
}
