//! Bad calls: nothing that a caller can say takes a daemon down or touches an app.

use pm2_tui::client::ClientError;
use serde_json::{Value as Json, json};

use super::calls::{Outcome, Subject, good, in_order};
use super::stage::{Stage, plain, web};
use crate::harness::install::Release;

/// An id that no process has.
const NOBODY: u64 = 9999;

/// Whether the client did not send it.
pub(crate) fn is_refused(reply: &Result<Json, ClientError>) -> bool {
    matches!(reply, Err(ClientError::Refused(_)))
}

/// Whether there was a reply or a refusal, not a silence or a closed connection.
pub(crate) fn is_answer(reply: &Result<Json, ClientError>) -> bool {
    match reply {
        Ok(_) => true,
        Err(error) => !matches!(
            error,
            ClientError::Timeout { .. }
                | ClientError::Closed
                | ClientError::NotRunning(_)
                | ClientError::Permission(_)
                | ClientError::Busy { .. }
        ),
    }
}

/// What is wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// It names a process that is not there.
    Unknown,
    /// An argument or a field of it is of another type.
    Type,
    /// A setting that God reads without a guard.
    Setting,
    /// An argument or a field is not there.
    Missing,
    Null,
    /// One argument too many.
    TooMany,
}

/// Methods that take one object and do not look at it, and change nothing: a wrong argument is none.
const ASKING: &[&str] = &[
    "getMonitorData",
    "getSystemData",
    "ping",
    "getVersion",
    "getReport",
    "launchSysMonitoring",
    "forceGc",
];

/// Every way to spoil a good call.
fn spoiled(method: &str, args: &Json) -> Vec<(Wrong, Json)> {
    let args = args.as_array().unwrap();
    let mut all = vec![(Wrong::Missing, json!([]))];
    let with = |at: usize, value: Json| {
        let mut args = args.clone();
        args[at] = value;
        Json::Array(args)
    };
    let more = |value: Json| json!(args.iter().chain([&value]).collect::<Vec<_>>());
    all.extend([(Wrong::TooMany, more(json!({}))), (Wrong::TooMany, more(Json::Null))]);
    for at in 1..args.len() {
        all.push((Wrong::Missing, json!(args[..at])));
    }
    for (at, arg) in args.iter().enumerate() {
        all.push((Wrong::Null, with(at, Json::Null)));
        let others = [json!("no such"), json!(NOBODY), json!(-1), json!(0.5), json!(true)];
        let others = others.into_iter().chain([json!([]), json!([[]]), json!({})]);
        for other in others.filter(|other| !is_good_instead(method, arg, other)) {
            let wrong = if other == json!(NOBODY) { Wrong::Unknown } else { Wrong::Type };
            all.push((wrong, with(at, other)));
        }
        for (key, value) in arg.as_object().into_iter().flatten() {
            let field = |value: Option<Json>| {
                let mut fields = arg.as_object().unwrap().clone();
                match value {
                    Some(value) => fields.insert(key.clone(), value),
                    None => fields.remove(key),
                };
                with(at, Json::Object(fields))
            };
            // The others of `prepare` may be left out, and something would be started.
            let needed = ["pm_exec_path", "pm_pid_path", "pm_out_log_path", "env"];
            let is_needed = method != "prepare" || needed.contains(&key.as_str());
            if is_needed {
                all.push((Wrong::Missing, field(None)));
                all.push((Wrong::Null, field(Some(Json::Null))));
            }
            if ["id", "pm_id", "process_id"].contains(&key.as_str()) {
                all.push((Wrong::Unknown, field(Some(json!(NOBODY)))));
                all.push((Wrong::Type, field(Some(json!("no such")))));
                all.push((Wrong::Type, field(Some(json!({})))));
            } else if ["name", "process_name"].contains(&key.as_str()) && method != "prepare" {
                all.push((Wrong::Unknown, field(Some(json!("no such")))));
                all.push((Wrong::Type, field(Some(json!({"no": "such"})))));
            } else if key == "script" {
                // Without a space: with one, it would be a command for a shell, as in PM2.
                all.push((Wrong::Unknown, field(Some(json!("none-such.js")))));
                all.push((Wrong::Type, field(Some(json!({"no": "such"})))));
            } else if value.is_object() && method == "prepare" {
                all.push((Wrong::Type, field(Some(json!("no such")))));
            } else {
                // Of no other field is more known than that it is needed.
            }
        }
    }
    all.extend(settings(method, args));
    if ["prepare", "prepareJson"].contains(&method) {
        for (key, value) in [
            ("instances", json!("max")),
            ("cron_restart", json!("no cron")),
            ("cron_restart", json!("99 99 99 99 99")),
            ("env", json!("no such")),
        ] {
            let mut fields = args[0].clone();
            fields[key] = value;
            let is_daemons_own = method == "prepare" || key != "instances";
            if is_daemons_own {
                all.push((Wrong::Type, with(0, fields)));
            }
        }
    }
    all
}

