//! The screen as lines, for screen readers and `script(1)`: no frames, no drawing characters, no
//! colours; only what is new is said.
//!
//! ```text
//! table: 3 processes
//! api[0]: shop, cluster, online, restarts 0, uptime 3d 04h, cpu 12.3%, mem 120.4 MiB, limit 40%
//! 14:03:02 worker[4] exit: exit code 1 after 0.4 s
//! ```
//!
//! Invariant: each line is plain text of what the app shows; nothing is said twice until it changed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text;
use super::theme::{Colors, Ground, Theme};
use super::{lookup, screen};
use crate::app::log_line::Shown;
use crate::app::{App, Mode, Pane};
use crate::logs::{Kind, LineId, Stream};
use crate::model::ProcessKey;
use crate::model::daemon::Connection;
use crate::model::rows::columns::Row;
use crate::model::rows::tree::Group;
use crate::model::rows::{Field, Sort, reason};
use crate::model::units::{self, Clock};

/// The most lines of the log that are said at once; of more the newest.
const LOG_LINES_MAX: usize = 30;
/// The most rows that are read out at the start.
const ROWS_MAX: usize = 200;

const PLAIN: Theme = Theme::new(Colors::None, Ground::Unknown, true);

/// What was said.
#[derive(Debug, Default)]
pub struct Announced {
    has_rows: bool,
    place: String,
    selected: Option<(ProcessKey, Option<Group>)>,
    marked: Option<LineId>,
    notice: Option<String>,
    /// The lines of what covers the table and the log.
    covering: Vec<String>,
    /// Up to which line the log was said.
    last: Option<LineId>,
}

/// What is new since then.
#[must_use]
pub fn news(app: &App, told: &mut Announced) -> Vec<String> {
    let mut lines = Vec::new();
    cover(app, told, &mut lines);
    let is_covered = app.mode.covers();
    if !is_covered {
        let has_read_rows = place(app, told, &mut lines);
        selection(app, (told, has_read_rows), &mut lines);
        log(app, told, &mut lines);
    }
    let notice = app.notice.as_ref().map(|notice| notice.text.clone());
    if told.notice != notice {
        lines.extend(notice.clone());
        told.notice = notice;
    }
    lines
}

/// What covers the screen: its lines that were not there before.
fn cover(app: &App, told: &mut Announced, lines: &mut Vec<String>) {
    let shown = if app.mode.covers() { covering(app) } else { Vec::new() };
    lines.extend(shown.iter().filter(|line| !told.covering.contains(line)).cloned());
    if !told.covering.is_empty() && shown.is_empty() {
        // Where one is again.
        (told.place, told.selected, told.marked) = (String::new(), None, None);
    }
    told.covering = shown;
}

/// Where one is, and what is asked for there; whether all rows were read out with it.
fn place(app: &App, told: &mut Announced, lines: &mut Vec<String>) -> bool {
    let place = match app.focus {
        Pane::Processes => table(app),
        Pane::Log if app.log_top.is_none() => "log, following".to_owned(),
        Pane::Log => "log, reading".to_owned(),
    };
    if told.place == place {
        return false;
    }
    told.place.clone_from(&place);
    lines.push(place);
    if !told.has_rows && !app.watched.fleet.is_empty() {
        told.has_rows = true;
        let rows = app.rows();
        lines.extend(rows.iter().take(ROWS_MAX).filter_map(|key| row(app, *key)));
        if rows.len() > ROWS_MAX {
            lines.push(format!("and {} more", rows.len() - ROWS_MAX));
        }
        return true;
    }
    false
}

fn table(app: &App) -> String {
    let (all, shown) = (app.watched.fleet.len(), app.rows().len());
    let query = app.table.query();
    let mut parts = vec![if query.leaves_out() {
        format!("table: {shown} of {all} processes")
    } else {
        format!("table: {all} processes")
    }];
    for daemon in app.watched.daemons.iter().filter(|daemon| daemon.is_production) {
        parts.push(format!("{} is PRODUCTION", daemon.label));
    }
    for daemon in app.watched.daemons.iter().filter(|daemon| !daemon.is_live()) {
        let is_asked = matches!(daemon.connection, Connection::Connecting);
        let state = if is_asked { "is being asked" } else { "does not answer" };
        parts.push(format!("{} {state}", daemon.label));
    }
    if query.only_unwell {
        parts.push("only what is not well".to_owned());
    }
    if let Mode::Filter(typing) = &app.mode {
        let wrong = typing.wrong.as_ref().map(|wrong| format!(": {wrong}")).unwrap_or_default();
        parts.push(format!("filter {}{wrong}", typing.input.text()));
    } else if let Some(filter) = &query.filter {
        parts.push(format!("filter {}", filter.text()));
    } else {
        // All are meant.
    }
    if query.sort != Sort::default() {
        let first = if query.sort.is_descending { "largest" } else { "least" };
        parts.push(format!("sorted by {}, {first} first", query.sort.field.word()));
    }
    if app.table.is_tree() {
        parts.push("as a tree".to_owned());
    }
    if !app.marks.is_empty() {
        parts.push(format!("{} marked", app.marks.len()));
    }
    parts.join(", ")
}

