//! Output of processes, joined from the chunks that the daemon sends to lines.
//!
//! Invariant: lines of one output stay in order; at most [`STREAMS_MAX`] unfinished lines and
//! [`HELD_BYTES_MAX`] bytes of them are held: past that they end where they are. One that waits for
//! [`WAIT`] ends too, since it may be a prompt.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::io;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::super::failure::Failure;
use super::super::output;
use crate::client::Message;
use crate::model::assembler::{RawLine, RawLines};
use crate::protocol::bus::{BusPmId, ProcessRef};

/// The longest line kept whole, bytes.
pub(super) const LINE_BYTES_MAX: usize = 1024 * 1024;
/// The most outputs with an unfinished line.
const STREAMS_MAX: usize = 4096;
/// The most that all unfinished lines may hold, bytes.
const HELD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long an unfinished line waits for its end, as on the screen.
const WAIT: Duration = Duration::from_secs(1);

/// A piece of output.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) process: Option<ProcessRef>,
    at_ms: i64,
    text: String,
}

impl Chunk {
    /// `None` where the message is no output, or has not the shape of any.
    pub(super) fn read(message: &Message) -> Option<Self> {
        if message.topic() != "log:PM2" {
            let (process, at_ms, text) = message.log()?;
            return Some(Self { process, at_ms, text });
        }
        let event = message.decode()?;
        let text = event.data.get("data").and_then(Json::as_str)?.to_owned();
        Some(Self { process: event.process, at_ms: event.at_ms, text })
    }
}

/// What the lines of a chunk have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    pub(super) topic: Box<str>,
    pub(super) process: Option<ProcessRef>,
    /// Where JSON is printed.
    pub(super) json: Option<Around>,
    /// What stands before a line for people, and the time that it has: made once for a chunk.
    pub(super) lead: OnceCell<(i64, Box<str>)>,
}

/// What stands before and after the text of a line of JSON, escaped as it is printed. It is made once
/// for all lines of a chunk: in a burst there are hundreds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Around {
    /// Up to the data.
    pub(super) start: Box<str>,
    /// The payload before its text.
    pub(super) before: Box<str>,
    /// The payload after its text.
    pub(super) after: Box<str>,
}

impl Head {
    /// `None` where JSON is wanted, of this daemon, and the payload is of an odd shape.
    fn read(message: &Message, process: Option<ProcessRef>, daemon: Option<&str>) -> Option<Self> {
        let json = match daemon {
            None => None,
            Some(daemon) => {
                let (json, at_ms) = message.line()?;
                let (before, after) = around(&json)?;
                let start = start_of_json(message.topic(), at_ms, daemon).ok()?.into();
                Some(Around { start, before, after })
            }
        };
        Some(Self { topic: message.topic().into(), process, json, lead: OnceCell::new() })
    }
}

/// The start of an event's line of JSON, up to what depends on it.
pub(super) fn start_of_json(topic: &str, at_ms: i64, daemon: &str) -> io::Result<String> {
    let (topic, daemon) = (serde_json::to_string(topic)?, serde_json::to_string(daemon)?);
    Ok(format!("{{\"topic\":{topic},\"at\":{at_ms},\"daemon\":{daemon}"))
}

/// JSON text before and after the value of its `data`.
fn around(json: &str) -> Option<(Box<str>, Box<str>)> {
    #[derive(serde::Deserialize)]
    struct Wire<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let wire: Wire<'_> = serde_json::from_str(json).ok()?;
    let data = wire.data.get();
    let start = data.as_ptr().addr().checked_sub(json.as_ptr().addr())?;
    let (before, after) = (json.get(..start)?, json.get(start + data.len()..)?);
    let escaped = |text| output::escaped(text, false).into();
    Some((escaped(before), escaped(after)))
}

/// One output of one process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    topic: Box<str>,
    pm_id: Option<BusPmId>,
    /// Where there is no id.
    name: Box<str>,
}

#[derive(Debug)]
struct Stream {
    raw: RawLines,
    /// Of the chunk that began the unfinished line.
    head: Head,
}

/// All unfinished lines.
#[derive(Debug)]
pub(super) struct Lines {
    streams: HashMap<Key, Stream>,
    /// What the unfinished lines hold together, bytes.
    held: usize,
    /// The daemon's home, where JSON is printed.
    daemon: Option<String>,
    /// Where its own clock begins.
    started: Instant,
    /// When an unfinished line may be due, at the earliest.
    due: Option<Instant>,
}

/// What becomes of a line.
pub(super) type Emit<'a> = dyn FnMut(&Head, RawLine<'_>) -> Result<(), Failure> + 'a;

