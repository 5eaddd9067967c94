//! What a request leads to: pm2-axon-rpc's own rules (`modules/pm2-axon-rpc/lib/server.js`), and
//! the methods as 7.0.4 has them.
//!
//! Invariant: what would have thrown inside a real God ends in [`Answer::Dies`], so that a test
//! sees a client that would have taken a user's apps down.

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::proc::Slot;
use super::wire;
use super::world::{AfterStop, Answer, Launched, Task, Ticket, World};
use crate::protocol::value::Value;

/// A request frame as pm2-axon-rpc understands it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Request {
    /// `{type: "methods"}`.
    Methods,
    /// A call.
    Call { method: String, args: Vec<Json> },
    /// Answered at once, with this.
    Refused(Json),
    /// Never answered, and harmless.
    Ignored,
    /// A real God would have thrown.
    Fatal,
}

impl Request {
    /// Reads the arguments of a request frame; the last one is the id and not looked at.
    pub(super) fn read(args: &[Bytes]) -> Self {
        let [body, _id] = args else {
            // No argument or no id: nothing to answer to. More: the callback is in the wrong place.
            return if args.len() < 2 { Self::Ignored } else { Self::Fatal };
        };
        let Value::Json(body) = Value::parse(body) else {
            return Self::Refused(wire::refusal(".method required"));
        };
        let message: Json = match serde_json::from_slice(body) {
            Ok(Json::Null) | Err(_) => return Self::Fatal,
            Ok(message) => message,
        };
        if message.get("type") == Some(&json!("methods")) {
            return Self::Methods;
        }
        let method = match message.get("method") {
            Some(Json::String(method)) if !method.is_empty() => method.clone(),
            None | Some(Json::Null | Json::Bool(false) | Json::String(_)) => {
                return Self::Refused(wire::refusal(".method required"));
            }
            Some(other) => js_text(other),
        };
        match message.get("args") {
            Some(Json::Array(args)) => Self::Call { method, args: args.clone() },
            None | Some(Json::Null | Json::Bool(false)) => {
                Self::Refused(wire::refusal(".args required"))
            }
            Some(_) => Self::Fatal,
        }
    }
}

impl World {
    /// Answers `{type: "methods"}`.
    #[must_use]
    pub fn list_methods(&self) -> Json {
        wire::methods_reply(&self.methods)
    }

    /// Takes a call at a time (milliseconds since 1970). What it sets off comes out of the next
    /// [`World::step`].
    pub fn call(&mut self, method: &str, args: &[Json], now_ms: i64) -> Answer {
        let Some(params) = self.methods.get(method) else {
            if matches!(method, "toString" | "constructor" | "valueOf" | "hasOwnProperty") {
                return Answer::Never;
            }
            let message = format!("method \"{method}\" does not exist");
            return Answer::Now(wire::refusal(&message));
        };
        // The last parameter is the callback; those without any take what comes.
        if !params.is_empty() && params.len() - 1 != args.len() {
            return Answer::Dies;
        }
        let takes_bare_id = params.first().is_some_and(|param| &**param == "id");
        let null = Json::Null;
        let arg = args.first().unwrap_or(&null);
        match method {
            "killMe" => {
                self.publish("pm2:kill", wire::killed());
                Answer::Ends
            }
            "notifyKillPM2" => {
                self.is_being_killed = true;
                Answer::Never
            }
            "startProcessId" => self.on_id(arg, " id unknown", |world, pm_id, ticket| {
                world.start(pm_id, Some(ticket), now_ms);
            }),
            "stopProcessId" | "deleteProcessId" => self.stop_or_delete(method, arg, now_ms),
            "restartProcessId" => self.restart_call(arg, now_ms),
            "reloadProcessId" | "softReloadProcessId" => {
                self.reload_call(arg, takes_bare_id, method.starts_with("soft"), now_ms)
            }
            "duplicateProcessId" => self.on_id(arg, " id unknown", |world, pm_id, ticket| {
                world.duplicate(pm_id, ticket, now_ms);
            }),
            "resetMetaProcessId" => self.reset_call(arg, now_ms),
            "stopWatch" | "startWatch" | "toggleWatch" => self.watch_call(method, args),
            "notifyByProcessId" => self.notify_call(arg, now_ms),
            "sendDataToProcessId" | "msgProcess" | "sendLineToStdin" => {
                self.message_call(method, arg)
            }
            "sendSignalToProcessId" | "sendSignalToProcessName" => {
                self.signal_call(method, arg, now_ms)
            }
            "prepare" if !is_preparable(arg) => Answer::Dies,
            _ => self.ask(method, arg),
        }
    }

