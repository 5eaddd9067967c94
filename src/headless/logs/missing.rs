//! What is missing of outputs after a loss, until it is known.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::super::output;
use super::source::Source;
use crate::daemon::files;
use crate::daemon::history::gap::{Again, Gap, Missed, OWN_BYTES, Still, Tail};
use crate::daemon::seam::Seam;

/// For so long it is looked for, milliseconds.
pub(super) const LOOK_MAX_MS: i64 = 20_000;
/// At most so much is held meanwhile, bytes.
pub(super) const HELD_MAX: usize = 16 << 20;
/// What the file has is told where the bus is not joined to it after so long, milliseconds.
const READ_ON_MS: i64 = 2_000;
/// At most so much of it at a time, bytes.
const READ_ON_BYTES: u64 = 256 << 10;
/// How often a file is looked at of which nothing comes, milliseconds.
const IDLE_EVERY_MS: i64 = 250;

/// What is missing of an output with a file of its own.
///
/// Invariant: what its file has is told, and once, however long the bus cannot be joined to it.
#[derive(Debug)]
pub(super) struct Missing {
    gap: Gap,
    again: Option<Again>,
    held: Vec<u8>,
    /// Whether some of the file was told since it is looked for.
    has_read: bool,
    /// Whether all that it had was.
    is_level: bool,
    /// When it is looked for again, milliseconds.
    next_ms: i64,
}

/// What is known of what was missing.
pub(super) enum Step {
    /// So much of it was read from the file; the bus is not joined yet.
    Read(Vec<u8>),
    /// The bus is joined.
    Joined {
        /// What the file had.
        missed: Vec<u8>,
        /// What came since.
        new: Vec<u8>,
        /// How the output ended before that.
        tail: Tail,
        /// So many bytes are still to come that were told already.
        left: usize,
    },
}

impl Missing {
    /// Of an output that ended so.
    pub(super) fn new(tail: Tail, now_ms: i64) -> Self {
        Self::of(Gap::new(tail, now_ms), now_ms)
    }

    /// Of one that ended so on the bus, and was told up to this offset of its file.
    pub(super) fn told_to(tail: Tail, at: u64, now_ms: i64) -> Self {
        Self::of(Gap::new(tail, now_ms).told_to(at), now_ms)
    }

    fn of(gap: Gap, now_ms: i64) -> Self {
        Self {
            gap,
            again: None,
            held: Vec::new(),
            has_read: false,
            is_level: false,
            next_ms: now_ms,
        }
    }

    /// What came again was lost, too.
    pub(super) fn lose(&mut self, now_ms: i64) {
        self.gap.begin_again(now_ms);
        (self.again, self.has_read, self.is_level) = (None, false, false);
        self.next_ms = now_ms;
        self.held.clear();
    }

    /// Takes a piece that came again.
    pub(super) fn take(&mut self, data: &[u8], now_ms: i64) {
        self.again.get_or_insert_with(|| Again::at(now_ms)).take(data, now_ms);
        self.held.extend_from_slice(data);
    }

    /// Whether something may be missing before what comes next.
    pub(super) fn is_open(&self) -> bool {
        self.again.is_some() || !self.is_level
    }

    /// What is missing and what came since, as far as that is known now.
    pub(super) fn look(&mut self, source: &mut Source, now_ms: i64) -> Option<Step> {
        let (opened, path) = (source.opened.clone()?, source.file.path.clone()?);
        let is_idle = self.again.is_none() && self.gap.age_ms(now_ms) >= READ_ON_MS;
        if is_idle && now_ms < self.next_ms {
            return None;
        }
        self.next_ms = now_ms + IDLE_EVERY_MS;
        let mut is_late = self.gap.age_ms(now_ms) >= LOOK_MAX_MS || self.held.len() >= HELD_MAX;
        if is_late && self.has_read {
            // What is held is in the file, and is told from there.
            self.lose(now_ms);
            is_late = false;
        }
        let all = files::generations(opened, &path);
        match self.look_into(&all, now_ms, is_late) {
            Ok(None) => self.read_on(&all, source, now_ms),
            Ok(Some(missed)) => Some(self.joined(missed, &all, source)),
            Err(error) => {
                complain(&source.label, &format!("lines may be missing here: {error}"));
                let (new, tail) = (std::mem::take(&mut self.held), Tail::new(OWN_BYTES));
                Some(Step::Joined { missed: Vec::new(), new, tail, left: 0 })
            }
        }
    }

    fn look_into(
        &mut self,
        all: &[Arc<File>],
        now_ms: i64,
        is_late: bool,
    ) -> io::Result<Option<Missed>> {
        self.gap.locate(all, now_ms)?;
        match &mut self.again {
            Some(again) => self.gap.look(all, Some(again), now_ms, is_late),
            None if self.gap.is_unsure() => self.gap.look(all, None, now_ms, is_late),
            None => Ok(None),
        }
    }

    fn read_on(&mut self, all: &[Arc<File>], source: &Source, now_ms: i64) -> Option<Step> {
        if self.gap.age_ms(now_ms) < READ_ON_MS {
            return None;
        }
        match self.gap.read_on(all, READ_ON_BYTES) {
            Ok(bytes) if bytes.is_empty() => {
                self.is_level = true;
                None
            }
            Ok(bytes) => {
                self.has_read = true;
                // There is more, as it seems.
                self.next_ms = now_ms;
                Some(Step::Read(bytes))
            }
            Err(error) => {
                self.is_level = true;
                complain(&source.label, &error.to_string());
                None
            }
        }
    }

    fn joined(&mut self, missed: Missed, all: &[Arc<File>], source: &mut Source) -> Step {
        match missed.left {
            0 if missed.is_exact => {}
            0 => complain(&source.label, "lines may be missing here"),
            left => complain(&source.label, &format!("{left} bytes here are in the log file only")),
        }
        source.opened = all.last().map(Arc::clone);
        let at = missed.to.at.saturating_sub(missed.bytes.len() as u64);
        let mut tail = match &source.opened {
            Some(file) => Tail::of_file(file, at, OWN_BYTES),
            None => Tail::new(OWN_BYTES),
        };
        let held = std::mem::take(&mut self.held);
        let repeated = usize::try_from(missed.repeated).unwrap_or(usize::MAX);
        let (told, new) = held.split_at(repeated.min(held.len()));
        tail.take(told);
        let left = repeated - told.len();
        Step::Joined { missed: missed.bytes, new: new.to_vec(), tail, left }
    }
}

/// What is missing of a source that was told up to its end, and whose place on the bus is not known.
pub(super) fn source_end(source: &Source, opened: &Arc<File>, now_ms: i64) -> Missing {
    let earliest = Seam::earliest(source.sizes.0, source.file.is_fork);
    let tail = Tail::of_file(opened, earliest, OWN_BYTES);
    Missing::told_to(tail, source.sizes.1, now_ms)
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
    pub(super) still: Still,
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
