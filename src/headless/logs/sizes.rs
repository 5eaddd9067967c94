//! How large log files were seen to be while nothing came on the bus.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::daemon::history::growth::Growth;

/// Files are left alone for this part of the time for which they are looked at, but not for longer than that.
const REST_PART: u32 = 20;
const REST_MAX: Duration = Duration::from_secs(2);
/// How the files grew.
#[derive(Debug, Default)]
pub(super) struct Growing {
    /// By source.
    pub(super) files: HashMap<usize, Growth>,
    /// Since when they are looked at, and when last; nothing where they are not.
    pub(super) since: Option<(Instant, Option<Instant>)>,
    /// Since when the bus is back.
    pub(super) back: Option<Instant>,
    /// Whether the daemon's log has said something since the bus is away.
    pub(super) has_happened: bool,
}

impl Growing {
    /// The bus goes away.
    pub(super) fn begin(&mut self) {
        if self.since.is_none() {
            *self = Self { since: Some((Instant::now(), None)), ..Self::default() };
        }
        (self.back, self.has_happened) = (None, false);
    }

    /// It is there again.
    pub(super) fn is_back(&mut self) {
        self.back = self.since.map(|_| Instant::now());
    }

    /// Whether lives may have begun or ended since the bus is away: what is read is told among these, once it is back.
    pub(super) fn is_waited_for(&self) -> bool {
        self.has_happened && self.since.is_some() && self.back.is_none()
    }

    /// This source is another file from now on.
    pub(super) fn forget(&mut self, source: usize) {
        self.files.remove(&source);
    }

    /// Whether it is time to look again.
    pub(super) fn is_due(&self) -> bool {
        let Some((since, last)) = self.since else { return false };
        let rest = |last: Instant| ((last - since) / REST_PART).min(REST_MAX);
        last.is_none_or(|last| last.elapsed() >= rest(last))
    }
}
