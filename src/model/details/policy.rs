//! What PM2 does about it: restarts, limits, times, file watching.

use serde_json::{Value as Json, json};

use super::{Entries, Section, Source, Tone, one_line};
use crate::model::units;
use crate::protocol::cron::{self, Reader};

/// When PM2 starts, restarts and ends it.
pub(super) fn policy(source: &Source<'_>) -> Section {
    let info = source.info;
    let mut entries = Entries::default();
    switch(&mut entries, "autorestart", "autorestart", info.autorestart, true);
    entries.field(source, "stop_exit_codes", "stop exit codes");
    let max = info.restarts_max();
    entries.push("max_restarts", "max restarts", max.to_string(), json!(max));
    let min_uptime = info.min_uptime_ms.unwrap_or(1_000);
    milliseconds(&mut entries, "min_uptime_ms", "min uptime", Some(min_uptime));
    let delay = info.restart_delay_ms.filter(|delay| *delay > 0);
    milliseconds(&mut entries, "restart_delay_ms", "restart delay", delay);
    if let Some(first) = info.backoff_first_ms.filter(|first| *first > 0) {
        let last = info.backoff_last_ms.filter(|last| *last > 0);
        let last = last.map(|last| format!(", last {}", units::span(last))).unwrap_or_default();
        let text = format!("from {}{last}", units::span(first));
        entries.push("backoff_first_ms", "back-off", text, json!(first));
    }
    if let Some(limit) = info.memory_limit_bytes.filter(|limit| *limit > 0) {
        let text = units::bytes(limit);
        entries.push("max_memory_bytes", "max memory restart", text, json!(limit));
    }
    // PM2's own word for "none" is 0.
    if let Some(cron) = source.field("cron_restart").filter(|cron| cron.is_string()) {
        let next = cron.as_str().and_then(|pattern| next_run(source, pattern));
        let text = match &next {
            Some(next) => format!("{}, next {next}", one_line(cron)),
            None => one_line(cron),
        };
        entries.push("cron_restart", "cron restart", text, cron.clone());
    }
    watch(source, &mut entries);
    stopping(source, &mut entries);
    entries.into_section("policy", "Restarts and limits")
}

/// How it is told to end, and how long PM2 waits for it.
fn stopping(source: &Source<'_>, entries: &mut Entries) {
    let info = source.info;
    milliseconds(entries, "kill_timeout_ms", "kill timeout", Some(info.kill_ms()));
    milliseconds(entries, "listen_timeout_ms", "listen timeout", info.listen_timeout_ms);
    if info.wait_ready {
        switch(entries, "wait_ready", "wait ready", true, false);
    }
    let is_on = |key: &str| source.field(key).and_then(Json::as_bool);
    if is_on("shutdown_with_message") == Some(true) {
        switch(entries, "shutdown_with_message", "shutdown with message", true, false);
    }
    if is_on("treekill") == Some(false) {
        switch(entries, "treekill", "kill children too", false, true);
    }
    if is_on("autostart") == Some(false) {
        switch(entries, "autostart", "autostart", false, true);
    }
}

/// Whether changed files restart it, and which.
fn watch(source: &Source<'_>, entries: &mut Entries) {
    let data = source.env.get("watch").cloned().unwrap_or(Json::Bool(false));
    let text = match &data {
        Json::Bool(true) => "yes, its folder".to_owned(),
        Json::String(_) | Json::Array(_) if super::says_something(&data) => {
            format!("yes: {}", one_line(&data))
        }
        _ => "no".to_owned(),
    };
    let tone = if text == "no" { Tone::Faint } else { Tone::Plain };
    entries.toned("watch", "watch", text, data, tone);
    if tone == Tone::Plain {
        entries.field(source, "ignore_watch", "ignore watch");
    }
}

fn switch(
    entries: &mut Entries,
    key: &'static str,
    label: &'static str,
    is_on: bool,
    default: bool,
) {
    let tone = if is_on == default { Tone::Faint } else { Tone::Plain };
    entries.toned(key, label, if is_on { "yes" } else { "no" }, json!(is_on), tone);
}

fn milliseconds(entries: &mut Entries, key: &'static str, label: &'static str, value: Option<u64>) {
    if let Some(ms) = value {
        entries.push(key, label, units::span(ms), json!(ms));
    }
}

/// When PM2 restarts it by its cron pattern: by the clock of the daemon, whose zone is named.
fn next_run(source: &Source<'_>, pattern: &str) -> Option<String> {
    let (zone, release) = source.seen.clock?;
    let reader = Reader::of_release(Some(release));
    let at_ms = cron::next(pattern, reader, zone, source.seen.now_ms)?;
    let at = zone.to_datetime(jiff::Timestamp::from_millisecond(at_ms).ok()?);
    let name = zone.iana_name().map(|name| format!(" {name}")).unwrap_or_default();
    Some(format!("{}{name}", at.strftime("%Y-%m-%d %H:%M:%S")))
}
