//! Lines that were dropped from the old end of a queue: how many of each output.
//!
//! Invariant: what is dropped is counted once; there is a bound for the outputs, past which they are counted
//! together.

use std::sync::Arc;

use super::log::{LineKind, LogLine, LogSource};
use crate::protocol::bus::LogStream;

/// The most outputs that are told apart.
const OUTPUTS_MAX: usize = 256;

/// What was dropped, and is to be told before what is left.
#[derive(Debug, Clone, Default)]
pub struct Gaps {
    lines: Vec<LogLine>,
    /// The output of the last one: the next is mostly of the same.
    last: usize,
}

impl Gaps {
    /// A line was dropped, or lines that came together, or one that tells of others.
    pub fn add(&mut self, line: &LogLine) {
        let (of, lines) = line.missing();
        let is_known = self.count(&line.source, of, lines);
        if is_known {
            return;
        }
        let is_one = of.is_some() && self.lines.len() < OUTPUTS_MAX;
        let (source, of) = if is_one {
            (line.source.clone(), of)
        } else {
            // What is no output, or of too many.
            (LogSource { daemon: line.source.daemon, pm_id: None, name: "PM2".into() }, None)
        };
        if is_one || !self.count(&source, of, lines) {
            self.last = self.lines.len();
            self.lines.push(LogLine::lost(line.at_ms, source, of, lines));
        }
    }

    /// Counts them as those of this output; false where nothing was dropped of it yet.
    fn count(&mut self, source: &LogSource, of: Option<LogStream>, lines: u64) -> bool {
        let is_it = |known: &LogLine| {
            let name = (&known.source.name, &source.name);
            known.missing().0 == of
                && known.source.daemon == source.daemon
                && known.source.pm_id == source.pm_id
                && (Arc::ptr_eq(name.0, name.1) || name.0 == name.1)
        };
        if !self.lines.get(self.last).is_some_and(is_it) {
            let Some(index) = self.lines.iter().position(is_it) else { return false };
            self.last = index;
        }
        let Some(known) = self.lines.get_mut(self.last) else { return false };
        let lines = known.missing().1.saturating_add(lines);
        known.kind = LineKind::Lost { of, lines };
        true
    }

    /// Whether nothing was dropped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A line for each output of which something was dropped, once.
    pub fn take(&mut self) -> Vec<LogLine> {
        self.last = 0;
        std::mem::take(&mut self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DaemonId;
    use crate::protocol::process::PmId;

    #[test]
    fn what_is_dropped_adds_up_for_each_output() {
        let of = |id: u32| LogSource {
            daemon: DaemonId(0),
            pm_id: Some(PmId(id)),
            name: format!("p{id}").into(),
        };
        let line =
            |id, kind| LogLine { text: "a\nb".into(), kind, ..LogLine::lost(5, of(id), None, 0) };
        let mut gaps = Gaps::default();
        gaps.add(&line(1, LineKind::Out));
        gaps.add(&line(2, LineKind::Err));
        gaps.add(&LogLine::lost(6, of(1), Some(LogStream::Out), 7));
        gaps.add(&line(1, LineKind::Message("m".into())));
        let told = |gaps: &mut Gaps| {
            let lines = gaps.take().into_iter();
            lines.map(|line| (line.source.pm_id.map(|id| id.0), line.missing())).collect::<Vec<_>>()
        };
        let wanted = [
            (Some(1), (Some(LogStream::Out), 9)),
            (Some(2), (Some(LogStream::Err), 2)),
            (None, (None, 1)),
        ];
        assert_eq!(told(&mut gaps), wanted);
        assert!(gaps.is_empty());
        (0..1_000).for_each(|id| gaps.add(&line(id, LineKind::Out)));
        let told = told(&mut gaps);
        assert_eq!(told.len(), OUTPUTS_MAX + 1);
        assert_eq!(told.iter().map(|(_, (_, lines))| lines).sum::<u64>(), 2_000);
    }
}
