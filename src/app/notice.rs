//! The last thing worth saying, in the footer.

use crate::logs::Owner;
use crate::model::verdict::{Down, Why};
use crate::model::watched::Watched;
use crate::model::{Action, DaemonId, ProcessKey, Target, Verdict};
use crate::protocol::process::ProcessStatus;

/// How long a notice stays, milliseconds; one of a failure stays longer.
const NOTICE_MS: i64 = 4_000;
const BAD_NOTICE_MS: i64 = 10_000;
/// With a command that may be copied.
const COMMAND_NOTICE_MS: i64 = 8_000;

/// A one-line result in the footer.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// What happened.
    pub text: String,
    /// The same, for lines that are too short for it, each shorter than the one before: what matters least
    /// is left out first.
    pub shorter: Vec<String>,
    /// The pm2 CLI's command that does the same, for the shell; it stands in the text.
    pub command: Option<String>,
    /// Whether it went wrong.
    pub is_bad: bool,
    /// Whether something was done; neither where it is a hint.
    pub is_done: bool,
    /// Since when it is shown, milliseconds by the steady clock.
    pub since_ms: i64,
    /// When it leaves, by that clock.
    pub until_ms: i64,
    /// What it is about: it leaves earlier when that is not so any more.
    pub about: About,
    /// What it says of undoing it, which leaves when that cannot be done any more; mostly nothing.
    undoes: String,
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq)]
pub enum About {
    /// Nothing that could change.
    Nothing,
    /// What the last key found: another one makes it old.
    LastKey,
    /// What was typed and did not answer what is open; it leaves with that.
    Answer,
    /// That what was chosen is gone, and the cursor is elsewhere.
    Unchosen,
    /// That nothing was selected.
    NoSelection,
    /// That the lines of this one are not shown.
    Muted(Owner),
    /// That the lines before are not shown.
    Cleared,
    /// That this daemon does not answer.
    Down(DaemonId),
    /// That an action on this process is under way.
    Pending(ProcessKey),
    /// What came of an action.
    Outcome {
        /// On which daemon.
        daemon: DaemonId,
        /// Of which process.
        target: Target,
        /// Which action.
        action: Action,
        /// What came of it.
        verdict: Verdict,
    },
}

impl About {
    /// Whether what was said at `since_ms` is not so any more.
    fn is_over(&self, since_ms: i64, watched: &Watched, has_selection: bool) -> bool {
        let fleet = &watched.fleet;
        let (daemon, target, action, verdict) = match self {
            // These leave with a key.
            Self::Nothing
            | Self::LastKey
            | Self::Answer
            | Self::Unchosen
            | Self::Muted(_)
            | Self::Cleared => return false,
            Self::NoSelection => return has_selection,
            Self::Down(daemon) => return watched.is_live(*daemon),
            Self::Pending(key) => {
                return fleet.get(*key).is_none_or(|process| process.pending.is_none());
            }
            Self::Outcome { daemon, target, action, verdict } => (daemon, target, action, verdict),
        };
        let process = fleet.get(target.key(*daemon)).filter(|now| target.is(&now.info));
        let Some(process) = process else {
            // A deleted one is not there; nor is one that was told to be gone.
            return matches!(
                verdict,
                Verdict::Up { .. } | Verdict::Already | Verdict::Ended | Verdict::Down(_)
            );
        };
        // What is older than the notice cannot contradict it.
        process.seen_ms > since_ms
            && match verdict {
                Verdict::Already | Verdict::Killed { .. } if *action == Action::Stop => {
                    process.is_online()
                }
                Verdict::Up { .. } | Verdict::Already => !process.is_online(),
                Verdict::Ended => process.is_online(),
                // It is not what PM2 starts again, if somebody stopped it or PM2 gave up.
                Verdict::Down(Down { why: Why::Ends(_), .. }) => {
                    let status = &process.info.status;
                    process.over_word().is_some() || *status == ProcessStatus::Stopping
                }
                Verdict::Done => match action {
                    Action::Stop => process.is_online(),
                    Action::Delete => true,
                    Action::Restart | Action::Start | Action::Reload => false,
                },
                _ => false,
            }
    }
}

impl Notice {
    /// A notice that comes up at `steady_ms`.
    #[must_use]
    pub fn new(text: impl Into<String>, is_bad: bool, steady_ms: i64) -> Self {
        let stays_ms = if is_bad { BAD_NOTICE_MS } else { NOTICE_MS };
        let until_ms = steady_ms.saturating_add(stays_ms);
        Self {
            text: text.into(),
            shorter: Vec::new(),
            command: None,
            is_bad,
            is_done: false,
            since_ms: steady_ms,
            until_ms,
            about: About::Nothing,
            undoes: String::new(),
        }
    }

    /// Whether it is over: its time, or what it says.
    #[must_use]
    pub fn is_over(&self, steady_ms: i64, watched: &Watched, has_selection: bool) -> bool {
        self.until_ms <= steady_ms || self.about.is_over(self.since_ms, watched, has_selection)
    }

    /// The same, with one more shorter form.
    #[must_use]
    pub fn or(mut self, short: String) -> Self {
        self.shorter.push(short);
        self
    }

    /// The same, with the pm2 CLI's command that does it; nothing more where that is empty.
    #[must_use]
    pub fn doing(self, command: &str) -> Self {
        if command.is_empty() {
            return self;
        }
        let text = format!("{}   = {command}", self.text);
        let until_ms = self.since_ms.saturating_add(COMMAND_NOTICE_MS);
        Self { text, command: Some(command.to_owned()), until_ms, ..self }
    }

    /// The same, with what its text says of undoing it.
    #[must_use]
    pub(super) fn offering(self, undoes: String) -> Self {
        Self { undoes, ..self }
    }

    /// Whether it says that it can be undone.
    pub(super) fn offers_undo(&self) -> bool {
        !self.undoes.is_empty()
    }

    /// It cannot be undone any more.
    pub(super) fn drop_undo(&mut self) {
        let undoes = std::mem::take(&mut self.undoes);
        self.text = self.text.replacen(&undoes, "", 1);
        for short in &mut self.shorter {
            *short = short.replacen(&undoes, "", 1);
        }
    }

    /// The same, of something that was done, unless it went wrong.
    #[must_use]
    pub fn done(self) -> Self {
        Self { is_done: !self.is_bad, ..self }
    }

    /// There is nothing to act on.
    #[must_use]
    pub fn no_selection(steady_ms: i64) -> Self {
        Self::new("no process is selected", true, steady_ms).about(About::NoSelection)
    }

    /// The same, which leaves when this is not so any more.
    #[must_use]
    pub fn about(self, about: About) -> Self {
        Self { about, ..self }
    }
}
