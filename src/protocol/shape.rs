//! What each known method takes, so that no call by name can take a God daemon down.
//!
//! Invariant: `checked` lets through only what the probes of docs/pm2.md sections 1 and 3 showed to be
//! harmless: the daemon's own argument count, and each argument of the shape that the method's
//! source reads without a guard. What can be read in one way only is put into that shape.

use serde_json::{Map, Value as Json, json};

use super::cron::Reader;
use super::rpc::{CallRefused, CheckedCall, Methods, check_count};
use super::settings;

/// A method of God's that some release has.
struct Known {
    name: &'static str,
    /// What it takes, for a person: follows on "NAME takes".
    takes: &'static str,
    fits: Fits,
}

/// How arguments are checked. Their count is right already.
enum Fits {
    /// One argument that is not looked at.
    Ignored,
    /// One bare id; `{id}` and digits become one.
    Id,
    /// One `{id}`, or one bare id where the daemon's own first parameter is called so.
    IdOr,
    /// One object with these, checked by the function, which may put it into shape.
    Object(fn(&mut Map<String, Json>) -> bool),
    /// One text that is not empty.
    Text,
    /// Anything else.
    All(fn(&mut [Json]) -> bool),
    /// Never by name: why.
    Never(&'static str),
}

const ID: &str = "the id of a process: 0";
const RESTART: &str = r#"the id of a process, 0 or {"id": 0}; with variables as "env""#;
const NAME: &str = "a name, as text";
const WATCH: &str = r#"a method's name and what it is about: "stopProcessId", 0"#;
const WATCH_AGAIN: &str = r#""restartProcessId" and {"id": 0}, or "restartProcessName" and a name"#;
const SIGNAL: &str = r#"{"process_id": 0, "signal": "SIGUSR2"}"#;
const SIGNAL_NAME: &str = r#"{"process_name": "app", "signal": "SIGUSR2"}"#;
const MESSAGE: &str = r#"an object with "msg" and a process: {"id": 0, "msg": "action"} or "name""#;
const DATA: &str = r#"{"id": 0, "topic": "my:topic", "data": {}}"#;
const LINE: &str = r#"{"pm_id": 0, "line": "text\n"}"#;
const NOTICE: &str = r#"{"id": 0, "action_name": "restart"}"#;
const PROFILE: &str = r#"{"pwd": "/absolute/file", "timeout": 5000}"#;
const LOCK: &str = r#"{"name": "app"}"#;
const PREPARE: &str = "one object with an object \"env\" and the absolute paths \"pm_exec_path\", \
                       \"pm_pid_path\", \"pm_out_log_path\" and \"pm_err_log_path\"";
const PREPARE_JSON: &str = "an app with a \"script\", and an absolute working directory";
const KILLS: &str = "it leaves fork apps running without a daemon; pm2-tui kill deletes all first";
const DOOMS: &str = "every restart fails after it, until the daemon is killed";

const fn known(name: &'static str, takes: &'static str, fits: Fits) -> Known {
    Known { name, takes, fits }
}

/// Every method of PM2 0.10 to 7.0 (docs/pm2.md section 1).
const KNOWN: &[Known] = &[
    known("ping", "{}", Fits::Ignored),
    known("getVersion", "{}", Fits::Ignored),
    known("getMonitorData", "{}", Fits::Ignored),
    known("getSystemData", "{}", Fits::Ignored),
    known("getReport", "{}", Fits::Ignored),
    known("reloadLogs", "an object: {}", Fits::Object(any_object)),
    known("launchSysMonitoring", "{}", Fits::Ignored),
    known("forceGc", "{}", Fits::Ignored),
    known("stopAll", "an object: {}", Fits::Object(any_object)),
    known("deleteAll", "an object: {}", Fits::Object(any_object)),
    known("startProcessId", ID, Fits::Id),
    known("stopProcessId", ID, Fits::Id),
    known("deleteProcessId", ID, Fits::Id),
    known("duplicateProcessId", ID, Fits::Id),
    known("resetMetaProcessId", ID, Fits::Id),
    known("monitor", ID, Fits::Id),
    known("unmonitor", ID, Fits::Id),
    known("restartProcessId", RESTART, Fits::IdOr),
    known("reloadProcessId", RESTART, Fits::IdOr),
    known("softReloadProcessId", RESTART, Fits::IdOr),
    known("restartProcessName", NAME, Fits::Text),
    known("stopProcessName", NAME, Fits::Text),
    known("deleteProcessName", NAME, Fits::Text),
    known("findByScript", "the name of a script's file", Fits::Text),
    known("findByFullPath", "a path", Fits::Text),
    known("findByPort", "a port: 3000", Fits::All(port)),
    known("stopWatch", WATCH, Fits::All(watch)),
    known("startWatch", WATCH_AGAIN, Fits::All(watch_again)),
    known("toggleWatch", WATCH_AGAIN, Fits::All(watch_again)),
    known("restartWatch", WATCH_AGAIN, Fits::All(watch_again)),
    known("notifyByProcessId", NOTICE, Fits::Object(notice)),
    known("msgProcess", MESSAGE, Fits::Object(message)),
    known("sendDataToProcessId", DATA, Fits::Object(data)),
    known("sendLineToStdin", LINE, Fits::Object(line)),
    known("sendSignalToProcessId", SIGNAL, Fits::Object(signal_by_id)),
    known("sendSignalToProcessName", SIGNAL_NAME, Fits::Object(signal_by_name)),
    known("prepare", PREPARE, Fits::Object(prepared)),
    known("prepareJson", PREPARE_JSON, Fits::All(prepare_json)),
    known("profileCPU", PROFILE, Fits::Object(profile)),
    known("profileMEM", PROFILE, Fits::Object(profile)),
    known("profileStart", PROFILE, Fits::Object(profile)),
    known("profileStop", PROFILE, Fits::Object(profile)),
    known("snapshotPM2", PROFILE, Fits::Object(profile)),
    known("lock", LOCK, Fits::Object(lock)),
    known("unlock", LOCK, Fits::Object(lock)),
    known("killMe", "{}", Fits::Never(KILLS)),
    known("notifyKillPM2", "{}", Fits::Never(DOOMS)),
];

fn find(method: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == method)
}

