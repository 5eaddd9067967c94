//! What the configuration says of the screen beyond its size and speed: how safe it is to be, where
//! that matters most, and what is to be noticed.
//!
//! Invariant: plain values that were checked when they were read; nothing here reads a file.

use std::path::PathBuf;

use crate::model::rows::Filter;

/// What the screen is told once, at its start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// What is asked before it is done.
    pub confirm: Confirm,
    /// PM2 homes (absolute paths) and hosts where a mistake is dear: everything is asked there.
    pub production: Vec<Box<str>>,
    /// The file that a line of each action is appended to.
    pub audit: Option<PathBuf>,
    /// What marks a row.
    pub watches: Vec<Watch>,
    /// What is done when a process is errored.
    pub alert: Alert,
    /// Whether the mouse is listened to; `None` where the user did not say.
    pub mouse: Option<bool>,
    /// Whether the screen is for readers and recorders: no frames, changes as lines.
    pub is_plain: bool,
    /// Commands of the user's own.
    pub commands: Vec<OwnCommand>,
    /// What is wrong with the configuration, for the help.
    pub mistakes: Vec<String>,
}

/// A threshold: rows that are so for long enough are marked.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// Which rows.
    pub when: Filter,
    /// For how long, milliseconds; 0 at once.
    pub hold_ms: u64,
}

/// What is done when a process is errored; nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alert {
    /// Whether the terminal's bell is rung.
    pub bell: bool,
    /// How the terminal is asked to notify.
    pub notify: Notification,
    /// The program that is run, and its arguments; none where it is empty.
    pub run: Vec<String>,
}

/// By which sequence a terminal is asked to notify.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Notification {
    /// By none.
    #[default]
    Off,
    /// `OSC 9`: iTerm2, Windows Terminal, `WezTerm`, `ConEmu`.
    Osc9,
    /// `OSC 777`: rxvt-unicode, Ghostty, foot.
    Osc777,
}

/// A command of the user's own: a program that gets the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCommand {
    /// What it is called, cleaned.
    pub name: String,
    /// The program and its arguments.
    pub run: Vec<Word>,
    /// Whether it is asked about before.
    pub asks: bool,
    /// Whether it may change something: `--read-only` refuses it then.
    pub is_dangerous: bool,
    /// Whether Enter is waited for after its end, so that what it printed can be read.
    pub waits: bool,
}

impl OwnCommand {
    /// Whether an argument of it is something of one process.
    #[must_use]
    pub fn is_of_one(&self) -> bool {
        self.run.iter().any(|word| matches!(word, Word::Of(_)))
    }
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// As it was written.
    Text(String),
    /// Something of the selected process.
    Of(Of),
}

/// What of a process an argument can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Its name.
    Name,
    /// Its namespace.
    Namespace,
    /// PM2's id.
    PmId,
    /// The operating system's id.
    Pid,
    /// The folder that it runs in.
    Cwd,
    /// The file of its standard output.
    OutLog,
    /// The file of its standard error.
    ErrLog,
}

impl Of {
    /// All, as they are written.
    pub const WRITTEN: [(&'static str, Self); 7] = [
        ("{name}", Self::Name),
        ("{namespace}", Self::Namespace),
        ("{pm_id}", Self::PmId),
        ("{pid}", Self::Pid),
        ("{cwd}", Self::Cwd),
        ("{out_log}", Self::OutLog),
        ("{err_log}", Self::ErrLog),
    ];
}

/// Which actions are asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Confirm {
    /// What cannot be taken back, and what touches several.
    #[default]
    Destructive,
    /// Every action.
    Always,
    /// None, but for what is about a daemon or all that it runs, and the delete of several.
    Never,
}
