//! Side by side with the npm package pm2-interface, on the same daemon and the same apps.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use pm2_tui::client::ClientError;
use serde_json::{Value as Json, json};

use super::methods::processes;
use super::stage::{Stage, plain, talker, web};
use crate::harness::PATIENCE;
use crate::harness::install::{Locked, Pm2, Release};

/// pm2-interface in a process of its own: requests go in, replies and topics come out.
struct Interface {
    child: Child,
    lines: Receiver<Json>,
}

impl Interface {
    fn on(stage: &Stage) -> Self {
        let pm2 = Pm2::of(Locked::Old);
        let driver =
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/pm2-interface-driver.js");
        let (rpc, publish) = if let Some((rpc, publish)) = stage.home.ports() {
            (rpc.to_string(), publish.to_string())
        } else {
            let path = |name: &str| stage.home.path().join(name).display().to_string();
            (path("rpc.sock"), path("pub.sock"))
        };
        let mut child = Command::new(&pm2.node)
            .arg(driver)
            .arg(pm2.folder.join("node_modules/pm2-interface"))
            .args([rpc, publish])
            .current_dir(stage.home.path())
            .env_clear()
            .env("HOME", stage.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) =
                    line.map_err(drop).and_then(|line| serde_json::from_str(&line).map_err(drop))
                else {
                    return;
                };
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let mut interface = Self { child, lines };
        interface.wait("ready");
        interface
    }

    /// Waits for a line of this kind, and gives the topics that came before it.
    #[track_caller]
    fn wait(&mut self, kind: &str) -> (Json, Vec<Json>) {
        let mut others = Vec::new();
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|error| panic!("pm2-interface says no {kind}: {error}"));
            match line.get(kind) {
                Some(value) => return (value.clone(), others),
                None => others.push(line),
            }
        }
    }

    /// One call: its reply, or its error's text.
    #[track_caller]
    fn call(&mut self, method: &str, args: &Json) -> Result<Json, String> {
        let request = json!({"method": method, "args": args}).to_string();
        writeln!(self.child.stdin.as_mut().unwrap(), "{request}").unwrap();
        let (line, _) = self.wait("done");
        match line.get("error") {
            Some(error) => Err(error.as_str().unwrap().to_owned()),
            None => Ok(line["reply"].clone()),
        }
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What two replies must have in common: all of a text, the processes, else the names of fields.
fn essence(reply: &Json) -> Json {
    let found = processes(reply);
    if !found.is_empty() {
        return json!(found);
    }
    match reply {
        Json::Object(fields) => json!(fields.keys().collect::<std::collections::BTreeSet<_>>()),
        Json::Array(items) => json!(items.len()),
        other => other.clone(),
    }
}

pub(crate) fn calls(release: Release) {
    let stage = Stage::new(release, &[web(), plain(), talker()]);
    let mut interface = Interface::on(&stage);
    let client = stage.client();
    let id = stage.ids("plain")[0];
    let has = stage.home.methods();
    let session = [
        ("getMonitorData", json!([{}])),
        ("getVersion", json!([{}])),
        ("ping", json!([{}])),
        ("stopProcessId", json!([id])),
        ("getMonitorData", json!([{}])),
        ("startProcessId", json!([id])),
        ("restartProcessId", json!([{"id": id}])),
        ("sendSignalToProcessId", json!([{"process_id": id, "signal": "SIGCONT"}])),
        ("getSystemData", json!([{}])),
        ("findByScript", json!(["plain.js"])),
        ("restartProcessName", json!(["plain"])),
        ("stopProcessId", json!([9999])),
        ("restartProcessId", json!([{"id": 9999}])),
        ("stopAll", json!([{}])),
        ("getMonitorData", json!([{}])),
        ("startProcessId", json!([id])),
    ];
    for (method, args) in session.iter().filter(|(method, _)| has.contains(*method)) {
        let before = stage.home.jlist();
        let theirs = interface.call(method, args);
        // The same state again for ours.
        if ["stopProcessId", "startProcessId", "stopAll"].contains(method) && theirs.is_ok() {
            stage.restore(&before);
        }
        let ours = stage.call(&client, method, args);
        if (release, *method) == (Release::Four, "getSystemData") {
            // That daemon lists it and refuses it; what it lacks is composed.
            assert!(theirs.is_err_and(|said| said.contains("not launched")) && ours.is_ok());
            continue;
        }
        let ours = ours.map_err(|error| match error {
            ClientError::Daemon { message, .. } => message,
            other => panic!("{method} {args}: {other:?}, and pm2-interface got {theirs:?}"),
        });
        let (theirs, ours) =
            (theirs.map(|reply| essence(&reply)), ours.map(|reply| essence(&reply)));
        assert_eq!(ours, theirs, "{method} {args}: ours, and pm2-interface's");
    }
}

pub(crate) fn topics(release: Release) {
    let stage = Stage::new(release, &[web(), plain(), talker()]);
    let mut interface = Interface::on(&stage);
    let mut bus = stage.bus(&["*"]);
    let client = stage.client();
    let id = stage.ids("plain")[0];

    // Both listen; the session is what is between two messages of the talker.
    stage.signal("talker");
    stage.events_until(&mut bus, "the first mark", |event| event.topic == "my:message");
    stage.good(&client, "restartProcessId", &json!([{"id": id}]));
    stage.good(&client, "stopProcessId", &json!([id]));
    stage.good(&client, "startProcessId", &json!([id]));
    stage.home.cli(&["restart", "web"]);
    stage.good(&client, "deleteProcessId", &json!([id]));
    stage.signal("talker");
    let ours = stage.events_until(&mut bus, "the second mark", |event| event.topic == "my:message");
    let mut ours: Vec<String> = ours.into_iter().map(|event| event.topic).collect();
    if release != Release::Zero10 {
        // Of each process:event we give pm2-interface's old topic too; pm2-interface does not.
        let own = ["process:event", "process:msg", "process:exception"];
        ours.retain(|topic| !topic.starts_with("process:") || own.contains(&&**topic));
    }

    let mut theirs: Vec<String> = Vec::new();
    for mark in 0..2 {
        loop {
            let (topic, _) = interface.wait("topic");
            let topic = topic.as_str().unwrap().to_owned();
            let is_mark = topic == "my:message";
            if mark == 1 {
                theirs.push(topic);
            }
            if is_mark {
                break;
            }
        }
    }
    assert!(ours.len() > 8, "a session with something in it: {ours:?}");
    assert_eq!(ours, theirs, "our topics, and pm2-interface's");
}
