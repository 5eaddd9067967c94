//! Where a daemon's sockets are, and why they could not be reached.
//!
//! Invariant: looking for a daemon never starts one and never changes a file; every failure to
//! connect becomes a [`Problem`] that names the path which was tried.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Backoff;
pub use super::socket::EndpointError;
use super::socket::{Socket, Stream};
use crate::daemon::offload;
use crate::model::daemon::Problem;
use crate::protocol::text;

/// The longest path of a unix socket, bytes: `sun_path` less its final zero.
const SOCKET_PATH_BYTES_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// How long a connect may take where nobody says otherwise.
const CONNECT_MAX: Duration = Duration::from_secs(4);
/// The first and the longest pause before a full queue of connections is tried again.
const AGAIN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));

/// The two sockets of a daemon.
///
/// ```
/// use pm2_tui::client::Endpoint;
///
/// let usual = Endpoint::from_env(|name| (name == "HOME").then(|| "/home/deploy".into()))?;
/// assert_eq!(usual, Endpoint::in_home("/home/deploy/.pm2".as_ref()));
/// let old = Endpoint::at("tcp://127.0.0.1:6666", "/home/deploy/.pm2".as_ref())?;
/// assert_eq!(old.publish.to_string(), "tcp://127.0.0.1:6667");
/// # Ok::<(), pm2_tui::client::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The daemon's `PM2_HOME`.
    pub home: PathBuf,
    /// The socket for calls.
    pub rpc: Socket,
    /// The socket of the bus.
    pub publish: Socket,
    /// Whether TCP may go to other machines: that protocol has no authentication.
    pub allow_remote_tcp: bool,
}

