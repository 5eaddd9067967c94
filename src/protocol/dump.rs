//! `dump.pm2`: the list of processes that `pm2 resurrect` starts again.
//!
//! Invariant: what is written is byte for byte what the pm2 CLI would write (docs/pm2-ops.md section
//! 3): the keys in the order in which God sends them, numbers and escapes as they came. Nothing of it
//! goes through a number or a map of ours.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::json;
use super::layout;

/// What the pm2 CLI leaves out of each process.
const LEFT_OUT: [&str; 3] = ["instances", "pm_id", "prev_restart_delay"];

/// The text of a saved list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    /// What goes into the file.
    pub text: String,
    /// How many processes are in it.
    pub processes: usize,
    /// How many modules were left out.
    pub modules: usize,
}

/// Why there is no saved list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// It is no JSON, or of another shape.
    #[error("it cannot be read: {0}")]
    Broken(String),
    /// An entry is no process.
    #[error("entry {0} is not a process")]
    NoProcess(usize),
}

/// Makes the saved list of the envelope of a `getMonitorData` reply.
///
/// # Errors
/// [`DumpError`].
pub fn of_reply(body: &[u8]) -> Result<Dump, DumpError> {
    let made = json::read(body, |text| {
        let envelope: Envelope<'_> = serde_json::from_slice(text)?;
        let first = envelope.args.first().map_or("[]", |list| list.get());
        let list: Vec<Listed<'_>> = serde_json::from_str(first)?;
        let mut entries = Vec::with_capacity(list.len());
        for process in &list {
            let Members(members) = serde_json::from_str(process.pm2_env.get())?;
            entries.push(members.iter().map(Member::told).collect::<Vec<_>>());
        }
        let all = entries.len();
        entries.retain(|members| !members.iter().any(|(key, value)| is_module(key, value)));
        Ok((all, entries.iter().map(|members| saved(members)).collect::<Vec<_>>()))
    });
    let (all, entries) = made.map_err(|error| DumpError::Broken(error.to_string()))?;
    let text = layout::stringified(&format!("[{}]", entries.join(",")));
    Ok(Dump { text, processes: entries.len(), modules: all - entries.len() })
}

/// Reads a saved list: one `pm2_env` for each process.
///
/// # Errors
/// [`DumpError`].
pub fn read(text: &str) -> Result<Vec<Map<String, Json>>, DumpError> {
    let broken = |error: serde_json::Error| DumpError::Broken(error.to_string());
    let entries: Vec<Json> = serde_json::from_str(text).map_err(broken)?;
    let entries = entries.into_iter().enumerate().map(|(place, entry)| match entry {
        Json::Object(fields) => Ok(fields),
        _ => Err(DumpError::NoProcess(place)),
    });
    entries.collect()
}

/// What `prepare` takes to start a process again that was kept: without what God gives anew.
#[must_use]
pub fn restorable(mut kept: Map<String, Json>) -> Map<String, Json> {
    for key in LEFT_OUT {
        kept.remove(key);
    }
    kept
}

/// The reply around the list.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    args: Vec<&'a RawValue>,
}

/// One element of the list.
#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    pm2_env: &'a RawValue,
}

/// The members of an object as they stand in its text.
struct Members<'a>(Vec<Member<'a>>);

/// Key and value, each as it stands in the text.
struct Member<'a> {
    key: &'a RawValue,
    value: &'a RawValue,
}

impl<'a> Member<'a> {
    fn told(&self) -> (&'a str, &'a str) {
        (self.key.get(), self.value.get())
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<&RawValue>()? {
                    members.push(Member { key, value: map.next_value()? });
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A key without its quotes and escapes.
fn plain(key: &str) -> Cow<'_, str> {
    serde_json::from_str::<String>(key).map_or(Cow::Borrowed(key), Cow::Owned)
}

/// Whether this member makes it a module, by what is true in JavaScript.
fn is_module(key: &str, value: &str) -> bool {
    plain(key) == "pmx_module" && !matches!(value, "false" | "null" | "0" | "\"\"")
}

/// An entry of the list, on one line.
fn saved(members: &[(&str, &str)]) -> String {
    let kept = members.iter().filter(|(key, _)| !LEFT_OUT.contains(&&*plain(key)));
    let kept: Vec<String> = kept.map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", kept.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(processes: &str) -> Vec<u8> {
        format!("{{\"args\":[[{processes}]]}}").into_bytes()
    }

    #[test]
    fn a_process_is_saved_as_the_daemon_sends_it() {
        let body = envelope(
            r#"{"pid":7,"name":"api","pm2_env":{"name":"api","env":{"B":"é\u2028\u0001","A":"x"},"instances":2,"z":1.50,"a":1e21,"list":[],"none":{},"deep":[{"b":[1]}],"pm_id":3,"prev_restart_delay":0,"status":"online"},"pm_id":3,"monit":{}}"#,
        );
        let dump = of_reply(&body).unwrap();
        assert_eq!((dump.processes, dump.modules), (1, 0));
        let expected = r#"[
  {
    "name": "api",
    "env": {
      "B": "é\u2028\u0001",
      "A": "x"
    },
    "z": 1.50,
    "a": 1e21,
    "list": [],
    "none": {},
    "deep": [
      {
        "b": [
          1
        ]
      }
    ],
    "status": "online"
  }
]"#;
        assert_eq!(dump.text, expected);
        let read = read(&dump.text).unwrap();
        assert_eq!(read[0]["env"]["A"], "x");
    }

    #[test]
    fn modules_are_left_out() {
        let module = |value: &str| format!(r#"{{"pm2_env":{{"pmx_module":{value}}}}}"#);
        let all = ["true", "\"x\"", "1", "false", "null", "0", "\"\""].map(module).join(",");
        let dump = of_reply(&envelope(&all)).unwrap();
        assert_eq!((dump.processes, dump.modules), (4, 3));
        assert_eq!(of_reply(&envelope("")).unwrap().text, "[]");
    }

    #[test]
    fn however_deep_it_is_indented() {
        let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
        let body = envelope(&format!(r#"{{"pm2_env":{{"deep":{deep}}}}}"#));
        let dump = of_reply(&body).unwrap();
        assert!(dump.text.contains(&format!("\n{}1\n", "  ".repeat(62))), "{}", dump.text);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for body in ["", "{}", "[]", r#"{"args":[5]}"#, r#"{"args":[[{"pid":1}]]}"#] {
            assert!(of_reply(body.as_bytes()).is_err(), "{body}");
        }
        for text in ["", "{}", "[5]", "[{}", "nonsense"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(read("[]").unwrap().len(), 0);
    }

    #[test]
    fn what_god_gives_anew_is_not_brought() {
        let kept = read(r#"[{"pm_id":1,"instances":2,"prev_restart_delay":0,"name":"a"}]"#);
        let entry = restorable(kept.unwrap().remove(0));
        assert_eq!(Json::Object(entry), serde_json::json!({ "name": "a" }));
    }
}
