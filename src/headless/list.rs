//! `ls`: the processes, once, or again whenever they change.
//!
//! Invariant: no environment variable's value is printed unless `--env-values` asks for it.

use std::io::Write;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::ends::Ends;
use super::failure::{Code, Failure};
use super::figures::Figures;
use super::{Context, output, table, targets};
use crate::cli::Ls;
use crate::client::Client;
use crate::model::end::End;
use crate::model::process::Process;
use crate::model::rows::{Field, Query, Sort};
use crate::protocol::process::{ProcessInfo, Snapshot};
use crate::protocol::text::clean;

/// How often `--watch` looks.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// What is shown of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Env {
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
    let env = match (what.env, what.env_values) {
        (_, true) => Env::Values,
        (true, false) => Env::Names,
        (false, false) => Env::None,
    };
    let query = table::query(&what.which, Sort::default())?;
    let fields = table::fields(&what.shown)?;
    let client = context.connect().await?;
    let fields = if what.json { Vec::new() } else { fields };
    let tells = what.json || table::is_measured(&what.which, &fields);
    let figures = Figures::at_once(&client, what.figures.ask_pm2 || !tells).await;
    let mut figures = figures.wanting(table::wants(&fields, &query))?;
    let mut seen = table::Seen::default();
    if what.watch {
        let fields = Some(&*fields).filter(|_| !what.json);
        return watch(context, (&client, figures), &query, fields, out).await;
    }
    // The environments come with the rest: the daemon is asked once.
    let raw = if env == Env::None {
        seen.look(context, &client, &mut figures).await?;
        Vec::new()
    } else {
        let mut listing = client.listing().await.map_err(|error| context.failure(error))?;
        let besides = figures.fill(&mut listing.infos).await;
        seen.take(Snapshot { processes: listing.infos, warnings: listing.warnings });
        seen.add(besides);
        listing.raw
    };
    client.disconnect().await;
    Ends::default().look_up(context, &mut seen, Some(&*fields).filter(|_| !what.json)).await?;
    let processes = seen.rows(&query);
    if processes.is_empty()
        && let Some(hint) = seen.hint(&query)
    {
        output::complain(&output::printable(&hint, context.is_ascii));
    }
    if what.json {
        let each = processes.iter();
        let list: Vec<Json> =
            each.map(|process| as_json(process, variables(&raw, &process.info), env)).collect();
        output::json(&Json::Array(list), context.json_style(), out)?;
        return Ok(Code::Fine);
    }
    table::print(context, &processes, &fields, out)?;
    if env != Env::None {
        for info in processes.iter().map(|process| &process.info) {
            environment(context, info, variables(&raw, info), env, out)?;
        }
    }
    Ok(Code::Fine)
}

/// Prints the table again whenever it changes, until the daemon or whoever reads is gone. On a
/// terminal in place, each second. Without columns, as JSON.
async fn watch(
    context: &Context,
    (client, mut figures): (&Client, Figures),
    query: &Query,
    fields: Option<&[Field]>,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let mut seen = table::Seen::default();
    let mut ends = Ends::default();
    let mut before = None;
    loop {
        seen.look(context, client, &mut figures).await?;
        ends.look_up(context, &mut seen, fields).await?;
        let processes = seen.rows(query);
        let facts: Vec<String> = processes.iter().map(|process| fact(process)).collect();
        let in_place = context.is_terminal && fields.is_some();
        if in_place || before.as_ref() != Some(&facts) {
            if before.is_some() && fields.is_some() && !in_place {
                writeln!(out)?;
            } else {
                // The first table, or a line for each.
            }
            if let Some(fields) = fields {
                let mut text = Vec::new();
                table::print(context, &processes, fields, &mut text)?;
                if in_place {
                    text = output::within(output::terminal_size(), &text);
                    // Home, and away with what is below.
                    write!(out, "\x1b[H\x1b[J")?;
                }
                out.write_all(&text)?;
            } else {
                let list = processes.iter().map(|process| as_json(process, None, Env::None));
                let style = output::JsonStyle { is_pretty: false, ..context.json_style() };
                output::json(&list.collect(), style, out)?;
            }
            out.flush()?;
        }
        before = Some(facts);
        tokio::time::sleep(WATCH_EVERY).await;
    }
}

/// What makes a row another one: all but what is measured.
fn fact(process: &Process) -> String {
    let (info, is_looping) = (&process.info, process.is_looping);
    let (id, pid, restarts) = (info.pm_id, info.pid, info.restarts);
    format!("{id} {} {} {is_looping} {pid:?} {restarts}", info.name, info.status.as_str())
}

/// The process's own variables in the raw reply.
fn variables<'a>(raw: &'a [Json], info: &ProcessInfo) -> Option<&'a Map<String, Json>> {
    let id = u64::from(info.pm_id.0);
    let found =
        raw.iter().find(|process| process.get("pm_id").and_then(Json::as_u64) == Some(id))?;
    found.get("pm2_env")?.get("env")?.as_object()
}

pub(super) fn as_json(process: &Process, variables: Option<&Map<String, Json>>, env: Env) -> Json {
    let info = &process.info;
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
        "signal": process.last_end().as_ref().and_then(End::signal),
        "cpu_percent": info.cpu_percent.map(tenths),
        "memory_bytes": info.memory_bytes,
        "is_module": info.is_module,
        "is_looping": process.is_looping,
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
    use crate::protocol::process::{PmId, ProcessStatus};

    fn api() -> ProcessInfo {
        let mut info = ProcessInfo::new(PmId(3), "api 日", ProcessStatus::Online);
        info.pid = Some(42);
        info.online_since_ms = Some(1_000);
        info.cpu_percent = Some(12.34);
        info.memory_bytes = Some(2048);
        info
    }

    #[test]
    fn an_exit_code_is_a_number_and_a_signal_is_text() {
        let shown = |code: Option<&str>| {
            let info = ProcessInfo { exit_code: code.map(Box::from), ..api() };
            as_json(&Process::new(info), None, Env::None)["exit_code"].clone()
        };
        assert_eq!(shown(Some("0")), json!(0));
        assert_eq!(shown(Some("-1")), json!(-1));
        assert_eq!(shown(Some("SIGTERM")), json!("SIGTERM"));
        assert_eq!(shown(None), Json::Null);
    }

    #[test]
    fn a_crash_loop_has_its_mark() {
        let mut process = Process::new(api());
        assert_eq!(as_json(&process, None, Env::None)["is_looping"], json!(false));
        process.is_looping = true;
        assert_eq!(as_json(&process, None, Env::None)["is_looping"], json!(true));
        assert!(fact(&process) != fact(&Process::new(api())), "it is another row");
    }

    #[test]
    fn values_are_shown_only_when_asked_for() {
        let raw = [json!({ "pm_id": 3, "pm2_env": { "env": { "SECRET": "hunter2" } } })];
        let info = api();
        let process = Process::new(info.clone());
        let shown = |env| as_json(&process, variables(&raw, &info), env).to_string();
        assert!(!shown(Env::None).contains("SECRET"));
        assert!(shown(Env::Names).contains("\"env\":[\"SECRET\"]"));
        assert!(!shown(Env::Names).contains("hunter2"));
        assert!(shown(Env::Values).contains("\"SECRET\":\"hunter2\""));
    }
}
