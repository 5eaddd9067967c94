//! Reads `getMonitorData` replies and the `pm2_env` of the bus.
//!
//! Invariant: one process that cannot be read costs that process and makes a warning; the
//! environment is skipped in place.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::metrics::Metrics;
use super::setup::{Actions, Setup, Truth, Versioning, boxed};
use super::{ExecMode, Instance, LogFiles, PmId, ProcessInfo, ProcessStatus, Snapshot};
use crate::protocol::json::{self, Numbers, Object, Scalar, nothing, object, skip_rest};
use crate::protocol::text::clean_to;

/// The most processes of one answer that are kept; more are counted in a warning.
pub const PROCESSES_MAX: usize = 100_000;
/// The most warnings about single processes in one answer.
pub const WARNINGS_MAX: usize = 100;
/// The most characters of a foreign name or message in a sentence of ours.
const QUOTED_CHARS_MAX: usize = 300;

/// Why a `getMonitorData` reply has no processes to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// PM2 answered with an error.
    #[error("PM2 refused: {message}")]
    Refused {
        /// PM2's message, cleaned.
        message: String,
    },
    /// The reply is no JSON.
    #[error("the process list is broken JSON: {reason}")]
    Json {
        /// What serde says.
        reason: String,
    },
    /// The reply is JSON of another shape.
    #[error("the reply holds no process list")]
    NoList,
}

/// Reads the envelope of a `getMonitorData` reply ([`Reply::body`](crate::protocol::rpc::Reply)):
/// `{"args": [[{pid, name, pm_id, pm2_env, monit}, ..]]}`.
///
/// # Errors
/// [`DecodeError`] for an error of PM2's, broken JSON, or a reply without a list.
pub fn decode_monitor_data(body: &[u8]) -> Result<Snapshot, DecodeError> {
    json::read(body, |text| {
        let Object(envelope) = json::from_slice::<Object<Envelope<'_>>>(text)?;
        Ok(envelope.map_or(Err(DecodeError::NoList), Envelope::into_snapshot))
    })
    .unwrap_or_else(|error| Err(DecodeError::Json { reason: error.to_string() }))
}

object! {
    /// The reply around the list.
    struct Envelope<'de> {
        args: Args<'de> = "args",
        error: Option<Json> = "error",
    }
}

impl Envelope<'_> {
    fn into_snapshot(self) -> Result<Snapshot, DecodeError> {
        let refused =
            |message: &str| DecodeError::Refused { message: clean_to(message, QUOTED_CHARS_MAX) };
        match (self.error, self.args.0) {
            (Some(Json::String(message)), _) => Err(refused(&message)),
            (Some(other), _) => Err(refused(&other.to_string())),
            (None, First::List(snapshot)) => Ok(snapshot),
            (None, First::Failure(failure)) if failure.error.as_bool() == Some(true) => {
                let message = failure.message.as_text();
                Err(refused(message.as_deref().unwrap_or("without a reason")))
            }
            (None, First::Failure(_) | First::Nothing) => Err(DecodeError::NoList),
        }
    }
}

/// The arguments of PM2's callback, of which only the first is of interest.
#[derive(Debug, Default)]
struct Args<'de>(First<'de>);

#[derive(Debug, Default)]
enum First<'de> {
    #[default]
    Nothing,
    List(Snapshot),
    Failure(Failure<'de>),
}

object! {
    /// `{error: true, message: ".."}` in place of the list.
    struct Failure<'de> {
        error: Scalar<'de> = "error",
        message: Scalar<'de> = "message",
    }
}

impl<'de> Deserialize<'de> for Args<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArgsVisitor)
    }
}

struct ArgsVisitor;

impl<'de> Visitor<'de> for ArgsVisitor {
    type Value = Args<'de>;

    nothing!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str,);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let first = seq.next_element()?.unwrap_or_default();
        skip_rest(seq)?;
        Ok(Args(first))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        json::skip_map(map).map(|()| Args::default())
    }
}

impl<'de> Deserialize<'de> for First<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FirstVisitor)
    }
}

struct FirstVisitor;

impl<'de> Visitor<'de> for FirstVisitor {
    type Value = First<'de>;

