//! Panics: the terminal first, then the report, then the end of the program.
//!
//! Invariant: a panic in any thread or task ends the program, also while the terminal does not read; a
//! task that died silently would leave a screen that lies. The hook ends it, so that it does not matter
//! whether the build unwinds (tests) or not (releases: a quarter less code to hold in memory).

use std::io::{self, Write};

use color_eyre::config::HookBuilder;

use crate::terminal;

/// The exit code after a panic: that of a Rust program whose main thread panicked.
const PANICKED: i32 = 101;

/// Installs color-eyre's reports, and around them the restoring of the terminal and the end.
///
/// # Errors
/// When a hook was installed already.
#[expect(clippy::disallowed_methods, reason = "a thread that panicked has nobody to return to")]
pub fn install_hooks() -> color_eyre::Result<()> {
    let (panics, errors) = HookBuilder::default().try_into_hooks()?;
    errors.install()?;
    std::panic::set_hook(Box::new(move |panic| {
        terminal::restore_now();
        let report = panics.panic_report(panic).to_string();
        // It goes to the terminal, too, and that may not read.
        terminal::write_within_leave_wait(move || {
            let _ = writeln!(io::stderr(), "{report}");
        });
        std::process::exit(PANICKED);
    }));
    Ok(())
}

/// Panics in a task when `PM2_TUI_TEST_PANIC` is set: a test looks at what is left of the terminal.
/// `1`: after the first frame; `SIGUSR2`: when that comes.
///
/// # Panics
/// Only in that task.
#[cfg(feature = "testing")]
#[expect(clippy::panic, reason = "it is what the test asks for")]
pub fn if_asked_for() {
    use tokio::signal::unix::{SignalKind, signal};
    let Some(when) = std::env::var_os("PM2_TUI_TEST_PANIC") else { return };
    let Ok(mut asked) = signal(SignalKind::user_defined2()) else { return };
    tokio::spawn(async move {
        if when == "SIGUSR2" {
            asked.recv().await;
        } else {
            // After the first frame, so that there is something to restore.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
        panic!("PM2_TUI_TEST_PANIC is set");
    });
}
