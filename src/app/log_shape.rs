//! How lines of the log look: whether they wrap, how times are told, what is left out.
//!
//! Invariant: plain values; what is broken into rows is the text, and nothing else.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that one step sideways goes.
const SHIFT: usize = 20;
/// The furthest that one can go sideways, columns: what a row shows of a line is no longer.
const SHIFT_MAX: usize = 8 * 1024;
/// In this part of a row's columns, the last, a blank is looked for to break at.
const BREAK_PART: usize = 4;

/// How times are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Times {
    /// The time of the day.
    #[default]
    Clock,
    /// The day, and the time of it.
    Date,
    /// How long before or after the marked line.
    Distance,
    /// Not at all.
    Off,
}

impl Times {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Clock => Self::Date,
            Self::Date => Self::Distance,
            Self::Distance => Self::Off,
            Self::Off => Self::Clock,
        }
    }

    /// What it is called.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Clock => "times: clock",
            Self::Date => "times: with date",
            Self::Distance => "times: from the marked line on",
            Self::Off => "times: none",
        }
    }
}

/// How lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// How times are told.
    pub times: Times,
    /// Whether long lines go on in further rows; else they are cut.
    pub wraps: bool,
    /// How many columns of each text are left out at its start.
    pub shift: usize,
    /// Whether JSON, and times and levels that lead a line, stand there as they were written.
    pub is_raw: bool,
}

impl Shape {
    /// Goes sideways by a step.
    pub(super) fn move_sideways(&mut self, is_right: bool) {
        self.shift = if is_right {
            (self.shift + SHIFT).min(SHIFT_MAX)
        } else {
            self.shift.saturating_sub(SHIFT)
        };
    }
}

/// A text in rows of so many columns, as ranges of bytes; at most so many rows, the last of which then
/// has all that is left. At least one.
#[must_use]
pub fn pieces(text: &str, columns: u16, rows_max: usize) -> Vec<Range<usize>> {
    let columns = usize::from(columns.max(2));
    let mut rows = Vec::new();
    let (mut start, mut used) = (0, 0);
    // Behind the last blank of this row that it may be broken at.
    let mut blank: Option<(usize, usize)> = None;
    for (offset, cluster) in text.grapheme_indices(true) {
        if rows.len() + 1 >= rows_max {
            break;
        }
        let width = cluster.width().max(1);
        if used + width > columns && offset > start {
            let (end, kept) = blank.take().unwrap_or((offset, used));
            rows.push(start..end);
            (start, used) = (end, used - kept);
        }
        used += width;
        if cluster == " " && used > columns - columns / BREAK_PART {
            blank = Some((offset + cluster.len(), used));
        }
    }
    rows.push(start..text.len());
    rows
}

/// The first byte of a text behind so many columns.
#[must_use]
pub fn behind(text: &str, shift: usize) -> usize {
    if shift == 0 {
        return 0;
    }
    let mut used = 0;
    for (offset, cluster) in text.grapheme_indices(true) {
        if used >= shift {
            return offset;
        }
        used += cluster.width().max(1);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_text_and_fit() {
        let rows = |text: &'static str, columns| {
            let rows = pieces(text, columns, 100).into_iter();
            rows.map(|row| text.get(row).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(rows("", 10), [""]);
        assert_eq!(rows("0123456789", 10), ["0123456789"]);
        assert_eq!(rows("0123456789a", 10), ["0123456789", "a"]);
        assert_eq!(rows("01234567 9abc", 10), ["01234567 ", "9abc"]);
        assert_eq!(rows("012 456789abc", 10), ["012 456789", "abc"], "too early to be broken at");
        assert_eq!(rows("日本語", 4), ["日本", "語"]);
        assert_eq!(pieces("abcdef", 2, 2), [0..2, 2..6]);
    }

    #[test]
    fn what_is_left_out_ends_at_a_cluster() {
        assert_eq!((behind("abc", 0), behind("abc", 2), behind("abc", 9)), (0, 2, 3));
        assert_eq!(behind("日本", 1), 3);
    }
}
