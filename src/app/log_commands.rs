//! The commands of the log with their keys, and the table of all commands.

use super::command::{COMMANDS, Command, CommandRow, LAST_COMMANDS};
use super::log_command::LogCommand;
use super::pane::Pane;
use crate::logs::Stream;

/// Keys of the log alone.
const LOG: Option<Pane> = Some(Pane::Log);

const fn row(
    command: LogCommand,
    keys: &'static str,
    label: &'static str,
    help: &'static str,
    footer: Option<u8>,
    pane: Option<Pane>,
) -> CommandRow {
    CommandRow { command: Command::Log(command), keys, label, help, footer, pane }
}

/// Every command with its keys, in the order of the help.
pub fn all() -> impl Iterator<Item = &'static CommandRow> {
    COMMANDS.iter().chain(LOG_COMMANDS).chain(LAST_COMMANDS)
}

/// Those of the log.
pub const LOG_COMMANDS: &[CommandRow] = &[
    row(
        LogCommand::OfProcess,
        "l",
        "log of one",
        "Show the log of the selected process alone; in the log, that of the marked line's",
        None,
        None,
    ),
    row(
        LogCommand::OfApp,
        "L",
        "log of app",
        "Show the log of its app; again: of its namespace",
        None,
        None,
    ),
    row(
        LogCommand::OfAll,
        "0",
        "log of all",
        "Show the log of all again, with what was cleared",
        None,
        None,
    ),
    row(
        LogCommand::Zoom,
        "z",
        "zoom",
        "Give the pane in front the whole screen, or take it back",
        None,
        None,
    ),
    row(
        LogCommand::Search,
        "/",
        "search",
        "In the log: search while you type, a regular expression or words; capitals count if typed",
        Some(2),
        LOG,
    ),
    row(LogCommand::NextMatch, "n", "next match", "In the log: to the next line found", None, LOG),
    row(LogCommand::PreviousMatch, "N", "previous match", "To the line found before", None, LOG),
    row(
        LogCommand::Filter,
        "&",
        "filter",
        "In the log: show only lines that match, with ! first those that do not; filters add up",
        Some(5),
        LOG,
    ),
    row(
        LogCommand::OnlyErrors,
        "!",
        "only errors",
        "In the log: show only errors and what happened, or all",
        None,
        LOG,
    ),
    row(
        LogCommand::NextError,
        "e",
        "next error",
        "In the log: to the next error or exception",
        None,
        LOG,
    ),
    row(LogCommand::PreviousError, "E", "previous error", "To the error before", Some(6), LOG),
    row(
        LogCommand::NextTurn,
        "]",
        "next exit",
        "In the log: to the next exit or restart",
        None,
        LOG,
    ),
    row(LogCommand::PreviousTurn, "[", "previous exit", "To the exit or restart before", None, LOG),
    CommandRow {
        command: Command::PageDown,
        keys: "Space",
        label: "page down",
        help: "In the log: one page down",
        footer: None,
        pane: LOG,
    },
    row(
        LogCommand::Follow,
        "f",
        "follow",
        "In the log: follow the newest line, or stop where you are",
        None,
        LOG,
    ),
    row(
        LogCommand::Time,
        "t",
        "time",
        "In the log: times as clock, with date, from the marked line on, none; ~ is estimated",
        Some(8),
        LOG,
    ),
    row(
        LogCommand::Wrap,
        "w",
        "wrap",
        "In the log: wrap long lines; else left and right scroll sideways",
        Some(8),
        LOG,
    ),
    row(
        LogCommand::Json,
        "J",
        "JSON",
        "In the log: JSON lines as words, or every line as it was written",
        None,
        LOG,
    ),
    row(
        LogCommand::Shows(Stream::Out),
        "1",
        "out",
        "In the log: show standard output, or not",
        None,
        LOG,
    ),
    row(
        LogCommand::Shows(Stream::Err),
        "2",
        "err",
        "In the log: show standard error, or not",
        None,
        LOG,
    ),
    row(
        LogCommand::Shows(Stream::Events),
        "3",
        "events",
        "In the log: show what happened and messages, or not",
        None,
        LOG,
    ),
    row(
        LogCommand::Shows(Stream::Pm2),
        "4",
        "PM2's own",
        "In the log: show what only PM2's own log says, or not",
        None,
        LOG,
    ),
    row(
        LogCommand::LessLevels,
        "+",
        "fewer levels",
        "In the log: raise the least level that is shown",
        None,
        LOG,
    ),
    row(LogCommand::MoreLevels, "-", "more levels", "In the log: lower it", None, LOG),
    row(
        LogCommand::Mute,
        "#",
        "mute",
        "In the log: mute the process of the marked line; again: list the muted ones",
        None,
        LOG,
    ),
    row(
        LogCommand::Clear,
        "C",
        "clear",
        "In the log: show only what comes from now on; 0 brings the rest back; files stay as they are",
        None,
        LOG,
    ),
    row(
        LogCommand::Mark,
        "m",
        "mark",
        "In the log: mark the line, or take its mark away",
        Some(8),
        LOG,
    ),
    row(LogCommand::NextMark, "'", "next mark", "In the log: to the next marked line", None, LOG),
    row(
        LogCommand::GoToTime,
        "T",
        "go to time",
        "In the log: to a time: 14:05, -10m, yesterday 23:00, 2026-11-28 03:12",
        None,
        LOG,
    ),
    row(
        LogCommand::Copy,
        "y",
        "copy",
        "In the log: copy the entry (by the terminal, OSC 52)",
        Some(7),
        LOG,
    ),
    row(
        LogCommand::CopyMany,
        "Y",
        "copy several",
        "In the log: copy the marked entries, or those in sight",
        None,
        LOG,
    ),
];
