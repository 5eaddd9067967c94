//! The worlds in virtual time: what PM2 does, in PM2's order.

use serde_json::{Value as Json, json};

use crate::demo::{Answer, Published, World};

const START: i64 = 1_795_000_000_000;

/// A world and what it has said.
struct Run {
    world: World,
    now_ms: i64,
    bus: Vec<(i64, String, Json)>,
    replies: Vec<(i64, Json)>,
}

impl Run {
    fn new(world: World) -> Self {
        let mut run = Self { world, now_ms: START, bus: Vec::new(), replies: Vec::new() };
        run.pass(0);
        run
    }

    fn pass(&mut self, ms: i64) {
        let end = self.now_ms + ms;
        loop {
            self.now_ms = self.world.next_ms().unwrap_or(end).clamp(self.now_ms, end);
            for published in self.world.step(self.now_ms) {
                match published {
                    Published::Bus { topic, payload } => {
                        self.bus.push((self.now_ms, topic.to_owned(), payload));
                    }
                    Published::Reply { body, .. } => self.replies.push((self.now_ms, body)),
                }
            }
            if self.now_ms == end {
                return;
            }
        }
    }

    /// Calls, lives 5 seconds on, and gives the reply and how long it took.
    fn call(&mut self, method: &str, args: &[Json]) -> (i64, Json) {
        let called = self.now_ms;
        match self.world.call(method, args, called) {
            Answer::Now(body) => {
                self.pass(0);
                (0, body)
            }
            Answer::Later(_) => {
                self.replies.clear();
                self.pass(5000);
                let (at, body) = self.replies.first().expect("a reply").clone();
                (at - called, body)
            }
            other => panic!("{method}: {other:?}"),
        }
    }

    /// `event[status] pm_id manually` of every `process:event` of a process, in order.
    fn events(&self, pm_id: u32) -> Vec<String> {
        let of = |payload: &Json| {
            let id = &payload["process"]["pm_id"];
            *id == json!(pm_id) || *id == json!(format!("_old_{pm_id}"))
        };
        let events =
            self.bus.iter().filter(|(_, topic, payload)| topic == "process:event" && of(payload));
        events
            .map(|(_, _, payload)| {
                let process = &payload["process"];
                format!(
                    "{}[{}]{}{}",
                    payload["event"].as_str().unwrap(),
                    process["status"].as_str().unwrap(),
                    if process["pm_id"].is_string() { " old" } else { "" },
                    if payload["manually"] == json!(true) { " manually" } else { "" },
                )
            })
            .collect()
    }

    fn console(&self) -> Vec<&str> {
        let lines = self.bus.iter().filter(|(_, topic, _)| topic == "log:PM2");
        lines.map(|(_, _, payload)| payload["data"].as_str().unwrap()).collect()
    }

    fn process(&mut self, pm_id: u32) -> Json {
        let (_, body) = self.call("getMonitorData", &[json!({})]);
        let all = body["args"][0].as_array().unwrap().clone();
        let found = all.into_iter().find(|one| one["pm_id"] == json!(pm_id));
        found.unwrap_or(Json::Null)
    }

    fn status(&mut self, pm_id: u32) -> String {
        self.process(pm_id)["pm2_env"]["status"].as_str().unwrap_or("gone").to_owned()
    }
}

#[test]
fn the_dozen_is_a_dozen_and_writes_at_a_humane_rate() {
    let mut run = Run::new(World::lively(START));
    assert_eq!(run.world.pm_ids().collect::<Vec<_>>(), (0..12).collect::<Vec<_>>());
    run.pass(20_000);
    run.bus.clear();
    run.pass(60_000);
    let lines = run.bus.iter().filter(|(_, topic, _)| topic.starts_with("log:"));
    let per_second = lines.count() as f64 / 60.0;
    assert!((3.0..=6.0).contains(&per_second), "{per_second} lines a second");
}

