//! Lines on their way into the log: of whom they are, and what they say of themselves.
//!
//! This is the hot path of a burst. Invariant: what is known at a glance is not looked at closely.

use std::sync::Arc;

use super::log_line::{self, Stored, Times};
use super::log_traces::Fed;
use super::log_view::LogView;
use crate::logs::parse::{Level, is_prose, of_stderr};
use crate::logs::{Body, Kind, Line, LineTime, Owner, SourceId, SourceKey, Stream, TimeFrom};
use crate::model::ProcessKey;
use crate::model::fleet::Fleet;
use crate::model::log::{LineKind, LogLine, LogSource};

impl LogView {
    /// Takes a line in, now: milliseconds since 1970.
    pub(super) fn take(&mut self, fleet: &Fleet, line: LogLine, now_ms: i64) {
        let at_ms = line.at_ms;
        let source = line.source.clone();
        let from = if line.is_estimated { TimeFrom::Estimated } else { TimeFrom::Bus };
        let time = LineTime { at_ms, from };
        if let LineKind::Out | LineKind::Err = line.kind {
            let is_err = line.kind == LineKind::Err;
            let stream = if is_err { Stream::Err } else { Stream::Out };
            self.formats.look(fleet, &source);
            let Some(id) = self.source(fleet, source.clone(), stream) else { return };
            let Self { formats, told, store, .. } = self;
            let declared = formats.of(&source);
            let times = Times { zone: &formats.zone, declared, told: time, until_ms: now_ms };
            // As of any line by standard error that says nothing itself.
            let level = is_err.then_some(Level::Warn);
            let mut texts = line.lines().map(str::as_bytes).peekable();
            while texts.peek().is_some() {
                if times.declared.is_none() && told.is_idle(id) {
                    let is_plain = |text: &&[u8]| {
                        is_prose(text)
                            && !text.is_empty()
                            && (!is_err || of_stderr(text) == Level::Warn)
                    };
                    let prose = std::iter::from_fn(|| texts.next_if(is_plain));
                    if let Some(last) = store.append_prose(id, (time, level), prose) {
                        told.are_in(id, (last, time, level));
                    }
                }
                let Some(text) = texts.next() else { break };
                let read = log_line::read_at(text, is_err, times);
                let fed = told.feed(id, &read);
                let Fed { kind, time, level, .. } = fed;
                let line = Line { time, level, kind, body: Body::Held(text) };
                if let Some(line) = store.append(id, &line) {
                    let words = read.facts.words.of(&read.plain);
                    told.is_in(store, id, fed, (line, at_ms, words));
                }
            }
            return;
        }
        let Stored { stream, kind, level, bytes, title } = log_line::stored(line);
        let Some(id) = self.source(fleet, source, stream) else { return };
        let is_exception = kind == Kind::Exception;
        if is_exception && self.told.is_printed(&self.store, id, title.as_bytes(), at_ms) {
            return;
        }
        let line = Line { time, level, kind, body: Body::Held(&bytes) };
        let line = self.store.append(id, &line);
        if let Some(line) = line.filter(|_| is_exception) {
            self.told.is_told(&self.store, id, (title.as_bytes(), at_ms, line));
        }
    }

    pub(super) fn source(
        &mut self,
        fleet: &Fleet,
        source: LogSource,
        stream: Stream,
    ) -> Option<SourceId> {
        if let Some((last, of, id)) = &self.last
            && *of == stream
            && last.daemon == source.daemon
            && last.pm_id == source.pm_id
            && Arc::ptr_eq(&last.name, &source.name)
            && self.store.tally(*id).is_some()
        {
            return Some(*id);
        }
        let owner = match source.pm_id {
            None => Owner::Pm2(source.daemon),
            Some(pm_id) => {
                let process = fleet.get(ProcessKey { daemon: source.daemon, pm_id });
                let namespace = process.and_then(|process| process.info.namespace.as_deref());
                Owner::Process {
                    daemon: source.daemon,
                    pm_id: Some(pm_id),
                    namespace: log_line::namespace(namespace),
                    name: Arc::clone(&source.name),
                }
            }
        };
        self.names.take(&owner);
        let id = self.store.source(&SourceKey { owner, stream })?;
        self.last = Some((source, stream, id));
        Some(id)
    }
}
