//! What keys do in what is open over the log.
//!
//! Invariant: nothing here acts on a process.

use super::command::{Command, LogCommand};
use super::editor::Editor;
use super::effect::Effects;
use super::geometry::{Pane, line_inside};
use super::log_charts::{counts, parts};
use super::log_entry::Entry;
use super::log_sheet::{LogSheet, Moments};
use super::log_view::{Search, Wanted};
use super::mode::Mode;
use super::notice::{About, Notice};
use super::state::App;
use super::taken::scrolled;
use super::{log_copy, log_sight, log_taking, log_toggles};
use crate::logs::parse::Level;
use crate::logs::{Direction, Goal, LineId, Owner};

/// Rows that a page in a list goes.
const PAGE: usize = 8;
/// Columns that a step sideways goes.
const SHIFT: usize = 20;

/// What became of a command in an entry.
enum Taken {
    /// It is dealt with.
    Done,
    /// It closes.
    Close,
    /// It is copied.
    Copy,
}

/// Takes in what was typed, while it is.
pub(super) fn typed(app: &mut App) {
    let inside = line_inside(app.size);
    if let Mode::LogSheet(sheet) = &mut app.mode
        && let LogSheet::Entry(entry) = sheet
    {
        entry.typed(inside);
    }
}

/// A command while it is open.
pub(super) fn take(app: &mut App, command: Command) -> Effects {
    let inside = line_inside(app.size);
    let Mode::LogSheet(sheet) = &mut app.mode else { return Effects::none() };
    app.is_dirty = true;
    match sheet {
        LogSheet::Entry(entry) => match entry.take(inside, command) {
            Taken::Done => {}
            Taken::Close => app.close(),
            Taken::Copy => {
                let (text, is_cut) = (entry.copied.clone(), entry.is_cut);
                return log_copy::copy_part(app, "the entry", &text, is_cut);
            }
        },
        LogSheet::Replace { .. } => {
            let is_meant = command == Command::Yes;
            if is_meant || matches!(command, Command::No | Command::Back) {
                return log_taking::replace(app, is_meant);
            }
        }
        LogSheet::Histogram(moments) => {
            let moments = *moments;
            take_in_histogram(app, moments, command);
        }
        LogSheet::Muted { chosen } => {
            let chosen = *chosen;
            take_muted(app, chosen, command);
        }
    }
    Effects::none()
}

/// Opens the lines over time, at the marked line.
pub(super) fn open_histogram(app: &mut App) {
    app.focus = Pane::Log;
    let marked = log_sight::marked(app).filter(|_| app.log_mark.is_some());
    let at_ms = marked.map(|line| line.order_ms);
    app.open(Mode::LogSheet(LogSheet::Histogram(Moments { at_ms, is_for_errors: false })));
}

fn take_in_histogram(app: &mut App, moments: Moments, command: Command) {
    let (buckets, _) = parts(app, app.size);
    let at = moments.chosen(&buckets);
    let last = buckets.len().saturating_sub(1);
    let has_errors =
        |index: &usize| buckets.get(*index).is_some_and(|bucket| counts(bucket).first() > Some(&0));
    let to = match command {
        Command::Back | Command::Log(LogCommand::Histogram) => return app.close(),
        Command::Open => {
            app.close();
            let from_ms = buckets.get(at).map(|bucket| bucket.from_ms);
            if let Some(from_ms) = from_ms.filter(|_| moments.is_for_errors) {
                let (from, goal) = (LineId::at_time(from_ms), Goal::Level(Level::Error));
                let way = Direction::Forward;
                app.log_view.want(Wanted { from, way, goal, is_nearest: false });
                return;
            }
            if let Some(line) = from_ms.and_then(|from_ms| app.log_view.first_from(from_ms)) {
                log_sight::jump(app, line);
            }
            return;
        }
        Command::Older | Command::Log(LogCommand::PreviousTurn) => at.saturating_sub(1),
        Command::Newer | Command::Log(LogCommand::NextTurn) => at + 1,
        Command::Log(LogCommand::PreviousError | LogCommand::NextError) => {
            let is_next = command == Command::Log(LogCommand::NextError);
            let found = if is_next {
                (at + 1..=last).find(has_errors)
            } else {
                (0..at).rev().find(has_errors)
            };
            let side = if is_next { "later" } else { "earlier" };
            let Some(found) = found else {
                let notice = Notice::new(format!("no {side} errors"), false, app.now.steady_ms);
                return app.say(notice.about(About::Answer));
            };
            found
        }
        command => scrolled(at, last, PAGE, command),
    };
    let at_ms = buckets.get(to.min(last)).map(|bucket| bucket.from_ms).filter(|_| to < last);
    let is_for_errors =
        matches!(command, Command::Log(LogCommand::PreviousError | LogCommand::NextError));
    app.mode = Mode::LogSheet(LogSheet::Histogram(Moments { at_ms, is_for_errors }));
}

