//! Lines of a file that are read backwards become entries, each with a time.
//!
//! Invariant: entries are told forwards, from a line that certainly begins one, by the same judge as those
//! that come on the bus; so how much of a file is read at once changes nothing.

use std::io;

use super::estimate::{Group, Mark};
use super::unsettled::Unsettled;
use super::{Backwards, ended};
use crate::logs::parse::{Judge, Level, Place};

/// So many lines before a line are looked at where nothing says for certain that an entry begins: it may
/// begin there.
const BEFORE: usize = 128;
/// In a file in whose next so many lines none has a time, none is waited for.
const TIMELESS_AFTER: usize = 256;
/// So many lines wait for a time before them; then they have that of the line behind them.
const WAITING_MAX: usize = 2_000;
/// As much of them waits at most, bytes.
const WAITING_BYTES_MAX: usize = 4 << 20;

impl Backwards {
    /// Reads on until lines are ready; false at the beginning of the file.
    pub(super) fn settle_more(&mut self) -> io::Result<bool> {
        loop {
            let has_more = self.read_more()?;
            if let Some(cut) = self.cut(!has_more) {
                self.settle(cut);
                return Ok(true);
            }
            if !has_more {
                return Ok(false);
            }
        }
    }

    /// Reads the piece before what was read; false where there is none.
    fn read_more(&mut self) -> io::Result<bool> {
        if self.lines.is_empty() {
            if self.at == 0 {
                if self.rest.is_empty() {
                    return Ok(false);
                }
                let rest = self.rest.take();
                self.lines.push(ended(rest.into()));
            } else if let Some(piece) = self.piece()? {
                self.split(&piece.into());
            } else {
                // It goes on before that.
            }
        }
        while let Some(raw) = self.lines.pop() {
            self.waiting_bytes += raw.bytes.len();
            let ends_at = self.given;
            self.given = ends_at.saturating_sub(raw.extent());
            let mut unsettled = self.format.unsettled(raw.bytes, self.reference_ms);
            (unsettled.line.is_ended, unsettled.line.more) = (raw.is_ended, raw.more);
            unsettled.ends_at = ends_at;
            // It completes the times before it.
            self.reference_ms = unsettled.own_ms.unwrap_or(self.reference_ms);
            self.waiting.push_front(unsettled);
        }
        Ok(self.at > 0 || !self.rest.is_empty())
    }

    /// From which of those that wait on all can be given: an entry begins there.
    fn cut(&mut self, is_all: bool) -> Option<usize> {
        if self.waiting.is_empty() {
            return None;
        }
        let certain =
            self.waiting.iter().position(|line| line.own_ms.is_some() && line.facts.is_certain());
        let certain = certain.filter(|at| !self.is_piece(*at));
        if certain.is_some() || is_all {
            return certain.filter(|_| !is_all).or(Some(0));
        }
        let is_timed = self.waiting.iter().skip(BEFORE).any(|line| line.own_ms.is_some());
        let is_timeless = !self.has_times && self.waiting.len() >= TIMELESS_AFTER;
        let is_much = self.waiting.len() >= WAITING_MAX || self.waiting_bytes >= WAITING_BYTES_MAX;
        if !is_timed && !is_timeless && !is_much {
            return None;
        }
        let mut judge = Judge::default();
        let cut = self.waiting.iter().enumerate().find(|(index, line)| {
            let begins = line.judge(&mut judge).place == Place::Begins;
            *index >= BEFORE && begins && (!is_timed || line.own_ms.is_some())
        });
        let cut = cut.map(|(index, _)| index);
        cut.or_else(|| is_much.then(|| BEFORE.min(self.waiting.len().saturating_sub(1))))
    }

    /// Whether one of those that wait is a piece of the line before it, as far as that is read.
    fn is_piece(&self, index: usize) -> bool {
        let before = index.checked_sub(1).and_then(|before| self.waiting.get(before));
        before.is_some_and(|before| !before.line.is_ended)
    }

    /// Gives those from an index on their place and time.
    fn settle(&mut self, cut: usize) {
        let mut lines: Vec<Unsettled> = self.waiting.split_off(cut).into();
        self.waiting_bytes =
            self.waiting.iter().map(|waiting| waiting.line.bytes.len()).sum::<usize>();
        let mut groups: Vec<Group> = Vec::with_capacity(lines.len());
        let mut judge = Judge::default();
        // What stands behind a piece without a newline is of the same line.
        let mut is_piece = self.waiting.back().is_some_and(|before| !before.line.is_ended);
        for index in 0..lines.len() {
            let Some(line) = lines.get_mut(index) else { break };
            let judged = if is_piece { line.be_piece() } else { line.place(&mut judge) };
            let was_piece = std::mem::replace(&mut is_piece, !line.line.is_ended);
            let (own_ms, ends_at, len) = (line.own_ms, line.ends_at, line.line.extent());
            if judged.place == Place::Begins || groups.is_empty() {
                line.line.place = if was_piece { Place::GoesOn } else { Place::Begins };
                groups.push(Group {
                    first: index,
                    own_ms,
                    at_ms: 0,
                    bounds_ms: (i64::MIN, i64::MAX),
                    begins_at: ends_at.saturating_sub(len),
                    ends_at,
                    is_trace: false,
                    mark: Mark::None,
                    counts_anew: false,
                });
            }
            let Some(group) = groups.last_mut() else { break };
            group.is_trace |= judged.place == Place::GoesOn && judged.level >= Some(Level::Error);
            if judged.raises {
                raise(&mut lines, index, judged.level);
            }
        }
        self.estimate(&mut groups, &lines);
        let ends = groups.iter().skip(1).map(|group| group.first).chain([lines.len()]);
        for (group, end) in groups.iter().zip(ends) {
            let is_estimated = group.own_ms.is_none();
            for line in lines.get_mut(group.first..end).unwrap_or_default() {
                line.line.at_ms = group.at_ms;
                // What goes on a line has its time, and does not say it.
                line.line.is_estimated = is_estimated || line.own_ms.is_none();
                line.line.bounds_ms = is_estimated.then_some(group.bounds_ms);
            }
        }
        self.ready.extend(lines.into_iter().map(|line| line.line));
    }
}

/// The lines of an entry before this one are as bad as it says.
fn raise(lines: &mut [Unsettled], last: usize, level: Option<Level>) {
    for line in lines.iter_mut().take(last).rev() {
        line.line.level = level;
        if line.line.place != Place::GoesOn {
            break;
        }
    }
}
