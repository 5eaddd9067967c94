//! What came of an action. God answers before it knows; the engine decides this from the answer,
//! from what the bus then says, and from a look.
//!
//! Invariant: one set of words. The row, the notice, the event log, the line on standard error and
//! the library's error all say [`Verdict::words`].

use super::Action;
use super::deed::Deed;
use super::end::End;

/// How the words of [`Verdict::Down`] begin.
pub const DOWN: &str = "down: ";
/// How they end where PM2 starts it again: what is cut off on a short line is this, not why it is down.
pub const AGAIN: &str = " (PM2 starts it again)";

/// A shorter time is no news, milliseconds: it would be told as 0.0 s.
const FELT_MS: u64 = 100;

/// What came of an action on one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is so: stopped, deleted. Without a settle window (`--settle 0`) the daemon's word for it.
    Done,
    /// It is so already, as with a start of what is online: nothing was done, but that files are not watched
    /// any more for what was to be stopped.
    Already,
    /// It is stopped: PM2 killed it, since it did not end in time.
    Killed {
        /// Its `kill_timeout`, milliseconds.
        kill_ms: u64,
    },
    /// PM2 knows it now, and leaves it stopped: its `autostart` is off.
    Added,
    /// It was started, ended by itself with code 0, and PM2 leaves it stopped: a job that is done.
    Ended,
    /// It runs, and has not ended since it came up.
    Up {
        /// For how long it was watched, milliseconds.
        after_ms: u64,
        /// Whether it was in a crash loop before: this need not be the end of that.
        was_looping: bool,
    },
    /// It does not run as it should.
    Down(Down),
    /// It is there again: PM2 undid the stop or delete.
    CameBack {
        /// How often it was deleted.
        times: u32,
    },
    /// Another process has its id now. Nothing was sent.
    Replaced {
        /// How that one is named, or that the daemon is another one.
        by: Box<str>,
    },
    /// There is no process with its id any more.
    Gone,
    /// The user had what had not begun left undone. Nothing was sent.
    NotBegun,
    /// The daemon, or a check before sending, says no: why, cleaned.
    Refused(Box<str>),
    /// No answer came: it may have happened.
    Unknown {
        /// How long was waited, milliseconds.
        waited_ms: u64,
        /// Whether the connection closed, rather than time having run out.
        is_closed: bool,
    },
}

/// How a process is not up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// What is wrong.
    pub why: Why,
    /// How often it ended by itself while it was watched; 0 where nobody saw it end.
    pub ends: u32,
    /// For how long it was watched, milliseconds.
    pub watched_ms: u64,
    /// Its exception, or its last line of standard error that says something, cleaned.
    pub last_words: Option<Box<str>>,
}

/// Why a process is not up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It ended by itself, and PM2 starts it again, or has.
    Ends(End),
    /// It ended by itself; whether PM2 starts it again is not known.
    Ended(End),
    /// It ended by itself, and PM2 leaves it stopped (`autorestart`, `stop_exit_codes`).
    StaysStopped(End),
    /// PM2 gave up starting it again: `errored`, or still `waiting restart` with a `restart_delay`.
    GivenUp(End),
    /// PM2 says `online`, but there is no process.
    NeverStarted,
    /// `wait_ready`, and it did not say that it is ready in its `listen_timeout`, milliseconds.
    NotReady {
        /// How long PM2 waited for it.
        waited_ms: u64,
    },
    /// Somebody else stopped it meanwhile.
    StoppedByOther,
    /// Left alone, since the instance before it did not come up.
    LeftAlone,
}

impl Verdict {
    /// No answer in time.
    #[must_use]
    pub fn timed_out(waited_ms: u64) -> Self {
        Self::Unknown { waited_ms, is_closed: false }
    }

