//! What is remembered of a process that was chosen and went: see `cursor`.

use super::command::Command;

/// The cursor is on what the user did not choose.
#[derive(Debug, Clone)]
pub(super) struct Unchosen {
    /// What was chosen, in words.
    pub(super) gone: Box<str>,
    /// Whether those were several.
    pub(super) was_many: bool,
    /// The key that said so.
    pub(super) pressed: Option<Command>,
}

impl Unchosen {
    pub(super) fn of(gone: impl Into<Box<str>>) -> Self {
        Self { gone: gone.into(), was_many: false, pressed: None }
    }
}
