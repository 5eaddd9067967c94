//! What the bus said faster than it was taken, though it was there.
//!
//! Invariant: what is lost within a moment is mended from the files, as after a loss of the bus. What is lost
//! for longer is a flood: nothing is held, no file is looked at, and all that was lost is told as such.

use super::{Heard, LogChunk, Output, Outputs, Piece, now_ms};
use crate::daemon::missing::{AllMissing, Missing};

/// Losses that go on for longer are a flood, milliseconds.
const MOMENT_MS: i64 = 1_500;
/// It is over when nothing was lost for so long, milliseconds.
const OVER_MS: i64 = 1_000;

/// Losses though the bus was there.
#[derive(Debug, Default)]
pub(super) struct Speed {
    /// How many there were.
    losses: u64,
    /// The first one that is not mended yet, or of the flood, by [`Heard::elapsed_ms`].
    first_ms: Option<i64>,
    /// The last one.
    last_ms: i64,
    is_flood: bool,
    /// Whether the bus was lost, too, and that is not mended yet.
    is_other_bus: bool,
    /// What was lost and not told as such: it is looked for.
    pub(super) missing: AllMissing,
}

impl Speed {
    pub(super) fn losses(&self) -> u64 {
        self.losses
    }

    /// The bus is connected again; what was lost with it is to be mended.
    pub(super) fn begin_again(&mut self) {
        let (losses, last_ms) = (self.losses, self.last_ms);
        *self = Self { losses, last_ms, is_other_bus: true, ..Self::default() };
    }

    /// What was lost is mended.
    pub(super) fn forget(&mut self) {
        self.is_other_bus = false;
        if !self.is_flood {
            self.first_ms = None;
        }
    }

    /// There is another one; whether it is one of a flood.
    fn add(&mut self, now_ms: i64) -> bool {
        self.losses += 1;
        let is_over = now_ms - self.last_ms >= OVER_MS;
        self.last_ms = now_ms;
        if self.first_ms.is_none() || is_over {
            (self.first_ms, self.is_flood) = (Some(now_ms), false);
        }
        self.is_flood |= self.first_ms.is_some_and(|first_ms| now_ms - first_ms > MOMENT_MS);
        self.is_flood
    }
}

impl Heard {
    /// How many losses there were while the bus was there.
    pub(in crate::daemon::history) fn losses(&self) -> u64 {
        self.lock().speed.losses
    }

    /// So much was lost before what comes next. It is looked for in the files, or told as lost where it is
    /// missing.
    pub(in crate::daemon) fn lost(&self, missing: &[Missing]) {
        let elapsed_ms = self.elapsed_ms();
        let mut outputs = self.lock();
        let has_files = outputs.is_holding
            || outputs.now.values().any(|output| matches!(output, Output::Joined(Some(_))));
        let is_mended = outputs.is_mended;
        if !is_mended || outputs.speed.add(elapsed_ms) || !has_files {
            outputs.tell_all();
            outputs.released.extend(missing.iter().cloned().map(Piece::Lost));
            drop(outputs);
            self.has_released.notify_one();
            return;
        }
        outputs.lose_look();
        let keys: Vec<_> = outputs.now.keys().copied().collect();
        for key in keys {
            match outputs.now.get(&key) {
                Some(Output::Joined(Some(_))) => {
                    if let Some(Output::Joined(Some(tail))) = outputs.now.remove(&key) {
                        outputs.before.insert(key, tail);
                    }
                }
                Some(Output::Begun(_)) => {
                    if let Some(Output::Begun(begun)) = outputs.now.remove(&key) {
                        outputs.set_aside(key, begun);
                    }
                }
                // It is in the file, too, behind what is lost now.
                Some(Output::Held(_)) => {
                    let held = outputs.unhold(key);
                    for chunk in &held {
                        outputs.forget(chunk);
                    }
                }
                _ => {}
            }
        }
        outputs.miss(missing);
        if !outputs.is_holding {
            outputs.lost_ms = if outputs.told_ms > 0 { outputs.told_ms } else { now_ms() };
        }
        outputs.is_holding = true;
        drop(outputs);
        self.connection.send_modify(|(count, _)| *count += 1);
    }

    /// Whether what is being mended was lost though the bus was there: the processes are the same.
    pub(in crate::daemon::history) fn is_by_speed(&self) -> bool {
        let outputs = self.lock();
        let speed = &outputs.speed;
        speed.first_ms.is_some() && !speed.is_flood && !speed.is_other_bus
    }

    /// Whether so much is lost that nothing is looked for.
    pub(in crate::daemon::history) fn is_flood(&self) -> bool {
        let now_ms = self.elapsed_ms();
        let speed = &self.lock().speed;
        speed.is_flood && now_ms - speed.last_ms < OVER_MS
    }
}

