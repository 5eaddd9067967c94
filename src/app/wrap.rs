//! Text in rows: broken at blanks, or where it must be.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::log_line::Shown;
use crate::logs::Kind;
use crate::protocol::layout;
use crate::protocol::text::{TextStyle, clean_line};

/// A line of the log with all its lines: JSON indented, an exception with all its frames, anything else
/// as it is.
#[must_use]
pub(super) fn whole_lines(line: &Shown) -> Vec<String> {
    let text = &line.text.text;
    match line.kind {
        Kind::Message => indented(text),
        Kind::Exception => line.whole.iter().map(ToString::to_string).collect(),
        _ => match text.find(['{', '[']).map(|at| text.split_at(at)) {
            Some((before, json)) if is_json(json) => {
                let before = Some(before.trim_end()).filter(|before| !before.is_empty());
                before.map(ToOwned::to_owned).into_iter().chain(indented(json)).collect()
            }
            _ => vec![text.to_string()],
        },
    }
}

/// JSON indented; a text of several lines, such as a stack trace, as lines below its key.
fn indented(json: &str) -> Vec<String> {
    layout::indented(json)
        .into_iter()
        .flat_map(|line| unfolded(&line).unwrap_or(vec![line]))
        .collect()
}

/// The lines of a line of indented JSON whose value is a text of several; `None` of any other.
fn unfolded(line: &str) -> Option<Vec<String>> {
    let body = line.trim_start_matches(' ');
    if !body.starts_with('"') || !body.contains("\\n") {
        return None;
    }
    let blanks = line.len() - body.len();
    let mut texts = serde_json::Deserializer::from_str(body).into_iter::<String>();
    let mut value = texts.next()?.ok()?;
    let mut head = String::new();
    if let Some(rest) = body.get(texts.byte_offset()..)?.strip_prefix(": ") {
        head = format!("{}:", body.strip_suffix(rest)?.trim_end_matches(": "));
        value = serde_json::Deserializer::from_str(rest).into_iter::<String>().next()?.ok()?;
    }
    let value = value.trim_end_matches('\n');
    if !value.contains('\n') {
        return None;
    }
    let indent = " ".repeat(blanks);
    let clean = |text: &str| clean_line(text, &mut TextStyle::default()).text;
    let lines = value.split('\n').map(|text| format!("{indent}  {}", clean(text)));
    let head = (!head.is_empty()).then(|| format!("{indent}{head}"));
    Some(head.into_iter().chain(lines).collect())
}

/// Whether a text is a JSON object or array, such as many apps log.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Breaks a line where it must be broken; what goes on stands as far in as the line itself.
pub(super) fn folded(line: &str, columns: usize) -> Vec<String> {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    let indent = " ".repeat(blanks.min(columns / 2));
    let mut rows = Vec::new();
    let mut row = indent.clone();
    let mut used = indent.len();
    for cluster in line.get(blanks..).unwrap_or_default().graphemes(true) {
        let width = cluster.width();
        if used + width > columns && used > indent.len() {
            rows.push(std::mem::replace(&mut row, indent.clone()));
            used = indent.len();
        }
        row.push_str(cluster);
        used += width;
    }
    rows.push(row);
    rows
}

/// Cuts a row behind the last folder of a path, where that leaves more than half of it; gives what is cut
/// off.
fn behind_folder(row: &mut String, columns: usize) -> String {
    let folder = row.rfind('/').map(|at| at + 1);
    let is_far = |at: &usize| row.get(..*at).is_some_and(|kept| kept.width() * 2 > columns);
    folder.filter(is_far).map(|at| row.split_off(at)).unwrap_or_default()
}

/// Takes a number off the end of a row whose unit would go to the next.
fn before_unit(row: &mut String, word: &str) -> String {
    let unit = word.trim_end_matches(',');
    let at = row.rfind(' ').filter(|_| matches!(unit, "B" | "KiB" | "MiB" | "GiB"));
    let is_number = |at: &usize| {
        row.get(at + 1..).is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()))
    };
    let Some(at) = at.filter(is_number) else { return String::new() };
    let number = row.split_off(at + 1);
    row.truncate(at);
    number
}

/// Breaks text into lines of at most so many columns, at spaces where there are some; a longer
/// word is broken where it must, a path behind a folder; an amount of bytes stays whole. Nothing but
/// spaces is lost.
#[must_use]
pub fn wrap(text: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns.max(2));
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let width = word.width();
        if used > 0 && used + 1 + width > columns {
            let rest = before_unit(&mut line, word);
            used = rest.width();
            lines.push(std::mem::replace(&mut line, rest));
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for cluster in word.graphemes(true) {
            let width = cluster.width();
            if used + width > columns {
                let rest = behind_folder(&mut line, columns);
                used = rest.width();
                lines.push(std::mem::replace(&mut line, rest));
            }
            line.push_str(cluster);
            used += width;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_lines_stands_below_its_key() {
        let json = r#"{"level":50,"err":{"a: \"b":"x","stack":"Error: no \"x\"\n    at f (a.js:1:1)\u001b[2J\n    at g (b.js:2:2)\n"},"list":["a\nb"],"one":"x\\n"}"#;
        let wanted = r#"{
  "level": 50,
  "err": {
    "a: \"b": "x",
    "stack":
      Error: no "x"
          at f (a.js:1:1)
          at g (b.js:2:2)
  },
  "list": [
      a
      b
  ],
  "one": "x\\n"
}"#;
        assert_eq!(indented(json).join("\n"), wanted);
    }

    #[test]
    fn a_long_path_breaks_behind_a_folder() {
        let path = "/home/deploy/.pm2/logs/api-out-3.log, 12.0 KiB";
        assert_eq!(wrap(path, 30), ["/home/deploy/.pm2/logs/", "api-out-3.log, 12.0 KiB"]);
        assert_eq!(
            wrap("/a/aaaaaaaaaaaaaaaaaaaaaaaaaaaa", 12),
            ["/a/aaaaaaaaa", "aaaaaaaaaaaa", "aaaaaaa"]
        );
        assert_eq!(wrap("of api-out.log, 0 B, new", 17), ["of api-out.log,", "0 B, new"]);
        assert_eq!(wrap("a line of 12 bytes", 12), ["a line of 12", "bytes"]);
        assert_eq!(wrap("see //////////", 5), ["see", "/////", "/////"]);
    }
}