impl Lines {
    pub(super) fn new(daemon: Option<String>) -> Self {
        Self { streams: HashMap::new(), held: 0, daemon, started: Instant::now(), due: None }
    }

    /// Takes a chunk; each line that it ends goes to `emit`. `false` where its payload is of an odd
    /// shape, and nothing was taken.
    pub(super) fn push(
        &mut self,
        message: &Message,
        chunk: Chunk,
        emit: &mut Emit<'_>,
    ) -> Result<bool, Failure> {
        let Chunk { process, at_ms, text } = chunk;
        let pm_id = process.as_ref().and_then(|process| process.pm_id);
        let name = process.as_ref().filter(|_| pm_id.is_none()).map(|process| process.name.clone());
        let Some(head) = Head::read(message, process, self.daemon.as_deref()) else {
            return Ok(false);
        };
        let key = Key { topic: head.topic.clone(), pm_id, name: name.unwrap_or_default() };
        if self.streams.len() >= STREAMS_MAX && !self.streams.contains_key(&key) {
            self.end_all(emit)?;
        }
        let now_ms = self.elapsed_ms();
        let stream = self.streams.entry(key).or_insert_with(|| Stream {
            raw: RawLines::up_to(LINE_BYTES_MAX),
            head: Head::default(),
        });
        let before = stream.raw.partial_bytes();
        // The first line may have begun with an earlier chunk.
        let has_begun = stream.raw.partial_since_ms().is_some();
        let mut first = has_begun.then(|| std::mem::take(&mut stream.head));
        let mut result = Ok(());
        stream.raw.push(&text, at_ms, now_ms, |line| {
            if result.is_ok() {
                result = emit(first.take().as_ref().unwrap_or(&head), line);
            }
        });
        stream.head = first.unwrap_or(head);
        self.held = self.held.saturating_sub(before) + stream.raw.partial_bytes();
        if stream.raw.partial_since_ms().is_some() {
            let due = Instant::now() + WAIT;
            self.due.get_or_insert(due);
        }
        result?;
        if self.held > HELD_BYTES_MAX {
            self.end_all(emit)?;
        }
        Ok(true)
    }

    /// Whether no line is unfinished.
    pub(super) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// When [`Self::end_old`] has something to do, at the earliest.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Ends the unfinished lines that waited long enough.
    pub(super) fn end_old(&mut self, emit: &mut Emit<'_>) -> Result<(), Failure> {
        let before_ms = self.elapsed_ms() - WAIT.as_millis() as i64;
        self.end(|_, stream| stream.raw.partial_since_ms() <= Some(before_ms), emit)?;
        let oldest = self.streams.values().filter_map(|stream| stream.raw.partial_since_ms()).min();
        self.due = oldest.map(|began| {
            let wait_ms = (began - before_ms).max(1).unsigned_abs();
            Instant::now() + Duration::from_millis(wait_ms)
        });
        Ok(())
    }

    /// A process ended: its unfinished lines are its last.
    pub(super) fn end_of(&mut self, pm_id: BusPmId, emit: &mut Emit<'_>) -> Result<(), Failure> {
        self.end(|key, _| key.pm_id == Some(pm_id), emit)
    }

    /// Ends all unfinished lines: what follows on them does not come, or is missing.
    pub(super) fn end_all(&mut self, emit: &mut Emit<'_>) -> Result<(), Failure> {
        self.end(|_, _| true, emit)
    }

    fn end(
        &mut self,
        which: impl Fn(&Key, &Stream) -> bool,
        emit: &mut Emit<'_>,
    ) -> Result<(), Failure> {
        let mut ended: Vec<(i64, Stream)> = Vec::new();
        for (_, stream) in self.streams.extract_if(|key, stream| which(key, stream)) {
            if let Some(since_ms) = stream.raw.partial_since_ms() {
                ended.push((since_ms, stream));
            }
        }
        ended.sort_by_key(|(since_ms, _)| *since_ms);
        let mut result = Ok(());
        for (_, mut stream) in ended {
            self.held = self.held.saturating_sub(stream.raw.partial_bytes());
            let head = &stream.head;
            stream.raw.flush(|line| {
                if result.is_ok() {
                    result = emit(head, line);
                }
            });
        }
        result
    }

