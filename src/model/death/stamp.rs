//! The stamp of whole seconds that PM2 puts before lines.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// A line with the stamp of whole seconds that PM2 puts before it (`2026-11-28T03:12:00: TEXT`; in its own
/// log before 2.0 with a blank): milliseconds since 1970, and what it says.
pub(super) fn stamped(line: &str, utc_offset_s: i32) -> Option<(i64, &str)> {
    let (time, rest) = line.split_at_checked(19)?;
    let rest = rest.strip_prefix(": ")?;
    let time: DateTime = time.parse().ok()?;
    let offset = Offset::from_seconds(utc_offset_s).ok()?;
    Some((offset.to_timestamp(time).ok()?.as_millisecond(), rest))
}

/// What a line says behind its stamp, where it has one.
pub(in crate::model) fn without_stamp(line: &str) -> &str {
    stamped(line, 0).map_or(line, |(_, text)| text)
}
