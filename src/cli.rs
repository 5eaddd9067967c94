//! The command line: what is asked for, checked as far as that goes without a daemon.
//!
//! Invariant: whatever stands here is documented by it: `--help`, completions and the man page
//! come out of this definition.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

mod check;
mod doing;
mod looking;
mod quantity;
mod screen;
mod trigger;
mod words;
pub use check::Check;
pub use doing::{Acted, OnOff, Restart, Scale, Signal, Start, Stdin, Targets, WatchFiles};
pub use looking::{Bundle, Describe, Figures, LogTime, Logs, Ls, Shown, Top, Which, Why};
use quantity::whole;
pub use quantity::{parse_settle, parse_size, parse_span};
pub use screen::{ConfigFile, ConfigTask, Screen, parse_interval};
pub use trigger::Trigger;

/// Bytes.
pub(crate) const MIB: usize = 1024 * 1024;
/// The heading of the options that every command has.
const EVERYWHERE: &str = "Options of every command";
/// The heading of the options that only the screen has.
const SCREEN: &str = "Options of the screen";

/// What holds for the whole program.
pub(crate) const NOTES: &str = "\
Without a command, a screen shows the daemon's processes live; press ? in it for the keys.

Without --home and PM2_HOME arguments, the daemon is found as pm2 finds it: in $PM2_HOME, else
~/.pm2; PM2_DAEMON_RPC_PORT and PM2_DAEMON_PUB_PORT name other sockets. No daemon is ever started.

TARGET is an id, a name, both as printed (`api[0]`), a namespace (where no process has that name),
or `all` (all but PM2's modules). A word that is the id of one process and the name of another is refused; id:0,
name:0 and ns:jobs say which is meant.

DURATION is 1500ms, 60s, 5m, 2h or 1d; SIZE is 500K, 300M or 1.5G.";

/// How the program ends.
pub(crate) const EXIT_CODES: &str = "\
0 success (screen: quit); 1 the condition is not met, the daemon refused, or another failure;
2 wrong usage; 3 no daemon could be reached; 4 timeout; 101 internal error; 128+N
ended by signal N (129: the terminal is gone).";

/// Watch and drive PM2 from the terminal and from scripts.
#[derive(Debug, Parser)]
#[command(name = "pm2-tui", version, about, after_help = format!("{NOTES}\n\nExit codes: {EXIT_CODES}"))]
#[command(subcommand_precedence_over_arg = true)]
pub struct Cli {
    /// Watch these PM2 homes, all in one table
    #[arg(value_name = "PM2_HOME", value_parser = parse_home)]
    pub homes: Vec<PathBuf>,

    /// Use the daemon of this PM2 home
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        help_heading = EVERYWHERE,
        help = "Use the daemon of this PM2 home [default: $PM2_HOME, else ~/.pm2]"
    )]
    pub home: Option<PathBuf>,

    /// Use the daemon at this address: the path of a socket, or tcp://HOST:PORT (PM2 before 0.12)
    #[arg(long, value_name = "ADDRESS", global = true, help_heading = EVERYWHERE)]
    pub daemon: Option<String>,

    /// Allow tcp:// to other machines too; the protocol has no authentication
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub allow_remote_tcp: bool,

    /// Refuse everything that changes something, on the screen too
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub read_only: bool,

    /// Answer yes to every question
    #[arg(long, short = 'y', global = true, help_heading = EVERYWHERE)]
    pub yes: bool,

    /// How long to watch a process after it was started, restarted or reloaded
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_settle,
        global = true,
        help_heading = EVERYWHERE,
        help = "How long to watch a process after a start, restart or reload before it counts as \
                up; 0 accepts the daemon's answer [default: the app's min_uptime, else 1s]"
    )]
    pub settle: Option<Duration>,

    /// Largest message accepted from the daemon, in MiB, 1 to 2048 [default: 256]
    #[arg(long, value_name = "MIB", value_parser = whole::<u32>(1, 2_048),
          global = true, help_heading = EVERYWHERE)]
    pub frame_mib: Option<u32>,

    /// Log to this file why connections end and which calls are refused; no process data
    #[arg(long, value_name = "FILE", global = true, help_heading = EVERYWHERE)]
    pub debug_log: Option<PathBuf>,

    /// How the screen is
    #[command(flatten)]
    pub screen: Screen,

    /// What to do instead of watching
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The command and all that follows, as it was typed: a JavaScript config sees it.
    #[arg(skip)]
    pub words: Vec<OsString>,
}

