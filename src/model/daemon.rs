//! What is known of a daemon: where it is and how the connection stands.

use std::sync::Arc;

use super::boot::{Release, SavedList, Startup};
use super::disk::Disk;
use super::system::Host;
use super::{DaemonId, ProcessKey, units};
use crate::protocol::rpc::Methods;
use crate::protocol::shell::word;

/// After so many snapshots without a figure of this machine there will be none.
pub(super) const SNAPSHOTS_UNMEASURED: u8 = 3;

/// A watched daemon, as the header and the waiting screen show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Daemon {
    /// Its key.
    pub id: DaemonId,
    /// Short and unique among the watched ones: the host's name, or the home's where several.
    pub label: Box<str>,
    /// Its `PM2_HOME`, cleaned for display.
    pub home: Box<str>,
    /// What the pm2 CLI needs before its command to reach this daemon: `PM2_HOME=DIR ` or nothing.
    pub cli_prefix: Box<str>,
    /// Whether a mistake is dear there: all that changes something is asked about.
    pub is_production: bool,
    /// PM2's version, once it said so.
    pub version: Option<Box<str>>,
    /// What it can do, once it said so.
    pub methods: Option<Arc<Methods>>,
    /// How the RPC connection stands.
    pub connection: Connection,
    /// While it is down: when the next try comes, milliseconds by the steady clock.
    pub retry_at_ms: Option<i64>,
    /// The number of the last connection that was live, to tell another one from it.
    pub serial: Option<u64>,
    /// The system's id of the God daemon that answered last, where that is known.
    pub god: Option<u32>,
    /// Whether its next snapshot is the first since it was connected.
    pub is_fresh: bool,
    /// How the bus stands: without it rows still update, logs and events do not come.
    pub bus: BusState,
    /// The pause between polls now in force, milliseconds: longer than asked for where the daemon
    /// takes long to answer.
    pub poll_interval_ms: u64,
    /// The pause between measurements on this machine, milliseconds; `None` while PM2's own figures
    /// are all there are.
    pub measure_interval_ms: Option<u64>,
    /// So many snapshots may come yet before it is known that nothing is measured on this machine.
    pub(super) unmeasured: u8,
    /// Its machine, where that was looked at.
    pub host: Option<Host>,
    /// How long the last poll took, milliseconds.
    pub poll_took_ms: Option<u64>,
    /// When the last snapshot was taken, milliseconds since 1970.
    pub snapshot_at_ms: Option<i64>,
    /// When it was lost, while it is, milliseconds since 1970.
    pub lost_at_ms: Option<i64>,
    /// The process without a pid that keeps PM2 from measuring any, where there is one.
    pub blinded_by: Option<ProcessKey>,
    /// Whether its console is in the middle of saying so once more.
    says_blind: bool,
    /// How many processes its machine's kernel had killed for want of memory at the last count.
    pub oom_kills: Option<u64>,
    /// When that was last seen to grow, by the steady clock.
    pub oom_at_ms: Option<i64>,
    /// Its log files and their disks.
    pub disk: Disk,
    /// Its saved list, once it was looked at.
    pub saved: Option<SavedList>,
    /// While it does not answer: whether `pm2 resurrect` would find a list, where that was looked at.
    pub has_saved: Option<bool>,
    /// With which mode it was last told that others can read that; `None` where they cannot, or it was not
    /// told.
    pub told_open: Option<u32>,
    /// Who starts it at boot.
    pub startup: Startup,
    /// Which PM2 it is, once it said so.
    pub release: Release,
    /// Malformed messages, processes and frames so far.
    pub warnings: u64,
    /// The last of them, one cleaned line.
    pub last_warning: Option<Box<str>>,
    /// Lifecycle events that a full queue lost.
    pub events_lost: u64,
}

impl Daemon {
    /// A daemon that was not asked yet.
    #[must_use]
    pub fn new(id: DaemonId, label: &str, home: &str, poll_interval_ms: u64) -> Self {
        Self {
            id,
            label: label.into(),
            home: home.into(),
            cli_prefix: Box::default(),
            is_production: false,
            version: None,
            methods: None,
            connection: Connection::Connecting,
            retry_at_ms: None,
            serial: None,
            god: None,
            is_fresh: false,
            bus: BusState::Connecting,
            poll_interval_ms,
            measure_interval_ms: None,
            unmeasured: 0,
            host: None,
            poll_took_ms: None,
            snapshot_at_ms: None,
            lost_at_ms: None,
            blinded_by: None,
            says_blind: false,
            oom_kills: None,
            oom_at_ms: None,
            disk: Disk::default(),
            saved: None,
            has_saved: None,
            told_open: None,
            startup: Startup::default(),
            release: Release::default(),
            warnings: 0,
            last_warning: None,
            events_lost: 0,
        }
    }

