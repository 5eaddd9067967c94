//! What is missing of outputs after a loss, until it is known.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::output;
use super::said::Key;
use super::source::Source;
use crate::daemon::files;
use crate::daemon::history::gap::{Again, Gap, Missed, OWN_BYTES, Place, Still, Tail};
use crate::daemon::seam::{ReadAt, Seam};

/// For so long it is looked for, milliseconds.
pub(super) const LOOK_MAX_MS: i64 = 20_000;
/// At most so much is held meanwhile, bytes.
pub(super) const HELD_MAX: usize = 16 << 20;
/// What the file has is told where the bus is not joined to it after so long, milliseconds.
const READ_ON_MS: i64 = 2_000;
/// The same where nothing came again and nothing of its process waits.
const CALM_MS: i64 = 500;
/// So long what is known of one waits for the others: what was missed is told in the order of time.
const TOGETHER_MS: i64 = 1_000;
/// At most so much of it at a time, bytes.
const READ_ON_BYTES: u64 = 256 << 10;
/// How often a file is looked at of which nothing comes, milliseconds.
const IDLE_EVERY_MS: i64 = 250;
/// How often the files are looked at, at the start. What the bus did not bring for so long it does not bring.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many times: a busy daemon does not see at once that somebody listens.
pub(super) const LOOKS: u32 = 8;

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
    /// Since when nothing was read of its file though it is looked for, milliseconds.
    unread_ms: i64,
    /// What is known now, and since when.
    known: Option<(Known, i64)>,
    /// Whether the file was looked at just now, and may be read on.
    is_due: bool,
}

/// What is known of what was missing, in these files; nothing where they cannot be read.
type Known = (Option<Missed>, Vec<Arc<File>>);

/// What files had that came of no bus.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key: Key,
    pub(super) bytes: Vec<u8>,
    /// Where it ends in the files of that name together, bytes.
    pub(super) ends: u64,
}

