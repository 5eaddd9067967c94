//! A part of what was missing is told while the bus cannot be joined yet.

use super::{Heard, LogChunk, Output, OutputKey, Outputs, Piece, ProcessRef, Tail, Written};

impl Heard {
    /// What the file of an output holds is told before the bus is joined to it; what came again until now is
    /// in that.
    pub(in crate::daemon::history) fn tell_part(
        &self,
        key: OutputKey,
        process: ProcessRef,
        (written, bytes): (Written, Vec<u8>),
    ) {
        let elapsed_ms = self.elapsed_ms();
        let mut outputs = self.lock();
        // How much of that is missing after all is not known.
        outputs.speed.missing.take(key);
        let chunks = outputs.unhold(key);
        let is_held = !outputs.now.contains_key(&key);
        if is_held && !chunks.is_empty() {
            outputs.now.insert(key, Output::new(true, elapsed_ms));
        }
        outputs.released.push(Piece::Missed { process, stream: key.1, bytes, written });
        drop(outputs);
        self.has_released.notify_one();
    }
}

impl Outputs {
    /// How much is held of an output, bytes.
    pub(super) fn held_of(&self, key: OutputKey) -> u64 {
        match self.now.get(&key) {
            Some(Output::Held(held)) => held.again.seam.received(),
            _ => 0,
        }
    }
}

/// Leaves out so many bytes of what came again: they were told.
pub(super) fn pass_over(chunks: &mut Vec<LogChunk>, tail: &mut Option<Tail>, bytes: u64) {
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    while left > 0
        && let Some(first) = chunks.first_mut()
    {
        let mut at = left.min(first.data.len());
        // A character is told whole.
        while !first.data.is_char_boundary(at) {
            at += 1;
        }
        let rest = first.data.split_off(at);
        let passed = std::mem::replace(&mut first.data, rest);
        if let Some(tail) = tail {
            tail.take(passed.as_bytes());
        }
        left = left.saturating_sub(passed.len());
        if first.data.is_empty() {
            chunks.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::bus::LogStream;

    #[test]
    fn what_was_told_of_the_file_is_not_told_again() {
        let chunk = |text: &str| LogChunk {
            process: ProcessRef { pm_id: None, name: "a".into() },
            stream: LogStream::Out,
            at_ms: None,
            data: text.to_owned(),
        };
        let mut chunks = vec![chunk("one\n"), chunk("two\nthr"), chunk("ee\n")];
        let mut tail = Some(Tail::new(100));
        pass_over(&mut chunks, &mut tail, 8);
        let left: String = chunks.iter().map(|chunk| chunk.data.as_str()).collect();
        assert_eq!((left.as_str(), tail.unwrap().bytes()), ("three\n", &b"one\ntwo\n"[..]));
    }
}
