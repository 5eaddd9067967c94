//! The palette: every command, and every method that a daemon lists, found by typing.
//!
//! Invariant: what is offered is what exists: the rows of [`log_commands::all`] and the daemon's own list.

use super::command::{Command, CommandRow};
use super::editor::Editor;
use super::log_commands;
use crate::model::watched::Watched;
use crate::model::{DaemonId, ProcessKey};

/// The open palette.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Palette {
    /// What is typed.
    pub input: Editor,
    /// Which of the entries found is chosen, from 0.
    pub chosen: usize,
}

/// Something that the palette offers.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A command of the screen.
    Command(&'static CommandRow),
    /// A method of the daemon.
    Method {
        /// PM2's name of it.
        name: Box<str>,
        /// The daemon's own names of its parameters, without the callback.
        params: Vec<Box<str>>,
    },
}

impl Entry {
    /// What the typed letters are looked for in.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Command(row) => row.label,
            Self::Method { name, .. } => name,
        }
    }
}

/// The daemon whose methods are offered: the selected process's, else the first that answers.
#[must_use]
pub fn daemon(watched: &Watched, selected: Option<ProcessKey>) -> Option<DaemonId> {
    let daemons = &watched.daemons;
    let first = || daemons.iter().find(|daemon| daemon.is_live()).map(|daemon| daemon.id);
    let selected = selected.map(|key| key.daemon);
    selected.or_else(first).or_else(|| daemons.first().map(|daemon| daemon.id))
}

/// The entries that what is typed fits, the best first; with the methods of this daemon.
#[must_use]
pub fn entries(watched: &Watched, daemon: Option<DaemonId>, typed: &str) -> Vec<Entry> {
    let commands =
        log_commands::all().filter(|row| row.command != Command::Palette).map(Entry::Command);
    let methods = daemon.and_then(|id| watched.daemon(id)?.methods.as_ref());
    let methods = methods.into_iter().flat_map(|methods| {
        methods.names().map(|name| {
            let params = methods.params(name).unwrap_or_default();
            let (_callback, params) = params.split_last().unzip();
            Entry::Method { name: name.into(), params: params.unwrap_or_default().to_vec() }
        })
    });
    let mut found: Vec<(Fit, Entry)> = commands
        .chain(methods)
        .filter_map(|entry| Some((fit(typed, entry.name())?, entry)))
        .collect();
    // Stable: what fits as well stays in the order of the help, then of the names.
    found.sort_by_key(|(fit, _)| *fit);
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// How well a name fits, the least best: whole, start, inside, or only its letters in order; then
/// how far the letters are apart and how late they begin.
type Fit = (u8, usize, usize);

/// Whether the letters typed are in the name in that order, whatever their case; how well.
fn fit(typed: &str, name: &str) -> Option<Fit> {
    let wanted: Vec<char> = letters(typed).collect();
    let name: Vec<char> = letters(name).collect();
    if wanted.is_empty() {
        return Some((0, 0, 0));
    }
    if wanted == name {
        return Some((0, 0, 0));
    }
    if let Some(at) = name.windows(wanted.len()).position(|part| part == wanted) {
        // Of those that begin so, the commands first, in the order of the help.
        return Some(if at == 0 { (1, 0, 0) } else { (2, at, name.len()) });
    }
    let mut places = Vec::with_capacity(wanted.len());
    let mut rest = name.iter().enumerate();
    for letter in wanted {
        places.push(rest.find(|(_, other)| **other == letter)?.0);
    }
    let (first, last) = (places.first()?, places.last()?);
    Some((3, last - first, *first))
}

/// Letters and digits in lower case: blanks and signs between words do not matter.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order_fit_and_nearer_ones_fit_better() {
        assert!(fit("rst", "restart") < fit("rst", "resetMetaProcessId"));
        assert_eq!(fit("STOP", "stop"), Some((0, 0, 0)));
        assert!(fit("stop", "stopProcessId") < fit("stop", "notstop"));
        assert!(fit("gmd", "getMonitorData").is_some());
        assert_eq!(fit("xyz", "restart"), None);
        assert_eq!(fit("tr", "rt"), None);
        assert!(fit("page up", "page up").is_some());
    }
}