/// The row or line that one is on, if it is another than before.
fn selection(app: &App, (told, has_read_rows): (&mut Announced, bool), lines: &mut Vec<String>) {
    match app.focus {
        Pane::Processes => {
            let selected = app.selected.map(|key| (key, app.cursor_group().cloned()));
            if told.selected == selected {
                return;
            }
            told.selected.clone_from(&selected);
            match selected {
                Some((_, Some(group))) => {
                    let part = app.group_members().and_then(|members| members.part_words());
                    lines.push(part.unwrap_or_else(|| group.words()));
                }
                // What it is was read out just now.
                Some((key, None)) if has_read_rows => {
                    lines.push(format!("on {}", app.display_name(key)));
                }
                Some((key, None)) => lines.extend(row(app, key)),
                None => {}
            }
        }
        Pane::Log => {
            let marked = app.log_mark.and_then(|_| crate::app::marked(app));
            if told.marked == marked {
                return;
            }
            told.marked = marked;
            let entry = marked.and_then(|line| app.log_view.entry(line));
            lines.extend(entry.map(|entry| line(app, &entry.line)));
        }
    }
}

/// A process in one sentence.
fn row(app: &App, key: ProcessKey) -> Option<String> {
    let process = app.watched.fleet.get(key)?;
    let daemon = lookup::daemon(app, key.daemon).map_or("-", |daemon| &*daemon.label);
    let cells = Row { process, daemon, now: app.now };
    let mut said = Vec::new();
    for field in app.table.fields() {
        let cell = field.cell(&cells);
        match (field, cell) {
            (Field::Id | Field::Name | Field::Daemon | Field::Chart, _) | (_, None) => {}
            (Field::Namespace | Field::Mode | Field::Status, Some(cell)) => said.push(cell),
            (field, Some(cell)) => said.push(format!("{} {cell}", field.head_word())),
        }
    }
    if process.is_looping && !app.table.fields().contains(&Field::Status) {
        said.push("looping".to_owned());
    }
    said.extend(reason(&app.watched, key));
    if app.marks.has(key) {
        said.push("marked".to_owned());
    }
    Some(format!("{}: {}", app.display_name(key), said.join(", ")))
}

/// What is new in the log.
fn log(app: &App, told: &mut Announced, lines: &mut Vec<String>) {
    let all = app.lines();
    let from = match told.last {
        None => all.len().saturating_sub(LOG_LINES_MAX),
        Some(last) => {
            let place = all.place_of(last);
            if all.at(place) == Some(last) { place.saturating_add(1) } else { place }
        }
    };
    let count = all.len().saturating_sub(from);
    if count > LOG_LINES_MAX {
        lines.push(format!("{} lines of the log left out", count - LOG_LINES_MAX));
    }
    let from = from.max(all.len().saturating_sub(LOG_LINES_MAX));
    let shown = all.rows(from, LOG_LINES_MAX);
    lines.extend(shown.iter().map(|shown| line(app, shown)));
    if let Some(last) = all.len().checked_sub(1).and_then(|last| all.at(last)) {
        told.last = Some(last);
    }
}

/// A line of the log.
fn line(app: &App, shown: &Shown) -> String {
    let at = units::clock(shown.time.at_ms, app.utc_offset_s, Clock::Seconds);
    let source = &shown.source;
    let id = source.pm_id.map(|id| format!("[{id}]")).unwrap_or_default();
    // What happened begins with its own word; which kind it is must be told all the same, since an app
    // can print the same words.
    let word = match shown.kind {
        Kind::Output | Kind::More if shown.stream == Stream::Err => " err",
        Kind::Output | Kind::More => "",
        Kind::Message => " message",
        Kind::Event | Kind::Exit | Kind::Restart | Kind::Exception | Kind::Loss => " event",
    };
    format!("{at} {}{id}{word}: {}{}", source.name, shown.lead, shown.text.text)
}

/// The lines of what covers the screen, without what is only drawn.
fn covering(app: &App) -> Vec<String> {
    let whole = Rect::new(0, 0, app.size.0, app.size.1);
    let mut buffer = Buffer::empty(whole);
    let over = screen::draw(app, PLAIN, whole, &mut buffer);
    let body = app.geometry(app.size).map_or(whole, |parts| parts.body.into());
    let area = over.unwrap_or(body).intersection(whole);
    let rows = (area.top()..area.bottom()).map(|y| words(&cells(&buffer, area, y)));
    rows.filter(|line| !line.is_empty()).collect()
}

fn cells(buffer: &Buffer, area: Rect, y: u16) -> String {
    let mut line = String::new();
    let mut covered = 0;
    for x in area.left()..area.right() {
        if covered > 0 {
            covered -= 1;
            continue;
        }
        let Some(cell) = buffer.cell((x, y)) else { break };
        covered = text::width(cell.symbol()).saturating_sub(1);
        line.push_str(cell.symbol());
    }
    line
}

/// The words of a line: strokes, bars and gutters are no words.
fn words(line: &str) -> String {
    let is_drawn = |word: &&str| {
        let is_stroke = word.chars().all(|c| "#=+*:.-|^_".contains(c));
        is_stroke && !matches!(*word, "***" | "-" | "." | ".." | "...") && *word != "*"
    };
    line.split_whitespace().filter(|word| !is_drawn(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_and_bars_are_no_words() {
        assert_eq!(words("= Actions = api[0] ======="), "Actions api[0]");
        assert_eq!(words("  30%    +**   :**= "), "30%");
        assert_eq!(words("> TOKEN   ***  "), "> TOKEN ***");
        assert_eq!(words("--------"), "");
    }
}
