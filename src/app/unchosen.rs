//! What is remembered of a process that was chosen and went: see `cursor`.

use super::command::Command;
use crate::model::moment::Moment;
use crate::model::{DaemonId, ProcessKey, Target};

/// The cursor is on what the user did not choose.
#[derive(Debug, Clone)]
pub(super) struct Unchosen {
    /// What was chosen, in words.
    pub(super) gone: Box<str>,
    /// Whether those were several.
    pub(super) was_many: bool,
    /// Who would be the same again, where that was one process: its daemon, it, and since when it is gone.
    pub(super) wanted: Option<(DaemonId, Target, i64)>,
    /// The key that said so.
    pub(super) pressed: Option<Command>,
    /// The key that was told last, and what the cursor was on then.
    pub(super) told: Option<(Command, Option<ProcessKey>)>,
    /// Since when it is so, by the steady clock.
    pub(super) since_ms: i64,
}

/// Keys that come within this time were most likely pressed without having seen it, milliseconds.
const UNSEEN_MS: i64 = 1_000;

impl Unchosen {
    pub(super) fn of(gone: impl Into<Box<str>>, now: Moment) -> Self {
        let since_ms = now.steady_ms;
        let gone = gone.into();
        Self { gone, was_many: false, wanted: None, pressed: None, told: None, since_ms }
    }

    /// Whether it is so for long enough to have been seen: who moves the cursor then chooses.
    pub(super) fn may_be_seen(&self, now: Moment) -> bool {
        now.steady_ms.saturating_sub(self.since_ms) >= UNSEEN_MS
    }
}
