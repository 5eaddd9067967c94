//! JSON of the daemon without the environment of its processes, for those who show it.
//!
//! Invariant: no value of an environment is left. God keeps it twice in a process: as `env`, and
//! flattened over all else of `pm2_env` (docs/pm2.md section 2), so that of a process only known fields
//! are kept, or all but those are masked.

use serde_json::{Map, Value as Json};

use super::settings;

/// What stands in place of a value that is not shown.
pub const MASK: &str = "***";

/// Fields of a `pm2_env` that are PM2's own, beside the settings; so are `axm_` fields.
const GODS: [&str; 12] = [
    "NODE_APP_INSTANCE",
    "_tree_pids",
    "kill_retry_time",
    "km_link",
    "pm_pid_path",
    "unique_id",
    "unstable_restarts",
    "vizion_running",
    "watch",
    "windowsHide",
    "pm2_env",
    "isModule",
];
/// Own fields that PM2 writes into `env` too.
const IN_BOTH: [&str; 2] = ["unique_id", "NODE_APP_INSTANCE"];

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

/// An element of `getMonitorData` with every value of its environment masked, and what looks like a
/// secret elsewhere.
#[must_use]
pub fn masked(process: &Json) -> Json {
    let Json::Object(fields) = process else { return process.clone() };
    let fields = fields.iter().map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("pm2_env", Json::Object(env)) => Json::Object(masked_env(env)),
            _ => value.clone(),
        };
        (key.clone(), value)
    });
    Json::Object(fields.collect())
}

fn masked_env(env: &Map<String, Json>) -> Map<String, Json> {
    let nothing = Map::new();
    let variables = env.get("env").and_then(Json::as_object).unwrap_or(&nothing);
    let masked = env.iter().map(|(key, value)| {
        let is_own = settings::is_known(key) || key.starts_with("axm_") || GODS.contains(&&**key);
        let is_variable = variables.get(key) == Some(value) && !IN_BOTH.contains(&&**key);
        let value = match value {
            Json::Object(all) if key == "env" || key.starts_with("env_") => {
                Json::Object(all.keys().map(|name| (name.clone(), MASK.into())).collect())
            }
            value if is_own && !is_variable => without_secrets(value.clone()),
            _ => MASK.into(),
        };
        (key.clone(), value)
    });
    masked.collect()
}

/// The same with what looks like a secret masked, by the names of its fields, and without the
/// logins of its addresses.
#[must_use]
pub fn without_secrets(value: Json) -> Json {
    match value {
        Json::Array(items) => items.into_iter().map(without_secrets).collect(),
        Json::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| {
                let is_hidden = is_secret_name(&key) && (value.is_string() || value.is_number());
                (key, if is_hidden { MASK.into() } else { without_secrets(value) })
            });
            Json::Object(fields.collect())
        }
        Json::String(text) => Json::String(without_login(&text)),
        other => other,
    }
}

/// Whether a field of this name may hold a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "apikey", "api_key", "credential", "private"]
        .iter()
        .any(|word| name.contains(word))
}

/// An address without user and password: `https://***@host/path`. Other text is as it was.
#[must_use]
pub fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#', ' ']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    match host.rsplit_once('@') {
        Some((login, host)) if login.contains(':') => format!("{scheme}://{MASK}@{host}{path}"),
        // A token alone; `git@host` is the name of an account.
        Some((login, host)) if login.len() > 20 => format!("{scheme}://{MASK}@{host}{path}"),
        _ => text.to_owned(),
    }
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

    #[test]
    fn values_of_the_environment_are_masked_wherever_they_stand() {
        let process = json!({ "pid": 7, "pm_id": 3, "name": "api", "monit": { "cpu": 0 },
            "pm2_env": { "name": "api", "status": "online", "pm_exec_path": "/a.js",
                "env": { "SECRET": "hunter2", "version": "hunter2", "unique_id": "u" },
                "SECRET": "hunter2", "OLD": "hunter2", "version": "hunter2", "unique_id": "u",
                "env_production": { "SECRET": "hunter2" },
                "axm_options": { "module_conf": { "password": "hunter2", "port": 80 } },
                "versioning": { "url": "https://me:hunter2@git.example/a.git" } } });
        let masked = masked(&process);
        assert!(!masked.to_string().contains("hunter2"), "{masked}");
        let env = &masked["pm2_env"];
        assert_eq!(env["env"], json!({ "SECRET": MASK, "version": MASK, "unique_id": MASK }));
        assert_eq!(env["pm_exec_path"], "/a.js");
        assert_eq!(env["unique_id"], "u");
        assert_eq!(env["axm_options"]["module_conf"]["port"], 80);
        assert_eq!(env["versioning"]["url"], "https://***@git.example/a.git");
        assert_eq!((&masked["pid"], &masked["monit"]["cpu"]), (&json!(7), &json!(0)));
    }

    #[test]
    fn only_a_login_goes_from_an_address() {
        for (text, shown) in [
            ("https://me:pass@host/a?b=c@d", "https://***@host/a?b=c@d"),
            ("https://ghp_0123456789abcdefghij@host/a", "https://***@host/a"),
            ("ssh://git@host/a", "ssh://git@host/a"),
            ("git@host:me/a.git", "git@host:me/a.git"),
            ("https://host/a@b", "https://host/a@b"),
            ("plain", "plain"),
        ] {
            assert_eq!(without_login(text), shown);
        }
    }
}
