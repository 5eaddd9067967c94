//! One app of a config, its keys and types checked as PM2's schema has them.
//!
//! Invariant: an [`AppConfig`] has only keys that PM2's schema has, by their own names (not the
//! aliases), each of a type that the schema allows. Source: `verifyConfs` in `lib/Common.js` and
//! `validateJSON` in `lib/tools/Config.js` of PM2 7.0.4.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::error::{EcosystemError, REASON_CHARS_MAX, shown};
use super::expression;
use super::schema::{self, KEYS};
use crate::protocol::{cron, text};

/// One app of a config file, checked; paths are still as written.
#[derive(Debug, Clone, PartialEq)]
pub struct AppConfig {
    /// The file that it is from, for errors.
    pub(super) file: String,
    /// Its name as the daemon will list it.
    pub(super) name: String,
    /// PM2's keys.
    pub(super) keys: Map<String, Json>,
    /// The `deploy` part of the file: each environment there may add variables.
    pub(super) deploy: Map<String, Json>,
    /// The variables that the file set (`process.env.X = ..`) or removed where it was evaluated:
    /// its apps get the caller's environment as the file left it.
    pub(super) changes: BTreeMap<String, Option<String>>,
    /// The keys `env_*` that are text.
    pub(super) texts: Vec<String>,
}

impl AppConfig {
    /// Checks one app as PM2 does, but refuses unknown keys, which PM2 drops without a word.
    ///
    /// `file` is named in errors; `place` is the app's number in it, from 1.
    ///
    /// # Errors
    /// [`EcosystemError::App`] for the first key that is not understood.
    pub fn from_json(value: &Json, file: &str, place: usize) -> Result<Self, EcosystemError> {
        let Json::Object(entry) = value else {
            let reason = format!("app {place} must be an object, and is {}", schema::kind(value));
            return Err(EcosystemError::Shape { file: shown(file), reason });
        };
        let label = label(entry, place);
        let wrong = |key: &str, reason: String| EcosystemError::App {
            file: shown(file),
            app: label.clone(),
            key: shown(key),
            reason: text::clean(&reason).into_owned(),
        };
        Self::check_names(std::slice::from_ref(value), place, file)?;
        if let Some((key, _)) = entry.iter().find(|(_, value)| has_nul(value)) {
            return Err(wrong(key, "has a NUL character in it".to_owned()));
        }
        if let Some((key, found)) = expression_in(entry) {
            return Err(wrong(key, expression::reason(found)));
        }
        let entry = settle(entry).map_err(|(key, reason)| wrong(key, reason))?;
        let mut keys = read_keys(&entry).map_err(|(key, reason)| wrong(&key, reason))?;
        let Some(script) = keys.get("script").and_then(Json::as_str).filter(|it| !it.is_empty())
        else {
            return Err(wrong("script", "is missing".to_owned()));
        };
        let name = match keys.get("name").and_then(Json::as_str) {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => stem(script).to_owned(),
        };
        if let Some(Err(error)) = keys.get("cron_restart").map(cron::check_readable) {
            return Err(wrong("cron_restart", error.to_string()));
        }
        keys.insert("name".to_owned(), json!(name));
        let texts =
            entry.iter().filter(|(key, value)| schema::is_env_key(key) && value.is_string());
        Ok(Self {
            file: file.to_owned(),
            name,
            keys,
            deploy: Map::new(),
            changes: BTreeMap::new(),
            texts: texts.map(|(key, _)| key.clone()).collect(),
        })
    }

    /// Refuses the keys that PM2 does not have, those of all apps at once, each with the one that was
    /// perhaps meant. `place` is the first one's number in the file, from 1.
    ///
    /// # Errors
    /// [`EcosystemError::App`], or [`EcosystemError::Shape`] where several apps have some.
    pub(super) fn check_names(
        apps: &[Json],
        place: usize,
        file: &str,
    ) -> Result<(), EcosystemError> {
        let objects = (place..).zip(apps).filter_map(|(place, app)| {
            let entry = app.as_object()?;
            let unknown = unknown_names(entry);
            (!unknown.is_empty()).then(|| (label(entry, place), unknown))
        });
        let found: Vec<(String, Vec<String>)> = objects.collect();
        let count: usize = found.iter().map(|(_, unknown)| unknown.len()).sum();
        let reason = if count == 1 { "PM2 has no such key" } else { "PM2 has no such keys" };
        let file = shown(file);
        match found.as_slice() {
            [] => Ok(()),
            [(app, unknown)] => Err(EcosystemError::App {
                file,
                app: app.clone(),
                key: shown(&unknown.join(", ")),
                reason: reason.to_owned(),
            }),
            several => {
                let named = several
                    .iter()
                    .map(|(app, unknown)| format!("app {app}: {}", unknown.join(", ")));
                let named = named.collect::<Vec<_>>().join("; ");
                Err(EcosystemError::Shape {
                    file,
                    reason: format!("{}: {reason}", text::clean_to(&named, REASON_CHARS_MAX)),
                })
            }
        }
    }

