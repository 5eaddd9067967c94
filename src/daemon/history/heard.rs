//! What came on the bus of each output since it was connected, until its log file is joined to it.
//!
//! Invariant: taking a piece in never waits and costs nothing once the file is joined; what is kept
//! has a bound.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::daemon::clock::whole_ms;
use crate::daemon::seam::Seam;
use crate::protocol::bus::{BusPmId, LogChunk, LogStream};
use crate::protocol::process::PmId;

/// The most outputs that are listened to at a time.
const OUTPUTS_MAX: usize = 4096;
/// The most that is kept of one output as it came, bytes.
const KEPT_BYTES_MAX: usize = 64 << 10;
/// The most that is kept of all, bytes.
const ALL_BYTES_MAX: usize = 8 << 20;

/// An output of a process.
pub(super) type OutputKey = (PmId, LogStream);

/// What came of one output.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    /// Finds its place in the file.
    pub(super) seam: Seam,
    /// The bytes themselves, as long as there are few.
    pub(super) bytes: Vec<u8>,
    /// Whether that is not all of them.
    pub(super) is_cut: bool,
    /// When the first and the last piece came, by [`Heard::now_ms`].
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

/// What came of all outputs.
#[derive(Debug)]
pub(in crate::daemon) struct Heard {
    outputs: Mutex<Outputs>,
    /// Whether the bus is connected.
    is_connected: watch::Sender<bool>,
    started: Instant,
}

#[derive(Debug, Default)]
struct Outputs {
    /// `None` for those whose file is joined.
    begun: HashMap<OutputKey, Option<Box<Begun>>>,
    kept_bytes: usize,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            outputs: Mutex::default(),
            is_connected: watch::Sender::new(false),
            started: Instant::now(),
        }
    }
}

impl Heard {
    /// The bus was connected: what came before is of another connection.
    pub(in crate::daemon) fn connected(&self) {
        let mut outputs = self.lock();
        outputs.begun.retain(|_, begun| begun.is_none());
        outputs.kept_bytes = 0;
        drop(outputs);
        self.is_connected.send_replace(true);
    }

    /// The bus is connected no more.
    pub(in crate::daemon) fn disconnected(&self) {
        self.is_connected.send_replace(false);
    }

    /// Waits until the bus is connected.
    pub(super) async fn wait_connected(&self) {
        // The sender lives as long as this.
        let _ = self.is_connected.subscribe().wait_for(|is_connected| *is_connected).await;
    }

    /// Takes a piece of output in.
    pub(in crate::daemon) fn take(&self, chunk: &LogChunk) {
        let Some(BusPmId::Process(id) | BusPmId::Old(id)) = chunk.process.pm_id else { return };
        let mut outputs = self.lock();
        let key = (id, chunk.stream);
        if matches!(outputs.begun.get(&key), Some(None)) {
            return;
        }
        let now_ms = self.now_ms();
        if outputs.begun.len() >= OUTPUTS_MAX && !outputs.begun.contains_key(&key) {
            return;
        }
        let room = ALL_BYTES_MAX.saturating_sub(outputs.kept_bytes);
        let new = || Some(Box::new(Begun::new(now_ms)));
        let Some(begun) = outputs.begun.entry(key).or_insert_with(new) else { return };
        let data = chunk.data.as_bytes();
        begun.seam.take(data, now_ms);
        begun.last_ms = now_ms;
        let fits = !begun.is_cut && data.len() <= room.min(KEPT_BYTES_MAX - begun.bytes.len());
        if fits {
            begun.bytes.extend_from_slice(data);
            outputs.kept_bytes += data.len();
        } else {
            begun.is_cut = true;
        }
    }

    /// What came of an output, if anything did and its file is not joined.
    pub(super) fn begun(&self, key: OutputKey) -> Option<Begun> {
        self.lock().begun.get(&key)?.as_deref().cloned()
    }

    /// Takes back what a look at the file found out.
    pub(super) fn learn(&self, key: OutputKey, seam: &Seam) {
        if let Some(Some(begun)) = self.lock().begun.get_mut(&key) {
            begun.seam.learn(seam);
        }
    }

    /// The file of an output is joined: it is not listened to any more.
    pub(super) fn join(&self, key: OutputKey) {
        let mut outputs = self.lock();
        let begun = outputs.begun.insert(key, None).flatten();
        outputs.kept_bytes -= begun.map_or(0, |begun| begun.bytes.len());
    }

    /// Milliseconds by a clock that is never set back.
    pub(super) fn now_ms(&self) -> i64 {
        i64::try_from(whole_ms(self.started.elapsed())).unwrap_or(i64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Outputs> {
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Begun {
    fn new(now_ms: i64) -> Self {
        // How large the file was then is not known: all of its last part is looked through.
        let seam = Seam::new(u64::MAX, false);
        Self { seam, bytes: Vec::new(), is_cut: false, first_ms: now_ms, last_ms: now_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::bus::ProcessRef;

    fn chunk(id: u32, data: &str) -> LogChunk {
        let process = ProcessRef { pm_id: Some(BusPmId::Process(PmId(id))), name: "api".into() };
        LogChunk { process, stream: LogStream::Out, at_ms: None, data: data.into() }
    }

    #[test]
    fn what_came_is_kept_until_the_file_is_joined() {
        let heard = Heard::default();
        let key = (PmId(1), LogStream::Out);
        heard.take(&chunk(1, "a\n"));
        heard.take(&chunk(1, "b\n"));
        assert_eq!(heard.begun(key).unwrap().bytes, b"a\nb\n");
        heard.join(key);
        heard.take(&chunk(1, "c\n"));
        assert!(heard.begun(key).is_none());
        assert_eq!(heard.lock().kept_bytes, 0);
        heard.take(&chunk(2, "of the connection before"));
        heard.connected();
        assert!(heard.begun((PmId(2), LogStream::Out)).is_none());
        heard.take(&chunk(1, "d\n"));
        assert!(heard.begun(key).is_none(), "it stays joined");
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let heard = Heard::default();
        let piece = "x".repeat(40 << 10);
        for id in 0..300 {
            heard.take(&chunk(id, &piece));
            heard.take(&chunk(id, &piece));
        }
        let begun = heard.begun((PmId(0), LogStream::Out)).unwrap();
        assert_eq!((begun.bytes.len(), begun.is_cut), (piece.len(), true));
        assert!(heard.lock().kept_bytes <= ALL_BYTES_MAX);
        assert!(heard.begun((PmId(299), LogStream::Out)).unwrap().bytes.is_empty());
    }
}