    /// Whether a line of its console only says again, at each poll, that nothing is measured, with a
    /// stack trace: the header says so as long as it is so.
    pub(super) fn repeats_blindness(&mut self, line: &str) -> bool {
        let begins = line.starts_with("Error caught while calling pidusage");
        let goes_on = line.starts_with("TypeError: One of the pids provided is invalid")
            || line.trim_start().starts_with("at ");
        self.says_blind = self.blinded_by.is_some() && (begins || (goes_on && self.says_blind));
        self.says_blind
    }

    /// Whether its figures are PM2's own, as far as that is known: in the first seconds of a daemon of
    /// this machine it is not.
    #[must_use]
    pub fn has_figures_of_pm2(&self) -> bool {
        self.measure_interval_ms.is_none() && self.unmeasured == 0
    }

    /// The pause between two samples of its processes, milliseconds.
    #[must_use]
    pub fn sample_interval_ms(&self) -> u64 {
        self.measure_interval_ms.unwrap_or(self.poll_interval_ms)
    }

    /// It stands so from now on, milliseconds since 1970.
    pub(super) fn stand(&mut self, connection: Connection, now_ms: i64) {
        let was_live = self.is_live();
        self.connection = connection;
        let lost_at_ms = if was_live { Some(now_ms) } else { self.lost_at_ms };
        self.lost_at_ms = lost_at_ms.filter(|_| !self.is_live());
        self.has_saved = self.has_saved.filter(|_| !self.is_live());
    }

    /// Whether the daemon answers.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.connection, Connection::Live { .. })
    }

    /// Whether `pm2 resurrect` would find a list in its home, where that is known.
    #[must_use]
    pub fn is_saved(&self) -> Option<bool> {
        self.has_saved.or_else(|| match self.saved.as_ref()? {
            SavedList::Missing { has_backup } => Some(*has_backup),
            SavedList::Read(_) => Some(true),
            SavedList::Unreadable(_) => None,
        })
    }
}

/// How the bus of a daemon stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusState {
    /// A try is under way, or the program is suspended.
    Connecting,
    /// It is read.
    Live,
    /// It is not; another try comes by itself.
    Down(Problem),
}

/// How the RPC connection to a daemon stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// The first try is under way.
    Connecting,
    /// It answers.
    Live {
        /// The number of the connection, another one for each: one that went and came back between
        /// two looks is seen by it.
        serial: u64,
        /// The system's id of the God daemon at the other end, where that is known.
        god: Option<u32>,
    },
    /// It does not; another try comes by itself.
    Down {
        /// Why.
        problem: Problem,
        /// How long until the next try, milliseconds.
        retry_in_ms: u64,
    },
}

/// Why a daemon cannot be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The `PM2_HOME` itself is not there.
    HomeMissing {
        /// The folder.
        home: Box<str>,
    },
    /// No socket file: no daemon runs there.
    SocketMissing {
        /// The socket's path.
        path: Box<str>,
    },
    /// A socket file that nobody listens on: a daemon died there.
    Refused {
        /// The socket's path.
        path: Box<str>,
    },
    /// The socket belongs to somebody else.
    PermissionDenied {
        /// The path that could not be opened.
        path: Box<str>,
        /// The user that owns it, where known.
        owner: Option<Box<str>>,
    },
    /// A path longer than a unix socket's address can be (107 bytes on Linux).
    PathTooLong {
        /// The socket's path.
        path: Box<str>,
    },
    /// Its queue of connections was full for as long as was waited.
    Busy {
        /// The socket's path.
        path: Box<str>,
    },
    /// The daemon said on the bus that it was killed, then closed.
    Killed {
        /// PM2's message.
        message: Box<str>,
    },
    /// The connection closed.
    Closed,
    /// Connected, but no answer in time.
    Silent {
        /// The method that was not answered.
        method: Box<str>,
    },
    /// What answers is not PM2, or the stream is out of step.
    NotPm2 {
        /// What was wrong with it.
        reason: Box<str>,
    },
    /// A message is larger than what is accepted.
    TooLarge {
        /// Bytes announced so far.
        bytes: u64,
        /// Bytes that are accepted.
        max: u64,
    },
    /// Anything else.
    Other {
        /// What was tried, by path.
        path: Box<str>,
        /// The operating system's words.
        reason: Box<str>,
    },
}

