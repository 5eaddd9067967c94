//! The columns of the table of processes, as values: the screen, `ls` and the order of the rows go by
//! this one table.
//!
//! Invariant: a cell is plain text of cleaned values, or nothing where there is none; names of columns
//! are words that people type, and stay.

use crate::model::fleet::Process;
use crate::model::moment::Moment;
use crate::model::units;
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// A column, by what it shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Field {
    /// PM2's id.
    #[default]
    Id,
    /// The daemon, where several are watched.
    Daemon,
    /// Name.
    Name,
    /// Namespace.
    Namespace,
    /// Fork or cluster.
    Mode,
    /// Status: what is worst first.
    Status,
    /// Count of restarts.
    Restarts,
    /// How long it is online.
    Uptime,
    /// CPU, percent of one core.
    Cpu,
    /// The chart of CPU.
    Chart,
    /// Memory.
    Memory,
    /// Memory, as a share of its limit.
    Limit,
    /// The system's id.
    Pid,
    /// Who started it.
    User,
    /// The app's version.
    Version,
    /// Whether its files are watched.
    Watching,
    /// Git branch.
    Branch,
    /// Git revision.
    Revision,
    /// Unstable restarts, of how many.
    Unstable,
    /// How it last ended.
    LastExit,
    /// The memory limit.
    MaxMemory,
    /// Its cron pattern for restarts.
    Cron,
    /// The version of Node.js.
    Node,
    /// What runs it.
    Interpreter,
    /// Count of restarts, and how long ago it last came up.
    LastRestart,
}

/// What rows of a column are ordered by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// They are not.
    None,
    /// Daemon and id.
    Id,
    /// Text, as people count.
    Natural(fn(&Process) -> Option<&str>),
    /// A number.
    Number(fn(&Process) -> Option<f64>),
}

/// What a cell is made of.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The process.
    pub process: &'a Process,
    /// The label of its daemon.
    pub daemon: &'a str,
    /// Now.
    pub now: Moment,
}

