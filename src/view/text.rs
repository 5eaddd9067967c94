//! Text by the column: clusters, cutting, and numbers with their units.
//!
//! Invariant: a cluster that comes out of here takes one or more columns and holds no control
//! character, whatever went in.

use ratatui::buffer::CellWidth;

/// A cluster longer than this is a pile of combining marks; it is shown by its first character, so
/// that one column cannot cost kilobytes.
const CLUSTER_BYTES_MAX: usize = 64;

/// A stretch of text that is drawn as one: what the eye takes for a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cluster<'a> {
    /// Its first byte in the text.
    pub(super) offset: usize,
    /// One past its last byte in the text.
    pub(super) end: usize,
    /// What is drawn.
    pub(super) text: &'a str,
    /// Columns that it takes, 1 or more.
    pub(super) columns: u16,
}

/// The clusters of a text, without those that take no column or must not reach the terminal.
pub(super) fn clusters(text: &str) -> Clusters<'_> {
    Clusters { text, at: 0 }
}

/// See [`clusters`].
#[derive(Debug)]
pub(super) struct Clusters<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Clusters<'a> {
    type Item = Cluster<'a>;

    fn next(&mut self) -> Option<Cluster<'a>> {
        use unicode_segmentation::UnicodeSegmentation;
        loop {
            let offset = self.at;
            let rest = self.text.get(offset..).filter(|rest| !rest.is_empty())?;
            // Two ASCII bytes in a row: the first is a cluster of its own (but for CR LF, both of
            // which are dropped). Most text is that.
            let is_plain = rest.bytes().take(2).all(|byte| byte.is_ascii());
            let whole = if is_plain { rest.get(..1)? } else { rest.graphemes(true).next()? };
            let end = offset + whole.len();
            self.at = end;
            if whole.contains(is_unprintable) {
                continue;
            }
            let text = if whole.len() > CLUSTER_BYTES_MAX {
                let first = whole.chars().next().map_or(0, char::len_utf8);
                whole.get(..first).unwrap_or_default()
            } else {
                whole
            };
            let columns = if text.is_empty() { 0 } else { text.cell_width() };
            if columns > 0 {
                return Some(Cluster { offset, end, text, columns });
            }
        }
    }
}

/// What must not reach the terminal: controls, line and paragraph separators, and what turns the
/// direction of writing. Text is cleaned where it comes in; this is the second door.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}'
                | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// How much of a text fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// One past the last byte to draw.
    pub(super) end: usize,
    /// Columns up to there.
    pub(super) columns: u16,
    /// Whether something is left out, so that an ellipsis follows.
    pub(super) is_short: bool,
}

/// Cuts a text to so many columns; where it is longer, room is left for an ellipsis of
/// `ellipsis_columns` (or none, where even that does not fit). Looks no further than it must.
pub(super) fn cut(text: &str, columns_max: u16, ellipsis_columns: u16) -> Cut {
    let kept_max =
        if columns_max > ellipsis_columns { columns_max - ellipsis_columns } else { columns_max };
    let mut kept = Cut { end: 0, columns: 0, is_short: false };
    let mut columns = 0_u16;
    for cluster in clusters(text) {
        columns = columns.saturating_add(cluster.columns);
        if columns > columns_max {
            return Cut { is_short: columns_max > ellipsis_columns, ..kept };
        }
        if columns <= kept_max {
            kept.end = cluster.end;
            kept.columns = columns;
        }
    }
    Cut { end: text.len(), columns, is_short: false }
}

/// The start of a text, of at most so many columns; the text itself where it is not longer.
pub(super) fn cut_to(text: &str, columns_max: u16) -> &str {
    text.get(..cut(text, columns_max, 0).end).unwrap_or(text)
}