    /// Whether an object says what is to be run.
    pub(super) fn has_script(entry: &Map<String, Json>) -> bool {
        ["script", "exec", "cmd", "command"].iter().any(|key| entry.contains_key(*key))
    }

    /// What PM2 takes and does nothing with, for a person: an `env_file` that names a file.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let (file, app) = (shown(&self.file), shown(&self.name));
        let remark = |key: &String| {
            format!(
                "{file}: app {app}: {key} is text, and PM2 reads no file of variables: it sets nothing",
                key = shown(key),
            )
        };
        self.texts.iter().map(remark).collect()
    }

    /// The app's name as PM2 will list it (without what `append_env_to_name` appends).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The error that names this app.
    pub(super) fn wrong(&self, key: &str, reason: impl AsRef<str>) -> EcosystemError {
        EcosystemError::App {
            file: shown(&self.file),
            app: shown(&self.name),
            key: shown(key),
            reason: text::clean(reason.as_ref()).into_owned(),
        }
    }

    /// A key that holds text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.keys.get(key).and_then(Json::as_str)
    }
}

/// How an app is named in errors: by its name, else by its number in the file, from 1.
fn label(entry: &Map<String, Json>, place: usize) -> String {
    let name = entry.get("name").and_then(Json::as_str).filter(|name| !name.is_empty());
    name.map_or_else(|| place.to_string(), shown)
}

/// All keys that PM2 does not have, each with the one that was perhaps meant.
fn unknown_names(entry: &Map<String, Json>) -> Vec<String> {
    let is_known = |name: &str| {
        matches!(name, "cmd" | "command")
            || schema::is_env_key(name)
            || KEYS.iter().any(|key| key.name == name || key.other_names().any(|it| it == name))
    };
    let unknown = entry.keys().map(String::as_str).filter(|it| !is_known(it));
    let named = unknown.map(|name| match near(name) {
        Some(meant) => format!("{name} ({meant}?)"),
        None => name.to_owned(),
    });
    named.collect()
}

/// The key of PM2 that a name was probably meant to be, if any.
fn near(name: &str) -> Option<String> {
    // Other spellings: `INSTANCES`, `max-memory-restart`, `envProduction`.
    let name = snake_case(name);
    if name.starts_with("env_") {
        return Some(name);
    }
    // The first part of one: `max_memory`.
    let is_part = |key: &&str| {
        key.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    if let Some(whole) = KEYS.iter().map(|key| key.name).find(is_part) {
        return Some(whole.to_owned());
    }
    let distance = |key: &str| strsim::damerau_levenshtein(&name, key);
    let best = KEYS.iter().map(|key| key.name).min_by_key(|key| distance(key))?;
    (distance(best) <= 2 && distance(best) < best.len() / 2).then(|| best.to_owned())
}

/// A name as PM2 writes its own: small letters, with underscores between the words.
fn snake_case(name: &str) -> String {
    let mut before_is_small = false;
    name.chars().fold(String::with_capacity(name.len()), |mut done, letter| {
        if letter.is_uppercase() && before_is_small {
            done.push('_');
        }
        before_is_small = letter.is_lowercase() || letter.is_ascii_digit();
        done.extend(if letter == '-' { '_' } else { letter }.to_lowercase());
        done
    })
}

type Wrong<'a> = (&'a str, String);

