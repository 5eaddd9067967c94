//! Which line of standard error says why a process ended.

/// Whether a line of standard error tells a person why: not a frame of a stack, a brace or the
/// version line that Node.js ends with.
#[must_use]
pub fn says_something(line: &str) -> bool {
    let line = line.trim();
    let is_frame = line.starts_with("at ") || line.starts_with("node:");
    let is_version = line.starts_with("Node.js v");
    line.chars().any(char::is_alphanumeric) && !is_frame && !is_version && !is_detail(line)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_those_that_say_why() {
        for line in ["Error: bad config", "app: cannot bind", "Killed"] {
            assert!(says_something(line), "{line}");
        }
        for line in [
            "",
            "  }",
            "    at main (x.js:1:1)",
            "Node.js v20.20.2",
            "  code: 'X',",
            "node:internal/x:1",
            "^",
        ] {
            assert!(!says_something(line), "{line}");
        }
    }
}
