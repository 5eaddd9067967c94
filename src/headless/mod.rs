//! The commands without a screen, made for pipes and scripts.
//!
//! Invariant: what was asked for goes to standard output, everything else to standard error, one
//! line each; every command ends with one of the documented exit codes, and a pipe that its reader
//! closed ends it quietly. Foreign text is cleaned before it is printed for people, and escaped where
//! it is printed as JSON.

mod act;
mod ask;
mod audit;
mod bundle;
mod call;
mod check;
mod config;
mod describe;
mod documents;
mod ends;
mod events;
mod exec;
mod failure;
mod figures;
mod files;
mod list;
mod logs;
mod output;
mod reconnecting;
mod send;
mod start;
mod stop;
mod table;
mod targets;
mod tasks;
mod top;
mod trigger;
mod wait;
mod why;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

pub use failure::{Code, Failure};

use crate::cli::{Acted, Cli, Command, Restart};
use crate::client::{Client, ClientOptions};
use crate::daemon::clock;
use crate::daemon::endpoint::{Endpoint, EndpointError};
use crate::protocol::text::clean;

/// What a command may know of the world around it.
#[derive(Debug, Clone)]
pub struct Context {
    /// The daemon.
    pub endpoint: Endpoint,
    /// How to call it.
    pub options: ClientOptions,
    /// Whether the user was asked already: `--yes`.
    pub yes: bool,
    /// Whether standard output is a terminal.
    pub is_terminal: bool,
    /// Whether only ASCII may be printed.
    pub is_ascii: bool,
    /// Seconds that local time is ahead of UTC.
    pub utc_offset_s: i32,
    /// The command and all that follows, as it was typed.
    pub words: Vec<OsString>,
    /// Why everything that changes something is refused, where the configuration is the reason.
    pub refuses: Option<String>,
    /// Where what is done is noted, if the configuration wants that.
    book: Option<audit::Book>,
}

impl Context {
    /// The daemon's home, as it is said.
    fn home(&self) -> String {
        clean(&self.endpoint.home.to_string_lossy()).into_owned()
    }

    /// Connects; what cannot be reached is named, with the way out.
    async fn connect(&self) -> Result<Client, Failure> {
        self.connect_for(self.options.timeout).await
    }

    /// Connects for calls that may take so long.
    async fn connect_for(&self, timeout: Duration) -> Result<Client, Failure> {
        let options = ClientOptions { timeout, ..self.options };
        let client = Client::connect(&self.endpoint, options).await;
        client.map_err(|error| self.failure(error))
    }

    /// How JSON is printed: on a terminal for people, else for programs.
    fn json_style(&self) -> output::JsonStyle {
        let is_ascii = self.is_terminal && self.is_ascii;
        output::JsonStyle { is_pretty: self.is_terminal, is_ascii }
    }

    /// Why a command that was to listen so long has heard nothing.
    fn unreached(&self, span: Duration) -> Failure {
        let bus = clean(&self.endpoint.publish.to_string()).into_owned();
        let line =
            format!("no connection to {bus} in {} s: the daemon may be busy", span.as_secs_f64());
        Failure::Said(Code::NoDaemon, line)
    }

    /// What an error of the client means for the command.
    fn failure(&self, error: crate::client::ClientError) -> Failure {
        match error {
            crate::client::ClientError::ReadOnly { method } => self.read_only(&method),
            error => Failure::of_client(error, &self.endpoint),
        }
    }

    /// What a command that changes something says where everything that does is refused.
    fn read_only(&self, what: &str) -> Failure {
        let what = format!("{what} changes something, which");
        Failure::usage(match &self.refuses {
            Some(why) => format!("{what} the configuration refuses: not done; {why}"),
            None => format!("{what} --read-only refuses: not done"),
        })
    }
}

/// Runs the command of a command line that has one (other than `demo`), and returns the exit code.
/// Failures are said on standard error.
pub async fn run(cli: Cli) -> ExitCode {
    // Locked and block-buffered: whoever prints flushes.
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let wanted = if may_change(&cli) { configured(&cli).await } else { Wanted::default() };
    let (file, book) = wanted.audit.and_then(audit::begin).unzip();
    let result = match context(&cli, wanted.refuses) {
        Ok(context) => {
            let context = Context { book, ..context };
            dispatch(cli.command, &context, &mut out).await
        }
        Err(failure) => Err(failure),
    };
    if let Some(file) = file {
        file.close();
    }
    let flushed = out.flush().map_err(Failure::from);
    let code = match (result, flushed) {
        // Nobody reads on, but what was done has its outcome.
        (Ok(code), Ok(()) | Err(Failure::PipeClosed)) => Ok(code),
        (Ok(_), Err(failure)) | (Err(failure), _) => Err(failure),
    };
    let code = match code {
        Ok(code) => code,
        Err(failure) => {
            if let Some(line) = failure.line() {
                output::complain(&line);
            }
            failure.code()
        }
    };
    ExitCode::from(code as u8)
}

/// Whether a command may change something that a daemon has.
fn may_change(cli: &Cli) -> bool {
    matches!(
        cli.command,
        Some(
            Command::Call(_)
                | Command::Restart(_)
                | Command::Stop(_)
                | Command::Start(_)
                | Command::Reload(_)
                | Command::Delete(_)
                | Command::Send { .. }
                | Command::Trigger(_)
                | Command::Scale(_)
                | Command::Reset(_)
                | Command::Flush { .. }
                | Command::Save { .. }
                | Command::Resurrect
                | Command::Signal(_)
                | Command::Stdin(_)
                | Command::Watch(_)
                | Command::Kill
        )
    )
}

