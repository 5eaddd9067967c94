//! The bus, read on demand: while somebody acts who has no screen.
//!
//! Invariant: as everywhere, what is connected is drained; it is closed when the last one lets go of
//! it.

use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::decoder::Decoder;
use super::ear::Ears;
use super::reader::{CONNECT_MAX, Lost, Reader, Reconnect, Taker};
use crate::daemon::rpc::endpoint::Endpoint;
use crate::model::daemon::Problem;
use crate::protocol::amp::Frame;

/// A bus that is read as long as this lives.
#[derive(Debug)]
pub(crate) struct Attendance {
    /// What it tells.
    pub(crate) ears: Ears,
    _end: DropGuard,
}

/// Reads the bus of a daemon from now on.
///
/// # Panics
/// Outside a tokio runtime.
pub(crate) fn attend(endpoint: Endpoint, frame_bytes_max: usize) -> Attendance {
    let (ears, end) = (Ears::default(), CancellationToken::new());
    let reader = Reader {
        endpoint,
        frame_bytes_max,
        connect_max: CONNECT_MAX,
        reconnect: Reconnect::on_demand(),
    };
    let mut telling = Telling { ears: ears.clone(), decoder: Decoder::default() };
    let ended = end.clone();
    tokio::spawn(async move { ended.run_until_cancelled(reader.run(&mut telling)).await });
    Attendance { ears, _end: end.drop_guard() }
}

/// Tells the ears what comes.
struct Telling {
    ears: Ears,
    decoder: Decoder,
}

impl Taker for Telling {
    fn connected(&mut self) {
        self.decoder = Decoder::default();
        self.ears.set_connected(true);
    }

    fn take(&mut self, frame: &Frame) {
        // What cannot be read is nobody's.
        if let Ok(message) = self.decoder.decode(frame) {
            self.ears.tell_event(&message.event);
        }
    }

    fn lost(&mut self, lost: Lost) {
        self.ears.tell_lost(&lost);
    }

    fn disconnected(&mut self, _problem: Problem, _retry_in: Duration) {
        self.ears.set_connected(false);
    }
}
