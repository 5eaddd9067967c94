//! The keys of the details, beside those that mean the same everywhere.

use super::command::{Command, CommandRow};
pub use super::inspection_ask::Ask;

const fn row(
    ask: Ask,
    keys: &'static str,
    label: &'static str,
    help: &'static str,
    footer: Option<u8>,
) -> CommandRow {
    CommandRow { command: Command::Details(ask), keys, label, help, footer, pane: None }
}

/// The keys. They come before those of the table of all commands.
pub const DETAILS: &[CommandRow] = &[
    row(Ask::Next, "Tab →", "next tab", "In the details: the next tab", Some(0)),
    row(Ask::Previous, "←", "previous tab", "In the details: the tab before", None),
    row(
        Ask::Tab(0),
        "1 2 3 4 5 6",
        "tab",
        "In the details: overview, charts, metrics, actions, environment, raw JSON",
        None,
    ),
    row(Ask::Longer, "+ =", "longer", "In the details: charts of 5, 15, 60 minutes", None),
    row(Ask::Shorter, "-", "shorter", "In the details: charts of 15, 5 minutes, 1 minute", None),
    row(
        Ask::Copy,
        "y",
        "copy value",
        "In the details: copy what is chosen; the value of a variable after a question",
        None,
    ),
    row(Ask::CopyAll, "Y", "copy all", "In the details: copy all of the tab, masked", None),
    row(
        Ask::Search,
        "/",
        "search",
        "In the details: search the names of the environment; elsewhere the raw JSON",
        None,
    ),
    row(Ask::NextHit, "n", "next hit", "There: to the next hit", None),
    row(Ask::PreviousHit, "N", "previous hit", "There: to the hit before", None),
];