/// The end of a text that takes at most so many columns.
pub(super) fn end_of(text: &str, columns_max: u16) -> &str {
    let too_many = width(text).saturating_sub(columns_max);
    let mut dropped = 0_u16;
    let start = clusters(text)
        .take_while(|cluster| {
            let goes = dropped < too_many;
            dropped = dropped.saturating_add(cluster.columns);
            goes
        })
        .last()
        .map_or(0, |cluster| cluster.end);
    text.get(start..).unwrap_or_default()
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> u16 {
    clusters(text).fold(0, |sum, cluster| sum.saturating_add(cluster.columns))
}

const KIB: u64 = 1024;
const MIB: u64 = KIB * 1024;
const GIB: u64 = MIB * 1024;

/// Bytes with a unit and one decimal: `120.4 MiB`; at most 10 columns.
pub(super) fn bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        // Not `1024.0 KiB`: what rounds up to the next unit is shown in it.
        0..KIB => return format!("{bytes} B"),
        KIB..1_048_525 => (KIB, "KiB"),
        1_048_525..1_073_689_395 => (MIB, "MiB"),
        _ => (GIB, "GiB"),
    };
    format!("{:.1} {name}", bytes as f64 / unit as f64)
}

/// Bytes for narrow columns: `120M`, `1.2G`; at most 5 columns up to 9999 GiB.
pub(super) fn bytes_short(bytes: u64) -> String {
    let rounded = |unit: u64| (bytes as f64 / unit as f64).round() as u64;
    if bytes < KIB {
        format!("{bytes}B")
    } else if rounded(KIB) < KIB {
        format!("{}K", rounded(KIB))
    } else if rounded(MIB) < KIB {
        format!("{}M", rounded(MIB))
    } else if bytes < 100 * GIB {
        format!("{:.1}G", bytes as f64 / GIB as f64)
    } else {
        format!("{}G", rounded(GIB))
    }
}

/// Percent with one decimal: `12.3%`; from 1000 on without. `-` for what is no number.
pub(super) fn percent(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    let value = value.max(0.0);
    if value < 999.95 { format!("{value:.1}%") } else { format!("{:.0}%", value.min(999_999.0)) }
}

/// Percent in at most 5 columns: `12.3%`, `100%`.
pub(super) fn percent_short(value: f64) -> String {
    if value.is_finite() && value >= 99.95 {
        format!("{:.0}%", value.min(9999.0))
    } else {
        percent(value)
    }
}

/// A time span, ever coarser, so that it seldom changes: `42s`, `12m`, `3h 12m`, `3d 04h`, `1234d`.
pub(super) fn uptime(span_ms: i64) -> String {
    let seconds = span_ms.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if minutes == 0 {
        format!("{seconds}s")
    } else if hours == 0 {
        format!("{minutes}m")
    } else if days == 0 {
        format!("{hours}h {:02}m", minutes % 60)
    } else if days < 1000 {
        format!("{days}d {:02}h", hours % 24)
    } else {
        format!("{days}d")
    }
}

/// Whole seconds that are left until a moment, rounded up; `None` once it is there.
pub(super) fn seconds_until(at_ms: i64, now_ms: i64) -> Option<i64> {
    let left_ms = at_ms.saturating_sub(now_ms);
    (left_ms > 0).then(|| left_ms.saturating_add(999) / 1000)
}

/// How much of a moment is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// `12:03:01.123`
    Milliseconds,
    /// `12:03:01`
    Seconds,
    /// `12:03`
    Minutes,
}

impl Clock {
    /// Columns that it takes.
    pub(super) fn columns(self) -> u16 {
        match self {
            Self::Milliseconds => 12,
            Self::Seconds => 8,
            Self::Minutes => 5,
        }
    }
}

