//! Single values of the configuration.
//!
//! Invariant: whatever is refused is refused with what would have been taken.

use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::reading::{near, said};
use crate::cli;
use crate::model::rows::{Filter, STATUS_WORDS};

type Value<'a, 'i> = &'a DeValue<'i>;

/// `true` or `false`.
pub(super) fn boolean(value: Value<'_, '_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("true or false is wanted, not {}", kind(value)))
}

/// A text.
pub(super) fn text(value: Value<'_, '_>) -> Result<String, String> {
    let text =
        value.as_str().ok_or_else(|| format!("a text in quotes is wanted, not {}", kind(value)))?;
    Ok(text.to_owned())
}

/// A list of texts; a text by itself is one of one.
pub(super) fn texts(value: Value<'_, '_>) -> Result<Vec<String>, String> {
    let wanted = |value: Value<'_, '_>| format!("a list of texts is wanted, not {}", kind(value));
    match value {
        DeValue::String(text) => Ok(vec![text.clone().into_owned()]),
        DeValue::Array(items) => items
            .iter()
            .map(|item| {
                let item = item.get_ref();
                item.as_str().map(ToOwned::to_owned).ok_or_else(|| wanted(item))
            })
            .collect(),
        other => Err(wanted(other)),
    }
}

/// A program and its arguments, as a list: no shell splits it.
pub(super) fn program(value: Value<'_, '_>) -> Result<Vec<String>, String> {
    let wanted = "a list is wanted: [\"program\", \"argument\"]; no shell runs it";
    let DeValue::Array(_) = value else { return Err(wanted.to_owned()) };
    let words = texts(value)?;
    match words.first() {
        Some(program) if !program.trim().is_empty() => {}
        _ => return Err(wanted.to_owned()),
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err("a program or argument cannot have a NUL in it".to_owned());
    }
    Ok(words)
}

/// A whole number in a range.
pub(super) fn whole(min: u32, max: u32) -> impl Fn(Value<'_, '_>) -> Result<u32, String> {
    move |value| {
        let number = match value {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| format!("a whole number from {min} to {max} is wanted"))
    }
}

/// A number or text that an option of the command line would take.
fn as_typed(value: Value<'_, '_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// The pause between polls: seconds, as `--interval`.
pub(super) fn interval(value: Value<'_, '_>) -> Result<Duration, String> {
    let typed = as_typed(value).ok_or("a number of seconds is wanted")?;
    cli::parse_interval(&typed)
}

/// A settle window, as `--settle`.
pub(super) fn settle(value: Value<'_, '_>) -> Result<Duration, String> {
    cli::parse_settle(&as_typed(value).ok_or("a time like 1500ms, 60s or 5m is wanted")?)
}

/// A span of time.
pub(super) fn span(value: Value<'_, '_>) -> Result<Duration, String> {
    cli::parse_span(&as_typed(value).ok_or("a time like 1500ms, 60s or 5m is wanted")?)
}

/// The absolute path of a file; `~/` is the user's home.
pub(super) fn path(value: Value<'_, '_>) -> Result<PathBuf, String> {
    let text = text(value)?;
    let path = match text.strip_prefix("~/") {
        Some(rest) => match std::env::var_os("HOME") {
            Some(home) => PathBuf::from(home).join(rest),
            None => return Err("~ is not known: HOME is not set".to_owned()),
        },
        None => PathBuf::from(&text),
    };
    if !path.is_absolute() || text.contains('\0') || text.ends_with('/') {
        return Err(format!("`{}`: a path from / or ~/ to a file is wanted", said(&text)));
    }
    Ok(path)
}

/// Which rows, in the words of the table's filter.
pub(super) fn filter(value: Value<'_, '_>) -> Result<Filter, String> {
    let text = text(value)?;
    match Filter::parse(&text) {
        Ok(Some(filter)) => match filter.no_status() {
            Some(word) => {
                let all = STATUS_WORDS.join(", ");
                let near = near(word, STATUS_WORDS.into_iter());
                let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                Err(format!("no status is called `{}`: {all}{near}", said(word)))
            }
            None => Ok(filter),
        },
        Ok(None) => Err("a filter is wanted, as / takes it: mem>80%".to_owned()),
        Err(wrong) => Err(format!("{} (at character {})", wrong.what, wrong.at + 1)),
    }
}

/// One of some words.
pub(super) fn one_of<T: Copy>(words: &[(&str, T)]) -> impl Fn(Value<'_, '_>) -> Result<T, String> {
    move |value| {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let all = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let Some(text) = value.as_str() else {
            return Err(format!("one of {all} is wanted, not {}", kind(value)));
        };
        match words.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            Some((_, value)) => Ok(*value),
            None => Err(match near(text, names.into_iter()) {
                Some(near) => {
                    format!("`{}` is none of {all}; did you mean \"{near}\"?", said(text))
                }
                None => format!("`{}` is none of {all}", said(text)),
            }),
        }
    }
}

/// A home or a host. A home is a path and loses the slash at its end.
pub(super) fn place(value: Value<'_, '_>) -> Result<Box<str>, String> {
    let wanted = || format!("PM2 homes and host names are wanted, not {}", kind(value));
    let text = value.as_str().ok_or_else(wanted)?.trim();
    let text = match (text.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{}/{rest}", home.trim_end_matches('/')),
        _ => text.to_owned(),
    };
    let text = if text.len() > 1 { text.trim_end_matches('/') } else { &text };
    if text.is_empty() {
        return Err("a PM2 home or a host name is wanted, not nothing".to_owned());
    }
    if text.contains(['*', '?']) {
        return Err(format!("`{}` is a pattern: each home or host is named whole", said(text)));
    }
    let is_of_host = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
    if text.contains('/') {
        if !text.starts_with('/') {
            return Err(format!("`{}`: a home begins with / or ~/", said(text)));
        }
    } else if text.starts_with('.') || !text.chars().all(is_of_host) {
        return Err(format!("`{}` is neither a path nor a host name", said(text)));
    } else {
        // A host.
    }
    Ok(text.into())
}

/// What a value is, in words.
pub(super) fn kind(value: Value<'_, '_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
