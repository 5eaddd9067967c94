//! Captured frames of six PM2 releases (`tests/wire/<release>/*.bin`, concatenated AMP frames as
//! the God daemon sent them; paths, host and user are rewritten) read by `protocol`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use bytes::BytesMut;
use pm2_tui::protocol::amp::{AmpCodec, Frame};
use pm2_tui::protocol::bus::{self, BusEvent, BusPmId, ProcessRef};
use pm2_tui::protocol::process::{Snapshot, decode_monitor_data};
use pm2_tui::protocol::rpc::{Call, Methods, Outcome, Reply};
use tokio_util::codec::Decoder;

use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        simulated(every_frame_of_the_manifest_is_there),
        simulated(every_release_says_its_processes),
        simulated(every_release_says_what_happens),
        simulated(every_release_lists_the_methods_that_keys_need),
        simulated(every_release_answers_in_a_known_shape),
    ]
}

const RELEASES: [&str; 6] = ["7.0.4", "5.4.3", "4.5.6", "3.5.2", "1.1.3", "0.12.16"];

fn frames(release: &str, name: &str) -> Vec<Frame> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wire")
        .join(release)
        .join(format!("{name}.bin"));
    let mut bytes = BytesMut::from(&*std::fs::read(path).unwrap());
    let mut codec = AmpCodec::default();
    let mut frames = Vec::new();
    while let Some(frame) = codec.decode(&mut bytes).unwrap() {
        frames.push(frame);
    }
    assert!(bytes.is_empty(), "{release}/{name} ends within a frame");
    frames
}

fn reply(release: &str, name: &str) -> Reply {
    let frames = frames(release, name);
    assert_eq!(frames.len(), 1);
    frames.first().and_then(|frame| Reply::parse(frame).ok()).unwrap()
}

fn snapshot(release: &str, name: &str) -> Snapshot {
    decode_monitor_data(reply(release, name).body()).unwrap()
}

fn every_frame_of_the_manifest_is_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/MANIFEST.json");
    let manifest: BTreeMap<String, BTreeMap<String, usize>> =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut releases: Vec<&str> = manifest.keys().map(String::as_str).collect();
    releases.sort_unstable();
    let mut expected = RELEASES;
    expected.sort_unstable();
    assert_eq!(releases, expected);
    for (release, files) in &manifest {
        for (name, count) in files {
            assert_eq!(frames(release, name).len(), *count, "{release}/{name}");
        }
    }
}

/// One line for each process: all that the table shows.
fn table(snapshot: &Snapshot) -> String {
    let mut table = String::new();
    for p in &snapshot.processes {
        writeln!(
            table,
            "{} {} {} v{} {} {} pid:{:?} ↺{} unstable:{} code:{} up:{} created:{} unique:{} cpu:{:?} mem:{:?} autorestart:{}",
            p.pm_id,
            p.name,
            p.namespace.as_deref().unwrap_or("-"),
            p.version.as_deref().unwrap_or("-"),
            p.exec_mode.as_str(),
            p.status.as_str(),
            p.pid,
            p.restarts,
            p.unstable_restarts,
            p.exit_code.as_deref().unwrap_or("-"),
            p.online_since_ms.is_some(),
            p.created_at_ms.is_some(),
            p.unique_id.is_some(),
            p.cpu_percent,
            p.memory_bytes,
            p.autorestart,
        )
        .unwrap();
    }
    for warning in &snapshot.warnings {
        writeln!(table, "warning: {warning}").unwrap();
    }
    table
}

fn every_release_says_its_processes() {
    let mut tables = String::new();
    for release in RELEASES {
        assert_eq!(snapshot(release, "getMonitorData-empty"), Snapshot::default());
        for name in ["getMonitorData", "getMonitorData-late"] {
            writeln!(tables, "{release} {name}").unwrap();
            tables.push_str(&table(&snapshot(release, name)));
        }
    }
    insta::assert_snapshot!(tables);
}

