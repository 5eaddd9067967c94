//! Which line of standard error says why a process ended.

use super::cause::is_error_line;
use super::stamp::without_stamp;

/// How much a line says of why. The last one of those that say most is the one that tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// A frame of a stack, a brace, or the version line that Node.js ends with.
    Nothing,
    /// Words.
    Words,
    /// The head of an exception: it says more than what is printed behind it.
    Exception,
    /// V8 says why it ends the process: native frames stand behind that.
    Fatal,
}

/// Whether a line of standard error tells a person why it ended as well as the one before that did, if there
/// was one, or better.
#[must_use]
pub fn says_more(line: &str, before: Option<&str>) -> bool {
    let weight = weight(line);
    weight > Weight::Nothing && before.is_none_or(|before| weight >= self::weight(before))
}

/// The same of one that came behind the end, where one before it is better.
pub(super) fn says_better(line: &str, before: Option<&str>) -> bool {
    let weight = weight(line);
    weight > Weight::Nothing && before.is_none_or(|before| weight > self::weight(before))
}

/// The line of these that tells why.
pub(super) fn telling<'a>(lines: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    lines.fold(None, |told, line| if says_more(line, told) { Some(line) } else { told })
}

fn weight(line: &str) -> Weight {
    let line = without_stamp(line).trim();
    if line.starts_with("FATAL ERROR: ") || says_heap_is_full(line) {
        Weight::Fatal
    } else if is_error_line(line) {
        Weight::Exception
    } else if says_something(line) {
        Weight::Words
    } else {
        Weight::Nothing
    }
}

fn says_something(line: &str) -> bool {
    let is_frame = line.starts_with("at ") || line.starts_with("node:") || is_native_frame(line);
    // Of V8: `----- Native stack trace -----`, `<--- Last few GCs --->`.
    let is_title = line.starts_with("-----") || line.starts_with("<---");
    let is_version = line.starts_with("Node.js v");
    let is_aside = is_frame || is_title || is_version || is_detail(line);
    line.chars().any(char::is_alphanumeric) && !is_aside
}

/// `9: 0x195e476  [node ..]`.
fn is_native_frame(line: &str) -> bool {
    line.split_once(": 0x").is_some_and(|(number, _)| number.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a line is a property of an error, as Node.js prints them behind the stack:
/// `code: 'ENOENT',`.
fn is_detail(line: &str) -> bool {
    const PROPERTIES: [&str; 9] = [
        "errno:",
        "code:",
        "syscall:",
        "address:",
        "port:",
        "path:",
        "requireStack:",
        "dest:",
        "cause:",
    ];
    PROPERTIES.iter().any(|property| line.starts_with(property))
}

/// Whether V8 says that its heap is full.
pub(in crate::model) fn says_heap_is_full(line: &str) -> bool {
    line.contains("Reached heap limit") || line.contains("JavaScript heap out of memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_those_that_say_why() {
        for line in ["Error: bad config", "app: cannot bind", "Killed", "2: 0 errors"] {
            assert!(says_more(line, None), "{line}");
        }
        for line in [
            "",
            "  }",
            "    at main (x.js:1:1)",
            "Node.js v20.20.2",
            "  code: 'X',",
            "node:internal/x:1",
            "^",
            "2026-11-28T03:12:00: ",
            "----- Native stack trace -----",
            " 9: 0x195e476  [node /srv/a.js]",
        ] {
            assert!(!says_more(line, None), "{line}");
        }
    }

    /// V8 prints the native stack behind it.
    #[test]
    fn a_full_heap_says_more_than_what_is_printed_behind_it() {
        let fatal =
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";
        let lines = [
            "Error: on the way",
            "<--- Last few GCs --->",
            "[42:0x1f9b000]      310 ms: Mark-Compact 38.9 (40.6) -> 38.6 (41.3) MB",
            "<--- JS stacktrace --->",
            fatal,
            "----- Native stack trace -----",
            " 1: 0xe36196 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]",
            " 9: 0x195e476  [node]",
            "Aborted",
        ];
        assert_eq!(telling(lines.into_iter()), Some(fatal));
        assert_eq!(telling(["a", "TypeError: x", "bye"].into_iter()), Some("TypeError: x"));
        assert_eq!(telling(["a", "b"].into_iter()), Some("b"));
        assert!(!says_better("b", Some("a")) && says_better("TypeError: x", Some("a")));
    }
}
