//! What can be done beside the five [`Action`](super::Action)s: to processes, to an app, to a daemon; and what came of it.
//!
//! Invariant: plain data. A [`Task`] goes to the engine, which gives back [`Outcome`]s: one for each
//! target of [`Task::Each`], one for each step of the others and a last one for the whole.

use std::borrow::Cow;
use std::fmt;

use super::deed::Deed;
use super::kept::Kept;
use super::{Target, Verdict};
use crate::protocol::risk::Risk;

/// The most processes that one app is scaled to: a typo must not start a flood.
pub const INSTANCES_MAX: u32 = 1_024;

/// Tells tasks that are under way apart; whoever asks for one gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// One thing to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// The same to each of these processes.
    Each {
        /// What.
        errand: Errand,
        /// To whom, as the user chose them.
        targets: Vec<Target>,
    },
    /// Another number of processes of one app.
    Scale {
        /// The app's processes, as the user saw them; the engine takes all that the app has then.
        targets: Vec<Target>,
        /// How many.
        to: Scale,
        /// Those that the user was told of as going; where there are none, all of `targets`. No other is
        /// deleted.
        leaves: Vec<Target>,
    },
    /// Empties the daemon's own log, `pm2.log`.
    FlushConsole,
    /// Writes the list of processes that `resurrect` brings back.
    Save {
        /// Also where no process runs.
        even_empty: bool,
    },
    /// Starts what was saved and does not run.
    Resurrect,
    /// Starts these again, that were kept before they were deleted.
    Restore {
        /// As they were.
        kept: Vec<Kept>,
        /// Processes of their names started since, of which the user was told. Beside any other none is
        /// started.
        beside: Vec<Target>,
    },
    /// Deletes all processes, and ends the daemon.
    Kill,
}

/// What can be done to a process beside an [`Action`](super::Action).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Sets its counts of restarts to 0.
    Reset,
    /// Empties its log files.
    Flush,
    /// Sends it a signal.
    Signal(Signal),
    /// Writes a line to its standard input; the newline is added.
    Line(Box<str>),
    /// Has PM2 restart it when its files change, or not any more.
    Watch(bool),
}

/// How many processes an app is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// So many.
    To(u32),
    /// So many more.
    Up(u32),
    /// So many fewer.
    Down(u32),
}

impl Scale {
    /// Reads `4`, `+2`, `-1`.
    ///
    /// # Errors
    /// What is wanted instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = || {
            format!("`{text}` is not a number of processes: 4, +2 or -1, at most {INSTANCES_MAX}")
        };
        let number = |digits: &str| {
            let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.parse::<u32>().ok().filter(|_| is_plain);
            number.filter(|number| *number <= INSTANCES_MAX).ok_or_else(wanted)
        };
        let (scale, count) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(digits), _) => (Self::Up(number(digits)?), number(digits)?),
            (_, Some(digits)) => (Self::Down(number(digits)?), number(digits)?),
            _ => (Self::To(number(text)?), number(text)?),
        };
        // None at all is refused where it is seen how many there are, as -9 is.
        if count > 0 || matches!(scale, Self::To(_)) { Ok(scale) } else { Err(wanted()) }
    }

    /// How many that are, of so many now.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn of(self, now: u32) -> Result<u32, String> {
        let wanted = match self {
            Self::To(count) => count,
            Self::Up(count) => now.saturating_add(count),
            Self::Down(count) => now.saturating_sub(count),
        };
        match wanted {
            0 => Err(format!(
                "it has {}, and a scale leaves one: use delete to remove all",
                processes(now)
            )),
            wanted if wanted > INSTANCES_MAX => {
                Err(format!("that would be {wanted} processes, more than {INSTANCES_MAX}"))
            }
            wanted => Ok(wanted),
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To(count) => write!(f, "{count}"),
            Self::Up(count) => write!(f, "+{count}"),
            Self::Down(count) => write!(f, "-{count}"),
        }
    }
}

/// `1 process`, `3 processes`.
fn processes(count: u32) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

/// A signal that Node.js knows by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(&'static str);

impl Signal {
    /// All, what is sent most first.
    pub const ALL: [Self; 15] = [
        Self("SIGUSR2"),
        Self("SIGUSR1"),
        Self("SIGHUP"),
        Self("SIGTERM"),
        Self("SIGINT"),
        Self("SIGQUIT"),
        Self("SIGKILL"),
        Self("SIGSTOP"),
        Self("SIGCONT"),
        Self("SIGTSTP"),
        Self("SIGWINCH"),
        Self("SIGABRT"),
        Self("SIGALRM"),
        Self("SIGPIPE"),
        Self("SIGPROF"),
    ];