fn take_muted(app: &mut App, chosen: usize, command: Command) {
    let last = app.log_view.muted().count().saturating_sub(1);
    match command {
        Command::Back => app.close(),
        Command::Open => {
            let owner: Option<Owner> = app.log_view.muted().nth(chosen.min(last)).cloned();
            if let Some(owner) = owner {
                log_toggles::unmute(app, owner);
            }
            if app.log_view.muted().next().is_none() {
                app.close();
            }
        }
        Command::Log(LogCommand::Mute) => {
            app.close();
            log_toggles::mute_marked(app);
        }
        command => {
            let chosen = scrolled(chosen, last, PAGE, command);
            app.mode = Mode::LogSheet(LogSheet::Muted { chosen });
        }
    }
}

impl Entry {
    /// What is typed is searched for, from the first row shown on.
    fn typed(&mut self, inside: (u16, u16)) {
        let Some(typing) = &self.typing else { return };
        self.search = Search::of(&typing.text());
        self.go_to_hit(inside, true, self.top);
    }

    /// Goes to the next row with the search, at this one or behind it, or before it.
    fn go_to_hit(&mut self, (columns, rows): (u16, u16), is_down: bool, from: usize) {
        let all = self.rows(columns);
        let hits = self.hits(&all);
        let found = if is_down {
            hits.iter().find(|row| **row >= from)
        } else {
            hits.iter().rev().find(|row| **row < from)
        };
        if let Some(row) = found {
            self.top = (*row).min(all.len().saturating_sub(usize::from(rows)));
        }
    }

    /// A command while it is open, on a screen with so many columns and rows for it.
    fn take(&mut self, inside: (u16, u16), command: Command) -> Taken {
        if self.typing.is_some() {
            match command {
                Command::Open => self.typing = None,
                Command::Back => (self.typing, self.search) = (None, None),
                _ => {}
            }
            return Taken::Done;
        }
        match command {
            Command::Back if self.search.is_some() => self.search = None,
            Command::Back | Command::Open | Command::No => return Taken::Close,
            Command::Log(LogCommand::Copy) => return Taken::Copy,
            Command::Log(LogCommand::Search) => self.typing = Some(Editor::default()),
            Command::Log(LogCommand::NextMatch) => self.go_to_hit(inside, true, self.top + 1),
            Command::Log(LogCommand::PreviousMatch) => self.go_to_hit(inside, false, self.top),
            Command::Log(LogCommand::Wrap) => {
                self.shift = if self.shift.is_some() { None } else { Some(0) };
                self.top = 0;
            }
            Command::Older => self.shift = self.shift.map(|shift| shift.saturating_sub(SHIFT)),
            Command::Newer => {
                let most = self.lines.iter().map(String::len).max().unwrap_or(0);
                self.shift = self.shift.map(|shift| (shift + SHIFT).min(most));
            }
            command => {
                let (columns, page) = inside;
                let last = self.rows(columns).len().saturating_sub(usize::from(page));
                self.top = scrolled(self.top.min(last), last, usize::from(page), command);
            }
        }
        Taken::Done
    }
}
