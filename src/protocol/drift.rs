//! Where the running processes and the saved list (`dump.pm2`) differ.
//!
//! Invariant: no value of an environment is in what comes out, only the names of variables. What a
//! daemon gives anew to each process (ids, times, counts) is no difference (docs/pm2-ops.md section 3).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::dump::DumpError;
use super::process::PmId;
use super::text::{clean, clean_to};
use super::{json, shell};

/// The most characters of a value in a sentence.
const VALUE_CHARS_MAX: usize = 80;
/// The most names of variables in a sentence.
const NAMES_MAX: usize = 6;

/// Where the two differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// How many processes the daemon has, modules aside.
    pub listed: usize,
    /// How many the saved list has.
    pub saved: usize,
    /// Those that the saved list does not have: they would be lost at reboot.
    pub unsaved: Vec<Listed>,
    /// Those that the daemon does not have: names with how many of each, cleaned.
    pub absent: Vec<(Box<str>, usize)>,
    /// Those that are saved otherwise.
    pub changed: Vec<Changed>,
}

/// A process of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub pm_id: PmId,
    /// Its name, cleaned.
    pub name: Box<str>,
}

/// A process that is saved otherwise than it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub process: Listed,
    /// Whether it is saved as running and stopped now.
    pub is_down: bool,
    /// In what it differs; never empty.
    pub differences: Vec<Difference>,
}

/// One setting that is saved otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which, in a word: `args`.
    pub label: &'static str,
    /// How, in words: `saved --port 3001`.
    pub words: Box<str>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.words)
    }
}

/// How a setting is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it is; nothing is null.
    Plain,
    /// By what is true in JavaScript; this where it is not there.
    Flag(bool),
    /// Without the id that PM2 puts into it.
    LogPath,
    /// By its variables, without those that differ between instances.
    Environment,
    /// Only whether it is `stopped`.
    Stopped,
}

/// The settings that are compared, with what they are called.
const SETTINGS: [(&str, &str, Kind); 24] = [
    ("status", "status", Kind::Stopped),
    ("pm_exec_path", "script", Kind::Plain),
    ("args", "args", Kind::Plain),
    ("exec_interpreter", "interpreter", Kind::Plain),
    ("node_args", "interpreter args", Kind::Plain),
    ("exec_mode", "mode", Kind::Plain),
    ("pm_cwd", "cwd", Kind::Plain),
    ("namespace", "namespace", Kind::Plain),
    ("env", "environment", Kind::Environment),
    ("watch", "watch", Kind::Flag(false)),
    ("ignore_watch", "ignore watch", Kind::Plain),
    ("cron_restart", "cron", Kind::Plain),
    ("max_memory_restart", "memory limit", Kind::Plain),
    ("autorestart", "autorestart", Kind::Flag(true)),
    ("stop_exit_codes", "stop exit codes", Kind::Plain),
    ("kill_timeout", "kill timeout", Kind::Plain),
    ("wait_ready", "wait ready", Kind::Flag(false)),
    ("listen_timeout", "listen timeout", Kind::Plain),
    ("restart_delay", "restart delay", Kind::Plain),
    ("exp_backoff_restart_delay", "back-off", Kind::Plain),
    ("pm_out_log_path", "out log", Kind::LogPath),
    ("pm_err_log_path", "err log", Kind::LogPath),
    ("pm_log_path", "log", Kind::LogPath),
    ("log_date_format", "log date format", Kind::Plain),
];

/// Variables that are of one instance.
const OF_INSTANCE: [&str; 2] = ["unique_id", "NODE_APP_INSTANCE"];

