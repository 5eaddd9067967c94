//! Why something closed by itself, or did not open, in as many words as there is room for.
//!
//! Invariant: whose it was, why it closed, and that nothing was sent, is said in each form; what is left out
//! first is what is seen without it. Text that is typed for a prompt which is not there is told to be such.

use super::notice::{About, Notice};

/// What closed by itself or did not open, and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Closed {
    /// All of it.
    long: String,
    /// Without what it is called, with whose it was.
    brief: String,
    /// The same, with that first which must not be cut.
    least: String,
    /// When it is so no more.
    about: About,
}

impl Closed {
    /// What is called `name` closed because of `why`, which befell `whom` (nobody, where it befell the
    /// daemon); `sent` says what became of what was typed.
    pub(super) fn new(name: &str, (whom, why): (&str, &str), sent: &str) -> Self {
        let whose = |is_said: bool| if is_said { String::new() } else { format!("{whom}: ") };
        let long = format!("closed {name}: {}{why}{sent}", whose(name.contains(whom)));
        let whose = whose(why.contains(whom));
        Self {
            long,
            brief: format!("closed: {whose}{why}{sent}"),
            // Its end is cut where even that is too long.
            least: format!("closed{sent}: {whose}{why}"),
            about: About::Nothing,
        }
    }

    /// It did not open, for what this says.
    pub(super) fn unopened(notice: &Notice) -> Self {
        let long = notice.text.clone();
        let brief = notice.shorter.first().unwrap_or(&long).clone();
        let least = notice.shorter.last().unwrap_or(&long).clone();
        Self { long, brief, least, about: notice.about.clone() }
    }

    /// Whether it is about this.
    pub(super) fn is_about(&self, about: &About) -> bool {
        self.about == *about
    }

    /// Says it, with what else is to be said; the line may be short.
    pub(super) fn notice(&self, besides: &str, steady_ms: i64) -> Notice {
        let Self { long, brief, least, about } = self.clone();
        let notice = if besides.is_empty() {
            Notice::new(long, true, steady_ms).or(brief).or(least)
        } else {
            Notice::new(format!("{long}; {besides}"), true, steady_ms)
                .or(format!("{brief}; {besides}"))
                .or(brief)
                .or(least)
        };
        notice.about(about)
    }
}