#[test]
fn the_same_demo_says_the_same_things() {
    let mut first = Run::new(World::lively(START));
    let mut second = Run::new(World::lively(START));
    first.pass(30_000);
    for _ in 0..300 {
        second.pass(100);
    }
    assert_eq!(first.bus, second.bus);
}

#[test]
fn the_crasher_ends_errored_soon() {
    let mut run = Run::new(World::lively(START));
    run.pass(10_000);
    assert_eq!(run.status(11), "errored");
    let events = run.events(11);
    assert_eq!(events.iter().filter(|event| *event == "exit[stopped]").count(), 15);
    assert_eq!(
        &events[events.len() - 3..],
        ["online[launching]", "restart overlimit[errored]", "exit[errored]"]
    );
    let process = run.process(11);
    assert_eq!(process["pid"], 0);
    assert_eq!(process["pm2_env"]["restart_time"], 15);
    assert_eq!(process["pm2_env"]["created_at"], Json::Null);
    assert_eq!(process["monit"], json!({ "memory": 0, "cpu": 0 }));
    // A restart works, and it crashes again.
    assert!(run.call("restartProcessId", &[json!({ "id": 11 })]).1.get("args").is_some());
}

#[test]
fn the_leaker_is_restarted_at_its_limit() {
    let mut run = Run::new(World::lively(START));
    let before = run.process(7);
    let limit = before["pm2_env"]["max_memory_restart"].as_u64().unwrap();
    assert!(before["monit"]["memory"].as_u64().unwrap() < limit / 2);
    run.pass(125_000);
    let line = run.console().into_iter().find(|line| line.contains("[PM2][WORKER]")).unwrap();
    assert!(line.starts_with("[PM2][WORKER] Process 7 restarted because it exceeds"), "{line}");
    assert_eq!(run.events(7), ["exit[stopping]", "exit[stopped]", "online[launching]"]);
    let after = run.process(7);
    let restarts = |process: &Json| process["pm2_env"]["restart_time"].as_u64().unwrap();
    assert_eq!(restarts(&after), restarts(&before) + 1);
    assert_ne!(after["pid"], before["pid"]);
    assert!(after["monit"]["memory"].as_u64().unwrap() < limit);
}

#[test]
fn an_exception_writes_its_stack_and_ends_the_process_once() {
    let mut run = Run::new(World::lively(START));
    run.pass(80_000);
    let at = run
        .bus
        .iter()
        .position(|(_, topic, payload)| {
            topic == "process:exception" && payload["process"]["pm_id"] == 9
        })
        .expect("billing throws within 80 s");
    assert_eq!(run.bus[at - 1].1, "log:err");
    assert!(run.bus[at - 1].2["data"].as_str().unwrap().contains("\n    at "));
    assert_eq!(run.events(9)[..2], ["exit[stopped]", "online[launching]"]);
}

#[test]
fn the_mailer_waits_before_it_comes_back() {
    let mut run = Run::new(World::lively(START));
    while run.events(5).is_empty() {
        run.pass(100);
    }
    assert_eq!(run.status(5), "waiting restart");
    let pid = run.process(5)["pid"].clone();
    assert_ne!(pid, 0);
    for (method, arg) in [("startProcessId", json!(5)), ("restartProcessId", json!({ "id": 5 }))] {
        let ticket = run.world.call(method, &[arg], run.now_ms);
        assert!(matches!(ticket, Answer::Later(_)));
        run.pass(0);
        let (_, body) = run.replies.pop().unwrap();
        assert_eq!(body["error"], format!("Process with pid {pid} already exists"));
    }
    let (took, body) = run.call("stopProcessId", &[json!(5)]);
    assert_eq!(body["args"][0]["pm2_env"]["status"], "stopped");
    assert!(took <= 120, "{took} ms");
    // The planned restart does not happen any more.
    run.pass(10_000);
    assert_eq!(run.status(5), "stopped");
}

