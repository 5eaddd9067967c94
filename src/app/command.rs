//! What a user can ask for: one table feeds the keymap, the footer and the help overlay. Those of the
//! log are in [`super::log_commands`].

use super::inspection_ask::Ask;
pub use super::log_command::LogCommand;
use super::pane::Pane;
use crate::model::Action;

/// A user's intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Do this to the selected process.
    Act(Action),
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line; in the log, follow again.
    Last,
    /// Focus the other pane.
    NextPane,
    /// Open the palette.
    Palette,
    /// Write a message to the selected process or its app.
    Compose,
    /// Show the details of the selected process, or the marked line of the log whole; in a list or
    /// prompt, take what stands there.
    Open,
    /// What the details alone know.
    Details(Ask),
    /// Type the filter of the table.
    Filter,
    /// Show only what is not well, or all.
    OnlyUnwell,
    /// To the next row that is not well.
    NextUnwell,
    /// To the previous one.
    PreviousUnwell,
    /// Sort by the column to the left.
    SortLeft,
    /// Sort by the column to the right.
    SortRight,
    /// Reverse the order.
    SortReverse,
    /// About the rows of the table.
    Rows(RowsCommand),
    /// Charts large, in one line, or none.
    Charts,
    /// The mouse on or off.
    Mouse,
    /// Show why the selected process died.
    Why,
    /// Show the exceptions, grouped.
    Exceptions,
    /// Write an incident bundle.
    Bundle,
    /// Of what is shown, the one before.
    Older,
    /// Of what is shown, the one after.
    Newer,
    /// In the log: show other lines, or go to one.
    Log(LogCommand),
    /// A command of the user's own, by its place in the configuration.
    Own(u8),
    /// One that is wrong, and so not run: says why.
    Refused(u8),
    /// Open or close the help.
    Help,
    /// Try to connect now.
    Reconnect,
    /// Draw everything anew.
    Redraw,
    /// Stop the program until `fg`.
    Suspend,
    /// Close what is open.
    Back,
    /// Yes, to a question.
    Yes,
    /// Only this one, to a question about several.
    This,
    /// No, to a question.
    No,
    /// End the program.
    Quit,
}

/// What a user can ask about the rows of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsCommand {
    /// Mark the selected one, or take its mark away.
    Mark,
    /// Mark all that are shown, or take all their marks away.
    MarkAll,
    /// Choose the columns of the table.
    Columns,
    /// All that can be done to what is selected or marked.
    Actions,
    /// Copy the pm2 CLI's command that the footer shows.
    CopyCommand,
    /// Show the daemon, its machine, and what would come back at boot.
    Daemon,
    /// Take back the last delete or stop.
    Undo,
    /// Show the rows as a tree, or not.
    Tree,
}

impl Command {
    /// Whether it only moves a selection or a view.
    #[must_use]
    pub fn is_movement(self) -> bool {
        matches!(
            self,
            Self::Up
                | Self::Down
                | Self::PageUp
                | Self::PageDown
                | Self::First
                | Self::Last
                | Self::Older
                | Self::Newer
        ) || matches!(self, Self::Log(command) if command.is_movement())
    }

    /// Whether it only opens something.
    pub(super) fn opens(self) -> bool {
        matches!(
            self,
            Self::Palette
                | Self::Filter
                | Self::Why
                | Self::Exceptions
                | Self::Help
                | Self::Rows(RowsCommand::Actions | RowsCommand::Columns | RowsCommand::Daemon)
        )
    }

    /// Whether it changes something in the world, or opens what does: a held key must not do that
    /// again and again.
    #[must_use]
    pub fn acts(self) -> bool {
        matches!(
            self,
            Self::Act(_)
                | Self::Compose
                | Self::Bundle
                | Self::Own(_)
                | Self::Rows(RowsCommand::Actions | RowsCommand::Undo)
        )
    }
}

/// A row of the command table.
#[derive(Debug, Clone, Copy)]
pub struct CommandRow {
    /// The intent.
    pub command: Command,
    /// Its keys, as help shows them, separated by spaces: `r`, `Ctrl-R`, `PgUp`, `↑`.
    pub keys: &'static str,
    /// One or two words for the footer.
    pub label: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
    /// Whether the footer shows it, and how early it leaves when the line is short: the highest
    /// number leaves first; `None` is not shown.
    pub footer: Option<u8>,
    /// The pane that its keys belong to; `None` for all.
    pub pane: Option<Pane>,
}

impl CommandRow {
    /// Whether its keys mean it in this pane.
    #[must_use]
    pub fn is_in(&self, pane: Pane) -> bool {
        self.pane.is_none_or(|own| own == pane)
    }
}

macro_rules! row {
    ($command:expr, $keys:literal, $label:literal, $help:literal, $footer:expr) => {
        row!($command, $keys, $label, $help, $footer, None)
    };
    ($command:expr, $keys:literal, $label:literal, $help:literal, $footer:expr, $pane:expr) => {
        CommandRow {
            command: $command,
            keys: $keys,
            label: $label,
            help: $help,
            footer: $footer,
            pane: $pane,
        }
    };
}

/// Keys of the table alone.
const TABLE: Option<Pane> = Some(Pane::Processes);