    /// Reads `SIGUSR2`, `USR2`, `usr2`.
    ///
    /// # Errors
    /// The names that there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let short = upper.strip_prefix("SIG").unwrap_or(&upper);
        let found = Self::ALL.into_iter().find(|signal| signal.0.get(3..) == Some(short));
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|signal| signal.0).collect();
            format!("`{text}` is not a signal: {}", names.join(", "))
        })
    }

    /// Its name: `SIGUSR2`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl Errand {
    /// What it risks, by the one table of risks.
    #[must_use]
    pub fn risk(&self) -> Risk {
        Risk::of(match self {
            Self::Reset => "resetMetaProcessId",
            Self::Flush => "flush",
            Self::Signal(_) => "sendSignalToProcessId",
            Self::Line(_) => "sendLineToStdin",
            Self::Watch(true) => "startWatch",
            Self::Watch(false) => "stopWatch",
        })
    }
}

impl Task {
    /// What it risks, by the one table of risks.
    #[must_use]
    pub fn risk(&self) -> Risk {
        match self {
            Self::Each { errand, .. } => errand.risk(),
            Self::Scale { .. } => Risk::of("duplicateProcessId").max(Risk::of("deleteProcessId")),
            Self::FlushConsole => Risk::of("flush"),
            Self::Save { .. } => Risk::of("save"),
            Self::Resurrect | Self::Restore { .. } => Risk::of("prepare"),
            Self::Kill => Risk::of("killMe"),
        }
    }

    /// Its name on the command line: `scale`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Each { errand, .. } => Deed::from(errand).word,
            Self::Restore { .. } => "start",
            Self::Kill => "kill",
            Self::Scale { .. } | Self::FlushConsole | Self::Save { .. } | Self::Resurrect => {
                self.deed().word
            }
        }
    }

    /// What is said of it as a whole.
    #[must_use]
    pub fn deed(&self) -> Deed {
        match self {
            Self::Each { errand, .. } => errand.into(),
            Self::Scale { .. } => Deed::new("scale", "scale", "scaled", "scaled"),
            Self::FlushConsole => Deed::new("flush", "empty", "emptied", "emptied"),
            Self::Save { .. } => {
                Deed::new("save", "save the processes to", "saved the processes to", "saved")
            }
            Self::Resurrect => Deed::new(
                "resurrect",
                "restore what is saved in",
                "restored what is saved in",
                "restored",
            )
            .already("all there already"),
            Self::Restore { .. } => Deed::restore(),
            Self::Kill => Deed::new("kill", "end the daemon:", "ended the daemon:", "ended"),
        }
    }
}

/// What came of a task, for one of its targets or steps, or as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was done.
    pub deed: Deed,
    /// To what: `api[0]`, an app's name, a file; cleaned.
    pub label: Box<str>,
    /// The process, where it is one.
    pub target: Option<Target>,
    /// What came of it.
    pub verdict: Verdict,
    /// What has to be said besides, cleaned.
    pub note: Option<Box<str>>,
    /// Whether it is not as it was asked for, whatever the verdict: the note says why.
    pub falls_short: bool,
    /// Whether it is about all that was asked for, after what came of each step.
    pub is_whole: bool,
    /// The process as it was, where it was deleted and can be started again.
    pub(crate) kept: Option<Box<Kept>>,
}

impl Outcome {
    /// Of a process.
    #[must_use]
    pub fn of(deed: impl Into<Deed>, target: &Target, verdict: Verdict) -> Self {
        Self { target: Some(target.clone()), ..Self::about(deed, &target.label(), verdict) }
    }

    /// Of something else.
    #[must_use]
    pub fn about(deed: impl Into<Deed>, label: &str, verdict: Verdict) -> Self {
        Self {
            deed: deed.into(),
            label: label.into(),
            target: None,
            verdict,
            note: None,
            falls_short: false,
            is_whole: false,
            kept: None,
        }
    }

    /// Whether all is as it was asked for.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.verdict.is_success() && !self.falls_short
    }

    /// As what came of all of it.
    #[must_use]
    pub(crate) fn whole(self) -> Self {
        Self { is_whole: true, ..self }
    }

    /// With something that has to be said besides.
    #[must_use]
    pub fn noted(self, note: impl Into<Box<str>>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// One line about it: `flushed the logs of api[0]: 12.3 MiB`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let sentence = self.verdict.sentence(&self.deed, &self.label);
        match &self.note {
            Some(note) => format!("{sentence}: {note}"),
            None => sentence,
        }
    }
}

