//! Why a command ends without what was asked for, and its exit code.
//!
//! Invariant: a failure is one clean line that names the thing and, where there is one, the way
//! out; a closed pipe is none, and says nothing.

use std::io;

use crate::client::{ClientError, PatternError};
use crate::daemon::endpoint::Endpoint;
use crate::daemon::saved_list;
use crate::model::Verdict;
use crate::model::daemon::Problem;
use crate::model::errand::Outcome;
use crate::protocol::text::clean;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// What was asked for was done.
    Fine = 0,
    /// A condition is not met, the daemon refused, or something else went wrong.
    Condition = 1,
    /// Wrong usage: nothing was sent.
    Usage = 2,
    /// No daemon could be reached.
    NoDaemon = 3,
    /// Time ran out.
    Timeout = 4,
    /// The terminal is gone: SIGHUP.
    HangUp = 129,
    /// Ctrl-C: SIGINT.
    Interrupt = 130,
    /// SIGTERM.
    Terminate = 143,
}

impl Code {
    /// What an outcome means: here alone they become exit codes.
    #[must_use]
    pub fn of_outcome(outcome: &Outcome) -> Self {
        match Self::of_verdict(&outcome.verdict) {
            Self::Fine if !outcome.is_success() => Self::Condition,
            code => code,
        }
    }

    /// The same of what came of an action.
    #[must_use]
    pub fn of_verdict(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Done
            | Verdict::Already
            | Verdict::Killed { .. }
            | Verdict::Added
            | Verdict::Ended
            | Verdict::Up { .. } => Self::Fine,
            Verdict::Unknown { is_closed: false, .. } => Self::Timeout,
            Verdict::Unknown { is_closed: true, .. } => Self::NoDaemon,
            Verdict::Down(_)
            | Verdict::CameBack { .. }
            | Verdict::Replaced { .. }
            | Verdict::Gone
            | Verdict::NotBegun
            | Verdict::Refused(_) => Self::Condition,
        }
    }
}

/// Why a command ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Something to say, and a code.
    Said(Code, String),
    /// Whoever read the output has seen enough.
    PipeClosed,
}

impl Failure {
    /// Something that does not hold, or that the daemon refused.
    pub(super) fn condition(line: impl Into<String>) -> Self {
        Self::Said(Code::Condition, line.into())
    }

    /// Something that was asked for in a wrong way.
    pub(super) fn usage(line: impl Into<String>) -> Self {
        Self::Said(Code::Usage, line.into())
    }

    /// What an error of the client means.
    pub(super) fn of_client(error: ClientError, endpoint: &Endpoint) -> Self {
        let home = endpoint.home.to_string_lossy();
        let home = clean(&home);
        match error {
            ClientError::NotRunning(problem) | ClientError::Permission(problem)
                if endpoint.rpc != Endpoint::in_home(&endpoint.home).rpc =>
            {
                // The home has nothing to do with it: whether it is there, and how pm2 starts one.
                let sentence = match problem {
                    Problem::HomeMissing { .. } => {
                        Problem::SocketMissing { path: clean(&endpoint.rpc.to_string()).into() }
                            .sentence()
                    }
                    problem => problem.sentence(),
                };
                let line = format!("{sentence}; check --daemon, or PM2_DAEMON_RPC_PORT");
                Self::Said(Code::NoDaemon, line)
            }
            ClientError::NotRunning(problem) | ClientError::Permission(problem) => {
                let advice = problem.advice(&home, saved_list::is_there(&endpoint.home));
                let line = format!("{}; {advice}", problem.sentence());
                Self::Said(Code::NoDaemon, line)
            }
            ClientError::Closed => {
                Self::Said(Code::NoDaemon, format!("the daemon of {home} closed the connection"))
            }
            ClientError::NotDone { action, label, verdict } => {
                Self::Said(Code::of_verdict(&verdict), verdict.sentence(action, &label))
            }
            ref error @ ClientError::Others { ref verdict, .. } => {
                Self::Said(Code::of_verdict(verdict), error.to_string())
            }
            error @ (ClientError::Timeout { .. } | ClientError::Locked { .. }) => {
                Self::Said(Code::Timeout, error.to_string())
            }
            error @ (ClientError::UnknownMethod { .. }
            | ClientError::Refused(_)
            | ClientError::Config(_)
            | ClientError::ReadOnly { .. }) => Self::usage(error.to_string()),
            other => Self::condition(other.to_string()),
        }
    }

