//! What opens over the log: an entry whole, the muted processes.
//!
//! Invariant: plain data; nothing here acts on a process.

use super::command::{Command, LogCommand};
use super::editor::Editor;
use super::effect::Effects;
use super::geometry::line_inside;
use super::log_entry::{self, Entry};
use super::mode::Mode;
use super::state::App;
use super::taken::scrolled;
use super::{log_copy, log_toggles};
use crate::logs::Owner;

/// Rows that a page in a list goes.
const PAGE: usize = 8;

/// What is open over the log.
#[derive(Debug, Clone, PartialEq)]
pub enum LogSheet {
    /// An entry whole.
    Entry(Box<Entry>),
    /// The muted processes.
    Muted {
        /// Which of them is chosen, from 0.
        chosen: usize,
    },
}

impl LogSheet {
    /// Whether letters are text rather than commands.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        matches!(self, Self::Entry(entry) if entry.typing.is_some())
    }

    /// Whether it asks a question that `y` answers.
    #[must_use]
    pub fn is_question(&self) -> bool {
        false
    }

    /// The line that is typed into, if there is one.
    pub(super) fn input(&mut self) -> Option<&mut Editor> {
        match self {
            Self::Entry(entry) => entry.typing.as_mut(),
            Self::Muted { .. } => None,
        }
    }
}

/// Takes in what was typed, while it is.
pub(super) fn typed(app: &mut App) {
    let inside = line_inside(app.size);
    if let Mode::LogSheet(sheet) = &mut app.mode
        && let LogSheet::Entry(entry) = sheet
    {
        entry.typed(inside);
    }
}

/// A command while it is open.
pub(super) fn take(app: &mut App, command: Command) -> Effects {
    let inside = line_inside(app.size);
    let Mode::LogSheet(sheet) = &mut app.mode else { return Effects::none() };
    app.is_dirty = true;
    match sheet {
        LogSheet::Entry(entry) => match entry.take(inside, command) {
            log_entry::Taken::Done => {}
            log_entry::Taken::Close => app.close(),
            log_entry::Taken::Copy => {
                let text = entry.text();
                return log_copy::copy(app, "the entry", &text);
            }
        },
        LogSheet::Muted { chosen } => {
            let chosen = *chosen;
            take_muted(app, chosen, command);
        }
    }
    Effects::none()
}

fn take_muted(app: &mut App, chosen: usize, command: Command) {
    let last = app.log_view.muted().count().saturating_sub(1);
    match command {
        Command::Back => app.close(),
        Command::Open => {
            let owner: Option<Owner> = app.log_view.muted().nth(chosen.min(last)).cloned();
            if let Some(owner) = owner {
                app.log_view.set_muted(owner, false);
            }
            if app.log_view.muted().next().is_none() {
                app.close();
            }
        }
        Command::Log(LogCommand::Mute) => {
            app.close();
            log_toggles::mute_marked(app);
        }
        command => {
            let chosen = scrolled(chosen, last, PAGE, command);
            app.mode = Mode::LogSheet(LogSheet::Muted { chosen });
        }
    }
}
