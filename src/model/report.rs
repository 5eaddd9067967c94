//! What the actors of a daemon report to the app.

use std::sync::Arc;

use super::audit::Standing;
use super::boot::{Release, SavedList, Startup};
use super::bundle::Written;
use super::call::CallOutcome;
use super::daemon::{BusState, Connection};
use super::death::BlackBox;
use super::disk::{DiskLook, SizesLook};
use super::errand::{Outcome, TaskId};
use super::exam::Exam;
use super::kept::Kept;
use super::log::LogLine;
use super::past::{FileEnded, PartRead, Past};
use super::ready::Ran;
use super::saved::Saved;
use super::system::{Host, Measured};
use super::trigger::Reply;
use super::{Action, Target, Verdict};
use crate::protocol::bus::{Exception, ProcessEvent};
use crate::protocol::process::{PmId, Snapshot};
use crate::protocol::rpc::Methods;

/// One report of a daemon. Which lane it takes, and so what happens when the app is slow, stands
/// at each.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// How the RPC connection stands now. Latest wins.
    Connection(Connection),
    /// How the bus stands. Latest wins.
    Bus(BusState),
    /// PM2's version, cleaned. Latest wins.
    Version(Box<str>),
    /// What the daemon can do, as it says on each connection. Latest wins.
    Methods(Arc<Methods>),
    /// An answered poll. Latest wins.
    Snapshot {
        /// When it was taken, milliseconds since 1970, by this machine's clock.
        at_ms: i64,
        /// How long the daemon took, milliseconds.
        took_ms: u64,
        /// The pause to the next poll, milliseconds.
        interval_ms: u64,
        /// What it said.
        snapshot: Snapshot,
    },
    /// CPU and memory of processes, measured on this machine, as often as this. Latest wins.
    Measured {
        /// The pause between two, milliseconds.
        interval_ms: u64,
        /// What was measured.
        processes: Vec<Measured>,
    },
    /// The daemon's machine, and the daemon itself. Latest wins.
    Host(Host),
    /// The ports on which processes and their children listen, as this machine tells. Latest wins.
    Ports(Vec<(PmId, Box<[u16]>)>),
    /// All of the process whose details are open, with each poll. Latest wins.
    Examined(Box<Exam>),
    /// How many processes the kernel of the daemon's machine has killed for want of memory since it
    /// started (`oom_kill` of `/proc/vmstat`), as often as the daemon is polled. Latest wins.
    OomKills(u64),
    /// The saved list as it stands to what runs, where either changed. Latest wins.
    SavedList(Box<SavedList>),
    /// Whether `pm2 resurrect` would find a list, while the daemon does not answer. Latest wins.
    HasSaved(bool),
    /// Who starts PM2 at boot. Latest wins.
    Startup(Startup),
    /// Which PM2 runs, and which is installed. Latest wins.
    Release(Box<Release>),
    /// How large the log files are and how much room their disks have, every half minute; of daemons
    /// on this machine. Latest wins.
    Disk(DiskLook),
    /// How large the log files are whose sizes are shown, every two seconds; of daemons on this machine.
    /// Latest wins.
    Sizes(SizesLook),
    /// How processes ended before anybody watched, as far as it can be told; once for each connection.
    /// Must arrive.
    Lives(Vec<(PmId, BlackBox)>),
    /// Lines of log files, older than all that was said of them before. Must arrive.
    History(Box<Past>),
    /// How a log file ends, a good while after a process that writes it did. Must arrive.
    FileEnded(Box<FileEnded>),
    /// A `process:event`. Must arrive.
    Process(Box<ProcessEvent>),
    /// A `process:exception`. Must arrive.
    Exception(Box<Exception>),
    /// `pm2:kill`: the daemon ends, with PM2's message, cleaned. Must arrive.
    Killed(Box<str>),
    /// It is a process's turn in an action on several. Must arrive.
    ActionBegun {
        /// Which action.
        action: Action,
        /// Of which process.
        target: Target,
    },
    /// A process that was deleted here, as it was just before. Must arrive, before its end.
    Kept(Box<Kept>),
    /// An action ended. Must arrive; exactly one for each that was asked for.
    ActionFinished {
        /// Which action.
        action: Action,
        /// Of which process.
        target: Target,
        /// What came of it.
        verdict: Verdict,
    },
    /// A process replied to an action that was triggered, or did not. Must arrive; exactly one for
    /// each process that was asked.
    Replied {
        /// The action's name.
        action: Box<str>,
        /// Which process.
        target: Target,
        /// What it replied.
        reply: Reply,
    },
    /// What came of a task, for a target or step of it. Must arrive; exactly one for each target.
    Did {
        /// Which task.
        task: TaskId,
        /// What came of it.
        outcome: Box<Outcome>,
    },
    /// A task ended: nothing more comes of it. Must arrive; exactly one for each that was asked for.
    TaskEnded(TaskId),
    /// A call by name ended. Must arrive; exactly one for each that was asked for.
    CallFinished {
        /// PM2's name of the method.
        method: Box<str>,
        /// How.
        outcome: CallOutcome,
    },
    /// An incident bundle was written, or why not. Must arrive; exactly one for each that was asked
    /// for.
    Bundled(Result<Written, Box<str>>),
    /// Lines of the log were saved, or why not. Must arrive; exactly one for each that was asked for.
    LogSaved(Saved),
    /// A command of the user's own ended. Must arrive; exactly one for each that was run.
    Ran(Box<Ran>),
    /// Something beside the daemons went wrong that was asked for here: the audit file, the command of an
    /// alert. One clean line. Must arrive.
    Notice(Box<str>),
    /// How it stands with the audit file. Latest wins.
    Audit(Standing),
    /// Parts of log files were read again. Must arrive; exactly one for each that was asked for.
    Parts(Vec<PartRead>),
    /// Lines of output. May be lost, but counted where they are missing.
    Lines(Vec<LogLine>),
    /// So many must-arrive reports were lost since the last such report.
    EventsLost(u64),
    /// Something malformed came: one cleaned line, and how often since the last such report.
    /// Latest wins, the count adds up.
    Warning {
        /// What it was.
        text: Box<str>,
        /// How many.
        count: u64,
    },
}
