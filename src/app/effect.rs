//! What `update` asks the runtime to do.

use crate::model::call::NamedCall;
use crate::model::{Action, DaemonId, Target};
use crate::protocol::process::PmId;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Have a daemon act on processes; each ends in exactly one
    /// `Report::ActionFinished`.
    Act {
        /// The daemon.
        daemon: DaemonId,
        /// What to do.
        action: Action,
        /// To which processes, as the user chose them; the engine decides what goes side by side.
        targets: Vec<Target>,
    },
    /// Have a daemon's method called; it ends in exactly one `Report::CallFinished`.
    Call {
        /// The daemon.
        daemon: DaemonId,
        /// What to call: checked already, and checked again against who is connected then.
        call: NamedCall,
    },
    /// Have older lines of log files read; they come as one `Report::History`.
    Older {
        /// Of which daemon.
        daemon: DaemonId,
        /// Of which processes; of all where it is empty.
        of: Vec<PmId>,
    },
    /// Connect now where a daemon is down, poll now where it is live.
    Refresh,
    /// Draw everything anew, not only what changed.
    Redraw,
    /// Close the sockets, restore the terminal, stop until continued.
    Suspend,
    /// End the program.
    Quit,
}

/// What `update` wants done, in order.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "effects do nothing unless the runtime performs them"]
pub struct Effects(pub Vec<Effect>);

impl Effects {
    /// Nothing to do.
    pub fn none() -> Self {
        Self::default()
    }

    /// One thing to do.
    pub fn one(effect: Effect) -> Self {
        Self(vec![effect])
    }
}
