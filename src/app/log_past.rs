//! What log files held before anybody watched, in the log.
//!
//! Invariant: lines of files stand before all that came of the same output; where the bus began within
//! a line, the two pieces are one.

use std::sync::Arc;

use super::log_line::{self, Stored};
use super::log_view::LogView;
use crate::logs::parse::Level;
use crate::logs::{
    Body, FileId, FilePlace, Kind, LINE_BYTES_MAX, Line, LineTime, Owner, Prepended, SourceId,
    SourceKey, TimeFrom,
};
use crate::model::fleet::Fleet;
use crate::model::log::{LineKind, LogLine, LogSource};
use crate::model::past::{Past, PastFile, PastLine};
use crate::model::{DaemonId, units};

/// Says how much of a file is passed over.
fn gap(file: &PastFile) -> Option<String> {
    let size = units::bytes(file.gap);
    (file.gap > 0).then(|| format!("{size} of this log file are passed over here"))
}

/// Says that file and bus may not meet here.
const UNSURE: &str =
    "lines may be missing or repeated here: the file and the bus could not be matched";

impl LogView {
    /// Takes lines of log files in, before all that there is of them.
    pub(super) fn take_past(
        &mut self,
        fleet: &Fleet,
        daemon: DaemonId,
        mut past: Past,
    ) -> Prepended {
        let older = self.older.entry(daemon).or_default();
        let asked = if past.is_asked { older.asked.take() } else { None };
        match asked {
            // Of some processes: of the others there may be more.
            Some(is_of_all) => older.has_more &= past.has_more || !is_of_all,
            None => older.has_more |= past.has_more,
        }
        let mut sources: Vec<Option<SourceId>> = Vec::new();
        for file in &mut past.files {
            let (pm_id, name) = (file.pm_id, Arc::clone(&file.name));
            self.formats.look(fleet, &LogSource { daemon, pm_id, name });
            let owner = Owner::Process {
                daemon,
                pm_id,
                namespace: Arc::clone(&file.namespace),
                name: Arc::clone(&file.name),
            };
            self.names.take(&owner);
            let stream = log_line::stream_of(file.stream);
            let source = self.store.source(&SourceKey { owner, stream });
            if let (Some(source), Some(rest)) = (source, file.rest.take()) {
                self.join(source, file, &rest);
            }
            sources.push(source);
        }
        self.early.append(&mut past.events);
        let mut histories: Vec<(SourceId, Vec<Line<'_>>)> = Vec::new();
        let mut sum = Prepended::default();
        let gaps: Vec<Option<String>> = past.files.iter().map(gap).collect();
        for ((file, source), gap) in past.files.iter().zip(sources).zip(&gaps) {
            let Some(source) = source else { continue };
            if file.has_more {
                self.in_files.insert(source);
            } else if !file.is_after {
                self.in_files.remove(&source);
            } else {
                // It tells nothing of what is before.
            }
            if file.is_after {
                for line in lines(file, (None, None), None) {
                    self.store.append(source, &line);
                }
                continue;
            }
            if histories.iter().any(|(other, _)| *other == source) {
                sum = plus(sum, self.prepend(&std::mem::take(&mut histories)));
            }
            let (long, short): (Vec<_>, Vec<_>) = file.lines.iter().partition(|line| is_long(line));
            let bytes = short.iter().map(|line| line.bytes.len()).sum();
            let bounds = self.store.bounds();
            let again = file.again.as_ref();
            let number = again.and_then(|again| self.filed.number(daemon, again, bytes, bounds));
            let again = again.filter(|_| !long.is_empty());
            let of_long = again.and_then(|again| self.filed.file(daemon, again));
            histories.push((source, lines(file, (number, of_long), gap.as_deref())));
        }
        sum = plus(sum, self.prepend(&histories));
        plus(sum, self.tell_early(fleet))
    }

    /// Takes those events in that are no older than the lines that are held: of what was before, the files
    /// have lines that are not read yet, and what happened would stand there alone.
    fn tell_early(&mut self, fleet: &Fleet) -> Prepended {
        let firsts: Vec<(SourceKey, i64)> = self
            .in_files
            .iter()
            .filter_map(|source| {
                let first =
                    self.store.first_of(*source).map_or(i64::MAX, |first| first.id.order_ms);
                Some((self.store.source_key(*source)?.clone(), first))
            })
            .collect();
        let is_early = |event: &LogLine| {
            let is_meant = |owner: &Owner| match owner {
                Owner::Process { daemon, pm_id, name, .. } => {
                    let source = &event.source;
                    *daemon == source.daemon
                        && (source.pm_id.is_none()
                            || *pm_id == source.pm_id
                            || pm_id.is_none() && **name == *source.name)
                }
                Owner::Pm2(_) => false,
            };
            firsts.iter().any(|(key, first_ms)| is_meant(&key.owner) && event.at_ms < *first_ms)
        };
        let all = std::mem::take(&mut self.early);
        let (early, told): (Vec<_>, Vec<_>) = all.into_iter().partition(is_early);
        self.early = early;
        let events = self.stored_events(fleet, told);
        let histories: Vec<_> =
            events.iter().map(|(source, all)| (*source, event_lines(all))).collect();
        self.prepend(&histories)
    }

    /// When the last exit or restart was before the lines that are held, of what is shown, milliseconds
    /// since 1970.
    pub(super) fn early_turn(&self) -> Option<i64> {
        let is_turn = |event: &&LogLine| {
            let LineKind::Event(word, _) = event.kind else { return false };
            let is_shown = self.in_files.iter().any(|source| {
                self.store.source_key(*source).is_some_and(|key| {
                    let Owner::Process { pm_id, .. } = key.owner else { return false };
                    pm_id == event.source.pm_id && self.scope().has(&key.owner)
                })
            });
            is_shown && matches!(word, "exit" | "overlimit" | "stop" | "restart" | "reload")
        };
        self.early.iter().rev().find(is_turn).map(|event| event.at_ms)
    }

    /// Events as they are stored, by their source.
    fn stored_events(
        &mut self,
        fleet: &Fleet,
        events: Vec<LogLine>,
    ) -> Vec<(SourceId, Vec<(LineTime, Stored)>)> {
        let mut all: Vec<(SourceId, Vec<(LineTime, Stored)>)> = Vec::new();
        for event in events {
            let time = LineTime { at_ms: event.at_ms, from: TimeFrom::Estimated };
            let owner = event.source.clone();
            let stored = log_line::stored(event);
            let Some(source) = self.source(fleet, owner, stored.stream) else { continue };
            match all.iter_mut().find(|(other, _)| *other == source) {
                Some((_, lines)) => lines.push((time, stored)),
                None => all.push((source, vec![(time, stored)])),
            }
        }
        all
    }

    /// Joins the last line of a file to what the bus brought as the rest of it.
    fn join(&mut self, source: SourceId, file: &mut PastFile, rest: &[u8]) {
        let Some(first) = self.store.first_of(source) else { return };
        let is_rest = first.body == Body::Held(rest.strip_suffix(b"\r").unwrap_or(rest));
        if let (Some(last), true) = (file.lines.last_mut(), is_rest) {
            let id = first.id;
            if is_long(last) {
                // In the file the rest of it stands right behind it.
                last.more += rest.len() as u64;
            } else {
                last.bytes = [&last.bytes, rest].concat().into();
                last.offset = None;
            }
            self.store.take_out(id);
        }
    }

    fn prepend(&mut self, histories: &[(SourceId, Vec<Line<'_>>)]) -> Prepended {
        let histories: Vec<_> =
            histories.iter().map(|(source, lines)| (*source, lines.as_slice())).collect();
        self.store.prepend_histories(&histories)
    }

    /// Whether older lines of a daemon can be asked for now.
    pub(super) fn has_older(&self, daemon: DaemonId) -> bool {
        self.older.get(&daemon).is_some_and(|older| older.has_more && older.asked.is_none())
    }

    /// Whether the log files have older lines than those that are held.
    #[must_use]
    pub fn has_more_in_files(&self) -> bool {
        self.older.values().any(|older| older.has_more)
    }

    /// Whether older lines were asked for and did not come yet.
    pub(super) fn is_asking(&self) -> bool {
        self.older.values().any(|older| older.asked.is_some())
    }

    /// Older lines are asked for.
    pub(super) fn ask_older(&mut self, daemon: DaemonId, is_of_all: bool) {
        self.older.entry(daemon).or_default().asked = Some(is_of_all);
    }
}

fn event_lines<'a>(events: &'a [(LineTime, Stored)]) -> Vec<Line<'a>> {
    let line = |(time, stored): &'a (LineTime, Stored)| Line {
        time: *time,
        level: stored.level,
        kind: stored.kind,
        body: Body::Held(&stored.bytes),
    };
    events.iter().map(line).collect()
}

