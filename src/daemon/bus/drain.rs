//! The thread that reads the bus of one daemon, and does nothing else.
//!
//! Invariant: between two reads stands a copy into memory that has a bound ([`Waiting`]) and at most a
//! rest of [`REST_MAX`], never a wait for anyone: the God daemon queues in its own memory what is not read, without bound and for
//! good (docs/pm2.md section 6). Its side of the socket is full after about three milliseconds of a
//! burst, so that not even a runtime's worker that decodes meanwhile is soon enough (measured).

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::waiting::{Batch, Waiting};
use crate::daemon::rpc::socket::{Plain, Stream};
use crate::protocol::amp::{AmpError, FrameEnds};

/// The most that one read takes while no message needs more, bytes.
const READ_BYTES: usize = 1024 * 1024;
/// The least that a read has room for, bytes.
const ROOM_BYTES_MIN: usize = READ_BYTES / 4;
/// A read that brought less is followed by a rest, bytes.
const SMALL_BYTES: usize = 32 * 1024;
/// The longest such rest, after a read that brought next to nothing. In a burst the daemon says a message
/// about every 40 microseconds: to be woken by each costs three times the CPU, and twice as short a rest a
/// fifth more of all that the program takes then (measured).
const REST_MAX: Duration = Duration::from_micros(1_200);
/// The shortest: after a read that brought half of [`SMALL_BYTES`] or more. With these two God's peak in a burst
/// was 1.02 of that beside a reader that only drains (measured).
const REST_MIN: Duration = Duration::from_micros(600);

