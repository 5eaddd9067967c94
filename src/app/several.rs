//! The question before something is done to several processes, or to a daemon: it names them all.
//!
//! Invariant: what the question names is what is acted on, whatever the table shows by then; what is
//! not there any more closes it.

use super::editor::Editor;
use super::geometry::wrap;
use super::marks::Marked;
use super::what::What;
use crate::model::watched::Watched;

/// What is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Several {
    /// What will be done.
    pub what: What,
    /// To which processes, as they were when they were chosen.
    pub marked: Marked,
    /// The word that has to be typed, where `y` is not enough.
    pub word: Option<&'static str>,
    /// What is typed of it.
    pub input: Editor,
    /// First line shown.
    pub top: usize,
}

/// What a line of the question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Which of the processes are not shown.
    Hidden,
    /// What will be done to an app.
    Act,
    /// How.
    Manner,
}

impl Several {
    /// Its lines in so many columns: every process is named in those of [`Kind::Act`].
    #[must_use]
    pub fn lines(&self, watched: &Watched, columns: u16) -> Vec<(Kind, String)> {
        let mut lines = Vec::new();
        let mut say = |kind, text: &str| {
            lines.extend(wrap(text, columns).into_iter().map(|line| (kind, line)));
        };
        let Marked { targets, hidden, .. } = &self.marked;
        if *hidden > 0 {
            let labels = targets.iter().take(*hidden).map(|(_, target)| target.label());
            let labels = labels.collect::<Vec<_>>().join(", ");
            let are = if *hidden == 1 { "is" } else { "are" };
            let all = targets.len();
            say(Kind::Hidden, &format!("{hidden} of the {all} {are} not shown now: {labels}"));
        }
        if let Some(part) = self.marked.part_words() {
            say(Kind::Hidden, &part);
        }
        for sentence in self.what.sentences(watched, &self.marked) {
            say(Kind::Act, &sentence);
        }
        if let Some(manner) = self.what.manner(&self.marked) {
            say(Kind::Manner, &manner);
        }
        lines
    }

    /// Whether the word that is wanted is typed.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.word.is_none_or(|word| self.input.text().trim() == word)
    }
}