/// What a method takes, or why it is never called by name, in a few words; of one that no release
/// was seen to have, nothing is known.
#[must_use]
pub fn about(method: &str) -> String {
    match find(method) {
        Some(Known { fits: Fits::Never(reason), .. }) => format!("never by name: {reason}"),
        Some(known) => format!("takes {}", known.takes),
        None => "no release that we know has it".to_owned(),
    }
}

/// Whether a method takes one object and does not look at it, so that `{}` stands for no argument.
#[must_use]
pub fn ignores_argument(method: &str) -> bool {
    // These do not look at theirs either, but act on everything: anything but an object is a mistake.
    matches!(method, "reload" | "killMe" | "stopAll" | "deleteAll" | "reloadLogs")
        || find(method).is_some_and(|known| matches!(known.fits, Fits::Ignored))
}

impl Methods {
    /// Checks a call of any method by its name: the argument count is the daemon's own, and the
    /// arguments of the known methods have the shape that they take. What can be read in one way
    /// only is put into that shape: `"0"` and `0` where `{id: 0}` is wanted.
    ///
    /// # Errors
    /// [`CallRefused`] with a sentence that names the method and what it takes.
    pub fn check_named(&self, method: &str, args: Vec<Json>) -> Result<CheckedCall, CallRefused> {
        let unknown = || CallRefused::UnknownMethod { method: method.into() };
        let params = self.params(method).ok_or_else(unknown)?;
        let args = checked(self, method, params, args)?;
        Ok(CheckedCall::of(method, args))
    }
}

/// Checks the arguments of a call by name, and puts them into shape.
fn checked(
    methods: &Methods,
    method: &str,
    params: &[Box<str>],
    mut args: Vec<Json>,
) -> Result<Vec<Json>, CallRefused> {
    let Some(known) = find(method) else {
        return unknown(method, params, args);
    };
    let harmful =
        |reason: &str| CallRefused::Harmful { method: method.into(), reason: reason.into() };
    if let Fits::Never(reason) = known.fits {
        return Err(harmful(reason));
    }
    // That generation, of 0.10.8, has no `notifyByProcessId`. It died of the first half way
    // (measured), and never answers the second (`lib/God/ActionMethods.js`).
    let is_first_generation = !methods.has("notifyByProcessId");
    match method {
        "reloadLogs" if is_first_generation => {
            return Err(harmful("this release of PM2 dies of it"));
        }
        "restartWatch" if is_first_generation => {
            return Err(harmful("this release of PM2 never answers it"));
        }
        _ => {}
    }
    let refused = |takes: String| CallRefused::Shape { method: method.into(), takes: takes.into() };
    if let Err(CallRefused::ArgumentCount { wanted, found, .. }) =
        check_count(method, params, args.len())
    {
        let plural = if wanted == 1 { "" } else { "s" };
        let takes = known.takes;
        return Err(refused(format!("{wanted} argument{plural}, {takes}; {found} given")));
    }
    let brought = args.first().and_then(Json::as_object);
    if let Some((key, reason)) =
        brought.and_then(|fields| trouble(method, fields, methods.cron_reader()))
    {
        return Err(refused(format!("{}; {key} {reason}", known.takes)));
    }
    if known.fit(params, &mut args) { Ok(args) } else { Err(refused(known.takes.to_owned())) }
}

