//! What can cover the screen.

use super::help::Help;
use super::inspection;
use super::log_sheet::LogSheet;
use super::log_view::LogInput;
use super::palette::Palette;
use super::prompt::{Arguments, Compose};
use super::rows::Typing;
use super::sheet::Sheet;
use crate::model::call::NamedCall;
use crate::model::death::LifeNumber;
use crate::model::ready::Ready;
use crate::model::{Action, DaemonId, ProcessKey, Target};
use crate::protocol::process::PmId;

/// What covers the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// Nothing.
    Normal,
    /// The help overlay.
    Help(Box<Help>),
    /// A question to be answered with `y` or `n`.
    Confirm {
        /// What will be done.
        action: Action,
        /// On which daemon.
        daemon: DaemonId,
        /// To which process, as it was when the question came up.
        target: Target,
    },
    /// Whether all workers of an app are to be reloaded (`y`), or only one of them (`t`).
    ConfirmReload {
        /// On which daemon.
        daemon: DaemonId,
        /// The one.
        target: Target,
        /// All of the app, with the one.
        all: Vec<Target>,
    },
    /// The same, for a method called by name.
    ConfirmCall {
        /// Of which daemon.
        daemon: DaemonId,
        /// What will be called.
        call: NamedCall,
    },
    /// The same, for a command of the user's own.
    Own(Box<Ready>),
    /// Why a process died.
    Why {
        /// Which process.
        key: ProcessKey,
        /// Which of its ends.
        life: LifeNumber,
        /// First row shown.
        top: usize,
    },
    /// The details of a process.
    Details(Box<inspection::Sheet>),
    /// Exceptions, grouped.
    Exceptions {
        /// The number of the chosen group; `None` for the one that was seen last.
        chosen: Option<u64>,
    },
    /// One group of exceptions.
    Exception {
        /// Its number.
        number: u64,
        /// First row shown.
        top: usize,
    },
    /// The palette.
    Palette(Palette),
    /// The arguments of a method are asked for.
    Arguments(Arguments),
    /// A message to a process is written.
    Compose(Compose),
    /// The filter of the table is typed; it covers nothing.
    Filter(Typing),
    /// About rows of the table.
    Sheet(Box<Sheet>),
    /// A search or a filter of the log is typed; it covers nothing.
    LogInput(LogInput),
    /// Something about the log.
    LogSheet(LogSheet),
}

impl Mode {
    /// Whether letters are text rather than commands.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        match self {
            Self::Sheet(sheet) => sheet.takes_text(),
            Self::LogSheet(sheet) => sheet.takes_text(),
            Self::Palette(_)
            | Self::Arguments(_)
            | Self::Compose(_)
            | Self::Filter(_)
            | Self::LogInput(_) => true,
            Self::Details(sheet) => sheet.prompt.is_some(),
            Self::Help(help) => help.is_typing,
            _ => false,
        }
    }

    /// Whether it covers the panes.
    #[must_use]
    pub fn covers(&self) -> bool {
        !matches!(self, Self::Normal | Self::Filter(_) | Self::LogInput(_))
    }

    /// Whether it asks a question whose answer acts.
    #[must_use]
    pub fn is_question(&self) -> bool {
        match self {
            Self::Sheet(sheet) => sheet.is_question(),
            Self::LogSheet(sheet) => sheet.is_question(),
            mode => matches!(
                mode,
                Self::Confirm { .. }
                    | Self::ConfirmReload { .. }
                    | Self::ConfirmCall { .. }
                    | Self::Own(_)
            ),
        }
    }

    /// Whether it is a list of actions in which letters act.
    #[must_use]
    pub fn is_menu(&self) -> bool {
        matches!(self, Self::Sheet(sheet) if matches!(**sheet, Sheet::Menu(_)))
    }

    /// Whether it waits for something that would be sent: an answer, a word, a text.
    #[must_use]
    pub fn would_send(&self) -> bool {
        match self {
            Self::Sheet(sheet) => sheet.would_send(),
            Self::Arguments(_) | Self::Compose(_) => true,
            mode => mode.is_question() && !matches!(mode, Self::LogSheet(_)),
        }
    }

    /// Whether it would act on or speak to this daemon, or a process of it.
    #[must_use]
    pub fn is_about(&self, id: DaemonId, pm_id: Option<PmId>) -> bool {
        if let Self::Sheet(sheet) = self {
            return sheet.is_about(id, pm_id);
        }
        if let Self::Compose(compose) = self {
            let mut targets = compose.targets();
            return targets.any(|(daemon, target)| {
                daemon == id && pm_id.is_none_or(|pm_id| target.pm_id == pm_id)
            });
        }
        let is_it = |target: &Target| pm_id.is_none_or(|pm_id| target.pm_id == pm_id);
        self.about().is_some_and(|(daemon, targets)| {
            daemon == id && (pm_id.is_none() || targets.into_iter().any(is_it))
        })
    }

    /// What it would act on or speak to: the daemon, and the processes that it was opened for; of a
    /// sheet, it says so itself.
    #[must_use]
    pub fn about(&self) -> Option<(DaemonId, Vec<&Target>)> {
        match self {
            Self::Normal
            | Self::Help { .. }
            | Self::Exceptions { .. }
            | Self::Exception { .. }
            | Self::Palette(_)
            | Self::Sheet(_)
            | Self::Why { .. }
            | Self::Filter(_)
            | Self::LogSheet(_)
            | Self::LogInput(_) => None,
            Self::Confirm { daemon, target, .. } => Some((*daemon, vec![target])),
            Self::Own(ready) => Some((ready.daemon, ready.target.iter().collect())),
            Self::ConfirmReload { daemon, all, .. } => Some((*daemon, all.iter().collect())),
            Self::ConfirmCall { daemon, call } => Some((*daemon, call.targets.iter().collect())),
            Self::Arguments(arguments) => {
                Some((arguments.daemon, arguments.target.iter().collect()))
            }
            Self::Compose(compose) => Some((compose.daemon, vec![&compose.target])),
            Self::Details(sheet) => Some((sheet.daemon, vec![&sheet.target])),
        }
    }

    /// What it is called in a notice: `delete api[0]`, `the message to api[0]`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Confirm { action, target, .. } => {
                format!("{} {}", action.verb(), target.label())
            }
            Self::ConfirmReload { target, .. } => format!("reload {}", target.label()),
            Self::ConfirmCall { call, .. } => call.method.to_string(),
            Self::Own(ready) => ready.name.clone(),
            Self::Arguments(arguments) => arguments.method.to_string(),
            Self::Compose(compose) if compose.others.is_empty() => {
                format!("the message to {}", compose.target.label())
            }
            Self::Compose(compose) => {
                format!("the message to {} processes", compose.others.len() + 1)
            }
            Self::Sheet(sheet) => sheet.name(),
            Self::Details(sheet) => format!("the details of {}", sheet.target.label()),
            Self::Normal
            | Self::Help { .. }
            | Self::Exceptions { .. }
            | Self::Exception { .. }
            | Self::Palette(_)
            | Self::Why { .. }
            | Self::Filter(_)
            | Self::LogSheet(_)
            | Self::LogInput(_) => String::new(),
        }
    }
}