/// A column of the table.
#[derive(Debug)]
pub struct Column {
    /// What it shows.
    pub field: Field,
    /// Its word, where it is named: `mem`.
    pub name: &'static str,
    /// What stands above it.
    pub head: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Whether it stands to the right, as numbers do.
    pub is_right: bool,
    /// Its least and most columns.
    pub width: (u16, u16),
    /// What a cell says; `None` where there is nothing to say.
    pub cell: fn(&Row<'_>) -> Option<String>,
    /// What rows are ordered by; nothing where they cannot be.
    pub(super) order: Order,
}

macro_rules! column {
    ($field:ident, $name:literal, $head:literal, $about:literal, $side:ident, $width:expr, $order:expr, $cell:expr) => {
        Column {
            field: Field::$field,
            name: $name,
            head: $head,
            about: $about,
            is_right: column!($side),
            width: $width,
            cell: $cell,
            order: $order,
        }
    };
    (left) => {
        false
    };
    (right) => {
        true
    };
}

/// All columns, in the order in which they stand by themselves.
pub static COLUMNS: [Column; 25] = [
    column!(Id, "id", "id", "PM2's id", right, (2, 10), Order::Id, |row| {
        Some(row.process.info.pm_id.to_string())
    }),
    column!(Daemon, "daemon", "daemon", "The daemon", left, (6, 14), Order::Id, |row| {
        Some(row.daemon.to_owned())
    }),
    column!(
        Name,
        "name",
        "name",
        "Name",
        left,
        (8, 40),
        Order::Natural(|process| Some(&process.info.name)),
        |row| Some(row.process.info.name.to_string())
    ),
    column!(
        Namespace,
        "namespace",
        "namespace",
        "Namespace",
        left,
        (9, 14),
        Order::Natural(|process| process.info.namespace.as_deref()),
        |row| text(row.process.info.namespace.as_deref())
    ),
    column!(
        Mode,
        "mode",
        "mode",
        "Fork or cluster",
        left,
        (7, 7),
        Order::Natural(|process| Some(process.info.exec_mode.as_str())),
        |row| text(Some(row.process.info.exec_mode.as_str()))
    ),
    column!(
        Status,
        "status",
        "status",
        "Its status in PM2",
        left,
        (3, 25),
        Order::Number(|process| Some(f64::from(rank(process)))),
        |row| Some(status(&row.process.info))
    ),
    column!(
        Restarts,
        "restarts",
        "restarts",
        "How often it was restarted",
        right,
        (3, 7),
        Order::Number(|process| Some(f64::from(process.info.restarts))),
        |row| Some(row.process.info.restarts.to_string())
    ),
    column!(
        Uptime,
        "uptime",
        "uptime",
        "How long it has been online",
        right,
        (7, 7),
        Order::Number(|process| since(process).map(|since_ms| -(since_ms as f64))),
        |row| row.process.uptime_ms(row.now.steady_ms).map(units::uptime)
    ),
    column!(
        Cpu,
        "cpu",
        "cpu",
        "CPU, percent of one core",
        right,
        (6, 7),
        Order::Number(|process| process.figures.cpu_percent()),
        |row| row.process.figures.cpu_percent().map(units::percent)
    ),
    column!(Chart, "chart", "", "CPU of the last seconds", left, (8, 8), Order::None, |_| None),
    column!(
        Memory,
        "mem",
        "mem",
        "Memory of the process itself",
        right,
        (10, 10),
        Order::Number(|process| process.figures.memory_bytes().map(|bytes| bytes as f64)),
        |row| row.process.figures.memory_bytes().map(units::bytes)
    ),
    column!(
        Limit,
        "limit",
        "of limit",
        "Memory, as a share of its limit",
        left,
        (10, 10),
        Order::Number(part_of_limit),
        |row| part_of_limit(row.process).map(|part| format!("{:.0}%", part * 100.0))
    ),
    column!(
        Pid,
        "pid",
        "pid",
        "Process id",
        right,
        (5, 10),
        Order::Number(|process| process.info.pid.filter(|_| process.is_running()).map(f64::from)),
        |row| {
            let process = row.process;
            process.info.pid.filter(|_| process.is_running()).map(|pid| pid.to_string())
        }
    ),
    column!(
        User,
        "user",
        "user",
        "Who started it",
        left,
        (4, 12),
        Order::Natural(|process| process.info.setup.user.as_deref()),
        |row| text(row.process.info.setup.user.as_deref())
    ),
    column!(
        Version,
        "version",
        "version",
        "The version in its package.json",
        left,
        (7, 12),
        Order::Natural(|process| process.info.version.as_deref()),
        |row| text(row.process.info.version.as_deref())
    ),
    column!(
        Watching,
        "watching",
        "watch",
        "Whether PM2 restarts it when its files change",
        left,
        (5, 5),
        Order::Number(|process| Some(f64::from(u8::from(process.info.setup.is_watching)))),
        |row| row.process.info.setup.is_watching.then(|| "on".to_owned())
    ),
    column!(
        Branch,
        "branch",
        "branch",
        "Git branch",
        left,
        (6, 16),
        Order::Natural(|process| process.info.setup.git_branch.as_deref()),
        |row| text(row.process.info.setup.git_branch.as_deref())
    ),
    column!(
        Revision,
        "revision",
        "revision",
        "Git revision",
        left,
        (8, 8),
        Order::Natural(|process| process.info.setup.git_revision.as_deref()),
        |row| {
            let revision = row.process.info.setup.git_revision.as_deref()?;
            Some(revision.chars().take(8).collect())
        }
    ),
    column!(
        Unstable,
        "unstable",
        "unstable",
        "Unstable restarts, of how many before PM2 gives up",
        right,
        (8, 9),
        Order::Number(|process| Some(f64::from(process.info.unstable_restarts))),
        |row| {
            let info = &row.process.info;
            let count = info.unstable_restarts;
            (count > 0).then(|| format!("{count}/{}", info.restarts_max()))
        }
    ),
    column!(
        LastExit,
        "exit",
        "last exit",
        "Exit code or signal of its last exit",
        right,
        (9, 9),
        Order::Natural(|process| process.info.exit_code.as_deref()),
        |row| text(row.process.info.exit_code.as_deref())
    ),
    column!(
        MaxMemory,
        "maxmem",
        "max mem",
        "The memory limit at which PM2 restarts it",
        right,
        (9, 10),
        Order::Number(|process| process.info.memory_limit_bytes.map(|bytes| bytes as f64)),
        |row| row.process.info.memory_limit_bytes.map(units::bytes)
    ),
    column!(
        Cron,
        "cron",
        "cron",
        "Its cron pattern for restarts",
        left,
        (9, 16),
        Order::Natural(|process| process.info.setup.cron.as_deref()),
        |row| text(row.process.info.setup.cron.as_deref())
    ),
    column!(
        Node,
        "node",
        "node",
        "The version of Node.js that runs it",
        left,
        (7, 9),
        Order::Natural(|process| process.info.setup.node.as_deref()),
        |row| text(row.process.info.setup.node.as_deref())
    ),
    column!(
        Interpreter,
        "interpreter",
        "interpreter",
        "What runs it",
        left,
        (11, 16),
        Order::Natural(|process| interpreter(&process.info)),
        |row| text(interpreter(&row.process.info))
    ),
    column!(
        LastRestart,
        "restarted",
        "last restart",
        "How often it was restarted, and how long ago it came up last",
        right,
        (12, 16),
        Order::Number(|process| since(process).map(|since_ms| -(since_ms as f64))),
        |row| {
            let restarts = row.process.info.restarts;
            let up_ms = row.process.uptime_ms(row.now.steady_ms)?;
            (restarts > 0).then(|| format!("{restarts}, {} ago", units::uptime(up_ms)))
        }
    ),
];

/// The columns that stand by themselves, from left to right.
pub const DEFAULT: [Field; 11] = [
    Field::Id,
    Field::Name,
    Field::Namespace,
    Field::Mode,
    Field::Status,
    Field::Restarts,
    Field::Uptime,
    Field::Cpu,
    Field::Chart,
    Field::Memory,
    Field::Limit,
];

/// What stands beside them where a terminal is wide, as far as it is.
pub const WIDE: [Field; 7] = [
    Field::Pid,
    Field::Version,
    Field::Branch,
    Field::Unstable,
    Field::LastExit,
    Field::User,
    Field::Cron,
];

/// Columns that are always there: they tell which process a row is.
pub const KEPT: [Field; 3] = [Field::Id, Field::Name, Field::Status];

impl Field {
    /// Its column.
    #[must_use]
    pub fn column(self) -> &'static Column {
        let [first, ..] = &COLUMNS;
        COLUMNS.iter().find(|column| column.field == self).unwrap_or(first)
    }

