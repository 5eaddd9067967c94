//! What the commands that only look take.

use std::time::Duration;

use std::path::PathBuf;

use clap::Args;

use super::parse_interval;
use super::quantity::whole;

/// `ls`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Ls {
    /// Print a JSON array with one entry for each process; `is_looping` marks a crash loop
    #[arg(long)]
    pub json: bool,
    /// Include the names of each process's environment variables
    #[arg(long)]
    pub env: bool,
    /// Include their values too, which may hold secrets
    #[arg(long)]
    pub env_values: bool,
    /// Which, and in which order
    #[command(flatten)]
    pub which: Which,
    /// Which columns
    #[command(flatten)]
    pub shown: Shown,
    /// Whose figures
    #[command(flatten)]
    pub figures: Figures,
    /// Print the table again whenever it changes, until interrupted; on a terminal, in place
    #[arg(long, conflicts_with_all = ["env", "env_values"])]
    pub watch: bool,
}

/// Whose figures of CPU and memory are printed.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Figures {
    /// Take CPU and memory from PM2. Its CPU is that since whoever asked it last, so it means little if
    /// it is asked often. Without this, where PM2 runs on this machine (Linux), they are read from
    /// /proc: CPU over the last 0.4 s, in `ls` since the process started, in a table that is printed
    /// again since the one before
    #[arg(long)]
    pub ask_pm2: bool,
}

/// Which processes a table has, in which order.
#[derive(Debug, Clone, Default, Args)]
pub struct Which {
    /// Show only processes that match: `api`, `!api`, `status:errored`, `cpu>50 or mem>300M`, `ns:jobs`
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// Sort by this column: restarts, cpu, mem .. largest first, name, status, uptime .. smallest
    /// first; with `-` before it, the other way round
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub sort: Option<String>,
}

/// Which columns a table has.
#[derive(Debug, Clone, Default, Args)]
pub struct Shown {
    /// Show only these columns, in this order: id,name,pid,status,restarts,cpu,mem ..
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', conflicts_with_all = ["wide", "json"])]
    pub columns: Vec<String>,
    /// Show more columns: pid, version, git branch, unstable restarts, last exit, user, cron pattern
    #[arg(long, conflicts_with = "json")]
    pub wide: bool,
}

/// `describe`.
#[derive(Debug, Clone, Args)]
pub struct Describe {
    /// Ids, names, namespaces or `all`
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Print a JSON array with one entry for each process
    #[arg(long)]
    pub json: bool,
    /// Include the values of the environment variables, which may hold secrets
    #[arg(long)]
    pub env_values: bool,
    /// Whose figures
    #[command(flatten)]
    pub figures: Figures,
}

/// `top`.
#[derive(Debug, Clone, Args)]
pub struct Top {
    /// How many tables to print [default: until interrupted]
    #[arg(short = 'n', long, value_name = "N", value_parser = whole::<u64>(1, u64::MAX))]
    pub count: Option<u64>,
    /// Seconds between tables, 0.2 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse_interval,
          allow_negative_numbers = true)]
    pub interval: Duration,
    /// Print JSON lines, one for each table: `at` and `processes`
    #[arg(long)]
    pub json: bool,
    /// Which, and in which order
    #[command(flatten)]
    pub which: Which,
    /// Which columns
    #[command(flatten)]
    pub shown: Shown,
    /// Whose figures
    #[command(flatten)]
    pub figures: Figures,
}

/// `logs`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Logs {
    /// Ids, names, namespaces [default: all]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Number of last lines, of all files together; more where the oldest of them is in a stack trace,
    /// which is printed whole [default: 100; with --since, all]
    #[arg(short = 'n', long, value_name = "N", value_parser = whole::<u64>(0, u64::MAX))]
    pub lines: Option<u64>,
    /// Only lines from this time on: 10m or -10m (ago), 14:05, 03:00:10, 3am, today 3:00, yesterday 23:00,
    /// 2026-11-28, 2026-11-28T03:12, 2026-11-28T03:12:00Z. Of a line without a time of its own its estimate
    /// counts, as it is shown (~); where it may be wrong of the range, standard error says so
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Only lines up to this time, written as for --since, likewise; --follow ends there: with it, 14:05 is the
    /// next one
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Continue with new lines
    #[arg(short, long)]
    pub follow: bool,
    /// Only lines that match this regular expression, as they are printed: JSON as JSON; case is ignored if it
    /// is all lower case. Exit code 1 if there are none
    #[arg(long, value_name = "REGEX")]
    pub grep: Option<String>,
    /// Leave out lines that match this regular expression. Exit code 1 if none is left
    #[arg(long, value_name = "REGEX")]
    pub exclude: Option<String>,
    /// Only lines of this level or worse: trace, debug, info, warn, error, fatal. A line of standard error that
    /// says none counts as warn
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
    /// Only standard output
    #[arg(long)]
    pub out: bool,
    /// Only standard error
    #[arg(long)]
    pub err: bool,
    /// Include what happened to the processes: started, ended, restarted, given up ..
    #[arg(long, conflicts_with = "raw")]
    pub events: bool,
    /// Print JSON lines: `at`, `process`, `stream` (`out`, `err`, `event`), `level`, `text`; for
    /// events, the kind as `event`
    #[arg(long, conflicts_with = "raw")]
    pub json: bool,
    /// Print the bytes of the files unchanged, with nothing before each line
    #[arg(long)]
    pub raw: bool,
    /// The time before each line; `~` marks one that is not the line's own
    #[arg(long, value_enum, default_value_t = LogTime::Clock)]
    pub time: LogTime,
}

/// How the time before a line of a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogTime {
    /// `14:05:01.123`, local
    Clock,
    /// `2026-11-28 14:05:01.123`, local
    Date,
    /// `2026-11-28T13:05:01.123Z`
    Iso,
    /// Milliseconds since 1970
    Epoch,
    /// None
    Off,
}

/// `why`.
#[derive(Debug, Clone, Args)]
pub struct Why {
    /// Ids, names, namespaces or `all`
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Number of last exits to show, at most 20, each with what was said last [default: 5, the newest
    /// with that]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1, 20))]
    pub lives: Option<u32>,
    /// Print a JSON array with one entry for each process
    #[arg(long)]
    pub json: bool,
}

/// `bundle`.
#[derive(Debug, Clone, Args)]
pub struct Bundle {
    /// Ids, names, namespaces [default: all]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// The file to write [default: pm2-tui-HOST-TIME.tar.gz in this folder]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