/// Settings that God reads without a guard, each seen to end one release or another, or to take a
/// process over.
fn settings(method: &str, args: &[Json]) -> Vec<(Wrong, Json)> {
    let in_env = [
        json!({"watch": 1}),
        json!({"pm_out_log_path": 5}),
        json!({"pm_pid_path": 5}),
        json!({"cwd": 5}),
        json!({"pm_id": 0}),
        json!({"cron_restart": "bad"}),
        json!({"instance_var": "pm_pid_path"}),
    ];
    let of_app = in_env.iter().cloned().chain([
        json!({"env": null}),
        json!({"env": "text"}),
        json!({"pm_id": null}),
        json!({"status": "stopped"}),
        json!({"instances": 5_000_000_000_u64}),
        json!({"instances": 1.5}),
        json!({"increment_var": "pm_pid_path"}),
        json!({"watch_options": {"cwd": 5}, "watch": true}),
        json!({"node_args": [5]}),
        json!({"pm_exec_path": 5}),
    ]);
    match method {
        "prepare" => {
            let with = |more: Json| {
                let mut app = args[0].clone();
                app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                (Wrong::Setting, json!([app]))
            };
            let in_env = in_env.iter().map(|env| with(json!({"env": env})));
            of_app.map(with).chain(in_env).collect()
        }
        "restartProcessId" | "reloadProcessId" | "softReloadProcessId" => {
            let id = args[0].get("id").unwrap_or(&args[0]);
            let with = |env: Json| (Wrong::Setting, json!([{"id": id, "env": env}]));
            let nested = in_env.iter().map(|env| json!({"current_conf": {"env": env}}));
            let confs = of_app.map(|conf| json!({"current_conf": conf})).chain(nested);
            confs
                .chain(in_env.iter().cloned())
                .chain([json!({"current_conf": null})])
                .map(with)
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Whether this does as well in the place of a good argument.
fn is_good_instead(method: &str, arg: &Json, other: &Json) -> bool {
    // An empty object is what these methods take.
    (arg == &json!({}) && other == &json!({}))
        // What `stopWatch` is about may be any text or number.
        || (method.ends_with("Watch") && (arg == "stopProcessId" && other == "no such"))
        || (arg.is_string() && other == "no such" && method == "prepareJson")
}

fn pids(stage: &Stage) -> Vec<(u64, i32, u64)> {
    stage.home.jlist().iter().map(|one| (one.pm_id, one.pid, one.restarts)).collect()
}

pub(crate) fn bad_calls_of_every_method(release: Release) {
    let stage = Stage::new(release, &[web(), plain()]);
    let client = stage.client();
    let subject = Subject::of(&stage);
    stage.home.mark();
    let god = stage.home.living_god();
    let before = pids(&stage);
    let mut faults = Vec::new();
    for method in in_order(&stage) {
        let (args, outcome) = good(&method, &subject)
            .unwrap_or_else(|| panic!("{method}: a good call of it must be in the table"));
        for (wrong, bad) in spoiled(&method, &args) {
            let reply = stage.call(&client, &method, &bad);
            let must_be_refused = matches!(wrong, Wrong::Missing | Wrong::TooMany | Wrong::Setting)
                || !ASKING.contains(&method.as_str()) && matches!(wrong, Wrong::Null)
                || outcome == Outcome::Ends;
            if !is_answer(&reply) || must_be_refused && reply.is_ok() {
                faults.push(format!("{method} {bad}, {wrong:?}: {reply:?}"));
            }
            // After each call, so that the one to blame is named.
            let case = format!("{method} {bad}, {wrong:?}: {reply:?}");
            assert_eq!(stage.home.god(), Some(god), "{case}: another daemon; {faults:#?}");
            assert_eq!(pids(&stage), before, "{case}: apps were touched; {faults:#?}");
        }
    }
    stage.home.assert_unharmed_but(&[]);
    assert!(faults.is_empty(), "{faults:#?}");
    // The same client still works.
    assert_eq!(stage.good(&client, "ping", &json!([{}])), json!({"msg": "pong"}));
}
