//! The settings of a process: which there are, and what God takes for granted of each.
//!
//! Invariant: what passes here has, for every setting that some release reads without a guard, the
//! type that it reads (probed on 0.12 to 7.0: a wrong one ends the God daemon, at once or at the
//! next restart or file change). God lays the variables of `env` over the settings (`Utility.extend`
//! in `lib/God.js`), so a variable of a setting's name is held to the same, and more: one that names
//! a file, a process or a mode is none that an app means.

use serde_json::{Map, Value as Json};

use super::cron::{self, Reader};

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Text; also as a variable.
    Text,
    /// Text, but not as a variable.
    OwnText,
    /// Text that is not empty and no "null"; as a variable too.
    Name,
    /// An absolute path.
    Path,
    /// A number, or text that may be one; any plain value as a variable.
    Number,
    /// True or false; any plain value as a variable.
    Switch,
    /// A whole number that is no flood of processes.
    Instances,
    /// `fork_mode`, `cluster_mode`, or the words without `_mode`.
    Mode,
    /// The name of a variable that no setting has.
    Variable,
    /// A list of texts, or text.
    Texts,
    /// A list of texts and numbers, or text.
    Arguments,
    /// A list of numbers, or a number.
    Codes,
    /// True, false, text or a list of texts.
    Watch,
    /// What the file watcher takes.
    WatchOptions,
    /// True, false or text.
    SwitchOrText,
    /// A user or group: a number or text.
    Account,
    /// A cron pattern, or 0.
    Cron,
    /// An object of plain values.
    Object,
    /// The environment.
    Environment,
    /// God's own, never from outside.
    Gods,
}

use Kind::{
    Account, Arguments, Codes, Cron, Environment, Gods, Instances, Mode, Name, Number, Object,
    OwnText, Path, Switch, SwitchOrText, Text, Texts, Variable, Watch, WatchOptions,
};

/// The settings that `prepare`, the pm2 CLI's configurations and God itself know.
const SETTINGS: &[(Kind, &[&str])] = &[
    (Name, &["name", "namespace"]),
    (Text, &["version", "username", "name_prefix", "log_type"]),
    (OwnText, &["script", "exec_interpreter", "log_date_format", "install_url", "cwd"]),
    (OwnText, &["out_file", "error_file", "pid_file"]),
    (Path, &["pm_exec_path", "pm_cwd", "pm_out_log_path", "pm_err_log_path", "pm_pid_path"]),
    (Path, &["pm_log_path"]),
    (SwitchOrText, &["log_file", "pmx"]),
    (Number, &["kill_timeout", "listen_timeout", "restart_delay", "exp_backoff_restart_delay"]),
    (Number, &["watch_delay", "min_uptime", "max_restarts", "kill_retry_time", "port"]),
    (Number, &["max_memory_restart"]),
    (Switch, &["merge_logs", "vizion", "autostart", "autorestart", "treekill", "automation"]),
    (Switch, &["windowsHide", "km_link", "wait_ready", "disable_logs", "source_map_support"]),
    (Switch, &["disable_source_map_support", "shutdown_with_message", "force", "trace", "v8"]),
    (Switch, &["deep_monitoring", "event_loop_inspector", "write", "time", "disable_trace"]),
    (Switch, &["append_env_to_name", "execute_command", "updateEnv"]),
    (Instances, &["instances"]),
    (Mode, &["exec_mode"]),
    (Variable, &["instance_var", "increment_var"]),
    (Texts, &["node_args", "ignore_watch", "post_update"]),
    (Arguments, &["args"]),
    (Codes, &["stop_exit_codes"]),
    (Watch, &["watch", "filter_env"]),
    (WatchOptions, &["watch_options"]),
    (Account, &["uid", "gid"]),
    (Cron, &["cron_restart"]),
    (Object, &["io"]),
    (Environment, &["env"]),
    (Gods, &["pm_id", "status", "pm_uptime", "created_at", "restart_time", "unstable_restarts"]),
    (Gods, &["exit_code", "prev_restart_delay", "unique_id", "versioning", "vizion_running"]),
    (Gods, &["axm_actions", "axm_monitor", "axm_options", "axm_dynamic", "started_inside"]),
    (Gods, &["node_version", "_pm2_version", "pmx_module", "command", "current_conf"]),
    (Gods, &["pm2_env", "cron_restart_fn", "stopped_at", "started_at", "_km_monitored"]),
];

