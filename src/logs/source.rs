//! Who writes: a stream of a process, PM2 itself, or what happened to a process.
//!
//! Invariant: at most [`SOURCES_MAX`] sources; the slot of one without lines is used again, and an id
//! of before is then refused.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::DaemonId;
use crate::protocol::process::PmId;

/// The most sources at a time.
pub(super) const SOURCES_MAX: usize = 65_535;

/// Whose lines they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The daemon itself.
    Pm2(DaemonId),
    /// A process. One that has the `pm_id` of a deleted one under another name is another owner.
    Process {
        /// Its daemon.
        daemon: DaemonId,
        /// Its id; `None` for a file that all processes of the app write.
        pm_id: Option<PmId>,
        /// Its namespace, cleaned.
        namespace: Arc<str>,
        /// Its name, cleaned.
        name: Arc<str>,
    },
}

impl Owner {
    /// The daemon.
    #[must_use]
    pub fn daemon(&self) -> DaemonId {
        match self {
            Self::Pm2(daemon) | Self::Process { daemon, .. } => *daemon,
        }
    }
}

/// What kind of lines a source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// Both, in one file.
    Both,
    /// What happened.
    Events,
    /// Messages of apps and replies.
    Messages,
    /// PM2's own log.
    Pm2,
    /// What is missing of all processes of a daemon, and where: shown in each scope of that daemon.
    Losses,
}

/// A source by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceKey {
    /// Whose lines.
    pub owner: Owner,
    /// Which of them.
    pub stream: Stream,
}

/// A source in one store. It is refused once the source had no more lines and its slot was used
/// again: ask [`super::Store::source`] anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId {
    pub(super) slot: u16,
    pub(super) turn: u32,
}

impl SourceId {
    /// Its place among the sources of its store, from 0; another one may have had it before.
    #[must_use]
    pub fn slot(self) -> usize {
        self.slot.into()
    }
}

/// What came of the lines of a source. `taken` less `gone` are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Lines that were taken in.
    pub taken: u64,
    /// Lines that fell out of a bound.
    pub gone: u64,
    /// Bytes of these, as far as they were held.
    pub gone_bytes: u64,
    /// The time that its newest line is ordered by.
    pub(super) last_order_ms: Option<i64>,
    /// The rank of its newest line that came; below 0 where none did.
    pub(super) last_rank: i64,
    pub(super) turn: u32,
}

impl Tally {
    /// Lines that the store holds.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.taken - self.gone
    }
}

/// Sources by name and by slot.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    keys: Vec<SourceKey>,
    slots: HashMap<SourceKey, u16>,
    /// Goes up with each new source.
    pub(super) version: u64,
}

impl Sources {
    pub(super) fn slot(&self, key: &SourceKey) -> Option<u16> {
        self.slots.get(key).copied()
    }

    pub(super) fn key(&self, slot: u16) -> Option<&SourceKey> {
        self.keys.get(usize::from(slot))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &SourceKey> {
        self.keys.iter()
    }

    /// Adds a source, in the slot of one without lines where there are too many.
    pub(super) fn add(&mut self, key: SourceKey, tallies: &mut Vec<Tally>) -> Option<u16> {
        let slot = if self.keys.len() < SOURCES_MAX {
            self.keys.push(key.clone());
            tallies.push(Tally { last_rank: -1, ..Tally::default() });
            self.keys.len() - 1
        } else {
            let free = tallies.iter().position(|tally| tally.held() == 0)?;
            let (old, tally) = (self.keys.get_mut(free)?, tallies.get_mut(free)?);
            self.slots.remove(old);
            *old = key.clone();
            *tally = Tally { turn: tally.turn.wrapping_add(1), last_rank: -1, ..Tally::default() };
            free
        };
        let slot = u16::try_from(slot).ok()?;
        self.slots.insert(key, slot);
        self.version += 1;
        Some(slot)
    }
}
