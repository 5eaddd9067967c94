//! What details say of processes as PM2 sends them.

use serde_json::json;

use super::*;
use crate::protocol::process::{PmId, ProcessStatus};

const NOW_MS: i64 = 1_795_680_378_935;

fn raw() -> Json {
    json!({ "pid": 15584, "pm_id": 0, "name": "api", "monit": { "memory": 49_471_488, "cpu": 1 },
        "pm2_env": {
            "name": "api", "namespace": "default", "status": "online", "pm_id": 0,
            "env": { "PATH": "/bin", "TOKEN": "hunter2", "NODE_ENV": "production" },
            "TOKEN": "hunter2", "exec_mode": "cluster_mode", "pm_exec_path": "/srv/a/app.js",
            "args": ["--port", "80", "two words"], "node_args": ["--inspect"], "pm_cwd": "/srv/a",
            "exec_interpreter": "node", "NODE_APP_INSTANCE": 2, "username": "deploy",
            "pm_out_log_path": "/srv/logs/api-out-0.log", "pm_err_log_path": "/dev/null",
            "pm_pid_path": "/srv/pids/api-0.pid", "watch": ["src"], "ignore_watch": ["tmp"],
            "cron_restart": "0 3 * * *", "stop_exit_codes": [3, 4], "kill_timeout": 5000,
            "versioning": { "type": "git", "branch": "main", "revision": "abc", "comment": "x\n",
                "url": "https://me:hunter2@git.example/a.git", "unstaged": true },
            "axm_actions": [
                { "action_name": "km:heapdump", "action_type": "internal", "arity": 2 },
                { "action_name": "drop", "action_type": "custom", "arity": 1,
                  "opts": { "comment": "empties it" } } ],
            "axm_monitor": {
                "Heap Size": { "historic": true, "unit": "MiB",
                    "type": "internal/v8/heap/total", "value": "6.23" },
                "noh": { "historic": false, "value": "text\u{1b}[31m value" }, "old": 3 },
            "axm_options": { "module_conf": {} } } })
}

fn info() -> ProcessInfo {
    ProcessInfo {
        namespace: Some("default".into()),
        pid: Some(15_584),
        restarts: 4,
        unstable_restarts: 2,
        max_restarts: Some(10),
        online_since_ms: Some(NOW_MS - 60_000),
        created_at_ms: Some(NOW_MS - 60_000),
        exit_code: Some("1".into()),
        kill_timeout_ms: Some(5_000),
        memory_limit_bytes: Some(50_000_000),
        cpu_percent: Some(1.0),
        memory_bytes: Some(49_471_488),
        exec_mode: crate::protocol::process::ExecMode::Cluster,
        ..ProcessInfo::new(PmId(0), "api", ProcessStatus::Online)
    }
}

fn details(info: &ProcessInfo, raw: &Json) -> Details {
    let size_of = |path: &str| (path == "/srv/logs/api-out-0.log").then_some(2_048);
    let seen = Seen {
        now_ms: NOW_MS,
        up_ms: None,
        utc_offset_s: 0,
        black_box: None,
        is_looping: false,
        saved: Some(Standing::Unsaved),
        size_of: &size_of,
        growth_of: &|path| size_of(path).map(|size| size * 2),
        clock: None,
    };
    Details::of(info, raw, &seen)
}

fn lines(details: &Details) -> String {
    let mut lines = Vec::new();
    for section in &details.sections {
        lines.push(section.title.to_owned());
        lines.extend(section.entries.iter().map(|it| format!("  {}: {}", it.label, it.text)));
    }
    lines.join("\n")
}

