//! How an event is printed: for people, as JSON, or by running a command for it.
//!
//! Invariant: a line is written whole; what is printed for people is cleaned, JSON is escaped.

use std::io::{self, Write};

use serde_json::Value as Json;

use super::super::exec::{Job, Runner};
use super::super::failure::Failure;
use super::super::{Context, output};
use super::ends::How;
use super::lines::{Around, Head, start_of_json};
use super::whole::Whole;
use crate::client::{Message, ProcessRef};
use crate::model::assembler::{RawLine, cut_note};
use crate::model::units::{self, Clock};
use crate::model::words;
use crate::protocol::bus::{BusPmId, ProcessEvent};
use crate::protocol::text::clean;

/// The most of a topic or name that a command gets in its environment, characters.
const ENVIRONMENT_CHARS_MAX: usize = 1_000;
/// The topic of a line of JSON that says what is missing.
const LOST_TOPIC: &str = "pm2-tui:lost";

/// Where events go.
#[derive(Debug)]
pub(super) struct Printer<'a, W> {
    pub(super) context: &'a Context,
    is_json: bool,
    daemon: String,
    pub(super) runner: Option<Runner>,
    pub(super) out: &'a mut W,
    /// How many are to be printed.
    pub(super) count: Option<u64>,
    /// How many were.
    pub(super) seen: u64,
    /// The last line for people; kept for its room.
    line: String,
    /// The last text in JSON; kept for its room.
    text: Vec<u8>,
}

impl<'a, W: Write> Printer<'a, W> {
    pub(super) fn new(
        context: &'a Context,
        is_json: bool,
        runner: Option<Runner>,
        count: Option<u64>,
        out: &'a mut W,
    ) -> Self {
        let daemon = context.home();
        Self {
            context,
            is_json,
            daemon,
            runner,
            out,
            count,
            seen: 0,
            line: String::new(),
            text: Vec::new(),
        }
    }

    /// Whether JSON is made of events.
    fn needs_json(&self) -> bool {
        self.is_json || self.runner.is_some()
    }

    /// The daemon as JSON says it, where JSON is made of events.
    pub(super) fn json_daemon(&self) -> Option<String> {
        self.needs_json().then(|| self.daemon.clone())
    }

    /// Whether as many were printed as were asked for.
    pub(super) fn is_full(&self) -> bool {
        self.count == Some(self.seen)
    }

    /// Prints a line of output.
    pub(super) fn line(&mut self, head: &Head, line: RawLine<'_>) -> Result<(), Failure> {
        if self.is_full() {
            return Ok(());
        }
        self.seen += 1;
        let Some(json) = &head.json else {
            let offset_s = self.context.utc_offset_s;
            let make = || {
                let mut lead = String::new();
                start(head.process.as_ref(), line.at_ms, &head.topic, offset_s, &mut lead);
                (line.at_ms, lead.into_boxed_str())
            };
            let (at_ms, lead) = head.lead.get_or_init(make);
            if *at_ms == line.at_ms {
                self.line.clear();
                self.line.push_str(lead);
            } else {
                start(head.process.as_ref(), line.at_ms, &head.topic, offset_s, &mut self.line);
            }
            self.line.push_str(&clean(line.text));
            if line.cut_bytes > 0 {
                self.line.push_str(&cut_note(line.cut_bytes));
            }
            return self.write_line();
        };
        self.text.clear();
        serde_json::to_writer(&mut self.text, line.text).map_err(io::Error::from)?;
        match &mut self.runner {
            None => write_line(json, &self.text, line.cut_bytes, self.out)?,
            Some(runner) => {
                let mut input = Vec::new();
                write_line(json, &self.text, line.cut_bytes, &mut input)?;
                runner.push(job(&head.topic, head.process.as_ref(), input));
            }
        }
        Ok(())
    }

    /// Whether lines of output are printed as JSON, and no command is run for them.
    pub(super) fn prints_json(&self) -> bool {
        self.is_json && self.runner.is_none()
    }

