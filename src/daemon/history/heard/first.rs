//! What came of outputs whose files were not joined yet when the bus was lost: where it began is where their
//! history ends, and where it ended is where what was missing begins.

use std::ops::ControlFlow;

use super::{
    ALL_BYTES_MAX, Begun, Heard, KEPT_BYTES_MAX, Look, OUTPUTS_MAX, Output, OutputKey, Outputs,
    Piece, SHARED_BYTES, Tail,
};

impl Heard {
    /// Files are looked at for the first time, with these outputs. What is held of those of a file of which
    /// nothing came before the loss is told: they are new ones.
    pub(in crate::daemon::history) fn look_begins<'a>(
        &self,
        files: impl Iterator<Item = &'a [OutputKey]>,
    ) {
        let now_ms = self.elapsed_ms();
        let mut outputs = self.lock();
        outputs.look = Look::UnderWay;
        for keys in files {
            let is_new = !keys.iter().any(|key| outputs.first.contains_key(key));
            let is_freed = is_new && outputs.is_holding;
            for key in keys.iter().filter(|_| is_freed) {
                outputs.free(*key, now_ms);
            }
        }
        drop(outputs);
        self.has_released.notify_one();
    }

    /// They were looked at.
    pub(in crate::daemon::history) fn look_ends(&self) {
        self.lock().look = Look::Nothing;
    }

    /// Whether something of an output came before the loss whose file is not joined yet.
    pub(in crate::daemon::history) fn is_set_aside(&self, key: OutputKey) -> bool {
        self.lock().first.contains_key(&key)
    }
}

impl Outputs {
    /// How much more is kept of outputs as it came, bytes.
    pub(super) fn room(&self) -> usize {
        ALL_BYTES_MAX.saturating_sub(self.kept_bytes)
    }

    /// The bus was lost: whether files are being looked at.
    pub(super) fn lose_look(&mut self) -> bool {
        if self.look != Look::Nothing {
            self.look = Look::Lost;
        }
        self.look == Look::Lost
    }

    /// Keeps what came of an output before a loss, until its file is joined. False where it is not mended.
    pub(super) fn set_aside(&mut self, key: OutputKey, mut begun: Box<Begun>) -> bool {
        let is_mended = self.is_mended && begun.seam.received() > 0;
        if is_mended {
            self.before.insert(key, begun.tail());
        }
        let has_room = !self.first.contains_key(&key) && self.first.len() < OUTPUTS_MAX;
        if is_mended && has_room {
            begun.is_lost = true;
            self.first.insert(key, begun);
        } else {
            self.kept_bytes -= begun.bytes.len();
        }
        is_mended
    }

    /// The file of an output is joined. Where that was before the last loss, what comes again is held, and how
    /// it ended is known to what mends that; else the tail goes on.
    pub(super) fn join_lost(
        &mut self,
        key: OutputKey,
        tail: Option<Tail>,
    ) -> ControlFlow<(), Option<Tail>> {
        let first = self.first.remove(&key);
        if let Some(first) = &first {
            self.kept_bytes -= first.bytes.len();
        }
        let is_lost = first.is_some() || self.look == Look::Lost;
        if !is_lost || !self.is_holding || tail.is_none() {
            return ControlFlow::Continue(match (tail, first) {
                (Some(tail), Some(first)) => Some(first.goes_on(tail)),
                (tail, _) => tail,
            });
        }
        match self.now.get(&key) {
            None | Some(Output::Held(_)) => {
                if first.is_none()
                    && let Some(tail) = tail
                {
                    self.before.entry(key).or_insert(tail);
                }
                ControlFlow::Break(())
            }
            Some(Output::Begun(_) | Output::Joined(_)) => ControlFlow::Continue(tail),
        }
    }

    /// What is held of an output is told as it is: it is a new one. What comes of it from now on is, too.
    pub(super) fn free(&mut self, key: OutputKey, now_ms: i64) {
        if matches!(self.now.get(&key), Some(Output::Begun(_) | Output::Joined(_))) {
            return;
        }
        self.tell_missing(key);
        let chunks = self.unhold(key);
        let mut output = Output::new(false, now_ms);
        if let Output::Begun(begun) = &mut output {
            for chunk in &chunks {
                let room = self.room();
                self.kept_bytes += begun.take((chunk.data.as_bytes(), chunk.at_ms), now_ms, room);
            }
        }
        self.now.insert(key, output);
        self.released.extend(chunks.into_iter().map(Piece::Came));
    }
}

impl Begun {
    /// Takes a piece in that came then; of which so many bytes are kept.
    pub(super) fn take(
        &mut self,
        (data, at_ms): (&[u8], Option<i64>),
        now_ms: i64,
        room: usize,
    ) -> usize {
        self.seam.take(data, now_ms);
        self.last_ms = now_ms;
        self.since_ms = self.since_ms.or(at_ms);
        self.is_cut |= data.len() > room.min(KEPT_BYTES_MAX.saturating_sub(self.bytes.len()));
        if self.is_cut {
            return 0;
        }
        self.bytes.extend_from_slice(data);
        data.len()
    }

    /// How it ended.
    fn tail(&self) -> Tail {
        let bytes = if self.is_cut { self.seam.last() } else { self.bytes.clone() };
        Tail::ending(bytes, SHARED_BYTES)
    }

    /// How it ended where its file ended so when it began.
    pub(super) fn goes_on(&self, mut tail: Tail) -> Tail {
        let last = self.seam.last();
        tail.pass(self.seam.received() - last.len() as u64);
        tail.take(&last);
        tail
    }
}
