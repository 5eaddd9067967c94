//! Copying from the details.
//!
//! Invariant: the value of a variable is copied only after it was asked about; whatever else is copied
//! is masked as it is shown, and clean.

use super::{Prompt, Sheet, Tab, rows};
use crate::app::effect::{Effect, Effects};
use crate::app::mode::Mode;
use crate::app::state::App;

/// The widest line that the overview is copied in, columns.
const COLUMNS: u16 = 100;

/// Copies what is chosen, or asks first; with `is_all` all of the tab.
pub(super) fn copy(app: &mut App, is_all: bool) -> Effects {
    let command = app.notice.as_ref().and_then(|notice| notice.command.clone());
    let Mode::Details(sheet) = &mut app.mode else { return Effects::none() };
    if sheet.tab == Tab::Environment && !is_all {
        sheet.prompt = chosen_variable(sheet).map(Prompt::Copy);
        return Effects::none();
    }
    let copied = if is_all { all(sheet) } else { chosen(sheet) };
    match (copied, command) {
        (Some((what, text)), _) => say(app, &what, text),
        (None, Some(command)) if !is_all => say(app, &command.clone(), command),
        (None, _) => {
            app.notify("there is nothing to copy here", false);
            Effects::none()
        }
    }
}

/// Copies the value of a variable: it was said yes to.
pub(super) fn value(app: &mut App, name: &str) -> Effects {
    let Mode::Details(sheet) = &app.mode else { return Effects::none() };
    let variables = sheet.examined.as_ref().map(|it| &it.details.environment);
    let found = variables.and_then(|all| all.iter().find(|variable| *variable.name == *name));
    let Some(value) = found.map(|variable| variable.value.reveal()) else {
        app.notify(format!("not copied: {name} is not there any more"), true);
        return Effects::none();
    };
    say(app, &format!("the value of {name}"), value)
}

fn say(app: &mut App, what: &str, text: String) -> Effects {
    app.notify(format!("copied: {what}"), false);
    Effects::one(Effect::Copy(text.into()))
}

fn chosen_variable(sheet: &Sheet) -> Option<Box<str>> {
    let variables = &sheet.examined.as_ref()?.details.environment;
    let at = sheet.place().min(variables.len().checked_sub(1)?);
    variables.get(at).map(|variable| variable.name.clone())
}

/// What is chosen in the tab in front: what it is, and its text.
fn chosen(sheet: &Sheet) -> Option<(String, String)> {
    let examined = sheet.examined.as_ref()?;
    match sheet.tab {
        Tab::Metrics => {
            let metric = examined.details.metrics.get(sheet.place())?;
            Some((metric.name.to_string(), metric.text()))
        }
        Tab::Actions => {
            let name = examined.details.actions.get(sheet.place())?;
            let name = crate::protocol::text::clean(&name.name).into_owned();
            Some((name.clone(), name))
        }
        Tab::Raw => {
            let text = examined.raw.get(sheet.raw_line()?)?;
            let text = text.trim().trim_end_matches(',').to_owned();
            Some(("the line".to_owned(), text))
        }
        Tab::Overview | Tab::Charts | Tab::Environment => None,
    }
}

/// All of the tab in front: what it is, and its text.
fn all(sheet: &Sheet) -> Option<(String, String)> {
    let examined = sheet.examined.as_ref()?;
    let details = &examined.details;
    let text = match sheet.tab {
        Tab::Overview => {
            let columns = rows::overview(sheet, COLUMNS);
            let rows = columns.iter().flat_map(|column| &column.rows);
            lines(rows.map(|row| format!("{}  {}", row.label, row.text).trim_end().to_owned()))
        }
        Tab::Metrics => {
            lines(details.metrics.iter().map(|it| format!("{}  {}", it.name, it.text())))
        }
        Tab::Actions => lines(
            details.actions.iter().map(|it| crate::protocol::text::clean(&it.name).into_owned()),
        ),
        // Names only.
        Tab::Environment => lines(details.environment.iter().map(|it| it.name.to_string())),
        Tab::Raw => lines(examined.raw.iter().cloned()),
        Tab::Charts => return None,
    };
    Some((format!("{} of {}", sheet.tab.word().to_lowercase(), sheet.target.label()), text))
}

fn lines(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().join("\n")
}
