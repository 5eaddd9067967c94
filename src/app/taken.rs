//! What became of a command while something was open.
//!
//! Invariant: plain data: `update` does what is wanted.

use super::command::Command;
use super::keymap::Keymap;
use super::log_end::LifeEnd;
use super::marks::Marked;
use super::menu::Item;
use super::mode::Mode;
use super::palette::{Facts, Scene};
use super::settings::OwnCommand;
use super::what::What;
use crate::model::call::NamedCall;
use crate::model::moment::Moment;
use crate::model::ready::Ready;
use crate::model::rows::Field;
use crate::model::watched::Watched;
use crate::model::{Action, DaemonId, ProcessKey, Target};

/// What an overlay has to know of the rest.
pub(super) struct Around<'a> {
    /// What is watched.
    pub(super) watched: &'a Watched,
    /// As of now.
    pub(super) now: Moment,
    /// Columns and rows of the terminal.
    pub(super) size: (u16, u16),
    /// The selected process.
    pub(super) selected: Option<ProcessKey>,
    /// Whether everything that changes something is refused.
    pub(super) is_read_only: bool,
    /// The commands of the user's own.
    pub(super) own: &'a [OwnCommand],
    /// Which keys mean what.
    pub(super) keys: &'a Keymap,
    /// What else is so, for what can be done.
    pub(super) facts: Facts,
}

impl<'a> Around<'a> {
    /// What the entries of the palette depend on.
    pub(super) fn scene(&self) -> Scene<'a> {
        Scene {
            watched: self.watched,
            keys: self.keys,
            selected: self.selected,
            is_read_only: self.is_read_only,
            own: self.own,
            facts: self.facts,
        }
    }
}

/// A place in the log.
#[derive(Debug, PartialEq)]
pub(super) enum LogPlace {
    /// Where a life of a process ended.
    End(ProcessKey, LifeEnd),
    /// Where an exception says this; `*` stands for what differs where the second is true.
    Occurrences(String, bool),
}

/// What became of a command.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    /// It is dealt with.
    Done,
    /// The overlay closes; what it covers comes back.
    Close,
    /// It means nothing here.
    Pass,
    /// What would have asked for a text is refused, for this reason.
    Unopened(String),
    /// This opens over it.
    Open(Mode),
    /// All overlays close, and this command is done as from the table.
    Do(Command),
    /// All overlays close, and the log is shown there.
    Log(LogPlace),
    /// All overlays close, and this is done to these processes.
    Act(Action, DaemonId, Vec<Target>),
    /// These columns are to be shown, or those that stand by themselves.
    Columns(Option<Vec<Field>>),
    /// All overlays close, and this is done to several processes.
    Several(What, Marked),
    /// The menu closes, and this is done to these, or asked for.
    Item(Item, Marked),
    /// The prompt closes, and this is asked about, or done to these.
    Ask(Marked, What),
    /// This text is to be copied.
    Copy(String),
    /// This command of the user's own is to be run.
    Run(Box<Ready>),
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