/// Whether a line stays in its file, however few are held: the store would cut it.
fn is_long(line: &PastLine) -> bool {
    line.more > 0 || line.bytes.len() > LINE_BYTES_MAX
}

/// The lines of a file as the store takes them: they stay in the file of that number, where there is
/// one, and the long ones in that of the second. With a ruler behind them where they may not meet what
/// came on the bus.
fn lines<'a>(
    file: &'a PastFile,
    (number, of_long): (Option<FileId>, Option<FileId>),
    gap: Option<&'a str>,
) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'_>> = Vec::with_capacity(file.lines.len() + 1);
    for line in &file.lines {
        let from = if line.is_estimated { TimeFrom::Estimated } else { TimeFrom::Line };
        let time = LineTime { at_ms: line.at_ms, from };
        let len = line.bytes.len() as u64 + line.more;
        let number = if is_long(line) { of_long } else { number };
        let body = match (number, line.offset) {
            (Some(file), Some(offset)) => Body::Filed(FilePlace { file, offset, len }),
            _ => Body::Held(&line.bytes),
        };
        let is_more = line.goes_on && !lines.is_empty();
        let kind = if is_more { Kind::More } else { Kind::Output };
        lines.push(Line { time, level: line.level, kind, body });
    }
    if let Some(last) = lines.last().filter(|_| gap.is_some()) {
        let time = LineTime { from: TimeFrom::Estimated, ..last.time };
        let body = Body::Held(gap.unwrap_or_default().as_bytes());
        lines.push(Line { time, level: Some(Level::Info), kind: Kind::Loss, body });
    }
    if let Some(last) = lines.last().filter(|_| !file.is_exact) {
        let time = LineTime { from: TimeFrom::Estimated, ..last.time };
        let body = Body::Held(UNSURE.as_bytes());
        lines.push(Line { time, level: Some(Level::Info), kind: Kind::Loss, body });
    }
    lines
}

fn plus(one: Prepended, other: Prepended) -> Prepended {
    Prepended { taken: one.taken + other.taken, refused: one.refused + other.refused }
}