    /// Whether what was asked for succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(
            self,
            Self::Done
                | Self::Already
                | Self::Killed { .. }
                | Self::Added
                | Self::Ended
                | Self::Up { .. }
        )
    }

    /// The same in a word, for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Already => "already",
            Self::Killed { .. } => "killed",
            Self::Added => "added",
            Self::Ended => "ended",
            Self::Up { .. } => "up",
            Self::Down(down) => match down.why {
                Why::LeftAlone => "left alone",
                Why::NotReady { .. } => "not ready",
                _ => "down",
            },
            Self::CameBack { .. } => "came back",
            Self::Replaced { .. } => "replaced",
            Self::Gone => "gone",
            Self::NotBegun => "left undone",
            Self::Refused(_) => "refused",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Whether something was done, whatever came of it.
    fn is_of_something_done(&self) -> bool {
        match self {
            Self::Down(down) => down.why != Why::LeftAlone,
            Self::CameBack { .. } => true,
            verdict => verdict.is_success(),
        }
    }

    /// The same words for several of whom it is the same; of how long they were watched, the shortest.
    pub(crate) fn merge(&mut self, other: &Self) -> bool {
        match (&mut *self, other) {
            (
                Self::Up { after_ms, was_looping },
                Self::Up { after_ms: others_ms, was_looping: other },
            ) if *was_looping == *other => {
                *after_ms = (*after_ms).min(*others_ms);
                true
            }
            (one, other) => *one == *other,
        }
    }

    /// What came of something that is no [`Action`].
    #[must_use]
    pub fn about(&self) -> String {
        // Only `Done` and its like name the action.
        self.words(Action::Restart)
    }

    /// What came of it: `up 1.0 s`, `down: exit code 1 ..`.
    #[must_use]
    pub fn words(&self, deed: impl Into<Deed>) -> String {
        self.said(&deed.into())
    }

    fn said(&self, deed: &Deed) -> String {
        match self {
            Self::Done => deed.short.to_string(),
            Self::Already => deed.already.to_string(),
            Self::Killed { kill_ms } => format!("{} {}", deed.short, killed(*kill_ms)),
            Self::Added => "stopped, because its autostart is off".to_owned(),
            Self::Ended => format!("ended with {}", End::Code("0".into()).words()),
            Self::Up { after_ms, was_looping: false } => format!("up {}", seconds(*after_ms)),
            Self::Up { after_ms, was_looping: true } => {
                format!("looped before, now up {}", seconds(*after_ms))
            }
            Self::Down(down) => down.words(deed),
            Self::CameBack { times: 0 | 1 } => {
                "came back: PM2 started it again meanwhile".to_owned()
            }
            Self::CameBack { times } => {
                format!("came back: PM2 started it again {times} times; stop it first")
            }
            Self::Replaced { by } => format!("replaced: {by}; nothing was sent"),
            Self::Gone => "gone: the process no longer exists".to_owned(),
            Self::NotBegun => "left undone: it had not begun".to_owned(),
            Self::Refused(why) => format!("refused: {why}"),
            Self::Unknown { waited_ms, is_closed: false } => {
                format!("unknown: no answer in {}, it may have happened", seconds(*waited_ms))
            }
            Self::Unknown { waited_ms, is_closed: true } => {
                let after = match waited_ms {
                    0..FELT_MS => String::new(),
                    waited_ms => format!(" after {}", seconds(*waited_ms)),
                };
                format!("unknown: the daemon closed the connection{after}, it may have happened")
            }
        }
    }

    /// One line about it: `restarted api[0], up 1.0 s`; `cannot restart api[0]: down: ..`.
    #[must_use]
    pub fn sentence(&self, deed: impl Into<Deed>, label: &str) -> String {
        self.sentence_of(deed, (label, "is", "it"))
    }

    /// The same about several: `restarted api[0 1], web[3], up 1.0 s`.
    #[must_use]
    pub fn sentence_of_all(&self, deed: impl Into<Deed>, labels: &str) -> String {
        self.sentence_of(deed, (labels, "are", "they"))
    }

    fn sentence_of(&self, deed: impl Into<Deed>, (label, is, it): (&str, &str, &str)) -> String {
        let deed = &deed.into();
        let (verb, done) = (&deed.verb, &deed.done);
        match self {
            Self::Done => format!("{done} {label}"),
            Self::Already => format!("{label} {is} {}", self.said(deed)),
            Self::Killed { kill_ms } => format!("{done} {label} {}", killed(*kill_ms)),
            Self::Added => format!("added {label}, {}", self.said(deed)),
            Self::Ended | Self::Up { .. } => format!("{done} {label}, {}", self.said(deed)),
            Self::Down(Down { why: Why::LeftAlone, .. }) => {
                format!("did not {verb} {label}: {}", Why::LeftAlone.words())
            }
            Self::Down(Down { why: Why::NotReady { .. }, .. }) => {
                format!("{done} {label}, {}", self.said(deed))
            }
            Self::Down(_) => format!("{done} {label}, but {it} {is} {}", self.said(deed)),
            Self::CameBack { .. } => format!("{done} {label}, but {it} {}", self.said(deed)),
            Self::NotBegun => format!("did not {verb} {label}: {}", self.said(deed)),
            Self::Unknown { .. } => format!("{verb} {label}: {}", self.said(deed)),
            Self::Replaced { .. } | Self::Gone | Self::Refused(_) => {
                format!("cannot {verb} {label}: {}", self.said(deed))
            }
        }
    }
}

