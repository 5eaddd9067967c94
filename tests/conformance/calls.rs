//! A good call of every method that a daemon lists.

use serde_json::{Value as Json, json};

use super::stage::{Stage, plain, talker, thrower, web};
use crate::harness::install::Release;
use crate::harness::wait_until;

/// What the arguments of a table are about.
pub(crate) struct Subject {
    /// The `pm_id` of a fork app, `plain`.
    pub(crate) id: u64,
    /// The `pm_id` of a worker of a cluster.
    pub(crate) worker: u64,
    /// Where the scripts are.
    pub(crate) apps: std::path::PathBuf,
    /// Whose daemon it is.
    pub(crate) release: Release,
}

impl Subject {
    pub(crate) fn of(stage: &Stage) -> Self {
        // A name that no process has.
        let idles = "setInterval(function () {}, 1e9);";
        std::fs::write(stage.home.apps().join("other.js"), idles).unwrap();
        Self {
            id: stage.ids("plain")[0],
            worker: stage.ids("web")[0],
            apps: stage.home.apps(),
            release: stage.home.release(),
        }
    }
}

/// What a daemon does with a good call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It answers.
    Reply,
    /// It answers, with an error or not: that depends on more than the arguments.
    Either,
    /// The client does not send it: the daemon would not survive it.
    Refused,
    /// The daemon ends.
    Ends,
}

/// The arguments of a good call, with nothing in them that could be left out. `None`: this table
/// does not know the method, and must learn it.
pub(crate) fn good(method: &str, subject: &Subject) -> Option<(Json, Outcome)> {
    use Outcome::{Either, Ends, Refused, Reply};
    let &Subject { id, worker, ref apps, release } = subject;
    let script = apps.join("plain.js");
    let prepared = json!({"name": "prepared", "pm_exec_path": script, "pm_cwd": apps, "env": {},
        "exec_mode": "fork_mode", "exec_interpreter": "node", "instances": 1,
        "pm_pid_path": apps.join("prepared.pid"), "pm_out_log_path": apps.join("prepared.log"),
        "pm_err_log_path": apps.join("prepared.log"), "args": [], "node_args": [],
        "vizion": false});
    Some(match method {
        "getMonitorData" | "ping" | "getVersion" | "getReport" | "stopAll" | "reload"
        | "deleteAll" => (json!([{}]), Reply),
        "reloadLogs" if release == Release::Zero10 => (json!([{}]), Refused),
        // 4.5.6 says that it was not launched.
        "getSystemData" | "launchSysMonitoring" | "forceGc" | "reloadLogs" => (json!([{}]), Either),
        "notifyKillPM2" => (json!([{}]), Refused),
        "killMe" => (json!([{}]), Ends),
        "findByScript" => (json!(["plain.js"]), Reply),
        "findByFullPath" => (json!([script]), Reply),
        "findByPort" => (json!([1]), Either),
        "restartProcessName" | "deleteProcess" | "deleteProcessName" | "stopProcessName" => {
            (json!(["plain"]), Reply)
        }
        "restartProcessId" | "stopProcessId" | "deleteProcessId" | "resetMetaProcessId"
        | "startProcessId" | "monitor" | "unmonitor" => (json!([id]), Reply),
        "reloadProcessId" | "softReloadProcessId" | "duplicateProcessId" => {
            (json!([worker]), Reply)
        }
        "msgProcess" => (json!([{"name": "web", "msg": {"type": "god:heap"}}]), Reply),
        "sendDataToProcessId" => {
            (json!([{"id": id, "topic": "my:topic", "data": {"n": 1}}]), Reply)
        }
        "sendLineToStdin" => (json!([{"pm_id": id, "line": "text\n"}]), Reply),
        "sendSignalToProcessId" => (json!([{"process_id": id, "signal": "SIGCONT"}]), Reply),
        "sendSignalToProcessName" => {
            (json!([{"process_name": "plain", "signal": "SIGCONT"}]), Reply)
        }
        "notifyByProcessId" => (json!([{"id": id, "action_name": "restart"}]), Reply),
        "stopWatch" => (json!(["stopProcessId", id]), Reply),
        // The first of them never answers.
        "restartWatch" if release == Release::Zero10 => {
            (json!(["restartProcessId", {"id": id}]), Refused)
        }
        "startWatch" | "toggleWatch" | "restartWatch" => {
            (json!(["restartProcessId", {"id": id}]), Reply)
        }
        "lock" | "unlock" => (json!([{"name": "plain"}]), Either),
        // Their daemons tell no parameters of these, or need a debugger's module beside them.
        "profileCPU" | "profileMEM" | "profileStart" | "profileStop" | "snapshotPM2" => {
            (json!([{"pwd": apps.join("profile")}]), Either)
        }
        "prepareJson" => (json!([{"script": "other.js"}, apps]), Reply),
        "prepare" => (json!([prepared]), Reply),
        _ => return None,
    })
}

/// pm2-interface's names, which every daemon must answer to.
pub(crate) const INTERFACE: &[&str] = &[
    "prepareJson",
    "getMonitorData",
    "getSystemData",
    "startProcessId",
    "stopProcessId",
    "stopAll",
    "reload",
    "killMe",
    "findByScript",
    "restartProcessId",
    "restartProcessName",
    "deleteProcess",
    "deleteAll",
    "msgProcess",
];

/// The daemon's methods and pm2-interface's; those last that end what the others need.
pub(crate) fn in_order(stage: &Stage) -> Vec<String> {
    let mut names = stage.home.methods();
    names.extend(INTERFACE.iter().map(|&name| name.to_owned()));
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_by_key(|name| match name.as_str() {
        // A watched app would be restarted by what the others write.
        "startWatch" | "toggleWatch" | "restartWatch" => 1,
        "stopWatch" => 2,
        "stopProcessId" => 3,
        "startProcessId" => 4,
        "deleteProcess" | "deleteProcessId" | "deleteProcessName" => 5,
        "stopAll" => 6,
        "deleteAll" => 7,
        "killMe" => 8,
        _ => 0,
    });
    names
}

pub(crate) fn good_calls_of_every_method(release: Release) {
    let stage = Stage::new(release, &[web(), plain(), talker(), thrower()]);
    let god = stage.home.living_god();
    let client = stage.client();
    let mut subject = Subject::of(&stage);
    for method in in_order(&stage) {
        if stage.ids("plain").is_empty() && method != "deleteAll" && method != "killMe" {
            stage.home.start(&[plain()]);
            wait_until("plain is there again", || !stage.ids("plain").is_empty());
            subject = Subject::of(&stage);
        }
        let (args, outcome) = good(&method, &subject)
            .unwrap_or_else(|| panic!("{method}: a good call of it must be in the table"));
        let reply = stage.call(&client, &method, &args);
        let is_as_expected = match (outcome, &reply) {
            (Outcome::Reply, reply) => reply.is_ok(),
            (Outcome::Ends, reply) => reply.is_ok() && god.ends_within(crate::harness::PATIENCE),
            (Outcome::Either, reply) => super::harm::is_answer(reply),
            (Outcome::Refused, reply) => super::harm::is_refused(reply),
        };
        assert!(is_as_expected, "{method} {args}, {outcome:?}: {reply:?}");
        if outcome != Outcome::Ends {
            assert_eq!(stage.home.god(), Some(god), "{method} {args}: another daemon");
        }
    }
}
