//! What a user can ask the log for.

use crate::logs::Stream;

/// What a user can ask the log for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogCommand {
    /// Show the lines of one process alone.
    OfProcess,
    /// Show those of its app.
    OfApp,
    /// Show all.
    OfAll,
    /// Search.
    Search,
    /// Go to the next line found.
    NextMatch,
    /// Go to the one before.
    PreviousMatch,
    /// Show only lines that match.
    Filter,
    /// Show only errors and what happened, or all levels.
    OnlyErrors,
    /// Go to the next error.
    NextError,
    /// Go to the one before.
    PreviousError,
    /// Go to the next exit or restart.
    NextTurn,
    /// Go to the one before.
    PreviousTurn,
    /// Give the pane in front the whole screen, or take it back.
    Zoom,
    /// Show times another way.
    Time,
    /// Wrap lines, or cut them.
    Wrap,
    /// Show JSON as words, or as it is.
    Json,
    /// Show this stream, or not.
    Shows(Stream),
    /// Show fewer levels.
    LessLevels,
    /// Show more levels.
    MoreLevels,
    /// Do not show the process of the marked line; where some are not shown, list them.
    Mute,
    /// Show only what comes from now on.
    Clear,
    /// Follow the newest line, or stop.
    Follow,
    /// Mark the line, or take its mark away.
    Mark,
    /// Go to the next marked line.
    NextMark,
    /// Go to a time.
    GoToTime,
    /// Copy the entry.
    Copy,
    /// Copy the marked lines, or those in sight.
    CopyMany,
    /// Save what is shown to a file.
    Save,
    /// Open the log file in a pager.
    Pager,
    /// Show how many lines there are over time.
    Histogram,
}

impl LogCommand {
    /// Whether it only moves the view.
    #[must_use]
    pub fn is_movement(self) -> bool {
        use LogCommand::{NextError, NextMark, NextMatch, NextTurn};
        use LogCommand::{PreviousError, PreviousMatch, PreviousTurn};
        matches!(
            self,
            NextMatch
                | PreviousMatch
                | NextError
                | PreviousError
                | NextTurn
                | PreviousTurn
                | NextMark
        )
    }
}
