//! A simulated God daemon on real unix sockets, in this process: what `pm2-tui demo` watches where
//! there is no PM2, and what tests script to go wrong.
//!
//! Invariant: it speaks to its clients as PM2 7.0.4 does, and knows nothing of this program's
//! client: of this crate it uses `protocol` only. Nothing of it outlives [`Demo`].

mod calls;
mod connection;
mod damage;
mod dice;
mod life;
mod lively;
mod script;
mod server;
#[cfg(test)]
mod tests;
mod wire;
mod world;

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use script::{Counters, Fault, ReceivedCall, Script, ScriptHandle, Socket, When};
pub use world::{Answer, Published, Ticket, World};

/// Requests that may wait for the world's task; a client's next one then waits in its socket.
const COMMANDS_MAX: usize = 1024;

/// The time now in milliseconds since 1970, for the worlds.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the demo is a machine of its own and has a clock")]
pub fn epoch_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}

/// A running simulated daemon. Dropping it ends it and removes its sockets and folder.
#[derive(Debug)]
pub struct Demo {
    home: PathBuf,
    /// `None` where the folder is the caller's.
    folder: Option<TempDir>,
    root: CancellationToken,
    script: ScriptHandle,
}

impl Demo {
    /// Starts a daemon in a private temporary folder (mode 0700). Both sockets accept connections
    /// when this returns.
    ///
    /// # Errors
    /// When the folder or the sockets cannot be made, or there is no tokio runtime.
    pub fn start(world: World, script: Script) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pm2-tui-demo-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        let mut demo = Self::start_in(folder.path(), world, script)?;
        demo.folder = Some(folder);
        Ok(demo)
    }

    /// Starts a daemon in a folder that is there and stays.
    ///
    /// # Errors
    /// When the sockets cannot be made, or there is no tokio runtime.
    pub fn start_in(home: &Path, world: World, script: Script) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let root = CancellationToken::new();
        let listening = server::Listening::bind(home, &root)?;
        let shared = Arc::new(script::Shared::new(script));
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        let script = ScriptHandle { shared: Arc::clone(&shared), commands: commands.clone() };
        let server = server::Server::new(home.to_owned(), world, shared, root.clone(), commands);
        runtime.spawn(server.run(listening, inbox));
        Ok(Self { home: home.to_owned(), folder: None, root, script })
    }

    /// The `PM2_HOME` to watch.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Scripts the daemon while it runs and reads its counters.
    #[must_use]
    pub fn script(&self) -> ScriptHandle {
        self.script.clone()
    }

    /// Ends the daemon: connections close, sockets and folder go.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.root.cancel();
        server::remove_sockets(&self.home);
        // The folder goes with its own drop.
        self.folder = None;
    }
}