impl Down {
    /// Of a process that nobody saw end.
    #[must_use]
    pub fn unseen(why: Why) -> Self {
        Self { why, ends: 0, watched_ms: 0, last_words: None }
    }

    fn words(&self, deed: &Deed) -> String {
        match self.why {
            // Nothing was done to it: it goes on as it was, most likely up.
            Why::LeftAlone => return self.why.words(),
            // PM2 waits no longer, and takes it for online; a reload has ended the old one then.
            Why::NotReady { .. } => {
                let is_reload = deed.word == Action::Reload.verb();
                let place = if is_reload { " in place of the old process" } else { "" };
                return format!("online{place}, but {}", self.why.words());
            }
            _ => {}
        }
        let times = match self.ends {
            0 | 1 => String::new(),
            ends => format!(", {ends} times in {}", seconds(self.watched_ms)),
        };
        let again = if matches!(self.why, Why::Ends(_)) { AGAIN } else { "" };
        let last = self.last_words.as_deref().map(|last| format!(": {last}"));
        format!("{DOWN}{}{times}{}{again}", self.why.words(), last.unwrap_or_default())
    }
}

impl Why {
    fn words(&self) -> String {
        let how = |end: &End| match end {
            End::Unseen => "an end".to_owned(),
            end => end.words(),
        };
        match self {
            Self::Ends(end) | Self::Ended(end) => how(end),
            Self::StaysStopped(end) => format!("{}, and PM2 leaves it stopped", how(end)),
            Self::GivenUp(End::Unseen) => "errored, PM2 gave up".to_owned(),
            Self::GivenUp(end) => format!("errored, PM2 gave up after {}", end.words()),
            Self::NeverStarted => {
                "never started, its interpreter, script or folder does not exist".to_owned()
            }
            Self::NotReady { waited_ms } => {
                format!("did not report ready in {} (wait_ready)", seconds(*waited_ms))
            }
            Self::StoppedByOther => "stopped by somebody else meanwhile".to_owned(),
            Self::LeftAlone => "left alone, because the instance before it failed".to_owned(),
        }
    }
}

/// What was done to a process, for its sentence: PM2 starts what does not run, whatever it is asked. What
/// was not done keeps the name of what was asked for.
#[must_use]
pub fn done(action: Action, was_down: bool, verdict: &Verdict) -> Action {
    let is_start = was_down && matches!(action, Action::Restart | Action::Reload);
    if is_start && verdict.is_of_something_done() { Action::Start } else { action }
}

/// Whom an action was done to, where PM2 started it though something else was asked for: `api[0] (it was
/// errored)`.
#[must_use]
pub fn whom(label: &str, was_down: Option<&str>) -> String {
    was_down.map_or_else(|| label.to_owned(), |word| format!("{label} (it was {word})"))
}

/// How it was stopped that did not end.
fn killed(kill_ms: u64) -> String {
    format!("by SIGKILL: it did not end in its kill_timeout, {}", seconds(kill_ms))
}