fn who(process: &ProcessRef) -> String {
    match process.pm_id {
        Some(BusPmId::Process(id)) => format!("{}[{id}]", process.name),
        Some(BusPmId::Old(id)) => format!("{}[old {id}]", process.name),
        Some(BusPmId::Daemon) => format!("{}[daemon]", process.name),
        None => format!("{}[?]", process.name),
    }
}

/// One line that tells all that matters of a message; times are in every message but two kinds.
fn summary(message: &bus::BusMessage) -> String {
    let topic = &message.topic;
    match &message.event {
        BusEvent::Process(event) => {
            assert!(event.at_ms.is_some());
            format!(
                "{topic} {:?}{}{} {}[{}] {} ↺{} code {}",
                event.kind,
                if event.manually { " manually" } else { "" },
                if event.is_old_worker { " old" } else { "" },
                event.info.name,
                event.info.pm_id,
                event.info.status.as_str(),
                event.info.restarts,
                event.info.exit_code.as_deref().unwrap_or("-"),
            )
        }
        BusEvent::Log(chunk) => {
            assert!(chunk.at_ms.is_some());
            format!("{topic} {:?} {} {:?}", chunk.stream, who(&chunk.process), start(&chunk.data))
        }
        BusEvent::DaemonLog { at_ms, data } => {
            assert!(at_ms.is_some());
            format!("{topic} {:?}", start(data))
        }
        BusEvent::Exception(exception) => {
            assert!(exception.at_ms.is_some());
            format!(
                "{topic} {} {:?} and {} lines",
                who(&exception.process),
                exception.message,
                exception.stack.len()
            )
        }
        BusEvent::DaemonKilled { message } => format!("{topic} {message:?}"),
        BusEvent::Other(other) => format!(
            "{topic} {} at:{} {:?}",
            other.process.as_ref().map_or("-".to_owned(), who),
            other.at_ms.is_some(),
            start(std::str::from_utf8(&other.json).unwrap()),
        ),
    }
}

fn start(text: &str) -> String {
    text.chars().take(60).collect()
}

fn every_release_says_what_happens() {
    for release in RELEASES {
        let mut session = String::new();
        for frame in frames(release, "bus-session") {
            let message = bus::decode(&frame).unwrap();
            writeln!(session, "{}", summary(&message)).unwrap();
        }
        insta::assert_snapshot!(format!("bus-{release}"), session);
    }
}

fn every_release_lists_the_methods_that_keys_need() {
    for release in RELEASES {
        let methods = Methods::parse(&reply(release, "methods")).unwrap();
        let id = pm2_tui::protocol::process::PmId(0);
        for call in [
            Call::Ping,
            Call::GetVersion,
            Call::GetMonitorData,
            Call::StartProcessId(id),
            Call::StopProcessId(id),
            Call::RestartProcessId(id),
            Call::ReloadProcessId(id),
            Call::DeleteProcessId(id),
        ] {
            assert_eq!(methods.check(&call).unwrap().method(), call.method(), "{release}");
        }
    }
}

fn every_release_answers_in_a_known_shape() {
    let mut outcomes = String::new();
    for release in RELEASES {
        writeln!(outcomes, "{release}").unwrap();
        for name in ["rpc-replies", "getSystemData"] {
            for frame in frames(release, name) {
                let outcome = Reply::parse(&frame).unwrap().outcome().unwrap();
                match outcome {
                    Outcome::Success(values) => {
                        let text = serde_json::to_string(&values).unwrap();
                        let kind: Vec<&str> = values.iter().map(kind).collect();
                        writeln!(outcomes, "  ok {} {}", kind.join(" "), start(&text)).unwrap();
                    }
                    Outcome::Failure { message, stack } => {
                        writeln!(outcomes, "  failed {message:?} stack:{}", stack.is_some())
                            .unwrap();
                    }
                }
            }
        }
    }
    insta::assert_snapshot!(outcomes);
}

fn kind(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "bool",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "text",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    }
}
