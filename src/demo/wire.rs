//! The JSON that PM2 7.0.4 sends, built from a process; shapes from `fixtures/7.0.4`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::proc::Proc;

/// The version that the simulated daemon says it is.
pub(super) const VERSION: &str = "7.0.4";
/// The Node.js version that the simulated apps report.
const NODE_VERSION: &str = "20.20.2";
/// Where the simulated apps live.
const APPS: &str = "/srv/apps";

/// What 7.0.4 lists for `methods`, in its order (`fixtures/7.0.4/methods.json`).
const METHODS: &[(&str, &[&str])] = &[
    ("killMe", &[]),
    ("profileCPU", &[]),
    ("profileMEM", &[]),
    ("prepare", &["env", "cb"]),
    ("getMonitorData", &["env", "cb"]),
    ("getSystemData", &["env", "cb"]),
    ("startProcessId", &["id", "cb"]),
    ("stopProcessId", &["id", "cb"]),
    ("restartProcessId", &["opts", "cb"]),
    ("deleteProcessId", &["id", "cb"]),
    ("sendLineToStdin", &["packet", "cb"]),
    ("softReloadProcessId", &["opts", "cb"]),
    ("reloadProcessId", &["opts", "cb"]),
    ("duplicateProcessId", &["id", "cb"]),
    ("resetMetaProcessId", &["id", "cb"]),
    ("stopWatch", &["method", "value", "fn"]),
    ("startWatch", &["method", "value", "fn"]),
    ("toggleWatch", &["method", "value", "fn"]),
    ("notifyByProcessId", &["opts", "cb"]),
    ("notifyKillPM2", &[]),
    ("monitor", &["pm_id", "cb"]),
    ("unmonitor", &["pm_id", "cb"]),
    ("msgProcess", &["cmd", "cb"]),
    ("sendDataToProcessId", &["packet", "cb"]),
    ("sendSignalToProcessId", &["opts", "cb"]),
    ("sendSignalToProcessName", &["opts", "cb"]),
    ("ping", &["env", "cb"]),
    ("getVersion", &["env", "cb"]),
    ("getReport", &["arg", "cb"]),
    ("reloadLogs", &["opts", "cb"]),
];

/// The methods of 7.0.4 with the names of their parameters, the callback last.
pub(super) fn methods() -> BTreeMap<Box<str>, Vec<Box<str>>> {
    METHODS
        .iter()
        .map(|(name, params)| {
            let params = params.iter().map(|param| (*param).into()).collect();
            ((*name).into(), params)
        })
        .collect()
}

/// The reply to `{type: "methods"}`: not wrapped in `args`.
pub(super) fn methods_reply(methods: &BTreeMap<Box<str>, Vec<Box<str>>>) -> Json {
    let listed: Map<String, Json> = methods
        .iter()
        .map(|(name, params)| {
            let method = json!({ "name": name, "params": params });
            (name.to_string(), method)
        })
        .collect();
    json!({ "methods": listed })
}

/// `{args: [value]}`.
pub(super) fn success(value: Json) -> Json {
    object([("args", Json::Array(vec![value]))])
}

/// An object of values that are not copied once more, as `json!` would.
fn object<const N: usize>(values: [(&str, Json); N]) -> Json {
    let values = values.into_iter();
    Json::Object(values.map(|(key, value)| (key.to_owned(), value)).collect())
}

/// `{error, stack}`, as a thrown `Error` becomes.
pub(super) fn error(message: &str) -> Json {
    let stack = format!(
        "Error: {message}\n    at God.logAndGenerateError \
         (/usr/lib/node_modules/pm2/lib/God/Methods.js:39:12)\n    at Server.onmessage \
         (/usr/lib/node_modules/pm2/modules/pm2-axon-rpc/lib/server.js:104:6)"
    );
    json!({ "error": message, "stack": stack })
}

/// `{error}` without a stack, as the RPC layer itself answers.
pub(super) fn refusal(message: &str) -> Json {
    json!({ "error": message })
}

/// The script of an app of this name.
pub(super) fn script_path(name: &str) -> String {
    format!("{APPS}/{name}/index.js")
}

/// `{pid, name, pm2_env, pm_id}`, as stop, reload and delete answer.
pub(super) fn formatted(proc: &Proc, home: &str) -> Json {
    object([
        ("pid", json!(proc.pid)),
        ("name", json!(proc.name)),
        ("pm2_env", pm2_env(proc, home, true)),
        ("pm_id", pm_id(proc)),
    ])
}