/// A time in seconds, for people.
fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_says_whether_it_was_one() {
        let stop = |verdict: Verdict| verdict.sentence(Action::Stop, "api[0]");
        assert_eq!(stop(Verdict::Already), "api[0] is stopped already");
        assert_eq!(
            stop(Verdict::Killed { kill_ms: 500 }),
            "stopped api[0] by SIGKILL: it did not end in its kill_timeout, 0.5 s"
        );
    }

    #[test]
    fn each_says_what_came_of_it() {
        let down = |why, ends, last: Option<&str>| {
            Verdict::Down(Down { why, ends, watched_ms: 1_040, last_words: last.map(Into::into) })
        };
        let code = || End::Code("1".into());
        let all = [
            Verdict::Done,
            Verdict::Already,
            Verdict::Killed { kill_ms: 1_600 },
            Verdict::Added,
            Verdict::Ended,
            Verdict::Up { after_ms: 1_000, was_looping: false },
            Verdict::Up { after_ms: 1_000, was_looping: true },
            down(Why::Ends(code()), 1, Some("Error: bad config")),
            down(Why::Ends(End::Signal("SIGSEGV".into())), 3, None),
            down(Why::Ended(code()), 1, None),
            down(Why::StaysStopped(End::Code("3".into())), 1, None),
            down(Why::GivenUp(code()), 16, Some("Error: no")),
            down(Why::NeverStarted, 0, None),
            down(Why::NotReady { waited_ms: 3_000 }, 0, None),
            down(Why::LeftAlone, 0, None),
            Verdict::CameBack { times: 3 },
            Verdict::Replaced { by: "id 0 is delta now".into() },
            Verdict::Gone,
            Verdict::NotBegun,
            Verdict::Refused("process already online".into()),
            Verdict::timed_out(11_600),
            Verdict::Unknown { waited_ms: 300, is_closed: true },
        ];
        let lines: Vec<String> =
            all.iter().map(|verdict| verdict.sentence(Action::Restart, "api[0]")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        restarted api[0]
        api[0] is online already
        restarted api[0] by SIGKILL: it did not end in its kill_timeout, 1.6 s
        added api[0], stopped, because its autostart is off
        restarted api[0], ended with exit code 0 or SIGINT
        restarted api[0], up 1.0 s
        restarted api[0], looped before, now up 1.0 s
        restarted api[0], but it is down: exit code 1: Error: bad config (PM2 starts it again)
        restarted api[0], but it is down: killed by SIGSEGV, 3 times in 1.0 s (PM2 starts it again)
        restarted api[0], but it is down: exit code 1
        restarted api[0], but it is down: exit code 3, and PM2 leaves it stopped
        restarted api[0], but it is down: errored, PM2 gave up after exit code 1, 16 times in 1.0 s: Error: no
        restarted api[0], but it is down: never started, its interpreter, script or folder does not exist
        restarted api[0], online, but did not report ready in 3.0 s (wait_ready)
        did not restart api[0]: left alone, because the instance before it failed
        restarted api[0], but it came back: PM2 started it again 3 times; stop it first
        cannot restart api[0]: replaced: id 0 is delta now; nothing was sent
        cannot restart api[0]: gone: the process no longer exists
        did not restart api[0]: left undone: it had not begun
        cannot restart api[0]: refused: process already online
        restart api[0]: unknown: no answer in 11.6 s, it may have happened
        restart api[0]: unknown: the daemon closed the connection after 0.3 s, it may have happened
        ");
        let words: Vec<&str> = all.iter().map(Verdict::word).collect();
        assert_eq!(
            words.join(", "),
            "done, already, killed, added, ended, up, up, down, down, down, down, down, down, not ready, \
            left alone, came back, replaced, gone, left undone, refused, unknown, unknown"
        );
        let successes = all.iter().filter(|verdict| verdict.is_success()).count();
        assert_eq!(successes, 7);
        let alone = down(Why::LeftAlone, 0, None).words(Action::Reload);
        assert_eq!(alone, "left alone, because the instance before it failed");
        let unready = down(Why::NotReady { waited_ms: 3_000 }, 0, None);
        assert_eq!(
            unready.sentence(Action::Reload, "api[0]"),
            "reloaded api[0], online in place of the old process, but did not report ready in 3.0 s \
            (wait_ready)"
        );
    }

    #[test]
    fn a_time_that_rounds_to_nothing_is_not_told() {
        let at_once = Verdict::Unknown { waited_ms: 99, is_closed: true }.about();
        assert_eq!(at_once, "unknown: the daemon closed the connection, it may have happened");
        let later = Verdict::Unknown { waited_ms: 100, is_closed: true }.about();
        assert!(later.contains("after 0.1 s"), "{later}");
    }
}
