//! The bus as a stream of events.
//!
//! Invariant: the socket is always read, whatever the taker of the stream does, since a subscriber
//! that does not read makes the God daemon grow without bound (PM2.md section 6).

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value as Json;
use tokio::time::Instant;
use tokio_util::codec::FramedRead;
use tokio_util::sync::CancellationToken;

use super::pattern::{PatternError, Patterns};
use super::queue::Queue;
pub(crate) use super::queue::Queued;
use crate::daemon::Endpoint;
use crate::daemon::clock::now_ms;
use crate::daemon::rpc::backoff::Backoff;
use crate::daemon::rpc::connection::{READ_BYTES, stream_problem};
use crate::model::daemon::Problem;
use crate::protocol::amp::{AmpCodec, Frame};
pub use crate::protocol::bus::ProcessRef;
use crate::protocol::bus::raw;
use crate::protocol::text;

/// How long a connect may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// The first and the longest pause between tries to connect, as in axon.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A connection that lasted this long was a good one: the next try after it is a first one.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// How much is read between two looks at the queue.
const GULP_BYTES: usize = 128 * 1024;
/// How long it rests then where the queue fills. What God kept while this program did not run comes
/// faster than anybody takes it: with both stopped for a second in a burst, most runs lost events
/// without this rest and none with it (measured). It still reads 64 MB/s then, more than twice what
/// God says in a burst (measured), so that God never keeps anything for a taker that is stuck.
const REST: Duration = Duration::from_millis(1);

/// How much is packed together at most.
const PACK_BYTES: usize = 64 * 1024;

/// What a [`Bus`] gives.
///
/// ```
/// use pm2_tui::client::BusItem;
///
/// fn say(item: &BusItem) -> String {
///     match item {
///         BusItem::Connected => "listening".to_owned(),
///         BusItem::Reconnecting { problem, retry_in } => {
///             format!("{}; again in {retry_in:?}", problem.sentence())
///         }
///         BusItem::Event(event) => format!("{} {}", event.topic, event.data),
///         BusItem::Lost(count) => format!("{count} are missing here"),
///     }
/// }
/// assert_eq!(say(&BusItem::Lost(3)), "3 are missing here");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum BusItem {
    /// The bus is connected; also after a reconnect.
    Connected,
    /// The connection went, or could not be made; another try follows by itself.
    Reconnecting {
        /// Why.
        problem: Problem,
        /// The pause before the next try.
        retry_in: Duration,
    },
    /// A message that fits a pattern.
    Event(Event),
    /// So many events are missing here: not taken in time, the oldest first, or broken.
    Lost(u64),
}

/// One message of the bus.
///
/// ```
/// use pm2_tui::client::Event;
///
/// /// The error's text of a `process:exception`.
/// fn error(event: &Event) -> Option<&str> {
///     event.data.get("data")?.get("message")?.as_str()
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The topic, cleaned.
    pub topic: String,
    /// When, milliseconds since 1970: the payload's own `at`, else when it was read here.
    pub at_ms: i64,
    /// The whole payload, raw: not cleaned for a terminal.
    pub data: Json,
    /// The process that the payload names.
    pub process: Option<ProcessRef>,
}

/// A subscription to the bus of one daemon: a [`Stream`] that never ends, and connects again by
/// itself. Dropping it ends it.
///
/// Since 0.12, PM2 publishes `process:event` with the word (`online`, `exit`, ..) inside. Such a
/// message comes under the daemon's own topic first, then under pm2-interface's, `process:online`,
/// each where a pattern fits. So does a `process:msg`, which is what became of an app's message
/// without `data`: `process.send({type: 'process:heap', heap})` also comes as `process:heap`, with
/// the message under `raw`.
///
/// ```no_run
/// # async fn example(endpoint: pm2_tui::daemon::Endpoint) -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::StreamExt;
/// use pm2_tui::client::BusItem;
///
/// let mut bus = pm2_tui::Bus::subscribe(&endpoint, &["process:exception", "my:*"])?;
/// while let Some(item) = bus.next().await {
///     if let BusItem::Event(event) = item {
///         println!("{}: {}", event.topic, event.data);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Bus {
    queue: Arc<Queue>,
    end: CancellationToken,
}

