//! Where the bus begins in files that several outputs go into: the way of the screen, before their history
//! is read.
//!
//! Invariant: no line is lost. Lines that cannot be told apart are counted, and rather printed twice; then
//! that is said.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::time::Instant;

use super::missing::complain;
use super::said::{BusId, Said};
use super::source::Source;
use crate::client::Queued;
use crate::daemon::clock;
use crate::daemon::history::counted::{self, Counted};
use crate::daemon::history::shared::{self, Begin};

use crate::daemon::seam::ReadAt;
use crate::protocol::bus::LogStream;
use crate::protocol::process::PmId;

/// A busy cluster worker writes later than God publishes: for so long the bus is listened to before its
/// place is looked for.
const LISTEN: Duration = Duration::from_millis(500);
/// How long it is looked for.
const LOOK_MAX: Duration = Duration::from_secs(4);
/// How often.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// So much is held meanwhile at most, bytes.
const HELD_MAX: usize = 16 << 20;

/// A file of several outputs.
struct Shared {
    /// Which source it is.
    source: usize,
    file: Arc<File>,
    /// What came of each output.
    came: HashMap<(BusId, LogStream), Vec<u8>>,
    counted: Counted,
    is_done: bool,
}

impl Shared {
    fn of((index, source): (usize, &Source)) -> Option<Self> {
        let file = source.opened.clone().filter(|_| source.is_shared())?;
        let counted = Counted::from(source.sizes.0);
        Some(Self { source: index, file, came: HashMap::new(), counted, is_done: false })
    }

    /// Looks for the place; true where that is known, or has to be.
    fn look(&mut self, source: &mut Source, (connected_ms, is_late): (i64, bool)) {
        let came: Vec<Vec<u8>> = self.came.values().cloned().collect();
        let size = self.file.size().unwrap_or(0);
        if came.iter().all(Vec::is_empty) {
            // What did not come on the bus until now was there before.
            self.is_done = true;
            source.end_at(size, HashMap::new(), connected_ms);
            return;
        }
        let is_all = self.came.len() == source.file.keys().count();
        match shared::begin(&self.file, (&came, is_all)) {
            Ok(Some(begin)) => {
                self.is_done = true;
                self.join(source, begin, connected_ms);
            }
            _ if is_late => {
                self.is_done = true;
                let had = shared::lines_of(&came);
                complain(&source.label, "lines at this point may be missing or repeated");
                source.end_at(size, had, clock::now_ms());
            }
            _ => {}
        }
    }

    fn join(&mut self, source: &mut Source, begin: Begin, connected_ms: i64) {
        let Begin { at, mut had, is_told_apart } = begin;
        if !is_told_apart {
            let short = self.counted.short(&self.file, at, &had);
            if short > 0 {
                counted::forget(&mut had, short);
            }
            if short > 0 || !self.counted.is_exact() {
                complain(&source.label, "lines at this point may be repeated: they are alike");
            }
        }
        source.end_at(at, had, connected_ms);
    }
}

/// Listens until it is known where in files of several outputs the bus began; what came meanwhile.
pub(super) async fn begin(
    bus: &mut (impl Stream<Item = Queued> + Unpin),
    sources: &mut [Source],
) -> Vec<Queued> {
    let mut shared: Vec<Shared> = sources.iter().enumerate().filter_map(Shared::of).collect();
    let (mut early, mut bytes) = (Vec::new(), 0);
    if shared.is_empty() {
        return early;
    }
    let (started, connected_ms) = (Instant::now(), clock::now_ms());
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let mut is_over = started.elapsed() >= LOOK_MAX || bytes >= HELD_MAX;
        tokio::select! {
            item = bus.next() => {
                let Some(item) = item else { return early };
                match &item {
                    Queued::Message(message) => if let Some(said) = Said::of(message) {
                        bytes += said.text.len();
                        take(&mut shared, sources, &said);
                    },
                    // What came before that is no beginning.
                    _ => is_over = true,
                }
                early.push(item);
            }
            _ = ticks.tick() => {}
        }
        if is_over || started.elapsed() >= LISTEN {
            for shared in shared.iter_mut().filter(|shared| !shared.is_done) {
                if let Some(source) = sources.get_mut(shared.source) {
                    shared.look(source, (connected_ms, is_over));
                }
            }
        }
        if shared.iter().all(|shared| shared.is_done) {
            return early;
        }
    }
}

fn take(shared: &mut [Shared], sources: &[Source], said: &Said) {
    for shared in shared.iter_mut().filter(|shared| !shared.is_done) {
        let Some(source) = sources.get(shared.source) else { continue };
        if source.file.holds(PmId(said.id), said.stream) {
            let text = said.text.as_bytes();
            shared.came.entry((said.id, said.stream)).or_default().extend_from_slice(text);
            shared.counted.take(&shared.file, text);
        }
    }
}
