//! What a session asks of its daemon: one call and its value, and all processes.

use std::time::Duration;

use serde_json::Value as Json;

use super::failure::{CallFailure, bad_reply};
use crate::daemon::rpc::connection::CallError;
use crate::daemon::rpc::session::Session;
use crate::model::daemon::Problem;
use crate::protocol::process::{ProcessInfo, ProcessStatus, Snapshot, decode_monitor_data};
use crate::protocol::rpc::{Call, CheckedCall, Outcome, Reply};

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

    /// The path of the script that a process runs.
    pub(crate) fn script_of(&self, info: &ProcessInfo) -> Option<&str> {
        self.raw_of(info)?.get("pm2_env")?.get("pm_exec_path")?.as_str()
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
        let runs = |info: &ProcessInfo| name.starts_with('/') && self.script_of(info) == Some(name);
        self.infos.iter().filter(|info| &*info.name == name || runs(info)).collect()
    }
}

impl Session {
    /// Sends a call and gives the first value of its reply; null where it has none.
    pub(crate) async fn exchange(
        &self,
        call: &CheckedCall,
        timeout: Duration,
    ) -> Result<Json, CallFailure> {
        first_value(call.method(), &self.reply(call, timeout).await?)
    }

    async fn reply(&self, call: &CheckedCall, timeout: Duration) -> Result<Reply, CallFailure> {
        let no_reply = |error| match self.connection.ended() {
            // It was this side that ended the connection, of what came on it.
            Some(problem) if error == CallError::Closed && problem != Problem::Closed => {
                let home = self.home.to_string_lossy();
                let reason = format!("{}; {}", problem.sentence(), problem.advice(&home, None));
                bad_reply(call.method(), &reason)
            }
            _ => CallFailure::NoReply { method: call.method().into(), error },
        };
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
            return Err(bad_reply(method, "it is not a list of processes"));
        };
        Ok(Listing { raw, infos: snapshot.processes, warnings: snapshot.warnings })
    }
}

/// Whether there is a process of the system behind it.
pub(super) fn is_running(info: &ProcessInfo) -> bool {
    matches!(info.status, ProcessStatus::Online | ProcessStatus::Launching) && info.pid.is_some()
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
