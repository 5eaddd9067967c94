//! Metrics, actions, environment and raw JSON of the details.

use super::{top_of, whole};
use crate::app::App;
use crate::app::details::charts::sparkline;
use crate::app::details::{Prompt, Sheet};
use crate::app::geometry::{Area, wrap};
use crate::model::details::Metric;
use crate::protocol::redact::MASK;
use crate::view::canvas::Canvas;
use crate::view::parts::Part;
use crate::view::roles::Role;
use crate::view::{chart, prompt, text};
use ratatui::layout::Rect;

/// The widest column of names.
const NAME_MAX: u16 = 40;
/// Columns of a metric's value with its unit.
const VALUE: u16 = 18;
/// The widest course of a metric.
const COURSE_MAX: u16 = 60;
/// Rows for a value that is too long for its row.
const VALUE_ROWS: u16 = 6;

/// What is said where there is nothing to list.
fn nothing(canvas: &mut Canvas<'_>, content: Area, why: &str) {
    let quiet = canvas.role(Role::Quiet);
    for (y, line) in (content.y..content.y + content.rows).zip(wrap(why, content.columns)) {
        canvas.text(content.x, y, content.columns, &line, quiet);
    }
}

/// Columns of names: as wide as they are.
fn names<'a>(names: impl Iterator<Item = &'a str>, content: Area) -> u16 {
    names.map(text::width).max().unwrap_or(0).min(NAME_MAX).min(content.columns / 2)
}

/// Draws the metrics: name, value with unit, course.
pub(super) fn metrics(app: &App, canvas: &mut Canvas<'_>, content: Area, sheet: &Sheet) {
    let Some(examined) = &sheet.examined else { return };
    let metrics = &examined.details.metrics;
    if metrics.is_empty() {
        return nothing(
            canvas,
            content,
            "It reports no metrics (@pm2/io reports some of each app)",
        );
    }
    let names = names(metrics.iter().map(|metric| &*metric.name), content);
    let chosen = sheet.place().min(metrics.len() - 1);
    let top = top_of(chosen, metrics.len(), content.rows);
    let shown = metrics.iter().enumerate().skip(top);
    for (y, (index, metric)) in (content.y..content.y + content.rows).zip(shown) {
        let (value_role, name_role) =
            if metric.is_internal { (Role::Text, Role::Quiet) } else { (Role::Strong, Role::Text) };
        let (name, value) = (canvas.role(name_role), canvas.role(value_role));
        canvas.text(content.x, y, names, &metric.name, name);
        let at = content.x + names + 2;
        let end = content.x + content.columns;
        let room = VALUE.min(end.saturating_sub(at));
        draw_value(canvas, (at, y, room), metric, value);
        let at = at + room + 2;
        let columns = end.saturating_sub(at).min(COURSE_MAX);
        if columns >= 6 && metric.number.is_some() {
            let bars = sparkline(app, sheet, &metric.name, columns);
            let style = canvas.role(Role::Cpu);
            chart::draw_bars(canvas, Rect::new(at, y, columns, 1), &bars, style);
        }
        if index == chosen {
            canvas.select(whole(content, y), Rect::new(content.x, y, names, 1), true);
        }
    }
}

/// Numbers stand under one another, and their units.
fn draw_value(
    canvas: &mut Canvas<'_>,
    (x, y, columns): (u16, u16, u16),
    metric: &Metric,
    style: ratatui::style::Style,
) {
    let unit = columns.saturating_sub(11).min(text::width(&metric.unit).max(7));
    if metric.number.is_none() {
        canvas.text(x, y, columns, &metric.text(), style);
        return;
    }
    let number = columns.saturating_sub(unit + 1);
    canvas.right(x, y, number, &metric.value, style);
    let quiet = canvas.role(Role::Quiet);
    canvas.text(x + number + 1, y, unit, &metric.unit, quiet);
}

/// Draws the actions: name, what its author says of it; below them what came of the last one.
pub(super) fn actions(
    app: &App,
    canvas: &mut Canvas<'_>,
    (size, content): ((u16, u16), Area),
    sheet: &Sheet,
) {
    let replies = u16::try_from(sheet.asked.len()).unwrap_or(u16::MAX);
    let replies = if replies == 0 { 0 } else { replies.saturating_add(2).min(content.rows / 2) };
    let list = Area { rows: content.rows - replies, ..content };
    draw_actions(canvas, list, sheet);
    draw_replies(canvas, content.below(list.rows), sheet);
    if let Some(Prompt::Trigger(ready)) = &sheet.prompt {
        let all = sheet.instances(&app.watched).len();
        let whom = if ready.is_to_all {
            format!("all {all} of {}", sheet.target.name)
        } else {
            sheet.target.label()
        };
        let name = text_of(&ready.action);
        let title = [
            Part::new(format!("Trigger {name} in {whom}"), Role::Strong, 0),
            Part::new("parameters: JSON or text", Role::Quiet, 1),
        ];
        let says = match ready.params() {
            Ok(None) if ready.takes_parameters => (
                Role::Warn,
                "Enter triggers it without parameters, though it takes some".to_owned(),
            ),
            Ok(None) => (Role::Good, "Enter triggers it".to_owned()),
            Ok(Some(params)) => (Role::Good, format!("the action gets {params}")),
            Err(why) => (Role::Bad, why),
        };
        prompt::draw_prompt(canvas, size, &title, &ready.input, says);
    }
}

