//! Which lines without a time were the last words of a life.
//!
//! Rule: traces that Node.js ends with its version were. Else lives that failed by themselves, as their exit codes
//! say, each said last what stands at the end of a file that was written when one of them ended, or what is fatal,
//! or an error, as often as there are such lives. What somebody stopped said none of that.
//!
//! Invariant: but for those traces it is a guess: it dates lines, and bounds none.

use std::collections::HashMap;

use super::Backwards;
use super::estimate::{Group, Mark, SECOND_MS, WRITTEN_MS};
use super::openings::folded;
use super::unsettled::Unsettled;
use crate::logs::parse::Level;

/// The life that goes on has said something so long after its start, milliseconds (docs/pm2-ops.md section 0).
const BEGUN_MS: i64 = 200;

/// An entry that may be the last of a life.
struct Said {
    /// Its place among all.
    at: usize,
    /// How it reads without its numbers.
    shape: Vec<u8>,
    level: Option<Level>,
    /// Whether it reads as what the file begins with.
    is_first: bool,
    is_trace: bool,
    has_version: bool,
}

impl Backwards {
    /// Those of the groups that were the last words of lives, by their places, and what that makes them.
    pub(super) fn last_words(&self, groups: &[Group], lines: &[Unsettled]) -> (Mark, Vec<usize>) {
        let (count, of_all) = if self.format.is_err { self.failures() } else { (0, 0) };
        let said = said(groups, lines, count > 0);
        let of_node = places(&said, |it| it.has_version);
        if !of_node.is_empty() {
            return (Mark::Last, of_node);
        }
        if let Some(failed) = self.failed_last(groups, &said, (count, of_all)) {
            return (Mark::Failed, failed);
        }
        let last = said.iter().rfind(|it| it.is_trace).map(|it| &it.shape);
        (Mark::Last, places(&said, |it| it.is_trace && Some(&it.shape) == last))
    }

    /// What lives said last that failed: so many, of so many.
    fn failed_last(
        &self,
        groups: &[Group],
        said: &[Said],
        (count, of_all): (usize, usize),
    ) -> Option<Vec<usize>> {
        let last = said.last().filter(|_| count > 0)?;
        let is_whole = groups.first().is_some_and(|group| group.begins_at == 0);
        if groups.len() == last.at + 1 && !last.is_trace && self.is_end_of_failure() {
            let alike = places(said, |it| it.shape == last.shape);
            let is_theirs = alike.len() <= count;
            if is_theirs || !last.is_first {
                return Some(if is_theirs { alike } else { vec![last.at] });
            }
        }
        let fatal = places(said, |it| it.level >= Some(Level::Fatal));
        if !fatal.is_empty() && fatal.len() <= count {
            return Some(fatal);
        }
        // What is no more than an error may be of a life that goes on: but for one that fits.
        if !is_whole || said.iter().any(|it| it.is_trace) {
            return None;
        }
        let is_last = |it: &&Said| {
            let is_said_so = it.level >= Some(Level::Error);
            is_said_so || count > 1 && (!it.is_first || count < of_all)
        };
        let mut shapes: HashMap<&[u8], usize> = HashMap::new();
        for it in said {
            *shapes.entry(&it.shape).or_default() += 1;
        }
        let fit = said.iter().filter(is_last);
        let fit = fit.filter(|it| shapes.get(&*it.shape) == Some(&count));
        if let Some(fit) = fit.max_by_key(|it| it.level) {
            return Some(places(said, |it| it.shape == fit.shape));
        }
        (said.len() == count && count < of_all).then(|| places(said, |_| true))
    }

    /// How many lives failed of those that may have written what is not dated yet, and of how many.
    fn failures(&self) -> (usize, usize) {
        let until_ms = self.upper.at_ms.saturating_add(SECOND_MS);
        let ours = self.lives.ended_since(self.since_begun_ms());
        let ours = ours.take_while(|(_, life)| life.ended_ms <= until_ms);
        ours.fold((0, 0), |(failed, all), (_, life)| {
            (failed + usize::from(life.is_failed), all + 1)
        })
    }

    /// Whether the file was written last when a life failed, by that.
    fn is_end_of_failure(&self) -> bool {
        let written_ms = self.upper.at_ms;
        let ended = self.lives.ended();
        let behind = ended.partition_point(|life| life.ended_ms <= written_ms);
        let Some(life) = behind.checked_sub(1).and_then(|last| ended.get(last)) else {
            return false;
        };
        let is_near = written_ms.saturating_sub(life.ended_ms) <= SECOND_MS + WRITTEN_MS;
        // Of the life that goes on it is known when it began; before that only the second is.
        let has_begun = behind == ended.len()
            && self.lives.begun_after(behind - 1).is_some_and(|ms| ms + BEGUN_MS <= written_ms);
        self.upper.is_end && life.is_failed && is_near && !has_begun
    }
}

/// The entries that may be the last ones of lives: those without a time; traces alone, or all of them.
fn said(groups: &[Group], lines: &[Unsettled], are_all: bool) -> Vec<Said> {
    let ends = groups.iter().skip(1).map(|group| group.first).chain([lines.len()]);
    let groups = groups.iter().zip(ends).enumerate();
    let untimed =
        groups.filter(|(_, (group, _))| group.own_ms.is_none() && (are_all || group.is_trace));
    let said = untimed.filter_map(|(at, (group, end))| {
        let lines = lines.get(group.first..end)?;
        let head = lines.first()?;
        let says_version = |line: &Unsettled| line.line.bytes.starts_with(b"Node.js v");
        Some(Said {
            at,
            shape: folded(&head.line.bytes),
            level: head.line.level,
            is_first: matches!(group.mark, Mark::First | Mark::Early),
            is_trace: group.is_trace,
            has_version: group.is_trace && lines.iter().any(says_version),
        })
    });
    said.collect()
}

fn places(said: &[Said], is_it: impl Fn(&Said) -> bool) -> Vec<usize> {
    said.iter().filter(|it| is_it(it)).map(|it| it.at).collect()
}