impl Endpoint {
    /// Whether its daemon runs on this machine for certain: it has a unix socket here.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.rpc, Socket::Unix(_))
    }

    /// The host that it is reached at by TCP; `None` of one that is reached by sockets of files.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match &self.rpc {
            Socket::Tcp { host, .. } => Some(host),
            Socket::Unix(_) => None,
        }
    }

    /// The sockets in this `PM2_HOME`, as `pm2` names them there (PM2's `paths.js`).
    #[must_use]
    pub fn in_home(home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            rpc: Socket::Unix(home.join("rpc.sock")),
            publish: Socket::Unix(home.join("pub.sock")),
            allow_remote_tcp: false,
        }
    }

    /// The daemon whose socket for calls is at this address, `tcp://HOST:PORT` or a path. The bus
    /// is on the next port, as before PM2 0.12 (6666 and 6667), or beside it as `pub.sock`. `home`
    /// is the daemon's folder, where new processes get their logs.
    ///
    /// # Errors
    /// [`EndpointError::Tcp`] for a `tcp://` without a host or a port.
    pub fn at(address: &str, home: &Path) -> Result<Self, EndpointError> {
        if address.is_empty() {
            return Err(EndpointError::Tcp { address: "an empty text".into() });
        }
        let rpc = Socket::parse(address.as_ref())?;
        let publish = match &rpc {
            Socket::Unix(path) => Socket::Unix(path.with_file_name("pub.sock")),
            Socket::Tcp { host, port } => {
                let next = port.checked_add(1);
                let next = next.ok_or_else(|| EndpointError::Tcp { address: address.into() })?;
                Socket::Tcp { host: host.clone(), port: next }
            }
        };
        Ok(Self { home: home.to_owned(), rpc, publish, allow_remote_tcp: false })
    }

    /// Allows TCP to other machines too.
    #[must_use]
    pub fn with_remote_tcp(self) -> Self {
        Self { allow_remote_tcp: true, ..self }
    }

    /// The daemon that `pm2` itself would talk to: `PM2_HOME`, else `$HOME/.pm2`, with the sockets
    /// that `PM2_DAEMON_RPC_PORT` and `PM2_DAEMON_PUB_PORT` name instead of the usual ones: paths,
    /// ports on this machine, or `tcp://HOST:PORT`; where only the first is a port, the bus is on the
    /// next one. An empty variable counts as none, as in PM2's
    /// `paths.js`.
    ///
    /// # Errors
    /// [`EndpointError::NoHome`] when neither `PM2_HOME` nor `HOME` is set, [`EndpointError::Tcp`]
    /// for an address that is none.
    pub fn from_env(env: impl Fn(&str) -> Option<OsString>) -> Result<Self, EndpointError> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = set("PM2_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".pm2")))
            .ok_or(EndpointError::NoHome)?;
        let mut endpoint = Self::in_home(&home);
        if let Some(rpc) = set("PM2_DAEMON_RPC_PORT") {
            endpoint.rpc = Socket::parse(rpc.as_os_str())?;
            // Never the bus of another daemon.
            if let Socket::Tcp { .. } = endpoint.rpc {
                endpoint.publish = Self::at(&endpoint.rpc.to_string(), &home)?.publish;
            }
        }
        if let Some(publish) = set("PM2_DAEMON_PUB_PORT") {
            endpoint.publish = Socket::parse(publish.as_os_str())?;
        }
        Ok(endpoint)
    }

    /// Connects to one of the two sockets, within [`CONNECT_MAX`].
    ///
    /// # Errors
    /// As [`Endpoint::connect_within`].
    pub(crate) async fn connect(&self, socket: &Socket) -> Result<Stream, Problem> {
        self.connect_within(socket, CONNECT_MAX, CONNECT_MAX).await
    }

    /// Connects to one of the two sockets within `limit`. Where the daemon's queue of connections is
    /// full, it is tried again for as long as `room_max`.
    ///
    /// # Errors
    /// Why it could not, by path.
    pub(crate) async fn connect_within(
        &self,
        socket: &Socket,
        limit: Duration,
        room_max: Duration,
    ) -> Result<Stream, Problem> {
        let path = match socket {
            Socket::Unix(path) if path.as_os_str().as_bytes().len() > SOCKET_PATH_BYTES_MAX => {
                return Err(Problem::PathTooLong { path: shown(path) });
            }
            Socket::Unix(path) => path,
            Socket::Tcp { host, port } => {
                let connecting = Stream::tcp(host, *port, self.allow_remote_tcp);
                let connected = tokio::time::timeout(limit, connecting).await;
                let silent = |_| Problem::Silent { method: "connect".into() };
                return connected.map_err(silent)?.map_err(|error| tcp_problem(socket, &error));
            }
        };
        let begun = Instant::now();
        let (deadline, room_until) = (begun + limit, begun + room_max.min(limit));
        let mut pause = Backoff::new(AGAIN.0, AGAIN.1, u64::from(std::process::id()));
        loop {
            // The last try is one, too.
            let left = deadline.saturating_duration_since(Instant::now()).max(AGAIN.1);
            let error = match Stream::unix(path, left).await {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(self.diagnose(path, &error).await);
            }
            let left = room_until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Problem::Busy { path: shown(path) });
            }
            tokio::time::sleep(pause.delay().min(left)).await;
        }
    }

    /// What an error of `connect` means.
    async fn diagnose(&self, socket: &Path, error: &io::Error) -> Problem {
        match error.kind() {
            io::ErrorKind::NotFound => {
                let home = self.home.clone();
                let looked = offload::look(move || std::fs::metadata(home)).await;
                match looked {
                    Some(Err(home)) if home.kind() == io::ErrorKind::NotFound => {
                        Problem::HomeMissing { home: shown(&self.home) }
                    }
                    _ => Problem::SocketMissing { path: shown(socket) },
                }
            }
            io::ErrorKind::ConnectionRefused => {
                let named = socket.to_owned();
                match offload::look(move || other_kind(&named)).await.flatten() {
                    Some(reason) => Problem::Other { path: shown(socket), reason: reason.into() },
                    None => Problem::Refused { path: shown(socket) },
                }
            }
            io::ErrorKind::PermissionDenied => {
                let named = socket.to_owned();
                let looked = offload::look(move || {
                    let (path, uid) = barrier(&named, |path| Ok(std::fs::metadata(path)?.uid()));
                    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
                    (path, uid.and_then(|uid| user_name(&users, uid)))
                });
                let (path, owner) = looked.await.unwrap_or_else(|| (socket.to_owned(), None));
                Problem::PermissionDenied { path: shown(&path), owner }
            }
            _ => Problem::Other {
                path: shown(socket),
                reason: text::clean(&error.to_string()).into(),
            },
        }
    }
}

