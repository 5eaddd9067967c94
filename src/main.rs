//! The `pm2-tui` program: command line, hooks, run, exit code.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use pm2_tui::cli::{Cli, Command};
use pm2_tui::debug_log::DebugLog;
use pm2_tui::{headless, panic, session};
use tokio::runtime::Builder;

fn main() -> color_eyre::Result<ExitCode> {
    let cli = match Cli::from_args(std::env::args_os()) {
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
    if !matches!(cli.command, None | Some(Command::Demo(_))) {
        // `events` reads the bus on another thread while it waits for a slow pipe; who asks and
        // waits for the answer is done sooner without other threads.
        let mut runtime = match cli.command {
            Some(Command::Events(_)) => Builder::new_multi_thread(),
            _ => Builder::new_current_thread(),
        };
        let runtime = runtime.worker_threads(1).enable_all().build()?;
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
    panic::install_hooks()?;
    // One worker: a burst is decoded in turns of a millisecond, and the screen has the main thread. A
    // second one competes with the daemon and its apps for the machine's cores.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let result = runtime.block_on(session::run(cli));
    // The keyboard thread may still be reading; nothing is owed to it.
    runtime.shutdown_background();
    result
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
