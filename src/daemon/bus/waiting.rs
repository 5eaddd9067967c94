//! What was read from the bus and nobody decoded yet.
//!
//! Invariant: it has a bound, and only whole messages are lost past it: output of processes first,
//! all else only where that was not enough. What is lost is counted.

use bytes::BytesMut;
use memchr::memmem;

use crate::daemon::missing::AllMissing;
use crate::protocol::amp::{AmpError, FrameEnds};
use crate::protocol::bus::{LogStream, ProcessRef, raw};

/// The most that waits, bytes: a tenth of a second of the fastest burst that God can say. One
/// message may be larger: it is beside the others.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// So much that came together is a burst, bytes.
const BURST_BYTES: usize = 32 * 1024;

/// Where the JSON of a message of output begins: behind the count of arguments, the topic and two lengths.
const JSON_AT: usize = 20;
/// How a message begins to say whose it is. Within a text it would have other quotes.
const PROCESS: &[u8] = b"\"process\":{";
/// The most processes that are known by how messages name them.
const WHOSE_MAX: usize = 32;

/// Whole messages, one after another.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The messages.
    pub(crate) bytes: BytesMut,
    /// What is missing among them or before.
    pub(crate) lost: Lost,
}

/// What was lost past the bound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Lost {
    /// Messages of `log:out`.
    pub(crate) output: u64,
    /// Messages of `log:err`.
    pub(crate) errors: u64,
    /// Lines in both, by output.
    pub(crate) missing: AllMissing,
    /// All other messages.
    pub(crate) events: u64,
}

impl Lost {
    /// Whether nothing was.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, message: &[u8], whose: &mut Whose) {
        let stream = match Kind::of(message) {
            Kind::Output => LogStream::Out,
            Kind::Errors => LogStream::Err,
            Kind::Event => {
                self.events += 1;
                return;
            }
        };
        match stream {
            LogStream::Out => self.output += 1,
            LogStream::Err => self.errors += 1,
        }
        let json = message.get(JSON_AT..).unwrap_or_default();
        self.missing.add(whose.of(json), stream, line_ends(json));
    }
}

/// Whose messages were lost last, by how these name their process.
#[derive(Debug, Default)]
struct Whose {
    known: Vec<(Box<[u8]>, ProcessRef)>,
    /// Of a message that names none.
    nobody: ProcessRef,
}

impl Whose {
    /// The process that wrote what this message says.
    fn of(&mut self, json: &[u8]) -> &ProcessRef {
        let name = memmem::find(json, PROCESS).and_then(|at| {
            let rest = json.get(at..)?;
            rest.get(..memchr::memchr(b'}', rest)?)
        });
        let Some(name) = name else { return &self.nobody };
        let known = self.known.iter().position(|(known, _)| **known == *name);
        let index = known.unwrap_or_else(|| {
            if self.known.len() >= WHOSE_MAX {
                self.known.clear();
            }
            let said = raw::log("log:out", json).and_then(|(process, ..)| process);
            let process = said.unwrap_or_else(|| self.nobody.clone());
            self.known.push((name.into(), process));
            self.known.len() - 1
        });
        self.known.get(index).map_or(&self.nobody, |(_, process)| process)
    }
}

/// What kind a message is, by its first argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `log:out`
    Output,
    /// `log:err`
    Errors,
    /// Everything else.
    Event,
}

impl Kind {
    fn of(message: &[u8]) -> Self {
        // The count of arguments, then the first one with its length before it.
        match message.get(1..14) {
            Some(b"\0\0\0\x09s:log:out") => Self::Output,
            Some(b"\0\0\0\x09s:log:err") => Self::Errors,
            _ => Self::Event,
        }
    }
}

/// How many line ends the texts in JSON have, and whether none of these ends with one.
fn line_ends(json: &[u8]) -> (u64, bool) {
    let (mut count, mut is_cut, mut at) = (0, true, 0);
    while let Some(escape) = json.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        let escaped = at + escape + 1;
        if json.get(escaped) == Some(&b'n') {
            count += 1;
            is_cut &= json.get(escaped + 1) != Some(&b'"');
        }
        at = escaped + 1;
    }
    (count, is_cut)
}

