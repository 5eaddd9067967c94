//! Taking lines of the log away: marking and copying them.
//!
//! Invariant: no control sequence of a line comes out of the clipboard again; all else does, byte for byte.

use super::command::{Command, LogCommand};
use super::effect::{Effect, Effects};
use super::geometry::Pane;
use super::log_line::{WHOLE_BYTES, pure};
use super::log_pieces;
use super::log_sight::{self, Sight, jump};
use super::log_view::LogView;
use super::notice::Notice;
use super::state::App;
use crate::logs::LineId;
use crate::model::units;

/// The most bytes that are copied: as base64 just below 100,000, which is what terminals take.
const COPY_BYTES_MAX: usize = 74_000;
/// The most lines that can be marked.
const MARKS_MAX: usize = 10_000;

impl LogView {
    /// Whether a line is marked.
    #[must_use]
    pub fn is_marked(&self, line: LineId) -> bool {
        self.marks.contains(&line)
    }

    /// The bytes of a line as they came.
    pub(super) fn bytes_of(&self, line: LineId) -> Option<Vec<u8>> {
        let line = self.store.line(line)?;
        let bytes = line.read(&self.filed.seen, 0, WHOLE_BYTES).ok()?;
        Some(bytes.into_owned())
    }

    /// How many lines are marked.
    #[must_use]
    pub fn marks(&self) -> usize {
        self.marks.len()
    }

    fn mark(&mut self, line: LineId) {
        if !self.marks.remove(&line) && self.marks.len() < MARKS_MAX {
            self.marks.insert(line);
        }
    }

    /// The next marked line that is shown, behind this one or from the first on.
    fn next_mark(&self, from: LineId) -> Option<LineId> {
        let shown = |line: &&LineId| self.view.shows(&self.store, **line);
        let behind = self.marks.iter().filter(|line| **line > from).find(shown);
        behind.or_else(|| self.marks.iter().find(shown)).copied()
    }
}

/// Marks the line, or takes its mark away.
pub(super) fn mark(app: &mut App) {
    app.focus = Pane::Log;
    if let Some(line) = log_sight::marked(app) {
        app.log_view.mark(line);
    }
}

/// Goes to the next marked line.
pub(super) fn next_mark(app: &mut App) {
    app.focus = Pane::Log;
    let from = log_sight::marked(app).unwrap_or(LineId::START);
    match app.log_view.next_mark(from) {
        Some(line) => jump(app, line),
        None if app.log_view.marks() > 0 => app.notify("no marked line is shown now", false),
        None => app.notify("no line is marked: m marks the one you are at", false),
    }
}

/// Copies the entry at which one is.
pub(super) fn entry(app: &mut App) -> Effects {
    app.focus = Pane::Log;
    let marked = log_sight::marked(app);
    if !log_pieces::are_there(app, marked.as_slice(), Command::Log(LogCommand::Copy)) {
        return Effects::none();
    }
    let entry = marked.and_then(|line| app.log_view.entry(line));
    match entry {
        Some(entry) => copy_part(app, "the entry", &entry.copied, entry.is_cut),
        None => Effects::none(),
    }
}

/// Copies the marked entries, or those in sight.
pub(super) fn many(app: &mut App) -> Effects {
    app.focus = Pane::Log;
    let marks: Vec<LineId> = app.log_view.marks.iter().copied().collect();
    let (what, lines) = if marks.is_empty() {
        let Sight { top, count, .. } = log_sight::sight(app, log_sight::log_page(app));
        let lines = app.lines();
        let lines: Vec<LineId> = (top..top + count).filter_map(|place| lines.at(place)).collect();
        ("what is in sight", lines)
    } else {
        ("what is marked", marks)
    };
    if !log_pieces::are_there(app, &lines, Command::Log(LogCommand::CopyMany)) {
        return Effects::none();
    }
    let (mut text, mut is_cut) = (Vec::new(), false);
    for entry in lines.into_iter().filter_map(|line| app.log_view.entry(line)) {
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend(entry.copied);
        is_cut |= entry.is_cut;
        if text.len() > COPY_BYTES_MAX {
            break;
        }
    }
    if text.is_empty() {
        return Effects::none();
    }
    copy_part(app, what, &text, is_cut)
}

/// Copies a text, each line [`pure`], and says how much of it went.
pub(super) fn copy(app: &mut App, what: &str, text: &[u8]) -> Effects {
    copy_part(app, what, text, false)
}

/// The same of a text that may be cut by now.
pub(super) fn copy_part(app: &mut App, what: &str, text: &[u8], is_cut: bool) -> Effects {
    let mut clean = text.split(|byte| *byte == b'\n').map(pure).collect::<Vec<_>>().join(&b'\n');
    let whole = clean.len();
    let mut end = whole.min(COPY_BYTES_MAX);
    // No character is cut, where they are characters.
    let goes_on = |at: usize| clean.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    while end + 4 > COPY_BYTES_MAX && end < whole && goes_on(end) {
        end -= 1;
    }
    clean.truncate(end);
    let size = units::bytes(end as u64);
    let notice = match clean.split(|byte| *byte == b'\n').count() {
        _ if end < whole => format!("copied the first {size} of {what}: terminals take no more"),
        _ if is_cut => format!("copied {size} of {what}: the rest of it is in the log file"),
        1 => format!("copied {what}: 1 line, {size}"),
        lines => format!("copied {what}: {lines} lines, {size}"),
    };
    app.say(Notice::new(notice, is_cut || end < whole, app.now.steady_ms).done());
    Effects::one(Effect::Copy(clean))
}
