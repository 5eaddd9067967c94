//! The bus as a stream of events.
//!
//! Invariant: the socket is always read, whatever the taker of the stream does, since a subscriber
//! that does not read makes the God daemon grow without bound (PM2.md section 6).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::Value as Json;
use tokio::time::Instant;
use tokio_util::codec::FramedRead;
use tokio_util::sync::CancellationToken;

use super::pattern::{PatternError, Patterns};
use super::queue::{Queue, Queued};
use crate::daemon::Endpoint;
use crate::daemon::backoff::Backoff;
use crate::daemon::clock::now_ms;
use crate::daemon::connection::{READ_BYTES, stream_problem};
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

/// What a [`Bus`] gives.
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
                Queued::Message { topic, payload, read_at_ms } => {
                    match raw::payload_json(&payload) {
                        Some(data) => BusItem::Event(Event::new(topic, data, read_at_ms)),
                        None => BusItem::Lost(1),
                    }
                }
            })
        })
    }
}

impl Event {
    fn new(topic: String, data: Json, read_at_ms: i64) -> Self {
        let (process, at_ms) = raw::origin(&data);
        Self { topic, at_ms: at_ms.unwrap_or(read_at_ms), data, process }
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
        while let Some(frame) = frames.next().await {
            match frame {
                Ok(frame) => self.take(&frame, &mut farewell),
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

    fn take(&self, frame: &Frame, farewell: &mut Option<Box<str>>) {
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
        // A copy: a slice would keep the whole read buffer that it came in.
        let payload = Bytes::copy_from_slice(payload);
        let read_at_ms = now_ms();
        let topics = is_wanted.then_some(topic).into_iter().chain(other);
        for topic in topics {
            self.queue.push(Queued::Message { topic, payload: payload.clone(), read_at_ms });
        }
    }
}
