//! A socket that is read in gulps while a flood comes through it.
//!
//! A registered socket wakes the runtime for each of its peer's writes, whether somebody waits or
//! not: in a burst of log lines that was four fifths of this program's CPU time (measured). So in a
//! flood the socket is taken out of the runtime and looked at about once a millisecond instead.
//!
//! Invariant: what comes is read at the clock's next tick, and the socket holds far more than God writes
//! in that time, so that God never has to queue; a quiet socket costs nothing.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep, sleep};

/// Reads this soon after each other are a flood.
const FLOOD_GAP: Duration = Duration::from_millis(3);
/// How long a flood's bytes gather before they are read together; the runtime's clock ticks in
/// milliseconds, so this is until its next tick. A whole millisecond more and God's side of the
/// socket is full, and God queues (measured: 100 MiB instead of 82 at its peak).
const GATHER: Duration = Duration::from_micros(100);

/// A socket that can leave the runtime and come back.
pub(in crate::daemon) trait Registered: AsyncRead + Unpin + Sized {
    /// The socket outside the runtime, non-blocking.
    type Plain: Read + Unpin;
    /// Takes the socket out of the runtime.
    fn take_out(self) -> io::Result<Self::Plain>;
    /// Puts it back.
    fn put_back(plain: Self::Plain) -> io::Result<Self>;
}

impl Registered for UnixStream {
    type Plain = std::os::unix::net::UnixStream;

    fn take_out(self) -> io::Result<Self::Plain> {
        self.into_std()
    }

    fn put_back(plain: Self::Plain) -> io::Result<Self> {
        Self::from_std(plain)
    }
}

impl Registered for TcpStream {
    type Plain = std::net::TcpStream;

    fn take_out(self) -> io::Result<Self::Plain> {
        self.into_std()
    }

    fn put_back(plain: Self::Plain) -> io::Result<Self> {
        Self::from_std(plain)
    }
}

/// The reading side of a socket, gathering in a flood.
pub(in crate::daemon) struct Gather<S: Registered> {
    state: State<S>,
    /// When a read last came to something after a wait.
    woke_at: Instant,
    /// Whether the reader is waiting, or has been since.
    has_waited: bool,
}

enum State<S: Registered> {
    Quiet(S),
    Flood {
        socket: S::Plain,
        pause: Pin<Box<Sleep>>,
        /// Whether the last pause brought something.
        has_read: bool,
    },
    /// Between the two, or lost on the way.
    Gone,
}

impl<S: Registered> Gather<S> {
    pub(in crate::daemon) fn new(socket: S) -> Self {
        Self { state: State::Quiet(socket), woke_at: Instant::now(), has_waited: false }
    }

    fn poll_quiet(
        &mut self,
        mut socket: S,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut socket).poll_read(context, buffer);
        if polled.is_pending() {
            self.has_waited = true;
            self.state = State::Quiet(socket);
            return polled;
        }
        let is_flood = self.has_waited && {
            let now = Instant::now();
            let gap = now.duration_since(std::mem::replace(&mut self.woke_at, now));
            gap < FLOOD_GAP
        };
        self.has_waited = false;
        self.state = if is_flood {
            let pause = Box::pin(sleep(GATHER));
            State::Flood { socket: socket.take_out()?, pause, has_read: true }
        } else {
            State::Quiet(socket)
        };
        polled
    }

    fn poll_flood(
        &mut self,
        mut socket: S::Plain,
        mut pause: Pin<Box<Sleep>>,
        mut has_read: bool,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if pause.as_mut().poll(context).is_pending() {
                self.state = State::Flood { socket, pause, has_read };
                return Poll::Pending;
            }
            match socket.read(buffer.initialize_unfilled()) {
                Ok(bytes) => {
                    buffer.advance(bytes);
                    self.state = State::Flood { socket, pause, has_read: true };
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && has_read => {
                    has_read = false;
                    pause.as_mut().reset(Instant::now() + GATHER);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // A pause that brought nothing: the flood is over.
                    return self.poll_quiet(S::put_back(socket)?, context, buffer);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<S: Registered> AsyncRead for Gather<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match std::mem::replace(&mut self.state, State::Gone) {
            State::Quiet(socket) => self.poll_quiet(socket, context, buffer),
            State::Flood { socket, pause, has_read } => {
                self.poll_flood(socket, pause, has_read, context, buffer)
            }
            State::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_flood_and_what_follows_come_whole_and_in_order() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let wanted: Vec<u8> = (0..4_000_000_u32).map(|n| n as u8).collect();
        let sent = wanted.clone();
        let writer = tokio::spawn(async move {
            // Small writes, as God's: each would be a wake-up.
            for piece in sent.chunks(313) {
                theirs.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            theirs
        });
        let mut gather = Gather::new(ours);
        let mut got = vec![0; wanted.len()];
        let mut flooded = false;
        let mut filled = 0;
        while filled < got.len() {
            filled += gather.read(&mut got[filled..]).await.unwrap();
            flooded |= matches!(gather.state, State::Flood { .. });
        }
        assert!(got == wanted, "bytes are lost or out of order");
        assert!(flooded, "the flood was not seen as one");
        let mut theirs = writer.await.unwrap();
        // Long after the flood, a byte still comes, and then the end.
        let quiet = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            theirs.write_all(b"x").await.unwrap();
        };
        let mut last = [0; 8];
        let (read, ()) = tokio::join!(gather.read(&mut last), quiet);
        assert_eq!((read.unwrap(), last[0]), (1, b'x'));
        assert!(matches!(gather.state, State::Quiet(_)), "a quiet socket is waited for");
        drop(theirs);
        assert_eq!(gather.read(&mut last).await.unwrap(), 0);
    }
}