/// What else the program can do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// List the processes once
    #[command(visible_alias = "list")]
    Ls(Ls),
    /// List the methods that the daemon has, with their parameters
    Methods {
        /// Print a JSON array of `name`, `params` and `source`
        #[arg(long)]
        json: bool,
    },
    /// Call a method of the daemon and print its reply as JSON
    ///
    /// On a terminal it asks before a method that stops, deletes or starts a process, or affects
    /// several. Elsewhere, a method that stops or deletes all processes, or ends the daemon, needs
    /// --yes.
    Call(Call),
    /// Print the daemon's events, one line each, until interrupted
    ///
    /// Output of processes is printed in lines, joined from the chunks that the daemon sends; a
    /// line that does not end within a second is printed as it is, one over 1 MiB is cut and
    /// marked. Each lifecycle event is one line, under pm2-interface's topic (`process:exit`) or,
    /// if a PATTERN names it, under the daemon's own (`process:event`). An exit is printed with its
    /// code, and with its signal if the daemon's console named one; PM2 reports code 0 for a
    /// signal.
    ///
    /// Lost events are counted on standard error, with the total at the end; with --json also by a
    /// line with the topic `pm2-tui:lost` in their place (`lost` is null if the number is unknown).
    Events(Events),
    /// Restart processes with their current environment; with a file, as `start` does
    Restart(Restart),
    /// Stop processes
    Stop(Acted),
    /// Start stopped processes, or the apps of an ecosystem file
    ///
    /// A process that already has the name of an app in the file is restarted with the file's
    /// environment and settings, as `pm2 start FILE` does. A changed script, folder, log file, mode
    /// or number of instances takes effect only after a delete.
    Start(Start),
    /// Reload processes without downtime (cluster mode; a fork-mode process is restarted)
    Reload(Acted),
    /// Stop processes and remove them from PM2
    Delete(Acted),
    /// Send a message to processes
    Send {
        /// Id, name, namespace or `all`
        target: String,
        /// JSON (its `type` becomes the topic), else text; `-` reads it from standard input
        #[arg(allow_negative_numbers = true)]
        message: String,
    },
    /// Show everything known about processes, except the values of their environment variables
    #[command(visible_aliases = ["show", "info"])]
    Describe(Describe),
    /// Print the table of processes repeatedly, highest CPU first
    Top(Top),
    /// Change how many processes an app has
    ///
    /// New processes are started like the first one; surplus ones are deleted from the highest
    /// instance down, so that instance 0 stays. This is done one process at a time and ends with the
    /// first one that does not come up.
    Scale(Scale),
    /// Set the restart counts of processes to 0
    Reset(Targets),
    /// Empty the log files of processes; without a TARGET, those of all processes and the daemon
    Flush {
        /// Ids, names, namespaces or `all`
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
    },
    /// Save the list of processes for `resurrect`, as `pm2 save` does
    ///
    /// The file is the same as the pm2 CLI's, byte for byte, but it is replaced atomically. Only its
    /// owner can read a new one (the pm2 CLI lets everybody read it, with all environments in it); an
    /// existing one keeps its mode.
    #[command(visible_alias = "dump")]
    Save {
        /// Save even if there are no processes
        #[arg(long)]
        force: bool,
    },
    /// Start the saved processes that are missing, as `pm2 resurrect` does
    Resurrect,
    /// Send a signal to processes
    Signal(Signal),
    /// Write a line to the standard input of processes
    Stdin(Stdin),
    /// Turn restarting on file changes on or off
    Watch(WatchFiles),
    /// Print the logs of processes in order of time; with --follow, new lines too
    Logs(Logs),
    /// Say why processes died, from the daemon's log, the error logs and PM2's figures
    Why(Why),
    /// Collect what explains an incident in one .tar.gz: processes, deaths, events, ends of logs
    ///
    /// It holds the names of environment variables, not their values; log lines are included as they
    /// were written. Only its owner can read the file. An existing file is replaced only after a yes.
    Bundle(Bundle),
    /// Trigger an action that processes declare, and print their replies
    Trigger(Trigger),
    /// End the daemon and all its processes, as `pm2 kill` does
    Kill,
    /// Wait until processes have a status
    ///
    /// Ends at once, with exit code 1, where PM2 has given one up (errored) and neither its
    /// `cron_restart` nor its `watch` starts it again. One that is stopped is waited for until the time is
    /// over: somebody else may start it.
    Wait(Wait),
    /// Check conditions once; by default, that every process is online and none in a crash loop
    Check(Check),
    /// Print the annotated default configuration of the screen; check the user's, or say where it is
    Config(ConfigFile),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page, in roff
    Man,
    /// Watch a simulated daemon; needs no PM2 and touches nothing real
    Demo(Screen),
}

/// `call`.
#[derive(Debug, Clone, Args)]
pub struct Call {
    /// The method, as `pm2-tui methods` lists it
    pub method: String,
    /// Arguments: JSON where they parse as such, else text; `-` reads one from standard input.
    /// Without any, `{}` for a method that takes one object and ignores it
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
    /// Only events of these processes: id, name, namespace or `all`, also id:0, name:0, ns:jobs.
    /// Can be repeated
    #[arg(long = "process", value_name = "TARGET")]
    pub processes: Vec<String>,
    /// Print JSON lines: `topic`, `at`, `daemon`, `data`; `signal` of an exit if it is known, `cut`
    /// with the number of bytes that a line lost
    #[arg(long)]
    pub json: bool,
    /// Print output in the chunks that the daemon sends, not joined to lines
    #[arg(long)]
    pub chunks: bool,
    /// End after this many events
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1, u64::MAX), allow_negative_numbers = true)]
    pub count: Option<u64>,
    /// End after this time; with --count, exit code 4 if fewer came by then
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_span)]
    pub span: Option<Duration>,
    /// Run this command for each event instead of printing it: a program and its arguments, split
    /// at spaces and quoted as in a shell, though no shell runs it. It reads the event's JSON from
    /// standard input and has `PM2_TUI_TOPIC`, `PM2_TUI_PROCESS` and `PM2_TUI_PM_ID` in its
    /// environment.
    ///
    /// At most 4 run at once, those of one process one after another. Up to 100 events wait; any
    /// more are lost and counted. However it ends, the commands of waiting events are still run,
    /// for at most 60 s; a second Ctrl-C abandons them. Exit code 1 if a command failed, could not
    /// be started (its event is lost) or was abandoned
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

