//! What is remembered of a process that was chosen and went: see `cursor`.

use super::command::Command;
use crate::model::{DaemonId, Target};

/// The cursor is on what the user did not choose.
#[derive(Debug, Clone)]
pub(super) struct Unchosen {
    /// What was chosen, in words.
    pub(super) gone: Box<str>,
    /// Whether those were several.
    pub(super) was_many: bool,
    /// Who would be the same again, where that was one process: its daemon, it, and since when it is gone.
    pub(super) wanted: Option<(DaemonId, Target, i64)>,
    /// The key that said so.
    pub(super) pressed: Option<Command>,
}

impl Unchosen {
    pub(super) fn of(gone: impl Into<Box<str>>) -> Self {
        Self { gone: gone.into(), was_many: false, wanted: None, pressed: None }
    }
}