impl Problem {
    /// Whether no daemon runs there any more, rather than that nothing is known of it.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(
            self,
            Self::HomeMissing { .. }
                | Self::SocketMissing { .. }
                | Self::Refused { .. }
                | Self::Killed { .. }
        )
    }

    /// What is wrong, in one sentence that names the path.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::HomeMissing { home } => format!("PM2_HOME {home} does not exist"),
            Self::SocketMissing { path } => format!("no PM2 daemon is running: {path} is missing"),
            Self::Refused { path } => {
                format!("nobody listens on {path}: the daemon died and left its socket")
            }
            Self::PermissionDenied { path, owner } => match owner {
                Some(owner) => format!("permission denied: {path} belongs to {owner}"),
                None => format!("permission denied: {path}"),
            },
            Self::PathTooLong { path } => {
                format!("{path} is too long for a unix socket (at most 107 bytes)")
            }
            Self::Busy { path } => {
                format!("the daemon is busy: its queue of connections on {path} is full")
            }
            Self::Killed { message } => message.to_string(),
            Self::Closed => "the daemon closed the connection".to_owned(),
            Self::Silent { method } => format!("the daemon does not answer {method}"),
            Self::NotPm2 { reason } => {
                format!("what answers does not speak PM2's protocol: {reason}")
            }
            Self::TooLarge { bytes, max } => {
                let (bytes, max) = (units::bytes(*bytes), units::bytes(*max));
                format!("a message of at least {bytes} came, and at most {max} is accepted")
            }
            Self::Other { path, reason } => format!("{path}: {reason}"),
        }
    }

    /// What is wrong, without any word that came from the daemon or an app.
    #[must_use]
    pub fn for_log(&self) -> String {
        match self {
            Self::Killed { .. } => "the daemon ended, as it said on the bus".to_owned(),
            Self::NotPm2 { .. } => "what answers does not speak PM2's protocol".to_owned(),
            problem => problem.sentence(),
        }
    }

    /// Why there are no events, and what the user can do about it.
    #[must_use]
    pub fn of_bus(&self, home: &str) -> String {
        match self {
            // Only of the bus: the daemon itself answers.
            Self::Closed | Self::Killed { .. } => "the daemon closed the bus".to_owned(),
            Self::SocketMissing { path } => {
                format!("{path} is missing; pm2 update (restarts all apps) creates it again")
            }
            Self::Refused { path } => {
                format!("nobody listens on {path}; pm2 update (restarts all apps) fixes it")
            }
            Self::Silent { .. } => "the bus does not answer".to_owned(),
            problem => format!("{}; {}", problem.sentence(), problem.advice(home, None)),
        }
    }

    /// What the user can do about it. `is_saved`: whether `pm2 resurrect` would find a list in the home, where
    /// that is known; it is advised only where it would.
    #[must_use]
    pub fn advice(&self, home: &str, is_saved: Option<bool>) -> String {
        let home = word(home);
        let start = |again: &str| match is_saved {
            Some(true) => format!("start it{again} with: PM2_HOME={home} pm2 resurrect"),
            Some(false) => format!(
                "start it{again} with: PM2_HOME={home} pm2 start app.js   (no list of processes is saved)"
            ),
            None => format!("start it{again} with: PM2_HOME={home} pm2 start app.js"),
        };
        match self {
            Self::HomeMissing { .. } => {
                format!("use another --home, or start PM2: PM2_HOME={home} pm2 start app.js")
            }
            Self::SocketMissing { .. } | Self::Killed { .. } | Self::Closed => start(""),
            Self::Refused { .. } => start(" again"),
            Self::PermissionDenied { owner, .. } => match owner {
                Some(owner) => format!("run: sudo -u {} pm2-tui --home {home}", word(owner)),
                None => format!("run pm2-tui as the user that owns {home}"),
            },
            Self::PathTooLong { .. } => {
                "use a shorter path: link to the folder with ln -s, and give that to --home"
                    .to_owned()
            }
            Self::Silent { .. } => "it may be busy; check with pm2 ping".to_owned(),
            Self::Busy { .. } => "try again; it may be overloaded, or stopped".to_owned(),
            Self::NotPm2 { .. } => "check --home and PM2_DAEMON_RPC_PORT".to_owned(),
            Self::TooLarge { .. } => "accept larger ones with --frame-mib".to_owned(),
            Self::Other { .. } => "check --home".to_owned(),
        }
    }
}
