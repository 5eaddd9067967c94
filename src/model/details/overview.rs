//! How it does: status, times, counts, figures, and how it last ended.

use serde_json::json;

use super::{Entries, Section, Source, Tone};
use crate::model::boot::Standing;
use crate::model::death::{BlackBox, words};
use crate::model::end::End;
use crate::model::state_word::{meaning, state_word};
use crate::model::units;
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// Status, times, counts and figures.
pub(super) fn process(source: &Source<'_>) -> Section {
    let info = source.info;
    let mut entries = Entries::default();
    let (status, tone) = status(source);
    entries.toned("status", "status", status, json!(info.status.as_str()), tone);
    entries.push("name", "name", &*info.name, json!(info.name));
    entries.push("pm_id", "id", info.pm_id.to_string(), json!(info.pm_id.0));
    if let Some(namespace) = info.namespace.as_deref() {
        entries.push("namespace", "namespace", namespace, json!(namespace));
    }
    if let Some(version) = info.version.as_deref() {
        entries.push("version", "version", version, json!(version));
    }
    if let Some(pid) = info.pid.filter(|pid| *pid > 0 && has_pid(info)) {
        entries.push("pid", "pid", pid.to_string(), json!(pid));
    }
    times(source, &mut entries);
    counts(source, &mut entries);
    figures(source, &mut entries);
    saved(source, &mut entries);
    entries.into_section("process", "Process")
}

/// Whether its pid is that of a process: while it waits for its next start, it is that of the one that
/// ended.
fn has_pid(info: &ProcessInfo) -> bool {
    info.status != ProcessStatus::WaitingRestart && !info.is_between_lives()
}

/// How it stands to the list that comes back at boot.
fn saved(source: &Source<'_>, entries: &mut Entries) {
    let Some(standing) = source.seen.saved else { return };
    let (text, tone) = match standing {
        Standing::Same => ("in it, as it is now".to_owned(), Tone::Faint),
        Standing::Unsaved => ("not in it: it would be lost at reboot".to_owned(), Tone::Warning),
        Standing::Changed(differences) => {
            let all: Vec<String> = differences.iter().map(ToString::to_string).collect();
            (all.join("; "), Tone::Warning)
        }
    };
    let data = json!(text);
    entries.toned("saved_list", "saved list", text, data, tone);
}

/// The word that the table has for it, and what that means.
fn status(source: &Source<'_>) -> (String, Tone) {
    let info = source.info;
    let word = state_word(info, source.seen.is_looping);
    if let Some(meaning) = meaning(info) {
        return (format!("{word}: {meaning}"), Tone::Bad);
    }
    match info.status {
        _ if source.seen.is_looping => (word, Tone::Warning),
        ProcessStatus::Online => (word, Tone::Good),
        ProcessStatus::Stopped if info.is_over() => (word, Tone::Faint),
        _ => (word, Tone::Warning),
    }
}

fn times(source: &Source<'_>, entries: &mut Entries) {
    let (info, now_ms) = (source.info, source.seen.now_ms);
    let is_up = info.status == ProcessStatus::Online && !info.never_started();
    if let Some(since) = info.online_since_ms.filter(|_| is_up) {
        let span_ms = source.seen.up_ms.unwrap_or(now_ms.saturating_sub(since)).max(0);
        let text = format!("{}, since {}", units::uptime(span_ms), source.moment(since));
        entries.push("uptime_ms", "uptime", text, json!(span_ms));
    } else if let Some(since) = info.online_since_ms {
        entries.push("last_start_ms", "last start", source.moment(since), json!(since));
    } else {
        // It was never started.
    }
    if let Some(created) = info.created_at_ms {
        let text = format!("{} (PM2 sets it anew at each command on it)", source.moment(created));
        entries.push("created_at_ms", "created at", text, json!(created));
    }
}

