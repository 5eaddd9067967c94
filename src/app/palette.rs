//! The palette: every command, everything of the menu, and every method that a daemon lists, found by
//! typing.
//!
//! Invariant: what is offered is what exists: the rows of the keymap, the menu's entries and the daemon's
//! own list. What cannot be done now says why, and is not done.

use super::command::{Command, LogCommand, RowsCommand};
use super::editor::Editor;
use super::inspection::Tab;
use super::keymap::{Keymap, Row};
use super::menu::{self, Item, Menu};
use super::settings::OwnCommand;
use super::what::What;
use crate::model::watched::Watched;
use crate::model::{DaemonId, ProcessKey};
use crate::protocol::risk;

/// The open palette.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Palette {
    /// What is typed.
    pub input: Editor,
    /// Which of the entries found is chosen, from 0.
    pub chosen: usize,
    /// All that can be done to what was selected or marked when it was opened.
    pub menu: Option<Box<Menu>>,
}

impl Palette {
    /// With what the menu offers.
    #[must_use]
    pub fn new(menu: Option<Menu>) -> Self {
        Self { menu: menu.map(Box::new), ..Self::default() }
    }
}

/// Something that the palette offers.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A command of the screen.
    Command(Box<Row>),
    /// Something of the menu.
    Item(Box<menu::Entry>),
    /// A tab of the details of the selected process: its number, from 1.
    Tab(u8, String),
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
            // `pm2 save` is in the menu.
            Self::Command(row) if row.command == Command::Log(LogCommand::Save) => "save log view",
            Self::Command(row) => &row.label,
            Self::Item(entry) => entry.label,
            Self::Tab(_, label) => label,
            Self::Method { name, .. } => name,
        }
    }
}

/// What the entries depend on.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// What is watched.
    pub watched: &'a Watched,
    /// Which keys mean what.
    pub keys: &'a Keymap,
    /// The selected process.
    pub selected: Option<ProcessKey>,
    /// Whether everything that changes something is refused.
    pub is_read_only: bool,
    /// The commands of the user's own.
    pub own: &'a [OwnCommand],
    /// What else is so.
    pub facts: Facts,
}

/// What decides whether commands can be done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    /// Whether the log is searched.
    pub is_searching: bool,
    /// Whether lines of the log are marked.
    pub has_marked_lines: bool,
    /// Whether a delete or stop can be undone.
    pub can_undo: bool,
}

/// The daemon whose methods are offered: the selected process's, else the first that answers.
#[must_use]
pub fn daemon(watched: &Watched, selected: Option<ProcessKey>) -> Option<DaemonId> {
    let daemons = &watched.daemons;
    let first = || daemons.iter().find(|daemon| daemon.is_live()).map(|daemon| daemon.id);
    let selected = selected.map(|key| key.daemon);
    selected.or_else(first).or_else(|| daemons.first().map(|daemon| daemon.id))
}

/// The entries that what is typed fits, the best first.
#[must_use]
pub fn entries(scene: &Scene<'_>, palette: &Palette) -> Vec<Entry> {
    let typed = palette.input.text();
    let found = found(scene, palette, &typed);
    match typed.trim().split_once(' ') {
        // As on the command line: whom it is done to is chosen here otherwise.
        Some((first, _)) if found.is_empty() => self::found(scene, palette, first),
        _ => found,
    }
}