/// A method that no release was seen to have: only its own count and the nulls can be checked.
fn unknown(method: &str, params: &[Box<str>], args: Vec<Json>) -> Result<Vec<Json>, CallRefused> {
    let refused = |takes: String| CallRefused::Shape { method: method.into(), takes: takes.into() };
    if params.is_empty() {
        return Err(refused("arguments that the daemon does not tell".to_owned()));
    }
    check_count(method, params, args.len())?;
    if args.iter().any(Json::is_null) {
        let named: Vec<&str> = params.iter().map(|param| &**param).collect();
        let named = named.split_last().map(|(_, named)| named.join(", ")).unwrap_or_default();
        return Err(refused(format!("({named}), none of them null")));
    }
    Ok(args)
}

impl Known {
    fn fit(&self, params: &[Box<str>], args: &mut [Json]) -> bool {
        let ([arg], fits) = (&mut *args, &self.fits) else {
            return matches!(self.fits, Fits::All(fits) if fits(args));
        };
        match fits {
            Fits::Ignored => {
                if arg.is_null() {
                    *arg = json!({});
                }
                true
            }
            Fits::Id => bare_id(arg),
            Fits::IdOr if params.first().is_some_and(|param| &**param == "id") => bare_id(arg),
            Fits::IdOr => id_object(arg),
            Fits::Object(fits) => arg.as_object_mut().is_some_and(fits),
            Fits::Text => is_text(arg),
            Fits::All(fits) => fits(args),
            Fits::Never(_) => false,
        }
    }
}

/// An id as a number; digits become one.
fn id(value: &mut Json) -> bool {
    let digits = value.as_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(number) = digits.and_then(|text| text.parse::<u32>().ok()) {
        *value = json!(number);
    }
    value.as_u64().is_some_and(|number| u32::try_from(number).is_ok())
}

fn bare_id(value: &mut Json) -> bool {
    // With more in it, something else was meant.
    if value.as_object().is_some_and(|fields| fields.len() == 1)
        && let Some(inner) = value.get_mut("id").map(Json::take)
    {
        *value = inner;
    }
    id(value)
}

fn id_object(value: &mut Json) -> bool {
    if !value.is_object() {
        let bare = value.take();
        *value = json!({ "id": bare });
    }
    let Some(fields) = value.as_object_mut() else {
        return false;
    };
    is_none_or(fields, "env", Json::is_object) && fields.get_mut("id").is_some_and(id)
}

fn is_text(value: &Json) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn has_text(fields: &Map<String, Json>, key: &str) -> bool {
    fields.get(key).is_some_and(is_text)
}

fn is_absolute(value: Option<&Json>) -> bool {
    value.and_then(Json::as_str).is_some_and(|path| path.starts_with('/'))
}

/// A field that is not there, or fits.
fn is_none_or(fields: &Map<String, Json>, key: &str, fits: impl Fn(&Json) -> bool) -> bool {
    fields.get(key).is_none_or(fits)
}

/// What is wrong with the settings that a call brings, if anything is: the key and why.
fn trouble(method: &str, fields: &Map<String, Json>, reader: Reader) -> Option<(String, String)> {
    match method {
        "prepare" => settings::trouble(fields, reader),
        "prepareJson" => settings::trouble_of_known(fields, reader),
        "restartProcessId" | "reloadProcessId" | "softReloadProcessId" => {
            let mut variables = fields.get("env")?.as_object()?.clone();
            let conf = match variables.remove("current_conf") {
                Some(Json::Object(conf)) => settings::trouble(&conf, reader),
                Some(_) => {
                    return Some(("env.current_conf".to_owned(), "must be an object".to_owned()));
                }
                None => None,
            };
            let within = |place: &str, (key, reason)| (format!("{place}.{key}"), reason);
            let variables = || settings::trouble_in_variables(&variables, reader);
            conf.map(|trouble| within("env.current_conf", trouble))
                .or_else(|| variables().map(|trouble| within("env", trouble)))
        }
        _ => None,
    }
}

