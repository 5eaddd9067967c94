//! What `update` asks the runtime to do.

use super::alerted::Alerted;
use crate::logs::{Reach, Saving, Scope};
use crate::model::bundle::Material;
use crate::model::call::NamedCall;
use crate::model::errand::{Task, TaskId};
use crate::model::paged::Paged;
use crate::model::past::{Again, PartRead};
use crate::model::ready::Ready;
use crate::model::trigger::Trigger;
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
    /// Have a daemon do a task; each target or step of it ends in a `Report::Did`, and the whole in
    /// exactly one `Report::TaskEnded`.
    Do {
        /// The daemon.
        daemon: DaemonId,
        /// Which task it is in the reports.
        id: TaskId,
        /// What to do.
        task: Task,
    },
    /// Have a daemon's method called; it ends in exactly one `Report::CallFinished`.
    Call {
        /// The daemon.
        daemon: DaemonId,
        /// What to call: checked already, and checked again against who is connected then.
        call: NamedCall,
    },
    /// Leave undone what daemons were asked for and have not begun.
    Halt,
    /// Have older lines of log files read; they come as `Report::History`, the last of which says that it
    /// is.
    Older {
        /// Of which daemon.
        daemon: DaemonId,
        /// Of which processes; of all where it is empty.
        of: Vec<PmId>,
        /// How far back.
        reach: Reach,
        /// How many lines there is room for.
        room: usize,
    },
    /// Go on reading older lines: those of the last `Report::History` were taken.
    OlderOn {
        /// Of which daemon.
        daemon: DaemonId,
    },
    /// Leave older lines unread.
    HaltOlder,
    /// Have parts of log files read again; they come as one `Report::Parts`.
    Reread {
        /// Of which daemon's files.
        daemon: DaemonId,
        /// Which.
        parts: Vec<(Again, PartRead)>,
    },
    /// Have an action of apps triggered; each process ends in exactly one `Report::Replied`.
    Trigger {
        /// On which daemon.
        daemon: DaemonId,
        /// Which, and in which processes.
        trigger: Trigger,
    },
    /// Read all of this process with each poll of its daemon, or of none: its details are open.
    Examine {
        /// The daemon.
        daemon: DaemonId,
        /// The process.
        pm_id: Option<PmId>,
    },
    /// Look often at the sizes of the log files of these lines: the title of the log has them.
    Sizes(Scope),
    /// Have an incident bundle of a daemon written; it ends in exactly one `Report::Bundled`.
    Bundle {
        /// The daemon.
        daemon: DaemonId,
        /// What is known of it.
        material: Box<Material>,
    },
    /// Have lines saved; it ends in exactly one `Report::LogSaved`.
    SaveLog(Box<Saving>),
    /// Have the log file of a line shown in a pager.
    Pager(Box<Paged>),
    /// Have a command of the user's own run, with the terminal to itself.
    Run(Box<Ready>),
    /// Have the terminal copy this, which has no control sequence in it.
    Copy(Vec<u8>),
    /// Have the terminal ring or notify by these bytes.
    Ring(String),
    /// Have a line appended to the audit file.
    Audit(String),
    /// Have the user's command run for a process that is errored.
    Alert(Box<Alerted>),
    /// Have the terminal report the mouse, or not.
    Mouse(bool),
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
