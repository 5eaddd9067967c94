//! How something that is done is said, so that each [`Verdict`](super::Verdict) has one set of words.

use std::borrow::Cow;

use super::Action;

/// How something that is done is said; verb and participle go before whom it is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The word in the kind column of the event log, at most nine columns: `flush`.
    pub word: &'static str,
    /// `restart`, `flush the logs of`.
    pub verb: Cow<'static, str>,
    /// `restarted`, `flushed the logs of`.
    pub done: Cow<'static, str>,
    /// After whom it was done to: `restarted`, `logs flushed`.
    pub short: Cow<'static, str>,
    /// How it is where it was so before: `online already`.
    pub already: Cow<'static, str>,
}

impl Deed {
    /// These words; already so: "so already".
    #[must_use]
    pub const fn new(
        word: &'static str,
        verb: &'static str,
        done: &'static str,
        short: &'static str,
    ) -> Self {
        let (verb, done, short) = (Cow::Borrowed(verb), Cow::Borrowed(done), Cow::Borrowed(short));
        Self { word, verb, done, short, already: Cow::Borrowed("so already") }
    }

    /// With how it is where it was so before.
    #[must_use]
    pub fn already(self, already: &'static str) -> Self {
        Self { already: Cow::Borrowed(already), ..self }
    }

    /// A call of a method by its name, for a process.
    #[must_use]
    pub fn call(method: &str) -> Self {
        Self {
            verb: Cow::Owned(format!("call {method} for")),
            done: Cow::Owned(format!("called {method} for")),
            ..Self::new("call", "call", "called", "called")
        }
    }

    /// Starting again what was saved or deleted.
    #[must_use]
    pub fn restore() -> Self {
        Self::new("restore", "restore", "restored", "restored").already("there already")
    }
}

impl From<Action> for Deed {
    fn from(action: Action) -> Self {
        let done = action.participle();
        let already = if action == Action::Stop { "stopped already" } else { "online already" };
        Self::new(action.verb(), action.verb(), done, done).already(already)
    }
}

impl From<&Deed> for Deed {
    fn from(deed: &Deed) -> Self {
        deed.clone()
    }
}
