//! What the commands that do something take, beside those that take only targets.

use clap::{Args, ValueEnum};

/// `scale`.
#[derive(Debug, Clone, Args)]
pub struct Scale {
    /// The app's name, or any way to say which processes are its
    #[arg(value_name = "NAME")]
    pub target: String,
    /// How many processes it is to have: 4, +2 or -1
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
    /// The line; `-` reads lines from standard input, until that ends
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
    /// A change of a file in its folder restarts it
    On,
    /// It does not; the paths that were watched are forgotten
    Off,
}
