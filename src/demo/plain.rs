//! What stands in the place of `script` and `damage` in a program that nobody tests: nothing goes
//! wrong, nothing is counted.

use serde_json::Value as Json;

use super::frames::reply_frame;
use super::peer::{Outgoing, ReplyTo};

/// There is none.
#[derive(Debug)]
pub(super) enum Fault {}

impl Fault {
    pub(super) fn refusal(&self) -> Option<&str> {
        match *self {}
    }
}

/// Counts nothing.
#[derive(Debug, Default)]
pub(super) struct Record(());

#[expect(clippy::unused_self, reason = "the one that tests have counts here")]
impl Record {
    pub(super) fn take_fault(&self, _method: &str) -> Option<Fault> {
        None
    }

    pub(super) fn called(&self, _method: &str, _args: Json) {}

    pub(super) fn bad_call(&self) {}

    pub(super) fn rpc_opened(&self) {}

    pub(super) fn rpc_closed(&self) {}

    pub(super) fn bus_opened(&self) {}

    pub(super) fn bus_closed(&self) {}

    pub(super) fn queued(&self, _bytes: usize, _overflows: bool) {}

    pub(super) fn taken(&self) {}
}

/// Sends the reply to a call.
pub(super) fn deliver(to: ReplyTo, body: &Json) {
    let ReplyTo { connection, id, fault: None } = to;
    connection.send(Outgoing::Now(reply_frame(&id, body)));
}