    nothing!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str,);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut snapshot = Snapshot::default();
        let mut uncounted: usize = 0;
        while let Some(Object(process)) = seq.next_element::<Object<WireProcess<'de>>>()? {
            match process.unwrap_or_default().into_info() {
                Ok(info) if snapshot.processes.len() < PROCESSES_MAX => {
                    snapshot.processes.push(info);
                }
                Err(warning) if snapshot.warnings.len() < WARNINGS_MAX => {
                    snapshot.warnings.push(warning);
                }
                Ok(_) | Err(_) => uncounted += 1,
            }
        }
        if uncounted > 0 {
            snapshot.warnings.push(format!("{uncounted} more processes were left out"));
        }
        Ok(First::List(snapshot))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        json::read_object(map).map(First::Failure)
    }
}

object! {
    /// One element of the list.
    struct WireProcess<'de> {
        pid: Scalar<'de> = "pid",
        name: Scalar<'de> = "name",
        pm_id: Scalar<'de> = "pm_id",
        monit: Object<Monit<'de>> = "monit",
        pm2_env: Object<ProcessFields<'de>> = "pm2_env",
    }
}

object! {
    struct Monit<'de> {
        cpu: Scalar<'de> = "cpu",
        memory: Scalar<'de> = "memory",
    }
}

impl WireProcess<'_> {
    /// The process, or a sentence that says why there is none.
    fn into_info(self) -> Result<ProcessInfo, String> {
        let why = match (self.pm2_env.0, parse_pm_id(&self.pm_id)) {
            (Some(fields), Some(pm_id)) => {
                let mut info = fields.to_info(pm_id);
                if let Some(name) = boxed(&self.name) {
                    info.name = name;
                }
                info.pid = self.pid.as_u32().filter(|&pid| pid != 0);
                info.was_put_in_stopped =
                    info.status == ProcessStatus::Stopped && self.pid == Scalar::default();
                let monit = self.monit.0.unwrap_or_default();
                info.cpu_percent = monit.cpu.as_f64().map(|cpu| cpu as f32);
                info.memory_bytes = monit.memory.as_u64();
                return Ok(info);
            }
            (None, _) => "PM2 sent no pm2_env".to_owned(),
            (_, None) => match self.pm_id.as_text() {
                Some(id) => format!("its id {} is not a number", quoted(&id)),
                None => "PM2 sent no id".to_owned(),
            },
        };
        let id = self.pm_id.as_text().unwrap_or(Cow::Borrowed("?"));
        Err(match self.name.as_text() {
            Some(name) => format!("process {}[{}] left out: {why}", quoted(&name), quoted(&id)),
            None => format!("process [{}] left out: {why}", quoted(&id)),
        })
    }
}

object! {
    /// The fields of a `pm2_env`, which on the bus is the process itself. Environment variables
    /// are flattened over it before PM2 sets its own fields, so that any may be any text.
    pub(in crate::protocol) struct ProcessFields<'de> {
        pm_id: Scalar<'de> = "pm_id",
        name: Scalar<'de> = "name",
        namespace: Scalar<'de> = "namespace",
        version: Scalar<'de> = "version",
        exec_mode: Scalar<'de> = "exec_mode",
        instance_var: Scalar<'de> = "instance_var",
        instance: Scalar<'de> = "NODE_APP_INSTANCE",
        status: Scalar<'de> = "status",
        restart_time: Scalar<'de> = "restart_time",
        unstable_restarts: Scalar<'de> = "unstable_restarts",
        max_restarts: Scalar<'de> = "max_restarts",
        pm_uptime: Scalar<'de> = "pm_uptime",
        created_at: Scalar<'de> = "created_at",
        unique_id: Scalar<'de> = "unique_id",
        exit_code: Scalar<'de> = "exit_code",
        kill_timeout: Scalar<'de> = "kill_timeout",
        listen_timeout: Scalar<'de> = "listen_timeout",
        max_memory_restart: Scalar<'de> = "max_memory_restart",
        restart_delay: Scalar<'de> = "restart_delay",
        exp_backoff_restart_delay: Scalar<'de> = "exp_backoff_restart_delay",
        prev_restart_delay: Scalar<'de> = "prev_restart_delay",
        autorestart: Scalar<'de> = "autorestart",
        min_uptime: Scalar<'de> = "min_uptime",
        wait_ready: Scalar<'de> = "wait_ready",
        stop_exit_codes: Numbers = "stop_exit_codes",
        pm_out_log_path: Scalar<'de> = "pm_out_log_path",
        pm_err_log_path: Scalar<'de> = "pm_err_log_path",
        pm_log_path: Scalar<'de> = "pm_log_path",
        log_date_format: Scalar<'de> = "log_date_format",
        pm_cwd: Scalar<'de> = "pm_cwd",
        pmx_module: Scalar<'de> = "pmx_module",
        username: Scalar<'de> = "username",
        watch: Truth = "watch",
        versioning: Object<Versioning<'de>> = "versioning",
        cron_restart: Scalar<'de> = "cron_restart",
        node_version: Scalar<'de> = "node_version",
        exec_interpreter: Scalar<'de> = "exec_interpreter",
        pm_exec_path: Scalar<'de> = "pm_exec_path",
        axm_actions: Actions = "axm_actions",
        axm_monitor: Metrics = "axm_monitor",
    }
}

