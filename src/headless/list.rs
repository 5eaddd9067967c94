//! `ls`: the processes, once.
//!
//! Invariant: no environment variable's value is printed unless `--env-values` asks for it.

use std::io::Write;

use serde_json::{Map, Value as Json, json};

use super::failure::{Code, Failure};
use super::output::{self, Align};
use super::{Context, targets};
use crate::cli::Ls;
use crate::daemon::clock::now_ms;
use crate::model::{fleet, units};
use crate::protocol::process::{ProcessInfo, ProcessStatus};
use crate::protocol::text::clean;

/// What is shown of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Env {
    None,
    Names,
    Values,
}

/// Prints the processes.
pub(super) async fn run(
    context: &Context,
    what: &Ls,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let client = context.connect().await?;
    let env = match (what.env, what.env_values) {
        (_, true) => Env::Values,
        (true, false) => Env::Names,
        (false, false) => Env::None,
    };
    // The environments come with the rest: the daemon is asked once.
    let (mut processes, warnings, raw) = if env == Env::None {
        let snapshot = client.snapshot().await.map_err(|error| context.failure(error))?;
        (snapshot.processes, snapshot.warnings, Vec::new())
    } else {
        let listing = client.listing().await.map_err(|error| context.failure(error))?;
        (listing.infos, listing.warnings, listing.raw)
    };
    client.disconnect().await;
    for warning in &warnings {
        output::complain(&clean(warning));
    }
    if let Some(why) = blindness(&processes) {
        output::complain(&clean(&why));
        // PM2's zeros are no measurements.
        for info in &mut processes {
            info.cpu_percent = None;
            info.memory_bytes = None;
        }
    }
    if what.json {
        let list: Vec<Json> =
            processes.iter().map(|info| as_json(info, variables(&raw, info), env)).collect();
        output::json(&Json::Array(list), context.json_style(), out)?;
        return Ok(Code::Fine);
    }
    print(context, &processes, out)?;
    if env != Env::None {
        for info in &processes {
            environment(context, info, variables(&raw, info), env, out)?;
        }
    }
    Ok(Code::Fine)
}

/// Why PM2 measures nothing, where it does not.
pub(super) fn blindness(processes: &[ProcessInfo]) -> Option<String> {
    let culprit = targets::label(fleet::blinding(processes)?);
    Some(format!(
        "PM2 measures no CPU or memory while {culprit} is online without a process: stop it"
    ))
}

fn print(
    context: &Context,
    processes: &[ProcessInfo],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let restarts = if context.is_ascii { "restarts" } else { "↺" };
    let heading = [
        ("id", Align::Right),
        ("name", Align::Left),
        ("namespace", Align::Left),
        ("mode", Align::Left),
        ("status", Align::Left),
        (restarts, Align::Right),
        ("uptime", Align::Right),
        ("cpu", Align::Right),
        ("mem", Align::Right),
    ];
    let now_ms = now_ms();
    let rows: Vec<_> = processes.iter().map(|info| row(info, now_ms, context.is_ascii)).collect();
    Ok(output::table(&heading, &rows, out)?)
}

fn row(info: &ProcessInfo, now_ms: i64, is_ascii: bool) -> Vec<String> {
    let none = || "-".to_owned();
    let text = |text: &str| output::printable(text, is_ascii);
    let is_online = info.status == ProcessStatus::Online && info.pid.is_some();
    let status = match &info.status {
        _ if info.never_started() => "online, never started",
        ProcessStatus::WaitingRestart if info.has_given_up() => "waiting restart, given up",
        status => status.as_str(),
    };
    let since = info.online_since_ms.filter(|_| is_online);
    vec![
        info.pm_id.to_string(),
        text(&info.name),
        info.namespace.as_deref().map_or_else(none, text),
        info.exec_mode.as_str().to_owned(),
        text(status),
        info.restarts.to_string(),
        since.map_or_else(none, |since| units::uptime(now_ms.saturating_sub(since))),
        info.cpu_percent
            .filter(|_| is_online)
            .map_or_else(none, |cpu| units::percent(f64::from(cpu))),
        info.memory_bytes.filter(|_| is_online).map_or_else(none, units::bytes),
    ]
}

