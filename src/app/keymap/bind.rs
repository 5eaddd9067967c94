//! Keys that the user gives to commands.
//!
//! Invariant: a key means one command in a pane. Of two that want it the later one does not get it, and
//! both are named. Quit and help always have a key, Esc always goes back.

use super::{Key, Keymap, Row};
use crate::app::command::Command;
use crate::app::pane::Pane;

/// Where keys count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In table and log.
    Everywhere,
    /// In the table.
    Table,
    /// In the log.
    Log,
    /// In the details.
    Details,
}

/// Keys for a command, as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where they count.
    pub place: Place,
    /// The command's name: [`name`] of its label.
    pub command: String,
    /// The keys; none takes them all away.
    pub keys: Vec<String>,
    /// The line that they stand in.
    pub line: usize,
}

/// A command of the user's own, as help and palette show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRow {
    /// Its name.
    pub name: String,
    /// A sentence.
    pub help: String,
    /// Whether it is not run; the sentence says why.
    pub is_refused: bool,
}

/// What is wrong with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The line that it stands in.
    pub line: usize,
    /// What is wrong.
    pub text: String,
}

/// The name of a command in the configuration: its label in small letters, `-` for blanks.
#[must_use]
pub fn name(label: &str) -> String {
    if label == "details" {
        // That is the name of the details' own table of keys; in the log it opens an entry.
        return "open".to_owned();
    }
    let kept = |c: &char| c.is_alphanumeric() || *c == ' ';
    label.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

impl Place {
    /// The name of its table in the configuration.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Everywhere => "keys",
            Self::Table => "keys.table",
            Self::Log => "keys.log",
            Self::Details => "keys.details",
        }
    }

    /// The place that a row's keys stand at.
    #[must_use]
    pub const fn of(pane: Option<Pane>) -> Self {
        match pane {
            None => Self::Everywhere,
            Some(Pane::Processes) => Self::Table,
            Some(Pane::Log) => Self::Log,
        }
    }

    const fn pane(self) -> Option<Pane> {
        match self {
            Self::Everywhere | Self::Details => None,
            Self::Table => Some(Pane::Processes),
            Self::Log => Some(Pane::Log),
        }
    }
}

/// Where a row is: among those of the panes, or those of the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Pane(usize),
    Details(usize),
}

/// Keys that a row is to have.
struct Wanted {
    at: At,
    keys: Vec<Key>,
    line: usize,
}

impl Keymap {
    /// The default keys with the user's, and what is wrong with those.
    #[must_use]
    pub fn configured(bindings: &[Binding], own: &[OwnRow]) -> (Self, Vec<Wrong>) {
        let mut keymap = Self::default();
        let of = |is_refused: bool| own.iter().filter(move |row| row.is_refused == is_refused);
        for (place, row) in (0..=u8::MAX).zip(of(false)) {
            keymap.add(Command::Own(place), row);
        }
        for (place, row) in (0..=u8::MAX).zip(of(true)) {
            keymap.add(Command::Refused(place), row);
        }
        let wrong = keymap.bind_all(bindings);
        (keymap, wrong)
    }