impl ProcessFields<'_> {
    /// The process without what stands beside `pm2_env`: pid and samples.
    pub(in crate::protocol) fn to_info(&self, pm_id: PmId) -> ProcessInfo {
        let status = self.status.as_text().unwrap_or_default();
        ProcessInfo {
            pm_id,
            name: boxed(&self.name).unwrap_or_default(),
            namespace: boxed(&self.namespace),
            version: boxed(&self.version).filter(|version| &**version != "N/A"),
            exec_mode: match self.exec_mode.as_str() {
                Some("cluster_mode") => ExecMode::Cluster,
                _ => ExecMode::Fork,
            },
            instance: match (self.instance_var.as_str(), self.instance.as_u64()) {
                (Some(name), _) if !matches!(name, "" | "NODE_APP_INSTANCE") => Instance::Elsewhere,
                (_, Some(number)) => Instance::Number(number),
                (_, None) => Instance::Unsaid,
            },
            status: ProcessStatus::parse(&status),
            pid: None,
            restarts: self.restart_time.as_u32().unwrap_or_default(),
            unstable_restarts: self.unstable_restarts.as_u32().unwrap_or_default(),
            max_restarts: self.max_restarts.as_u32(),
            online_since_ms: self.pm_uptime.as_i64(),
            created_at_ms: self.created_at.as_i64(),
            unique_id: boxed(&self.unique_id),
            exit_code: boxed(&self.exit_code),
            kill_timeout_ms: self.kill_timeout.as_u64(),
            listen_timeout_ms: self.listen_timeout.as_u64(),
            memory_limit_bytes: self.max_memory_restart.as_u64(),
            restart_delay_ms: self.restart_delay.as_u64(),
            backoff_first_ms: self.exp_backoff_restart_delay.as_u64(),
            backoff_last_ms: self.prev_restart_delay.as_u64(),
            autorestart: self.autorestart.as_bool().unwrap_or(true),
            min_uptime_ms: self.min_uptime.as_u64(),
            wait_ready: self.wait_ready.as_bool().unwrap_or(false),
            stop_exit_codes: self.stop_exit_codes.0.clone().into(),
            logs: LogFiles {
                out: raw(&self.pm_out_log_path),
                err: raw(&self.pm_err_log_path),
                both: raw(&self.pm_log_path),
                date_format: raw(&self.log_date_format),
            },
            cwd: raw(&self.pm_cwd),
            script: raw(&self.pm_exec_path),
            was_put_in_stopped: false,
            is_module: self.pmx_module.as_bool().unwrap_or(false),
            setup: Setup::of(
                [
                    &self.username,
                    &self.cron_restart,
                    &self.node_version,
                    &self.exec_interpreter,
                    &self.pm_exec_path,
                ],
                &self.watch,
                &self.versioning,
                &self.axm_actions,
            ),
            metrics: self.axm_monitor.0.clone().into(),
            cpu_percent: None,
            memory_bytes: None,
        }
    }
}

/// An id that is a whole number, also as text.
pub(in crate::protocol) fn parse_pm_id(id: &Scalar<'_>) -> Option<PmId> {
    match id {
        Scalar::Integer(number) => u32::try_from(*number).ok(),
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    }
    .map(PmId)
}

/// A field's text as it came; `None` where it has none.
fn raw(field: &Scalar<'_>) -> Option<Box<str>> {
    field.as_str().filter(|text| !text.is_empty()).map(Into::into)
}

fn quoted(text: &str) -> String {
    clean_to(text, QUOTED_CHARS_MAX)
}