fn any_object(_: &mut Map<String, Json>) -> bool {
    true
}

fn port(args: &mut [Json]) -> bool {
    args.iter().all(|port| port.is_u64() || is_text(port))
}

fn watch(args: &mut [Json]) -> bool {
    let [method, value] = args else {
        return false;
    };
    match method.as_str() {
        // Of any other word God takes a part for one of these, and the value as it is.
        Some("stopProcessId" | "deleteProcessId" | "restartProcessId" | "reloadProcessId") => {
            id(value)
        }
        Some("stopProcessName" | "deleteProcessName" | "restartProcessName") => is_text(value),
        Some("stopAll" | "deleteAll") => value.is_object(),
        _ => false,
    }
}

/// These find their process by `{id}` only (`lib/God/ActionMethods.js`): a bare id would be answered
/// with success, and nothing done.
fn watch_again(args: &mut [Json]) -> bool {
    match args {
        [method, value] if method == "restartProcessId" => id_object(value),
        [method, value] if method == "restartProcessName" => is_text(value),
        _ => false,
    }
}

fn notice(fields: &mut Map<String, Json>) -> bool {
    has_text(fields, "action_name") && fields.get_mut("id").is_some_and(id)
}

fn message(fields: &mut Map<String, Json>) -> bool {
    let has_message = fields.get("msg").is_some_and(|message| !message.is_null());
    match fields.get_mut("id") {
        Some(value) => has_message && id(value),
        None => has_message && has_text(fields, "name"),
    }
}

fn data(fields: &mut Map<String, Json>) -> bool {
    let has_data = fields.get("data").is_some_and(|data| !data.is_null());
    has_data && has_text(fields, "topic") && fields.get_mut("id").is_some_and(id)
}

fn line(fields: &mut Map<String, Json>) -> bool {
    has_text(fields, "line") && fields.get_mut("pm_id").is_some_and(id)
}

fn has_signal(fields: &Map<String, Json>) -> bool {
    let number = |signal: &Json| signal.as_u64().is_some_and(|number| number <= 64);
    fields.get("signal").is_some_and(|signal| is_text(signal) || number(signal))
}

fn signal_by_id(fields: &mut Map<String, Json>) -> bool {
    has_signal(fields) && fields.get_mut("process_id").is_some_and(id)
}

fn signal_by_name(fields: &mut Map<String, Json>) -> bool {
    has_signal(fields) && has_text(fields, "process_name")
}

fn profile(fields: &mut Map<String, Json>) -> bool {
    // `setTimeout` in the daemon: a minute is long enough.
    let is_short = |timeout: &Json| timeout.as_u64().is_some_and(|ms| ms <= 60_000);
    is_absolute(fields.get("pwd")) && is_none_or(fields, "timeout", is_short)
}

fn lock(fields: &mut Map<String, Json>) -> bool {
    has_text(fields, "name")
}

/// Whether what God cannot do without is there; [`trouble`] has looked at what is.
fn prepared(fields: &mut Map<String, Json>) -> bool {
    ["pm_exec_path", "pm_pid_path", "pm_out_log_path", "pm_err_log_path", "env"]
        .into_iter()
        .all(|key| fields.contains_key(key))
}

/// The name that an app gets from the path of its script.
fn script_name(script: &str) -> Option<String> {
    let stem = std::path::Path::new(script).file_stem()?;
    Some(stem.to_string_lossy().into_owned())
}

fn prepare_json(args: &mut [Json]) -> bool {
    let [app, folder] = args else {
        return false;
    };
    let has_script = app.get("script").is_some_and(is_text);
    // Measured: 0.12.16 throws without a name. Its own command line takes the script's, too.
    if let (None, Some(fields)) = (app.get("name").cloned(), app.as_object_mut())
        && let Some(name) = fields.get("script").and_then(Json::as_str).and_then(script_name)
    {
        fields.insert("name".to_owned(), json!(name));
    }
    app.is_object() && has_script && is_absolute(Some(folder))
}

#[cfg(test)]
mod tests;