/// The process's own variables in the raw reply.
fn variables<'a>(raw: &'a [Json], info: &ProcessInfo) -> Option<&'a Map<String, Json>> {
    let id = u64::from(info.pm_id.0);
    let found =
        raw.iter().find(|process| process.get("pm_id").and_then(Json::as_u64) == Some(id))?;
    found.get("pm2_env")?.get("env")?.as_object()
}

fn as_json(info: &ProcessInfo, variables: Option<&Map<String, Json>>, env: Env) -> Json {
    let mut object = json!({
        "pm_id": info.pm_id.0,
        "name": info.name,
        "namespace": info.namespace,
        "version": info.version,
        "exec_mode": info.exec_mode.as_str(),
        "status": info.status.as_str(),
        "pid": info.pid,
        "restarts": info.restarts,
        "unstable_restarts": info.unstable_restarts,
        "online_since_ms": info.online_since_ms,
        "created_at_ms": info.created_at_ms,
        "exit_code": info.exit_code.as_deref().map(exit_code),
        "cpu_percent": info.cpu_percent.map(tenths),
        "memory_bytes": info.memory_bytes,
        "is_module": info.is_module,
    });
    let variables = variables.cloned().unwrap_or_default();
    let value = match env {
        Env::None => return object,
        Env::Names => Json::from(variables.keys().cloned().collect::<Vec<_>>()),
        Env::Values => Json::Object(variables),
    };
    if let Some(object) = object.as_object_mut() {
        object.insert("env".to_owned(), value);
    }
    object
}

/// A number where PM2 says one; old releases say a signal's name.
fn exit_code(code: &str) -> Json {
    code.parse::<i64>().map_or_else(|_| Json::from(code), Json::from)
}

/// As PM2 gives it, without the noise of a wider float.
fn tenths(percent: f32) -> f64 {
    (f64::from(percent) * 10.0).round() / 10.0
}

fn environment(
    context: &Context,
    info: &ProcessInfo,
    variables: Option<&Map<String, Json>>,
    env: Env,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let shown = |text: &str| output::printable(&clean(text), context.is_ascii);
    writeln!(out, "\n{}", shown(&targets::label(info)))?;
    for (name, value) in variables.into_iter().flatten() {
        match (env, value) {
            (Env::Values, Json::String(value)) => {
                writeln!(out, "  {}={}", shown(name), shown(value))?;
            }
            (Env::Values, value) => {
                writeln!(out, "  {}={}", shown(name), shown(&value.to_string()))?;
            }
            _ => writeln!(out, "  {}", shown(name))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::PmId;

    fn api() -> ProcessInfo {
        let mut info = ProcessInfo::new(PmId(3), "api 日", ProcessStatus::Online);
        info.pid = Some(42);
        info.online_since_ms = Some(1_000);
        info.cpu_percent = Some(12.34);
        info.memory_bytes = Some(2048);
        info
    }

    #[test]
    fn a_row_says_what_is_known() {
        let cells = row(&api(), 61_000, true);
        assert_eq!(cells, ["3", "api ?", "-", "fork", "online", "0", "1m", "12.3%", "2.0 KiB"]);
        let mut ghost = api();
        ghost.pid = None;
        assert_eq!(row(&ghost, 61_000, false)[4..], ["online, never started", "0", "-", "-", "-"]);
    }

    #[test]
    fn an_exit_code_is_a_number_and_a_signal_is_text() {
        let shown = |code: Option<&str>| {
            let info = ProcessInfo { exit_code: code.map(Box::from), ..api() };
            as_json(&info, None, Env::None)["exit_code"].clone()
        };
        assert_eq!(shown(Some("0")), json!(0));
        assert_eq!(shown(Some("-1")), json!(-1));
        assert_eq!(shown(Some("SIGTERM")), json!("SIGTERM"));
        assert_eq!(shown(None), Json::Null);
    }

    #[test]
    fn values_are_shown_only_when_asked_for() {
        let raw = [json!({ "pm_id": 3, "pm2_env": { "env": { "SECRET": "hunter2" } } })];
        let info = api();
        let shown = |env| as_json(&info, variables(&raw, &info), env).to_string();
        assert!(!shown(Env::None).contains("SECRET"));
        assert!(shown(Env::Names).contains("\"env\":[\"SECRET\"]"));
        assert!(!shown(Env::Names).contains("hunter2"));
        assert!(shown(Env::Values).contains("\"SECRET\":\"hunter2\""));
    }
}
