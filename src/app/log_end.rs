//! The end of a life, to be found in the log.

/// When and how a life ended, as far as its exit and its last words in the log are found by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LifeEnd {
    /// When it began, milliseconds since 1970.
    pub(super) started_ms: Option<i64>,
    pub(super) ended_ms: i64,
    /// Whether that is exact: the daemon's own log has whole seconds.
    pub(super) is_exact: bool,
    /// When the life after it ended.
    pub(super) next_ended_ms: Option<i64>,
    /// How many lives after it ended in the same second.
    pub(super) later: usize,
    /// What it said last that says why.
    pub(super) said: Option<Box<str>>,
}