fn found(scene: &Scene<'_>, palette: &Palette, typed: &str) -> Vec<Entry> {
    let rows = scene.keys.rows().filter(|row| row.command != Command::Palette);
    let commands = rows.map(|row| Entry::Command(Box::new(row.clone())));
    let menu = palette.menu.iter().flat_map(|menu| menu.entries(scene.watched, scene.is_read_only));
    // Those with a key are commands already.
    let items = menu.filter(|entry| entry.key.is_empty()).map(|entry| Entry::Item(Box::new(entry)));
    let tabs = (1..).zip(Tab::ALL);
    let tabs = tabs
        .map(|(number, tab)| Entry::Tab(number, format!("details: {}", tab.word().to_lowercase())));
    let daemon = daemon(scene.watched, scene.selected);
    let methods = daemon.and_then(|id| scene.watched.daemon(id)?.methods.as_ref());
    let methods = methods.into_iter().flat_map(|methods| {
        methods.names().map(|name| {
            let params = methods.params(name).unwrap_or_default();
            let (_callback, params) = params.split_last().unzip();
            Entry::Method { name: name.into(), params: params.unwrap_or_default().to_vec() }
        })
    });
    let mut found: Vec<(Fit, Entry)> = commands
        .chain(items)
        .chain(tabs)
        .chain(methods)
        .filter_map(|entry| Some((fits(typed, &entry)?, entry)))
        .collect();
    // Stable: what fits as well stays in the order of the help, then of the names. Where a name only
    // contains what is typed, what is done here comes before the daemon's methods.
    found.sort_by_key(|(fit, entry)| {
        let is_method = fit.0 == INSIDE && matches!(entry, Entry::Method { .. });
        ((fit.0, is_method), *fit, saves_the_log(entry))
    });
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// To save is first of all what `pm2 save` does.
fn saves_the_log(entry: &Entry) -> bool {
    let save = Command::Log(LogCommand::Save);
    matches!(entry, Entry::Command(row) if row.command == save)
}

/// Why an entry cannot be done now; `None` where it can.
#[must_use]
pub fn refusal(scene: &Scene<'_>, palette: &Palette, entry: &Entry) -> Option<String> {
    let command = match entry {
        Entry::Item(entry) => return entry.refusal.clone(),
        Entry::Tab(..) => {
            return scene.selected.is_none().then(|| "no process is selected".to_owned());
        }
        Entry::Method { name, .. } => {
            let is_refused = scene.is_read_only && risk::changes_something(name);
            return is_refused.then(|| "this is --read-only".to_owned());
        }
        Entry::Command(row) if matches!(row.command, Command::Refused(_)) => {
            return Some(row.help.to_string());
        }
        Entry::Command(row) => row.command,
    };
    let menu = || palette.menu.as_ref().map(|menu| menu.entries(scene.watched, scene.is_read_only));
    let of_item = |wanted: Item| match menu() {
        Some(entries) => entries.into_iter().find(|entry| entry.item == wanted)?.refusal,
        None => Some("no process is selected".to_owned()),
    };
    let unless = |is_so: bool, why: &str| (!is_so).then(|| why.to_owned());
    match command {
        Command::Act(action) => of_item(Item::Do(What::Act(action))),
        Command::Compose => of_item(Item::Message),
        Command::Rows(RowsCommand::Undo) if scene.is_read_only => {
            Some("this is --read-only".to_owned())
        }
        Command::Rows(RowsCommand::Undo) => unless(scene.facts.can_undo, "nothing to undo"),
        Command::Why | Command::Open => unless(scene.selected.is_some(), "no process is selected"),
        Command::Log(LogCommand::NextMatch | LogCommand::PreviousMatch) => {
            unless(scene.facts.is_searching, "nothing is searched for")
        }
        Command::Log(LogCommand::NextMark) => {
            unless(scene.facts.has_marked_lines, "no line is marked")
        }
        // Why it is not run otherwise, it says itself.
        Command::Own(place) => {
            let is_dangerous =
                scene.own.get(usize::from(place)).is_some_and(|own| own.is_dangerous);
            (scene.is_read_only && is_dangerous).then(|| "this is --read-only".to_owned())
        }
        _ => None,
    }
}

/// Words of the pm2 command line and of other tools, and what is called otherwise here.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("describe", &["details"]),
    ("show", &["details"]),
    ("info", &["details"]),
    ("desc", &["details"]),
    ("env", &["details: environment"]),
    ("monit", &["details: charts", "charts", "details"]),
    ("dashboard", &["details: charts", "charts", "details"]),
    ("logs", &["log of one", "log of app", "log of all"]),
    ("dump", &["save"]),
    ("remove", &["delete"]),
    ("del", &["delete"]),
    ("rm", &["delete"]),
    ("sendsignal", &["send a signal .."]),
    ("attach", &["write a line .."]),
    ("stdin", &["write a line .."]),
    ("input", &["write a line .."]),
    ("type", &["write a line .."]),
    ("instances", &["scale .."]),
    ("emit", &["trigger an action .."]),
    ("exit", &["quit"]),
    ("find", &["filter", "search"]),
    ("grep", &["filter", "search"]),
    ("sort", &["sort left", "sort right", "reverse sort"]),
    ("status", &["not well"]),
    ("errors", &["exceptions", "only errors", "next error"]),
    ("report", &["bundle"]),
    ("refresh", &["reconnect", "redraw"]),
    ("keys", &["help"]),
    ("group", &["tree"]),
    ("revert", &["undo"]),
    ("jump", &["go to time"]),
    ("histogram", &["over time"]),
];

