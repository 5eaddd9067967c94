//! Calls by name, and the typed methods under pm2-interface's names.
//!
//! Invariant: a name that the daemon lists is the daemon's; only what it has not, or what would do
//! harm as it is there (`killMe`), or nothing any more (`msgProcess`), is composed.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Client, ClientError};
use crate::protocol::process::{PmId, ProcessStatus};
use crate::protocol::rpc::{CallRefused, CheckedCall};

/// A method that this client composes where the daemon has it not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Composed {
    /// pm2-interface's name.
    pub name: &'static str,
    /// The names of its arguments.
    pub params: &'static [&'static str],
    /// What they are, for a person.
    pub takes: &'static str,
}

/// What can be called on every daemon, by name.
pub const COMPOSED: &[Composed] = &[
    Composed { name: "deleteAll", params: &["data"], takes: "an object: {}" },
    Composed { name: "deleteProcess", params: &["target"], takes: "a name or an id" },
    Composed { name: "findByScript", params: &["script"], takes: "the name of a script's file" },
    Composed { name: "getSystemData", params: &["env"], takes: "{}" },
    Composed { name: "killMe", params: &["data"], takes: "an object: {}" },
    Composed {
        name: "msgProcess",
        params: &["opts"],
        takes: r#"{"id": 0, "msg": {"type": "my:topic", "data": {}}}, or "name" for "id""#,
    },
    Composed {
        name: "prepareJson",
        params: &["app", "cwd"],
        takes: "an app, a list of apps or {\"apps\": []}, and an absolute working directory",
    },
    Composed { name: "reload", params: &["data"], takes: "an object: {}" },
    Composed { name: "restartProcessName", params: &["name"], takes: "a name" },
    Composed { name: "stopAll", params: &["env"], takes: "an object: {}" },
];

/// The methods that change nothing.
const READS: [&str; 8] = [
    "ping",
    "getVersion",
    "getMonitorData",
    "getSystemData",
    "getReport",
    "findByScript",
    "findByFullPath",
    "findByPort",
];

/// Whether a method may change something; so does one that is not known.
#[must_use]
pub fn changes_something(method: &str) -> bool {
    !READS.contains(&method)
}

/// Over the longest that a process may take, a reload gets this (PM2.md section 7).
const RELOAD_MIN: Duration = Duration::from_secs(15);
/// How long the log files may take to be open again after `reloadLogs`.
const LOGS_REOPEN: Duration = Duration::from_secs(1);
/// `sendSignalToProcessName` waits 200 ms for each two processes.
const SIGNALS_MAX: Duration = Duration::from_secs(30);

impl Client {
    /// Calls a method by name: the daemon's own where it lists one, else the composed one. Gives
    /// the first value of the reply, null where there is none.
    ///
    /// # Errors
    /// [`ClientError`]; of them `Refused`, `ReadOnly`, `UnknownMethod` and `NoSuchProcess` mean that
    /// nothing was sent.
    pub async fn call(&self, method: &str, args: Vec<Json>) -> Result<Json, ClientError> {
        self.permit(method)?;
        let is_known = self.methods().has(method);
        let is_ours = matches!(method, "killMe" | "msgProcess") || !is_known;
        if is_ours && let Some(composed) = COMPOSED.iter().find(|known| known.name == method) {
            if composed.params.len() != args.len() {
                return Err(refused(composed, args.len()));
            }
            return Box::pin(self.compose(composed, args)).await;
        }
        if !is_known {
            let known = self.callable();
            return Err(ClientError::UnknownMethod { method: method.to_owned(), known });
        }
        if let ("prepareJson", [value, folder]) = (method, args.as_slice()) {
            return self.native_prepare_json(value, folder).await;
        }
        let call = self.methods().check_named(method, args)?;
        if method == "reloadLogs" {
            return self.reload_logs(&call).await;
        }
        if method == "sendSignalToProcessId" {
            self.expect_running(&call).await?;
        }
        let reply = self.0.send(&call, self.timeout(&call).await?).await;
        match reply {
            // 4.5.6 lists it, and says that its source of data was not started.
            Err(ClientError::Daemon { .. }) if method == "getSystemData" => {
                self.composed_system_data().await
            }
            reply => reply,
        }
    }

