//! JSON of the daemon without the environment of its processes, for those who show it.
//!
//! Invariant: no value of an environment is left. God keeps it twice in a process: as `env`, and
//! flattened over all else of `pm2_env` (docs/pm2.md section 2), so that of a process only known fields
//! are kept.

use serde_json::{Map, Value as Json};

/// What is kept of a process. An environment variable of such a name shows, as it does in PM2's own
/// list.
const KEPT: [&str; 7] =
    ["pm_id", "name", "namespace", "status", "pid", "restart_time", "exit_code"];

/// The same, with each process in short and the names in place of each environment.
#[must_use]
pub fn without_environment(value: Json) -> Json {
    match value {
        Json::Array(items) => items.into_iter().map(without_environment).collect(),
        Json::Object(fields) if is_process(&fields) => Json::Object(short(&fields)),
        Json::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| match (key.as_str(), value) {
                ("env", Json::Object(variables)) => {
                    let names: Vec<Json> =
                        variables.into_iter().map(|(name, _)| name.into()).collect();
                    (key, Json::from(names))
                }
                (_, value) => (key, without_environment(value)),
            });
            Json::Object(fields.collect())
        }
        other => other,
    }
}

/// What is kept of a process for those who look into an incident. Arguments are not: they may hold
/// secrets.
const SETTINGS: [&str; 38] = [
    "pm_id",
    "name",
    "namespace",
    "status",
    "pid",
    "restart_time",
    "unstable_restarts",
    "exit_code",
    "exec_mode",
    "exec_interpreter",
    "pm_exec_path",
    "pm_cwd",
    "node_version",
    "version",
    "created_at",
    "pm_uptime",
    "instances",
    "NODE_APP_INSTANCE",
    "autorestart",
    "max_restarts",
    "min_uptime",
    "stop_exit_codes",
    "restart_delay",
    "exp_backoff_restart_delay",
    "prev_restart_delay",
    "kill_timeout",
    "listen_timeout",
    "wait_ready",
    "max_memory_restart",
    "cron_restart",
    "watch",
    "treekill",
    "merge_logs",
    "log_date_format",
    "pm_out_log_path",
    "pm_err_log_path",
    "pm_log_path",
    "pmx_module",
];

/// A process of a listing with the fields that say how it stands and is set up, its `monit`, and the
/// names of its environment: no value of that.
#[must_use]
pub fn settings(process: &Json) -> Json {
    let Some(fields) = process.as_object() else { return Json::Null };
    let mut kept = picked(fields, &SETTINGS);
    if let Some(monit) = fields.get("monit") {
        kept.insert("monit".to_owned(), monit.clone());
    }
    let env = fields.get("pm2_env").and_then(|env| env.get("env")).and_then(Json::as_object);
    let names: Vec<Json> = env.into_iter().flat_map(Map::keys).cloned().map(Json::from).collect();
    kept.insert("env".to_owned(), names.into());
    Json::Object(kept)
}

/// A process, a dump of its `ChildProcess`, or its `pm2_env` alone.
fn is_process(fields: &Map<String, Json>) -> bool {
    fields.contains_key("pm2_env") || fields.contains_key("pm_exec_path")
}

fn short(fields: &Map<String, Json>) -> Map<String, Json> {
    picked(fields, &KEPT)
}

fn picked(fields: &Map<String, Json>, names: &[&str]) -> Map<String, Json> {
    let env = fields.get("pm2_env").and_then(Json::as_object);
    // The pid of a dump is that of its `process`.
    let process = fields.get("process").and_then(Json::as_object);
    let kept = names.iter().filter_map(|&key| {
        let places = [Some(fields), process, env].into_iter().flatten();
        let value = places.filter_map(|place| place.get(key)).find(|value| !value.is_object())?;
        Some((key.to_owned(), value.clone()))
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_value_of_an_environment_is_left() {
        let env = json!({ "SECRET": "hunter2", "status": "online", "pm_id": 3, "name": "api",
            "env": { "SECRET": "hunter2" }, "pm_exec_path": "/a.js", "restart_time": 1 });
        let listed = json!({ "pid": 7, "pm_id": 3, "name": "api", "pm2_env": env });
        let dump = json!({ "process": { "pid": 7 }, "spawnargs": ["node"], "pm2_env": env });
        let short = json!({ "pm_id": 3, "name": "api", "status": "online", "pid": 7,
            "restart_time": 1 });
        let report = json!({ "env": { "SECRET": "hunter2" }, "pm2_version": "7.0.4" });
        for (raw, expected) in [
            (listed.clone(), short.clone()),
            (dump, short.clone()),
            (
                json!({ "processes": [listed], "system": {} }),
                json!({ "processes": [short], "system": {} }),
            ),
            (report, json!({ "env": ["SECRET"], "pm2_version": "7.0.4" })),
            (json!({ "msg": "pong" }), json!({ "msg": "pong" })),
        ] {
            assert_eq!(without_environment(raw), expected);
        }
        assert!(!without_environment(json!([env])).to_string().contains("hunter2"));
        let listed = json!({ "pid": 7, "pm_id": 3, "name": "api", "monit": { "cpu": 1 },
            "pm2_env": { "pm_cwd": "/srv", "SECRET": "hunter2", "env": { "SECRET": "hunter2" } } });
        let kept = json!({ "pid": 7, "pm_id": 3, "name": "api", "monit": { "cpu": 1 },
            "pm_cwd": "/srv", "env": ["SECRET"] });
        assert_eq!(settings(&listed), kept);
        assert_eq!(settings(&json!(1)), Json::Null);
    }
}
