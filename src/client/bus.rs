//! The bus as a stream of events.
//!
//! Invariant: the socket is always read, whatever the taker of the stream does, since a subscriber
//! that does not read makes the God daemon grow without bound (docs/pm2.md section 6).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use tokio_util::sync::CancellationToken;

use super::ClientOptions;
use super::message::{Event, Message};
use super::pattern::{PatternError, Patterns};
use super::queue::{Queue, Queued};
use crate::daemon::Endpoint;
use crate::daemon::bus::reader::{CONNECT_MAX, Lost, Reader, Reconnect, Taker};
use crate::daemon::clock::now_ms;
use crate::model::daemon::Problem;
use crate::protocol::amp::Frame;
use crate::protocol::bus::raw;
use crate::protocol::text;

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
    /// The connection was lost or could not be made; it is tried again automatically.
    Reconnecting {
        /// Why.
        problem: Problem,
        /// The pause before the next try.
        retry_in: Duration,
    },
    /// A message that fits a pattern.
    Event(Event),
    /// This many events are missing here: not taken in time (the oldest are dropped first), or
    /// malformed.
    Lost(u64),
}

/// A subscription to the bus of one daemon: a [`Stream`] that never ends and reconnects
/// automatically. Dropping it ends the subscription.
///
/// Since 0.12, PM2 publishes `process:event` with the word (`online`, `exit`, ..) inside. Such a
/// message comes under the daemon's own topic first, then under pm2-interface's, `process:online`,
/// each where a pattern fits. So does a `process:msg`, which is what became of an app's message
/// without `data`: `process.send({type: 'process:heap', heap})` also comes as `process:heap`, with
/// the message under `raw`.
///
/// ```no_run
/// # async fn example(endpoint: pm2_tui::client::Endpoint) -> Result<(), Box<dyn std::error::Error>> {
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
    /// use pm2_tui::{Bus, client::Endpoint};
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
        Self::subscribe_with(endpoint, patterns, ClientOptions::default())
    }

    /// The same with the options of a client, of which a bus has one:
    /// [`ClientOptions::frame_bytes_max`] is the largest message accepted. A larger one ends the
    /// connection, and the stream reports it as [`BusItem::Reconnecting`].
    ///
    /// ```no_run
    /// # async fn example(endpoint: pm2_tui::client::Endpoint) -> Result<(), Box<dyn std::error::Error>> {
    /// use pm2_tui::Bus;
    /// use pm2_tui::client::ClientOptions;
    ///
    /// let options = ClientOptions { frame_bytes_max: 1024 * 1024, ..ClientOptions::default() };
    /// let small = Bus::subscribe_with(&endpoint, &["process:*"], options)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PatternError`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn subscribe_with(
        endpoint: &Endpoint,
        patterns: &[&str],
        options: ClientOptions,
    ) -> Result<Self, PatternError> {
        let mut queueing = Queueing::new(Patterns::new(patterns)?, Arc::default());
        let reader = Reader {
            endpoint: endpoint.clone(),
            frame_bytes_max: options.frame_bytes_max,
            connect_max: CONNECT_MAX,
            reconnect: Reconnect::kept(),
        };
        let bus = Self { queue: Arc::clone(&queueing.queue), end: CancellationToken::new() };
        let end = bus.end.clone();
        tokio::spawn(async move { end.run_until_cancelled(reader.run(&mut queueing)).await });
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

/// Puts what fits a pattern into the queue.
struct Queueing {
    patterns: Patterns,
    queue: Arc<Queue>,
    pack: Pack,
    /// The daemon's last word, if that was the last message.
    kill_notice: Option<Box<str>>,
}

impl Queueing {
    fn new(patterns: Patterns, queue: Arc<Queue>) -> Self {
        Self { patterns, queue, pack: Pack::default(), kill_notice: None }
    }
}

impl Taker for Queueing {
    fn connected(&mut self) {
        self.kill_notice = None;
        self.queue.push(Queued::Connected);
    }

    fn take(&mut self, frame: &Frame) {
        let Ok((topic, payload)) = raw::split(frame) else {
            self.queue.lose(1);
            return;
        };
        // Any app can publish that topic: a word without an end behind it means nothing.
        self.kill_notice = (topic == "pm2:kill").then(|| {
            let said = raw::payload_json(payload);
            let said = said.as_ref().and_then(|said| said.get("msg")?.as_str());
            text::clean(said.unwrap_or("the daemon was killed")).into()
        });
        let is_wanted = self.patterns.fit(&topic);
        let other = raw::other_topic(&topic, payload);
        let other = other.filter(|other| *other != topic && self.patterns.fit(other));
        if !is_wanted && other.is_none() {
            return;
        }
        let read_at_ms = now_ms();
        let payload = self.pack.payload(payload);
        let topics = is_wanted.then_some(&*topic).into_iter().chain(other.as_deref());
        for topic in topics {
            let message = Message::new(self.pack.topic(topic), payload.clone(), read_at_ms);
            self.queue.push(Queued::Message(message));
        }
    }

    fn lost(&mut self, lost: Lost) {
        let wanted = |topic, count| if self.patterns.fit(topic) { count } else { 0 };
        // Which topics the others had is not known.
        let lost = wanted("log:out", lost.output) + wanted("log:err", lost.errors) + lost.events;
        if lost > 0 {
            self.queue.lose(lost);
        }
    }

    fn disconnected(&mut self, problem: Problem, retry_in: Duration) {
        let problem = match (problem, self.kill_notice.take()) {
            (Problem::Closed, Some(message)) => Problem::Killed { message },
            (problem, _) => problem,
        };
        tracing::warn!(why = problem.for_log(), retry_in = ?retry_in, "the bus is not connected");
        self.queue.push(Queued::Reconnecting { problem, retry_in });
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