impl Bus {
    /// Subscribes to the topics that fit one of the patterns, in which `*` stands for one or more
    /// characters; to all where there are none.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use pm2_tui::{Bus, daemon::Endpoint};
    ///
    /// let endpoint = Endpoint::in_home("/home/deploy/.pm2".as_ref());
    /// let logs = Bus::subscribe(&endpoint, &["log:*"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PatternError`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn subscribe(endpoint: &Endpoint, patterns: &[&str]) -> Result<Self, PatternError> {
        let reader = Reader {
            endpoint: endpoint.clone(),
            patterns: Patterns::new(patterns)?,
            queue: Arc::default(),
        };
        let bus = Self { queue: Arc::clone(&reader.queue), end: CancellationToken::new() };
        let end = bus.end.clone();
        tokio::spawn(async move { end.run_until_cancelled(reader.run()).await });
        Ok(bus)
    }

    /// The same stream with its messages as they came.
    pub(crate) fn undecoded(self) -> impl Stream<Item = Queued> + Unpin {
        stream::poll_fn(move |context| self.queue.poll_pop(context).map(Some))
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Stream for Bus {
    type Item = BusItem;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<BusItem>> {
        self.queue.poll_pop(context).map(|item| {
            Some(match item {
                Queued::Connected => BusItem::Connected,
                Queued::Reconnecting { problem, retry_in } => {
                    BusItem::Reconnecting { problem, retry_in }
                }
                Queued::Lost(count) => BusItem::Lost(count),
                Queued::Message(message) => match message.decode() {
                    Some(event) => BusItem::Event(event),
                    None => BusItem::Lost(1),
                },
            })
        })
    }
}

/// A message as it came, for those who hand it on: text costs far less than values.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    topic: Arc<str>,
    /// The JSON text, raw.
    payload: Bytes,
    read_at_ms: i64,
}

impl Message {
    pub(crate) fn new(topic: Arc<str>, payload: Bytes, read_at_ms: i64) -> Self {
        Self { topic, payload, read_at_ms }
    }

    /// The topic, cleaned.
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    /// The whole payload as one line of JSON, and when it happened; `None` where it is broken.
    pub(crate) fn line(&self) -> Option<(Cow<'_, str>, i64)> {
        let (json, at_ms) = raw::payload_line(&self.payload)?;
        Some((json, at_ms.unwrap_or(self.read_at_ms)))
    }

    /// Of a log line: its process, when, and the raw text; `None` where it is none.
    pub(crate) fn log(&self) -> Option<(Option<ProcessRef>, i64, String)> {
        let (process, at_ms, text) = raw::log(&self.topic, &self.payload)?;
        Some((process, at_ms.unwrap_or(self.read_at_ms), text))
    }

    /// Its values; `None` where it is broken.
    pub(crate) fn decode(&self) -> Option<Event> {
        let data = raw::payload_json(&self.payload)?;
        let (process, at_ms) = raw::origin(&data);
        let topic = self.topic.to_string();
        Some(Event { topic, at_ms: at_ms.unwrap_or(self.read_at_ms), data, process })
    }

    /// How much text it holds.
    pub(super) fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

/// Copies of texts that come one after another and go in that order, packed together: an allocation
/// for each would cost more than the text, and leave holes.
#[derive(Debug, Default)]
struct Pack {
    /// The last topic; most are the same as the one before.
    topic: Option<Arc<str>>,
    room: BytesMut,
}

impl Pack {
    fn topic(&mut self, topic: &str) -> Arc<str> {
        match &self.topic {
            Some(last) if **last == *topic => Arc::clone(last),
            _ => Arc::clone(self.topic.insert(topic.into())),
        }
    }

