//! What the commands that do something take, beside those that take only targets.

use clap::{Args, ValueEnum};

/// Which processes.
#[derive(Debug, Clone, Args)]
pub struct Targets {
    /// Ids, names, `api[0]`, namespaces or `all`; id:0, name:0, ns:jobs where a word is ambiguous; or
    /// ecosystem files, for the processes with the names of their apps
    #[arg(required = true, value_name = "TARGET|FILE")]
    pub targets: Vec<String>,
}

/// `stop`, `reload` and `delete`.
#[derive(Debug, Clone, Args)]
pub struct Acted {
    /// Which processes
    #[command(flatten)]
    pub who: Targets,
    /// Only these apps of a file
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// For a file that names its apps by it
    #[arg(long, value_name = "NAME", hide = true)]
    pub env: Option<String>,
    /// Print a line of JSON for each process: `asked`, `name`, `pm_id`, `ok`, `outcome`, `words`
    #[arg(long)]
    pub json: bool,
}

/// `restart`.
#[derive(Debug, Clone, Args)]
pub struct Restart {
    /// Which processes
    #[command(flatten)]
    pub who: Targets,
    /// Only these apps of a file
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Restart a file's apps with their `env_NAME` as well
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Print a line of JSON for each process: `asked`, `name`, `pm_id`, `ok`, `outcome`, `words`
    #[arg(long)]
    pub json: bool,
}

/// `start`.
#[derive(Debug, Clone, Args)]
pub struct Start {
    /// Ids, names, namespaces or `all`; or ecosystem files (.json, .yaml, .js, .cjs, .mjs, .ts)
    ///
    /// `-` reads JSON from standard input. Without any, the ecosystem.config.js of this folder.
    #[arg(value_name = "TARGET|FILE")]
    pub targets: Vec<String>,
    /// Only these apps of a file
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Start a file's apps with their `env_NAME` as well
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Refuse an --env that no app has, instead of warning
    #[arg(long)]
    pub strict: bool,
    /// Print a line of JSON for each process: `asked`, `name`, `pm_id`, `ok`, `outcome`, `words`
    #[arg(long)]
    pub json: bool,
}

/// `scale`.
#[derive(Debug, Clone, Args)]
pub struct Scale {
    /// The app: its name, or an id or namespace of its processes
    #[arg(value_name = "NAME")]
    pub target: String,
    /// The number of processes wanted: 4, +2 or -1
    #[arg(value_name = "N", allow_hyphen_values = true)]
    pub to: String,
}

/// `signal`.
#[derive(Debug, Clone, Args)]
pub struct Signal {
    /// SIGUSR2, USR2, usr2 ..
    pub signal: String,
    /// Ids, names, namespaces or `all`
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
}

/// `stdin`.
#[derive(Debug, Clone, Args)]
pub struct Stdin {
    /// Id, name, namespace or `all`
    pub target: String,
    /// The line; `-` reads lines from standard input until it ends
    #[arg(allow_hyphen_values = true)]
    pub line: String,
}

/// `watch`.
#[derive(Debug, Clone, Args)]
pub struct WatchFiles {
    /// Whether files are watched
    pub state: OnOff,
    /// Ids, names, namespaces or `all`
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Restart a process when a file in its folder changes
    On,
    /// Stop watching; PM2 also forgets which paths it watched
    Off,
}
