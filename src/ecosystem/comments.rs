//! JSON with comments, as PM2 takes it (it evaluates the file as JavaScript).
//!
//! Invariant: the copy has every character that is left in the place where it was, so that the
//! lines and columns of errors are the file's own.

/// A copy with blanks in place of comments, and of a comma before a closing bracket.
pub(super) fn blank(content: &str) -> String {
    let mut copy = String::with_capacity(content.len());
    let mut rest = content.chars().peekable();
    // Where a comma stands after which nothing but blanks came.
    let mut comma = None;
    while let Some(letter) = rest.next() {
        match (letter, rest.peek()) {
            ('/', Some('/')) => {
                copy.push(' ');
                while let Some(letter) = rest.next_if(|letter| *letter != '\n') {
                    blank_out(&mut copy, letter);
                }
            }
            ('/', Some('*')) => {
                copy.push(' ');
                let mut before = ' ';
                for (index, letter) in rest.by_ref().enumerate() {
                    blank_out(&mut copy, letter);
                    if index > 0 && before == '*' && letter == '/' {
                        break;
                    }
                    // The star that opens does not close.
                    before = if index == 0 { ' ' } else { letter };
                }
            }
            ('"', _) => {
                comma = None;
                copy.push('"');
                let mut is_escaped = false;
                for letter in rest.by_ref() {
                    copy.push(letter);
                    if letter == '"' && !is_escaped {
                        break;
                    }
                    is_escaped = letter == '\\' && !is_escaped;
                }
            }
            (',', _) => {
                comma = Some(copy.len());
                copy.push(',');
            }
            (']' | '}', _) => {
                if let Some(at) = comma.take() {
                    copy.replace_range(at..=at, " ");
                }
                copy.push(letter);
            }
            _ => {
                if !letter.is_whitespace() {
                    comma = None;
                }
                copy.push(letter);
            }
        }
    }
    copy
}

/// As many bytes of blanks as the letter has: `serde_json` counts columns in bytes.
fn blank_out(copy: &mut String, letter: char) {
    if letter == '\n' {
        copy.push('\n');
    } else {
        copy.extend(std::iter::repeat_n(' ', letter.len_utf8()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_become_blanks() {
        for (content, blanked) in [
            ("[1, 2]", "[1, 2]"),
            ("[1, // one\n2]", "[1,       \n2]"),
            ("[1, /* two\nlines */ 2,]", "[1,       \n         2 ]"),
            ("/*/ not over */1", "               1"),
            ("/***/1", "     1"),
            (r#"{"a": "// no /* no */ \" ,]",}"#, r#"{"a": "// no /* no */ \" ,]" }"#),
            ("[1, /* é */\n]", "[1          \n]"),
            ("[,1]", "[,1]"),
            ("[1,,]", "[1, ]"),
            ("/* open", "       "),
            ("\"open", "\"open"),
            ("1 / 2", "1 / 2"),
        ] {
            assert_eq!(blank(content), blanked, "{content}");
        }
    }
}
