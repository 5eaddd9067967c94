//! About when lines were written that do not say it: between those around them that do, when the file was
//! written, and when the lives of their process ended.
//!
//! Invariant: an estimate is never before the line above it or behind the line below it, where those have
//! times of their own in order; none is at a time when no life was there to write it.

use std::fs::File;
use std::io;
use std::time::UNIX_EPOCH;

use super::Backwards;
use super::settle::Unsettled;
use crate::daemon::files;
use crate::daemon::lives::LifeSpan;

/// The daemon's log has whole seconds: what ended in a second ended up to so much later, milliseconds.
const SECOND_MS: i64 = 999;
/// The last words of a life that ended are in the file so long after its end at most, milliseconds.
const WRITTEN_MS: i64 = 2_000;

/// When a file was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// When it was made, milliseconds since 1970.
    pub(super) from_ms: i64,
    /// When what is before [`Self::size`] was written at the latest.
    pub(super) to_ms: i64,
    /// How large it was then, bytes.
    pub(super) size: u64,
}

impl Span {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let about = file.metadata()?;
        let to_ms = files::written_ms(file)?;
        let made = about.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        let made_ms = made.and_then(|made| i64::try_from(made.as_millis()).ok());
        Ok(Self { from_ms: made_ms.unwrap_or(to_ms).min(to_ms), to_ms, size: about.len() })
    }

    /// About when what ends at this offset was written.
    pub(super) fn at(self, offset: u64) -> i64 {
        let part = offset.min(self.size) as f64 / self.size.max(1) as f64;
        self.from_ms + ((self.to_ms - self.from_ms) as f64 * part) as i64
    }

    /// It is known when what ends there was written.
    fn anchor(&mut self, offset: u64, at_ms: i64) {
        (self.size, self.to_ms) = (offset, at_ms);
        self.from_ms = self.from_ms.min(at_ms);
    }
}

/// The time that what was not read yet is not behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upper {
    /// Milliseconds since 1970.
    pub(super) at_ms: i64,
    /// Whether that is when the file was written, and so the time of its last line.
    pub(super) is_end: bool,
}

/// A line, and those that go on it or stand below it.
#[derive(Debug)]
pub(super) struct Group {
    /// The index of its first line.
    pub(super) first: usize,
    pub(super) own_ms: Option<i64>,
    /// Its time, once that is known.
    pub(super) at_ms: i64,
    /// Where its first line ends in the file, bytes.
    pub(super) ends_at: u64,
    /// Whether it is a stack trace of an error.
    pub(super) is_trace: bool,
}

/// The end of a life, and the trace that was its last words.
struct Anchor {
    /// The trace, by its place in the run.
    group: usize,
    ended_ms: i64,
    /// When the next life began, or this one ended.
    next_ms: i64,
}

impl Backwards {
    /// Gives groups their times: from the newest run without times to the oldest.
    pub(super) fn estimate(&mut self, groups: &mut [Group], lines: &[Unsettled]) {
        self.has_times |= groups.iter().any(|group| group.own_ms.is_some());
        let deadly = if self.lives.is_empty() { Vec::new() } else { deadly(groups, lines) };
        let mut until = groups.len();
        while until > 0 {
            let before = groups.get(..until).unwrap_or_default();
            let timed = before.iter().rposition(|group| group.own_ms.is_some());
            let lower = timed.and_then(|timed| groups.get(timed)?.own_ms);
            let from = timed.map_or(0, |timed| timed + 1);
            let ours: Vec<usize> = deadly.iter().copied().filter(|at| *at >= from).collect();
            let ours = ours.iter().filter(|at| **at < until).map(|at| at - from).collect();
            if let Some(run) = groups.get_mut(from..until).filter(|run| !run.is_empty()) {
                self.spread(run, ours, lower);
            }
            let Some(own) = timed.and_then(|timed| groups.get_mut(timed)) else { break };
            own.at_ms = lower.unwrap_or_default();
            self.upper = Upper { at_ms: own.at_ms, is_end: false };
            until = from.saturating_sub(1);
        }
    }

    /// Gives groups without times theirs, between those of the line before them and the one behind them.
    fn spread(&mut self, run: &mut [Group], deadly: Vec<usize>, lower: Option<i64>) {
        let upper = self.upper;
        let anchors = self.anchors(run.len(), deadly, lower);
        let (mut begin, mut low) = (0, lower);
        for anchor in &anchors {
            let part = run.get_mut(begin..=anchor.group).unwrap_or_default();
            self.fill(part, low, Upper { at_ms: anchor.ended_ms, is_end: true });
            (begin, low) = (anchor.group + 1, Some(anchor.next_ms));
        }
        self.fill(run.get_mut(begin..).unwrap_or_default(), low, upper);
        if let Some((first, group)) = anchors.first().zip(run.first()) {
            self.span.anchor(group.ends_at, first.ended_ms);
        }
        if let Some(first) = run.first() {
            self.upper = Upper { at_ms: first.at_ms.min(upper.at_ms), is_end: false };
        }
    }

