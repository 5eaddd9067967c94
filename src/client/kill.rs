//! `killMe` as the pm2 CLI does it: never bare.
//!
//! Invariant: the daemon is only told to end once it has no process left, since it leaves fork apps
//! running without a daemon (measured, docs/pm2.md section 5). Until then, nothing is done that
//! would keep it from going on.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Client, ClientError};
use crate::daemon::Socket;
use crate::model::Action;
use crate::model::daemon::Problem;
use crate::protocol::rpc::Call;

/// How often all processes are deleted: one may have been started meanwhile.
const ROUNDS_MAX: u32 = 3;
/// How long the daemon's socket may stay after it closed the connection, as the pm2 CLI waits.
const GONE_MAX: Duration = Duration::from_secs(3);
/// How often to check whether it is gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Client {
    /// Deletes every process, modules too, then ends the daemon, and returns when its socket does
    /// not answer any more. Daemons up to PM2 1 send SIGQUIT to this process, which is handled from
    /// then on and ignored.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// assert_eq!(client.kill_me().await?["success"], true);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::Unsafe`] if processes remain: then the daemon was not told to end,
    /// since fork apps would be orphaned. And others.
    pub async fn kill_me(&self) -> Result<Json, ClientError> {
        self.permit("killMe")?;
        self.delete_everything().await?;
        let own = std::process::id();
        if let Ok(call) = self.methods().check(&Call::StopWatchAll { pid: own }) {
            self.0.send(&call, self.0.options.timeout).await?;
        }
        let (pid, _quit) = self.quit_pid()?;
        let call = self.methods().check(&Call::KillMe { pid })?;
        match self.0.send(&call, self.0.options.timeout).await {
            // It never answers: the end of the connection is the answer.
            Ok(_) | Err(ClientError::Closed) => {}
            Err(error) => return Err(error),
        }
        let gone = async {
            while !is_gone(&self.endpoint().connect(&self.endpoint().rpc).await.map(drop)) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(GONE_MAX, gone).await.is_err() {
            let reason = "the daemon still answers after killMe".to_owned();
            return Err(ClientError::Unsafe { reason });
        }
        Ok(json!({ "success": true }))
    }

    async fn delete_everything(&self) -> Result<(), ClientError> {
        for _ in 0..ROUNDS_MAX {
            let listing = self.0.listing().await?;
            if listing.raw.is_empty() {
                return Ok(());
            }
            match self.act_on(Action::Delete, listing.infos.iter()).await {
                // One that ended by itself meanwhile is gone; what remains is seen below.
                Ok(_) | Err(ClientError::NotDone { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let left = self.0.listing().await?.raw.len();
        if left == 0 {
            return Ok(());
        }
        let reason = format!(
            "{left} processes remain: the daemon was not killed, it would leave them without one"
        );
        Err(ClientError::Unsafe { reason })
    }

    /// The pid that the daemon gets, and what handles its SIGQUIT. From 2.10 on, where the method is
    /// bound and tells no parameters, none is needed; before, a pid that cannot be signalled leaves
    /// the daemon alive without sockets.
    fn quit_pid(&self) -> Result<(Option<u32>, Option<Signal>), ClientError> {
        if self.methods().params("killMe").is_some_and(<[_]>::is_empty) {
            return Ok((None, None));
        }
        let is_here = match &self.endpoint().rpc {
            Socket::Unix(_) => true,
            Socket::Tcp { host, .. } => matches!(&**host, "127.0.0.1" | "localhost" | "::1"),
        };
        if !is_here {
            let reason = "this release of PM2 can only be killed from its own machine".to_owned();
            return Err(ClientError::Unsafe { reason });
        }
        let quit = signal(SignalKind::quit()).map_err(|error| ClientError::Unsafe {
            reason: format!("SIGQUIT cannot be handled, and this PM2 sends it: {error}"),
        })?;
        Ok((Some(std::process::id()), Some(quit)))
    }
}

/// Whether nobody listens any more. A daemon with a full queue of connections is there.
fn is_gone(connecting: &Result<(), Problem>) -> bool {
    !matches!(connecting, Ok(()) | Err(Problem::Busy { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_daemon_is_not_gone() {
        assert!(!is_gone(&Ok(())));
        assert!(!is_gone(&Err(Problem::Busy { path: "/p".into() })));
        assert!(is_gone(&Err(Problem::Refused { path: "/p".into() })));
        assert!(is_gone(&Err(Problem::SocketMissing { path: "/p".into() })));
    }
}