/// `wait`.
#[derive(Debug, Clone, Args)]
pub struct Wait {
    /// Id, name, namespace or `all`
    pub target: String,
    /// Status in PM2's words: online, stopped, errored .. Every process of the target must have it
    #[arg(long, value_name = "STATUS")]
    pub status: String,
    /// Require the status to hold this long without a restart
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_span)]
    pub span: Option<Duration>,
    /// When to give up, with exit code 4
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_span)]
    pub timeout: Duration,
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
    #[value(help = "PowerShell")]
    Powershell,
    /// Z shell
    Zsh,
}

impl Cli {
    /// Reads the command line of a program, its name first.
    ///
    /// # Errors
    /// A usage error, which prints itself and ends with code 2; or `--help` and the like.
    pub fn from_args(
        args: impl IntoIterator<Item: Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let mut command = Self::command();
        // Before clap complains of the options that come after it.
        let first = args.get(1).and_then(|word| word.to_str());
        if let Some(why) = first.and_then(|word| unknown_word(&command, word)) {
            return Err(command.error(ErrorKind::InvalidSubcommand, why));
        }
        let matches = command.try_get_matches_from_mut(args.iter())?;
        let mut cli = Self::from_arg_matches(&matches)?.checked(matches.subcommand_name())?;
        let is_command = |word: &OsString| {
            let name = word.to_str().and_then(|word| command.find_subcommand(word));
            name.map(clap::Command::get_name) == matches.subcommand_name()
        };
        cli.words = args.into_iter().skip(1).skip_while(|word| !is_command(word)).collect();
        Ok(cli)
    }

    /// The largest message accepted from the daemon, bytes.
    #[must_use]
    pub fn frame_bytes_max(&self) -> usize {
        self.frame_mib.unwrap_or(256) as usize * MIB
    }

    /// Checks what clap cannot: that only the screen takes several homes, and the options for it.
    fn checked(mut self, command: Option<&str>) -> Result<Self, clap::Error> {
        let refuse = |text: String| Err(Self::command().error(ErrorKind::ArgumentConflict, text));
        if let Some(Command::Demo(own)) = &self.command {
            self.screen = own.or(&self.screen);
        } else if let Some(Command::Config(what)) = &mut self.command {
            // Before the command it means the same.
            what.config = what.config.take().or_else(|| self.screen.config.take());
            if let Some(option) = self.screen.first() {
                return refuse(format!("{option} is for the screen, not for config"));
            }
        } else if let (Some(name), Some(option)) = (command, self.screen.first()) {
            return refuse(format!("{option} is for the screen, not for {name}"));
        } else {
            // The screen, or nothing of the screen.
        }
        let Some(first) = self.homes.first() else { return Ok(self) };
        let first = crate::protocol::shell::word(&first.to_string_lossy()).into_owned();
        if let Some(name) = command {
            let text = format!("a home before a command needs its option: --home {first} {name}");
            return refuse(text);
        }
        if self.home.is_some() || self.daemon.is_some() {
            return refuse(format!("--home and --daemon cannot be used with the home {first}"));
        }
        Ok(self)
    }
}

/// What is wrong with a word that is neither a command, an option nor a folder: it is probably mistyped.
fn unknown_word(command: &clap::Command, word: &str) -> Option<String> {
    let commands = command.get_subcommands();
    let names = commands.flat_map(|it| std::iter::once(it.get_name()).chain(it.get_all_aliases()));
    let names: Vec<&str> = names.chain(["help"]).collect();
    let is_path = word.contains('/') || std::path::Path::new(word).exists();
    let is_fine = word.starts_with('-') || is_path || names.contains(&word);
    (!is_fine).then(|| words::unknown(word, names.into_iter()))
}

fn parse_home(text: &str) -> Result<PathBuf, String> {
    unknown_word(&Cli::command(), text).map_or_else(|| Ok(text.into()), Err)
}

fn parse_words(text: &str) -> Result<Words, String> {
    let words = shlex::split(text).ok_or("a quote is not closed, or the text ends with \\")?;
    let mut words = words.into_iter();
    let program = words.next().filter(|program| !program.is_empty());
    let program = program.ok_or("a program is wanted, and perhaps arguments")?;
    Ok(Words { program, args: words.collect() })
}

#[cfg(test)]
mod tests;
