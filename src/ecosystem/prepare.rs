//! From a checked app to the argument of `prepare`, as the pm2 CLI 7.0.4 builds it.
//!
//! Source: `_startJson` in `lib/API.js`, `verifyConfs` and `prepareAppConf` in `lib/Common.js`.
//! Invariant: [`prepare_payloads`] reads the file system (does the script exist?) and changes
//! nothing. A payload has what the daemon dies without: `env`, `pm_exec_path`, `pm_pid_path`, a
//! number of instances, a cron pattern that it can read.
//!
//! Different from the CLI on purpose: no `node@VERSION` and no packages are installed, TypeScript needs
//! bun or a named interpreter, `coffee` and `lsc` are taken from `PATH`, and one app's `cwd` does
//! not become the `PWD` of the apps after it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::accounts::Accounts;
use super::context::Context;
use super::error::shown;
use super::interpreter;
use super::{AppConfig, EcosystemError, environment, paths, schema};
use crate::protocol::cron::Reader;
use crate::protocol::settings;

impl AppConfig {
    /// The name that the daemon lists it under when it is started with `--env NAME`, or without. A
    /// variable `name` is laid over the app's own (God, `executeApp`).
    #[must_use]
    pub fn listed_name(&self, env_name: Option<&str>) -> String {
        let deployed =
            env_name.and_then(|name| self.deploy.get(name)).and_then(|deploy| deploy.get("env"));
        let own = env_name.and_then(|name| self.keys.get(&format!("env_{name}")));
        let variables = [own, deployed, self.keys.get("env")].into_iter().flatten();
        let named = variables.filter_map(|it| it.get("name")).find_map(Json::as_str);
        named.map_or_else(|| self.appended_name(env_name), str::to_owned)
    }

    /// Every name that it may have been started under, whatever the environment.
    #[must_use]
    pub fn listed_names(&self) -> BTreeSet<String> {
        let with = self.environments().map(|name| self.listed_name(Some(name)));
        with.chain([self.listed_name(None)]).collect()
    }

    fn appended_name(&self, env_name: Option<&str>) -> String {
        match (self.keys.get("append_env_to_name").and_then(Json::as_bool), env_name) {
            (Some(true), Some(env)) => format!("{}-{env}", self.name),
            _ => self.name.clone(),
        }
    }

    /// Whether `--env NAME` changes something for this app; the pm2 CLI warns where it does not.
    #[must_use]
    pub fn has_env(&self, name: &str) -> bool {
        self.keys.get(&format!("env_{name}")).is_some_and(Json::is_object)
    }

    /// The names that `--env` can have for this app: its `env_NAME`, and what `deploy` adds to.
    fn environments(&self) -> impl Iterator<Item = &str> {
        let own = self.keys.iter().filter(|(_, value)| value.is_object());
        let own = own.filter_map(|(key, _)| key.strip_prefix("env_"));
        let deployed = self.deploy.iter().filter(|(_, deploy)| deploy.get("env").is_some());
        // As text it is there, and sets nothing.
        let texts = self.texts.iter().filter_map(|key| key.strip_prefix("env_"));
        own.chain(deployed.map(|(name, _)| name.as_str())).chain(texts)
    }
}

/// Refuses an environment that no app of a file has, where the pm2 CLI goes on with another.
///
/// # Errors
/// [`EcosystemError::Environment`], with those that there are.
pub fn check_environment(apps: &[AppConfig], name: &str) -> Result<(), EcosystemError> {
    let known: BTreeSet<&str> = apps.iter().flat_map(AppConfig::environments).collect();
    if known.contains(name) || apps.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = known.iter().map(|name| format!("env_{name}")).collect();
    Err(EcosystemError::Environment {
        file: apps.first().map_or_else(String::new, |app| shown(&app.file)),
        name: shown(name),
        known: match list.as_slice() {
            [] => "there is none in it".to_owned(),
            list => format!("there are: {}", shown(&list.join(", "))),
        },
    })
}

