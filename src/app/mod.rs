//! What the user is doing: selection, panes, questions, notices; and the pure update.
//!
//! Invariant: `update` is synchronous and reads no clock (time arrives in messages), knows neither
//! tokio nor ratatui, and asks for effects instead of performing them.

pub mod command;
pub mod editor;
pub mod effect;
pub mod gate;
pub mod geometry;
pub mod keymap;
pub mod message;
mod navigate;
mod overlay;
pub mod palette;
pub mod prompt;
mod report;
mod tick;
mod update;

pub use navigate::marked;
pub use update::update;

use self::palette::Palette;
use self::prompt::{Arguments, Compose};
use crate::model::call::NamedCall;
use crate::model::daemon::Daemon;
use crate::model::fleet::Fleet;
use crate::model::log::{LogBuffer, LogLine};
use crate::model::{Action, DaemonId, ProcessKey};

/// The whole state of the screen.
#[derive(Debug)]
pub struct App {
    /// The watched daemons; `DaemonId` is the index.
    pub daemons: Vec<Daemon>,
    /// All processes.
    pub fleet: Fleet,
    /// Event log.
    pub log: LogBuffer,
    /// Milliseconds since 1970, as of the last message.
    pub now_ms: i64,
    /// Seconds that local time is ahead of UTC.
    pub utc_offset_s: i32,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Which pane the arrow keys move in.
    pub focus: Pane,
    /// What covers the screen.
    pub mode: Mode,
    /// The selected process; `None` only while there is none.
    pub selected: Option<ProcessKey>,
    /// First table row shown.
    pub table_top: usize,
    /// Number of the first log line shown; `None` while following.
    pub log_top: Option<u64>,
    /// Number of the marked log line; `None` for the last one in sight.
    pub log_mark: Option<u64>,
    /// The last thing worth saying, in the footer.
    pub notice: Option<Notice>,
    /// Whether a simulated daemon is watched.
    pub is_demo: bool,
    /// Whether everything that changes something is refused.
    pub read_only: bool,
    /// Whether something changed that a frame would show.
    pub is_dirty: bool,
    /// Daemons whose next snapshot is the first since they connected.
    fresh: Vec<DaemonId>,
}

/// A pane that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The process table.
    Processes,
    /// Events and logs.
    Log,
}

/// What covers the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// Nothing.
    Normal,
    /// The help overlay, scrolled down by so many lines.
    Help {
        /// First line shown.
        top: u16,
    },
    /// A question to be answered with `y` or `n`.
    Confirm {
        /// What will be done.
        action: Action,
        /// To which process.
        key: ProcessKey,
    },
    /// The same, for a method called by name.
    ConfirmCall {
        /// Of which daemon.
        daemon: DaemonId,
        /// What will be called.
        call: NamedCall,
    },
    /// A line of the log shown whole, as it was when it was opened, scrolled down by so many rows.
    Line {
        /// The line.
        line: Box<LogLine>,
        /// First row shown.
        top: usize,
    },
    /// The palette.
    Palette(Palette),
    /// The arguments of a method are asked for.
    Arguments(Arguments),
    /// A message to a process is written.
    Compose(Compose),
}

impl Mode {
    /// Whether letters are text rather than commands.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        matches!(self, Self::Palette(_) | Self::Arguments(_) | Self::Compose(_))
    }
}

impl Mode {
    /// Whether something is asked that a key answers.
    #[must_use]
    pub fn is_question(&self) -> bool {
        matches!(self, Self::Confirm { .. } | Self::ConfirmCall { .. })
    }
}

/// A one-line result in the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub text: String,
    /// Whether it went wrong.
    pub is_bad: bool,
    /// When it leaves, milliseconds since 1970.
    pub until_ms: i64,
}

impl App {
    /// An app that watches these daemons and knows nothing of them yet.
    #[must_use]
    pub fn new(daemons: Vec<Daemon>, now_ms: i64, utc_offset_s: i32, size: (u16, u16)) -> Self {
        Self {
            daemons,
            fleet: Fleet::default(),
            log: LogBuffer::default(),
            now_ms,
            utc_offset_s,
            size,
            focus: Pane::Processes,
            mode: Mode::Normal,
            selected: None,
            table_top: 0,
            log_top: None,
            log_mark: None,
            notice: None,
            is_demo: false,
            read_only: false,
            is_dirty: true,
            fresh: Vec::new(),
        }
    }

    /// A daemon by its key.
    #[must_use]
    pub fn daemon(&self, id: DaemonId) -> Option<&Daemon> {
        self.daemons.get(usize::from(id.0))
    }

    /// How a process is named on the screen: `api[0]`; with its daemon's label before it where
    /// several are watched.
    #[must_use]
    pub fn display_name(&self, key: ProcessKey) -> String {
        let name = self.fleet.get(key).map_or("process ", |process| &*process.info.name);
        match self.daemon(key.daemon) {
            Some(daemon) if self.daemons.len() > 1 => {
                format!("{}:{name}[{}]", daemon.label, key.pm_id)
            }
            _ => format!("{name}[{}]", key.pm_id),
        }
    }

    /// The rows of the table, in order.
    #[must_use]
    pub fn rows(&self) -> Vec<ProcessKey> {
        self.fleet.iter().map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests;
