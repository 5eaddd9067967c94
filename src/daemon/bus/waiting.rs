//! What was read from the bus and nobody decoded yet.
//!
//! Invariant: it has a bound, and only whole messages are lost past it: output of processes first,
//! all else only where that was not enough. What is lost is counted.

use bytes::BytesMut;

use crate::protocol::amp::{AmpError, FrameEnds};

/// The most that waits, bytes: a tenth of a second of the fastest burst that God can say. One
/// message may be larger: it is beside the others.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// So much that came together is a burst, bytes.
const BURST_BYTES: usize = 32 * 1024;

/// Whole messages, one after another.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The messages.
    pub(crate) bytes: BytesMut,
    /// What is missing among them or before.
    pub(crate) lost: Lost,
}

/// What was lost past the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lost {
    /// Messages of `log:out`.
    pub(crate) output: u64,
    /// Messages of `log:err`.
    pub(crate) errors: u64,
    /// Lines in both, where each message has one at least.
    pub(crate) lines: u64,
    /// All other messages.
    pub(crate) events: u64,
}

impl Lost {
    /// Whether nothing was.
    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    fn add(&mut self, message: &[u8]) {
        match Kind::of(message) {
            Kind::Output => self.output += 1,
            Kind::Errors => self.errors += 1,
            Kind::Event => {
                self.events += 1;
                return;
            }
        }
        self.lines += line_ends(message).max(1);
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

/// How many line ends a text in JSON has.
fn line_ends(json: &[u8]) -> u64 {
    let mut bytes = json.iter();
    let mut count = 0;
    while let Some(byte) = bytes.next() {
        if *byte == b'\\' && bytes.next() == Some(&b'n') {
            count += 1;
        }
    }
    count
}

/// The messages between the thread that reads and the one that decodes.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    batch: Batch,
    /// The one message over the bound that is among them, bytes; else 0.
    giant: usize,
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
                self.batch.lost.add(message);
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
                self.batch.lost.add(message);
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
        assert_eq!(lost, Lost { output: 1, errors: 1, lines: 4, events: 0 });
        assert!(waiting.take().is_none());
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
        assert_eq!(lost, Lost { output: 1, errors: 0, lines: 1, events: 2 });
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
