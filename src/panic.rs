//! Panics: the terminal first, then the report, then the end of the program.
//!
//! Invariant: a panic in any thread or task ends the program; a task that died silently would leave
//! a screen that lies.

use std::sync::OnceLock;

use tokio::sync::Notify;

use crate::terminal;

static HAPPENED: OnceLock<Notify> = OnceLock::new();

fn notify() -> &'static Notify {
    HAPPENED.get_or_init(Notify::new)
}

/// Waits until something panicked. Cancel-safe.
pub async fn happened() {
    notify().notified().await;
}

/// Installs color-eyre's reports, and before them the restoring of the terminal.
///
/// # Errors
/// When a hook was installed already.
pub fn install_hooks() -> color_eyre::Result<()> {
    color_eyre::install()?;
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        terminal::restore_now();
        report(panic);
        notify().notify_one();
    }));
    Ok(())
}

/// Panics in a task when `PM2_TUI_TEST_PANIC` is set: a test looks at what is left of the terminal.
///
/// # Panics
/// Only in that task.
#[expect(clippy::panic, reason = "it is what the test asks for")]
pub fn if_asked_for() {
    if std::env::var_os("PM2_TUI_TEST_PANIC").is_some() {
        tokio::spawn(async {
            // After the first frame, so that there is something to restore.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            panic!("PM2_TUI_TEST_PANIC is set");
        });
    }
}
