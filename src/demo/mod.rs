//! A simulated God daemon on real unix sockets, in this process: what `pm2-tui demo` watches where
//! there is no PM2, and what tests script to go wrong.
//!
//! Invariant: it speaks to its clients as PM2 7.0.4 does, and knows nothing of this program's
//! client: of this crate it uses `protocol` only. Nothing of it outlives [`Demo`].

mod calls;
mod command;
mod connection;
#[cfg(feature = "testing")]
mod control;
#[cfg(feature = "testing")]
mod damage;
mod dice;
#[cfg(feature = "testing")]
mod flood;
mod frames;
#[cfg(feature = "testing")]
mod handle;
mod life;
mod lively;
mod peer;
#[cfg(not(feature = "testing"))]
mod plain;
mod proc;
#[cfg(feature = "testing")]
mod script;
mod server;
mod shared;
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

#[cfg(feature = "testing")]
use damage::deliver;
#[cfg(feature = "testing")]
pub use handle::ScriptHandle;
#[cfg(not(feature = "testing"))]
use plain::{self as script, deliver};
#[cfg(feature = "testing")]
pub use script::{Counters, Fault, ReceivedCall, Script, Socket, When};
pub use world::{Answer, Published, Ticket, World};

use self::script::Record;
use self::shared::{QUEUE_BYTES_MAX, Shared};

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
    #[cfg(feature = "testing")]
    script: ScriptHandle,
}

impl Demo {
    /// Starts a daemon in a private temporary folder (mode 0700), with which nothing goes wrong. Both
    /// sockets accept connections when this returns.
    ///
    /// # Errors
    /// When the folder or the sockets cannot be made, or there is no tokio runtime.
    pub fn open(world: World) -> io::Result<Self> {
        Self::in_folder(world, Shared::new(Record::default(), QUEUE_BYTES_MAX))
    }

    /// The same with a script.
    ///
    /// # Errors
    /// As for [`Demo::open`].
    #[cfg(feature = "testing")]
    pub fn start(world: World, script: Script) -> io::Result<Self> {
        Self::in_folder(world, scripted(script))
    }

    /// Starts a daemon in a folder that is there and stays.
    ///
    /// # Errors
    /// When the sockets cannot be made, or there is no tokio runtime.
    #[cfg(feature = "testing")]
    pub fn start_in(home: &Path, world: World, script: Script) -> io::Result<Self> {
        Self::listen(home, world, scripted(script))
    }

    fn in_folder(world: World, shared: Shared) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pm2-tui-demo-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        let mut demo = Self::listen(folder.path(), world, shared)?;
        demo.folder = Some(folder);
        Ok(demo)
    }

    fn listen(home: &Path, world: World, shared: Shared) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let root = CancellationToken::new();
        let listening = server::Listening::bind(home, &root)?;
        let shared = Arc::new(shared);
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        #[cfg(feature = "testing")]
        let script = ScriptHandle { shared: Arc::clone(&shared), commands: commands.clone() };
        let server = server::Server::new(home.to_owned(), world, shared, root.clone(), commands);
        runtime.spawn(server.run(listening, inbox));
        Ok(Self {
            home: home.to_owned(),
            folder: None,
            root,
            #[cfg(feature = "testing")]
            script,
        })
    }

    /// The `PM2_HOME` to watch.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Scripts the daemon while it runs and reads its counters.
    #[cfg(feature = "testing")]
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

#[cfg(feature = "testing")]
fn scripted(script: Script) -> Shared {
    let queue_bytes_max = script.queue_bytes_max.unwrap_or(QUEUE_BYTES_MAX);
    Shared::new(Record::new(script), queue_bytes_max)
}
