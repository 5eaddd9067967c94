//! The panes of the screen.

/// A pane that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The process table.
    Processes,
    /// Events and logs.
    Log,
}
