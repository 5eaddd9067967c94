//! 74 recorded ways to die, on two releases, from the bus to the words of their black boxes.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::daemon::bus::decoder::Decoder;
use crate::daemon::bus::output::Output;
use crate::model::apply::apply;
use crate::model::daemon::Daemon;
use crate::model::death::{BlackBox, words};
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::model::watched::Watched;
use crate::model::{DaemonId, ProcessKey};
use crate::protocol::amp::Frame;
use crate::protocol::bus::BusEvent;
use crate::protocol::process::PmId;
use crate::protocol::value;

/// Replays one recording as the reader of the bus would report it.
fn replay(messages: &[Json]) -> BlackBox {
    let id = DaemonId(0);
    let mut watched = Watched::new(vec![Daemon::new(id, "", "/home/.pm2", 1_000)]);
    let mut output = Output::new(id);
    let mut decoder = Decoder::default();
    for message in messages {
        let now = Moment::at(1_795_676_000_000 + message["t"].as_i64().unwrap());
        let topic = value::text(message["topic"].as_str().unwrap());
        let frame = Frame::new(vec![topic, value::json(&message["data"])]).unwrap();
        let mut reports = Vec::new();
        let mut emit = |report| reports.push(report);
        match decoder.decode(&frame).unwrap().event {
            BusEvent::Log(chunk) => output.push(&chunk, now.wall_ms, now.steady_ms, &mut emit),
            BusEvent::DaemonLog { at_ms, data } => {
                output.push_daemon(&data, at_ms.unwrap(), now.steady_ms, &mut emit);
            }
            BusEvent::Process(event) => emit(Report::Process(event)),
            BusEvent::Exception(exception) => emit(Report::Exception(exception)),
            _ => {}
        }
        output.report(&mut |report| reports.insert(0, report));
        for report in reports {
            apply(&mut watched, id, report, now);
        }
    }
    let key = ProcessKey { daemon: id, pm_id: PmId(0) };
    watched.boxes.get(key).cloned().unwrap_or_default()
}

#[test]
fn each_way_to_die_is_told_in_its_words() {
    let mut text = String::new();
    for (release, json) in [
        ("7.0.4", include_str!("../../../tests/deaths/7.0.4.json")),
        ("5.4.3", include_str!("../../../tests/deaths/5.4.3.json")),
    ] {
        let recorded: serde_json::Map<String, Json> = serde_json::from_str(json).unwrap();
        for (name, messages) in recorded {
            let life = replay(messages.as_array().unwrap());
            let deaths = life.lives();
            let _ = writeln!(text, "{release} {name}: {}", deaths.len());
            if let Some(why) = life.not_started() {
                let _ = writeln!(text, "    not started: {why}");
            }
            let shown: Vec<String> = deaths
                .iter()
                .map(|death| {
                    format!(
                        "    {} [{}] {} | {}",
                        words::sentence(death),
                        death.sure.word(),
                        words::follows(&death.follows),
                        words::reason(death).unwrap_or_default()
                    )
                })
                .collect();
            for line in shown.iter().take(2) {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    insta::assert_snapshot!(text);
}
