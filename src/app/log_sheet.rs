//! What opens over the log: which processes are muted.
//!
//! Invariant: plain data; nothing here acts on a process.

use super::command::{Command, LogCommand};
use super::log_toggles;
use super::mode::Mode;
use super::state::App;
use super::taken::scrolled;
use crate::logs::Owner;

/// Rows that a page in a list goes.
const PAGE: usize = 8;

/// What is open over the log.
#[derive(Debug, Clone, PartialEq)]
pub enum LogSheet {
    /// The muted processes.
    Muted {
        /// Which of them is chosen, from 0.
        chosen: usize,
    },
}

/// A command while it is open.
pub(super) fn take(app: &mut App, command: Command) {
    let Mode::LogSheet(sheet) = &mut app.mode else { return };
    app.is_dirty = true;
    match (&mut **sheet, command) {
        (_, Command::Back) => app.close(),
        (LogSheet::Muted { chosen }, Command::Open) => {
            let at = (*chosen).min(app.log_view.muted().count().saturating_sub(1));
            let owner: Option<Owner> = app.log_view.muted().nth(at).cloned();
            if let Some(owner) = owner {
                app.log_view.set_muted(owner, false);
            }
            if app.log_view.muted().next().is_none() {
                app.close();
            }
        }
        (LogSheet::Muted { .. }, Command::Log(LogCommand::Mute)) => {
            app.close();
            log_toggles::mute_marked(app);
        }
        (LogSheet::Muted { chosen }, command) => {
            let last = app.log_view.muted().count().saturating_sub(1);
            *chosen = scrolled(*chosen, last, PAGE, command);
        }
    }
}
