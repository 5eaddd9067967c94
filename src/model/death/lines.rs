//! What is read of an error log, for those who share its lines out among lives.

use super::Death;
use super::stamp::without_stamp;

/// One line.
pub(super) struct Line {
    pub(super) at_ms: Option<i64>,
    pub(super) text: String,
}

/// An error log.
pub(super) struct Log<'a> {
    /// Its last lines.
    pub(super) text: &'a str,
    /// Its first ones.
    pub(super) opening: Option<&'a str>,
}

/// What is known of the life after the last that ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    /// Whether there is one: what stands behind an exception is its.
    pub(super) is_on: bool,
    /// Whether it has certainly written to the log, too.
    pub(super) has_written: bool,
    /// Whether it has certainly not.
    pub(super) is_silent: bool,
    /// When it began, milliseconds since 1970.
    pub(super) begun_ms: Option<i64>,
}

/// A line without its stamp and its numbers: those differ where it says the same.
pub(super) fn folded(line: &str) -> String {
    without_stamp(line).chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// When a life began at the earliest, milliseconds since 1970.
pub(super) fn begins_ms(death: &Death) -> i64 {
    death.started_ms.unwrap_or(i64::MIN)
}