impl From<&Errand> for Deed {
    fn from(errand: &Errand) -> Self {
        let of_signal = |said: &str, signal: &Signal| Cow::Owned(said.replace('_', signal.name()));
        match errand {
            Errand::Reset => {
                Self::new("reset", "reset the counts of", "reset the counts of", "counts reset")
            }
            Errand::Flush => {
                Self::new("flush", "flush the logs of", "flushed the logs of", "logs flushed")
            }
            Errand::Signal(signal) => Self {
                word: "signal",
                verb: of_signal("send _ to", signal),
                done: of_signal("sent _ to", signal),
                short: of_signal("_ sent", signal),
                already: Cow::Borrowed("so already"),
            },
            Errand::Line(_) => {
                Self::new("stdin", "write a line to", "wrote a line to", "line written")
            }
            Errand::Watch(true) => {
                Self::new("watch", "watch the files of", "now watching the files of", "watched")
                    .already("watched already")
            }
            Errand::Watch(false) => Self::new(
                "watch",
                "stop watching the files of",
                "stopped watching the files of",
                "not watched",
            )
            .already("not watched"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_read_and_reckoned() {
        for (text, now, wanted) in
            [("4", 2, 4), ("+2", 2, 4), ("-1", 3, 2), ("1", 9, 1), ("+1", 0, 1)]
        {
            let scale = Scale::parse(text).unwrap();
            assert_eq!(scale.of(now), Ok(wanted), "{text}");
            assert_eq!(scale.to_string(), text);
        }
        for text in ["", "+", "-", "x", "1.5", "+-1", "9999", "-0", "+0", " 1", "99999999999"] {
            assert!(Scale::parse(text).is_err(), "{text}");
        }
        assert!(Scale::Down(3).of(3).unwrap_err().contains("delete"));
        assert!(Scale::Up(1_000).of(1_000).is_err());
    }

    #[test]
    fn a_signal_has_one_name() {
        for text in ["SIGUSR2", "usr2", "USR2", "sigusr2"] {
            assert_eq!(Signal::parse(text).unwrap().name(), "SIGUSR2");
        }
        for text in ["", "12", "SIG", "nonsense"] {
            assert!(Signal::parse(text).unwrap_err().contains("SIGTERM"), "{text}");
        }
    }

    #[test]
    fn each_errand_says_what_it_did() {
        let usr2 = Signal::parse("usr2").unwrap();
        let all = [
            Errand::Reset,
            Errand::Flush,
            Errand::Signal(usr2),
            Errand::Line("x".into()),
            Errand::Watch(true),
            Errand::Watch(false),
        ];
        let said = |verdict: &Verdict| -> String {
            let lines = all.iter().map(|errand| verdict.sentence(errand, "api[0]"));
            lines.collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(said(&Verdict::Done), @r"
        reset the counts of api[0]
        flushed the logs of api[0]
        sent SIGUSR2 to api[0]
        wrote a line to api[0]
        now watching the files of api[0]
        stopped watching the files of api[0]
        ");
        insta::assert_snapshot!(said(&Verdict::Gone), @r"
        cannot reset the counts of api[0]: gone: the process no longer exists
        cannot flush the logs of api[0]: gone: the process no longer exists
        cannot send SIGUSR2 to api[0]: gone: the process no longer exists
        cannot write a line to api[0]: gone: the process no longer exists
        cannot watch the files of api[0]: gone: the process no longer exists
        cannot stop watching the files of api[0]: gone: the process no longer exists
        ");
        assert_eq!(Verdict::Already.sentence(&all[4], "api[0]"), "api[0] is watched already");
        let target =
            crate::model::tests::info(0, "api", crate::protocol::process::ProcessStatus::Online);
        let outcome = Outcome::of(&all[1], &Target::of(&target), Verdict::Done).noted("2.0 KiB");
        assert_eq!(outcome.sentence(), "flushed the logs of api[0]: 2.0 KiB");
    }

    #[test]
    fn what_ends_or_begins_processes_or_loses_lines_is_asked_for() {
        let each = |errand| Task::Each { errand, targets: Vec::new() };
        let usr2 = Signal::parse("usr2").unwrap();
        for (task, asks) in [
            (each(Errand::Reset), false),
            (each(Errand::Line("x".into())), false),
            (each(Errand::Watch(true)), false),
            (each(Errand::Flush), true),
            (each(Errand::Signal(usr2)), true),
            (Task::Scale { targets: Vec::new(), to: Scale::To(2), leaves: Vec::new() }, true),
            (Task::FlushConsole, true),
            (Task::Save { even_empty: false }, false),
            (Task::Resurrect, true),
        ] {
            assert_eq!(task.risk().asks(), asks, "{task:?}");
            assert!(!task.risk().needs_yes() && task.risk() > Risk::Reads, "{task:?}");
        }
    }
}
