//! What this machine tells of processes, of the daemon and of itself.
//!
//! Invariant: plain figures; what could not be read is not there.

use super::units;
use crate::protocol::process::PmId;

/// CPU and memory of one process of PM2, measured here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// PM2's id of it.
    pub pm_id: PmId,
    /// The system's.
    pub pid: u32,
    /// What PM2 would say: of the process alone.
    pub own: Usage,
    /// With all its descendants.
    pub tree: Usage,
    /// How many those are.
    pub descendants: u32,
}

/// CPU and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Percent of one core.
    pub cpu_percent: f32,
    /// Resident memory, bytes.
    pub memory_bytes: u64,
}

/// The machine and the daemon.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Host {
    /// The load of the last minute.
    pub load: Option<f32>,
    /// How many cores it has.
    pub cores: u16,
    /// CPU of all cores together, percent of all of them; `None` until it was looked at twice.
    pub cpu_percent: Option<f32>,
    /// All memory, and what of it is available, bytes.
    pub memory: Option<(u64, u64)>,
    /// The daemon itself.
    pub god: Option<Usage>,
}

impl Host {
    /// What is shown of it, in steps that seldom change.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let god = self.god.map(|god| {
            (
                god.cpu_percent.round() as u32,
                (god.memory_bytes + GOD_BYTES / 2) / GOD_BYTES * GOD_BYTES,
            )
        });
        let available = self.memory.filter(|(all, _)| *all > 0).and_then(|(all, available)| {
            (available.saturating_mul(100) / all < AVAILABLE_PERCENT_MIN)
                .then_some(available / SHOWN_BYTES * SHOWN_BYTES)
        });
        Shown { load_tenths: self.load.map(|load| (load * 10.0).round() as u32), god, available }
    }
}

/// What is shown of a machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// The load of the last minute, in tenths.
    pub load_tenths: Option<u32>,
    /// Of the daemon: percent of one core, and bytes.
    pub god: Option<(u32, u64)>,
    /// What of the memory is available, bytes, where that is little.
    pub available: Option<u64>,
}

impl Shown {
    /// The daemon itself: CPU, and memory in whole MiB; the header and the sheet say the same.
    #[must_use]
    pub fn god_words(&self) -> Option<[String; 2]> {
        let (percent, bytes) = self.god?;
        Some([format!("{percent}%"), units::bytes(bytes).replace(".0 ", " ")])
    }
}

/// The machine's memory is shown in steps of so many bytes, that of the daemon in these.
const SHOWN_BYTES: u64 = 10 << 20;
const GOD_BYTES: u64 = 1 << 20;
/// Less available memory than so many percent is little.
const AVAILABLE_PERCENT_MIN: u64 = 10;

/// A process and its descendants, and where they listen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Family {
    /// The processes, each before its children.
    pub members: Vec<Member>,
    /// How many more there are.
    pub more: usize,
    /// Where they listen.
    pub listens: Vec<Listens>,
    /// Whether the sockets of some could not be read: another user's.
    pub is_partial: bool,
}

/// One of a family.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// How far it is from PM2's own: 0 for that one.
    pub depth: u8,
    /// The system's id.
    pub pid: u32,
    /// Its command line, cleaned.
    pub command: Box<str>,
    /// Resident memory, bytes.
    pub memory_bytes: u64,
}

/// A port that is listened on.
#[derive(Debug, Clone, PartialEq)]
pub struct Listens {
    /// Address and port: `0.0.0.0:3000`.
    pub address: Box<str>,
    /// Who does.
    pub by: Listener,
}

/// Who listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// The process with this id.
    Own(u32),
    /// The daemon, for its cluster: as connections of the process show, or its `PORT`, or since there is no
    /// other cluster.
    Daemon,
    /// The daemon, for one of its clusters: which is not known.
    SomeCluster,
}