/// One entry of `getMonitorData`.
pub(super) fn monitored(proc: &Proc, home: &str) -> Json {
    let (memory, cpu) = if proc.is_measured() {
        (proc.memory_bytes, (proc.cpu_percent * 10.0).round() / 10.0)
    } else {
        (0, 0.0)
    };
    let mut entry = formatted(proc, home);
    if let Json::Object(entry) = &mut entry {
        // JavaScript writes a whole number without a fraction.
        let cpu = if cpu.fract() == 0.0 { json!(cpu as i64) } else { json!(cpu) };
        entry.insert("monit".to_owned(), json!({ "memory": memory, "cpu": cpu }));
    }
    entry
}

/// The dump of a `ChildProcess` or `Worker` that start, restart and duplicate answer.
pub(super) fn child_dump(proc: &Proc, home: &str) -> Json {
    let container = if proc.is_cluster { "ProcessContainer.js" } else { "ProcessContainerFork.js" };
    let child = json!({
        "connected": true,
        "signalCode": null,
        "exitCode": null,
        "killed": false,
        "spawnfile": "node",
        "_handle": { "pid": proc.pid },
        "spawnargs": ["node", format!("/usr/lib/node_modules/pm2/lib/{container}")],
        "pid": proc.pid,
        "stdio": [null, null, null, null],
    });
    let env = pm2_env(proc, home, true);
    if proc.is_cluster {
        return json!({ "state": "online", "id": proc.pm_id, "process": child, "pm2_env": env });
    }
    let mut dump = child;
    if let Json::Object(dump) = &mut dump {
        dump.insert("process".to_owned(), json!({ "pid": proc.pid }));
        dump.insert("pm2_env".to_owned(), env);
    }
    dump
}

/// `process:event`.
pub(super) fn process_event(
    proc: &Proc,
    home: &str,
    event: &str,
    manually: bool,
    at_ms: i64,
) -> Json {
    object([
        ("event", json!(event)),
        ("manually", json!(manually)),
        ("process", pm2_env(proc, home, false)),
        ("at", json!(at_ms)),
    ])
}

/// `log:out` and `log:err`.
pub(super) fn log(proc: &Proc, data: &str, at_ms: i64) -> Json {
    let process = json!({
        "pm_id": pm_id(proc),
        "name": proc.name,
        "rev": null,
        "namespace": proc.namespace,
    });
    json!({ "process": process, "at": at_ms, "data": data })
}

/// `log:PM2`.
pub(super) fn daemon_log(line: &str, at_ms: i64) -> Json {
    let process = json!({ "pm_id": "PM2", "name": "PM2", "rev": null });
    json!({ "process": process, "at": at_ms, "data": line })
}

/// `process:exception`.
pub(super) fn exception(proc: &Proc, name: &str, message: &str, stack: &str, at_ms: i64) -> Json {
    json!({
        "at": at_ms,
        "data": {
            "message": message,
            "stack": stack,
            "name": name,
            "context": "const total = invoice.lines.reduce(sum, 0);\n",
            "callsite": format!("{}:42", script_path(&proc.name)),
        },
        "process": { "pm_id": pm_id(proc), "name": proc.name, "namespace": proc.namespace },
    })
}

/// `pm2:kill`.
pub(super) fn killed() -> Json {
    json!({ "status": "killed", "msg": "pm2 has been killed via CLI" })
}

/// What `getReport` answers.
pub(super) fn report(version: &str, home: &str, processes: usize, started_ms: i64) -> Json {
    json!({
        "pm2_version": version,
        "node_version": NODE_VERSION,
        "node_path": "/usr/bin/pm2",
        "argv0": "/usr/bin/node",
        "argv": ["/usr/bin/node", "/usr/lib/node_modules/pm2/lib/Daemon.js"],
        "user": "deploy",
        "uid": 1000,
        "gid": 1000,
        "env": { "PM2_HOME": home, "HOME": "/home/deploy", "LANG": "C.UTF-8", "USER": "deploy" },
        "managed_apps": processes,
        "started_at": started_ms,
    })
}

/// What `getSystemData` of 7.0.4 answers: a flat map of metrics.
pub(super) fn system_data(cpu_percent: f64) -> Json {
    let metric = |value: f64, unit: &str| json!({ "value": value, "type": "metric", "unit": unit, "historic": true });
    json!({
        "CPU Usage": metric((cpu_percent * 10.0).round() / 10.0, "%"),
        "CPU Temperature": metric(-1.0, "°C"),
        "RAM Usage": metric(34.1, "%"),
        "RAM Total": metric(8_589_934_592.0, "b"),
        "RAM Available": metric(5_660_766_896.0, "b"),
        "RAM Active": metric(2_929_167_696.0, "b"),
        "net:rx_5:eth0": metric(0.4, "mb/s"),
        "net:tx_5:eth0": metric(1.2, "mb/s"),
        "net:rx_errors_60:eth0": metric(0.0, "/min"),
        "net:tx_errors_60:eth0": metric(0.0, "/min"),
        "net:rx_dropped_60:eth0": metric(0.0, "/min"),
        "net:tx_dropped_60:eth0": metric(0.0, "/min"),
        "Disk Reads": metric(0.0, "mb/s"),
        "Disk Writes": metric(0.3, "mb/s"),
        "fs:use:/": metric(41.7, "%"),
        "fs:size:/": metric(78.6, "gb"),
    })
}