impl Outputs {
    /// What was held is looked for, too.
    fn forget(&mut self, chunk: &LogChunk) {
        let text = chunk.data.as_bytes();
        let ends = memchr::memchr_iter(b'\n', text).count() as u64;
        let said = (ends, text.last() != Some(&b'\n'));
        self.speed.missing.add(&chunk.process, chunk.stream, said);
    }

    /// This is looked for, where there is a file of it.
    fn miss(&mut self, missing: &[Missing]) {
        for missing in missing {
            let output = missing.key().and_then(|key| self.now.get(&key));
            if matches!(output, Some(Output::Joined(None))) {
                self.released.push(Piece::Lost(missing.clone()));
            } else {
                self.speed.missing.add_all(std::slice::from_ref(missing));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::chunk;
    use super::super::{Mended, OWN_BYTES, Piece, Tail, Written};
    use super::*;
    use crate::protocol::bus::{BusPmId, LogStream, ProcessRef};
    use crate::protocol::process::PmId;

    const KEY: (PmId, LogStream) = (PmId(1), LogStream::Out);

    fn lost(ends: u64) -> [Missing; 1] {
        let process = ProcessRef { pm_id: Some(BusPmId::Process(PmId(1))), name: "api".into() };
        [Missing { process, stream: LogStream::Out, ends, is_cut: false }]
    }

    fn joined() -> Heard {
        let heard = Heard::default();
        heard.mend();
        heard.connected();
        heard.join(KEY, Some(Tail::new(OWN_BYTES)));
        assert!(heard.take(chunk(1, "a\n")).is_some());
        heard
    }

    fn told(heard: &Heard) -> Vec<String> {
        let text = |piece| match piece {
            Piece::Came(chunk) => chunk.data,
            Piece::Missed { bytes, .. } => String::from_utf8(bytes).unwrap(),
            Piece::Unsure { text, .. } => text,
            Piece::Lost(missing) => format!("{} lost", missing.lines()),
        };
        heard.released().into_iter().map(text).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_lost_within_a_moment_is_held_for_until_it_is_mended() {
        let heard = joined();
        heard.lost(&lost(3));
        assert_eq!(told(&heard), [] as [&str; 0], "it is looked for");
        assert!(heard.is_by_speed());
        assert_eq!(heard.take_before().remove(&KEY).unwrap().bytes(), b"a\n");
        assert!(heard.take(chunk(1, "e\n")).is_none());
        let losses = heard.losses();
        let mended = |bytes: &[u8], losses| Mended {
            process: ProcessRef { pm_id: Some(BusPmId::Process(PmId(1))), name: "api".into() },
            bytes: bytes.to_vec(),
            written: Written::default(),
            unsure: None,
            tail: Some(Tail::new(OWN_BYTES)),
            repeated: 0,
            losses,
        };
        tokio::time::advance(Duration::from_millis(500)).await;
        heard.lost(&lost(2));
        assert!(heard.take(chunk(1, "h\n")).is_none());
        let before = mended(b"b\nc\nd\n", losses);
        assert!(!heard.release(KEY, true, before), "there was another loss meanwhile");
        assert!(heard.release(KEY, true, mended(b"b to g\n", heard.losses())));
        assert_eq!(told(&heard), ["b to g\n", "h\n"]);
        heard.end_holding();
        assert!(!heard.is_by_speed());
        assert!(heard.take(chunk(1, "i\n")).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_flood_nothing_is_held_and_what_is_lost_is_told() {
        let heard = joined();
        heard.lost(&lost(3));
        assert!(heard.take(chunk(1, "x\nx\n")).is_none());
        tokio::time::advance(Duration::from_millis(900)).await;
        heard.lost(&lost(4));
        assert_eq!(told(&heard), [] as [&str; 0]);
        assert!(heard.take(chunk(1, "y\n")).is_none(), "what was held is in the file, too");
        tokio::time::advance(Duration::from_millis(900)).await;
        heard.lost(&lost(5));
        assert!(heard.is_flood() && !heard.is_by_speed());
        assert_eq!(told(&heard), ["9 lost", "y\n", "5 lost"], "each where it is missing");
        assert!(heard.take(chunk(1, "z\n")).is_some(), "nothing is held");
        heard.lost(&lost(6));
        assert_eq!(told(&heard), ["6 lost"]);
        tokio::time::advance(Duration::from_millis(1_100)).await;
        heard.lost(&lost(1));
        assert_eq!(told(&heard), [] as [&str; 0], "that was another one");
        assert!(heard.take(chunk(1, "w\n")).is_none());
        heard.end_holding();
        assert_eq!(told(&heard), ["1 lost", "w\n"], "it was not found");
    }

    #[test]
    fn what_has_no_file_here_is_told_as_lost() {
        let heard = Heard::default();
        heard.connected();
        heard.lost(&lost(7));
        assert_eq!(told(&heard), ["7 lost"]);
    }
}
