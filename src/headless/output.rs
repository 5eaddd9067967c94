//! What commands print: tables, JSON, and complaints on standard error.
//!
//! Invariant: a table's cells are cleaned where they are made; columns are aligned by the columns
//! that the text takes on a terminal. JSON holds no character that a terminal acts on.

use std::io::{self, Write};

use serde_json::Value as Json;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether only ASCII may be printed: a locale without UTF-8, by the rules of `LC_ALL`, `LC_CTYPE`
/// and `LANG`.
pub(super) fn is_ascii(env: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    !(locale.contains("utf-8") || locale.contains("utf8"))
}

/// One line on standard error, after the program's name.
pub(super) fn complain(line: &str) {
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(io::stderr(), "pm2-tui: {line}");
}

/// Text with everything outside ASCII replaced, where that must be.
pub(super) fn printable(text: &str, is_ascii: bool) -> String {
    if !is_ascii || text.is_ascii() {
        return text.to_owned();
    }
    text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

/// So many processes, in words.
pub(super) fn processes(count: usize) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

/// Columns and rows of the terminal that standard output is; 80 and 24 where it does not say.
pub(super) fn terminal_size() -> (u16, u16) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

/// As much of some lines as a terminal of so many columns and rows shows, above the cursor; how many
/// more there are is said in the last.
pub(super) fn within((columns, rows): (u16, u16), text: &[u8]) -> Vec<u8> {
    let (columns, rows) = (usize::from(columns), usize::from(rows));
    let text = String::from_utf8_lossy(text);
    let all = text.lines().count();
    let room = rows.saturating_sub(1).max(1);
    let shown = if all > room { room.saturating_sub(1) } else { all };
    let mut kept = String::new();
    for line in text.lines().take(shown) {
        let mut used = 0;
        let fits = line.chars().take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        });
        kept.extend(fits);
        kept.push('\n');
    }
    if all > shown {
        let _ = std::fmt::Write::write_fmt(&mut kept, format_args!("and {} more\n", all - shown));
    }
    kept.into_bytes()
}

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Prints rows under a heading, columns two blanks apart. The last column is not padded.
pub(super) fn table(
    heading: &[(&str, Align)],
    rows: &[Vec<String>],
    out: &mut impl Write,
) -> io::Result<()> {
    let mut widths: Vec<usize> = heading.iter().map(|(name, _)| name.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let names: Vec<String> = heading.iter().map(|(name, _)| (*name).to_owned()).collect();
    for row in std::iter::once(&names).chain(rows) {
        let mut line = String::new();
        for ((cell, width), (_, align)) in row.iter().zip(&widths).zip(heading) {
            let blanks = " ".repeat(width.saturating_sub(cell.width()));
            if !line.is_empty() {
                line.push_str("  ");
            }
            match align {
                Align::Left => line.extend([cell, blanks.as_str()]),
                Align::Right => line.extend([blanks.as_str(), cell]),
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

pub(super) use crate::protocol::escape::escaped;

/// How JSON is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JsonStyle {
    /// Indented for people, else in one line for programs.
    pub(super) is_pretty: bool,
    /// Whether everything outside ASCII is escaped.
    pub(super) is_ascii: bool,
}

/// Prints a JSON value and a line end.
pub(super) fn json(value: &Json, style: JsonStyle, out: &mut impl Write) -> io::Result<()> {
    let text = if style.is_pretty {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    let text = text.map_err(io::Error::from)?;
    out.write_all(escaped(&text, style.is_ascii).as_bytes())?;
    out.write_all(b"\n")
}

/// An output whose reader may go away: what was begun is finished all the same.
pub(super) struct Unheard<W>(pub(super) W);

impl<W: Write> Write for Unheard<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let heading = [("id", Align::Right), ("name", Align::Left), ("mem", Align::Right)];
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["0", "api", "1.0M"]), row(["10", "日本", "-"])];
        let mut out = Vec::new();
        table(&heading, &rows, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "id  name   mem\n 0  api   1.0M\n10  日本     -\n");
    }

    #[test]
    fn no_more_is_shown_in_place_than_fits() {
        let shown = |size, text: &str| String::from_utf8(within(size, text.as_bytes())).unwrap();
        assert_eq!(shown((80, 24), "id  name\n 0  api\n"), "id  name\n 0  api\n");
        assert_eq!(shown((5, 3), "id  name\n 0  日本\n"), "id  n\n 0  \n");
        assert_eq!(shown((80, 4), "id\n 0\n 1\n 2\n 3\n"), "id\n 0\nand 3 more\n");
        assert_eq!(shown((80, 0), "id\n 0\n"), "and 2 more\n");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(processes), ["0 processes", "1 process", "2 processes"]);
    }

    #[test]
    fn ascii_without_utf8() {
        let lang = |value: &'static str| move |name: &str| (name == "LANG").then(|| value.into());
        assert!(!is_ascii(lang("de_DE.UTF-8")));
        assert!(is_ascii(lang("C")));
        assert!(is_ascii(|_| None));
        assert_eq!(printable("a日b", true), "a?b");
        assert_eq!(printable("a日b", false), "a日b");
    }

    #[test]
    fn json_is_pretty_only_for_people() {
        let value = serde_json::json!({"a": [1]});
        let print = |is_pretty| {
            let mut out = Vec::new();
            json(&value, JsonStyle { is_pretty, is_ascii: false }, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(print(false), "{\"a\":[1]}\n");
        assert_eq!(print(true), "{\n  \"a\": [\n    1\n  ]\n}\n");
    }

    #[test]
    fn no_terminal_acts_on_json_and_it_stays_the_same() {
        let bad = [
            "\u{7f}",
            "\u{9b}31m",
            "\u{9d}0;title\u{9c}",
            "\u{2028}",
            "\u{2029}",
            "\u{202e}txt.exe",
            "\u{2066}a\u{2069}",
            "\u{61c}",
            "\u{200b}",
            "\u{ad}",
            "\u{feff}",
            "\u{e0041}",
            "\u{1d173}",
            "\\\u{85}\"",
        ];
        for text in bad {
            let value = serde_json::json!({ text: [text, "é日🙂"] });
            for style in [(false, false), (true, false), (false, true)] {
                let style = JsonStyle { is_pretty: style.0, is_ascii: style.1 };
                let mut out = Vec::new();
                json(&value, style, &mut out).unwrap();
                let printed = String::from_utf8(out).unwrap();
                assert_eq!(serde_json::from_str::<Json>(&printed).unwrap(), value);
                assert!(!printed.contains(crate::protocol::escape::is_deceptive), "{printed:?}");
                assert_eq!(printed.contains("é日🙂"), !style.is_ascii, "{printed}");
            }
        }
    }
}