/// The id on the wire: a number, or `_old_N` while a reload replaces the worker.
pub(super) fn pm_id(proc: &Proc) -> Json {
    if proc.is_old { json!(proc.slot().id_text()) } else { json!(proc.pm_id) }
}

/// `pm2_env`: the configuration, the app's environment flattened over it, and the state; with the
/// environment nested once more in replies, and without it on the bus (`Utility.formatCLU`).
fn pm2_env(proc: &Proc, home: &str, has_nested_env: bool) -> Json {
    let env = environment(proc, home);
    let mut all = Map::new();
    configuration(&mut all, proc, home);
    for (key, value) in &env {
        all.insert((*key).to_owned(), json!(value));
    }
    state(&mut all, proc);
    if has_nested_env {
        let mut nested: Map<String, Json> =
            env.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        // The CLI adds the app's own name with an empty object.
        nested.insert(proc.name.to_string(), json!({}));
        all.insert("env".to_owned(), Json::Object(nested));
    }
    Json::Object(all)
}

fn set(into: &mut Map<String, Json>, values: Json) {
    if let Json::Object(values) = values {
        into.extend(values);
    }
}

fn configuration(into: &mut Map<String, Json>, proc: &Proc, home: &str) {
    let (name, id) = (&proc.name, proc.pm_id);
    let suffix = if proc.is_cluster { format!("-{id}") } else { String::new() };
    set(
        into,
        json!({
            "name": name, "namespace": proc.namespace, "filter_env": [], "vizion": true,
            "autostart": true, "autorestart": true, "watch": proc.watch,
            "instance_var": "NODE_APP_INSTANCE", "pmx": true, "automation": true,
            "treekill": true, "username": "deploy", "windowsHide": true, "kill_retry_time": 100,
            "node_args": [], "pm_exec_path": script_path(name),
            "pm_cwd": format!("{APPS}/{name}"), "exec_interpreter": "node",
            "exec_mode": if proc.is_cluster { "cluster_mode" } else { "fork_mode" },
            "instances": proc.instances,
            "pm_out_log_path": format!("{home}/logs/{name}-out{suffix}.log"),
            "pm_err_log_path": format!("{home}/logs/{name}-error{suffix}.log"),
            "pm_pid_path": format!("{home}/pids/{name}-{id}.pid"),
            "km_link": false, "vizion_running": false, "NODE_APP_INSTANCE": proc.instance,
        }),
    );
    if proc.is_cluster {
        set(into, json!({ "_pm2_version": VERSION }));
    } else {
        set(into, json!({ "merge_logs": true }));
    }
    if let Some(limit) = proc.max_memory_restart {
        set(into, json!({ "max_memory_restart": limit }));
    }
    if let Some(delay) = proc.restart_delay {
        set(into, json!({ "restart_delay": delay }));
    }
}

fn state(into: &mut Map<String, Json>, proc: &Proc) {
    set(
        into,
        json!({
            "status": proc.status.as_str(), "pm_uptime": proc.pm_uptime,
            "axm_actions": if proc.is_reporting { actions(proc) } else { json!([]) },
            "axm_monitor": if proc.is_reporting { metrics(proc) } else { json!({}) },
            "axm_options": if proc.has_options { options(proc) } else { json!({}) },
            "axm_dynamic": {}, "created_at": proc.created_at, "pm_id": pm_id(proc),
            "restart_time": proc.restart_time, "unstable_restarts": proc.unstable_restarts,
            "version": proc.version,
        }),
    );
    if proc.has_node_version {
        set(into, json!({ "node_version": NODE_VERSION }));
    }
    if let Some(pid) = proc.tree_pids {
        set(into, json!({ "_tree_pids": [pid] }));
    }
    if let Some(code) = proc.exit_code {
        set(into, json!({ "exit_code": code }));
    }
    if let Some(delay) = proc.prev_restart_delay {
        set(into, json!({ "prev_restart_delay": delay }));
    }
}