    fn elapsed_ms(&self) -> i64 {
        self.started.elapsed().as_millis() as i64
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(topic: &str, pm_id: u32, at_ms: i64, text: &str) -> Message {
        let payload = json!({
            "process": { "pm_id": pm_id, "name": "api", "rev": null }, "at": at_ms, "data": text
        });
        Message::new(topic.into(), payload.to_string().into_bytes().into(), 0)
    }

    /// What came of the lines: `TOPIC ID AT TEXT`.
    struct Taken {
        lines: Lines,
        said: Vec<String>,
    }

    impl Taken {
        fn new() -> Self {
            Self { lines: Lines::new(Some("/h".to_owned())), said: Vec::new() }
        }

        fn with(
            &mut self,
            run: impl FnOnce(&mut Lines, &mut Emit<'_>) -> Result<(), Failure>,
        ) -> Vec<String> {
            let said = &mut self.said;
            run(&mut self.lines, &mut |head, line| {
                assert!(head.json.is_some());
                let id = match head.process.as_ref().and_then(|process| process.pm_id) {
                    Some(BusPmId::Process(id)) => id.0,
                    other => panic!("{other:?}"),
                };
                said.push(format!("{} {id} {} {}", head.topic, line.at_ms, line.text));
                Ok(())
            })
            .unwrap();
            std::mem::take(&mut self.said)
        }

        fn push(&mut self, topic: &str, pm_id: u32, at_ms: i64, text: &str) -> Vec<String> {
            let message = message(topic, pm_id, at_ms, text);
            self.with(|lines, emit| {
                let chunk = Chunk::read(&message).unwrap();
                assert_eq!(lines.push(&message, chunk, emit), Ok(true));
                Ok(())
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_output_is_joined_by_itself() {
        let mut taken = Taken::new();
        assert_eq!(taken.push("log:out", 1, 5, "th"), [""; 0]);
        assert_eq!(taken.push("log:err", 1, 6, "an error\nx"), ["log:err 1 6 an error"]);
        assert_eq!(taken.push("log:out", 2, 7, "other\n"), ["log:out 2 7 other"]);
        let joined = ["log:out 1 5 this", "log:out 1 8 that"];
        assert_eq!(taken.push("log:out", 1, 8, "is\nthat\n\u{e9}n"), joined);
        let last = ["log:err 1 6 x", "log:out 1 8 \u{e9}n"];
        let of = BusPmId::Process(crate::protocol::process::PmId(1));
        let mut ended = taken.with(|lines, emit| lines.end_of(of, emit));
        ended.sort();
        assert_eq!((ended, taken.lines.held), (last.map(str::to_owned).to_vec(), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unfinished_line_ends_after_a_second() {
        let mut taken = Taken::new();
        assert_eq!(taken.lines.due(), None);
        taken.push("log:out", 1, 5, "first? ");
        tokio::time::advance(WAIT / 2).await;
        taken.push("log:out", 2, 6, "second? ");
        assert_eq!(taken.lines.due(), Some(Instant::now() + WAIT / 2));
        tokio::time::advance(WAIT / 2).await;
        assert_eq!(taken.with(Lines::end_old), ["log:out 1 5 first? "]);
        assert_eq!(taken.lines.due(), Some(Instant::now() + WAIT / 2));
        assert_eq!(taken.with(Lines::end_all), ["log:out 2 6 second? "]);
        assert_eq!((taken.lines.held, taken.lines.streams.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_has_bounds() {
        let mut taken = Taken::new();
        let long = "x".repeat(LINE_BYTES_MAX / 2);
        let mut ended = 0;
        for id in 0..=(HELD_BYTES_MAX / long.len()) as u32 {
            ended += taken.push("log:out", id, 0, &long).len();
        }
        assert_eq!((ended, taken.lines.held), (HELD_BYTES_MAX / long.len() + 1, 0));
        for id in 0..=STREAMS_MAX as u32 {
            ended = taken.push("log:out", id, 0, "x").len();
        }
        assert_eq!((ended, taken.lines.streams.len()), (STREAMS_MAX, 1));
    }

    #[test]
    fn the_payload_around_the_text_stays_as_it_is() {
        let json = r#"{"at": 1.50, "data" : "a\"}" ,"z":{"data":"\u202e"}}"#;
        let (before, after) = around(json).unwrap();
        assert_eq!(
            (&*before, &*after),
            (r#"{"at": 1.50, "data" : "#, r#" ,"z":{"data":"\u202e"}}"#)
        );
        assert_eq!(&*around("{\"data\":{},\"x\":\"\u{9b}\"}").unwrap().1, ",\"x\":\"\\u009b\"}");
        for odd in ["[]", "{}", "{\"data\":1,\"data\":2}", "{\"data\":"] {
            assert_eq!(around(odd), None, "{odd}");
        }
    }
}
