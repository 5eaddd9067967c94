//! A line of a file that was read, before it is known where it stands and when it was written.

use super::{Line, READ_BYTES_MAX};
use crate::logs::parse::{Facts, Judge, Judged, Part, Place, Plain};

/// A line that was read, without a time where it does not say it.
#[derive(Debug)]
pub(super) struct Unsettled {
    pub(super) line: Line,
    pub(super) own_ms: Option<i64>,
    pub(super) facts: Facts,
    /// Where it ends in the file, bytes.
    pub(super) ends_at: u64,
}

impl Unsettled {
    /// What it is behind the lines that the judge had.
    pub(super) fn judge(&self, judge: &mut Judge) -> Judged {
        if let Some(judged) = judge.feed_unread(&self.facts) {
            return judged;
        }
        let bytes = &self.line.bytes;
        let plain = Plain::of(bytes.get(..READ_BYTES_MAX).unwrap_or(bytes));
        judge.feed(&plain.text, &self.facts)
    }

    /// It is a piece of the line before it: what it says has no meaning by itself.
    pub(super) fn be_piece(&mut self) -> Judged {
        (self.own_ms, self.line.place, self.line.stamp_bytes) = (None, Place::GoesOn, 0);
        Judged { place: Place::GoesOn, level: self.line.level, part: Part::Text, raises: false }
    }

    pub(super) fn place(&mut self, judge: &mut Judge) -> Judged {
        let judged = self.judge(judge);
        (self.line.place, self.line.level) = (judged.place, judged.level);
        judged
    }
}
