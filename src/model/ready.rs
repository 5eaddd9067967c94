//! A command of the user's own that is ready to be run.

use super::{DaemonId, Target};

/// A program with its arguments, and whom it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// What it is called, cleaned.
    pub name: String,
    /// The program and its arguments, as they are passed: no shell splits them.
    pub words: Vec<String>,
    /// The daemon that is meant.
    pub daemon: DaemonId,
    /// The process that the arguments are of; `None` where they are of none.
    pub target: Option<Target>,
    /// Whether Enter is waited for after its end.
    pub waits: bool,
}

/// What came of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// What it is called, cleaned.
    pub name: String,
    /// The process that its arguments were of.
    pub target: Option<Target>,
    /// How it ended, cleaned: `ended: exit status: 0`.
    pub end: String,
    /// Whether it succeeded.
    pub is_success: bool,
}
