//! What opens over the table about its rows: the question before several are acted on, what came of
//! it, the menu of actions and what that asks for, the columns.
//!
//! Invariant: plain data; `sheet_keys` changes it.

use super::ask::Ask;
use super::editor::Editor;
use super::ended::Ended;
use super::geometry::{COLUMNS_MIN, overlay};
use super::menu::Menu;
use super::picker::Picker;
use super::several::Several;
use super::what::{What, Whole};
use crate::model::{DaemonId, Target};
use crate::protocol::process::PmId;

/// What is open.
#[derive(Debug, Clone, PartialEq)]
pub enum Sheet {
    /// Whether several are to be acted on.
    Several(Several),
    /// What came of it, scrolled down by so many lines.
    Ended(Ended, usize),
    /// All that can be done.
    Menu(Menu),
    /// What the menu has to ask for.
    Ask(Ask),
    /// The columns of the table.
    Columns(Picker),
    /// What is known of a daemon, scrolled down by so many lines.
    Daemon(DaemonId, usize),
}

impl Sheet {
    /// Whether letters are text rather than commands.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        match self {
            Self::Several(several) => several.word.is_some(),
            Self::Ask(_) => true,
            Self::Ended(..) | Self::Menu(_) | Self::Columns(_) | Self::Daemon(..) => false,
        }
    }

    /// Whether it asks a question that `y` answers.
    #[must_use]
    pub fn is_question(&self) -> bool {
        matches!(self, Self::Several(several) if several.word.is_none())
    }

    /// Whether it waits for an answer, a word or a text, and then has something sent.
    #[must_use]
    pub fn would_send(&self) -> bool {
        matches!(self, Self::Several(_) | Self::Ask(_))
    }

    /// Whether it says that what it tells of can be undone.
    pub(super) fn offers_undo(&self) -> bool {
        matches!(self, Self::Ended(ended, _) if ended.can_undo)
    }

    /// The processes that it would act on.
    #[must_use]
    pub fn about(&self) -> &[(DaemonId, Target)] {
        match self {
            Self::Several(several) => &several.marked.targets,
            Self::Menu(menu) => &menu.marked.targets,
            Self::Ask(ask) => &ask.marked.targets,
            Self::Ended(..) | Self::Columns(_) | Self::Daemon(..) => &[],
        }
    }

    /// Whether it would act on this daemon, or on that process of it.
    #[must_use]
    pub fn is_about(&self, id: DaemonId, pm_id: Option<PmId>) -> bool {
        // The newcomers that took its processes' place are not those that were asked about.
        let is_end = matches!(
            self,
            Self::Several(Several { what: What::Whole(Whole::Kill, daemon), .. }) if *daemon == id
        );
        let of_daemon = match self {
            Self::Several(Several { what: What::Whole(_, daemon), .. }) => Some(*daemon),
            Self::Several(Several { what: What::Restore { kept, .. }, .. }) => {
                kept.iter().map(|(daemon, _)| *daemon).find(|daemon| *daemon == id)
            }
            Self::Menu(menu) => Some(menu.daemon),
            _ => None,
        };
        let is_it = |target: &Target| pm_id.is_none_or(|pm_id| target.pm_id == pm_id);
        is_end
            || (pm_id.is_none() && of_daemon == Some(id))
            || self.about().iter().any(|(daemon, target)| *daemon == id && is_it(target))
    }

    /// What it is called in a notice.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Several(several) => several.what.title(&several.marked),
            Self::Menu(menu) => format!("the menu of {}", menu.whom()),
            Self::Ask(ask) => ask.title(),
            Self::Ended(..) | Self::Columns(_) | Self::Daemon(..) => String::new(),
        }
    }

    /// The line that is typed into, if there is one.
    pub(super) fn input(&mut self) -> Option<&mut Editor> {
        match self {
            Self::Several(several) if several.word.is_some() => Some(&mut several.input),
            Self::Ask(ask) => {
                ask.at = None;
                Some(&mut ask.input)
            }
            Self::Several(_)
            | Self::Ended(..)
            | Self::Menu(_)
            | Self::Columns(_)
            | Self::Daemon(..) => None,
        }
    }
}

/// The widest text.
const COLUMNS_MAX: u16 = 84;

/// Columns and rows for the text of a sheet, at most, on a terminal of this size.
#[must_use]
pub fn room(size: (u16, u16)) -> (u16, u16) {
    let columns = size.0.saturating_sub(2).clamp(1, COLUMNS_MAX.max(COLUMNS_MIN));
    let text = overlay(size, columns, size.1).text;
    (text.columns.max(1), text.rows.max(1))
}
