//! The bus as a stream of events.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use serde_json::Value as Json;

use crate::daemon::Endpoint;
use crate::model::daemon::Problem;
pub use crate::protocol::bus::ProcessRef;

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
    /// So many events were dropped here, the oldest first, because they were not taken in time.
    Lost(u64),
}

/// One message of the bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The topic, cleaned.
    pub topic: String,
    /// When, milliseconds since 1970: the payload's own `at`, else when it was read here.
    pub at_ms: i64,
    /// The whole payload, raw.
    pub data: Json,
    /// The process that the payload names.
    pub process: Option<ProcessRef>,
}

/// Why patterns cannot be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// An empty pattern fits nothing.
    #[error("an empty pattern fits no topic: name one, or * for all")]
    Empty,
    /// A pattern is too long.
    #[error("a pattern of {chars} characters is over the limit of {max}")]
    TooLong {
        /// Its length.
        chars: usize,
        /// The limit.
        max: usize,
    },
    /// There are too many.
    #[error("{count} patterns are over the limit of {max}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The limit.
        max: usize,
    },
}

/// A subscription to the bus of one daemon. Dropping it ends it.
#[derive(Debug)]
pub struct Bus {}

impl Bus {
    /// Subscribes to the topics that fit one of the patterns; to all where there are none.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn subscribe(_endpoint: &Endpoint, _patterns: &[&str]) -> Result<Self, PatternError> {
        Ok(Self {})
    }
}

impl Stream for Bus {
    type Item = BusItem;

    fn poll_next(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<BusItem>> {
        Poll::Ready(None)
    }
}
