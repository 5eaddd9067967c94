//! `[[command]]`: programs of the user's own, on a key.
//!
//! Invariant: a command is taken whole or not at all; of one that is not, its key and the palette say why.
//! What stands for something of a process is an argument of its own.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::guards::{self, Guard};
use super::reading::{Reading, near, said};
use super::values::{self, boolean};
use crate::app::keymap::{Binding, OwnRow, Place};
use crate::app::settings::{Of, OwnCommand, Word};
use crate::protocol::shell::word;

/// The keys of `[[command]]`.
pub(super) const COMMAND: &[&str] = &["name", "key", "run", "confirm", "dangerous", "wait"];
/// The most commands.
const COMMANDS_MAX: usize = 100;
/// Programs whose own programs may be a word in braces: `awk {print}`.
const IN_BRACES: [&str; 6] = ["awk", "gawk", "mawk", "nawk", "perl", "sed"];
/// The longest name, characters.
const NAME_MAX: usize = 30;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) commands: Vec<OwnCommand>,
    pub(super) rows: Vec<OwnRow>,
    /// How many of them are refused.
    refused: usize,
    pub(super) bindings: Vec<Binding>,
}

/// Reads all.
pub(super) fn read(reading: &mut Reading<'_>, table: &DeTable<'_>) -> Own {
    let mut own = Own::default();
    let Some(value) = table.get("command") else { return own };
    for (place, table) in reading.tables("command", value) {
        if own.commands.len() == COMMANDS_MAX {
            reading.wrong(&place, format!("only the first {COMMANDS_MAX} [[command]] count"));
            break;
        }
        let told = reading.count();
        let keys = command(reading, &mut own, &place, table);
        if let Err(refused) = keys
            && own.refused < COMMANDS_MAX
        {
            let head = reading.line(&place);
            let found = reading.told_since(told);
            let why = found.map_or("it is wrong", |found| &*found.text).to_owned();
            // The line that is wrong, as `config check` has it.
            let line = found.and_then(|found| found.line).unwrap_or(head);
            refuse(&mut own, refused, head, (line, &why));
        }
    }
    own
}

/// A command that is not taken.
#[derive(Default)]
struct Refused {
    title: Option<String>,
    keys: Option<(Vec<String>, usize)>,
}

/// Gives a row its keys, which stand in this line.
fn bind(own: &mut Own, name: &str, keys: Option<(Vec<String>, usize)>) {
    if let Some((keys, line)) = keys {
        let command = crate::app::keymap::name(name);
        own.bindings.push(Binding { place: Place::Table, command, keys, line });
    }
}

/// Keeps why it is not taken for its key and the palette.
fn refuse(
    own: &mut Own,
    Refused { title, keys }: Refused,
    head: usize,
    (line, why): (usize, &str),
) {
    own.refused += 1;
    let title = title.unwrap_or_else(|| "command".to_owned());
    let name = format!("{title} (line {head})");
    bind(own, &name, keys);
    let help = format!("{title} is not run: line {line} of the configuration: {why}");
    own.rows.push(OwnRow { name, help, is_refused: true });
}