    /// A copy, since a slice of what was read would keep all of its buffer.
    fn payload(&mut self, payload: &[u8]) -> Bytes {
        if payload.len() > PACK_BYTES / 4 {
            return Bytes::copy_from_slice(payload);
        }
        if payload.len() > self.room.capacity() {
            self.room = BytesMut::with_capacity(PACK_BYTES);
        }
        self.room.extend_from_slice(payload);
        self.room.split().freeze()
    }
}

/// Reads the socket.
struct Reader {
    endpoint: Endpoint,
    patterns: Patterns,
    queue: Arc<Queue>,
}

impl Reader {
    /// Connects, reads, and begins again, for ever.
    async fn run(self) {
        let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1, u64::from(std::process::id()));
        loop {
            let started = Instant::now();
            let problem = self.read().await;
            if started.elapsed() >= GOOD_AFTER {
                backoff.reset();
            }
            let retry_in = backoff.delay();
            tracing::warn!(why = problem.for_log(), retry_in = ?retry_in, "the bus is not connected");
            self.queue.push(Queued::Reconnecting { problem, retry_in });
            tokio::time::sleep(retry_in).await;
        }
    }

    /// One connection, and why it ended or was none.
    async fn read(&self) -> Problem {
        let connecting = self.endpoint.connect(&self.endpoint.publish);
        let stream = match tokio::time::timeout(CONNECT_MAX, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(problem)) => return problem,
            Err(_) => return Problem::Silent { method: "connect".into() },
        };
        self.queue.push(Queued::Connected);
        let codec = AmpCodec::default();
        let mut frames = FramedRead::with_capacity(stream.gather(), codec, READ_BYTES);
        let mut farewell = None;
        let mut pack = Pack::default();
        let mut since_rest = 0;
        while let Some(frame) = frames.next().await {
            match frame {
                Ok(frame) => {
                    self.take(&frame, &mut farewell, &mut pack);
                    since_rest += frame.bytes();
                    if since_rest > GULP_BYTES {
                        since_rest = 0;
                        if self.queue.is_filling() {
                            tokio::time::sleep(REST).await;
                        }
                    }
                }
                Err(error) => match stream_problem(&error) {
                    Problem::Closed => break,
                    problem => return problem,
                },
            }
        }
        match farewell {
            Some(message) => Problem::Killed { message },
            None => Problem::Closed,
        }
    }

    fn take(&self, frame: &Frame, farewell: &mut Option<Box<str>>, pack: &mut Pack) {
        let Ok((topic, payload)) = raw::split(frame) else {
            self.queue.lose();
            return;
        };
        if topic == "pm2:kill" {
            let said = raw::payload_json(payload);
            let said = said.as_ref().and_then(|said| said.get("msg")?.as_str());
            *farewell = Some(text::clean(said.unwrap_or("the daemon was killed")).into());
        } else {
            // Any app can publish that topic: a word without an end behind it means nothing.
            *farewell = None;
        }
        let is_wanted = self.patterns.fit(&topic);
        let other = raw::other_topic(&topic, payload);
        let other = other.filter(|other| *other != topic && self.patterns.fit(other));
        if !is_wanted && other.is_none() {
            return;
        }
        let read_at_ms = now_ms();
        let payload = pack.payload(payload);
        let topics = is_wanted.then_some(&*topic).into_iter().chain(other.as_deref());
        for topic in topics {
            let message = Message::new(pack.topic(topic), payload.clone(), read_at_ms);
            self.queue.push(Queued::Message(message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_holds_what_was_put_into_it() {
        let mut pack = Pack::default();
        let text = |n: usize| vec![n as u8; n * 37 % (PACK_BYTES / 3)];
        let kept: Vec<Bytes> = (0..5_000).map(|n| pack.payload(&text(n))).collect();
        for (n, payload) in kept.iter().enumerate() {
            assert!(*payload == text(n), "{n}");
        }
        let (first, second) = (pack.payload(b"first"), pack.payload(b"second"));
        assert_eq!(first.as_ptr().wrapping_add(first.len()), second.as_ptr(), "not packed");
    }

    #[test]
    fn a_topic_is_shared_while_it_stays_the_same() {
        let mut pack = Pack::default();
        let topics = ["log:out", "log:out", "log:err", "log:out"].map(|topic| pack.topic(topic));
        assert_eq!(
            topics.each_ref().map(|topic| &**topic),
            ["log:out", "log:out", "log:err", "log:out"]
        );
        assert!(Arc::ptr_eq(&topics[0], &topics[1]));
    }
}
