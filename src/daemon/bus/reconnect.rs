//! When a bus that is not connected is tried again.
//!
//! Invariant: pauses grow while nothing lasts, and begin anew after a connection that did.

use std::time::Duration;

use crate::daemon::rpc::backoff::Backoff;

/// The first and the longest pause of who keeps a bus, as in axon.
const KEPT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Those of an action: it waits for what comes of it for a second or so.
const ON_DEMAND: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));
/// A connection that lasted this long was a good one: the next try after it is a first one.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// The pauses between tries.
#[derive(Debug)]
pub(crate) struct Reconnect(Backoff);

impl Reconnect {
    /// For who keeps the bus, whether anything happens or not.
    pub(crate) fn kept() -> Self {
        Self::within(KEPT, 0)
    }

    /// For a call, as long as it takes.
    pub(crate) fn on_demand() -> Self {
        Self::within(ON_DEMAND, 0)
    }

    /// With other bounds: the first and the longest pause. Those with another number are not in step.
    pub(crate) fn within((first, longest): (Duration, Duration), number: u64) -> Self {
        let seed = u64::from(std::process::id()) << 32 | number;
        Self(Backoff::new(first, longest, seed))
    }

    /// The pause after a connection that lasted so long, or after none.
    pub(super) fn pause(&mut self, lasted: Option<Duration>) -> Duration {
        if lasted.is_some_and(|lasted| lasted >= GOOD_AFTER) {
            self.0.reset();
        }
        self.0.delay()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_begin_anew_after_a_good_connection_whatever_the_policy() {
        for (mut reconnect, (first, longest)) in
            [(Reconnect::kept(), KEPT), (Reconnect::on_demand(), ON_DEMAND)]
        {
            let mut last = Duration::ZERO;
            for _ in 0..20 {
                last = reconnect.pause(None);
            }
            assert!(last > longest / 2 && last <= longest, "{last:?}");
            assert!(reconnect.pause(Some(GOOD_AFTER / 2)) > first, "it was no good one");
            assert!(reconnect.pause(Some(GOOD_AFTER)) <= first);
        }
    }
}