/// What the commands heed of the user's configuration.
#[derive(Debug, Default)]
struct Wanted {
    /// Why everything that changes something is refused, if it is.
    refuses: Option<String>,
    /// The audit file.
    audit: Option<PathBuf>,
}

async fn configured(cli: &Cli) -> Wanted {
    if cli.read_only {
        return Wanted::default();
    }
    let load = || crate::config::load(None, |name| std::env::var_os(name));
    let loaded = crate::daemon::offload::look(load).await;
    let loaded = loaded.unwrap_or_else(crate::config::Loaded::unanswered);
    Wanted { refuses: loaded.read_only(), audit: loaded.config.settings.audit }
}

async fn dispatch(
    command: Option<Command>,
    context: &Context,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    use crate::model::Action;
    // What changes something is done to its end, whoever reads of it.
    let acting = &mut output::Unheard(&mut *out);
    match command {
        Some(Command::Ls(what)) => list::run(context, &what, out).await,
        Some(Command::Methods { json }) => call::methods(context, json, out).await,
        Some(Command::Call(what)) => call::run(context, &what, out).await,
        Some(Command::Events(what)) => events::run(context, what, out).await,
        // As pm2: with the file's settings, and what does not run is started.
        Some(Command::Restart(Restart { who, only, env, json }))
            if files::are_configs(context, &who.targets).await? =>
        {
            let targets = who.targets;
            let what = crate::cli::Start { targets, only, env, strict: false, json };
            start::run(context, &what, acting).await
        }
        Some(Command::Restart(Restart { who, only, env, json })) => {
            act::run(context, Action::Restart, &Acted { who, only, env, json }, acting).await
        }
        Some(Command::Stop(who)) => act::run(context, Action::Stop, &who, acting).await,
        Some(Command::Start(what)) => start::run(context, &what, acting).await,
        Some(Command::Reload(who)) => act::run(context, Action::Reload, &who, acting).await,
        Some(Command::Delete(who)) => act::run(context, Action::Delete, &who, acting).await,
        Some(Command::Send { target, message }) => {
            send::run(context, &target, &message, acting).await
        }
        Some(Command::Trigger(what)) => trigger::run(context, &what, acting).await,
        Some(Command::Describe(what)) => describe::run(context, &what, out).await,
        Some(Command::Top(what)) => top::run(context, &what, out).await,
        Some(Command::Scale(what)) => tasks::scale(context, &what, acting).await,
        Some(Command::Reset(who)) => tasks::reset(context, &who.targets, acting).await,
        Some(Command::Flush { targets }) => tasks::flush(context, &targets, acting).await,
        Some(Command::Save { force }) => tasks::save(context, force, acting).await,
        Some(Command::Resurrect) => tasks::resurrect(context, acting).await,
        Some(Command::Signal(what)) => tasks::signal(context, &what, acting).await,
        Some(Command::Stdin(what)) => tasks::stdin(context, &what, acting).await,
        Some(Command::Watch(what)) => tasks::watch(context, &what, acting).await,
        Some(Command::Kill) => act::kill(context, acting).await,
        Some(Command::Wait(what)) => wait::run(context, &what, out).await,
        Some(Command::Logs(what)) => logs::run(context, &what, out).await,
        Some(Command::Why(what)) => why::run(context, &what, out).await,
        Some(Command::Bundle(what)) => bundle::run(context, &what, out).await,
        Some(Command::Check(what)) => check::run(context, &what, out).await,
        Some(Command::Config(what)) => config::run(&what, out).await,
        Some(Command::Completions { shell }) => documents::completions(shell, out),
        Some(Command::Man) => documents::man(out),
        Some(Command::Demo(_)) | None => Ok(Code::Fine),
    }
}

/// The path from the root: the daemon has another working folder.
fn whole(home: &Path) -> PathBuf {
    std::path::absolute(home).unwrap_or_else(|_| home.to_owned())
}

/// The daemon that the options name, else the environment.
///
/// # Errors
/// When nothing says where it is.
pub fn endpoint(cli: &Cli) -> Result<Endpoint, EndpointError> {
    let env = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    let endpoint = match (&cli.home, &cli.daemon) {
        (Some(home), None) => Endpoint::in_home(&whole(home)),
        (Some(home), Some(address)) => Endpoint::at(address, &whole(home))?,
        (None, Some(address)) => Endpoint::at(address, &Endpoint::from_env(env)?.home)?,
        (None, None) => Endpoint::from_env(env)?,
    };
    Ok(if cli.allow_remote_tcp { endpoint.with_remote_tcp() } else { endpoint })
}

fn context(cli: &Cli, refuses: Option<String>) -> Result<Context, Failure> {
    let endpoint = match &cli.command {
        // These speak to nobody.
        Some(Command::Completions { .. } | Command::Config(_) | Command::Man) => {
            Endpoint::in_home(Path::new("."))
        }
        _ => endpoint(cli).map_err(|error| Failure::usage(error.to_string()))?,
    };
    let options = ClientOptions {
        frame_bytes_max: cli.frame_bytes_max(),
        read_only: cli.read_only || refuses.is_some(),
        settle: cli.settle.into(),
        ..ClientOptions::default()
    };
    Ok(Context {
        endpoint,
        options,
        yes: cli.yes,
        is_terminal: io::stdout().is_terminal(),
        is_ascii: output::is_ascii(|name| std::env::var(name).ok()),
        utc_offset_s: clock::utc_offset_s(clock::now_ms()),
        words: cli.words.clone(),
        refuses,
        book: None,
    })
}
