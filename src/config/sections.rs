//! The tables of the file, and the keys that each knows.
//!
//! Invariant: every key that is taken is in the list of its table, from which unknown ones are named.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::commands;
use super::guards::{self, Guard};
use super::keys;
use super::reading::{Finding, Reading};
use super::themes;
use super::values::{self, boolean, one_of, whole};
use super::watching;
use crate::app::keymap::{Keymap, Wrong};
use crate::app::settings::Confirm;

/// The keys that stand before all tables, and the tables.
pub(super) const ROOT: &[&str] = &[
    "theme",
    "themes",
    "mouse",
    "plain",
    "slow",
    "confirm",
    "read-only",
    "production",
    "audit",
    "interval",
    "ask-pm2",
    "settle",
    "frame-mib",
    "log-lines",
    "log-mib",
    "alert",
    "watch",
    "keys",
    "command",
];

const CONFIRM: &[(&str, Confirm)] = &[
    ("destructive", Confirm::Destructive),
    ("always", Confirm::Always),
    ("never", Confirm::Never),
];

/// Reads a configuration; where it is broken, what can be read of it.
pub(super) fn read(text: &str) -> (Config, Vec<Finding>) {
    let mut reading = Reading::new(text);
    let mut config = Config::default();
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut broken = Vec::new();
    for error in errors {
        let at = error.span().unwrap_or_default();
        broken.push(reading.line(&at));
        reading.wrong(&at, error.message().to_owned());
    }
    for (key, value) in table.get_ref() {
        root(&mut reading, &mut config, key, value);
    }
    let is_read = |key: &str| table.get_ref().contains_key(key);
    for (line, guard) in guards::doubtful(text, &broken, is_read) {
        if guard == Guard::Command {
            reading.doubts.note_commands();
        }
        if !reading.is_told(line) {
            let text = "this may not have been read as it is meant";
            reading.wrong_guard(line, guard, text);
        }
        reading.doubts.note(guard);
    }
    (config.theme, config.themes) = themes::read(&mut reading, table.get_ref());
    let own = commands::read(&mut reading, table.get_ref());
    let mut bindings = std::mem::take(&mut config.bindings);
    bindings.extend(own.bindings);
    config.settings.commands = own.commands;
    let (keymap, wrong) = Keymap::configured(&bindings, &own.rows);
    config.keys = keymap;
    for Wrong { line, text } in wrong {
        reading.wrong_in(line, text);
    }
    reading.doubts.settle(&mut config);
    (config, reading.finish())
}

fn root(
    reading: &mut Reading<'_>,
    config: &mut Config,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
) {
    let name = &**key.get_ref();
    let (screen, settings) = (&mut config.screen, &mut config.settings);
    match name {
        // Which one that is, is known when all have been read.
        "theme" | "themes" | "command" => {}
        "mouse" => set(&mut settings.mouse, reading.value(name, value, boolean).map(Some)),
        "plain" => set(&mut settings.is_plain, reading.value(name, value, boolean)),
        "slow" => set(&mut screen.slow, reading.value(name, value, boolean)),
        "confirm" => {
            let read = reading.guard((name, Guard::Confirm), value, one_of(CONFIRM));
            set(&mut settings.confirm, read);
        }
        "read-only" => {
            let read = reading.guard((name, Guard::ReadOnly), value, boolean);
            set(&mut config.read_only, read);
        }
        "production" => settings.production = production(reading, value),
        "audit" => set(&mut settings.audit, reading.value(name, value, values::path).map(Some)),
        "alert" => settings.alert = watching::alert(reading, value),
        "watch" => settings.watches = watching::watches(reading, value),
        "interval" => {
            set(&mut screen.interval, reading.value(name, value, values::interval).map(Some));
        }
        "ask-pm2" => set(&mut screen.ask_pm2, reading.value(name, value, boolean)),
        "settle" => set(&mut config.settle, reading.value(name, value, values::settle).map(Some)),
        "frame-mib" => {
            set(&mut config.frame_mib, reading.value(name, value, whole(1, 2_048)).map(Some));
        }
        "log-lines" => {
            let lines = reading.value(name, value, whole(100, 5_000_000));
            set(&mut screen.log_lines, lines.map(Some));
        }
        "log-mib" => {
            set(&mut screen.log_mib, reading.value(name, value, whole(1, 4_096)).map(Some));
        }
        "keys" => config.bindings.extend(keys::read(reading, value)),
        unknown => {
            reading.unknown(&key.span(), unknown, ROOT);
            // A table of that name does not exist; what guards in it was meant all the same.
            for (key, _) in value.get_ref().as_table().into_iter().flatten() {
                if guards::meant(key.get_ref()).is_some() {
                    reading.unknown(&key.span(), key.get_ref(), &[]);
                }
            }
        }
    }
}

/// The homes and hosts of `production` that are right: one that is wrong costs itself only.
fn production(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Vec<Box<str>> {
    let name = ("production", Guard::Production);
    match value.get_ref() {
        DeValue::Array(items) => {
            items.iter().filter_map(|item| reading.guard(name, item, values::place)).collect()
        }
        _ => reading.guard(name, value, values::place).into_iter().collect(),
    }
}

/// Sets what was read.
fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
