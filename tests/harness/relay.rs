//! A relay before the bus of a daemon: its connections can be ended while the daemon lives.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes on what a socket says to whoever connects to another.
pub struct Relay {
    folder: tempfile::TempDir,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    is_shut: bool,
    connections: Vec<UnixStream>,
}

impl Relay {
    /// Before the bus in this home; calls go to the daemon itself.
    pub fn before(home: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("pr").tempdir_in("/tmp").unwrap();
        std::os::unix::fs::symlink(home.join("rpc.sock"), folder.path().join("rpc.sock")).unwrap();
        let listener = UnixListener::bind(folder.path().join("pub.sock")).unwrap();
        let open: Arc<Mutex<Open>> = Arc::default();
        let (shared, bus) = (Arc::clone(&open), home.join("pub.sock"));
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let mut open = shared.lock().unwrap();
                if open.is_shut {
                    continue;
                }
                let Ok(daemon) = UnixStream::connect(&bus) else { continue };
                open.connections.extend([client.try_clone().unwrap(), daemon.try_clone().unwrap()]);
                thread::spawn(move || pass_on(daemon, client));
            }
        });
        Self { folder, open }
    }

    /// The socket of the bus as a client is to see it.
    pub fn bus(&self) -> PathBuf {
        self.folder.path().join("pub.sock")
    }

    /// The folder with both sockets.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends all connections, and each new one until [`Relay::reopen`].
    pub fn cut(&self) {
        let mut open = self.open.lock().unwrap();
        open.is_shut = true;
        for connection in open.connections.drain(..) {
            // It may be over already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn reopen(&self) {
        self.open.lock().unwrap().is_shut = false;
    }
}

fn pass_on(mut from: UnixStream, mut to: UnixStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