    fn fill(&self, part: &mut [Group], low: Option<i64>, high: Upper) {
        let count = part.len() as i64 + i64::from(!high.is_end);
        for (group, index) in part.iter_mut().zip(1..) {
            group.at_ms = match low.map(|low| low.min(high.at_ms)) {
                Some(low) => low + (high.at_ms - low) * index / count.max(1),
                // What stands before the first time of a file is not older than it may be.
                None if self.has_times => high.at_ms,
                None if high.is_end && index == count => high.at_ms,
                None => self.span.at(group.ends_at).min(high.at_ms),
            };
            if index < count {
                group.at_ms = self.lives.within(group.at_ms).max(low.unwrap_or(i64::MIN));
            }
        }
    }

    /// Which traces of a run were the last words of which lives, oldest first.
    fn anchors(&self, len: usize, mut deadly: Vec<usize>, lower: Option<i64>) -> Vec<Anchor> {
        if deadly.is_empty() {
            return Vec::new();
        }
        let (low, upper) = (lower.unwrap_or(i64::MIN), self.upper);
        let high = upper.at_ms.saturating_add(if upper.is_end { SECOND_MS } else { 0 });
        let ended: &[LifeSpan] = self.lives.ended();
        let fits = |life: &LifeSpan| {
            life.is_crash && life.ended_ms.saturating_add(SECOND_MS) >= low && life.ended_ms <= high
        };
        let mut crashes: Vec<usize> = Vec::new();
        crashes.extend(ended.iter().enumerate().filter(|(_, life)| fits(life)).map(|(at, _)| at));
        let last = crashes.last().and_then(|at| ended.get(*at));
        let is_last = deadly.last() == Some(&(len - 1));
        let is_near = last.is_some_and(|life| {
            upper.at_ms.saturating_sub(life.ended_ms) <= SECOND_MS + WRITTEN_MS
        });
        if upper.is_end && is_last && !is_near {
            // The file was written last when this was: no end of a life is near.
            deadly.pop();
        }
        // The life that wrote the time before them ended first, and said the first of them. Where there
        // are more than lives ended, or nothing says which life was first, the last ones count.
        if lower.is_some() && deadly.len() < crashes.len() {
            crashes.truncate(deadly.len());
        }
        let pairs = deadly.into_iter().rev().zip(crashes.into_iter().rev());
        let anchor = |(group, at): (usize, usize)| {
            let ended_ms = ended.get(at)?.ended_ms;
            let next_ms = self.lives.begun_after(at).unwrap_or(ended_ms);
            let ended_ms = ended_ms.min(upper.at_ms).max(low);
            Some(Anchor { group, ended_ms, next_ms: next_ms.max(ended_ms) })
        };
        let mut anchors: Vec<Anchor> = pairs.filter_map(anchor).collect();
        anchors.reverse();
        anchors
    }
}

/// The groups that were the last words of a life, as far as the lines tell: traces that Node.js ends with
/// its version, else those that read as the last one does.
fn deadly(groups: &[Group], lines: &[Unsettled]) -> Vec<usize> {
    let ends = groups.iter().skip(1).map(|group| group.first).chain([lines.len()]);
    let traces: Vec<(usize, &[Unsettled])> = groups
        .iter()
        .zip(ends)
        .enumerate()
        .filter(|(_, (group, _))| group.is_trace && group.own_ms.is_none())
        .filter_map(|(at, (group, end))| Some((at, lines.get(group.first..end)?)))
        .collect();
    let says_version =
        |lines: &&[Unsettled]| lines.iter().any(|line| line.line.bytes.starts_with(b"Node.js v"));
    let of_node: Vec<usize> =
        traces.iter().filter(|(_, lines)| says_version(lines)).map(|(at, _)| *at).collect();
    if !of_node.is_empty() {
        return of_node;
    }
    let folded = |lines: &[Unsettled]| -> Vec<u8> {
        let head = lines.first().map(|line| line.line.bytes.as_slice()).unwrap_or_default();
        head.iter().copied().filter(|byte| !byte.is_ascii_digit()).collect()
    };
    let last = traces.last().map(|(_, lines)| folded(lines));
    let alike = traces.iter().filter(|(_, lines)| Some(folded(lines)) == last);
    alike.map(|(at, _)| *at).collect()
}