/// What chokidar, God's file watcher, is given as it stands (`lib/Watcher.js`).
const WATCH_OPTIONS: &[(Kind, &[&str])] = &[
    (Switch, &["persistent", "ignoreInitial", "followSymlinks", "disableGlobbing", "usePolling"]),
    (Switch, &["alwaysStat", "ignorePermissionErrors", "atomic", "useFsEvents"]),
    (Number, &["interval", "binaryInterval", "depth"]),
    (Texts, &["ignored"]),
    (OwnText, &["cwd"]),
    (Object, &["awaitWriteFinish"]),
];

/// The most processes that one app may ask for.
const INSTANCES_MAX: i64 = 1_024;

fn kind_of(table: &[(Kind, &[&str])], key: &str) -> Option<Kind> {
    table.iter().find(|(_, keys)| keys.contains(&key)).map(|(kind, _)| *kind)
}

/// What is wrong with the settings of `prepare`, or with those that a restart brings
/// (`current_conf`), if anything is: the key and what it takes. `reader` reads its cron pattern.
#[must_use]
pub fn trouble(settings: &Map<String, Json>, reader: Reader) -> Option<(String, String)> {
    trouble_of_known(settings, reader).or_else(|| {
        let is_known = |key: &str| kind_of(SETTINGS, key).is_some() || key.starts_with("env_");
        let unknown = settings.keys().find(|key| !is_known(key))?;
        Some((unknown.clone(), "is not a setting of PM2".to_owned()))
    })
}

/// The same, where keys that are not known mean something to somebody else.
#[must_use]
pub fn trouble_of_known(settings: &Map<String, Json>, reader: Reader) -> Option<(String, String)> {
    settings.iter().find_map(|(key, value)| {
        let reason = match kind_of(SETTINGS, key) {
            Some(Environment) => match value.as_object() {
                Some(variables) => {
                    let (name, reason) = trouble_in_variables(variables, reader)?;
                    return Some((format!("{key}.{name}"), reason));
                }
                None => Some("must be an object".to_owned()),
            },
            Some(kind) => wrong(kind, value, reader),
            None if key.starts_with("env_") && !value.is_object() => {
                Some("must be an object".to_owned())
            }
            None => None,
        }?;
        Some((key.clone(), reason))
    })
}

/// What is wrong with a process that was saved or kept, if anything is. It has what God itself adds,
/// and its variables laid over the settings, as God took them once; but somebody may have changed it.
#[must_use]
pub fn trouble_of_saved(saved: &Map<String, Json>, reader: Reader) -> Option<(String, String)> {
    let missing = ["pm_exec_path", "pm_pid_path", "pm_out_log_path", "pm_err_log_path", "env"]
        .into_iter()
        .find(|key| !saved.contains_key(*key));
    if let Some(key) = missing {
        return Some((key.to_owned(), "is missing".to_owned()));
    }
    let variables = saved.get("env").and_then(Json::as_object);
    saved.iter().find_map(|(key, value)| {
        let is_variable = variables.and_then(|all| all.get(key)) == Some(value);
        let reason = match kind_of(SETTINGS, key)? {
            Gods => wrong_of_gods(key, value),
            Environment => (!value.is_object()).then(|| "must be an object".to_owned()),
            Number | Switch | SwitchOrText | Object if is_variable => None,
            // PM2 knows names that are numbers.
            Name if value.is_number() => None,
            // God's own word for "not set".
            _ if value.is_null() && !key.starts_with("pm_") => None,
            kind => wrong(kind, value, reader),
        }?;
        Some((key.clone(), reason))
    })
}

/// What is wrong with a field that God sets, where God reads it again.
fn wrong_of_gods(key: &str, value: &Json) -> Option<String> {
    let (is_fine, wanted) = match key {
        "pm_id" | "current_conf" | "pm2_env" | "cron_restart_fn" => (false, "is set only by PM2"),
        "status" | "unique_id" => (value.is_string(), "must be text"),
        "axm_actions" => (value.is_array() || value.is_null(), "must be a list"),
        "axm_monitor" | "axm_options" | "axm_dynamic" => {
            (value.is_object() || value.is_null(), "must be an object")
        }
        "restart_time" | "unstable_restarts" | "pm_uptime" | "created_at" => {
            (value.is_number() || value.is_null(), "must be a number")
        }
        _ => (true, ""),
    };
    (!is_fine).then(|| wanted.to_owned())
}

