//! Whom a call by name is meant for, as its arguments say it.
//!
//! Invariant: what God would look a process up by is read here as God reads it, so that the processes
//! can be named in a question and compared before the call is sent.

use serde_json::Value as Json;

use super::process::ProcessInfo;
use super::text::clean;

/// Whom a call reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// No process in particular.
    Nobody,
    /// The process with this id.
    Id(u32),
    /// All processes of this name, cleaned, or of the script with this path.
    Name(String),
    /// The process with this id, else those of this name.
    IdOrName(String),
    /// Whoever a message to this word reaches: a name, a namespace, `all`, or the file name of a script.
    Receivers(String),
    /// Every process; modules of PM2 only where that is `true`.
    All(bool),
}

impl Meant {
    /// Whether it reaches this process, by all but its script.
    #[must_use]
    pub fn fits(&self, info: &ProcessInfo) -> bool {
        let is_named = |name: &str| *info.name == *name;
        match self {
            Self::Nobody => false,
            Self::Id(id) => info.pm_id.0 == *id,
            Self::Name(name) => is_named(name),
            Self::IdOrName(word) => is_named(word) || info.pm_id.0.to_string() == *word,
            Self::Receivers(word) if word == "all" => !info.is_module,
            Self::Receivers(word) => {
                is_named(word) || info.namespace.as_deref() == Some(word.as_str())
            }
            Self::All(with_modules) => *with_modules || !info.is_module,
        }
    }

    /// The same, by its script: an absolute path, or for messages the name of the file.
    #[must_use]
    pub fn runs(&self, script: &str) -> bool {
        match self {
            Self::Name(path) | Self::IdOrName(path) => path.starts_with('/') && script == path,
            Self::Receivers(word) if word == "all" => false,
            Self::Receivers(file) => script.rsplit('/').next() == Some(file.as_str()),
            Self::Nobody | Self::Id(_) | Self::All(_) => false,
        }
    }
}

/// Whom a call of this method with these arguments reaches.
///
/// A method that no release was seen to have is read by the names that all the others use.
#[must_use]
pub fn meant(method: &str, args: &[Json]) -> Meant {
    let first = args.first();
    let field = |name: &str| first.and_then(|first| first.get(name));
    let by_name = |value: Option<&Json>| match value.and_then(Json::as_str) {
        Some(name) => Meant::Name(clean(name).into()),
        None => Meant::Nobody,
    };
    let by_id = |value: Option<&Json>| value.and_then(id).map_or(Meant::Nobody, Meant::Id);
    match (method, args) {
        (
            "stopWatch" | "startWatch" | "toggleWatch" | "restartWatch",
            [Json::String(of), rest @ ..],
        ) => meant(of, rest),
        ("deleteProcess", [Json::String(word)]) => Meant::IdOrName(clean(word).into()),
        ("stopAll" | "deleteAll" | "reload", _) => Meant::All(false),
        ("killMe" | "notifyKillPM2", _) => Meant::All(true),
        ("msgProcess", _) if field("id").is_none() => match by_name(field("name")) {
            Meant::Name(word) => Meant::Receivers(word),
            other => other,
        },
        ("sendSignalToProcessName", _) => by_name(field("process_name")),
        ("restartProcessName" | "stopProcessName" | "deleteProcessName", _) => by_name(first),
        ("lock" | "unlock", _) => by_name(field("name")),
        ("findByPort" | "findByScript" | "findByFullPath" | "prepare" | "prepareJson", _) => {
            Meant::Nobody
        }
        _ => {
            let named = ["id", "pm_id", "process_id"].into_iter().find_map(field);
            match by_id(named.or(first)) {
                Meant::Nobody => by_name(["name", "process_name"].into_iter().find_map(field)),
                found => found,
            }
        }
    }
}

