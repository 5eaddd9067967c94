//! An entry of the log shown whole: all its lines, JSON indented, with a search inside.
//!
//! Invariant: it is as it was when it was opened, whatever falls out of the log meanwhile.

use super::command::{Command, LogCommand};
use super::editor::Editor;
use super::log_line::{Shown, WHOLE_BYTES};
use super::log_view::{LogView, Search};
use super::taken::scrolled;
use super::wrap::{folded, whole_lines};
use crate::logs::{Kind, LineId};

/// Columns that a step sideways goes.
const SHIFT: usize = 20;

/// An open entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its first line.
    pub line: Shown,
    /// All its lines, cleaned.
    pub lines: Vec<String>,
    /// How many of these are the first line.
    of_head: usize,
    /// First row shown.
    pub top: usize,
    /// Whether long lines are cut, and from which column on they are shown; else they wrap.
    pub shift: Option<usize>,
    /// What is searched for in it.
    pub search: Option<Search>,
    /// The search while it is typed.
    pub typing: Option<Editor>,
}

/// What became of a command in an entry.
pub(super) enum Taken {
    /// It is dealt with.
    Done,
    /// It closes.
    Close,
    /// It is copied.
    Copy,
}

impl LogView {
    /// The entry that a line is the first of.
    #[must_use]
    pub fn entry(&self, id: LineId) -> Option<Entry> {
        let line = self.whole(id)?;
        let mut lines = whole_lines(&line);
        let of_head = lines.len();
        if matches!(line.kind, Kind::Output | Kind::More) {
            let rest = self.store.rest_of(id, false);
            let shown = rest.filter_map(|line| Shown::of(&self.store, &line, WHOLE_BYTES));
            lines.extend(shown.map(|line| line.text.text.to_string()));
        }
        Some(Entry { line, lines, of_head, top: 0, shift: None, search: None, typing: None })
    }
}

impl Entry {
    /// As it is copied: without the layout that JSON has on the screen.
    #[must_use]
    pub fn text(&self) -> String {
        if self.line.kind == Kind::Exception {
            return self.lines.join("\n");
        }
        let head = format!("{}{}", self.line.lead, self.line.text.text);
        let rest = self.lines.iter().skip(self.of_head).map(String::as_str);
        std::iter::once(head.as_str()).chain(rest).collect::<Vec<_>>().join("\n")
    }

    /// Its rows in so many columns.
    #[must_use]
    pub fn rows(&self, columns: u16) -> Vec<String> {
        let columns = usize::from(columns.max(2));
        match self.shift {
            None => self.lines.iter().flat_map(|line| folded(line, columns)).collect(),
            Some(shift) => {
                let from = |line: &String| {
                    let start = super::log_shape::behind(line, shift);
                    line.get(start..).unwrap_or_default().to_owned()
                };
                self.lines.iter().map(from).collect()
            }
        }
    }

    /// In how many rows the search is, and how many of them stand before the first shown.
    #[must_use]
    pub fn found(&self, rows: &[String]) -> (usize, usize) {
        let hits = self.hits(rows);
        (hits.len(), hits.iter().filter(|row| **row < self.top).count())
    }

    fn hits(&self, rows: &[String]) -> Vec<usize> {
        let Some(search) = &self.search else { return Vec::new() };
        let is_hit = |row: &String| search.pattern.find_iter(row).next().is_some();
        (0_usize..).zip(rows).filter(|(_, row)| is_hit(row)).map(|(index, _)| index).collect()
    }

    /// What is typed is searched for, from the first row shown on.
    pub(super) fn typed(&mut self, inside: (u16, u16)) {
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
    pub(super) fn take(&mut self, inside: (u16, u16), command: Command) -> Taken {
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