    /// Refuses what changes something, where that is wanted.
    pub(super) fn permit(&self, method: &str) -> Result<(), ClientError> {
        if self.0.options.read_only && changes_something(method) {
            return Err(ClientError::ReadOnly { method: method.to_owned() });
        }
        Ok(())
    }

    async fn compose(&self, composed: &Composed, args: Vec<Json>) -> Result<Json, ClientError> {
        let count = args.len();
        let refused = || refused(composed, count);
        let mut args = args.into_iter();
        let first = args.next().unwrap_or_default();
        let text = || first.as_str().filter(|text| !text.is_empty()).ok_or_else(refused);
        match composed.name {
            "deleteAll" | "killMe" | "reload" | "stopAll" if !first.is_object() => Err(refused()),
            "deleteAll" => self.composed_delete_all().await,
            "deleteProcess" => match &first {
                Json::Number(id) if id.is_u64() => self.delete_process(&id.to_string()).await,
                _ => self.delete_process(text()?).await,
            },
            "findByScript" => self.composed_find_by_script(text()?).await,
            "getSystemData" => self.composed_system_data().await,
            "killMe" => self.kill_me().await,
            "msgProcess" => self.msg_process(first).await,
            "prepareJson" => {
                let folder = args.next().unwrap_or_default();
                let folder = folder.as_str().filter(|path| path.starts_with('/'));
                self.composed_prepare_json(&first, folder.ok_or_else(refused)?).await
            }
            "reload" => self.reload().await,
            "restartProcessName" => self.composed_restart_name(text()?).await,
            "stopAll" => self.composed_stop_all().await,
            _ => Err(refused()),
        }
    }

    /// How long a call may take: what the caller gives, and what the daemon itself may take.
    pub(super) async fn timeout(&self, call: &CheckedCall) -> Result<Duration, ClientError> {
        let base = self.0.options.timeout;
        let arg = call.args().first();
        Ok(match call.method() {
            "restartProcessId" => base + self.0.slowest().await? + renewed(arg),
            "startProcessId" | "stopProcessId" | "deleteProcessId" | "stopAll" | "deleteAll"
            | "stopProcessName" | "restartProcessName" | "deleteProcessName"
            | "duplicateProcessId" => base + self.0.slowest().await?,
            "reloadProcessId" | "softReloadProcessId" => {
                base + self.0.slowest().await?.max(RELOAD_MIN)
            }
            "prepare" | "prepareJson" => base + starting(arg),
            "profileCPU" | "profileMEM" => base + milliseconds(arg, "timeout", 5_000),
            "sendSignalToProcessName" => base + SIGNALS_MAX,
            _ => base,
        })
    }

    /// One at a time, with a pause: God answers before the logs are open again, and a second call
    /// meanwhile takes down the daemon of 5.4.3 and cluster apps of 7.0.4 (measured in
    /// `tests/client`: their log streams are for a moment just the paths of their files).
    async fn reload_logs(&self, call: &CheckedCall) -> Result<Json, ClientError> {
        let _alone = self.0.reloading_logs.lock().await;
        let reply = self.0.send(call, self.0.options.timeout).await;
        tokio::time::sleep(LOGS_REOPEN).await;
        reply
    }

    /// God signals pid 0, which is its own process group, when the process does not run.
    async fn expect_running(&self, call: &CheckedCall) -> Result<(), ClientError> {
        let id = call.args().first().and_then(|opts| opts.get("process_id")?.as_u64());
        let listing = self.0.listing().await?;
        let found = listing.infos.iter().find(|info| Some(u64::from(info.pm_id.0)) == id);
        let Some(info) = found else {
            return Err(no_such_process(&id.unwrap_or_default().to_string()));
        };
        let runs = matches!(info.status, ProcessStatus::Online | ProcessStatus::Launching);
        if runs && info.pid.is_some() {
            return Ok(());
        }
        let reason = format!(
            "process {} is {}: not sent, since PM2 would signal itself",
            info.pm_id,
            info.status.as_str()
        );
        Err(ClientError::Unsafe { reason })
    }
}

