//! The tables of the file, and the keys that each knows.
//!
//! Invariant: every key that is taken is in the list of its table, from which unknown ones are named.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::commands;
use super::keys;
use super::reading::{Finding, Reading};
use super::themes;
use super::values::{self, boolean, one_of, whole};
use crate::app::keymap::{Keymap, Wrong};
use crate::app::settings::{Alert, Confirm, Notification, Watch};

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
/// The keys of `[[watch]]`.
pub(super) const WATCH: &[&str] = &["when", "for"];
/// The keys of `[alert]`.
pub(super) const ALERT: &[&str] = &["bell", "notify", "run"];
/// The most thresholds.
const WATCHES_MAX: usize = 100;

const CONFIRM: &[(&str, Confirm)] = &[
    ("destructive", Confirm::Destructive),
    ("always", Confirm::Always),
    ("never", Confirm::Never),
];
const NOTIFY: &[(&str, Option<Notification>)] =
    &[("off", None), ("osc9", Some(Notification::Osc9)), ("osc777", Some(Notification::Osc777))];

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
        "audit" => set(&mut settings.audit, reading.value(name, value, values::path).map(Some)),
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
        "alert" => settings.alert = alert(reading, value),
        "watch" => settings.watches = watches(reading, value),
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

fn alert(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Alert {
    let mut alert = Alert::default();
    for (key, value) in reading.table("alert", value).into_iter().flatten() {
        let name = &**key.get_ref();
        match name {
            "bell" => set(&mut alert.bell, reading.value(name, value, boolean)),
            "notify" => set(&mut alert.notify, reading.value(name, value, one_of(NOTIFY))),
            "run" => set(&mut alert.run, reading.value(name, value, values::program)),
            unknown => reading.unknown(&key.span(), unknown, ALERT),
        }
    }
    alert
}

fn watches(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Vec<Watch> {
    let mut all = Vec::new();
    for (place, table) in reading.tables("watch", value) {
        if all.len() == WATCHES_MAX {
            reading.wrong(&place, format!("only the first {WATCHES_MAX} [[watch]] count"));
            break;
        }
        let mut when = None;
        let mut hold = Some(Duration::ZERO);
        for (key, value) in table {
            let name = &**key.get_ref();
            match name {
                "when" => when = Some(reading.value(name, value, values::filter)),
                "for" => hold = reading.value(name, value, values::span),
                unknown => reading.unknown(&key.span(), unknown, WATCH),
            }
        }
        if when.is_none() {
            reading.wrong(&place, "[[watch]]: when = \"..\" is missing");
        }
        if let (Some(Some(when)), Some(hold)) = (when, hold) {
            let hold_ms = u64::try_from(hold.as_millis()).unwrap_or(u64::MAX);
            all.push(Watch { when, hold_ms });
        }
    }
    all
}