/// An environment as a deployed app has one, secrets included: they are what must not be shown.
fn environment(proc: &Proc, home: &str) -> Vec<(&'static str, String)> {
    let name = &proc.name;
    let port = 3000 + proc.pm_id;
    let of = |text: &str| text.to_owned();
    vec![
        ("NODE_ENV", of("production")),
        ("PORT", port.to_string()),
        ("LOG_LEVEL", of("info")),
        ("DATABASE_URL", format!("postgres://{name}:demo-password@db.internal:5432/shop")),
        ("REDIS_URL", of("redis://cache.internal:6379/0")),
        ("AMQP_URL", format!("amqp://{name}:demo-password@queue.internal:5672")),
        ("S3_BUCKET", of("shop-assets-eu")),
        ("AWS_REGION", of("eu-central-1")),
        ("AWS_SECRET_ACCESS_KEY", of("demo-not-a-real-secret-key-000000000000")),
        ("SENTRY_DSN", of("https://demo@errors.internal/7")),
        ("STRIPE_API_KEY", of("demo-not-a-real-api-key")),
        ("SESSION_SECRET", of("demo-not-a-real-session-secret")),
        ("PM2_HOME", home.to_owned()),
        ("PM2_USAGE", of("CLI")),
        ("HOME", of("/home/deploy")),
        ("USER", of("deploy")),
        ("SHELL", of("/bin/bash")),
        ("LANG", of("C.UTF-8")),
        ("PATH", of("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
        ("PWD", format!("{APPS}/{name}")),
        ("SHLVL", of("1")),
        ("_", of("/usr/bin/pm2")),
        ("unique_id", proc.unique_id.to_string()),
    ]
}

fn actions(proc: &Proc) -> Json {
    let mut all = vec![
        json!({ "action_name": "km:heapdump", "action_type": "internal", "arity": 2 }),
        json!({ "action_name": "km:cpu:profiling:start", "action_type": "internal", "arity": 2 }),
        json!({ "action_name": "km:cpu:profiling:stop", "action_type": "internal", "arity": 1 }),
        json!({ "action_name": "km:heap:sampling:start", "action_type": "internal", "arity": 2 }),
        json!({ "action_name": "km:heap:sampling:stop", "action_type": "internal", "arity": 1 }),
    ];
    if proc.behaviour.has_custom_metrics() {
        all.push(json!({ "action_name": "disconnect idle", "action_type": "custom", "arity": 1 }));
    }
    Json::Array(all)
}

/// `axm_monitor`: values are numbers or texts, as @pm2/io has them.
fn metrics(proc: &Proc) -> Json {
    let mib = proc.memory_bytes as f64 / 1_048_576.0;
    let (total, used) = (mib * 0.4, mib * 0.31);
    let latency = 0.3 + proc.cpu_percent / 40.0;
    let mut all = Map::new();
    let mut metric = |name: &str, kind: &str, unit: Option<&str>, value: Json| {
        let mut one = json!({ "historic": true, "type": kind, "value": value });
        if let (Json::Object(one), Some(unit)) = (&mut one, unit) {
            one.insert("unit".to_owned(), json!(unit));
        }
        all.insert(name.to_owned(), one);
    };
    let two = |value: f64| json!(format!("{value:.2}"));
    metric("Heap Size", "internal/v8/heap/total", Some("MiB"), two(total));
    metric("Heap Usage", "internal/v8/heap/usage", Some("%"), json!(77.5));
    metric("Used Heap Size", "internal/v8/heap/used", Some("MiB"), two(used));
    metric("Active requests", "internal/libuv/requests", None, json!(0));
    metric("Active handles", "internal/libuv/handles", None, json!(4));
    metric("Event Loop Latency", "internal/libuv/latency/p50", Some("ms"), two(latency));
    metric("Event Loop Latency p95", "internal/libuv/latency/p95", Some("ms"), two(latency * 4.2));
    if proc.behaviour.has_custom_metrics() {
        let users = 180 + (proc.cpu_percent * 9.0) as i64;
        metric("Realtime Users", "custom", Some("users"), json!(users));
        metric("Messages", "custom", Some("msg/s"), two(users as f64 * 0.42));
    }
    Json::Object(all)
}

fn options(proc: &Proc) -> Json {
    json!({
        "error": true, "heapdump": true, "feature.profiler.heapsnapshot": false,
        "feature.profiler.heapsampling": true, "feature.profiler.cpu_js": true, "latency": true,
        "catchExceptions": true, "profiling": true,
        "metrics": {
            "v8": true, "network": false, "eventLoop": true, "runtime": true, "http": true,
        },
        "standalone": false, "tracing": { "enabled": false, "outbound": false },
        "module_conf": {}, "apm": { "type": "node", "version": "8.0.0" },
        "module_name": proc.name, "module_version": VERSION,
    })
}