/// Takes one, or gives what of it is needed to say why not.
fn command(
    reading: &mut Reading<'_>,
    own: &mut Own,
    place: &Range<usize>,
    table: &DeTable<'_>,
) -> Result<(), Refused> {
    let (mut title, mut run, mut keys) = (None, None, None);
    let (mut asks, mut is_dangerous, mut waits) = (None, true, true);
    let (mut is_whole, mut is_doubtful) = (true, false);
    for (key, value) in table {
        let field = &**key.get_ref();
        let is_read = match field {
            "name" => {
                title = reading.value(field, value, name);
                title.is_some()
            }
            "run" => {
                run = reading.value(field, value, words);
                run.is_some()
            }
            "key" => {
                let line = reading.line(&value.span());
                keys = reading.value(field, value, values::texts).map(|keys| (keys, line));
                true
            }
            // Where it is not known whether it is safe, it is not.
            "confirm" | "dangerous" => {
                let read = reading.guard((field, Guard::Command), value, boolean);
                is_doubtful |= read.is_none();
                if field == "confirm" {
                    asks = read;
                } else {
                    is_dangerous = read.unwrap_or(true);
                }
                true
            }
            "wait" => {
                waits = reading.value(field, value, boolean).unwrap_or(true);
                true
            }
            unknown if guards::is_meant_of_command(unknown) => {
                is_doubtful = true;
                let line = reading.line(&key.span());
                let text = format!("unknown key `{}` of a [[command]]", said(unknown));
                reading.wrong_guard(line, Guard::Command, &text);
                true
            }
            unknown => {
                reading.unknown(&key.span(), unknown, COMMAND);
                true
            }
        };
        is_whole &= is_read;
    }
    for (field, is_there) in [("name", table.get("name")), ("run", table.get("run"))] {
        if is_there.is_none() {
            reading.wrong(place, format!("[[command]]: {field} = .. is missing"));
        }
    }
    let (title, run) = match (title, run) {
        (Some(title), Some(run)) if is_whole => (title, run),
        (title, _) => return Err(Refused { title, keys }),
    };
    if own.rows.iter().any(|row| row.name == title) {
        reading.wrong(place, format!("[[command]]: there are two of the name `{title}`"));
        return Err(Refused { title: Some(title), keys });
    }
    let shown = run.iter().map(written).collect::<Vec<_>>().join(" ");
    let help = format!("{title}: run {}", said(&shown));
    own.rows.push(OwnRow { name: title.clone(), help, is_refused: false });
    bind(own, &title, keys);
    let asks = is_doubtful || asks.unwrap_or(is_dangerous);
    let is_dangerous = is_doubtful || is_dangerous;
    own.commands.push(OwnCommand { name: title, run, asks, is_dangerous, waits });
    Ok(())
}

fn name(value: &DeValue<'_>) -> Result<String, String> {
    let name = said(values::text(value)?.trim());
    if name.is_empty() || name.chars().count() > NAME_MAX {
        return Err(format!("a name of 1 to {NAME_MAX} characters is wanted"));
    }
    Ok(name)
}

fn words(value: &DeValue<'_>) -> Result<Vec<Word>, String> {
    let words = values::program(value)?;
    let program = words.first().and_then(|first| first.rsplit('/').next()).unwrap_or_default();
    let has_braces = IN_BRACES.contains(&program);
    let read = |(place, text): (usize, String)| {
        let whole = Of::WRITTEN.iter().find(|(written, _)| *written == text);
        if let Some((written, of)) = whole {
            if place == 0 {
                return Err(format!("{written} cannot be the program"));
            }
            return Ok(Word::Of(*of));
        }
        if let Some((written, _)) = Of::WRITTEN.iter().find(|(written, _)| text.contains(written)) {
            return Err(format!(
                "{written} must be an argument by itself: pass it on, as in [\"sh\", \"-c\", \"echo $0\", \"{written}\"]"
            ));
        }
        // Passed on as it is, it would be a surprise to the program.
        let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let known = Of::WRITTEN.iter().map(|(written, _)| *written);
        let is_name = |it: &&str| {
            !it.is_empty() && it.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '-'))
        };
        let Some(inside) = inside.filter(|it| !it.is_empty()) else { return Ok(Word::Text(text)) };
        match near(&text, known.clone()) {
            Some(meant) => Err(format!("there is no {}; did you mean {meant}?", said(&text))),
            None if is_name(&inside) && !has_braces => {
                let all = known.collect::<Vec<_>>().join(" ");
                Err(format!(
                    "there is no {}, but {all}; for the text itself, write {{ {} }}",
                    said(&text),
                    said(inside)
                ))
            }
            None => Ok(Word::Text(text)),
        }
    };
    words.into_iter().enumerate().map(read).collect()
}

fn written(of: &Word) -> String {
    match of {
        Word::Text(text) => word(text).into_owned(),
        Word::Of(of) => {
            let known = Of::WRITTEN.iter().find(|(_, known)| known == of);
            known.map_or_else(String::new, |(written, _)| (*written).to_owned())
        }
    }
}