#[test]
fn a_stop_is_two_exits_and_a_start_an_online() {
    let mut run = Run::new(World::quiet(2, START));
    let (took, body) = run.call("stopProcessId", &[json!(1)]);
    assert_eq!(run.events(1), ["exit[stopping]", "exit[stopped]"]);
    assert!((90..=300).contains(&took), "{took} ms");
    let stopped = &body["args"][0];
    assert_eq!((&stopped["pid"], &stopped["pm_id"]), (&json!(0), &json!(1)));
    assert!(stopped.get("monit").is_none());
    // A second stop is answered and says nothing on the bus.
    assert_eq!(run.call("stopProcessId", &[json!("1")]).1["args"][0]["pid"], 0);
    assert_eq!(run.events(1).len(), 2);
    run.bus.clear();
    let (_, body) = run.call("startProcessId", &[json!(1)]);
    assert_eq!(run.events(1), ["online[launching]"]);
    assert_eq!(body["args"][0]["pm2_env"]["pm_id"], 1);
    assert_eq!(run.status(1), "online");
    assert_eq!(run.call("startProcessId", &[json!(1)]).1["error"], "process already online");
}

#[test]
fn a_restart_is_exit_exit_online() {
    let mut run = Run::new(World::quiet(1, START));
    let before = run.process(0);
    let (took, body) = run.call("restartProcessId", &[json!({ "id": 0 })]);
    assert!((100..=300).contains(&took), "{took} ms");
    assert_eq!(run.events(0), ["exit[stopping]", "exit[stopped]", "online[launching]"]);
    let after = run.process(0);
    assert_eq!(after["pm2_env"]["restart_time"], 1);
    assert_eq!(after["pid"], body["args"][0]["process"]["pid"]);
    assert_ne!(after["pid"], before["pid"]);
    let told = json!({ "id": 0, "action_name": "restart", "manually": true });
    assert_eq!(run.call("notifyByProcessId", &[told]).1, json!({ "args": [] }));
    assert_eq!(run.events(0).last().unwrap(), "restart[online] manually");
}

#[test]
fn a_stubborn_process_is_killed_after_its_timeout() {
    let mut run = Run::new(World::lively(START));
    let (took, _) = run.call("stopProcessId", &[json!(8)]);
    assert!((1600..=1750).contains(&took), "{took} ms");
    assert!(run.console().iter().any(|line| line.contains("via signal [SIGKILL]")));
}

#[test]
fn a_reload_parks_the_old_worker() {
    let mut run = Run::new(World::lively(START));
    let before = run.process(2);
    let called = run.now_ms;
    assert!(matches!(
        run.world.call("reloadProcessId", &[json!({ "id": 2 })], called),
        Answer::Later(_)
    ));
    run.pass(30);
    assert_eq!(run.status(2), "launching");
    assert_eq!(
        run.call("reloadProcessId", &[json!({ "id": 2 })]).1["error"],
        "Reload already in progress for process id 2, retry later"
    );
    run.pass(1000);
    let (at, body) = run.replies.first().unwrap().clone();
    assert!((300..=500).contains(&(at - called)), "{} ms", at - called);
    assert_eq!(body["args"][0]["pm_id"], "_old_2");
    assert_eq!(body["args"][0]["pm2_env"]["status"], "stopped");
    assert_eq!(run.events(2), ["online[launching]", "exit[stopping] old", "exit[stopped] old"]);
    let after = run.process(2);
    assert_ne!(after["pid"], before["pid"]);
    // A fork process is restarted instead.
    run.bus.clear();
    run.call("reloadProcessId", &[json!({ "id": 10 })]);
    assert_eq!(run.events(10), ["exit[stopping]", "exit[stopped]", "online[launching]"]);
}

