//! What each life that ended said on standard error, as the history dates it: where lines say their times that is
//! exact, else it is an estimate.
//!
//! Invariant: of a log only the end is read, within a bound. The same line is of the same life here and among
//! the events of `logs`.

use std::collections::HashMap;
use std::io;

use crate::daemon::history::sources::{LogFile, log_files};
use crate::daemon::history::turns::{self, Turns};
use crate::daemon::history::{Backwards, Line};
use crate::daemon::lives::{LifeSpan, Lives, SECOND_MS};
use crate::daemon::said::Said;
use crate::model::death::after::LifeLines;
use crate::model::death::{Death, LIVES_MAX};
use crate::protocol::bus::LogStream;
use crate::protocol::process::ProcessInfo;

/// How much is read of the end of a log, bytes.
const BYTES_MAX: u64 = 256 << 10;
/// No life has said anything so soon after its start: what comes then is of the one before, milliseconds.
const LAST_WORDS_MS: i64 = 20;

/// The lines of the last of these lives, which are all that ended, oldest first. Of those that stand before this
/// offset it is said. Blocks.
pub(super) fn of_lives(
    info: &ProcessInfo,
    ended: &[Death],
    (said, tail_from): (&Said, u64),
) -> io::Result<Vec<LifeLines>> {
    let files = log_files(std::slice::from_ref(info), |stream| stream == LogStream::Err);
    let file = files.first().and_then(|file| Some((file, file.path.as_deref()?)));
    let Some((file, path)) = file.filter(|_| !ended.is_empty()) else { return Ok(Vec::new()) };
    let spans = Lives::told(info, ended.iter().map(LifeSpan::of).collect());
    let kept = ended.iter().rev().take(LIVES_MAX).next_back();
    let from_ms = kept.and_then(|first| first.started_ms).unwrap_or(i64::MIN);
    let mut backwards = Backwards::open(path, None, file.format())?.of_lives(spans.clone());
    let (lines, since_ms) = read(&mut backwards, from_ms)?;
    let seconds = shared_seconds(&spans);
    let is_asked = |line: &Line| {
        let is_of_ms = line.bounds_ms.is_none() && line.at_ms % 1_000 != 0;
        is_of_ms && seconds.binary_search(&second(line.at_ms)).is_ok()
    };
    let turns = if lines.iter().any(is_asked) { turns_of(info, &spans) } else { Turns::new() };
    let ends_of = ends_of(&spans, &turns);
    let is_open = |line: &Line| is_asked(line) && !turns.contains_key(&(0, second(line.at_ms)));
    let last = ended.len() - 1;
    let life = |index: usize| {
        let until = ends_of.get(index).copied().unwrap_or(i64::MAX);
        let from = index.checked_sub(1).and_then(|before| ends_of.get(before).copied());
        let from = from.unwrap_or(i64::MIN);
        let own = lines.partition_point(|line| line.at_ms < from)
            ..lines.partition_point(|line| line.at_ms < until);
        let own = lines.get(own).unwrap_or_default();
        // What may be of this life or of another, whichever it is estimated to be of: also of the seconds in which
        // it began and ended.
        let (first, end) = (second(from.max(0)), second(until));
        let is_doubtful = |line: &Line| match line.bounds_ms {
            Some((low, high)) => {
                let is_within = second(low) > first && second(high) < end;
                low < until && high >= from && !is_within
            }
            None => (from..until).contains(&line.at_ms) && is_open(line) && index < last,
        };
        let bytes: Vec<&[u8]> = own.iter().map(|line| &*line.bytes).collect();
        LifeLines {
            text: said.text(&bytes.join(&b'\n')),
            is_exact: !lines.iter().any(is_doubtful),
            is_dated: own.iter().any(|line| line.bounds_ms.is_none()),
            is_whole: from > since_ms || since_ms == i64::MIN,
            is_older: own.iter().all(|line| line.offset.is_some_and(|at| at < tail_from)),
        }
    };
    Ok((ended.len().saturating_sub(LIVES_MAX)..=last).map(life).collect())
}

/// The last lines of a log, oldest first, in the order of time, and from when on those are all.
fn read(file: &mut Backwards, from_ms: i64) -> io::Result<(Vec<Line>, i64)> {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    let mut since_ms = i64::MIN;
    while let Some(line) = file.next()? {
        bytes += line.bytes.len() as u64 + 1;
        let is_before = line.bounds_ms.is_none() && line.at_ms.saturating_add(SECOND_MS) < from_ms;
        if is_before || bytes > BYTES_MAX {
            since_ms = line.at_ms;
            break;
        }
        lines.push(line);
    }
    lines.reverse();
    // A clock may have been put back: then the order of the lines says more.
    let mut before = i64::MIN;
    for line in &mut lines {
        line.at_ms = line.at_ms.max(before);
        before = line.at_ms;
    }
    Ok((lines, since_ms))
}

/// The seconds in which a life ended and the next one began, but for the one that goes on.
fn shared_seconds(lives: &Lives) -> Vec<i64> {
    let is_shared = |two: &&[LifeSpan]| match two {
        [one, next] => next.started_ms.is_some_and(|ms| second(ms) == second(one.ended_ms)),
        _ => false,
    };
    let shared = lives.ended().windows(2).filter(is_shared);
    shared.filter_map(|two| Some(second(two.first()?.ended_ms))).collect()
}

/// Where in such seconds the next life began, as far as its lines tell.
fn turns_of(info: &ProcessInfo, lives: &Lives) -> Turns {
    let span = |life: &LifeSpan| {
        [life.started_ms.map(|ms| (second(ms), true)), Some((second(life.ended_ms), false))]
    };
    let ends = lives.ended().iter().flat_map(span).flatten().collect();
    let files: Vec<LogFile> = log_files(std::slice::from_ref(info), |_| true);
    turns::told(HashMap::from([(0, ends)]), |_| &files)
}

/// Until when what was written is of each life, oldest first.
fn ends_of(lives: &Lives, turns: &Turns) -> Vec<i64> {
    let ended = lives.ended();
    let mut latest = i64::MIN;
    let until = |(index, life): (usize, &LifeSpan)| {
        let until = match lives.begun_after(index) {
            None => i64::MAX,
            Some(next_ms) if index + 1 == ended.len() => next_ms + LAST_WORDS_MS,
            Some(next_ms) if second(next_ms) != second(life.ended_ms) => next_ms,
            Some(next_ms) => {
                let turn = turns.get(&(0, second(next_ms)));
                turn.map_or(second(next_ms) + SECOND_MS, |begun_ms| begun_ms + 1)
            }
        };
        latest = latest.max(until);
        latest
    };
    ended.iter().enumerate().map(until).collect()
}

fn second(at_ms: i64) -> i64 {
    at_ms.saturating_sub(at_ms.rem_euclid(1_000))
}

#[cfg(test)]
mod tests;