/// What is there where it is no socket; the kernel refuses a connection to that, too.
fn other_kind(path: &Path) -> Option<&'static str> {
    let kind = std::fs::metadata(path).ok()?.file_type();
    if kind.is_socket() {
        None
    } else if kind.is_dir() {
        Some("it is a folder, not a socket")
    } else {
        Some("it is not a socket")
    }
}

fn tcp_problem(socket: &Socket, error: &io::Error) -> Problem {
    let reason = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there: no PM2 daemon is running".into(),
        _ => text::clean(&error.to_string()).into(),
    };
    Problem::Other { path: text::clean(&socket.to_string()).into(), reason }
}

/// A path as shown: one clean line.
pub(super) fn shown(path: &Path) -> Box<str> {
    text::clean(&path.to_string_lossy()).into()
}

/// What stands in the way to `socket`, and the user id that owns it: the first folder that cannot
/// be entered, else the socket itself. `owner` asks the system.
fn barrier(socket: &Path, owner: impl Fn(&Path) -> io::Result<u32>) -> (PathBuf, Option<u32>) {
    let mut last: Option<(PathBuf, u32)> = None;
    let mut steps: Vec<&Path> =
        socket.ancestors().filter(|step| !step.as_os_str().is_empty()).collect();
    steps.reverse();
    for step in steps {
        match owner(step) {
            Ok(uid) => last = Some((step.to_owned(), uid)),
            // This step cannot be looked at, so the folder before it cannot be entered.
            Err(_) => break,
        }
    }
    match last {
        Some((path, uid)) => (path, Some(uid)),
        None => (socket.to_owned(), None),
    }
}

/// The name of a user of this machine, cleaned; else the number.
#[must_use]
pub fn name_of_user(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    user_name(&users, uid).map_or_else(|| format!("user {uid}"), String::from)
}