/// What the CLI rewrites before it checks types.
fn settle(entry: &Map<String, Json>) -> Result<Map<String, Json>, Wrong<'static>> {
    let mut entry = entry.clone();
    for alias in ["cmd", "command"] {
        if let Some(command) = entry.remove(alias)
            && !entry.get("script").is_some_and(schema::is_truthy)
        {
            entry.insert("script".to_owned(), command);
        }
    }
    if entry.remove("execute_command") == Some(json!(true)) {
        entry.insert("exec_mode".to_owned(), json!("fork"));
    }
    if entry.get("time").is_some_and(schema::is_truthy) {
        entry.insert("log_date_format".to_owned(), json!("YYYY-MM-DDTHH:mm:ss"));
    }
    if entry.get("automation") == Some(&json!(false)) {
        entry.insert("pmx".to_owned(), json!(false));
    }
    if entry.remove("disable_trace").is_some_and(|it| schema::is_truthy(&it)) {
        entry.insert("trace".to_owned(), json!(false));
    }
    for key in ["trace", "deep_monitoring"] {
        if entry.get(key) == Some(&json!(true)) {
            let reason = "needs packages that only the pm2 command installs; start it with pm2";
            return Err((key, reason.to_owned()));
        }
    }
    // `env: isCi && {..}`.
    if entry.get("env").is_some_and(|env| !schema::is_truthy(env)) {
        entry.remove("env");
    }
    if entry.get("instances") == Some(&json!("max")) {
        entry.insert("instances".to_owned(), json!(0));
    }
    let is_cluster =
        matches!(entry.get("exec_mode").and_then(Json::as_str), Some("cluster" | "cluster_mode"));
    let is_one =
        !entry.get("instances").is_some_and(|it| schema::is_truthy(it) && *it != json!("0"));
    if !is_cluster && is_one && !entry.contains_key("merge_logs") {
        entry.insert("merge_logs".to_owned(), json!(true));
    }
    Ok(entry)
}

/// The keys by PM2's own names, converted, with PM2's defaults.
fn read_keys(entry: &Map<String, Json>) -> Result<Map<String, Json>, (String, String)> {
    let mut keys = Map::new();
    for key in KEYS {
        // As PM2 does it: another name counts where the value before is none, or false, 0 or "".
        let mut found = (key.name.to_owned(), entry.get(key.name));
        for name in key.other_names() {
            if !found.1.is_some_and(schema::is_truthy) {
                let value = entry.get(&name);
                found = (name, value);
            }
        }
        let value = match found {
            (name, Some(value)) if !value.is_null() => {
                Some(schema::read(key, value).map_err(|reason| (name, reason))?)
            }
            _ => schema::default_of(key.name),
        };
        if let Some(value) = value {
            keys.insert(key.name.to_owned(), value);
        }
    }
    for (name, value) in entry.iter().filter(|(name, _)| schema::is_env_key(name)) {
        let variables = match value {
            Json::Object(variables) => variables,
            // PM2 takes text, and sets nothing by it: `env_file: ".env"`.
            Json::String(_) => continue,
            other => {
                let reason = format!("must be an object, and is {}", schema::kind(other));
                return Err((name.clone(), reason));
            }
        };
        let checked = variables.keys().try_for_each(|variable| schema::check_variable(variable));
        checked.map_err(|reason| (name.clone(), reason))?;
        keys.insert(name.clone(), value.clone());
    }
    for (_, value) in keys.iter_mut().filter(|(key, _)| is_environment(key)) {
        expression::forget(value);
    }
    Ok(keys)
}

/// A regular expression, with its key. As a variable it is an empty object, as in PM2.
fn expression_in(entry: &Map<String, Json>) -> Option<(&str, &str)> {
    let mut others = entry.iter().filter(|(key, _)| !is_environment(key));
    others.find_map(|(key, value)| Some((key.as_str(), expression::find(value)?)))
}

fn is_environment(key: &str) -> bool {
    key == "env" || schema::is_env_key(key)
}

/// A path's last part without its extension; a leading dot starts no extension.
fn stem(script: &str) -> &str {
    let base = script.trim_end_matches('/').rsplit('/').next().unwrap_or(script);
    match base.rfind('.') {
        Some(dot) if dot > 0 => base.get(..dot).unwrap_or(base),
        _ => base,
    }
}

/// Whether some text in it has a NUL, with which node starts no process.
fn has_nul(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(entries) => {
            entries.iter().any(|(key, value)| key.contains('\0') || has_nul(value))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
