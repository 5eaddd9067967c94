//! What the menu has to ask for: a number, a signal, a line, an action with its parameters.
//!
//! Invariant: what is typed is read while it is typed; what it means, or what is wrong with it, is
//! said before Enter.

use super::editor::{Breaks, Editor};
use super::marks::Marked;
use super::prompt::parameters;
use super::what::What;
use crate::model::errand::{Errand, Scale, Signal};
use crate::model::watched::Watched;
use crate::model::{DaemonId, Target};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// How many processes.
    Scale,
    /// Which signal.
    Signal,
    /// A line of text.
    Line,
    /// Which declared action.
    Trigger,
}

/// The open prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What is asked for.
    pub wanted: Wanted,
    /// For whom.
    pub marked: Marked,
    /// What is typed.
    pub input: Editor,
    /// Which of the choices is chosen, from 0; none before something is typed or the arrows are used.
    pub at: Option<usize>,
}

impl Ask {
    /// With nothing typed.
    pub(super) fn new(wanted: Wanted, marked: Marked) -> Self {
        // Parameters may have lines, as a message has.
        let breaks = if wanted == Wanted::Trigger { Breaks::JsonBehind } else { Breaks::Spaces };
        Self { wanted, marked, input: Editor::with("", breaks), at: None }
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> String {
        let whom = match &self.marked.targets[..] {
            [(_, only)] => only.label(),
            all => format!("{} processes", all.len()),
        };
        match self.wanted {
            Wanted::Scale => {
                let app = self.marked.targets.first().map(|(_, target)| target.name.to_string());
                format!("Scale {}", app.unwrap_or_default())
            }
            Wanted::Signal => format!("Send a signal to {whom}"),
            Wanted::Line => format!("Write a line to the standard input of {whom}"),
            Wanted::Trigger => format!("Trigger an action in {whom}"),
        }
    }

    /// What can be chosen of what is typed; empty where it is only typed.
    #[must_use]
    pub fn choices(&self, watched: &Watched) -> Vec<String> {
        let typed = self.input.text().trim().to_lowercase();
        let fits = |name: &String| name.to_lowercase().contains(&typed);
        self.all(watched).into_iter().filter(fits).collect()
    }

    /// What can be chosen while nothing is typed.
    #[must_use]
    pub fn all(&self, watched: &Watched) -> Vec<String> {
        match self.wanted {
            Wanted::Scale | Wanted::Line => Vec::new(),
            Wanted::Signal => Signal::ALL.iter().map(|signal| signal.name().to_owned()).collect(),
            Wanted::Trigger => self.actions(watched),
        }
    }

    /// Which of so many choices is chosen. Nothing is by itself: an Enter more than was meant, behind the
    /// one that opened the prompt, does nothing.
    #[must_use]
    pub fn chosen(&self, choices: usize) -> Option<usize> {
        let by_typing = || (!self.input.text().trim().is_empty()).then_some(0);
        let last = choices.checked_sub(1)?;
        self.at.or_else(by_typing).map(|at| at.min(last))
    }

    /// The actions that any of them declared.
    fn actions(&self, watched: &Watched) -> Vec<String> {
        let mut actions: Vec<String> = Vec::new();
        for (daemon, target) in &self.marked.targets {
            let process = watched.fleet.get(target.key(*daemon));
            for name in process.into_iter().flat_map(|process| process.info.setup.actions.iter()) {
                if !actions.iter().any(|known| **known == **name) {
                    actions.push(name.to_string());
                }
            }
        }
        actions
    }

    /// What is to be done with what is typed.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn read(&self, watched: &Watched) -> Result<What, String> {
        let text = self.input.text();
        let typed = text.trim();
        let choices = self.choices(watched);
        let chosen = self.chosen(choices.len()).and_then(|at| choices.get(at));
        match self.wanted {
            Wanted::Scale if typed.is_empty() => Err("a number: 4, +2 or -1".to_owned()),
            Wanted::Scale => {
                let scale = Scale::parse(typed)?;
                let now = self.instances(watched);
                match scale.of(now)? {
                    wanted if wanted == now => Err(format!("it has {now} already")),
                    _ => Ok(What::Scale(scale)),
                }
            }
            Wanted::Signal | Wanted::Trigger if chosen.is_none() && typed.is_empty() => {
                let what = if self.wanted == Wanted::Signal { "a signal" } else { "an action" };
                Err(format!("choose {what}: by the arrow keys, or some of its letters"))
            }
            Wanted::Signal => {
                let Some(name) = chosen else { return Err(format!("no signal is named {typed}")) };
                Signal::parse(name).map(|signal| What::Errand(Errand::Signal(signal)))
            }
            Wanted::Line if text.is_empty() => Err("a line of text".to_owned()),
            Wanted::Line => Ok(What::Errand(Errand::Line(text.into()))),
            Wanted::Trigger => self.trigger(watched, typed, chosen),
        }
    }

    /// The action chosen, or the one typed, which may have parameters behind it.
    fn trigger(
        &self,
        watched: &Watched,
        typed: &str,
        chosen: Option<&String>,
    ) -> Result<What, String> {
        if let Some(action) = chosen {
            return Ok(What::Trigger { action: action.as_str().into(), params: None });
        }
        let declared = self.actions(watched);
        let of_it = |name: &&String| {
            typed
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with(char::is_whitespace))
        };
        // The longest name that fits: one may be the start of another.
        let Some(action) = declared.iter().filter(of_it).max_by_key(|name| name.len()) else {
            return Err(
                "no action of this name; its parameters go behind the whole name".to_owned()
            );
        };
        let params = typed.get(action.len()..).unwrap_or_default().trim();
        parameters(params)?;
        Ok(What::Trigger {
            action: action.as_str().into(),
            params: (!params.is_empty()).then(|| params.into()),
        })
    }

    /// How many processes the app has.
    fn instances(&self, watched: &Watched) -> u32 {
        let Some((daemon, target)) = self.marked.targets.first() else { return 0 };
        let key = target.key(*daemon);
        let process = watched.fleet.get(key);
        let count = process.map_or(0, |it| watched.fleet.sisters(key, &it.info).count());
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Those that it can be done to: an action, where it was declared.
    pub(super) fn meant(&self, watched: &Watched, what: &What) -> Marked {
        let What::Trigger { action, .. } = what else { return self.marked.clone() };
        let declares = |(daemon, target): &(DaemonId, Target)| {
            let process = watched.fleet.get(target.key(*daemon));
            process.is_some_and(|it| it.info.setup.actions.contains(action))
        };
        let Marked { targets, hidden, .. } = &self.marked;
        let hidden = targets.iter().take(*hidden).filter(|target| declares(target)).count();
        let targets: Vec<_> = targets.iter().filter(|it| declares(it)).cloned().collect();
        // Of fewer it is not the filter alone that leaves others out.
        let part = self.marked.part.clone().filter(|_| targets.len() == self.marked.targets.len());
        Marked { targets, hidden, part }
    }
}