/// A moment as the time of day, `offset_s` seconds ahead of UTC.
pub(super) fn clock(at_ms: i64, offset_s: i32, clock: Clock) -> String {
    let local_ms = at_ms.saturating_add(i64::from(offset_s) * 1000);
    let of_day = local_ms.rem_euclid(86_400_000);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, millisecond) = (of_day / 1000 % 60, of_day % 1000);
    match clock {
        Clock::Milliseconds => format!("{hour:02}:{minute:02}:{second:02}.{millisecond:03}"),
        Clock::Seconds => format!("{hour:02}:{minute:02}:{second:02}"),
        Clock::Minutes => format!("{hour:02}:{minute:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_units() {
        for (value, long, short) in [
            (0, "0 B", "0B"),
            (1023, "1023 B", "1023B"),
            (1024, "1.0 KiB", "1K"),
            (1_048_524, "1023.9 KiB", "1M"),
            (1_048_575, "1.0 MiB", "1M"),
            (126_248_550, "120.4 MiB", "120M"),
            (1_073_741_823, "1.0 GiB", "1.0G"),
            (1_288_490_189, "1.2 GiB", "1.2G"),
            (u64::MAX, "17179869184.0 GiB", "17179869184G"),
        ] {
            assert_eq!(bytes(value), long);
            assert_eq!(bytes_short(value), short, "{value}");
        }
    }

    #[test]
    fn percents() {
        assert_eq!(percent(0.0), "0.0%");
        assert_eq!(percent(12.34), "12.3%");
        assert_eq!(percent(100.0), "100.0%");
        assert_eq!(percent(1600.0), "1600%");
        assert_eq!(percent(999.99), "1000%");
        assert_eq!(percent(-3.0), "0.0%");
        assert_eq!(percent(f64::NAN), "-");
        assert_eq!(percent(f64::INFINITY), "-");
        assert_eq!(percent_short(99.94), "99.9%");
        assert_eq!(percent_short(99.99), "100%");
        assert_eq!(percent_short(1600.2), "1600%");
    }

    #[test]
    fn uptimes() {
        for (ms, text) in [
            (-5, "0s"),
            (0, "0s"),
            (59_999, "59s"),
            (60_000, "1m"),
            (3_599_999, "59m"),
            (3_600_000, "1h 00m"),
            (11_520_000, "3h 12m"),
            (86_400_000, "1d 00h"),
            (273_600_000, "3d 04h"),
            (i64::MAX, "106751991167d"),
        ] {
            assert_eq!(uptime(ms), text);
        }
    }

    #[test]
    fn countdown_rounds_up() {
        assert_eq!(seconds_until(3_000, 0), Some(3));
        assert_eq!(seconds_until(2_001, 0), Some(3));
        assert_eq!(seconds_until(0, 0), None);
        assert_eq!(seconds_until(i64::MIN, i64::MAX), None);
    }

    #[test]
    fn times_of_day() {
        let at = 1_700_000_000_123; // 22:13:20.123 UTC
        assert_eq!(clock(at, 0, Clock::Milliseconds), "22:13:20.123");
        assert_eq!(clock(at, 7200, Clock::Seconds), "00:13:20");
        assert_eq!(clock(at, -3600, Clock::Minutes), "21:13");
        assert_eq!(clock(-1, 0, Clock::Seconds), "23:59:59");
        let _ = clock(i64::MAX, i32::MAX, Clock::Seconds);
    }

    #[test]
    fn cutting_by_columns() {
        let cut_to = |text, columns| {
            let cut = cut(text, columns, 1);
            (text.get(..cut.end).unwrap().to_owned(), cut.columns, cut.is_short)
        };
        assert_eq!(cut_to("abcdef", 6), ("abcdef".into(), 6, false));
        assert_eq!(cut_to("abcdef", 5), ("abcd".into(), 4, true));
        assert_eq!(cut_to("日本語", 6), ("日本語".into(), 6, false));
        assert_eq!(cut_to("日本語", 5), ("日本".into(), 4, true));
        assert_eq!(cut_to("日本語", 4), ("日".into(), 2, true));
        assert_eq!(cut_to("e\u{301}e\u{301}", 2), ("e\u{301}e\u{301}".into(), 2, false));
        assert_eq!(cut_to("abc", 1), ("a".into(), 1, false));
        assert_eq!(cut_to("abc", 0), (String::new(), 0, false));
    }

    #[test]
    fn the_end_of_a_text() {
        assert_eq!(end_of("abcdef", 6), "abcdef");
        assert_eq!(end_of("abcdef", 2), "ef");
        assert_eq!(end_of("日本語", 5), "本語");
        assert_eq!(end_of("日本語", 1), "");
        assert_eq!(end_of("", 0), "");
        assert_eq!(cut_to("日本語", 5), "日本");
    }

    #[test]
    fn clusters_hold_nothing_that_moves_the_cursor() {
        let foul = "a\u{1b}[2Jb\r\nc\u{202e}d\u{2028}e\u{9b}f\u{200b}g";
        let shown: String = clusters(foul).map(|cluster| cluster.text).collect();
        assert_eq!(shown, "a[2Jbcdefg");
        let pile = format!("a{}", "\u{301}".repeat(10_000));
        let all: Vec<_> = clusters(&pile).collect();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].text, "a");
    }
}
