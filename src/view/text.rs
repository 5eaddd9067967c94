//! Text by the column: clusters and cutting.
//!
//! Invariant: a cluster that comes out of here takes one or more columns and holds no control
//! character, whatever went in.

use std::borrow::Cow;

use ratatui::buffer::CellWidth;

pub(super) use crate::model::units::{
    Clock, bytes_short, clock, percent, percent_short, seconds_until, uptime,
};

/// Bytes with a unit and one decimal, in GiB from 1,000 MiB on: `120.4 MiB`, `1.2 GiB`; at most 9
/// columns below 100,000 GiB.
pub(super) fn bytes(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if (999 * MIB + MIB * 95 / 100..1024 * MIB).contains(&bytes) {
        return format!("{:.1} GiB", bytes as f64 / (1024 * MIB) as f64);
    }
    crate::model::units::bytes(bytes)
}

/// A cluster longer than this is a pile of combining marks; it is shown by its first character, so
/// that one column cannot cost kilobytes.
const CLUSTER_BYTES_MAX: usize = 64;

/// A stretch of text that is drawn as one: what the eye takes for a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster<'a> {
    /// Its first byte in the text.
    pub(super) offset: usize,
    /// One past its last byte in the text.
    pub(super) end: usize,
    /// What is drawn.
    pub(super) text: Cow<'a, str>,
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
                Cow::Borrowed(whole.get(..first).unwrap_or_default())
            } else if !is_plain && whole.contains(is_selector) {
                // What it joins is drawn apart: as a whole it would be as uncertain.
                whole.chars().filter(|c| !is_selector(*c) && *c != '\u{200d}').collect()
            } else {
                Cow::Borrowed(whole)
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

/// What asks for a character as text or as a picture. Terminals do not agree how wide the picture
/// is, and where one draws it wider than another, a whole row is garbled.
fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}')
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

/// The start of a text, with an ellipsis where it is longer than so many columns.
pub(super) fn shortened(text: &str, columns_max: u16, ellipsis: &str) -> String {
    let cut = cut(text, columns_max, width(ellipsis));
    let ellipsis = if cut.is_short { ellipsis } else { "" };
    format!("{}{ellipsis}", text.get(..cut.end).unwrap_or(text))
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
    // Of most texts each byte is a cluster of one column: they need no look at each.
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return u16::try_from(text.len()).unwrap_or(u16::MAX);
    }
    clusters(text).fold(0, |sum, cluster| sum.saturating_add(cluster.columns))
}

/// How long something waits, in at most four columns: `59s`, `12m`, `3h`, `20d`.
pub(super) fn wait(seconds: i64) -> String {
    match seconds {
        ..1_000 => format!("{seconds}s"),
        1_000..60_000 => format!("{}m", seconds / 60),
        60_000..3_600_000 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_short() {
        let said = [9, 999, 1_000, 7_200, 86_400, 9_000_000].map(wait);
        assert_eq!(said, ["9s", "999s", "16m", "120m", "24h", "104d"]);
    }

    #[test]
    fn a_thousand_mebibytes_are_a_gibibyte() {
        const MIB: u64 = 1 << 20;
        for (of, text) in [
            (999 * MIB, "999.0 MiB"),
            (999 * MIB + MIB * 94 / 100, "999.9 MiB"),
            (1000 * MIB, "1.0 GiB"),
            (1023 * MIB, "1.0 GiB"),
            (1229 * MIB, "1.2 GiB"),
            (512, "512 B"),
        ] {
            assert_eq!(bytes(of), text);
        }
    }

    #[test]
    fn a_width_is_that_of_all_clusters() {
        for text in [
            "",
            "api-12 [0]",
            "a\tb\r\nc",
            "\u{7f}x",
            "über",
            "日本",
            "a\u{1b}[1m",
            "👍\u{fe0f} ok",
        ] {
            assert_eq!(
                width(text),
                clusters(text).map(|cluster| cluster.columns).sum::<u16>(),
                "{text:?}"
            );
        }
        assert_eq!(width(&"x".repeat(70_000)), u16::MAX);
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
        let drawn = |text| clusters(text).map(|cluster| cluster.text).collect::<String>();
        assert_eq!(drawn(foul), "a[2Jbcdefg");
        let pile = format!("a{}", "\u{301}".repeat(10_000));
        let all: Vec<_> = clusters(&pile).collect();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].text, "a");
    }

    #[test]
    fn selectors_of_emoji_are_not_drawn() {
        let drawn = |text| clusters(text).map(|cluster| cluster.text).collect::<String>();
        for (stored, shown, columns) in [
            ("\u{26a0}\u{fe0f} low", "\u{26a0} low", 5),
            ("\u{2714}\u{fe0e}", "\u{2714}", 1),
            ("1\u{fe0f}\u{20e3}", "1\u{20e3}", 1),
            ("\u{2764}\u{fe0f}\u{200d}\u{1f525}", "\u{2764}\u{1f525}", 3),
            ("\u{fe0f}a\u{fe0f}", "a", 1),
            ("\u{1f680}", "\u{1f680}", 2),
        ] {
            assert_eq!(drawn(stored), shown, "{stored:?}");
            assert_eq!(width(stored), columns, "{stored:?}");
        }
    }
}
