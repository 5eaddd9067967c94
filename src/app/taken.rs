//! What an overlay makes of a command, and what is wanted of `update` then.

use super::command::Command;
use super::mode::Mode;
use crate::model::call::NamedCall;
use crate::model::{Action, DaemonId, Target};

/// What became of a command.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    /// It is dealt with.
    Done,
    /// The overlay closes; what it covers comes back.
    Close,
    /// It means nothing here.
    Pass,
    /// This opens over it.
    Open(Mode),
    /// All overlays close, and this command is done as from the table.
    Do(Command),
    /// All overlays close, and this is done to these processes.
    Act(Action, DaemonId, Vec<Target>),
    /// This call is to be sent.
    Send {
        /// Of which daemon.
        daemon: DaemonId,
        /// Which.
        call: NamedCall,
        /// Whether the user said yes to it.
        is_confirmed: bool,
    },
}

/// A place in a list after a movement.
pub(super) fn scrolled(at: usize, last: usize, page: usize, command: Command) -> usize {
    match command {
        Command::Up => at.saturating_sub(1),
        Command::Down => at + 1,
        Command::PageUp => at.saturating_sub(page.max(1)),
        Command::PageDown => at + page.max(1),
        Command::First => 0,
        Command::Last => last,
        _ => at,
    }
    .min(last)
}
