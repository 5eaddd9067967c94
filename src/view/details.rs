//! The details of a process: a title, the tabs, and what is in the one in front.
//!
//! ```text
//! ━ api[3] ━ ● online ━ 3d 04h ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  1 Overview  2 Charts  3 Metrics  4 Actions  5 Environment  6 Raw
//!  ━━━━━━━━━━──────────────────────────────────────────────────────
//! ```
//!
//! Invariant: places and rows are those of [`crate::app::details`], which `update` scrolls by. A
//! value of the environment is drawn only where it was revealed.

mod charts;
mod lists;
mod overview;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::lookup::{is_live, name_of};
use super::parts::{Part, key};
use super::roles::Role;
use super::theme::Colors;
use super::{chart, status, text};
use crate::app::App;
use crate::app::details::charts::below_overview;
use crate::app::details::{Prompt, Sheet, Tab, content, tab_rows};
use crate::app::geometry::{Area, TITLE};
use crate::model::{Action, state_word};
use crate::protocol::process::ProcessStatus;

/// Draws them over the body of the screen.
pub(super) fn draw(
    app: &App,
    canvas: &mut Canvas<'_>,
    (size, body): ((u16, u16), Area),
    sheet: &Sheet,
) {
    let content = content(size);
    canvas.clear(body.into());
    canvas.pane(body.into(), true, &title(app, canvas, content, sheet));
    tabs(canvas, body.below(TITLE), sheet, size.1);
    match sheet.tab {
        Tab::Charts => charts::draw(app, canvas, size, sheet),
        Tab::Overview => {
            overview::draw(canvas, content, sheet);
            // Without colours and in ASCII it may be lines for a screen reader: bars say nothing there.
            let is_drawn = !(canvas.theme().ascii && canvas.theme().colors == Colors::None);
            if is_drawn {
                let charts = below_overview(sheet, size);
                chart::draw_of(app, canvas, charts, Some(sheet.key()));
            }
        }
        _ if sheet.examined.is_none() => {
            let quiet = canvas.role(Role::Quiet);
            canvas.text(content.x, content.y, content.columns, "asking the daemon", quiet);
        }
        Tab::Metrics if sheet.charted.is_some() => charts::draw_metric(app, canvas, size, sheet),
        Tab::Metrics => lists::metrics(app, canvas, content, sheet),
        Tab::Actions => lists::actions(app, canvas, (size, content), sheet),
        Tab::Environment => lists::environment(canvas, content, sheet),
        Tab::Raw => lists::raw(canvas, content, sheet),
    }
    if let Some(Prompt::Copy(name)) = &sheet.prompt {
        lists::copy_question(canvas, content, name);
    }
    if !is_live(app, sheet.daemon) {
        canvas.style(body.below(TITLE).into(), canvas.theme().stale());
    }
}

/// Whose they are, how it does, and since when.
fn title(app: &App, canvas: &Canvas<'_>, content: Area, sheet: &Sheet) -> Vec<Part> {
    let mut title = vec![Part::new(name_of(app, sheet.key()), Role::Strong, 0)];
    let Some(process) = app.watched.fleet.get(sheet.key()) else { return title };
    let status = status::of(process, app.now.steady_ms, canvas.theme().glyphs());
    let word = if process.pending.is_some() || status.is_long {
        status.text(status::COLUMNS, false)
    } else {
        // As the facts below it.
        format!("{} {}", status.glyph, state_word::of(process))
    };
    title.push(Part::new(word, status.role, 0));
    if let Some(uptime_ms) = process.uptime_ms(app.now.steady_ms) {
        title.push(Part::new(text::uptime(uptime_ms), Role::Quiet, 1));
    }
    if sheet.examined.is_none() && sheet.tab == Tab::Overview {
        let words = "asking the daemon for the rest";
        title.push(Part::new(words, Role::Accent, 0).or(3, "asking", Role::Accent));
    }
    let Area { columns, rows, .. } = content;
    let count = sheet.count(columns);
    if count > usize::from(rows) {
        let place = sheet.place();
        let text = if sheet.tab.chooses() {
            format!("{} of {count}", place.min(count - 1) + 1)
        } else {
            format!("{} more below", (count - usize::from(rows)).saturating_sub(place))
        };
        title.push(Part::new(text, Role::Quiet, 2));
    }
    title
}

