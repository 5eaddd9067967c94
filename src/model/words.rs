//! Words for what happened to a process: the one place where [`Life`] becomes text.

use super::end::{BY_ANOTHER, End, behind_exit};
use super::lifecycle::{self, Ended, Life, Next};
use super::log::Severity;
use super::units;
use crate::protocol::bus::{EventKind, ProcessEvent};
use crate::protocol::process::{ProcessStatus, Stays};

/// Why PM2 ends by SIGKILL what it was asked to stop.
const NOT_IN_TIME: &str = ": it did not end in its kill_timeout";

/// What a line of the event log says: the word in the kind column, how bad it is, and the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// At most nine columns.
    pub word: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One line.
    pub text: String,
}

/// Tells what happened.
#[must_use]
pub fn tell(life: &Life) -> Sentence {
    let told = |word, severity, text: String| Sentence { word, severity, text };
    let by_another = |word, done| told(word, Severity::Neutral, format!("{done} {BY_ANOTHER}"));
    match life {
        Life::Online { restarts: 0 } => told("online", Severity::Good, "started".to_owned()),
        Life::Online { restarts } => {
            told("online", Severity::Good, format!("started again, restart {restarts}"))
        }
        Life::Again => told("online", Severity::Good, "started again".to_owned()),
        Life::Ended(ended) => {
            let is_clean = match &ended.end {
                End::Code(code) => &**code == "0" && !ended.has_thrown,
                End::Unseen => true,
                End::Signal(_) => false,
            };
            let severity = if is_clean { Severity::Warning } else { Severity::Bad };
            told("exit", severity, ended_text(&words(&ended.end, ended.has_thrown), ended))
        }
        Life::GaveUp { end, has_thrown, max, restarts } => {
            let how = words(end, *has_thrown);
            told("overlimit", Severity::Bad, gave_up(&how, *max, *restarts))
        }
        Life::Stopped { end: End::Unseen } => {
            told("stop", Severity::Neutral, "stopped on request".to_owned())
        }
        Life::Stopped { end } => {
            let why = if end.signal() == Some("SIGKILL") { NOT_IN_TIME } else { "" };
            told("stop", Severity::Neutral, format!("stopped on request, {}{why}", end.words()))
        }
        Life::StoppedByClient => by_another("stop", "stopped"),
        Life::Started => by_another("start", "started"),
        Life::Restarted { restarts } => {
            let text = format!("restarted {BY_ANOTHER}, {}", count(*restarts));
            told("restart", Severity::Neutral, text)
        }
        Life::Reloaded => by_another("reload", "reloaded"),
        Life::OldWorkerEnded { end: End::Unseen } => {
            told("exit", Severity::Neutral, "old worker of a reload ended".to_owned())
        }
        Life::OldWorkerEnded { end } => {
            let text = format!("old worker of a reload ended, {}", end.words());
            told("exit", Severity::Neutral, text)
        }
        Life::Deleted => told("delete", Severity::Warning, "deleted from PM2".to_owned()),
        Life::Replaced { by } => {
            told("delete", Severity::Warning, format!("deleted from PM2; its id is {by}'s now"))
        }
        Life::OverMemory { used, limit } => {
            let (used, limit) = (units::bytes(*used), units::bytes(*limit));
            let text = format!("over its memory limit, {used} of {limit}: PM2 restarts it");
            told("memory", Severity::Warning, text)
        }
        Life::FileChanged(path) => {
            told("watch", Severity::Neutral, format!("{path} changed: PM2 restarts it"))
        }
        Life::CronDue => {
            told("cron", Severity::Neutral, "its cron_restart is due: PM2 restarts it".to_owned())
        }
        Life::Named(word) => told("event", Severity::Neutral, word.to_string()),
    }
}

/// How it ended; of an exception for which PM2 has no code, that.
fn words(end: &End, has_thrown: bool) -> String {
    if has_thrown { "exit by an uncaught exception".to_owned() } else { end.words() }
}

/// What one message of the bus says of a process, for those who show each by itself: its status, and
/// how it ended. `heard` is whether the console said how ([`super::lifecycle::read_exit_line`]), `is_asked` whether
/// the process was being stopped.
#[must_use]
pub fn event(event: &ProcessEvent, heard: bool, is_asked: bool) -> String {
    let info = &event.info;
    let status = info.status.as_str();
    let how = || lifecycle::end(event).heard(heard);
    match event.kind {
        EventKind::Exit if is_asked => format!("stopped on request, {}", how()),
        // The first of the two exits of a deliberate stop, and the one behind `restart overlimit`.
        EventKind::Exit
            if matches!(info.status, ProcessStatus::Stopping | ProcessStatus::Errored) =>
        {
            format!("{status}, {}", how())
        }
        EventKind::Exit => behind_exit(&ended_text(&how(), &lifecycle::ended(event))).to_owned(),
        EventKind::RestartOverlimit => gave_up(&how(), info.restarts_max(), info.restarts),
        // PM2's status then is `launching`.
        EventKind::Online => tell(&Life::Online { restarts: info.restarts }).text,
        _ => status.to_owned(),
    }
}

fn gave_up(how: &str, max: u32, restarts: u32) -> String {
    format!("{how}, gave up at max_restarts {max}: errored, {}", count(restarts))
}

