//! The command line: what is asked for, checked as far as that goes without a daemon.
//!
//! Invariant: whatever stands here is documented by it: `--help`, completions and the man page
//! come out of this definition.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod quantity;
pub use quantity::{parse_size, parse_span};

/// The shortest pause between polls, seconds.
const INTERVAL_MIN_S: f64 = 0.2;
/// The longest pause between polls, seconds.
const INTERVAL_MAX_S: f64 = 3_600.0;
/// The heading of the options that only the screen has.
const SCREEN: &str = "Options of the screen";

const AFTER_HELP: &str = "\
Without a command, a screen shows the daemon's processes live; press ? in it for the keys.

Without --home and PM2_HOME arguments, the daemon is found as pm2 finds it: in $PM2_HOME, else
~/.pm2; PM2_DAEMON_RPC_PORT and PM2_DAEMON_PUB_PORT name other sockets. No daemon is ever started.

TARGET is an id, a name, a namespace, or `all` (which leaves PM2's modules alone); an id is looked
for first, then a name, then a namespace.
DURATION is 1500ms, 60s, 5m, 2h; SIZE is 500K, 300M, 1.5G.

Exit codes: 0 fine (screen: quit); 1 the condition is not met, the daemon said no, or another
failure; 2 wrong usage; 3 no daemon that could be talked to; 4 time ran out; 101 internal error;
128+N ended by signal N (129: the terminal is gone).";

/// Watch and drive PM2 from the terminal and from scripts.
#[derive(Debug, Parser)]
#[command(name = "pm2-tui", version, about, after_help = AFTER_HELP)]
pub struct Cli {
    /// Watch these PM2 homes, all in one table
    #[arg(value_name = "PM2_HOME", value_parser = parse_home)]
    pub homes: Vec<PathBuf>,

    /// Talk to the daemon of this home of PM2
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        help = "Talk to the daemon of this home of PM2 [default: $PM2_HOME, else ~/.pm2]"
    )]
    pub home: Option<PathBuf>,

    /// Talk to the daemon at this address: a socket's path or tcp://HOST:PORT (PM2 before 0.12)
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub daemon: Option<String>,

    /// Let tcp:// go to other machines too: that protocol has no authentication
    #[arg(long, global = true)]
    pub allow_remote_tcp: bool,

    /// Refuse everything that changes something, in the screen too
    #[arg(long, global = true)]
    pub read_only: bool,

    /// Do not ask: yes to `delete all`, `stop all` and `kill`
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,

    /// What may be tuned
    #[command(flatten)]
    pub tuning: Tuning,

    /// What to do instead of watching
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that hold for every way to start.
#[derive(Debug, Clone, Args)]
pub struct Tuning {
    /// Seconds between polls, 0.2 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_interval,
          allow_negative_numbers = true, global = true, help_heading = SCREEN)]
    pub interval: Duration,

    /// Lines that the event log keeps, 100 to 1000000
    #[arg(long, value_name = "N", default_value_t = 10_000, global = true, help_heading = SCREEN,
          value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub log_lines: u32,

    /// MiB that the event log's lines may take, 1 to 4096
    #[arg(long, value_name = "MIB", default_value_t = 16, global = true, help_heading = SCREEN,
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
    /// List the processes once
    #[command(visible_alias = "list")]
    Ls(Ls),
    /// List the methods that the daemon has, with their parameters
    Methods {
        /// As JSON: an array of `name`, `params` and `source`
        #[arg(long)]
        json: bool,
    },
    /// Call a method of the daemon and print its reply as JSON
    Call(Call),
    /// Print the daemon's events, a line each, until stopped
    Events(Events),
    /// Restart processes with the environment that they have
    Restart(Targets),
    /// Stop processes
    Stop(Targets),
    /// Start stopped processes, or the apps of an ecosystem file
    Start(Start),
    /// Reload processes without downtime (cluster; a fork is restarted)
    Reload(Targets),
    /// Stop processes and remove them from PM2
    Delete(Targets),
    /// Send a message to processes
    Send {
        /// Id, name, namespace or `all`
        target: String,
        /// JSON (its `type` becomes the topic), else text; `-` reads it from standard input
        #[arg(allow_negative_numbers = true)]
        message: String,
    },
    /// End the daemon and all its processes, as `pm2 kill` does
    Kill,
    /// Wait until processes have a status
    Wait(Wait),
    /// Check conditions once; by default, that every process is online
    Check(Check),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page, in roff
    Man,
    /// Watch a simulated daemon: nothing is needed, nothing real is touched
    Demo,
}

/// `ls`.
#[derive(Debug, Clone, Args)]
pub struct Ls {
    /// As a JSON array, a process each
    #[arg(long)]
    pub json: bool,
    /// With the names of each process's environment variables
    #[arg(long)]
    pub env: bool,
    /// With their values too: these hold secrets
    #[arg(long)]
    pub env_values: bool,
}

/// `call`.
#[derive(Debug, Clone, Args)]
pub struct Call {
    /// The method, as `pm2-tui methods` lists it
    pub method: String,
    /// What parses as JSON is JSON, else text; `-` reads one from standard input. Without any,
    /// `{}` for the methods that take one object and ignore it
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    pub args: Vec<String>,
    /// How long to wait for the reply
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_span)]
    pub timeout: Duration,
}

