//! Why processes died: for each a black box of its last lives.
//!
//! Invariant: fed by [`super::apply`] alone; all is bounded ([`LIVES_MAX`], [`WORDS_MAX`]), and what
//! fell out is counted. A life is not closed with its `exit`: its last words, and who asked for its
//! end, come later (docs/pm2-ops.md section 1.3).

use std::collections::{HashMap, VecDeque};

pub mod after;
mod black_box;
pub mod cause;
pub mod document;
mod error_log;
mod heads;
mod last_words;
mod lines;
mod stamp;
pub mod words;

pub use self::black_box::BlackBox;
use self::cause::{By, Cause, Evidence, Sure};
pub(super) use self::last_words::says_heap_is_full;
pub use self::last_words::says_more;
pub use self::stamp::shown;
pub(crate) use self::stamp::{stamped, without_stamp};
use super::ProcessKey;

/// The most lives that are kept of a process.
pub const LIVES_MAX: usize = 20;
/// The most last lines of standard error that are kept of a life.
pub const WORDS_MAX: usize = 20;
/// A line of them is at most this long, characters.
const WORD_CHARS_MAX: usize = 400;

/// The number of a life in its [`BlackBox`]; `None` for the last one, whichever that is.
pub type LifeNumber = Option<i64>;

/// One life that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Death {
    /// When it came online, milliseconds since 1970 by the daemon's clock.
    pub started_ms: Option<i64>,
    /// When it ended, likewise.
    pub ended_ms: i64,
    /// How long it was up, milliseconds.
    pub uptime_ms: Option<u64>,
    /// Why, as far as it can be told.
    pub cause: Cause,
    /// How sure that is.
    pub sure: Sure,
    /// What that was decided from.
    pub evidence: Evidence,
    /// What PM2 did then.
    pub follows: Follows,
    /// The stack of its exception, each line cleaned.
    pub stack: Box<[Box<str>]>,
    /// Its last lines of standard error, cleaned, oldest first.
    pub words: VecDeque<Box<str>>,
    /// Its last measured CPU, percent of one core.
    pub cpu_percent: Option<f32>,
    /// Its last measured memory, bytes.
    pub memory_bytes: Option<u64>,
    /// The most memory that was measured of it, bytes.
    pub peak_bytes: Option<u64>,
    /// Whether it was observed live, or made up from what was left.
    pub is_watched: bool,
    /// Whether [`Self::words`] were read from the error log.
    pub is_read: bool,
    /// Whether lives before it may have said some of [`Self::words`], too: nothing tells them apart.
    pub is_mixed: bool,
    /// Whether the life after it may have, too: why it ended is not told by them.
    pub is_unclear: bool,
    /// Whether the error log that it wrote was looked at, and is empty.
    pub is_log_empty: bool,
}

/// What PM2 did after an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follows {
    /// Not seen yet.
    Unknown,
    /// A new life.
    Restart {
        /// How many restarts the process had then.
        count: u32,
    },
    /// A new life, with a count that nobody knows.
    Again,
    /// A new life, so long afterwards that it was no restart.
    Later,
    /// A new life, in a moment.
    Soon,
    /// It was left stopped.
    StaysStopped,
    /// It waited for its restart, and somebody stopped it.
    StoppedWaiting {
        /// Who, where it is known.
        by: Option<By>,
    },
    /// PM2 gave up.
    GaveUp {
        /// `max_restarts`.
        max: u32,
    },
    /// A new life, by another daemon: under its own it was not started again.
    NextDaemon,
    /// It was deleted, and one of its name was started anew.
    Anew {
        /// The id of that one.
        id: u32,
        /// Whether nothing else is possible.
        is_certain: bool,
    },
}

impl Death {
    /// Decides anew, with evidence that came later.
    fn judge(&mut self) {
        (self.cause, self.sure) = cause::judge(&self.evidence);
    }
}

/// The black boxes of all processes.
#[derive(Debug, Clone, Default)]
pub struct Boxes(HashMap<ProcessKey, BlackBox>);

impl Boxes {
    /// That of a process.
    #[must_use]
    pub fn get(&self, key: ProcessKey) -> Option<&BlackBox> {
        self.0.get(&key)
    }

    /// That of a process, to be fed.
    pub(super) fn of(&mut self, key: ProcessKey) -> &mut BlackBox {
        self.0.entry(key).or_default()
    }

    /// That of a process where there is one already.
    pub(super) fn get_mut(&mut self, key: ProcessKey) -> Option<&mut BlackBox> {
        self.0.get_mut(&key)
    }

    /// All of them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&ProcessKey, &mut BlackBox)> {
        self.0.iter_mut()
    }

    /// A process is gone, or another one has its id.
    pub(super) fn forget(&mut self, key: ProcessKey) {
        self.0.remove(&key);
    }
}