#[test]
fn a_process_in_sections() {
    insta::assert_snapshot!(lines(&details(&info(), &raw())), @r"
    Process
      status: online
      name: api
      id: 0
      namespace: default
      pid: 15584
      uptime: 1m, since 2026-11-26 08:05:18
      created at: 2026-11-26 08:05:18 (PM2 sets it anew at each command on it)
      restarts: 4
      unstable restarts: 2 of 10
      last exit code: 1
      CPU: 1.0%
      memory: 47.2 MiB, 99% of its limit 47.7 MiB
      saved list: not in it: it would be lost at reboot
    Program
      script: /srv/a/app.js
      args: --port 80 'two words'
      cwd: /srv/a
      interpreter: node
      interpreter args: --inspect
      mode: cluster
      instance: 2
      user: deploy
      NODE_ENV: production
    Restarts and limits
      autorestart: yes
      stop exit codes: 3, 4
      max restarts: 10
      min uptime: 1.0 s
      max memory restart: 47.7 MiB
      cron restart: 0 3 * * *
      watch: yes: src
      ignore watch: tmp
      kill timeout: 5.0 s
    Logs
      output: /srv/logs/api-out-0.log, 2.0 KiB, +4.0 KiB/min
      errors: /dev/null, not written
      pid file: /srv/pids/api-0.pid
    Version control
      kind: git
      branch: main
      revision: abc
      comment: x
      remote: https://***@git.example/a.git
      changed: yes, not all changes are committed
    ");
}

#[test]
fn no_value_of_the_environment_shows_by_itself() {
    let details = details(&info(), &raw());
    for shown in [lines(&details), format!("{details:?}"), details.to_json(false).to_string()] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let token = details.environment.iter().find(|variable| &*variable.name == "TOKEN").unwrap();
    assert_eq!(token.value.reveal(), "hunter2");
    assert_eq!(details.to_json(true)["environment"]["TOKEN"], "hunter2");
    assert_eq!(details.to_json(false)["environment"], json!(["NODE_ENV", "PATH", "TOKEN"]));
}

#[test]
fn metrics_and_actions_are_what_it_declares() {
    let details = details(&info(), &raw());
    let metrics: Vec<String> =
        details.metrics.iter().map(|it| format!("{}={}", it.name, it.text())).collect();
    assert_eq!(metrics, ["Heap Size=6.23 MiB", "noh=text value", "old=3"]);
    let (heap, noh) = (&details.metrics[0], &details.metrics[1]);
    assert_eq!((heap.number, heap.is_internal, heap.is_historic), (Some(6.23), true, true));
    assert_eq!((noh.number, noh.is_internal, noh.is_historic), (None, false, false));
    let (heapdump, drop) = (&details.actions[0], &details.actions[1]);
    assert!(heapdump.is_internal && heapdump.takes_parameters);
    assert!(!drop.is_internal && !drop.takes_parameters);
    assert_eq!(&*drop.comment, "empties it");
}

#[test]
fn a_process_of_which_little_is_known_has_little() {
    let ghost = ProcessInfo::new(PmId(7), "ghost", ProcessStatus::Online);
    let details = details(&ghost, &json!(null));
    let status = &details.sections[0].entries[0];
    assert_eq!((status.tone, &status.data), (Tone::Bad, &json!("online")));
    assert!(details.sections.iter().all(|section| !section.entries.is_empty()));
    assert!(details.metrics.is_empty() && details.actions.is_empty());
    assert_eq!(details.raw, Json::Null);
}

#[test]
fn the_status_is_said_as_in_the_table() {
    let looping = ProcessInfo { pid: Some(7), ..info() };
    let seen = Seen {
        now_ms: NOW_MS,
        up_ms: None,
        utc_offset_s: 0,
        black_box: None,
        is_looping: true,
        saved: None,
        size_of: &|_| None,
        growth_of: &|_| None,
        clock: None,
    };
    let details = Details::of(&looping, &raw(), &seen);
    let status = &details.sections[0].entries[0];
    assert_eq!((&*status.text, status.tone), ("online, looping", Tone::Warning));
    assert_eq!(status.data, "online");
    let never = ProcessInfo { pid: None, ..info() };
    let details = Details::of(&never, &raw(), &seen);
    assert_eq!(details.sections[0].entries[0].text, "online, never started: there is no process");
}