    /// Its word: `mem`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.column().name
    }

    /// The field of that word; `ns` and `memory` are read too.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let word = match word {
            "ns" => "namespace",
            "memory" => "mem",
            word => word,
        };
        COLUMNS.iter().find(|column| column.name == word).map(|column| column.field)
    }

    /// Whether rows can be ordered by it.
    #[must_use]
    pub fn orders(self) -> bool {
        !matches!(self.column().order, Order::None)
    }

    /// Whether its largest come first, unless asked otherwise: those that one looks for.
    pub(super) fn begins_with_largest(self) -> bool {
        matches!(
            self,
            Self::Restarts
                | Self::Cpu
                | Self::Memory
                | Self::Limit
                | Self::Unstable
                | Self::MaxMemory
                | Self::Watching
        )
    }
}

fn text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

/// PM2's word, and what it leaves out.
fn status(info: &ProcessInfo) -> String {
    match &info.status {
        _ if info.never_started() => "online, never started".to_owned(),
        ProcessStatus::WaitingRestart if info.has_given_up() => {
            "waiting restart, given up".to_owned()
        }
        status => status.as_str().to_owned(),
    }
}

/// The program that runs it, without its folder.
fn interpreter(info: &ProcessInfo) -> Option<&str> {
    let path = info.setup.interpreter.as_deref()?;
    path.rsplit('/').next().filter(|name| !name.is_empty())
}

/// Since when it is online, by PM2's clock.
fn since(process: &Process) -> Option<i64> {
    process.online_since.filter(|_| process.is_online()).map(|(_, since_ms)| since_ms)
}

fn part_of_limit(process: &Process) -> Option<f64> {
    let limit = process.info.memory_limit_bytes.filter(|limit| *limit > 0)?;
    Some(process.figures.memory_bytes()? as f64 / limit as f64)
}

fn rank(process: &Process) -> u8 {
    if process.never_started() || process.info.has_given_up() {
        return 0;
    }
    match process.info.status {
        _ if process.is_looping => 1,
        ProcessStatus::Errored => 0,
        ProcessStatus::WaitingRestart => 2,
        ProcessStatus::Stopping => 3,
        ProcessStatus::Launching => 4,
        ProcessStatus::Other(_) => 5,
        ProcessStatus::Stopped => 6,
        ProcessStatus::Online => 7,
    }
}