/// A bus that is drained as long as this lives.
pub(super) struct Drain {
    shared: Arc<Shared>,
    socket: Arc<Plain>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drain {
    /// Begins to read.
    ///
    /// # Errors
    /// Where there can be no more threads.
    pub(super) fn start(stream: Stream, frame_bytes_max: usize) -> io::Result<Self> {
        let socket = Arc::new(stream.into_plain()?);
        let shared = Arc::new(Shared { waiting: Mutex::default(), filled: Notify::new() });
        let (reading, filling) = (Arc::clone(&socket), Arc::clone(&shared));
        std::thread::Builder::new().name("bus".to_owned()).spawn(move || {
            let error = drain(&reading, &filling, frame_bytes_max);
            filling.lock().end(error);
            filling.filled.notify_one();
        })?;
        Ok(Self { shared, socket })
    }

    /// What comes next. After the error, which is the end of the connection, nothing does.
    /// Cancel-safe.
    pub(super) async fn next(&self) -> Result<Batch, AmpError> {
        loop {
            let next = self.shared.lock().take();
            if let Some(next) = next {
                return next;
            }
            self.shared.filled.notified().await;
        }
    }
}

impl Drop for Drain {
    /// Wakes the thread from its read, also where the daemon says nothing any more.
    fn drop(&mut self) {
        self.socket.shut_down();
    }
}

/// Reads until the connection ends, and says why it did.
fn drain(socket: &Plain, shared: &Shared, frame_bytes_max: usize) -> AmpError {
    let mut ends = FrameEnds::new(frame_bytes_max);
    // Pages that nothing is ever read into cost nothing.
    let mut room = vec![0; READ_BYTES];
    let mut filled = 0;
    let mut pause = None;
    loop {
        if let Some(pause) = pause {
            std::thread::sleep(pause);
        }
        if room.len() - filled < ROOM_BYTES_MIN {
            room.resize(2 * room.len(), 0);
        }
        match socket.read(room.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => return io::Error::from(io::ErrorKind::UnexpectedEof).into(),
            Ok(bytes) => {
                filled += bytes;
                pause = rest_after(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return error.into(),
        }
        let came = room.get(..filled).unwrap_or_default();
        let mut whole = 0;
        let found = loop {
            match ends.next(came.get(whole..).unwrap_or_default()) {
                Ok(Some(length)) => whole += length,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if whole > 0 {
            shared.lock().push(came.get(..whole).unwrap_or_default());
            shared.filled.notify_one();
            room.copy_within(whole..filled, 0);
            filled -= whole;
            if room.len() > READ_BYTES && filled < READ_BYTES / 2 {
                // A large message is over.
                room.truncate(READ_BYTES);
                room.shrink_to_fit();
            }
        }
        if let Err(error) = found {
            return error;
        }
    }
}

/// The rest after a read of so many bytes: the fuller the daemon's side of the socket was, the shorter.
fn rest_after(bytes: usize) -> Option<Duration> {
    let left = u32::try_from(SMALL_BYTES.checked_sub(bytes)?).unwrap_or(u32::MAX);
    let all = u32::try_from(SMALL_BYTES).unwrap_or(u32::MAX);
    Some((REST_MAX * left / all).max(REST_MIN))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::daemon::bus::waiting::tests::message;

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn soon<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(PATIENCE, future).await.expect("nothing came")
    }

    /// One end of each kind of socket, and the other.
    async fn sockets() -> [(Stream, Box<dyn Write + Send>); 2] {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let unix = Stream::Unix(tokio::net::UnixStream::from_std(ours).unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let connecting = tokio::net::TcpStream::connect(listener.local_addr().unwrap());
        let tcp = Stream::Tcp(soon(connecting).await.unwrap());
        [(unix, Box::new(theirs)), (tcp, Box::new(listener.accept().unwrap().0))]
    }

    #[tokio::test]
    async fn what_comes_in_any_pieces_is_handed_over_whole_and_in_order_and_then_the_end() {
        let small = |n: usize| message("my:topic", &"x".repeat(n * 37 % 3_000));
        let large = message("my:dump", &"y".repeat(5 * READ_BYTES));
        let sent = [(0..2_000).flat_map(small).collect(), large, message("my:last", "")].concat();
        for (stream, mut theirs) in sockets().await {
            let drain = Drain::start(stream, usize::MAX).unwrap();
            let bytes = sent.clone();
            let writer = std::thread::spawn(move || {
                bytes.chunks(31_337).for_each(|piece| theirs.write_all(piece).unwrap());
            });
            let mut came = Vec::new();
            let end = loop {
                match soon(drain.next()).await {
                    Ok(batch) => {
                        let mut ends = FrameEnds::new(usize::MAX);
                        let mut at = 0;
                        while at < batch.bytes.len() {
                            at += ends.next(&batch.bytes[at..]).unwrap().expect("half a message");
                        }
                        came.extend_from_slice(&batch.bytes);
                    }
                    Err(end) => break end,
                }
            };
            writer.join().unwrap();
            assert!(matches!(end, AmpError::Io(_)), "{end}");
            assert!(came == sent, "bytes are lost or out of order");
        }
    }

    #[tokio::test]
    async fn it_is_read_while_nobody_takes_and_the_loss_is_counted() {
        const MESSAGES: usize = 40_000;
        for (stream, mut theirs) in sockets().await {
            let drain = Drain::start(stream, usize::MAX).unwrap();
            let one = message("log:out", &"x".repeat(1_000));
            // Blocks where the thread does not read.
            for _ in 0..MESSAGES {
                theirs.write_all(&one).unwrap();
            }
            theirs.write_all(&message("process:event", "{}")).unwrap();
            drop(theirs);
            let (mut came, mut lost) = (0, 0);
            while let Ok(batch) = soon(drain.next()).await {
                came += batch.bytes.len();
                lost += batch.lost.output;
            }
            let kept = (came - message("process:event", "{}").len()) / one.len();
            assert_eq!(kept + lost as usize, MESSAGES);
            assert!(lost > 0, "too little to mean anything");
        }
    }

    #[tokio::test]
    async fn the_thread_ends_with_its_owner_though_the_daemon_hangs() {
        for (stream, mut theirs) in sockets().await {
            let drain = Drain::start(stream, usize::MAX).unwrap();
            theirs.write_all(&message("my:topic", "1")).unwrap();
            soon(drain.next()).await.unwrap();
            let thread = Arc::downgrade(&drain.shared);
            assert_eq!(thread.strong_count(), 2);
            drop(drain);
            let began = Instant::now();
            while thread.strong_count() > 0 {
                assert!(began.elapsed() < PATIENCE, "the thread is still there");
                std::thread::yield_now();
            }
            drop(theirs);
        }
    }

    #[tokio::test]
    async fn what_came_before_a_broken_stream_is_handed_over_first() {
        let [(stream, mut theirs), _] = sockets().await;
        let drain = Drain::start(stream, 100).unwrap();
        theirs.write_all(&[&message("my:topic", "1")[..], b"HTTP"].concat()).unwrap();
        assert_eq!(soon(drain.next()).await.unwrap().bytes, message("my:topic", "1"));
        assert!(matches!(soon(drain.next()).await, Err(AmpError::Version { found: 4 })));
        let [_, (stream, mut theirs)] = sockets().await;
        let drain = Drain::start(stream, 100).unwrap();
        theirs.write_all(&message("my:topic", &"x".repeat(100))).unwrap();
        assert!(matches!(soon(drain.next()).await, Err(AmpError::FrameTooLarge { max: 100, .. })));
    }
}
