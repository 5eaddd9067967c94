//! One socket of a daemon: a path, or a TCP port as before PM2 0.12.
//!
//! Invariant: a TCP address that is not this machine's own is never connected to unless that was
//! allowed: pm2-axon knows no authentication, so whoever listens can be anyone, and whoever can
//! connect commands the daemon.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::runtime::Handle;

use crate::daemon::offload;

/// Why no endpoint could be derived from the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing says where the daemon's folder is.
    #[error("neither PM2_HOME nor HOME is set: name the daemon's folder with --home")]
    NoHome,
    /// A TCP address without a host or a port.
    #[error("{address} is not an address: use tcp://HOST:PORT or the path of a socket")]
    Tcp {
        /// What was given.
        address: Box<str>,
    },
}

/// Where one socket of a daemon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Socket {
    /// A unix socket (PM2 0.12 and later).
    Unix(PathBuf),
    /// A TCP port (before 0.12: 6666 for calls, 6667 for the bus).
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
}

impl Socket {
    /// Reads `tcp://HOST:PORT`, a bare port on this machine as old releases have it in
    /// `PM2_DAEMON_RPC_PORT`, or a path.
    ///
    /// # Errors
    /// [`EndpointError::Tcp`] for a `tcp://` without a host or a port.
    pub fn parse(text: &OsStr) -> Result<Self, EndpointError> {
        let Some(known) = text.to_str() else {
            return Ok(Self::Unix(text.into()));
        };
        if let Ok(port) = known.parse() {
            return Ok(Self::Tcp { host: "127.0.0.1".to_owned(), port });
        }
        let Some(address) = known.strip_prefix("tcp://") else {
            return Ok(Self::Unix(text.into()));
        };
        let wrong = || EndpointError::Tcp { address: known.into() };
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        let is_bracketed = host.starts_with('[') && host.ends_with(']');
        let host = if is_bracketed { host.trim_matches(['[', ']']) } else { host };
        let is_plain = !host.is_empty() && (is_bracketed || !host.contains([':', '/', '[', ']']));
        if is_plain { Ok(Self::Tcp { host: host.to_owned(), port }) } else { Err(wrong()) }
    }

    /// The path of a unix socket.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Tcp { .. } => None,
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
        }
    }
}

/// A connected socket, whatever its kind.
pub(crate) enum Stream {
    /// A unix socket.
    Unix(UnixStream),
    /// A TCP connection.
    Tcp(TcpStream),
}

/// The two directions of a connected socket. Both are kept as long as it is wanted: God closes a
/// connection whose other end says that it writes no more.
pub(crate) struct Halves {
    /// What comes.
    pub(crate) read: Box<dyn AsyncRead + Send + Sync + Unpin>,
    /// What goes.
    pub(crate) write: Box<dyn AsyncWrite + Send + Sync + Unpin>,
}

/// A connected socket whose reads wait, whatever its kind.
pub(crate) enum Plain {
    /// A unix socket.
    Unix(std::os::unix::net::UnixStream),
    /// A TCP connection.
    Tcp(std::net::TcpStream),
}

impl Plain {
    /// Reads what is there, and waits where nothing is; 0 is the end.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => (&*stream).read(buffer),
            Self::Tcp(stream) => (&*stream).read(buffer),
        }
    }

    /// Ends the connection; a read that waits on another thread returns.
    pub(crate) fn shut_down(&self) {
        // One that has ended already is shut down as well.
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Stream {
    /// Both directions, for calls and replies.
    pub(crate) fn split(self) -> Halves {
        match self {
            Self::Unix(stream) => {
                let (read, write) = stream.into_split();
                Halves { read: Box::new(read), write: Box::new(write) }
            }
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                Halves { read: Box::new(read), write: Box::new(write) }
            }
        }
    }

    /// The same outside the runtime: for a thread that waits in its reads.
    pub(crate) fn into_plain(self) -> io::Result<Plain> {
        Ok(match self {
            Self::Unix(stream) => {
                let stream = stream.into_std()?;
                stream.set_nonblocking(false)?;
                Plain::Unix(stream)
            }
            Self::Tcp(stream) => {
                let stream = stream.into_std()?;
                stream.set_nonblocking(false)?;
                Plain::Tcp(stream)
            }
        })
    }

    /// The process that listens at the other end of a unix socket, by its id here.
    pub(super) fn peer_pid(&self) -> Option<u32> {
        match self {
            Self::Unix(stream) => u32::try_from(stream.peer_cred().ok()?.pid()?).ok(),
            Self::Tcp(_) => None,
        }
    }

    /// Connects on another thread: the system looks the path up, on a disk that may hang.
    pub(super) async fn unix(path: &Path, limit: Duration) -> io::Result<Self> {
        let (path, runtime) = (path.to_owned(), Handle::current());
        let connecting = move || runtime.block_on(UnixStream::connect(path));
        let connected = offload::blocking(limit, connecting).await;
        let hangs = || io::Error::new(io::ErrorKind::TimedOut, "its disk does not answer");
        Ok(Self::Unix(connected.ok_or_else(hangs)??))
    }

    /// Connects where every address of the host is this machine's own, or others are allowed.
    pub(super) async fn tcp(host: &str, port: u16, allow_remote: bool) -> io::Result<Self> {
        let addresses: Vec<_> = lookup_host((host, port)).await?.collect();
        if !allow_remote && addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "not this machine: anyone there could command it, since this protocol has no \
                 authentication (--allow-remote-tcp)",
            ));
        }
        let stream = TcpStream::connect(addresses.as_slice()).await?;
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Socket, EndpointError> {
        Socket::parse(OsStr::new(text))
    }

    fn tcp(host: &str, port: u16) -> Socket {
        Socket::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn ports_addresses_and_paths_are_told_apart() {
        assert_eq!(parse("6666"), Ok(tcp("127.0.0.1", 6666)));
        assert_eq!(parse("tcp://localhost:1"), Ok(tcp("localhost", 1)));
        assert_eq!(parse("tcp://[::1]:6666"), Ok(tcp("::1", 6666)));
        assert_eq!(parse("/run/rpc.sock"), Ok(Socket::Unix("/run/rpc.sock".into())));
        assert_eq!(parse("70000"), Ok(Socket::Unix("70000".into())));
        for wrong in
            ["tcp://", "tcp://h", "tcp://h:", "tcp://:1", "tcp://h:0", "tcp://a:b:1", "tcp://h/:1"]
        {
            assert_eq!(parse(wrong), Err(EndpointError::Tcp { address: wrong.into() }));
        }
        for text in ["tcp://localhost:1", "tcp://[::1]:6666", "/run/rpc.sock"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[tokio::test]
    async fn another_machine_is_refused_unless_allowed() {
        // A documentation address (RFC 5737): nothing is ever sent there.
        let refused = Stream::tcp("192.0.2.1", 6666, false).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Stream::tcp("127.0.0.1", port, false).await.unwrap();
    }
}
