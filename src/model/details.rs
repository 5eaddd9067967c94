//! All that is known of one process, as values: what `describe` prints and the details of the screen
//! draw, so that both say the same.
//!
//! Invariant: pure; all text for people is cleaned, and the value of an environment variable is
//! nowhere but in [`Secret`], which has to be asked for it.

mod declared;
mod logs;
mod overview;
mod policy;
mod program;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json, json};

pub use self::declared::{DeclaredAction, Metric};
use super::boot::Standing;
use super::death::BlackBox;
use crate::protocol::process::ProcessInfo;
use crate::protocol::redact;
use crate::protocol::text::clean;

/// All that is known of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// What it is and how it does, in sections; none is empty.
    pub sections: Vec<Section>,
    /// Its metrics (`axm_monitor`), by name.
    pub metrics: Vec<Metric>,
    /// The actions that it declares (`axm_actions`), in its order.
    pub actions: Vec<DeclaredAction>,
    /// Its environment (`pm2_env.env`), by name.
    pub environment: Vec<Variable>,
    /// What the daemon says of it, each value of its environment masked.
    pub raw: Json,
}

/// Entries that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its name in JSON: `program`.
    pub key: &'static str,
    /// Its heading: `Program`.
    pub title: &'static str,
    /// What stands in it.
    pub entries: Vec<Entry>,
}

/// One fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name in JSON, with its unit: `uptime_ms`.
    pub key: &'static str,
    /// Its label for people: `uptime`.
    pub label: &'static str,
    /// One cleaned line for people.
    pub text: String,
    /// The same for programs, as it came.
    pub data: Json,
    /// How the line is meant.
    pub tone: Tone,
}

/// How a fact is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// A fact.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Not as it should be.
    Bad,
    /// Of little interest: a default, or off.
    Faint,
}

/// A variable of the environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name, cleaned.
    pub name: Box<str>,
    /// Its value.
    pub value: Secret,
}

/// A value that is shown only when it is asked for.
#[derive(Clone, PartialEq)]
pub struct Secret(Json);

impl Secret {
    /// The value, one cleaned line.
    #[must_use]
    pub fn reveal(&self) -> String {
        one_line(&self.0)
    }

    /// The value as it came.
    #[must_use]
    pub fn reveal_json(&self) -> &Json {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(redact::MASK)
    }
}

/// What is known beside the daemon's word.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// Now, milliseconds since 1970 by the daemon's clock.
    pub now_ms: i64,
    /// For how long it has been online by a clock that nobody sets, milliseconds; `None` where it was
    /// not watched, and the daemon's own has to do.
    pub up_ms: Option<i64>,
    /// Seconds that local time is ahead of UTC.
    pub utc_offset_s: i32,
    /// How its last lives ended, where that is known.
    pub black_box: Option<&'a BlackBox>,
    /// Whether it keeps crashing.
    pub is_looping: bool,
    /// How it stands to the saved list, where that is known.
    pub saved: Option<Standing<'a>>,
    /// How large a file is, bytes; `None` where that is not known.
    pub size_of: &'a dyn Fn(&str) -> Option<u64>,
    /// How much it grows a minute, bytes; `None` where that is not known.
    pub growth_of: &'a dyn Fn(&str) -> Option<u64>,
    /// The time zone and the release of the daemon, where both are known.
    pub clock: Option<(&'a TimeZone, &'a str)>,
}

impl fmt::Debug for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}

impl Details {
    /// Of a process: as it was read, and its element of `getMonitorData` as it came.
    #[must_use]
    pub fn of(info: &ProcessInfo, raw: &Json, seen: &Seen<'_>) -> Self {
        let nothing = Map::new();
        let env = raw.get("pm2_env").and_then(Json::as_object).unwrap_or(&nothing);
        let source = Source { info, env, seen };
        let sections = [
            overview::process(&source),
            overview::last_end(&source),
            program::program(&source),
            policy::policy(&source),
            logs::logs(&source),
            program::versioning(&source),
            declared::module(&source),
        ];
        Self {
            sections: sections.into_iter().filter(|section| !section.entries.is_empty()).collect(),
            metrics: declared::metrics(env),
            actions: declared::actions(env),
            environment: environment(env),
            raw: redact::masked(raw),
        }
    }

