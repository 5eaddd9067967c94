//! A call of a method, or a message to a process, being typed.
//!
//! Invariant: only what the daemon's own list allows can be asked for; why anything else cannot is
//! said while it is typed.

use serde_json::{Value as Json, json};

use super::editor::{Breaks, Editor};
use super::marks::Marked;
use crate::model::call::NamedCall;
use crate::model::daemon::Daemon;
use crate::model::watched::Watched;
use crate::model::{DaemonId, Target, outlook};
use crate::protocol::meant::{Meant, meant};
use crate::protocol::message::{TOPIC, whole_message};
use crate::protocol::shape;
use crate::protocol::text::clean;

/// The arguments of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// Of which daemon.
    pub daemon: DaemonId,
    /// PM2's name of the method.
    pub method: Box<str>,
    /// The daemon's own names of its parameters, without the callback.
    pub params: Vec<Box<str>>,
    /// The arguments as JSON, separated by blanks or commas.
    pub input: Editor,
    /// The process that was selected and is filled in, where the method takes one.
    pub target: Option<Target>,
}

/// A message to a process or to its app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compose {
    /// Of which daemon.
    pub daemon: DaemonId,
    /// To which process, as it was when the prompt was opened.
    pub target: Target,
    /// To whom else: those that are marked, or of the same group of the tree.
    pub others: Vec<(DaemonId, Target)>,
    /// Whether it goes to every process of that name.
    pub is_to_app: bool,
    /// Text or JSON.
    pub input: Editor,
}

/// The method that sends messages, of which the daemon module makes what the daemon needs.
pub(super) const SEND: &str = "msgProcess";
/// The one method that takes a whole packet for an app (docs/pm2.md section 4).
const SEND_DATA: &str = "sendDataToProcessId";

