//! A line of text being typed.
//!
//! Invariant: the cursor stands between two characters as the eye sees them (grapheme clusters);
//! no control character gets in; the text has at most [`BYTES_MAX`] bytes.

use unicode_segmentation::UnicodeSegmentation;

/// The longest line, bytes; what is typed beyond it is not taken.
pub const BYTES_MAX: usize = 8 * 1024;

/// What an editing key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Deletes the character before the cursor.
    Backspace,
    /// Deletes the character after the cursor.
    Delete,
    /// Deletes the word before the cursor.
    DeleteWord,
    /// Deletes all before the cursor.
    DeleteToStart,
    /// One character to the left.
    Left,
    /// One character to the right.
    Right,
    /// To the start.
    Start,
    /// To the end.
    End,
}

/// A line and the cursor in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Editor {
    before: String,
    after: String,
}

impl Editor {
    /// A line with the cursor at its end; what is too long is cut.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut editor = Self::default();
        for c in text.chars() {
            editor.insert(c);
        }
        editor
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// The text before the cursor.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The text after the cursor.
    #[must_use]
    pub fn after(&self) -> &str {
        &self.after
    }

    /// Types a character.
    pub fn insert(&mut self, c: char) {
        let bytes = self.before.len() + self.after.len() + c.len_utf8();
        if !c.is_control() && bytes <= BYTES_MAX {
            self.before.push(c);
        }
    }

    /// Does what an editing key does.
    pub fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Backspace => {
                self.take_last();
            }
            Edit::Delete => {
                self.take_first();
            }
            Edit::DeleteWord => {
                let kept = self.before.trim_end();
                let start = kept.rfind(char::is_whitespace).map_or(0, |space| {
                    space
                        + kept.get(space..).and_then(|c| c.chars().next()).map_or(0, char::len_utf8)
                });
                self.before.truncate(start);
            }
            Edit::DeleteToStart => self.before.clear(),
            Edit::Left => {
                let last = self.take_last();
                self.after.insert_str(0, &last);
            }
            Edit::Right => {
                let first = self.take_first();
                self.before.push_str(&first);
            }
            Edit::Start => {
                self.before.push_str(&self.after);
                self.after = std::mem::take(&mut self.before);
            }
            Edit::End => self.before.push_str(&std::mem::take(&mut self.after)),
        }
    }

    fn take_last(&mut self) -> String {
        let last = self.before.grapheme_indices(true).next_back().map_or(0, |(start, _)| start);
        self.before.split_off(last)
    }

    fn take_first(&mut self) -> String {
        let end = self.after.graphemes(true).next().map_or(0, str::len);
        let rest = self.after.split_off(end);
        std::mem::replace(&mut self.after, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, edits: &[Edit]) -> (String, String) {
        let mut editor = Editor::new(text);
        for edit in edits {
            editor.edit(*edit);
        }
        (editor.before().to_owned(), editor.after().to_owned())
    }

    fn is(before: &str, after: &str) -> (String, String) {
        (before.to_owned(), after.to_owned())
    }

    #[test]
    fn keys_edit_whole_characters() {
        let family = "a👩‍👩‍👧e\u{301}";
        assert_eq!(after(family, &[Edit::Backspace]), is("a👩‍👩‍👧", ""));
        assert_eq!(after(family, &[Edit::Left, Edit::Left]), is("a", "👩‍👩‍👧e\u{301}"));
        assert_eq!(after(family, &[Edit::Left, Edit::Left, Edit::Delete]), is("a", "e\u{301}"));
        assert_eq!(after(family, &[Edit::Start, Edit::Right]), is("a", "👩‍👩‍👧e\u{301}"));
        assert_eq!(
            after("", &[Edit::Backspace, Edit::Delete, Edit::Left, Edit::Right]),
            is("", "")
        );
    }

    #[test]
    fn words_and_ends() {
        assert_eq!(after("one two  ", &[Edit::DeleteWord]), is("one ", ""));
        assert_eq!(after("one", &[Edit::DeleteWord]), is("", ""));
        assert_eq!(after("one\u{3000}two", &[Edit::DeleteWord]), is("one\u{3000}", ""));
        assert_eq!(after("one two", &[Edit::Left, Edit::DeleteToStart]), is("", "o"));
        assert_eq!(after("abc", &[Edit::Start, Edit::End, Edit::Left]), is("ab", "c"));
    }

    #[test]
    fn nothing_foul_and_nothing_too_long_gets_in() {
        let mut editor = Editor::new("a\u{1b}[2J\r\nb");
        assert_eq!(editor.text(), "a[2Jb");
        for _ in 0..10_000 {
            editor.insert('漢');
        }
        assert!(editor.text().len() <= BYTES_MAX);
    }
}
