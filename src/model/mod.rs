//! Facts about PM2, as plain data: daemons, processes, their series and logs.
//!
//! Invariant: no I/O, no clock, no terminal. Everything is keyed by (daemon, `pm_id`); every
//! collection has a bound and counts what it dropped.

pub mod apply;
pub mod assembler;
pub mod audit;
pub mod boot;
pub mod bundle;
pub mod call;
pub mod charts;
pub mod console;
pub mod daemon;
pub mod death;
pub mod deed;
mod departed;
pub mod details;
pub mod disk;
pub mod end;
pub mod errand;
pub mod exam;
pub mod exceptions;
pub mod figures;
pub mod fleet;
pub mod forecast;
pub mod gaps;
pub mod kept;
pub mod lifecycle;
pub mod log;
pub mod looping;
pub mod moment;
pub mod news;
mod ours;
pub mod outlook;
pub mod paged;
pub mod past;
pub mod process;
pub mod ready;
pub mod report;
pub mod rows;
pub mod saved;
pub mod series;
pub mod shrink;
pub mod speech;
pub mod state_word;
pub mod system;
pub mod tag;
pub mod target;
pub mod totals;
pub mod trigger;
pub mod units;
pub mod verdict;
mod waiting;
pub mod watched;
pub mod words;

pub use self::target::Target;
pub use self::verdict::Verdict;
use crate::protocol::process::PmId;

/// One of the daemons that the program watches, by its place on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DaemonId(pub u16);

/// A process of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessKey {
    /// The daemon that runs it.
    pub daemon: DaemonId,
    /// Its id there.
    pub pm_id: PmId,
}

/// Something the user can have done to one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Restart with the environment that it has; a `waiting restart` one is stopped first.
    Restart,
    /// Stop.
    Stop,
    /// Start a stopped one.
    Start,
    /// Reload without downtime (cluster), or restart (fork).
    Reload,
    /// Stop and forget.
    Delete,
}

impl Action {
    /// The verb, which is also the pm2 CLI's.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Reload => "reload",
            Self::Delete => "delete",
        }
    }

    /// What is going on meanwhile, for the status column.
    #[must_use]
    pub fn progressive(self) -> &'static str {
        match self {
            Self::Restart => "restarting",
            Self::Stop => "stopping",
            Self::Start => "starting",
            Self::Reload => "reloading",
            Self::Delete => "deleting",
        }
    }

    /// What has been done to it.
    #[must_use]
    pub fn participle(self) -> &'static str {
        match self {
            Self::Restart => "restarted",
            Self::Stop => "stopped",
            Self::Start => "started",
            Self::Reload => "reloaded",
            Self::Delete => "deleted",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
