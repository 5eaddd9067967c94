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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::dump;

    fn reply(processes: &Json) -> Vec<u8> {
        let list: Vec<Json> = processes
            .as_array()
            .unwrap()
            .iter()
            .map(|env| json!({ "name": env["name"], "pm_id": env["pm_id"], "pm2_env": env }))
            .collect();
        json!({ "args": [list] }).to_string().into_bytes()
    }

    fn api(id: u32, port: &str) -> Json {
        json!({
            "name": "api", "pm_id": id, "status": "online", "args": ["--port", port],
            "pm_out_log_path": format!("/l/api-out-{id}.log"), "unique_id": format!("u{id}"),
            "restart_time": id, "env": { "TOKEN": "hunter2", "NODE_APP_INSTANCE": id, "unique_id": id },
        })
    }

    fn lines(drift: &Drift) -> Vec<String> {
        let unsaved = drift.unsaved.iter().map(|it| format!("unsaved {} {}", it.name, it.pm_id));
        let absent = drift.absent.iter().map(|(name, count)| format!("absent {name} {count}"));
        let changed = drift.changed.iter().flat_map(|it| {
            let each = it.differences.iter();
            each.map(|difference| format!("{} {} {difference}", it.process.name, it.process.pm_id))
        });
        unsaved.chain(absent).chain(changed).collect()
    }

    #[test]
    fn what_was_just_saved_is_the_same() {
        let body = reply(&json!([api(0, "80"), api(1, "81"), { "name": "m", "pmx_module": true }]));
        let saved = dump::of_reply(&body).unwrap();
        let drift = compare(&body, &saved.text).unwrap();
        assert_eq!((drift.listed, drift.saved, lines(&drift)), (2, 2, vec![]));
        // Other ids, another order, and what is given anew.
        let other = reply(&json!([api(8, "81"), api(9, "80")]));
        assert_eq!(lines(&compare(&other, &saved.text).unwrap()), [""; 0]);
    }

    #[test]
    fn each_way_to_differ_is_told_without_a_secret() {
        let body = reply(&json!([
            api(0, "80"),
            { "name": "web", "pm_id": 4, "status": "stopped", "env": { "TOKEN": "hunter2", "A": 1 } },
            { "name": 7, "pm_id": 5, "status": "online" },
        ]));
        let mut other = api(0, "3001");
        other["pm_out_log_path"] = json!("/l/other-out-9.log");
        other["autorestart"] = json!(false);
        let saved = json!([
            other,
            { "name": "web", "status": "online", "env": { "TOKEN": "hunter3", "B": 2 } },
            { "name": "old" }, { "name": "old" },
        ]);
        let drift = compare(&body, &saved.to_string()).unwrap();
        assert_eq!(
            lines(&drift),
            [
                "unsaved 7 5",
                "absent old 2",
                "api 0 args: saved --port 3001",
                "api 0 autorestart: saved off",
                "api 0 out log: saved /l/other-out.log",
                "web 4 status: saved as running, stopped now",
                "web 4 environment: TOKEN saved with another value; A not saved; B only saved",
            ]
        );
        assert_eq!(drift.changed.iter().map(|it| it.is_down).collect::<Vec<_>>(), [false, true]);
        assert!(!format!("{drift:?}").contains("hunter"));
    }

    #[test]
    fn names_count_as_often_as_they_are_there() {
        let of =
            |names: &[&str]| -> Json { names.iter().map(|it| json!({ "name": it })).collect() };
        let told = |now: &[&str], saved: &[&str]| {
            lines(&compare(&reply(&of(now)), &of(saved).to_string()).unwrap())
        };
        assert_eq!(
            told(&["a", "a", "b"], &["a", "b", "b"]),
            ["unsaved a 4294967295", "absent b 1"]
        );
        assert_eq!(told(&["a"], &["a"]), [""; 0]);
    }

    #[test]
    fn nothing_and_absent_are_the_same() {
        let told = |now: Json, saved: Json| {
            lines(&compare(&reply(&json!([now])), &json!([saved]).to_string()).unwrap())
        };
        let all = json!({ "name": "a", "args": [], "watch": false, "autorestart": true, "node_args": null, "namespace": "" });
        assert_eq!(told(all, json!({ "name": "a" })), [""; 0]);
        let watched =
            told(json!({ "name": "a", "watch": 0 }), json!({ "name": "a", "watch": ["src"] }));
        assert_eq!(watched, ["a 4294967295 watch: saved src"]);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", "{}", "[5]", "[{}", "nonsense", "[null]"] {
            assert!(compare(&reply(&json!([])), text).is_err(), "{text}");
        }
        assert!(compare(b"{}", "[]").is_err());
    }

    #[test]
    fn the_id_leaves_only_a_path_that_has_one() {
        for (path, plain) in [
            ("/l/api-out-12.log", "/l/api-out.log"),
            ("/l/api-out.log", "/l/api-out.log"),
            ("/l/api-12.txt", "/l/api-12.txt"),
            ("/l/12.log", "/l/12.log"),
            ("-3.log", ".log"),
            ("a-.log", "a-.log"),
        ] {
            assert_eq!(without_id(path), plain);
        }
    }
}
