//! The `pm2-tui` program: command line, hooks, run, exit code.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use pm2_tui::cli::{Cli, Command};
use pm2_tui::debug_log::DebugLog;
use pm2_tui::{headless, panic, session};
use rustix::process::Signal;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long a thread for calls that block waits for the next one: each that waits takes memory.
const KEPT_ALIVE: Duration = Duration::from_secs(2);

fn main() -> color_eyre::Result<ExitCode> {
    let cli = match command_line() {
        Ok(cli) => cli,
        Err(said) => return Ok(say(&said)),
    };
    // Kept to the end of the program.
    let _log = match cli.debug_log.as_deref().map(|path| (path, DebugLog::start(path))) {
        Some((path, Err(error))) => {
            let _ = writeln!(io::stderr(), "pm2-tui: --debug-log {}: {error}", path.display());
            return Ok(ExitCode::from(2));
        }
        Some((_, Ok(log))) => Some(log),
        None => None,
    };
    panic::install_hooks()?;
    if !matches!(cli.command, None | Some(Command::Demo(_))) {
        // Who follows reads the bus on another thread while it waits for a slow pipe, and hears there that it
        // is to end; who asks and waits for the answer is done sooner without other threads.
        let follows = match &cli.command {
            Some(Command::Events(_)) => true,
            Some(Command::Logs(logs)) => logs.follow,
            _ => false,
        };
        if follows {
            return Ok(beside_its_tasks(headless::run(cli))?);
        }
        let runtime = runtime()?;
        let code = runtime.block_on(headless::run(cli));
        runtime.shutdown_background();
        return Ok(code);
    }
    if !io::stdout().is_terminal() {
        // Nothing can be done about a standard error that is closed.
        let _ = writeln!(
            io::stderr(),
            "pm2-tui: standard output is not a terminal, and the screen needs one. Over SSH, use: ssh -t HOST pm2-tui. {}",
            session::WITHOUT_A_SCREEN
        );
        return Ok(ExitCode::from(2));
    }
    beside_its_tasks(session::run(cli))?
}

/// Reads the command line, on a thread of its own: clap builds every command of the program for it,
/// and what that takes (400 KB with glibc) is used again by the next thread, `tasks`. On this thread
/// it would lie idle for as long as the screen is up.
fn command_line() -> Result<Cli, clap::Error> {
    let read = || Cli::from_args(std::env::args_os());
    match thread::Builder::new().name("command-line".to_owned()).spawn(read) {
        Ok(reading) => reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(_) => read(),
    }
}

/// A runtime of one thread.
fn runtime() -> io::Result<Runtime> {
    let runtime =
        Builder::new_current_thread().enable_all().thread_keep_alive(KEPT_ALIVE).build()?;
    let entered = runtime.enter();
    // With a handler, what is written past the limit of a file's size is an error that is told; else the
    // signal ends the program. The handler stays.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
    drop(entered);
    Ok(runtime)
}

/// Runs a future on this thread, and the tasks that it spawns on one other: a burst is decoded in
/// turns of a millisecond while the screen draws. More threads would compete with the daemon and its
/// apps for the machine's cores; a scheduler for many is code that one does not need.
fn beside_its_tasks<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = runtime()?;
    let handle = runtime.handle().clone();
    let (ended, end) = oneshot::channel::<()>();
    thread::Builder::new().name("tasks".to_owned()).spawn(move || {
        let _ = runtime.block_on(end);
        // What is under way (a read of the keyboard, a file on a disk that hangs) ends with the
        // program; nothing is owed to it.
        runtime.shutdown_background();
    })?;
    let output = handle.block_on(future);
    drop(ended);
    Ok(output)
}

/// Prints what clap has to say: help, the version, or what is wrong with the command line.
fn say(said: &clap::Error) -> ExitCode {
    let printed = said.print().and_then(|()| io::stdout().flush());
    match printed {
        Err(error) if !said.use_stderr() && error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "pm2-tui: cannot write the output: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(2)),
    }
}
