//! The options of `check`.
//!
//! Invariant: each condition that is given must hold for every process that is looked at.

use std::time::Duration;

use clap::Args;

use super::looking::Figures;
use super::quantity::{parse_percent, parse_size, parse_span, parse_wait, whole};

/// `check`: each condition that is given must hold for every process.
#[derive(Debug, Clone, Default, Args)]
pub struct Check {
    /// Ids, names, namespaces [default: all but PM2's modules]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Leave these processes out; can be repeated
    #[arg(long, value_name = "TARGET", value_delimiter = ',')]
    pub except: Vec<String>,
    /// Ignore stopped processes, but for jobs that failed: autorestart is off, and the exit code not 0
    #[arg(long)]
    pub ignore_stopped: bool,
    /// Every process is online and has a pid. Without any condition: this, and none is in a crash loop
    /// at the time of the look, as `ls` calls it
    #[arg(long)]
    pub online: bool,
    /// No process is errored
    #[arg(long)]
    pub errored: bool,
    /// No process is in a crash loop: restarted three times or more, and again within the last 30 s;
    /// looks again, up to 3 s later, where a restart just now hides what was before
    #[arg(long)]
    pub looping: bool,
    /// No process was restarted more often than this
    #[arg(long, value_name = "N", value_parser = whole::<u32>(0, u32::MAX.into()), allow_negative_numbers = true)]
    pub max_restarts: Option<u32>,
    /// Count only restarts within this time from now on: checks twice, this far apart
    #[arg(long, value_name = "DURATION", value_parser = parse_wait, requires = "max_restarts")]
    pub within: Option<Duration>,
    /// No process uses more memory than this
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_memory: Option<u64>,
    /// No process uses more of a CPU core than this, 50 or 50%, measured over 0.4 s or --within
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent, allow_negative_numbers = true)]
    pub max_cpu: Option<f32>,
    /// Every online process has been online for at least this long
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    pub min_uptime: Option<Duration>,
    /// Whose figures
    #[command(flatten)]
    pub figures: Figures,
    /// Print a JSON object of `ok`, `checked`, `stopped`, `looping` and `may_have_crashed` (names with
    /// ids) and `failed`, an array of `pm_id`, `name`, `condition` and `message`
    #[arg(long)]
    pub json: bool,
}