    pub(super) fn bind_all(&mut self, bindings: &[Binding]) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut wanted: Vec<Wanted> = Vec::new();
        // A pane's own keys come first: what they leave of a command is meant by those of all panes.
        let (own, all): (Vec<&Binding>, Vec<&Binding>) =
            bindings.iter().partition(|binding| binding.place != Place::Everywhere);
        for binding in &own {
            self.split(binding);
        }
        for binding in own.into_iter().chain(all) {
            let found = self.find(binding);
            if found.is_empty() {
                wrong.push(Wrong { line: binding.line, text: self.unknown(binding) });
            }
            let (keys, broken) = read(binding);
            for at in &found {
                self.note_keyless(*at, broken.iter().map(|wrong| &*wrong.text));
            }
            wrong.extend(broken);
            let is_broken = keys.is_empty() && !binding.keys.is_empty();
            for at in found.into_iter().filter(|_| !is_broken) {
                if wanted.iter().all(|other| other.at != at) {
                    wanted.push(Wanted { at, keys: keys.clone(), line: binding.line });
                }
            }
        }
        // Those that must not be lost choose first, and last those that only say why they are not run.
        wanted.sort_by_key(|wanted| {
            let command = self.row(wanted.at).map(|row| row.command);
            (!is_needed(command), is_refused(command), wanted.line)
        });
        for wanted in &wanted {
            self.set(wanted.at, Vec::new());
        }
        for wanted in &wanted {
            let got = self.give(wanted, &mut wrong);
            let is_needed = is_needed(self.row(wanted.at).map(|row| row.command));
            if got.is_empty() && is_needed {
                self.give_back(wanted.at);
            }
        }
        for wanted in wanted.iter().filter(|wanted| !wanted.keys.is_empty()) {
            if self.row(wanted.at).is_some_and(|row| row.bound.is_empty()) {
                self.give_back(wanted.at);
            }
        }
        wrong.sort_by_key(|wrong| wrong.line);
        wrong.dedup();
        wrong
    }

    /// Adds a command of the user's own to the table, without a key.
    fn add(&mut self, command: Command, row: &OwnRow) {
        self.rows.push(Row {
            command,
            keys: String::new(),
            name: name(&row.name).into(),
            label: row.name.clone().into(),
            help: row.help.clone().into(),
            footer: Some(9).filter(|_| !row.is_refused),
            pane: Some(Pane::Processes),
            is_rest: false,
            bound: Vec::new(),
            standard: Vec::new(),
        });
    }

    /// Makes two rows of a command of all panes, where one pane is to have keys of its own for it.
    fn split(&mut self, binding: &Binding) {
        let Some(pane) = binding.place.pane() else { return };
        let wanted = &*binding.command;
        if self.rows.iter().any(|row| row.pane == Some(pane) && *row.name == *wanted) {
            return;
        }
        let is_it = |row: &Row| row.pane.is_none() && *row.name == *wanted;
        let Some(at) = self.rows.iter().position(is_it) else { return };
        let Some(row) = self.rows.get_mut(at) else { return };
        let mut other = row.clone();
        row.pane = Some(pane);
        other.pane = Some(match pane {
            Pane::Processes => Pane::Log,
            Pane::Log => Pane::Processes,
        });
        other.is_rest = true;
        self.rows.insert(at + 1, other);
    }

    /// The rows that a binding means.
    fn find(&self, binding: &Binding) -> Vec<At> {
        let is_named = |row: &&Row| *row.name == *binding.command;
        if binding.place == Place::Details {
            let rows = self.details.iter().enumerate();
            return rows.filter(|(_, row)| is_named(row)).map(|(at, _)| At::Details(at)).collect();
        }
        let is_placed = |row: &&Row| match binding.place.pane() {
            None => row.pane.is_none() || row.is_rest,
            pane => row.pane == pane,
        };
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| is_named(row) && is_placed(row))
            .map(|(at, _)| At::Pane(at))
            .collect()
    }

    /// What is said of a command that is not there.
    fn unknown(&self, binding: &Binding) -> String {
        let table = binding.place.table();
        let rows = self.rows.iter().map(|row| (Place::of(row.pane), &*row.name));
        let details = self.details.iter().map(|row| (Place::Details, &*row.name));
        let all: Vec<(Place, &str)> = rows.chain(details).collect();
        if let Some((place, _)) = all.iter().find(|(_, name)| *name == binding.command) {
            return format!("[{table}] has no `{}`; it is in [{}]", binding.command, place.table());
        }
        let here = |place: Place| {
            place == binding.place
                || (place == Place::Everywhere && binding.place != Place::Details)
        };
        let near = all
            .iter()
            .filter(|(place, _)| here(*place))
            .map(|(_, name)| (strsim::damerau_levenshtein(name, &binding.command), name))
            .min_by_key(|(edits, _)| *edits)
            .filter(|(edits, name)| edits * 3 <= name.len());
        match near {
            Some((_, near)) => {
                format!("[{table}] has no `{}`; did you mean `{near}`?", binding.command)
            }
            None => format!("[{table}] has no `{}`; `pm2-tui config` lists them", binding.command),
        }
    }

    fn row(&self, at: At) -> Option<&Row> {
        match at {
            At::Pane(at) => self.rows.get(at),
            At::Details(at) => self.details.get(at),
        }
    }

    fn set(&mut self, at: At, keys: Vec<Key>) {
        let row = match at {
            At::Pane(at) => self.rows.get_mut(at),
            At::Details(at) => self.details.get_mut(at),
        };
        if let Some(row) = row {
            row.bind(keys);
        }
    }

    /// Gives a row the keys that it wants and may have; those.
    fn give(&mut self, wanted: &Wanted, wrong: &mut Vec<Wrong>) -> Vec<Key> {
        let mut got: Vec<Key> = Vec::new();
        let mut objections: Vec<String> = Vec::new();
        for key in &wanted.keys {
            match self.objection(wanted.at, *key) {
                None if got.contains(key) => {}
                None => got.push(*key),
                Some(text) => objections.push(text),
            }
        }
        self.note_keyless(wanted.at, objections.iter().map(|text| &**text));
        let command = self.row(wanted.at).map(|row| row.command);
        // Of one that is refused too: all that is to be mended is said at once.
        wrong.extend(objections.into_iter().map(|text| Wrong { line: wanted.line, text }));
        if wanted.keys.is_empty() && is_needed(command) {
            let label = self.row(wanted.at).map(|row| &*row.name).unwrap_or_default();
            let text = format!("{label} cannot be without a key");
            wrong.push(Wrong { line: wanted.line, text });
        }
        match command {
            Some(Command::Quit) if !got.contains(&Key::INTERRUPT) => got.push(Key::INTERRUPT),
            Some(Command::Back) if !got.contains(&Key::ESCAPE) => got.push(Key::ESCAPE),
            _ => {}
        }
        self.set(wanted.at, got.clone());
        got
    }

    /// Says at a command of the user's own, in help and palette, why it has not its key.
    fn note_keyless<'a>(&mut self, at: At, why: impl Iterator<Item = &'a str>) {
        let At::Pane(at) = at else { return };
        let Some(row) = self.rows.get_mut(at) else { return };
        if matches!(row.command, Command::Own(_)) {
            for why in why {
                row.help = format!("{} (without its key: {why})", row.help).into();
            }
        }
    }

    /// Gives a row those of its default keys that nobody else has.
    fn give_back(&mut self, at: At) {
        let Some(row) = self.row(at) else { return };
        let standard = row.standard.clone();
        let keys = standard.into_iter().filter(|key| self.objection(at, *key).is_none()).collect();
        self.set(at, keys);
    }

    /// Why a row cannot have a key.
    fn objection(&self, at: At, key: Key) -> Option<String> {
        let row = self.row(at)?;
        // The name of one that is refused has its line in it.
        let label = if is_refused(Some(row.command)) { &*row.label } else { &*row.name };
        if (row.command.acts() || is_refused(Some(row.command))) && !key.may_act() {
            return Some(format!(
                "{label} = {}: that key cannot act: terminals send it by themselves, too",
                key.label()
            ));
        }
        if key == Key::ESCAPE && row.command != Command::Back {
            return Some(format!("{label} = Esc: Esc always means back"));
        }
        if key == Key::INTERRUPT && row.command != Command::Quit {
            return Some(format!("{label} = Ctrl-C: Ctrl-C always means quit"));
        }
        let meets = |other: &Row| match (row.pane, other.pane) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        let panes = self.rows.iter().enumerate().filter(|(place, other)| match at {
            At::Pane(own) => *place != own && meets(other),
            // They may cover what the panes have, but for the way out.
            At::Details(_) => is_needed(Some(other.command)),
        });
        let details = self.details.iter().enumerate().filter(|(place, _)| match at {
            At::Pane(_) => is_needed(Some(row.command)),
            At::Details(own) => *place != own,
        });
        let mut others = panes.chain(details).map(|(_, other)| other);
        let owner = others.find(|other| other.bound.contains(&key))?;
        let owner = &owner.name;
        Some(format!("{label} = {0}: {0} means {owner} already, and stays {owner}'s", key.label()))
    }
}

/// Whether it must not be lost.
fn is_needed(command: Option<Command>) -> bool {
    matches!(command, Some(Command::Quit | Command::Help))
}

/// Whether it only says why it is not run.
fn is_refused(command: Option<Command>) -> bool {
    matches!(command, Some(Command::Refused(_)))
}

/// The keys of a binding, and what is wrong with those that are none.
fn read(binding: &Binding) -> (Vec<Key>, Vec<Wrong>) {
    let (mut keys, mut wrong) = (Vec::new(), Vec::new());
    for text in &binding.keys {
        match Key::parse(text) {
            Ok(key) => keys.push(key),
            Err(why) => {
                let key = crate::protocol::text::clean(text);
                let text = format!("{}: `{key}` {why}", binding.command);
                wrong.push(Wrong { line: binding.line, text });
            }
        }
    }
    (keys, wrong)
}
