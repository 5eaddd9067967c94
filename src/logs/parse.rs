//! What one line says of itself: its time, its level, its fields, whether it belongs to a stack
//! trace, and what in it is a number, an address or a quotation.
//!
//! Pure functions of bytes. No I/O, no clock (reference time and zone are arguments), no panic on
//! any bytes. What is read costs as much as is needed: an index asks [`read`], which builds nothing
//! for lines of text; a line that is looked at asks [`Record`], [`Traces`] and [`tints`] too.

mod cursor;
mod fields;
mod head;
mod judge;
mod level;
mod line;
mod plain;
mod prose;
mod reading;
mod time;
mod tint;
mod trace;

#[cfg(test)]
mod tests;

pub use self::fields::{Field, LINE_MAX, Record, pm2_message};
pub use self::judge::{Facts, Judge, Judged, PAUSE_MS, Place};
pub use self::level::{Level, Sign, of_stderr};
pub use self::line::read;
pub use self::plain::Plain;
pub use self::prose::is_prose;
pub use self::reading::{Context, Reading, Shape};
pub use self::time::{Clock, Pattern, Stamp, epoch_ms};
pub use self::tint::{Kind, Tint, tints};
pub use self::trace::{Part, Step, Trace, Traces, traces};

/// Bytes from `start` to `end`, `end` not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// Those bytes of a text; none where the text is shorter.
    #[must_use]
    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}