/// Every command but those of the log with its keys, in the order of the help. `Yes`, `This` and `No` are answers and have no row.
pub const COMMANDS: &[CommandRow] = &[
    row!(
        Command::Act(Action::Restart),
        "r",
        "restart",
        "Restart it with its current environment",
        Some(1)
    ),
    row!(Command::Act(Action::Stop), "s", "stop", "Stop it; it stays in PM2's list", Some(2)),
    row!(Command::Act(Action::Start), "a", "start", "Start it if it is stopped", Some(4)),
    row!(
        Command::Act(Action::Delete),
        "d",
        "delete",
        "Stop it and take it out of PM2's list; asks first",
        Some(3)
    ),
    row!(
        Command::Act(Action::Reload),
        "R",
        "reload",
        "Reload without downtime (a fork restarts); may ask",
        Some(6)
    ),
    row!(
        Command::Filter,
        "/",
        "filter",
        "In the table: filter while typing: api !jobs, status:errored or restarts>0, mem>300M",
        Some(7),
        TABLE
    ),
    row!(
        Command::OnlyUnwell,
        "!",
        "not well",
        "In the table: only errored, failed, looping, waiting, near a limit, not as saved",
        Some(9),
        TABLE
    ),
    row!(Command::NextUnwell, "e", "next not well", "To the next such row", None, TABLE),
    row!(
        Command::PreviousUnwell,
        "E",
        "previous not well",
        "To the previous such row",
        None,
        TABLE
    ),
    row!(Command::SortLeft, "<", "sort left", "Sort by the column to the left", None, TABLE),
    row!(Command::SortRight, ">", "sort right", "Sort by the column to the right", None, TABLE),
    row!(Command::SortReverse, "I", "reverse sort", "Reverse the order", None, TABLE),
    row!(
        Command::Rows(RowsCommand::Mark),
        "Space",
        "mark",
        "In the table: mark the selected process, or take its mark away; actions then mean the marked",
        Some(9),
        TABLE
    ),
    row!(
        Command::Rows(RowsCommand::MarkAll),
        "*",
        "mark all",
        "Mark all processes that are shown, or take their marks away",
        None,
        TABLE
    ),
    row!(
        Command::Rows(RowsCommand::Actions),
        "x",
        "actions",
        "All that can be done to the selected or marked: scale, signal, reset, watch, flush, save ..",
        Some(7),
        TABLE
    ),
    row!(
        Command::Rows(RowsCommand::Undo),
        "u",
        "undo",
        "Undo the last delete, scale down or stop of 10 minutes; asks first",
        None,
        TABLE
    ),
    row!(
        Command::Rows(RowsCommand::Tree),
        "t",
        "tree",
        "In the table: a tree of namespaces and apps; Enter, left and right fold; actions mean the group",
        None,
        TABLE
    ),
    row!(
        Command::Rows(RowsCommand::CopyCommand),
        "y",
        "copy command",
        "In the table: copy the pm2 command that the footer shows after an action",
        Some(4),
        TABLE
    ),
    row!(
        Command::Rows(RowsCommand::Daemon),
        "i",
        "daemon",
        "In the table: PM2 itself, its machine, and where the saved list differs from what runs",
        None,
        TABLE
    ),
    row!(
        Command::Rows(RowsCommand::Columns),
        "c",
        "columns",
        "Choose and order the columns of the table: pid, user, version, git, cron and others",
        None,
        TABLE
    ),
    row!(Command::Up, "↑ k", "up", "One line up in the pane with the focus", None),
    row!(Command::Down, "↓ j", "down", "One line down", None),
    row!(Command::PageUp, "PgUp", "page up", "One page up", None),
    row!(Command::PageDown, "PgDn", "page down", "One page down", None),
    row!(Command::First, "Home g", "first", "To the first line", None),
    row!(
        Command::Last,
        "End G",
        "last",
        "To the last line; in the log, follow new lines again",
        None
    ),
    row!(Command::NextPane, "Tab", "pane", "Move the focus between the table and the log", Some(5)),
    row!(
        Command::Open,
        "Enter",
        "details",
        "Details of the selected process; in the log: the whole marked line, JSON indented",
        Some(3)
    ),
    row!(
        Command::Why,
        "W",
        "why",
        "Why the selected process died: its last exits, each with its evidence",
        Some(5)
    ),
    row!(Command::Charts, "v", "charts", "Charts large, in one line, or none", None),
    row!(
        Command::Mouse,
        "M",
        "mouse",
        "The mouse on or off: off, the terminal itself selects text",
        None
    ),
    row!(
        Command::Exceptions,
        "X",
        "exceptions",
        "Exceptions grouped by message and place; Enter shows one whole",
        Some(10)
    ),
    row!(
        Command::Bundle,
        "B",
        "bundle",
        "Write an incident bundle (.tar.gz): processes, deaths, logs",
        None
    ),
    row!(Command::Older, "←", "older", "In why: the exit before; in the log: sideways", None),
    row!(Command::Newer, "→", "newer", "In why: the next exit; in the log: sideways", None),
    row!(Command::Older, "[", "fold", "In the tree: fold, as left does", None, TABLE),
    row!(Command::Newer, "]", "unfold", "In the tree: unfold, as right does", None, TABLE),
    row!(
        Command::Palette,
        ":",
        "palette",
        "Run any command, or call any method of the daemon, by name",
        Some(5)
    ),
    row!(
        Command::Compose,
        "m",
        "message",
        "In the table: send text or JSON to its code, or to all of its app",
        Some(8),
        TABLE
    ),
];

/// Those that stand last, behind those of the log.
pub const LAST_COMMANDS: &[CommandRow] = &[
    row!(Command::Reconnect, "Ctrl-R", "reconnect", "Reconnect, or poll now", None),
    row!(Command::Redraw, "Ctrl-L", "redraw", "Redraw the whole screen", None),
    row!(Command::Suspend, "Ctrl-Z", "suspend", "Suspend; fg in the shell resumes", None),
    row!(Command::Help, "?", "help", "Open or close this help", Some(0)),
    row!(
        Command::Back,
        "Esc",
        "back",
        "Close what is open; in the log: follow, then drop the search, the last filter, unzoom, leave",
        None
    ),
    row!(Command::Quit, "q Ctrl-C", "quit", "Quit", Some(0)),
];