/// How well an entry fits what is typed: by its name, or by a word that means it.
fn fits(typed: &str, entry: &Entry) -> Option<Fit> {
    let own = fit(typed, entry.name());
    let wanted: String = letters(typed).collect();
    if wanted.chars().count() < 3 || matches!(entry, Entry::Method { .. }) {
        return own;
    }
    let name = entry.name();
    let meant = SYNONYMS.iter().filter(|(_, labels)| labels.contains(&name));
    let by_word = meant.filter_map(|(word, labels)| {
        let place = labels.iter().position(|label| *label == name)?;
        if *word == wanted {
            Some((0, 1, place))
        } else {
            word.starts_with(&wanted).then_some((1, 1, place))
        }
    });
    own.into_iter().chain(by_word).min()
}

/// How well a name fits, the least best: whole, start, inside, or only its letters in order; then
/// how far the letters are apart and how late they begin.
type Fit = (u8, usize, usize);

/// The first of a [`Fit`] of a name that contains what is typed.
const INSIDE: u8 = 2;

/// Whether the letters typed are in the name in that order, whatever their case; how well.
fn fit(typed: &str, name: &str) -> Option<Fit> {
    let wanted: Vec<char> = letters(typed).collect();
    let begins: Vec<usize> = word_begins(name).collect();
    let name: Vec<char> = letters(name).collect();
    if wanted.is_empty() {
        return Some((0, 0, 0));
    }
    if wanted == name {
        return Some((0, 0, 0));
    }
    let parts = name.windows(wanted.len()).enumerate();
    let mut inside = parts.filter(|(_, part)| *part == wanted).map(|(at, _)| at).peekable();
    if let Some(first) = inside.peek().copied() {
        // Of those that begin so, the commands first, in the order of the help.
        if first == 0 {
            return Some((1, 0, 0));
        }
        // The beginning of a word is meant rather than the middle of one.
        let at = if inside.any(|at| begins.contains(&at)) { 0 } else { first };
        return Some((INSIDE, at, name.len()));
    }
    let mut places = Vec::with_capacity(wanted.len());
    let mut rest = name.iter().enumerate();
    for letter in wanted {
        places.push(rest.find(|(_, other)| **other == letter)?.0);
    }
    let (first, last) = (places.first()?, places.last()?);
    Some((3, last - first, *first))
}

/// At which of its [`letters`] the words of a name begin.
fn word_begins(name: &str) -> impl Iterator<Item = usize> {
    name.split_whitespace().scan(0, |count, word| {
        let begins = *count;
        *count += letters(word).count();
        Some(begins)
    })
}

/// Letters and digits in lower case: blanks and signs between words do not matter.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::marks::Marked;

    #[test]
    fn synonyms_name_what_is_there() {
        let menu = Menu::labels();
        let keymap = Keymap::default();
        let labels: Vec<&str> =
            keymap.rows().map(|row| &*row.label).chain(menu.iter().copied()).collect();
        let tabs = Tab::ALL.map(|tab| format!("details: {}", tab.word().to_lowercase()));
        let labels: Vec<&str> = labels.into_iter().chain(tabs.iter().map(String::as_str)).collect();
        for label in SYNONYMS.iter().flat_map(|(_, labels)| *labels) {
            assert!(labels.contains(label), "{label}: {labels:?}");
        }
    }

    #[test]
    fn the_line_to_standard_input_is_found_by_other_words() {
        let menu = Menu::new(&Watched::new(Vec::new()), false, Marked::default(), DaemonId(0));
        let (palette, keys) = (Palette::new(Some(menu)), Keymap::default());
        for typed in ["input", "stdin", "type", "write"] {
            let mut palette = palette.clone();
            palette.input = Editor::new(typed);
            let watched = Watched::new(Vec::new());
            let scene = Scene {
                watched: &watched,
                keys: &keys,
                selected: None,
                is_read_only: false,
                own: &[],
                facts: Facts::default(),
            };
            let found = entries(&scene, &palette);
            assert_eq!(found.first().map(Entry::name), Some("write a line .."), "{typed}");
        }
    }

    #[test]
    fn letters_in_order_fit_and_nearer_ones_fit_better() {
        assert!(fit("rst", "restart") < fit("rst", "resetMetaProcessId"));
        assert_eq!(fit("STOP", "stop"), Some((0, 0, 0)));
        assert!(fit("stop", "stopProcessId") < fit("stop", "notstop"));
        assert!(fit("gmd", "getMonitorData").is_some());
        assert_eq!(fit("xyz", "restart"), None);
        assert_eq!(fit("tr", "rt"), None);
        assert!(fit("page up", "page up").is_some());
        assert!(fit("tail", "show out log tail") < fit("tail", "details"), "a word of its own");
    }
}
