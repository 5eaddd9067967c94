//! Reads the bus of one daemon, whoever takes what comes.
//!
//! Invariant: what is connected is drained, by a thread that waits for nobody ([`Drain`]); what comes
//! too fast for the taker is lost in whole messages and counted.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::codec::Decoder as _;

use super::drain::Drain;
pub(crate) use super::reconnect::Reconnect;
use super::waiting::Batch;
pub(crate) use super::waiting::Lost;
use crate::daemon::Endpoint;
use crate::daemon::rpc::connection::stream_problem;
use crate::model::daemon::Problem;
use crate::protocol::amp::{AmpCodec, AmpError, Frame};
use crate::protocol::text;

/// How long a connect may take, where nothing else is said.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How much is taken before others of the runtime have their turn, bytes.
const TURN_BYTES: usize = 256 * 1024;
/// How much is taken before the clock is looked at, bytes: a fraction of a millisecond.
const LOOK_BYTES: usize = 16 * 1024;

/// The rest after what came was taken. God says a burst message by message: without a rest each wakes
/// the taker, at five times the CPU of all that is done with it (measured). It also gives the runtime's
/// clock its turn. The thread that drains does not wait for it.
const REST: Duration = Duration::from_millis(15);

/// Who takes what the bus says. Nothing here waits.
pub(crate) trait Taker {
    /// The bus is connected.
    fn connected(&mut self);

    /// A message.
    fn take(&mut self, frame: &Frame);

    /// So much is missing before the next message.
    fn lost(&mut self, lost: Lost);

    /// What came is no AMP, or over the bound: the connection is given up.
    fn malformed(&mut self, _error: &AmpError) {}

    /// All that had come was taken; a rest follows.
    fn caught_up(&mut self) {}

    /// When [`Taker::wake`] is wanted although nothing comes.
    fn wakes_at(&self) -> Option<Instant> {
        None
    }

    /// It is time.
    fn wake(&mut self) {}

    /// Returns when [`Taker::wake`] is wanted for another reason than time.
    fn nudged(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// The connection ended, or there was none; another try follows after the pause.
    fn disconnected(&mut self, problem: Problem, retry_in: Duration);

    /// Returns when another try is wanted before the pause is over.
    fn hurry(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// What it takes to read a bus.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The daemon.
    pub(crate) endpoint: Endpoint,
    /// The largest message accepted, bytes.
    pub(crate) frame_bytes_max: usize,
    /// How long a connect may take.
    pub(crate) connect_max: Duration,
    /// When it is tried again.
    pub(crate) reconnect: Reconnect,
}

impl Reader {
    /// Connects, reads, and begins again when the connection goes, for ever.
    pub(crate) async fn run(mut self, taker: &mut impl Taker) {
        loop {
            let connected = self.connect().await;
            let began = Instant::now();
            let (problem, lasted) = match connected {
                Ok(drain) => {
                    taker.connected();
                    (read(&drain, taker).await, Some(began.elapsed()))
                }
                Err(problem) => (problem, None),
            };
            let retry_in = self.reconnect.pause(lasted);
            taker.disconnected(problem, retry_in);
            tokio::select! {
                () = tokio::time::sleep(retry_in) => {}
                () = taker.hurry() => {}
            }
        }
    }

    async fn connect(&self) -> Result<Drain, Problem> {
        let connecting = self.endpoint.connect(&self.endpoint.publish);
        let stream = match tokio::time::timeout(self.connect_max, connecting).await {
            Ok(stream) => stream?,
            Err(_) => return Err(Problem::Silent { method: "connect".into() }),
        };
        Drain::start(stream, self.frame_bytes_max).map_err(|error| Problem::Other {
            path: text::clean(&self.endpoint.publish.to_string()).into(),
            reason: text::clean(&error.to_string()).into(),
        })
    }
}

/// Reads one connection to its end, and says why it ended.
async fn read(drain: &Drain, taker: &mut impl Taker) -> Problem {
    loop {
        let next = tokio::select! {
            next = drain.next() => next,
            () = wanted(taker) => {
                taker.wake();
                taker.caught_up();
                continue;
            }
        };
        match next {
            Ok(batch) => {
                take(batch, taker).await;
                taker.caught_up();
                tokio::time::sleep(REST).await;
            }
            Err(error) => {
                let problem = stream_problem(&error);
                if problem != Problem::Closed {
                    tracing::warn!(%error, "what came on the bus is no AMP");
                    taker.malformed(&error);
                }
                return problem;
            }
        }
    }
}

async fn take(batch: Batch, taker: &mut impl Taker) {
    let Batch { mut bytes, lost } = batch;
    if !lost.is_nothing() {
        tracing::warn!(?lost, "the bus said more than was taken");
        taker.lost(lost);
    }
    // Their sizes were looked at when they were read.
    let mut codec = AmpCodec::new(usize::MAX);
    let mut turn_ends = bytes.len().saturating_sub(TURN_BYTES);
    let mut look_ends = bytes.len().saturating_sub(LOOK_BYTES);
    while let Ok(Some(frame)) = codec.decode(&mut bytes) {
        taker.take(&frame);
        if bytes.len() < look_ends {
            look_ends = bytes.len().saturating_sub(LOOK_BYTES);
            wake_in_time(taker);
        }
        if bytes.len() < turn_ends {
            turn_ends = bytes.len().saturating_sub(TURN_BYTES);
            tokio::task::yield_now().await;
        }
    }
    wake_in_time(taker);
}

fn wake_in_time(taker: &mut impl Taker) {
    if taker.wakes_at().is_some_and(|at| at <= Instant::now()) {
        taker.wake();
    }
}

/// Waits until the taker wants to be woken although nothing comes.
async fn wanted(taker: &impl Taker) {
    tokio::select! {
        () = until(taker.wakes_at()) => {}
        () = taker.nudged() => {}
    }
}

/// Waits until then; for ever without a time.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
