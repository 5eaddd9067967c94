//! The `pm2-tui` program: command line, hooks, run, exit code.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use pm2_tui::cli::{Cli, Command};
use pm2_tui::{headless, panic, session};

fn main() -> color_eyre::Result<ExitCode> {
    let cli = Cli::from_args(std::env::args_os()).unwrap_or_else(|error| error.exit());
    // Two workers: one can decode a burst while the other acts; the screen, or whoever waits for a
    // slow pipe, has the main thread.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all();
    if !matches!(cli.command, None | Some(Command::Demo(_))) {
        let runtime = runtime.build()?;
        let code = runtime.block_on(headless::run(cli));
        runtime.shutdown_background();
        return Ok(code);
    }
    if !io::stdout().is_terminal() {
        // Nothing can be done about a standard error that is closed.
        let _ = writeln!(
            io::stderr(),
            "pm2-tui: standard output is no terminal; it draws a screen. Run it in a terminal, over SSH with: ssh -t HOST pm2-tui"
        );
        return Ok(ExitCode::from(2));
    }
    panic::install_hooks()?;
    let runtime = runtime.build()?;
    let result = runtime.block_on(session::run(cli));
    // The keyboard thread may still be reading; nothing is owed to it.
    runtime.shutdown_background();
    result
}
