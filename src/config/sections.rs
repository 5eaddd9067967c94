//! The tables of the file, and the keys that each knows.
//!
//! Invariant: every key that is taken is in the list of its table, from which unknown ones are named.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::commands;
use super::keys;
use super::reading::{Finding, Reading};
use super::themes;
use super::values::{self, boolean, one_of, whole};
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
    "interval",
    "ask-pm2",
    "settle",
    "frame-mib",
    "log-lines",
    "log-mib",
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
    for error in errors {
        let at = error.span().unwrap_or_default();
        reading.wrong(&at, error.message().to_owned());
    }
    for (key, value) in table.get_ref() {
        root(&mut reading, &mut config, key, value);
    }
    config.theme = themes::read(&mut reading, table.get_ref());
    let own = commands::read(&mut reading, table.get_ref());
    let mut bindings = std::mem::take(&mut config.bindings);
    bindings.extend(own.bindings);
    config.settings.commands = own.commands;
    let (keymap, wrong) = Keymap::configured(&bindings, &own.rows);
    config.keys = keymap;
    for Wrong { line, text } in wrong {
        reading.wrong_in(line, text);
    }
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
        "confirm" => set(&mut settings.confirm, reading.value(name, value, one_of(CONFIRM))),
        "read-only" => set(&mut config.read_only, reading.value(name, value, boolean)),
        "production" => {
            set(&mut settings.production, reading.value(name, value, values::places));
        }
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
        unknown => reading.unknown(&key.span(), unknown, ROOT),
    }
}

/// Sets what was read.
fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