/// The names of the tabs, and below them a stroke that is heavy under the one in front. Those that do
/// not fit leave, but for the one in front.
fn tabs(canvas: &mut Canvas<'_>, area: Area, sheet: &Sheet, rows: u16) {
    let end = area.x + area.columns.saturating_sub(1);
    let words = |is_short: bool| -> Vec<(Tab, String)> {
        let word = |tab: Tab| match tab {
            Tab::Environment if is_short => "Env",
            tab => tab.word(),
        };
        let words = Tab::ALL.into_iter().enumerate();
        words.map(|(at, tab)| (tab, format!("{} {}", at + 1, word(tab)))).collect()
    };
    let columns = |words: &[(Tab, String)], gap: u16| {
        words.iter().fold(0_u16, |sum, (_, word)| sum + text::width(word) + gap)
    };
    let room = area.columns.saturating_sub(2);
    let fitting = [(false, 3), (true, 3), (true, 2)]
        .into_iter()
        .map(|(is_short, gap)| (words(is_short), gap))
        .find(|(words, gap)| columns(words, *gap) <= room + gap);
    let (words, gap) = fitting.unwrap_or_else(|| {
        // Only numbers, but for the one in front.
        let words = words(true).into_iter().enumerate().map(|(at, (tab, word))| {
            (tab, if tab == sheet.tab { word } else { (at + 1).to_string() })
        });
        (words.collect(), 1)
    });
    if tab_rows(rows) > 1 {
        let (glyphs, faint) = (canvas.theme().glyphs(), canvas.role(Role::Faint));
        for x in area.x + 1..end {
            canvas.text(x, area.y + 1, 1, glyphs.rule, faint);
        }
    }
    let mut x = area.x + 1;
    for (tab, word) in words {
        let (number, name) = word.split_once(' ').unwrap_or((&word, ""));
        let is_in_front = tab == sheet.tab;
        let role = if is_in_front { Role::Accent } else { Role::Text };
        let (accent, style, quiet) =
            (canvas.role(Role::Accent), canvas.role(role), canvas.role(Role::Quiet));
        let number_style = if is_in_front { accent } else { quiet };
        let columns = text::width(&word);
        let used = canvas.text(x, area.y, end.saturating_sub(x), number, number_style) + 1;
        canvas.text(x + used, area.y, end.saturating_sub(x + used), name, style);
        if is_in_front && tab_rows(rows) > 1 {
            let glyphs = canvas.theme().glyphs();
            for x in x..(x + columns).min(end) {
                canvas.text(x, area.y + 1, 1, glyphs.rule_in_front, accent);
            }
        }
        x = x.saturating_add(columns + gap);
    }
}

/// The keys that mean something in the tab in front.
pub(super) fn keys(app: &App, canvas: &Canvas<'_>, sheet: &Sheet) -> Vec<Part> {
    match &sheet.prompt {
        Some(Prompt::Search(_)) => return vec![key("Enter", "search", 0), key("Esc", "close", 0)],
        Some(Prompt::Trigger(ready)) => {
            let mut keys = vec![key("Enter", "trigger", 0), key("Esc", "close", 0)];
            match (sheet.instances(&app.watched).len(), ready.is_to_all) {
                (0 | 1, _) => {}
                (_, true) => keys.push(key("Tab", "only in this process", 1)),
                (count, false) => keys.push(key("Tab", &format!("in all {count} of the app"), 1)),
            }
            return keys;
        }
        Some(Prompt::Copy(_)) => return vec![key("Enter", "copy", 0), key("Esc", "do not", 0)],
        None => {}
    }
    let arrows = if canvas.theme().ascii { "Tab" } else { "← →" };
    let mut keys = match sheet.tab {
        Tab::Overview => Vec::new(),
        Tab::Charts => vec![key("+ -", "span", 1)],
        Tab::Metrics if sheet.charted.is_some() => {
            vec![key("+ -", "span", 1), key("Enter", "list", 1)]
        }
        Tab::Metrics => vec![key("Enter", "chart", 1)],
        Tab::Actions if app.read_only => Vec::new(),
        Tab::Actions => vec![key("Enter", "trigger", 1)],
        Tab::Environment if sheet.search_here().is_some() => {
            vec![key("n N", "next, previous", 1), key("Enter", "show, hide", 3)]
        }
        Tab::Environment => {
            vec![key("Enter", "show, hide", 1), key("y", "copy", 3), key("/", "search", 6)]
        }
        Tab::Raw if sheet.search_here().is_some() => {
            vec![key("n N", "next, previous", 1), key("Enter", "fold", 6)]
        }
        Tab::Raw => vec![key("/", "search", 1), key("Enter", "fold", 3), key("y", "copy", 6)],
    };
    keys.push(key("Esc", "back", 0));
    keys.push(key(arrows, "tab", 2));
    keys.push(key("1-6", "tab", 6));
    let process = app.watched.fleet.get(sheet.key());
    if !app.read_only && is_live(app, sheet.daemon) {
        let is_stopped =
            process.is_some_and(|process| process.info.status == ProcessStatus::Stopped);
        let actions = if is_stopped {
            [("a", Action::Start), ("d", Action::Delete)]
        } else {
            [("r", Action::Restart), ("s", Action::Stop)]
        };
        keys.extend(actions.map(|(letter, action)| key(letter, action.verb(), 4)));
    }
    keys.push(key("W", "why", 5));
    keys.push(key("?", "help", 3));
    keys
}

/// The rows of a list with one chosen in so many rows of room: the first shown.
fn top_of(chosen: usize, count: usize, rows: u16) -> usize {
    let rows = usize::from(rows.max(1));
    // In the middle, so that what is around it is seen.
    chosen.saturating_sub(rows / 2).min(count.saturating_sub(rows))
}

/// A row of the content as a row of the screen, for the sign of what is chosen.
fn whole(content: Area, y: u16) -> Rect {
    Rect::new(content.x - 1, y, content.columns + 2, 1)
}