/// The name of a user in the text of `/etc/passwd`, cleaned.
fn user_name(passwd: &str, uid: u32) -> Option<Box<str>> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let found: u32 = fields.nth(1)?.parse().ok()?;
        (found == uid && !name.is_empty()).then(|| text::clean(name).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(vars: &[(&str, &str)]) -> Result<Endpoint, EndpointError> {
        Endpoint::from_env(|name| {
            let (_, value) = vars.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(value))
        })
    }

    #[test]
    fn the_environment_is_read_as_pm2_reads_it() {
        assert_eq!(from(&[]), Err(EndpointError::NoHome));
        let home = from(&[("HOME", "/h")]).unwrap();
        assert_eq!(home, Endpoint::in_home(Path::new("/h/.pm2")));
        assert_eq!(home.rpc.path(), Some(Path::new("/h/.pm2/rpc.sock")));
        assert_eq!(home.publish.path(), Some(Path::new("/h/.pm2/pub.sock")));
        let named = from(&[("HOME", "/h"), ("PM2_HOME", "/p")]).unwrap();
        assert_eq!(named, Endpoint::in_home(Path::new("/p")));
        assert_eq!(from(&[("HOME", "/h"), ("PM2_HOME", "")]).unwrap(), home);
        let other = from(&[
            ("PM2_HOME", "/p"),
            ("PM2_DAEMON_RPC_PORT", "/r"),
            ("PM2_DAEMON_PUB_PORT", "/b"),
        ])
        .unwrap();
        assert_eq!(other.home, Path::new("/p"));
        assert_eq!(other.rpc, Socket::Unix("/r".into()));
        assert_eq!(other.publish, Socket::Unix("/b".into()));
        let alone = from(&[("PM2_HOME", "/p"), ("PM2_DAEMON_RPC_PORT", "6666")]).unwrap();
        assert_eq!(alone.publish.to_string(), "tcp://127.0.0.1:6667", "never /p/pub.sock");
        let old = from(&[
            ("PM2_HOME", "/p"),
            ("PM2_DAEMON_RPC_PORT", "6666"),
            ("PM2_DAEMON_PUB_PORT", "tcp://localhost:6667"),
        ])
        .unwrap();
        assert_eq!(old.rpc, Socket::Tcp { host: "127.0.0.1".to_owned(), port: 6666 });
        assert_eq!(old.publish, Socket::Tcp { host: "localhost".to_owned(), port: 6667 });
        assert!(from(&[("HOME", "/h"), ("PM2_DAEMON_RPC_PORT", "tcp://x")]).is_err());
        let at = Endpoint::at("tcp://127.0.0.1:6666", Path::new("/p")).unwrap();
        assert_eq!(at.publish, Socket::Tcp { host: "127.0.0.1".to_owned(), port: 6667 });
        assert!(Endpoint::at("tcp://h:65535", Path::new("/p")).is_err());
    }

    fn rpc(endpoint: &Endpoint) -> &Path {
        endpoint.rpc.path().unwrap()
    }

    async fn problem(endpoint: &Endpoint) -> Problem {
        endpoint.connect(&endpoint.rpc).await.err().unwrap()
    }

    #[tokio::test]
    async fn a_missing_home_a_missing_socket_and_a_stale_socket_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let gone = Endpoint::in_home(&folder.path().join("gone"));
        assert_eq!(problem(&gone).await, Problem::HomeMissing { home: shown(&gone.home) });
        let endpoint = Endpoint::in_home(folder.path());
        assert_eq!(
            problem(&endpoint).await,
            Problem::SocketMissing { path: shown(rpc(&endpoint)) }
        );
        drop(std::os::unix::net::UnixListener::bind(rpc(&endpoint)).unwrap());
        assert_eq!(problem(&endpoint).await, Problem::Refused { path: shown(rpc(&endpoint)) });
        let other =
            |reason: &str| Problem::Other { path: shown(rpc(&endpoint)), reason: reason.into() };
        std::fs::remove_file(rpc(&endpoint)).unwrap();
        std::fs::create_dir(rpc(&endpoint)).unwrap();
        assert_eq!(problem(&endpoint).await, other("it is a folder, not a socket"));
        std::fs::remove_dir(rpc(&endpoint)).unwrap();
        std::fs::write(rpc(&endpoint), "").unwrap();
        assert_eq!(problem(&endpoint).await, other("it is not a socket"));
        let long = Endpoint::in_home(&folder.path().join("x".repeat(120)));
        assert_eq!(problem(&long).await, Problem::PathTooLong { path: shown(rpc(&long)) });
    }

    #[tokio::test]
    async fn a_full_queue_of_connections_is_tried_again_and_then_told_as_busy() {
        use std::os::unix::net::UnixListener;

        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::in_home(folder.path());
        let listener = UnixListener::bind(rpc(&endpoint)).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let mut held = Vec::new();
        let patience = Duration::from_mins(1);
        let limit = Duration::from_millis(200);
        let started = Instant::now();
        let problem = loop {
            match endpoint.connect_within(&endpoint.rpc, patience, limit).await {
                Ok(stream) => held.push(stream),
                Err(problem) => break problem,
            }
        };
        assert_eq!(problem, Problem::Busy { path: shown(rpc(&endpoint)) });
        assert!(started.elapsed() >= limit, "it was tried for a while");
        assert!(!held.is_empty());
        // Room comes while it is tried.
        let connecting = endpoint.connect(&endpoint.rpc);
        let accepting = async {
            tokio::task::yield_now().await;
            listener.accept().unwrap()
        };
        let (connected, _accepted) = tokio::join!(connecting, accepting);
        connected.unwrap();
    }

    #[test]
    fn the_first_folder_that_cannot_be_entered_is_named() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let found =
            barrier(Path::new("/home/app/.pm2/rpc.sock"), |path| match path.to_str().unwrap() {
                "/" | "/home" => Ok(0),
                "/home/app" => Ok(1001),
                _ => Err(denied()),
            });
        assert_eq!(found, (PathBuf::from("/home/app"), Some(1001)));
        let socket = barrier(Path::new("/run/rpc.sock"), |path| {
            Ok(if path.ends_with("rpc.sock") { 7 } else { 0 })
        });
        assert_eq!(socket, (PathBuf::from("/run/rpc.sock"), Some(7)));
        let nothing = barrier(Path::new("rpc.sock"), |_| Err(denied()));
        assert_eq!(nothing, (PathBuf::from("rpc.sock"), None));
    }

    #[test]
    fn users_are_found_by_their_number() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:5:5\nnode:x:1000:1000::/home/node:\n";
        assert_eq!(user_name(passwd, 1000).as_deref(), Some("node"));
        assert_eq!(user_name(passwd, 0).as_deref(), Some("root"));
        assert_eq!(user_name(passwd, 5), None);
        assert_eq!(user_name(passwd, 77), None);
    }
}
