//! `theme` and `[themes.NAME]`: the colours.
//!
//! Invariant: a theme that is there is checked whether it is the chosen one or not.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::reading::{Reading, near, said};
use super::values;
use crate::view::sets::{Choice, NAMES, Own, ROLES};

/// The most themes.
const THEMES_MAX: usize = 100;
/// The key of a theme that names the one it begins with.
pub(super) const BASE: &str = "base";

/// Reads both: the theme that is chosen, and the user's own by their names.
pub(super) fn read(reading: &mut Reading<'_>, table: &DeTable<'_>) -> (Choice, Vec<(String, Own)>) {
    let own = table.get("themes").map(|value| own(reading, value)).unwrap_or_default();
    let Some(value) = table.get("theme") else { return (Choice::Auto, own) };
    let choose = |value: &DeValue<'_>| named(&values::text(value)?, &own);
    (reading.value("theme", value, choose).unwrap_or_default(), own)
}

/// The theme of a name: one's own may differ from a known one by case only.
///
/// # Errors
/// There is none of that name, and which there are.
pub(super) fn named(name: &str, own: &[(String, Own)]) -> Result<Choice, String> {
    let builtin = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let builtin = builtin.map(|(_, choice)| *choice);
    let mine = own.iter().find(|(known, _)| *known == name).map(|(_, own)| Choice::Own(*own));
    mine.or(builtin).ok_or_else(|| {
        let known = NAMES.iter().map(|(known, _)| *known);
        let known: Vec<&str> = known.chain(own.iter().map(|(name, _)| &**name)).collect();
        match near(name, known.iter().copied()) {
            Some(near) => format!("there is no `{}`; did you mean \"{near}\"?", said(name)),
            None => format!("there is no `{}`: {}", said(name), known.join(", ")),
        }
    })
}

/// The user's themes by their names.
fn own(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Vec<(String, Own)> {
    let mut all = Vec::new();
    for (key, value) in reading.table("themes", value).into_iter().flatten() {
        let name = said(key.get_ref());
        if all.len() == THEMES_MAX {
            reading.wrong(&key.span(), format!("only the first {THEMES_MAX} themes count"));
            break;
        }
        if NAMES.iter().any(|(known, _)| *known == name) {
            let text = format!("`{name}` is a theme already; give yours another name");
            reading.wrong(&key.span(), text);
            continue;
        }
        if let Some(table) = reading.table(&format!("themes.{name}"), value) {
            all.extend(theme(reading, &name, table).map(|own| (name, own)));
        }
    }
    all
}

fn theme(reading: &mut Reading<'_>, name: &str, table: &DeTable<'_>) -> Option<Own> {
    let mut base = "dark".to_owned();
    let mut styles = Vec::new();
    for (key, value) in table {
        let role = &**key.get_ref();
        if role == BASE {
            base = reading.value(role, value, values::text).unwrap_or(base);
        } else if ROLES.contains(&role) {
            if let Some(words) = reading.value(role, value, values::texts) {
                styles.push((role, words, value.span()));
            }
        } else {
            let known: Vec<&str> = [BASE].into_iter().chain(ROLES.iter().copied()).collect();
            reading.unknown(&key.span(), role, &known);
        }
    }
    let words: Vec<(&str, Vec<&str>)> = styles
        .iter()
        .map(|(role, words, _)| (*role, words.iter().map(String::as_str).collect()))
        .collect();
    let place = table.get(BASE).map(Spanned::span);
    match Own::of(&base, &words) {
        Ok((own, wrong)) => {
            for (at, why) in wrong {
                if let Some((role, _, span)) = styles.get(at) {
                    reading.wrong(span, format!("themes.{name}.{role}: {}", said(&why)));
                }
            }
            Some(own)
        }
        Err(why) => {
            reading.wrong(&place.unwrap_or_default(), format!("themes.{name}: {why}"));
            None
        }
    }
}
