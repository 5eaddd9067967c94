//! Foreign text as a word of a command that a person may copy into a shell.
//!
//! Invariant: a shell reads the word as one argument that is the text, whatever stands in it: nothing
//! in it is expanded, split or run.

use std::borrow::Cow;

use super::text::clean;

/// The text, cleaned, and quoted where a shell would read it otherwise: `api`, `'my app'`, `'$(x)'`.
///
/// ```
/// use pm2_tui::protocol::shell::word;
///
/// assert_eq!(format!("pm2 restart {}", word("my app")), "pm2 restart 'my app'");
/// ```
#[must_use]
pub fn word(text: &str) -> Cow<'_, str> {
    match clean(text) {
        Cow::Borrowed(text) => quoted(text),
        Cow::Owned(text) => Cow::Owned(quoted(&text).into_owned()),
    }
}

fn quoted(text: &str) -> Cow<'_, str> {
    // Only a NUL cannot be quoted, and cleaning leaves none.
    shlex::try_quote(text).unwrap_or(Cow::Borrowed("''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_words_stay_as_they_are() {
        for plain in ["api", "/home/deploy/.pm2", "id:0", "ns:jobs", "a-b_c.js", "3"] {
            assert_eq!(word(plain), plain);
        }
    }

    #[test]
    fn a_shell_reads_the_text_and_runs_nothing() {
        for text in [
            "my app",
            "$(touch /tmp/x)",
            "`id`",
            "a'b",
            "a\"b",
            "a;b",
            "a&b",
            "a|b>c",
            "*",
            "~",
            "#a",
            "!!",
            "$HOME",
            "a\\b",
            "",
            "日本",
        ] {
            let echo = format!("printf %s {}", word(text));
            let ran = std::process::Command::new("sh").args(["-c", &echo]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&ran.stdout), text, "{echo}");
            assert!(ran.status.success() && ran.stderr.is_empty(), "{echo}");
        }
    }

    proptest! {
        #[test]
        fn it_is_one_word_again(text in ".{0,40}") {
            let wanted = clean(&text).into_owned();
            prop_assert_eq!(shlex::split(&word(&text)), Some(vec![wanted]));
        }
    }
}