fn ended_text(how: &str, ended: &Ended) -> String {
    let mut text = how.to_owned();
    if let Some(ms) = ended.after_ms {
        text.push_str(" after ");
        text.push_str(&units::span(ms));
    }
    if let Some(signal) = ended.sent {
        text.push_str(", ");
        text.push_str(&ended.end.sent(signal));
    }
    let next = match ended.next {
        Next::Stays(Stays::AutorestartOff) => "not restarted (autorestart is off)".to_owned(),
        Next::Stays(Stays::StopExitCode) => {
            "not restarted (it is one of its stop_exit_codes)".to_owned()
        }
        Next::Restart { restart, delay_ms, unstable } => {
            let which = match unstable {
                Some((unstable, max)) => format!("unstable restart {unstable} of {max} follows"),
                None => format!("restart {restart} follows"),
            };
            match delay_ms {
                Some(ms) => format!("{which} in {}", units::span(ms)),
                None => which,
            }
        }
    };
    format!("{text}, {next}")
}

fn count(restarts: u32) -> String {
    match restarts {
        1 => "1 restart in all".to_owned(),
        restarts => format!("{restarts} restarts in all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_never_called_clean_by_a_zero_alone() {
        use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};
        let said = |kind, code: Option<&str>, signal: Option<&str>, heard| {
            let mut info = ProcessInfo::new(PmId(0), "api", ProcessStatus::Stopped);
            info.exit_code = code.map(Box::from);
            info.restarts = 3;
            let (at_ms, signal) = (None, signal.map(Box::from));
            let (manually, is_old_worker) = (false, false);
            event(
                &ProcessEvent { kind, manually, at_ms, is_old_worker, signal, info },
                heard,
                false,
            )
        };
        let exit = || EventKind::Exit;
        let ended = |code: Option<&str>, signal: Option<&str>, heard| {
            said(exit(), code, signal, heard).replace(", restart 4 follows", "")
        };
        assert_eq!(said(exit(), Some("1"), None, true), "code 1, restart 4 follows");
        assert_eq!(ended(Some("0"), Some("SIGKILL"), true), "killed by SIGKILL");
        assert_eq!(ended(Some("0"), None, true), "code 0 or SIGINT");
        assert_eq!(ended(Some("0"), None, false), "code 0 or a signal");
        assert_eq!(ended(Some("SIGTERM"), None, false), "killed by SIGTERM");
        assert_eq!(ended(None, None, false), "code unknown");
        let gave_up = EventKind::RestartOverlimit;
        let wanted = "exit code 7, gave up at max_restarts 16: errored, 3 restarts in all";
        assert_eq!(said(gave_up, Some("7"), None, true), wanted);
        assert_eq!(said(EventKind::Online, Some("7"), None, true), "started again, restart 3");
        assert_eq!(said(EventKind::Stop, Some("7"), None, true), "stopped");
    }

    #[test]
    fn what_happened_is_told_with_its_figures() {
        let ended = |end, after_ms, next| {
            Life::Ended(Ended { end, has_thrown: false, after_ms, sent: None, next })
        };
        let code = |code: &str| End::Code(code.into());
        let again = |delay_ms, unstable| Next::Restart { restart: 4, delay_ms, unstable };
        let all = [
            Life::Online { restarts: 0 },
            Life::Online { restarts: 4 },
            Life::Again,
            ended(code("1"), Some(412), again(None, Some((3, 16)))),
            ended(code("0"), Some(11_520_000), again(Some(8_000), None)),
            ended(End::Signal("SIGKILL".into()), None, again(None, None)),
            ended(code("3"), Some(900), Next::Stays(Stays::StopExitCode)),
            ended(code("0"), Some(900), Next::Stays(Stays::AutorestartOff)),
            Life::GaveUp { end: code("1"), has_thrown: false, max: 16, restarts: 15 },
            Life::Stopped { end: code("0") },
            Life::Stopped { end: End::Unseen },
            Life::StoppedByClient,
            Life::OverMemory { used: 250_000_000, limit: 104_857_600 },
            Life::FileChanged("src/a.js".into()),
            Life::CronDue,
            Life::Replaced { by: "delta[1]".into() },
        ];
        let lines: Vec<String> = all
            .iter()
            .map(tell)
            .map(|told| {
                assert!(told.word.len() <= 9);
                format!("{} {}", told.word, told.text)
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        online started
        online started again, restart 4
        online started again
        exit exit code 1 after 0.4 s, unstable restart 3 of 16 follows
        exit exit code 0 or SIGINT after 3h 12m, restart 4 follows in 8.0 s
        exit killed by SIGKILL, restart 4 follows
        exit exit code 3 after 0.9 s, not restarted (it is one of its stop_exit_codes)
        exit exit code 0 or SIGINT after 0.9 s, not restarted (autorestart is off)
        overlimit exit code 1, gave up at max_restarts 16: errored, 15 restarts in all
        stop stopped on request, exit code 0 or SIGINT
        stop stopped on request
        stop stopped by another client
        memory over its memory limit, 238.4 MiB of 100.0 MiB: PM2 restarts it
        watch src/a.js changed: PM2 restarts it
        cron its cron_restart is due: PM2 restarts it
        delete deleted from PM2; its id is delta[1]'s now
        ");
    }
}
