//! `[keys]`: which keys mean what, for all panes and for each; and their part of the printed defaults.
//!
//! Invariant: what is printed is what the keymap has.

use std::fmt::Write;

use toml::Spanned;
use toml::de::DeValue;

use super::reading::Reading;
use super::values;
use crate::app::keymap::{Binding, Keymap, Place, Row, name};

/// The tables below `[keys]`.
const TABLES: &[(&str, Place)] =
    &[("table", Place::Table), ("log", Place::Log), ("details", Place::Details)];

/// Reads `[keys]`.
pub(super) fn read(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Vec<Binding> {
    let mut all = Vec::new();
    for (key, value) in reading.table("keys", value).into_iter().flatten() {
        let word = &**key.get_ref();
        match TABLES.iter().find(|(table, _)| *table == word) {
            Some((table, place)) => {
                let table = format!("keys.{table}");
                for (key, value) in reading.table(&table, value).into_iter().flatten() {
                    all.extend(binding(reading, *place, key.get_ref(), value));
                }
            }
            None => all.extend(binding(reading, Place::Everywhere, word, value)),
        }
    }
    all
}

fn binding(
    reading: &mut Reading<'_>,
    place: Place,
    command: &str,
    value: &Spanned<DeValue<'_>>,
) -> Option<Binding> {
    let line = reading.line(&value.span());
    if let Some(guard) = super::guards::meant(command) {
        let text =
            format!("{}: what guards stands before all tables", super::reading::said(command));
        reading.wrong_guard(line, guard, &text);
        return None;
    }
    let keys = reading.value(command, value, values::texts)?;
    Some(Binding { place, command: super::reading::said(command), keys, line })
}

/// The tables with every default key, commented out.
pub(super) fn printed() -> String {
    let keymap = Keymap::default();
    let mut text = String::new();
    for (title, place) in [
        ("In table and log", Place::Everywhere),
        ("In the table", Place::Table),
        ("In the log", Place::Log),
        ("In the details of a process", Place::Details),
    ] {
        let _ = writeln!(text, "\n## {title}.\n#[{}]", place.table());
        let rows: Vec<&Row> = match place {
            Place::Details => keymap.details().collect(),
            _ => keymap.rows().filter(|row| Place::of(row.pane) == place).collect(),
        };
        for row in rows {
            let keys: Vec<String> = row.written().map(|key| format!("{key:?}")).collect();
            let keys = match &keys[..] {
                [only] => only.clone(),
                all => format!("[{}]", all.join(", ")),
            };
            let _ = writeln!(text, "#{} = {keys:<24} ## {}", name(&row.label), row.help);
        }
    }
    text
}