    /// The calls that change nothing.
    fn ask(&self, method: &str, arg: &Json) -> Answer {
        match method {
            "ping" => now(json!({ "msg": "pong" })),
            "getVersion" => now(json!(self.version)),
            "getMonitorData" => {
                let all = self.procs.values();
                now(all.map(|proc| wire::monitored(proc, &self.home)).collect())
            }
            "getSystemData" => {
                let all = self.procs.values();
                let cpu = all.map(|proc| proc.cpu_percent).sum::<f64>();
                now(wire::system_data(cpu / 8.0))
            }
            "getReport" => {
                now(wire::report(&self.version, &self.home, self.procs.len(), self.started_ms))
            }
            "reloadLogs" => now(json!({})),
            "monitor" | "unmonitor" => match self.find(arg) {
                Some(pm_id) => now(json!({ "success": true, "pm_id": pm_id })),
                None => error(&format!("{} id unknown", js_text(arg))),
            },
            other => error(&format!("{other} is not simulated")),
        }
    }

    /// The process that `id in God.clusters_db` finds: a number, or a text that is one.
    fn find(&self, id: &Json) -> Option<u32> {
        let pm_id = match id {
            Json::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Json::String(text) => text.parse().ok(),
            _ => None,
        }?;
        self.procs.contains_key(&pm_id).then_some(pm_id)
    }

    fn on_id(
        &mut self,
        id: &Json,
        unknown: &str,
        act: impl FnOnce(&mut Self, u32, Ticket),
    ) -> Answer {
        let Some(pm_id) = self.find(id) else {
            return error(&format!("{}{unknown}", js_text(id)));
        };
        let ticket = self.ticket();
        act(self, pm_id, ticket);
        Answer::Later(ticket)
    }

    fn stop_or_delete(&mut self, method: &str, arg: &Json, now_ms: i64) -> Answer {
        if arg.is_null() {
            // `typeof null` is an object, and `'id' in null` throws.
            return Answer::Dies;
        }
        let id = arg.get("id").unwrap_or(arg).clone();
        let is_delete = method == "deleteProcessId";
        self.on_id(&id, " : id unknown", |world, pm_id, ticket| {
            let then =
                if is_delete { AfterStop::Forget(Some(ticket)) } else { AfterStop::Reply(ticket) };
            world.stop(Slot::live(pm_id), then, now_ms);
        })
    }

    fn restart_call(&mut self, opts: &Json, now_ms: i64) -> Answer {
        if opts.is_null() {
            return Answer::Dies;
        }
        let Some(id) = opts.get("id") else {
            return error("opts.id not passed to restartProcessId");
        };
        let Some(pm_id) = self.find(id) else {
            return error("God db process id unknown");
        };
        if self.is_being_killed {
            return error("[RestartProcessId] PM2 is being killed, stopping restart procedure...");
        }
        let ticket = self.ticket();
        self.restart(pm_id, Some(ticket), now_ms);
        Answer::Later(ticket)
    }

    fn reload_call(
        &mut self,
        arg: &Json,
        takes_bare_id: bool,
        is_soft: bool,
        now_ms: i64,
    ) -> Answer {
        if arg.is_null() {
            return Answer::Dies;
        }
        let id = if takes_bare_id { Some(arg) } else { arg.get("id") };
        let Some(pm_id) = id.and_then(|id| self.find(id)) else {
            let id = id.map_or_else(|| "undefined".to_owned(), js_text);
            return error(&if is_soft {
                format!("pm_id {id} not available in {id}")
            } else {
                "PM2 ID unknown".to_owned()
            });
        };
        if self.olds.contains_key(&pm_id) {
            return error(&format!(
                "Reload already in progress for process id {pm_id}, retry later"
            ));
        }
        let ticket = self.ticket();
        self.reload(pm_id, is_soft, Some(ticket), now_ms);
        Answer::Later(ticket)
    }

    fn duplicate(&mut self, pm_id: u32, ticket: Ticket, now_ms: i64) {
        let Some(mut copy) = self.procs.get(&pm_id).cloned() else {
            return;
        };
        let new_id = self.next_pm_id;
        copy.pm_id = new_id;
        copy.created_at = None;
        copy.instance += 1;
        copy.restart_time = 0;
        copy.unique_id = format!("d0{new_id:06x}-77aa-4b5c-8d9e-{:012x}", self.number()).into();
        self.add(copy);
        let reply = Launched { ticket, is_duplicate: true };
        self.launch(new_id, Some(reply), now_ms);
    }

    fn reset_call(&mut self, arg: &Json, now_ms: i64) -> Answer {
        let found = self.find(arg);
        let Some(proc) = found.and_then(|pm_id| self.procs.get_mut(&pm_id)) else {
            return error(&format!("{} id unknown", js_text(arg)));
        };
        proc.created_at = Some(now_ms);
        proc.unstable_restarts = 0;
        proc.restart_time = 0;
        self.all_formatted()
    }

    fn all_formatted(&self) -> Answer {
        let all = self.procs.values();
        now(all.map(|proc| wire::formatted(proc, &self.home)).collect())
    }

