//! A message that is under way, to one process or to several.
//!
//! Invariant: it ends with its last answer.

use crate::model::DaemonId;

/// What is being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// What, and to whom: `the message to api[0]`.
    pub(super) title: String,
    /// The daemons whose answer is waited for, each once for each message.
    pub(super) left: Vec<DaemonId>,
    /// How many messages there are.
    pub(super) all: usize,
    /// How many processes were reached so far.
    pub(super) reached: u64,
    /// Why the first that failed did.
    pub(super) why: Option<String>,
}

impl Sending {
    /// How far it is, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let done = self.all.saturating_sub(self.left.len());
        if self.all > 1 {
            format!("sending {} {done} of {}", self.title, self.all)
        } else {
            format!("sending {} ..", self.title)
        }
    }
}
