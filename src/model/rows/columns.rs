//! The columns of the table of processes, as values: the screen, `ls` and the order of the rows go by
//! this one table.
//!
//! Invariant: a cell is plain text of cleaned values, or nothing where there is none; names of columns
//! are words that people type, and stay.

mod all;

pub use self::all::COLUMNS;
use super::metric::MetricName;
use crate::model::fleet::Process;
use crate::model::moment::Moment;

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
    /// CPU with its children.
    CpuTree,
    /// Memory with its children.
    MemoryTree,
    /// When it reaches its memory limit.
    LimitIn,
    /// The ports on which it listens.
    Ports,
    /// Lines that it writes.
    LogRate,
    /// Lines of errors.
    ErrorRate,
    /// For how long it has written none.
    Silence,
    /// A metric that it reports.
    Metric(MetricName),
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
pub const WIDE: [Field; 14] = [
    Field::LimitIn,
    Field::MemoryTree,
    Field::Pid,
    Field::Ports,
    Field::LogRate,
    Field::ErrorRate,
    Field::Version,
    Field::Branch,
    Field::Unstable,
    Field::LastExit,
    Field::Silence,
    Field::User,
    Field::Cron,
    Field::Node,
];

/// The column of a metric.
static METRIC: Column = Column {
    field: Field::Metric(MetricName::NONE),
    name: "metric",
    head: "metric",
    about: "A metric that apps report",
    is_right: true,
    width: (6, 18),
    cell: |_| None,
    order: Order::None,
};

/// Columns that are always there: they tell which process a row is.
pub const KEPT: [Field; 3] = [Field::Id, Field::Name, Field::Status];

impl Field {
    /// Its column; that of a metric is one for all.
    #[must_use]
    pub fn column(self) -> &'static Column {
        let [first, ..] = &COLUMNS;
        match self {
            Self::Metric(_) => &METRIC,
            field => COLUMNS.iter().find(|column| column.field == field).unwrap_or(first),
        }
    }

    /// Its word: `mem`, `metric:Heap Size`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Metric(name) => name.word(),
            field => field.column().name,
        }
    }

    /// What stands above it.
    #[must_use]
    pub fn head(self) -> &'static str {
        match self {
            Self::Metric(name) => name.get(),
            field => field.column().head,
        }
    }

    /// What is said before its cell in a sentence: `mem`, `limit`, `Heap Size`.
    #[must_use]
    pub fn head_word(self) -> &'static str {
        match self {
            Self::Metric(name) => name.get(),
            field => field.column().name,
        }
    }

    /// What a cell says; `None` where there is nothing to say.
    #[must_use]
    pub fn cell(self, row: &Row<'_>) -> Option<String> {
        match self {
            Self::Metric(name) => Some(row.process.metric(name.get())?.text()),
            field => (field.column().cell)(row),
        }
    }

    /// The field of that word; other words that people have for it are read too.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let word = match word {
            "ns" => "namespace",
            "memory" => "mem",
            "git" => "branch",
            "last exit" => "exit",
            word => word,
        };
        if let Some(name) = MetricName::of_word(word) {
            return Some(Self::Metric(name));
        }
        COLUMNS.iter().find(|column| column.name == word).map(|column| column.field)
    }

    /// Whether it tells only what is seen while a process is watched, which one look cannot.
    #[must_use]
    pub fn needs_watching(self) -> bool {
        matches!(self, Self::LimitIn | Self::LogRate | Self::ErrorRate | Self::Silence)
    }

    /// Whether it tells what only the machine of the processes knows, and no daemon.
    #[must_use]
    pub fn needs_machine(self) -> bool {
        matches!(self, Self::CpuTree | Self::MemoryTree | Self::Ports)
    }

    /// Whether rows can be ordered by it.
    #[must_use]
    pub fn orders(self) -> bool {
        matches!(self, Self::Metric(_)) || !matches!(self.column().order, Order::None)
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
                | Self::CpuTree
                | Self::MemoryTree
                | Self::LogRate
                | Self::ErrorRate
                | Self::Silence
                | Self::Metric(_)
        )
    }
}