    /// Prints the lines of a chunk as JSON.
    pub(super) fn whole(&mut self, topic: &str, whole: &Whole<'_>) -> Result<(), Failure> {
        let start = start_of_json(topic, whole.at_ms, &self.daemon)?;
        for line in whole.lines() {
            if self.is_full() {
                break;
            }
            self.seen += 1;
            let parts =
                [&*start, ",\"data\":", &*whole.before, "\"", &*line, "\"", &*whole.after, "}\n"];
            for part in parts {
                self.out.write_all(part.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Prints a message as it came; `false` where it cannot be read.
    pub(super) fn message(&mut self, message: &Message, how: &How<'_>) -> Result<bool, Failure> {
        if self.is_full() {
            return Ok(true);
        }
        if !self.needs_json() {
            let offset_s = self.context.utc_offset_s;
            let Some(()) = human(message, how, offset_s, &mut self.line) else { return Ok(false) };
            self.seen += 1;
            return self.write_line().map(|()| true);
        }
        let Some((data, at_ms)) = message.line() else { return Ok(false) };
        let start = start_of_json(message.topic(), at_ms, &self.daemon)?;
        match &mut self.runner {
            None => {
                write_json(&start, how.signal, &data, self.out)?;
            }
            Some(runner) => {
                let Some(event) = message.decode() else { return Ok(false) };
                let mut input = Vec::new();
                write_json(&start, how.signal, &data, &mut input)?;
                runner.push(job(&event.topic, event.process.as_ref(), input));
            }
        }
        self.seen += 1;
        Ok(true)
    }

    /// Prints among lines of JSON that so many events are missing here; `None` where nobody knows.
    pub(super) fn lost(&mut self, count: Option<u64>) -> Result<(), Failure> {
        if !self.is_json || self.runner.is_some() {
            return Ok(());
        }
        let at_ms = crate::daemon::clock::now_ms();
        let data = serde_json::json!({ "lost": count }).to_string();
        let start = start_of_json(LOST_TOPIC, at_ms, &self.daemon)?;
        Ok(write_json(&start, None, &data, self.out)?)
    }

    /// Ends the line for people, and prints it.
    fn write_line(&mut self) -> Result<(), Failure> {
        self.line.truncate(self.line.trim_end().len());
        if self.context.is_ascii {
            self.line = output::printable(&self.line, true);
        }
        self.line.push('\n');
        Ok(self.out.write_all(self.line.as_bytes())?)
    }
}

/// Writes a message as one line of JSON.
fn write_json(
    start: &str,
    signal: Option<&str>,
    data: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    out.write_all(start.as_bytes())?;
    if let Some(signal) = signal {
        out.write_all(b",\"signal\":")?;
        serde_json::to_writer(&mut *out, signal)?;
    }
    out.write_all(b",\"data\":")?;
    out.write_all(output::escaped(data, false).as_bytes())?;
    out.write_all(b"}\n")
}

/// Writes a line of output, whose text is JSON, as one line of JSON.
fn write_line(
    around: &Around,
    text: &[u8],
    cut_bytes: u64,
    out: &mut impl Write,
) -> io::Result<()> {
    out.write_all(around.start.as_bytes())?;
    if cut_bytes > 0 {
        write!(out, ",\"cut\":{cut_bytes}")?;
    }
    out.write_all(b",\"data\":")?;
    out.write_all(around.before.as_bytes())?;
    // Most text: nothing in it has to be escaped.
    if text.is_ascii() && !text.contains(&0x7f) {
        out.write_all(text)?;
    } else {
        out.write_all(output::escaped(&String::from_utf8_lossy(text), false).as_bytes())?;
    }
    out.write_all(around.after.as_bytes())?;
    out.write_all(b"}\n")
}

fn job(topic: &str, process: Option<&ProcessRef>, input: Vec<u8>) -> Job {
    let pm_id = process.and_then(|process| process.pm_id).map(id_text);
    // A zero cannot be in the environment, and all of it has a bound.
    let plain = |text: &str| {
        text.chars().filter(|c| *c != '\0').take(ENVIRONMENT_CHARS_MAX).collect::<String>()
    };
    Job {
        input,
        topic: plain(topic),
        process: process.map_or_else(String::new, |process| plain(&process.name)),
        pm_id: pm_id.unwrap_or_default(),
    }
}

fn id_text(id: BusPmId) -> String {
    match id {
        BusPmId::Process(id) => id.to_string(),
        BusPmId::Old(id) => format!("_old_{id}"),
        BusPmId::Daemon => "PM2".to_owned(),
    }
}

/// Puts a message into `line`: time, process, topic and what it says; `None` where it cannot be read.
fn human(message: &Message, how: &How<'_>, utc_offset_s: i32, line: &mut String) -> Option<()> {
    // Most messages by far: their values are not built.
    if let Some((process, at_ms, text)) = message.log() {
        start(process.as_ref(), at_ms, message.topic(), utc_offset_s, line);
        append(&text, line);
        return Some(());
    }
    let event = message.decode()?;
    start(event.process.as_ref(), event.at_ms, &event.topic, utc_offset_s, line);
    match &how.event {
        Some(said) => append(&told(&event.topic, said, how), line),
        None => append(&said(&event.topic, &event.data), line),
    }
    Some(())
}

/// What happened to a process: the word is in the topic already, unless that is the general one.
fn told(topic: &str, event: &ProcessEvent, how: &How<'_>) -> String {
    let text = words::event(event, how.is_heard, how.is_asked);
    if topic == "process:event" { format!("{} ({text})", how.word) } else { text }
}

/// Begins `line` anew with what stands before what was said.
fn start(
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

/// Adds what was said, in one line whatever it was: the lines of a chunk are parted visibly, each
/// cleaned by itself, since a carriage return goes back to the start of its own.
fn append(text: &str, line: &mut String) {
    for (index, part) in text.trim_end_matches('\n').split('\n').enumerate() {
        if index > 0 {
            line.push_str(" | ");
        }
        line.push_str(&clean(part));
    }
}

/// What an event says, short: of processes never more than their name and state, since PM2 puts
/// their whole environment there.
fn said(topic: &str, payload: &Json) -> String {
    let text = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_owned);
    let data = payload.get("data");
    let known = match topic {
        "process:exception" => text(data.and_then(|data| data.get("message"))),
        "pm2:kill" => text(payload.get("msg")),
        _ => text(data).or_else(|| text(payload.get("raw"))),
    };
    known.unwrap_or_else(|| match (data.or_else(|| payload.get("raw")), payload) {
        (Some(data), _) => data.to_string(),
        (None, Json::Object(map)) => {
            let rest = map.iter().filter(|(key, _)| !matches!(key.as_str(), "process" | "at"));
            let rest: serde_json::Map<_, _> =
                rest.map(|(key, value)| (key.clone(), value.clone())).collect();
            Json::Object(rest).to_string()
        }
        (None, other) => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::process::PmId;

    #[test]
    fn what_an_event_says_never_holds_an_environment() {
        let process = json!({ "name": "api", "status": "stopped", "SECRET": "hunter2" });
        for (topic, payload, wanted) in [
            ("process:exception", json!({ "data": { "message": "boom", "stack": "s" } }), "boom"),
            ("my:message", json!({ "data": { "a": 1 }, "process": process, "at": 1 }), "{\"a\":1}"),
            ("process:msg", json!({ "raw": "hi", "process": process }), "hi"),
            ("process:online", json!({ "process": process, "at": 1 }), "{}"),
            ("pm2:kill", json!({ "status": "killed", "msg": "pm2 was killed" }), "pm2 was killed"),
            ("x", json!([1]), "[1]"),
        ] {
            assert_eq!(said(topic, &payload), wanted, "{topic}");
        }
    }

    #[test]
    fn the_command_gets_names_without_zeros() {
        let process = ProcessRef { pm_id: Some(BusPmId::Process(PmId(3))), name: "a\0pi".into() };
        let one = job("a\0b", Some(&process), Vec::new());
        assert_eq!((&*one.topic, &*one.process, &*one.pm_id), ("ab", "api", "3"));
        assert_eq!(job("x", None, Vec::new()).pm_id, "");
    }
}
