//! Output that came in whole lines, handed on as the JSON text that it came in.
//!
//! Invariant: what is printed means the same as what [`super::lines`] prints; where that is not certain
//! at a glance, nothing is read here. In a burst nearly all output comes so, and to undo and redo its
//! escapes would be most of the work.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::output;
use super::lines::LINE_BYTES_MAX;
use crate::client::Message;

/// A chunk of whole lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole<'a> {
    /// When, milliseconds since 1970.
    pub(super) at_ms: i64,
    /// The payload before its text, as it is printed.
    pub(super) before: Cow<'a, str>,
    /// The payload after its text, as it is printed.
    pub(super) after: Cow<'a, str>,
    /// The text as JSON without its quotes; all of its lines have ends.
    text: &'a str,
}

#[derive(serde::Deserialize)]
struct Wire<'a> {
    at: i64,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl<'a> Whole<'a> {
    /// `None` for all that is not simple.
    pub(super) fn read(message: &'a Message) -> Option<Self> {
        let json = message.one_line()?;
        let Wire { at: at_ms, data } = serde_json::from_str(json).ok()?;
        let data = data.get();
        let text = data.strip_prefix('"')?.strip_suffix('"')?;
        // Of what follows `\u` this would have to know whether it is a line end.
        let is_simple = text.len() <= LINE_BYTES_MAX && !text.contains("\\u");
        if !is_simple || !ends_line(text) {
            return None;
        }
        let start = data.as_ptr().addr().checked_sub(json.as_ptr().addr())?;
        let (before, after) = (json.get(..start)?, json.get(start + data.len()..)?);
        let [before, after] = [before, after].map(|text| output::escaped(text, false));
        Some(Self { at_ms, before, after, text })
    }

    /// Its lines, each as JSON without quotes.
    pub(super) fn lines(&self) -> impl Iterator<Item = Cow<'a, str>> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            let (line, after) = rest.split_at_checked(line_end(rest)?)?;
            rest = after.get(2..).unwrap_or_default();
            let is_return = line.ends_with('r') && is_escape(line, line.len() - 1);
            let line = if is_return { line.get(..line.len() - 2)? } else { line };
            Some(output::escaped(line, false))
        })
    }
}

/// Where the next escaped line end stands.
fn line_end(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'\\', text.as_bytes().get(from..)?)?;
        if text.as_bytes().get(at + 1) == Some(&b'n') {
            return Some(at);
        }
        from = at + 2;
    }
}

/// Whether the last of the text is an escaped line end.
fn ends_line(text: &str) -> bool {
    text.ends_with('n') && is_escape(text, text.len() - 1)
}

/// Whether the letter at this place is what a backslash before it escapes, rather than one that is
/// escaped itself.
fn is_escape(text: &str, at: usize) -> bool {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn message(payload: &str) -> Message {
        Message::new("log:out".into(), payload.as_bytes().to_vec().into(), 0)
    }

    #[test]
    fn what_is_not_simple_is_not_read() {
        for odd in [
            r#"{"at":1,"data":"no end"}"#,
            r#"{"at":1,"data":"no end\\n"}"#,
            r#"{"at":1,"data":"colour \u001b[1m\n"}"#,
            r#"{"at":1,"data":"half \ud83d\n"}"#,
            r#"{"at":1,"data":{"str":"0.12\n"}}"#,
            r#"{"at":"1","data":"x\n"}"#,
            r#"{"data":"x\n"}"#,
            r#"{"at":1,"at":2,"data":"x\n"}"#,
            "{\"at\":1,\n\"data\":\"x\\n\"}",
            r#"{"at":1,"data":"x\n"} {}"#,
            "",
        ] {
            assert_eq!(Whole::read(&message(odd)), None, "{odd}");
        }
        let long = json!({ "at": 1, "data": "x".repeat(LINE_BYTES_MAX) + "\n" }).to_string();
        assert_eq!(Whole::read(&message(&long)), None);
    }

    #[test]
    fn what_stands_around_the_text_is_escaped() {
        let message =
            message("{\"p\":\"\u{202e}\",\"at\":7,\"data\":\"a\u{9b}b\\r\\n\\n\",\"z\":1}");
        let whole = Whole::read(&message).unwrap();
        assert_eq!(whole.at_ms, 7);
        assert_eq!(
            (&*whole.before, &*whole.after),
            (r#"{"p":"\u202e","at":7,"data":"#, r#","z":1}"#)
        );
        assert_eq!(whole.lines().collect::<Vec<_>>(), [r"a\u009bb", ""]);
    }

    proptest! {
        /// As the lines are that the text has.
        #[test]
        fn lines_are_those_of_the_text(lines in proptest::collection::vec(r#"[a-t"\\nr/é\t ]{0,8}\r?"#, 1..6)) {
            let text = lines.concat().replace('\r', "") + &lines.join("\n") + "\n";
            let payload = json!({ "at": 1, "data": text }).to_string();
            let message = message(&payload);
            let whole = Whole::read(&message).expect("simple");
            let read: Vec<String> = whole
                .lines()
                .map(|line| serde_json::from_str(&format!("\"{line}\"")).unwrap())
                .collect();
            let wanted: Vec<&str> = text
                .split_terminator('\n')
                .map(|line| line.strip_suffix('\r').unwrap_or(line))
                .collect();
            prop_assert_eq!(read, wanted);
        }
    }
}
