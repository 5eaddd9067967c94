//! Lines that were dropped on the way here: a ruler stands where they are missing, with their number.
//!
//! Invariant: a ruler is among the lines of the output that it is about, so that it stands with these whatever
//! is shown; between two lines of an output there is one at most.

use super::command::{Command, LogCommand};
use super::geometry::Pane;
use super::log_view::LogView;
use super::state::App;
use crate::logs::parse::Level;
use crate::logs::{Body, Kind, Line, LineId, LineRef, LineTime, SourceId, Stream, TimeFrom};
use crate::model::ProcessKey;
use crate::model::fleet::Fleet;
use crate::model::log::{LogLine, LogSource};
use crate::protocol::bus::LogStream;

impl App {
    /// Lines are missing here.
    pub(super) fn take_lost(&mut self, line: LogLine) {
        let (of, lines) = line.missing();
        let has_file = of.is_some_and(|of| has_file(&self.watched.fleet, &line.source, of));
        let key = self.keys.first(Command::Log(LogCommand::Pager), Pane::Log);
        let whereabouts = |are: &str| match &key {
            _ if !has_file => String::new(),
            Some(key) => format!(", and {are} in the log file only ({key} opens it)"),
            None => format!(", and {are} in the log file only"),
        };
        let text = |lines: u64| match lines {
            1 => format!("1 line was dropped here: it came too fast{}", whereabouts("is")),
            _ => {
                format!("{lines} lines were dropped here: they came too fast{}", whereabouts("are"))
            }
        };
        let stream = match of {
            Some(LogStream::Out) => Stream::Out,
            Some(LogStream::Err) => Stream::Err,
            None => Stream::Losses,
        };
        let view = &mut self.log_view;
        let source = view.source(&self.watched.fleet, line.source, stream);
        view.count_lost(source, lines);
        if let Some(source) = source {
            view.rule(source, (line.at_ms, lines), text);
        }
    }
}

/// What is said behind "no match" where lines were dropped: they are not searched.
pub(super) fn unsearched(app: &App) -> String {
    match app.log_view.lost() {
        0 => String::new(),
        1 => "; 1 dropped line is not searched".to_owned(),
        lost => format!("; {lost} dropped lines are not searched"),
    }
}

/// Whether an output of a process goes into a file.
fn has_file(fleet: &Fleet, source: &LogSource, of: LogStream) -> bool {
    let process =
        source.pm_id.and_then(|pm_id| fleet.get(ProcessKey { daemon: source.daemon, pm_id }));
    process.filter(|process| *process.info.name == *source.name).is_some_and(|process| {
        let logs = &process.info.logs;
        let own = if of == LogStream::Err { &logs.err } else { &logs.out };
        let own = [own, &logs.both].into_iter().flatten();
        own.into_iter().any(|own| logs.paths().any(|path| *path == **own))
    })
}

impl LogView {
    /// Puts a ruler behind the last line of a source, in place of the one that stands there.
    fn rule(
        &mut self,
        source: SourceId,
        (at_ms, lines): (i64, u64),
        text: impl FnOnce(u64) -> String,
    ) {
        let last = self.store.last_of(source);
        let before = self.rulers.get(&source).filter(|(ruler, _)| Some(*ruler) == last).copied();
        let is_joined = before.is_some_and(|(ruler, _)| self.store.take_out(ruler));
        let before = before.filter(|_| is_joined);
        let lines = lines + before.map_or(0, |(_, lines)| lines);
        // Since when lines are missing.
        let at_ms = before.map_or(at_ms, |(ruler, _)| ruler.order_ms);
        let text = text(lines);
        let time = LineTime { at_ms, from: TimeFrom::Bus };
        let body = Body::Held(text.as_bytes());
        let line = Line { time, level: Some(Level::Info), kind: Kind::Loss, body };
        self.told.is_broken(source);
        if let Some(ruler) = self.store.append(source, &line) {
            self.rulers.insert(source, (ruler, lines));
        }
    }

    /// The first line of output of its source behind a ruler.
    pub(super) fn behind_ruler(&self, ruler: LineId) -> Option<LineId> {
        let ruler = self.store.line(ruler).filter(|line| line.kind == Kind::Loss)?;
        let mut behind = self.store.iter_from(ruler.id);
        let is_it = |line: &LineRef<'_>| {
            line.source == ruler.source && matches!(line.kind, Kind::Output | Kind::More)
        };
        behind.find(is_it).map(|line| line.id)
    }
}
