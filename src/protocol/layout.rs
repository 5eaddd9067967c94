//! JSON text laid out anew: on one line, or indented.
//!
//! Invariant: only white space between values changes: keys keep their order and numbers their
//! spelling. Nothing is parsed, so that text which was cut, or is no JSON, is laid out as far as
//! it goes.

/// Deeper values are not indented further, so that a megabyte of brackets stays a megabyte.
const DEPTH_MAX: usize = 24;
/// Blanks for each level.
const INDENT: &str = "  ";

/// Where in a JSON text a character stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    InString,
    AfterBackslash,
}

impl Place {
    /// Where the next character stands.
    fn after(self, c: char) -> Self {
        match (self, c) {
            (Self::InString, '"') => Self::Between,
            (Self::InString, '\\') => Self::AfterBackslash,
            (Self::Between, '"') | (Self::AfterBackslash, _) => Self::InString,
            (place, _) => place,
        }
    }
}

/// The text without white space between values, of at most about so many bytes; what is longer
/// ends with an ellipsis.
#[must_use]
pub fn compact(json: &str, bytes_max: usize) -> String {
    let mut line = String::with_capacity(json.len().min(bytes_max));
    let mut place = Place::Between;
    for c in json.chars() {
        if place == Place::Between && c.is_ascii_whitespace() {
            continue;
        }
        if line.len() + c.len_utf8() > bytes_max {
            line.push('…');
            break;
        }
        line.push(c);
        place = place.after(c);
    }
    line
}

/// The text as lines, a value to each, indented by how deep it stands.
#[must_use]
pub fn indented(json: &str) -> Vec<String> {
    laid_out(json, DEPTH_MAX)
}

/// The text as `JSON.stringify(value, '', 2)` writes it, however deep it is.
#[must_use]
pub fn stringified(json: &str) -> String {
    laid_out(json, usize::MAX).join("\n")
}

fn laid_out(json: &str, depth_max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut depth: usize = 0;
    let mut place = Place::Between;
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        let is_between = place == Place::Between;
        place = place.after(c);
        if !is_between {
            line.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                line.push(c);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    line.push(close);
                } else {
                    depth += 1;
                    end(&mut lines, &mut line, depth.min(depth_max));
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                end(&mut lines, &mut line, depth.min(depth_max));
                line.push(c);
            }
            ',' => {
                line.push(c);
                end(&mut lines, &mut line, depth.min(depth_max));
            }
            ':' => line.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => line.push(c),
        }
    }
    if !line.trim().is_empty() {
        lines.push(line);
    }
    lines
}

/// Ends a line and begins the next one, indented.
fn end(lines: &mut Vec<String>, line: &mut String, depth: usize) {
    let next = INDENT.repeat(depth);
    let ended = std::mem::replace(line, next);
    if !ended.trim().is_empty() {
        lines.push(ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_keeps_order_strings_and_numbers() {
        let text = "{ \"b\" : [1.50, 2],\n\t\"a\": \"x , \\\" : {\" }";
        assert_eq!(compact(text, 100), r#"{"b":[1.50,2],"a":"x , \" : {"}"#);
        assert_eq!(compact(text, 8), r#"{"b":[1.…"#);
        assert_eq!(compact("\"äöü\"", 4), "\"ä…");
    }

    #[test]
    fn a_value_to_each_line() {
        let text = r#"{"b":[1.50,{}],"a":{"c":"x, {y}: \"","d":[ ]}}"#;
        let lines = indented(text);
        assert_eq!(
            lines,
            [
                "{",
                "  \"b\": [",
                "    1.50,",
                "    {}",
                "  ],",
                "  \"a\": {",
                "    \"c\": \"x, {y}: \\\"\",",
                "    \"d\": []",
                "  }",
                "}"
            ]
        );
        assert_eq!(compact(&lines.concat(), 1000), compact(text, 1000));
    }

    #[test]
    fn what_was_cut_is_laid_out_as_far_as_it_goes() {
        assert_eq!(indented(r#"{"a":[1,"cu…"#), ["{", "  \"a\": [", "    1,", "    \"cu…"]);
        assert_eq!(indented("]]}}"), ["]", "]", "}", "}"]);
        assert_eq!(indented("plain words"), ["plainwords"]);
        let deep = "[".repeat(60_000);
        let bytes: usize = indented(&deep).iter().map(String::len).sum();
        assert!(bytes < 60_000 * 50, "{bytes}");
    }
}