/// The messages between the thread that reads and the one that decodes.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    batch: Batch,
    /// The one message over the bound that is among them, bytes; else 0.
    giant: usize,
    whose: Whose,
    /// Whether output may be among them: not all are looked at.
    may_have_output: bool,
    /// Why nothing follows.
    end: Option<AmpError>,
}

impl Waiting {
    /// Takes whole messages.
    pub(super) fn push(&mut self, messages: &[u8]) {
        if self.has_room(messages.len()) {
            self.may_have_output = true;
            self.batch.bytes.extend_from_slice(messages);
            return;
        }
        for message in split(messages) {
            self.push_one(message);
        }
    }

    fn push_one(&mut self, message: &[u8]) {
        if message.len() > BYTES_MAX && self.giant == 0 {
            self.giant = message.len();
        } else if !self.has_room(message.len()) {
            self.forget_output();
            if !self.has_room(message.len()) {
                self.batch.lost.add(message, &mut self.whose);
                return;
            }
        } else {
            // There is room.
        }
        self.may_have_output |= Kind::of(message) != Kind::Event;
        self.batch.bytes.extend_from_slice(message);
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.batch.bytes.len().saturating_sub(self.giant).saturating_add(bytes) <= BYTES_MAX
    }

    /// Loses all output that waits but the one message over the bound.
    fn forget_output(&mut self) {
        if !std::mem::take(&mut self.may_have_output) {
            return;
        }
        let mut kept = BytesMut::new();
        for message in split(&self.batch.bytes) {
            if Kind::of(message) == Kind::Event || message.len() > BYTES_MAX {
                kept.extend_from_slice(message);
            } else {
                self.batch.lost.add(message, &mut self.whose);
            }
        }
        self.batch.bytes = kept;
    }

    /// Nothing follows.
    pub(super) fn end(&mut self, error: AmpError) {
        self.end = Some(error);
    }

    /// All that waits, once; then the end, once; `None` where there is nothing.
    pub(super) fn take(&mut self) -> Option<Result<Batch, AmpError>> {
        if self.batch.bytes.is_empty() && self.batch.lost.is_nothing() {
            return self.end.take().map(Err);
        }
        self.may_have_output = false;
        // In a burst as much will come again; to grow step by step is to copy it twice.
        let room = self.batch.bytes.len().saturating_sub(std::mem::take(&mut self.giant));
        let room = if room < BURST_BYTES { 0 } else { room };
        let next = Batch { bytes: BytesMut::with_capacity(room), lost: Lost::default() };
        Some(Ok(std::mem::replace(&mut self.batch, next)))
    }
}

