//! Tells what happened to a process in one line of the event log.
//!
//! Invariant: one line for one thing. PM2 sends two `exit`s for a deliberate stop, an `exit` after
//! `restart overlimit`, and an echo of what this program itself asked for; each is told once.

use super::Action;
use super::fleet::Process;
use super::log::Severity;
use crate::protocol::bus::{EventKind, ProcessEvent};
use crate::protocol::process::ProcessStatus;

/// For how long an event counts as the echo of something already told, milliseconds.
const ECHO_MS: i64 = 5_000;
/// PM2's `max_restarts` where the process sets none (`lib/God.js`).
const MAX_RESTARTS: u32 = 16;

/// What a line says: the word in the kind column, how bad it is, and the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// At most nine columns.
    pub word: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One line.
    pub text: String,
}

#[expect(clippy::unnecessary_wraps, reason = "every caller returns an Option")]
fn told(word: &'static str, severity: Severity, text: impl Into<String>) -> Option<Told> {
    Some(Told { word, severity, text: text.into() })
}

/// Tells an event. `process` is the row before the event, where there is one; what was told is
/// remembered in it.
#[must_use]
pub fn tell(process: Option<&mut Process>, event: &ProcessEvent, now_ms: i64) -> Option<Told> {
    if event.is_old_worker {
        let ended = event.kind == EventKind::Exit && event.info.status == ProcessStatus::Stopped;
        return if ended {
            told(
                "exit",
                Severity::Neutral,
                format!("old worker of a reload ended{}", with_code(event)),
            )
        } else {
            None
        };
    }
    let is_echo = |action: Action| {
        process
            .as_ref()
            .and_then(|process| process.asked)
            .is_some_and(|(asked, at_ms)| asked == action && now_ms.saturating_sub(at_ms) < ECHO_MS)
    };
    // While an action asked for here is under way, its outcome will tell.
    let pending = process.as_ref().and_then(|process| process.pending);
    match &event.kind {
        EventKind::Online if matches!(pending, Some(Action::Restart | Action::Start)) => None,
        EventKind::Online => tell_online(event),
        EventKind::Exit => tell_exit(process, event, now_ms),
        EventKind::RestartOverlimit => told("overlimit", Severity::Bad, overlimit_text(event)),
        EventKind::Start if is_echo(Action::Start) => None,
        EventKind::Start => told("start", Severity::Neutral, "started by a client"),
        EventKind::Stop if is_echo(Action::Stop) => None,
        EventKind::Stop => tell_stop(process, now_ms),
        EventKind::Restart if is_echo(Action::Restart) => None,
        EventKind::Restart => {
            let text = format!("restarted by a client, {}", count(event.info.restarts));
            told("restart", Severity::Neutral, text)
        }
        EventKind::Reload | EventKind::GracefulReload if is_echo(Action::Reload) => None,
        EventKind::Reload | EventKind::GracefulReload => {
            told("reload", Severity::Neutral, "reloaded by a client")
        }
        EventKind::Delete => told("delete", Severity::Warning, "deleted"),
        EventKind::Other(word) => told("event", Severity::Neutral, word.to_string()),
    }
}

fn tell_online(event: &ProcessEvent) -> Option<Told> {
    let text = match event.info.restarts {
        0 => "started".to_owned(),
        restarts => format!("started again, restart {restarts}"),
    };
    told("online", Severity::Good, text)
}

fn tell_stop(process: Option<&mut Process>, now_ms: i64) -> Option<Told> {
    let already = process
        .and_then(|process| process.stop_told_at_ms)
        .is_some_and(|at_ms| now_ms.saturating_sub(at_ms) < ECHO_MS);
    if already { None } else { told("stop", Severity::Neutral, "stopped by a client") }
}

fn tell_exit(process: Option<&mut Process>, event: &ProcessEvent, now_ms: i64) -> Option<Told> {
    match event.info.status {
        // `stopping`: the first of a deliberate stop's two exits; the second tells.
        // `errored`: `restart overlimit` came just before and told it.
        ProcessStatus::Stopping | ProcessStatus::Errored => None,
        _ if process.as_ref().is_some_and(|process| process.stopping_since_ms.is_some()) => {
            let is_asked_here = process.as_ref().is_some_and(|process| process.pending.is_some());
            if let Some(process) = process {
                process.stop_told_at_ms = Some(now_ms);
            }
            if is_asked_here {
                return None;
            }
            told("stop", Severity::Neutral, format!("stopped on request{}", with_code(event)))
        }
        _ => {
            let clean = event.info.exit_code.as_deref().is_none_or(|code| code == "0")
                && event.signal.is_none();
            let severity = if clean { Severity::Warning } else { Severity::Bad };
            told("exit", severity, exit_text(event))
        }
    }
}

fn exit_text(event: &ProcessEvent) -> String {
    let info = &event.info;
    let mut parts = vec![code_text(event)];
    if !info.autorestart {
        parts.push("not restarted (autorestart is off)".to_owned());
    } else if info.unstable_restarts > 0 {
        let max = info.max_restarts.unwrap_or(MAX_RESTARTS);
        parts.push(format!("unstable restart {} of {max} follows", info.unstable_restarts));
    } else {
        parts.push(format!("restart {} follows", info.restarts.saturating_add(1)));
    }
    parts.join(", ")
}

fn overlimit_text(event: &ProcessEvent) -> String {
    let max = event.info.max_restarts.unwrap_or(MAX_RESTARTS);
    let restarts = count(event.info.restarts);
    format!("{}, gave up at max_restarts {max}: errored, {restarts}", code_text(event))
}

fn code_text(event: &ProcessEvent) -> String {
    match (&event.info.exit_code, &event.signal) {
        (_, Some(signal)) => format!("killed by {signal}"),
        (Some(code), None) => format!("code {code}"),
        (None, None) => "code unknown".to_owned(),
    }
}

fn with_code(event: &ProcessEvent) -> String {
    if event.info.exit_code.is_none() && event.signal.is_none() {
        return String::new();
    }
    format!(", {}", code_text(event))
}

fn count(restarts: u32) -> String {
    match restarts {
        1 => "1 restart in all".to_owned(),
        restarts => format!("{restarts} restarts in all"),
    }
}