/// `events`.
#[derive(Debug, Clone, Args)]
pub struct Events {
    /// Topics, with `*` for any text: `log:*`, `process:exception` [default: all]
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// As JSON lines: `topic`, `at`, `daemon`, `data`
    #[arg(long)]
    pub json: bool,
    /// End after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// End after this time; with --count, exit code 4 when fewer came by then
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_span)]
    pub span: Option<Duration>,
    /// Run this for each event instead of printing it: a program and its arguments, split at
    /// blanks, quotes heeded, no shell. It reads the event's JSON from standard input and has
    /// `PM2_TUI_TOPIC`, `PM2_TUI_PROCESS` and `PM2_TUI_PM_ID` in its environment
    #[arg(long, value_name = "COMMAND", value_parser = parse_words)]
    pub exec: Option<Words>,
}

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The program, by path or name.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// Which processes.
#[derive(Debug, Clone, Args)]
pub struct Targets {
    /// Ids, names, namespaces or `all`
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
}

/// `start`.
#[derive(Debug, Clone, Args)]
pub struct Start {
    /// Ids, names, namespaces or `all`; or ecosystem files (.json, .yaml, .js, .cjs, .mjs)
    #[arg(required = true, value_name = "TARGET|FILE")]
    pub targets: Vec<String>,
    /// Start a file's apps with their `env_NAME` too; one of them has to have it
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
}

/// `wait`.
#[derive(Debug, Clone, Args)]
pub struct Wait {
    /// Id, name, namespace or `all`
    pub target: String,
    /// PM2's word: online, stopped, errored .. Every process of the target has to have it
    #[arg(long, value_name = "STATUS")]
    pub status: String,
    /// They have to keep it so long, without a restart
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_span)]
    pub span: Option<Duration>,
    /// When to give up, with exit code 4
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_span)]
    pub timeout: Duration,
}

/// `check`: each condition that is given must hold for every process.
#[derive(Debug, Clone, Default, Args)]
pub struct Check {
    /// Ids, names, namespaces [default: all but PM2's modules]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Every process is online and has a pid; the default where no other condition is given
    #[arg(long)]
    pub online: bool,
    /// No process is errored
    #[arg(long)]
    pub errored: bool,
    /// No process was restarted more often
    #[arg(long, value_name = "N")]
    pub max_restarts: Option<u32>,
    /// No process takes more memory
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_memory: Option<u64>,
    /// No process takes more of a core, in percent
    #[arg(long, value_name = "PERCENT")]
    pub max_cpu: Option<f32>,
    /// Every online process has been so for at least this long
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    pub min_uptime: Option<Duration>,
}

/// A shell that completions can be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bourne again shell
    Bash,
    /// Elvish
    Elvish,
    /// Fish
    Fish,
    /// `PowerShell`
    Powershell,
    /// Z shell
    Zsh,
}

impl Cli {
    /// Checks what clap cannot: that homes are homes, and that only the screen takes several.
    ///
    /// # Errors
    /// A usage error, which prints itself and ends with code 2.
    pub fn checked(self) -> Result<Self, clap::Error> {
        use clap::CommandFactory;
        use clap::error::ErrorKind;
        let refuse = |kind, text: String| Err(Self::command().error(kind, text));
        let Some(first) = self.homes.first() else { return Ok(self) };
        let first = first.display();
        if self.command.is_some() {
            let text = format!("only the screen takes several homes; write --home {first}");
            return refuse(ErrorKind::ArgumentConflict, text);
        }
        if self.home.is_some() || self.daemon.is_some() {
            let text = format!("--home and --daemon cannot be used with the home {first}");
            return refuse(ErrorKind::ArgumentConflict, text);
        }
        Ok(self)
    }
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

fn parse_words(text: &str) -> Result<Words, String> {
    let words = shlex::split(text).ok_or("a quote is not closed, or the text ends with \\")?;
    let mut words = words.into_iter();
    let program = words.next().filter(|program| !program.is_empty());
    let program = program.ok_or("a program is wanted, and perhaps arguments")?;
    Ok(Words { program, args: words.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["pm2-tui"], words].concat()).and_then(Cli::checked)
    }

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
        let error = parse(&["--interval", "-1"]).unwrap_err().to_string();
        assert!(error.contains("--interval") && error.contains("0.2 to 3600"), "{error}");
    }

    #[test]
    fn the_demo_takes_the_tuning_options() {
        let cli = parse(&["demo", "--interval", "2"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Demo)));
        assert_eq!(cli.tuning.interval, Duration::from_secs(2));
    }

    #[test]
    fn homes_are_for_the_screen() {
        assert!(parse(&["--home", "/a", "/b"]).is_err());
        assert_eq!(parse(&["/a", "/b"]).unwrap().homes.len(), 2);
        assert!(parse(&["/a", "--read-only", "ls"]).is_err());
        for words in [&["--home", "/a", "ls"][..], &["ls", "--home", "/a"]] {
            assert_eq!(parse(words).unwrap().home.unwrap().to_str(), Some("/a"));
        }
    }

    #[test]
    fn a_mistyped_command_is_no_home() {
        let error = parse(&["lss"]).unwrap_err();
        assert!(error.to_string().contains("no such command"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn a_command_to_run_is_split_without_a_shell() {
        let words = parse_words("mail -s 'an exception' \"$USER\"").unwrap();
        assert_eq!(words.program, "mail");
        assert_eq!(words.args, ["-s", "an exception", "$USER"]);
        assert!(parse_words("mail 'x").is_err());
        assert!(parse_words(" ").is_err());
        assert!(parse_words("''").is_err());
    }

    #[test]
    fn arguments_of_a_call_may_look_like_anything() {
        let cli = parse(&["call", "m", "-5", "-", "{\"a\": 1}"]).unwrap();
        let Some(Command::Call(call)) = cli.command else { panic!() };
        assert_eq!(call.args, ["-5", "-", "{\"a\": 1}"]);
        assert!(parse(&["call"]).is_err());
        assert!(parse(&["restart"]).is_err());
        assert!(parse(&["wait", "api"]).is_err());
    }
}
