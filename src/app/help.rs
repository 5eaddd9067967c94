//! The help: a line for each command, and where it stands on the screen.
//!
//! Invariant: it is made of the tables that the keymap and the palette read, and of nothing else.

use super::geometry::{Overlay, SIDES, overlay, wrap};
use super::inspection_keys::DETAILS;
use super::log_commands;

/// Columns of the key column in the help overlay: the widest keys, and a gap.
pub const HELP_KEYS: u16 = 10;

/// One line of the help overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpLine {
    /// The keys, on the first line of a command; `""` on those that follow.
    pub keys: &'static str,
    /// A piece of the sentence.
    pub text: String,
}

/// The help overlay, for a terminal of `size`.
#[must_use]
pub fn help_overlay(size: (u16, u16)) -> Overlay {
    let columns = size.0.min(76).saturating_sub(SIDES);
    let lines = u16::try_from(help_lines(columns).len()).unwrap_or(u16::MAX);
    overlay(size, columns, lines)
}

/// The help, one or more lines for each command, wrapped for so many columns.
#[must_use]
pub fn help_lines(columns: u16) -> Vec<HelpLine> {
    let text_columns = columns.saturating_sub(HELP_KEYS);
    let mut lines = Vec::new();
    for row in log_commands::all().chain(DETAILS) {
        let mut keys = row.keys;
        for text in wrap(row.help, text_columns) {
            lines.push(HelpLine { keys, text });
            keys = "";
        }
    }
    lines
}

/// How far the help overlay can be scrolled down.
#[must_use]
pub fn help_top_max(size: (u16, u16)) -> u16 {
    let text = help_overlay(size).text;
    u16::try_from(help_lines(text.columns).len()).unwrap_or(u16::MAX).saturating_sub(text.rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_scrolls_to_its_end() {
        let text = help_overlay((40, 10)).text;
        assert_eq!((text.columns, text.rows), (38, 8));
        let lines = help_lines(text.columns).len() as u16;
        assert_eq!(help_top_max((40, 10)), lines - text.rows);
        assert_eq!(help_top_max((120, 200)), 0);
        let _ = help_top_max((0, 0));
    }
}
