//! The options of the screen, and of `config`, whose file says them too.
//!
//! Invariant: an option that is not given is told from one that is.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::quantity::whole;
use super::{MIB, SCREEN};

/// The shortest pause between polls, seconds.
const INTERVAL_MIN_S: f64 = 0.2;
/// The longest pause between polls, seconds.
const INTERVAL_MAX_S: f64 = 3_600.0;
/// Options of the screen: before `demo`, after it, or without a command.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Screen {
    /// Read the configuration from this file
    #[arg(
        long,
        value_name = "FILE",
        help_heading = SCREEN,
        help = "Read the configuration from this file; /dev/null: from none [default: \
                $PM2_TUI_CONFIG, else ~/.config/pm2-tui/config.toml]"
    )]
    pub config: Option<PathBuf>,

    /// Seconds between polls, 0.2 to 3600 [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = parse_interval,
          allow_negative_numbers = true, help_heading = SCREEN)]
    pub interval: Option<Duration>,

    /// Lines kept in the event log, 100 to 5000000 [default: 100000]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(100, 5_000_000), help_heading = SCREEN)]
    pub log_lines: Option<u32>,

    /// Memory for the lines of the event log, in MiB, 1 to 4096 [default: 64]
    #[arg(long, value_name = "MIB", value_parser = whole::<u32>(1, 4_096), help_heading = SCREEN)]
    pub log_mib: Option<u32>,

    /// Colours: auto, dark, light, high-contrast, color-blind, 16, mono, or a theme of the configuration
    #[arg(long, value_name = "NAME", help_heading = SCREEN)]
    pub theme: Option<String>,

    /// Read CPU and memory from PM2 only, once per --interval, even where this machine can measure
    /// them itself
    #[arg(long, help_heading = SCREEN)]
    pub ask_pm2: bool,

    /// For a slow link: redraw for new data at most once a second
    #[arg(long, help_heading = SCREEN)]
    pub slow: bool,

    /// Leave the mouse to the terminal
    #[arg(long, help_heading = SCREEN)]
    pub no_mouse: bool,

    /// Draw nothing: write what is new as lines, for a screen reader; the keys are the same
    #[arg(long, help_heading = SCREEN)]
    pub plain: bool,
}

impl Screen {
    /// What is set here, else there.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            config: self.config.clone().or_else(|| other.config.clone()),
            interval: self.interval.or(other.interval),
            log_lines: self.log_lines.or(other.log_lines),
            log_mib: self.log_mib.or(other.log_mib),
            theme: self.theme.clone().or_else(|| other.theme.clone()),
            ask_pm2: self.ask_pm2 || other.ask_pm2,
            slow: self.slow || other.slow,
            no_mouse: self.no_mouse || other.no_mouse,
            plain: self.plain || other.plain,
        }
    }

    /// The first option that is set.
    pub(super) fn first(&self) -> Option<&'static str> {
        let config = self.config.as_ref().map(|_| "--config");
        let interval = config.or(self.interval.map(|_| "--interval"));
        let lines = self.log_lines.map(|_| "--log-lines");
        let mib = self.log_mib.map(|_| "--log-mib");
        let theme = self.theme.as_ref().map(|_| "--theme");
        let asks = theme.or(self.ask_pm2.then_some("--ask-pm2"));
        let rest = self.slow.then_some("--slow").or(self.no_mouse.then_some("--no-mouse"));
        let rest = rest.or(self.plain.then_some("--plain"));
        interval.or(lines).or(mib).or(asks).or(rest)
    }

    /// The pause between polls.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval.unwrap_or(Duration::from_secs(1))
    }

    /// The lines that the event log keeps.
    #[must_use]
    pub fn log_lines(&self) -> usize {
        self.log_lines.unwrap_or(100_000) as usize
    }

    /// The bytes that they may take.
    #[must_use]
    pub fn log_bytes(&self) -> usize {
        self.log_mib.unwrap_or(64) as usize * MIB
    }
}

/// `config`.
#[derive(Debug, Clone, Args)]
pub struct ConfigFile {
    /// What to do instead of printing the defaults
    #[arg(value_enum)]
    pub task: Option<ConfigTask>,
    /// Which file [default: the one that the screen reads]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What can be done with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConfigTask {
    /// Say what is wrong with it, each with its line; exit code 1 if something is
    Check,
    /// Print where it is, or would be
    Path,
}

/// Reads the pause between polls: a number of seconds.
///
/// # Errors
/// A sentence that says what is wanted.
pub fn parse_interval(text: &str) -> Result<Duration, String> {
    let range = format!("a number of seconds from {INTERVAL_MIN_S} to {INTERVAL_MAX_S} is wanted");
    let seconds: f64 = text.parse().map_err(|_| format!("not a number; {range}"))?;
    if !(INTERVAL_MIN_S..=INTERVAL_MAX_S).contains(&seconds) {
        return Err(range);
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| range)
}