/// The messages of some that are whole.
fn split(messages: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut ends = FrameEnds::new(usize::MAX);
    let mut rest = messages;
    std::iter::from_fn(move || {
        let length = ends.next(rest).ok()??;
        let (message, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(message)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::Bytes;
    use tokio_util::codec::Encoder;

    use super::*;
    use crate::protocol::amp::{AmpCodec, Frame};

    pub(in crate::daemon::bus) fn message(topic: &str, json: &str) -> Vec<u8> {
        let args = [format!("s:{topic}"), format!("j:{json}")].map(Bytes::from);
        let mut bytes = BytesMut::new();
        AmpCodec::default().encode(Frame::new(args.into()).unwrap(), &mut bytes).unwrap();
        bytes.to_vec()
    }

    /// The topics of what waits, and what was lost.
    fn take(waiting: &mut Waiting) -> (Vec<String>, Lost) {
        let batch = waiting.take().unwrap().unwrap();
        let topic = |message: &[u8]| {
            let length = usize::from(message[4]);
            String::from_utf8(message[7..5 + length].to_vec()).unwrap()
        };
        (split(&batch.bytes).map(topic).collect(), batch.lost)
    }

    #[test]
    fn output_goes_first_and_is_counted_by_messages_and_lines() {
        let mut waiting = Waiting::default();
        let text = |lines: usize| format!(r#"{{"data":"{}"}}"#, r"a line\n".repeat(lines));
        waiting.push(&message("process:event", "{}"));
        waiting.push(&[message("log:out", &text(3)), message("log:err", r#""C:\\n""#)].concat());
        let large = message("log:PM2", &"x".repeat(BYTES_MAX - 100));
        waiting.push(&large);
        let (topics, lost) = take(&mut waiting);
        assert_eq!(topics, ["process:event", "log:PM2"], "the daemon's own console is no output");
        assert_eq!((lost.output, lost.errors, lost.events), (1, 1, 0));
        assert_eq!(lost.missing.lines(), 4, "three, and one that is cut");
        assert!(waiting.take().is_none());
    }

    #[test]
    fn what_is_lost_is_counted_for_each_output() {
        let mut waiting = Waiting::default();
        let said = |id: u32, data: &str| {
            format!(r#"{{"process":{{"pm_id":{id},"name":"a"}},"at":5,"data":"{data}"}}"#)
        };
        for (topic, id, data) in [
            ("log:out", 1, r"a\nb\n"),
            ("log:out", 2, r#"\"process\":{\nx"#),
            ("log:out", 1, r"c\\n\nd"),
            ("log:err", 1, r"e\n"),
        ] {
            waiting.push(&message(topic, &said(id, data)));
        }
        waiting.push(&message("log:PM2", &"x".repeat(BYTES_MAX - 100)));
        let (_, lost) = take(&mut waiting);
        let of = |(id, stream, lines): (u32, _, _)| {
            let wanted = Some((crate::protocol::process::PmId(id), stream));
            let found = lost.missing.all().iter().find(|missing| missing.key() == wanted);
            let found = found.unwrap();
            assert_eq!((&*found.process.name, found.ends, found.is_cut), lines);
        };
        of((1, LogStream::Out, ("a", 3, true)));
        of((2, LogStream::Out, ("a", 1, true)));
        of((1, LogStream::Err, ("a", 1, false)));
    }

    #[test]
    fn of_events_alone_the_newest_go() {
        let mut waiting = Waiting::default();
        for _ in 0..5 {
            waiting.push(&message("process:event", &"x".repeat(BYTES_MAX / 4)));
        }
        waiting.push(&message("log:out", &"x".repeat(BYTES_MAX / 4)));
        let (topics, lost) = take(&mut waiting);
        assert_eq!(topics, ["process:event"; 3]);
        assert_eq!((lost.output, lost.errors, lost.events), (1, 0, 2));
        assert_eq!(lost.missing.lines(), 1);
    }

    #[test]
    fn one_message_over_the_bound_waits_beside_the_others() {
        let mut waiting = Waiting::default();
        let giant = |topic: &str| message(topic, &"x".repeat(BYTES_MAX));
        waiting.push(&message("first", "1"));
        waiting.push(&[giant("log:out"), message("log:err", "1")].concat());
        for _ in 0..4 {
            waiting.push(&message("log:out", &"x".repeat(BYTES_MAX / 3)));
        }
        waiting.push(&giant("second"));
        waiting.push(&message("last", "1"));
        let (topics, lost) = take(&mut waiting);
        assert_eq!(topics, ["first", "log:out", "last"]);
        assert_eq!((lost.output, lost.errors, lost.events), (4, 1, 1));
        waiting.push(&giant("third"));
        assert_eq!(take(&mut waiting).0, ["third"]);
    }

    #[test]
    fn the_end_comes_last_and_once() {
        let mut waiting = Waiting::default();
        waiting.push(&message("first", "1"));
        waiting.end(AmpError::Version { found: 4 });
        assert_eq!(take(&mut waiting).0, ["first"]);
        assert!(matches!(waiting.take(), Some(Err(AmpError::Version { found: 4 }))));
        assert!(waiting.take().is_none());
    }
}
