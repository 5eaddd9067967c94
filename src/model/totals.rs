//! All processes in sum: how many are in each state, how many are not well, and what they use.

use super::rows::is_unwell;
use super::watched::Watched;
use crate::protocol::process::ProcessStatus;

/// A state that is counted. Most are PM2's words; the order is that of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// `online`.
    Online,
    /// It runs or is about to, but keeps crashing.
    Looping,
    /// `online` without a process.
    NeverStarted,
    /// `errored`.
    Errored,
    /// `waiting restart`.
    WaitingRestart,
    /// `launching`.
    Launching,
    /// `stopping`.
    Stopping,
    /// `stopped`.
    Stopped,
    /// A word that no release was seen to use.
    Other,
}

impl State {
    /// All, in order.
    pub const ALL: [Self; 9] = [
        Self::Online,
        Self::Looping,
        Self::NeverStarted,
        Self::Errored,
        Self::WaitingRestart,
        Self::Launching,
        Self::Stopping,
        Self::Stopped,
        Self::Other,
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Looping => "looping",
            Self::NeverStarted => "never started",
            Self::Errored => "errored",
            Self::WaitingRestart => "waiting restart",
            Self::Launching => "launching",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Other => "other",
        }
    }
}

/// The sums.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// How many processes are in each state, in the order of [`State::ALL`].
    pub counts: [usize; 9],
    /// How many are not well, by [`is_unwell`], whatever their state.
    pub unwell: usize,
    /// Percent of one core, of the daemons that answer; `None` where nothing was measured.
    pub cpu_percent: Option<f64>,
    /// Bytes, likewise.
    pub memory_bytes: Option<u64>,
}

impl Totals {
    /// Of all processes.
    #[must_use]
    pub fn of(watched: &Watched) -> Self {
        let mut totals = Self::default();
        for (key, process) in watched.fleet.iter() {
            let state = match process.info.status {
                _ if process.never_started() => State::NeverStarted,
                _ if process.is_looping => State::Looping,
                ProcessStatus::Online => State::Online,
                ProcessStatus::Errored => State::Errored,
                ProcessStatus::WaitingRestart if process.info.has_given_up() => State::Errored,
                ProcessStatus::WaitingRestart => State::WaitingRestart,
                ProcessStatus::Launching => State::Launching,
                ProcessStatus::Stopping => State::Stopping,
                ProcessStatus::Stopped => State::Stopped,
                ProcessStatus::Other(_) => State::Other,
            };
            let at = State::ALL.iter().position(|other| *other == state);
            if let Some(count) = at.and_then(|at| totals.counts.get_mut(at)) {
                *count += 1;
            }
            totals.unwell += usize::from(is_unwell(process));
            if !watched.is_live(key.daemon) {
                continue;
            }
            if let Some(percent) = process.figures.cpu_percent() {
                totals.cpu_percent = Some(totals.cpu_percent.unwrap_or(0.0) + percent);
            }
            if let Some(bytes) = process.figures.memory_bytes() {
                totals.memory_bytes = Some(totals.memory_bytes.unwrap_or(0).saturating_add(bytes));
            }
        }
        totals
    }

    /// The states that some process is in, and how many.
    pub fn present(&self) -> impl Iterator<Item = (State, usize)> {
        State::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }
}