impl Arguments {
    /// What is asked for a method, filled in for the process that is selected.
    #[must_use]
    pub fn new(
        daemon: DaemonId,
        method: &str,
        params: Vec<Box<str>>,
        target: Option<Target>,
    ) -> Self {
        let filled = match (method, target.as_ref().map(|target| target.pm_id)) {
            (method, _) if shape::ignores_argument(method) => "{}".to_owned(),
            (SEND_DATA, Some(id)) => {
                format!(r#"{{"id":{id},"type":"{TOPIC}","topic":"{TOPIC}","data":{{}}}}"#)
            }
            (SEND, Some(id)) => format!(r#"{{"id":{id},"msg":{{"type":"{TOPIC}","data":{{}}}}}}"#),
            ("notifyByProcessId", Some(id)) => {
                format!(r#"{{"id":{id},"action_name":"restart"}}"#)
            }
            ("stopWatch", Some(id)) => format!(r#""stopProcessId" {id}"#),
            ("startWatch" | "toggleWatch" | "restartWatch", Some(id)) => {
                format!(r#""restartProcessId" {{"id":{id}}}"#)
            }
            ("sendLineToStdin", Some(id)) => format!(r#"{{"pm_id":{id},"line":""}}"#),
            ("sendSignalToProcessId", Some(id)) => {
                format!(r#"{{"process_id":{id},"signal":"SIGUSR2"}}"#)
            }
            (_, Some(id)) => {
                let of = |param: &str| match param {
                    "id" | "pm_id" => Some(id.to_string()),
                    "opts" => Some(format!(r#"{{"id":{id}}}"#)),
                    _ => None,
                };
                params.iter().map_while(|param| of(param)).collect::<Vec<_>>().join(" ")
            }
            (_, None) => String::new(),
        };
        // What is not filled in is not meant.
        let target = target.filter(|_| !filled.is_empty() && filled != "{}");
        Self {
            daemon,
            method: method.into(),
            params,
            input: Editor::with(&filled, Breaks::Json),
            target,
        }
    }

    /// Whether there is nothing to be asked: the method ignores its argument.
    #[must_use]
    pub fn needs_nothing(&self) -> bool {
        shape::ignores_argument(&self.method)
    }

    /// The call as typed.
    ///
    /// # Errors
    /// Why it cannot be made, as one cleaned line.
    pub fn call(&self, watched: &Watched) -> Result<NamedCall, String> {
        let args = json_values(&self.input.text())?;
        let call = checked(watched, self.daemon, &self.method, args)?;
        // Who was selected when this was opened, as it was then; who else is typed, as it is now.
        let meant = meant(&call.method, &call.args);
        let chosen = |target: &Target| {
            let own = self.target.as_ref().filter(|own| own.pm_id == target.pm_id);
            own.cloned().unwrap_or_else(|| target.clone())
        };
        let god = watched.daemon(self.daemon).and_then(|daemon| daemon.god);
        let all = watched.fleet.iter().filter(|(key, _)| key.daemon == self.daemon);
        let found = all.filter(|(_, process)| meant.fits(&process.info));
        let mut targets: Vec<Target> = found.map(|(_, it)| chosen(&it.target(god))).collect();
        if targets.is_empty() {
            let is_own = |own: &&Target| meant == Meant::Id(own.pm_id.0);
            targets.extend(self.target.iter().filter(is_own).cloned());
        }
        Ok(NamedCall { targets, ..call })
    }
}

impl Compose {
    /// A message to this process, with nothing typed yet. Where the daemon can only send to an app,
    /// that is whom it goes to.
    #[must_use]
    pub fn new(watched: &Watched, daemon: DaemonId, target: Target) -> Self {
        let methods = watched.daemon(daemon).and_then(|daemon| daemon.methods.as_ref());
        let is_to_app = methods.is_some_and(|methods| !methods.has(SEND_DATA));
        let input = Editor::with("", Breaks::JsonOrText);
        Self { daemon, target, others: Vec::new(), is_to_app, input }
    }

    /// The same to all of these; `None` where there are none.
    pub(super) fn to_all(watched: &Watched, targets: Vec<(DaemonId, Target)>) -> Option<Self> {
        let mut targets = targets.into_iter();
        let (daemon, target) = targets.next()?;
        Some(Self { others: targets.collect(), ..Self::new(watched, daemon, target) })
    }

    /// All whom it was opened for.
    pub fn targets(&self) -> impl Iterator<Item = (DaemonId, &Target)> {
        let others = self.others.iter().map(|(daemon, target)| (*daemon, target));
        std::iter::once((self.daemon, &self.target)).chain(others)
    }

    /// The same, as what is to be acted on.
    pub(super) fn marked(&self) -> Marked {
        let targets = self.targets().map(|(daemon, target)| (daemon, target.clone()));
        Marked { targets: targets.collect(), hidden: 0, part: None }
    }

    /// Whom it goes to, for a person: `api[0]`, `api (2 processes)`.
    #[must_use]
    pub fn to(&self, watched: &Watched) -> String {
        if !self.others.is_empty() {
            let place = |id| match watched.daemon(id) {
                Some(daemon) if watched.daemons.len() > 1 => format!(" on {}", daemon.label),
                _ => String::new(),
            };
            let targets = self.marked().targets;
            let whom = outlook::labels(&targets, place).join(", ");
            return format!("{} processes: {whom}", targets.len());
        }
        match self.all(watched).len() {
            count if self.is_to_app && count > 1 => {
                format!("{} ({count} processes)", self.target.name)
            }
            _ => self.target.label(),
        }
    }

    /// All processes that a message to the app reaches: PM2 looks at the name alone.
    #[must_use]
    pub fn all(&self, watched: &Watched) -> Vec<Target> {
        let god = watched.daemon(self.daemon).and_then(|daemon| daemon.god);
        let processes = watched.fleet.iter();
        processes
            .filter(|(key, other)| key.daemon == self.daemon && other.info.name == self.target.name)
            .map(|(_, process)| process.target(god))
            .collect()
    }

    /// What an app gets of what is typed, but for its id.
    #[must_use]
    pub fn message(&self) -> Json {
        let typed = self.input.text();
        let typed = serde_json::from_str(&typed).unwrap_or(Json::String(typed));
        // Whole: a bare text could be taken for the name of an action.
        Json::Object(whole_message(&typed))
    }

    /// The call that sends the message.
    ///
    /// # Errors
    /// Why it cannot be sent, as one cleaned line.
    pub fn call(&self, watched: &Watched) -> Result<NamedCall, String> {
        for (daemon, target) in self.targets() {
            let process = watched.fleet.get(target.key(daemon));
            if !process.is_some_and(|process| target.is(&process.info)) {
                return Err(if self.others.is_empty() {
                    "the process is gone".to_owned()
                } else {
                    format!("{} is gone", target.label())
                });
            }
        }
        if self.is_to_app && !self.others.is_empty() {
            return Err(
                "this PM2 sends to all of a name at once: choose one process, unmarked".to_owned()
            );
        }
        if self.input.text().trim().is_empty() {
            return Err(
                "text or JSON; {\"type\":\"x\",\"data\":{}} is sent with that type".to_owned()
            );
        }
        // What begins like JSON is meant to be some: half of it is not sent as a text.
        if self.input.text().trim_start().starts_with(['{', '[']) {
            serde_json::from_str::<Json>(&self.input.text())
                .map_err(|error| broken(&self.input.text(), 0, &error))?;
        }
        if !self.is_to_app {
            let message = self.message();
            for (daemon, target) in self.targets() {
                checked(watched, daemon, SEND, message_to(target, &message).args)?;
            }
            return Ok(message_to(&self.target, &message));
        }
        // By its name it goes to whoever has it, also to one that came since.
        let to = ("name".to_owned(), json!(self.target.name));
        let opts = Json::Object([to, ("msg".to_owned(), self.message())].into_iter().collect());
        checked(watched, self.daemon, SEND, vec![opts])
    }
}

/// The call that sends a message to this process.
pub(super) fn message_to(target: &Target, message: &Json) -> NamedCall {
    let call = NamedCall::new(SEND, vec![json!({ "id": target.pm_id.0, "msg": message })]);
    NamedCall { targets: vec![target.clone()], ..call }
}

/// Checks a call by what the daemon said of itself when it connected.
fn checked(
    watched: &Watched,
    id: DaemonId,
    method: &str,
    args: Vec<Json>,
) -> Result<NamedCall, String> {
    let daemon = watched.daemon(id).filter(|daemon| Daemon::is_live(daemon));
    let methods = daemon
        .and_then(|daemon| daemon.methods.as_ref())
        .ok_or_else(|| "the daemon is not connected".to_owned())?;
    match methods.check_named(method, args.clone()) {
        Ok(_) => Ok(NamedCall::new(method, args)),
        Err(refused) => Err(clean(&refused.to_string()).into_owned()),
    }
}

/// Reads JSON values separated by blanks, by commas or by nothing where that is clear.
///
/// # Errors
/// What is wrong, and at which character.
fn json_values(text: &str) -> Result<Vec<Json>, String> {
    let mut values = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Json>();
        match stream.next() {
            Some(Ok(value)) => values.push(value),
            Some(Err(error)) => return Err(broken(text, at, &error)),
            None => break,
        }
        rest = rest.get(stream.byte_offset()..).unwrap_or_default().trim_start();
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
            if rest.is_empty() {
                return Err("a value is missing after the comma".to_owned());
            }
        }
    }
    Ok(values)
}

/// Reads a text that is one JSON value.
///
/// # Errors
/// What is wrong, and at which character.
pub(super) fn json_at_once(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| broken(text, 0, &error))
}

/// What an action gets as its parameters.
///
/// # Errors
/// Why that is no JSON, though it begins like some.
pub(super) fn parameters(typed: &str) -> Result<Json, String> {
    if typed.starts_with(['{', '[', '"']) {
        return json_at_once(typed);
    }
    // A number is a text to all actions seen.
    Ok(Json::String(typed.to_owned()))
}

/// What serde says of a value that begins at byte `at`, with the place in the whole text.
fn broken(text: &str, at: usize, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "not complete yet".to_owned();
    }
    // Lines are counted from 1, and columns in bytes.
    let value = text.get(at..).unwrap_or_default();
    let lines = value.split_inclusive('\n').take(error.line().saturating_sub(1));
    let byte = at + lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let place = text.char_indices().take_while(|(start, _)| *start < byte).count() + 1;
    let words = error.to_string();
    let what = words.split(" at line ").next().unwrap_or_default();
    format!("invalid JSON at character {place}: {what} (text goes in \"quotes\")")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

    fn arguments(method: &str, params: &[&str]) -> String {
        let params = params.iter().map(|param| Box::from(*param)).collect();
        let process = ProcessInfo::new(PmId(7), "api", ProcessStatus::Online);
        let target = Some(Target::of(&process));
        Arguments::new(DaemonId(0), method, params, target).input.text()
    }

    #[test]
    fn the_selected_process_is_filled_in() {
        assert_eq!(arguments("startProcessId", &["id"]), "7");
        assert_eq!(arguments("monitor", &["pm_id"]), "7");
        assert_eq!(arguments("restartProcessId", &["opts"]), r#"{"id":7}"#);
        assert_eq!(arguments("ping", &["env"]), "{}");
        assert_eq!(arguments("prepare", &["env"]), "");
        assert_eq!(arguments("stopWatch", &["method", "value"]), r#""stopProcessId" 7"#);
        assert_eq!(arguments("sendLineToStdin", &["packet"]), r#"{"pm_id":7,"line":""}"#);
        let none = Arguments::new(DaemonId(0), "startProcessId", vec!["id".into()], None);
        assert_eq!(none.input.text(), "");
    }

    #[test]
    fn values_are_separated_by_blanks_or_commas() {
        let read = |text| json_values(text).map(|values| Json::from(values).to_string());
        assert_eq!(read(r#" 1, "a b" {"c":[1,2]}null "#).unwrap(), r#"[1,"a b",{"c":[1,2]},null]"#);
        assert_eq!(read("1 2,3").unwrap(), "[1,2,3]");
        assert_eq!(read("").unwrap(), "[]");
        assert_eq!(read("{\"id\":").unwrap_err(), "not complete yet");
        assert!(read("1,,2").unwrap_err().contains("character 3"), "{:?}", read("1,,2"));
        assert!(read("7 äx").unwrap_err().contains("character 3"), "{:?}", read("7 äx"));
        assert!(read("1,").unwrap_err().contains("after the comma"));
        let lines = read("1\n{\n\"a\": x}").unwrap_err();
        assert!(lines.contains("character 10"), "{lines}");
    }
}