/// What is wrong with the variables of an environment, if anything is: the name and why.
#[must_use]
pub fn trouble_in_variables(
    variables: &Map<String, Json>,
    reader: Reader,
) -> Option<(String, String)> {
    variables.iter().find_map(|(name, value)| {
        let kind = kind_of(SETTINGS, name)?;
        let plain = value.is_string() || value.is_number() || value.is_boolean();
        let is_fine = match kind {
            Text | Name | Cron => wrong(kind, value, reader).is_none(),
            Number | Switch | SwitchOrText | Object => plain,
            // An environment within the environment is text for PM2.
            Environment => value.is_string(),
            _ => false,
        };
        if is_fine {
            return None;
        }
        let reason = match wrong(kind, value, reader).filter(|_| matches!(kind, Text | Name | Cron))
        {
            Some(reason) => reason,
            None => "is a setting of PM2 itself, which takes a variable for it".to_owned(),
        };
        Some((name.clone(), reason))
    })
}

/// Whether PM2 knows a field of this name in a process.
#[must_use]
pub fn is_known(name: &str) -> bool {
    kind_of(SETTINGS, name).is_some()
}

/// Whether a variable of this name can go to an app whatever its value is, as text.
#[must_use]
pub fn is_free_variable(name: &str) -> bool {
    matches!(kind_of(SETTINGS, name), None | Some(Text | Number | Switch | SwitchOrText))
}

/// What a setting must be, where it is not.
fn wrong(kind: Kind, value: &Json, reader: Reader) -> Option<String> {
    let text = value.as_str();
    let is_texts = |items: &Vec<Json>| items.iter().all(Json::is_string);
    let is_scalar = |value: &Json| value.is_number() || value.is_string();
    let (is_fine, wanted) = match kind {
        Text | OwnText => (text.is_some(), "must be text"),
        Name => (
            text.is_some_and(|text| !text.is_empty() && text != "null"),
            "must be text that is not empty",
        ),
        Path => (text.is_some_and(|path| path.starts_with('/')), "must be an absolute path"),
        Number => (is_scalar(value), "must be a number"),
        // PM2's word for "not set" where a restart brings it.
        Switch => (value.is_boolean() || text == Some("null"), "must be true or false"),
        SwitchOrText => (value.is_boolean() || text.is_some(), "must be true, false or text"),
        Instances => (
            value.as_i64().is_some_and(|count| (-INSTANCES_MAX..=INSTANCES_MAX).contains(&count)),
            "must be a whole number from -1024 to 1024",
        ),
        Mode => (
            matches!(text, Some("fork" | "cluster" | "fork_mode" | "cluster_mode")),
            "must be fork_mode or cluster_mode",
        ),
        Variable => (
            text.is_some_and(|name| kind_of(SETTINGS, name).is_none()),
            "must be the name of a variable that is not a setting of PM2",
        ),
        Texts => {
            (text.is_some() || value.as_array().is_some_and(is_texts), "must be a list of texts")
        }
        Arguments => (
            text.is_some() || value.as_array().is_some_and(|items| items.iter().all(is_scalar)),
            "must be a list of texts",
        ),
        Codes => (
            value.is_number()
                || value.as_array().is_some_and(|items| items.iter().all(Json::is_number)),
            "must be a list of numbers",
        ),
        Watch => (
            value.is_boolean() || text.is_some() || value.as_array().is_some_and(is_texts),
            "must be true, false, a path or a list of paths",
        ),
        Account => (is_scalar(value), "must be a number or a name"),
        Object | Environment => (value.is_object(), "must be an object"),
        WatchOptions => return wrong_watching(value),
        Cron if text == Some("null") => return None,
        Cron => return cron::check_value(value, reader).err().map(|error| error.to_string()),
        Gods => (false, "is set only by PM2"),
    };
    (!is_fine).then(|| wanted.to_owned())
}

