//! Lines of output that wait to be reported.
//!
//! Invariant: they stay in order. What one output wrote within a millisecond is one line of the report,
//! up to [`RUN_BYTES_MAX`]: in a burst that is one text for some hundred lines.

use std::sync::Arc;

use crate::model::log::{LineKind, LogLine, LogSource};

/// The most that goes together, bytes.
const RUN_BYTES_MAX: usize = 64 * 1024;
/// Room for what follows a text, as many times as long.
const ROOM: usize = 4;

/// The lines, the last of which may still grow.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    lines: Vec<LogLine>,
    run: Option<Run>,
}

/// Lines of one output and one time.
#[derive(Debug)]
struct Run {
    at_ms: i64,
    is_estimated: bool,
    source: LogSource,
    kind: LineKind,
    text: String,
}

impl Run {
    /// Whether a line of this output goes on with it.
    fn goes_on(&self, at_ms: i64, is_estimated: bool, source: &LogSource, kind: &LineKind) -> bool {
        self.at_ms == at_ms
            && self.is_estimated == is_estimated
            && self.kind == *kind
            && self.source.pm_id == source.pm_id
            && self.source.daemon == source.daemon
            && Arc::ptr_eq(&self.source.name, &source.name)
    }
}

impl Gathered {
    /// Adds a line that is no output.
    pub(super) fn push(&mut self, line: LogLine) {
        self.end_run();
        self.lines.push(line);
    }

    /// Adds lines of output that came at this time.
    pub(super) fn push_output(
        &mut self,
        (source, kind): (&LogSource, &LineKind),
        (at_ms, is_estimated): (i64, bool),
        text: &str,
    ) {
        if let Some(run) = &mut self.run
            && run.goes_on(at_ms, is_estimated, source, kind)
            && run.text.len() + text.len() < RUN_BYTES_MAX
        {
            run.text.push('\n');
            run.text.push_str(text);
            return;
        }
        self.end_run();
        let mut own = String::with_capacity((text.len() * ROOM).min(RUN_BYTES_MAX).max(text.len()));
        own.push_str(text);
        let (source, kind) = (source.clone(), kind.clone());
        self.run = Some(Run { at_ms, is_estimated, source, kind, text: own });
    }

    fn end_run(&mut self) {
        let Some(Run { at_ms, is_estimated, source, kind, text }) = self.run.take() else { return };
        self.lines.push(LogLine {
            said: None,
            at_ms,
            is_estimated,
            source,
            kind,
            text: text.into(),
        });
    }

    /// How many wait, those of one run as one.
    pub(super) fn len(&self) -> usize {
        self.lines.len() + usize::from(self.run.is_some())
    }

    /// All of them.
    pub(super) fn take(&mut self) -> Vec<LogLine> {
        self.end_run();
        std::mem::take(&mut self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DaemonId;
    use crate::protocol::process::PmId;

    fn source(id: u32) -> LogSource {
        LogSource { daemon: DaemonId(0), pm_id: Some(PmId(id)), name: "api".into() }
    }

    #[test]
    fn what_one_output_wrote_within_a_millisecond_goes_together() {
        let (one, other) = (source(1), source(2));
        let mut gathered = Gathered::default();
        gathered.push_output((&one, &LineKind::Out), (5, false), "a");
        gathered.push_output((&one, &LineKind::Out), (5, false), "b\nc");
        for (of, kind, at_ms, is_estimated) in [
            (&one, LineKind::Err, 5, false),
            (&one, LineKind::Out, 5, false),
            (&other, LineKind::Out, 5, false),
            (&other, LineKind::Out, 6, false),
            (&other, LineKind::Out, 6, true),
        ] {
            gathered.push_output((of, &kind), (at_ms, is_estimated), "d");
        }
        assert_eq!(gathered.len(), 6);
        let all = gathered.take();
        assert_eq!(
            all.iter().map(|line| &*line.text).collect::<Vec<_>>(),
            ["a\nb\nc", "d", "d", "d", "d", "d"]
        );
        assert_eq!(gathered.len(), 0);
    }

    #[test]
    fn what_goes_together_has_a_bound_and_no_line_is_torn() {
        let one = source(1);
        let mut gathered = Gathered::default();
        let line = "x".repeat(1_000);
        for _ in 0..200 {
            gathered.push_output((&one, &LineKind::Out), (5, false), &line);
        }
        let all = gathered.take();
        assert!(all.iter().all(|run| run.text.len() <= RUN_BYTES_MAX));
        assert!(all.len() < 5, "{} runs", all.len());
        assert_eq!(all.iter().map(LogLine::count).sum::<usize>(), 200);
        assert!(all.iter().flat_map(LogLine::lines).all(|text| text == line));
    }
}