/// What each process replied to the last action, or that it has not.
fn draw_replies(canvas: &mut Canvas<'_>, area: Area, sheet: &Sheet) {
    let Some(first) = sheet.asked.first().filter(|_| area.rows > 1) else { return };
    let all = Area { x: 0, columns: area.columns + 2, ..area };
    let count = sheet.asked.iter().filter(|asked| asked.reply.is_some()).count();
    let mut title = vec![Part::new(text_of(&first.action), Role::Strong, 0)];
    title.push(Part::new(format!("{count} of {}", sheet.asked.len()), Role::Quiet, 1));
    canvas.pane(all.into(), false, &title);
    let labels = sheet.asked.iter().map(|asked| asked.target.label());
    let labels: Vec<String> = labels.collect();
    let columns = names(labels.iter().map(String::as_str), area);
    let rows = area.y + 1..area.y + area.rows;
    for (y, (asked, label)) in rows.zip(sheet.asked.iter().zip(&labels)) {
        let (words, role) = match &asked.reply {
            None => ("waiting".to_owned(), Role::Quiet),
            Some(reply) if reply.is_success() => (reply.words(), Role::Text),
            Some(reply) => (reply.words(), Role::Bad),
        };
        let (quiet, style) = (canvas.role(Role::Quiet), canvas.role(role));
        canvas.text(area.x, y, columns, label, quiet);
        let at = columns + 2;
        canvas.text(area.x + at, y, area.columns.saturating_sub(at), &words, style);
    }
}

fn draw_actions(canvas: &mut Canvas<'_>, content: Area, sheet: &Sheet) {
    let Some(examined) = &sheet.examined else { return };
    let actions = &examined.details.actions;
    if actions.is_empty() {
        return nothing(canvas, content, "It declares no actions (io.action of @pm2/io does)");
    }
    let names = names(actions.iter().map(|action| &*action.name), content);
    let chosen = sheet.place().min(actions.len() - 1);
    let top = top_of(chosen, actions.len(), content.rows);
    for (y, (index, action)) in
        (content.y..content.y + content.rows).zip(actions.iter().enumerate().skip(top))
    {
        let role = if action.is_internal { Role::Quiet } else { Role::Text };
        let (name, quiet) = (canvas.role(role), canvas.role(Role::Quiet));
        canvas.text(content.x, y, names, &text_of(&action.name), name);
        let mut about = Vec::new();
        if action.takes_parameters {
            about.push("takes parameters");
        }
        if action.is_internal {
            about.push("of PM2's own library");
        }
        if !action.comment.is_empty() {
            about.push(&action.comment);
        }
        let room = content.columns.saturating_sub(names + 2);
        canvas.text(content.x + names + 2, y, room, &about.join(", "), quiet);
        if index == chosen {
            canvas.select(whole(content, y), Rect::new(content.x, y, names, 1), true);
        }
    }
}

/// A name that is sent as it is, cleaned.
fn text_of(name: &str) -> String {
    crate::protocol::text::clean(name).into_owned()
}

/// Draws the environment: names, and the values that were revealed.
pub(super) fn environment(canvas: &mut Canvas<'_>, content: Area, sheet: &Sheet) {
    let Some(examined) = &sheet.examined else { return };
    let variables = &examined.details.environment;
    if variables.is_empty() {
        return nothing(canvas, content, "PM2 keeps no environment of it");
    }
    let content = above_search(canvas, content, sheet);
    let found = canvas.role(Role::Match);
    let names = names(variables.iter().map(|variable| &*variable.name), content);
    let chosen = sheet.place().min(variables.len() - 1);
    let room = content.columns.saturating_sub(names + 2);
    // A long value stands whole below the list.
    let long = variables
        .get(chosen)
        .filter(|variable| sheet.revealed.contains(&variable.name))
        .map(|variable| variable.value.reveal())
        .filter(|value| text::width(value) > room);
    let below = if long.is_some() { VALUE_ROWS.min(content.rows / 2) } else { 0 };
    let list = Area { rows: content.rows - below, ..content };
    let top = top_of(chosen, variables.len(), list.rows);
    for (y, (index, variable)) in
        (list.y..list.y + list.rows).zip(variables.iter().enumerate().skip(top))
    {
        let (plain, quiet) = (canvas.role(Role::Text), canvas.role(Role::Quiet));
        let hit = sheet.search_here().and_then(|it| it.find(&variable.name)).unwrap_or(0..0);
        canvas.styled(list.x, y, names, &variable.name, |byte| {
            if hit.contains(&byte) { found } else { plain }
        });
        let at = list.x + names + 2;
        if sheet.revealed.contains(&variable.name) {
            let warn = canvas.role(Role::Warn);
            canvas.text(at, y, room, &variable.value.reveal(), warn);
        } else {
            canvas.text(at, y, room, MASK, quiet);
        }
        if index == chosen {
            canvas.select(whole(list, y), Rect::new(list.x, y, names, 1), true);
        }
    }
    if let Some(value) = long {
        let warn = canvas.role(Role::Warn);
        let rows = list.y + list.rows + 1..content.y + content.rows;
        for (y, line) in rows.zip(wrap(&value, content.columns)) {
            canvas.text(content.x, y, content.columns, &line, warn);
        }
    }
}

