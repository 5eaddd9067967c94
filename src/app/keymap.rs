//! Keys to commands, out of the command tables and what the configuration says of them.
//!
//! Invariant: what help, footer, palette and hints show is what the keys do: all read one [`Keymap`].

mod bind;
mod key;

use std::borrow::Cow;

pub use self::bind::{Binding, OwnRow, Place, Wrong, name};
pub use self::key::Key;
use super::command::{Command, CommandRow};
use super::inspection_keys::{Ask, DETAILS};
use super::log_commands;
use super::pane::Pane;

/// A command with the keys that it has now.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The intent.
    pub command: Command,
    /// Its keys as they are shown, separated by spaces.
    pub keys: String,
    /// One or two words for the footer and the palette.
    pub label: Cow<'static, str>,
    /// The name of its label in the configuration.
    name: Box<str>,
    /// A sentence for the help.
    pub help: Cow<'static, str>,
    /// Whether the footer shows it, and how early it leaves; see [`CommandRow`].
    pub footer: Option<u8>,
    /// The pane that its keys belong to; `None` for all.
    pub pane: Option<Pane>,
    /// Whether it is what another pane's own keys left of a command of all panes.
    is_rest: bool,
    /// Its keys.
    bound: Vec<Key>,
    /// Those that it has by default.
    standard: Vec<Key>,
}

impl Row {
    fn of(row: &CommandRow) -> Self {
        let standard: Vec<Key> =
            row.keys.split(' ').filter_map(|key| Key::parse(key).ok()).collect();
        Self {
            command: row.command,
            keys: row.keys.to_owned(),
            label: Cow::Borrowed(row.label),
            name: name(row.label).into(),
            help: Cow::Borrowed(row.help),
            footer: row.footer,
            pane: row.pane,
            is_rest: false,
            bound: standard.clone(),
            standard,
        }
    }

    /// Whether its keys mean it in this pane.
    #[must_use]
    pub fn is_in(&self, pane: Pane) -> bool {
        self.pane.is_none_or(|own| own == pane)
    }

    /// The first of its keys, as it is shown.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.keys.split(' ').next().filter(|key| !key.is_empty())
    }

    /// Its default keys, as they are written in the configuration.
    pub fn written(&self) -> impl Iterator<Item = String> + '_ {
        self.standard.iter().map(|key| key.written())
    }

    fn bind(&mut self, keys: Vec<Key>) {
        self.keys = keys.iter().map(|key| key.label()).collect::<Vec<_>>().join(" ");
        self.bound = keys;
    }
}

/// Which keys mean what.
#[derive(Debug, Clone, PartialEq)]
pub struct Keymap {
    rows: Vec<Row>,
    /// Those of the details alone; they come before the others there.
    details: Vec<Row>,
}

impl Default for Keymap {
    fn default() -> Self {
        let rows = log_commands::all().map(Row::of).collect();
        Self { rows, details: DETAILS.iter().map(Row::of).collect() }
    }
}

impl Keymap {
    /// The commands of the panes, in the order of the help.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// Those of the details alone.
    pub fn details(&self) -> impl Iterator<Item = &Row> {
        self.details.iter()
    }

    /// The first key of a command in a pane, as it is shown.
    #[must_use]
    pub fn first(&self, command: Command, pane: Pane) -> Option<&str> {
        self.rows.iter().find(|row| row.command == command && row.is_in(pane))?.first()
    }

    /// What a command is called.
    #[must_use]
    pub fn label(&self, command: Command, pane: Pane) -> &str {
        let row = self.rows.iter().find(|row| row.command == command && row.is_in(pane));
        row.map_or("the palette", |row| &row.label)
    }

    /// Keys by default, as a hint of the panes or the details shows them, as they are now: `n N`. What
    /// is no key of a command stays; `None` where a command has no key any more.
    #[must_use]
    pub fn now(&self, is_details: bool, pane: Pane, keys: &str) -> Option<String> {
        let details = self.details.iter().filter(|_| is_details);
        let rows: Vec<&Row> =
            details.chain(self.rows.iter().filter(|row| row.is_in(pane))).collect();
        let one = |name: &str| {
            let Ok(key) = Key::parse(name) else { return Some(name.to_owned()) };
            match rows.iter().find(|row| row.standard.contains(&key)) {
                Some(row) if !row.bound.contains(&key) => row.first().map(ToOwned::to_owned),
                _ => Some(name.to_owned()),
            }
        };
        let now: Option<Vec<String>> = keys.split(' ').map(one).collect();
        Some(now?.join(" "))
    }

    /// The command of a key in a pane, if it has one.
    #[must_use]
    pub fn named(&self, focus: Pane, key: Key) -> Option<Command> {
        let bound = |key: Key| {
            let row = self.rows.iter().find(|row| row.is_in(focus) && row.bound.contains(&key))?;
            Some(row.command)
        };
        // Of two panes the one before is the next, too.
        bound(key).or_else(|| bound(key.without_shift()?).filter(|it| *it == Command::NextPane))
    }

    /// The command of a key in the details alone, if it has one.
    #[must_use]
    pub fn in_details(&self, key: Key) -> Option<Command> {
        let row = self.details.iter().find(|row| row.bound.contains(&key));
        match row.map(|row| (row.command, row)) {
            // One key each, in their order.
            Some((Command::Details(Ask::Tab(_)), row)) => {
                let place = row.bound.iter().position(|bound| *bound == key)?;
                Some(Command::Details(Ask::Tab(u8::try_from(place + 1).ok()?)))
            }
            Some((command, _)) => Some(command),
            None => {
                let next = self.in_details(key.without_shift()?)?;
                (next == Command::Details(Ask::Next)).then_some(Command::Details(Ask::Previous))
            }
        }
    }
}

#[cfg(test)]
mod tests;
