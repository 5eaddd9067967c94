//! Calls of any method by its name, with what they need besides their shape.
//!
//! Invariant: a call that would do harm as things are now (PM2 signals itself, opens its log files
//! twice at once) is not sent; each gets the time that the daemon itself may take for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::guard::{self, HomeLock};
use super::message;
use crate::daemon::clock::{now_ms, whole_ms};
use crate::daemon::rpc::connection::CallError;
use crate::daemon::rpc::session::Session;
use crate::protocol::process::{
    ExecMode, ProcessInfo, ProcessStatus, Snapshot, decode_monitor_data,
};
use crate::protocol::rpc::{Call, CallRefused, CheckedCall, Outcome, Reply};
use crate::protocol::text::clean;

/// Over the longest that a process may take, a reload gets this (docs/pm2.md section 7).
const RELOAD_MIN: Duration = Duration::from_secs(15);
/// How long the log files may take to be open, after `reloadLogs` and after the start of a worker.
const LOGS_REOPEN: Duration = Duration::from_secs(2);
/// `sendSignalToProcessName` waits 200 ms for each two processes.
const SIGNALS_MAX: Duration = Duration::from_secs(30);
/// What `kill_timeout` and `listen_timeout` are together where a process has none of its own
/// (PM2's `constants.js`).
const SLOW_DEFAULT_MS: u64 = 1_600 + 3_000;

/// Held while a daemon opens its log files again, whichever it is; a lock on its folder keeps other
/// programs from it.
static RELOADING_LOGS: Mutex<()> = Mutex::const_new(());

/// Why a call by name has no reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CallFailure {
    /// The call does not fit the method; nothing was sent.
    Refused(CallRefused),
    /// No reply came.
    NoReply { method: Box<str>, error: CallError },
    /// The daemon said no: its words, cleaned.
    Said { message: String, stack: Option<String> },
    /// The reply could not be read.
    BadReply { method: Box<str>, reason: String },
    /// No process is called so, cleaned; nothing was sent.
    NoSuchProcess(String),
    /// Somebody else does the same all the time that was waited; nothing was sent.
    Locked { what: String, waited_ms: u64 },
    /// No process that was meant declares the action: which ones are, cleaned; nothing was sent.
    NoSuchAction(String),
    /// It would do harm as things are: what is in the way. Nothing was sent.
    Unsafe(String),
}

impl CallFailure {
    /// Why, in one cleaned sentence.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Refused(refused) => clean(&refused.to_string()).into_owned(),
            Self::NoReply { method, error: CallError::Closed } => {
                format!("the daemon closed the connection before it answered {method}")
            }
            Self::NoReply { method, error: CallError::TimedOut { waited_ms } } => {
                format!("no answer to {method} in {:.1} s", *waited_ms as f64 / 1000.0)
            }
            Self::NoReply { method, error: CallError::Busy } => {
                format!("too many calls are under way: {method} was not sent")
            }
            Self::Said { message, .. } => clean(message).into_owned(),
            Self::BadReply { method, reason } => {
                format!("the reply to {method} could not be read: {}", clean(reason))
            }
            Self::NoSuchProcess(target) => format!("no process {target}"),
            Self::Locked { what, waited_ms } => {
                let waited = *waited_ms as f64 / 1000.0;
                format!("{}, for {waited:.1} s: not sent", clean(what))
            }
            Self::NoSuchAction(why) => format!("{why}: not sent"),
            Self::Unsafe(why) => clean(why).into_owned(),
        }
    }
}

impl From<CallRefused> for CallFailure {
    fn from(refused: CallRefused) -> Self {
        Self::Refused(refused)
    }
}

/// All processes, once as PM2 says it and once typed; in PM2's order.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) raw: Vec<Json>,
    pub(crate) infos: Vec<ProcessInfo>,
    /// Of processes that could not be read.
    pub(crate) warnings: Vec<String>,
}

impl Listing {
    /// What PM2 says of a process.
    pub(crate) fn raw_of(&self, info: &ProcessInfo) -> Option<&Json> {
        let id = u64::from(info.pm_id.0);
        self.raw.iter().find(|raw| raw.get("pm_id").and_then(Json::as_u64) == Some(id))
    }

    /// The names of the actions that a process declared, raw.
    pub(crate) fn actions(&self, info: &ProcessInfo) -> impl Iterator<Item = &str> {
        let env = self.raw_of(info).and_then(|raw| raw.get("pm2_env"));
        let actions = env.and_then(|env| env.get("axm_actions")?.as_array());
        let actions = actions.into_iter().flatten();
        actions.filter_map(|action| action.get("action_name").and_then(Json::as_str))
    }