fn wrong_watching(value: &Json) -> Option<String> {
    let Some(options) = value.as_object() else {
        return Some("must be an object".to_owned());
    };
    options.iter().find_map(|(key, value)| {
        let reason = match kind_of(WATCH_OPTIONS, key) {
            Some(Number) if !value.is_number() => Some("must be a number".to_owned()),
            Some(kind) => wrong(kind, value, Reader::Every),
            None => Some("is not an option of the file watcher".to_owned()),
        }?;
        Some(format!("{key} {reason}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(settings: &Json) -> Option<String> {
        trouble(settings.as_object().unwrap(), Reader::Every).map(|(key, _)| key)
    }

    /// Each of these took a God daemon down, or a process over, at the release named.
    #[test]
    fn what_was_seen_to_harm_is_refused() {
        for (settings, key) in [
            (json!({ "env": { "watch": 1 } }), "env.watch"), // 3.5.2 to 7.0.4
            (json!({ "env": { "pm_out_log_path": 5 } }), "env.pm_out_log_path"), // 7.0.4
            (json!({ "env": { "pm_pid_path": 5 } }), "env.pm_pid_path"), // 1.1.3 to 7.0.4
            (json!({ "env": { "cwd": 5 } }), "env.cwd"),     // 5.4.3
            (json!({ "env": { "pm_id": 0 } }), "env.pm_id"), // any
            (json!({ "env": { "cron_restart": "bad" } }), "env.cron_restart"), // 5.4.3, 7.0.4
            (json!({ "env": "text" }), "env"),
            (json!({ "env": null }), "env"), // 7.0.4
            (json!({ "instance_var": "pm_pid_path" }), "instance_var"), // 7.0.4
            (json!({ "increment_var": "pm_pid_path" }), "increment_var"), // 7.0.4
            (json!({ "instances": 5_000_000_000_u64 }), "instances"), // 7.0.4
            (json!({ "instances": "max" }), "instances"), // any
            (json!({ "instances": 1.5 }), "instances"),
            (json!({ "watch": 5 }), "watch"), // 1.1.3 to 7.0.4
            (json!({ "watch_options": { "cwd": 5 } }), "watch_options"), // 7.0.4
            (json!({ "pm_id": 0 }), "pm_id"), // any
            (json!({ "pm_id": null }), "pm_id"), // 3.5.2 to 7.0.4
            (json!({ "status": "stopped" }), "status"), // 7.0.4
            (json!({ "node_args": [5] }), "node_args"), // 0.12.16, 1.1.3
            (json!({ "pm_exec_path": 5 }), "pm_exec_path"), // 7.0.4
            (json!({ "pm_out_log_path": 5 }), "pm_out_log_path"), // 7.0.4
            (json!({ "pm_pid_path": "null" }), "pm_pid_path"),
            (json!({ "exec_mode": "null" }), "exec_mode"),
            (json!({ "name": "null" }), "name"),
            (json!({ "nonsense": 1 }), "nonsense"),
        ] {
            assert_eq!(refused(&settings).as_deref(), Some(key), "{settings}");
        }
    }

    #[test]
    fn a_saved_process_is_taken_as_god_took_it_and_no_other_way() {
        let saved = json!({ "name": 7, "pm_exec_path": "/a.js", "pm_pid_path": "/p", "env": {
            "port": "80", "trace": "1", "SECRET": "x", "unique_id": "u" }, "port": "80", "trace": "1",
            "SECRET": "x", "unique_id": "u", "pm_out_log_path": "/o", "pm_err_log_path": "/e",
            "status": "errored", "created_at": null, "restart_time": 3, "axm_monitor": {},
            "exit_code": 1, "versioning": null, "uid": null, "cron_restart": "0 3 * * *",
            "watch": ["src"], "args": ["a", 5], "pmx": true, "NODE_APP_INSTANCE": 0 });
        let trouble = |key: &str, value: Option<Json>| {
            let mut saved = saved.as_object().unwrap().clone();
            match value {
                Some(value) => saved.insert(key.to_owned(), value),
                None => saved.remove(key),
            };
            trouble_of_saved(&saved, Reader::Every).map(|(key, _)| key)
        };
        assert_eq!(trouble("name", Some(json!("a"))), None);
        for (key, value) in [
            ("env", None),
            ("pm_pid_path", None),
            ("pm_exec_path", None),
            ("env", Some(json!(null))),
            ("env", Some(json!("x"))),
            ("pm_id", Some(json!(0))),
            ("cron_restart", Some(json!("bad"))),
            ("watch", Some(json!(5))),
            ("status", Some(json!(5))),
            ("pm_out_log_path", Some(json!(null))),
            ("node_args", Some(json!([5]))),
            ("axm_monitor", Some(json!("x"))),
        ] {
            assert_eq!(trouble(key, value).as_deref(), Some(key));
        }
    }

    #[test]
    fn what_apps_have_is_not() {
        for settings in [
            json!({ "name": "a", "env": { "name": "b", "version": "1", "port": 80, "A": null } }),
            json!({ "env": { "B": [1], "api": {}, "autorestart": "false", "env": "production" } }),
            json!({ "env_production": { "watch": 1 }, "cron_restart": 0, "uid": "www-data" }),
            json!({ "cron_restart": "0 4 * * *", "instances": -1, "args": ["a", 5], "watch": ["."] }),
            json!({ "watch_options": { "usePolling": true, "interval": 5, "ignored": ["x"] } }),
            json!({ "instance_var": "NODE_APP_INSTANCE", "merge_logs": true, "pmx": "x" }),
        ] {
            assert_eq!(refused(&settings), None, "{settings}");
        }
        assert!(is_free_variable("PATH") && is_free_variable("time"));
        assert!(
            !is_free_variable("pm_id") && !is_free_variable("watch") && !is_free_variable("cwd")
        );
    }
}