fn counts(source: &Source<'_>, entries: &mut Entries) {
    let info = source.info;
    entries.push("restarts", "restarts", info.restarts.to_string(), json!(info.restarts));
    let (unstable, max) = (info.unstable_restarts, info.restarts_max());
    let tone = if unstable > 0 { Tone::Warning } else { Tone::Faint };
    // PM2 counts no further for what it does not start again.
    let text = if unstable > 0 && info.status == ProcessStatus::Stopped && info.is_over() {
        format!("{unstable} before it was stopped")
    } else {
        format!("{unstable} of {max}")
    };
    entries.toned("unstable_restarts", "unstable restarts", text, json!(unstable), tone);
    if let Some(code) = info.exit_code.as_deref() {
        let data = code.parse::<i64>().map_or_else(|_| json!(code), |code| json!(code));
        let tone = if code == "0" { Tone::Plain } else { Tone::Warning };
        let last = source.seen.black_box.and_then(BlackBox::last).map(|last| &last.evidence);
        let end = last.and_then(|seen| seen.end.as_ref());
        let signal = end.and_then(End::signal).filter(|_| code == "0");
        // PM2 says 0 of each signal; its console tells all but SIGINT.
        let text = match (code, signal) {
            ("0", Some(signal)) => format!("{signal} (PM2 says 0)"),
            ("0", None) => {
                let is_heard = end.is_some() && last.is_some_and(|seen| !seen.is_of_figures);
                let words = End::last(code, None).heard(is_heard);
                words.strip_prefix("exit code ").unwrap_or(&words).to_owned()
            }
            (code, _) => code.to_owned(),
        };
        entries.toned("exit_code", "last exit code", text, data, tone);
        if let Some(signal) = signal {
            entries.push("signal", "signal of last exit", signal, json!(signal));
        }
    }
}

fn figures(source: &Source<'_>, entries: &mut Entries) {
    let info = source.info;
    if info.status != ProcessStatus::Online || info.never_started() {
        return;
    }
    if let Some(cpu) = info.cpu_percent {
        let data = json!((f64::from(cpu) * 10.0).round() / 10.0);
        entries.push("cpu_percent", "CPU", units::percent(f64::from(cpu)), data);
    }
    let Some(memory) = info.memory_bytes else { return };
    let limit = info.memory_limit_bytes.filter(|limit| *limit > 0);
    let (text, tone) = match limit {
        None => (units::bytes(memory), Tone::Plain),
        Some(limit) => {
            let percent = memory as f64 * 100.0 / limit as f64;
            let tone = if percent >= 90.0 { Tone::Warning } else { Tone::Plain };
            let of = units::bytes(limit);
            (format!("{}, {percent:.0}% of its limit {of}", units::bytes(memory)), tone)
        }
    };
    entries.toned("memory_bytes", "memory", text, json!(memory), tone);
}

/// Why it last ended, or could not be started.
pub(super) fn last_end(source: &Source<'_>) -> Section {
    let mut entries = Entries::default();
    if let Some(black_box) = source.seen.black_box {
        if let Some(why) = black_box.not_started() {
            entries.toned("not_started", "not started", why, json!(why), Tone::Bad);
        }
        if let Some(death) = black_box.last() {
            let ended = source.moment(death.ended_ms);
            entries.push("ended_at_ms", "ended at", ended, json!(death.ended_ms));
            let cause = words::sentence(death);
            let text = format!("{cause} ({})", words::sure(death));
            entries.push("cause", "cause", text, json!(cause));
            let follows = words::follows(&death.follows);
            if !follows.is_empty() {
                entries.push("follows", "then", follows.clone(), json!(follows));
            }
            // A stack ends with a frame, which says less than what was thrown.
            let said = death.evidence.exception.as_ref().or(death.evidence.last_line.as_ref());
            if let Some(last) = said.or(death.words.back()) {
                entries.push("last_words", "last words", &**last, json!(last));
            }
        }
    }
    entries.into_section("last_end", "Last end")
}