    /// Whether a process declared an action of this name.
    pub(crate) fn declares(&self, info: &ProcessInfo, action: &str) -> bool {
        self.actions(info).any(|known| known == action)
    }

    /// The processes of this name, as the pm2 CLI finds them: by name, or by the path of the
    /// script.
    pub(crate) fn named(&self, name: &str) -> Vec<&ProcessInfo> {
        let runs = |info: &ProcessInfo| {
            let raw = self.raw_of(info).and_then(|raw| raw.get("pm2_env"));
            let path = raw.and_then(|env| env.get("pm_exec_path")?.as_str());
            name.starts_with('/') && path == Some(name)
        };
        self.infos.iter().filter(|info| &*info.name == name || runs(info)).collect()
    }
}

impl Session {
    /// Checks a call, makes it, and gives the first value of its reply; null where it has none.
    /// `base` is how long it may take over what the daemon itself may.
    pub(crate) async fn call_by_name(
        &self,
        method: &str,
        args: Vec<Json>,
        base: Duration,
    ) -> Result<Json, CallFailure> {
        let result = match self.methods.check_named(method, args) {
            Ok(call) => self.send_named(&call, base).await,
            Err(refused) => Err(refused.into()),
        };
        if let Err(failure @ (CallFailure::Refused(_) | CallFailure::Unsafe(_))) = &result {
            tracing::warn!(method = &*clean(method), why = failure.sentence(), "refused");
        }
        result
    }

    /// Makes a call that fits, with what it needs besides its shape.
    pub(crate) async fn send_named(
        &self,
        call: &CheckedCall,
        base: Duration,
    ) -> Result<Json, CallFailure> {
        match call.method() {
            "msgProcess" => message::send(self, call, base).await,
            "reloadLogs" => self.reload_logs(call, base).await,
            _ => {
                guard::check(self, call, base).await?;
                self.exchange(call, self.time_for(call, base).await?).await
            }
        }
    }

    /// Sends a call and gives the first value of its reply; null where it has none.
    pub(crate) async fn exchange(
        &self,
        call: &CheckedCall,
        timeout: Duration,
    ) -> Result<Json, CallFailure> {
        first_value(call.method(), &self.reply(call, timeout).await?)
    }

    async fn reply(&self, call: &CheckedCall, timeout: Duration) -> Result<Reply, CallFailure> {
        let no_reply = |error| CallFailure::NoReply { method: call.method().into(), error };
        self.connection.call(call, timeout).await.map_err(no_reply)
    }

    /// Asks for all processes, and gives the reply, too.
    pub(crate) async fn ask_processes(
        &self,
        timeout: Duration,
    ) -> Result<(Reply, Snapshot), CallFailure> {
        let call = self.methods.check(&Call::GetMonitorData)?;
        let reply = self.reply(&call, timeout).await?;
        let snapshot = match decode_monitor_data(reply.body()) {
            Ok(snapshot) => snapshot,
            // Where the daemon refused, its own words.
            Err(error) => {
                first_value(call.method(), &reply)?;
                return Err(bad_reply(call.method(), &error.to_string()));
            }
        };
        self.remember(&snapshot);
        Ok((reply, snapshot))
    }

    /// Asks for all processes, for those who need them raw, too.
    pub(crate) async fn listing(&self, timeout: Duration) -> Result<Listing, CallFailure> {
        let (reply, snapshot) = self.ask_processes(timeout).await?;
        let method = Call::GetMonitorData.method();
        let Json::Array(raw) = first_value(method, &reply)? else {
            return Err(bad_reply(method, "it is no list of processes"));
        };
        Ok(Listing { raw, infos: snapshot.processes, warnings: snapshot.warnings })
    }

    /// How long a call may take: `base`, and what the daemon itself may take.
    pub(crate) async fn time_for(
        &self,
        call: &CheckedCall,
        base: Duration,
    ) -> Result<Duration, CallFailure> {
        let arg = call.args().first();
        Ok(match call.method() {
            "restartProcessId" => base + self.slowest(base).await? + renewed(arg),
            "startProcessId" | "stopProcessId" | "deleteProcessId" | "stopAll" | "deleteAll"
            | "stopProcessName" | "restartProcessName" | "deleteProcessName"
            | "duplicateProcessId" => base + self.slowest(base).await?,
            "reloadProcessId" | "softReloadProcessId" => {
                base + self.slowest(base).await?.max(RELOAD_MIN)
            }
            "prepare" | "prepareJson" => base + starting(arg),
            "profileCPU" | "profileMEM" => base + milliseconds(arg, "timeout", 5_000),
            "sendSignalToProcessName" => base + SIGNALS_MAX,
            _ => base,
        })
    }

