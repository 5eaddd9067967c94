//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// The shortest pause between polls, seconds.
const INTERVAL_MIN_S: f64 = 0.2;
/// The longest pause between polls, seconds.
const INTERVAL_MAX_S: f64 = 3_600.0;

const AFTER_HELP: &str = "\
Without --home and PM2_HOME arguments, the daemon is found as pm2 finds it: in $PM2_HOME, else
~/.pm2; PM2_DAEMON_RPC_PORT and PM2_DAEMON_PUB_PORT name other sockets. No daemon is ever started.

Exit codes: 0 quit; 1 failed; 2 wrong usage, or standard output is no terminal; 101 internal error;
128+N ended by signal N (129: the terminal is gone).

Keys: press ? in the program.";

/// Watch and drive PM2 from the terminal.
#[derive(Debug, Parser)]
#[command(name = "pm2-tui", version, about, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Watch these PM2 homes, all in one table
    #[arg(value_name = "PM2_HOME", value_parser = parse_home)]
    pub homes: Vec<PathBuf>,

    /// Watch the daemon of this home of PM2
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "homes",
        help = "Watch the daemon of this home of PM2 [default: $PM2_HOME, else ~/.pm2]"
    )]
    pub home: Option<PathBuf>,

    /// What may be tuned
    #[command(flatten)]
    pub tuning: Tuning,

    /// What to do instead of watching
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that hold for every way to start.
#[derive(Debug, Clone, clap::Args)]
pub struct Tuning {
    /// Seconds between polls, 0.2 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_interval,
          allow_negative_numbers = true, global = true)]
    pub interval: Duration,

    /// Lines that the event log keeps, 100 to 1000000
    #[arg(long, value_name = "N", default_value_t = 10_000, global = true,
          value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub log_lines: u32,

    /// MiB that the event log's lines may take, 1 to 4096
    #[arg(long, value_name = "MIB", default_value_t = 16, global = true,
          value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub log_mib: u32,

    /// MiB that one message of the daemon may have, 1 to 2048
    #[arg(long, value_name = "MIB", default_value_t = 256, global = true,
          value_parser = clap::value_parser!(u32).range(1..=2_048))]
    pub frame_mib: u32,
}

/// What else the program can do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Watch a simulated daemon: nothing is needed, nothing real is touched
    Demo,
}

/// A word that is neither a command nor a folder is a slip, not a home.
fn parse_home(text: &str) -> Result<PathBuf, String> {
    if text.contains('/') || std::path::Path::new(text).exists() {
        return Ok(text.into());
    }
    Err("there is no such command and no such folder; `pm2-tui demo` needs neither".to_owned())
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let range = format!("a number of seconds from {INTERVAL_MIN_S} to {INTERVAL_MAX_S} is wanted");
    let seconds: f64 = text.parse().map_err(|_| format!("not a number; {range}"))?;
    if !(INTERVAL_MIN_S..=INTERVAL_MAX_S).contains(&seconds) {
        return Err(range);
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn an_interval_is_a_number_in_range() {
        assert_eq!(parse_interval("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_interval("3600"), Ok(Duration::from_hours(1)));
        for wrong in ["0", "-1", "0.1", "3601", "NaN", "inf", "abc", ""] {
            let message = parse_interval(wrong).unwrap_err();
            assert!(message.contains("0.2 to 3600"), "{wrong}: {message}");
        }
    }

    #[test]
    fn a_negative_interval_is_refused_by_name_and_not_taken_for_an_option() {
        let error = Cli::try_parse_from(["pm2-tui", "--interval", "-1"]).unwrap_err().to_string();
        assert!(error.contains("--interval") && error.contains("0.2 to 3600"), "{error}");
    }

    #[test]
    fn the_demo_takes_the_tuning_options() {
        let cli = Cli::try_parse_from(["pm2-tui", "demo", "--interval", "2"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Demo)));
        assert_eq!(cli.tuning.interval, Duration::from_secs(2));
    }

    #[test]
    fn home_and_homes_do_not_mix() {
        assert!(Cli::try_parse_from(["pm2-tui", "--home", "/a", "/b"]).is_err());
        assert_eq!(Cli::try_parse_from(["pm2-tui", "/a", "/b"]).unwrap().homes.len(), 2);
    }
}
