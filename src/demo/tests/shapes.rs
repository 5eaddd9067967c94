//! The shapes of what is sent against an excerpt of what PM2 7.0.4 sent (`pm2-7.0.4.json`, from the
//! captured fixtures).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use crate::demo::{Answer, Published, World};

const START: i64 = 1_795_000_000_000;

fn captured() -> Json {
    serde_json::from_str(include_str!("pm2-7.0.4.json")).unwrap()
}

/// The kind of each value by its key: `number`, `text`, `array`, ...
fn kinds(object: &Json, without: &BTreeSet<String>) -> BTreeMap<String, &'static str> {
    let object = object.as_object().unwrap();
    let kept = object.iter().filter(|(key, _)| !without.contains(*key));
    kept.map(|(key, value)| {
        let kind = match value {
            Json::Null => "null",
            Json::Bool(_) => "bool",
            Json::Number(_) => "number",
            Json::String(_) => "text",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        };
        (key.clone(), kind)
    })
    .collect()
}

fn all(object: &Json) -> BTreeMap<String, &'static str> {
    kinds(object, &BTreeSet::new())
}

/// The names of the app's own environment on both sides; they are anybody's.
fn env_names(ours: &Json) -> BTreeSet<String> {
    let env = ours["pm2_env"]["env"].as_object().unwrap();
    let theirs = captured()["env names"].clone();
    let theirs: Vec<String> = serde_json::from_value(theirs).unwrap();
    let names = env.keys().cloned().chain(theirs);
    names.filter(|name| name != "unique_id").collect()
}

fn monitored(world: &mut World, now_ms: i64, pm_id: u32) -> Json {
    let Answer::Now(body) = world.call("getMonitorData", &[json!({})], now_ms) else {
        panic!("no answer");
    };
    let all = body["args"][0].as_array().unwrap().clone();
    all.into_iter().find(|one| one["pm_id"] == json!(pm_id)).unwrap()
}

/// The lively world some way on, and everything it published.
fn lived(until_ms: i64) -> (World, Vec<(&'static str, Json)>) {
    let mut world = World::lively(START);
    let mut bus = Vec::new();
    let mut now_ms = START;
    while now_ms < START + until_ms {
        for published in world.step(now_ms) {
            if let Published::Bus { topic, payload } = published {
                bus.push((topic, payload));
            }
        }
        if now_ms == START + 20_000 {
            world.call("reloadProcessId", &[json!({ "id": 1 })], now_ms);
            world.call("stopProcessId", &[json!(10)], now_ms);
        }
        now_ms += 100;
    }
    (world, bus)
}

#[test]
fn processes_have_the_keys_of_real_ones() {
    let (mut world, _) = lived(15_000);
    let captured = captured();
    for (name, pm_id) in [
        ("monitored fork online", 4),
        ("monitored cluster online", 0),
        ("monitored fork errored", 11),
    ] {
        let ours = monitored(&mut world, START + 15_000, pm_id);
        let theirs = &captured[name];
        assert_eq!(all(&ours), all(theirs), "{name}");
        assert_eq!(all(&ours["monit"]), all(&theirs["monit"]), "{name}");
        let names = env_names(&ours);
        assert_eq!(kinds(&ours["pm2_env"], &names), kinds(&theirs["pm2_env"], &names), "{name}");
        for inner in ["axm_options", "axm_monitor"] {
            assert_eq!(
                all(&ours["pm2_env"][inner]),
                all(&theirs["pm2_env"][inner]),
                "{name} {inner}"
            );
        }
        // As real ones: about twenty variables, each of them twice.
        let env = ours["pm2_env"]["env"].as_object().unwrap();
        assert!(env.len() >= 20, "{}", env.len());
        assert!(ours["pm2_env"].get("DATABASE_URL").is_some());
    }
}

#[test]
fn events_have_the_keys_of_real_ones() {
    let (mut world, bus) = lived(25_000);
    let names = env_names(&monitored(&mut world, START + 25_000, 0));
    let captured = captured();
    let event = |pm_id: Json| {
        let found = bus.iter().find(|(topic, payload)| {
            *topic == "process:event"
                && payload["event"] == "exit"
                && payload["process"]["pm_id"] == pm_id
        });
        found.expect("an exit").1.clone()
    };
    for (name, pm_id) in [
        ("event exit fork stopping", json!(10)),
        ("event exit fork crashed", json!(11)),
        ("event exit cluster old", json!("_old_1")),
    ] {
        let (ours, theirs) = (event(pm_id), &captured[name]);
        assert_eq!(all(&ours), all(theirs), "{name}");
        assert_eq!(kinds(&ours["process"], &names), kinds(&theirs["process"], &names), "{name}");
        assert_eq!(ours["process"]["status"], theirs["process"]["status"], "{name}");
    }
}

#[test]
fn logs_and_exceptions_have_the_keys_of_real_ones() {
    let (_, bus) = lived(15_000);
    let captured = captured();
    for topic in ["log:out", "log:PM2", "process:exception"] {
        let theirs = &captured[topic];
        let (_, ours) = bus.iter().find(|(of, _)| *of == topic).expect(topic);
        assert_eq!(all(ours), all(theirs), "{topic}");
        assert_eq!(all(&ours["process"]), all(&theirs["process"]), "{topic}");
        if topic == "process:exception" {
            assert_eq!(all(&ours["data"]), all(&theirs["data"]));
        }
    }
}

#[test]
fn replies_have_the_keys_of_real_ones() {
    let captured = captured();
    let mut world = World::quiet(1, START);
    assert_eq!(world.list_methods(), captured["methods"]);
    world.call("stopProcessId", &[json!(0)], START);
    let published = world.step(START + 1000);
    let Some(Published::Reply { body, .. }) = published.last() else {
        panic!("no reply");
    };
    let theirs = &captured["reply stopProcessId"];
    assert_eq!(all(body), all(theirs));
    assert_eq!(all(&body["args"][0]), all(&theirs["args"][0]));
    let Answer::Now(body) = world.call("restartProcessId", &[json!(7)], START) else {
        panic!("no answer");
    };
    assert_eq!(all(&body), all(&captured["reply error"]));
    world.call("killMe", &[json!({})], START);
    let published = world.step(START + 2000);
    let killed = Published::Bus { topic: "pm2:kill", payload: captured["pm2:kill"].clone() };
    assert_eq!(published, [killed]);
}