#[test]
fn a_delete_is_two_exits_and_never_a_delete() {
    let mut run = Run::new(World::quiet(2, START));
    let (_, body) = run.call("deleteProcessId", &[json!(0)]);
    assert_eq!(body["args"][0]["pm2_env"]["status"], "stopped");
    assert_eq!(run.events(0), ["exit[stopping]", "exit[stopped]"]);
    assert_eq!(run.status(0), "gone");
    assert_eq!(run.call("deleteProcessId", &[json!(0)]).1["error"], "0 : id unknown");
    let told = json!({ "id": 0, "action_name": "delete", "manually": true });
    assert_eq!(run.call("notifyByProcessId", &[told]).1["error"], "process id doesnt exists");
}

#[test]
fn stopping_what_has_no_pid_fails_inside_a_success() {
    let mut run = Run::new(World::lively(START));
    run.pass(10_000);
    let (_, body) = run.call("stopProcessId", &[json!(11)]);
    let failed = json!({ "error": true, "message": "could not kill process w/o pid" });
    assert_eq!(body, json!({ "args": [failed] }));
    assert_eq!(run.status(11), "stopped");
}

#[test]
fn a_duplicate_gets_the_next_id() {
    let mut run = Run::new(World::lively(START));
    let (_, body) = run.call("duplicateProcessId", &[json!(3)]);
    assert_eq!(body["args"][0]["pm2_env"]["pm_id"], 12);
    assert_eq!(run.events(12), ["online[launching]", "start[online] manually"]);
}

#[test]
fn what_kills_a_real_god_kills_this_one() {
    let bad: &[(&str, &[Json])] = &[
        ("ping", &[]),
        ("ping", &[json!({}), json!({})]),
        ("getMonitorData", &[]),
        ("stopProcessId", &[Json::Null]),
        ("restartProcessId", &[Json::Null]),
        ("reloadProcessId", &[Json::Null]),
        ("notifyByProcessId", &[Json::Null]),
        ("stopWatch", &[json!("stopProcessId")]),
        ("stopWatch", &[json!(1), json!("stopProcessId")]),
        ("msgProcess", &[json!("abc")]),
        ("sendSignalToProcessName", &[json!({})]),
        ("prepare", &[json!({})]),
    ];
    for (method, args) in bad {
        let answer = World::quiet(1, START).call(method, args, START);
        assert_eq!(answer, Answer::Dies, "{method} {args:?}");
    }
    // Wrong, but survived (docs/pm2.md section 1).
    let survived: &[(&str, Json, &str)] = &[
        ("startProcessId", Json::Null, "null id unknown"),
        ("stopProcessId", json!({}), "[object Object] : id unknown"),
        ("restartProcessId", json!(0), "opts.id not passed to restartProcessId"),
        ("reloadProcessId", json!(1), "PM2 ID unknown"),
        ("sendDataToProcessId", json!({}), "ID, DATA or TOPIC field is missing"),
        ("nonsense", json!({}), "method \"nonsense\" does not exist"),
    ];
    for (method, arg, error) in survived {
        match World::quiet(1, START).call(method, std::slice::from_ref(arg), START) {
            Answer::Now(body) => assert_eq!(body["error"], *error, "{method}"),
            other => panic!("{method}: {other:?}"),
        }
    }
}

#[test]
fn a_quiet_world_plans_nothing() {
    let mut run = Run::new(World::quiet(100, START));
    assert_eq!(run.world.next_ms(), None);
    let first = run.call("getMonitorData", &[json!({})]);
    run.pass(3_600_000);
    assert_eq!(run.call("getMonitorData", &[json!({})]), first);
    assert!(run.bus.is_empty());
}

#[test]
fn a_night_asleep_is_not_lived_through() {
    let mut world = World::lively(START);
    world.step(START);
    let published = world.step(START + 8 * 3_600_000);
    assert!(published.len() < 100, "{}", published.len());
    assert!(world.next_ms().unwrap() > START + 8 * 3_600_000);
}