    /// The longest that a process may take to stop and start again.
    async fn slowest(&self, timeout: Duration) -> Result<Duration, CallFailure> {
        if self.slow_ms.load(Ordering::Relaxed) == 0 {
            self.ask_processes(timeout).await?;
        }
        Ok(Duration::from_millis(self.slow_ms.load(Ordering::Relaxed)))
    }

    /// One at a time, with a pause: God answers before the logs are open again, and a second call
    /// meanwhile takes down the daemon of 5.4.3 and cluster apps of 7.0.4 (measured in
    /// `tests/client`: their log streams are for a moment just the paths of their files).
    async fn reload_logs(&self, call: &CheckedCall, base: Duration) -> Result<Json, CallFailure> {
        let deadline = Instant::now() + base;
        let waiting = tokio::time::timeout_at(deadline, RELOADING_LOGS.lock()).await;
        let _alone = waiting.map_err(|_| CallFailure::Locked {
            what: "another call of this program opens the logs again".to_owned(),
            waited_ms: whole_ms(base),
        })?;
        let _alone_here = HomeLock::take(&self.home, deadline).await?;
        // So does the first call to a worker that has just started and still opens its logs.
        let listing = self.listing(base).await?;
        let workers = listing.infos.iter().filter(|info| info.exec_mode == ExecMode::Cluster);
        let last = workers.filter_map(|info| info.online_since_ms).max();
        let age_ms = last.map_or(i64::MAX, |last| now_ms().saturating_sub(last));
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or(0));
        tokio::time::sleep(LOGS_REOPEN.saturating_sub(age)).await;
        let reply = self.exchange(call, base).await;
        tokio::time::sleep(LOGS_REOPEN).await;
        reply
    }
}

/// Whether there is a process of the system behind it.
pub(super) fn is_running(info: &ProcessInfo) -> bool {
    matches!(info.status, ProcessStatus::Online | ProcessStatus::Launching) && info.pid.is_some()
}

/// The longest that any of these may take to stop and start again, milliseconds; never 0.
pub(in crate::daemon) fn slowest_ms(processes: &[ProcessInfo]) -> u64 {
    let slow = |info: &ProcessInfo| {
        info.kill_timeout_ms.unwrap_or(0).saturating_add(info.listen_timeout_ms.unwrap_or(0))
    };
    processes.iter().map(slow).max().unwrap_or(0).saturating_add(SLOW_DEFAULT_MS)
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

pub(crate) fn no_such_process(target: &str) -> CallFailure {
    CallFailure::NoSuchProcess(clean(target).into())
}

fn bad_reply(method: &str, reason: &str) -> CallFailure {
    CallFailure::BadReply { method: method.into(), reason: reason.to_owned() }
}

/// The value of a reply; all of them where there are several. An envelope of a shape that was never
/// seen is its own value.
fn first_value(method: &str, reply: &Reply) -> Result<Json, CallFailure> {
    match reply.outcome().map_err(|error| bad_reply(method, &error.to_string()))? {
        Outcome::Success(values) if values.len() > 1 => Ok(Json::Array(values)),
        Outcome::Success(values) => Ok(values.into_iter().next().unwrap_or_default()),
        Outcome::Failure { message, stack } => match serde_json::from_slice(reply.body()) {
            Ok(Json::Object(fields))
                if fields.is_empty()
                    || fields.contains_key("error")
                    || fields.get("args").is_some_and(Json::is_array) =>
            {
                Err(CallFailure::Said { message, stack })
            }
            Ok(unknown) => Ok(unknown),
            Err(_) => Err(CallFailure::Said { message, stack }),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::process::PmId;

    #[test]
    fn a_call_gets_the_time_that_the_slowest_process_may_take() {
        let mut slow = ProcessInfo::new(PmId(0), "slow", ProcessStatus::Online);
        assert_eq!(slowest_ms(&[slow.clone()]), SLOW_DEFAULT_MS);
        assert_eq!(slowest_ms(&[]), SLOW_DEFAULT_MS);
        slow.kill_timeout_ms = Some(60_000);
        slow.listen_timeout_ms = Some(5_000);
        let other = ProcessInfo::new(PmId(1), "other", ProcessStatus::Online);
        assert_eq!(slowest_ms(&[other, slow]), 65_000 + SLOW_DEFAULT_MS);
        let app = json!({ "instances": 2, "listen_timeout": 7_000 });
        assert_eq!(starting(Some(&app)), Duration::from_secs(14));
        assert_eq!(starting(Some(&json!({ "instances": -1 }))), Duration::from_secs(3));
    }
}