    fn watch_call(&mut self, method: &str, args: &[Json]) -> Answer {
        if method == "stopWatch" && !args.first().is_some_and(Json::is_string) {
            return Answer::Dies;
        }
        let found = args.get(1).and_then(|id| self.find(id));
        if let Some(proc) = found.and_then(|pm_id| self.procs.get_mut(&pm_id)) {
            proc.watch = match method {
                "stopWatch" => false,
                "startWatch" => true,
                _ => !proc.watch,
            };
        }
        now(json!({ "success": true }))
    }

    fn notify_call(&mut self, opts: &Json, now_ms: i64) -> Answer {
        if opts.is_null() {
            return Answer::Dies;
        }
        let Some(id) = opts.get("id") else {
            return error("process id missing");
        };
        let Some(pm_id) = self.find(id) else {
            return error("process id doesnt exists");
        };
        let event = opts.get("action_name").map(js_text).unwrap_or_default();
        let is_manual = opts.get("manually").is_some();
        self.notify(&event, Slot::live(pm_id), is_manual, now_ms);
        Answer::Now(json!({ "args": [] }))
    }

    fn message_call(&self, method: &str, arg: &Json) -> Answer {
        match (method, arg) {
            (_, Json::Null) => Answer::Dies,
            ("msgProcess", arg) if !arg.is_object() && !arg.is_array() => Answer::Dies,
            ("msgProcess", arg) => match (arg.get("id"), arg.get("name")) {
                (Some(id), _) => match self.find(id).and_then(|pm_id| self.procs.get(&pm_id)) {
                    Some(proc) => {
                        let msg = arg.get("msg").map_or_else(|| "undefined".to_owned(), js_text);
                        error(&format!("Action doesn't exist {msg} for {}", proc.name))
                    }
                    None => error(&format!("{} id unknown", js_text(id))),
                },
                (None, Some(_)) => now(json!({ "process_count": 0, "success": true })),
                (None, None) => error("method requires name or id field"),
            },
            ("sendLineToStdin", arg) => match (arg.get("pm_id"), arg.get("line")) {
                (Some(id), Some(line)) if self.find(id).is_some() => {
                    now(json!({ "pm_id": id, "line": line }))
                }
                _ => error("pm_id or line field missing"),
            },
            (_, packet) => match (packet.get("id"), packet.get("data"), packet.get("topic")) {
                (Some(id), Some(_), Some(_)) => match self.find(id) {
                    Some(pm_id) if self.procs.get(&pm_id).is_some_and(|proc| proc.is_alive) => {
                        now(json!({ "success": true, "data": packet }))
                    }
                    Some(pm_id) => error(&format!("Process with ID <{pm_id}> offline.")),
                    None => error(&format!("Process with ID <{}> unknown.", js_text(id))),
                },
                _ => error("ID, DATA or TOPIC field is missing"),
            },
        }
    }

    fn signal_call(&mut self, method: &str, opts: &Json, now_ms: i64) -> Answer {
        if opts.is_null() {
            return Answer::Dies;
        }
        if method == "sendSignalToProcessName" {
            return if opts.get("process_name").is_some_and(Json::is_string) {
                self.all_formatted()
            } else {
                Answer::Dies
            };
        }
        let id = opts.get("process_id");
        let Some(pm_id) = id.and_then(|id| self.find(id)) else {
            let id = id.map_or_else(|| "undefined".to_owned(), js_text);
            return error(&format!("{id} id unknown"));
        };
        let signal = opts.get("signal").and_then(Json::as_str);
        let is_deadly = matches!(signal, Some("SIGKILL" | "SIGTERM" | "SIGINT"));
        let alive = self.procs.get(&pm_id).filter(|proc| proc.is_alive);
        if let (true, Some(pid)) = (is_deadly, alive.map(|proc| proc.pid)) {
            let signal = if signal == Some("SIGKILL") { "SIGKILL" } else { "SIGINT" };
            let slot = Slot::live(pm_id);
            self.plan(now_ms, Task::Exited { slot, pid, signal });
        }
        self.all_formatted()
    }
}

/// What `prepare` does not survive the lack of (docs/pm2.md section 3).
fn is_preparable(env: &Json) -> bool {
    env.get("env").is_some_and(Json::is_object)
        && env.get("pm_pid_path").is_some_and(Json::is_string)
        && !env.get("instances").is_some_and(Json::is_string)
}

fn now(value: Json) -> Answer {
    Answer::Now(wire::success(value))
}

fn error(message: &str) -> Answer {
    Answer::Now(wire::error(message))
}

/// What JavaScript makes of a value in a text.
fn js_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Object(_) => "[object Object]".to_owned(),
        Json::Array(values) => {
            let values: Vec<String> = values.iter().map(js_text).collect();
            values.join(",")
        }
        other => other.to_string(),
    }
}