/// Compares the envelope of a `getMonitorData` reply with the text of a saved list.
///
/// # Errors
/// What is wrong with the saved list; a broken reply is [`DumpError::Broken`] too.
pub fn compare(reply: &[u8], saved: &str) -> Result<Drift, DumpError> {
    let broken = |error: serde_json::Error| DumpError::Broken(error.to_string());
    let listed = json::read(reply, |text| {
        let envelope: Envelope<'_> = serde_json::from_slice(text)?;
        let first = envelope.args.first().map_or("[]", |list| list.get());
        let list: Vec<Element> = serde_json::from_str(first)?;
        Ok(list.into_iter().filter_map(|element| element.pm2_env).collect::<Vec<_>>())
    });
    let mut listed = listed.map_err(broken)?;
    listed.retain(|entry| !entry.is_module);
    let saved: Vec<Entry> = serde_json::from_str(saved).map_err(broken)?;
    Ok(drift(&listed, &saved))
}

fn drift(listed: &[Entry], saved: &[Entry]) -> Drift {
    let mut left: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in saved {
        left.entry(&entry.name).or_default().push(entry);
    }
    let mut drift = Drift { listed: listed.len(), saved: saved.len(), ..Drift::default() };
    // Equal ones belong together, whatever their order.
    let mut others = Vec::new();
    for entry in listed {
        let same = left.get_mut(&*entry.name);
        let found = same.and_then(|same| {
            let place = same.iter().position(|saved| saved.digest == entry.digest)?;
            Some(same.remove(place))
        });
        if found.is_none() {
            others.push(entry);
        }
    }
    for entry in others {
        let process = Listed { pm_id: PmId(entry.pm_id), name: entry.name.clone() };
        let same = left.get_mut(&*entry.name).filter(|same| !same.is_empty());
        let Some(saved) = same.map(|same| same.remove(0)) else {
            drift.unsaved.push(process);
            continue;
        };
        let differences = entry.differences(saved);
        if !differences.is_empty() {
            let is_down = entry.is_stopped() && !saved.is_stopped();
            drift.changed.push(Changed { process, is_down, differences });
        }
    }
    let absent = left.into_iter().filter(|(_, same)| !same.is_empty());
    drift.absent = absent.map(|(name, same)| (name.into(), same.len())).collect();
    drift
}

/// What is compared of a `pm2_env`.
struct Entry {
    /// Cleaned.
    name: Box<str>,
    pm_id: u32,
    is_module: bool,
    /// By their place in [`SETTINGS`], made comparable.
    values: Vec<Json>,
    /// Equal where all of them are.
    digest: u64,
}

impl Entry {
    fn value(&self, place: usize) -> &Json {
        self.values.get(place).unwrap_or(&Json::Null)
    }

    fn is_stopped(&self) -> bool {
        *self.value(0) == Json::Bool(true)
    }

    /// In what it differs from what is saved.
    fn differences(&self, saved: &Self) -> Vec<Difference> {
        let each = SETTINGS.iter().enumerate().filter_map(|(place, (_, label, kind))| {
            let (now, saved) = (self.value(place), saved.value(place));
            (now != saved).then(|| Difference { label, words: words(*kind, now, saved).into() })
        });
        each.collect()
    }
}

/// How a setting differs, in words.
fn words(kind: Kind, now: &Json, saved: &Json) -> String {
    match kind {
        Kind::Stopped if *now == Json::Bool(true) => "saved as running, stopped now".to_owned(),
        Kind::Stopped => "saved as stopped, runs now".to_owned(),
        Kind::Environment => variables(now, saved),
        Kind::Plain | Kind::Flag(_) | Kind::LogPath => format!("saved {}", short(saved)),
    }
}

