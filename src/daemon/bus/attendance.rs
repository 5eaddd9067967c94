//! The bus, read on demand: while somebody acts who has no screen.
//!
//! Invariant: as everywhere, what is connected is read; it is closed when the last one lets go of it.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use tokio_util::codec::FramedRead;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ear::Ears;
use super::output::exit_signal;
use crate::daemon::rpc::backoff::Backoff;
use crate::daemon::rpc::connection::READ_BYTES;
use crate::daemon::rpc::endpoint::Endpoint;
use crate::protocol::amp::AmpCodec;
use crate::protocol::bus::{self, BusEvent, EventKind};
use crate::protocol::process::PmId;

/// How long a connect may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// The first and the longest pause between tries to connect, as in axon.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// The most signals that wait for the `exit` they belong to.
const SIGNALS_MAX: usize = 4096;

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
    let reader = read(endpoint, frame_bytes_max, ears.clone());
    let ended = end.clone();
    tokio::spawn(async move { ended.run_until_cancelled(reader).await });
    Attendance { ears, _end: end.drop_guard() }
}

async fn read(endpoint: Endpoint, frame_bytes_max: usize, ears: Ears) {
    let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1, u64::from(std::process::id()));
    loop {
        let connecting = endpoint.connect(&endpoint.publish);
        if let Ok(Ok(stream)) = tokio::time::timeout(CONNECT_MAX, connecting).await {
            ears.set_connected(true);
            let codec = AmpCodec::new(frame_bytes_max);
            let mut frames = FramedRead::with_capacity(stream.gather(), codec, READ_BYTES);
            let mut signals = HashMap::new();
            while let Some(Ok(frame)) = frames.next().await {
                // What cannot be read is nobody's.
                if let Ok(mut message) = bus::decode(&frame) {
                    add_signal(&mut signals, &mut message.event);
                    ears.tell_event(&message.event);
                }
            }
            ears.set_connected(false);
        }
        tokio::time::sleep(backoff.delay()).await;
    }
}

/// Adds the signal that the daemon's console named to the `exit` that follows it.
fn add_signal(signals: &mut HashMap<PmId, Box<str>>, event: &mut BusEvent) {
    match event {
        BusEvent::DaemonLog { data, .. } => {
            let named = data.lines().filter_map(exit_signal);
            signals.extend(named.map(|(id, signal)| (id, Box::from(signal))));
            if signals.len() > SIGNALS_MAX {
                signals.clear();
            }
        }
        BusEvent::Process(event) if event.kind == EventKind::Exit && !event.is_old_worker => {
            event.signal = signals.remove(&event.info.pm_id);
        }
        _ => {}
    }
}
