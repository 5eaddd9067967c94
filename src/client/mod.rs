//! pm2-interface in Rust: every method of a God daemon and every event of its bus.
//!
//! Invariant: a call goes through [`Methods::check_named`] or [`Methods::check`] and never gets to
//! a daemon that it could harm; what the daemon has not is composed of what it has, as the pm2 CLI
//! does it.

mod bus;
mod error;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

pub use self::bus::{Bus, BusItem, Event, PatternError, ProcessRef};
pub use self::error::ClientError;
use crate::daemon::Endpoint;
use crate::model::Action;
use crate::protocol::amp::FRAME_BYTES_MAX;
use crate::protocol::process::{ProcessInfo, Snapshot};
use crate::protocol::rpc::Methods;

/// How a client calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientOptions {
    /// How long a call may take; calls that stop or start something get the time on top that the
    /// daemon itself may take for it.
    pub timeout: Duration,
    /// The largest frame accepted, bytes.
    pub frame_bytes_max: usize,
    /// Refuse every call that changes something.
    pub read_only: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            frame_bytes_max: FRAME_BYTES_MAX,
            read_only: false,
        }
    }
}

/// A connection to a God daemon. Clones share it.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    methods: Methods,
    #[expect(dead_code, reason = "the calls follow")]
    options: ClientOptions,
}

impl Client {
    /// Connects and asks for the methods.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn connect(
        _endpoint: &Endpoint,
        options: ClientOptions,
    ) -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Inner { methods: Methods::default(), options })))
    }

    /// The daemon's own methods.
    #[must_use]
    pub fn methods(&self) -> &Methods {
        &self.0.methods
    }

    /// Calls a method by name: the daemon's own, else the composed one. Gives the first value of
    /// the reply, null where there is none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn call(&self, method: &str, _args: Vec<Json>) -> Result<Json, ClientError> {
        Err(ClientError::UnknownMethod { method: method.to_owned(), known: Vec::new() })
    }

    /// All processes, typed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn snapshot(&self) -> Result<Snapshot, ClientError> {
        Err(ClientError::Closed)
    }

    /// Acts on a process as the pm2 CLI does.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn act(&self, _action: Action, _info: &ProcessInfo) -> Result<(), ClientError> {
        Err(ClientError::Closed)
    }

    /// Closes the connection of this client and all its clones.
    pub async fn disconnect(self) {}
}
