//! What stands at the start of a line.

use std::io;

use crate::model::units::{self, Clock};
use crate::protocol::bus::{BusPmId, ProcessRef};
use crate::protocol::text::clean;

/// The start of an event's line of JSON, up to what depends on it.
pub(super) fn start_of_json(topic: &str, at_ms: i64, daemon: &str) -> io::Result<String> {
    let (topic, daemon) = (serde_json::to_string(topic)?, serde_json::to_string(daemon)?);
    Ok(format!("{{\"topic\":{topic},\"at\":{at_ms},\"daemon\":{daemon}"))
}

/// Begins `line` anew with what stands before what was said.
pub(super) fn start_of_text(
    process: Option<&ProcessRef>,
    at_ms: i64,
    topic: &str,
    utc_offset_s: i32,
    line: &mut String,
) {
    line.clear();
    line.push_str(&units::clock(at_ms, utc_offset_s, Clock::Milliseconds));
    line.push(' ');
    match process.map(|process| (process.pm_id, &process.name)) {
        None => line.push('-'),
        Some((Some(BusPmId::Daemon), _)) => line.push_str("PM2"),
        Some((Some(id), name)) => line.extend([name, "[", &id_text(id), "]"]),
        Some((None, name)) => line.push_str(name),
    }
    line.extend([" ", &clean(topic), " "]);
}

pub(super) fn id_text(id: BusPmId) -> String {
    match id {
        BusPmId::Process(id) => id.to_string(),
        BusPmId::Old(id) => format!("_old_{id}"),
        BusPmId::Daemon => "PM2".to_owned(),
    }
}