/// An id, also as digits.
fn id(value: &Json) -> Option<u32> {
    let digits = || value.as_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.or_else(|| digits()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};
    use crate::protocol::risk::{Risk, methods};

    #[test]
    fn each_method_says_whom_it_reaches() {
        let name = || Meant::Name("api".into());
        for (method, args, wanted) in [
            ("stopProcessId", json!([0]), Meant::Id(0)),
            ("deleteProcessId", json!(["7"]), Meant::Id(7)),
            ("startProcessId", json!([{"id": 7}]), Meant::Id(7)),
            ("restartProcessId", json!([{"id": "7", "env": {}}]), Meant::Id(7)),
            ("reloadProcessId", json!([7]), Meant::Id(7)),
            ("duplicateProcessId", json!([7]), Meant::Id(7)),
            (
                "sendSignalToProcessId",
                json!([{"process_id": 7, "signal": "SIGTERM"}]),
                Meant::Id(7),
            ),
            ("sendSignalToProcessName", json!([{"process_name": "api", "signal": 9}]), name()),
            ("sendLineToStdin", json!([{"pm_id": 7, "line": "x"}]), Meant::Id(7)),
            ("sendDataToProcessId", json!([{"id": 7, "topic": "t", "data": 1}]), Meant::Id(7)),
            ("msgProcess", json!([{"id": 7, "msg": "x"}]), Meant::Id(7)),
            ("msgProcess", json!([{"name": "api", "msg": "x"}]), Meant::Receivers("api".into())),
            ("stopWatch", json!(["deleteProcessId", 7]), Meant::Id(7)),
            ("startWatch", json!(["restartProcessName", "api"]), name()),
            ("stopWatch", json!(["deleteAll", {}]), Meant::All(false)),
            ("restartProcessName", json!(["api"]), name()),
            ("stopProcessName", json!(["ap\u{1b}[2Ji"]), name()),
            ("deleteProcess", json!([7]), Meant::Id(7)),
            ("deleteProcess", json!(["7"]), Meant::IdOrName("7".into())),
            ("lock", json!([{"name": "api"}]), name()),
            ("stopAll", json!([{}]), Meant::All(false)),
            ("killMe", json!([{}]), Meant::All(true)),
            ("reloadLogs", json!([{}]), Meant::Nobody),
            ("ping", json!([{}]), Meant::Nobody),
            ("prepare", json!([{"name": "api", "pm_id": 7}]), Meant::Nobody),
            ("noReleaseHasThis", json!([7]), Meant::Id(7)),
            ("noReleaseHasThis", json!([{"process_id": 7}]), Meant::Id(7)),
        ] {
            let args = args.as_array().unwrap();
            assert_eq!(meant(method, args), wanted, "{method} {args:?}");
        }
    }

    #[test]
    fn a_process_is_found_as_god_finds_it() {
        let api = ProcessInfo {
            namespace: Some("shop".into()),
            ..ProcessInfo::new(PmId(7), "api", ProcessStatus::Online)
        };
        let word = |word: &str| word.to_owned();
        for (meant, fits) in [
            (Meant::Nobody, false),
            (Meant::Id(7), true),
            (Meant::Id(0), false),
            (Meant::Name(word("api")), true),
            (Meant::Name(word("shop")), false),
            (Meant::IdOrName(word("7")), true),
            (Meant::IdOrName(word("api")), true),
            (Meant::Receivers(word("shop")), true),
            (Meant::Receivers(word("all")), true),
            (Meant::Receivers(word("7")), false),
            (Meant::All(false), true),
        ] {
            assert_eq!(meant.fits(&api), fits, "{meant:?}");
        }
        let module = ProcessInfo { is_module: true, ..api };
        assert!(!Meant::All(false).fits(&module) && Meant::All(true).fits(&module));
        assert!(Meant::Name(word("/srv/a.js")).runs("/srv/a.js"));
        assert!(!Meant::Name(word("a.js")).runs("/srv/a.js"));
        assert!(Meant::Receivers(word("a.js")).runs("/srv/a.js"));
    }

    #[test]
    fn what_is_asked_about_and_is_of_one_process_is_never_meant_for_nobody() {
        for (method, _) in methods().filter(|(_, risk)| *risk >= Risk::Changes) {
            let by_name = method.contains("ProcessName");
            if !by_name && !method.contains("ProcessId") {
                continue;
            }
            let value = if by_name { json!("api") } else { json!(7) };
            let object = json!({"id": 7, "process_id": 7, "process_name": "api"});
            let is_object = method.starts_with("send") || method.starts_with("notify");
            let args = [if is_object { object } else { value }];
            assert_ne!(meant(method, &args), Meant::Nobody, "{method}");
        }
    }
}
