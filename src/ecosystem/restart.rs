//! From a checked app to the `env` of `restartProcessId`, for a process that has its name already.
//!
//! Source: `_startJson` and `_operate` in `lib/API.js`, `mergeEnvironmentVariables` in
//! `lib/Common.js` of PM2 7.0.4. Invariant: the configuration is sent as it was written, as the CLI
//! does it: a script, folder, log file, mode or number of instances that changed has no effect.
//!
//! Different from the CLI on purpose: `filter_env` holds here, too, and `PM2_HOME` is the daemon's.

use serde_json::{Value as Json, json};

use super::accounts::Accounts;
use super::prepare::{Settled, Wrong, settle};
use super::{AppConfig, Context, EcosystemError, environment};

/// The `env` with which the pm2 CLI restarts the processes of an app's name: the environment, and
/// the configuration in its `current_conf`. Daemons before 2.3 take the environment only.
///
/// # Errors
/// [`EcosystemError::App`]: an unknown user, a broken `module_conf.json`.
pub fn restart_env(app: &AppConfig, context: &Context) -> Result<Json, EcosystemError> {
    env(app, context, &Accounts::read()).map_err(|(key, reason)| app.wrong(key, reason))
}

pub(super) fn env(app: &AppConfig, context: &Context, accounts: &Accounts) -> Result<Json, Wrong> {
    let Settled { mut keys, own, name } = settle(app, context, accounts)?;
    let rebuilt = environment::rebuild(app, &name, own, context);
    let (mut env, own) = rebuilt.map_err(|reason| ("env", reason))?;
    keys.remove("exec_mode");
    // The name that a variable gives stays its name.
    keys.insert("name".to_owned(), json!(app.listed_name(context.env_name.as_deref())));
    keys.insert("env".to_owned(), json!(own));
    env.insert("current_conf".to_owned(), Json::Object(keys));
    env.insert("updateEnv".to_owned(), json!(true));
    Ok(Json::Object(env))
}
