//! Why something closed by itself, in as many words as there is room for.
//!
//! Invariant: why it closed, and that nothing was sent, is said in each form; what is left out first is
//! what is seen without it.

use super::notice::Notice;

/// What closed by itself, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closed {
    /// What was open.
    name: Box<str>,
    /// Whom it was about, where its name does not say it, and why.
    why: Box<str>,
    /// What became of what was typed: `; nothing was sent`.
    sent: &'static str,
}

impl Closed {
    pub(super) fn new(name: &str, why: &str, sent: &'static str) -> Self {
        Self { name: name.into(), why: why.into(), sent }
    }

    /// Says it, with what else is to be said; the line may be short.
    pub(super) fn notice(&self, besides: &str, steady_ms: i64) -> Notice {
        let Self { name, why, sent } = self;
        let long = format!("closed {name}: {why}{sent}");
        let brief = format!("closed: {why}{sent}");
        // Its end is cut where even that is too long.
        let least = format!("closed{sent}: {why}");
        if besides.is_empty() {
            return Notice::new(long, true, steady_ms).or(brief).or(least);
        }
        Notice::new(format!("{long}; {besides}"), true, steady_ms)
            .or(format!("{brief}; {besides}"))
            .or(brief)
            .or(least)
    }
}