/// The keys of a payload that name a file, and the folder of each is made before it is sent.
const FILES: [&str; 4] = ["pm_log_path", "pm_out_log_path", "pm_err_log_path", "pm_pid_path"];

/// The payloads of `prepare` for one app: one call each (the daemon itself makes the instances).
///
/// # Errors
/// [`EcosystemError::App`]: script or folder missing, no interpreter, an unknown user.
pub fn prepare_payloads(app: &AppConfig, context: &Context) -> Result<Vec<Json>, EcosystemError> {
    let payload =
        payload(app, context, &Accounts::read()).map_err(|(key, reason)| app.wrong(key, reason))?;
    let reader = Reader::of_release(context.pm2_version.as_deref());
    match payload.as_object().and_then(|settings| settings::trouble(settings, reader)) {
        Some((key, reason)) => Err(app.wrong(&key, reason)),
        None => Ok(vec![payload]),
    }
}

/// The payloads of all apps, in order, or the first error: to be called before any is sent.
///
/// # Errors
/// As [`prepare_payloads`].
pub fn prepare_all(apps: &[AppConfig], context: &Context) -> Result<Vec<Json>, EcosystemError> {
    let payloads = apps.iter().map(|app| prepare_payloads(app, context));
    Ok(payloads.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Makes the folders of the payloads' log and pid files, as the pm2 CLI does just before it sends
/// them: the daemon refuses an app whose log it cannot open.
///
/// # Errors
/// [`EcosystemError::Folder`] names the one that could not be made.
pub fn create_log_folders(payloads: &[Json]) -> Result<(), EcosystemError> {
    let files = payloads.iter().flat_map(|payload| FILES.iter().filter_map(|key| payload.get(key)));
    for folder in files.filter_map(Json::as_str).filter_map(|file| Path::new(file).parent()) {
        std::fs::create_dir_all(folder).map_err(|error| EcosystemError::Folder {
            folder: shown(&folder.to_string_lossy()),
            reason: shown(&error.to_string()),
        })?;
    }
    Ok(())
}

pub(super) type Wrong = (&'static str, String);

/// An app as the pm2 CLI has it once it has read the file.
pub(super) struct Settled {
    /// PM2's keys, but for `env`.
    pub(super) keys: Map<String, Json>,
    /// The app's `env`, and what other keys add to it.
    pub(super) own: Map<String, Json>,
    /// The name that the daemon will list.
    pub(super) name: String,
}

pub(super) fn settle(
    app: &AppConfig,
    context: &Context,
    accounts: &Accounts,
) -> Result<Settled, Wrong> {
    let mut keys = app.keys.clone();
    let mut own = match keys.remove("env") {
        Some(Json::Object(own)) => own,
        _ => Map::new(),
    };
    if let Some(user) = account(&mut keys, accounts)? {
        own.insert("HOME".to_owned(), json!(user));
    }
    if let Some(io) = keys.get("io") {
        own.insert("io".to_owned(), io.clone());
    }
    if !keys.get("namespace").is_some_and(schema::is_truthy) {
        keys.insert("namespace".to_owned(), json!("default"));
    }
    let name = app.appended_name(context.env_name.as_deref());
    keys.insert("name".to_owned(), json!(name));
    keys.insert("username".to_owned(), json!(username(context, accounts)));
    if let Some(shell) = shell(app, context) {
        keys.insert("script".to_owned(), json!(shell));
        keys.insert("args".to_owned(), json!(["-c", app.text("script")]));
    }
    Ok(Settled { keys, own, name })
}

/// What runs a `script` that is a whole command line.
fn shell(app: &AppConfig, context: &Context) -> Option<&'static str> {
    let is_line = app.text("script").is_some_and(|script| script.contains(' '));
    is_line.then(|| ["bash", "sh"].into_iter().find(|shell| context.search().has(shell)))?
}

pub(super) fn payload(
    app: &AppConfig,
    context: &Context,
    accounts: &Accounts,
) -> Result<Json, Wrong> {
    let cwd = folder(app, context)?;
    let Settled { mut keys, mut own, name } = settle(app, context, accounts)?;
    if let Some(port) = keys.get("port").filter(|port| schema::is_truthy(port)) {
        own.insert("PORT".to_owned(), port.clone());
    }
    keys.entry("node_args").or_insert_with(|| json!([]));
    let script = script(&mut keys, &cwd, context)?;
    let interpreter = run_with(&mut keys, &script, context)?;
    if interpreter.contains("python") {
        own.insert("PYTHONUNBUFFERED".to_owned(), json!("1"));
    }
    // The strongest of all but what comes after it in `build`, as in PM2.
    let env = environment::build(app, &name, own, context).map_err(|reason| ("env", reason))?;
    keys.insert("env".to_owned(), Json::Object(env));
    keys.insert("pm_exec_path".to_owned(), json!(script.to_string_lossy()));
    keys.insert("pm_cwd".to_owned(), json!(cwd.to_string_lossy()));
    keys.insert("km_link".to_owned(), json!(false));
    files(&mut keys, &name, &cwd, context, accounts);
    Ok(Json::Object(keys))
}

fn folder(app: &AppConfig, context: &Context) -> Result<PathBuf, Wrong> {
    let Some(named) = app.text("cwd").filter(|cwd| !cwd.is_empty()) else {
        return Ok(context.cwd.clone());
    };
    let cwd = paths::resolve(&context.cwd, named);
    if !cwd.is_dir() {
        return Err(("cwd", format!("there is no folder {}", cwd.display())));
    }
    Ok(cwd)
}

/// The absolute path of what is started.
fn script(keys: &mut Map<String, Json>, cwd: &Path, context: &Context) -> Result<PathBuf, Wrong> {
    let script = keys.remove("script");
    let script = script.as_ref().and_then(Json::as_str).unwrap_or_default();
    if script == "serve" {
        let reason = "serve is a part of the pm2 command itself; start it with pm2";
        return Err(("script", reason.to_owned()));
    }
    let whole = paths::resolve(cwd, script);
    if whole.exists() {
        return Ok(whole);
    }
    paths::which(script, context.search().path, &context.cwd)
        .ok_or_else(|| ("script", format!("there is no {}", whole.display())))
}

/// Settles interpreter, mode and number of instances; gives the interpreter.
fn run_with(
    keys: &mut Map<String, Json>,
    script: &Path,
    context: &Context,
) -> Result<String, Wrong> {
    let mode = keys.get("exec_mode").and_then(Json::as_str).map(|mode| match mode {
        "fork" => "fork_mode".to_owned(),
        "cluster" => "cluster_mode".to_owned(),
        other => other.to_owned(),
    });
    let named = keys.get("exec_interpreter").and_then(Json::as_str);
    let is_cluster = mode.as_deref() == Some("cluster_mode");
    let interpreter = interpreter::choose(named, script, is_cluster, context.search())
        .map_err(|reason| ("interpreter", reason))?;
    let instances = keys.get("instances").and_then(Json::as_f64);
    let is_many = instances.is_some_and(|count| count >= 1.0 || [0.0, -1.0].contains(&count));
    let runtime = interpreter.rsplit('/').next().unwrap_or_default();
    let is_javascript = runtime.ends_with("node") || runtime.ends_with("bun");
    let mode = mode.unwrap_or_else(|| {
        (if is_many && is_javascript { "cluster_mode" } else { "fork_mode" }).to_owned()
    });
    keys.insert("exec_mode".to_owned(), json!(mode));
    keys.insert("exec_interpreter".to_owned(), json!(interpreter));
    keys.entry("instances").or_insert_with(|| json!(1));
    Ok(interpreter)
}

/// Turns `uid` and `gid` into numbers; gives the home of the user, where one is named.
fn account(keys: &mut Map<String, Json>, accounts: &Accounts) -> Result<Option<String>, Wrong> {
    let named = |key: &str| match keys.get(key) {
        Some(Json::String(name)) if !name.is_empty() => Some(name.clone()),
        Some(number @ Json::Number(_)) if schema::is_truthy(number) => Some(number.to_string()),
        _ => None,
    };
    let (uid, gid) = (named("uid"), named("gid"));
    let Some(uid) = uid else {
        return match gid {
            Some(_) => Err(("gid", "needs a uid as well".to_owned())),
            None => Ok(None),
        };
    };
    if !rustix::process::getuid().is_root() {
        return Err(("uid", "only root can start an app as another user".to_owned()));
    }
    let user = accounts.user(&uid).ok_or_else(|| ("uid", format!("there is no user {uid}")))?;
    let group = match gid {
        Some(gid) => {
            accounts.group(&gid).ok_or_else(|| ("gid", format!("there is no group {gid}")))?
        }
        None => user.group,
    };
    keys.insert("uid".to_owned(), json!(user.id));
    keys.insert("gid".to_owned(), json!(group));
    Ok(Some(user.home))
}

fn username(context: &Context, accounts: &Accounts) -> String {
    let me = rustix::process::geteuid().as_raw().to_string();
    let variables = ["USER", "LNAME", "USERNAME", "SUDO_USER", "C9_USER", "LOGNAME"];
    let named = variables.iter().find_map(|name| context.environment.get(*name));
    accounts.user(&me).map(|user| user.name).or_else(|| named.cloned()).unwrap_or_default()
}

/// The paths of log and pid files.
fn files(
    keys: &mut Map<String, Json>,
    name: &str,
    cwd: &Path,
    context: &Context,
    accounts: &Accounts,
) {
    let clean = file_name(name);
    let (logs, pids) = (context.pm2_home.join("logs"), context.pm2_home.join("pids"));
    for (written, key, default) in [
        ("log_file", "pm_log_path", None),
        ("out_file", "pm_out_log_path", Some(logs.join(format!("{clean}-out.log")))),
        ("error_file", "pm_err_log_path", Some(logs.join(format!("{clean}-error.log")))),
        ("pid_file", "pm_pid_path", Some(pids.join(format!("{clean}.pid")))),
    ] {
        let path = match keys.remove(written) {
            Some(Json::String(path)) if path == "NULL" || path == "/dev/null" => {
                Some(PathBuf::from("/dev/null"))
            }
            Some(Json::String(path)) if !path.is_empty() => Some(match path.strip_prefix('~') {
                Some(rest) => {
                    paths::resolve(&home(context, accounts), rest.trim_start_matches('/'))
                }
                None => paths::resolve(cwd, &path),
            }),
            // `log: true` is the one file for both streams.
            Some(Json::Bool(true)) if written == "log_file" => {
                Some(logs.join(format!("{clean}.log")))
            }
            _ => default,
        };
        if let Some(path) = path {
            keys.insert(key.to_owned(), json!(path.to_string_lossy()));
        }
    }
}

fn home(context: &Context, accounts: &Accounts) -> PathBuf {
    let me = rustix::process::geteuid().as_raw().to_string();
    let named = context.environment.get("HOME").cloned();
    named.or_else(|| accounts.user(&me).map(|user| user.home)).unwrap_or_default().into()
}

/// A name as it stands in the names of log and pid files.
fn file_name(name: &str) -> String {
    // As JavaScript counts: a letter beyond the basic plane is two.
    let dashes = |letter: char| std::iter::repeat_n('-', letter.len_utf16());
    let is_kept =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '\\');
    name.chars().fold(String::with_capacity(name.len()), |mut done, letter| {
        if is_kept(letter) {
            done.push(letter);
        } else {
            done.extend(dashes(letter));
        }
        done
    })
}
