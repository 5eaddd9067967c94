//! Black boxes as JSON: one shape for `why --json` and incident bundles.
//!
//! Invariant: what a black box knows is there; what it does not know is null.

use serde_json::{Value as Json, json};

use super::cause::{By, Cause, Trigger};
use super::{BlackBox, Death, Follows, words};
use crate::model::end::End;
use crate::protocol::process::ProcessInfo;

/// A process and its last ends, the newest first, at most so many.
#[must_use]
pub fn process(
    info: &ProcessInfo,
    black_box: &BlackBox,
    (deaths_max, writers): (usize, usize),
) -> Json {
    let lives = black_box.lives();
    let of = |(place, one)| death(one, black_box.next_began(place, info.runs_since_ms()));
    let shown: Vec<Json> = lives.iter().enumerate().rev().take(deaths_max).map(of).collect();
    let more = lives.len().saturating_sub(shown.len());
    json!({
        "pm_id": info.pm_id.0,
        "name": info.name,
        "namespace": info.namespace,
        "status": info.status.as_str(),
        "restarts": info.restarts,
        "never_started": info.never_started(),
        "not_started": black_box.not_started(),
        "reason": black_box.last().and_then(words::reason),
        "error_log_writers": writers,
        "deaths": shown,
        "more_deaths": more as u64 + u64::from(black_box.older()),
    })
}

/// One end; the next life began at `next_ms`, where that is known.
#[must_use]
pub fn death(death: &Death, next_ms: Option<i64>) -> Json {
    let evidence = &death.evidence;
    let (code, signal) = match &evidence.end {
        Some(End::Code(code)) => (Some(code), None),
        Some(End::Signal(signal)) => (None, Some(signal)),
        Some(End::Unseen) | None => (None, None),
    };
    let restart = match &death.follows {
        Follows::Restart { count } => Some(*count),
        _ => None,
    };
    json!({
        "ended_at": death.ended_ms,
        "started_at": death.started_ms,
        "uptime_ms": death.uptime_ms,
        "kind": kind(&death.cause),
        "cause": words::cause(&death.cause),
        "sure": death.sure.word(),
        "exit": evidence.end.as_ref().map(|end| end.brief(!evidence.is_of_figures)),
        "exit_code": code,
        "signal": signal,
        "asked_by": evidence.by.map(by).or(evidence.sent.map(|_| "pm2-tui")),
        "memory_limit": limit(&death.cause),
        "exception": exception(death),
        "stack": death.stack,
        "last_lines": death.words,
        "last_lines_are_mixed": death.is_mixed,
        "last_lines_are_unclear": death.is_unclear,
        "follows": words::followed(death, next_ms),
        "next_started_at": next_ms.filter(|next_ms| *next_ms >= death.ended_ms),
        "restart": restart,
        "cpu_percent": death.cpu_percent.map(|cpu| (f64::from(cpu) * 10.0).round() / 10.0),
        "memory_bytes": death.memory_bytes,
        "peak_memory_bytes": death.peak_bytes,
        "watched": death.is_watched,
    })
}

/// The cause as a word for programs.
#[must_use]
pub fn kind(cause: &Cause) -> &'static str {
    match cause {
        Cause::Exception(_) => "exception",
        Cause::HeapFull => "heap_full",
        Cause::OutOfMemory => "out_of_memory",
        Cause::Killed { .. } => "killed",
        Cause::Signalled(_) | Cause::Sent(_) => "signal",
        Cause::Native(_) => "native_crash",
        Cause::ShellCode { is_shell: true, .. } => "child_killed",
        Cause::ShellCode { .. } | Cause::Code(_) | Cause::Zero { .. } => "exit",
        Cause::Trigger(Trigger::Memory { .. }) => "memory_limit",
        Cause::Trigger(Trigger::File(_)) => "watch",
        Cause::Trigger(Trigger::Cron) => "cron",
        Cause::Asked { .. } => "asked",
        Cause::Reloaded(_) => "reload",
        Cause::WithDaemon(_) => "daemon",
        Cause::Unseen => "unseen",
    }
}

fn by(by: By) -> &'static str {
    match by {
        By::Here(_) => "pm2-tui",
        By::Cli(_) => "pm2",
    }
}

fn limit(cause: &Cause) -> Option<Json> {
    match cause {
        Cause::Trigger(Trigger::Memory { used, limit }) => {
            Some(json!({ "used_bytes": used, "limit_bytes": limit }))
        }
        _ => None,
    }
}

fn exception(death: &Death) -> Option<&str> {
    match &death.cause {
        Cause::Exception(message) => Some(message),
        _ => death.evidence.exception.as_deref(),
    }
}
