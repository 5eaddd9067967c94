//! Where in its log one daemon ends and another one begins, and whether the first ended its processes itself.

use crate::model::console::{DAEMON_BEGINS, DAEMON_SIGNALLED, DAEMON_STOPPED};
use crate::model::death::cause::DaemonEnd;

/// A daemon that ends stops its processes one after the other: what was stopped longer before it than that was
/// stopped by somebody, milliseconds.
const PAUSE_MS: i64 = 2_000;

/// How a daemon ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    how: DaemonEnd,
    /// Since which line it ended its processes, by a signal and by a command.
    since: (Option<usize>, Option<usize>),
}

impl Ended {
    /// Of a life of which no end was told.
    pub(super) fn how(self) -> DaemonEnd {
        self.how
    }

    /// Of one that PM2 was told at this line to end: whether that was since the daemon was to end, and whether
    /// that was by a signal.
    pub(super) fn ended_it(self, stopped_line: usize) -> Option<bool> {
        let is_since = |since: Option<usize>| since.is_some_and(|line| stopped_line >= line);
        let (signal, command) = self.since;
        (is_since(signal) || is_since(command)).then(|| is_since(signal))
    }
}

/// What was read of a daemon up to a line.
#[derive(Debug, Default)]
pub(super) struct Daemons {
    begins: bool,
    was_stopped: bool,
    /// At which line it said that a signal ends it.
    signalled: Option<usize>,
    /// Since which line processes are stopped one after the other, and none is started.
    stopping: Option<usize>,
    /// How many of those have not ended yet.
    open: usize,
    stopped_ms: i64,
    /// [`Self::stopping`] when it said that it ends.
    command: Option<usize>,
}

impl Daemons {
    /// Takes what a line says; on old releases what begins has no time.
    pub(super) fn take(&mut self, text: &str, line: usize) {
        self.begins |= text.trim_start_matches('-').trim_start().starts_with(DAEMON_BEGINS);
        if text.contains(DAEMON_SIGNALLED) {
            self.was_stopped = true;
            self.signalled = self.signalled.or(Some(line));
        }
        self.was_stopped |= text.contains(DAEMON_STOPPED);
    }

    /// The same of a line with a time.
    pub(super) fn take_timed(&mut self, (at_ms, text): (i64, &str), line: usize) {
        self.take(text, line);
        let is_pause = self.open == 0 && at_ms.saturating_sub(self.stopped_ms) > PAUSE_MS;
        if text.starts_with("Stopping app:") {
            if is_pause || self.stopping.is_none() {
                self.stopping = Some(line);
            }
            self.open += 1;
            self.stopped_ms = at_ms;
        }
        if text.contains("] exited with code [") {
            self.open = self.open.saturating_sub(1);
            self.stopped_ms = at_ms;
        }
        if text.contains("] starting in -") {
            (self.stopping, self.open) = (None, 0);
        }
        if text.contains(DAEMON_STOPPED) {
            self.command = self.stopping.filter(|_| !is_pause);
        }
    }

    /// How the one before ended, where another one begins now.
    pub(super) fn ended(&mut self) -> Option<Ended> {
        if !self.begins {
            return None;
        }
        let before = std::mem::take(self);
        let how = if before.was_stopped { DaemonEnd::Stopped } else { DaemonEnd::Died };
        Some(Ended { how, since: (before.signalled, before.command) })
    }
}
