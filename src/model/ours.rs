//! What was asked for here, and may be why a process ends.

use super::Action;
use super::moment::Moment;
use super::process::Process;

/// For how long an event counts as the echo of something asked for here, milliseconds.
pub(super) const ECHO_MS: i64 = 5_000;

/// What was asked for here a moment ago.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ours {
    /// The action that is under way; or a stop whose verdict came before its event.
    pub(super) ends: Option<Action>,
    /// The action whose echo comes on the bus.
    pub(super) echo: Option<Action>,
    /// The signal that was sent.
    pub(super) signal: Option<&'static str>,
}

impl Ours {
    /// Of that process.
    pub(super) fn of(process: &Process, now: Moment) -> Self {
        let is_fresh = |at_ms: i64| now.steady_ms.saturating_sub(at_ms) < ECHO_MS;
        let echo = process.asked.filter(|(_, at_ms)| is_fresh(*at_ms)).map(|(action, _)| action);
        let stop = echo.filter(|action| matches!(action, Action::Stop | Action::Delete));
        let signal = process.sent.filter(|(_, at_ms)| is_fresh(*at_ms)).map(|(signal, _)| signal);
        Self { ends: process.pending.or(stop), echo, signal }
    }
}
