//! An entry of the log shown whole: all its lines, JSON indented, with a search inside.
//!
//! Invariant: it is as it was when it was opened, whatever falls out of the log meanwhile.

use super::editor::Editor;
use super::log_line::{self, Shown, WHOLE_BYTES};
use super::log_view::{LogView, Search};
use super::wrap::{folded, whole_lines};
use crate::logs::{Kind, LineId, LineRef};

/// An open entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its first line.
    pub line: Shown,
    /// All its lines, cleaned.
    pub lines: Vec<String>,
    /// As it is copied: its bytes as they came, but for what would do something to a terminal.
    pub copied: Vec<u8>,
    /// Whether its lines go on in the log file, behind what is shown and copied.
    pub is_cut: bool,
    /// First row shown.
    pub top: usize,
    /// Whether long lines are cut, and from which column on they are shown; else they wrap.
    pub shift: Option<usize>,
    /// What is searched for in it.
    pub search: Option<Search>,
    /// The search while it is typed.
    pub typing: Option<Editor>,
}

impl LogView {
    /// The entry that a line is the first of.
    #[must_use]
    pub fn entry(&self, id: LineId) -> Option<Entry> {
        let line = self.whole(id)?;
        let mut lines = whole_lines(&line);
        let mut is_cut = false;
        let copied = match line.kind {
            Kind::Output | Kind::More => {
                let head = self.store.line(id)?;
                let all: Vec<LineRef<'_>> =
                    std::iter::once(head).chain(self.store.rest_of(id, false)).collect();
                is_cut = all.iter().any(LineRef::is_long);
                if head.is_long() {
                    lines.push(format!("({})", log_line::cut(&all, WHOLE_BYTES)));
                }
                let mut copied = Vec::new();
                for (index, line) in all.iter().enumerate() {
                    let before = index.checked_sub(1).and_then(|before| all.get(before));
                    if before.is_some_and(|before| line.is_part_behind(before)) {
                        continue;
                    }
                    let most = log_line::opened_bytes(line, index == 0);
                    copied.push(log_line::pure(&log_line::bytes_of(line, &self.filed.seen, most)));
                    if index > 0 {
                        let shown = Shown::of(&self.store, &self.filed.seen, line, most);
                        lines.extend(shown.map(|line| line.text.text.to_string()));
                    }
                }
                copied.join(&b'\n')
            }
            Kind::Exception => lines.join("\n").into(),
            // Without the layout that JSON has on the screen.
            Kind::Message | Kind::Event | Kind::Exit | Kind::Restart | Kind::Loss => {
                format!("{}{}", line.lead, line.text.text).into()
            }
        };
        Some(Entry { line, lines, copied, is_cut, top: 0, shift: None, search: None, typing: None })
    }
}

impl Entry {
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

    /// The rows that the search is in.
    pub(super) fn hits(&self, rows: &[String]) -> Vec<usize> {
        let Some(search) = &self.search else { return Vec::new() };
        let is_hit = |row: &String| search.pattern.find_iter(row).next().is_some();
        (0_usize..).zip(rows).filter(|(_, row)| is_hit(row)).map(|(index, _)| index).collect()
    }
}