    /// The line to say, if there is one.
    #[must_use]
    pub fn line(&self) -> Option<String> {
        match self {
            Self::Said(_, line) => Some(clean(line).into_owned()),
            Self::PipeClosed => None,
        }
    }

    /// The exit code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Said(code, _) => *code,
            Self::PipeClosed => Code::Fine,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::PipeClosed;
        }
        Self::condition(format!("cannot write the output: {error}"))
    }
}

impl From<PatternError> for Failure {
    fn from(error: PatternError) -> Self {
        Self::usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let endpoint = Endpoint::in_home("/h".as_ref());
        let code = |error| Failure::of_client(error, &endpoint).code() as u8;
        let missing = Problem::HomeMissing { home: "/h".into() };
        assert_eq!(code(ClientError::NotRunning(missing)), 3);
        assert_eq!(code(ClientError::Closed), 3);
        assert_eq!(code(ClientError::ReadOnly { method: "m".into() }), 2);
        assert_eq!(code(ClientError::Daemon { message: "no".into(), stack: None }), 1);
        let waited = std::time::Duration::from_secs(1);
        assert_eq!(code(ClientError::Timeout { method: "m".into(), waited }), 4);
    }

    #[test]
    fn a_socket_that_is_named_is_not_the_homes() {
        let line = |endpoint: &Endpoint, problem| {
            Failure::of_client(ClientError::NotRunning(problem), endpoint).line().unwrap()
        };
        let apart = Endpoint::at("/x/rpc.sock", "/h".as_ref()).unwrap();
        let missing = "no PM2 daemon is running: /x/rpc.sock is missing; check --daemon, or \
                       PM2_DAEMON_RPC_PORT";
        assert_eq!(line(&apart, Problem::SocketMissing { path: "/x/rpc.sock".into() }), missing);
        assert_eq!(line(&apart, Problem::HomeMissing { home: "/h".into() }), missing);
        let home = Endpoint::in_home("/h".as_ref());
        let missing = line(&home, Problem::HomeMissing { home: "/h".into() });
        assert!(missing.starts_with("PM2_HOME /h does not exist; "), "{missing}");
        let odd = Endpoint::in_home("/my $(x)".as_ref());
        let line = line(&odd, Problem::SocketMissing { path: "/my $(x)/rpc.sock".into() });
        assert!(line.contains("PM2_HOME='/my $(x)' pm2 start app.js"), "{line}");
        let saved = tempfile::tempdir().unwrap();
        let refused = || Problem::Refused { path: "/x/rpc.sock".into() };
        let advice = |home: &std::path::Path| {
            let error = ClientError::NotRunning(refused());
            Failure::of_client(error, &Endpoint::in_home(home)).line().unwrap()
        };
        assert!(!advice(saved.path()).contains("resurrect"), "none is saved");
        let before = saved.path().join("dump.pm2.bak");
        std::fs::write(&before, "[]").unwrap();
        assert!(advice(saved.path()).ends_with("pm2 resurrect"), "{}", advice(saved.path()));
        std::fs::remove_file(before).unwrap();
        std::fs::write(saved.path().join("dump.pm2"), "[]").unwrap();
        assert!(advice(saved.path()).ends_with("pm2 resurrect"), "{}", advice(saved.path()));
    }

    #[test]
    fn a_closed_pipe_is_quiet() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.line(), failure.code()), (None, Code::Fine));
        assert_eq!(Failure::from(io::Error::other("disk full")).code(), Code::Condition);
    }

    #[test]
    fn a_line_is_one_clean_line() {
        assert_eq!(Failure::usage("a\nb\u{1b}[2J").line().unwrap(), "a b");
    }
}
