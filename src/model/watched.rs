//! Everything that is known of the watched daemons.

use super::DaemonId;
use super::audit::Standing;
use super::daemon::Daemon;
use super::death::Boxes;
use super::exceptions::Exceptions;
use super::fleet::Fleet;
use super::news::News;

/// What is watched, and what is known of it.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// The daemons; `DaemonId` is the index.
    pub daemons: Vec<Daemon>,
    /// All processes.
    pub fleet: Fleet,
    /// Lines that were told and not taken yet.
    pub news: News,
    /// Why processes died.
    pub boxes: Boxes,
    /// Who acts here: the user's name, cleaned; empty where that is not known.
    pub user: Box<str>,
    /// How it stands with the audit file, where one is wanted.
    pub audit: Standing,
    /// Exceptions by what they say and where they were thrown.
    pub exceptions: Exceptions,
}

impl Watched {
    /// Of these daemons nothing is known yet.
    #[must_use]
    pub fn new(daemons: Vec<Daemon>) -> Self {
        let mut fleet = Fleet::default();
        for daemon in &daemons {
            fleet.place(daemon.id, &daemon.label, &daemon.home);
        }
        Self { daemons, fleet, ..Self::default() }
    }

    /// Who asked for what is done here, in words.
    #[must_use]
    pub fn asked_here(&self) -> String {
        if self.user.is_empty() {
            return "asked here".to_owned();
        }
        format!("asked here by {}", self.user)
    }

    /// A daemon by its key.
    #[must_use]
    pub fn daemon(&self, id: DaemonId) -> Option<&Daemon> {
        self.daemons.get(usize::from(id.0))
    }

    /// Whether the daemon of that number answers, so that what is known of it is fresh.
    #[must_use]
    pub fn is_live(&self, id: DaemonId) -> bool {
        self.daemon(id).is_some_and(Daemon::is_live)
    }
}
