//! When the screen changes by time alone.
//!
//! Invariant: no tick without a visible change: an idle program sleeps.

use super::App;
use crate::model::daemon::Connection;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

impl App {
    /// When the next [`super::message::Message::Clock`] is due, milliseconds since 1970; `None`
    /// while nothing on the screen counts time.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<i64> {
        let notice = self.notice.as_ref().map(|notice| notice.until_ms);
        let retries = self.daemons.iter().filter_map(|daemon| match daemon.connection {
            Connection::Down { retry_at_ms, .. } => countdown(self.now_ms, retry_at_ms),
            Connection::Connecting | Connection::Live => None,
        });
        let restarts = self
            .fleet
            .iter()
            .filter_map(|(_, process)| countdown(self.now_ms, process.restarts_at_ms?));
        let uptimes = self.fleet.iter().filter(|(_, process)| process.is_online()).filter_map(
            |(_, process)| Some(next_uptime(self.now_ms, process.info.online_since_ms?)),
        );
        notice.into_iter().chain(retries).chain(restarts).chain(uptimes).min()
    }
}

/// The next full second of a countdown to `until_ms`.
fn countdown(now_ms: i64, until_ms: i64) -> Option<i64> {
    let left = until_ms.saturating_sub(now_ms);
    (left > 0).then(|| now_ms + (left - 1).rem_euclid(SECOND_MS) + 1)
}

/// When the uptime's text changes: each second in the first minute, each minute on the first day,
/// each hour from then on.
fn next_uptime(now_ms: i64, since_ms: i64) -> i64 {
    let up = now_ms.saturating_sub(since_ms).max(0);
    let step = match up {
        ..MINUTE_MS => SECOND_MS,
        MINUTE_MS..DAY_MS => MINUTE_MS,
        _ => HOUR_MS,
    };
    now_ms + step - up.rem_euclid(step)
}