/// Draws the question whether a value is to be copied.
pub(super) fn copy_question(canvas: &mut Canvas<'_>, content: Area, name: &str) {
    let y = content.y + content.rows.saturating_sub(1);
    let words = format!(" copy the value of {name} to the clipboard? Enter yes, Esc no ");
    let width = text::width(&words).min(content.columns);
    let blank = " ".repeat(usize::from(content.columns));
    let warn = canvas.role(Role::Warn);
    canvas.text(content.x, y, content.columns, &blank, warn);
    canvas.text(content.x, y, width, &words, warn);
}

/// Draws what is searched for in the tab in front below it, or the line that is typed; the room above it.
fn above_search(canvas: &mut Canvas<'_>, content: Area, sheet: &Sheet) -> Area {
    let is_typed = matches!(sheet.prompt, Some(Prompt::Search(_)));
    let search = sheet.search_here();
    if !is_typed && search.is_none() {
        return content;
    }
    let list = Area { rows: content.rows.saturating_sub(1), ..content };
    let row = Rect::new(content.x, content.y + list.rows, content.columns, 1);
    if let Some(Prompt::Search(input)) = &sheet.prompt {
        prompt::input(canvas, row, "/ ", input);
        return list;
    }
    if let (Some(search), Some(examined)) = (search, &sheet.examined) {
        let hits = search.hits(examined);
        let at = search.at.and_then(|at| hits.iter().position(|hit| *hit == at));
        let says = match (hits.len(), at) {
            (0, _) => format!("/ {}   not found", search.text),
            (count, Some(at)) => format!("/ {}   {} of {count}", search.text, at + 1),
            (count, None) => format!("/ {}   {count}", search.text),
        };
        let quiet = canvas.role(Role::Quiet);
        canvas.text(row.x, row.y, row.width, &says, quiet);
    }
    list
}

/// Draws a line below the list whole where it is too long for its row; the room above it.
fn above_whole(canvas: &mut Canvas<'_>, content: Area, line: Option<&str>) -> Area {
    let Some(line) = line.filter(|line| text::width(line) > content.columns) else {
        return content;
    };
    let wrapped = wrap(line.trim_start(), content.columns);
    // A row between them.
    let wanted = u16::try_from(wrapped.len() + 1).unwrap_or(u16::MAX);
    let list = Area { rows: content.rows - wanted.min(content.rows / 2), ..content };
    let plain = canvas.role(Role::Text);
    let rows = list.y + list.rows + 1..content.y + content.rows;
    for (y, line) in rows.zip(wrapped) {
        canvas.text(content.x, y, content.columns, &line, plain);
    }
    list
}

/// Draws the raw JSON, with what was searched for.
pub(super) fn raw(canvas: &mut Canvas<'_>, content: Area, sheet: &Sheet) {
    let Some(examined) = &sheet.examined else { return };
    let list = above_search(canvas, content, sheet);
    let lines = &examined.raw;
    let shown = examined.folds.shown(lines);
    let chosen = sheet.place().min(shown.len().saturating_sub(1));
    let line_of = shown.get(chosen).and_then(|shown| lines.get(shown.line));
    let list = above_whole(canvas, list, line_of.map(String::as_str));
    let top = top_of(chosen, shown.len(), list.rows);
    let (plain, quiet, found) =
        (canvas.role(Role::Text), canvas.role(Role::Quiet), canvas.role(Role::Match));
    let rows = (list.y..list.y + list.rows).zip(shown.iter().enumerate().skip(top));
    for (y, (place, shown)) in rows {
        let Some(line) = lines.get(shown.line) else { continue };
        let hit = sheet.search_here().and_then(|search| search.find(line)).unwrap_or(0..0);
        // Names stand back: they are the same for all processes.
        let name_end = line.find("\": ").map_or(0, |at| at + 2);
        canvas.styled(list.x, y, list.columns, line, |byte| match byte {
            byte if hit.contains(&byte) => found,
            byte if byte < name_end => quiet,
            _ => plain,
        });
        if shown.hidden > 0 {
            let at = text::width(line).min(list.columns);
            let dots = if canvas.theme().ascii { ".." } else { "…" };
            let more = format!(" {dots} {} lines", shown.hidden - 1);
            canvas.text(list.x + at, y, list.columns - at, &more, quiet);
        }
        if place == chosen {
            canvas.select(whole(list, y), Rect::new(list.x, y, 0, 1), true);
        }
    }
}
