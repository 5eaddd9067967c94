//! Text being typed: a line, or lines where the text may have them.
//!
//! Invariant: the cursor stands between two characters as the eye sees them (grapheme clusters);
//! no control character gets in, but for line feeds and tabs where they are kept; the text has at
//! most [`BYTES_MAX`] bytes.

use unicode_segmentation::UnicodeSegmentation;

/// The longest text, bytes; what is typed beyond it is not taken.
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

/// What becomes of a line break or a tab that is pasted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Breaks {
    /// A space: there is only one line.
    #[default]
    Spaces,
    /// The text is JSON: within a string it is written as `\n` or `\t`, elsewhere it is kept.
    Json,
    /// The text is JSON if it begins with `{` or `[`, and is else kept as it is.
    JsonOrText,
    /// The same of what stands behind a name.
    JsonBehind,
}

/// Text and the cursor in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Editor {
    before: String,
    after: String,
    breaks: Breaks,
    is_selected: bool,
}

impl Editor {
    /// A line with the cursor at its end; what is too long is cut.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self::with(text, Breaks::Spaces)
    }

    /// The same, with a say about line breaks.
    #[must_use]
    pub fn with(text: &str, breaks: Breaks) -> Self {
        let mut editor = Self { breaks, ..Self::default() };
        editor.fill(text);
        editor
    }

    /// A line that is selected: what is typed or pasted next replaces it, an editing key edits it.
    #[must_use]
    pub fn selected(text: &str) -> Self {
        let editor = Self::new(text);
        Self { is_selected: !editor.before.is_empty(), ..editor }
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

    /// Whether what is typed or pasted next replaces the text.
    #[must_use]
    pub fn is_selected(&self) -> bool {
        self.is_selected
    }

    /// Types a character. False where it does not fit.
    pub fn insert(&mut self, c: char) -> bool {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            return true;
        }
        if std::mem::take(&mut self.is_selected) {
            self.before.clear();
            self.after.clear();
        }
        if self.before.len() + self.after.len() >= BYTES_MAX {
            return false;
        }
        let mut bytes = [0; 4];
        let text = match (c, self.breaks) {
            ('\n' | '\t', Breaks::Spaces) => " ",
            ('\n', _) if self.is_in_json_string() => "\\n",
            ('\t', _) if self.is_in_json_string() => "\\t",
            (c, _) => c.encode_utf8(&mut bytes),
        };
        let fits = self.before.len() + self.after.len() + text.len() <= BYTES_MAX;
        if fits {
            self.before.push_str(text);
        }
        fits
    }

    /// Inserts text, whatever its line breaks are made of, whole or not at all: half of what was pasted is
    /// another text. False where it does not fit.
    pub fn paste(&mut self, text: &str) -> bool {
        let mut whole = self.clone();
        let fits = whole.fill(text);
        if fits {
            *self = whole;
        }
        fits
    }

    /// Inserts what fits of a text; false where some does not.
    fn fill(&mut self, text: &str) -> bool {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let fits = match c {
                '\r' if chars.peek() == Some(&'\n') => true,
                '\r' => self.insert('\n'),
                c => self.insert(c),
            };
            if !fits {
                return false;
            }
        }
        true
    }

    /// Whether the cursor stands in a string of JSON.
    fn is_in_json_string(&self) -> bool {
        let is_json = match self.breaks {
            Breaks::Json => true,
            Breaks::JsonOrText => self.before.trim_start().starts_with(['{', '[']),
            Breaks::JsonBehind => {
                let behind = self.before.find(['{', '[', '"']).and_then(|at| self.before.get(..at));
                behind.is_some_and(|name| name.ends_with(char::is_whitespace))
            }
            Breaks::Spaces => false,
        };
        let (mut is_inside, mut is_escaped) = (false, false);
        for byte in self.before.bytes() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = is_inside,
                b'"' => is_inside = !is_inside,
                _ => {}
            }
        }
        is_json && is_inside
    }

    /// Does what an editing key does.
    pub fn edit(&mut self, edit: Edit) {
        self.is_selected = false;
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
        assert_eq!(editor.text(), "a[2J b");
        for _ in 0..10_000 {
            editor.insert('漢');
        }
        assert!(editor.text().len() <= BYTES_MAX);
        let breaks = Editor::with(&"\n".repeat(100_000), Breaks::Json);
        assert_eq!(breaks.text().len(), BYTES_MAX);
        // What is pasted is taken whole or not at all.
        let mut editor = Editor::new("{");
        assert!(!editor.paste(&"x".repeat(BYTES_MAX)) && editor.text() == "{");
        assert!(editor.paste(&"x".repeat(BYTES_MAX - 1)) && !editor.insert('x'));
    }

    #[test]
    fn line_breaks_are_kept_where_the_text_may_have_them() {
        let pasted = "one\r\ntwo\rthree\n\tfour\u{7}";
        let text = |breaks| Editor::with(pasted, breaks).text();
        assert_eq!(text(Breaks::Spaces), "one two three  four");
        assert_eq!(text(Breaks::JsonOrText), "one\ntwo\nthree\n\tfour");
        assert_eq!(text(Breaks::Json), "one\ntwo\nthree\n\tfour");
    }

    #[test]
    fn a_break_in_a_string_of_json_is_written_as_json_has_it() {
        for breaks in [Breaks::Json, Breaks::JsonOrText] {
            let editor = Editor::with("{\n\t\"a\\\"\": \"x\ty\nz\",\n\"b\": 1}", breaks);
            assert_eq!(editor.text(), "{\n\t\"a\\\"\": \"x\\ty\\nz\",\n\"b\": 1}");
            assert!(serde_json::from_str::<serde_json::Value>(&editor.text()).is_ok());
        }
        // What is no JSON keeps its quotes and its lines.
        let editor = Editor::with("say \"one\ntwo\"", Breaks::JsonOrText);
        assert_eq!(editor.text(), "say \"one\ntwo\"");
        // Of the parameters of an action, behind its name.
        let editor = Editor::with("gc {\n\"a\": \"x\ny\"}", Breaks::JsonBehind);
        assert_eq!(editor.text(), "gc {\n\"a\": \"x\\ny\"}");
        assert_eq!(
            Editor::with("say \"\none\ntwo", Breaks::JsonBehind).text(),
            "say \"\\none\\ntwo"
        );
        assert_eq!(Editor::with("say one\ntwo", Breaks::JsonBehind).text(), "say one\ntwo");
        // Into the middle, as of a line for standard input.
        let mut editor = Editor::with(r#"{"pm_id":3,"line":""}"#, Breaks::Json);
        editor.edit(Edit::Left);
        editor.edit(Edit::Left);
        editor.paste("first\nsecond");
        assert_eq!(editor.text(), r#"{"pm_id":3,"line":"first\nsecond"}"#);
    }

    #[test]
    fn what_is_selected_is_replaced_by_text_and_edited_by_keys() {
        let typed = |edits: &[Edit], text: &str| {
            let mut editor = Editor::selected("app:web");
            for edit in edits {
                editor.edit(*edit);
            }
            editor.paste(text);
            editor.text()
        };
        assert_eq!(typed(&[], "x"), "x");
        assert_eq!(typed(&[], "two words"), "two words");
        assert_eq!(typed(&[], "\u{7}"), "app:web", "nothing was typed");
        assert_eq!(typed(&[Edit::Backspace], "x"), "app:wex");
        assert_eq!(typed(&[Edit::End], " 1"), "app:web 1");
        assert_eq!(typed(&[Edit::Start], "x"), "xapp:web");
        assert!(!Editor::selected("").is_selected());
    }
}
