//! Exceptions of a life that goes on.

use super::{BlackBox, EXCEPTION_MS, Thrown};
use crate::model::moment::Moment;
use crate::protocol::bus::ProcessEvent;
use crate::protocol::process::ExecMode;

impl BlackBox {
    /// Whether the cluster worker that an event is of has had an exception just now.
    pub(in crate::model) fn has_thrown(&self, event: &ProcessEvent, now: Moment) -> bool {
        let is_fresh = |thrown: &Thrown| now.steady_ms.saturating_sub(thrown.at_ms) <= EXCEPTION_MS;
        event.info.exec_mode == ExecMode::Cluster
            && self.life.exception.as_ref().is_some_and(is_fresh)
    }
}