/// What is known of what was missing.
pub(super) enum Step {
    /// So much of it was read from the file, up to there; the bus is not joined yet.
    Read(Vec<u8>, u64),
    /// The bus is joined.
    Joined {
        /// What the file had, up to there.
        missed: (Vec<u8>, u64),
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
            unread_ms: now_ms,
            known: None,
            is_due: false,
        }
    }

    /// The same of one that was told as far as anything of it can be missing.
    pub(super) fn level(self) -> Self {
        Self { is_level: true, ..self }
    }

    /// What came again was lost, too.
    pub(super) fn lose(&mut self, now_ms: i64) {
        self.gap.begin_again(now_ms);
        // A bus that goes again and again does not keep it away for ever.
        if self.has_read || self.is_level {
            self.unread_ms = now_ms;
        }
        (self.again, self.has_read, self.is_level) = (None, false, false);
        self.next_ms = now_ms;
        self.known = None;
        self.held.clear();
    }

    /// Takes a piece that came again.
    pub(super) fn take(&mut self, data: &[u8], now_ms: i64) {
        self.again.get_or_insert_with(|| Again::at(now_ms)).take(data, now_ms);
        self.held.extend_from_slice(data);
    }

    /// Nothing more is waited for: what the file has is told now. Whether it may have more.
    pub(super) fn hurry(&mut self, now_ms: i64) -> bool {
        (self.next_ms, self.unread_ms) = (now_ms, now_ms - READ_ON_MS);
        if let Some((_, since_ms)) = &mut self.known {
            *since_ms = now_ms - TOGETHER_MS;
        }
        self.known.is_some() || !self.is_level
    }

    /// Whether something may be missing before what comes next.
    pub(super) fn is_open(&self) -> bool {
        self.again.is_some() || !self.is_level
    }

    /// Looks what is missing. Whether there is something to be told, or nothing more to be waited for; `is_calm`
    /// says that the daemon has told who is there, and that nothing else of its process waits.
    pub(super) fn look(&mut self, source: &mut Source, now_ms: i64, is_calm: bool) -> bool {
        self.is_due = false;
        let (Some(opened), Some(path)) = (source.opened.clone(), source.file.path.clone()) else {
            return true;
        };
        if self.known.is_some() {
            return true;
        }
        let may_read = self.may_read(now_ms, is_calm);
        if may_read && self.again.is_none() && now_ms < self.next_ms {
            return true;
        }
        self.next_ms = now_ms + IDLE_EVERY_MS;
        let mut is_late = self.gap.age_ms(now_ms) >= LOOK_MAX_MS || self.held.len() >= HELD_MAX;
        if is_late && self.has_read {
            // What is held is in the file, and is told from there.
            self.lose(now_ms);
            is_late = false;
        }
        let all = files::generations(opened, &path);
        let missed = match self.look_into(&all, now_ms, is_late) {
            Ok(None) => {
                self.is_due = may_read;
                return may_read;
            }
            Ok(missed) => missed,
            Err(error) => {
                complain(&source.label, &format!("lines may be missing here: {error}"));
                None
            }
        };
        self.known = Some(((missed, all), now_ms));
        true
    }

    fn may_read(&self, now_ms: i64, is_calm: bool) -> bool {
        let age_ms = now_ms - self.unread_ms;
        age_ms >= READ_ON_MS || is_calm && self.again.is_none() && age_ms >= CALM_MS
    }

    /// What is known now, or else what the file has; `is_time` says that there is something of all others.
    pub(super) fn step(&mut self, source: &mut Source, now_ms: i64, is_time: bool) -> Option<Step> {
        match self.known.take() {
            Some((known, since_ms)) if is_time || now_ms - since_ms >= TOGETHER_MS => {
                Some(self.joined(known, source))
            }
            None if self.is_due && (is_time || now_ms - self.unread_ms >= READ_ON_MS) => {
                let (opened, path) = (source.opened.clone()?, source.file.path.clone()?);
                self.read_on(&files::generations(opened, &path), source, now_ms)
            }
            known => {
                self.known = known;
                None
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
        match self.gap.read_on(all, READ_ON_BYTES) {
            Ok(bytes) if bytes.is_empty() => {
                self.is_level = true;
                None
            }
            Ok(bytes) => {
                self.has_read = true;
                // There is more, as it seems.
                self.next_ms = now_ms;
                let ends = self.gap.told().map_or(0, |told| in_all(all, told));
                Some(Step::Read(bytes, ends))
            }
            Err(error) => {
                self.is_level = true;
                complain(&source.label, &error.to_string());
                None
            }
        }
    }

    fn joined(&mut self, (missed, all): Known, source: &mut Source) -> Step {
        let Some(missed) = missed else {
            let (new, tail) = (std::mem::take(&mut self.held), Tail::new(OWN_BYTES));
            return Step::Joined { missed: (Vec::new(), 0), new, tail, left: 0 };
        };
        match missed.left {
            0 if missed.is_exact => {}
            0 => complain(&source.label, "lines may be missing here"),
            left => complain(&source.label, &format!("{left} bytes here are in the log file only")),
        }
        let ends = in_all(&all, missed.to);
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
        Step::Joined { missed: (missed.bytes, ends), new: new.to_vec(), tail, left }
    }
}

/// A place in these files, of all together, bytes.
fn in_all(all: &[Arc<File>], place: Place) -> u64 {
    let before = all.iter().take(place.file).filter_map(|file| file.size().ok());
    before.sum::<u64>() + place.at
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
    /// How large its files were together after the loss, as far as that is known, bytes.
    pub(super) reached: Option<u64>,
}

impl SharedMissing {
    /// Nothing more is waited for.
    pub(super) fn hurry(&mut self, now_ms: i64) {
        self.since_ms = now_ms - LOOK_MAX_MS;
    }

    /// Something came again.
    pub(super) fn came(&mut self, now_ms: i64) {
        self.first_ms.get_or_insert(now_ms);
        self.last_ms = now_ms;
    }
}

/// What may be missing at the start.
#[derive(Debug)]
pub(super) struct Beginning {
    /// How many times the files are still looked at.
    pub(super) left: u32,
    pub(super) next: Instant,
    /// The sources of which nothing came though their file goes on behind its history, and up to where it went at the
    /// last look, bytes.
    pub(super) longer: Vec<(usize, u64)>,
}

impl Beginning {
    pub(super) fn new() -> Self {
        Self { left: LOOKS, next: Instant::now() + LOOK_EVERY, longer: Vec::new() }
    }
}

/// Says what is wrong with a file.
pub(super) fn complain(label: &str, what: &str) {
    output::complain(&format!("{label}: {what}"));
}