/// Which variables differ: their names, never their values.
fn variables(now: &Json, saved: &Json) -> String {
    let none = serde_json::Map::new();
    let (now, saved) = (now.as_object().unwrap_or(&none), saved.as_object().unwrap_or(&none));
    let named = |names: Vec<&String>, what: &str| -> Option<String> {
        let more = names.len().saturating_sub(NAMES_MAX);
        let shown = names.iter().take(NAMES_MAX).map(|name| clean_to(name, VALUE_CHARS_MAX));
        let shown = shown.collect::<Vec<_>>().join(", ");
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!names.is_empty()).then(|| format!("{shown}{rest} {what}"))
    };
    let differ = now.iter().filter(|(name, value)| saved.get(*name).is_some_and(|it| it != *value));
    let new = now.keys().filter(|name| !saved.contains_key(*name));
    let gone = saved.keys().filter(|name| !now.contains_key(*name));
    let parts = [
        named(differ.map(|(name, _)| name).collect(), "saved with another value"),
        named(new.collect(), "not saved"),
        named(gone.collect(), "only saved"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// A value in a few words.
fn short(value: &Json) -> String {
    match value {
        Json::Null => "without".to_owned(),
        Json::String(text) => clean_to(text, VALUE_CHARS_MAX),
        Json::Bool(true) => "on".to_owned(),
        Json::Bool(false) => "off".to_owned(),
        Json::Array(items) => {
            let text = |item: &Json| match item {
                Json::String(text) => shell::word(text).into_owned(),
                other => other.to_string(),
            };
            let words = items.iter().map(text).collect::<Vec<_>>().join(" ");
            clean_to(&words, VALUE_CHARS_MAX)
        }
        other => clean_to(&other.to_string(), VALUE_CHARS_MAX),
    }
}

/// A value as it is compared.
fn comparable(kind: Kind, value: Option<Json>) -> Json {
    let value = value.filter(|value| match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => true,
    });
    match (kind, value) {
        (Kind::Flag(default), None) => Json::Bool(default),
        (Kind::Flag(_), Some(Json::Number(number))) => Json::Bool(number.as_f64() != Some(0.0)),
        (Kind::Stopped, value) => Json::Bool(value.is_some_and(|value| value == "stopped")),
        (Kind::LogPath, Some(Json::String(path))) => Json::String(without_id(&path)),
        (Kind::Environment, Some(Json::Object(mut variables))) => {
            for name in OF_INSTANCE {
                variables.remove(name);
            }
            Json::Object(variables)
        }
        (_, value) => value.unwrap_or(Json::Null),
    }
}

/// The path of a log file without PM2's id: `api-out-3.log` is `api-out.log`.
fn without_id(path: &str) -> String {
    let Some(stem) = path.strip_suffix(".log") else { return path.to_owned() };
    let plain = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    match plain.strip_suffix('-') {
        Some(plain) if plain.len() + 1 < stem.len() => format!("{plain}.log"),
        _ => path.to_owned(),
    }
}

#[derive(serde::Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    args: Vec<&'a RawValue>,
}

/// One element of the daemon's list.
#[derive(serde::Deserialize)]
struct Element {
    pm2_env: Option<Entry>,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a process")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found: Vec<Option<Json>> = vec![None; SETTINGS.len()];
        let (mut name, mut pm_id, mut is_module) = (Json::Null, Json::Null, false);
        while let Some(key) = map.next_key_seed(Key)? {
            let place = SETTINGS.iter().position(|(setting, ..)| *setting == key);
            match (&*key, place.and_then(|place| found.get_mut(place))) {
                (_, Some(slot)) => *slot = Some(map.next_value()?),
                ("name", None) => name = map.next_value()?,
                ("pm_id", None) => pm_id = map.next_value()?,
                ("pmx_module", None) => {
                    let value: Json = map.next_value()?;
                    is_module = comparable(Kind::Flag(false), Some(value)) != Json::Bool(false);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let kinds = SETTINGS.iter().map(|(.., kind)| *kind);
        let values: Vec<Json> =
            kinds.zip(found).map(|(kind, value)| comparable(kind, value)).collect();
        let mut hasher = DefaultHasher::new();
        for value in &values {
            value.to_string().hash(&mut hasher);
        }
        let name = match name {
            Json::String(name) => name,
            other => other.to_string(),
        };
        Ok(Entry {
            name: clean(&name).into(),
            pm_id: pm_id.as_u64().and_then(|id| u32::try_from(id).ok()).unwrap_or(u32::MAX),
            is_module,
            values,
            digest: hasher.finish(),
        })
    }
}

/// A key, borrowed where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests;
