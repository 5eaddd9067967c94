//! What is missing of outputs after a loss, until it is known.

use std::sync::Arc;

use super::super::output;
use super::source::Source;
use crate::daemon::files;
use crate::daemon::history::gap::{Again, Gap, OWN_BYTES, Tail};

/// For so long it is looked for, milliseconds.
pub(super) const LOOK_MAX_MS: i64 = 20_000;
/// At most so much is held meanwhile, bytes.
pub(super) const HELD_MAX: usize = 16 << 20;

/// What is missing of an output with a file of its own.
#[derive(Debug)]
pub(super) struct Missing {
    gap: Gap,
    again: Option<Again>,
    held: Vec<u8>,
    /// Where in the file that begins which was missing.
    at: u64,
}

impl Missing {
    /// Of an output that ended so.
    pub(super) fn new(tail: Tail, now_ms: i64) -> Self {
        Self { gap: Gap::new(tail, now_ms), again: None, held: Vec::new(), at: 0 }
    }

    /// How the output ended.
    pub(super) fn into_tail(self) -> Tail {
        self.gap.into_tail()
    }

    /// Takes a piece that came again.
    pub(super) fn take(&mut self, data: &[u8], now_ms: i64) {
        self.again.get_or_insert_with(|| Again::at(now_ms)).take(data, now_ms);
        self.held.extend_from_slice(data);
    }

    /// What is missing and what came since, once that is known.
    pub(super) fn look(&mut self, source: &mut Source, now_ms: i64) -> Option<Vec<u8>> {
        let (opened, path) = (source.opened.clone()?, source.file.path.clone()?);
        let is_late = self.gap.age_ms(now_ms) >= LOOK_MAX_MS || self.held.len() >= HELD_MAX;
        let all = files::generations(opened, &path);
        let missed = self.gap.look(&all, self.again.as_mut(), now_ms, is_late);
        let held = |this: &mut Self| Some(std::mem::take(&mut this.held));
        let missed = match missed {
            Ok(None) => return None,
            Ok(Some(missed)) => missed,
            Err(error) => {
                complain(&source.label, &format!("lines may be missing here: {error}"));
                return held(self);
            }
        };
        match missed.left {
            0 if missed.is_exact => {}
            0 => complain(&source.label, "lines may be missing here"),
            left => complain(&source.label, &format!("{left} bytes here are in the log file only")),
        }
        source.opened = all.last().map(Arc::clone);
        self.at = missed.to.at.saturating_sub(missed.bytes.len() as u64);
        let mut bytes = missed.bytes;
        bytes.append(&mut self.held);
        Some(bytes)
    }

    /// How the output ended before what [`Missing::look`] gave.
    pub(super) fn tail(&self, source: &Source) -> Tail {
        match &source.opened {
            Some(file) => Tail::of_file(file, self.at, OWN_BYTES),
            None => Tail::new(OWN_BYTES),
        }
    }
}

/// What is missing of a file of several outputs.
#[derive(Debug)]
pub(super) struct SharedMissing {
    /// How each ended.
    pub(super) tails: Vec<Vec<u8>>,
    /// Since when it is looked for, milliseconds.
    pub(super) since_ms: i64,
    /// When something of it came again first, milliseconds.
    pub(super) first_ms: Option<i64>,
    /// When something of it came last, milliseconds.
    pub(super) last_ms: i64,
}

impl SharedMissing {
    /// Something came again.
    pub(super) fn came(&mut self, now_ms: i64) {
        self.first_ms.get_or_insert(now_ms);
        self.last_ms = now_ms;
    }
}

/// Says what is wrong with a file.
pub(super) fn complain(label: &str, what: &str) {
    output::complain(&format!("{label}: {what}"));
}
