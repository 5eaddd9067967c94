//! The environment that an app gets, when it is new and when it is restarted.
//!
//! Source: `prepareAppConf` and `mergeEnvironmentVariables` in `lib/Common.js`, `_startJson` in
//! `lib/API.js` and `getModuleConf` of PM2 7.0.4. From the weakest to the strongest: the caller's
//! variables (as `filter_env` leaves them), the app's `env`, PM2's own, what `pm2 set APP:KEY` left
//! in `module_conf.json`, the `deploy` part's, the app's `env_NAME`. Invariant: no value of the
//! caller's is changed or shown, only passed on.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::{AppConfig, Context};
use crate::protocol::settings::is_free_variable;

/// What an app that runs under PM2 has in its environment and must not hand down (`safeExtend`).
const PM2S_OWN: &[&str] = &[
    "name",
    "exec_mode",
    "env",
    "args",
    "pm_cwd",
    "exec_interpreter",
    "pm_exec_path",
    "node_args",
    "pm_out_log_path",
    "pm_err_log_path",
    "pm_pid_path",
    "pm_id",
    "status",
    "pm_uptime",
    "created_at",
    "windowsHide",
    "username",
    "merge_logs",
    "kill_retry_time",
    "prev_restart_delay",
    "instance_var",
    "unstable_restarts",
    "restart_time",
    "axm_actions",
    "pmx_module",
    "command",
    "watch",
    "filter_env",
    "versioning",
    "vizion_runing",
    "MODULE_DEBUG",
    "pmx",
    "axm_options",
    "vizion",
    "axm_dynamic",
    "axm_monitor",
    "instances",
    "automation",
    "autostart",
    "autorestart",
    "stop_exit_codes",
    "unstable_restart",
    "treekill",
    "exit_code",
];

type Variables = Map<String, Json>;

/// All of it. `name` is the name that the daemon will list, `own` the app's `env` and what its
/// other keys add to it.
///
/// # Errors
/// The `module_conf.json` of the home is no JSON.
pub(super) fn build(
    app: &AppConfig,
    name: &str,
    own: Variables,
    context: &Context,
) -> Result<Variables, String> {
    let mut env = callers(app, app.text("cwd").filter(|cwd| !cwd.is_empty()), context);
    env.extend(own);
    env.insert("PM2_HOME".to_owned(), json!(context.pm2_home.to_string_lossy()));
    env.extend(configured(&context.pm2_home, name)?);
    finish(&mut env, app, context);
    Ok(env)
}

/// What a restart with a new configuration brings: all of it, and the app's own part, which
/// replaces its `env` in the daemon.
///
/// # Errors
/// As [`build`].
pub(super) fn rebuild(
    app: &AppConfig,
    name: &str,
    mut own: Variables,
    context: &Context,
) -> Result<(Variables, Variables), String> {
    finish(&mut own, app, context);
    let mut env = callers(app, None, context);
    env.insert("PM2_HOME".to_owned(), json!(context.pm2_home.to_string_lossy()));
    env.extend(own.clone());
    env.extend(configured(&context.pm2_home, name)?);
    Ok((env, own))
}

/// Turns values that no variable can have into text, and lays over what `--env` names.
fn finish(env: &mut Variables, app: &AppConfig, context: &Context) {
    for value in env.values_mut() {
        if value.is_null() || value.is_object() || value.is_array() {
            *value = Json::String(value.to_string());
        }
    }
    if let Some(wanted) = &context.env_name {
        let deploy = app.deploy.get(wanted).and_then(|target| target.get("env"));
        let more = [deploy, app.keys.get(&format!("env_{wanted}"))];
        for variables in more.into_iter().flatten().filter_map(Json::as_object) {
            env.extend(variables.clone());
        }
    }
}

/// The caller's variables, and those that the CLI sets for itself, as far as they are passed on.
fn callers(app: &AppConfig, cwd: Option<&str>, context: &Context) -> Variables {
    // Those that God would take for settings of its own are no part of it.
    let mut env: Variables =
        context.environment.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    // As the file left it.
    for (name, value) in &app.changes {
        match value {
            Some(value) => env.insert(name.clone(), json!(value)),
            None => env.remove(name),
        };
    }
    env.retain(|name, _| is_free_variable(name));
    // The CLI passes its own environment on, with what it wrote there itself.
    env.insert("PM2_USAGE".to_owned(), json!("CLI"));
    env.insert("PM2_JSON_PROCESSING".to_owned(), json!("true"));
    if let Some(cwd) = cwd {
        env.insert("PWD".to_owned(), json!(cwd));
    }
    let is_set = |name: &str| context.environment.get(name);
    let is_nested =
        is_set("pm_id").is_some() || is_set("PM2_PROGRAMMATIC").is_some_and(|it| !it.is_empty());
    match app.keys.get("filter_env") {
        Some(Json::String(name)) if !name.is_empty() => {
            env.remove(name);
        }
        Some(Json::Array(parts)) if !parts.is_empty() => {
            let parts: Vec<&str> = parts.iter().filter_map(Json::as_str).collect();
            env.retain(|name, _| !parts.iter().any(|part| name.contains(part)));
        }
        // Also for `true`, which the CLI does not act on.
        _ if is_nested => env.retain(|name, _| !PM2S_OWN.contains(&name.as_str())),
        _ => {}
    }
    env
}

/// What `pm2 set NAME:KEY VALUE` left for this app.
fn configured(home: &Path, name: &str) -> Result<Variables, String> {
    if !is_free_variable(name) {
        // God would take it for a setting.
        return Ok(Map::new());
    }
    let file = home.join("module_conf.json");
    let Ok(content) = std::fs::read_to_string(&file) else {
        return Ok(Map::from_iter([(name.to_owned(), json!({}))]));
    };
    let all: Json = serde_json::from_str(&content)
        .map_err(|error| format!("{} is not JSON: {error}", file.display()))?;
    match all.get(name) {
        Some(Json::Object(values)) => {
            let mut env = values.clone();
            env.insert(name.to_owned(), json!(json!(values).to_string()));
            Ok(env)
        }
        _ => Ok(Map::from_iter([(name.to_owned(), json!({}))])),
    }
}
