//! What the details ask for, and the search: in the names of the environment, or in the raw JSON.

use serde_json::Value as Json;

use super::{Examined, Sheet, Tab};
use crate::app::editor::Editor;
use crate::app::prompt::parameters;
use crate::model::Target;
use crate::model::trigger::Reply;
use crate::model::watched::Watched;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// What to search the tab in front for.
    Search(Editor),
    /// With which parameters an action is triggered, and where.
    Trigger(Ready),
    /// Whether the value of this variable is to be copied.
    Copy(Box<str>),
}

/// An action that is about to be triggered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its name, as it is declared.
    pub action: Box<str>,
    /// Whether it says that it takes parameters.
    pub takes_parameters: bool,
    /// Whether it is triggered in all instances of the app.
    pub is_to_all: bool,
    /// The parameters: JSON or text.
    pub input: Editor,
}

impl Ready {
    /// What the action gets; `None` for nothing.
    ///
    /// # Errors
    /// Why that is no JSON.
    pub fn params(&self) -> Result<Option<Json>, String> {
        let typed = self.input.text();
        let typed = typed.trim();
        if typed.is_empty() {
            return Ok(None);
        }
        parameters(typed).map(Some)
    }
}

/// What came of an action in one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The action's name.
    pub action: Box<str>,
    /// In which process.
    pub target: Target,
    /// What it replied; `None` while that is waited for.
    pub reply: Option<Reply>,
}

impl Prompt {
    /// The line that is typed into, if there is one.
    pub(in crate::app) fn input(&mut self) -> Option<&mut Editor> {
        match self {
            Self::Search(input) => Some(input),
            Self::Trigger(ready) => Some(&mut ready.input),
            Self::Copy(_) => None,
        }
    }
}

/// A search in the environment, by its names alone, or in the raw JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Which of the two.
    pub tab: Tab,
    /// What is searched for. Its case counts where it has an upper case letter.
    pub text: String,
    /// The line, or the variable, that is the hit.
    pub at: Option<usize>,
}

impl Search {
    /// A search for this in a tab.
    pub(in crate::app) fn new(tab: Tab, text: String) -> Self {
        Self { tab, text, at: None }
    }

    /// Where in a line it is first found: the bytes.
    #[must_use]
    pub fn find(&self, line: &str) -> Option<std::ops::Range<usize>> {
        if self.text.is_empty() {
            return None;
        }
        let has_case = self.text.chars().any(char::is_uppercase);
        // Only ASCII is folded: so the bytes stay where they are.
        let at = if has_case {
            line.find(&self.text)
        } else {
            line.to_ascii_lowercase().find(&self.text.to_ascii_lowercase())
        }?;
        Some(at..at + self.text.len())
    }

    /// The lines, or the variables, that have it. A value is never looked into: most are masked.
    #[must_use]
    pub fn hits(&self, examined: &Examined) -> Vec<usize> {
        let has = |line: &str| self.find(line).is_some();
        if self.tab == Tab::Environment {
            let names = examined.details.environment.iter().enumerate();
            return names.filter(|(_, variable)| has(&variable.name)).map(|(at, _)| at).collect();
        }
        let lines = examined.raw.iter().enumerate();
        lines.filter(|(_, line)| has(line)).map(|(at, _)| at).collect()
    }
}

impl Sheet {
    /// The line of the raw JSON that is chosen, from 0.
    #[must_use]
    pub fn raw_line(&self) -> Option<usize> {
        let examined = self.examined.as_ref()?;
        let shown = examined.folds.shown(&examined.raw);
        Some(shown.get(self.place().min(shown.len().checked_sub(1)?))?.line)
    }

    /// Folds or unfolds what is chosen in the raw JSON.
    pub(in crate::app) fn fold(&mut self) {
        let Some(line) = self.raw_line() else { return };
        let Some(examined) = &mut self.examined else { return };
        let Some(line) = examined.folds.toggle(&examined.raw, line) else { return };
        let shown = examined.folds.shown(&examined.raw);
        if let Some(place) = shown.iter().position(|shown| shown.line == line) {
            self.set_place(place);
        }
    }

    /// The instances of the app, with the one that the details are of.
    #[must_use]
    pub fn instances(&self, watched: &Watched) -> Vec<Target> {
        let Some(process) = watched.fleet.get(self.key()) else { return Vec::new() };
        let god = watched.daemon(self.daemon).and_then(|daemon| daemon.god);
        let sisters = watched.fleet.sisters(self.key(), &process.info);
        sisters.map(|(_, process)| process.target(god)).collect()
    }

    /// The search of the tab in front.
    #[must_use]
    pub fn search_here(&self) -> Option<&Search> {
        self.search.as_ref().filter(|search| search.tab == self.tab)
    }

    /// Goes to the next hit after the line `from`, or the one before it, round the end; what hides it
    /// unfolds.
    pub(in crate::app) fn go_to_hit(&mut self, from: usize, is_back: bool, includes: bool) {
        let Some(examined) = &mut self.examined else { return };
        let tab = self.tab;
        let Some(search) = self.search.as_mut().filter(|search| search.tab == tab) else { return };
        let hits = search.hits(examined);
        let found = if is_back {
            hits.iter().rev().find(|at| **at < from).or(hits.last())
        } else {
            hits.iter().find(|at| **at > from || (includes && **at == from)).or(hits.first())
        };
        search.at = found.copied();
        let Some(at) = found.copied() else { return };
        if tab == Tab::Environment {
            self.set_place(at);
        } else {
            examined.folds.reveal(&examined.raw, at);
            let shown = examined.folds.shown(&examined.raw);
            let place = shown.iter().position(|shown| shown.line == at);
            self.set_place(place.unwrap_or(at));
        }
    }
}
