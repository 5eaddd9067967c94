//! An incident bundle that was asked for here is written.

use super::{Applying, Change};
use crate::model::bundle::Written;
use crate::model::log::Severity;

impl Applying<'_> {
    /// Says what came of it.
    pub(super) fn bundled(&mut self, outcome: Result<Written, Box<str>>) {
        match &outcome {
            Ok(written) => self.say("bundle", Severity::Good, &written.words()),
            Err(why) => self.say("bundle", Severity::Bad, why),
        }
        self.changes.push(Change::Bundled(outcome));
    }
}