    /// The same for programs; of the environment only the names, unless its values are asked for.
    #[must_use]
    pub fn to_json(&self, with_values: bool) -> Json {
        let sections = self.sections.iter().map(|section| {
            let entries =
                section.entries.iter().map(|entry| (entry.key.to_owned(), entry.data.clone()));
            (section.key.to_owned(), Json::Object(entries.collect()))
        });
        let mut object: Map<String, Json> = sections.collect();
        let metrics: Vec<Json> = self.metrics.iter().map(Metric::to_json).collect();
        let actions: Vec<Json> = self.actions.iter().map(DeclaredAction::to_json).collect();
        let environment = if with_values {
            let variables = self.environment.iter();
            let pairs = variables.map(|it| (it.name.to_string(), it.value.reveal_json().clone()));
            Json::Object(pairs.collect())
        } else {
            self.environment.iter().map(|variable| json!(variable.name)).collect()
        };
        object.insert("metrics".to_owned(), metrics.into());
        object.insert("actions".to_owned(), actions.into());
        object.insert("environment".to_owned(), environment);
        Json::Object(object)
    }
}

/// The element of `getMonitorData` as far as the table has it: what is known before it is asked for.
#[must_use]
pub fn known(info: &ProcessInfo) -> Json {
    let setup = &info.setup;
    let mut env = Map::new();
    for (key, value) in [
        ("username", &setup.user),
        ("pm_cwd", &info.cwd),
        ("exec_interpreter", &setup.interpreter),
        ("node_version", &setup.node),
        ("cron_restart", &setup.cron),
        ("pm_out_log_path", &info.logs.out),
        ("pm_err_log_path", &info.logs.err),
        ("pm_log_path", &info.logs.both),
        ("log_date_format", &info.logs.date_format),
    ] {
        if let Some(value) = value {
            env.insert(key.to_owned(), json!(value));
        }
    }
    env.insert("watch".to_owned(), json!(setup.is_watching));
    if setup.git_branch.is_some() || setup.git_revision.is_some() {
        let git = json!({ "branch": setup.git_branch, "revision": setup.git_revision });
        env.insert("versioning".to_owned(), git);
    }
    json!({ "pm2_env": env })
}

/// Where the entries come from.
struct Source<'a> {
    info: &'a ProcessInfo,
    /// Its `pm2_env`.
    env: &'a Map<String, Json>,
    seen: &'a Seen<'a>,
}

impl Source<'_> {
    /// A field of `pm2_env`, where it says something.
    fn field(&self, key: &str) -> Option<&Json> {
        self.env.get(key).filter(|value| says_something(value))
    }

    /// A moment in local time: `2026-11-28 12:03:01`.
    fn moment(&self, at_ms: i64) -> String {
        use super::units::{Clock, clock, day};
        let offset_s = self.seen.utc_offset_s;
        format!("{} {}", day(at_ms, offset_s), clock(at_ms, offset_s, Clock::Seconds))
    }
}

/// Entries under way.
#[derive(Default)]
struct Entries(Vec<Entry>);

impl Entries {
    /// A fact with its line for people.
    fn push(
        &mut self,
        key: &'static str,
        label: &'static str,
        text: impl Into<String>,
        data: Json,
    ) {
        self.toned(key, label, text, data, Tone::Plain);
    }

    fn toned(
        &mut self,
        key: &'static str,
        label: &'static str,
        text: impl Into<String>,
        data: Json,
        tone: Tone,
    ) {
        let text = clean(&text.into()).into_owned();
        self.0.push(Entry { key, label, text, data, tone });
    }

    /// A field as it came, where it says something.
    fn field(&mut self, source: &Source<'_>, key: &'static str, label: &'static str) {
        if let Some(value) = source.field(key) {
            self.push(key, label, one_line(value), value.clone());
        }
    }

    fn into_section(self, key: &'static str, title: &'static str) -> Section {
        Section { key, title, entries: self.0 }
    }
}

/// Whether a value is there: not null, not empty.
fn says_something(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(fields) => !fields.is_empty(),
        Json::Bool(_) | Json::Number(_) => true,
    }
}

/// A value as one cleaned line: text as it is, lists by their words.
fn one_line(value: &Json) -> String {
    match value {
        Json::String(text) => clean(text).into_owned(),
        Json::Array(items) => items.iter().map(one_line).collect::<Vec<_>>().join(", "),
        Json::Bool(true) => "yes".to_owned(),
        Json::Bool(false) => "no".to_owned(),
        other => clean(&other.to_string()).into_owned(),
    }
}

/// The variables by name.
fn environment(env: &Map<String, Json>) -> Vec<Variable> {
    let variables = env.get("env").and_then(Json::as_object).into_iter().flatten();
    let mut variables: Vec<Variable> = variables
        .map(|(name, value)| Variable { name: clean(name).into(), value: Secret(value.clone()) })
        .collect();
    variables.sort_by(|one, other| one.name.cmp(&other.name));
    variables
}
