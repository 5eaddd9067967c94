//! What is held of outputs after a loss, and how it is told after all.

use super::{Heard, LogChunk, OWN_BYTES, Output, OutputKey, Outputs, Piece, Tail, UNSURE, now_ms};
use crate::protocol::text::clean;

impl Heard {
    /// What is held of an output is told as it is: what was missing is not known.
    pub(in crate::daemon::history) fn give_up(&self, key: OutputKey) {
        self.lock().give_up(key);
        self.has_released.notify_one();
    }

    /// What is held of an output is told as it is: nothing was missing. So many bytes of its end are kept.
    pub(in crate::daemon::history) fn pass(&self, key: OutputKey, bytes_max: usize) {
        let mut outputs = self.lock();
        outputs.speed.missing.take(key);
        outputs.tell(key, bytes_max);
        drop(outputs);
        self.has_released.notify_one();
    }

    /// What is held of an output is told as it is: it is a new one.
    pub(in crate::daemon::history) fn free(&self, key: OutputKey) {
        let now_ms = self.elapsed_ms();
        let mut outputs = self.lock();
        outputs.free(key, now_ms);
        drop(outputs);
        self.has_released.notify_one();
    }

    /// What comes from now on is told at once.
    pub(in crate::daemon::history) fn end_holding(&self) {
        let mut outputs = self.lock();
        outputs.give_up_all();
        outputs.tell_all_missing();
        outputs.before.clear();
        outputs.speed.forget();
        drop(outputs);
        self.has_released.notify_one();
    }

    /// What a file of this name holds behind the loss is not told: what came since was told before it.
    pub(in crate::daemon::history) fn note_unsure(&self, name: &str) {
        let mut outputs = self.lock();
        let (at_ms, text) = (outputs.lost_ms, format!("{}: {UNSURE}", clean(name)));
        outputs.released.push(Piece::Unsure { at_ms, text });
        drop(outputs);
        self.has_released.notify_one();
    }

    /// Whether what came of an output since the loss was told.
    pub(in crate::daemon::history) fn is_told(&self, key: OutputKey) -> bool {
        matches!(self.lock().now.get(&key), Some(Output::Begun(_) | Output::Joined(Some(_))))
    }
}

impl Outputs {
    /// What was held of an output.
    pub(super) fn unhold(&mut self, key: OutputKey) -> Vec<LogChunk> {
        match self.now.remove(&key) {
            Some(Output::Held(held)) => {
                let bytes: usize = held.chunks.iter().map(|chunk| chunk.data.len()).sum();
                self.held_bytes -= bytes;
                held.chunks
            }
            Some(other) => {
                self.now.insert(key, other);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Tells what is held of an output, and that some may be missing before it.
    pub(super) fn give_up(&mut self, key: OutputKey) {
        let first = match self.now.get(&key) {
            Some(Output::Held(held)) => held.chunks.first(),
            _ => None,
        };
        let Some(first) = first else { return };
        let at_ms = first.at_ms.unwrap_or_else(now_ms);
        let text = format!("{}: {UNSURE}", first.process.name);
        if !self.tell_missing(key) {
            self.released.push(Piece::Unsure { at_ms, text });
        }
        self.tell(key, OWN_BYTES);
    }

    /// Tells how much was lost of an output that is not mended; whether that is known.
    pub(super) fn tell_missing(&mut self, key: OutputKey) -> bool {
        let missing = self.speed.missing.take(key);
        let is_known = !missing.is_empty();
        self.released.extend(missing.into_iter().map(Piece::Lost));
        is_known
    }

    /// Tells how much was lost of all that is not mended.
    pub(super) fn tell_all_missing(&mut self) {
        let missing = self.speed.missing.take_all();
        self.released.extend(missing.into_iter().map(Piece::Lost));
    }

    /// Tells what is held of an output, and keeps so many bytes of its end.
    fn tell(&mut self, key: OutputKey, bytes_max: usize) {
        let chunks = self.unhold(key);
        let mut tail = Tail::new(bytes_max);
        for chunk in &chunks {
            tail.take(chunk.data.as_bytes());
        }
        self.released.extend(chunks.into_iter().map(Piece::Came));
        self.now.insert(key, Output::Joined(Some(tail)));
    }

    /// Tells all that is held, and that some may be missing before it.
    pub(super) fn give_up_all(&mut self) {
        self.is_holding = false;
        self.held_keys().into_iter().for_each(|key| self.give_up(key));
    }

    /// Tells all that is held: how much is missing before it is told by its number.
    pub(super) fn tell_all(&mut self) {
        self.is_holding = false;
        self.tell_all_missing();
        self.held_keys().into_iter().for_each(|key| self.tell(key, OWN_BYTES));
    }

    fn held_keys(&self) -> Vec<OutputKey> {
        let held = self.now.iter().filter(|(_, output)| matches!(output, Output::Held(_)));
        held.map(|(key, _)| *key).collect()
    }
}
