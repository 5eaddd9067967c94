//! Where lists differ, and what is said of it.

use serde_json::json;

use super::*;
use crate::protocol::dump;

fn reply(processes: &Json) -> Vec<u8> {
    let list: Vec<Json> = processes
        .as_array()
        .unwrap()
        .iter()
        .map(|env| json!({ "name": env["name"], "pm_id": env["pm_id"], "pm2_env": env }))
        .collect();
    json!({ "args": [list] }).to_string().into_bytes()
}

fn api(id: u32, port: &str) -> Json {
    json!({
        "name": "api", "pm_id": id, "status": "online", "args": ["--port", port],
        "pm_out_log_path": format!("/l/api-out-{id}.log"), "unique_id": format!("u{id}"),
        "restart_time": id, "env": { "TOKEN": "hunter2", "NODE_APP_INSTANCE": id, "unique_id": id },
    })
}

fn lines(drift: &Drift) -> Vec<String> {
    let unsaved = drift.unsaved.iter().map(|it| format!("unsaved {} {}", it.name, it.pm_id));
    let absent = drift.absent.iter().map(|(name, count)| format!("absent {name} {count}"));
    let changed = drift.changed.iter().flat_map(|it| {
        let each = it.differences.iter();
        each.map(|difference| format!("{} {} {difference}", it.process.name, it.process.pm_id))
    });
    unsaved.chain(absent).chain(changed).collect()
}

#[test]
fn what_was_just_saved_is_the_same() {
    let body = reply(&json!([api(0, "80"), api(1, "81"), { "name": "m", "pmx_module": true }]));
    let saved = dump::of_reply(&body).unwrap();
    let drift = compare(&body, &saved.text).unwrap();
    assert_eq!((drift.listed, drift.saved, lines(&drift)), (2, 2, vec![]));
    // Other ids, another order, and what is given anew.
    let other = reply(&json!([api(8, "81"), api(9, "80")]));
    assert_eq!(lines(&compare(&other, &saved.text).unwrap()), [""; 0]);
}

#[test]
fn each_way_to_differ_is_told_without_a_secret() {
    let body = reply(&json!([
        api(0, "80"),
        { "name": "web", "pm_id": 4, "status": "stopped", "env": { "TOKEN": "hunter2", "A": 1 } },
        { "name": 7, "pm_id": 5, "status": "online" },
    ]));
    let mut other = api(0, "3001");
    other["pm_out_log_path"] = json!("/l/other-out-9.log");
    other["autorestart"] = json!(false);
    let saved = json!([
        other,
        { "name": "web", "status": "online", "env": { "TOKEN": "hunter3", "B": 2 } },
        { "name": "old" }, { "name": "old" },
    ]);
    let drift = compare(&body, &saved.to_string()).unwrap();
    assert_eq!(
        lines(&drift),
        [
            "unsaved 7 5",
            "absent old 2",
            "api 0 args: saved --port 3001",
            "api 0 autorestart: saved off",
            "api 0 out log: saved /l/other-out.log",
            "web 4 status: saved as running, stopped now",
            "web 4 environment: TOKEN saved with another value; A not saved; B only saved",
        ]
    );
    assert_eq!(drift.changed.iter().map(|it| it.is_down).collect::<Vec<_>>(), [false, true]);
    assert!(!format!("{drift:?}").contains("hunter"));
}

#[test]
fn names_count_as_often_as_they_are_there() {
    let of = |names: &[&str]| -> Json { names.iter().map(|it| json!({ "name": it })).collect() };
    let told = |now: &[&str], saved: &[&str]| {
        lines(&compare(&reply(&of(now)), &of(saved).to_string()).unwrap())
    };
    assert_eq!(told(&["a", "a", "b"], &["a", "b", "b"]), ["unsaved a 4294967295", "absent b 1"]);
    assert_eq!(told(&["a"], &["a"]), [""; 0]);
}

#[test]
fn nothing_and_absent_are_the_same() {
    let told = |now: Json, saved: Json| {
        lines(&compare(&reply(&json!([now])), &json!([saved]).to_string()).unwrap())
    };
    let all = json!({ "name": "a", "args": [], "watch": false, "autorestart": true, "node_args": null, "namespace": "" });
    assert_eq!(told(all, json!({ "name": "a" })), [""; 0]);
    let watched =
        told(json!({ "name": "a", "watch": 0 }), json!({ "name": "a", "watch": ["src"] }));
    assert_eq!(watched, ["a 4294967295 watch: saved src"]);
}

#[test]
fn what_is_no_list_is_refused() {
    for text in ["", "{}", "[5]", "[{}", "nonsense", "[null]"] {
        assert!(compare(&reply(&json!([])), text).is_err(), "{text}");
    }
    assert!(compare(b"{}", "[]").is_err());
}

#[test]
fn the_id_leaves_only_a_path_that_has_one() {
    for (path, plain) in [
        ("/l/api-out-12.log", "/l/api-out.log"),
        ("/l/api-out.log", "/l/api-out.log"),
        ("/l/api-12.txt", "/l/api-12.txt"),
        ("/l/12.log", "/l/12.log"),
        ("-3.log", ".log"),
        ("a-.log", "a-.log"),
    ] {
        assert_eq!(without_id(path), plain);
    }
}