/// How long `prepare` may take: with `wait_ready` it answers when the process is ready.
fn starting(app: Option<&Json>) -> Duration {
    let count = app.and_then(|app| app.get("instances")?.as_u64()).unwrap_or(1).clamp(1, 64);
    milliseconds(app, "listen_timeout", 3_000).saturating_mul(u32::try_from(count).unwrap_or(64))
}

/// What the times of a new configuration add to a restart.
fn renewed(opts: Option<&Json>) -> Duration {
    let conf = opts.and_then(|opts| opts.get("env")?.get("current_conf"));
    milliseconds(conf, "kill_timeout", 0) + milliseconds(conf, "listen_timeout", 0)
}

fn milliseconds(arg: Option<&Json>, key: &str, default: u64) -> Duration {
    Duration::from_millis(arg.and_then(|arg| arg.get(key)?.as_u64()).unwrap_or(default))
}

fn refused(composed: &Composed, found: usize) -> ClientError {
    let wanted = composed.params.len();
    let takes = if wanted == found {
        composed.takes.into()
    } else {
        let plural = if wanted == 1 { "" } else { "s" };
        format!("{wanted} argument{plural}, {}; {found} given", composed.takes).into()
    };
    CallRefused::Shape { method: composed.name.into(), takes }.into()
}

pub(super) fn no_such_process(target: &str) -> ClientError {
    ClientError::NoSuchProcess { target: crate::protocol::text::clean(target).into() }
}

/// pm2-interface's methods, typed where that says more than JSON.
impl Client {
    /// Starts apps: one app, an array of them, or `{apps: []}`, as an ecosystem file has them.
    /// Relative paths are in `cwd`. What has an app's name already is restarted with its
    /// configuration. Gives the processes; the `action` of each is `started` or `restarted`.
    ///
    /// # Errors
    /// [`ClientError`]; nothing is started where an app is not understood, and
    /// [`ClientError::Partly`] says what became of each where one failed after that.
    pub async fn prepare_json(&self, json_app: &Json, cwd: &str) -> Result<Json, ClientError> {
        self.call("prepareJson", vec![json_app.clone(), json!(cwd)]).await
    }

    /// All processes, as JSON, with their whole environment.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_monitor_data(&self) -> Result<Json, ClientError> {
        self.call("getMonitorData", vec![json!({})]).await
    }

    /// The machine and all processes: `{system: {hostname, uptime, cpus, load, memory, time},
    /// processes}`. PM2 7 answers with a map of metrics instead.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_system_data(&self) -> Result<Json, ClientError> {
        self.call("getSystemData", vec![json!({})]).await
    }

    /// Starts a stopped process.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn start_process_id(&self, id: u32) -> Result<Json, ClientError> {
        self.call("startProcessId", vec![json!(PmId(id).0)]).await
    }

    /// Stops a process.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn stop_process_id(&self, id: u32) -> Result<Json, ClientError> {
        self.call("stopProcessId", vec![json!(id)]).await
    }

    /// Restarts a process with the environment that it has.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn restart_process_id(&self, id: u32) -> Result<Json, ClientError> {
        self.call("restartProcessId", vec![json!(id)]).await
    }

    /// Stops every process but modules, and gives all processes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn stop_all(&self) -> Result<Json, ClientError> {
        self.call("stopAll", vec![json!({})]).await
    }

    /// Restarts every process of this name, and gives all processes.
    ///
    /// # Errors
    /// [`ClientError::NoSuchProcess`] and others.
    pub async fn restart_process_name(&self, name: &str) -> Result<Json, ClientError> {
        self.call("restartProcessName", vec![json!(name)]).await
    }

    /// Stops and forgets every process but modules, and gives those that remain.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_all(&self) -> Result<Json, ClientError> {
        self.call("deleteAll", vec![json!({})]).await
    }

    /// The processes that run a script of this file name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn find_by_script(&self, script: &str) -> Result<Json, ClientError> {
        self.call("findByScript", vec![json!(script)]).await
    }
}
