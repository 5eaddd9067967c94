//! The stamp of whole seconds that PM2 puts before lines.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// A line with the stamp of whole seconds that PM2 puts before it (`2026-11-28T03:12:00: TEXT`; in its own
/// log before 2.0 with a blank): milliseconds since 1970, and what it says.
pub(crate) fn stamped(line: &str, utc_offset_s: i32) -> Option<(i64, &str)> {
    let (time, rest) = line.split_at_checked(19)?;
    let rest = rest.strip_prefix(": ")?;
    let time: DateTime = time.parse().ok()?;
    let offset = Offset::from_seconds(utc_offset_s).ok()?;
    Some((offset.to_timestamp(time).ok()?.as_millisecond(), rest))
}

/// A line of last words as people read it: its stamp is written as the log writes the time of a line.
#[must_use]
pub fn shown(line: &str) -> Cow<'_, str> {
    let Some((time, text)) = line.split_at_checked(19).filter(|_| stamped(line, 0).is_some())
    else {
        return line.into();
    };
    let text = text.strip_prefix(": ").unwrap_or(text);
    format!("{} {text}", time.replace('T', " ")).into()
}

/// What a line says behind its stamp, where it has one.
pub(crate) fn without_stamp(line: &str) -> &str {
    stamped(line, 0).map_or(line, |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_shown_as_the_log_shows_a_time() {
        assert_eq!(shown("2026-11-28T03:12:00: Error: x"), "2026-11-28 03:12:00 Error: x");
        assert_eq!(shown("2026-11-28T03:12:00:     at a"), "2026-11-28 03:12:00     at a");
        for own in ["Error: x", "2026-11-28T03:12:00 INFO x", ""] {
            assert_eq!(shown(own), own);
        }
    }
}
