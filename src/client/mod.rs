//! pm2-interface in Rust: every method of a God daemon and every event of its bus.
//!
//! Invariant: a call goes through [`Methods::check_named`] or [`Methods::check`] and never gets to
//! a daemon that it could harm; what the daemon has not is composed of what it has, as the pm2 CLI
//! does it (PM2.md section 3).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use pm2_tui::client::ClientOptions;
//! use pm2_tui::daemon::Endpoint;
//! use serde_json::json;
//!
//! let endpoint = Endpoint::from_env(|name| std::env::var_os(name))?;
//! let client = pm2_tui::Client::connect(&endpoint, ClientOptions::default()).await?;
//! println!("{}", client.call("getMonitorData", vec![json!({})]).await?);
//! client.restart_process_id(0).await?;
//! client.disconnect().await;
//! # Ok(())
//! # }
//! ```

mod bus;
mod call;
mod compose;
mod error;
mod kill;
mod link;
mod outcome;
mod pattern;
mod queue;
mod start;
mod system;
#[cfg(test)]
mod tests;
mod typed;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

pub use self::bus::{Bus, BusItem, Event, ProcessRef};
pub(crate) use self::bus::{Message, Queued};
pub use self::call::{COMPOSED, Composed};
pub use self::error::ClientError;
use self::link::Link;
pub use self::pattern::PatternError;
pub use self::start::Launched;
use crate::daemon::{Endpoint, act::steps};
use crate::model::{Action, ActionOutcome};
use crate::protocol::amp::FRAME_BYTES_MAX;
use crate::protocol::process::{ProcessInfo, Snapshot};
pub use crate::protocol::risk::{Risk, changes_something};
use crate::protocol::rpc::{Call, Methods};
use crate::protocol::text::clean;

/// How a client calls.
///
/// ```
/// use std::time::Duration;
/// use pm2_tui::client::ClientOptions;
///
/// let options = ClientOptions { timeout: Duration::from_secs(2), ..ClientOptions::default() };
/// assert!(!options.read_only);
/// ```
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

/// A connection to one God daemon. Clones share it.
///
/// Once the daemon closed it, every call is [`ClientError::Closed`]; [`Client::connect`] again finds
/// the next daemon, whose methods may be others.
#[derive(Debug, Clone)]
pub struct Client(Arc<Link>);

impl Client {
    /// Connects and asks for the methods. Never starts a daemon.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use pm2_tui::client::{Client, ClientError, ClientOptions};
    /// use pm2_tui::daemon::Endpoint;
    ///
    /// let endpoint = Endpoint::in_home("/home/deploy/.pm2".as_ref());
    /// match Client::connect(&endpoint, ClientOptions::default()).await {
    ///     Ok(client) => println!("{} methods", client.callable().len()),
    ///     Err(ClientError::NotRunning(problem)) => println!("{}", problem.sentence()),
    ///     Err(other) => return Err(other.into()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::NotRunning`], [`ClientError::Permission`] or [`ClientError::Closed`].
    pub async fn connect(endpoint: &Endpoint, options: ClientOptions) -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Link::open(endpoint, options).await?)))
    }

    /// Whether the daemon can be called now; makes another connection where the last one was given up
    /// after a timeout.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// client.ready().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ready(&self) -> Result<(), ClientError> {
        let call = self.methods().check(&Call::Ping)?;
        self.0.send(&call, self.0.options.timeout).await.map(drop)
    }

    /// The daemon's own methods.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let methods = client.methods();
    /// println!("{:?} takes {:?}", "prepare", methods.params("prepare"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn methods(&self) -> &Methods {
        &self.0.methods
    }

    /// Asks for the daemon's version, cleaned; `None` where it gives no text.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// println!("PM2 {}", client.version().await?.as_deref().unwrap_or("of an unknown version"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn version(&self) -> Result<Option<String>, ClientError> {
        let version = self.call("getVersion", vec![json!({})]).await?;
        Ok(version.as_str().map(|version| clean(version).into_owned()))
    }

    /// Where the daemon is.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// println!("{}", client.endpoint().home.display());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// Every name that [`Client::call`] takes: the daemon's methods and the composed ones, sorted.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// assert!(client.callable().iter().any(|name| name == "restartProcessName"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn callable(&self) -> Vec<String> {
        let mut names: Vec<String> = self.methods().names().map(str::to_owned).collect();
        names.extend(COMPOSED.iter().map(|composed| composed.name.to_owned()));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// All processes, typed.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// for process in client.snapshot().await?.processes {
    ///     println!("{} {} {}", process.pm_id, process.name, process.status.as_str());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn snapshot(&self) -> Result<Snapshot, ClientError> {
        self.0.snapshot().await
    }

    /// Acts on a process with the calls that the pm2 CLI makes for it, and returns when the daemon
    /// says that it is done. `info` is the process as the last snapshot had it.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// use pm2_tui::model::Action;
    ///
    /// for process in client.snapshot().await?.processes.iter().filter(|it| &*it.name == "api") {
    ///     client.act(Action::Reload, process).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn act(&self, action: Action, info: &ProcessInfo) -> Result<(), ClientError> {
        let method = action.verb().to_owned();
        if self.0.options.read_only {
            return Err(ClientError::ReadOnly { method });
        }
        let session = self.0.session().await?;
        match steps::perform(&session, action, info, self.0.options.timeout).await {
            ActionOutcome::Done => Ok(()),
            ActionOutcome::Failed(message) => {
                Err(ClientError::Daemon { message: message.into(), stack: None })
            }
            ActionOutcome::TimedOut { waited_ms } => {
                Err(ClientError::Timeout { method, waited: Duration::from_millis(waited_ms) })
            }
            ActionOutcome::Disconnected => Err(ClientError::Closed),
            ActionOutcome::Busy => Err(ClientError::Busy { method }),
        }
    }

    /// Closes the connection of this client and of all its clones; returns when it is closed, after
    /// half a second at most.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// client.disconnect().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn disconnect(self) {
        self.0.close().await;
    }
}
