//! pm2-interface in Rust: every method of a God daemon and every event of its bus.
//!
//! Invariant: a call goes through [`Methods::check_named`] or [`Methods::check`] and never gets to
//! a daemon that it could harm; a method that the daemon lacks is composed from those it has, as
//! the pm2 CLI does (docs/pm2.md section 3).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use pm2_tui::client::{ClientOptions, Endpoint};
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
mod message;
mod pattern;
mod perform;
mod queue;
mod start;
mod system;
#[cfg(test)]
mod tests;
mod typed;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use serde_json::json;

pub use self::bus::{Bus, BusItem};
pub use self::call::{COMPOSED, Composed};
pub use self::error::{ClientError, Launched};
use self::link::SharedConnection;
pub(crate) use self::message::Message;
pub use self::message::{Event, ProcessRef};
pub use self::pattern::PatternError;
pub(crate) use self::pattern::{PATTERNS_MAX, Patterns};
pub(crate) use self::queue::Queued;
use crate::daemon::act::Turns;
pub use crate::daemon::{Endpoint, EndpointError, Settle, Socket};
#[doc(inline)]
pub use crate::ecosystem;
pub use crate::model::daemon::Problem;
pub use crate::model::errand::{Errand, Outcome, Scale, Signal, Task};
pub use crate::model::{Action, Target, Verdict};
use crate::protocol::amp::FRAME_BYTES_MAX;
pub use crate::protocol::process::{
    ExecMode, LogFiles, PmId, ProcessInfo, ProcessStatus, Snapshot,
};
pub use crate::protocol::risk::{Risk, changes_something};
pub use crate::protocol::rpc::CallRefused;
use crate::protocol::rpc::{Call, Methods};
pub use crate::protocol::text::clean;

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
    /// How long a call may take. Calls that stop or start something may take longer, by the time
    /// that the daemon itself needs for it.
    pub timeout: Duration,
    /// The largest frame accepted, bytes.
    pub frame_bytes_max: usize,
    /// Refuse every call that changes something.
    pub read_only: bool,
    /// How long a process is watched after it was started before it counts as up.
    pub settle: Settle,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            frame_bytes_max: FRAME_BYTES_MAX,
            read_only: false,
            settle: Settle::Own,
        }
    }
}

/// A connection to one God daemon. Clones share it.
///
/// Once the daemon has closed it, every call fails with [`ClientError::Closed`]. Call
/// [`Client::connect`] again to find the next daemon, which may have other methods.
#[derive(Debug, Clone)]
pub struct Client(Arc<SharedConnection>);

impl Client {
    /// Connects and asks for the methods. Never starts a daemon.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use pm2_tui::client::{Client, ClientError, ClientOptions};
    /// use pm2_tui::client::Endpoint;
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
        Ok(Self(Arc::new(SharedConnection::open(endpoint, options).await?)))
    }

    /// Checks that the daemon can be called now, and connects again if the last connection was
    /// given up after a timeout.
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

    /// Asks for the daemon's version, cleaned; `None` if it is not text.
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

    /// Every name that [`Client::call`] accepts: the daemon's methods and the composed ones,
    /// sorted.
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

    /// Acts on a process with the calls that the pm2 CLI makes for it, and returns when the outcome
    /// is known: a process that was started is watched for the [`ClientOptions::settle`] window.
    /// Nothing is sent if another process has its id by now.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// use pm2_tui::client::{Action, Target};
    ///
    /// for process in client.snapshot().await?.processes.iter().filter(|it| &*it.name == "api") {
    ///     let target = Target::of(process);
    ///     let verdict = client.act(Action::Restart, &target).await?;
    ///     println!("{}", verdict.sentence(Action::Restart, &target.label()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::NotDone`] with the verdict if the action failed, and others.
    pub async fn act(&self, action: Action, target: &Target) -> Result<Verdict, ClientError> {
        let verdicts = self.act_all(action, vec![target.clone()]).await?;
        let verdict = verdicts.into_iter().next().map_or(Verdict::Gone, |(_, verdict)| verdict);
        if verdict.is_success() {
            return Ok(verdict);
        }
        Err(ClientError::NotDone { action, label: target.label(), verdict })
    }

    /// Acts on processes as the pm2 CLI does, two at a time (ten for deletes), and returns each
    /// with its verdict, in the order in which they finished. The instances of one app are reloaded
    /// one after another; if one does not come up, the others are left alone.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// use pm2_tui::client::{Action, Target};
    ///
    /// let all = client.snapshot().await?.processes.iter().map(Target::of).collect();
    /// for (target, verdict) in client.act_all(Action::Reload, all).await? {
    ///     println!("{}", verdict.sentence(Action::Reload, &target.label()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`] if nothing could be sent at all.
    pub async fn act_all(
        &self,
        action: Action,
        targets: Vec<Target>,
    ) -> Result<Vec<(Target, Verdict)>, ClientError> {
        Ok(self.verdicts(action, targets).await?.collect().await)
    }

    /// The same as a stream, each as it finishes.
    pub(crate) async fn verdicts(
        &self,
        action: Action,
        targets: Vec<Target>,
    ) -> Result<impl Stream<Item = (Target, Verdict)> + Send + Unpin, ClientError> {
        if self.0.options.read_only {
            return Err(ClientError::ReadOnly { method: action.verb().to_owned() });
        }
        let (acting, attendance) = self.0.acting().await?;
        // The bus is read as long as somebody acts.
        Ok(acting.all(action, targets, Turns::default()).inspect(move |_| {
            let _ = &attendance;
        }))
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
