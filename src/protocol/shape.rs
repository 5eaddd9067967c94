//! What each known method takes, so that no call by name can take a God daemon down.
//!
//! Invariant: `checked` lets through only what the probes of PM2.md sections 1 and 3 showed to be
//! harmless: the daemon's own argument count, and each argument of the shape that the method's
//! source reads without a guard. What can be read in one way only is put into that shape.

use serde_json::{Map, Value as Json, json};

use super::cron::{self, CronError};
use super::rpc::{CallRefused, Methods, check_count};

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
const RESTART: &str = r#"the id of a process, 0 or {"id": 0}; with "env" and its "current_conf" as prepare takes them"#;
const NAME: &str = "a name, as text";
const WATCH: &str = r#"a method's name and what it is about: "stopProcessId", 0"#;
const SIGNAL: &str = r#"{"process_id": 0, "signal": "SIGUSR2"}"#;
const SIGNAL_NAME: &str = r#"{"process_name": "app", "signal": "SIGUSR2"}"#;
const MESSAGE: &str = r#"an object with "msg" and a process: {"id": 0, "msg": "action"} or "name""#;
const DATA: &str = r#"{"id": 0, "topic": "my:topic", "data": {}}"#;
const LINE: &str = r#"{"pm_id": 0, "line": "text\n"}"#;
const NOTICE: &str = r#"{"id": 0, "action_name": "restart"}"#;
const PROFILE: &str = r#"{"pwd": "/absolute/file", "timeout": 5000}"#;
const LOCK: &str = r#"{"name": "app"}"#;
const PREPARE: &str = "one object with an absolute \"pm_exec_path\", a \"pm_pid_path\", an object \
                       \"env\", a number as \"instances\" and a valid \"cron_restart\"";
const PREPARE_JSON: &str = "an app with a \"script\", a number as \"instances\" and a valid \
                            \"cron_restart\"; and an absolute working directory";
const KILLS: &str = "it leaves fork apps running without a daemon; pm2-tui kill deletes all first";
const DOOMS: &str = "every restart fails after it, until the daemon is killed";

const fn known(name: &'static str, takes: &'static str, fits: Fits) -> Known {
    Known { name, takes, fits }
}

/// Every method of PM2 0.10 to 7.0 (PM2.md section 1).
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
    known("startWatch", WATCH, Fits::All(watch)),
    known("toggleWatch", WATCH, Fits::All(watch)),
    known("restartWatch", WATCH, Fits::All(watch)),
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

/// What a method takes, for a person; nothing for one that no release was seen to have.
#[must_use]
pub fn takes(method: &str) -> Option<&'static str> {
    find(method).map(|known| known.takes)
}

/// Whether a method takes one object and does not look at it, so that `{}` stands for no argument.
#[must_use]
pub fn ignores_argument(method: &str) -> bool {
    // These do not look at theirs either, but act on everything: anything but an object is a slip.
    matches!(method, "reload" | "killMe" | "stopAll" | "deleteAll" | "reloadLogs")
        || find(method).is_some_and(|known| matches!(known.fits, Fits::Ignored))
}

/// Checks the arguments of a call by name, and puts them into shape.
pub(super) fn checked(
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
    // Measured: 0.10.8 died of it half way. That generation has no `notifyByProcessId`.
    if method == "reloadLogs" && !methods.has("notifyByProcessId") {
        return Err(harmful("this release of PM2 dies of it"));
    }
    let refused = |takes: String| CallRefused::Shape { method: method.into(), takes: takes.into() };
    if let Err(CallRefused::ArgumentCount { wanted, found, .. }) =
        check_count(method, params, args.len())
    {
        let plural = if wanted == 1 { "" } else { "s" };
        let takes = known.takes;
        return Err(refused(format!("{wanted} argument{plural}, {takes}; {found} given")));
    }
    let has_settings = matches!(known.fits, Fits::IdOr) || method.starts_with("prepare");
    if let Some(error) = args.iter().filter(|_| has_settings).find_map(bad_cron) {
        return Err(refused(format!("{}; {error}", known.takes)));
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
    if let Some(inner) = value.get_mut("id").map(Json::take) {
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
    let brings = |env: &Json| is_environment(env) && env.get("current_conf").is_none_or(is_conf);
    is_none_or(fields, "env", brings) && fields.get_mut("id").is_some_and(id)
}

fn is_text(value: &Json) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn has_text(fields: &Map<String, Json>, key: &str) -> bool {
    fields.get(key).is_some_and(is_text)
}

fn is_absolute(value: Option<&Json>) -> bool {
    value.is_some_and(is_path)
}

/// A field that is not there, or fits.
fn is_none_or(fields: &Map<String, Json>, key: &str, fits: impl Fn(&Json) -> bool) -> bool {
    fields.get(key).is_none_or(fits)
}

/// Variables; with a `pm_id` among them God would lose a process.
fn is_environment(value: &Json) -> bool {
    value.as_object().is_some_and(|variables| !variables.contains_key("pm_id"))
}

/// Settings that a restart lays over those of a process.
fn is_conf(conf: &Json) -> bool {
    conf.as_object().is_some_and(|fields| {
        let paths = ["pm_exec_path", "pm_pid_path"];
        is_environment(conf)
            && is_none_or(fields, "env", is_environment)
            && paths.into_iter().all(|key| is_none_or(fields, key, is_path))
            && has_types(fields)
    })
}

fn is_path(value: &Json) -> bool {
    value.as_str().is_some_and(|path| path.starts_with('/'))
}

/// What is wrong with the `cron_restart` of an app's settings: its own, or one that God lays over
/// it, in its environment and in what a restart brings.
fn bad_cron(settings: &Json) -> Option<CronError> {
    let own = settings.get("cron_restart").and_then(|value| cron::check_value(value).err());
    let inner = || ["env", "current_conf"].into_iter().filter_map(|key| settings.get(key));
    own.or_else(|| inner().find_map(bad_cron))
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
    if method.as_str().is_some_and(|method| method.ends_with("ProcessId")) {
        return id(value);
    }
    is_text(method) && (value.is_string() || value.is_number() || value.is_object())
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

/// What both ways to start an app have in common.
fn is_startable(settings: &Json) -> bool {
    let number = |key: &str| settings.get(key).is_none_or(Json::is_i64);
    settings.get("name").is_none_or(is_text) && number("instances")
}

/// Whether what God reads without a guard has the type that it takes for granted.
fn has_types(fields: &Map<String, Json>) -> bool {
    let list_or_text = |value: &Json| value.is_array() || value.is_string();
    let has_texts = ["pm_cwd", "pm_out_log_path", "pm_err_log_path", "pm_log_path", "exec_mode"]
        .into_iter()
        .chain(["exec_interpreter", "namespace"])
        .all(|key| is_none_or(fields, key, Json::is_string));
    let has_lists =
        ["args", "node_args"].into_iter().all(|key| is_none_or(fields, key, list_or_text));
    has_texts && has_lists && is_startable(&json!(fields))
}

fn prepared(fields: &mut Map<String, Json>) -> bool {
    let has_paths = is_absolute(fields.get("pm_exec_path")) && has_text(fields, "pm_pid_path");
    fields.get("env").is_some_and(is_environment) && has_paths && has_types(fields)
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
    let has_environment = app.get("env").is_none_or(is_environment);
    app.is_object()
        && app.get("exec_mode").is_none_or(Json::is_string)
        && has_script
        && has_environment
        && is_startable(app)
        && is_absolute(Some(folder))
}

#[cfg(test)]
mod tests;
